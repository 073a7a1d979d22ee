// Package match is where the two wings meet: compiled rules over an attributed graph, to
// findings.
//
// CEL runs once a kernel class and only for the steps whose literals occur in the trace;
// the chain matcher runs over class ids; `where` runs only on a chain that is complete.
// A kernel belongs to at most one finding of each kind of rules.
//
// It knows no YAML and no Markdown, prints nothing, and does no accounting beyond which
// chain owns which kernel.
package match

import (
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/overlap"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/internal/atonce"
)

// Result is what the rules found in one graph.
type Result struct {
	Graph    *graph.Graph
	Rules    []*rule.Compiled // those with at least one chain or finding, in order of the set
	Chains   []Chain
	Findings []Finding
	// Family gives the family of every symbol of the graph; "other" where none asks for it.
	Family []string

	m *matcher
}

// Other is the family of a kernel that no family file matches.
const Other = "other"

const (
	// familyCommunication has the kernels that move data between devices; Work says so to the
	// overlap sweep.
	familyCommunication = "communication"
	// familyMoE has the kernels of routers and experts.
	familyMoE = "moe"
)

// Work tells what kernel k does to its device.
func (r *Result) Work(k int32) overlap.Work {
	n := &r.Graph.Kernels[k]
	switch {
	case n.Kind != kineto.Kernel:
		return overlap.Memory
	case r.Family[n.Sym] == familyCommunication:
		return overlap.Communication
	}
	return overlap.Compute
}

// Run matches the rules of set on g. run describes the run; its Stage is set here.
func Run(g *graph.Graph, set *rule.Set, run *rule.Run) (*Result, error) {
	r, err := Classify(g, set)
	if err != nil {
		return nil, err
	}
	return r, r.Match(run)
}

// Classify finds the families of g's kernels and matches no rule yet: Work is known, and Match
// does the rest.
func Classify(g *graph.Graph, set *rule.Set) (*Result, error) {
	r := &Result{Graph: g}
	r.m = &matcher{g: g, set: set, res: r}
	return r, r.m.classes()
}

// Match matches the rules, once. run describes the run; its Stage is set here. Work may be asked
// meanwhile.
func (r *Result) Match(run *rule.Run) error {
	m := r.m
	m.run = *run
	if err := m.rules(); err != nil {
		return err
	}
	r.Chains = resolve(m.chains, len(r.Graph.Kernels), func(i int) *rule.Rule { return r.Rules[i].Rule })
	return m.findings()
}

type matcher struct {
	g   *graph.Graph
	set *rule.Set
	run rule.Run
	res *Result

	class  []rule.Class // by graph.ClassID
	byAtom map[rule.Atom][]graph.ClassID
	inv    rule.Inventory
	moe    []bool // by stage: whether the model has experts
	chains []Chain
	finder *finder
}

// classes describes every class of the graph as rules see it and indexes them by what
// they have.
func (m *matcher) classes() error {
	g := m.g
	m.class = make([]rule.Class, len(g.Classes))
	m.byAtom = map[rule.Atom][]graph.ClassID{}
	m.inv = rule.Inventory{}
	family := make([]string, len(g.Symbols))
	for i := range g.Classes {
		c := &m.class[i]
		gc := &g.Classes[i]
		s := &g.Symbols[gc.Sym]
		*c = rule.Class{
			Symbol: s.Base, NS: s.Namespace, Qualified: s.Qualified(), Args: s.Args, Params: s.Params,
			Generator: s.Generator, Functor: s.Functor, Kind: s.Kind, DType: s.DType, OutDType: s.OutDType,
			Layout: s.Layout, Tile: s.Tile, Epilogue: s.Epilogue, Module: s.Module, Ops: s.Ops, Words: s.Words,
			SplitK: s.SplitK, Activity: gc.Kind.String(), Attribution: gc.Method.String(),
		}
		// A replay has the frames of the replay and none of its own: they are shown, and no
		// rule may take them for the kernel's.
		if gc.Method.Exact() {
			m.launch(c, gc)
		}
		if gc.Method == graph.Neighbour || gc.Method == graph.Node {
			c.Attribution = graph.Aligned.String()
		}
	}
	m.set.Warm(m.class)
	for i := range g.Classes {
		c, gc := &m.class[i], &g.Classes[i]
		c.Family = family[gc.Sym]
		if err := m.set.Prepare(c); err != nil {
			return err
		}
		if c.Family == "" {
			c.Family = Other
		}
		family[gc.Sym] = c.Family
		m.inv.Add(c)
		id := graph.ClassID(i)
		c.Atoms(func(a rule.Atom) {
			list := m.byAtom[a]
			if n := len(list); n == 0 || list[n-1] != id {
				m.byAtom[a] = append(list, id)
			}
		})
	}
	m.res.Family = family
	m.experts()
	return nil
}

// launch adds what encloses the launch: ops, frames and nn.Module scopes.
func (m *matcher) launch(c *rule.Class, gc *graph.Class) {
	g := m.g
	for i, e := range g.Ops.Entries(gc.Ops) {
		name := g.Trace.Names.Text(kineto.NameID(e))
		if i == 0 {
			c.Op = name
		}
		c.EnclosedBy = append(c.EnclosedBy, name)
	}
	for _, e := range g.Py.Entries(gc.Py) {
		f := g.Frames.At(e)
		switch {
		case f.Module != "":
			c.Modules = append(c.Modules, f.Module)
		case f.Path != "":
			c.Frames = append(c.Frames, rule.Frame{Path: f.Path, Function: f.Func})
		}
	}
}

// rules runs every rule whose literals occur and collects the chains.
func (m *matcher) rules() error {
	m.finder = newFinder(m.g)
	candidates, wrong := m.set.Candidates(m.inv)
	if err := wrong.Err(); err != nil {
		return err
	}
	chains := make([][]Chain, len(candidates))
	errs := make([]error, len(candidates))
	atonce.Do(len(candidates), func(i int) { chains[i], errs[i] = m.rule(candidates[i]) })
	for i, c := range candidates {
		if errs[i] != nil {
			return errs[i]
		}
		if len(chains[i]) == 0 {
			continue
		}
		for j := range chains[i] {
			chains[i][j].Rule = len(m.res.Rules)
		}
		m.chains = append(m.chains, chains[i]...)
		m.res.Rules = append(m.res.Rules, c)
	}
	return nil
}

// rule gives the chains of one rule. It only reads m: rules are matched at the same time.
func (m *matcher) rule(c *rule.Compiled) ([]Chain, error) {
	applies, err := m.applies(c)
	if applies == nil || err != nil {
		return nil, err
	}
	var out []Chain
	for side, alts := range [...][]*rule.Alternative{Fused: c.Fused, Split: c.Split} {
		for i, a := range alts {
			found, err := m.alternative(a, applies)
			if err != nil {
				return nil, err
			}
			out = slices.Grow(out, len(found))
			for _, b := range found {
				out = append(out, Chain{Side: Side(side), Alt: i, Steps: b, Kernels: b.kernels(), Under: -1})
			}
		}
	}
	return out, nil
}

// applies tells in which stages a rule is evaluated; nil for none. A condition that
// cannot be decided does not keep a rule out.
func (m *matcher) applies(c *rule.Compiled) ([]bool, error) {
	out := make([]bool, len(m.g.Stages))
	any := false
	for i := range out {
		t, err := c.Applies.Eval(m.inStage(graph.StageID(i)))
		if err != nil {
			return nil, err
		}
		out[i] = t != rule.False
		any = any || out[i]
	}
	if !any {
		return nil, nil
	}
	return out, nil
}

// experts finds the stages in which a kernel of the family moe ran.
func (m *matcher) experts() {
	m.moe = make([]bool, len(m.g.Stages))
	for i := range m.g.Kernels {
		k := &m.g.Kernels[i]
		m.moe[k.Stage] = m.moe[k.Stage] || m.res.Family[k.Sym] == familyMoE
	}
}

func (m *matcher) inStage(s graph.StageID) *rule.Run {
	run := m.run
	run.Stage = m.g.Stages[s]
	run.TokensMin, run.TokensMax = m.tokens(s)
	run.MoE = m.moe[s]
	return &run
}

// tokens gives the fewest and most tokens of a step of a stage; 0 where any is unknown.
func (m *matcher) tokens(s graph.StageID) (low, high int) {
	for i := range m.g.Steps {
		st := &m.g.Steps[i]
		if st.Stage != s || st.Kernels == 0 {
			continue
		}
		if st.Tokens == 0 {
			return 0, 0
		}
		if low == 0 || st.Tokens < low {
			low = st.Tokens
		}
		high = max(high, st.Tokens)
	}
	return low, high
}

// alternative finds the chains of one alternative.
func (m *matcher) alternative(a *rule.Alternative, applies []bool) ([]binding, error) {
	if !a.Possible(m.inv) {
		return nil, nil
	}
	counts := make([]bool, len(applies))
	any := false
	for i := range counts {
		if !applies[i] {
			continue
		}
		t, err := a.Counts(m.inStage(graph.StageID(i)))
		if err != nil {
			return nil, err
		}
		counts[i] = t != rule.False
		any = any || counts[i]
	}
	if !any {
		return nil, nil
	}
	p, err := m.pattern(a)
	if p == nil || err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(m.finder.find(p), func(b binding) bool { return !counts[m.g.Kernels[b.first()].Stage] })
	return found, p.err()
}

// pattern evaluates the steps of an alternative on the classes; nil where some required
// step matches none.
func (m *matcher) pattern(a *rule.Alternative) (*pattern, error) {
	p := &pattern{beside: a.Beside}
	for _, s := range a.Steps {
		st := step{optional: s.Optional, many: s.Many}
		var err error
		if st.match, err = m.evaluate(s.Prefilter(), s.Match); err != nil {
			return nil, err
		}
		if st.match.empty() && !s.Optional {
			return nil, nil
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

// where has a pattern ask the alternative's where condition.
func (m *matcher) where(p *pattern, a *rule.Alternative) {
	if a.WhereExpr != nil {
		p.where = func(bound [][]int32) bool {
			ok, err := a.Where(m.bounds(bound))
			if err != nil && p.failed == nil {
				p.failed = err
			}
			return ok && err == nil
		}
	}
}

// evaluate gives the classes for which is holds, asking only those that have one of the
// prefilter's literals.
func (m *matcher) evaluate(pre *rule.Prefilter, is func(*rule.Class) (bool, error)) (classSet, error) {
	out := newClassSet(len(m.class))
	one := func(id graph.ClassID) error {
		ok, err := is(&m.class[id])
		if ok {
			out.add(id)
		}
		return err
	}
	if pre != nil {
		if keys, ok := pre.Keys(); ok {
			for _, k := range keys {
				for _, id := range m.byAtom[k] {
					if out.has(id) {
						continue
					}
					if err := one(id); err != nil {
						return nil, err
					}
				}
			}
			return out, nil
		}
	}
	for id := range m.class {
		if err := one(graph.ClassID(id)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bounds describes a complete binding for a where condition.
func (m *matcher) bounds(bound [][]int32) []rule.Bound {
	out := make([]rule.Bound, len(bound))
	for i, ks := range bound {
		if len(ks) == 0 {
			continue
		}
		first, last := &m.g.Kernels[ks[0]], &m.g.Kernels[ks[len(ks)-1]]
		out[i] = rule.Bound{Class: &m.class[first.Class], Start: first.Ts, End: last.End()}
		for _, k := range ks {
			out[i].Busy += m.g.Kernels[k].Dur
		}
	}
	return out
}
