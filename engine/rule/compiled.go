package rule

import "github.com/sgrules/sgrules/engine/diag"

// Compiled is a rule that can be matched. It is read-only and safe for concurrent use.
type Compiled struct {
	*Rule          // Fused, Split and Requires of it are the decoded ones: use those below
	Applies  *Cond // nil: always
	Requires []*Requirement
	Fused    []*Alternative
	Split    []*Alternative

	// Args are the run's arguments that any condition of the rule reads, sorted.
	Args []string
}

// Compile checks and compiles every expression of a rule. The result is nil if any is wrong;
// the diagnostics then have all that is wrong, each at its place in the rule's file.
func Compile(r *Rule, env *Env) (*Compiled, diag.List) {
	return (&compiler{env: env}).rule(r)
}

func (c *compiler) rule(r *Rule) (*Compiled, diag.List) {
	out := &Compiled{Rule: r, Applies: c.cond(r.Applies)}
	for _, q := range r.Requires {
		d := *q
		d.cond = c.cond(q.Expr())
		out.Requires = append(out.Requires, &d)
	}
	out.Fused = c.alternatives(r.Fused)
	out.Split = c.alternatives(r.Split)
	if len(c.list) > 0 {
		c.list.Sort()
		return nil, c.list
	}
	out.Args = out.args()
	return out, nil
}

func (c *compiler) cond(e *Expr) *Cond {
	p := c.predicate(e, c.env.run)
	if p == nil {
		return nil
	}
	return &Cond{p}
}

func (c *compiler) alternatives(list []*Alternative) []*Alternative {
	var out []*Alternative
	for _, a := range list {
		d := *a
		d.on = c.cond(a.Only)
		d.Steps = make([]*Step, len(a.Steps))
		for i, s := range a.Steps {
			d.Steps[i] = c.step(s)
		}
		if d.wh = c.known[a.WhereExpr]; a.WhereExpr != nil && d.wh == nil {
			env, err := c.env.steps(a.Steps)
			if err != nil {
				c.list.Addf(a.WhereExpr.Pos, "cel-program", "the steps cannot be declared: %v", err)
			} else {
				d.wh = c.predicate(a.WhereExpr, env)
			}
		}
		out = append(out, &d)
	}
	return out
}

func (c *compiler) step(s *Step) *Step {
	d := *s
	if d.is = c.predicate(s.MatchExpr, c.env.kernel); d.is != nil {
		d.pre = newPrefilter(d.is.form, c.env.aliases)
	}
	if d.over = c.predicate(s.SkipExpr, c.env.kernel); d.over != nil {
		d.skip = newPrefilter(d.over.form, c.env.aliases)
	}
	return &d
}

func (c *Compiled) args() []string {
	all := append([]string{}, c.Applies.Args()...)
	for _, q := range c.Requires {
		all = append(all, q.cond.Args()...)
	}
	for _, side := range [][]*Alternative{c.Fused, c.Split} {
		for _, a := range side {
			all = append(all, a.on.Args()...)
		}
	}
	return sortedUnique(all)
}

// NeedsArgs tells whether any condition of the rule reads the run's arguments.
func (c *Compiled) NeedsArgs() bool { return len(c.Args) > 0 }

// Possible tells whether a trace with these atoms can show either side of the path.
func (c *Compiled) Possible(inv Inventory) bool {
	for _, side := range [][]*Alternative{c.Fused, c.Split} {
		for _, a := range side {
			if a.Possible(inv) {
				return true
			}
		}
	}
	return false
}

func prefilters(steps []*Step) []*Prefilter {
	out := make([]*Prefilter, len(steps))
	for i, s := range steps {
		out[i] = s.pre
	}
	return out
}

// possible tells whether every step that must bind something finds its atoms.
func possible(steps []*Step, pre []*Prefilter, inv Inventory) bool {
	for i, s := range steps {
		if !s.Optional && pre[i] != nil && !pre[i].Test(inv.Has) {
			return false
		}
	}
	return true
}

// CompiledFamily is a family that can be asked.
type CompiledFamily struct {
	*Family
	is  []*predicate
	pre []*Prefilter
}

// CompileFamily checks and compiles a family's expressions, as Compile does a rule's.
func CompileFamily(f *Family, env *Env) (*CompiledFamily, diag.List) {
	return (&compiler{env: env}).family(f)
}

func (c *compiler) family(f *Family) (*CompiledFamily, diag.List) {
	out := &CompiledFamily{Family: f}
	for _, e := range f.Match {
		if p := c.predicate(e, c.env.name); p != nil {
			out.is = append(out.is, p)
			out.pre = append(out.pre, newPrefilter(p.form, c.env.aliases))
		}
	}
	if len(c.list) > 0 {
		c.list.Sort()
		return nil, c.list
	}
	return out, nil
}

// Match tells whether the family has a kernel of this name. Only the fields of the name are
// looked at.
func (f *CompiledFamily) Match(c *Class) (bool, error) {
	for i, p := range f.is {
		if !f.pre[i].Test(c.Has) {
			continue
		}
		if ok, err := p.class(c, nameType); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
