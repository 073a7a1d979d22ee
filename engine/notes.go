package engine

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/ladder"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// memoryBound are the families whose kernels read and write as much as they compute: the rungs
// of ladders.
var memoryBound = map[string]bool{"activation": true, "copy": true, "elementwise": true, "fill": true, "index": true, "kv_cache": true,
	"norm": true, "pool": true, "quantize": true, "reduce": true, "rope": true}

// smallShare is how much of its step's GPU time a small kernel takes at the most, in parts of 100.
const smallShare = 1

// note finds what exact matching leaves open in a part.
func (p *part) note() error {
	var err error
	if p.partial, err = p.found.PartialChains(); err != nil {
		return err
	}
	held := make([]bool, len(p.graph.Kernels))
	for i := range p.found.Chains {
		for _, k := range p.found.Chains[i].Kernels {
			held[k] = true
		}
	}
	for i := range p.partial {
		for _, steps := range p.partial[i].Chains {
			for _, ks := range steps {
				for _, k := range ks {
					held[k] = true
				}
			}
		}
	}
	g := p.graph
	stages := make([]int64, len(g.Stages)) // GPU time outside of steps
	for i := range g.Kernels {
		if k := &g.Kernels[i]; k.Step < 0 {
			stages[k.Stage] += k.Dur
		}
	}
	p.ladders = ladder.Find(g, func(i int32) bool {
		k := &g.Kernels[i]
		if held[i] || !memoryBound[p.found.Family[k.Sym]] || k.Kind == kineto.Copy && g.Symbol(k).Kind != "DtoD" {
			return false
		}
		whole := stages[k.Stage]
		if k.Step >= 0 {
			whole = g.Steps[k.Step].Time
		}
		return k.Dur*100 <= whole*smallShare
	})
	return nil
}

// notes puts what the parts left open into the report.
func notes(parts []*part) *report.Notes {
	n := &report.Notes{Partial: []report.PartialNote{}, Ladders: []report.Ladder{}}
	for _, p := range parts {
		for i := range p.partial {
			n.Partial = append(n.Partial, partialNote(p, &p.partial[i]))
		}
		for i := range p.ladders {
			n.Ladders = append(n.Ladders, ladderNote(p, &p.ladders[i]))
		}
	}
	slices.SortStableFunc(n.Partial, func(a, b report.PartialNote) int { return cmp.Compare(b.Time, a.Time) })
	slices.SortStableFunc(n.Ladders, func(a, b report.Ladder) int { return cmp.Compare(b.Time, a.Time) })
	return n
}

func partialNote(p *part, x *match.PartialChain) report.PartialNote {
	g := p.graph
	out := report.PartialNote{Rule: x.Rule.ID, Title: x.Rule.Title, Stage: p.stages[x.Stage], Name: x.Alt.Name, Label: x.Evidence.Label(),
		Evidence: []string{}, Against: []string{}, Chains: len(x.Chains), Also: x.Also}
	for _, e := range []struct {
		holds bool
		what  string
	}{
		{x.Evidence.Order, "order"}, {x.Evidence.Sites, "site"}, {x.Evidence.Ops, "op"}, {x.Evidence.TP, "TP"}, {x.Evidence.Model, "model"},
	} {
		if e.holds {
			out.Evidence = append(out.Evidence, e.what)
		} else {
			out.Against = append(out.Against, e.what)
		}
	}
	for i, s := range x.Alt.Steps {
		if i == x.Missing {
			st := report.PartialStep{Bound: report.Bound{As: s.As}, Missing: true}
			if x.Instead >= 0 {
				st.Instead = kernelText(g, x.Instead)
				st.Hidden = x.AsksSite() && !g.Kernels[x.Instead].Method.Exact()
			}
			out.Steps = append(out.Steps, st)
			continue
		}
		var ks []int32
		for _, c := range x.Chains {
			ks = append(ks, c[i]...)
		}
		if len(ks) == 0 {
			continue
		}
		b := boundOf(p, ks)
		b.As = s.As
		out.Time += b.Time
		out.Steps = append(out.Steps, report.PartialStep{Bound: b})
	}
	return out
}

// boundOf sums kernels that were bound for one place of a chain.
func boundOf(p *part, ks []int32) report.Bound {
	g := p.graph
	sites := newSites(g)
	bySym := map[graph.SymID]int64{}
	var b report.Bound
	for _, k := range ks {
		n := &g.Kernels[k]
		b.Count++
		b.Time += n.Dur
		bySym[n.Sym] += n.Dur + 1
		sites.add(n)
	}
	sym := mostTime(bySym)
	s := &g.Symbols[sym]
	b.Symbol, b.Label, b.Family = s.Qualified(), symbol.Short(s, labelWidth), p.found.Family[sym]
	if len(bySym) == 1 && s.Functor != "" {
		b.Symbol = s.Functor
	}
	b.Sites = sites.list()
	return b
}

func ladderNote(p *part, x *ladder.Ladder) report.Ladder {
	g := p.graph
	out := report.Ladder{Stage: p.stages[x.Stage], Runs: len(x.Runs)}
	steps, streams := map[int32]bool{}, map[int64]bool{}
	layers := map[int32]map[int32]bool{}
	for _, run := range x.Runs {
		k := &g.Kernels[run[0]]
		streams[g.Streams[k.Stream].ID] = true
		if k.Step >= 0 {
			steps[k.Step] = true
		}
		if l := layerOf(p, run); l >= 0 {
			if layers[k.Step] == nil {
				layers[k.Step] = map[int32]bool{}
			}
			layers[k.Step][l] = true
		}
		var sum, longest int64
		for i, r := range run {
			d := g.Kernels[r].Dur
			sum += d
			longest = max(longest, d)
			if i > 0 {
				out.Gaps += max(0, g.Gap(run[i-1], r))
			}
		}
		out.Time += sum
		out.SavingBound += sum - longest
	}
	out.SavingBound += out.Gaps
	out.Steps, out.Streams = len(steps), keys(streams)
	for _, l := range layers {
		out.Layers = max(out.Layers, len(l))
	}
	for i := range x.Runs[0] {
		ks := make([]int32, len(x.Runs))
		for n, run := range x.Runs {
			ks[n] = run[i]
		}
		b := boundOf(p, ks)
		if i == 0 && x.Scoped {
			s := b.Sites[0]
			s.Count, s.Time = 0, 0
			out.Scope = &s
		}
		out.Kernels = append(out.Kernels, b)
	}
	if out.Scope != nil {
		out.Scope.Count, out.Scope.Time = len(x.Runs)*len(x.Runs[0]), out.Time
	}
	return out
}
