package ruletest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

func TestLoad(t *testing.T) {
	good := "rule: x-y\ntests:\n  - {name: hit, trace: [{kernel: one}], expect: [EXPECT]}\n  - {name: miss, trace: [{kernel: two}], expect: none}\n"
	one := made("x-y", "fused: [k.symbol == \"one\"]\nunseen: u\n")
	test := func(expect string) string { return strings.Replace(good, "EXPECT", expect, 1) }
	for _, c := range []struct {
		name string
		all  map[string]string
		want string
	}{
		{"all is well", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": test("{verdict: applied}")}, ""},
		{"no tests", map[string]string{"fuse/x-y.yaml": one}, "r/fuse/x-y.yaml:1:5: the rule has no tests [no-tests]; write r/fuse/x-y_test.yaml"},
		{"no such rule", map[string]string{"fuse/x-z.yaml": made("x-z", "fused: [k.symbol == \"one\"]\nunseen: u\n"), "fuse/x-z_test.yaml": strings.ReplaceAll(test("{verdict: applied}"), "x-y", "x-z"),
			"fuse/x-y_test.yaml": test("{verdict: applied}")}, `r/fuse/x-y_test.yaml:1:7: there is no rule "x-y" [unknown-rule]; did you mean x-z?`},
		{"another rule that is not there", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": test("{verdict: applied}, {rule: x-x, verdict: applied}")},
			`r/fuse/x-y_test.yaml:3:70: there is no rule "x-x" [unknown-rule]; did you mean x-y?`},
		{"under one that is not there", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": test("{verdict: applied}, {under: made-up}")},
			`r/fuse/x-y_test.yaml:3:70: there is no rule "made-up" [unknown-rule]`},
		{"a step that is not there", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": test("{verdict: applied, bind: {kk: one}}")},
			"r/fuse/x-y_test.yaml:3:76: no fused chain of x-y has a step kk [unknown-step]; did you mean k?"},
		{"a side that is not there", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": test("{verdict: should-apply}")},
			"r/fuse/x-y_test.yaml:3:50: x-y has no split side [no-side]"},
		{"in the other folder", map[string]string{"fuse/x-y.yaml": one, "overlap/x-y_test.yaml": test("{verdict: applied}")},
			"r/overlap/x-y_test.yaml:1:7: the rule is of kind fuse and its tests stand in overlap/ [kind-folder]; move the file to fuse/"},
		{"in no folder", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": test("{verdict: applied}"), "x-y_test.yaml": test("{verdict: applied}"), "family/x-y_test.yaml": ""},
			"r/family/x-y_test.yaml: the file would be ignored [file-name]; tests stand beside their rule, in fuse/ or overlap/\n" +
				"r/x-y_test.yaml: the file would be ignored [file-name]; tests stand beside their rule, in fuse/ or overlap/"},
		{"wrong", map[string]string{"fuse/x-y.yaml": one, "fuse/x-y_test.yaml": "rule: x-y\n"}, "r/fuse/x-y_test.yaml:1:1: a file of tests needs the key tests [missing-key]"},
	} {
		s, list := files(t, c.all)
		var got []string
		for _, d := range list {
			got = append(got, d.Error())
		}
		if g := strings.Join(got, "\n"); g != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, g, c.want)
		}
		for name := range c.all {
			if d := filepath.Dir(name); strings.HasSuffix(name, "_test.yaml") && (d == "fuse" || d == "overlap") && s.Source["r/"+name] == nil {
				t.Errorf("%s: the text of %s is not kept", c.name, name)
			}
		}
	}
}

// TestLoadOverlay: a folder over a catalog answers for its own rules and not for those below.
func TestLoadOverlay(t *testing.T) {
	s, list := files(t, map[string]string{"fuse/x-y.yaml": made("x-y", "fused: [k.symbol == \"one\"]\nunseen: u\n"), "fuse/x-y_test.yaml": "rule: x-y\ntests:\n" +
		"  - {name: hit, trace: [{kernel: one}], expect: [{verdict: applied}]}\n  - {name: miss, trace: [{kernel: two}], expect: none}\n"})
	if len(list) > 0 {
		t.Fatal(list)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "fuse"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fuse", "x-z.yaml"), []byte(made("x-z", "fused: [k.symbol == \"two\"]\nunseen: u\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	extra, wrong := rule.Load(os.DirFS(dir), rule.LoadOptions{Prefix: "mine", Overlay: true})
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	whole, wrong := rule.Overlay(s.Set, extra)
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	o, list := Load(os.DirFS(dir), "mine", whole, s.Sites)
	if len(o.Rules) != 1 || o.Rules[0].ID != "x-z" || len(list) != 1 || list[0].Code != NoTests || list[0].File != "mine/fuse/x-z.yaml" {
		t.Errorf("got %v and %v", o.Rules, list)
	}
}

func TestClean(t *testing.T) {
	s, _ := files(t, map[string]string{"fuse/x-y.yaml": made("x-y", `fused: [k.symbol == "fused"]
split:
  - k.symbol == "one"
  - {match: k.symbol == "always", by_design: it is so}
`)})
	trace := func(kernels ...string) string {
		t.Helper()
		spec := &tracebuild.Spec{}
		for _, k := range kernels {
			spec.Items = append(spec.Items, tracebuild.Item{Kind: tracebuild.Kernel, Name: k, Stream: tracebuild.DefaultStream})
		}
		path := filepath.Join(t.TempDir(), "a.trace.json")
		if err := tracebuild.WriteFile(path, spec, tracebuild.Options{}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		kernels []string
		want    string
	}{
		{[]string{"fused", "other"}, ""}, {[]string{"always"}, ""}, {[]string{"other"}, ""},
		{[]string{"one"}, match.ShouldApply}, {[]string{"one", "fused"}, match.Partial},
	} {
		list, err := Clean(context.Background(), s.Set, s.Sites, []string{trace(c.kernels...)})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case c.want == "" && len(list) > 0:
			t.Errorf("%v: %v", c.kernels, list)
		case c.want != "" && (len(list) != 1 || list[0].Code != "fires-on-clean" || !strings.HasPrefix(list[0].Msg, "says "+c.want+" on ") || list[0].File != "r/fuse/x-y.yaml"):
			t.Errorf("%v: %v, want %s", c.kernels, list, c.want)
		}
	}
	if _, err := Clean(context.Background(), s.Set, s.Sites, []string{filepath.Join(t.TempDir(), "none.json")}); err == nil {
		t.Error("a trace that is not there was read")
	}
}
