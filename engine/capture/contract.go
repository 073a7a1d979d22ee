package capture

import "context"

// contract is what the HTTP interface of one engine promises.
type contract interface {
	// identify asks the server what it is. Nothing is started.
	identify(ctx context.Context) (*Server, error)
	// lacks says what the server cannot do of what was asked for and what to start instead;
	// nil is nothing. Nothing is started.
	lacks(ctx context.Context, s *Server) error
	// windowed tells that a profile is given its number of steps and ends by itself.
	windowed() bool
	// stacks tells that a start says what to record beside the kernels.
	stacks() bool
	// free refuses a server that is being profiled, where it can be told, and disturbs
	// nothing.
	free(ctx context.Context) error
	// start arms or starts a profile that writes into dir, a path of the server's. An error
	// for which refused holds has started nothing.
	start(ctx context.Context, dir string) error
	// stop ends a profile, also one that is armed and has not begun. It is called after an
	// error, and to end a profile that is not windowed.
	stop(ctx context.Context) error
	// generate makes the server work on a prompt. With token not nil the answer is streamed
	// and token is called for each part of it.
	generate(ctx context.Context, prompt []int, out int, token func()) (usage, error)
	// silent is a reason of the engine's own for a profile that leaves nothing, as the end of
	// a sentence; "" is none.
	silent() string
	// trace reads the name of a trace file.
	trace(name string) (Trace, bool)
	// files is how many files a profile leaves, 0 if that is not known.
	files(s *Server) int
}

// usage is what a server says about a probe.
type usage struct {
	cached int // tokens of the prompt that came out of the prefix cache
}

func newContract(framework string, control, requests *client, o *Options) contract {
	switch framework {
	case "sglang":
		return &sglang{control: control, requests: requests, o: o}
	case "vllm":
		return &vllm{control: control, completions: completions{c: requests}, o: o}
	case "tensorrt-llm":
		return &trtllm{control: control, completions: completions{c: requests}, o: o}
	case "tokenspeed":
		return &tokenspeed{sglang{control: control, requests: requests, o: o}}
	}
	return nil
}
