package ruletest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// made is a rule with the keys that every rule has.
func made(id, rest string) string {
	return "id: " + id + "\nkind: fuse\ntitle: T\norigin: torch\nstatus: mainline\ndomain: llm\nsources: [\"torch@0000000:a.py::b\"]\npath: p\nconclude: c\n" + rest
}

// files makes a suite of files by name; what Load says comes with it.
func files(t *testing.T, all map[string]string) (*Suite, diag.List) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, wrong := rule.Load(fsys, rule.LoadOptions{Prefix: "r"})
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	return Load(fsys, "r", set, graph.Policy{})
}

// run runs a suite that must load.
func run(t *testing.T, all map[string]string, o Options) *Results {
	t.Helper()
	s, list := files(t, all)
	if len(list) > 0 {
		t.Fatal(list)
	}
	res, err := s.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// long wins the kernels of short, which has a side that fuses as well.
var twoRules = map[string]string{
	"fuse/short.yaml": made("short", `fused: [k.symbol == "fused"]
split: [{chain: [{as: a, match: k.symbol == "one"}, {as: b, match: 'k.symbol in ["two", "deux"]', many: true}]}]
`),
	"fuse/long.yaml": made("long", `unseen: u
fused: [{chain: [{as: x, match: k.symbol == "one"}, {as: y, match: k.symbol == "two"}, {as: z, match: k.symbol == "three"}]}]
`),
	"fuse/long_test.yaml": `rule: long
tests:
  - {name: three, trace: [{kernel: one}, {kernel: two}, {kernel: three}], expect: [{verdict: applied, bind: {z: three}}]}
  - {name: two, trace: [{kernel: one}, {kernel: two}, {kernel: four}], expect: none}
`,
}

// with gives the two rules and tests of the short one: the given, and two that pass.
func with(tests string) map[string]string {
	out := map[string]string{}
	for k, v := range twoRules {
		out[k] = v
	}
	out["fuse/short_test.yaml"] = `rule: short
tests:
  - name: it
` + tests + `
  - {name: hit, trace: [{kernel: fused}], expect: [{verdict: applied}]}
  - {name: miss, trace: [{kernel: one}], expect: none}
`
	return out
}

func TestExpectations(t *testing.T) {
	const (
		three = "    trace: [{kernel: one}, {kernel: two}, {kernel: three}]\n"
		pairs = "    trace: [{kernel: one}, {kernel: two}, {kernel: deux}, {kernel: two}, {kernel: one}, {kernel: deux}, {kernel: fused}]\n"
		steps = "    trace: [{step: 'step[DECODE bs=1]', of: [{kernel: one}, {kernel: two}]}, {step: 'step[EXTEND bs=1]', of: [{kernel: fused}]}]\n"
	)
	for _, c := range []struct{ name, test, want string }{
		{"a longer chain of another rule takes the kernels", three + "    expect: [{verdict: should-apply}]",
			"5:13 1 split chains of short stand under long, and nothing is expected there | 5:14 no finding of short; found: long applied, short stands under it"},
		{"only that rule", three + "    only: true\n    expect: [{verdict: should-apply, chains: 1}]", ""},
		{"an alternative", three + "    expect: [{under: long, chains: 1, bind: {a: one, b: [two]}}]", ""},
		{"another count", three + "    expect: [{under: long, chains: 2}]", "5:14 1 chains stand under long, expected 2"},
		{"another side of it", three + "    expect: [{under: long, side: fused}]",
			"5:13 1 split chains of short stand under long, and nothing is expected there | 5:14 no fused chains of short stand under long; found: long applied, short stands under it"},
		{"an alternative is not nothing", three + "    expect: none", "5:13 1 split chains of short stand under long, and nothing is expected there"},
		{"the other rule", three + "    expect: [{under: long}, {rule: long, verdict: applied, chains: 1, bind: {x: one}}]", ""},
		{"the other rule has another verdict", three + "    expect: [{under: long}, {rule: long, verdict: partial, side: fused}]", "5:29 the verdict is applied, expected partial"},
		{"both sides", pairs + "    expect: [{verdict: partial, chains: 2, bind: {b: [two, deux, two]}}, {verdict: partial, side: fused, chains: 1, bind: {k: fused}}]", ""},
		{"the sides are counted apart", pairs + "    expect: [{verdict: partial, chains: 1}, {verdict: partial, side: fused, chains: 2}]",
			"5:14 2 split chains, expected 1 | 5:45 1 fused chains, expected 2"},
		{"too few bound", pairs + "    expect: [{verdict: partial, bind: {b: [two, deux]}}]", "5:40 step b binds [two deux two], expected [two deux]"},
		{"too many bound", pairs + "    expect: [{verdict: partial, bind: {b: [two, deux, two, two]}}]", "5:40 step b binds [two deux two], expected [two deux two two]"},
		{"the first of many", pairs + "    expect: [{verdict: partial, bind: {b: two}}]", ""},
		{"not the first", pairs + "    expect: [{verdict: partial, bind: {b: deux}}]", "5:40 step b binds [two deux two], expected [deux]"},
		{"nothing bound", pairs + "    expect: [{verdict: partial, bind: {b: []}}]", "5:40 step b binds [two deux two], expected []"},
		{"by stage", steps + "    expect: [{verdict: applied, stage: extend}, {verdict: should-apply, stage: decode, chains: 1}]", ""},
		{"without a stage", steps + "    expect: [{verdict: applied}]",
			"5:13 short is found in stage decode with verdict should-apply, and nothing is expected there | " +
				"5:13 short is found in stage extend with verdict applied, and nothing is expected there | 5:14 short is found in 2 stages; say which with stage"},
		{"one stage left out", steps + "    expect: [{verdict: applied, stage: extend}]", "5:13 short is found in stage decode with verdict should-apply, and nothing is expected there"},
		{"no such stage", steps + "    expect: [{verdict: applied, stage: mixed}, {verdict: applied, stage: extend}, {verdict: should-apply, stage: decode}]",
			"5:14 no finding of short in stage mixed; found: short should-apply, short applied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := run(t, with(c.test), Options{})
			var got []string
			for _, d := range res.List {
				if d.File != "r/fuse/short_test.yaml" || d.Code != "failed-test" {
					t.Errorf("beside it: %v", d)
				}
				got = append(got, fmt.Sprintf("%d:%d %s", d.Line, d.Col, strings.TrimPrefix(d.Msg, "it: ")))
			}
			if g := strings.Join(got, " | "); g != c.want {
				t.Errorf("got  %q\nwant %q", g, c.want)
			}
			if (res.Failed > 0) != (c.want != "") || len(res.Outcomes[2].Problems) != len(got) { // behind the two of long
				t.Errorf("%d failed; the test has %q", res.Failed, res.Outcomes[2].Problems)
			}
		})
	}
}

// conditions is a rule whose alternatives say what is known of the run.
func conditions(cond string) map[string]string {
	return map[string]string{"fuse/x-y.yaml": made("x-y", "unseen: u\nfused: [k.symbol == \"one\"]\napplies: '"+cond+"'\n")}
}

func TestRunIsWhatTheTestSays(t *testing.T) {
	const amd, nvidia = "{vendor: amd}", "{vendor: nvidia}"
	for _, c := range []struct{ run, cond string }{
		{"{framework: vllm}", `run.framework == "vllm"`},
		{nvidia, `run.vendor == "nvidia" && run.sm > 0 && run.gpu != ""`},
		{amd, `run.vendor == "amd" && run.sm == 0 && run.gpu.startsWith("AMD")`},
		{`{vendor: ""}`, `run.vendor == "" && run.sm == 0 && run.gpu == ""`},
		{"{gpu: AMD Instinct MI250X}", `run.vendor == "amd" && run.gpu == "AMD Instinct MI250X"`},
		{"{gpu: NVIDIA B200, sm: 103}", `run.vendor == "nvidia" && run.gpu == "NVIDIA B200" && run.sm == 103`},
		{"{world: 8}", `run.world == 8 && run.tp == 0`},
		{"{tp: 4, model: m}", `run.tp == 4 && run.model == "m" && !run.args_known`},
		{"{args: {}}", `run.args_known && !run.flag("a") && run.arg("b", "c") == "c"`},
		{"{args: {a-b: true, --c: 7, tp_size: 2, model_path: org/m}}", `run.flag("a_b") && run.arg("c", "") == "7" && run.tp == 2 && run.model == "m"`},
		{"{tp: 4, args: {tp_size: 2}}", `run.tp == 4`},
		{"{}", `run.stage == "decode"`},
	} {
		all := conditions(c.cond)
		all["fuse/x-y_test.yaml"] = "rule: x-y\ntests:\n  - {name: holds, run: " + c.run +
			", trace: [{step: 'step[DECODE bs=4]', of: [{kernel: one}]}], expect: [{verdict: applied, stage: decode}]}\n" +
			"  - {name: miss, run: " + c.run + ", trace: [{kernel: two}], expect: none}\n"
		if res := run(t, all, Options{}); len(res.List) > 0 {
			t.Errorf("%s: %s does not hold: %v", c.run, c.cond, res.List)
		}
		// The condition is what decides: its contrary does not hold.
		all["fuse/x-y.yaml"] = conditions("!(" + c.cond + ")")["fuse/x-y.yaml"]
		if res := run(t, all, Options{}); res.Failed != 1 {
			t.Errorf("%s: the contrary of %s holds as well", c.run, c.cond)
		}
	}
}

func TestWhatCannotBeEvaluatedFailsTheTest(t *testing.T) {
	res := run(t, map[string]string{
		"fuse/x-y.yaml": made("x-y", "unseen: u\nfused: ['k.symbol == \"one\" && k.args[0] == \"a\"']\n"),
		"fuse/x-y_test.yaml": `rule: x-y
tests:
  - {name: no arguments, trace: [{kernel: one}], expect: [{verdict: applied}]}
  - {name: hit, trace: [{kernel: 'void one<a>()'}], expect: [{verdict: applied}]}
  - {name: miss, trace: [{kernel: 'void one<b>()'}], expect: none}
`}, Options{Mutations: true})
	if res.Failed != 1 || res.Mutants != 0 || len(res.List) != 1 || !strings.Contains(res.List[0].Msg, "no arguments: a rule cannot be evaluated: r/fuse/x-y.yaml:11:9: ") {
		t.Errorf("got %+v", res)
	}
}

func TestOnlyAndContext(t *testing.T) {
	all := with("    {trace: [{kernel: two}], expect: none}")
	all["fuse/short_test.yaml"] = strings.Replace(all["fuse/short_test.yaml"], "  - name: it\n    {trace: [{kernel: two}], expect: none}\n", "", 1)
	if res := run(t, all, Options{Only: regexp.MustCompile("^sh")}); res.Tests != 2 || res.Outcomes[0].Rule != "short" {
		t.Errorf("got %+v", res)
	}
	s, list := files(t, all)
	if len(list) > 0 {
		t.Fatal(list)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Run(ctx, Options{}); err != context.Canceled {
		t.Errorf("stopped with %v", err)
	}
}

// TestMapping: replayed kernels get their sites from the mapping trace of a test, and have none
// without it.
func TestMapping(t *testing.T) {
	rules := map[string]string{"fuse/x-y.yaml": made("x-y", `unseen: nothing to see
fused: ['k.symbol == "one" && k.attribution == "aligned" && k.at("python/sglang/srt/a.py", "f")']
`), "fuse/x-y_test.yaml": `rule: x-y
define:
  graph: &graph [{graph: g, at: ['python/sglang/srt/run.py::replay'], of: [{kernel: one}, {kernel: two}]}]
tests:
  - name: with the launches of a run without graphs
    mapping: [{frames: ['python/sglang/srt/a.py::f'], of: [{kernel: one}]}, {kernel: two}]
    trace: *graph
    expect: [{verdict: applied, chains: 1}]
  - name: with those of a capture
    run: {vendor: amd}
    mapping: [{capture: g, at: ['python/sglang/srt/a.py::f'], of: [{kernel: one}, {kernel: two}]}]
    trace: *graph
    expect: [{verdict: applied, chains: 1}]
  - name: of another place
    mapping: [{frames: ['python/sglang/srt/a.py::g'], of: [{kernel: one}, {kernel: two}]}]
    trace: *graph
    expect: none
  - name: without
    trace: *graph
    expect: none
  - name: launched, not replayed
    trace: [{kernel: one, at: ['python/sglang/srt/a.py::f']}]
    expect: none
`}
	s, list := files(t, rules)
	if len(list) > 0 {
		t.Fatal(list)
	}
	s.Sites = graph.Policy{Packages: []graph.Package{{Name: "sglang", Prefix: "python/sglang", Framework: "sglang"}}}
	res, err := s.Run(context.Background(), Options{Mutations: true})
	if err != nil || res.Tests != 5 || len(res.List) > 0 {
		t.Errorf("%d tests: %v %v", res.Tests, res.List, err)
	}
}
