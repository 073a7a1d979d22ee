package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sgrules/sgrules/engine/tracebuild"
	"github.com/sgrules/sgrules/internal/enginedouble"
)

// script is the part of a running script that a double needs.
type script struct{ *testscript.TestScript }

func (s script) Cleanup(f func()) { s.Defer(f) }

// startServer is the command 'server VARIABLE ENGINE [KEY=VALUE…]' of the scripts: it
// starts a double and puts its address into the variable. prefill= and decode= name
// descriptions in testdata/golden/specs of what a rank records, with {rank} for its number;
// ranks=, dir= and key= are those of the double, and any other key is an argument of the
// server.
func startServer(specs string) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 {
			ts.Fatalf("usage: server VARIABLE ENGINE [KEY=VALUE…]")
		}
		o := enginedouble.Options{Args: map[string]any{}, Step: 100 * time.Microsecond, Flush: 20 * time.Millisecond}
		files := map[string]string{}
		for _, a := range args[2:] {
			key, value, _ := strings.Cut(a, "=")
			switch key {
			case "prefill", "decode":
				files[key] = value
			case "ranks":
				o.Ranks, _ = strconv.Atoi(value)
			case "dir":
				o.Dir = ts.MkAbs(value)
				ts.Check(os.MkdirAll(o.Dir, 0o755))
			case "key":
				o.APIKey = value
			case "true":
				o.Args[value] = true
			default:
				o.Args[key] = value
			}
		}
		if len(files) > 0 {
			o.Trace = func(stage string, rank int) *tracebuild.Spec {
				if files[stage] == "" {
					return nil
				}
				s, err := tracebuild.Load(filepath.Join(specs, strings.ReplaceAll(files[stage], "{rank}", strconv.Itoa(rank))))
				if err != nil {
					panic(err)
				}
				return s
			}
		}
		double := map[string]func(enginedouble.T, enginedouble.Options) *enginedouble.Double{
			"sglang": enginedouble.SGLang, "vllm": enginedouble.VLLM, "trtllm": enginedouble.TensorRTLLM, "tokenspeed": enginedouble.TokenSpeed,
		}[args[1]]
		if double == nil {
			ts.Fatalf("unknown engine %q", args[1])
		}
		ts.Setenv(args[0], double(script{ts}, o).URL)
	}
}

// TestStopped interrupts a capture while a request is under way: the profiler is stopped,
// what was written is named, and the program ends with 2.
func TestStopped(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Step: 100 * time.Microsecond})
	dir := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out bytes.Buffer
	errs := &watcher{on: "sgrules: decode: waiting for the first token\n", do: cancel}
	code := run(ctx, []string{"capture", "--url", d.URL, "-o", dir}, streams{in: strings.NewReader(""), out: &out, err: errs})
	if want := "sgrules: already written: " + filepath.Join(dir, "prefill", "1782843274.773020-TP-0.trace.json.gz") + "\nsgrules: stopped\n"; code != exitFailed || !strings.HasSuffix(errs.String(), want) || out.Len() != 0 {
		t.Errorf("exit code %d, %q, %q; want it to end with %q", code, out.String(), errs.String(), want)
	}
	if d.Running() {
		t.Error("the profiler runs on")
	}
}

// watcher calls do when a text was written.
type watcher struct {
	bytes.Buffer
	on string
	do func()
}

func (w *watcher) Write(b []byte) (int, error) {
	n, err := w.Buffer.Write(b)
	if strings.Contains(w.String(), w.on) {
		w.do()
	}
	return n, err
}
