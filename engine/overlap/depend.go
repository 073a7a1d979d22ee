package overlap

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
)

// Risk tells how likely it is that a kernel cannot run at another time than it did.
type Risk uint8

// The risks. Unclear means that nothing recorded tells.
const (
	Unclear Risk = iota
	Low
	High
)

func (r Risk) String() string { return [...]string{"unclear", "low", "high"}[r] }

// Reason is what a risk rests on.
type Reason uint8

// The reasons, each with its risk.
const (
	NoRecord     Reason = iota // Unclear: its stream orders it, and nothing says what needs it
	ReplayOrder                // Unclear: a replay records no forks and joins
	NoFork                     // Unclear: the captured graph has no fork, so order alone holds it
	WaitedAtOnce               // High: another stream waited for it and could not start before
	BehindWait                 // High: it waited for another stream and started when that was done
	SameCall                   // High: launched in the same module call as the kernel before it
	HostWaits                  // High: the host waits for it
	Slack                      // Low: on a side stream, and what waits for it started later by more than its time
	HostOnly                   // Low: a copy to the host that no call waits for at once
	Reasons                    // how many there are
)

// Risk gives the risk that a reason means.
func (r Reason) Risk() Risk {
	switch r {
	case WaitedAtOnce, BehindWait, SameCall, HostWaits:
		return High
	case Slack, HostOnly:
		return Low
	}
	return Unclear
}

// atOnce is how soon behind the end of what it waited for a kernel starts, ns, when the wait
// held it: the latency of a wait across streams is a few µs.
const atOnce = 10_000

// Dependencies tells what ties a kernel to its place, from recorded waits, then from the order
// of launches and their scopes. It never looks at names of kernels.
type Dependencies struct {
	g *graph.Graph
	// leaves are, by stream, the positions of kernels that another stream waits for, with the
	// kernel that waits; comes are the kernels that waited, with what for.
	leaves map[int32][]leave
	comes  map[int32][]int32
	calls  map[kineto.ThreadID][]int32 // launches by thread, in order of time
	noFork bool
	main   []bool // by stream: whether it has the most time of its device
}

type leave struct{ pos, to int32 }

// NewDependencies reads the waits of g. noFork tells that the replayed graphs were captured
// without any wait between streams.
func NewDependencies(g *graph.Graph, noFork bool) *Dependencies {
	d := &Dependencies{g: g, leaves: map[int32][]leave{}, comes: map[int32][]int32{}, noFork: noFork}
	type lane struct {
		device int32
		pid    kineto.NameID
	}
	most := map[lane]int{}
	for i := range g.Streams {
		l := lane{g.Streams[i].Device, g.Streams[i].Pid}
		if m, ok := most[l]; !ok || g.Streams[i].Time > g.Streams[m].Time {
			most[l] = i
		}
	}
	d.main = make([]bool, len(g.Streams))
	for _, i := range most {
		d.main[i] = true
	}
	for _, list := range [][]graph.Wait{g.Waits, g.HostWaits} {
		for _, w := range list {
			f := &g.Kernels[w.From]
			d.leaves[f.Stream] = append(d.leaves[f.Stream], leave{f.Pos, w.To})
			d.comes[w.To] = append(d.comes[w.To], w.From)
		}
	}
	for _, l := range d.leaves {
		slices.SortFunc(l, func(a, b leave) int { return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(a.to, b.to)) })
	}
	return d
}

// Of gives the reason that decides for kernel k: what waits for it comes first, then what it
// waited for, then the host, then the kernel before it.
func (d *Dependencies) Of(k int32) Reason {
	n := &d.g.Kernels[k]
	slack := false
	if l := d.leaves[n.Stream]; len(l) > 0 {
		i, _ := slices.BinarySearchFunc(l, n.Pos, func(a leave, pos int32) int { return cmp.Compare(a.pos, pos) })
		if i < len(l) && d.g.Kernels[l[i].to].Step == n.Step {
			wait := d.g.Kernels[l[i].to].Ts - n.End()
			if l[i].pos == n.Pos && wait < max(atOnce, n.Dur) {
				return WaitedAtOnce
			}
			slack = l[i].pos == n.Pos && !d.main[n.Stream] && wait >= n.Dur && wait >= atOnce
		}
	}
	for _, from := range d.comes[k] {
		if gap := d.g.Gap(from, k); gap >= 0 && gap <= atOnce {
			return BehindWait
		}
	}
	if n.Kind == kineto.Copy && strings.HasPrefix(d.g.Name(n), "Memcpy DtoH") {
		if d.hostWaits(n) {
			return HostWaits
		}
		if n.Method == graph.Launch {
			return HostOnly
		}
	}
	if d.sameCall(n) {
		return SameCall
	}
	switch {
	case slack:
		return Slack
	case n.Replay >= 0 && d.noFork:
		return NoFork
	case n.Replay >= 0:
		return ReplayOrder
	}
	return NoRecord
}

// hostWaits tells whether the thread that launched n then waits for the device before it
// launches anything else, or the launch itself waits.
func (d *Dependencies) hostWaits(n *graph.Kernel) bool {
	if n.Launch < 0 || n.Replay >= 0 {
		return false
	}
	t := d.g.Trace
	l := &t.Launches[n.Launch]
	if graph.IsSync(t.Names.Text(l.Name)) {
		return true
	}
	if d.calls == nil {
		d.calls = map[kineto.ThreadID][]int32{}
		for i := range t.Launches {
			d.calls[t.Launches[i].Thread] = append(d.calls[t.Launches[i].Thread], int32(i))
		}
		for _, c := range d.calls {
			slices.SortStableFunc(c, func(a, b int32) int { return cmp.Compare(t.Launches[a].Ts, t.Launches[b].Ts) })
		}
	}
	c := d.calls[l.Thread]
	i, _ := slices.BinarySearchFunc(c, l.Ts, func(a int32, ts int64) int { return cmp.Compare(t.Launches[a].Ts, ts) })
	for ; i < len(c); i++ {
		if x := &t.Launches[c[i]]; x.Ts > l.Ts {
			switch name := t.Names.Text(x.Name); {
			case graph.IsSync(name):
				return true
			case graph.IsLaunch(name):
				return false
			}
		}
	}
	return false
}

// sameCall tells whether the kernel before n on its stream was launched in the same innermost
// nn.Module scope, in the same layer of the same step.
func (d *Dependencies) sameCall(n *graph.Kernel) bool {
	ks := d.g.Streams[n.Stream].Kernels
	if n.Pos == 0 || !n.Method.Exact() {
		return false
	}
	p := &d.g.Kernels[ks[n.Pos-1]]
	if !p.Method.Exact() || p.Step != n.Step || p.Layer != n.Layer {
		return false
	}
	a, aok := d.scope(n)
	b, bok := d.scope(p)
	return aok && bok && a == b
}

// scope gives the innermost module of a kernel's launch.
func (d *Dependencies) scope(n *graph.Kernel) (string, bool) {
	for _, e := range d.g.Py.Entries(d.g.Classes[n.Class].Py) {
		if f := d.g.Frames.At(e); f.Module != "" {
			return f.Module, true
		}
	}
	return "", false
}
