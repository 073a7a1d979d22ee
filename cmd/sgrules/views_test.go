package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGoldenViews holds the tables by step and by layer and the timeline of built traces against
// testdata/golden/reports.
func TestGoldenViews(t *testing.T) {
	traces := filepath.Join("testdata", "golden", "traces")
	for name, args := range map[string][]string{
		"host-bound-by-step.txt":       {"--per", "step", "--timeline", "sglang-decode-host-bound.trace.json.gz"},
		"host-bound-by-step.md":        {"--per", "step", "--timeline", "--format", "markdown", "sglang-decode-host-bound.trace.json.gz"},
		"host-bound-by-layer.txt":      {"--per", "layer", "--min-share", "0.5", "sglang-decode-host-bound.trace.json.gz"},
		"host-bound-by-layer.md":       {"--per", "layer", "--format", "markdown", "sglang-decode-host-bound.trace.json.gz"},
		"host-bound-by-layer.json":     {"--per", "layer", "--timeline", "--format", "json", "sglang-decode-host-bound.trace.json.gz"},
		"moe-tp4-by-layer.txt":         {"--per", "layer", "--timeline", "--width", "80", "sglang-moe-tp4-nvidia.trace.json.gz"},
		"four-ranks-by-layer.txt":      {"--per", "layer", "--ranks", "all", "four-ranks"},
		"gpu-only-by-layer.txt":        {"--per", "layer", "--timeline", "gpu-only.trace.json"},
		"train-nccl-by-step.txt":       {"--per", "step", "--timeline", "--wide", "train-nccl.trace.json.gz"},
		"dense-decode-amd-by-step.txt": {"--per", "step", "--timeline", "sglang-dense-decode-graph-amd.trace.json.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			last := len(args) - 1
			got := analyze(t, append(append([]string(nil), args[:last]...), filepath.ToSlash(filepath.Join(traces, args[last])))...)
			file := filepath.Join("testdata", "golden", "reports", name)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s (go test ./cmd/sgrules -update, then read the difference):\n%s", file, got)
			}
		})
	}
}
