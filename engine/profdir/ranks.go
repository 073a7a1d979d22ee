package profdir

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
)

// RankSet chooses the ranks of a run that are compared. The zero value compares none.
type RankSet struct {
	All bool
	IDs []int64 // TP ranks, or global ranks where the file names give these
}

// ParseRanks reads "all" or a list of ranks: 0,2. "" is the zero value.
func ParseRanks(s string) (RankSet, error) {
	switch s {
	case "":
		return RankSet{}, nil
	case "all":
		return RankSet{All: true}, nil
	}
	var out RankSet
	for _, w := range strings.Split(s, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(w), 10, 32)
		if err != nil || n < 0 {
			return RankSet{}, fmt.Errorf("%q: expected all, or ranks from 0 with commas between them: 0,2", s)
		}
		if !slices.Contains(out.IDs, n) {
			out.IDs = append(out.IDs, n)
		}
	}
	return out, nil
}

// None tells that no ranks are compared.
func (s RankSet) None() bool { return !s.All && len(s.IDs) == 0 }

func (s RankSet) has(rank int64) bool { return s.All || slices.Contains(s.IDs, rank) }

// Rank has the traces of one rank, one a stage, in order of stage.
type Rank struct {
	Name  string // "0", "0 DP-1"; of a rank that no name gives, "trace 2"
	ID    int64  // -1 unknown
	Files []File
}

// at notes one of the places that a file name gives.
func (f *File) at(kind string, n int64) {
	switch kind {
	case "TP":
		f.TP = true
	case "DP", "PP":
		if f.Place != "" {
			f.Place += " "
		}
		f.Place += fmt.Sprintf("%s-%d", kind, n)
	}
}

// placeWords reads the places in a name such as dp0_pp0_tp0_dcp0_ep0_rank0.178284. A place
// is one of several only if some rank has another: zero is kept, as it separates from those.
func (f *File) placeWords(name string) {
	worker, _, _ := strings.Cut(name, ".")
	for _, w := range strings.FieldsFunc(worker, func(r rune) bool { return r == '_' || r == '-' }) {
		for _, kind := range []string{"tp", "dp", "pp"} {
			if d, ok := strings.CutPrefix(w, kind); ok {
				if n, err := strconv.ParseInt(d, 10, 32); err == nil && n >= 0 {
					f.at(strings.ToUpper(kind), n)
				}
			}
		}
	}
}

// PickRanks chooses the traces of the ranks to compare, in a profile directory or among
// the files named. The first rank is the one to report on: lead, or the lowest for -1.
func PickRanks(paths []string, set RankSet, lead int64) (ranks []Rank, left []string, err error) {
	if err := Distinct(paths); err != nil {
		return nil, nil, err
	}
	var cand []File
	dir := ""
	for _, p := range paths {
		if p == "-" {
			return nil, nil, fmt.Errorf("--ranks reads files; standard input is one trace of one rank")
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, nil, diag.Expecting(err, "a trace file or a profile directory")
		}
		if !info.IsDir() {
			cand = append(cand, parseTraceName(p))
			continue
		}
		if len(paths) > 1 {
			return nil, nil, fmt.Errorf("%s: a profile directory must be the only argument", p)
		}
		dir = p
	}
	all := cand
	if dir != "" {
		if all, cand, _, err = newest(dir); err != nil {
			return nil, nil, err
		}
	}
	ranks, err = byRank(cand, dir == "")
	if err != nil {
		return nil, nil, err
	}
	if ranks, err = choose(ranks, set, lead); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", strings.Join(paths, " "), err)
	}
	taken := map[string]bool{}
	for _, r := range ranks {
		for _, f := range r.Files {
			taken[f.Path] = true
		}
	}
	for _, f := range all {
		if !taken[f.Path] {
			left = append(left, f.Path)
		}
	}
	return ranks, left, nil
}

// byRank gathers the files of each rank. Of two files of one rank and stage the newer is
// taken; of files that the caller named, both cannot be meant.
func byRank(cand []File, named bool) ([]Rank, error) {
	byName := map[string]*Rank{}
	var order []string
	for i, f := range cand {
		name := strings.TrimSpace(fmt.Sprintf("%d %s", f.Rank, f.Place))
		if f.Rank < 0 {
			name = fmt.Sprintf("trace %d", i+1)
		}
		r := byName[name]
		if r == nil {
			r = &Rank{Name: name, ID: f.Rank}
			byName[name] = r
			order = append(order, name)
		}
		same := slices.IndexFunc(r.Files, func(x File) bool { return x.Stage == f.Stage })
		switch {
		case same < 0:
			r.Files = append(r.Files, f)
		case named:
			return nil, fmt.Errorf("%s and %s: both are rank %s by their names; with --ranks each trace is of another rank or stage", r.Files[same].Path, f.Path, name)
		default:
			old := r.Files[same]
			if cmp.Or(cmp.Compare(old.other, f.other), cmp.Compare(f.time, old.time), cmp.Compare(f.Path, old.Path)) > 0 {
				r.Files[same] = f
			}
		}
	}
	out := make([]Rank, 0, len(order))
	onePlace := !slices.ContainsFunc(cand, func(f File) bool { return f.Place != cand[0].Place })
	for _, name := range order {
		r := byName[name]
		if onePlace && r.ID >= 0 {
			r.Name = strconv.FormatInt(r.ID, 10)
		}
		slices.SortFunc(r.Files, func(a, b File) int {
			return cmp.Or(cmp.Compare(stageOrder(a.Stage), stageOrder(b.Stage)), cmp.Compare(a.Path, b.Path))
		})
		out = append(out, *r)
	}
	slices.SortStableFunc(out, func(a, b Rank) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Files[0].other, b.Files[0].other), cmp.Compare(a.Files[0].Place, b.Files[0].Place))
	})
	return out, nil
}

// choose keeps the ranks of the set and puts the lead first.
func choose(ranks []Rank, set RankSet, lead int64) ([]Rank, error) {
	have := make([]string, 0, len(ranks))
	for _, r := range ranks {
		have = append(have, r.Name)
	}
	for _, id := range set.IDs {
		if !slices.ContainsFunc(ranks, func(r Rank) bool { return r.ID >= 0 }) {
			return nil, fmt.Errorf("no file name tells a rank, as in 1700000000-TP-%d.trace.json.gz, so rank %d cannot be chosen; expected --ranks all", id, id)
		}
		if !slices.ContainsFunc(ranks, func(r Rank) bool { return r.ID == id }) {
			return nil, fmt.Errorf("there is no trace of rank %d; there are ranks %s", id, strings.Join(have, ", "))
		}
	}
	ranks = slices.DeleteFunc(ranks, func(r Rank) bool { return !set.has(r.ID) })
	if lead >= 0 {
		i := slices.IndexFunc(ranks, func(r Rank) bool { return r.ID == lead })
		if i < 0 {
			return nil, fmt.Errorf("--rank %d is the rank to report on and must be one of --ranks", lead)
		}
		first := ranks[i]
		ranks = append([]Rank{first}, slices.Delete(ranks, i, i+1)...)
	}
	return ranks, nil
}

// Distinct refuses a trace that is named twice: its time would be counted twice.
func Distinct(paths []string) error {
	var seen []os.FileInfo
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			info = nil // standard input, or what reading it will tell
		}
		for j, s := range seen {
			if p == paths[j] || s != nil && info != nil && os.SameFile(s, info) {
				return fmt.Errorf("%s: the same trace as %s, expected each trace once", p, paths[j])
			}
		}
		seen = append(seen, info)
	}
	return nil
}
