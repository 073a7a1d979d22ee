package tracebuild

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

var update = flag.Bool("update", false, "write testdata/golden/traces anew from the specs")

const golden = "../../testdata/golden"

// TestGoldenTraces builds every description under testdata/golden/specs and holds it
// against the trace that is checked in. Files beside the descriptions are copied.
func TestGoldenTraces(t *testing.T) {
	specs, traces := filepath.Join(golden, "specs"), filepath.Join(golden, "traces")
	want := map[string][]byte{} // by path below traces, uncompressed
	err := filepath.WalkDir(specs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(specs, path)
		name, isSpec := strings.CutSuffix(rel, ".yaml")
		if !isSpec {
			want[rel], err = os.ReadFile(path)
			return err
		}
		s, err := Load(path)
		if err != nil {
			t.Error(err)
			return nil
		}
		name += ".json"
		if s.Write.Gzip {
			name += ".gz"
		}
		want[name], err = Build(s, s.Write)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 15 {
		t.Fatalf("only %d files under %s", len(want), specs)
	}
	if *update {
		for name, b := range want {
			writeGolden(t, filepath.Join(traces, name), b)
		}
	}
	err = filepath.WalkDir(traces, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(traces, path)
		got := readGolden(t, path)
		if want[rel] == nil {
			t.Errorf("%s has no description; remove it, or write one", rel)
		} else if !bytes.Equal(got, want[rel]) {
			t.Errorf("%s is not what its description builds (%d bytes, built %d); run go test ./engine/tracebuild -run Golden -update", rel, len(got), len(want[rel]))
		}
		delete(want, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		t.Errorf("%s is not there; run go test ./engine/tracebuild -run Golden -update", name)
	}
}

func writeGolden(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		var z bytes.Buffer
		w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		w.ModTime = time.Unix(0, 0)
		_, err := w.Write(b)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		b = z.Bytes()
	}
	// A file that already says the same keeps its bytes, whatever the compressor's version.
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(inflate(t, path, old), inflate(t, path, b)) {
		return
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 60<<10 {
		t.Errorf("%s has %d bytes; a golden trace has at most 60 KiB", path, len(b))
	}
	return inflate(t, path, b)
}

// inflate also holds the header to have neither a time nor a name.
func inflate(t *testing.T, path string, b []byte) []byte {
	t.Helper()
	if !strings.HasSuffix(path, ".gz") {
		return b
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return nil
	}
	if z.ModTime.Unix() != 0 || z.Name != "" {
		t.Errorf("%s: the gzip header carries %v %q", path, z.ModTime, z.Name)
	}
	out, err := io.ReadAll(z)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("%s: %v", path, err)
	}
	return out
}
