package rule

import (
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func sample(t testing.TB, opts LoadOptions) *Set {
	t.Helper()
	s, list := Load(os.DirFS("testdata/rules"), opts)
	if len(list) > 0 {
		t.Fatal(list)
	}
	return s
}

func ids(rules []*Rule) (out []string) {
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return out
}

func TestLoad(t *testing.T) {
	s := sample(t, LoadOptions{Prefix: "rules"})
	want := []string{"sglang-qk-norm-rope", "sglang-shared-expert-stream", "vllm-rms-quant"}
	if got := ids(s.Rules()); !reflect.DeepEqual(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
	var families []string
	for _, f := range s.Families() {
		families = append(families, f.Name)
	}
	if got := strings.Join(families, " "); got != "norm copy generated" {
		t.Errorf("families %q, want by priority and then by name", got)
	}
	if s.Source()["rules/aliases.yaml"] == nil || s.Source()["rules/fuse/vllm-rms-quant_test.yaml"] != nil {
		t.Error("the sources are not exactly the files that were read")
	}
	if at := s.Rule("vllm-rms-quant").At("status").String(); at != "rules/fuse/vllm-rms-quant.yaml:5:9" {
		t.Errorf("status at %s", at)
	}
	c, list := s.Compiled("sglang-qk-norm-rope")
	if c == nil {
		t.Fatal(list)
	}
	if want := []string{"attention_backend", "enable_deterministic_inference"}; !reflect.DeepEqual(c.Args, want) || !c.NeedsArgs() {
		t.Errorf("args %v, want %v", c.Args, want)
	}
	if again, _ := s.Compiled("sglang-qk-norm-rope"); again != c {
		t.Error("compiled twice")
	}
	if _, list := s.Compiled("vllm-rms-quan"); len(list) != 1 || list[0].Hint != "did you mean vllm-rms-quant?" {
		t.Errorf("an unknown id gives %v", list)
	}
}

func TestResolve(t *testing.T) {
	s := sample(t, LoadOptions{})
	for _, c := range []struct{ id, rule, retired string }{
		{"vllm-rms-quant", "vllm-rms-quant", ""},
		{"sglang-old-rope", "sglang-qk-norm-rope", "sglang-old-rope"},
		{"sglang-gone", "", "sglang-gone"},
		{"never", "", ""},
	} {
		r, g := s.Resolve(c.id)
		var rule, retired string
		if r != nil {
			rule = r.ID
		}
		if g != nil {
			retired = g.ID
		}
		if rule != c.rule || retired != c.retired {
			t.Errorf("%s is %q and retired %q, want %q and %q", c.id, rule, retired, c.rule, c.retired)
		}
	}
}

const minimal = `id: ID
kind: fuse
title: t
origin: sglang
status: mainline
domain: llm
sources: ["sglang@305ac74e:a.py"]
fused: ['EXPR']
path: p
conclude: c
unseen: u
`

func ruleFile(id, expr string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.NewReplacer("ID", id, "EXPR", expr).Replace(minimal))}
}

func familyFile(name, expr string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("family: " + name + "\ntitle: t\nmatch: ['" + expr + "']\n")}
}

// TestLoadErrors: everything that would be ignored is said, with the other file where there is one.
func TestLoadErrors(t *testing.T) {
	ok := ruleFile("a", `k.symbol == "a"`)
	for _, c := range []struct {
		name string
		fs   fstest.MapFS
		opts LoadOptions
		want string
	}{
		{"nothing", fstest.MapFS{}, LoadOptions{Prefix: "rules"}, "rules: no rule was found: expected fuse/<id>.yaml or overlap/<id>.yaml [no-rules]"},
		{"families only", fstest.MapFS{"family/x.yaml": familyFile("x", `k.symbol == "x"`)}, LoadOptions{}, ".: no rule was found: expected fuse/<id>.yaml or overlap/<id>.yaml [no-rules]"},
		{"families only, laid over", fstest.MapFS{"family/x.yaml": familyFile("x", `k.symbol == "x"`)}, LoadOptions{Overlay: true}, ""},
		{"nothing, laid over", fstest.MapFS{}, LoadOptions{Overlay: true}, ".: nothing was found: expected fuse/<id>.yaml, overlap/<id>.yaml, family/<family>.yaml or aliases.yaml [no-rules]"},
		{"wrong name", fstest.MapFS{"fuse/b.yaml": ok}, LoadOptions{}, "fuse/b.yaml:1:5: the id is a and the file is b.yaml [id-file]; name the file a.yaml; an id never changes"},
		{"wrong folder", fstest.MapFS{"overlap/a.yaml": ok}, LoadOptions{}, `overlap/a.yaml:2:7: the kind is fuse and the folder is "overlap" [kind-folder]; move the file to fuse/`},
		{"twice", fstest.MapFS{"fuse/a.yaml": ok, "fuse/b.yaml": ok}, LoadOptions{},
			"fuse/b.yaml:1:5: the id a is taken by fuse/a.yaml:1:5 [duplicate-id]\n" +
				"fuse/b.yaml:1:5: the id is a and the file is b.yaml [id-file]; name the file a.yaml; an id never changes"},
		{"family twice", fstest.MapFS{"fuse/a.yaml": ok, "family/x.yaml": familyFile("x", `k.ns == "x"`), "family/y.yaml": familyFile("x", `k.ns == "y"`)}, LoadOptions{},
			"family/y.yaml:1:9: the family x is taken by family/x.yaml:1:9 [duplicate-id]\n" +
				"family/y.yaml:1:9: the family is x and the file is y.yaml [id-file]; name the file x.yaml"},
		{"other folder", fstest.MapFS{"fuse/a.yaml": ok, "fusion/b.yaml": ok}, LoadOptions{}, "fusion: the folder would be ignored [file-name]; rules stand in fuse/ and overlap/, families in family/"},
		{"other file", fstest.MapFS{"fuse/a.yaml": ok, "alias.yaml": ok}, LoadOptions{}, "alias.yaml: the file would be ignored [file-name]; rules stand in fuse/ and overlap/, families in family/"},
		{"yml", fstest.MapFS{"fuse/a.yaml": ok, "fuse/b.yml": ok}, LoadOptions{}, "fuse/b.yml: the file would be ignored [file-name]; name it .yaml"},
		{"hidden and foreign", fstest.MapFS{"fuse/a.yaml": ok, ".git/x.yaml": ok, "fuse/.b.yaml.swp": ok, "embed.go": ok, "schema/x.yaml": ok}, LoadOptions{}, ""},
		{"sites", fstest.MapFS{"fuse/a.yaml": ok, "sites.yaml": {Data: []byte("foreign: [a, a]\npackages: [{package: p}]\nwrapers: []\n")}}, LoadOptions{},
			"sites.yaml:1:14: the foreign place a stands in line 1 already [duplicate-site]\n" +
				"sites.yaml:2:12: a package needs the key prefix [missing-key]\n" +
				"sites.yaml:3:1: no key wrapers in the sites [unknown-key]; did you mean wrappers?"},
		{"sites, laid over", fstest.MapFS{"fuse/a.yaml": ok, "sites.yaml": {Data: []byte("foreign: [a]\n")}}, LoadOptions{Overlay: true},
			"sites.yaml: the file would be ignored [file-name]; which frames are shown cannot be laid over"},
		{"bad expression", fstest.MapFS{"fuse/a.yaml": ruleFile("a", "k.symbol == 1")}, LoadOptions{}, "fuse/a.yaml:8:19: found no matching overload for '==' applied to '(string, int)' [cel-type]"},
		{"bad expression, lazily", fstest.MapFS{"fuse/a.yaml": ruleFile("a", "k.symbol == 1")}, LoadOptions{Lazy: true}, ""},
		{"bad family", fstest.MapFS{"fuse/a.yaml": ok, "family/x.yaml": familyFile("x", `k.op == "a"`)}, LoadOptions{}, "family/x.yaml:3:12: undefined field 'op' [cel-type]; did you mean ops?"},
		{"no such family", fstest.MapFS{"fuse/a.yaml": ruleFile("a", `k.family == "nrm"`), "family/norm.yaml": familyFile("norm", `k.ns == "n"`)}, LoadOptions{},
			`fuse/a.yaml:8:22: there is no family "nrm" [unknown-family]; did you mean norm?`},
		{"retired id", fstest.MapFS{"fuse/a.yaml": ok, "retired.yaml": {Data: []byte("retired: [{id: a, since: x, because: y}]")}}, LoadOptions{},
			"fuse/a.yaml:1:5: the id a was retired (retired.yaml:1:11) and is never used again [retired-id]"},
		{"replaced by nothing", fstest.MapFS{"fuse/a.yaml": ok, "retired.yaml": {Data: []byte("retired: [{id: b, since: x, because: y, replaced_by: c}]")}}, LoadOptions{},
			"retired.yaml:1:11: b is replaced by c, and there is no such rule [unknown-rule]"},
	} {
		_, list := Load(c.fs, c.opts)
		if got := list.Error(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestOverlay(t *testing.T) {
	load := func(fs fstest.MapFS) *Set {
		t.Helper()
		s, list := Load(fs, LoadOptions{Overlay: true})
		if len(list) > 0 {
			t.Fatal(list)
		}
		return s
	}
	base := load(fstest.MapFS{
		"fuse/a.yaml": ruleFile("a", `k.symbol == "a"`), "fuse/b.yaml": ruleFile("b", `k.symbol == "b"`),
		"family/norm.yaml": familyFile("norm", `k.symbol == "n"`),
		"aliases.yaml":     {Data: []byte("symbols: [{now: a, was: [a0, a1]}]")},
		"retired.yaml":     {Data: []byte("retired: [{id: z, since: x, because: y}]")},
	})
	extra := load(fstest.MapFS{
		"fuse/b.yaml": ruleFile("b", `k.symbol == "b2"`), "fuse/c.yaml": ruleFile("c", `k.family == "norm"`),
		"aliases.yaml": {Data: []byte("symbols: [{now: b2, was: [a1]}]")},
		"retired.yaml": {Data: []byte("retired: [{id: a, since: x, because: y, replaced_by: c}]")},
	})
	s, list := Overlay(base, extra)
	if len(list) > 0 {
		t.Fatal(list)
	}
	if got := strings.Join(ids(s.Rules()), " "); got != "b c" {
		t.Errorf("rules %q: a is retired, b replaced, c added", got)
	}
	if got := s.Rule("b").Fused[0].Steps[0].MatchExpr.Text; got != `k.symbol == "b2"` {
		t.Errorf("b is %s", got)
	}
	if got := base.Rule("b").Fused[0].Steps[0].MatchExpr.Text; got != `k.symbol == "b"` {
		t.Errorf("b of the base became %s", got)
	}
	if a0, a1 := s.Aliases().Symbol("a0"), s.Aliases().Symbol("a1"); a0 != "a" || a1 != "b2" {
		t.Errorf("a0 is %s and a1 is %s", a0, a1)
	}
	if r, g := s.Resolve("a"); r == nil || r.ID != "c" || g == nil {
		t.Error("a is not resolved to c")
	}
	if _, g := s.Resolve("z"); g == nil {
		t.Error("z is forgotten")
	}
	wrong := load(fstest.MapFS{"fuse/d.yaml": ruleFile("d", `k.family == "norn"`), "fuse/z.yaml": ruleFile("z", `k.symbol == "z"`)})
	_, list = Overlay(base, wrong)
	want := `fuse/d.yaml:8:22: there is no family "norn" [unknown-family]; did you mean norm?` + "\n" +
		"fuse/z.yaml:1:5: the id z was retired (retired.yaml:1:11) and is never used again [retired-id]"
	if got := list.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestCandidates: only the rules that the atoms allow are compiled, so that a wrong rule which
// the trace does not need costs nothing, and one that it needs is an error.
func TestCandidates(t *testing.T) {
	fs := fstest.MapFS{
		"fuse/a.yaml": ruleFile("a", `k.symbol == "a"`), "fuse/b.yaml": ruleFile("b", `k.symbol == "b" && k.nothing`),
		"fuse/c.yaml": ruleFile("c", `k.words.exists(w, w == "c")`), "fuse/d.yaml": ruleFile("d", `k.symbol == "a" && k.op == "x"`),
	}
	s, list := Load(fs, LoadOptions{Lazy: true})
	if len(list) > 0 {
		t.Fatal(list)
	}
	inv := Inventory{}
	inv.Add(&Class{Symbol: "a"})
	got, list := s.Candidates(inv)
	if len(got) != 2 || got[0].ID != "a" || got[1].ID != "c" || len(list) > 0 {
		t.Errorf("candidates %v, %v", got, list)
	}
	for id, compiled := range map[string]bool{"a": true, "b": false, "c": true, "d": false} {
		if c := s.byID[id].compiled; (c != nil) != compiled {
			t.Errorf("%s compiled: %v", id, c != nil)
		}
	}
	inv.Add(&Class{Symbol: "b"})
	if _, list = s.Candidates(inv); list.Error() != "fuse/b.yaml:8:31: undefined field 'nothing' [cel-type]" {
		t.Error(list)
	}
}

func TestFamilyOf(t *testing.T) {
	s := sample(t, LoadOptions{Lazy: true})
	for _, c := range []struct {
		class Class
		want  string
	}{
		{Class{Symbol: "rms_norm_kernel"}, "norm"},
		{Class{Symbol: "triton_red_fused", Generator: "inductor", Ops: []string{"add", "mean", "rsqrt"}}, "norm"},
		{Class{Symbol: "triton_red_fused", Generator: "inductor", Ops: []string{"add", "mean"}}, "generated"},
		{Class{Symbol: "elementwise_kernel", Functor: "direct_copy_kernel_cuda"}, "copy"},
		{Class{Symbol: "Memcpy", Activity: "memcpy"}, "copy"},
		{Class{Args: []string{"inductor"}}, "generated"},
		{Class{Symbol: "rms_norm_kernel_2"}, ""},
	} {
		if err := s.Prepare(&c.class); err != nil || c.class.Family != c.want {
			t.Errorf("%+v has the family %q, %v, want %q", c.class, c.class.Family, err, c.want)
		}
	}
	given := Class{Symbol: "rms_norm_kernel", Family: "mine"}
	if s.Prepare(&given); given.Family != "mine" {
		t.Error("a family that is set is not kept")
	}
}

// TestSetIsSafe: two goroutines that need the same rules at once.
func TestSetIsSafe(t *testing.T) {
	s := sample(t, LoadOptions{Lazy: true})
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := Class{Symbol: "fused_qk_norm_rope_kernel"}
			if err := s.Prepare(&c); err != nil {
				t.Error(err)
			}
			inv := Inventory{}
			inv.Add(&c)
			got, _ := s.Candidates(inv)
			if len(got) != 1 {
				t.Errorf("%d candidates", len(got))
				return
			}
			if ok, err := got[0].Fused[0].Steps[0].Match(&c); !ok || err != nil {
				t.Error(ok, err)
			}
		}()
	}
	wg.Wait()
}
