// Package engine is the whole way from trace files to a report: read, attribute, match,
// account. It composes the packages below it and holds no logic of theirs.
//
// It never prints and never exits; what it could not do it returns as an error, and what
// was damaged stands in the report.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/sgrules/sgrules/engine/align"
	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/ladder"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/overlap"
	"github.com/sgrules/sgrules/engine/profdir"
	"github.com/sgrules/sgrules/engine/ranks"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/rule"
)

// Options say what to analyse and how.
type Options struct {
	// Paths are trace files of one run, "-" for standard input, or one profile directory.
	Paths []string
	// Mapping are traces that know the source lines of the same work: of a run without
	// graphs, or of the graph capture; files or one profile directory. Empty: only the
	// server's own capture profiles beside a trace are used.
	Mapping []string
	Stdin   io.Reader
	// Rank chooses the TP rank (or global rank) in a profile directory; -1 the lowest.
	Rank int64
	// Ranks chooses ranks of one run to compare with the one reported on, which is Rank or
	// the lowest: in a profile directory, or among Paths, which are then of several ranks.
	Ranks profdir.RankSet
	// Strict makes a damaged trace an error instead of a warning.
	Strict bool
	// Catalog gives what to match with. It runs while the first trace is read.
	Catalog func() (*Catalog, error)
	// ServerArgs names the file with the server's arguments; "" looks for
	// server_args.json beside the trace.
	ServerArgs string
	// Framework overrides what the trace tells: sglang, vllm, tensorrt-llm, tokenspeed.
	Framework string
	// MaxMemory is the most memory, in bytes, that the traces may need together, the program
	// included; more is a *MemoryError. It is an estimate on the safe side. 0 is no limit.
	MaxMemory int64
	// ServerLogs are logs of the server that was profiled, beside those that stand next to a
	// trace; AllowDiffusers analyses a trace that they, or its own frames, tell to be of the
	// diffusers library (a *DiffusersError without it).
	ServerLogs     []string
	AllowDiffusers bool
	// Per is what the kernel tables are read by: PerRun, also when empty, PerStep or PerLayer.
	Per string
	// Timeline asks for the timeline of the worst window.
	Timeline bool
	// NoNotes leaves out what exact matching leaves open: partial chains and ladders.
	NoNotes bool
	// Version is printed in the report.
	Version string
	// Progress, if not nil, is called now and then with the bytes read of a file, never
	// twice at a time.
	Progress func(path string, read, total int64)

	// matching is held while rules are compiled and matched, where several traces are
	// read at once; nil where one is.
	matching *sync.Mutex
	memory   *budget
}

// part is one trace of the run with all that was found in it.
type part struct {
	path  string
	trace *kineto.Trace
	graph *graph.Graph
	found *match.Result
	times *overlap.Times
	run   rule.Run
	// mapping is the trace that the sites of replayed kernels come from, nil if none;
	// aligned tells what came of it.
	mapping *kineto.Trace
	aligned *align.Result
	// stages are the report's names of the graph's stages; calls what other ranks tell of
	// the collectives, by kernel; nil if only one was read.
	stages []string
	calls  map[int32]ranks.Split
	// partial and ladders are what exact matching leaves open.
	partial []match.PartialChain
	ladders []ladder.Ladder
}

// Analyze reads the traces and reports on them.
func Analyze(ctx context.Context, o Options) (*report.Report, error) {
	if !o.Ranks.None() {
		return analyzeRanks(ctx, o)
	}
	in, maps, args, err := gather(o)
	if err != nil {
		return nil, err
	}
	o.memory = newBudget(o.MaxMemory)
	cat := sync.OnceValues(o.Catalog)
	go cat() // on the other core, while the trace is read
	var parts []*part
	for _, path := range in.paths {
		p, err := analyzeOne(ctx, o, cat, path, args, maps.paths)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return assemble(o, in, maps, args, parts, nil), nil
}

func analyzeOne(ctx context.Context, o Options, load func() (*Catalog, error), path string, args *serverArgs, maps []string) (*part, error) {
	t, err := read(ctx, o, path)
	if err != nil {
		return nil, err
	}
	cat, err := load()
	if err != nil {
		return nil, err
	}
	p := &part{path: path, trace: t}
	p.graph = graph.Build(t, graph.Options{Sites: cat.Sites, Stage: graph.StageFromPath(path)})
	o.memory.done(path, t)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := diffusersGate(o, p); err != nil {
		return nil, err
	}
	if err := p.lay(ctx, o, cat.Sites, maps); err != nil {
		return nil, err
	}
	p.run = describe(o, p, args)
	if o.matching != nil {
		o.matching.Lock()
		defer o.matching.Unlock()
	}
	if p.found, err = match.Classify(p.graph, cat.Rules); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var swept sync.WaitGroup
	swept.Go(func() { p.times = overlap.Sweep(p.graph, p.found.Work) })
	err = p.find(&p.run, !o.NoNotes)
	swept.Wait()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, ctx.Err()
}

// find matches the rules, and finds what they leave open where notes are wanted.
func (p *part) find(run *rule.Run, notes bool) error {
	if err := p.found.Match(run); err != nil || !notes {
		return err
	}
	return p.note()
}

func read(ctx context.Context, o Options, path string) (*kineto.Trace, error) {
	ko := kineto.Options{Strict: o.Strict, Watch: o.memory.watch(path)}
	if o.Progress != nil {
		ko.Progress = func(read, total int64) { o.Progress(path, read, total) }
	}
	if path == "-" {
		return kineto.Read(ctx, o.Stdin, path, ko)
	}
	return kineto.Open(ctx, path, ko)
}

// chosen are the trace files to read.
type chosen struct {
	paths  []string
	picked []string // of a directory
	left   []string
}

// gather finds what one analysis reads: the traces, the mapping traces and the server's arguments.
func gather(o Options) (in, maps *chosen, args *serverArgs, err error) {
	if in, err = inputs(o.Paths, o.Rank); err != nil {
		return nil, nil, nil, err
	}
	if maps, err = mappings(o); err != nil {
		return nil, nil, nil, err
	}
	if err = choosable(o, in, maps); err != nil {
		return nil, nil, nil, err
	}
	args, err = arguments(o, in.paths)
	return in, maps, args, err
}

func inputs(paths []string, rank int64) (*chosen, error) {
	if len(paths) == 0 {
		return nil, errors.New("no trace given")
	}
	if err := profdir.Distinct(paths); err != nil {
		return nil, err
	}
	in := &chosen{}
	for _, p := range paths {
		if p == "-" {
			in.paths = append(in.paths, p)
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, diag.Expecting(err, "a trace file, a profile directory, or - for standard input")
		}
		if !info.IsDir() {
			in.paths = append(in.paths, p)
			continue
		}
		if len(paths) > 1 {
			return nil, fmt.Errorf("%s: a profile directory must be the only argument", p)
		}
		got, err := profdir.Pick(p, rank)
		if err != nil {
			return nil, err
		}
		for _, f := range got.Files {
			in.paths = append(in.paths, f.Path)
		}
		in.picked, in.left = in.paths, got.Left
	}
	return in, nil
}

// choosable refuses a rank where there is no directory to choose its trace in.
func choosable(o Options, in, maps *chosen) error {
	if o.Rank < 0 || in.picked != nil || maps.picked != nil {
		return nil
	}
	return fmt.Errorf("--rank %d chooses a trace in a profile directory, and %s is the trace itself: name the directory, or leave --rank out", o.Rank, in.paths[0])
}

func arguments(o Options, paths []string) (*serverArgs, error) {
	if o.ServerArgs != "" {
		return parseServerArgs(o.ServerArgs)
	}
	for _, p := range paths {
		if p == "-" {
			continue
		}
		if a, err := readServerArgs(p); a != nil || err != nil {
			return a, err
		}
	}
	return nil, nil
}
