package kineto

import (
	"context"
	"path/filepath"
	"testing"
)

// realTraces are recordings that stand beside the checkout and not in it.
func realTraces(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob("../../../shared/traces/*.json.gz")
	if len(files) == 0 {
		t.Skip("SKIPPED: no real traces: ../shared/traces is not beside the repository")
	}
	return files
}

// gpuTime is what was counted by hand: the time of kernels, copies and sets in ns.
var gpuTime = map[string]int64{
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
	"resnet50-old-schema":                      987884000, // 973041 µs are its kernels alone
}

func TestRealGPUTime(t *testing.T) {
	for _, f := range realTraces(t) {
		name := trimTrace(filepath.Base(f))
		t.Run(name, func(t *testing.T) {
			tr, err := Open(context.Background(), f, Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			for _, a := range tr.Activities {
				sum += a.Dur
			}
			if want, ok := gpuTime[name]; ok && sum != want {
				t.Errorf("GPU time %d ns, want %d", sum, want)
			}
		})
	}
}

func trimTrace(s string) string {
	for _, suffix := range []string{".gz", ".json", ".trace", ".pt"} {
		if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
			s = s[:len(s)-len(suffix)]
		}
	}
	return s
}
