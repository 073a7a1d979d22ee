package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is a report with every kind of row in it, and with text from a hostile trace.
func sample() *Report {
	site := []Site{{Path: "python/sglang/srt/models/utils.py", Func: "apply_qk_norm", Line: 12, Module: "Qwen3Attention", Method: "launch", Count: 72, Time: 1_500_000}}
	replay := []Site{{Path: "python/sglang/srt/model_executor/cuda_graph_runner.py", Func: "replay", Method: "replay", Count: 36, Time: 6_000_000}}
	return &Report{
		Schema: Schema, Version: "v1", Mode: "single",
		Traces: []Trace{{Path: "run|1/\x1b[31mtrace.json", Role: "trace", Bytes: 100, Events: 10}},
		Run:    Run{Framework: "sglang", Model: "Qwen3-8B", GPU: "NVIDIA H100", Vendor: "nvidia", SM: 90, Rank: 0, World: 4, ArgsFrom: "server_args.json", Args: map[string]string{"tp_size": "4"}},
		Total:  10_000_000, Activity: Activity{Kernels: 9_900_000, Copies: 100_000},
		Load: []Load{{Streams: 2, Span: 12_000_000, Busy: 9_000_000, Idle: 3_000_000, Window: 11_000_000, WindowIdle: 2_000_000}},
		Idle: []Idle{{Window: 11_000_000, Time: 2_000_000, Gaps: 9, Causes: []IdleCause{
			{Stage: "decode", Place: IdleInside, Cause: IdleLate, Time: 1_500_000, Gaps: 8, Longest: 400_000, Advice: "launch <ahead>",
				Sites: []IdleSite{{Call: "cudaGraphLaunch\x1b", Path: "python/sglang/srt/model_executor/cuda_graph_runner.py", Func: "replay", Op: "op|`x`", After: "sampler.py <script>", Time: 1_400_000, Gaps: 4, Longest: 400_000},
					{Call: "cudaLaunchKernel", Time: 100_000, Gaps: 4, Longest: 30_000}}},
			{Stage: "extend", Place: IdleBetween, Cause: IdleSync, Time: 490_000, Gaps: 1, Longest: 490_000, InSync: 30_000, Advice: "wait later", Sites: []IdleSite{{Call: "cudaMemcpyAsync", Op: "aten::copy_", Time: 490_000, Gaps: 1, Longest: 490_000}}},
			{Place: "", Cause: IdleUnknown, Time: 10_000, Gaps: 1, Longest: 10_000}}}},
		Timeline: &Timeline{Why: "the longest gap: \x1b[1m<script>", From: 1_000, To: 91_000, SubjectFrom: 30_000, SubjectTo: 60_000, More: 2,
			Lanes: []Lane{{Stream: 7, Spans: []Span{{1_000, 30_000, "gemm\x1b", "gemm"}, {60_000, 91_000, "g<script>", "gra\x1bb`"}}}, {Stream: 123456789012, Spans: []Span{{2_000, 90_000, "all", "communication"}}, Left: 3}}},
		Attribution: Attribution{Launch: 4_000_000, Replay: 6_000_000, Replays: 1, Replayed: 36, NoLaunch: 1},
		Stages: []Stage{
			{Name: "decode", Time: 9_000_000, Kernels: 100, Steps: 2, Layers: 36, Families: []Family{{"gemm", 6_000_000}, {"norm", 3_000_000}}, StepSpan: 9_500_000, StepIdle: 1_500_000, StepHost: 1_400_000,
				Outliers: []OutlierStep{{Name: "step[DECODE\x1b <script>]", At: 2, Of: 9, Peers: 8, Span: 2_000_000, SpanMedian: 1_000_000, Time: 900_000, TimeMedian: 900_000, By: "span", What: "idle", WhatTime: 1_000_000},
					{Name: "step[DECODE]", At: 3, Of: 9, Peers: 8, Span: 700_000, SpanMedian: 1_000_000, Time: 500_000, TimeMedian: 900_000, By: "gpu time", What: "all_reduce|`x`", Symbol: "all_reduce", WhatTime: 100_000, WhatMedian: 400_000, Collective: true}}},
			{Name: "extend", Time: 1_000_000, Kernels: 10, Steps: 1, Families: []Family{{"gemm", 1_000_000}}},
		},
		Kernels: []KernelRow{
			{Stage: "decode", Name: "nvjet_sm90_tst_128x64", Symbol: "nvjet", Label: "nvjet bf16 128x64", Family: "gemm", Time: 6_000_000, Launches: 36, Sites: replay, Streams: []int64{7}},
			{Stage: "decode", Name: "void evil<a|b>()", Symbol: "evil", Label: "evil\x1b]0;<script>|`x`", Family: "norm", Time: 3_000_000, Launches: 72, Sites: site, Ops: []Op{{"aten::mul", 3_000_000}}, Streams: []int64{7}},
			{Stage: "extend", Name: "tiny", Symbol: "tiny", Label: "tiny", Family: "copy", Time: 1_000, Launches: 1, Streams: []int64{7}},
		},
		Doubts: []Doubt{{Trace: "t.json", What: "graph replay hides the source lines", Time: 5_000_000, Advice: "add --mapping"}},
		OverlapPaths: []FuseRow{{Rule: "sglang-shared-routed", Title: "Shared experts beside routed ones", Stage: "decode", Origin: "sglang", Verdict: "applied", Path: "p", Conclude: "c",
			Fused: Side{Chains: 36, Time: 1_200_000, Together: 400_000, Steps: 2, Layers: 36, Evidence: []Evidence{{Name: "two streams", Chains: 36, Time: 1_200_000, Beside: 1,
				Kernels: []Bound{{As: "shared", Symbol: "act_and_mul", Label: "act_and_mul", Family: "activation", Count: 36, Time: 400_000},
					{As: "routed", Symbol: "fused_moe", Label: "fused_moe", Family: "moe", Count: 36, Time: 800_000}}, Streams: []int64{7, 20}}}}}},
		Overlap: []OverlapRow{{Stage: "decode", Label: "all_reduce", Symbol: "all_reduce", Family: "collective", Launches: 72, Time: 2_000_000, Exposed: 1_900_000,
			Hidden: 100_000, HiddenCompute: 100_000, Streams: []int64{7, 20}, Sites: replay, Verdict: Headroom, Priority: 1, Risk: "unclear", RiskWhy: "a replay records no forks and joins; the trace of the capture does (--mapping)", Advice: "1.900 ms of it ran with nothing beside it"}},
		Ranks: &Ranks{Read: 2, World: 4, Reported: "0", Ranks: []string{"0", "1"},
			Rows: []RankRow{{Rank: "0", Time: 10_000_000, Own: 8_000_000, Calls: 70, Transfer: 900_000, Waiting: 1_000_000, Last: 10, Caused: 20_000, UnmatchedCalls: 2, UnmatchedTime: 100_000},
				{Rank: "1\x1b[2J", Time: 9_000_000, Own: 8_080_000, Calls: 70, Transfer: 900_000, Waiting: 20_000, Last: 50, Caused: 1_000_000}},
			Collectives: []RankCollective{{Stage: "decode", Label: "all_reduce<script>", Symbol: "all_reduce", Calls: 70, Ties: 10, Transfer: 900_000, Unanchored: 3, Waits: []RankWait{{"0", 1_000_000, 10}, {"1", 20_000, 50}}}},
			Arrivals:    []Arrivals{{Stage: "decode", Calls: 70, Ties: 10, Time: 2_820_000, Waiting: 1_020_000, Straggler: "1", By: []RankArrivals{{"0", 10, 20_000}, {"1", 50, 1_000_000}}}},
			Kernels: []RankKernel{{Stage: "decode", Name: "gemm", Symbol: "gemm", Label: "gemm|`x`\x1b", Min: 1_000_000, Median: 1_250_000, Max: 1_500_000, Fastest: "0", Slowest: "1",
				By: []RankTime{{"0", 1_000_000, 72}, {"1", 1_500_000, 71}}}},
			Unmatched: []Unmatched{{"0", "decode", "all_gather", "all_gather", "ranks differ in how often they call it in a step", 2, 100_000}},
			Notes:     []string{"calls are paired by step and order"}},
		Notes:      sampleNotes(site),
		OverlapWhy: "from one trace: exposed time is exact",
		Fuse: []FuseRow{
			{Rule: "sglang-qk-norm-rope", Title: "QK norm and RoPE", Origin: "sglang", Stage: "decode", Verdict: "should-apply",
				Split: Side{Chains: 72, Time: 1_500_000, Steps: 2, Layers: 36, Evidence: []Evidence{{Name: "on CUDA", Chains: 72, Time: 1_500_000, Gaps: 90_000,
					Kernels: []Bound{{As: "q", Symbol: "aiter::norm", Label: "norm", Family: "norm", Count: 72, Time: 1_000_000, Sites: site}, {As: "r", Symbol: "rope", Label: "rope", Family: "rope", Count: 72, Time: 500_000, Sites: site}}, Streams: []int64{7}}}},
				ByDesign: []ByDesign{{"the last layer has no next norm", true, 2, 10_000}}, Bound: 590_000, BoundGaps: 90_000, Collective: true,
				Unknown: []Unknown{{"it is off", []string{"enable_x"}}}, Path: "one kernel does both", Conclude: "this path is missing", Switches: []string{"--enable-x (default false)"},
				Alternatives: []Alternative{{Rule: "sglang-rope", Title: "RoPE", Side: "fused", Verdict: "applied", Chains: 72, Time: 500_000}}},
			{Rule: "sglang-act", Title: "SiLU and mul", Origin: "sglang", Stage: "extend", Verdict: "applied", Fused: Side{Chains: 6, Time: 300_000}, Path: "p", Conclude: "c"},
			{Rule: "sglang-small", Title: "small", Origin: "sglang", Stage: "extend", Verdict: "applied", Fused: Side{Chains: 1, Time: 10}, Path: "p", Conclude: "c"},
		},
		Conclusion: []string{"Decode: dominated by gemm (66.7 %).", "Overlap verdict: single trace."},
		Headline:   "decode dominated by gemm",
		Warnings:   []string{"byte 12: the file ends inside an event"},
		Picked:     []string{"a"}, Left: []string{"b", "c"},
	}
}

func TestWriters(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(*bytes.Buffer) error
	}{
		{"text", func(b *bytes.Buffer) error { return Text(b, sample(), View{MinShare: 1}) }},
		{"text-narrow", func(b *bytes.Buffer) error { return Text(b, sample(), View{MinShare: 1, Width: 80}) }},
		{"text-wide", func(b *bytes.Buffer) error { return Text(b, sample(), View{Wide: true}) }},
		{"text-color", func(b *bytes.Buffer) error { return Text(b, sample(), View{MinShare: 1, Color: true}) }},
		{"markdown", func(b *bytes.Buffer) error { return Markdown(b, sample(), View{MinShare: 1}) }},
		{"json", func(b *bytes.Buffer) error { return JSON(b, sample()) }},
		{"text-empty", func(b *bytes.Buffer) error { return Text(b, &Report{Run: Run{Rank: -1}}, View{}) }},
		{"markdown-empty", func(b *bytes.Buffer) error { return Markdown(b, &Report{Run: Run{Rank: -1}}, View{}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := c.write(&got); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", c.name+".golden")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("differs from %s (run with -update and read the difference):\n%s", file, got.String())
			}
		})
	}
}

func TestNothingFromATraceIsActive(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return Text(b, sample(), View{Wide: true}) },
		"markdown": func(b *bytes.Buffer) error { return Markdown(b, sample(), View{Wide: true}) },
		"json":     func(b *bytes.Buffer) error { return JSON(b, sample()) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(b.String(), '\x1b') {
			t.Errorf("%s: an escape sequence of a kernel's name reached the output", name)
		}
		if name != "text" && strings.Contains(b.String(), "<script>") {
			t.Errorf("%s: a tag of a kernel's name reached the output", name)
		}
	}
}

func TestTextFitsTheWidth(t *testing.T) {
	for _, w := range []int{60, 72, 80, 100, 120, 160} {
		var b bytes.Buffer
		if err := Text(&b, sample(), View{Width: w}); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(b.String()) {
			if n := width(strings.TrimSuffix(l, "\n")); n > w {
				t.Errorf("width %d: a line of %d cells: %q", w, n, l)
			}
		}
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0.0 µs", 999: "1.0 µs", 12_345: "12.3 µs", 99_999: "100.0 µs", 100_000: "0.100 ms", 873_884: "0.874 ms",
		9_778_614: "9.779 ms", 492_812_000: "492.812 ms", 1_234_000_000: "1.234 s", -1_500: "-1.5 µs",
	} {
		if got := Duration(ns); got != want {
			t.Errorf("Duration(%d) = %q, want %q", ns, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{1, 0, "–"}, {0, 5, "0.0 %"}, {1, 3, "33.3 %"}, {2, 3, "66.7 %"}, {5, 5, "100.0 %"}, {999, 1000, "99.9 %"}, {9996, 10000, "100.0 %"}} {
		if got := Percent(c.part, c.whole); got != c.want {
			t.Errorf("Percent(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}

func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"short", 10, "short"}, {"abcdefghij", 5, "ab…ij"}, {"abcdefghij", 1, "…"}, {"日本語日本語", 5, "日…語"}, {"abc", 0, ""}} {
		if got := middle(c.s, c.n); got != c.want {
			t.Errorf("middle(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}
