package overlap

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
)

// covered is the length of the part of [from, to) that any of the intervals covers, by merging them.
func covered(from, to int64, list [][2]int64) int64 {
	slices.SortFunc(list, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	var sum int64
	at := from
	for _, x := range list {
		lo, hi := max(x[0], at), min(x[1], to)
		if lo < hi {
			sum += hi - lo
			at = hi
		}
	}
	return sum
}

// TestSweepOfManyStreams holds the sweep against merged intervals, kernel by kernel, on traces of many
// streams and devices: streams whose kernels follow each other, that overlap within themselves, that
// begin at once and end at once, and kernels without any length.
func TestSweepOfManyStreams(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 5))
	for round := range 60 {
		streams, devices := 1+r.IntN(64), 1+r.IntN(3)
		var ks []graph.Kernel
		for s := range streams {
			ts := int64(r.IntN(2000))
			serial := r.IntN(4) > 0
			for range r.IntN(14) {
				dur := int64(r.IntN(400))
				switch r.IntN(8) {
				case 0:
					dur = 0
				case 1:
					ts = ts / 100 * 100 // many edges at one instant
				}
				ks = append(ks, kernel(int32(s), ts, dur))
				ts += int64(r.IntN(150))
				if serial {
					ts += dur
				}
			}
		}
		r.Shuffle(len(ks), func(i, j int) { ks[i], ks[j] = ks[j], ks[i] })
		slices.SortStableFunc(ks, func(a, b graph.Kernel) int { return int(a.Ts - b.Ts) })
		g := made(ks...)
		for s := range g.Streams {
			g.Streams[s].Device = int32(s % devices)
		}
		kind := make([]Work, len(ks))
		for i := range kind {
			kind[i] = Work(r.IntN(3))
		}
		got := Sweep(g, func(k int32) Work { return kind[k] })
		busy := map[int32][][2]int64{}
		for i := range g.Kernels {
			k := &g.Kernels[i]
			device := g.Streams[k.Stream].Device
			busy[device] = append(busy[device], [2]int64{k.Ts, k.End()})
			var any, compute [][2]int64
			for j := range g.Kernels {
				o := &g.Kernels[j]
				if o.Stream == k.Stream || g.Streams[o.Stream].Device != device {
					continue
				}
				any = append(any, [2]int64{o.Ts, o.End()})
				if kind[j] == Compute {
					compute = append(compute, [2]int64{o.Ts, o.End()})
				}
			}
			hidden, under := covered(k.Ts, k.End(), any), covered(k.Ts, k.End(), compute)
			if got.Hidden[i] != hidden || got.HiddenCompute[i] != under {
				t.Fatalf("round %d, %d streams, kernel %d: hidden %d, under compute %d; want %d, %d", round, streams, i, got.Hidden[i], got.HiddenCompute[i], hidden, under)
			}
			if got.Exposed[i]+got.Hidden[i] != k.Dur || got.Exposed[i] < 0 || got.HiddenCompute[i] > got.Hidden[i] {
				t.Fatalf("round %d kernel %d of %d ns: exposed %d, hidden %d, under compute %d", round, i, k.Dur, got.Exposed[i], got.Hidden[i], got.HiddenCompute[i])
			}
		}
		for _, d := range got.Devices {
			if want := covered(0, 1<<40, busy[d.ID]); d.Busy != want {
				t.Fatalf("round %d device %d: busy %d, want %d", round, d.ID, d.Busy, want)
			}
		}
	}
}
