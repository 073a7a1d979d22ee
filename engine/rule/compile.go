package rule

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/sgrules/sgrules/engine/diag"
)

// A predicate is one compiled condition.
type predicate struct {
	expr *Expr
	prog cel.Program
	form *form
	args []string // the run's arguments that it reads, sorted
	ast  *cel.Ast
	env  *cel.Env

	// exact tells that form says all that the condition does: there is no prog and no ast.
	exact bool
}

// compiler compiles the expressions of one file and collects what is wrong with them.
type compiler struct {
	env   *Env
	list  diag.List
	known map[*Expr]*predicate // compiled before, in the same environment; may be nil
	lazy  bool                 // plain conditions are left as they are: see plainly
}

// predicate compiles e in one of the environments. It returns nil for a nil expression and for
// one that is wrong.
func (c *compiler) predicate(e *Expr, env *cel.Env) *predicate {
	if e == nil {
		return nil
	}
	if p := c.known[e]; p != nil {
		return p
	}
	if len(e.Text) > maxExpr {
		c.list.Addf(e.Pos, "cel-size", "the expression has %d bytes, at most %d are allowed", len(e.Text), maxExpr)
		return nil
	}
	if c.lazy && (env == c.env.kernel || env == c.env.name) {
		if p := c.plainly(e, env); p != nil {
			return p
		}
	}
	if parsed, ok := quick(e.Text); ok {
		// What is wrong is left to CEL's own parser and said in its words.
		if p := (&compiler{env: c.env}).checked(e, env, parsed); p != nil {
			return p
		}
	}
	parsed, issues := env.Parse(e.Text)
	if issues.Err() != nil {
		c.issues(e, env, issues, "cel-syntax")
		return nil
	}
	return c.checked(e, env, parsed)
}

// plainly makes a predicate of a condition on a kernel that is nothing but logic over tests of its
// names and places, as nearly all are, without CEL's checks and without a program: CEL gives the
// same on every kernel, which a test and a fuzz target hold. It gives nil for any other condition,
// and for one that CEL might refuse.
func (c *compiler) plainly(e *Expr, env *cel.Env) *predicate {
	s := newSkimmer(e.Text)
	tree, ok := s.whole()
	if !ok || len(s.places) > maxNodes {
		return nil
	}
	w := walker{c: &compiler{env: c.env}, e: e, info: ast.NewSourceInfo(common.NewTextSource(e.Text))}
	f := celForm(tree)
	if !w.shape(tree) || !f.plain() || !f.ofKernel(env == c.env.name) {
		return nil
	}
	return &predicate{expr: e, form: c.env.aliases.form(f), env: env, exact: true}
}

// checked makes a predicate of what was parsed, or says why it is none.
func (c *compiler) checked(e *Expr, env *cel.Env, parsed *cel.Ast) *predicate {
	w := walker{c: c, e: e, info: parsed.NativeRep().SourceInfo()}
	if !w.shape(parsed.NativeRep().Expr()) {
		return nil
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		c.issues(e, env, issues, "cel-type")
		return nil
	}
	if out := checked.OutputType(); out != cel.BoolType {
		c.list.Add(diag.Diagnostic{Pos: e.Pos, Code: "cel-bool", Msg: "the expression gives " + out.String() + ", expected bool",
			Hint: "compare it with something"})
		return nil
	}
	tree := checked.NativeRep()
	if !w.alike(tree) {
		return nil
	}
	w.rewrite(tree.Expr())
	if !c.cheap(e, env, checked) {
		return nil
	}
	prog, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		c.list.Addf(e.Pos, "cel-program", "%v", err)
		return nil
	}
	return &predicate{expr: e, prog: prog, form: celForm(tree.Expr()), args: sortedUnique(w.args), ast: checked, env: env}
}

// issues turns CEL's errors into diagnostics with the file's own positions.
func (c *compiler) issues(e *Expr, env *cel.Env, issues *cel.Issues, code string) {
	for _, err := range issues.Errors() {
		if strings.Contains(err.Message, "!error!") {
			continue // follows from another
		}
		d := diag.Diagnostic{Code: code, Msg: plain(err.Message)}
		line, col := err.Location.Line(), err.Location.Column()
		if m := named.FindStringSubmatch(d.Msg); m != nil {
			col = e.wordNear(line, col, m[1])
			d.Hint = didYouMean(m[1], namesOf(env, strings.HasPrefix(d.Msg, "undefined field")))
		}
		if strings.HasPrefix(d.Msg, "token recognition error at: '=") {
			d.Hint = "compare with =="
		}
		d.Pos, d.EndCol = e.place(line, col)
		c.list.Add(d)
	}
}

// named finds the word in the two errors that a misspelt name gives.
var named = regexp.MustCompile(`^(?:undefined field|undeclared reference to) '([A-Za-z0-9_]+)'`)

// namesOf lists what a misspelt field, or a misspelt variable or function, may have been meant
// to be.
func namesOf(env *cel.Env, fields bool) []string {
	var words []string
	for _, v := range env.Variables() {
		switch {
		case !fields:
			words = append(words, v.Name())
		case v.Type().Kind() == types.StructKind:
			names, _ := env.CELTypeProvider().FindStructFieldNames(v.Type().TypeName())
			words = append(words, names...)
		}
	}
	for name, f := range env.Functions() {
		if isLower(name[0]) && (!fields || f.OverloadDecls()[0].IsMemberFunction()) {
			words = append(words, name)
		}
	}
	return sortedUnique(words)
}

// wordNear finds a word that begins or ends near a column, -1 or so off: CEL reports a field at
// its dot and a call at its parenthesis.
func (e *Expr) wordNear(line, col int, word string) int {
	lines := strings.Split(e.Text, "\n")
	if line < 1 || line > len(lines) {
		return col
	}
	text := []rune(lines[line-1])
	for _, from := range []int{col, col + 1, col - len(word)} {
		if from >= 0 && from+len(word) <= len(text) && string(text[from:from+len(word)]) == word {
			return from
		}
	}
	return col
}

// plain is CEL's message in the words of the language.
func plain(msg string) string {
	msg = strings.TrimPrefix(msg, "Syntax error: ")
	if i := strings.Index(msg, " expecting {"); i >= 0 {
		msg = msg[:i]
	}
	msg = strings.ReplaceAll(msg, " (in container '')", "")
	for op, shown := range map[string]string{"_&&_": "&&", "_||_": "||", "!_": "!", "_==_": "==", "_!=_": "!=", "_<_": "<",
		"_<=_": "<=", "_>_": ">", "_>=_": ">=", "_+_": "+", "_-_": "-", "-_": "-", "_*_": "*", "_/_": "/", "_%_": "%",
		"_?_:_": "? :", "_[_]": "[]", "@in": "in"} {
		msg = strings.ReplaceAll(msg, "'"+op+"'", "'"+shown+"'")
	}
	msg = strings.NewReplacer("@kernel", "kernel", "@name", "kernel", "@run", "run").Replace(msg)
	return diag.ShortenTo(msg, 300)
}

// walker goes through the tree of one expression.
type walker struct {
	c    *compiler
	e    *Expr
	info *ast.SourceInfo
	args []string
	sets []ast.Expr // the lists that are written out
	bad  bool
}

func (w *walker) errorf(at ast.Expr, code, hint, format string, a ...any) {
	loc := w.info.GetStartLocation(at.ID())
	pos, end := w.e.place(loc.Line(), loc.Column())
	w.c.list.Add(diag.Diagnostic{Pos: pos, EndCol: end, Code: code, Msg: errf(format, a...).Error(), Hint: hint})
	w.bad = true
}

// literalArgs are the functions whose text arguments must be literals, so that prefilters and
// reports can tell what a rule rests on without running it.
var literalArgs = map[string]int{"at": 2, "in_op": 1, "in_module": 1, "flag": 1, "arg": 1, "matches": 1}

// shape refuses what CEL has and the rule language has not. It comes before the type check,
// whose messages on a missing macro speak of its variable.
func (w *walker) shape(root ast.Expr) bool {
	w.visit(root, false)
	return !w.bad
}

// alike refuses lists of several types. CEL has a validator for it, and one for regular
// expressions; each goes through the whole tree once more, which is a third of a check.
func (w *walker) alike(tree *ast.AST) bool {
	for _, set := range w.sets {
		els := set.AsList().Elements()
		for i := range els {
			if want, got := tree.GetType(els[0].ID()), tree.GetType(els[i].ID()); !want.IsExactType(got) {
				w.errorf(els[i], "cel-type", "", "expected type '%s' but found '%s'", want, got)
			}
		}
	}
	return !w.bad
}

func (w *walker) visit(e ast.Expr, inside bool) {
	switch e.Kind() {
	case ast.StructKind, ast.MapKind:
		w.errorf(e, "cel-form", "compare with a text, a number, true or false", "maps and messages are not part of the rule language")
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Bool, types.String, types.Int, types.Double:
		default:
			w.errorf(e, "cel-form", "", "a %s is not part of the rule language", e.AsLiteral().Type().TypeName())
		}
	case ast.ListKind:
		w.sets = append(w.sets, e)
		for _, el := range e.AsList().Elements() {
			w.visit(el, inside)
		}
	case ast.SelectKind:
		w.visit(e.AsSelect().Operand(), inside)
	case ast.ComprehensionKind:
		w.comprehension(e, inside)
	case ast.CallKind:
		w.call(e, inside)
	}
}

func (w *walker) comprehension(e ast.Expr, inside bool) {
	c := e.AsComprehension()
	if inside {
		w.errorf(e, "cel-form", "", "exists and all do not nest")
		return
	}
	over := c.IterRange()
	field := ""
	if over.Kind() == ast.SelectKind {
		field = over.AsSelect().FieldName()
	}
	if f := fieldByName[field]; f == nil || f.list == nil {
		w.errorf(over, "cel-form", "", "exists and all go over k.args, k.ops and k.words only")
		return
	}
	w.visit(c.LoopCondition(), true)
	w.visit(c.LoopStep(), true)
}

func (w *walker) call(e ast.Expr, inside bool) {
	c := e.AsCall()
	name := c.FunctionName()
	switch name {
	case operators.Has, operators.Map, operators.Filter, operators.ExistsOne:
		w.errorf(e, "cel-form", "exists and all are; so are == and in", "%s is not part of the rule language", name)
		return
	}
	if n, ok := literalArgs[name]; ok && c.IsMemberFunction() {
		w.literals(e, name, c.Args(), n)
	}
	if c.IsMemberFunction() {
		w.visit(c.Target(), inside)
	}
	for _, a := range c.Args() {
		w.visit(a, inside)
	}
}

func (w *walker) literals(call ast.Expr, name string, args []ast.Expr, n int) {
	for i, a := range args {
		if i >= n {
			break
		}
		text, ok := types.String(""), false
		if a.Kind() == ast.LiteralKind {
			text, ok = a.AsLiteral().(types.String)
			if !ok {
				return // the type check says it better
			}
		}
		switch {
		case !ok:
			w.errorf(a, "cel-literal", "", "argument %d of %s must be a text in quotes", i+1, name)
		case name == "at" && i == 0 && !isRepoPath(string(text)):
			w.errorf(a, "cel-path", "write the path from the repository's root, such as python/sglang/srt/models/utils.py",
				"%q is not a path inside a repository", diag.Shorten(string(text)))
		case name != "at" && name != "matches" && text == "":
			w.errorf(a, "cel-literal", "", "argument %d of %s is empty", i+1, name)
		case name == "matches":
			w.regex(a, string(text))
		case name == "flag" || name == "arg":
			w.args = append(w.args, argName(string(text)))
		}
	}
}

// regex refuses what does not parse and what compiles to a large program, so that a match costs
// a bounded number of steps for each byte of a name.
func (w *walker) regex(at ast.Expr, text string) {
	const most = 1000
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		w.errorf(at, "cel-regex", "", "%v", diag.ShortenTo(err.Error(), 200))
		return
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		w.errorf(at, "cel-regex", "", "%v", diag.ShortenTo(err.Error(), 200))
		return
	}
	if n := len(prog.Inst); n > most {
		w.errorf(at, "cel-regex", "", "the regular expression compiles to %d instructions, at most %d are allowed", n, most)
	}
}

// rewrite brings the literals that are compared with names and paths to their current spelling.
func (w *walker) rewrite(root ast.Expr) {
	al := w.c.env.aliases
	if len(al.Paths)+len(al.Symbols) == 0 {
		return
	}
	factory := ast.NewExprFactory()
	respell := func(lit ast.Expr, f Field) {
		if lit.Kind() != ast.LiteralKind {
			return
		}
		if s, ok := lit.AsLiteral().(types.String); ok {
			if now := al.value(f, string(s)); now != string(s) {
				lit.SetKindCase(factory.NewLiteral(lit.ID(), types.String(now)))
			}
		}
	}
	fieldOf := func(e ast.Expr) Field {
		if e.Kind() == ast.SelectKind {
			return Field(e.AsSelect().FieldName())
		}
		return ""
	}
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		switch c := e.AsCall(); c.FunctionName() {
		case operators.Equals, operators.NotEquals:
			respell(c.Args()[0], fieldOf(c.Args()[1]))
			respell(c.Args()[1], fieldOf(c.Args()[0]))
		case operators.In:
			if l := c.Args()[1]; l.Kind() == ast.ListKind {
				for _, el := range l.AsList().Elements() {
					respell(el, fieldOf(c.Args()[0]))
				}
			}
		case "at":
			respell(c.Args()[0], FieldAt)
		}
	}))
}
