package rule

import (
	"fmt"
	"strings"
	"testing"
)

// What the lists hold is what Decode takes, and nothing beside it.
func TestVocabularies(t *testing.T) {
	for key, words := range map[string][]string{"kind": Kinds(), "origin": Origins(), "status": Statuses(), "domain": Domains()} {
		if len(words) == 0 {
			t.Errorf("%s has no words", key)
		}
		for _, w := range append(words, "no-such-word") {
			_, list := Decode("x.yaml", []byte(fmt.Sprintf("%s: %s\n", key, w)))
			refused := false
			for _, d := range list {
				refused = refused || d.Code == "bad-value" && strings.HasPrefix(d.Msg, key+" is ")
			}
			if refused != (w == "no-such-word") {
				t.Errorf("%s: %s: refused %v", key, w, refused)
			}
		}
		words[0] = "changed"
	}
	if Kinds()[0] != "fuse" {
		t.Error("a caller can change the vocabulary")
	}
}

func TestIsID(t *testing.T) {
	for s, want := range map[string]bool{"a": true, "a-b2": true, "": false, "-a": false, "a-": false, "a--b": false, "2a": false, "A": false, "a_b": false,
		strings.Repeat("a", 80): true, strings.Repeat("a", 81): false} {
		if IsID(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
