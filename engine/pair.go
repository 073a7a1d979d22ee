package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/sgrules/sgrules/engine/align"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/profdir"
)

// mappings lists the mapping traces that the caller named.
func mappings(o Options) (*chosen, error) {
	if len(o.Mapping) == 0 {
		return &chosen{}, nil
	}
	if slices.Contains(o.Mapping, "-") && slices.Contains(o.Paths, "-") {
		return nil, fmt.Errorf("standard input cannot be both the mapping and the formal trace")
	}
	return inputs(o.Mapping, o.Rank)
}

// unused says which of the mapping traces that the caller named gave nothing, and why: of a
// directory only if all of it did, for it may have more stages than are reported on.
func (maps *chosen) unused(parts []*part) (out []string) {
	replays, used := false, map[string]bool{}
	for _, p := range parts {
		replays = replays || len(p.graph.Replays) > 0
		if p.mapping != nil {
			used[p.mapping.Path] = true
		}
	}
	why := "its name fits the stage of no trace, or another mapping trace was taken first"
	if !replays {
		why = "no graph is replayed, so there are no kernels to give a site"
	}
	for _, path := range maps.paths {
		if maps.picked != nil && len(used) > 0 || used[path] {
			continue
		}
		out = append(out, path+": not used as the mapping trace: "+why)
	}
	return out
}

// lay gives the replayed kernels of a part the sites that a mapping trace knows.
func (p *part) lay(ctx context.Context, o Options, sites graph.Policy, named []string) error {
	if len(p.graph.Replays) == 0 {
		return nil
	}
	path := pairFor(p, named)
	if path == "" && len(named) == 0 {
		path = besides(p)
	}
	if path == "" {
		return nil
	}
	t, err := read(ctx, o, path)
	if err != nil {
		return fmt.Errorf("mapping trace: %w", err)
	}
	m := graph.Build(t, graph.Options{Sites: sites, Stage: graph.StageFromPath(path), Mapping: true})
	o.memory.done(path, t)
	p.mapping, p.aligned = t, align.Map(m, p.graph)
	p.graph.Reattribute(p.aligned.Sites)
	p.graph.HostWaits = append(p.graph.HostWaits, p.aligned.Waits...)
	return nil
}

// pairFor chooses the mapping trace of a part: the one whose name says the same stage, else
// the only one whose name says none.
func pairFor(p *part, named []string) string {
	stage := graph.StageFromPath(p.path)
	open := ""
	for _, m := range named {
		switch s := graph.StageFromPath(m); {
		case s == "" && open == "":
			open = m
		case s != "" && s == stage:
			return m
		}
	}
	if open == "" && stage == "" && len(named) == 1 {
		return named[0]
	}
	return open
}

// besides looks for the server's own capture profile next to a trace. Of those with a batch size, the one is taken that the part's own replays ran: the smallest that holds the
// batch of the steps with most replayed time, since a server pads a batch to the next size that it
// captured. A file of one size is better than one of all.
func besides(p *part) string {
	if p.path == "-" {
		return ""
	}
	rank := int64(0)
	if r := p.trace.Meta.Rank; r > 0 {
		rank = r
	}
	want := batch(p.graph)
	whole, best, bestSize := "", "", 0
	sized := map[int]bool{}
	for _, c := range profdir.Captures(filepath.Dir(p.path)) {
		switch {
		case c.Rank != rank:
		case c.Size == 0 && whole == "":
			whole = c.Path
		case c.Size > 0:
			sized[c.Size] = true
			if c.Size >= want && (best == "" || c.Size < bestSize) {
				best, bestSize = c.Path, c.Size
			}
		}
	}
	// Where the steps do not say their batch, one captured size is the one, and of several none.
	if best != "" && (want > 0 || len(sized) == 1) {
		return best
	}
	return whole
}

// batch is the number of tokens of the steps with most replayed time; 0 unknown.
func batch(g *graph.Graph) int {
	time := map[int]int64{}
	for i := range g.Kernels {
		if k := &g.Kernels[i]; k.Replay >= 0 && k.Step >= 0 {
			time[g.Steps[k.Step].Tokens] += k.Dur
		}
	}
	best, most := 0, int64(-1)
	for n, t := range time {
		if t > most || t == most && n > best {
			best, most = n, t
		}
	}
	return best
}
