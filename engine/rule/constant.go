package rule

import "github.com/google/cel-go/cel"

// maxCases bounds the assignments that constancy tries.
const maxCases = 1 << 12

// constancy tells whether a form holds always or never. It tries every case that the form can
// tell apart: for a text field each literal it is compared with and one that is none of them,
// for everything else (membership in a list, k.at, what is not understood) yes and no. Forms
// with too many cases are taken to be neither.
func constancy(f *form) (always, never bool) {
	c := &cases{texts: map[Field]int{}, truths: map[Atom]int{}}
	c.collect(f)
	total := 1
	for _, n := range c.sizes {
		if total *= n; total > maxCases {
			return false, false
		}
	}
	always, never = true, true
	c.pick = make([]int, len(c.sizes))
	for i := 0; i < total && (always || never); i++ {
		rest := i
		for j, n := range c.sizes {
			c.pick[j], rest = rest%n, rest/n
		}
		c.opaque = 0
		if !c.consistent() {
			continue
		}
		if c.holds(f) {
			never = false
		} else {
			always = false
		}
	}
	return always, never
}

// cases numbers the things that a form depends on.
type cases struct {
	texts  map[Field]int // a text field's number; its cases are its values, the last is none of them
	values []map[string]int
	truths map[Atom]int // the number of a test that holds or not
	frames []Atom       // the tests of k.at, in order
	hidden []int        // the numbers of what is not understood, in the order of the form
	sizes  []int
	pick   []int
	opaque int
}

func (c *cases) add(size int) int {
	c.sizes = append(c.sizes, size)
	c.values = append(c.values, nil)
	return len(c.sizes) - 1
}

// exclusive tells whether a field has one value at a time.
func exclusive(f Field) bool {
	if k := fieldByName[string(f)]; k != nil {
		return k.text != nil
	}
	return f != FieldAt && f != FieldInOp && f != FieldInModule && f != "run.args_known"
}

func (c *cases) collect(f *form) {
	switch f.op {
	case formOpaque:
		c.hidden = append(c.hidden, c.add(2))
	case formTest:
		for _, a := range f.atoms {
			if exclusive(a.Field) {
				n, ok := c.texts[a.Field]
				if !ok {
					n = c.add(1)
					c.texts[a.Field], c.values[n] = n, map[string]int{}
				}
				if _, known := c.values[n][a.Value]; !known {
					c.values[n][a.Value] = len(c.values[n])
					c.sizes[n]++
				}
			} else if _, ok := c.truths[a]; !ok {
				c.truths[a] = c.add(2)
				if a.Field == FieldAt {
					c.frames = append(c.frames, a)
				}
			}
		}
	}
	for _, k := range f.kids {
		c.collect(k)
	}
}

// consistent rules out that a frame has a path and a function and not the path.
func (c *cases) consistent() bool {
	for _, a := range c.frames {
		if a.Function == "" || c.pick[c.truths[a]] == 0 {
			continue
		}
		if n, ok := c.truths[Atom{Field: FieldAt, Value: a.Value}]; ok && c.pick[n] == 0 {
			return false
		}
	}
	return true
}

func (c *cases) holds(f *form) bool {
	switch f.op {
	case formTrue:
		return true
	case formOpaque:
		n := c.hidden[c.opaque]
		c.opaque++
		return c.pick[n] == 1
	case formNot:
		return !c.holds(f.kids[0])
	case formAnd, formOr:
		// Every part is visited, so that what is not understood keeps its number.
		out := f.op == formAnd
		for _, k := range f.kids {
			if h := c.holds(k); f.op == formAnd {
				out = out && h
			} else {
				out = out || h
			}
		}
		return out
	case formTest:
		for _, a := range f.atoms {
			if exclusive(a.Field) {
				n := c.texts[a.Field]
				if c.pick[n] == c.values[n][a.Value] {
					return true
				}
			} else if c.pick[c.truths[a]] == 1 {
				return true
			}
		}
	}
	return false
}

// contradiction finds an and inside the form that can never hold.
func contradiction(f *form) bool {
	if f.op == formAnd {
		if _, never := constancy(f); never {
			return true
		}
	}
	for _, k := range f.kids {
		if contradiction(k) {
			return true
		}
	}
	return false
}

// folded is the form after CEL's own constant folding, which knows arithmetic and comparison of
// literals; the plain form where folding fails.
func (p *predicate) folded() *form {
	fold, err := cel.NewConstantFoldingOptimizer()
	if err != nil {
		return p.form
	}
	optimizer, err := cel.NewStaticOptimizer(fold)
	if err != nil {
		return p.form
	}
	out, issues := optimizer.Optimize(p.env, p.ast)
	if issues.Err() != nil {
		return p.form
	}
	return celForm(out.NativeRep().Expr())
}
