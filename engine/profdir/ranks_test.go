package profdir

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPickRanks(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		set   string
		lead  int64
		want  string // rank: files of each, or the error's text
	}{
		{"all, one a stage", []string{"17.5-TP-1-EXTEND.trace.json.gz", "17.5-TP-0-DECODE.trace.json.gz", "17.5-TP-1-DECODE.trace.json.gz", "17.5-TP-0-EXTEND.trace.json.gz"}, "all", -1,
			"0: 17.5-TP-0-EXTEND.trace.json.gz 17.5-TP-0-DECODE.trace.json.gz; 1: 17.5-TP-1-EXTEND.trace.json.gz 17.5-TP-1-DECODE.trace.json.gz"},
		{"some, led by another", []string{"17.5-TP-0.trace.json.gz", "17.5-TP-1.trace.json.gz", "17.5-TP-2.trace.json.gz"}, "0,2", 2,
			"2: 17.5-TP-2.trace.json.gz; 0: 17.5-TP-0.trace.json.gz"},
		{"pipeline stages", []string{"17.5-TP-0-PP-1.trace.json.gz", "17.5-TP-0-PP-0.trace.json.gz", "17.5-TP-1-PP-0.trace.json.gz"}, "all", -1,
			"0 PP-0: 17.5-TP-0-PP-0.trace.json.gz; 0 PP-1: 17.5-TP-0-PP-1.trace.json.gz; 1 PP-0: 17.5-TP-1-PP-0.trace.json.gz"},
		{"expert ranks are no place of their own", []string{"17.5-TP-0-DP-0-EP-0.trace.json.gz", "17.5-TP-1-DP-0-EP-1.trace.json.gz"}, "all", -1,
			"0: 17.5-TP-0-DP-0-EP-0.trace.json.gz; 1: 17.5-TP-1-DP-0-EP-1.trace.json.gz"},
		{"the newest profile only", []string{"18.5-TP-0.trace.json.gz", "18.5-TP-1.trace.json.gz", "17.5-TP-0.trace.json.gz"}, "all", -1, "0: 17.5-TP-0.trace.json.gz"},
		{"vLLM's names", []string{"dp1_pp0_tp0_dcp0_ep0_rank1.1783.pt.trace.json.gz", "dp0_pp0_tp0_dcp0_ep0_rank0.1782.pt.trace.json.gz"}, "all", -1,
			"0 DP-0 PP-0: dp0_pp0_tp0_dcp0_ep0_rank0.1782.pt.trace.json.gz; 1 DP-1 PP-0: dp1_pp0_tp0_dcp0_ep0_rank1.1783.pt.trace.json.gz"},
		{"merged", []string{"merged-17.5.trace.json.gz"}, "all", -1, "trace 1: merged-17.5.trace.json.gz"},
		{"a rank there is not", []string{"17.5-TP-0.trace.json.gz", "17.5-TP-2.trace.json.gz"}, "0,1", -1, "there is no trace of rank 1; there are ranks 0, 2"},
		{"a lead outside the set", []string{"17.5-TP-0.trace.json.gz", "17.5-TP-2.trace.json.gz"}, "0", 2, "must be one of --ranks"},
		{"nothing", []string{"readme.txt"}, "all", -1, "no trace in this directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := profileDir(t, c.files...)
			set, err := ParseRanks(c.set)
			if err != nil {
				t.Fatal(err)
			}
			ranks, left, err := PickRanks([]string{dir}, set, c.lead)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q, want %q", err, c.want)
				}
				return
			}
			var got []string
			n := 0
			for _, r := range ranks {
				var names []string
				for _, f := range r.Files {
					names = append(names, filepath.Base(f.Path))
					n++
				}
				got = append(got, r.Name+": "+strings.Join(names, " "))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
			if n+len(left) != len(c.files) {
				t.Errorf("%d chosen and %d left of %d", n, len(left), len(c.files))
			}
		})
	}
}

func TestParseRanks(t *testing.T) {
	for s, want := range map[string]RankSet{"": {}, "all": {All: true}, "0,2, 2": {IDs: []int64{0, 2}}, "3": {IDs: []int64{3}}} {
		got, err := ParseRanks(s)
		if err != nil || got.All != want.All || !slices.Equal(got.IDs, want.IDs) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
		if got.None() != (s == "") {
			t.Errorf("%q: none is %v", s, got.None())
		}
	}
	for _, s := range []string{"every", "-1", "0,", "1-3", "99999999999"} {
		if got, err := ParseRanks(s); err == nil {
			t.Errorf("%q gave %+v", s, got)
		}
	}
}
