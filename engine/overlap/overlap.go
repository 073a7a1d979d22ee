// Package overlap computes, exactly and for every kernel, how much of its time was
// exposed (nothing else ran on the device) and how much was hidden behind work of other
// streams, and how long each device was busy.
//
// It knows kernels as intervals on streams and is told which are communication or
// memory traffic. It knows no rules and no tables, and it does not say what could be
// moved: two kernels that did not overlap may still depend on each other.
package overlap

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
)

// Work is what a kernel does to the device.
type Work uint8

// The kinds of work. Only Compute hides other work in HiddenCompute.
const (
	Compute Work = iota
	Communication
	Memory // copies and sets
)

// Times holds, for every kernel of a graph by index, parts of its duration in ns.
// Exposed + Hidden is the duration; HiddenCompute is part of Hidden.
type Times struct {
	Exposed       []int64 // no kernel of another stream of the device ran
	Hidden        []int64 // at least one did
	HiddenCompute []int64 // at least one that was Compute did
	Devices       []Device
}

// Device is the load of one device (of one rank, in a merged trace).
type Device struct {
	ID      int32
	Streams []int32 // indices of Graph.Streams
	Start   int64   // first start, ns
	End     int64   // last end, ns
	Busy    int64   // time with at least one kernel running, ns
	Sum     int64   // sum of durations, ns

	// Main is the stream with the most time; Window is from its first start to its last
	// end, ns: what a reader calls the run, without a lone kernel that another stream ran
	// long before. WindowBusy is the time inside it with at least one kernel running.
	Main       int32
	Window     int64
	WindowBusy int64
}

// Span is the time from the first start to the last end, ns.
func (d *Device) Span() int64 { return d.End - d.Start }

// Idle is the time inside Span in which nothing ran, ns.
func (d *Device) Idle() int64 { return d.Span() - d.Busy }

// Sweep walks the starts and ends of all kernels once a device: n log n in the number of
// kernels, independent of the number of streams. A kernel's own stream is always busy
// while it runs, so another stream ran beside it exactly while two or more were busy;
// that makes Hidden a difference of two readings of one cumulative clock.
func Sweep(g *graph.Graph, work func(k int32) Work) *Times {
	n := len(g.Kernels)
	t := &Times{Exposed: make([]int64, n), Hidden: make([]int64, n), HiddenCompute: make([]int64, n)}
	type lane struct {
		device int32
		pid    uint32
	}
	at := map[lane]int{}
	for i := range g.Streams {
		s := &g.Streams[i]
		l := lane{s.Device, uint32(s.Pid)}
		d, ok := at[l]
		if !ok {
			d = len(t.Devices)
			at[l] = d
			t.Devices = append(t.Devices, Device{ID: s.Device})
		}
		t.Devices[d].Streams = append(t.Devices[d].Streams, int32(i))
	}
	for d := range t.Devices {
		t.device(g, &t.Devices[d], work)
	}
	return t
}

// edge is a start or an end of a kernel.
type edge struct {
	ts     int64
	kernel int32
	start  bool
}

// clock is a cumulative time with its readings at the edges where it changed.
type clock struct {
	ts  []int64
	sum []int64
}

// add records that the clock ran from a to b.
func (c *clock) add(a, b int64) {
	if n := len(c.ts); n > 0 && c.ts[n-1] == a {
		c.ts[n-1] = b
		c.sum[n-1] += b - a
		return
	}
	sum := int64(0)
	if n := len(c.sum); n > 0 {
		sum = c.sum[n-1]
	}
	c.ts = append(c.ts, a, b)
	c.sum = append(c.sum, sum, sum+b-a)
}

// at reads the clock at ts.
func (c *clock) at(ts int64) int64 {
	i, _ := slices.BinarySearch(c.ts, ts)
	if i == len(c.ts) {
		if i == 0 {
			return 0
		}
		return c.sum[i-1]
	}
	if i == 0 {
		return 0
	}
	// Between two readings the clock either stands or runs at full speed.
	return c.sum[i-1] + min(ts-c.ts[i-1], c.sum[i]-c.sum[i-1])
}

func (c *clock) between(a, b int64) int64 { return c.at(b) - c.at(a) }

func (t *Times) device(g *graph.Graph, d *Device, work func(int32) Work) {
	var edges []edge
	slot := map[int32]int{}
	for i, s := range d.Streams {
		slot[s] = i
		for _, k := range g.Streams[s].Kernels {
			kn := &g.Kernels[k]
			d.Sum += kn.Dur
			if kn.Dur > 0 {
				edges = append(edges, edge{kn.Ts, k, true}, edge{kn.End(), k, false})
			}
		}
	}
	if len(edges) == 0 {
		return
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.kernel, b.kernel))
	})
	running := make([]int32, len(d.Streams)) // kernels running, by stream
	compute := make([]int32, len(d.Streams)) // those that are compute
	alone := make([]clock, len(d.Streams))   // the only busy compute stream was this one
	var streams, computing int
	sum := 0 // of the slots of the streams that compute: names the only one when computing is 1
	var any, several, anyCompute clock
	prev := edges[0].ts
	d.Start = prev
	for _, e := range edges {
		if e.ts > prev {
			if streams > 0 {
				any.add(prev, e.ts)
			}
			if streams > 1 {
				several.add(prev, e.ts)
			}
			if computing > 0 {
				anyCompute.add(prev, e.ts)
			}
			if computing == 1 {
				alone[sum].add(prev, e.ts)
			}
			prev = e.ts
		}
		s := slot[g.Kernels[e.kernel].Stream]
		step := int32(-1)
		if e.start {
			step = 1
		}
		was := running[s] > 0
		running[s] += step
		if now := running[s] > 0; now != was {
			streams += delta(now)
		}
		if work(e.kernel) == Compute {
			was := compute[s] > 0
			compute[s] += step
			if now := compute[s] > 0; now != was {
				computing += delta(now)
				sum += delta(now) * s
			}
		}
	}
	d.End = prev
	d.Busy = any.between(d.Start, d.End)
	d.window(g, &any)
	for i, s := range d.Streams {
		for _, k := range g.Streams[s].Kernels {
			kn := &g.Kernels[k]
			a, b := kn.Ts, kn.End()
			t.Hidden[k] = several.between(a, b)
			t.Exposed[k] = kn.Dur - t.Hidden[k]
			t.HiddenCompute[k] = anyCompute.between(a, b) - alone[i].between(a, b)
		}
	}
}

// window measures the span of the busiest stream.
func (d *Device) window(g *graph.Graph, any *clock) {
	d.Main = d.Streams[0]
	for _, s := range d.Streams {
		if g.Streams[s].Time > g.Streams[d.Main].Time {
			d.Main = s
		}
	}
	ks := g.Streams[d.Main].Kernels
	from, to := g.Kernels[ks[0]].Ts, int64(0)
	for _, k := range ks {
		to = max(to, g.Kernels[k].End())
	}
	d.Window, d.WindowBusy = to-from, any.between(from, to)
}

func delta(now bool) int {
	if now {
		return 1
	}
	return -1
}
