package rule

import (
	"errors"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
)

// norm is a class like those of a real trace.
func norm() *Class {
	return &Class{
		Symbol: "rms_norm_kernel", NS: "vllm", Qualified: "vllm::rms_norm_kernel", Args: []string{"c10::BFloat16", "8"},
		Params: "c10::BFloat16*, float", Generator: "aten", Functor: "RMSNorm", Kind: "red", DType: "bf16", OutDType: "f8e4m3",
		Layout: "tn", Tile: "128x64", Epilogue: "bias", Module: "norms", Ops: []string{"add", "rsqrt"},
		Words: []string{"rms", "norm", "kernel"}, SplitK: true, Family: "norm", Activity: "kernel",
		Op: "vllm::rms_norm", EnclosedBy: []string{"aten::copy_", "forward"}, Attribution: "launch",
		Frames:  []Frame{{"python/sglang/srt/models/utils.py", "apply_qk_norm"}, {"python/sglang/srt/layers/layernorm.py", "forward_hip"}},
		Modules: []string{"Qwen3Attention", "RMSNorm"},
	}
}

func TestMatch(t *testing.T) {
	env := testEnv(t, nil)
	for text, want := range map[string]bool{
		`k.symbol == "rms_norm_kernel" && k.ns == "vllm" && k.qualified == "vllm::rms_norm_kernel"`: true,
		`k.symbol == "rms_norm"`:                  false,
		`k.symbol != "rms_norm"`:                  true,
		`k.args[0] == "c10::BFloat16"`:            true,
		`size(k.args) == 2 && k.args.size() == 2`: true,
		`k.params.startsWith("c10::")`:            true,
		`k.generator == "aten" && k.functor in ["x", "RMSNorm"] && k.kind == "red"`:              true,
		`k.dtype == "bf16" && k.out_dtype == "f8e4m3" && k.layout == "tn" && k.tile == "128x64"`: true,
		`k.epilogue == "bias" && k.module == "norms" && k.split_k && k.activity == "kernel"`:     true,
		`"rsqrt" in k.ops && !("mul" in k.ops)`:                                                  true,
		`k.words.exists(w, w == "norm")`:                                                         true,
		`k.words.all(w, w != "norm")`:                                                            false,
		`k.ops.all(o, o in ["add", "rsqrt", "mean"])`:                                            true,
		`k.family == "norm" && k.op == "vllm::rms_norm" && k.attribution == "launch"`:            true,
		`k.in_op("vllm::rms_norm") && k.in_op("forward")`:                                        true,
		`k.in_op("back")`: false,
		`k.at("python/sglang/srt/models/utils.py", "apply_qk_norm")`:   true,
		`k.at("python/sglang/srt/models/utils.py", "forward_hip")`:     false,
		`k.at("python/sglang/srt/models/utils.py", "")`:                true,
		`k.at("srt/models/utils.py", "")`:                              false,
		`k.in_module("RMSNorm") && !k.in_module("LayerNorm")`:          true,
		`k.symbol.matches("^rms_[a-z]+_kernel$")`:                      true,
		`k.symbol.matches("^rms$") || k.symbol.endsWith("_kernel")`:    true,
		`k.split_k ? k.symbol == "rms_norm_kernel" : k.symbol == "x"`:  true,
		`k.symbol == 'rms_norm_kernel' // said twice`:                  true,
		"k.symbol == r\"rms_norm_kernel\" && k.ns == \"\"\"vllm\"\"\"": true,
		`k.symbol in []`: false,
		`k.symbol in ["rms_norm_kernel"] == true`: true,
		`k.op == ""`:  false,
		`"" in k.ops`: false,
		`k == k`:      true,
	} {
		p, errs := compileText(env, env.kernel, text)
		if p == nil {
			t.Errorf("%s: %s", text, errs)
			continue
		}
		s := &Step{is: p, pre: newPrefilter(p.form, env.aliases)}
		if got, err := s.Match(norm()); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
		if got, err := p.class(norm(), kernelType); got != want || err != nil {
			t.Errorf("%s without its prefilter: %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestMatchFails(t *testing.T) {
	env := testEnv(t, nil)
	p, _ := compileText(env, env.kernel, `k.args[7] == "x"`)
	s := &Step{is: p, pre: newPrefilter(p.form, env.aliases)}
	ok, err := s.Match(norm())
	var d diag.Diagnostic
	if ok || !errors.As(err, &d) || d.Code != "cel-eval" || d.Pos.String() != "f:1:1" || !strings.Contains(d.Msg, "index out of bounds: 7") {
		t.Errorf("an index behind the end gives %v, %v", ok, err)
	}
	if _, err := (&Step{}).Match(norm()); err != errNotCompiled {
		t.Errorf("a step that is not compiled gives %v", err)
	}
	if _, err := (&Step{SkipExpr: &Expr{}}).Skip(norm()); err != errNotCompiled {
		t.Errorf("a skip that is not compiled gives %v", err)
	}
	if ok, err := (&Step{}).Skip(norm()); ok || err != nil {
		t.Errorf("no skip gives %v, %v", ok, err)
	}
}

// TestLongLists: an expression sees a bounded part of a list.
func TestLongLists(t *testing.T) {
	env := testEnv(t, nil)
	c := norm()
	c.Args = make([]string, maxList+50)
	c.Args[maxList] = "late"
	for text, want := range map[string]bool{`size(k.args) == 256`: true, `"late" in k.args`: false} {
		p, _ := compileText(env, env.kernel, text)
		if got, err := p.class(c, kernelType); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if c.Has(Atom{Field: "args", Value: "late"}) {
		t.Error("the atoms see more than the expressions")
	}
}

func compileRule(t *testing.T, id string) *Compiled {
	t.Helper()
	c, list := sample(t, LoadOptions{}).Compiled(id)
	if c == nil {
		t.Fatal(list)
	}
	return c
}

func TestChain(t *testing.T) {
	c := compileRule(t, "sglang-qk-norm-rope")
	a := c.Split[0]
	n := norm()
	rope := &Class{Symbol: "rotary_embedding_kernel"}
	copied := &Class{Family: "copy"}
	for i, want := range []bool{false, true, true, false} {
		if got, err := a.Steps[i].Match(n); got != want || err != nil {
			t.Errorf("step %s on a norm: %v, %v", a.Steps[i].As, got, err)
		}
	}
	if ok, _ := a.Steps[3].Match(rope); !ok {
		t.Error("the rope is not one")
	}
	if ok, _ := a.Steps[3].Skip(copied); !ok {
		t.Error("a copy is not skipped")
	}
	if ok, _ := a.Steps[3].Skip(n); ok {
		t.Error("a norm is skipped")
	}
	// gap_us(q, r) < 50 && us(r) > 0.5, with qc unbound
	bound := func(gap, busy int64) []Bound {
		return []Bound{{}, {n, 1000, 5000, 4000}, {n, 5000, 9000, 4000}, {rope, 5000 + gap, 5000 + gap + busy, busy}}
	}
	for _, w := range []struct {
		gap, busy int64
		want      bool
	}{{4000, 600, true}, {49_999, 600, true}, {50_000, 600, false}, {-100, 501, true}, {4000, 500, false}} {
		if got, err := a.Where(bound(w.gap, w.busy)); got != w.want || err != nil {
			t.Errorf("gap %d and time %d: %v, %v", w.gap, w.busy, got, err)
		}
	}
	if ok, err := c.Split[1].Where(nil); !ok || err != nil {
		t.Error("no where is not true")
	}
	if _, err := a.Where(bound(1, 1)[:3]); err == nil {
		t.Error("three bound steps for a chain of four")
	}
	if _, err := c.Rule.Split[0].Where(bound(1, 1)); err != errNotCompiled {
		t.Errorf("the decoded alternative gives %v", err)
	}
}

// TestWhere: the fields and functions that where has, and what an unbound step is.
func TestWhere(t *testing.T) {
	env := testEnv(t, nil)
	for text, want := range map[string]bool{
		`a.symbol == "rms_norm_kernel" && b.symbol == ""`: true,
		`a.at("python/sglang/srt/models/utils.py", "")`:   true,
		`gap_us(a, b) == 0.0 && us(b) == 0.0`:             true,
		`us(a) == 1.5`:                                    true,
		`us(a) / 2.0 < 1.0 && us(a) * 2.0 - 1.0 > 1.0`:    true,
		`gap_us(a, a) == -2.0`:                            true,
		`a.args.exists(x, x == "8")`:                      true,
		`a.symbol == b.symbol`:                            false,
		`gap_us(a, a) < 0`:                                true,
	} {
		alt := &Alternative{Steps: []*Step{{As: "a"}, {As: "b"}}, WhereExpr: &Expr{Text: text}}
		e, err := env.steps(alt.Steps)
		if err != nil {
			t.Fatal(err)
		}
		c := &compiler{env: env}
		if alt.wh = c.predicate(alt.WhereExpr, e); alt.wh == nil {
			t.Errorf("%s: %v", text, c.list)
			continue
		}
		if got, err := alt.Where([]Bound{{norm(), 1000, 3000, 1500}, {}}); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// TestTri: what is decided without the arguments is decided, and the rest is unknown.
func TestTri(t *testing.T) {
	env := testEnv(t, nil)
	amd := &Run{Framework: "sglang", Vendor: "amd", SM: 0, TP: 2, Stage: "decode", Model: "Qwen3", GPU: "MI300X", World: 8}
	known := *amd
	known.ArgsKnown = true
	known.SetArg("--enable-x", "true")
	known.SetArg("backend", "fa3")
	for _, c := range []struct {
		text           string
		unknown, known Tri
	}{
		{`run.vendor == "amd"`, True, True},
		{`run.framework == "sglang" && run.tp == 2 && run.world == 8 && run.stage == "decode" && run.gpu == "MI300X" && run.model == "Qwen3"`, True, True},
		{`run.sm >= 90`, False, False},
		{`run.args_known`, False, True},
		{`run.flag("enable_x")`, Unknown, True},
		{`run.flag("enable-x")`, Unknown, True},
		{`!run.flag("enable_x")`, Unknown, False},
		{`run.flag("absent")`, Unknown, False},
		{`run.vendor == "nvidia" && run.flag("enable_x")`, False, False},
		{`run.flag("enable_x") && run.vendor == "nvidia"`, False, False},
		{`run.vendor == "amd" && run.flag("enable_x")`, Unknown, True},
		{`run.vendor == "amd" || run.flag("enable_x")`, True, True},
		{`run.flag("absent") || run.vendor == "amd"`, True, True},
		{`run.flag("absent") || run.vendor == "nvidia"`, Unknown, False},
		{`run.arg("backend", "x") == "fa3"`, Unknown, True},
		{`run.arg("backend", "x") in ["a", "fa3"]`, Unknown, True},
		{`run.arg("absent", "x") == "x"`, Unknown, True},
		{`run.flag("enable_x") ? run.vendor == "amd" : run.vendor == "amd"`, Unknown, True},
		{`run.vendor == "amd" ? run.tp == 2 : run.flag("enable_x")`, True, True},
		{`run.arg("backend", "x").startsWith("fa")`, Unknown, True},
		{`run.arg("backend", "x").matches("^fa[0-9]$")`, Unknown, True},
		{`int(run.arg("absent", "4")) + 1 > run.tp`, Unknown, True},
		{`size(run.arg("backend", "")) == 3`, Unknown, True},
		{`run.arg("backend", "x") != "fa3" && run.flag("enable_x")`, Unknown, False},
	} {
		p, errs := compileText(env, env.run, c.text)
		if p == nil {
			t.Errorf("%s: %s", c.text, errs)
			continue
		}
		cond := &Cond{p}
		if got, err := cond.Eval(amd); got != c.unknown || err != nil {
			t.Errorf("%s with unknown arguments is %s, %v, want %s", c.text, got, err, c.unknown)
		}
		if got, err := cond.Eval(&known); got != c.known || err != nil {
			t.Errorf("%s with known arguments is %s, %v, want %s", c.text, got, err, c.known)
		}
		if (len(cond.Args()) > 0) != (strings.Contains(c.text, "flag(") || strings.Contains(c.text, "arg(")) {
			t.Errorf("%s reads %v", c.text, cond.Args())
		}
	}
	p, _ := compileText(env, env.run, `int(run.arg("backend", "1")) > 2`)
	if got, err := (&Cond{p}).Eval(&known); got != Unknown || err == nil {
		t.Errorf("a number that is none gives %s, %v", got, err)
	}
	if got, err := (*Cond)(nil).Eval(amd); got != True || err != nil {
		t.Error("no condition is not true")
	}
}

func TestRequirements(t *testing.T) {
	c := compileRule(t, "sglang-qk-norm-rope")
	run := &Run{Vendor: "nvidia", SM: 100}
	hold := func(i int, want Tri) {
		t.Helper()
		if got, err := c.Requires[i].Holds(run); got != want || err != nil {
			t.Errorf("requirement %d is %s, %v, want %s", i, got, err, want)
		}
	}
	hold(0, True)
	hold(1, Unknown)
	run.ArgsKnown = true
	hold(1, True)
	run.SetArg("--enable-deterministic-inference", "True")
	hold(1, False)
	run.SM = 80
	hold(0, False)
	if got := c.Requires[1].Cond().Args(); len(got) != 1 || got[0] != "enable_deterministic_inference" {
		t.Errorf("reads %v", got)
	}
	if _, err := c.Rule.Requires[0].Holds(run); err != errNotCompiled {
		t.Errorf("the decoded requirement gives %v", err)
	}
	if got, _ := c.Applies.Eval(run); got != False {
		t.Errorf("applies to an unknown framework: %s", got)
	}
	if got, _ := c.Split[0].Counts(run); got != True { // attention_backend is fa3 by default
		t.Errorf("the first alternative counts: %s", got)
	}
	if got, _ := c.Split[1].Counts(run); got != True {
		t.Errorf("the second alternative counts: %s", got)
	}
}

func TestFlag(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "True": true, "1": true, "fa3": true, "2": true, "yes": true,
		"false": false, "False": false, "0": false, "": false, " ": false, "None": false, "null": false, "off": false, "no": false} {
		r := Run{}
		r.SetArg("--some-flag", value)
		if got := r.flag("some_flag"); got != want {
			t.Errorf("%q is %v", value, got)
		}
	}
}
