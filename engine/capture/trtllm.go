package capture

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
)

// trtllm speaks with trtllm-serve. Builds since May 2026 have a profiler to control, for
// the PyTorch backend; it takes a window, refuses a second one, and a stop takes back a
// window that has not begun. It records no Python frames.
type trtllm struct {
	control *client
	completions
	o *Options
}

func (e *trtllm) identify(ctx context.Context) (*Server, error) {
	s := &Server{Framework: "tensorrt-llm", Replicas: 1, Version: version(ctx, e.control)}
	return s, e.know(ctx, s)
}

func (e *trtllm) lacks(ctx context.Context, _ *Server) error {
	if err := onlyScheduler(e.control, e.o, "TensorRT-LLM"); err != nil {
		return err
	}
	ok, err := e.control.routed(ctx, "/start_profile")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s has no /start_profile: this build of TensorRT-LLM takes its window from the environment; start the server with TLLM_PROFILE_START_STOP=100-%d and TLLM_TORCH_PROFILE_TRACE=/DIR/trace.json (both are needed, the first counts iterations), send it requests, and analyse the files: sgrules analyze /DIR", e.control.base, 100+e.o.Steps)
	}
	return nil
}

func (e *trtllm) windowed() bool { return true }
func (e *trtllm) stacks() bool   { return false }
func (e *trtllm) silent() string {
	return "; and of TensorRT-LLM only the PyTorch backend has a profiler, the others take the call and do nothing"
}

// free schedules a window that never opens, which is refused while there is another, and
// takes it back.
func (e *trtllm) free(ctx context.Context) error {
	err := e.open(ctx, map[string]any{"num_steps": 1, "start_step": farStep})
	if refused(err) {
		return err
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.o.Timeout)
	defer cancel()
	return cmp.Or(err, e.stop(back))
}

func (e *trtllm) start(ctx context.Context, dir string) error {
	body := map[string]any{"output_dir": dir, "num_steps": e.o.Steps, "activities": []string{"CPU", "GPU"}}
	if e.o.StartStep > 0 {
		body["start_step"] = e.o.StartStep
	}
	return e.open(ctx, body)
}

func (e *trtllm) open(ctx context.Context, body map[string]any) error {
	err := e.control.command(ctx, "/start_profile", body, e.o.Timeout)
	if s := status(err); refused(err) && (s == http.StatusBadRequest || s == http.StatusConflict || s >= 500) {
		return hint(err, "if a profile is running already it is left alone: wait for it, or end it with POST /stop_profile; otherwise the folder could not be made by the server")
	}
	return err
}

func (e *trtllm) stop(ctx context.Context) error {
	return e.control.command(ctx, "/stop_profile", nil, e.o.StopTimeout)
}

var trtllmName = regexp.MustCompile(`^trtllm-trace-\d+-[0-9a-f]{8}-rank-(\d{1,6})\.json$`)

func (e *trtllm) trace(name string) (Trace, bool) {
	m := trtllmName.FindStringSubmatch(name)
	if m == nil {
		return Trace{}, false
	}
	return Trace{Rank: rankNumber(m[1])}, true
}

func (e *trtllm) files(s *Server) int { return s.Ranks }
