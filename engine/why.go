package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/symbol"
)

// Why tells, trace by trace, what one rule met: o as for Analyze.
func Why(ctx context.Context, o Options, id string) ([]report.Why, error) {
	in, maps, args, err := gather(o)
	if err != nil {
		return nil, err
	}
	o.memory, o.NoNotes = newBudget(o.MaxMemory), true
	var out []report.Why
	for _, path := range in.paths {
		p, err := analyzeOne(ctx, o, o.Catalog, path, args, maps.paths)
		if err != nil {
			return nil, err
		}
		cat, err := o.Catalog()
		if err != nil {
			return nil, err
		}
		w, err := match.Explain(p.graph, cat.Rules, &p.run, id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, explained(p, w))
	}
	return out, nil
}

// explained words what a rule met in one trace.
func explained(p *part, w *match.Why) report.Why {
	g := p.graph
	out := report.Why{Trace: p.path, Rule: w.Rule.ID, Title: w.Rule.Title}
	for s, t := range w.Applies {
		if t == rule.False {
			out.NotIn = append(out.NotIn, g.Stages[s])
			out.Applies = oneLine(w.Rule.Rule.Applies)
		}
	}
	for i, by := range w.Requires {
		q := w.Rule.Requires[i]
		for s, t := range by {
			if t == rule.True {
				continue
			}
			c := report.WhyCondition{Stage: g.Stages[s], Because: q.Because, Verdict: q.Verdict}
			if t == rule.Unknown {
				c.Args = q.Cond().Args()
			}
			out.Conditions = append(out.Conditions, c)
		}
	}
	for i := range p.found.Findings {
		f := &p.found.Findings[i]
		r := p.found.Rules[f.Rule]
		if r.ID == w.Rule.ID {
			out.Found = append(out.Found, fmt.Sprintf("%s: %s, %d chains taken, %d not", g.Stages[f.Stage], f.Verdict, len(f.Fused), len(f.Split)))
		}
		for _, a := range f.Alternatives {
			if p.found.Rules[a.Rule].ID == w.Rule.ID {
				out.Found = append(out.Found, fmt.Sprintf("%s: %s, %d chains on kernels that %s has in a longer chain", g.Stages[f.Stage], a.Verdict, len(a.Chains), r.ID))
			}
		}
	}
	for i := range w.Alts {
		x := &w.Alts[i]
		a := report.WhyAlternative{Side: rule.SideKeys(w.Rule.Kind)[x.Side], Name: x.Alt.Name, Chains: x.Chains}
		for s, t := range x.Counts {
			if t == rule.False {
				a.NotIn = append(a.NotIn, g.Stages[s])
				a.Only = oneLine(x.Alt.Only)
			}
		}
		for n, st := range x.Alt.Steps {
			a.Steps = append(a.Steps, report.WhyStep{As: st.As, Kernels: x.Matching[n], Optional: st.Optional})
		}
		for _, f := range x.Fragments {
			r := report.WhyFragment{Bound: f.Bound, Of: required(x.Alt.Steps), Count: f.Count, First: kernelText(g, f.First)}
			switch {
			case f.Failed == len(x.Alt.Steps):
				r.Failed = "where"
			default:
				r.Failed = x.Alt.Steps[f.Failed].As
				r.Instead = "the end of the stream, the step or the stage"
				if f.Instead >= 0 {
					r.Instead = kernelText(g, f.Instead)
				}
			}
			a.Fragments = append(a.Fragments, r)
		}
		out.Alternatives = append(out.Alternatives, a)
	}
	slices.SortStableFunc(out.Alternatives, func(a, b report.WhyAlternative) int { return cmp.Compare(best(b), best(a)) })
	return out
}

// oneLine is a condition without its layout; "" where there is none.
func oneLine(e *rule.Expr) string {
	if e == nil {
		return ""
	}
	return strings.Join(strings.Fields(e.Text), " ")
}

// best orders alternatives: complete chains first, then the longest incomplete one.
func best(a report.WhyAlternative) int {
	switch {
	case a.Chains > 0:
		return 1 << 20
	case len(a.Fragments) > 0:
		return a.Fragments[0].Bound << 8
	}
	n := 0
	for _, s := range a.Steps {
		if s.Kernels > 0 {
			n++
		}
	}
	return n
}

func required(steps []*rule.Step) int {
	n := 0
	for _, s := range steps {
		if !s.Optional {
			n++
		}
	}
	return n
}

// kernelText names a kernel with the place it was launched at, if that is its own.
func kernelText(g *graph.Graph, k int32) string {
	n := &g.Kernels[k]
	s := symbol.Short(g.Symbol(n), labelWidth)
	if n.Method.Exact() {
		t := newSites(g)
		t.add(n)
		if list := t.list(); len(list) > 0 && list[0].Path != "" {
			s += " (" + list[0].Path + " " + list[0].Func + ")"
		}
	}
	return s
}
