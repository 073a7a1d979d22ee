package engine

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/realtrace"
)

// claim is one thing that must come out of a recorded trace: chains of one rule on one side
// in one stage, as a finding or as the alternative under one.
type claim struct {
	rule, stage, side string
	chains            int
	ns                int64
}

// realClaims are counted independently of this program (kernels that follow each other on
// one stream, by name).
var realClaims = map[string][]claim{
	"sglang-qwen3-8b-mi300x-decode-graph": {
		{"sglang-qk-norm-rope", "decode", "split", 36, 873_884},
		{"sglang-qk-rope-reshape-cache", "decode", "split", 36, 369_360},
		{"sglang-activation-and-mul", "decode", "fused", 36, 324_367},
		{"sglang-add-rmsnorm", "decode", "fused", 72, 346_844},
	},
	"sglang-qwen3-8b-mi300x-prefill-eager": {
		{"sglang-qk-norm-rope", "extend", "split", 36, 25_602_435},
		{"sglang-qk-rope-reshape-cache", "extend", "split", 36, 5_996_326},
		{"sglang-activation-and-mul", "extend", "fused", 36, 16_508_145},
		{"sglang-add-rmsnorm", "extend", "fused", 72, 8_699_121},
	},
	"sglang-qwen3-30b-a3b-mi300x-TP-0-DECODE": {
		{"sglang-qk-norm-rope", "decode", "split", 48, 1_072_165},
		{"sglang-qk-rope-reshape-cache", "decode", "fused", 48, 220_792},
	},
	"sglang-dense32-b300-TP-0-DECODE": {
		{"sglang-rope-kv-store", "decode", "split", 32, 153_281},
		{"sglang-add-rmsnorm", "decode", "fused", 64, 266_790},
		{"sglang-activation-and-mul", "decode", "fused", 32, 125_345},
	},
	"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0": {
		{"sglang-allreduce-rmsnorm-flashinfer", "extend", "split", 768, 99_894_587},
		{"sglang-allreduce-rmsnorm-flashinfer", "decode", "fused", 760, 6_659_414},
		{"sglang-inplace-qk-norm", "extend", "fused", 384, 2_681_639},
		{"sglang-inplace-qk-norm", "decode", "fused", 384, 968_838},
		{"sglang-rope-kv-store", "extend", "fused", 384, 2_386_245},
		{"sglang-rope-kv-store", "decode", "fused", 384, 901_317},
	},
	"vllm-gpt-oss-mi300-piecewise-graph": {
		{"vllm-add-rmsnorm-pad", "mixed", "split", 24, 3_893_987},
		{"vllm-rope-kv-cache", "mixed", "split", 24, 2_292_700},
		{"vllm-add-rmsnorm", "mixed", "fused", 48, 3_367_740},
		{"vllm-reshape-and-cache", "mixed", "fused", 24, 586_371},
		{"vllm-topk-softmax", "mixed", "fused", 24, 141_575},
	},
}

// realMissing are all the findings that say a path is not taken; any other such row on any
// recorded trace is a false one.
var realMissing = map[string][]string{
	"sglang-qwen3-8b-mi300x-decode-graph":      {"sglang-qk-norm-rope decode unsupported"},
	"sglang-qwen3-8b-mi300x-prefill-eager":     {"sglang-qk-norm-rope extend unsupported"},
	"sglang-qwen3-30b-a3b-mi300x-TP-0-DECODE":  {"sglang-qk-norm-rope decode unsupported"},
	"sglang-dense32-b300-TP-0-DECODE":          {"sglang-decode-metadata decode should-apply", "sglang-rope-kv-store decode by-design"},
	"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0": {"sglang-allreduce-rmsnorm-flashinfer extend by-design", "sglang-decode-metadata decode should-apply"},
	"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-1": {"sglang-allreduce-rmsnorm-flashinfer extend by-design", "sglang-decode-metadata decode should-apply"},
	"vllm-gpt-oss-mi300-piecewise-graph":       {"vllm-add-rmsnorm-pad mixed should-apply", "vllm-rope-kv-cache mixed by-design"},
}

func realReport(t *testing.T, name string) *report.Report {
	t.Helper()
	path := realtrace.Path(t, name)
	load := func() (*Catalog, error) { return LoadCatalog(nil, false) }
	r, err := Analyze(context.Background(), Options{Paths: []string{path}, Rank: -1, Strict: true, Catalog: load})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found sums what a report says of a claim's rule, stage and side.
func found(r *report.Report, c claim) (chains int, ns int64) {
	for i := range r.Fuse {
		f := &r.Fuse[i]
		if f.Stage != c.stage {
			continue
		}
		if f.Rule == c.rule {
			s := f.Fused
			if c.side == "split" {
				s = f.Split
			}
			chains, ns = chains+s.Chains, ns+s.Time
		}
		for _, a := range f.Alternatives {
			if a.Rule == c.rule && a.Side == c.side {
				chains, ns = chains+a.Chains, ns+a.Time
			}
		}
	}
	return chains, ns
}

func TestRealClaims(t *testing.T) {
	for _, name := range realtrace.Names() {
		t.Run(name, func(t *testing.T) {
			r := realReport(t, name)
			for _, c := range realClaims[name] {
				if chains, ns := found(r, c); chains != c.chains || ns != c.ns {
					t.Errorf("%s %s %s: %d chains, %d ns; want %d, %d", c.rule, c.stage, c.side, chains, ns, c.chains, c.ns)
				}
			}
			var missing []string
			for i := range r.Fuse {
				if f := &r.Fuse[i]; f.Verdict != "applied" {
					missing = append(missing, fmt.Sprintf("%s %s %s", f.Rule, f.Stage, f.Verdict))
				}
			}
			sort.Strings(missing)
			if got, want := strings.Join(missing, "; "), strings.Join(realMissing[name], "; "); got != want {
				t.Errorf("paths said not to be taken: %s\nwant: %s", got, want)
			}
			var sum, other int64
			for _, k := range r.Kernels {
				sum += k.Time
				if k.Family == "other" {
					other += k.Time
				}
			}
			if sum != r.Total {
				t.Errorf("the kernel rows add up to %d ns of %d", sum, r.Total)
			}
			if other*100 > r.Total {
				t.Errorf("%s of the GPU time is of no family", report.Percent(other, r.Total))
			}
			for _, o := range r.Overlap {
				if o.Exposed+o.Hidden != o.Time {
					t.Errorf("%s: exposed and hidden do not add up", o.Symbol)
				}
			}
		})
	}
}

// The counts of the all-reduce chain in its parts: with and without the staging copy
// before it, and with the plain norm behind the embedding.
func TestRealAllReduceParts(t *testing.T) {
	r := realReport(t, "sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0")
	for i := range r.Fuse {
		f := &r.Fuse[i]
		if f.Rule != "sglang-allreduce-rmsnorm-flashinfer" || f.Stage != "extend" {
			continue
		}
		e := f.Split.Evidence[0]
		var without int64
		for _, k := range e.Kernels[1:] {
			without += k.Time
		}
		if e.Kernels[0].As != "before" || without != 96_653_803 {
			t.Errorf("without the copy before it: %d ns, want 96653803", without)
		}
		chains, ns := f.Split.Chains, f.Split.Time
		for _, d := range f.ByDesign {
			if !d.Within {
				chains, ns = chains+d.Chains, ns+d.Time
			}
		}
		if chains != 776 || ns != 102_134_019 {
			t.Errorf("with the norm behind the embedding: %d chains, %d ns; want 776, 102134019", chains, ns)
		}
		return
	}
	t.Error("no finding")
}

// Each recorded step of the decode graphs is attributed to the replay and to nothing better.
func TestRealReplayHasNoSiteOfItsOwn(t *testing.T) {
	r := realReport(t, "sglang-qwen3-8b-mi300x-decode-graph")
	if r.Attribution.Replays != 1 || r.Attribution.Replayed != 544 {
		t.Errorf("%d graph launches with %d kernels, want 1 with 544", r.Attribution.Replays, r.Attribution.Replayed)
	}
	for _, k := range r.Kernels {
		for _, s := range k.Sites {
			if s.Method == "replay" && s.Func != "replay" {
				t.Errorf("%s: a replayed kernel claims %s %s", k.Label, s.Path, s.Func)
			}
		}
	}
}
