package ruletest

import (
	"context"
	"fmt"
	"strconv"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

// mutant is a rule with one thing left out.
type mutant struct {
	rule  *rule.Rule
	pos   diag.Pos
	place string // split/name/step: the condition
	area  string // the same up to the colon
	what  string // in words
}

// mutate makes the mutants of a file's rule and runs the tests until one fails. Every test
// passes on the rule itself, so a failure is that the mutant was noticed.
func (s *Suite) mutate(ctx context.Context, f *File, tests []*ready, res *Results, used map[int]bool) error {
	for _, m := range mutants(s.Set.Rule(f.Rule)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		set, wrong := s.Set.With(m.rule)
		if err := wrong.Err(); err != nil { // of a rule that compiles, every part does
			return fmt.Errorf("%s: without %s the rule does not compile: %w", m.pos, m.place, err)
		}
		res.Mutants++
		noticed := false
		for _, t := range tests {
			problems, err := s.check(f.Rule, t, set)
			if err != nil || len(problems) > 0 { // an error too: a guard is gone that an index needs
				noticed = true
				break
			}
		}
		if noticed {
			continue
		}
		if i := s.Set.Allows(rule.SurvivingMutant, f.Rule, m.place, m.area); i >= 0 {
			used[i] = true
			continue
		}
		res.Survived++
		res.List.Add(diag.Diagnostic{Pos: m.pos, Code: rule.SurvivingMutant, Msg: fmt.Sprintf("no test of %s notices that %s (%s)", f.Rule, m.what, m.place),
			Hint: "add a near miss that differs in this alone, or leave it out of the rule"})
	}
	return nil
}

// mutants lists what can be left out of a rule, in the order of the file.
func mutants(r *rule.Rule) []mutant {
	var out []mutant
	add := func(m *rule.Rule, pos diag.Pos, area, detail, what string) {
		place := area
		if detail != "" {
			place += ": " + detail
		}
		out = append(out, mutant{m, pos, place, area, what})
	}
	expr := func(e *rule.Expr, area, what string, put func(*rule.Expr) *rule.Rule) {
		if e == nil {
			return
		}
		for _, c := range e.Conjuncts() {
			add(put(e.Without(c)), c.Pos, area, c.Text, fmt.Sprintf("%s no longer asks for %s", what, c.Text))
		}
	}
	expr(r.Applies, "applies", "applies", func(e *rule.Expr) *rule.Rule { m := *r; m.Applies = e; return &m })
	for i, q := range r.Requires {
		m := *r
		m.Requires = without(r.Requires, i)
		add(&m, q.Pos, "requires/"+strconv.Itoa(i+1), "", "a requirement is gone: "+q.Because)
	}
	keys := rule.SideKeys(r.Kind)
	for _, side := range []struct {
		name string
		list []*rule.Alternative
		put  func(m *rule.Rule, l []*rule.Alternative)
	}{
		{keys[0], r.Fused, func(m *rule.Rule, l []*rule.Alternative) { m.Fused = l }},
		{keys[1], r.Split, func(m *rule.Rule, l []*rule.Alternative) { m.Split = l }},
	} {
		for i, a := range side.list {
			name := a.Name
			if name == "" {
				name = strconv.Itoa(i + 1)
			}
			area := side.name + "/" + name
			with := func(n *rule.Alternative) *rule.Rule {
				m := *r
				l := append([]*rule.Alternative(nil), side.list...)
				l[i] = n
				side.put(&m, l)
				return &m
			}
			gone := *r
			side.put(&gone, without(side.list, i))
			add(&gone, a.Pos, area, "", "the alternative is gone")
			expr(a.Only, area+"/only", "the alternative", func(e *rule.Expr) *rule.Rule { n := *a; n.Only = e; return with(&n) })
			expr(a.WhereExpr, area+"/where", "where", func(e *rule.Expr) *rule.Rule { n := *a; n.WhereExpr = e; return with(&n) })
			if a.Residue != nil {
				n := *a
				n.Residue = nil
				add(with(&n), a.Residue.Pos, area+"/residue", "", "the residue is gone")
			}
			if a.ByDesign != "" {
				n := *a
				n.ByDesign = ""
				add(with(&n), a.At("by_design"), area+"/by_design", "", "by_design is gone")
			}
			if a.Beside > 0 {
				n := *a
				n.Steps, n.Beside, n.WhereExpr = a.Steps[:a.Beside], 0, nil
				add(with(&n), a.At("beside"), area+"/beside", "", "the chain beside it is gone")
			}
			stepMutants(a, area, with, add, expr)
		}
	}
	return out
}

// stepMutants lists what can be left out of the steps of an alternative.
func stepMutants(a *rule.Alternative, area string, with func(*rule.Alternative) *rule.Rule,
	add func(m *rule.Rule, pos diag.Pos, area, detail, what string),
	expr func(e *rule.Expr, area, what string, put func(*rule.Expr) *rule.Rule)) {
	for i, st := range a.Steps {
		step := func(n *rule.Step) *rule.Rule {
			b := *a
			b.Steps = append([]*rule.Step(nil), a.Steps...)
			b.Steps[i] = n
			return with(&b)
		}
		at := area + "/" + st.As
		expr(st.MatchExpr, at, "step "+st.As, func(e *rule.Expr) *rule.Rule { n := *st; n.MatchExpr = e; return step(&n) })
		if st.SkipExpr != nil {
			n := *st
			n.SkipExpr = nil
			add(step(&n), st.SkipExpr.Pos, at+"/skip", "", "nothing may be skipped before step "+st.As)
		}
		if st.Optional {
			n := *st
			n.Optional = false
			add(step(&n), st.At("optional"), at+"/optional", "", "step "+st.As+" is required")
		}
		if st.Many {
			n := *st
			n.Many = false
			add(step(&n), st.At("many"), at+"/many", "", "step "+st.As+" binds one kernel")
		}
	}
}

func without[T any](list []T, i int) []T {
	return append(append([]T(nil), list[:i]...), list[i+1:]...)
}
