package rule

import (
	"errors"
	"sort"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/sgrules/sgrules/engine/diag"
)

// Tri is the outcome of a condition on a run.
type Tri int

// The outcomes. Unknown decides nothing: the condition reads arguments that are not known.
const (
	False Tri = iota
	True
	Unknown
)

func (t Tri) String() string {
	switch t {
	case True:
		return "true"
	case Unknown:
		return "unknown"
	}
	return "false"
}

// Not is true for False, false for True, and Unknown otherwise.
func (t Tri) Not() Tri {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

var errNotCompiled = errors.New("the rule is not compiled: take its steps and alternatives from Compiled")

// vars binds the one variable of an expression. The checker has seen to it that there is no
// other.
type vars struct{ value any }

// ResolveName implements cel.Activation.
func (v vars) ResolveName(string) (any, bool) { return v.value, true }

// Parent implements cel.Activation.
func (v vars) Parent() cel.Activation { return nil }

// eval runs the condition. The error carries the expression's position.
func (p *predicate) eval(v cel.Activation) (Tri, error) {
	out, _, err := p.prog.Eval(v)
	if err != nil {
		return Unknown, diag.Diagnostic{Pos: p.expr.Pos, Code: "cel-eval", Msg: "the expression failed: " + diag.ShortenTo(err.Error(), 200)}
	}
	switch b, ok := out.(types.Bool); {
	case ok && bool(b):
		return True, nil
	case ok:
		return False, nil
	}
	return Unknown, nil // run.flag and run.arg give CEL's own unknown
}

func (p *predicate) class(c *Class, typ *types.Type) (bool, error) {
	if p.exact {
		return p.form.holds(c.Has), nil
	}
	t, err := p.eval(vars{&classVal{class: c, typ: typ}})
	return t == True, err
}

// Match tells whether the step binds a kernel of the class. The class must be prepared. An
// error means that the expression failed on this class, such as an index behind the end of
// k.args; the kernel is then not bound.
func (s *Step) Match(c *Class) (bool, error) {
	if s.is == nil {
		return false, errNotCompiled
	}
	if !s.pre.Test(c.Has) {
		return false, nil
	}
	return s.is.class(c, kernelType)
}

// Skip tells whether a kernel of the class may stand before what the step binds. Without a
// skip condition nothing may.
func (s *Step) Skip(c *Class) (bool, error) {
	if s.SkipExpr == nil {
		return false, nil
	}
	if s.over == nil {
		return false, errNotCompiled
	}
	if !s.skip.Test(c.Has) {
		return false, nil
	}
	return s.over.class(c, kernelType)
}

// Prefilter is what Match cannot do without. It is nil before Compile.
func (s *Step) Prefilter() *Prefilter { return s.pre }

// chain binds the steps of a chain by name.
type chain struct {
	steps []*Step
	vals  []classVal
}

// ResolveName implements cel.Activation.
func (c *chain) ResolveName(name string) (any, bool) {
	for i, s := range c.steps {
		if s.As == name {
			return &c.vals[i], true
		}
	}
	return nil, false
}

// Parent implements cel.Activation.
func (c *chain) Parent() cel.Activation { return nil }

// Where tells whether a matched chain satisfies the alternative's where condition; without one
// it does. bound has one entry a step, in the order of Steps.
func (a *Alternative) Where(bound []Bound) (bool, error) {
	if a.WhereExpr == nil {
		return true, nil
	}
	if a.wh == nil {
		return false, errNotCompiled
	}
	if len(bound) != len(a.Steps) {
		return false, errf("%s: %d steps are bound, the chain has %d", a.Pos, len(bound), len(a.Steps))
	}
	c := &chain{steps: a.Steps, vals: make([]classVal, len(bound))}
	for i, b := range bound {
		class := b.Class
		if class == nil {
			class = &noClass
		}
		c.vals[i] = classVal{class: class, bound: b, typ: kernelType}
	}
	t, err := a.wh.eval(c)
	return t == True, err
}

// Counts tells whether the alternative counts in a run: its only condition, True without one.
func (a *Alternative) Counts(run *Run) (Tri, error) {
	if a.Only != nil && a.on == nil {
		return Unknown, errNotCompiled
	}
	return a.on.Eval(run)
}

// Possible tells whether the alternative can match at all in a trace with these atoms: whether
// every step that must bind something can. False is certain.
func (a *Alternative) Possible(inv Inventory) bool {
	return possible(a.Steps, prefilters(a.Steps), inv)
}

// Cond is a compiled condition on a run. A nil Cond is always True.
type Cond struct{ p *predicate }

// Eval evaluates the condition.
func (c *Cond) Eval(run *Run) (Tri, error) {
	if c == nil {
		return True, nil
	}
	return c.p.eval(vars{&runVal{run}})
}

// Args lists the run's arguments that the condition reads, sorted: what has to be known for it
// to be decided. Names have underscores.
func (c *Cond) Args() []string {
	if c == nil {
		return nil
	}
	return c.p.args
}

// Expr is the condition's text and position, nil for a nil Cond.
func (c *Cond) Expr() *Expr {
	if c == nil {
		return nil
	}
	return c.p.expr
}

// Holds tells whether the requirement is met: when holds, or unless does not.
func (r *Requirement) Holds(run *Run) (Tri, error) {
	if r.cond == nil {
		return Unknown, errNotCompiled
	}
	t, err := r.cond.Eval(run)
	if r.Unless != nil {
		t = t.Not()
	}
	return t, err
}

// Cond is the requirement's condition, nil before Compile.
func (r *Requirement) Cond() *Cond { return r.cond }

func sortedUnique(l []string) []string {
	if len(l) == 0 {
		return nil
	}
	l = append([]string{}, l...)
	sort.Strings(l)
	n := 1
	for _, s := range l[1:] {
		if s != l[n-1] {
			l[n] = s
			n++
		}
	}
	return l[:n]
}
