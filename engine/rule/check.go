package rule

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/sgrules/sgrules/engine/diag"
)

// otherFamily is what package match gives a kernel that no family has.
const otherFamily = "other"

// check finds literals that no kernel and no run can have: families that are not loaded and
// words outside a closed list. It compiles the rules that it looks at: those of only, or all. A
// misspelt word is a condition that silently never holds, so this is part of loading rules.
func (s *Set) check(only *Set) (out diag.List) {
	var names []string
	for _, f := range s.families {
		names = append(names, f.family.Name)
	}
	for _, e := range s.rules {
		if only != nil && only.Rule(e.rule.ID) == nil {
			continue
		}
		c, list := s.compile(e)
		out = append(out, list...)
		if c == nil {
			continue
		}
		for _, p := range c.predicates() {
			out = append(out, p.unknownWords(names)...)
		}
	}
	if only == nil {
		for _, f := range s.families {
			if c, _ := s.compileFamily(f); c != nil {
				for _, p := range c.is {
					out = append(out, p.unknownWords(names)...)
				}
			}
		}
	}
	return out
}

// predicates lists every compiled condition of the rule, in the order of the file.
func (c *Compiled) predicates() []*predicate {
	var out []*predicate
	add := func(p *predicate) {
		if p != nil {
			out = append(out, p)
		}
	}
	cond := func(c *Cond) {
		if c != nil {
			add(c.p)
		}
	}
	cond(c.Applies)
	for _, q := range c.Requires {
		cond(q.cond)
	}
	for _, side := range [][]*Alternative{c.Fused, c.Split} {
		for _, a := range side {
			cond(a.on)
			for _, st := range a.Steps {
				add(st.is)
				add(st.over)
			}
			add(a.wh)
		}
	}
	return out
}

func (p *predicate) unknownWords(families []string) (out diag.List) {
	p.literals(func(field Field, value string, at ast.Expr) {
		var words vocabulary
		switch f := fieldByName[string(field)]; {
		case field == "family":
			words = append(vocabulary{otherFamily}, families...)
		case f != nil:
			words = f.words
		default:
			for i := range runFields {
				if Field("run."+runFields[i].name) == field {
					words = runFields[i].words
				}
			}
		}
		if words == nil || words.has(value) {
			return
		}
		d := p.diagAt(at, diag.Error, "unknown-literal", "%s is never %s", fieldText(field), quote(diag.Shorten(value)))
		if field == "family" {
			d.Code, d.Msg = "unknown-family", "there is no family "+quote(diag.Shorten(value))
		}
		if d.Hint = didYouMean(value, words); d.Hint == "" {
			d.Hint = "expected one of " + words.String()
		}
		out.Add(d)
	})
	return out
}

func fieldText(f Field) string {
	if fieldByName[string(f)] != nil {
		return "k." + string(f)
	}
	return string(f)
}

// diagAt is a diagnostic at a node of the expression.
func (p *predicate) diagAt(at ast.Expr, sev diag.Severity, code, format string, args ...any) diag.Diagnostic {
	loc := p.ast.NativeRep().SourceInfo().GetStartLocation(at.ID())
	pos, end := p.expr.place(loc.Line(), loc.Column())
	return diag.Diagnostic{Pos: pos, EndCol: end, Severity: sev, Code: code, Msg: errf(format, args...).Error()}
}

// literals calls visit for every text literal that is compared with a field by ==, != or in.
// Fields of k, and of the steps in a where, have their own name; those of run begin with "run.".
func (p *predicate) literals(visit func(field Field, value string, at ast.Expr)) {
	each := func(of, lit ast.Expr) {
		field := comparedField(of)
		if field == "" || lit.Kind() != ast.LiteralKind {
			return
		}
		if s, ok := lit.AsLiteral().(types.String); ok {
			visit(field, string(s), lit)
		}
	}
	ast.PreOrderVisit(p.ast.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			each(args[0], args[1])
			each(args[1], args[0])
		case operators.In:
			if args[1].Kind() == ast.ListKind {
				for _, el := range args[1].AsList().Elements() {
					each(args[0], el)
				}
			} else {
				each(args[1], args[0])
			}
		}
	}))
}

func comparedField(e ast.Expr) Field {
	if e.Kind() != ast.SelectKind || e.AsSelect().Operand().Kind() != ast.IdentKind {
		return ""
	}
	if v := e.AsSelect().Operand().AsIdent(); v == "run" {
		return Field("run." + e.AsSelect().FieldName())
	}
	return Field(e.AsSelect().FieldName())
}
