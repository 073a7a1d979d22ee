package profdir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// profileDir makes a directory of empty files, each a second newer than the one before.
func profileDir(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, n := range names {
		p := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(1_700_000_000+i), 0)
		if err := os.Chtimes(p, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPick(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		rank  int64
		want  string // picked, or the error's text
	}{
		{"one a stage, rank 0", []string{"17.5-TP-0-EXTEND.trace.json.gz", "17.5-TP-1-EXTEND.trace.json.gz", "17.5-TP-0-DECODE.trace.json.gz", "server_args.json"}, -1,
			"17.5-TP-0-EXTEND.trace.json.gz 17.5-TP-0-DECODE.trace.json.gz"},
		{"another rank", []string{"17.5-TP-0-DECODE.trace.json.gz", "17.5-TP-1-DECODE.trace.json.gz"}, 1, "17.5-TP-1-DECODE.trace.json.gz"},
		{"a rank there is not", []string{"17.5-TP-0-DECODE.trace.json.gz", "17.5-TP-2-DECODE.trace.json.gz"}, 1, "no trace of rank 1; it has ranks 0, 2"},
		{"the newest profile", []string{"18.5-TP-0.trace.json.gz", "17.5-TP-0.trace.json.gz"}, -1, "17.5-TP-0.trace.json.gz"},
		{"a rank before a merged file", []string{"17.5-TP-0.trace.json.gz", "merged-17.5.trace.json.gz"}, -1, "17.5-TP-0.trace.json.gz"},
		{"a merged file where there is nothing else", []string{"merged-17.5.trace.json.gz"}, -1, "merged-17.5.trace.json.gz"},
		{"the first data-parallel replica", []string{"17.5-TP-0-DP-1-EP-0.trace.json.gz", "17.5-TP-0-DP-0-EP-0.trace.json.gz", "17.5-TP-0-DP-2-EP-0.trace.json.gz"}, -1,
			"17.5-TP-0-DP-0-EP-0.trace.json.gz"},
		{"a prefix", []string{"mine-17.5-TP-0-DECODE.trace.json.gz", "mine-17.5-TP-0-EXTEND.trace.json.gz"}, -1,
			"mine-17.5-TP-0-EXTEND.trace.json.gz mine-17.5-TP-0-DECODE.trace.json.gz"},
		{"folders by stage with ids of their own", []string{"prefill/17.5-TP-0.trace.json.gz", "decode/18.5-TP-0.trace.json.gz"}, -1,
			"prefill/17.5-TP-0.trace.json.gz decode/18.5-TP-0.trace.json.gz"},
		{"vLLM's names", []string{"dp0_pp0_tp0_dcp0_ep0_rank0.1782.pt.trace.json.gz", "dp0_pp0_tp1_dcp0_ep1_rank1.1783.pt.trace.json.gz"}, -1,
			"dp0_pp0_tp0_dcp0_ep0_rank0.1782.pt.trace.json.gz"},
		{"TensorRT-LLM's names", []string{"trtllm-trace-1782-deadbeef-rank-0.json", "trtllm-trace-1782-deadbeef-rank-1.json"}, 1, "trtllm-trace-1782-deadbeef-rank-1.json"},
		{"TokenSpeed's names", []string{"20260827-120000-DP1-TP0-DECODE.trace.json.gz", "20260827-120000-DP0-TP0-DECODE.trace.json.gz", "20260827-120000-DP0-TP1-DECODE.trace.json.gz",
			"20260827-120000-DP0-TP0-EXTEND.trace.json.gz"}, -1, "20260827-120000-DP0-TP0-EXTEND.trace.json.gz 20260827-120000-DP0-TP0-DECODE.trace.json.gz"},
		{"a prefix that looks like a rank", []string{"TP4-17.5-TP-0.trace.json.gz", "TP4-17.5-TP-1.trace.json.gz"}, 1, "TP4-17.5-TP-1.trace.json.gz"},
		{"torch's names without a worker", []string{"rank0.1782.pt.trace.json.gz", "rank1.1783.pt.trace.json.gz"}, 1, "rank1.1783.pt.trace.json.gz"},
		{"captures belong to the trace beside them", []string{"17.5-TP-0-DECODE.trace.json.gz", "capture_traces/bs_8_rank0.json.gz", "graph_capture_profile/cuda_graph_capture-X-TP-0.json.gz"}, -1,
			"17.5-TP-0-DECODE.trace.json.gz"},
		{"nothing", []string{"readme.txt", "server_args.json"}, -1, "no trace in this directory"},
		{"hidden folders are not looked into", []string{".cache/17.5-TP-0.trace.json.gz"}, -1, "no trace in this directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := profileDir(t, c.files...)
			p, err := Pick(dir, c.rank)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q, want %q", err, c.want)
				}
				return
			}
			var got []string
			for _, f := range p.Files {
				rel, err := filepath.Rel(dir, f.Path)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, filepath.ToSlash(rel))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("picked %s, want %s", s, c.want)
			}
			traces := 0
			for _, f := range c.files {
				if folder, _, _ := strings.Cut(f, "/"); isTraceName(filepath.Base(f)) && !strings.HasPrefix(f, ".") && !slices.Contains(captureFolders[:], folder) {
					traces++
				}
			}
			if len(p.Files)+len(p.Left) != traces {
				t.Errorf("picked %d and left %d of %d", len(p.Files), len(p.Left), traces)
			}
		})
	}
}
