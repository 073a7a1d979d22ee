package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// write builds a trace in the builder's notation at a path.
func write(t *testing.T, path, text string) {
	t.Helper()
	spec, err := tracebuild.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tracebuild.WriteFile(path, spec, tracebuild.Options{}); err != nil {
		t.Fatal(err)
	}
}

// formal is a run of one replayed step of a batch, on a rank; note is the step's name.
func formal(rank int, note string) string {
	return fmt.Sprintf("vendor: amd\nrank: %d\nworld: 2\ntrace:\n  - step: '%s'\n    of:\n    - graph: g\n      at: ['python/sglang/srt/model_executor/cuda_graph_runner.py::replay']\n      of: [{kernel: a, us: 5}, {kernel: b, us: 5}]\n", rank, note)
}

func capture(site string) string {
	return "vendor: amd\ntrace:\n  - capture: g\n    of: [{kernel: a, at: ['python/sglang/srt/models/" + site + ".py::forward']}, {kernel: b, at: ['python/sglang/srt/models/" + site + ".py::forward']}]\n"
}

// TestCapturesBeside: the server's own capture profile is found and used without being asked for, the one of
// the right rank and batch size.
func TestCapturesBeside(t *testing.T) {
	const dir1, dir2 = "capture_traces/", "graph_capture_profile/"
	for _, c := range []struct {
		name  string
		rank  int
		step  string
		files []string
		want  string // the file that was used
	}{
		{"of the batch size", 0, "step[DECODE bs=8]", []string{dir1 + "bs_4_rank0.json.gz", dir1 + "bs_8_rank0.json.gz", dir1 + "bs_16_rank0.json.gz"}, dir1 + "bs_8_rank0.json.gz"},
		{"a padded batch", 0, "step[DECODE bs=5]", []string{dir1 + "bs_4_rank0.json.gz", dir1 + "bs_8_rank0.json.gz", dir1 + "bs_16_rank0.json.gz"}, dir1 + "bs_8_rank0.json.gz"},
		{"of the rank", 1, "step[DECODE bs=8]", []string{dir1 + "bs_8_rank0.json.gz", dir1 + "bs_8_rank1.json.gz"}, dir1 + "bs_8_rank1.json.gz"},
		{"none of the rank", 1, "step[DECODE bs=8]", []string{dir1 + "bs_8_rank0.json.gz"}, ""},
		{"all are too small", 0, "step[DECODE bs=8]", []string{dir1 + "bs_1_rank0.json.gz", dir1 + "bs_4_rank0.json.gz"}, ""},
		{"a runner's name", 0, "step[DECODE bs=8]", []string{dir2 + "DecodeCudaGraphRunner_bs_8_rank0.json.gz"}, dir2 + "DecodeCudaGraphRunner_bs_8_rank0.json.gz"},
		{"one of all sizes", 0, "step[DECODE bs=8]", []string{dir2 + "cuda_graph_capture-DecodeCudaGraphRunner-TP-0.json.gz"}, dir2 + "cuda_graph_capture-DecodeCudaGraphRunner-TP-0.json.gz"},
		{"one size before all", 0, "step[DECODE bs=8]", []string{dir2 + "cuda_graph_capture-DecodeCudaGraphRunner-TP-0.json.gz", dir1 + "bs_8_rank0.json"}, dir1 + "bs_8_rank0.json"},
		{"no batch is known", 0, "work", []string{dir1 + "bs_4_rank0.json.gz", dir1 + "bs_8_rank0.json.gz"}, ""},
		{"no batch is known, and there is one", 0, "work", []string{dir1 + "bs_8_rank0.json.gz"}, dir1 + "bs_8_rank0.json.gz"},
		{"other files", 0, "step[DECODE bs=8]", []string{dir1 + "notes.json", dir1 + "bs_8_rank0.txt", "elsewhere/bs_8_rank0.json.gz"}, ""},
		{"vLLM's name", 0, "step[DECODE bs=8]", []string{dir1 + "graph_capture_rank_0.1782.pt.trace.json.gz"}, dir1 + "graph_capture_rank_0.1782.pt.trace.json.gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "decode.trace.json.gz")
			write(t, path, formal(c.rank, c.step))
			for i, f := range c.files {
				write(t, filepath.Join(dir, filepath.FromSlash(f)), capture(fmt.Sprintf("model_%d", i)))
			}
			r, err := Analyze(context.Background(), Options{Paths: []string{path}, Rank: -1, Catalog: func() (*Catalog, error) { return LoadCatalog(nil, false) }})
			if err != nil {
				t.Fatal(err)
			}
			used, site := "", -1
			for _, tr := range r.Traces {
				if tr.Role == "mapping" {
					rel, err := filepath.Rel(dir, tr.Path)
					if err != nil {
						t.Fatal(err)
					}
					used = filepath.ToSlash(rel)
				}
			}
			for i, f := range c.files {
				if f == used {
					site = i
				}
			}
			if used != c.want {
				t.Fatalf("used %q, want %q", used, c.want)
			}
			checkSite(t, r, site)
		})
	}
}

// checkSite wants every replayed kernel at the model's line of capture number site, or at the replay for -1.
func checkSite(t *testing.T, r *report.Report, site int) {
	t.Helper()
	want, method := fmt.Sprintf("python/sglang/srt/models/model_%d.py", site), "aligned"
	if site < 0 {
		want, method = "python/sglang/srt/model_executor/cuda_graph_runner.py", "replay"
	}
	for _, k := range r.Kernels {
		if k.Sites[0].Path != want || k.Sites[0].Method != method {
			t.Errorf("%s at %s by %s, want %s by %s", k.Label, k.Sites[0].Path, k.Sites[0].Method, want, method)
		}
	}
	if len(r.Kernels) != 2 {
		t.Errorf("%d kernels, want 2", len(r.Kernels))
	}
}
