package rule

import (
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/sgrules/sgrules/engine/diag"
)

// LintOptions are what lint needs from outside.
type LintOptions struct {
	// HasTests tells whether a rule has a file of tests. Nil leaves the check out.
	HasTests func(id string) bool
}

// Check is one thing that Lint looks at.
type Check struct {
	Code     string // stable
	Severity diag.Severity
	Doc      string
}

// Checks lists what Lint finds beyond what makes a rule wrong in itself, in the order in which
// it is documented.
func Checks() []Check { return append([]Check{}, checks...) }

var checks = []Check{
	{"name-substring", diag.Error, "A name is tested with contains: names that merely look alike would match."},
	{"unanchored-regex", diag.Error, "A regular expression on a name is not anchored with ^ and $, or is open at both ends."},
	{"always-true", diag.Error, "A condition that always holds says nothing."},
	{"never-true", diag.Error, "A condition, or a part of it, that can never hold."},
	{"unknown-family", diag.Error, "A family that no file defines."},
	{"unknown-literal", diag.Error, "A word that a field with a closed list of values never has."},
	{"no-prefilter", diag.Warning, "Nothing in the alternative names a kernel, an op, a place or a family: it is tried on every kernel."},
	{"duplicate-rule", diag.Error, "Two rules with the same conditions and chains."},
	{"duplicate-alternative", diag.Error, "Two alternatives of a rule are the same."},
	{"no-because", diag.Error, "A requirement that does not say why."},
	{"too-long", diag.Warning, "A title or text that does not fit where it is shown."},
	{"no-tests", diag.Error, "A rule without a file of tests."},
}

// The lengths, in characters, that the tables and the text report have room for.
const (
	longTitle = 80
	longText  = 400
)

// Lint compiles the whole set and looks for rules that are well formed and yet wrong. It needs
// no trace.
func Lint(s *Set, opts LintOptions) diag.List {
	s = s.strict()
	l := &linter{set: s, opts: opts}
	l.list = append(l.list, s.CompileAll()...)
	if l.list.Errors() == 0 {
		l.list = append(l.list, s.check(nil)...)
	}
	for _, f := range s.families {
		if c, _ := s.compileFamily(f); c != nil {
			l.family(c)
		}
	}
	for _, e := range s.rules {
		l.texts(e.rule)
		if c, _ := s.compile(e); c != nil {
			l.rule(c)
		}
	}
	l.duplicates()
	l.list.Sort()
	return l.list
}

type linter struct {
	set  *Set
	opts LintOptions
	list diag.List
}

func (l *linter) addf(pos diag.Pos, code, hint, format string, args ...any) {
	d := diag.Diagnostic{Pos: pos, Code: code, Msg: errf(format, args...).Error(), Hint: hint}
	for _, c := range checks {
		if c.Code == code {
			d.Severity = c.Severity
		}
	}
	l.list.Add(d)
}

func (l *linter) texts(r *Rule) {
	for _, t := range []struct {
		key, text string
		most      int
	}{{"title", r.Title, longTitle}, {"path", r.Path, longText}, {"conclude", r.Conclude, longText}, {"unseen", r.Unseen, longText}} {
		if n := utf8.RuneCountInString(t.text); n > t.most {
			l.addf(r.At(t.key), "too-long", "", "%s has %d characters, there is room for %d", t.key, n, t.most)
		}
	}
	for _, q := range r.Requires {
		if q.Because == "" {
			l.addf(q.Pos, "no-because", "say in words why; the report prints it", "the requirement has no because")
		}
	}
	if l.opts.HasTests != nil && !l.opts.HasTests(r.ID) {
		l.addf(r.At("id"), "no-tests", "write "+r.Kind+"/"+r.ID+"_test.yaml with one trace that matches and one near miss that does not",
			"the rule has no tests")
	}
}

func (l *linter) rule(c *Compiled) {
	if c.Applies != nil {
		l.constant(c.Applies.p)
	}
	for _, q := range c.Requires {
		l.constant(q.cond.p)
	}
	for _, side := range [][]*Alternative{c.Fused, c.Split} {
		for _, a := range side {
			l.alternative(a)
		}
	}
}

func (l *linter) alternative(a *Alternative) {
	if a.on != nil {
		l.constant(a.on.p)
	}
	found := false
	for _, s := range a.Steps {
		l.constant(s.is)
		l.names(s.is)
		if s.over != nil {
			l.constant(s.over)
			l.names(s.over)
		}
		found = found || !s.Optional && selective(s.pre)
	}
	if a.wh != nil {
		l.constant(a.wh)
		l.names(a.wh)
	}
	if !found {
		l.addf(a.Pos, "no-prefilter", "compare k.symbol, k.functor, k.op, k.family or k.at with a literal in a step that is not optional",
			"every kernel has to be tried")
	}
}

func (l *linter) family(c *CompiledFamily) {
	for i, p := range c.is {
		l.constant(p)
		l.names(p)
		if !selective(c.pre[i]) {
			l.addf(p.expr.Pos, "no-prefilter", "compare k.symbol or another field of the name with a literal", "every kernel has to be tried")
		}
	}
}

// selective tells whether keys narrow the search: an empty value and how a kernel was
// attributed do not.
func selective(p *Prefilter) bool {
	keys, ok := p.Keys()
	for _, k := range keys {
		if k.Value == "" || k.Field == "attribution" || k.Field == "activity" && k.Value == "kernel" {
			return false
		}
	}
	return ok
}

func (l *linter) constant(p *predicate) {
	f := p.folded()
	always, never := constancy(f)
	switch {
	case never || contradiction(f):
		hint := "a field has one value at a time; use || or in"
		if !never {
			hint = "a part of it can never hold; " + hint
		}
		l.addf(p.expr.Pos, "never-true", hint, "the condition can never hold as it stands")
	case always:
		l.addf(p.expr.Pos, "always-true", "leave it out", "the condition always holds")
	}
}

// names refuses tests by which a name matches because it looks like another.
func (l *linter) names(p *predicate) {
	ast.PreOrderVisit(p.ast.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 1 {
			return
		}
		arg := e.AsCall().Args()[0]
		var d diag.Diagnostic
		switch e.AsCall().FunctionName() {
		case "contains":
			d = p.diagAt(arg, diag.Error, "name-substring", "contains matches every name that has the text somewhere")
			d.Hint = "use == or in, startsWith, endsWith, or a word in k.words"
		case "matches":
			text, _ := arg.AsLiteral().(types.String)
			if anchored(string(text)) {
				return
			}
			d = p.diagAt(arg, diag.Error, "unanchored-regex", "the regular expression matches a part of a name")
			d.Hint = "write ^…$ around the whole, and leave at most one end open"
		default:
			return
		}
		l.list.Add(d)
	}))
}

// duplicates finds alternatives of a rule, and whole rules, that say the same.
func (l *linter) duplicates() {
	first := map[string]*Rule{}
	for _, e := range l.set.rules {
		c, _ := l.set.compile(e)
		if c == nil {
			continue
		}
		var all []string
		for i, side := range [][]*Alternative{c.Fused, c.Split} {
			seen := map[string]diag.Pos{}
			for _, a := range side {
				s := SideKeys(c.Kind)[i] + a.normal()
				if before, twice := seen[s]; twice {
					l.addf(a.Pos, "duplicate-alternative", "", "the alternative is the same as the one in line %d", before.Line)
					continue
				}
				seen[s] = a.Pos
				all = append(all, s)
			}
		}
		whole := c.Kind + "\n" + c.Applies.normal() + "\n" + strings.Join(sortedUnique(all), "\n")
		if len(all) == 0 {
			continue // a row that names no fusion says nothing of any kernel
		}
		if other := first[whole]; other != nil {
			l.addf(c.At("id"), "duplicate-rule", "", "the rule says the same as %s at %s", other.ID, other.At("id"))
			continue
		}
		first[whole] = e.rule
	}
}

// normal is the alternative without its layout and its words.
func (a *Alternative) normal() string {
	var b strings.Builder
	b.WriteString("\n only " + a.on.normal() + " where " + a.wh.normal())
	for i, s := range a.Steps {
		if i > 0 && i == a.Beside {
			b.WriteString("\n beside")
		}
		b.WriteString("\n step " + s.is.normal() + " skip " + s.over.normal())
		if a.WhereExpr != nil {
			b.WriteString(" as " + s.As)
		}
		if s.Optional {
			b.WriteString(" optional")
		}
		if s.Many {
			b.WriteString(" many")
		}
	}
	return b.String()
}

func (c *Cond) normal() string {
	if c == nil {
		return ""
	}
	return c.p.normal()
}

func (p *predicate) normal() string {
	if p == nil {
		return ""
	}
	if s, err := cel.AstToString(p.ast); err == nil {
		return s
	}
	return strings.Join(strings.Fields(p.expr.Text), " ")
}
