package diag

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

func TestExpecting(t *testing.T) {
	_, err := os.Stat("no-such-file")
	got := Expecting(err, "a trace")
	if want := "no-such-file: no such file or directory, expected a trace"; got.Error() != want || !errors.Is(got, fs.ErrNotExist) {
		t.Errorf("%v, want %s", got, want)
	}
	other := errors.New("x")
	if Expecting(other, "a trace") != other || Expecting(nil, "a trace") != nil {
		t.Error("another error was changed")
	}
}
