package enginedouble

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// scheduler is the profiler of SGLang's scheduler, which TokenSpeed's shares.
type scheduler struct {
	tokenspeed bool

	dir, prefix       string
	byStage           bool
	start, target     int // forward_ct; 0 is not set
	steps             int
	prefills, decodes int
}

// SGLang starts a double of SGLang's server.
func SGLang(t T, o Options) *Double { return start(t, o, &scheduler{}) }

// TokenSpeed starts a double of TokenSpeed's control server with the gateway behind it.
func TokenSpeed(t T, o Options) *Double { return start(t, o, &scheduler{tokenspeed: true}) }

func withBody(r *http.Request, body map[string]any) context.Context {
	return context.WithValue(r.Context(), bodyKey{}, body)
}

func body(r *http.Request) map[string]any {
	b, _ := r.Context().Value(bodyKey{}).(map[string]any)
	return b
}

func number(v any) int { f, _ := v.(float64); return int(f) }

func (m *scheduler) routes(mux *http.ServeMux, d *Double) {
	args := map[string]any{"model_path": "Qwen/Qwen3-8B", "tp_size": d.o.Ranks, "pp_size": 1, "dp_size": 1, "version": "0.5.9",
		"disable_cuda_graph": false, "disable_piecewise_cuda_graph": false, "disaggregation_mode": "null",
		"api_key": d.o.APIKey, "admin_api_key": d.o.AdminKey, "context_length": 40960, "enable_dp_attention": false}
	maps.Copy(args, d.o.Args)
	info := func(w http.ResponseWriter, _ *http.Request) {
		answer := maps.Clone(args)
		answer["internal_states"] = []any{map[string]any{"last_gen_throughput": 0.0, "api_key": d.o.APIKey}}
		if m.tokenspeed {
			answer = map[string]any{"server_args": args, "scheduler_info": map[string]any{}, "active_requests": 0}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}
	mux.HandleFunc("GET /get_server_info", info)
	if !d.o.OldInfo && !m.tokenspeed {
		mux.HandleFunc("GET /server_info", info)
	}
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"object":"list","data":[{"id":"Qwen/Qwen3-8B","object":"model","owned_by":"sglang"}]}`)
	})
	mux.HandleFunc("POST /generate", d.generate)
	if d.o.NoProfiler {
		return
	}
	for _, method := range []string{"GET", "POST"} {
		mux.HandleFunc(method+" /start_profile", func(w http.ResponseWriter, r *http.Request) {
			d.mu.Lock()
			ok := m.begin(d, body(r))
			d.mu.Unlock()
			m.answer(w, ok, "Start profiling.\n")
		})
		mux.HandleFunc(method+" /stop_profile", func(w http.ResponseWriter, _ *http.Request) {
			d.mu.Lock()
			ok := m.end(d, "")
			d.mu.Unlock()
			m.answer(w, ok, "Stop profiling. This will take some time.\n")
		})
	}
}

// answer is that of the handlers: what the scheduler says no to is an exception that they
// do not catch.
func (m *scheduler) answer(w http.ResponseWriter, ok bool, text string) {
	if !ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "Internal Server Error")
		return
	}
	if m.tokenspeed {
		w.Header().Set("Content-Type", "application/json")
		text = `{"status":"ok"}`
	}
	fmt.Fprint(w, text)
}

// begin is _profile with _init_profile and _start_profile.
func (m *scheduler) begin(d *Double, b map[string]any) bool {
	startStep := number(b["start_step"])
	byStage, _ := b["profile_by_stage"].(bool)
	arm := byStage || startStep > 0
	if d.running {
		if arm || m.tokenspeed {
			return false
		}
		d.broken = true // the answer is thrown away and another profiler started
		return false
	}
	m.byStage = byStage
	m.dir, _ = b["output_dir"].(string)
	m.prefix, _ = b["profile_prefix"].(string)
	m.steps = number(b["num_steps"])
	m.start, m.target = 0, 0
	if startStep > 0 {
		m.start = max(startStep, d.batches+1)
	}
	switch {
	case m.steps == 0:
	case byStage:
		m.prefills, m.decodes = 0, 0
	case startStep > 0:
		m.target = m.start + m.steps
	default:
		m.target = d.batches + m.steps + 1
	}
	if !arm {
		d.running = true
	}
	return true
}

// batch is _profile_batch_predicate.
func (m *scheduler) batch(d *Double, prefill bool) {
	switch {
	case m.byStage && prefill:
		if m.prefills == 0 {
			d.running = true
		}
		m.prefills++
		if m.prefills > m.steps && d.running {
			m.end(d, "EXTEND")
		}
	case m.byStage:
		if m.decodes == 0 {
			if d.running {
				m.end(d, "EXTEND")
			}
			d.running = true
		}
		m.decodes++
		if m.decodes > m.steps && d.running {
			m.end(d, "DECODE")
		}
	default:
		if m.target > 0 && m.target <= d.batches && d.running {
			m.end(d, "")
		}
		if m.start > 0 && m.start == d.batches {
			d.running = true
		}
	}
}

// end is _stop_profile.
func (m *scheduler) end(d *Double, stage string) bool {
	if !d.running {
		return false
	}
	m.start = 0
	d.rec.Stage = stage
	suffix := ""
	if stage != "" {
		suffix = "-" + stage
	}
	if m.prefix != "" {
		m.prefix += "-"
	}
	id := d.files
	d.write(m.dir, func(rank int) string {
		if m.tokenspeed {
			return fmt.Sprintf("20260901-12000%d-TP%d%s.trace.json.gz", id, rank, suffix)
		}
		return fmt.Sprintf("%s1782843274.77302%d-TP-%d%s.trace.json.gz", m.prefix, id, rank, suffix)
	})
	return true
}

// generate is /generate, with one batch for each prompt and token.
func (d *Double) generate(w http.ResponseWriter, r *http.Request) {
	b := body(r)
	ids, _ := b["input_ids"].([]any)
	params, _ := b["sampling_params"].(map[string]any)
	stream, _ := b["stream"].(bool)
	out := number(params["max_new_tokens"])
	if len(ids) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"no prompt"}}`)
		return
	}
	cached := d.seen(number(ids[0]), len(ids))
	meta := func(n int) string {
		finish := "null"
		if n == out {
			finish = fmt.Sprintf(`{"type":"length","length":%d}`, out)
		}
		text := fmt.Sprintf(`{"text":"x","meta_info":{"id":"r","finish_reason":%s,"prompt_tokens":%d,"completion_tokens":%d,"cached_tokens":%d}}`, finish, len(ids), n, cached)
		if m, ok := d.machine.(*scheduler); ok && m.tokenspeed && !stream {
			return "[" + text + "]"
		}
		return text
	}
	d.tokens(w, r, out, stream, meta)
}

// tokens works on a request and answers as it goes.
func (d *Double) tokens(w http.ResponseWriter, r *http.Request, out int, stream bool, part func(n int) string) {
	w.Header().Set("Content-Type", "application/json")
	if stream {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	}
	flush, _ := w.(http.Flusher)
	for n := 1; n <= out; n++ {
		if r.Context().Err() != nil {
			return // the client went away, and the request is aborted
		}
		d.step(n == 1)
		if stream {
			fmt.Fprintf(w, "data: %s\n\n", part(n))
			flush.Flush()
		}
	}
	if stream {
		fmt.Fprint(w, "data: [DONE]\n\n")
		return
	}
	fmt.Fprint(w, part(out))
}

// seen tells how much of a prompt the prefix cache holds, and puts it in.
func (d *Double) seen(first, tokens int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.prompts[first] {
		return tokens - 1
	}
	d.prompts[first] = true
	return 0
}
