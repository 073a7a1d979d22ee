package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/kineto"
)

// call is what a runtime call means for the order of streams.
type call uint8

const (
	otherCall call = iota
	recordCall
	waitCall
)

// callOf classifies a runtime call by its name.
func callOf(name string) call {
	switch {
	case strings.HasSuffix(name, "EventRecord"), strings.HasSuffix(name, "EventRecordWithFlags"):
		return recordCall
	case strings.HasSuffix(name, "StreamWaitEvent"):
		return waitCall
	}
	return otherCall
}

// HostWaits reads waits between streams from the order of a thread's runtime calls, for traces
// that have no synchronisation records: a launch behind a wait call depends on the kernel
// launched last, on another stream, before the event that was recorded last. place gives the
// stream and the kernel of a launch, by index of t.Launches; ok is false for a launch of no
// kernel. The calls name neither their event nor their stream, so this is what an ordinary fork
// and join mean and no proof. Waits counts the wait calls between the first and the last launch
// of a kernel.
func HostWaits(t *kineto.Trace, place func(launch int32) (stream, kernel int32, ok bool)) (edges []Wait, waits int) {
	kind := map[kineto.NameID]call{}
	waiting := make([]bool, len(t.Threads)) // those that wait at all
	any := false
	for i := range t.Launches {
		n := t.Launches[i].Name
		c, known := kind[n]
		if !known {
			c = callOf(t.Names.Text(n))
			kind[n] = c
		}
		if c == waitCall {
			waiting[t.Launches[i].Thread], any = true, true
		}
	}
	if !any {
		return nil, 0
	}
	var order []int32
	for i := range t.Launches {
		l := &t.Launches[i]
		if !waiting[l.Thread] {
			continue
		}
		if _, _, ok := place(int32(i)); ok || kind[l.Name] != otherCall {
			order = append(order, int32(i))
		}
	}
	byTime := func(x, y int32) int {
		p, q := &t.Launches[x], &t.Launches[y]
		return cmp.Or(cmp.Compare(p.Thread, q.Thread), cmp.Compare(p.Ts, q.Ts))
	}
	if !slices.IsSortedFunc(order, byTime) { // mostly they are
		slices.SortStableFunc(order, byTime)
	}
	type last struct{ stream, kernel int32 }
	var recent []last // the latest kernel of each stream, the most recent first
	var recorded []last
	pending, early := 0, true
	thread := kineto.ThreadID(0)
	seen := map[Wait]bool{}
	for n, i := range order {
		l := &t.Launches[i]
		if n == 0 || l.Thread != thread {
			thread, recent, recorded, pending, early = l.Thread, nil, nil, 0, true
		}
		switch kind[l.Name] {
		case recordCall:
			recorded = append(recorded[:0], recent...)
			continue
		case waitCall:
			if !early {
				pending++
			}
			continue
		}
		stream, kernel, _ := place(i)
		early = false
		if pending > 0 {
			waits += pending
			for _, r := range recorded {
				if r.stream != stream {
					if w := (Wait{r.kernel, kernel}); !seen[w] {
						seen[w] = true
						edges = append(edges, w)
					}
					break
				}
			}
			pending = 0
		}
		recent = slices.DeleteFunc(recent, func(r last) bool { return r.stream == stream })
		recent = slices.Insert(recent, 0, last{stream, kernel})
		if len(recent) > maxRecent {
			recent = recent[:maxRecent]
		}
	}
	slices.SortFunc(edges, func(x, y Wait) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return edges, waits
}

// maxRecent bounds the streams of one thread whose latest kernel is remembered.
const maxRecent = 16

// hostWaits fills Graph.HostWaits where nothing better is recorded.
func (b *builder) hostWaits() {
	g := b.g
	if len(g.Waits) > 0 || len(g.Streams) < 2 {
		return
	}
	byLaunch := make([]int32, len(b.t.Launches)) // one more than the kernel
	for i := range g.Kernels {
		if k := &g.Kernels[i]; k.Launch >= 0 && k.Replay < 0 {
			byLaunch[k.Launch] = int32(i) + 1
		}
	}
	g.HostWaits, _ = HostWaits(b.t, func(l int32) (int32, int32, bool) {
		k := byLaunch[l] - 1
		if k < 0 {
			return 0, 0, false
		}
		return g.Kernels[k].Stream, k, true
	})
}
