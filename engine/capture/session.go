package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
	if o.WorldSize > 0 {
		s.Server.Ranks = o.WorldSize
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
		s.notes = append(s.notes, fmt.Sprintf("%s does not tell whether it replays graphs; a mapping trace needs a server without them (of vLLM: one with --enforce-eager)", base))
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
