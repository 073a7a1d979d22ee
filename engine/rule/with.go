package rule

import (
	"maps"
	"slices"
	"sort"

	"github.com/sgrules/sgrules/engine/diag"
)

// With is the set with r in the place of the rule of the same id, or beside the others when
// there is none. What r shares with the rule it replaces (the same *Expr) is not compiled again,
// so that many variants of one rule are cheap. The set is s itself when r is wrong; the list then
// has all that is wrong.
func (s *Set) With(r *Rule) (*Set, diag.List) {
	c := &compiler{env: s.env}
	if e := s.byID[r.ID]; e != nil {
		if old, _ := s.compile(e); old != nil {
			c.known = map[*Expr]*predicate{}
			for _, p := range old.predicates() {
				c.known[p.expr] = p
			}
		}
	}
	compiled, list := c.rule(r)
	if compiled == nil {
		return s, list
	}
	e := &entry{rule: r, compiled: compiled}
	e.once.Do(func() {})
	for _, side := range [][]*Alternative{compiled.Fused, compiled.Split} {
		for _, a := range side {
			e.sides, e.steps = append(e.sides, prefilters(a.Steps)), append(e.steps, a.Steps)
		}
	}
	out := *s
	out.byID = maps.Clone(s.byID)
	out.byID[r.ID] = e
	i, there := sort.Find(len(s.rules), func(i int) int {
		switch id := s.rules[i].rule.ID; {
		case r.ID < id:
			return -1
		case r.ID > id:
			return 1
		}
		return 0
	})
	out.rules = slices.Clone(s.rules)
	if there {
		out.rules[i] = e
	} else {
		out.rules = slices.Insert(out.rules, i, e)
	}
	return &out, nil
}

// Only is the set with its families and aliases and, of its rules, those of the ids.
func (s *Set) Only(ids ...string) *Set {
	out := *s
	out.rules, out.byID = nil, map[string]*entry{}
	for _, e := range s.rules {
		if slices.Contains(ids, e.rule.ID) {
			out.rules = append(out.rules, e)
			out.byID[e.rule.ID] = e
		}
	}
	return &out
}

// Nearest gives the word that is spelt most like s, or "" when none is near.
func Nearest(s string, words []string) string { return suggest(s, words) }
