// Package profdir chooses traces in a profile directory: which of its files are traces, of which
// profile, rank and stage, by the names that the four engines and torch's own handler give them.
//
// It opens no trace, and knows neither graphs nor rules.
package profdir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
)

// maxFiles bounds how many directory entries are looked at for traces.
const maxFiles = 100_000

// File is a trace in a profile directory, as its name tells.
type File struct {
	Path  string
	Stage string // "" where the name tells none
	Rank  int64  // TP rank, or the global rank; -1 unknown
	Place string // data- and pipeline-parallel place, "DP-1 PP-0"; "" none
	TP    bool   // Rank is a tensor-parallel one

	profile string // what the files of one profile share
	other   int64  // sum of the DP, PP and EP ranks: 0 for the first of each
	merged  bool
	time    int64 // modification, ns
}

// Picked is what a directory gave.
type Picked struct {
	Files []File // one a stage, in order of stage
	Left  []string
}

// Pick chooses, in a profile directory, the traces of one rank of the newest profile: one
// a stage, a rank's own file before a merged one. rank -1 asks for the lowest there is.
func Pick(dir string, rank int64) (*Picked, error) {
	all, cand, best, err := newest(dir)
	if err != nil {
		return nil, err
	}
	if rank < 0 {
		rank = lowestRank(cand)
	}
	var have []string
	byStage := map[string]File{}
	for _, f := range cand {
		have = append(have, strconv.FormatInt(f.Rank, 10))
		if f.Rank != rank {
			continue
		}
		old, ok := byStage[f.Stage]
		if !ok || cmp.Or(cmp.Compare(old.other, f.other), cmp.Compare(f.time, old.time), cmp.Compare(f.Path, old.Path)) > 0 {
			byStage[f.Stage] = f
		}
	}
	if len(byStage) == 0 {
		slices.Sort(have)
		return nil, fmt.Errorf("%s: profile %q has no trace of rank %d; it has ranks %s", dir, best, rank, strings.Join(slices.Compact(have), ", "))
	}
	p := &Picked{}
	taken := map[string]bool{}
	for _, f := range byStage {
		p.Files = append(p.Files, f)
		taken[f.Path] = true
	}
	slices.SortFunc(p.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(stageOrder(a.Stage), stageOrder(b.Stage)), cmp.Compare(a.Path, b.Path))
	})
	for _, f := range all {
		if !taken[f.Path] {
			p.Left = append(p.Left, f.Path)
		}
	}
	return p, nil
}

// newest lists all traces of a directory and those of its newest profile, whose name it
// gives; a merged trace counts where there is nothing else.
func newest(dir string) (all, cand []File, best string, err error) {
	all, err = traceFiles(dir)
	if err != nil {
		return nil, nil, "", err
	}
	if len(all) == 0 {
		return nil, nil, "", fmt.Errorf("%s: no trace in this directory: expected files named *.trace.json, *.trace.json.gz, *.pt.trace.json.gz or *.json.gz", dir)
	}
	last := map[string]int64{}
	for _, f := range all {
		last[f.profile] = max(last[f.profile], f.time)
	}
	best = all[0].profile
	for _, f := range all {
		p := f.profile
		if c := cmp.Compare(last[p], last[best]); c > 0 || c == 0 && p > best {
			best = p
		}
	}
	for _, f := range all {
		if f.profile == best {
			cand = append(cand, f)
		}
	}
	if slices.ContainsFunc(cand, func(f File) bool { return !f.merged }) {
		cand = slices.DeleteFunc(cand, func(f File) bool { return f.merged })
	}
	return all, cand, best, nil
}

func lowestRank(files []File) int64 {
	low := files[0].Rank
	for _, f := range files {
		if f.Rank >= 0 && (low < 0 || f.Rank < low) {
			low = f.Rank
		}
	}
	return low
}

func stageOrder(s string) int {
	switch s {
	case graph.StageExtend:
		return 0
	case graph.StageMixed:
		return 1
	case graph.StageDecode:
		return 2
	}
	return 3
}

// traceFiles lists the traces in dir and in the folders right below it, sorted by path.
func traceFiles(dir string) ([]File, error) {
	var out []File
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if path == dir {
				return err
			}
			return nil // a file that went away, a folder that may not be read: not chosen
		}
		if seen++; seen > maxFiles {
			return fmt.Errorf("%s: more than %d files; name the traces instead", dir, maxFiles)
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			if strings.Count(filepath.ToSlash(rel), "/") >= 2 || rel != "." && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			if rel != "." && slices.Contains(captureFolders[:], d.Name()) {
				return filepath.SkipDir // they belong to the traces beside them: see besides
			}
			return nil
		}
		if !isTraceName(d.Name()) {
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return nil
		}
		f := parseTraceName(path)
		f.time = info.ModTime().UnixNano()
		out = append(out, f)
		return nil
	})
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such file or directory", dir)
		}
		return nil, err
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func isTraceName(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	base, ok := strings.CutSuffix(name, ".json")
	return ok && base != "server_args" && !strings.HasPrefix(base, "cuda_graph_capture-") && base != "config"
}

// parseTraceName reads what a file name tells. SGLang: [prefix-]id-TP-0[-DP-0][-PP-0][-EP-0]
// [-STAGE].trace.json.gz and merged-id.trace.json.gz; torch's own handler, as vLLM uses it:
// worker_rank0.1782843274.pt.trace.json.gz; TensorRT-LLM: trtllm-trace-time-hex-rank-0.json;
// TokenSpeed: id[-DP0][-CP0]-TP0[-STAGE].trace.json.gz.
func parseTraceName(path string) File {
	f := File{Path: path, Rank: -1, Stage: graph.StageFromPath(path)}
	base := filepath.Base(path)
	for _, s := range []string{".gz", ".zst", ".json", ".trace", ".pt"} {
		base = strings.TrimSuffix(base, s)
	}
	if rest, ok := strings.CutPrefix(base, "merged-"); ok {
		f.merged, base = true, rest
	}
	parts := strings.Split(base, "-")
	var keep []string
	for i := 0; i < len(parts); i++ {
		switch p := parts[i]; p {
		case "TP", "DP", "PP", "EP", "rank":
			if i+1 < len(parts) {
				if n, err := strconv.ParseInt(parts[i+1], 10, 32); err == nil {
					if p == "TP" || p == "rank" {
						f.Rank = n
					}
					if p != "TP" && p != "rank" {
						f.other += n
					}
					f.at(p, n)
					i++
					continue
				}
			}
		case "EXTEND", "DECODE", "prefill", "decode", "extend":
			if i == len(parts)-1 {
				continue
			}
		}
		keep = append(keep, parts[i])
	}
	if f.Rank < 0 {
		keep = f.tags(keep)
	}
	f.profile = strings.Join(keep, "-")
	if f.Rank < 0 {
		f.placeWords(f.profile)
		f.Rank, f.profile = rankWord(f.profile)
	}
	if graph.StageFromPath(filepath.Base(path)) == "" && f.Stage != "" {
		f.profile = "" // prefill/ and decode/ hold one profile under two ids
	}
	if f.merged {
		f.Rank = -1
	}
	return f
}

// tags reads TokenSpeed's tag off the end of a name's parts, [DP0-][CP0-]TP0, and gives the parts
// before it; a name that does not end with a tensor-parallel rank has none.
func (f *File) tags(parts []string) []string {
	rest := parts
	for first := true; len(rest) > 0; first = false {
		last := rest[len(rest)-1]
		if len(last) < 3 || !slices.Contains([]string{"TP", "CP", "DP"}, last[:2]) || first != (last[:2] == "TP") {
			break
		}
		n, err := strconv.ParseUint(last[2:], 10, 31)
		if err != nil {
			break
		}
		if first {
			f.Rank = int64(n)
		} else {
			f.other += int64(n)
		}
		f.at(last[:2], int64(n))
		rest = rest[:len(rest)-1]
	}
	return rest
}

// rankWord finds "rank0" as a word of a name such as dp0_pp0_tp0_ep0_rank0.178284 and
// takes it, and the time stamp that differs from rank to rank, out of the profile's name.
func rankWord(name string) (int64, string) {
	worker, _, _ := strings.Cut(name, ".")
	words := strings.FieldsFunc(worker, func(r rune) bool { return r == '_' || r == '-' })
	for _, w := range words {
		if d, ok := strings.CutPrefix(w, "rank"); ok {
			if n, err := strconv.ParseInt(d, 10, 32); err == nil {
				return n, "torch"
			}
		}
	}
	return -1, name
}
