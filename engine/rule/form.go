package rule

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// A form is what is left of a condition when only its logic and its tests of names are kept:
// the material of prefilters and of the checks for conditions that are constant.
type form struct {
	op    formOp
	kids  []*form
	atoms []Atom // of formTest: any one of them; all have one field
}

type formOp uint8

const (
	formOpaque formOp = iota // says nothing that is known here
	formTrue
	formFalse
	formAnd
	formOr
	formNot
	formTest
)

func constant(b bool) *form {
	if b {
		return &form{op: formTrue}
	}
	return &form{op: formFalse}
}

func test(field Field, values ...string) *form {
	f := &form{op: formTest}
	for _, v := range values {
		f.atoms = append(f.atoms, Atom{Field: field, Value: v})
	}
	return f
}

// plain tells whether nothing in f is opaque.
func (f *form) plain() bool {
	for _, k := range f.kids {
		if !k.plain() {
			return false
		}
	}
	return f.op != formOpaque
}

// ofKernel tells whether all tests are of fields of k, or, with named, of its name.
func (f *form) ofKernel(named bool) bool {
	for _, a := range f.atoms {
		switch a.Field {
		case FieldAt, FieldInOp, FieldInModule:
			if named {
				return false
			}
		default:
			if x := fieldByName[string(a.Field)]; x == nil || named && !x.named {
				return false
			}
		}
	}
	for _, k := range f.kids {
		if !k.ofKernel(named) {
			return false
		}
	}
	return true
}

// holds tells whether a form in which nothing is opaque holds, where has tells which atoms do.
func (f *form) holds(has func(Atom) bool) bool {
	switch f.op {
	case formTrue:
		return true
	case formNot:
		return !f.kids[0].holds(has)
	case formAnd:
		for _, k := range f.kids {
			if !k.holds(has) {
				return false
			}
		}
		return true
	case formOr:
		for _, k := range f.kids {
			if k.holds(has) {
				return true
			}
		}
	case formTest:
		for _, a := range f.atoms {
			if has(a) {
				return true
			}
		}
	}
	return false
}

func not(f *form) *form {
	if f.op == formNot {
		return f.kids[0]
	}
	return &form{op: formNot, kids: []*form{f}}
}

// A reading is what an expression means as far as forms care: a condition, a text, a list of
// texts, a field that can be tested, or, with nothing set, something else.
type reading struct {
	cond  *form
	texts []string // literal text or texts
	list  bool     // texts is a list literal
	field Field    // a text field
	lists Field    // a list field
}

var somethingElse = reading{}

// asCond is the reading as a condition.
func (r reading) asCond() *form {
	if r.cond != nil {
		return r.cond
	}
	return &form{op: formOpaque}
}

// combine is the meaning of an operator; names are those of CEL's AST.
func combine(op string, args []reading) reading {
	switch op {
	case "_&&_", "_||_":
		kind := formAnd
		if op == "_||_" {
			kind = formOr
		}
		f := &form{op: kind}
		for _, a := range args {
			if c := a.asCond(); c.op == kind {
				f.kids = append(f.kids, c.kids...)
			} else {
				f.kids = append(f.kids, c)
			}
		}
		return reading{cond: f}
	case "!_":
		return reading{cond: not(args[0].asCond())}
	case "_?_:_":
		c, yes, no := args[0].asCond(), args[1], args[2]
		if yes.cond == nil || no.cond == nil {
			return somethingElse
		}
		return reading{cond: &form{op: formOr, kids: []*form{
			{op: formAnd, kids: []*form{c, yes.cond}},
			{op: formAnd, kids: []*form{not(c), no.cond}},
		}}}
	case "_==_", "_!=_":
		a, b := args[0], args[1]
		if a.field == "" {
			a, b = b, a
		}
		if a.field == "" || b.texts == nil || b.list {
			return somethingElse
		}
		f := test(a.field, b.texts...)
		if op == "_!=_" {
			f = not(f)
		}
		return reading{cond: f}
	case "@in":
		a, b := args[0], args[1]
		switch {
		case a.field != "" && b.list:
			if len(b.texts) == 0 {
				return reading{cond: constant(false)}
			}
			return reading{cond: test(a.field, b.texts...)}
		case b.lists != "" && a.texts != nil && !a.list:
			return reading{cond: test(b.lists, a.texts...)}
		}
	}
	return somethingElse
}

// selectField is the meaning of variable.name.
func selectField(variable, name string) reading {
	switch variable {
	case "k":
		if f := fieldByName[name]; f != nil {
			switch {
			case f.text != nil:
				return reading{field: Field(name)}
			case f.list != nil:
				return reading{lists: Field(name)}
			case f.truth != nil:
				return reading{cond: test(Field(name), "true")}
			}
		}
	case "run":
		for i := range runFields {
			if f := &runFields[i]; f.name == name {
				switch f.typ {
				case types.StringType:
					return reading{field: Field("run." + name)}
				case types.BoolType:
					return reading{cond: test(Field("run."+name), "true")}
				}
			}
		}
	}
	return somethingElse
}

// callMember is the meaning of variable.name(args).
func callMember(variable, name string, args []reading) reading {
	lits := make([]string, 0, 2)
	for _, a := range args {
		if a.list || len(a.texts) != 1 {
			return somethingElse
		}
		lits = append(lits, a.texts[0])
	}
	if variable != "k" {
		return somethingElse
	}
	switch {
	case name == "at" && len(lits) == 2:
		return reading{cond: &form{op: formTest, atoms: []Atom{{FieldAt, lits[0], lits[1]}}}}
	case name == "in_op" && len(lits) == 1:
		return reading{cond: test(FieldInOp, lits[0])}
	case name == "in_module" && len(lits) == 1:
		return reading{cond: test(FieldInModule, lits[0])}
	}
	return somethingElse
}

func literals(args []reading) reading {
	r := reading{list: true, texts: []string{}}
	for _, a := range args {
		if a.list || len(a.texts) != 1 {
			return somethingElse
		}
		r.texts = append(r.texts, a.texts[0])
	}
	return r
}

// celForm reads the form out of CEL's own AST.
func celForm(e ast.Expr) *form { return celRead(e).asCond() }

func celRead(e ast.Expr) reading {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Bool:
			return reading{cond: constant(bool(v))}
		case types.String:
			return reading{texts: []string{string(v)}}
		}
	case ast.ListKind:
		return literals(celReadAll(e.AsList().Elements()))
	case ast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() || s.Operand().Kind() != ast.IdentKind {
			return somethingElse
		}
		return selectField(s.Operand().AsIdent(), s.FieldName())
	case ast.CallKind:
		c := e.AsCall()
		if !c.IsMemberFunction() {
			return combine(c.FunctionName(), celReadAll(c.Args()))
		}
		if c.Target().Kind() == ast.IdentKind {
			return callMember(c.Target().AsIdent(), c.FunctionName(), celReadAll(c.Args()))
		}
	}
	return somethingElse
}

func celReadAll(l []ast.Expr) []reading {
	out := make([]reading, len(l))
	for i, e := range l {
		out[i] = celRead(e)
	}
	return out
}
