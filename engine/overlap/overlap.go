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
	Gaps       []Gap // of the window, in order of time
}

// Span is the time from the first start to the last end, ns.
func (d *Device) Span() int64 { return d.End - d.Start }

// Idle is the time inside Span in which nothing ran, ns.
func (d *Device) Idle() int64 { return d.Span() - d.Busy }

// Sweep walks the starts and ends of all kernels once a device: n log k for n kernels on k
// streams whose kernels follow each other. A kernel's own stream is always busy while it
// runs, so another stream ran beside it exactly while two or more were busy; that makes
// Hidden a difference of two readings of one cumulative clock, taken in passing.
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
	ts   int64
	id   uint32 // twice the kernel, and one more for its start: edges are many, and small
	slot int32  // of the kernel's stream in Device.Streams
}

func (e edge) kernel() int32 { return int32(e.id >> 1) }
func (e edge) start() bool   { return e.id&1 == 1 }

// order is by time, then kernel; the two edges of one kernel are never at one time.
func order(a, b edge) int {
	if a.ts != b.ts {
		return cmp.Compare(a.ts, b.ts)
	}
	return cmp.Compare(a.id, b.id)
}

// edges lists the starts and ends on a device in order of time. Those of one stream are in
// order already unless its kernels overlap, so the streams are sorted alone and then merged.
func (t *Times) edges(g *graph.Graph, d *Device) []edge {
	n := 0
	for _, s := range d.Streams {
		n += 2 * len(g.Streams[s].Kernels)
	}
	list := make([]edge, 0, n)
	runs := []int{0} // where each stream's edges begin, and the end
	for i, s := range d.Streams {
		from := len(list)
		for _, k := range g.Streams[s].Kernels {
			kn := &g.Kernels[k]
			d.Sum += kn.Dur
			if kn.Dur > 0 {
				list = append(list, edge{kn.Ts, uint32(k)<<1 | 1, int32(i)}, edge{kn.End(), uint32(k) << 1, int32(i)})
			}
		}
		if run := list[from:]; !slices.IsSortedFunc(run, order) {
			slices.SortFunc(run, order)
		}
		if len(list) > from {
			runs = append(runs, len(list))
		}
	}
	return merge(list, runs)
}

// merge merges sorted runs two by two until one is left.
func merge(list []edge, runs []int) []edge {
	if len(runs) <= 2 {
		return list
	}
	other := make([]edge, 0, len(list))
	for len(runs) > 2 {
		other = other[:0]
		next := runs[:1]
		for i := 0; i+1 < len(runs); i += 2 {
			a := list[runs[i]:runs[i+1]]
			var b []edge
			if i+2 < len(runs) {
				b = list[runs[i+1]:runs[i+2]]
			}
			for len(a) > 0 && len(b) > 0 {
				if order(a[0], b[0]) <= 0 {
					other, a = append(other, a[0]), a[1:]
				} else {
					other, b = append(other, b[0]), b[1:]
				}
			}
			other = append(append(other, a...), b...)
			next = append(next, len(other))
		}
		runs = next
		list, other = other, list
	}
	return list
}

func (t *Times) device(g *graph.Graph, d *Device, work func(int32) Work) {
	edges := t.edges(g, d)
	if len(edges) == 0 {
		return
	}
	running := make([]int32, len(d.Streams)) // kernels running, by stream
	compute := make([]int32, len(d.Streams)) // those that are compute
	alone := make([]int64, len(d.Streams))   // ns in which the only busy compute stream was this one
	var streams, computing int
	sum := 0                      // of the slots of the streams that compute: names the only one when computing is 1
	var several, anyCompute int64 // ns with two streams busy, with any computing
	prev := edges[0].ts
	d.Start = prev
	from, to := d.window(g)
	ended := edges[0].kernel() // the kernel of the edge before
	d.gap(from, prev, -1, ended, from, to)
	for _, e := range edges {
		if e.ts > prev {
			if streams == 0 {
				d.gap(prev, e.ts, ended, e.kernel(), from, to)
			}
			if streams > 0 {
				d.Busy += e.ts - prev
				d.WindowBusy += max(0, min(e.ts, to)-max(prev, from))
			}
			if streams > 1 {
				several += e.ts - prev
			}
			if computing > 0 {
				anyCompute += e.ts - prev
			}
			if computing == 1 {
				alone[sum] += e.ts - prev
			}
			prev = e.ts
		}
		s, k := int(e.slot), e.kernel()
		ended = k
		step := int32(-1)
		if e.start() {
			step = 1
			t.Hidden[k] = -several
			t.HiddenCompute[k] = alone[s] - anyCompute
		} else {
			t.Hidden[k] += several
			t.HiddenCompute[k] += anyCompute - alone[s]
			t.Exposed[k] = g.Kernels[k].Dur - t.Hidden[k]
		}
		was := running[s] > 0
		running[s] += step
		if now := running[s] > 0; now != was {
			streams += delta(now)
		}
		if work(k) == Compute {
			was := compute[s] > 0
			compute[s] += step
			if now := compute[s] > 0; now != was {
				computing += delta(now)
				sum += delta(now) * s
			}
		}
	}
	d.End = prev
	d.gap(prev, to, ended, -1, from, to)
}

// window finds the span of the busiest stream.
func (d *Device) window(g *graph.Graph) (from, to int64) {
	d.Main = d.Streams[0]
	for _, s := range d.Streams {
		if g.Streams[s].Time > g.Streams[d.Main].Time {
			d.Main = s
		}
	}
	ks := g.Streams[d.Main].Kernels
	from, to = g.Kernels[ks[0]].Ts, g.Kernels[ks[0]].End()
	for _, k := range ks {
		to = max(to, g.Kernels[k].End())
	}
	d.Window = to - from
	return from, to
}

func delta(now bool) int {
	if now {
		return 1
	}
	return -1
}
