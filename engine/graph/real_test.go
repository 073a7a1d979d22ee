package graph

import (
	"context"
	"testing"

	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/internal/realtrace"
)

// The GPU time of recorded traces (kernels, copies and sets), ns, counted independently.
var realTotals = map[string]int64{
	"sglang-qwen3-8b-mi300x-decode-graph":      9778614,
	"sglang-qwen3-8b-mi300x-decode-capture":    11015,
	"sglang-qwen3-8b-mi300x-prefill-eager":     492811563,
	"sglang-qwen3-30b-a3b-mi300x-TP-0-DECODE":  10908702,
	"sglang-dense32-b300-TP-0-DECODE":          4134026,
	"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0": 229729860,
	"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-1": 204935332,
	"vllm-gpt-oss-mi300-piecewise-graph":       156085905,
	"hf-qwen1.5-0.5b-h100":                     45647300,
	"nccl-train":                               165185838,
	"alexnet-a100":                             66203000,
	"event-sync-multi-stream":                  372000,
	"minitoy-mi250":                            149042,
	"mi210-gpu-only":                           5343422,
	"torch-compile-triton":                     12549021,
	// 973041000 in its 9,329 kernels, the rest in copies and sets, which the old categories
	// spell Memcpy and Memset.
	"resnet50-old-schema": 987884000,
}

func TestRealTraces(t *testing.T) {
	for _, name := range realtrace.Names() {
		t.Run(name, func(t *testing.T) {
			tr, err := kineto.Open(context.Background(), realtrace.Path(t, name), kineto.Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			g := Build(tr, Options{Sites: testPolicy, Stage: StageFromPath(name)})
			if want, ok := realTotals[name]; ok && g.Total != want {
				t.Errorf("GPU time %d ns, want %d", g.Total, want)
			}
			var sum int64
			for _, ns := range g.ByMethod {
				sum += ns
			}
			if sum != g.Total {
				t.Errorf("the methods add up to %d ns of %d", sum, g.Total)
			}
			t.Logf("%d kernels, %d streams, %d classes, %d replays, %d steps, stages %v, framework %q, by method %v",
				len(g.Kernels), len(g.Streams), len(g.Classes), len(g.Replays), len(g.Steps), g.Stages, g.Framework(), g.ByMethod)
			for i, s := range g.Steps {
				if i < 3 {
					t.Logf("step %s: stage %s, %d kernels, %d layers", tr.Names.Text(s.Name), g.Stages[s.Stage], s.Kernels, s.Layers)
				}
			}
		})
	}
}

var testPolicy = Policy{
	Packages: []Package{
		{Name: "sglang", Prefix: "python/sglang", Framework: "sglang"},
		{Name: "vllm", Prefix: "vllm", Framework: "vllm"},
		{Name: "sgl_kernel", Prefix: "sgl-kernel/python/sgl_kernel"},
		{Name: "aiter", Prefix: "aiter"},
		{Name: "flashinfer", Prefix: "flashinfer"},
	},
	Wrappers: []Wrapper{{Path: "python/sglang/srt/layers/utils/multi_platform.py"}, {Path: "aiter/jit/core.py", Func: "wrapper"}},
	Foreign:  []string{"torch", "triton", "threading.py"},
}
