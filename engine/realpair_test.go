package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/realtrace"
)

func realPair(t *testing.T, mapping, formal string) *report.Report {
	t.Helper()
	return ranksReport(t, Options{Paths: []string{realtrace.Path(t, formal)}, Mapping: []string{realtrace.Path(t, mapping)}, Rank: -1, Strict: true})
}

// What must come out of the recorded pairs: how many replayed kernels took the site of their own
// launch, and how the GPU time is split by method.
func TestRealPairs(t *testing.T) {
	for _, c := range []struct {
		mapping, formal      string
		replayed, aligned    int
		launch, byAlign, all int64 // ns
	}{
		{"sglang-qwen3-8b-mi300x-decode-capture", "sglang-qwen3-8b-mi300x-decode-graph", 544, 544, 122_210, 9_656_404, 9_778_614},
		{"vllm-gpt-oss-mi300-piecewise-capture", "vllm-gpt-oss-mi300-piecewise-graph", 361, 361, 6_166_150, 149_919_755, 156_085_905},
	} {
		t.Run(c.formal, func(t *testing.T) {
			r := realPair(t, c.mapping, c.formal)
			if r.Mode != "pair" || len(r.Alignment) != 1 {
				t.Fatalf("mode %s, %d alignments", r.Mode, len(r.Alignment))
			}
			a := r.Alignment[0]
			if a.Replayed != c.replayed || a.Aligned != c.aligned || a.Neighbour != 0 || len(a.Left) != 0 {
				t.Errorf("%+v", a)
			}
			if a.Aligned*100 < a.Replayed*99 {
				t.Errorf("%d of %d replayed kernels are aligned, less than 99 %%", a.Aligned, a.Replayed)
			}
			m := r.Attribution
			if m.Launch != c.launch || m.Aligned != c.byAlign || m.Node+m.Neighbour+m.Replay+m.None != 0 || r.Total != c.all {
				t.Errorf("time by method %+v of %d", m, r.Total)
			}
		})
	}
}

// The chain of QK norm and RoPE is found in the replayed step with the source line of every step of
// it, though each of its kernels but one is launched from several places.
func TestRealPairSites(t *testing.T) {
	r := realPair(t, "sglang-qwen3-8b-mi300x-decode-capture", "sglang-qwen3-8b-mi300x-decode-graph")
	want := strings.Join([]string{
		"qc 36 × python/sglang/srt/models/utils.py _reshape_for_qk_norm Qwen3Attention aligned",
		"q 36 × python/sglang/srt/layers/layernorm.py forward_aiter RMSNorm aligned",
		"kc 36 × python/sglang/srt/models/utils.py _reshape_for_qk_norm Qwen3Attention aligned",
		"kn 36 × python/sglang/srt/layers/layernorm.py forward_aiter RMSNorm aligned",
		"rope 36 × python/sglang/srt/layers/rotary_embedding/base.py forward_cuda RotaryEmbedding aligned",
	}, "\n")
	for i := range r.Fuse {
		f := &r.Fuse[i]
		if f.Rule != "sglang-qk-norm-rope" {
			continue
		}
		if f.Split.Chains != 36 || f.Split.Time != 873_884 || len(f.Split.Evidence) != 1 {
			t.Errorf("%d chains, %d ns, %d alternatives", f.Split.Chains, f.Split.Time, len(f.Split.Evidence))
		}
		var got []string
		for _, b := range f.Split.Evidence[0].Kernels {
			for _, s := range b.Sites {
				got = append(got, fmt.Sprintf("%s %d × %s %s %s %s", b.As, s.Count, s.Path, s.Func, s.Module, s.Method))
				if s.Line == 0 {
					t.Errorf("%s has no line", b.As)
				}
			}
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("got\n%s\nwant\n%s", s, want)
		}
		return
	}
	t.Error("no finding")
}

// One GEMM kernel has as many sites as places that launch it, and no replayed kernel is left with the
// site of the replay.
func TestRealPairKernels(t *testing.T) {
	r := realPair(t, "sglang-qwen3-8b-mi300x-decode-capture", "sglang-qwen3-8b-mi300x-decode-graph")
	for i := range r.Kernels {
		k := &r.Kernels[i]
		for _, s := range k.Sites {
			if s.Method == "replay" || s.Method == "none" || s.Path == "" {
				t.Errorf("%s: %d launches at %q by %s", k.Label, s.Count, s.Path, s.Method)
			}
		}
	}
}

// realNotes are the notes of each recorded trace at the usual bar, each read, found true and counted
// independently of this program (names that follow each other, with a launch of their own): runs of a
// model's own pointwise arithmetic in one module. Any other is one too many.
var realNotes = map[string]string{
	"hf-qwen1.5-0.5b-h100": "ladder of 8, 49 × forward Qwen2RMSNorm 7377993; ladder of 3, 24 × apply_rotary_pos_emb Qwen2Attention 2174235; " +
		"ladder of 3, 24 × sdpa_attention_forward Qwen2Attention 2108187",
}

func TestRealNotes(t *testing.T) {
	for _, name := range realtrace.Names() {
		t.Run(name, func(t *testing.T) {
			r := realReport(t, name)
			if r.Notes == nil {
				t.Fatal("no notes were made")
			}
			var got []string
			for _, p := range r.Notes.Partial {
				if p.Time*100 >= r.Total {
					got = append(got, fmt.Sprintf("%s of %s %d", p.Label, p.Rule, p.Time))
				}
			}
			for _, l := range r.Notes.Ladders {
				if l.Time*100 >= r.Total {
					s := fmt.Sprintf("ladder of %d, %d ×", len(l.Kernels), l.Runs)
					if l.Scope != nil {
						s += " " + l.Scope.Func + " " + l.Scope.Module
					}
					got = append(got, fmt.Sprintf("%s %d", s, l.Time))
				}
			}
			if s := strings.Join(got, "; "); s != realNotes[name] {
				t.Errorf("got %q, want %q", s, realNotes[name])
			}
		})
	}
}
