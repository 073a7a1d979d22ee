package report

import (
	"bytes"
	"strings"
	"testing"
)

// sampleNotes has every kind of note, with text from a hostile trace, and one of each below the bar.
func sampleNotes(site []Site) *Notes {
	scope := Site{Path: "python/sglang/srt/layers/x|y.py", Func: "forward", Line: 3, Module: "Norm", Method: "launch", Count: 108, Time: 540_000}
	return &Notes{
		Partial: []PartialNote{
			{Rule: "sglang-rope", Title: "RoPE", Stage: "decode", Label: "medium", Evidence: []string{"site", "op"}, Against: []string{"order", "TP", "model"}, Chains: 36, Time: 300_000,
				Steps: []PartialStep{{Bound: Bound{As: "n", Symbol: "aiter::norm", Label: "norm", Family: "norm", Count: 36, Time: 200_000, Sites: site}},
					{Bound: Bound{As: "r"}, Missing: true, Instead: "rope<script>\x1b[2J"}, {Bound: Bound{As: "s", Symbol: "store", Label: "store", Family: "kv_cache", Count: 36, Time: 100_000}}}, Also: []string{"vllm-rope"}},
			{Rule: "sglang-gone", Title: "Gone", Stage: "extend", Label: "low", Evidence: []string{}, Against: []string{"op"}, Chains: 6, Time: 200_000,
				Steps: []PartialStep{{Bound: Bound{As: "r"}, Missing: true, Instead: "copy", Hidden: true}, {Bound: Bound{As: "s", Symbol: "store", Label: "store", Family: "kv_cache", Count: 6, Time: 200_000}}}},
			{Rule: "sglang-less", Title: "Less", Stage: "extend", Label: "low", Evidence: []string{}, Against: []string{}, Chains: 6, Time: 2_000, Steps: []PartialStep{{Bound: Bound{As: "r"}, Missing: true}}},
		},
		Ladders: []Ladder{
			{Stage: "decode", Runs: 36, Steps: 2, Layers: 18, Scope: &scope, Time: 540_000, SavingBound: 400_000, Gaps: 36_000, Streams: []int64{7},
				Kernels: []Bound{{Symbol: "pow", Label: "pow\x1b", Family: "elementwise", Count: 36, Time: 180_000}, {Symbol: "mean", Label: "mean", Family: "reduce", Count: 36, Time: 180_000}, {Symbol: "mul", Label: "mul|<b>", Family: "elementwise", Count: 36, Time: 180_000}}},
			{Stage: "extend", Runs: 6, Time: 150_000, SavingBound: 100_000, Streams: []int64{7},
				Kernels: []Bound{{Symbol: "a", Label: "a", Count: 6, Time: 50_000}, {Symbol: "b", Label: "b", Count: 6, Time: 50_000}, {Symbol: "c", Label: "c", Count: 6, Time: 50_000}}},
			{Stage: "extend", Runs: 6, Time: 1_000, Streams: []int64{7}, Kernels: []Bound{{Label: "tiny"}}},
		},
	}
}

// Notes under the bar are not printed, and neither is the heading where none is left.
func TestNotesHaveABar(t *testing.T) {
	for _, c := range []struct {
		bar  float64
		want bool
	}{{0, true}, {1, true}, {90, false}} {
		for name, write := range map[string]func(*bytes.Buffer) error{
			"NOTES":    func(b *bytes.Buffer) error { return Text(b, sample(), View{MinShare: c.bar}) },
			"## Notes": func(b *bytes.Buffer) error { return Markdown(b, sample(), View{MinShare: c.bar}) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(b.String(), name+"\n"); got != c.want {
				t.Errorf("bar %g: %s printed: %t", c.bar, name, got)
			}
			if got := strings.Contains(b.String(), "tiny"+" 0.0"); got != (c.bar == 0) {
				t.Errorf("bar %g, %s: the smallest ladder printed: %t", c.bar, name, got)
			}
		}
	}
	r := sample()
	r.Notes = nil
	var b bytes.Buffer
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "partial_chains") {
		t.Error("notes that were turned off are in the JSON")
	}
}
