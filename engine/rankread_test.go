package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sgrules/sgrules/engine/profdir"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/realtrace"
)

// The gate keeps to its places and its bound, and lets in what fits nowhere.
func TestGate(t *testing.T) {
	for _, c := range []struct {
		places int
		bound  int64
		needs  []int64
	}{
		{2, 100, []int64{10, 20, 30, 40, 50, 60}},
		{8, 100, []int64{60, 60, 60, 30, 30, 30}},
		{4, 10, []int64{50, 1, 50, 1, 50}},
		{0, 0, []int64{5, 5, 5}},
	} {
		g := newGate(c.places, c.bound)
		g.enter(c.bound / 2) // the reported rank, which stays
		g.stay()
		var mu sync.Mutex
		var wait sync.WaitGroup
		inside, used, most := 0, c.bound/2, 0
		for _, n := range c.needs {
			g.enter(n)
			mu.Lock()
			inside++
			used += n
			most = max(most, inside)
			if inside > max(c.places, 1) || inside > 1 && used > c.bound {
				t.Errorf("%+v: %d inside with %d bytes", c, inside, used)
			}
			mu.Unlock()
			wait.Go(func() {
				mu.Lock()
				inside--
				used -= n
				mu.Unlock()
				g.leave(n)
			})
		}
		wait.Wait()
		if most == 0 {
			t.Errorf("%+v: nothing got in", c)
		}
	}
}

func TestFirstError(t *testing.T) {
	broken := errors.New("broken")
	stopped := fmt.Errorf("reading: %w", context.Canceled)
	for _, c := range []struct {
		errs []error
		want error
	}{{nil, nil}, {[]error{nil, nil}, nil}, {[]error{stopped, nil, broken}, broken}, {[]error{nil, stopped}, stopped}} {
		if got := firstError(c.errs); got != c.want {
			t.Errorf("%v: %v, want %v", c.errs, got, c.want)
		}
	}
}

func ranksReport(t *testing.T, o Options) *report.Report {
	t.Helper()
	o.Catalog = func() (*Catalog, error) { return LoadCatalog(nil, false) }
	r, err := Analyze(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Waiting moves a finding down, and is in none of the bounds.
func TestWaitingInRows(t *testing.T) {
	dir := filepath.Join("..", "testdata", "golden", "traces", "four-ranks")
	alone := ranksReport(t, Options{Paths: []string{dir}, Rank: -1})
	r := ranksReport(t, Options{Paths: []string{dir}, Rank: -1, Ranks: profdir.RankSet{All: true}})
	if alone.Ranks != nil || r.Ranks == nil {
		t.Fatal("the part for ranks")
	}
	var stages, kernels, overlaps int64
	for i := range r.Stages {
		stages += r.Stages[i].Waiting
	}
	for i := range r.Kernels {
		kernels += r.Kernels[i].Waiting
	}
	for i := range r.Overlap {
		o := &r.Overlap[i]
		overlaps += o.Waiting
		if o.Matched == o.Launches && o.Transfer+o.Waiting != o.Time {
			t.Errorf("%s: %d transfer and %d waiting of %d", o.Label, o.Transfer, o.Waiting, o.Time)
		}
	}
	if w := r.Ranks.Rows[0].Waiting; w == 0 || stages != w || kernels != w || overlaps != w {
		t.Errorf("waiting %d, by stage %d, by kernel %d, in the overlap table %d", w, stages, kernels, overlaps)
	}
	for i := range r.Fuse {
		f := &r.Fuse[i]
		if i > 0 && f.Verdict == r.Fuse[i-1].Verdict && f.Worked() > r.Fuse[i-1].Worked() {
			t.Errorf("%s stands below %s with more work", f.Rule, r.Fuse[i-1].Rule)
		}
		for j := range alone.Fuse {
			if a := &alone.Fuse[j]; a.Rule == f.Rule && a.Stage == f.Stage && (f.Bound > a.Bound || f.Related() != a.Related()) {
				t.Errorf("%s: bound %d with the other ranks and %d without", f.Rule, f.Bound, a.Bound)
			}
		}
	}
	if !strings.Contains(r.Headline, "waiting for other ranks") || !strings.Contains(r.Headline, "straggler: rank 2") {
		t.Errorf("headline %q", r.Headline)
	}
}

// A trace of another rank that cannot be read is the error, also where the reading of the
// others was stopped by it.
func TestBrokenRank(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(filepath.Join("..", "testdata", "golden", "traces", "four-ranks", "1782843274.7730265-TP-0.trace.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		b := whole
		if i == 4 {
			b = []byte("words")
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("1-TP-%d.trace.json.gz", i)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err = Analyze(context.Background(), Options{Paths: []string{dir}, Rank: -1, Ranks: profdir.RankSet{All: true}, Catalog: func() (*Catalog, error) { return LoadCatalog(nil, false) }})
	if err == nil || !strings.Contains(err.Error(), "1-TP-4") {
		t.Errorf("error %v", err)
	}
}

// realWaits are counted independently of this program: calls by launch's step, name and
// order; the shorter of the two durations is the transfer. ns.
var realWaits = []struct {
	stage, symbol         string
	calls                 int
	transfer, zero, first int64 // waiting of rank 0 and of rank 1
}{
	{"extend", "all_reduce_two_shot_kernel", 776, 41_678_904, 44_650_016, 21_868_874},
	{"extend", "ncclDevKernel_AllGather", 8, 100_608, 2_749_515, 549_185},
	{"decode", "all_reduce_one_shot_push_kernel", 16, 67_968, 18_912, 2_590_212},
	{"decode", "flashinfer::trtllm_allreduce_fusion::allreduce_fusion_kernel_oneshot_lamport", 760, 5_523_506, 1_135_908, 1_156_539},
	{"decode", "ncclDevKernel_AllGather", 8, 232_256, 1_184, 9_792},
}

// realArrivals are counted in the same way.
var realArrivals = map[string]string{
	"extend": `784 calls, 37 ties, last 316 431, caused 22388840 47370700, straggler "1"`,
	"decode": `784 calls, 303 ties, last 256 225, caused 3675682 1094562, straggler "0"`,
}

func TestRealRanks(t *testing.T) {
	const name = "sglang-qwen3-30b-a3b-lora-gb300-tp4-TP-"
	r := ranksReport(t, Options{Paths: []string{realtrace.Path(t, name+"1"), realtrace.Path(t, name+"0")}, Rank: -1, Strict: true, Ranks: profdir.RankSet{All: true}})
	k := r.Ranks
	if k == nil || k.Reported != "0" || k.Read != 2 || k.World != 4 || len(k.Unmatched) != 0 || len(k.Collectives) != len(realWaits) {
		t.Fatalf("%+v", k)
	}
	for _, w := range realWaits {
		found := false
		for _, c := range k.Collectives {
			if c.Stage != w.stage || c.Symbol != w.symbol {
				continue
			}
			found = true
			if c.Calls != w.calls || c.Transfer != w.transfer || c.Waits[0].Waiting != w.zero || c.Waits[1].Waiting != w.first {
				t.Errorf("%s %s: %d calls, transfer %d, waiting %+v; want %+v", w.stage, w.symbol, c.Calls, c.Transfer, c.Waits, w)
			}
		}
		if !found {
			t.Errorf("%s %s is not in the table", w.stage, w.symbol)
		}
	}
	if r.Total != realtrace.GPUTime()[name+"0"] || k.Rows[1].Time != realtrace.GPUTime()[name+"1"] {
		t.Errorf("GPU time %d and %d", r.Total, k.Rows[1].Time)
	}
	arrivals := map[string]string{}
	for _, a := range k.Arrivals {
		arrivals[a.Stage] = fmt.Sprintf("%d calls, %d ties, last %d %d, caused %d %d, straggler %q", a.Calls, a.Ties, a.By[0].Last, a.By[1].Last, a.By[0].Caused, a.By[1].Caused, a.Straggler)
	}
	for stage, want := range realArrivals {
		if arrivals[stage] != want {
			t.Errorf("%s: %s, want %s", stage, arrivals[stage], want)
		}
	}
	agree := false
	for _, n := range k.Notes {
		agree = agree || strings.Contains(n, "15 of 15 intervals")
	}
	if !agree {
		t.Errorf("the intervals between the steps do not agree: %q", k.Notes)
	}
	// Of the chain that is 42 % of the GPU time, 42.9 ms of 99.9 were waiting.
	for i := range r.Fuse {
		if f := &r.Fuse[i]; f.Rule == "sglang-allreduce-rmsnorm-flashinfer" && f.Stage == "extend" {
			if f.Matched != 768 || f.Related() != 99_894_587 || f.Transfer+f.Waiting != 84_225_232 || f.Waiting != 42_927_737 {
				t.Errorf("%d matched, %d in the chains, %d in the collectives, %d waiting", f.Matched, f.Related(), f.Transfer+f.Waiting, f.Waiting)
			}
		}
	}
}
