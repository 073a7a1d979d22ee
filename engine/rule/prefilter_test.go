package rule

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
)

// show writes a form as a condition.
func show(f *form) string {
	join := func(sep string) string {
		var parts []string
		for _, k := range f.kids {
			parts = append(parts, show(k))
		}
		return "(" + strings.Join(parts, sep) + ")"
	}
	switch f.op {
	case formTrue:
		return "true"
	case formFalse:
		return "false"
	case formAnd:
		return join(" && ")
	case formOr:
		return join(" || ")
	case formNot:
		return "!" + show(f.kids[0])
	case formTest:
		var parts []string
		for _, a := range f.atoms {
			parts = append(parts, a.String())
		}
		return strings.Join(parts, " | ")
	}
	return "?"
}

func showKeys(p *Prefilter) string {
	keys, ok := p.Keys()
	if !ok {
		return "none"
	}
	var parts []string
	for _, k := range keys {
		parts = append(parts, k.String())
	}
	return strings.Join(parts, ", ")
}

// conditions are expressions over k with what the prefilter keeps of them and the best keys.
var conditions = []struct{ text, need, keys string }{
	{`k.symbol == "a"`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`"a" == k.symbol`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol in ["b", "a"]`, `k.symbol == "b" | k.symbol == "a"`, `k.symbol == "a", k.symbol == "b"`},
	{`k.symbol in ["a",]`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol in []`, `false`, ``},
	{`k.family == "norm" && k.symbol == "a"`, `(k.family == "norm" && k.symbol == "a")`, `k.symbol == "a"`},
	{`k.family == "norm" && k.op == ""`, `(k.family == "norm" && k.op == "")`, `k.family == "norm"`},
	{`k.symbol == "a" || k.family == "norm"`, `(k.symbol == "a" || k.family == "norm")`, `k.family == "norm", k.symbol == "a"`},
	{`k.symbol == "a" || k.symbol.startsWith("b")`, `true`, `none`},
	{`k.symbol == "a" && k.symbol.startsWith("b")`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol != "a"`, `true`, `none`},
	{`!(k.symbol != "a")`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`!!(k.symbol == "a")`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`!(k.symbol == "a") && k.ns == "n"`, `k.ns == "n"`, `k.ns == "n"`},
	{`k.at("p.py", "f") && k.family == "norm"`, `(k.at("p.py", "f") && k.family == "norm")`, `k.at("p.py", "f")`},
	{`k.in_op("aten::mm") && k.in_module("M")`, `(k.in_op("aten::mm") && k.in_module("M"))`, `k.in_module("M")`},
	{`"norm" in k.words && "add" in k.ops`, `("norm" in k.words && "add" in k.ops)`, `"add" in k.ops`},
	{`k.split_k && k.generator == "nvjet"`, `(k.split_k && k.generator == "nvjet")`, `k.generator == "nvjet"`},
	{`k.words.exists(w, w == "norm")`, `true`, `none`},
	{`k.symbol == "a" && k.args.exists(a, a.matches(r"^x<\d+>$") || a == 'y')`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.args.all(a, !(a == "x")) || k.ns == "n"`, `true`, `none`},
	{`k.split_k ? k.symbol == "a" : k.symbol == "b"`, `((k.split_k && k.symbol == "a") || k.symbol == "b")`, `k.symbol == "a", k.symbol == "b"`},
	{`true`, `true`, `none`},
	{`false || k.symbol == "a"`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`true && k.symbol == "a"`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol == "a" && k.ns == "b" && (k.op == "c" || k.op == "d" || k.functor == "e")`,
		`(k.symbol == "a" && k.ns == "b" && (k.op == "c" || k.op == "d" || k.functor == "e"))`, `k.symbol == "a"`},
	{`size(k.args) > 2 && k.args[0] == "x"`, `true`, `none`},
	{`k.symbol == k.op`, `true`, `none`},
	{`k.symbol in k.words`, `true`, `none`},
	{`k.symbol in [k.op, "a"]`, `true`, `none`},
	{`(k).symbol == "a"`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol == "\u0061"`, `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol == r'a'`, `k.symbol == "a"`, `k.symbol == "a"`},
	{"k.symbol == 'a' // && k.ns == 'b'\n", `k.symbol == "a"`, `k.symbol == "a"`},
	{`k.symbol.matches("^a$")`, `true`, `none`},
	{`k.symbol in ["a"] == true`, `true`, `none`},
	{`k.split_k == true`, `true`, `none`},
	{`k.activity == "memcpy"`, `k.activity == "memcpy"`, `k.activity == "memcpy"`},
	{`k.dtype == "a" && k.out_dtype == "b" && k.layout == "c" && k.tile == "d" && k.epilogue == "e" && k.params == "f"`,
		`(k.dtype == "a" && k.out_dtype == "b" && k.layout == "c" && k.tile == "d" && k.epilogue == "e" && k.params == "f")`, `k.tile == "d"`},
}

func TestPrefilter(t *testing.T) {
	env := testEnv(t, nil)
	skimmed := 0
	for _, c := range conditions {
		p, errs := compileText(env, env.kernel, c.text)
		if p == nil {
			t.Errorf("%s: %s", c.text, errs)
			continue
		}
		pre := newPrefilter(p.form, env.aliases)
		if got := show(pre.need); got != c.need {
			t.Errorf("%s needs %s, want %s", c.text, got, c.need)
		}
		if got := showKeys(pre); got != c.keys {
			t.Errorf("%s has the keys %s, want %s", c.text, got, c.keys)
		}
		if skimmedAlike(t, env.kernel, c.text) {
			skimmed++
		}
	}
	if skimmed < 25 {
		t.Errorf("skim reads only %d of %d conditions", skimmed, len(conditions))
	}
}

// written writes a tree out whole: kinds, names and typed values, and no ids.
func written(e ast.Expr) string {
	list := func(es []ast.Expr) string {
		var parts []string
		for _, x := range es {
			parts = append(parts, written(x))
		}
		return "(" + strings.Join(parts, " ") + ")"
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return fmt.Sprintf("%T:%q", e.AsLiteral(), fmt.Sprint(e.AsLiteral().Value()))
	case ast.IdentKind:
		return e.AsIdent()
	case ast.ListKind:
		return "list" + list(e.AsList().Elements())
	case ast.SelectKind:
		return fmt.Sprintf("select(%s %s %v)", written(e.AsSelect().Operand()), e.AsSelect().FieldName(), e.AsSelect().IsTestOnly())
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return written(c.Target()) + "." + c.FunctionName() + list(c.Args())
		}
		return c.FunctionName() + list(c.Args())
	}
	if e.Kind() == ast.ComprehensionKind {
		c := e.AsComprehension()
		return fmt.Sprintf("fold(%s %s %s %s)", c.IterVar(), c.IterVar2(), c.AccuVar(), list([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}))
	}
	return fmt.Sprintf("kind %d", e.Kind())
}

// laid lists where the nodes of a tree are, from the root down.
func laid(a *cel.Ast) string {
	var b strings.Builder
	ast.PreOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		l := a.NativeRep().SourceInfo().GetStartLocation(e.ID())
		fmt.Fprintf(&b, "%d:%d ", l.Line(), l.Column())
	}))
	return b.String()
}

// skimmedAlike tells whether skim understands text, and fails where CEL's own parser, which
// takes it too, gives another tree.
func skimmedAlike(t *testing.T, env *cel.Env, text string) bool {
	t.Helper()
	e, ok := skim(text)
	if !ok {
		return false
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return true // too deep or too long: the checks say so
	}
	if got, want := written(e), written(parsed.NativeRep().Expr()); got != want {
		t.Errorf("%q:\nskim %s\nCEL  %s", text, got, want)
	}
	if own, ok := quick(text); ok {
		if got, want := laid(own), laid(parsed); got != want {
			t.Errorf("%q: places\nskim %s\nCEL  %s", text, got, want)
		}
	}
	return true
}

// TestSkim: what skim leaves to CEL's parser.
func TestSkim(t *testing.T) {
	for _, text := range []string{``, `k.symbol ==`, `k.symbol = "a"`, `k.symbol == "a`, `k.symbol == "a\n"`, `k.symbol == """a"""`, `b"a" == k.symbol`, `r"a == k.symbol`,
		`k.words.exists(w)`, `k.words.exists("w", true)`, `k.words.filter(w, true).size() > 0 ? true : false`, `a ? b : c`, `(k.symbol == "a"`, `k.symbol == "a")`, `[k.symbol`, `k.`, `k.symbol == "a" == true`, `k..a`,
		`k.symbol == "a" // b`, `1 - 2 == 3`, `kernel{}`, `(k).symbol == "a"`, `for == "a"`, strings.Repeat("(", 500), strings.Repeat("!", 500) + "k.split_k",
		"k.symbol == 'a\nb'", `k.at("a", )`} {
		if e, ok := skim(text); ok {
			t.Errorf("skim reads %q as %s", text, written(e))
		}
	}
}

// randomCondition makes a condition out of a few fields and values, so that the pieces collide.
func randomCondition(r *rand.Rand, depth int) string {
	if depth > 0 {
		switch r.Intn(6) {
		case 0, 1:
			return "(" + randomCondition(r, depth-1) + " && " + randomCondition(r, depth-1) + ")"
		case 2, 3:
			return "(" + randomCondition(r, depth-1) + " || " + randomCondition(r, depth-1) + ")"
		case 4:
			return "!(" + randomCondition(r, depth-1) + ")"
		case 5:
			return "(" + randomCondition(r, depth-1) + " ? " + randomCondition(r, depth-1) + " : " + randomCondition(r, depth-1) + ")"
		}
	}
	v := func() string { return []string{`"a"`, `"b"`, `"c"`}[r.Intn(3)] }
	field := []string{"k.symbol", "k.ns", "k.op"}[r.Intn(3)]
	switch r.Intn(10) {
	case 0, 1:
		return field + " == " + v()
	case 2:
		return field + " != " + v()
	case 3:
		return field + " in [" + v() + ", " + v() + "]"
	case 4:
		return v() + " in k.words"
	case 5:
		return "k.at(" + v() + ", " + []string{`""`, `"a"`, `"b"`}[r.Intn(3)] + ")"
	case 6:
		return "k.in_op(" + v() + ")"
	case 7:
		return "k.words.exists(w, w == " + v() + ")"
	case 8:
		return "k.split_k"
	}
	return []string{"true", "false"}[r.Intn(2)]
}

func randomClass(r *rand.Rand) *Class {
	v := func() string { return string("abcd"[r.Intn(4)]) }
	c := &Class{Symbol: v(), NS: v(), Op: v(), SplitK: r.Intn(2) == 0}
	for range r.Intn(3) {
		c.Words = append(c.Words, v())
		c.EnclosedBy = append(c.EnclosedBy, v())
		c.Frames = append(c.Frames, Frame{v(), v()})
	}
	return c
}

// TestPrefilterIsNecessary: where a condition holds its prefilter does, of the class and of an
// inventory, and one of its keys does; and conditions that are found to be constant are.
func TestPrefilterIsNecessary(t *testing.T) {
	env := testEnv(t, nil)
	r := rand.New(rand.NewSource(1))
	held, rejected, constants, plain := 0, 0, 0, 0
	for range 600 {
		text := randomCondition(r, 3)
		p, errs := compileText(env, env.kernel, text)
		if p == nil {
			t.Fatalf("%s: %s", text, errs)
		}
		skimmedAlike(t, env.kernel, text)
		pre := newPrefilter(p.form, env.aliases)
		exact := plainText(env, env.kernel, text)
		if exact != nil {
			plain++
		}
		keys, keyed := pre.Keys()
		always, never := constancy(p.folded())
		if always || never {
			constants++
		}
		for range 20 {
			c := randomClass(r)
			holds, err := p.class(c, kernelType)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if exact != nil {
				if got, _ := exact.class(c, kernelType); got != holds {
					t.Fatalf("%s: plainly %v, CEL gives %v for %+v", text, got, holds, c)
				}
			}
			inv := Inventory{}
			inv.Add(c)
			if got := pre.Test(c.Has); got != pre.Test(inv.Has) {
				t.Fatalf("%s: a class and its inventory disagree on %+v", text, c)
			} else if holds && !got {
				t.Fatalf("%s holds for %+v and its prefilter %s does not", text, c, show(pre.need))
			} else if !got {
				rejected++
			}
			if holds && keyed {
				any := false
				for _, k := range keys {
					any = any || inv.Has(k)
				}
				if !any {
					t.Fatalf("%s holds for %+v and none of its keys %s does", text, c, showKeys(pre))
				}
				held++
			}
			if holds && never || !holds && always {
				t.Fatalf("%s is constant and gives %v for %+v", text, holds, c)
			}
		}
	}
	if held < 500 || rejected < 1000 || constants < 25 || plain < 60 {
		t.Errorf("the conditions are too tame: %d held, %d rejected, %d constant, %d plain", held, rejected, constants, plain)
	}
}

func TestInventoryIsSorted(t *testing.T) {
	inv := Inventory{}
	inv.Add(norm())
	last := Atom{}
	for i, a := range inv.Atoms() {
		if i > 0 && !last.less(a) {
			t.Fatalf("%s comes after %s", a, last)
		}
		last = a
	}
	if len(inv.Atoms()) < 25 {
		t.Errorf("only %d atoms", len(inv))
	}
}

func TestConstancy(t *testing.T) {
	env := testEnv(t, nil)
	for text, want := range map[string]string{
		`k.symbol == "a" && k.symbol == "b"`:                  "never",
		`k.symbol == "a" && k.symbol in ["b", "c"]`:           "never",
		`k.symbol == "a" && k.symbol != "a"`:                  "never",
		`k.symbol == "a" || k.symbol != "a"`:                  "always",
		`k.symbol != "a" || k.symbol != "b"`:                  "always",
		`k.symbol == "a" && k.functor == "b"`:                 "",
		`"a" in k.words && "b" in k.words`:                    "",
		`"a" in k.words && !("a" in k.words)`:                 "never",
		`k.in_op("a") && k.in_op("b")`:                        "",
		`k.at("p.py", "f") && !k.at("p.py", "")`:              "never",
		`k.at("p.py", "") && !k.at("p.py", "f")`:              "",
		`(k.symbol == "a" && k.symbol == "b") || k.ns == "c"`: "part",
		`k.ns == "c" && (k.symbol == "a" && k.symbol == "b")`: "never",
		`1 == 1`:                  "always",
		`1.0 > 2.0 && k.split_k`:  "never",
		`k.split_k || "a" == "a"`: "always",
		`k.symbol.startsWith("a") && !k.symbol.startsWith("a")`: "", // not understood, and so not claimed
		`k.symbol in ["a", "b"] && !(k.symbol in ["b", "a"])`:   "never",
	} {
		p, errs := compileText(env, env.kernel, text)
		if p == nil {
			t.Fatalf("%s: %s", text, errs)
		}
		f := p.folded()
		always, never := constancy(f)
		got := ""
		switch {
		case always:
			got = "always"
		case never:
			got = "never"
		case contradiction(f):
			got = "part"
		}
		if got != want {
			t.Errorf("%s holds %q, want %q", text, got, want)
		}
	}
	var wide []string
	for i := range 20 {
		wide = append(wide, fmt.Sprintf(`"%d" in k.words`, i))
	}
	p, _ := compileText(env, env.kernel, strings.Join(wide, " && ")+` && k.symbol == "a" && k.symbol == "b"`)
	if always, never := constancy(p.form); always || never {
		t.Error("a condition with too many cases is judged")
	}
}
