// Package realtrace finds the recorded traces that tests use where they are present.
// They are not part of the repository: a folder ../shared/traces beside the checkout
// holds them on the machines that have them.
package realtrace

import (
	"os"
	"path/filepath"
	"testing"
)

// Root is the top folder of the repository, found from the test's own folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

// Path gives a recorded trace by name without its suffix, or skips the test, saying so.
func Path(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(Root(t), "..", "shared", "traces")
	for _, suffix := range []string{".trace.json.gz", ".pt.trace.json.gz"} {
		p := filepath.Join(dir, name+suffix)
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skipf("SKIPPED: recorded trace %s is not in %s; what it would show is not tested", name, dir)
	return ""
}

// Names lists the recorded traces this project knows, without their suffix.
func Names() []string {
	return []string{
		"alexnet-a100", "event-sync-multi-stream", "hf-qwen1.5-0.5b-h100", "mi210-gpu-only", "minitoy-mi250",
		"nccl-train", "resnet50-old-schema", "sglang-dense32-b300-TP-0-DECODE",
		"sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-0", "sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-1",
		"sglang-qwen3-30b-a3b-mi300x-TP-0-DECODE", "sglang-qwen3-8b-mi300x-decode-capture",
		"sglang-qwen3-8b-mi300x-decode-graph", "sglang-qwen3-8b-mi300x-prefill-eager",
		"torch-compile-triton", "vllm-gpt-oss-mi300-piecewise-capture", "vllm-gpt-oss-mi300-piecewise-graph",
	}
}

// GPUTime is the time of the kernels, copies and sets of recorded traces by name, ns, counted
// independently of this project's code.
func GPUTime() map[string]int64 {
	return map[string]int64{
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
}
