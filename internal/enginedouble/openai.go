package enginedouble

import (
	"fmt"
	"net/http"
)

// VLLM starts a double of vLLM's server. It has a profiler only with Options.Dir.
func VLLM(t T, o Options) *Double { return start(t, o, &worker{}) }

// worker is the profiler of vLLM's workers.
type worker struct{}

func (m *worker) routes(mux *http.ServeMux, d *Double) {
	d.openai(mux, "vllm", "0.14.0")
	if d.o.Dir == "" {
		return
	}
	mux.HandleFunc("POST /start_profile", func(http.ResponseWriter, *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running = true // a second start is passed over
	})
	mux.HandleFunc("POST /stop_profile", func(http.ResponseWriter, *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.running {
			return // passed over too
		}
		id := d.files
		d.write(d.o.Dir, func(rank int) string {
			return fmt.Sprintf("dp0_pp0_tp%d_dcp0_ep0_rank%d.178284327477302%d.pt.trace.json.gz", rank, rank, id)
		})
		d.writeFile(fmt.Sprintf("%s/node1_77.AsyncLLM.178284327477302%d.pt.trace.json.gz", d.o.Dir, id), "prefill", 0)
	})
}

func (m *worker) batch(*Double, bool) {}

// TensorRTLLM starts a double of trtllm-serve.
func TensorRTLLM(t T, o Options) *Double { return start(t, o, &executor{}) }

// executor is the profiler of TensorRT-LLM's PyExecutor.
type executor struct {
	dir         string
	start, stop int // iterations; 0 is not set
}

func (m *executor) routes(mux *http.ServeMux, d *Double) {
	d.openai(mux, "tensorrt_llm", "1.3.0rc2")
	if d.o.NoProfiler {
		return
	}
	mux.HandleFunc("POST /start_profile", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.running || m.start > 0 {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"error":"Profiling is already in progress (or a pending start has been scheduled)"}`)
			return
		}
		b := body(r)
		m.dir, _ = b["output_dir"].(string)
		m.start = d.batches + 1 + number(b["start_step"])
		m.stop = m.start + number(b["num_steps"])
	})
	mux.HandleFunc("POST /stop_profile", func(http.ResponseWriter, *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		m.start = 0
		if d.running {
			m.export(d)
		}
	})
}

func (m *executor) export(d *Double) {
	id := d.files
	d.write(m.dir, func(rank int) string { return fmt.Sprintf("trtllm-trace-1782843274-0123abc%d-rank-%d.json", id, rank) })
}

func (m *executor) batch(d *Double, _ bool) {
	if m.stop == d.batches && d.running {
		m.export(d)
	}
	if m.start > 0 && m.start == d.batches {
		d.running, m.start = true, 0
	}
}

// openai mounts what vLLM's and TensorRT-LLM's servers share.
func (d *Double) openai(mux *http.ServeMux, owner, version string) {
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"version":%q}`, version)
	})
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"object":"list","data":[{"id":"openai/gpt-oss-20b","object":"model","owned_by":%q}]}`, owner)
	})
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		b := body(r)
		ids, _ := b["prompt"].([]any)
		stream, _ := b["stream"].(bool)
		if b["model"] != "openai/gpt-oss-20b" || len(ids) == 0 {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":{"message":"The model does not exist.","type":"NotFoundError","code":404}}`)
			return
		}
		d.tokens(w, r, number(b["max_tokens"]), stream, func(n int) string {
			return fmt.Sprintf(`{"id":"c","object":"text_completion","choices":[{"index":0,"text":"x"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, len(ids), n)
		})
	})
}
