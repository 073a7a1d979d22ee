package rule

import (
	"sort"
	"sync"
)

// Atom is one test that a condition rests on: a field of the kernel has a value, or a list of
// it has an element. For FieldAt, Value is the path and Function the function, "" for any.
type Atom struct {
	Field    Field
	Value    string
	Function string
}

// String gives the atom as a condition.
func (a Atom) String() string {
	switch a.Field {
	case FieldAt:
		return "k.at(" + quote(a.Value) + ", " + quote(a.Function) + ")"
	case FieldInOp, FieldInModule:
		return "k." + string(a.Field) + "(" + quote(a.Value) + ")"
	}
	if f := fieldByName[string(a.Field)]; f != nil && f.list != nil {
		return quote(a.Value) + " in k." + string(a.Field)
	} else if f != nil && f.truth != nil {
		return "k." + string(a.Field)
	}
	return "k." + string(a.Field) + " == " + quote(a.Value)
}

func (a Atom) less(b Atom) bool {
	if a.Field != b.Field {
		return a.Field < b.Field
	}
	if a.Value != b.Value {
		return a.Value < b.Value
	}
	return a.Function < b.Function
}

// Prefilter is what a condition cannot do without: a formula of and and or over atoms that
// holds wherever the condition does. It is cheap where CEL is not, and it needs no kernel: an
// inventory of a trace's atoms tells which rules the trace can match at all.
type Prefilter struct {
	read func() *form // gives need when it is first asked for; nil: it is there
	once sync.Once
	need *form

	keyed sync.Once
	keys  []Atom
	has   bool
}

// needed is what must hold.
func (p *Prefilter) needed() *form {
	if p.read != nil {
		p.once.Do(func() { p.need = p.read() })
	}
	return p.need
}

func newPrefilter(f *form, aliases *Aliases) *Prefilter {
	return &Prefilter{need: aliases.form(needs(f))}
}

// Test tells whether the condition can hold where has tells which atoms hold: for one class
// (Class.Has) or for a whole trace (Inventory.Has). False is certain, true is not.
func (p *Prefilter) Test(has func(Atom) bool) bool { return p.needed().holds(has) }

// Keys gives atoms of which at least one holds wherever the condition holds, sorted. ok is false
// when there are none to be had, and then the condition must be tried on every kernel. No keys
// with ok true mean that the condition can never hold.
func (p *Prefilter) Keys() (keys []Atom, ok bool) {
	p.keyed.Do(func() {
		var set map[Atom]struct{}
		if set, p.has = p.needed().keys(); !p.has {
			return
		}
		p.keys = make([]Atom, 0, len(set))
		for a := range set {
			p.keys = append(p.keys, a)
		}
		sort.Slice(p.keys, func(i, j int) bool { return p.keys[i].less(p.keys[j]) })
	})
	return p.keys, p.has
}

// needs keeps of a form what is necessary for it: and, or and tests. What is negated or not
// understood is not needed.
func needs(f *form) *form {
	switch f.op {
	case formFalse, formTest:
		return f
	case formNot:
		if f.kids[0].op == formTrue {
			return constant(false)
		}
	case formAnd:
		out := &form{op: formAnd}
		for _, k := range f.kids {
			switch n := needs(k); n.op {
			case formFalse:
				return n
			case formTrue:
			default:
				out.kids = append(out.kids, n)
			}
		}
		return simple(out, true)
	case formOr:
		out := &form{op: formOr}
		for _, k := range f.kids {
			switch n := needs(k); n.op {
			case formTrue:
				return n
			case formFalse:
			default:
				out.kids = append(out.kids, n)
			}
		}
		return simple(out, false)
	}
	return constant(true)
}

// simple unwraps an and or an or of one part, and gives its constant when it has none.
func simple(f *form, empty bool) *form {
	switch len(f.kids) {
	case 0:
		return constant(empty)
	case 1:
		return f.kids[0]
	}
	return f
}

// rank orders fields by how few kernels of a trace one value of them usually names.
var rank = map[Field]int{
	"symbol": 1, "qualified": 1, "functor": 2, "module": 2, FieldAt: 3, FieldInModule: 4, "op": 5, FieldInOp: 6,
	"ops": 7, "words": 8, "args": 8, "params": 8, "tile": 8, "epilogue": 9, "family": 10, "ns": 11, "kind": 11,
	"generator": 12, "layout": 13, "dtype": 13, "out_dtype": 13, "split_k": 14, "attribution": 15, "activity": 15,
}

// keys is a set of atoms of which one must hold. An and takes the best of its parts, an or must
// have them from all. k.split_k is no atom of a class, and so no key.
func (f *form) keys() (map[Atom]struct{}, bool) {
	switch f.op {
	case formFalse:
		return map[Atom]struct{}{}, true
	case formTest:
		set := make(map[Atom]struct{}, len(f.atoms))
		for _, a := range f.atoms {
			set[a] = struct{}{}
		}
		return set, true
	case formAnd:
		var best map[Atom]struct{}
		found, least := false, 0
		for _, k := range f.kids {
			set, ok := k.keys()
			if !ok {
				continue
			}
			if w := weight(set); !found || w < least {
				best, found, least = set, true, w
			}
		}
		return best, found
	case formOr:
		set := map[Atom]struct{}{}
		for _, k := range f.kids {
			part, ok := k.keys()
			if !ok {
				return nil, false
			}
			for a := range part {
				set[a] = struct{}{}
			}
		}
		return set, true
	}
	return nil, false
}

// weight compares key sets: the worst field decides, then the number of atoms. An empty value
// names nearly everything.
func weight(set map[Atom]struct{}) int {
	worst := 0
	for a := range set {
		w := rank[a.Field]
		if a.Value == "" {
			w = 20
		}
		worst = max(worst, w)
	}
	return worst*10000 + len(set)
}
