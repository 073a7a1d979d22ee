package match

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// maxFragments bounds the partial chains that are kept of one alternative.
const maxFragments = 4

// Why is what one rule met in a graph, alternative by alternative.
type Why struct {
	Rule *rule.Compiled
	// Applies has, for every stage, whether the rule is evaluated there.
	Applies []rule.Tri
	// Requires has, for every requirement of the rule, whether it holds, by stage.
	Requires [][]rule.Tri
	Alts     []WhyAlternative
}

// WhyAlternative is what one alternative met.
type WhyAlternative struct {
	Side Side
	Alt  *rule.Alternative
	// Counts has, for every stage, whether the alternative counts there.
	Counts []rule.Tri
	// Matching counts the kernels that each step alone would bind.
	Matching []int
	// Chains counts the complete chains, before other rules take kernels from them.
	Chains    int
	Fragments []Fragment
}

// Fragment is a chain that began and did not end, with all that failed in the same way.
type Fragment struct {
	// Bound is how many of the steps that are not optional were bound in order; Failed is the step that was not, and
	// len(Steps) where all were and the where condition did not hold.
	Bound, Failed int
	// Instead is a kernel that stood in the place of the failed step; -1 where the stream, the
	// step or the stage ended there.
	Instead int32
	First   int32 // the first kernel of the first such chain
	Count   int
}

// Explain tells for one rule of set what it met in g: whether it is evaluated, what each of its
// chains found, and where the best of the incomplete ones ended.
func Explain(g *graph.Graph, set *rule.Set, run *rule.Run, id string) (*Why, error) {
	m := &matcher{g: g, set: set.Only(id), run: *run, res: &Result{Graph: g}}
	if err := m.classes(); err != nil {
		return nil, err
	}
	m.finder = newFinder(g)
	c, list := m.set.Compiled(id)
	if err := list.Err(); err != nil || c == nil {
		return nil, err
	}
	w := &Why{Rule: c}
	for s := range g.Stages {
		t, err := c.Applies.Eval(m.inStage(graph.StageID(s)))
		if err != nil {
			return nil, err
		}
		w.Applies = append(w.Applies, t)
	}
	for _, q := range c.Requires {
		var by []rule.Tri
		for s := range g.Stages {
			t, err := q.Holds(m.inStage(graph.StageID(s)))
			if err != nil {
				return nil, err
			}
			by = append(by, t)
		}
		w.Requires = append(w.Requires, by)
	}
	for side, alts := range [...][]*rule.Alternative{Fused: c.Fused, Split: c.Split} {
		for _, a := range alts {
			x, err := m.why(Side(side), a)
			if err != nil {
				return nil, err
			}
			w.Alts = append(w.Alts, *x)
		}
	}
	return w, nil
}

// why runs one alternative and keeps what did not come to its end.
func (m *matcher) why(side Side, a *rule.Alternative) (*WhyAlternative, error) {
	x := &WhyAlternative{Side: side, Alt: a}
	for s := range m.g.Stages {
		t, err := a.Counts(m.inStage(graph.StageID(s)))
		if err != nil {
			return nil, err
		}
		x.Counts = append(x.Counts, t)
	}
	p, err := m.steps(a)
	if err != nil {
		return nil, err
	}
	for i := range p.steps {
		n := 0
		for c := range m.g.Classes {
			if p.steps[i].match.has(graph.ClassID(c)) {
				n += int(m.g.Classes[c].Count)
			}
		}
		x.Matching = append(x.Matching, n)
	}
	complete := m.finder.find(p)
	if err := p.err(); err != nil {
		return nil, err
	}
	x.Chains = len(complete)
	if a.Beside == 0 {
		x.Fragments = m.finder.fragments(p, complete)
	}
	return x, nil
}

// steps evaluates the steps of an alternative, also where one of them matches no class.
func (m *matcher) steps(a *rule.Alternative) (*pattern, error) {
	p := &pattern{beside: a.Beside}
	for _, s := range a.Steps {
		st := step{optional: s.Optional, many: s.Many}
		var err error
		if st.match, err = m.evaluate(s.Prefilter(), s.Match); err != nil {
			return nil, err
		}
		if s.SkipExpr != nil {
			if st.skip, err = m.evaluate(nil, s.Skip); err != nil {
				return nil, err
			}
		}
		p.steps = append(p.steps, st)
	}
	m.where(p, a)
	return p, nil
}

// fragments tries the pattern at every kernel that may begin it and keeps, by where it ended, the
// tries that bound most.
func (f *finder) fragments(p *pattern, complete []binding) []Fragment {
	taken := &kernelSet{}
	for _, b := range complete {
		for _, k := range b.kernels() {
			taken.add(k, len(f.g.Kernels))
		}
	}
	type place struct {
		failed  int
		instead graph.ClassID
	}
	byPlace := map[place]*Fragment{}
	heads := f.heads(p)
	for i := range f.g.Kernels {
		k := &f.g.Kernels[i]
		if !heads.has(k.Class) || taken.has(int32(i)) {
			continue
		}
		t := try{f: f, p: p, b: make(binding, len(p.steps)), used: taken, step: k.Step, stage: k.Stage, budget: maxTries, deepest: -1, instead: -1}
		if t.from(0, int32(i), -1, 0) || t.bound < 1 {
			continue
		}
		at := place{t.deepest, -1}
		if t.instead >= 0 {
			at.instead = f.g.Kernels[t.instead].Class
		}
		x := byPlace[at]
		if x == nil {
			x = &Fragment{Bound: t.bound, Failed: t.deepest, Instead: t.instead, First: int32(i)}
			byPlace[at] = x
		}
		x.Count++
	}
	out := make([]Fragment, 0, len(byPlace))
	for _, x := range byPlace {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Fragment) int {
		return cmp.Or(cmp.Compare(b.Bound, a.Bound), cmp.Compare(b.Count, a.Count), cmp.Compare(a.First, b.First))
	})
	return out[:min(len(out), maxFragments)]
}
