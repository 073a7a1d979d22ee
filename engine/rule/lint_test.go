package rule

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sgrules/sgrules/engine/diag"
)

func TestLintSamples(t *testing.T) {
	s := sample(t, LoadOptions{})
	tested := func(id string) bool { return id == "vllm-rms-quant" }
	const open = "family/generated.yaml:5:5: every kernel has to be tried [no-prefilter]; compare k.symbol or another field of the name with a literal"
	want := open + "\nfuse/sglang-qk-norm-rope.yaml:2:5: the rule has no tests [no-tests]; " +
		"write fuse/sglang-qk-norm-rope_test.yaml with one trace that matches and one near miss that does not\n" +
		"overlap/sglang-shared-expert-stream.yaml:1:5: the rule has no tests [no-tests]; " +
		"write overlap/sglang-shared-expert-stream_test.yaml with one trace that matches and one near miss that does not"
	if got := Lint(s, LintOptions{HasTests: tested}).Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list := Lint(s, LintOptions{}); list.Error() != open {
		t.Error(list)
	}
}

// TestLintChecks gives each check a rule that fails it alone, at the right place, and holds
// that every check is tried.
func TestLintChecks(t *testing.T) {
	tried := map[string]bool{}
	chain := func(lines string) string {
		return strings.Replace(minimal, "fused: ['EXPR']", "fused:\n  - "+strings.ReplaceAll(lines, "\n", "\n    "), 1)
	}
	with := func(text string) string { return strings.Replace(minimal, "'EXPR'", `k.symbol == "a"`, 1) + text }
	for _, c := range []struct{ name, rule, want string }{
		{"contains", strings.Replace(minimal, "EXPR", `k.op == "a" && k.symbol.contains("norm")`, 1),
			"8:43: contains matches every name that has the text somewhere [name-substring]"},
		{"contains on an argument", strings.Replace(minimal, "EXPR", `k.op == "a" && k.args.exists(a, a.contains("x"))`, 1),
			"8:53: contains matches every name that has the text somewhere [name-substring]"},
		{"contains in where", chain("{match: k.split_k || k.op == \"a\", where: k.symbol.contains(\"x\")}"), "9:64: contains matches every name that has the text somewhere [name-substring]"},
		{"regex", strings.Replace(minimal, "EXPR", `k.op == "a" && k.symbol.matches("norm$")`, 1),
			"8:42: the regular expression matches a part of a name [unanchored-regex]"},
		{"open regex", strings.Replace(minimal, "EXPR", `k.op == "a" && k.symbol.matches("^.*norm.*$")`, 1),
			"8:42: the regular expression matches a part of a name [unanchored-regex]"},
		{"anchored regex", strings.Replace(minimal, "EXPR", `k.op == "a" && k.symbol.matches("^(norm|rope).*$")`, 1), ""},
		{"always", with("applies: run.vendor == \"amd\" || run.vendor != \"amd\"\n"), "12:10: the condition always holds [always-true]"},
		{"true", with("applies: true\n"), "12:10: the condition always holds [always-true]"},
		{"never", strings.Replace(minimal, "EXPR", `k.symbol == "a" && k.symbol == "b"`, 1), "8:9: the condition can never hold as it stands [never-true]"},
		{"never in part", strings.Replace(minimal, "EXPR", `k.symbol == "c" || k.symbol == "a" && k.symbol == "b"`, 1), "8:9: the condition can never hold as it stands [never-true]"},
		{"never in skip", chain("chain:\n  - {as: a, match: k.symbol == \"a\"}\n  - {as: b, match: k.symbol == \"b\", skip: k.ns == \"x\" && k.ns == \"y\"}"),
			"11:47: the condition can never hold as it stands [never-true]"},
		{"never required", with("requires: [{when: run.sm == 90 && run.vendor == \"amd\" && run.vendor == \"nvidia\", because: x}]\n"), "12:19: the condition can never hold as it stands [never-true]"},
		{"family", strings.Replace(minimal, "EXPR", `k.family in ["norm", "rop"]`, 1), `8:31: there is no family "rop" [unknown-family]`},
		{"the family of the others", strings.Replace(minimal, "EXPR", `k.family == "other"`, 1), ""},
		{"framework", with("applies: run.framework == \"sgland\"\n"), `12:27: run.framework is never "sgland" [unknown-literal]`},
		{"activity", strings.Replace(minimal, "EXPR", `k.op == "a" && k.activity == "gpu_memcpy"`, 1), `8:39: k.activity is never "gpu_memcpy" [unknown-literal]`},
		{"no keys", strings.Replace(minimal, "EXPR", `k.symbol.startsWith("a") && k.op == ""`, 1), "8:9: every kernel has to be tried [no-prefilter]"},
		{"keys in an optional step only", chain("chain:\n  - {as: a, match: k.symbol == \"a\", optional: true}\n  - {as: b, match: k.split_k || k.symbol.startsWith(\"b\")}"), "9:5: every kernel has to be tried [no-prefilter]"},
		{"keys in one step", chain("chain:\n  - {as: a, match: k.symbol == \"a\"}\n  - {as: b, match: k.symbol.startsWith(\"b\")}"), ""},
		{"alternative twice", strings.Replace(minimal, "['EXPR']", `["k.symbol == 'a' && k.at('p.py', '')", {match: 'k.symbol=="a"  &&  (k.at("p.py", ""))'}]`, 1),
			"8:48: the alternative is the same as the one in line 8 [duplicate-alternative]"},
		{"no because", with("requires: [{when: run.sm == 90}]\n"), "12:12: the requirement has no because [no-because]"},
		{"long title", strings.Replace(with(""), "title: t", "title: "+strings.Repeat("é", 81), 1), "3:8: title has 81 characters, there is room for 80 [too-long]"},
		{"long text", strings.Replace(with(""), "path: p", "path: "+strings.Repeat("p", 401), 1), "9:7: path has 401 characters, there is room for 400 [too-long]"},
	} {
		fs := fstest.MapFS{"family/norm.yaml": familyFile("norm", `k.symbol == "n"`),
			"fuse/r.yaml": {Data: []byte(strings.Replace(c.rule, "ID", "r", 1))}}
		s, list := Load(fs, LoadOptions{Lazy: true})
		if len(list) > 0 {
			t.Errorf("%s: %v", c.name, list)
			continue
		}
		got := Lint(s, LintOptions{})
		for i := range got {
			tried[got[i].Code] = true
			got[i].Hint = ""
		}
		want := ""
		for _, line := range strings.Split(c.want, "\n") {
			if line != "" {
				want += "fuse/r.yaml:" + line + "\n"
			}
		}
		if got.Error() != strings.TrimSuffix(want, "\n") {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got.Error(), want)
		}
	}
	fs := fstest.MapFS{"fuse/a.yaml": ruleFile("a", `k.symbol == "x" && k.ns == "y"`), "fuse/b.yaml": ruleFile("b", `k.symbol  ==  "x" && (k.ns == "y")`)}
	s, _ := Load(fs, LoadOptions{})
	list := Lint(s, LintOptions{HasTests: func(string) bool { return false }})
	for _, d := range list {
		tried[d.Code] = true
	}
	if len(list) != 3 || list[1].Error() != "fuse/b.yaml:1:5: the rule says the same as a at fuse/a.yaml:1:5 [duplicate-rule]" {
		t.Errorf("duplicates: %v", list)
	}
	for _, c := range Checks() {
		if !tried[c.Code] {
			t.Errorf("no rule fails the check %s", c.Code)
		}
		if c.Doc == "" {
			t.Errorf("the check %s has no text", c.Code)
		}
	}
}

// TestLintFamily: families are linted like rules.
func TestLintFamily(t *testing.T) {
	fs := fstest.MapFS{"fuse/a.yaml": ruleFile("a", `k.symbol == "a"`),
		"family/x.yaml": familyFile("x", `k.symbol.contains("gemm")`)}
	s, list := Load(fs, LoadOptions{})
	if len(list) > 0 {
		t.Fatal(list)
	}
	list = Lint(s, LintOptions{})
	if len(list) != 2 || list[0].Code != "no-prefilter" || list[0].Severity != diag.Warning || list[1].Code != "name-substring" || list[1].Severity != diag.Error {
		t.Error(list)
	}
}

func TestAnchored(t *testing.T) {
	for text, want := range map[string]bool{
		`^a$`: true, `^a|b$`: false, `^(a|b)$`: true, `^a$|^b$`: true, `^a$|b$`: false, `a$`: false, `^a`: false, ``: false,
		`^.*a$`: true, `^a.*$`: true, `^.*a.*$`: false, `^.+a.+$`: false, `(?m)^a$`: false, `(?i)^a$`: true, `\Aa\z`: true,
		`^ncclDevKernel_[A-Za-z]+_(RING|TREE)_(LL|LL128)$`: true, `^(.*a|b)$`: true, `(^a$)`: true, `^$`: true, `(`: false,
	} {
		if got := anchored(text); got != want {
			t.Errorf("%s is anchored: %v, want %v", text, got, want)
		}
	}
}

// TestRealRules holds the rules of the repository, where there are any, to the linter.
func TestRealRules(t *testing.T) {
	dir := "../../rules"
	rules, _ := os.ReadDir(dir + "/fuse")
	if len(rules) == 0 {
		t.Skip("rules/fuse has no rules yet")
	}
	s, list := Load(os.DirFS(dir), LoadOptions{Prefix: "rules"})
	if len(list) > 0 {
		t.Fatal(list)
	}
	if list := Lint(s, LintOptions{}); list.Errors() > 0 {
		t.Error(list)
	}
}
