package rule

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

func BenchmarkNewEnv(b *testing.B) {
	for b.Loop() {
		if _, err := NewEnv(nil); err != nil {
			b.Fatal(err)
		}
	}
}

// benchRule is a rule of the usual size: two alternatives, six conditions.
const benchRule = `id: ID
kind: fuse
title: QK RMSNorm and RoPE in one kernel
origin: sglang
status: mainline
domain: llm
sources: ["sglang@305ac74e:python/sglang/srt/models/utils.py::apply_qk_norm"]
applies: run.framework == "sglang"
requires:
  - {unless: run.flag("enable_deterministic_inference"), because: deterministic mode turns it off, verdict: disabled}
fused:
  - k.symbol == "fusedQKNormRopeKernelID"
split:
  - chain:
      - {as: q, match: 'k.family == "norm" && k.at("python/sglang/srt/models/utils.py", "apply_qk_norm_ID")'}
      - {as: n, match: 'k.family == "norm" && k.at("python/sglang/srt/models/utils.py", "apply_qk_norm_ID")', skip: 'k.family == "copy"'}
      - {as: r, match: 'k.symbol in ["rotary_embedding_kernel_ID", "apply_rope_ID"]', skip: 'k.family == "copy"'}
    where: gap_us(q, r) < 50.0
path: The fused kernel normalises and rotates packed QKV in place.
conclude: Two norms and a rope before attention are this path not taken, not a new idea.
`

func benchFS(n int) fstest.MapFS {
	fs := fstest.MapFS{"family/norm.yaml": familyFile("norm", `k.symbol == "rms_norm_kernel"`), "family/copy.yaml": familyFile("copy", `k.symbol == "copy"`)}
	for i := range n {
		id := fmt.Sprintf("r%d", i)
		fs["fuse/"+id+".yaml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(benchRule, "ID", id))}
	}
	return fs
}

func benchLoad(b *testing.B, n int, lazy bool) {
	fs := benchFS(n)
	b.ReportAllocs()
	for b.Loop() {
		if _, list := Load(fs, LoadOptions{Lazy: lazy}); len(list) > 0 {
			b.Fatal(list)
		}
	}
}

func BenchmarkLoad60Lazy(b *testing.B)   { benchLoad(b, 60, true) }
func BenchmarkLoad60Eager(b *testing.B)  { benchLoad(b, 60, false) }
func BenchmarkLoad1000Lazy(b *testing.B) { benchLoad(b, 1000, true) }

// BenchmarkCandidates is a lazily loaded set of 1,000 rules of which a trace needs three.
func BenchmarkCandidates(b *testing.B) {
	s, list := Load(benchFS(1000), LoadOptions{Lazy: true})
	if len(list) > 0 {
		b.Fatal(list)
	}
	inv := Inventory{}
	for i := range 300 {
		inv.Add(&Class{Symbol: fmt.Sprint("kernel_", i), Frames: []Frame{{"python/a.py", fmt.Sprint("f", i)}}})
	}
	for i := range 3 {
		inv.Add(&Class{Symbol: fmt.Sprintf("fusedQKNormRopeKernelr%d", i)})
	}
	for b.Loop() {
		if got, _ := s.Candidates(inv); len(got) != 3 {
			b.Fatal(len(got))
		}
	}
}

// BenchmarkMatch is one step on one class: a hit runs CEL, a miss stops at the prefilter.
func BenchmarkMatch(b *testing.B) {
	env := testEnv(b, nil)
	p, errs := compileText(env, env.kernel, `k.family == "norm" && k.at("python/sglang/srt/models/utils.py", "apply_qk_norm")`)
	if p == nil {
		b.Fatal(errs)
	}
	s := &Step{is: p, pre: newPrefilter(p.form, env.aliases)}
	hit, miss := norm(), norm()
	miss.Frames = miss.Frames[1:]
	for name, c := range map[string]*Class{"hit": hit, "miss": miss} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := s.Match(c); ok != (name == "hit") || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkSkim(b *testing.B) {
	for b.Loop() {
		if _, ok := skim(`k.family == "norm" && k.at("python/sglang/srt/models/utils.py", "apply_qk_norm")`); !ok {
			b.Fatal("not read")
		}
	}
}
