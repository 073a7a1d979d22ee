package profdir

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// captureFolders are where servers put the profiles of their graph captures.
var captureFolders = [...]string{"capture_traces", "graph_capture_profile"}

// Capture is the profile of a graph capture, as its name tells.
type Capture struct {
	Path string
	Size int // batch size; 0 holds all
	Rank int64
}

// Captures lists the capture profiles beside the traces of a folder, by folder and name: files such as
// bs_32_rank0.json.gz, DecodeCudaGraphRunner_bs_32_rank0.json.gz and
// cuda_graph_capture-…-TP-0.json.gz.
func Captures(dir string) []Capture {
	var out []Capture
	for _, folder := range captureFolders {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			continue // mostly there is none
		}
		for _, e := range entries {
			name := e.Name()
			if !e.Type().IsRegular() || !strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".json") {
				continue
			}
			if size, rank, ok := captureFile(name); ok {
				out = append(out, Capture{Path: filepath.Join(dir, folder, name), Size: size, Rank: rank})
			}
		}
	}
	return out
}

// captureFile reads the batch size (0: all of them) and rank from a capture profile's name.
func captureFile(name string) (size int, rank int64, ok bool) {
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".json")
	if rest, found := strings.CutPrefix(base, "cuda_graph_capture-"); found {
		_, tp, found := strings.Cut(rest, "-TP-")
		n, err := strconv.ParseInt(tp, 10, 32)
		return 0, n, found && err == nil
	}
	if rest, found := strings.CutPrefix(base, "graph_capture_rank_"); found { // vLLM, patched
		n, _, _ := strings.Cut(rest, ".")
		r, err := strconv.ParseInt(n, 10, 32)
		return 0, r, err == nil
	}
	i := strings.LastIndex("_"+base, "_bs_")
	if i < 0 {
		return 0, 0, false
	}
	bs, after, found := strings.Cut(base[i+len("bs_"):], "_rank")
	n, err1 := strconv.Atoi(bs)
	r, err2 := strconv.ParseInt(after, 10, 32)
	return n, r, found && err1 == nil && err2 == nil && n > 0
}
