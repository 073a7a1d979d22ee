package kineto

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/sgrules/sgrules/internal/realtrace"
)

// realTraces are recordings that stand beside the checkout and not in it.
func realTraces(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob("../../../shared/traces/*.json.gz")
	if len(files) == 0 {
		t.Skip("SKIPPED: no real traces: ../shared/traces is not beside the repository")
	}
	return files
}

func TestRealGPUTime(t *testing.T) {
	for _, f := range realTraces(t) {
		name := trimTrace(filepath.Base(f))
		t.Run(name, func(t *testing.T) {
			tr, err := Open(context.Background(), f, Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			for _, a := range tr.Activities {
				sum += a.Dur
			}
			if want, ok := realtrace.GPUTime()[name]; ok && sum != want {
				t.Errorf("GPU time %d ns, want %d", sum, want)
			}
		})
	}
}

func trimTrace(s string) string {
	for _, suffix := range []string{".gz", ".json", ".trace", ".pt"} {
		if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
			s = s[:len(s)-len(suffix)]
		}
	}
	return s
}
