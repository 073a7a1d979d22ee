package main

import (
	"bytes"
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the golden files and scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sgrules": main})
}

const root = "../.."

// TestScripts runs the command line as a person would: testdata/script/*.txtar. The
// built traces are in $TRACES.
func TestScripts(t *testing.T) {
	traces, err := filepath.Abs(filepath.Join(root, "testdata", "golden", "traces"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"server": startServer(filepath.Join(filepath.Dir(traces), "specs"))},
		Setup: func(e *testscript.Env) error {
			e.Setenv("TRACES", traces)
			e.Setenv("COLUMNS", "")
			return nil
		},
	})
}

// TestGoldenReports holds the whole output on every built trace, in every format, against
// testdata/golden/reports.
func TestGoldenReports(t *testing.T) {
	dir := filepath.Join(root, "testdata", "golden")
	for _, trace := range builtTraces(t, filepath.Join(dir, "traces")) {
		for _, v := range []struct {
			name string
			args []string
		}{
			{"txt", nil},
			{"md", []string{"--format", "markdown"}},
			{"json", []string{"--format", "json"}},
		} {
			name := strings.ReplaceAll(trace, "/", "-") + "." + v.name
			t.Run(name, func(t *testing.T) {
				args := append(slices.Clone(v.args), goldenArgs(trace)...)
				got := analyze(t, args...)
				if again := analyze(t, args...); !bytes.Equal(got, again) {
					t.Error("the same input twice gives different bytes")
				}
				file := filepath.Join("testdata", "golden", "reports", name)
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("differs from %s (go test ./cmd/sgrules -update, then read the difference):\n%s", file, got)
				}
			})
		}
	}
}

// goldenFolders are folders of built traces that are one analysis: what it is asked for, with
// paths below the folder. A word that begins with - is a flag or its value behind "=".
var goldenFolders = map[string][]string{
	"two-stages":     {""},
	"four-ranks":     {"--ranks=all", ""},
	"graph-off-on":   {"--mapping", "off.trace.json.gz", "--formal", "on.trace.json.gz"},
	"different-tile": {"--mapping", "off.trace.json.gz", "--formal", "on.trace.json.gz"},
	"dropped-kernel": {"--mapping", "off.trace.json.gz", "--formal", "on.trace.json.gz"},
	"piecewise":      {"--mapping", "capture.trace.json.gz", "--formal", "decode.trace.json.gz"},
	"two-streams":    {"decode.trace.json.gz"}, // the capture beside it is found
	// The capture and the replay of it are analysed on their own, too.
	"capture-graph": {"--mapping", "../sglang-dense-decode-capture-amd.trace.json.gz", "--formal", "../sglang-dense-decode-graph-amd.trace.json.gz"},
}

// goldenArgs are the arguments for one built trace or folder of them.
func goldenArgs(trace string) []string {
	at := func(path string) string {
		return filepath.ToSlash(filepath.Join("testdata", "golden", "traces", trace, path))
	}
	words, folder := goldenFolders[trace]
	if !folder {
		return []string{at("")}
	}
	var out []string
	for _, w := range words {
		if !strings.HasPrefix(w, "-") {
			w = at(w)
		}
		out = append(out, w)
	}
	return out
}

// builtTraces lists what analyze can be given: trace files, and folders that hold a
// profile.
func builtTraces(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, folder := goldenFolders[rel]
		switch {
		case d.IsDir() && folder:
			out = append(out, rel)
			return fs.SkipDir
		case !d.IsDir() && (strings.HasSuffix(rel, ".json.gz") || strings.HasSuffix(rel, ".json")):
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no built traces")
	}
	out = append(out, "capture-graph")
	return out
}

// analyze runs the command in the repository's top folder, so that paths in the output are
// the same everywhere.
func analyze(t *testing.T, args ...string) []byte {
	t.Helper()
	if _, err := os.Stat("go.mod"); err != nil { // once a test: the second call is there already
		t.Chdir(root)
	}
	t.Setenv("COLUMNS", "")
	var out, errs bytes.Buffer
	code := run(context.Background(), append([]string{"analyze", "-q"}, args...), streams{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	return out.Bytes()
}
