package match

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/tracebuild"
	"github.com/sgrules/sgrules/rules"
)

// header is a rule without its split side.
const header = `id: made
kind: fuse
title: Made
origin: sglang
status: %s
domain: llm
sources: ["sglang@0000000:a/b.py::c"]
applies: run.framework == "sglang"
path: p
conclude: c
fused:
  - k.symbol == "fused_made"
split:
`

// partials matches one rule (its split side, in YAML) on a built trace of an SGLang run.
func partials(t *testing.T, status, split, trace string, world int) (*graph.Graph, []PartialChain) {
	t.Helper()
	return partialsOf(t, fstest.MapFS{"fuse/made.yaml": {Data: []byte(fmt.Sprintf(header, status) + split)}}, trace, world)
}

func partialsOf(t *testing.T, files fstest.MapFS, trace string, world int) (*graph.Graph, []PartialChain) {
	t.Helper()
	base, list := rule.Load(rules.FS, rule.LoadOptions{Prefix: "rules", Lazy: true})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	extra, list := rule.Load(files, rule.LoadOptions{Prefix: "made", Overlay: true})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	set, list := rule.Overlay(base.WithoutRules(), extra)
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	spec, err := tracebuild.Parse("t.yaml", []byte("trace:\n"+trace))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tracebuild.Build(spec, tracebuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := kineto.Read(context.Background(), bytes.NewReader(b), "t.json", kineto.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	g := graph.Build(tr, graph.Options{})
	res, err := Run(g, set, &rule.Run{Framework: "sglang", World: world})
	if err != nil {
		t.Fatal(err)
	}
	got, err := res.PartialChains()
	if err != nil {
		t.Fatal(err)
	}
	return g, got
}

// say prints partial chains: how many, their steps, what is missing and what stood there.
func say(g *graph.Graph, list []PartialChain) string {
	var out []string
	for _, x := range list {
		var steps []string
		for i, ks := range x.Chains[0] {
			switch {
			case i == x.Missing:
				s := "!" + x.Alt.Steps[i].As
				if x.Instead >= 0 {
					s += "=" + g.Symbol(&g.Kernels[x.Instead]).Base
				}
				steps = append(steps, s)
			case len(ks) > 0:
				steps = append(steps, x.Alt.Steps[i].As)
			}
		}
		out = append(out, fmt.Sprintf("%d × %s %s %d", len(x.Chains), strings.Join(steps, " "), x.Evidence.Label(), x.Evidence.Count()))
	}
	return strings.Join(out, "; ")
}

const threeSteps = `  - chain:
      - {as: a, match: 'k.symbol == "alpha_norm"'}
      - {as: b, match: 'k.symbol == "beta_rope"'}
      - {as: c, match: 'k.symbol == "gamma_attention"'}
`

const copySkipped = `  - chain:
      - {as: a, match: 'k.symbol == "alpha_norm"'}
      - {as: b, match: 'k.symbol == "beta_rope"', skip: 'k.family == "copy"'}
      - {as: c, match: 'k.symbol == "gamma_attention"'}
`

const generics = `  - chain:
      - {as: a, match: 'k.symbol == "alpha_norm"'}
      - {as: b, match: 'k.symbol == "beta_gemm"'}
      - {as: c, match: 'k.family == "norm"'}
`

const sited = `  - chain:
      - {as: a, match: 'k.symbol == "alpha_norm" && k.at("a.py", "f")'}
      - {as: b, match: 'k.symbol == "beta_rope"'}
      - {as: c, match: 'k.symbol == "gamma_attention"'}
`

const collective = `  - chain:
      - {as: a, match: 'k.symbol == "alpha_allreduce"'}
      - {as: b, match: 'k.symbol == "beta_norm"'}
      - {as: c, match: 'k.symbol == "gamma_quant"'}
`

const where = `  - chain:
      - {as: a, match: 'k.symbol == "alpha_norm"'}
      - {as: b, match: 'k.symbol == "beta_rope"'}
      - {as: c, match: 'k.symbol == "gamma_attention"'}
    where: gap_us(a, b) < 1.5
`

// layers repeats the kernels six times behind two others that every layer has.
func layersOf(kernels ...string) string {
	var b strings.Builder
	b.WriteString("  - step: 'step[DECODE bs=1]'\n    of:\n      - repeat: 6\n        of:\n          - {kernel: one_gemm}\n          - {kernel: two_gemm}\n")
	for _, k := range kernels {
		if !strings.HasPrefix(k, "{") {
			k = "{kernel: " + k + "}"
		}
		b.WriteString("          - " + k + "\n")
	}
	return b.String()
}

func TestPartialChains(t *testing.T) {
	for _, c := range []struct{ name, split, trace, want string }{
		{"all steps are a finding", threeSteps, layersOf("alpha_norm", "beta_rope", "gamma_attention"), ""},
		{"the last is another", threeSteps, layersOf("alpha_norm", "beta_rope", "delta_attention"), "6 × a b !c=delta_attention low 1"},
		{"the first is another", threeSteps, layersOf("delta_norm", "beta_rope", "gamma_attention"), "6 × !a=delta_norm b c low 1"},
		{"one in the middle is another", threeSteps, layersOf("alpha_norm", "delta_rope", "gamma_attention"), "6 × a !b=delta_rope c low 1"},
		{"one in the middle is not there", threeSteps, layersOf("alpha_norm", "gamma_attention"), "6 × a !b c low 1"},
		{"two in its place", threeSteps, layersOf("alpha_norm", "delta_rope", "delta_rope", "gamma_attention"), ""},
		{"a skip before the missing step", copySkipped, layersOf("alpha_norm", "x_copy", "delta_rope", "gamma_attention"), "6 × a !b=delta_rope c low 1"},
		{"out of order", threeSteps, layersOf("gamma_attention", "x_gemm", "beta_rope", "x_gemm", "alpha_norm"), ""},
		{"two are missing", threeSteps, layersOf("alpha_norm", "delta_rope", "delta_attention"), ""},
		{"a GEMM and a family tell nothing", generics, layersOf("alpha_norm", "beta_gemm", "delta_rope"), ""},
		{"not in every layer", threeSteps, layersOf("delta_norm", "delta_rope") +
			"  - step: 'step[DECODE bs=1]'\n    of: [{repeat: 2, of: [{kernel: alpha_norm}, {kernel: beta_rope}, {kernel: other_gemm}]}]\n", ""},
		{"the site counts, and is what is missing", sited, layersOf(`{kernel: alpha_norm, at: ['a.py::g']}`, "beta_rope", "gamma_attention"), "6 × !a=alpha_norm b c low 1"},
		{"a bound site", sited, layersOf(`{kernel: alpha_norm, at: ['a.py::f']}`, "beta_rope", "delta_attention"), "6 × a b !c=delta_attention medium 2"},
		{"a where condition of what is bound", where, layersOf("alpha_norm", "beta_rope", "delta_attention"), "6 × a b !c=delta_attention low 1"},
		{"a where condition that does not hold", where, layersOf("alpha_norm", "{kernel: beta_rope, gap_us: 2}", "delta_attention"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, got := partials(t, "mainline", c.split, c.trace, 0)
			if s := say(g, got); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestPartialChainsCountTP(t *testing.T) {
	trace := layersOf("alpha_allreduce", "beta_norm", "delta_quant")
	for world, want := range map[int]string{0: "6 × a b !c=delta_quant low 1", 1: "6 × a b !c=delta_quant low 1", 4: "6 × a b !c=delta_quant medium 2"} {
		g, got := partials(t, "mainline", collective, trace, world)
		if s := say(g, got); s != want {
			t.Errorf("%d ranks: got %q, want %q", world, s, want)
		}
	}
}

// Three telling steps in order, one of them by its site, in a run of the rule's own framework.
func TestPartialChainsLabel(t *testing.T) {
	split := sited + `      - {as: d, match: 'k.symbol == "delta_quant"'}
`
	trace := layersOf(`{kernel: alpha_norm, at: ['a.py::f']}`, "beta_rope", "gamma_attention", "other_quant")
	g, got := partials(t, "mainline", split, trace, 0)
	if s, want := say(g, got), "6 × a b c !d=other_quant high 3"; s != want {
		t.Errorf("got %q, want %q", s, want)
	}
}

// What the run cannot take makes no note, and what only its arguments would decide counts less.
func TestPartialChainsRequire(t *testing.T) {
	trace := layersOf("alpha_norm", "beta_rope", "delta_attention")
	for requires, want := range map[string]string{
		`run.framework == "vllm"`: "",
		`run.flag("made")`:        "6 × a b !c=delta_attention low 0",
		`run.world < 2`:           "6 × a b !c=delta_attention low 1",
	} {
		// The split side is the last key of the rule.
		g, got := partials(t, "mainline", threeSteps+"requires:\n  - {when: '"+requires+"', because: b, verdict: unsupported}\n", trace, 0)
		if s := say(g, got); s != want {
			t.Errorf("%s: got %q, want %q", requires, s, want)
		}
	}
}

// A path that nobody can take makes no note.
func TestPartialChainsOfLivingRulesOnly(t *testing.T) {
	trace := layersOf("alpha_norm", "beta_rope", "delta_attention")
	g, got := partials(t, "withdrawn", threeSteps, trace, 0)
	if s := say(g, got); s != "" {
		t.Errorf("got %q of a withdrawn path", s)
	}
}

// A chain whose steps all match, and whose where condition does not hold, was refused by the
// rule's author; it is not inconclusive.
func TestPartialChainsLeaveRefusedOnes(t *testing.T) {
	g, got := partials(t, "mainline", where, layersOf("alpha_norm", "{kernel: beta_rope, gap_us: 2}", "gamma_attention"), 0)
	if s := say(g, got); s != "" {
		t.Errorf("got %q", s)
	}
}

// A kernel that a finding holds is in no partial chain, of whichever rule the finding is.
func TestPartialChainsLeaveFindings(t *testing.T) {
	const other = `id: other
kind: fuse
title: Other
origin: sglang
status: mainline
domain: llm
sources: ["sglang@0000000:a/b.py::c"]
path: p
conclude: c
fused:
  - k.symbol == "beta_rope"
unseen: nothing
`
	trace := layersOf("alpha_norm", "beta_rope", "delta_attention")
	files := fstest.MapFS{"fuse/made.yaml": {Data: []byte(fmt.Sprintf(header, "mainline") + threeSteps)}}
	if g, got := partialsOf(t, files, trace, 0); len(got) != 1 {
		t.Errorf("alone: got %q", say(g, got))
	}
	files["fuse/other.yaml"] = &fstest.MapFile{Data: []byte(other)}
	if g, got := partialsOf(t, files, trace, 0); len(got) != 0 {
		t.Errorf("with a finding on one of its kernels: got %q", say(g, got))
	}
}

// Two rules that come as close on the same kernels make one note.
func TestPartialChainsAreDistinct(t *testing.T) {
	trace := layersOf("alpha_norm", "beta_rope", "delta_attention")
	first := fmt.Sprintf(header, "mainline") + threeSteps
	files := fstest.MapFS{"fuse/made.yaml": {Data: []byte(first)}, "fuse/also-made.yaml": {Data: []byte(strings.Replace(first, "id: made", "id: also-made", 1))}}
	g, got := partialsOf(t, files, trace, 0)
	if len(got) != 1 || got[0].Rule.ID != "also-made" || strings.Join(got[0].Also, " ") != "made" {
		t.Errorf("got %q", say(g, got))
	}
}

// In a replay a step that asks for its place cannot be told: its kernel may well stand there.
func TestPartialChainsOfReplays(t *testing.T) {
	trace := "  - step: 'step[DECODE bs=1]'\n    of:\n      - graph: g\n        at: ['r.py::replay']\n        of:\n          - repeat: 6\n            of: [{kernel: one_gemm}, {kernel: two_gemm}, {kernel: alpha_norm}, {kernel: beta_rope}, {kernel: gamma_attention}]\n"
	g, got := partials(t, "mainline", sited, trace, 0)
	if s, want := say(g, got), "6 × !a=alpha_norm b c low 1"; s != want {
		t.Fatalf("got %q, want %q", s, want)
	}
	if !got[0].AsksSite() {
		t.Error("the missing step asks for its place")
	}
}
