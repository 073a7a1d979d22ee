package rule

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func exprAt(t *testing.T, yaml string) *Expr {
	t.Helper()
	r, list := Decode("f", []byte(strings.NewReplacer("ID", "a", "EXPR", `k.symbol == "a"`).Replace(minimal)+"\napplies: "+yaml))
	if len(list) > 0 {
		t.Fatal(list)
	}
	return r.Applies
}

func TestConjuncts(t *testing.T) {
	for _, c := range []struct{ text, conjuncts, without string }{
		{`a == 1`, `a == 1`, `true`},
		{`a && b && c`, `a; b; c`, `b && c; a && c; a && b`},
		{`a || b`, `a || b`, `true`},
		{`a && b || c`, `a && b || c; a; b`, `true; b || c; a || c`},
		{`a && (b || c && d)`, `a; (b || c && d); c; d`, `(b || c && d); a; a && (b || d); a && (b || c)`},
		{`((a && b))`, `a; b`, `((b)); ((a))`},
		{`(a) == (b && c)`, `(a) == (b && c)`, `true`},
		{`!(a && b) && c`, `!(a && b); c`, `c; !(a && b)`},
		{`a && b ? c : d && e`, `a && b ? c : d && e`, `true`},
		{`s == "x && y" && f(a && b)`, `s == "x && y"; f(a && b)`, `f(a && b); s == "x && y"`},
		{`s == 'it\'s && x' && t`, `s == 'it\'s && x'; t`, `t; s == 'it\'s && x'`},
		{`s.matches(r"^\(a|b$") && t`, `s.matches(r"^\(a|b$"); t`, `t; s.matches(r"^\(a|b$")`},
		{`s == """a" && b""" && t`, `s == """a" && b"""; t`, `t; s == """a" && b"""`},
		{`x in ["a", "b"] && l[0] == "c"`, `x in ["a", "b"]; l[0] == "c"`, `l[0] == "c"; x in ["a", "b"]`},
	} {
		e := &Expr{Text: c.text}
		var texts, rest []string
		for _, x := range e.Conjuncts() {
			texts, rest = append(texts, x.Text), append(rest, e.Without(x).Text)
		}
		if got := strings.Join(texts, "; "); got != c.conjuncts {
			t.Errorf("%s: conjuncts %s, want %s", c.text, got, c.conjuncts)
		}
		if got := strings.Join(rest, "; "); got != c.without {
			t.Errorf("%s: without them %s, want %s", c.text, got, c.without)
		}
	}
}

func TestConjunctPositions(t *testing.T) {
	e := exprAt(t, ">-\n  run.tp == 1 &&\n  (run.sm == 90 || run.sm == 100 &&\n  run.world == 2)")
	start := e.Pos.Line
	var got []int
	for _, c := range e.Conjuncts() {
		got = append(got, c.Pos.Line-start, c.Pos.Col)
	}
	if want := []int{1, 3, 2, 3, 2, 20, 3, 3}; !reflect.DeepEqual(got, want) {
		t.Errorf("lines behind the first and columns %v, want %v", got, want)
	}
}

// TestConjunctsOfHostileText: an expression that CEL would refuse is cut without a panic.
func TestConjunctsOfHostileText(t *testing.T) {
	for _, text := range []string{"", "&&", "a &&", "&& a", `"`, `'''`, "(((", ")))", "a && // b", `\`, `r"\`, strings.Repeat("(", 3000), strings.Repeat("(a && ", 600), "a &&& b"} {
		e := &Expr{Text: text}
		for _, c := range e.Conjuncts() {
			e.Without(c)
		}
	}
}

func TestWith(t *testing.T) {
	s := sample(t, LoadOptions{})
	old := s.Rule("vllm-rms-quant")
	before, _ := s.Compiled("vllm-rms-quant")
	r := *old
	r.Title = "another"
	with, list := s.With(&r)
	if len(list) > 0 {
		t.Fatal(list)
	}
	now, _ := with.Compiled("vllm-rms-quant")
	if now.Title != "another" || s.Rule("vllm-rms-quant").Title == "another" || !reflect.DeepEqual(ids(with.Rules()), ids(s.Rules())) {
		t.Error("the rule is not replaced in one set and kept in the other")
	}
	if now.Fused[0].Steps[0].is != before.Fused[0].Steps[0].is {
		t.Error("what did not change was compiled again")
	}
	other, _ := with.Compiled("sglang-qk-norm-rope")
	if same, _ := s.Compiled("sglang-qk-norm-rope"); other != same {
		t.Error("another rule was compiled again")
	}
	r.ID = "a-new-one"
	if with, list = s.With(&r); len(list) > 0 || with.Rules()[0].ID != "a-new-one" || len(with.Rules()) != len(s.Rules())+1 {
		t.Errorf("a new rule is not put in its place: %v %v", ids(with.Rules()), list)
	}
	alt := *old.Fused[0]
	step := *alt.Steps[0]
	step.MatchExpr = &Expr{Text: "k.nothing"}
	alt.Steps = []*Step{&step}
	r.Fused = []*Alternative{&alt}
	if with, list = s.With(&r); list.Errors() == 0 || with != s {
		t.Errorf("a wrong rule was taken: %v", list)
	}
	if got := ids(s.Only("vllm-rms-quant", "nothing").Rules()); !reflect.DeepEqual(got, []string{"vllm-rms-quant"}) {
		t.Errorf("only that rule: %v", got)
	}
}

func TestExceptions(t *testing.T) {
	src := func(s string) fstest.MapFS {
		rule := strings.NewReplacer("ID", "a", "EXPR", `k.symbol == "a"`).Replace(minimal)
		return fstest.MapFS{"fuse/a.yaml": {Data: []byte(rule)}, "exceptions.yaml": {Data: []byte(s)}}
	}
	s, list := Load(src("exceptions:\n- {check: surviving-mutant, rule: a, at: fused/1, because: x}\n- {check: surviving-mutant, rule: a, because: y}"), LoadOptions{})
	if len(list) > 0 {
		t.Fatal(list)
	}
	for places, want := range map[string]int{"fused/1/k: c|fused/1": 0, "fused/2": 1, "": 1} {
		if got := s.Allows(SurvivingMutant, "a", strings.Split(places, "|")...); got != want {
			t.Errorf("%q is allowed by %d, want %d", places, got, want)
		}
	}
	if s.Allows("always-true", "a") != -1 || s.Allows(SurvivingMutant, "b") != -1 {
		t.Error("another check or rule is allowed")
	}
	_, list = Load(src(`exceptions: [{check: surviving-mutants, rule: a, because: x}, {check: always-true, rule: b, because: x},
 {check: always-true, rule: a, because: x}, {check: always-true, rule: a, because: y}, {check: no-tests, rule: a, at: "", becuase: y},
 {check: no-prefilter, because: x}, {check: no-prefilter, rule: a, family: norm, because: x}, {check: no-prefilter, family: nrom, because: x}, {check: too-long, rule: a, at: title, because: x}]`), LoadOptions{})
	var got []string
	for _, d := range list {
		got = append(got, d.Code)
	}
	if want := "bad-value unknown-rule duplicate-exception missing-key empty unknown-key bad-value bad-value unknown-family bad-value"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s\n%v", got, want, list)
	}
}
