package overlap

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
)

// made is a graph of kernels on streams, which is all that Sweep looks at.
func made(kernels ...graph.Kernel) *graph.Graph {
	g := &graph.Graph{Kernels: kernels}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		for len(g.Streams) <= int(k.Stream) {
			g.Streams = append(g.Streams, graph.Stream{ID: int64(len(g.Streams))})
		}
		s := &g.Streams[k.Stream]
		s.Kernels = append(s.Kernels, int32(i))
		s.Time += k.Dur
	}
	return g
}

func kernel(stream int32, ts, dur int64) graph.Kernel {
	return graph.Kernel{Stream: stream, Ts: ts, Dur: dur}
}

// brute looks at every nanosecond.
func brute(g *graph.Graph, work func(int32) Work) (exposed, hidden, compute []int64) {
	n := len(g.Kernels)
	exposed, hidden, compute = make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range g.Kernels {
		k := &g.Kernels[i]
		for ts := k.Ts; ts < k.End(); ts++ {
			any, comp := false, false
			for j := range g.Kernels {
				o := &g.Kernels[j]
				if o.Stream != k.Stream && o.Ts <= ts && ts < o.End() {
					any = true
					comp = comp || work(int32(j)) == Compute
				}
			}
			if any {
				hidden[i]++
			} else {
				exposed[i]++
			}
			if comp {
				compute[i]++
			}
		}
	}
	return exposed, hidden, compute
}

func TestSweepAgreesWithBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	for round := range 400 {
		var ks []graph.Kernel
		streams := 1 + r.IntN(4)
		for range 1 + r.IntN(14) {
			ks = append(ks, kernel(int32(r.IntN(streams)), int64(r.IntN(60)), int64(r.IntN(25))))
		}
		g := made(ks...)
		kind := make([]Work, len(ks))
		for i := range kind {
			kind[i] = Work(r.IntN(3))
		}
		work := func(k int32) Work { return kind[k] }
		got := Sweep(g, work)
		exposed, hidden, compute := brute(g, work)
		for i := range ks {
			if got.Exposed[i] != exposed[i] || got.Hidden[i] != hidden[i] || got.HiddenCompute[i] != compute[i] {
				t.Fatalf("round %d kernel %d of %+v (work %v): got exposed %d hidden %d compute %d, want %d %d %d", round, i, ks, kind,
					got.Exposed[i], got.Hidden[i], got.HiddenCompute[i], exposed[i], hidden[i], compute[i])
			}
			if got.Exposed[i]+got.Hidden[i] != ks[i].Dur {
				t.Fatalf("round %d kernel %d: exposed and hidden do not add up to the duration", round, i)
			}
		}
	}
}

func TestDeviceLoad(t *testing.T) {
	// Stream 1 ran one kernel long before; stream 0 is busy 30 of its 40 ns, with 5 ns of
	// the gap covered by stream 1.
	g := made(kernel(0, 1000, 10), kernel(0, 1020, 20), kernel(1, 0, 7), kernel(1, 1012, 5))
	d := Sweep(g, func(int32) Work { return Compute }).Devices[0]
	if d.Span() != 1040 || d.Busy != 42 || d.Idle() != 998 {
		t.Errorf("span %d busy %d idle %d, want 1040, 42, 998", d.Span(), d.Busy, d.Idle())
	}
	if d.Main != 0 || d.Window != 40 || d.WindowBusy != 35 {
		t.Errorf("main %d window %d busy %d, want 0, 40, 35", d.Main, d.Window, d.WindowBusy)
	}
}

func TestDevicesAreApart(t *testing.T) {
	g := made(kernel(0, 0, 10), kernel(1, 0, 10))
	g.Streams[1].Device = 1
	got := Sweep(g, func(int32) Work { return Compute })
	if len(got.Devices) != 2 || got.Hidden[0] != 0 || got.Hidden[1] != 0 {
		t.Errorf("work of another device hides nothing: %+v", got)
	}
}

func BenchmarkSweep(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var ks []graph.Kernel
	for s := range int32(8) {
		ts := int64(0)
		for range 12_500 {
			ts += int64(r.IntN(500))
			ks = append(ks, kernel(s, ts, int64(r.IntN(5000))))
			ts += ks[len(ks)-1].Dur
		}
	}
	g := made(ks...)
	b.ReportAllocs()
	for b.Loop() {
		Sweep(g, func(k int32) Work { return Work(k % 3) })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ks)), "ns/kernel")
}

// TestGapsAreTheIdleTime: the gaps of a device last together as long as its window is idle,
// and nothing runs in them.
func TestGapsAreTheIdleTime(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 17))
	for round := range 600 {
		var ks []graph.Kernel
		streams := 1 + r.IntN(4)
		for range 1 + r.IntN(10) {
			ks = append(ks, kernel(int32(r.IntN(streams)), int64(r.IntN(90)), int64(r.IntN(12))))
		}
		for s := range streams { // a stream has no gaps in its numbers
			ks = append(ks, kernel(int32(s), int64(r.IntN(90)), int64(r.IntN(12))))
		}
		slices.SortStableFunc(ks, func(a, b graph.Kernel) int { return cmp.Compare(a.Ts, b.Ts) })
		g := made(ks...)
		for _, d := range Sweep(g, func(int32) Work { return Compute }).Devices {
			var sum, prev int64
			prev = -1
			for _, gap := range d.Gaps {
				if gap.Start >= gap.End || gap.Start <= prev {
					t.Fatalf("round %d: gaps overlap, touch or are empty: %+v", round, d.Gaps)
				}
				prev = gap.End
				sum += gap.Dur()
				for i := range ks {
					if ks[i].Dur > 0 && ks[i].Ts < gap.End && gap.Start < ks[i].End() {
						t.Fatalf("round %d: kernel %d runs in the gap %+v", round, i, gap)
					}
				}
				if gap.From >= 0 && ks[gap.From].End() > gap.Start || gap.To >= 0 && ks[gap.To].Ts < gap.End {
					t.Fatalf("round %d: the gap %+v is not bound by its kernels", round, gap)
				}
			}
			if sum != d.Window-d.WindowBusy {
				t.Fatalf("round %d: gaps of %d ns, the window of %+v is idle for %d", round, sum, ks, d.Window-d.WindowBusy)
			}
		}
	}
}
