package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stackTrace is a trace of one kernel launched below the frames, outermost first, inside a step
// where one is named.
func stackTrace(step string, frames ...string) []byte {
	event := func(cat, name string, pid int, ts, dur int, corr int) string {
		return fmt.Sprintf(`{"ph": "X", "cat": %q, "name": %q, "pid": %d, "tid": %d, "ts": %d, "dur": %d, "args": {"device": 0, "stream": 7, "correlation": %d}}`, cat, name, pid, pid, ts, dur, corr)
	}
	events := []string{event("cuda_runtime", "cudaLaunchKernel", 9, 500, 2, 1), event("kernel", "some_kernel", 0, 600, 5, 1)}
	for i, f := range frames {
		events = append(events, event("python_function", f, 9, 100+i, 800-2*i, 0))
	}
	if step != "" {
		events = append(events, event("user_annotation", step, 9, 90, 900, 0))
	}
	return []byte(`{"traceEvents": [` + strings.Join(events, ",\n") + `]}`)
}

const (
	scheduler = "/sgl/python/sglang/multimodal_gen/runtime/managers/gpu_worker.py(200): execute_forward"
	wrapper   = "/sgl/python/sglang/multimodal_gen/runtime/pipelines/diffusers_pipeline.py(57): forward"
	fluxCall  = "/usr/lib/python3/dist-packages/diffusers/pipelines/flux/pipeline_flux.py(640): __call__"
	fluxModel = "/usr/lib/python3/dist-packages/diffusers/models/transformers/transformer_flux.py(400): forward"
	native    = "/sgl/python/sglang/multimodal_gen/runtime/pipelines_core/stages/denoising.py(900): forward"
	decoder   = "/usr/lib/python3/dist-packages/diffusers/models/autoencoders/autoencoder_kl.py(200): decode"
	textCall  = "/sgl/python/sglang/srt/managers/scheduler.py(1000): run_batch"
)

func TestDiffusersGate(t *testing.T) {
	const says = "2026-08-27 10:00:00 WARNING Could not resolve. Falling back to diffusers backend."
	for _, c := range []struct {
		name  string
		doc   []byte
		log   string // of the log beside the trace
		given string // of the log that is named
		want  string // in the error; "" none
	}{
		{"native pipeline", stackTrace("", scheduler, native), "", "", ""},
		{"native pipeline, a decoder of the library", stackTrace("", scheduler, native, decoder), "INFO loaded\n", "", ""},
		{"the wrapper's own stage", stackTrace("", scheduler, wrapper, fluxCall, fluxModel), "", "", `kernels were launched below "src/diffusers/pipelines/flux/pipeline_flux.py __call__"`},
		{"the wrapper without the library's frames", stackTrace("", scheduler, wrapper), "", "", "diffusers_pipeline.py forward"},
		{"the library alone", stackTrace("", "main.py(1): <module>", fluxCall, fluxModel), "", "", "pipeline_flux.py __call__"},
		{"the library's models outside of a pipeline", stackTrace("", "main.py(1): <module>", fluxModel), "", "", ""},
		{"the library's checkout", stackTrace("", "/home/me/diffusers/src/diffusers/pipelines/wan/pipeline_wan.py(9): __call__", "/home/me/diffusers/src/diffusers/models/transformers/transformer_wan.py(4): forward"), "", "",
			"src/diffusers/pipelines/wan/pipeline_wan.py __call__"},
		{"a log beside", stackTrace("", scheduler, native), "first\nsecond\n" + says + "\n", "", `server.log:3: "` + says},
		{"a log that is named", stackTrace("", scheduler, native), "", "x\n[INFO] Using diffusers backend for model\n", `given.txt:2: "[INFO] Using diffusers backend`},
		{"the third line", stackTrace("", scheduler, native), "Loaded diffusers pipeline: FluxPipeline\r\n", "", `server.log:1: "Loaded diffusers pipeline: FluxPipeline"`},
		{"a log of another kind of server", stackTrace("", textCall), says, "", ""},
		{"steps of a language model", stackTrace("step[DECODE bs=2]"), says, "", ""},
		{"nothing known of the server", stackTrace(""), says, "", "server.log:1"},
		{"a sentence over the edge of a piece", stackTrace("", scheduler, native), strings.Repeat("x", maxLogLine-10) + says[len("2026-08-27 10:00:00 WARNING Could not resolve. "):], "", "server.log:1"},
		{"a log of long lines", stackTrace("", scheduler, native), strings.Repeat("x", 200_000) + "\n" + says, "", "server.log:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.trace.json")
			write := func(name, text string) string {
				p := filepath.Join(dir, name)
				if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return p
			}
			write("a.trace.json", string(c.doc))
			if c.log != "" {
				write("server.log", c.log)
			}
			o := Options{Paths: []string{path}, Rank: -1, Catalog: func() (*Catalog, error) { return LoadCatalog(nil, false) }}
			if c.given != "" {
				o.ServerLogs = []string{write("given.txt", c.given)}
			}
			_, err := Analyze(context.Background(), o)
			var gate *DiffusersError
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (!errors.As(err, &gate) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--allow-diffusers")):
				t.Fatalf("got %v, want %s", err, c.want)
			}
			o.AllowDiffusers = true
			if _, err := Analyze(context.Background(), o); err != nil {
				t.Errorf("allowed: %v", err)
			}
		})
	}
	o := Options{Paths: []string{filepath.Join(t.TempDir(), "x.json")}, Rank: -1, ServerLogs: []string{"no/such.log"}, Catalog: func() (*Catalog, error) { return LoadCatalog(nil, false) }}
	if err := os.WriteFile(o.Paths[0], stackTrace("", textCall), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Analyze(context.Background(), o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a log that is not there: %v", err)
	}
}
