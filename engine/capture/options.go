package capture

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Frameworks are the values of Options.Framework.
func Frameworks() []string {
	return []string{"auto", "sglang", "vllm", "tensorrt-llm", "tokenspeed"}
}

// Framework gives the one spelling of a framework's name: trtllm is tensorrt-llm.
func Framework(name string) string {
	if name == "trtllm" {
		return "tensorrt-llm"
	}
	return name
}

// Options say which server to profile and how. Durations, steps and a concurrency of zero
// take the values of Defaults.
type Options struct {
	URL string // of the server: scheme, host and port
	// RequestsURL is where probe requests go when it is not URL: the router in front of the
	// workers of PD-disaggregated serving.
	RequestsURL string
	Framework   string // one of Frameworks; "" and auto ask the server
	// Dir is where the traces go, a folder a workload; it is made. ServerDir is the same
	// folder as the server sees it, if that is another path ("" is the same).
	Dir, ServerDir string
	// ProfilerDir is the folder that the server was started to write to, as seen here; for
	// engines that take none with the start.
	ProfilerDir string

	Workloads []Workload
	Steps     int64 // forward passes to record, one or more
	// StartStep is the forward pass to begin with: counted from the server's start with
	// SGLang and TokenSpeed, from now with TensorRT-LLM; 0 is the next one.
	StartStep   int64
	ByStage     bool // one trace for prefill and one for decode out of one profile
	Stack       bool // record Python frames
	Shapes      bool // record the shapes of operands
	Merge       bool // have the server also write one trace of all ranks
	Prefix      string
	Concurrency int // probe requests at a time
	Warmup      int // rounds of requests before the profile
	// WorldSize is how many ranks write a trace on this machine; 0 asks the server, and waits
	// for no more to come where it does not tell.
	WorldSize int
	Seed      uint64
	// Mapping asks for a trace that knows its source lines: a server with graphs on is
	// refused.
	Mapping bool

	APIKey, AdminKey string // bearer tokens; without AdminKey the first serves for both
	Proxy            bool   // use the proxies of the environment

	Timeout        time.Duration // of a control call
	RequestTimeout time.Duration // of a probe request
	StopTimeout    time.Duration // of the call that stops the profiler
	TraceTimeout   time.Duration // from the last probe until the traces are whole
	Retries        int           // of calls that may be repeated
	Backoff        time.Duration // before the first retry; doubled for each that follows
	Poll, Settle   time.Duration // between two looks at the files; how long a whole file stays as it is

	// Progress, if not nil, is told what goes on: the phase, and what changes within it.
	Progress func(phase, detail string)
	// Now and Sleep are the clock; nil is the real one.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// Defaults are the options of a run in which nothing was chosen.
func Defaults() Options {
	return Options{
		Framework: "auto", Steps: 5, Stack: true, Shapes: true, Concurrency: 1, Warmup: 1,
		Timeout: time.Minute, RequestTimeout: 10 * time.Minute, StopTimeout: 5 * time.Minute, TraceTimeout: 10 * time.Minute,
		Retries: 3, Backoff: 500 * time.Millisecond, Poll: 200 * time.Millisecond, Settle: 500 * time.Millisecond,
		Now: time.Now, Sleep: sleep,
	}
}

// Limits of what may be asked for.
const (
	maxSteps       = 10_000
	maxWarmup      = 1000
	maxWorld       = 100_000
	maxConcurrency = 1024
	maxRetries     = 20
)

// check fills in what was left out and refuses what cannot be meant.
func (o *Options) check() error {
	d := Defaults()
	fill := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&o.Timeout, d.Timeout)
	fill(&o.RequestTimeout, d.RequestTimeout)
	fill(&o.StopTimeout, d.StopTimeout)
	fill(&o.TraceTimeout, d.TraceTimeout)
	fill(&o.Backoff, d.Backoff)
	fill(&o.Poll, d.Poll)
	fill(&o.Settle, d.Settle)
	if o.Now == nil {
		o.Now = d.Now
	}
	if o.Sleep == nil {
		o.Sleep = d.Sleep
	}
	if o.Progress == nil {
		o.Progress = func(string, string) {}
	}
	if o.Steps == 0 {
		o.Steps = d.Steps
	}
	if o.Concurrency == 0 {
		o.Concurrency = d.Concurrency
	}
	if len(o.Workloads) == 0 {
		o.Workloads = DefaultWorkloads()
	}
	for _, t := range []struct {
		flag string
		d    time.Duration
	}{{"timeout", o.Timeout}, {"request-timeout", o.RequestTimeout}, {"stop-timeout", o.StopTimeout}, {"trace-timeout", o.TraceTimeout}, {"backoff", o.Backoff}} {
		if t.d < 0 {
			return fmt.Errorf("--%s %v: expected a duration over zero, such as 30s", t.flag, t.d)
		}
	}
	switch {
	case o.Steps < 1 || o.Steps > maxSteps:
		return fmt.Errorf("--num-steps %d: expected 1 to %d", o.Steps, maxSteps)
	case o.StartStep < 0 || o.StartStep >= farStep:
		return fmt.Errorf("--start-step %d: expected 0 or the number of a forward pass", o.StartStep)
	case o.Concurrency < 1 || o.Concurrency > maxConcurrency:
		return fmt.Errorf("--concurrency %d: expected 1 to %d", o.Concurrency, maxConcurrency)
	case o.Warmup < 0 || o.Warmup > maxWarmup:
		return fmt.Errorf("--warmup %d: expected 0 to %d", o.Warmup, maxWarmup)
	case o.WorldSize < 0 || o.WorldSize > maxWorld:
		return fmt.Errorf("--world-size %d: expected the number of ranks, or 0 to ask the server", o.WorldSize)
	case o.Retries < 0 || o.Retries > maxRetries:
		return fmt.Errorf("--retries %d: expected 0 to %d", o.Retries, maxRetries)
	case o.ByStage && o.StartStep > 0:
		return fmt.Errorf("--start-step has no effect with --profile-by-stage: a stage begins with its first batch; leave one of them out")
	case o.Merge && o.Prefix != "":
		return fmt.Errorf("--merge-profiles with --profile-prefix: SGLang looks for the traces to merge by their id, which the prefix hides; leave one of them out")
	case strings.ContainsAny(o.Prefix, "/\\\x00") || strings.HasPrefix(o.Prefix, "."):
		return fmt.Errorf("--profile-prefix %q: expected the beginning of a file name", o.Prefix)
	}
	return nil
}

// origin reads the address of a server: scheme, host and port, and a path only if one is
// served below it.
func origin(what, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		// The error of url.Parse repeats the text, which may hold a password.
		return nil, fmt.Errorf("%s: expected http://HOST:PORT, and found no address", what)
	case u.User != nil:
		return nil, fmt.Errorf("%s: a name and password in an address end up in logs; give a bearer token with --api-key-file", what)
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return nil, fmt.Errorf("%s %q: expected http://HOST:PORT", what, s)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%s: expected http://HOST:PORT and nothing behind a ? or #", what)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// sleep waits for d, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
