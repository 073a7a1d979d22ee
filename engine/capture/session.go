package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sgrules/sgrules/internal/safefile"
)

// Session is a server that was asked what it is and can do what is wanted of it. Nothing
// has been started yet.
type Session struct {
	Server   *Server
	o        Options
	contract contract
	clients  []*client
	prompts  *prompts
	notes    []string
}

// Open asks the server what it is, and refuses what it cannot do.
func Open(ctx context.Context, o Options) (*Session, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	base, err := origin("server address", o.URL)
	if err != nil {
		return nil, err
	}
	s := &Session{o: o}
	control := newClient(base, &s.o)
	s.clients = []*client{control}
	requests := control
	if o.RequestsURL != "" {
		u, err := origin("--requests-url", o.RequestsURL)
		if err != nil {
			return nil, err
		}
		requests = newClient(u, &s.o)
		s.clients = append(s.clients, requests)
	}
	s.o.Progress("asking "+base.Redacted()+" what it is", "")
	framework := Framework(o.Framework)
	if framework == "" || framework == "auto" {
		if framework, err = detect(ctx, control); err != nil {
			return nil, err
		}
	}
	if s.contract = newContract(framework, control, requests, &s.o); s.contract == nil {
		return nil, fmt.Errorf("--framework %q: expected %s", o.Framework, strings.Join(Frameworks(), ", "))
	}
	if s.Server, err = s.contract.identify(ctx); err != nil {
		return nil, err
	}
	if err := s.contract.lacks(ctx, s.Server); err != nil {
		return nil, err
	}
	if err := s.idle(); err != nil {
		return nil, err
	}
	if s.prompts, err = newPrompts(o.Seed); err != nil {
		return nil, err
	}
	if o.Mapping && s.Server.args == nil {
		s.notes = append(s.notes, fmt.Sprintf("%s does not tell whether it replays graphs; a mapping trace needs a server without them", base))
	}
	return s, nil
}

// idle refuses options that would have no effect, and folders that hold traces already.
func (s *Session) idle() error {
	for _, f := range []struct {
		flag string
		set  bool
	}{
		{"--profiler-dir", s.o.ProfilerDir != "" && s.contract.windowed()},
		{"--server-output", s.o.ServerDir != "" && !s.contract.windowed()},
		{"--with-stack", !s.o.Stack && !s.contract.stacks()},
		{"--record-shapes", !s.o.Shapes && !s.contract.stacks()},
	} {
		if f.set {
			return fmt.Errorf("%s has no effect on %s; leave it out", f.flag, s.Server)
		}
	}
	for _, w := range s.o.Workloads {
		dir := filepath.Join(s.o.Dir, w.Name)
		there, err := list(dir)
		if err != nil {
			return err
		}
		if len(there) > 0 {
			return fmt.Errorf("%s: %d files are there already, and traces of two runs must not be mixed; choose another folder", dir, len(there))
		}
	}
	return nil
}

// Comparable says why the traces of two servers are no pair; nil is that they are, as far
// as the servers tell.
func Comparable(mapping, formal *Session) error {
	a, b := mapping.Server, formal.Server
	at := func(s *Session) string { return s.clients[0].base.String() }
	switch {
	case at(mapping) == at(formal):
		return fmt.Errorf("the mapping and the formal trace are to come from the same server, %s; a pair needs two, one of them without graphs", at(mapping))
	case a.Framework != b.Framework:
		return fmt.Errorf("%s is %s and %s is %s: no pair", at(mapping), a.Framework, at(formal), b.Framework)
	case a.Model != b.Model:
		return fmt.Errorf("%s serves %s and %s serves %s: no pair; start both with one model", at(mapping), a.Model, at(formal), b.Model)
	case a.Ranks != b.Ranks:
		return fmt.Errorf("%s has %d ranks and %s has %d: no pair; start both with the same parallelism", at(mapping), a.Ranks, at(formal), b.Ranks)
	}
	return nil
}

// Result is what a run left on disk.
type Result struct {
	Server     *Server
	Dir        string
	ServerArgs string // the file with the server's arguments, "" if it does not tell them
	Captured   []Captured
	Notes      []string // what the reader should know
}

// Captured are the traces of one workload.
type Captured struct {
	Workload Workload
	Dir      string
	Traces   []Trace // by rank, place and stage
}

// Wanted are the traces that show what the workload is for: of one rank, or of all, one
// for each stage and place. Rank -1 is the lowest.
func (c *Captured) Wanted(rank int64, all bool) []string {
	if rank < 0 {
		for _, t := range c.Traces {
			if !t.Merged && t.Rank >= 0 && (rank < 0 || t.Rank < rank) {
				rank = t.Rank
			}
		}
	}
	var out []string
	taken := map[string]bool{}
	for _, t := range c.Traces {
		if t.Merged || !c.Workload.wants(t.Stage) {
			continue
		}
		if !all && (t.Rank != rank || taken[t.Stage]) || all && t.Rank < 0 && rank >= 0 {
			continue
		}
		taken[t.Stage] = true
		out = append(out, t.Path)
	}
	return out
}

// Error is a run that was broken off, with what is left of it.
type Error struct {
	Err error
	// Kept are traces that were written all the same.
	Kept []string
	// Stop is why the profiler could not be stopped; nil if it was, or none was running.
	Stop error
}

func (e *Error) Error() string {
	s := e.Err.Error()
	if e.Stop != nil {
		s += fmt.Sprintf("; the profiler could not be stopped either (%v): end it by hand with POST /stop_profile", e.Stop)
	}
	if len(e.Kept) > 0 {
		s += "; traces already written are kept: " + strings.Join(e.Kept, ", ")
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Run profiles the workloads one after the other. What an error leaves behind is told by an
// *Error.
func (s *Session) Run(ctx context.Context) (*Result, error) {
	defer func() {
		for _, c := range s.clients {
			c.close()
		}
	}()
	dir, err := filepath.Abs(s.o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Result{Server: s.Server, Dir: s.o.Dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if s.Server.info != nil {
		r.ServerArgs = filepath.Join(s.o.Dir, "server_args.json")
		if err := safefile.Write(r.ServerArgs, func(w io.Writer) error { _, err := w.Write(s.Server.info); return err }); err != nil {
			return nil, err
		}
	}
	for _, w := range s.o.Workloads {
		c := Captured{Workload: w, Dir: filepath.Join(s.o.Dir, w.Name)}
		err := s.workload(ctx, &c)
		if err != nil {
			if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
				err = fmt.Errorf("%w (%w)", ctx.Err(), err)
			}
			e := &Error{Err: fmt.Errorf("workload %s: %w", w.Name, err)}
			var inner *Error
			if errors.As(err, &inner) {
				e.Err, e.Stop = fmt.Errorf("workload %s: %w", w.Name, inner.Err), inner.Stop
			}
			for _, done := range append(r.Captured, c) {
				for _, t := range done.Traces {
					e.Kept = append(e.Kept, t.Path)
				}
			}
			return nil, e
		}
		r.Captured = append(r.Captured, c)
	}
	r.Notes = s.notes
	return r, nil
}

// profile is one profile on its way.
type profile struct {
	*Session
	w     Workload
	files watch
	begun bool // it may be armed or running
}

// workload records one workload. On an error c.Traces are those that were written.
func (s *Session) workload(ctx context.Context, c *Captured) (err error) {
	w := c.Workload
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	p := &profile{Session: s, w: w}
	p.files = watch{dir: c.Dir, parse: s.contract.trace, files: s.contract.files(s.Server), clock: &s.o}
	p.files.late = s.Server.Ranks == 0 && s.contract.windowed()
	if s.o.ProfilerDir != "" && !s.contract.windowed() {
		p.files.dir = s.o.ProfilerDir
	}
	if p.files.before, err = list(p.files.dir); err != nil {
		return err
	}
	// Before the warm-up, which would be in the profile of whoever is at it.
	if err := s.contract.free(ctx); err != nil {
		return err
	}
	if err := p.warm(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = p.abandon(ctx, err)
			c.Traces = p.files.traces(true)
		}
	}()
	switch {
	case !s.contract.windowed():
		err = p.between(ctx)
	case w.decode() && !s.o.ByStage:
		err = p.inside(ctx)
	default:
		err = p.around(ctx)
	}
	if err != nil {
		return err
	}
	p.begun = false
	c.Traces = p.files.traces(true)
	if p.files.dir != c.Dir {
		for i := range c.Traces {
			if c.Traces[i].Path, err = bring(ctx, c.Traces[i].Path, c.Dir); err != nil {
				return err
			}
		}
	}
	if len(c.Wanted(-1, false)) == 0 {
		return fmt.Errorf("%s: there are traces, but none of what the workload is for", c.Dir)
	}
	return nil
}

// phase tells what goes on in this workload.
func (p *profile) phase(text, detail string) { p.o.Progress(p.w.Name+": "+text, detail) }

// warm sends requests of the workload's kind before the profile, so that what is compiled
// or tuned on first use is not in it.
func (p *profile) warm(ctx context.Context) error {
	for range p.o.Warmup {
		p.phase("warming up", "")
		if _, err := p.round(ctx, p.w.In, min(p.w.Out, 8)); err != nil {
			return err
		}
	}
	return nil
}

// begin starts the profiler.
func (p *profile) begin(ctx context.Context) error {
	p.phase(fmt.Sprintf("profiling %d steps", p.o.Steps), "")
	dir, err := filepath.Abs(filepath.Join(p.o.Dir, p.w.Name))
	if err != nil {
		return err
	}
	if p.o.ServerDir != "" {
		dir = strings.TrimRight(p.o.ServerDir, "/") + "/" + p.w.Name
	}
	p.begun = true // until it is known that it is not
	err = p.contract.start(ctx, dir)
	if refused(err) {
		p.begun = false
	}
	return err
}

// around profiles requests that begin after the profiler: each round is a batch of prefill
// at least, and the one after the last step has the trace written.
func (p *profile) around(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	short := p.w.Out <= int(p.o.Steps)+1 // a request ends before the steps do
	if !short {
		// One is enough, and what it decodes behind the window is of no use.
		probes := p.launch(ctx, p.w.In, p.w.Out)
		defer probes.end()
		return p.wait(ctx, probes)
	}
	rounds := int(p.o.Steps) + 2
	for n := range rounds {
		p.phase("sending probes", fmt.Sprintf("round %d of %d", n+1, rounds))
		u, err := p.round(ctx, p.w.In, p.w.Out)
		if err != nil {
			return err
		}
		p.cached(u)
	}
	if p.o.ByStage {
		// The other stage is armed still, and would record whoever decodes next.
		if err := p.drain(ctx); err != nil {
			return err
		}
	}
	return p.wait(ctx, nil)
}

// drain makes the server decode for more batches than a profile by stage records.
func (p *profile) drain(ctx context.Context) error {
	_, err := p.round(ctx, 1, int(p.o.Steps)+8)
	return err
}

// inside begins the profiler while requests decode, so that their prefill is not in it.
func (p *profile) inside(ctx context.Context) error {
	probes := p.launch(ctx, p.w.In, p.w.Out)
	defer probes.end()
	p.phase("waiting for the first token", "")
	if _, err := probes.await(ctx, nil, 1); err != nil {
		return err
	}
	if err := p.begin(ctx); err != nil {
		return err
	}
	return p.wait(ctx, probes)
}

// underWay is how many tokens may be on their way here when a profiler has started; they
// were made before it.
const underWay = 3

// between starts and stops a profiler that has no window.
func (p *profile) between(ctx context.Context) error {
	if p.w.decode() {
		probes := p.launch(ctx, p.w.In, p.w.Out)
		defer probes.end()
		p.phase("waiting for the first token", "")
		if _, err := probes.await(ctx, nil, 1); err != nil {
			return err
		}
		if err := p.begin(ctx); err != nil {
			return err
		}
		from, err := probes.await(ctx, nil, 0)
		if err != nil {
			return err
		}
		if _, err := probes.await(ctx, from, int(p.o.Steps)+underWay); err != nil {
			return err
		}
		return p.stopAndWait(ctx)
	}
	if err := p.begin(ctx); err != nil {
		return err
	}
	rounds := 1
	if p.w.prefill() {
		rounds = int(p.o.Steps)
	}
	for range rounds {
		u, err := p.round(ctx, p.w.In, p.w.Out)
		if err != nil {
			return err
		}
		p.cached(u)
	}
	return p.stopAndWait(ctx)
}

func (p *profile) stopAndWait(ctx context.Context) error {
	p.phase("stopping the profiler", "")
	if err := p.contract.stop(ctx); err != nil {
		return err
	}
	p.begun = false
	return p.wait(ctx, nil)
}

// cached notes, once a workload, that the prefix cache answered for a prompt.
func (p *profile) cached(u usage) {
	if u.cached <= p.w.In/2 {
		return
	}
	note := fmt.Sprintf("workload %s: %d of the %d tokens of a prompt came out of the prefix cache, so less was prefilled than its name says", p.w.Name, u.cached, p.w.In)
	for _, n := range p.notes {
		if strings.HasPrefix(n, "workload "+p.w.Name+": ") && strings.Contains(n, "prefix cache") {
			return
		}
	}
	p.notes = append(p.notes, note)
}

// nudges bounds how many more requests are sent so that a batch comes after the last one.
const (
	nudges     = 8
	nudgeAfter = 2 * time.Second
)

// wait waits until the traces are whole. probes, if not nil, run on meanwhile.
func (p *profile) wait(ctx context.Context, probes *streams) error {
	begun := p.o.Now()
	nudged, last := 0, begun
	for n := 0; ; n++ {
		done, err := p.files.look(ctx)
		if err != nil || done {
			return err
		}
		p.phase("waiting for the traces", p.files.state())
		if probes != nil {
			if err := probes.failed(); err != nil {
				return err
			}
		}
		now := p.o.Now()
		if now.Sub(begun) > p.o.TraceTimeout {
			return p.missing()
		}
		if n%10 == 9 && !p.clients[0].alive(ctx) {
			return fmt.Errorf("%s no longer listens: the server died before its traces were whole (%s)", p.clients[0].base, p.files.state())
		}
		if probes != nil && !probes.over() {
			last = now
		}
		if p.contract.windowed() && (len(p.files.seen) == 0 || len(p.files.seen) < p.files.files) && nudged < nudges && now.Sub(last) > nudgeAfter {
			nudged, last = nudged+1, now
			if probes != nil && nudged == 1 {
				p.notes = append(p.notes, fmt.Sprintf("workload %s: its %d tokens were decoded before %d steps were recorded, so the trace may also hold the requests that followed; give it more tokens", p.w.Name, p.w.Out, p.o.Steps))
			}
			if p.w.prefill() && !p.o.ByStage {
				_, err = p.round(ctx, p.w.In, 1)
			} else {
				err = p.drain(ctx)
			}
			if err != nil {
				return err
			}
		}
		if err := p.o.Sleep(ctx, p.o.Poll); err != nil {
			return err
		}
	}
}

// missing says what did not come within the time, and why that may be.
func (p *profile) missing() error {
	if t := p.files.traces(false); len(t) > 0 {
		var names []string
		for _, f := range t {
			names = append(names, fmt.Sprintf("%s (%.1f MB)", f.Path, float64(f.Bytes)/1e6))
		}
		return fmt.Errorf("after %v the traces are not all there and whole (%s): %s; give the server more time with --trace-timeout, or look into its log", p.o.TraceTimeout, p.files.state(), strings.Join(names, ", "))
	}
	dir := p.files.dir
	if p.o.ServerDir != "" {
		dir = p.o.ServerDir
	}
	return fmt.Errorf("after %v no trace is in %s; the server writes to %s as it sees it: on another machine or in a container that is another folder, so share one and name it twice (--output as it is seen here, which analyze calls --capture-dir, and --server-output as the server sees it), or copy the traces from there and run sgrules analyze on the copy; on this machine, its user must be able to write there", p.o.TraceTimeout, p.files.dir, dir)
}

// hurry bounds how long an interrupted run waits for the profiler to stop.
const hurry = 30 * time.Second

// abandon stops a profiler that may be running, whatever became of ctx, and looks once more
// for what it wrote.
func (p *profile) abandon(ctx context.Context, cause error) error {
	e := &Error{Err: cause}
	limit := p.o.StopTimeout
	if ctx.Err() != nil {
		limit = min(limit, hurry) // somebody wants the terminal back
	}
	ctx = context.WithoutCancel(ctx)
	if p.begun {
		p.phase("stopping the profiler", "")
		stop, cancel := context.WithTimeout(ctx, limit)
		e.Stop = p.contract.stop(stop)
		cancel()
	}
	// A trace that is being written becomes whole within a few looks, or is not named.
	for range 20 {
		if done, err := p.files.look(ctx); err != nil || done || len(p.files.seen) == 0 || len(p.files.traces(true)) == len(p.files.seen) {
			break
		}
		if p.o.Sleep(ctx, p.o.Poll) != nil {
			break
		}
	}
	return e
}
