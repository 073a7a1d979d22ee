package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// PartialChain is a split chain of which all steps but one were bound in order, again and again, on
// kernels that no chain of any rule holds. It is no finding: it says where exact matching came
// close, and what was missing.
type PartialChain struct {
	Rule  *rule.Compiled
	Alt   *rule.Alternative
	Stage graph.StageID
	// Missing is the step that bound nothing. Instead is a kernel that stood in its place, of the
	// first of Chains; -1 where nothing stood there: the steps around it follow each other, or
	// the stream, the step or the stage ends there.
	Missing int
	Instead int32
	// Chains are the kernels of every step, chain by chain, in order of the stream. The missing
	// step and what stood in its place are not among them.
	Chains   [][][]int32
	Evidence Evidence
	// Also are other rules that came as close on the same kernels, by id.
	Also []string
}

// Evidence is what speaks for a partial chain besides that its steps are in order. Each counts one.
type Evidence struct {
	Order bool // at least three of the bound steps say more than a family or a generic kernel
	Sites bool // a bound step rests on the launch's own Python frame or nn.Module
	Ops   bool // a bound step rests on the cpu op around the launch, or on the ops of a generated name
	TP    bool // a collective is bound, and the run is known to have several ranks
	Model bool // the rule is of the run's own framework and all it requires is known to hold
}

// Count is how many hold.
func (e Evidence) Count() int {
	n := 0
	for _, b := range [...]bool{e.Order, e.Sites, e.Ops, e.TP, e.Model} {
		if b {
			n++
		}
	}
	return n
}

// Label is what a reader is told of the count: high for three and more, medium for two, low below.
func (e Evidence) Label() string {
	switch n := e.Count(); {
	case n >= 3:
		return "high"
	case n == 2:
		return "medium"
	}
	return "low"
}

// generic are families whose kernels stand in every model and say nothing of a path by their
// names alone.
var generic = map[string]bool{"copy": true, "elementwise": true, "fill": true, "index": true, "reduce": true, "sort": true,
	"gemm": true, "conv": true, "pool": true, "metadata": true, Other: true}

// minTelling is how many bound steps must say more than a family or a generic kernel.
const minTelling = 2

// PartialChains finds the partial chains of all rules, most evidence first. A kernel is in one of
// them only. A chain counts when it occurs at least as often as the steps of its stage have
// layers; where no layers are known there are no partial chains.
func (r *Result) PartialChains() ([]PartialChain, error) {
	m := r.m
	layers := m.layers()
	if m.finder == nil || slices.Max(append(layers, 0)) == 0 {
		return nil, nil
	}
	held := &kernelSet{}
	for i := range r.Chains {
		for _, k := range r.Chains[i].Kernels {
			held.add(k, len(m.g.Kernels))
		}
	}
	candidates, wrong := m.set.Nearly(m.loose(held, layers))
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var all []PartialChain
	for _, c := range candidates {
		got, err := m.partials(c, held, layers)
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
	}
	return m.distinct(all), nil
}

// layers counts, by stage, the layers of all its steps; of a trace without steps, those of the stage.
func (m *matcher) layers() []int {
	out := make([]int, len(m.g.Stages))
	for i := range m.g.Steps {
		out[m.g.Steps[i].Stage] += int(m.g.Steps[i].Layers)
	}
	if len(m.g.Steps) == 0 {
		for i := range m.g.Kernels {
			k := &m.g.Kernels[i]
			out[k.Stage] = max(out[k.Stage], int(k.Layer)+1)
		}
	}
	return out
}

// loose is the inventory of the classes that occur often enough in stages with layers, on kernels
// that no chain holds: what a partial chain can be made of. Classes of one name are counted
// together, since a name may be launched from several places.
func (m *matcher) loose(held *kernelSet, layers []int) rule.Inventory {
	count := make([]int, len(m.class))
	for i := range m.g.Kernels {
		if k := &m.g.Kernels[i]; !held.has(int32(i)) && layers[k.Stage] > 0 {
			count[k.Class]++
		}
	}
	least := 0
	for _, n := range layers {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	bySym := map[graph.SymID]int{}
	for c, n := range count {
		bySym[m.g.Classes[c].Sym] += n
	}
	inv := rule.Inventory{}
	for c, n := range count {
		if n > 0 && bySym[m.g.Classes[c].Sym] >= least {
			inv.Add(&m.class[c])
		}
	}
	return inv
}

// partials tries every split chain of a rule without each of its steps in turn.
func (m *matcher) partials(c *rule.Compiled, held *kernelSet, layers []int) ([]PartialChain, error) {
	if len(c.Fused) == 0 || c.Status == "withdrawn" || c.Status == "no-fusion" {
		return nil, nil
	}
	applies, err := m.applies(c)
	if err != nil || applies == nil {
		return nil, err
	}
	var out []PartialChain
	for _, a := range c.Split {
		if a.Beside > 0 || a.ByDesign != "" || required(a.Steps) < 3 {
			continue
		}
		p, err := m.steps(a)
		if err != nil {
			return nil, err
		}
		refused := m.refused(p, held)
		empty := 0
		for i := range p.steps {
			if !p.steps[i].optional && p.steps[i].match.empty() {
				empty++
			}
		}
		for i := range a.Steps {
			if a.Steps[i].Optional || empty > 1 || empty == 1 && !p.steps[i].match.empty() {
				continue
			}
			got, err := m.without(c, a, p, i, held, applies, layers)
			if err != nil {
				return nil, err
			}
			out = append(out, got...)
		}
		for _, k := range refused {
			held.remove(k)
		}
	}
	return out, nil
}

// refused holds, and gives, the kernels of chains whose steps were all bound and whose where
// condition did not hold: the rule's author left them out, and they are not inconclusive.
func (m *matcher) refused(p *pattern, held *kernelSet) []int32 {
	if p.where == nil {
		return nil
	}
	var out []int32
	for _, b := range m.finder.free(&pattern{steps: p.steps}, held) {
		out = append(out, b.kernels()...)
	}
	for _, k := range out {
		held.add(k, len(m.g.Kernels))
	}
	return out
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

// without finds the chains of an alternative in which step miss binds nothing. In the middle of a
// chain at most one other kernel may stand in its place.
func (m *matcher) without(c *rule.Compiled, a *rule.Alternative, p *pattern, miss int, held *kernelSet, applies []bool, layers []int) ([]PartialChain, error) {
	q := &pattern{steps: slices.Clone(p.steps)}
	q.steps[miss] = step{match: m.others(p, miss), optional: true, skip: p.steps[miss].skip}
	first, last := true, true
	for i := range p.steps {
		if i != miss && !p.steps[i].optional {
			first, last = first && i > miss, last && i < miss
		}
	}
	if first || last {
		q.steps[miss].match = newClassSet(len(m.class)) // nothing: it is looked at afterwards
	}
	if a.WhereExpr != nil {
		q.where = func(bound [][]int32) bool {
			ok, err := a.Where(m.bounds(bound)) // what needs the missing step may fail, and then does not hold
			return ok && err == nil
		}
	}
	byStage := map[graph.StageID]*PartialChain{}
	var crossed []int32
	for _, b := range m.finder.free(q, held) {
		k := &m.g.Kernels[b.kernels()[0]]
		for _, x := range b.kernels() {
			if m.g.Kernels[x].Stream != k.Stream {
				crossed = append(crossed, x)
			}
		}
		x := byStage[k.Stage]
		if x == nil {
			x = &PartialChain{Rule: c, Alt: a, Stage: k.Stage, Missing: miss, Instead: m.instead(b, miss, first)}
			byStage[k.Stage] = x
		}
		b[miss] = nil
		x.Chains = append(x.Chains, b)
	}
	for _, x := range crossed {
		held.remove(x)
	}
	var out []PartialChain
	for s := range m.g.Stages {
		x := byStage[graph.StageID(s)]
		if x == nil || !applies[s] || layers[s] == 0 || len(x.Chains) < layers[s] {
			continue
		}
		counts, err := a.Counts(m.inStage(x.Stage))
		if err != nil {
			return nil, err
		}
		telling := m.telling(x)
		if counts == rule.False || telling < minTelling {
			continue
		}
		possible, err := m.evidence(x, telling)
		if err != nil {
			return nil, err
		}
		if possible {
			out = append(out, *x)
		}
	}
	return out, nil
}

// others are the classes that neither a step nor the next ones that may follow it can bind.
func (m *matcher) others(p *pattern, i int) classSet {
	out := newClassSet(len(m.class))
	for c := range m.class {
		id := graph.ClassID(c)
		free := !p.steps[i].match.has(id)
		for n := i + 1; free && n < len(p.steps); n++ {
			free = !p.steps[n].match.has(id)
			if !p.steps[n].optional {
				break
			}
		}
		if free {
			out.add(id)
		}
	}
	return out
}

// instead is the kernel in the place of the missing step: what was bound for it, or before the
// first or behind the last bound kernel.
func (m *matcher) instead(b binding, miss int, first bool) int32 {
	if len(b[miss]) > 0 {
		return b[miss][0]
	}
	ks := b.kernels()
	from, by := ks[len(ks)-1], int32(1)
	for i := miss + 1; i < len(b); i++ {
		if len(b[i]) > 0 { // the chain goes on
			if !first {
				return -1
			}
			from, by = ks[0], -1
		}
	}
	k := &m.g.Kernels[from]
	list := m.g.Streams[k.Stream].Kernels
	at := k.Pos + by
	if at < 0 || int(at) >= len(list) {
		return -1
	}
	n := &m.g.Kernels[list[at]]
	if n.Step != k.Step || n.Stage != k.Stage {
		return -1
	}
	return list[at]
}

// The fields that a step may rest on.
var (
	siteFields = []rule.Field{rule.FieldAt, rule.FieldInModule}
	opFields   = []rule.Field{"op", rule.FieldInOp, "ops"}
	nameFields = []rule.Field{"symbol", "qualified", "functor", "module"}
)

// telling counts the bound steps that say more than a family or the name of a generic kernel.
func (m *matcher) telling(x *PartialChain) int {
	n := 0
	for i, s := range x.Alt.Steps {
		if s.Optional || i == x.Missing || len(x.Chains[0][i]) == 0 {
			continue
		}
		pre := s.Prefilter()
		family := m.res.Family[m.g.Kernels[x.Chains[0][i][0]].Sym]
		if pre.RestsOn(siteFields...) || pre.RestsOn(nameFields...) && !generic[family] {
			n++
		}
	}
	return n
}

// evidence counts what speaks for a partial chain. It tells false where the run does not have what
// the rule requires: whatever the missing kernel is, the path cannot be taken.
func (m *matcher) evidence(x *PartialChain, telling int) (bool, error) {
	origin := x.Rule.Origin
	e := &x.Evidence
	*e = Evidence{Order: telling >= 3, Model: m.run.Framework != "" && (origin == m.run.Framework || !frameworks[origin])}
	for i, s := range x.Alt.Steps {
		if i == x.Missing || len(x.Chains[0][i]) == 0 {
			continue
		}
		e.Sites = e.Sites || s.Prefilter().RestsOn(siteFields...)
		e.Ops = e.Ops || s.Prefilter().RestsOn(opFields...)
		collective := m.res.Family[m.g.Kernels[x.Chains[0][i][0]].Sym] == familyCommunication
		e.TP = e.TP || collective && max(m.run.TP, m.run.World) > 1
	}
	run := m.inStage(x.Stage)
	if t, err := x.Rule.Applies.Eval(run); err != nil || t != rule.True {
		e.Model = false
	}
	for _, q := range x.Rule.Requires {
		t, err := q.Holds(run)
		if err != nil || t == rule.False {
			return false, err
		}
		e.Model = e.Model && t == rule.True
	}
	return true, nil
}

// distinct gives every kernel to one partial chain: that with more evidence, then more bound
// steps, more chains, and the id. Those that come too late are named with it.
func (m *matcher) distinct(all []PartialChain) []PartialChain {
	slices.SortStableFunc(all, func(a, b PartialChain) int {
		return cmp.Or(cmp.Compare(b.Evidence.Count(), a.Evidence.Count()), cmp.Compare(required(b.Alt.Steps), required(a.Alt.Steps)),
			cmp.Compare(len(b.Chains), len(a.Chains)), strings.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Missing, b.Missing))
	})
	owner := map[int32]int{}
	var out []PartialChain
	for _, x := range all {
		under := -1
		for _, b := range x.Chains {
			for _, k := range binding(b).kernels() {
				if o, ok := owner[k]; ok && under < 0 {
					under = o
				}
			}
		}
		if under >= 0 {
			if o := &out[under]; o.Rule.ID != x.Rule.ID && !slices.Contains(o.Also, x.Rule.ID) {
				o.Also = append(o.Also, x.Rule.ID)
				slices.Sort(o.Also)
			}
			continue
		}
		for _, b := range x.Chains {
			for _, k := range binding(b).kernels() {
				owner[k] = len(out)
			}
		}
		out = append(out, x)
	}
	return out
}

// AsksSite tells that the missing step asks for the place its kernel was launched from, which a
// replayed kernel does not have.
func (x *PartialChain) AsksSite() bool {
	return x.Alt.Steps[x.Missing].Prefilter().RestsOn(siteFields...)
}
