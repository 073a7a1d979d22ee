package rule

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
)

func testEnv(t testing.TB, aliases *Aliases) *Env {
	t.Helper()
	env, err := NewEnv(aliases)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// compileText compiles a text as it would stand in a file on one line.
func compileText(env *Env, in *cel.Env, text string) (*predicate, string) {
	c := &compiler{env: env}
	src := newSource("f", []byte(text))
	p := c.predicate(&Expr{Pos: src.pos(0), Text: text, src: src}, in)
	return p, c.list.Error()
}

func TestCompileErrors(t *testing.T) {
	env := testEnv(t, nil)
	long := `k.symbol == "` + strings.Repeat("x", maxExpr) + `"`
	many := strings.Repeat(`k.ns==""||`, 300) + "k.split_k"
	wide := strings.Repeat(`k.args.exists(a, a.matches("^`+strings.Repeat("(a|b)", 40)+`$")) || `, 8) + "k.split_k"
	for _, c := range []struct {
		env        *cel.Env
		text, want string
	}{
		{env.kernel, `k.symbol == "a" && k.at("a/b.py", "") && k.in_op("x") && k.in_module("M") && "w" in k.words && size(k.args) > 2`, ""},
		{env.kernel, `k.args.exists(a, a in ["x", "y"]) && k.ops.all(o, o != "z") && k.args[0] == "float" && !(k.split_k)`, ""},
		{env.kernel, `k.symbol.matches("^ncclDevKernel_[A-Z]+$") ? k.symbol.startsWith("a") : k.symbol.endsWith("b")`, ""},
		{env.kernel, ``, "f:1:1: mismatched input '<EOF>' [cel-syntax]"},
		{env.kernel, `k.symbol == "a" &&`, "f:1:19: mismatched input '<EOF>' [cel-syntax]"},
		{env.kernel, `k.symbol = "a" x`, "f:1:10: token recognition error at: '= ' [cel-syntax]; compare with ==\nf:1:12: mismatched input '\"a\"' expecting <EOF> [cel-syntax]"},
		{env.kernel, `k.symbol`, "f:1:1: the expression gives string, expected bool [cel-bool]; compare it with something"},
		{env.kernel, `kk.symbol == "a"`, "f:1:1: undeclared reference to 'kk' [cel-type]; did you mean k?"},
		{env.kernel, `run.framework == "sglang"`, "f:1:1: undeclared reference to 'run' [cel-type]"},
		{env.kernel, `gap_us(k, k) > 1.0`, "f:1:1: undeclared reference to 'gap_us' [cel-type]"},
		{env.kernel, `k.att("a.py", "b")`, "f:1:3: undeclared reference to 'att' [cel-type]; did you mean at?"},
		{env.kernel, `k.at("a.py")`, "f:1:5: found no matching overload for 'at' applied to 'kernel.(string)' [cel-type]"},
		{env.kernel, `k.at("/a.py", "b")`, "f:1:6: \"/a.py\" is not a path inside a repository [cel-path]; write the path from the repository's root, such as python/sglang/srt/models/utils.py"},
		{env.kernel, `k.at(k.op, "b")`, "f:1:7: argument 1 of at must be a text in quotes [cel-literal]"},
		{env.kernel, `k.in_op("")`, "f:1:9: argument 1 of in_op is empty [cel-literal]"},
		{env.kernel, `k.symbol == 1`, "f:1:10: found no matching overload for '==' applied to '(string, int)' [cel-type]"},
		{env.kernel, `k.symbol in ["a", 1]`, "f:1:19: expected type 'string' but found 'int' [cel-type]"},
		{env.kernel, `k.symbol in k.words && k == k && k.symbol + "a" == "b"`, "f:1:43: found no matching overload for '+' applied to '(string, string)' [cel-type]"},
		{env.kernel, `k.symbol < "b"`, "f:1:10: found no matching overload for '<' applied to '(string, string)' [cel-type]"},
		{env.kernel, `dyn(k.symbol) == 1`, "f:1:1: undeclared reference to 'dyn' [cel-type]"},
		{env.kernel, `has(k.symbol)`, "f:1:4: has is not part of the rule language [cel-form]; exists and all are; so are == and in"},
		{env.kernel, `k.words.filter(w, w == "a") == []`, "f:1:15: filter is not part of the rule language [cel-form]; exists and all are; so are == and in"},
		{env.kernel, `["a", "b"].exists(x, x == k.symbol)`, "f:1:1: exists and all go over k.args, k.ops and k.words only [cel-form]"},
		{env.kernel, `k.args.exists(a, k.ops.exists(o, o == a))`, "f:1:30: exists and all do not nest [cel-form]"},
		{env.kernel, `{"a": k.symbol}["a"] == "b"`, "f:1:1: maps and messages are not part of the rule language [cel-form]; compare with a text, a number, true or false"},
		{env.kernel, `kernel{symbol: "a"} == k`, "f:1:7: maps and messages are not part of the rule language [cel-form]; compare with a text, a number, true or false"},
		{env.kernel, `k.symbol == b"a" || k.symbol == null`, "f:1:13: a bytes is not part of the rule language [cel-form]\nf:1:33: a null_type is not part of the rule language [cel-form]"},
		{env.kernel, `k.symbol.matches("(")`, "f:1:18: error parsing regexp: missing closing ): `(` [cel-regex]"},
		{env.kernel, `k.symbol.matches(k.op)`, "f:1:19: argument 1 of matches must be a text in quotes [cel-literal]"},
		{env.kernel, `k.symbol.matches("^(x{900}y{900}){1}$")`, "f:1:18: the regular expression compiles to 1806 instructions, at most 1000 are allowed [cel-regex]"},
		{env.kernel, long, "f:1:1: the expression has 4110 bytes, at most 4096 are allowed [cel-size]"},
		{env.kernel, many, "f:1:1: expression node count exceeds limit: count 1502, limit 1000 [cel-type]"},
		{env.kernel, wide, "f:1:1: the expression may cost 42833946 comparisons on one kernel, at most 4000000 are allowed [cel-cost]"},
		{env.kernel, `k.args.exists(a, a.matches("^cutlass::arch::Sm(90|100|103)a?$") || a.matches("^cute::(tuple|Shape)<.*$"))`, ""},
		{env.name, `k.symbol == "a" && k.activity == "kernel"`, ""},
		{env.name, `k.op == "a"`, "f:1:3: undefined field 'op' [cel-type]; did you mean ops?"},
		{env.name, `k.at("a.py", "b")`, "f:1:3: undeclared reference to 'at' [cel-type]"},
		{env.run, `run.framework == "sglang" && run.sm >= 90 && run.tp > 1 && run.flag("a") && run.arg("b", run.model) != ""`, ""},
		{env.run, `int(run.arg("n", "0")) * 2 > 4 && double(run.arg("f", "0.5")) < 1`, ""},
		{env.run, `k.symbol == "a"`, "f:1:1: undeclared reference to 'k' [cel-type]"},
		{env.run, `run.flag(run.model)`, "f:1:13: argument 1 of flag must be a text in quotes [cel-literal]"},
		{env.run, `run.sm == "90"`, "f:1:8: found no matching overload for '==' applied to '(int, string)' [cel-type]"},
		{env.run, `run.args["x"] == "y"`, "f:1:5: undefined field 'args' [cel-type]; did you mean arg?"},
	} {
		p, got := compileText(env, c.env, c.text)
		if got != c.want {
			t.Errorf("%.80s:\n got %s\nwant %s", c.text, got, c.want)
		}
		if (p == nil) != (got != "") {
			t.Errorf("%.80s: compiled %v with errors %q", c.text, p != nil, got)
		}
	}
}

// TestNothingIsDynamic: the language has no way to a value whose type the checker does not know.
func TestNothingIsDynamic(t *testing.T) {
	env := testEnv(t, nil)
	for _, e := range []*cel.Env{env.kernel, env.name, env.run, env.where} {
		for name, f := range e.Functions() {
			for _, o := range f.OverloadDecls() {
				if o.ResultType() == cel.DynType {
					t.Errorf("%s (%s) gives dyn", name, o.ID())
				}
			}
		}
	}
}
