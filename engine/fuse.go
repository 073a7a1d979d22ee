package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/symbol"
)

// findingRows accounts for the findings of a part that rules of one kind made.
func findingRows(p *part, stages []string, kind string) []report.FuseRow {
	var out []report.FuseRow
	for i := range p.found.Findings {
		f := &p.found.Findings[i]
		r := p.found.Rules[f.Rule]
		if r.Kind != kind {
			continue
		}
		row := report.FuseRow{
			Rule: r.ID, Title: r.Title, Origin: r.Origin, Stage: stages[f.Stage], Verdict: f.Verdict, Why: f.Why,
			Path: r.Path, Conclude: r.Conclude, Switches: switches(r),
			Fused: side(p, f.Fused, r.Fused), Split: side(p, f.Split, r.Split),
		}
		missed := f.Missed()
		row.Bound, row.BoundGaps = bound(p, missed, kind)
		row.Fused.Together = together(p, f.Fused)
		row.Collective = f.Verdict != match.Applied && holdsCollective(p, missed)
		chains := f.Fused
		if len(f.Split) > 0 && f.Verdict != match.Applied {
			chains = f.Split
		}
		addWaiting(&row, p, chains)
		for _, u := range f.Unknown {
			row.Unknown = append(row.Unknown, report.Unknown(u))
		}
		for _, a := range f.Residue {
			row.ByDesign = append(row.ByDesign, report.ByDesign{Because: a.Because, Within: true, Chains: len(a.Chains), Time: chainTime(p, a.Chains)})
		}
		for _, a := range f.Apart {
			row.ByDesign = append(row.ByDesign, report.ByDesign{Because: a.Because, Chains: len(a.Chains), Time: chainTime(p, a.Chains)})
		}
		for _, a := range f.Alternatives {
			x := p.found.Rules[a.Rule]
			row.Alternatives = append(row.Alternatives, report.Alternative{Rule: x.ID, Title: x.Title, Side: a.Side.String(),
				Verdict: a.Verdict, Why: a.Why, Chains: len(a.Chains), Time: chainTime(p, a.Chains)})
		}
		out = append(out, row)
	}
	return out
}

func switches(r *rule.Compiled) []string {
	var out []string
	for _, s := range r.Switches {
		t := s.Name
		if s.Kind == "arg" {
			t = "--" + strings.ReplaceAll(s.Name, "_", "-")
		}
		if s.Default != "" {
			t += " (default " + s.Default + ")"
		}
		if s.Effect != "" {
			t += ": " + s.Effect
		}
		out = append(out, t)
	}
	return out
}

func chainTime(p *part, chains []int) int64 {
	var t int64
	for _, c := range chains {
		for _, k := range p.found.Chains[c].Kernels {
			t += p.graph.Kernels[k].Dur
		}
	}
	return t
}

// side sums the chains of one side, alternative by alternative.
func side(p *part, chains []int, alts []*rule.Alternative) report.Side {
	s := report.Side{Chains: len(chains), Time: chainTime(p, chains)}
	steps := map[int32]bool{}
	layers := map[int32]map[int32]bool{}
	byAlt := map[int][]int{}
	for _, c := range chains {
		ch := &p.found.Chains[c]
		byAlt[ch.Alt] = append(byAlt[ch.Alt], c)
		k := &p.graph.Kernels[ch.Kernels[0]]
		if k.Step >= 0 {
			steps[k.Step] = true
		}
		if l := layerOf(p, ch.Kernels); l >= 0 {
			if layers[k.Step] == nil {
				layers[k.Step] = map[int32]bool{}
			}
			layers[k.Step][l] = true
		}
	}
	s.Steps = len(steps)
	for _, l := range layers {
		s.Layers = max(s.Layers, len(l))
	}
	for i, a := range alts {
		if len(byAlt[i]) > 0 {
			s.Evidence = append(s.Evidence, evidence(p, byAlt[i], a))
		}
	}
	slices.SortStableFunc(s.Evidence, func(a, b report.Evidence) int { return cmp.Compare(b.Time, a.Time) })
	return s
}

// layerOf is the layer a chain begins in; -1 unknown.
func layerOf(p *part, kernels []int32) int32 {
	for _, k := range kernels {
		if l := p.graph.Kernels[k].Layer; l >= 0 {
			return l
		}
	}
	return -1
}

func evidence(p *part, chains []int, a *rule.Alternative) report.Evidence {
	g := p.graph
	e := report.Evidence{Name: a.Name, Chains: len(chains)}
	streams := map[int64]bool{}
	for i, st := range a.Steps {
		if i > 0 && i == a.Beside {
			e.Beside = len(e.Kernels)
		}
		b := report.Bound{As: st.As}
		sites := newSites(g)
		bySym := map[graph.SymID]int64{}
		for _, c := range chains {
			for _, k := range p.found.Chains[c].Steps[i] {
				kn := &g.Kernels[k]
				b.Count++
				b.Time += kn.Dur
				bySym[kn.Sym] += kn.Dur + 1
				sites.add(kn)
				streams[g.Streams[kn.Stream].ID] = true
			}
		}
		if b.Count == 0 {
			continue
		}
		s := &g.Symbols[mostTime(bySym)]
		b.Symbol, b.Label, b.Family = s.Qualified(), symbol.Short(s, labelWidth), p.found.Family[mostTime(bySym)]
		if len(bySym) == 1 && s.Functor != "" {
			b.Symbol = s.Functor
		}
		b.Sites = sites.list()
		e.Time += b.Time
		e.Kernels = append(e.Kernels, b)
	}
	for _, c := range chains {
		e.Gaps += gaps(p, &p.found.Chains[c])
	}
	e.Streams = keys(streams)
	return e
}

func mostTime(m map[graph.SymID]int64) graph.SymID {
	best := graph.SymID(-1)
	for s, t := range m {
		if best < 0 || t > m[best] || t == m[best] && s < best {
			best = s
		}
	}
	return best
}

// gaps sums the idle time between the kernels of a chain.
func gaps(p *part, c *match.Chain) int64 {
	var t int64
	for i := 1; i < len(c.Kernels); i++ {
		t += max(0, p.graph.Gap(c.Kernels[i-1], c.Kernels[i]))
	}
	return t
}

// together sums how long both chains of an overlapped path were under way, ns.
func together(p *part, chains []int) (sum int64) {
	g := p.graph
	span := func(steps [][]int32) (from, to int64) {
		first := true
		for _, ks := range steps {
			for _, k := range ks {
				n := &g.Kernels[k]
				if first {
					from, to, first = n.Ts, n.End(), false
				}
				from, to = min(from, n.Ts), max(to, n.End())
			}
		}
		return from, to
	}
	for _, c := range chains {
		ch := &p.found.Chains[c]
		at := p.found.Rules[ch.Rule].Fused[ch.Alt].Beside
		if at == 0 {
			continue
		}
		a, b := span(ch.Steps[:at])
		x, y := span(ch.Steps[at:])
		sum += max(0, min(b, y)-max(a, x))
	}
	return sum
}

// bound is what taking the path could save at the most: of a fusion every kernel of a chain but
// the longest, and the gaps between them; of an overlap the same without gaps, and no more than
// half of the chain, which is what two streams can do. Waiting for other ranks, where it is
// known, is not counted: neither takes it away.
func bound(p *part, chains []int, kind string) (all, idle int64) {
	for _, c := range chains {
		ch := &p.found.Chains[c]
		var sum, longest int64
		for _, k := range ch.Kernels {
			d := p.graph.Kernels[k].Dur - p.calls[k].Waiting
			sum += d
			longest = max(longest, d)
		}
		if kind == "overlap" {
			all += min(sum-longest, sum/2)
			continue
		}
		g := gaps(p, ch)
		idle += g
		all += sum - longest + g
	}
	return all, idle
}

func holdsCollective(p *part, chains []int) bool {
	for _, c := range chains {
		for _, k := range p.found.Chains[c].Kernels {
			if p.found.Family[p.graph.Kernels[k].Sym] == "communication" {
				return true
			}
		}
	}
	return false
}

// addWaiting splits the collectives in the chains by what the traces of other ranks tell.
func addWaiting(row *report.FuseRow, p *part, chains []int) {
	for _, c := range chains {
		for _, k := range p.found.Chains[c].Kernels {
			if s, ok := p.calls[k]; ok {
				row.Matched++
				row.Transfer += s.Transfer
				row.Waiting += s.Waiting
			}
		}
	}
}
