package capture

import (
	"context"
	"fmt"
	"os"
	"regexp"
)

// vllm speaks with vLLM's OpenAI server. Its profiler has no window over HTTP and writes to
// the folder that the server was started with; it answers 200 to a start while a profile is
// running, and passes over it, so that one cannot be told from the other.
type vllm struct {
	control *client
	completions
	o *Options
}

func (e *vllm) identify(ctx context.Context) (*Server, error) {
	s := &Server{Framework: "vllm", Replicas: 1, Version: version(ctx, e.control)}
	return s, e.know(ctx, s)
}

func (e *vllm) lacks(ctx context.Context, _ *Server) error {
	const configured = `start it with --profiler-config '{"profiler": "torch", "torch_profiler_dir": "/DIR"}', or an older one with VLLM_TORCH_PROFILER_DIR=/DIR`
	if err := onlyScheduler(e.control, e.o, "vLLM"); err != nil {
		return err
	}
	if e.o.StartStep > 0 {
		return fmt.Errorf("%s is vLLM, whose profiler begins when it is told to; leave out --start-step", e.control.base)
	}
	ok, err := e.control.routed(ctx, "/start_profile")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s has no /start_profile: vLLM has it only when it was started with a profiler; %s", e.control.base, configured)
	}
	if e.o.ProfilerDir == "" {
		return fmt.Errorf("%s is vLLM, which writes its traces to the folder it was started with (torch_profiler_dir, VLLM_TORCH_PROFILER_DIR) and does not tell which; name it, as it is seen here, with --profiler-dir", e.control.base)
	}
	info, err := os.Stat(e.o.ProfilerDir)
	if err != nil {
		return fmt.Errorf("--profiler-dir: %w; if the server runs elsewhere, share the folder, or profile there", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("--profiler-dir %s: not a folder", e.o.ProfilerDir)
	}
	return nil
}

// onlyScheduler refuses what only SGLang's and TokenSpeed's profilers do.
func onlyScheduler(c *client, o *Options, name string) error {
	for _, f := range []struct {
		flag string
		set  bool
	}{{"--profile-by-stage", o.ByStage}, {"--merge-profiles", o.Merge}, {"--profile-prefix", o.Prefix != ""}} {
		if f.set {
			return fmt.Errorf("%s is %s, whose profiler cannot do %s; leave it out (workloads are profiled one by one anyway)", c.base, name, f.flag)
		}
	}
	return nil
}

func (e *vllm) windowed() bool             { return false }
func (e *vllm) stacks() bool               { return false }
func (e *vllm) silent() string             { return "" }
func (e *vllm) free(context.Context) error { return nil } // it does not tell

func (e *vllm) start(ctx context.Context, _ string) error {
	return e.control.command(ctx, "/start_profile", nil, e.o.Timeout)
}

// stop returns when every worker has written its trace.
func (e *vllm) stop(ctx context.Context) error {
	return e.control.command(ctx, "/stop_profile", nil, e.o.StopTimeout)
}

// worker.time.pt.trace.json[.gz]; a worker's name ends in rank0 or rank-0, that of the
// frontend, whose trace has no GPU in it, does not.
var (
	torchName = regexp.MustCompile(`^(.+)\.\d+\.pt\.trace\.json(?:\.gz)?$`)
	torchRank = regexp.MustCompile(`(?:^|[_-])rank-?(\d{1,6})$`)
)

func (e *vllm) trace(name string) (Trace, bool) {
	m := torchName.FindStringSubmatch(name)
	if m == nil {
		return Trace{}, false
	}
	t := Trace{Rank: -1}
	if r := torchRank.FindStringSubmatch(m[1]); r != nil {
		t.Rank = rankNumber(r[1])
	}
	return t, true
}

func (e *vllm) files(s *Server) int { return s.Ranks }
