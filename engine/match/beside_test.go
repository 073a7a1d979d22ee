package match

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
)

// beside is a pattern of two chains in the notation of chain.
func beside(first, second string) *pattern {
	p, q := chain(first), chain(second)
	p.beside = len(p.steps)
	p.steps = append(p.steps, q.steps...)
	return p
}

func TestBeside(t *testing.T) {
	// Kernels start every 10 ns and run for 5; a letter stands at the same time in each line.
	for _, c := range []struct {
		name    string
		streams []string
		first   string
		second  string
		want    string
	}{
		{"at the same time", []string{"xabx", "xyzx"}, "a b", "y z", "1|2|5|6"},
		{"partly", []string{"abxx", "xyzx"}, "a b", "y z", "0|1|5|6"},
		{"not at the same time", []string{"abxx", "xxyz"}, "a b", "y z", ""},
		{"on one stream", []string{"aybz"}, "a", "y", ""},
		{"the second is required", []string{"abxx"}, "a b", "y z", ""},
		{"each pair once", []string{"aa", "yx"}, "a", "y", "0|2"},
		{"two pairs", []string{"axa", "yxy"}, "a", "y", "0|3; 2|5"},
		{"another step", []string{"a1", "y2"}, "a", "y", ""},
		{"the same step", []string{"a1", "y1"}, "a", "y", "0|1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := line(c.streams...)
			if got := show(newFinder(g).find(beside(c.first, c.second))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBesideOnAnotherDevice(t *testing.T) {
	g := line("a", "y")
	g.Streams[1].Device = 1
	if got := show(newFinder(g).find(beside("a", "y"))); got != "" {
		t.Errorf("kernels of two devices were paired: %q", got)
	}
}

// TestBesideAcrossAWait: a chain that crosses to another stream behind a recorded wait is on both
// streams, and what is on one of them is not beside it, itself least of all.
func TestBesideAcrossAWait(t *testing.T) {
	for _, c := range []struct {
		name    string
		streams []string
		from    int32
		to      int32
		first   string
		second  string
		want    string
	}{
		{"its own last kernel", []string{"ax", "xb"}, 0, 3, "a b", "b", ""},
		{"what is on the second stream", []string{"ax", "yb"}, 0, 3, "a b", "y", ""},
		{"what is on a third", []string{"ax", "xb", "yx"}, 0, 3, "a b", "y", "0|3|4"},
		{"a second chain that crosses to the first", []string{"xa", "yx"}, 2, 1, "a", "y a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := line(c.streams...)
			g.Waits = append(g.Waits, graph.Wait{From: c.from, To: c.to})
			if got := show(newFinder(g).find(beside(c.first, c.second))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestBesideOutsideEveryStep: what a thread without step annotations launched may run beside any
// step, and beside what is outside as well.
func TestBesideOutsideEveryStep(t *testing.T) {
	for _, outside := range [][]int32{{0}, {1}, {0, 1}} {
		g := line("a1", "y2")
		for _, k := range outside {
			g.Kernels[k].Step, g.Kernels[k].Stage = -1, 1
		}
		if got := show(newFinder(g).find(beside("a", "y"))); got != "0|1" {
			t.Errorf("kernels %v outside: got %q, want the pair", outside, got)
		}
	}
}

func TestBesideHasAWhere(t *testing.T) {
	g := line("a", "y", "y")
	p := beside("a", "y")
	p.where = func(b [][]int32) bool { return b[1][0] == 2 }
	if got := show(newFinder(g).find(p)); got != "0|2" {
		t.Errorf("got %q, want the second chain that where accepts", got)
	}
}

// TestBesideIsSound: every pair overlaps in time on two streams, and no window is in two pairs.
func TestBesideIsSound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		var streams []string
		for range 2 + r.IntN(3) {
			var s strings.Builder
			for range r.IntN(40) {
				s.WriteByte("abyzx"[r.IntN(5)])
			}
			streams = append(streams, s.String())
		}
		g := line(streams...)
		used := map[int32]bool{}
		for _, b := range newFinder(g).find(beside("a b", "y z")) {
			ks := b.kernels()
			from, to := max(g.Kernels[ks[0]].Ts, g.Kernels[ks[2]].Ts), min(g.Kernels[ks[1]].End(), g.Kernels[ks[3]].End())
			if from >= to || g.Kernels[ks[0]].Stream == g.Kernels[ks[2]].Stream {
				t.Fatalf("%v: the chains of %v do not meet", streams, ks)
			}
			for _, k := range ks {
				if used[k] {
					t.Fatalf("%v: kernel %d is in two pairs", streams, k)
				}
				used[k] = true
			}
		}
	}
}
