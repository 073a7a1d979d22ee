package ruletest

import (
	"maps"
	"strings"
	"testing"
)

// everyPart is a rule with everything that can be left out, and tests that notice all of it.
var everyPart = map[string]string{
	"fuse/x-y.yaml": made("x-y", `applies: run.framework == "sglang" && run.vendor == "nvidia"
requires:
  - {unless: run.flag("off"), because: it is off, verdict: disabled}
fused:
  - name: one kernel
    only: run.sm >= 90
    match: k.symbol == "fused"
split:
  - name: a pair
    chain:
      - {as: a, match: 'k.symbol == "one" && (k.op == "x" || k.symbol == "one" && k.op == "y")', many: true}
      - {as: m, match: k.symbol == "maybe", optional: true}
      - {as: b, match: k.symbol == "two", skip: k.symbol == "between"}
    where: us(a) > 1.0 && us(b) < 100.0
    residue: {per_step: 1, because: the last one}
  - match: k.symbol == "always"
    by_design: it is always so
`),
	"fuse/x-y_test.yaml": `rule: x-y
define:
  - &on {framework: sglang, vendor: nvidia, sm: 90, args: {}}
tests:
  - name: pairs
    run: *on
    trace:
      - {kernel: one, op: [x]}
      - {kernel: one, op: [y]}
      - {kernel: maybe}
      - {kernel: between}
      - {kernel: two}
      - {kernel: one, op: [x]}
      - {kernel: two}
    expect: [{verdict: should-apply, chains: 1, by_design: 1, bind: {a: [one, one], m: [maybe], b: two}}]
  - {name: the kernel, run: *on, trace: [{kernel: fused}], expect: [{verdict: applied, chains: 1}]}
  - {name: always, run: *on, trace: [{kernel: always}], expect: [{verdict: by-design, by_design: 1}]}
  - name: off
    run: {framework: sglang, vendor: nvidia, sm: 90, args: {off: true}}
    trace: [{kernel: one, op: [x]}, {kernel: two}, {kernel: one, op: [x]}, {kernel: two}]
    expect: [{verdict: disabled, chains: 1}]
  - {name: another framework, run: {framework: vllm, vendor: nvidia, sm: 90}, trace: [{kernel: fused}], expect: none}
  - {name: another vendor, run: {framework: sglang, vendor: amd, sm: 90}, trace: [{kernel: fused}], expect: none}
  - {name: an older GPU, run: {framework: sglang, vendor: nvidia, sm: 80}, trace: [{kernel: fused}], expect: none}
  - {name: other kernels, run: *on, trace: [{kernel: other}], expect: none}
  - {name: another first, run: *on, trace: [{kernel: other, op: [x]}, {kernel: two}], expect: none}
  - {name: another op, run: *on, trace: [{kernel: one, op: [z]}, {kernel: two}], expect: none}
  - {name: another between, run: *on, trace: [{kernel: one, op: [x]}, {kernel: other}, {kernel: two}], expect: none}
  - {name: another last, run: *on, trace: [{kernel: one, op: [x]}, {kernel: other}], expect: none}
  - {name: too short, run: *on, trace: [{kernel: one, op: [x], us: 1}, {kernel: two}], expect: none}
  - {name: too long, run: *on, trace: [{kernel: one, op: [x]}, {kernel: two, us: 100}], expect: none}
`}

// everyPlace is what can be left out of it. The one place where the condition is redundant is
// the second symbol: the first asks for the same.
const everyPlace = `applies: run.framework == "sglang"
applies: run.vendor == "nvidia"
requires/1
fused/one kernel
fused/one kernel/only: run.sm >= 90
fused/one kernel/k: k.symbol == "fused"
split/a pair
split/a pair/where: us(a) > 1.0
split/a pair/where: us(b) < 100.0
split/a pair/residue
split/a pair/a: k.symbol == "one"
split/a pair/a: (k.op == "x" || k.symbol == "one" && k.op == "y")
split/a pair/a: k.symbol == "one"
split/a pair/a: k.op == "y"
split/a pair/a/many
split/a pair/m: k.symbol == "maybe"
split/a pair/m/optional
split/a pair/b: k.symbol == "two"
split/a pair/b/skip
split/2
split/2/by_design
split/2/k: k.symbol == "always"
`

func TestEveryPartIsLeftOut(t *testing.T) {
	s, list := files(t, everyPart)
	if len(list) > 0 {
		t.Fatal(list)
	}
	r := s.Set.Rule("x-y")
	var got strings.Builder
	for _, m := range mutants(r) {
		got.WriteString(m.place + "\n")
		if m.pos.File != "r/fuse/x-y.yaml" || m.pos.Line < 10 || m.pos.Col == 0 {
			t.Errorf("%s is at %v", m.place, m.pos)
		}
	}
	if got.String() != everyPlace {
		t.Errorf("got\n%swant\n%s", got.String(), everyPlace)
	}
	if len(r.Split) != 2 || !r.Split[0].Steps[0].Many || r.Split[0].Residue == nil || len(r.Requires) != 1 {
		t.Error("the rule itself was changed")
	}
	res := run(t, everyPart, Options{Mutations: true})
	if res.Failed != 0 || res.Mutants != strings.Count(everyPlace, "\n") {
		t.Errorf("%d failed and %d mutants", res.Failed, res.Mutants)
	}
	if len(res.List) != 1 || !strings.HasSuffix(res.List[0].Msg, `(split/a pair/a: k.symbol == "one")`) || res.List[0].Line != 20 || res.List[0].Col != 62 {
		t.Errorf("survived: %v", res.List)
	}
}

// TestEveryTestIsNeeded: without any one of the tests some part is not tested.
func TestEveryTestIsNeeded(t *testing.T) {
	text := everyPart["fuse/x-y_test.yaml"]
	for _, name := range []string{"the kernel", "always", "off", "another framework", "another vendor", "an older GPU", "another first",
		"another op", "too short", "too long"} {
		from := strings.Index(text, "  - {name: "+name)
		if from < 0 {
			from = strings.Index(text, "  - name: "+name)
		}
		to := from + 4 + strings.Index(text[from+4:], "\n  - ") + 1
		if !strings.Contains(text[from+4:], "\n  - ") {
			to = len(text)
		}
		all := maps.Clone(everyPart)
		all["fuse/x-y_test.yaml"] = text[:from] + text[to:]
		if res := run(t, all, Options{Mutations: true}); res.Failed > 0 || res.Survived < 2 {
			t.Errorf("without %q %d mutants survive", name, res.Survived)
		}
	}
}

func TestExceptionsOfMutants(t *testing.T) {
	with := func(list string) map[string]string {
		all := maps.Clone(everyPart)
		all["exceptions.yaml"] = "exceptions:\n" + list
		return all
	}
	for _, c := range []struct{ name, list, want string }{
		{"the place", `  - {check: surviving-mutant, rule: x-y, at: 'split/a pair/a: k.symbol == "one"', because: twice}`, ""},
		{"all of the step", `  - {check: surviving-mutant, rule: x-y, at: split/a pair/a, because: twice}`, ""},
		{"all of the rule", `  - {check: surviving-mutant, rule: x-y, because: twice}`, ""},
		{"another place", `  - {check: surviving-mutant, rule: x-y, at: split/a pair/b, because: twice}`, "surviving-mutant unused-exception"},
		{"one too many", "  - {check: surviving-mutant, rule: x-y, because: a}\n  - {check: surviving-mutant, rule: x-y, at: requires/1, because: b}", "unused-exception"},
		{"another check is not judged here", "  - {check: too-long, rule: x-y, because: a}\n  - {check: surviving-mutant, rule: x-y, because: b}", ""},
	} {
		res := run(t, with(c.list), Options{Mutations: true})
		var got []string
		for _, d := range res.List {
			got = append(got, d.Code)
		}
		codes := strings.Join(sorted(got), " ")
		if codes != c.want {
			t.Errorf("%s: got %q, want %q\n%v", c.name, codes, c.want, res.List)
		}
	}
	res := run(t, with("  - {check: surviving-mutant, rule: x-y, at: requires/1, because: b}"), Options{})
	if len(res.List) > 0 {
		t.Errorf("without mutants an exception is judged: %v", res.List)
	}
}
