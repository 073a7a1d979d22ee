// Package idle tells why a device did nothing: for every gap between its kernels whether the
// host was late, was inside the launch call, had waited for the device, or whether the work was
// launched already and something on the device held it.
//
// It looks at times, launches and recorded waits, never at names of kernels, and it attributes
// nothing by nearness: the launch is that of the kernel that ends the gap, or there is none.
package idle

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/overlap"
)

// Cause is why nothing ran. A gap has the time before the launch call of the kernel that ends
// it (Late or Sync), the time inside the call (Call), and the time behind it (Wait or Queued);
// each may be nothing. Between two kernels of one graph launch these are Feeding and Replayed.
type Cause uint8

// The causes. The first three are the host's.
const (
	Late     Cause = iota // the launch call had not begun
	Sync                  // the same, and the thread was in a synchronising call when the gap began
	Call                  // inside the launch call
	Wait                  // launched, and the stream had to wait for an event of another
	Feeding               // between two kernels of one graph launch, whose call had not returned
	Replayed              // the same, behind the call
	Queued                // launched, and held by nothing that is recorded
	Unknown               // the kernel that ends the gap has no launch, or none ends it
	Causes                // how many there are
)

// Host tells the causes that are the host's.
func (c Cause) Host() bool { return c <= Call }

// Place is where a gap stands.
type Place uint8

// The places.
const (
	NoSteps Place = iota // the trace has no steps, or the launch is not known
	Inside               // both kernels at its ends belong to one step
	Between              // they do not, and the thread that launched the second has steps
	Outside              // neither: a thread without steps launched the second
)

// Piece is the part of one gap that has one cause.
type Piece struct {
	Start, End int64 // ns
	Cause      Cause
	Place      Place
	Device     int32 // index of Times.Devices
	Next       int32 // the kernel that ends the gap; -1 none
	// Call is the launch of Next, by index of Trace.Launches, and -1 where it has none. Before
	// is the launch or synchronising call of the same thread before it; -1 none.
	Call, Before int32
	// SyncCall is the call of a Sync piece; -1 of others. InSync is the part of the piece in
	// which it had not returned, ns.
	SyncCall int32
	InSync   int64
}

// Dur is how long the piece lasts, ns.
func (p *Piece) Dur() int64 { return p.End - p.Start }

// Each cuts the gaps of all devices into pieces and calls yield with each, in order of device
// and time. The pieces of a device last together as long as its gaps: Window without WindowBusy.
func Each(g *graph.Graph, t *overlap.Times, yield func(*Piece)) {
	f := &finder{g: g, yield: yield, waits: map[int32]bool{}, stepped: map[kineto.ThreadID]bool{}}
	for i := range g.Steps {
		f.stepped[g.Steps[i].Thread] = true
	}
	for _, list := range [][]graph.Wait{g.Waits, g.HostWaits} {
		for _, w := range list {
			f.waits[w.To] = true
		}
	}
	f.calls()
	for d := range t.Devices {
		for _, gap := range t.Devices[d].Gaps {
			f.cut(int32(d), gap)
		}
	}
}

type finder struct {
	g      *graph.Graph
	waits  map[int32]bool // kernels that a wait across streams holds
	before []int32        // by launch: the call before it, -1 none
	// stepped are the threads that have steps.
	stepped map[kineto.ThreadID]bool
	yield   func(*Piece)
}

// calls finds, for every launch of a kernel, the call of its thread before it that launched
// something or waited.
func (f *finder) calls() {
	g, t := f.g, f.g.Trace
	asked := make([]bool, len(t.Launches))
	for i := range g.Kernels {
		if l := g.Kernels[i].Launch; l >= 0 {
			asked[l] = true
		}
	}
	for i := range g.Syncs {
		asked[g.Syncs[i].Launch] = true
	}
	var order []int32
	for i, ok := range asked {
		if ok {
			order = append(order, int32(i))
		}
	}
	byTime := func(x, y int32) int {
		a, b := &t.Launches[x], &t.Launches[y]
		return cmp.Or(cmp.Compare(a.Thread, b.Thread), cmp.Compare(a.Ts, b.Ts))
	}
	if !slices.IsSortedFunc(order, byTime) { // mostly they are
		slices.SortStableFunc(order, byTime)
	}
	f.before = make([]int32, len(t.Launches))
	for i := range f.before {
		f.before[i] = -1
	}
	for i := 1; i < len(order); i++ {
		if t.Launches[order[i]].Thread == t.Launches[order[i-1]].Thread {
			f.before[order[i]] = order[i-1]
		}
	}
}

// place tells where a gap stands whose second kernel was launched by l.
func (f *finder) place(gap overlap.Gap, l *kineto.Launch) Place {
	if len(f.g.Steps) == 0 {
		return NoSteps
	}
	to := f.g.Kernels[gap.To].Step
	switch {
	case to >= 0 && gap.From >= 0 && f.g.Kernels[gap.From].Step == to:
		return Inside
	case to < 0 && !f.stepped[l.Thread]:
		return Outside
	}
	return Between
}

// cut divides a gap at the begin and the end of the launch call of the kernel that ends it.
func (f *finder) cut(device int32, gap overlap.Gap) {
	g := f.g
	p := Piece{Device: device, Next: gap.To, Call: -1, Before: -1, SyncCall: -1}
	add := func(start, end int64, c Cause) {
		if start < end {
			q := p
			q.Start, q.End, q.Cause = start, end, c
			if c != Sync {
				q.SyncCall, q.InSync = -1, 0
			}
			f.yield(&q)
		}
	}
	if gap.To < 0 || g.Kernels[gap.To].Launch < 0 {
		add(gap.Start, gap.End, Unknown)
		return
	}
	k := &g.Kernels[gap.To]
	l := &g.Trace.Launches[k.Launch]
	p.Call, p.Place = k.Launch, f.place(gap, l)
	p.Before = f.before[k.Launch]
	begun := min(max(l.Ts, gap.Start), gap.End)
	done := min(max(l.Ts+l.Dur, begun), gap.End)
	if gap.From >= 0 && k.Replay >= 0 && g.Kernels[gap.From].Replay == k.Replay {
		add(gap.Start, done, Feeding)
		add(done, gap.End, f.held(gap, Replayed))
		return
	}
	cause := Late
	if s, ok := f.syncAt(l.Thread, gap.Start); ok && s != k.Launch {
		cause, p.SyncCall = Sync, s
		x := &g.Trace.Launches[s]
		p.InSync = max(0, min(x.Ts+x.Dur, begun)-gap.Start)
	}
	add(gap.Start, begun, cause)
	add(begun, done, Call)
	add(done, gap.End, f.held(gap, Queued))
}

// held tells what kept work back that was launched: a wait for another stream, where the kernel
// that ran last was of another; else nothing that is recorded.
func (f *finder) held(gap overlap.Gap, other Cause) Cause {
	if f.waits[gap.To] && gap.From >= 0 && f.g.Kernels[gap.From].Stream != f.g.Kernels[gap.To].Stream {
		return Wait
	}
	return other
}

// syncAt gives the synchronising call that the thread was in at ts.
func (f *finder) syncAt(thread kineto.ThreadID, ts int64) (int32, bool) {
	t := f.g.Trace
	list := f.g.Syncs
	i, _ := slices.BinarySearchFunc(list, ts+1, func(s graph.HostSync, after int64) int {
		l := &t.Launches[s.Launch]
		return cmp.Or(cmp.Compare(l.Thread, thread), cmp.Compare(l.Ts, after))
	})
	if i == 0 {
		return 0, false
	}
	l := &t.Launches[list[i-1].Launch]
	if l.Thread != thread || l.Ts+l.Dur <= ts {
		return 0, false
	}
	return list[i-1].Launch, true
}
