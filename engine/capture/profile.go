package capture

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

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
	p.files.late = s.Server.Ranks == 0
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
	if !p.contract.windowed() {
		return fmt.Errorf("after %v no new trace is in %s; it is not the folder that the server writes to as it is seen here, or the server runs on another machine: copy the traces from there and run sgrules analyze on the copy", p.o.TraceTimeout, p.files.dir)
	}
	dir := p.files.dir
	if p.o.ServerDir != "" {
		dir = p.o.ServerDir
	}
	return fmt.Errorf("after %v no trace is in %s; the server writes to %s as it sees it: on another machine or in a container that is another folder, so share one and name it twice (--output as it is seen here, which analyze calls --capture-dir, and --server-output as the server sees it), or copy the traces from there and run sgrules analyze on the copy; on this machine, its user must be able to write there%s", p.o.TraceTimeout, p.files.dir, dir, p.contract.silent())
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
