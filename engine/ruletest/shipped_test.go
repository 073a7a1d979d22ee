package ruletest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/internal/realtrace"
)

// shipped loads the rules of the repository with their tests.
func shipped(t *testing.T) *Suite {
	t.Helper()
	dir := filepath.Join(realtrace.Root(t), "rules")
	set, wrong := rule.Load(os.DirFS(dir), rule.LoadOptions{Prefix: "rules"})
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	src, err := os.ReadFile(filepath.Join(dir, "sites.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sites, wrong := rule.DecodeSites("sites.yaml", src)
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	var p graph.Policy
	for _, x := range sites.Packages {
		p.Packages = append(p.Packages, graph.Package{Name: x.Package, Prefix: x.Prefix, Framework: x.Framework})
	}
	for _, x := range sites.Wrappers {
		p.Wrappers = append(p.Wrappers, graph.Wrapper{Path: x.Path, Func: x.Function})
	}
	p.Foreign = sites.Foreign
	s, list := Load(os.DirFS(dir), "rules", set, p)
	if len(list) > 0 {
		t.Fatal(list)
	}
	return s
}

// Every rule of the repository has tests, they pass, every condition is needed by one, and
// none fires where nothing is wrong.
func TestShippedRules(t *testing.T) {
	s := shipped(t)
	res, err := s.Run(context.Background(), Options{Mutations: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.Tests < 900 || res.Mutants < 900 {
		t.Errorf("only %d tests and %d mutants: something is not read", res.Tests, res.Mutants)
	}
	if len(res.List) > 0 {
		t.Errorf("%d tests failed, %d mutants survived:\n%v", res.Failed, res.Survived, res.List)
	}
	fired := map[string]bool{}
	for _, f := range s.Files {
		for _, x := range f.Tests {
			for _, e := range x.Expect {
				fired[e.Rule] = true
			}
		}
	}
	for _, r := range s.Rules {
		if !fired[r.ID] && (len(r.Fused) > 0 || len(r.Split) > 0) {
			t.Errorf("%s never fires in a test", r.ID)
		}
	}
	clean, err := filepath.Glob(filepath.Join(realtrace.Root(t), "testdata", "golden", "traces", "clean", "*.json.gz"))
	if err != nil || len(clean) == 0 {
		t.Fatal("no clean traces", err)
	}
	list, err := Clean(context.Background(), s.Set, s.Sites, clean)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) > 0 {
		t.Error(list)
	}
}

const catalogRule = `id: x-y
kind: fuse
title: T
origin: torch
status: mainline
domain: llm
sources: ["torch@0000000:a.py::b"]
fused: [k.symbol == "fused"]
split:
  - name: pair
    chain:
      - {as: a, match: 'k.symbol == "one" && k.activity == "kernel"'}
      - {as: b, match: k.symbol == "two", skip: k.symbol == "between"}
      - {as: c, match: k.symbol == "three", optional: true}
      - {as: d, match: k.symbol == "four"}
    residue: {per_step: 1, because: the last one}
path: p
conclude: c
`

// suiteOf makes a suite of one rule and one file of tests.
func suiteOf(t *testing.T, ruleText, tests string) (*Suite, diag.List) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "fuse"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"x-y.yaml": ruleText, "x-y_test.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, "fuse", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, wrong := rule.Load(os.DirFS(dir), rule.LoadOptions{Prefix: "r"})
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	return Load(os.DirFS(dir), "r", set, graph.Policy{})
}

func TestMutantsSurviveWhatNoTestAsksFor(t *testing.T) {
	s, list := suiteOf(t, catalogRule, `rule: x-y
tests:
  - name: all of it
    trace: [{kernel: one}, {kernel: two}, {kernel: four}, {kernel: one}, {kernel: two}, {kernel: four}]
    expect:
      - {verdict: should-apply, chains: 1, by_design: 1, bind: {a: one, b: two, c: [], d: four}}
  - name: nothing
    trace: [{kernel: one}]
    expect: none
`)
	if len(list) > 0 {
		t.Fatal(list)
	}
	res, err := s.Run(context.Background(), Options{Mutations: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.Failed != 0 {
		t.Fatal(res.List)
	}
	var got []string
	for _, d := range res.List {
		got = append(got, d.Msg[len("no test of x-y notices that "):])
	}
	for _, part := range []string{
		`step a no longer asks for k.activity == "kernel" (split/pair/a: k.activity == "kernel")`,
		"nothing may be skipped before step b (split/pair/b/skip)",
		`step c no longer asks for k.symbol == "three" (split/pair/c: k.symbol == "three")`,
	} {
		found := false
		for _, g := range got {
			found = found || g == part
		}
		if !found {
			t.Errorf("not reported: %s\ngot %q", part, got)
		}
	}
	for _, g := range got {
		if g == "the residue is gone (split/pair/residue)" || g == "step c is required (split/pair/c/optional)" {
			t.Errorf("a test does notice that %s", g)
		}
	}
}

func TestFailuresSayWhat(t *testing.T) {
	for _, c := range []struct{ name, expect, want string }{
		{"verdict", "[{verdict: applied}]", "the verdict is should-apply, expected applied"},
		{"chains", "[{verdict: should-apply, chains: 5}]", "1 split chains, expected 5"},
		{"bind", "[{verdict: should-apply, bind: {a: two}}]", "step a binds [one], expected [two]"},
		{"none", "none", "x-y is found in stage all with verdict should-apply, and nothing is expected there"},
		{"by design", "[{verdict: should-apply, by_design: 3}]", "1 chains are set aside by design, expected 3"},
		{"stage", "[{verdict: should-apply, stage: decode}]", "no finding of x-y in stage decode; found: x-y should-apply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, list := suiteOf(t, catalogRule, `rule: x-y
tests:
  - name: t
    trace: [{kernel: one}, {kernel: two}, {kernel: four}, {kernel: one}, {kernel: two}, {kernel: four}]
    expect: `+c.expect+`
  - name: match
    trace: [{kernel: fused}]
    expect: [{verdict: applied}]
  - name: near
    trace: [{kernel: one}]
    expect: none
`)
			if len(list) > 0 {
				t.Fatal(list)
			}
			res, err := s.Run(context.Background(), Options{Mutations: true})
			if err != nil {
				t.Fatal(err)
			}
			if res.Failed != 1 || res.Mutants != 0 {
				t.Errorf("%d failed and %d mutants made, want 1 and none", res.Failed, res.Mutants)
			}
			found := false
			for _, p := range res.Outcomes[0].Problems {
				found = found || p == c.want
			}
			if !found {
				t.Errorf("got %q, want %q", res.Outcomes[0].Problems, c.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, code string }{
		{"unknown key", "rule: x-y\ntests:\n  - {name: a, trace: [{kernel: k}], expect: none, expct: 1}\n", "unknown-key"},
		{"no tests", "rule: x-y\n", "missing-key"},
		{"another rule's name", "rule: x-z\ntests:\n  - {name: a, trace: [{kernel: k}], expect: none}\n", "id-file"},
		{"only near misses", "rule: x-y\ntests:\n  - {name: a, trace: [{kernel: k}], expect: none}\n", "no-match"},
		{"no near miss", "rule: x-y\ntests:\n  - {name: a, trace: [{kernel: k}], expect: [{verdict: applied}]}\n", "no-near-miss"},
		{"a bad trace", "rule: x-y\ntests:\n  - {name: a, trace: [{kernl: k}], expect: none}\n", ""},
		{"too long a trace", "rule: x-y\ntests:\n  - {name: a, trace: [{repeat: 1000000, of: [{kernel: k}]}], expect: none}\n", "too-large"},
		{"a verdict there is not", "rule: x-y\ntests:\n  - {name: a, trace: [{kernel: k}], expect: [{verdict: good}]}\n", "bad-value"},
		{"two documents", "rule: x-y\n---\nrule: x-y\n", "yaml-documents"},
		{"nothing", "", "empty"},
		{"no YAML", "rule: [", "yaml-syntax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, list := Decode("x-y_test.yaml", []byte(c.text))
			if list.Errors() == 0 {
				t.Fatal("accepted")
			}
			for _, d := range list {
				if c.code == "" || d.Code == c.code {
					return
				}
			}
			t.Errorf("got %v, want %s", list, c.code)
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("rule: x-y\ntests:\n  - {name: a, trace: [{kernel: k}], expect: [{verdict: applied, bind: {k: k}}]}\n")
	f.Add("rule: x\ndefine: &a [1]\ntests: *a\n")
	f.Fuzz(func(t *testing.T, src string) {
		file, list := Decode("x-y_test.yaml", []byte(src))
		if list.Errors() == 0 && (file == nil || len(file.Tests) == 0) {
			t.Error("accepted, and nothing is there")
		}
	})
}
