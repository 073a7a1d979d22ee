package catalog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestEverythingWrong compiles a folder in which everything is wrong and holds the whole output:
// every error at once, each with its line, column, caret and hint.
func TestEverythingWrong(t *testing.T) {
	dir := filepath.Join("testdata", "wrong")
	res, list := Compile(os.DirFS(dir), Options{Prefix: "references", Rules: os.DirFS(filepath.Join(dir, "rules")), RulesPrefix: "rules"})
	if len(res.Rules)+len(res.References) > 0 {
		t.Error("something was generated beside errors")
	}
	var b bytes.Buffer
	if err := list.Print(&b, res.Source, 0); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "wrong.golden")
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("differs from %s; run with -update and read the difference\n%s", file, b.String())
	}
}
