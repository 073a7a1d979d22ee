package rule

import "github.com/sgrules/sgrules/engine/diag"

// Nearly compiles the fusion rules of which a trace with these atoms can show a split chain
// but for one step at the most: those with a chain of at least three steps that must be bound.
// What the list has is wrong with them, and they are left out.
func (s *Set) Nearly(inv Inventory) ([]*Compiled, diag.List) {
	var out []*Compiled
	var wrong diag.List
	for _, e := range s.chosen(func(e *entry) bool { return e.rule.Kind == "fuse" && e.nearly(inv) }) {
		c, list := s.compile(e)
		wrong = append(wrong, list...)
		if c != nil {
			out = append(out, c)
		}
	}
	wrong.Sort()
	return out, wrong
}

func (e *entry) nearly(inv Inventory) bool {
	for i, pre := range e.sides {
		if i < len(e.rule.Fused) {
			continue
		}
		if nearly(e.steps[i], pre, inv) {
			return true
		}
	}
	return false
}

// nearly tells that all but one of the steps that must bind something find their atoms, and
// that they are at least two.
func nearly(steps []*Step, pre []*Prefilter, inv Inventory) bool {
	need, have := 0, 0
	for i, s := range steps {
		if s.Optional {
			continue
		}
		need++
		if pre[i] == nil || pre[i].Test(inv.Has) {
			have++
		}
	}
	return need >= 3 && have >= need-1
}

// Nearly tells whether a trace with these atoms can show the chain but for one step at most.
func (a *Alternative) Nearly(inv Inventory) bool { return nearly(a.Steps, prefilters(a.Steps), inv) }

// RestsOn tells whether the condition can hold only where a test of one of these fields does.
func (p *Prefilter) RestsOn(fields ...Field) bool {
	return p.needed().restsOn(func(f Field) bool {
		for _, x := range fields {
			if x == f {
				return true
			}
		}
		return false
	})
}

func (f *form) restsOn(is func(Field) bool) bool {
	switch f.op {
	case formTest:
		for _, a := range f.atoms {
			if !is(a.Field) {
				return false
			}
		}
		return len(f.atoms) > 0
	case formAnd:
		for _, k := range f.kids {
			if k.restsOn(is) {
				return true
			}
		}
		return false
	case formOr:
		for _, k := range f.kids {
			if !k.restsOn(is) {
				return false
			}
		}
		return len(f.kids) > 0
	}
	return false
}
