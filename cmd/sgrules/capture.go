package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sgrules/sgrules/engine/capture"
)

// captureFlags are the flags that profile a running server, of capture and of analyze.
type captureFlags struct {
	url, mappingURL, formalURL string
	requestsURL                string
	dir, serverDir             string
	profilerDir                string
	workloads                  []string
	apiKey, adminKey           string
	o                          capture.Options
	flags                      *pflag.FlagSet
	names                      []string // of the flags that register added
}

// The environment variables that hold the bearer tokens of servers.
const (
	apiKeyVariable   = "SGRULES_API_KEY"
	adminKeyVariable = "SGRULES_ADMIN_KEY"
)

// captureFolder is where traces go if nobody says.
const captureFolder = "sgrules-capture"

// register adds the flags. The folder's flag has another name where --output is the
// report; with few, what few people need is left out of the help.
func (c *captureFlags) register(f *pflag.FlagSet, dir, short string, few bool) {
	c.o, c.flags = capture.Defaults(), f
	before := map[string]bool{}
	f.VisitAll(func(x *pflag.Flag) { before[x.Name] = true })
	f.StringVar(&c.url, "url", "", "profile the server at this `address`, such as http://127.0.0.1:30000")
	f.StringVar(&c.mappingURL, "mapping-url", "", "the `address` of a server without graphs: its traces give replayed kernels their source lines")
	f.StringVar(&c.formalURL, "formal-url", "", "the `address` of the server to report on; the same as --url")
	f.Int64Var(&c.o.Steps, "num-steps", c.o.Steps, "forward passes to record, for each workload")
	f.BoolVar(&c.o.ByStage, "profile-by-stage", false, "have the server write prefill and decode apart (SGLang, TokenSpeed)")
	f.StringArrayVar(&c.workloads, "workload", nil, "what to send: prefill (4090 tokens in, 1 out), decode (1 in, 2048 out), or `NAME=IN:OUT`; may be repeated (default: both)")
	f.StringVarP(&c.dir, dir, short, "", "the `folder` for the traces, one below it for each workload (default: the first of "+captureFolder+", "+captureFolder+"-2, … that is not there)")
	var rare pflag.FlagSet
	rare.SortFlags = false
	rare.IntVar(&c.o.Concurrency, "concurrency", c.o.Concurrency, "requests at a time; for decode this is the batch size")
	rare.IntVar(&c.o.Warmup, "warmup", c.o.Warmup, "rounds of requests before the profile")
	rare.Int64Var(&c.o.StartStep, "start-step", 0, "the forward pass to begin with: of SGLang and TokenSpeed counted from the server's start, of TensorRT-LLM from now (default: the next)")
	rare.BoolVar(&c.o.Stack, "with-stack", c.o.Stack, "record Python frames; without them there are no source lines")
	rare.BoolVar(&c.o.Shapes, "record-shapes", c.o.Shapes, "record the shapes of operands")
	rare.BoolVar(&c.o.Merge, "merge-profiles", false, "have SGLang also write one trace of all ranks")
	rare.StringVar(&c.o.Prefix, "profile-prefix", "", "have SGLang begin the names of traces with this `text`")
	rare.Uint64Var(&c.o.Seed, "seed", 0, "choose the prompts by this `number` (default: prompts the server has not seen)")
	rare.IntVar(&c.o.WorldSize, "world-size", 0, "the `number` of ranks that write a trace here (default: what the server tells, else until no more come)")
	rare.StringVar(&c.serverDir, "server-output", "", "the `folder` for the traces as the server sees it, when that is another path")
	rare.StringVar(&c.profilerDir, "profiler-dir", "", "the `folder` that vLLM was started to write traces to, as seen here")
	rare.StringVar(&c.requestsURL, "requests-url", "", "the `address` that requests go to, when it is not the server's: the router of PD-disaggregated serving")
	rare.StringVar(&c.apiKey, "api-key-file", "", "a `file` with the server's API key (default: the variable "+apiKeyVariable+")")
	rare.StringVar(&c.adminKey, "admin-key-file", "", "a `file` with the admin key, where profiling needs another one (default: the variable "+adminKeyVariable+")")
	rare.BoolVar(&c.o.Proxy, "use-proxy", false, "go through the proxy that HTTP_PROXY and its like name")
	rare.DurationVar(&c.o.Timeout, "timeout", c.o.Timeout, "how long a question to the server may take")
	rare.DurationVar(&c.o.RequestTimeout, "request-timeout", c.o.RequestTimeout, "how long a request may take")
	rare.DurationVar(&c.o.StopTimeout, "stop-timeout", c.o.StopTimeout, "how long stopping the profiler may take")
	rare.DurationVar(&c.o.TraceTimeout, "trace-timeout", c.o.TraceTimeout, "how long the server may take to write the traces")
	rare.IntVar(&c.o.Retries, "retries", c.o.Retries, "how often a call is repeated that may be")
	rare.DurationVar(&c.o.Backoff, "backoff", c.o.Backoff, "the wait before the first retry, doubled for each that follows")
	rare.VisitAll(func(x *pflag.Flag) {
		x.Hidden = few
		f.AddFlag(x)
	})
	f.VisitAll(func(x *pflag.Flag) {
		if !before[x.Name] {
			c.names = append(c.names, x.Name)
		}
	})
}

// wanted tells that a server is to be profiled.
func (c *captureFlags) wanted() bool { return c.url != "" || c.mappingURL != "" || c.formalURL != "" }

// check refuses what cannot be meant. verb names the command.
func (c *captureFlags) check(verb string) error {
	if c.url != "" && c.formalURL != "" {
		return usagef("%s: --url and --formal-url are the same flag; give one of them", verb)
	}
	if c.requestsURL != "" && c.mappingURL != "" {
		return usagef("%s: --requests-url with --mapping-url: one router cannot stand for two servers; profile them one by one with sgrules capture", verb)
	}
	c.o.Workloads = nil
	for _, s := range c.workloads {
		w, err := capture.ParseWorkload(s)
		if err != nil {
			return usagef("%s: --workload %w", verb, err)
		}
		if slices.ContainsFunc(c.o.Workloads, func(x capture.Workload) bool { return x.Name == w.Name }) {
			return usagef("%s: --workload %s is given twice, and each has a folder of its name; give one of them as NAME=IN:OUT", verb, w.Name)
		}
		c.o.Workloads = append(c.o.Workloads, w)
	}
	return nil
}

// taken is what profiling left: formal and mapping are nil where no server was named.
type taken struct{ formal, mapping *capture.Result }

// take profiles the servers named.
func (c *captureFlags) take(ctx context.Context, framework string, quiet bool, s streams) (*taken, error) {
	o := c.o
	o.Framework, o.RequestsURL, o.ProfilerDir = framework, c.requestsURL, c.profilerDir
	var err error
	if o.APIKey, err = bearer(c.apiKey, "api-key-file", apiKeyVariable); err != nil {
		return nil, err
	}
	if o.AdminKey, err = bearer(c.adminKey, "admin-key-file", adminKeyVariable); err != nil {
		return nil, err
	}
	if c.dir == "" {
		if c.dir, err = capture.NewFolder(captureFolder); err != nil {
			return nil, err
		}
	}
	p := newPhases(s.err, quiet)
	defer p.done()
	// Both are asked before either is profiled.
	open := func(url, below string) (*capture.Session, error) {
		if url == "" {
			return nil, nil
		}
		o := o
		o.URL, o.Dir, o.ServerDir, o.Mapping = url, c.dir, c.serverDir, below == "mapping"
		o.Progress = p.update
		if c.mappingURL != "" {
			o.Dir = filepath.Join(o.Dir, below)
			if o.ServerDir != "" {
				o.ServerDir = path.Join(o.ServerDir, below)
			}
			o.Progress = func(phase, detail string) { p.update(below+": "+phase, detail) }
		}
		return capture.Open(ctx, o)
	}
	formalURL := c.url + c.formalURL
	mapping, err := open(c.mappingURL, "mapping")
	if err != nil {
		return nil, err
	}
	formal, err := open(formalURL, "formal")
	if err != nil {
		return nil, err
	}
	if mapping != nil && formal != nil {
		if err := capture.Comparable(mapping, formal); err != nil {
			return nil, err
		}
	}
	t := &taken{}
	for _, x := range []struct {
		session *capture.Session
		to      **capture.Result
	}{{mapping, &t.mapping}, {formal, &t.formal}} {
		if x.session == nil {
			continue
		}
		if *x.to, err = x.session.Run(ctx); err != nil {
			p.done()
			return nil, t.broken(err, s.err)
		}
	}
	return t, nil
}

// broken tells what was written before an error, also where the error itself is only that
// somebody stopped the program.
func (t *taken) broken(err error, w io.Writer) error {
	if t.mapping != nil {
		fmt.Fprintf(w, "sgrules: the mapping traces are in %s\n", clean(t.mapping.Dir))
	}
	var e *capture.Error
	if !errors.As(err, &e) || !errors.Is(err, context.Canceled) {
		return err
	}
	if e.Stop != nil {
		fmt.Fprintf(w, "sgrules: the profiler could not be stopped: %s; end it by hand with POST /stop_profile\n", clean(e.Stop.Error()))
	}
	for _, k := range e.Kept {
		fmt.Fprintf(w, "sgrules: already written: %s\n", clean(k))
	}
	return err
}

// paths are the traces to analyse: those that show what their workloads are for, of one
// rank, or of all.
func paths(r *capture.Result, rank int64, all bool) []string {
	if r == nil {
		return nil
	}
	var out []string
	for i := range r.Captured {
		out = append(out, r.Captured[i].Wanted(rank, all)...)
	}
	return out
}

// bearer reads a token from a file, or from the environment. It is never shown.
func bearer(file, flag, variable string) (string, error) {
	token, from := os.Getenv(variable), variable
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--%s: %w", flag, err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, 64<<10))
		if err != nil {
			return "", fmt.Errorf("--%s: %w", flag, err)
		}
		token, from = string(b), "--"+flag+" "+file
		if strings.TrimSpace(token) == "" {
			return "", fmt.Errorf("%s: the file is empty; expected a key", from)
		}
	}
	token = strings.TrimSpace(token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("%s: a key is one word of printable characters, and this is not", from)
	}
	return token, nil
}

// tell writes where the traces are.
func (t *taken) tell(w io.Writer, steps int64) error {
	var b strings.Builder
	for _, x := range []struct {
		role string
		r    *capture.Result
	}{{"mapping", t.mapping}, {"formal", t.formal}} {
		if x.r == nil {
			continue
		}
		role := ""
		if t.mapping != nil {
			role = x.role + ": "
		}
		fmt.Fprintf(&b, "%s%s\n", role, clean(x.r.Server.String()))
		if x.r.ServerArgs != "" {
			fmt.Fprintf(&b, "  its arguments: %s\n", clean(x.r.ServerArgs))
		}
		for _, c := range x.r.Captured {
			fmt.Fprintf(&b, "  %s, %d tokens in and %d out, %d steps:\n", c.Workload.Name, c.Workload.In, c.Workload.Out, steps)
			for _, f := range c.Traces {
				fmt.Fprintf(&b, "    %s\n", clean(f.Path))
			}
		}
		for _, n := range x.r.Notes {
			fmt.Fprintf(&b, "  mind: %s\n", clean(n))
		}
	}
	return writeString(w, b.String())
}

// next is the command that analyses what was taken.
func (t *taken) next() string {
	out := "sgrules analyze"
	for _, p := range paths(t.mapping, -1, false) {
		out += " --mapping " + quoted(p)
	}
	for _, p := range paths(t.formal, -1, false) {
		out += " " + quoted(p)
	}
	if t.formal == nil {
		out += " TRACE"
	}
	return out
}

// quoted is a word of a shell's command line.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./=+:@%-", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// phases shows what goes on: on a terminal in one line, elsewhere a line for each phase.
type phases struct {
	w        io.Writer
	on       bool
	tty      *os.File // nil if it is none
	last     string
	unbroken bool // the cursor stands in a line
}

func newPhases(w io.Writer, quiet bool) *phases {
	p := &phases{w: w, on: !quiet}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.tty = f
	}
	return p
}

func (p *phases) update(phase, detail string) {
	switch {
	case !p.on:
	case p.tty != nil:
		line := clean(phase)
		if detail != "" {
			line += ": " + clean(detail)
		}
		if n, _ := terminal(p.tty); n > 1 {
			line = cut(line, n-1)
		}
		if line != p.last {
			fmt.Fprint(p.w, "\r\x1b[K"+line)
		}
		p.last, p.unbroken = line, true
	case phase != p.last:
		fmt.Fprintf(p.w, "sgrules: %s\n", clean(phase))
		p.last = phase
	}
}

func (p *phases) done() {
	if p.unbroken {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.unbroken = false
}

// checkCapture holds the flags that profile a server against the traces named.
func (a *analyzeFlags) checkCapture(args []string) error {
	c := &a.capture
	switch {
	case !c.wanted():
		for _, n := range c.names {
			if c.flags.Changed(n) {
				return usagef("analyze: --%s has no effect without a server to profile; name one with --url", n)
			}
		}
		return nil
	case c.url+c.formalURL != "" && len(args) > 0:
		return usagef("analyze: a server with --url and the trace %q: give one of them", args[0])
	case c.url+c.formalURL == "" && len(args) == 0:
		return usagef("analyze: --mapping-url only gives source lines to other traces; name these, or their server with --formal-url")
	case c.mappingURL != "" && len(a.mapping) > 0:
		return usagef("analyze: --mapping and --mapping-url: give one of them")
	}
	return c.check("analyze")
}

// fromServer profiles the servers named and gives the traces to report on.
func (a *analyzeFlags) fromServer(ctx context.Context, args []string, mapping *[]string, serverArgs *string, s streams) ([]string, error) {
	t, err := a.capture.take(ctx, a.framework, a.quiet, s)
	if err != nil {
		return nil, err
	}
	if !a.quiet {
		if err := t.tell(s.err, a.capture.o.Steps); err != nil {
			return nil, err
		}
	}
	all := a.ranks != ""
	if t.mapping != nil {
		*mapping = paths(t.mapping, a.rank, false)
	}
	if t.formal == nil {
		return args, nil
	}
	if *serverArgs == "" {
		*serverArgs = t.formal.ServerArgs
	}
	if a.framework == "auto" {
		a.framework = t.formal.Server.Framework
	}
	out := paths(t.formal, a.rank, all)
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no trace of rank %d was written; they are kept", t.formal.Dir, a.rank)
	}
	if !all && (t.mapping != nil || len(*mapping) == 0) {
		a.rank = -1 // chosen, and there is no directory left to choose in
	}
	return out, nil
}

func captureCommand() command {
	return command{
		name:  "capture",
		short: "profile a running server and leave its traces on disk",
		long: `Capture profiles a running SGLang, vLLM, TensorRT-LLM or TokenSpeed server: it warms the
server up, starts its profiler, sends requests whose prompts differ, and waits until every
trace is whole on disk. 'sgrules analyze --url' does that and then analyses the traces.

The traces of each workload have a folder of their own, beside server_args.json where the
server tells its arguments. The server writes them itself: its user must be able to write
there, and a server on another machine or in a container needs a shared folder, named twice
with --output and --server-output. With --mapping-url and --formal-url two servers are
profiled, the first of them without graphs.

The profiler is stopped on every way out, and a server that is being profiled already is
left alone; only vLLM does not tell. Servers started with SGLANG_PROFILE_V2 are not
supported. Nobody but the addresses given is contacted.`,
		example: `sgrules capture --url http://127.0.0.1:30000 --num-steps 5
sgrules capture --url http://127.0.0.1:30000 --workload decode --concurrency 32 -o decode-32
sgrules capture --mapping-url http://127.0.0.1:30001 --formal-url http://127.0.0.1:30000
sgrules capture --framework vllm --url http://127.0.0.1:8000 --profiler-dir /tmp/vllm-traces`,
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			c := &captureFlags{}
			framework, quiet := "auto", false
			c.register(f, "output", "o", false)
			f.StringVar(&framework, "framework", "auto", "what serves: "+strings.Join(capture.Frameworks(), ", ")+"; trtllm is tensorrt-llm")
			f.BoolVarP(&quiet, "quiet", "q", false, "no progress on standard error")
			return func(ctx context.Context, args []string, s streams) error {
				if len(args) > 0 {
					return usagef("capture takes no arguments, found %q", args[0])
				}
				if !c.wanted() {
					return usagef("capture: no server given; name one with --url http://HOST:PORT")
				}
				if framework = capture.Framework(framework); !slices.Contains(capture.Frameworks(), framework) {
					return usagef("capture: --framework %q: expected %s", framework, strings.Join(capture.Frameworks(), ", "))
				}
				if err := c.check("capture"); err != nil {
					return err
				}
				t, err := c.take(ctx, framework, quiet, s)
				if err != nil {
					return err
				}
				if err := t.tell(s.out, c.o.Steps); err != nil {
					return err
				}
				return writeString(s.out, "next: "+clean(t.next())+"\n")
			}
		},
	}
}
