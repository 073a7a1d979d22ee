package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sgrules/sgrules/engine/tracebuild"
)

// generated writes n rules of the usual shape whose kernels occur in no trace.
func generated(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "fuse"), 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		text := fmt.Sprintf(`id: made-%04d
kind: fuse
title: Generated rule %d
origin: sglang
status: mainline
domain: llm
sources: ["sglang@0000000:a/b.py::c"]
applies: run.framework == "sglang"
fused:
  - k.symbol == "fused_made_%d"
split:
  - chain:
      - {as: a, match: 'k.symbol in ["first_made_%d", "first_made_%d_v2"] && k.at("python/sglang/srt/models/made_%d.py", "forward")'}
      - {as: b, match: k.symbol == "second_made_%d", skip: k.family == "copy"}
      - {as: c, match: 'k.family == "norm" && k.at("python/sglang/srt/models/made_%d.py", "forward")'}
path: one kernel does the work
conclude: it is missing
`, i, i, i, i, i, i, i, i)
		if err := os.WriteFile(filepath.Join(dir, "fuse", fmt.Sprintf("made-%04d.yaml", i)), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// synthetic writes a trace of 60 MB of JSON, gzipped.
func synthetic(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "t.json.gz")
	spec, err := tracebuild.Synthetic(tracebuild.Size{Bytes: 60_000_000}, tracebuild.Options{Style: tracebuild.Compact})
	if err != nil {
		b.Fatal(err)
	}
	if err := tracebuild.WriteFile(path, spec, tracebuild.Options{Style: tracebuild.Compact}); err != nil {
		b.Fatal(err)
	}
	return path
}

// first are the rules of the first release.
var first = []string{"sglang-act-quant", "sglang-activation-and-mul", "sglang-add-rmsnorm", "sglang-allreduce-rmsnorm-aiter",
	"sglang-allreduce-rmsnorm-flashinfer", "sglang-fused-moe-experts", "sglang-inplace-qk-norm", "sglang-moe-grouped-topk-gate",
	"sglang-qk-norm-rope", "sglang-qk-rope-reshape-cache", "sglang-rmsnorm-quant", "sglang-rope-kv-store", "vllm-allreduce-rmsnorm"}

// BenchmarkRules analyses one trace with the first rules, with all, and with a thousand more:
// what a rule costs that the trace does not need.
func BenchmarkRules(b *testing.B) {
	path := synthetic(b)
	more := generated(b, 1000)
	for _, c := range []struct {
		name string
		dirs []string
		only []string
	}{{"first", nil, first}, {"all", nil, nil}, {"all+1000", []string{more}, nil}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				load := func() (*Catalog, error) {
					cat, err := LoadCatalog(c.dirs, false)
					if err == nil && c.only != nil {
						cat.Rules = cat.Rules.Only(c.only...)
					}
					return cat, err
				}
				if _, err := Analyze(context.Background(), Options{Paths: []string{path}, Rank: -1, Catalog: load}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNotes is what the notes cost an analysis: the same trace with and without them, and
// with a thousand more rules, of which the trace has nothing.
func BenchmarkNotes(b *testing.B) {
	path := synthetic(b)
	more := generated(b, 1000)
	for _, c := range []struct {
		name string
		dirs []string
		off  bool
	}{{"off", nil, true}, {"on", nil, false}, {"on+1000", []string{more}, false}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				load := func() (*Catalog, error) { return LoadCatalog(c.dirs, false) }
				if _, err := Analyze(context.Background(), Options{Paths: []string{path}, Rank: -1, NoNotes: c.off, Catalog: load}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNote is the search for notes alone, on the graph of a built trace.
func BenchmarkNote(b *testing.B) {
	path := synthetic(b)
	load := func() (*Catalog, error) { return LoadCatalog(nil, false) }
	p, err := analyzeOne(context.Background(), Options{Paths: []string{path}, Rank: -1, memory: newBudget(0)}, load, path, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := p.note(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(p.graph.Kernels)), "kernels")
}
