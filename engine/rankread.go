package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/overlap"
	"github.com/sgrules/sgrules/engine/profdir"
	"github.com/sgrules/sgrules/engine/ranks"
	"github.com/sgrules/sgrules/engine/report"
)

// The traces of several ranks are read at once as long as what they are expected to need
// together stays below readMemory, bytes; one that needs more is read with no other beside
// it. A byte of gzip or zstd is taken for expansion bytes of JSON, and a byte of JSON needs
// a footprint-th of a byte while it is read and attributed.
const (
	readMemory = 2 << 30
	expansion  = 20
	footprint  = 2
)

// otherRank is a rank that is compared with the one reported on.
type otherRank struct {
	rank     ranks.Rank
	files    []report.Trace
	warnings []string
}

// analyzeRanks reports on the first of several ranks and compares the others with it. Of
// the others only sums and the calls of collectives are kept.
func analyzeRanks(ctx context.Context, o Options) (*report.Report, error) {
	if len(o.Paths) == 0 {
		return nil, errors.New("no trace given")
	}
	chosenRanks, left, err := profdir.PickRanks(o.Paths, o.Ranks, o.Rank)
	if err != nil {
		return nil, err
	}
	in := &chosen{left: left}
	for i, r := range chosenRanks {
		for _, f := range r.Files {
			if i == 0 {
				in.paths = append(in.paths, f.Path)
			}
			in.picked = append(in.picked, f.Path)
		}
	}
	maps, err := mappings(o)
	if err != nil {
		return nil, err
	}
	args, err := arguments(o, in.paths)
	if err != nil {
		return nil, err
	}
	cat := sync.OnceValues(o.Catalog)
	go cat()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.matching = new(sync.Mutex)
	o.Progress = oneAtATime(o.Progress)
	o.memory = newBudget(o.MaxMemory)

	g := newGate(runtime.GOMAXPROCS(0), readMemory)
	lead := need(in.paths)
	g.enter(lead)
	others := make([]otherRank, len(chosenRanks)-1)
	errs := make([]error, len(others))
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := range others {
			files := chosenRanks[i+1]
			n := need(paths(files))
			g.enter(n)
			wait.Go(func() {
				defer g.leave(n)
				if others[i], errs[i] = readRank(ctx, o, cat, files); errs[i] != nil {
					cancel()
				}
			})
		}
	})
	var parts []*part
	var failed error
	for _, path := range in.paths {
		p, err := analyzeOne(ctx, o, cat, path, args, maps.paths)
		if err != nil {
			failed = err
			cancel()
			break
		}
		parts = append(parts, p)
	}
	g.stay()
	wait.Wait()
	if err := firstError(append([]error{failed}, errs...)); err != nil {
		return nil, err
	}
	return assemble(o, in, maps, args, parts, compare(chosenRanks[0], parts, others)), nil
}

// compared is what the ranks tell of each other.
type compared struct {
	ranks  []ranks.Rank
	others []otherRank
	result *ranks.Result
}

func compare(lead profdir.Rank, parts []*part, others []otherRank) *compared {
	c := &compared{others: others}
	first := identity(lead, parts[0].trace)
	for i, p := range parts {
		first.Parts = append(first.Parts, ranks.Summarize(p.graph, lead.Files[i].Stage, communicates(p.found)))
	}
	c.ranks = append(c.ranks, first)
	for i := range others {
		c.ranks = append(c.ranks, others[i].rank)
	}
	c.result = ranks.Match(c.ranks)
	if len(c.ranks) > 1 {
		for i, p := range parts {
			p.calls = c.result.Lead[i]
		}
	}
	return c
}

// readRank reads the traces of one rank, one after the other, and keeps what is compared.
func readRank(ctx context.Context, o Options, load func() (*Catalog, error), r profdir.Rank) (otherRank, error) {
	var out otherRank
	for i, f := range r.Files {
		ko := kineto.Options{Strict: o.Strict, NoStacks: true, Watch: o.memory.watch(f.Path)}
		if o.Progress != nil {
			ko.Progress = func(read, total int64) { o.Progress(f.Path, read, total) }
		}
		t, err := kineto.Open(ctx, f.Path, ko)
		if err != nil {
			return out, err
		}
		cat, err := load()
		if err != nil {
			return out, err
		}
		g := graph.Build(t, graph.Options{Sites: cat.Sites, Stage: graph.StageFromPath(f.Path)})
		o.matching.Lock()
		found, err := match.Classify(g, cat.Rules)
		o.matching.Unlock()
		if err != nil {
			return out, fmt.Errorf("%s: %w", f.Path, err)
		}
		if i == 0 {
			out.rank = identity(r, t)
		}
		out.rank.Parts = append(out.rank.Parts, ranks.Summarize(g, f.Stage, communicates(found)))
		out.files = append(out.files, fileInfo(t, report.RoleRank))
		out.warnings = append(out.warnings, warnings(&part{path: f.Path, trace: t, graph: g})...)
		if err := ctx.Err(); err != nil {
			return out, err
		}
	}
	return out, nil
}

func communicates(found *match.Result) func(int32) bool {
	return func(k int32) bool { return found.Work(k) == overlap.Communication }
}

// identity tells which rank recorded a trace: by its file's name and by what it says itself.
func identity(r profdir.Rank, t *kineto.Trace) ranks.Rank {
	out := ranks.Rank{Name: r.Name, Global: t.Meta.Rank, World: t.Meta.WorldSize, Place: r.Files[0].Place, Named: r.Files[0].TP, Groups: ranks.Groups(t)}
	if out.Global < 0 && !out.Named {
		out.Global = r.ID // trtllm-trace-…-rank-0.json
	}
	if r.ID < 0 && out.Global >= 0 {
		out.Name = strconv.FormatInt(out.Global, 10)
	}
	return out
}

func paths(r profdir.Rank) []string {
	out := make([]string, len(r.Files))
	for i, f := range r.Files {
		out[i] = f.Path
	}
	return out
}

// need is the memory that reading the files one after the other is expected to take, bytes.
func need(files []string) int64 {
	var most int64
	for _, p := range files {
		info, err := os.Stat(p)
		if err != nil {
			continue // reading it will tell
		}
		n := info.Size()
		if strings.HasSuffix(p, ".gz") || strings.HasSuffix(p, ".zst") {
			n *= expansion
		}
		most = max(most, n/footprint)
	}
	return most
}

// firstError is the error to tell: what stopped the others rather than that they stopped.
func firstError(errs []error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil && !errors.Is(err, context.Canceled) })
	if i < 0 {
		i = slices.IndexFunc(errs, func(err error) bool { return err != nil })
	}
	if i < 0 {
		return nil
	}
	return errs[i]
}

func oneAtATime(f func(string, int64, int64)) func(string, int64, int64) {
	if f == nil {
		return nil
	}
	var mu sync.Mutex
	return func(path string, read, total int64) {
		mu.Lock()
		defer mu.Unlock()
		f(path, read, total)
	}
}

// gate lets a few readers in at once, as long as their needs fit a bound together. One that
// fits nowhere goes in alone.
type gate struct {
	mu     sync.Mutex
	left   *sync.Cond
	places int
	bound  int64
	inside int
	used   int64 // also of what stays
}

func newGate(places int, bound int64) *gate {
	g := &gate{places: max(places, 1), bound: bound}
	g.left = sync.NewCond(&g.mu)
	return g
}

// enter waits for a place and for n bytes.
func (g *gate) enter(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside >= g.places || g.inside > 0 && g.used+n > g.bound {
		g.left.Wait()
	}
	g.inside++
	g.used += n
}

// leave gives the place and n bytes back.
func (g *gate) leave(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.used -= n
	g.left.Broadcast()
}

// stay gives the place back and keeps the bytes: what was read is still there.
func (g *gate) stay() { g.leave(0) }
