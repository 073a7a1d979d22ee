package graph

import (
	"math"
	"strings"

	"github.com/sgrules/sgrules/engine/kineto"
)

// corrKey tells correlation ids of two ranks of a merged trace apart.
type corrKey struct {
	rank int32
	corr int64
}

// ranks numbers the "[TP00-DP00]" parts that SGLang's merged traces put before a pid from 1; any
// other pid has rank 0.
type ranks map[string]int32

func (r ranks) of(pid string) int32 {
	if !strings.HasPrefix(pid, "[") {
		return 0
	}
	i := strings.IndexByte(pid, ']')
	if i < 0 {
		return 0
	}
	n, ok := r[pid[:i+1]]
	if !ok {
		n = int32(len(r)) + 1
		r[pid[:i+1]] = n
	}
	return n
}

// correlation finds launches by the correlation ids of activities.
type correlation struct {
	of    []corrKey         // by activity; zero where it has none
	again map[int32][]int32 // by the first launch: those after it with its id

	// The first launch with an id: one more than it, 0 where there is none. The ids of one rank
	// are mostly close together, and then a list has them from the lowest on; else a map.
	lowest int64
	near   []int32
	far    map[corrKey]int32
}

// place is where the first launch of a key stands in near, and whether it does.
func (c *correlation) place(k corrKey) (int64, bool) {
	i := k.corr - c.lowest
	return i, k.rank == 0 && i >= 0 && i < int64(len(c.near))
}

// get gives the first launch of a key; -1 is none.
func (c *correlation) get(k corrKey) int32 {
	if i, ok := c.place(k); ok {
		return c.near[i] - 1
	}
	return c.far[k] - 1
}

// nearIDs is how many ids a list may have for every activity that has one.
const nearIDs = 8

// room makes the list where that many activities with ids from lowest to highest are worth one.
func (c *correlation) room(activities int, lowest, highest int64) {
	if activities > 0 && (highest-lowest)/nearIDs < int64(activities) {
		c.lowest, c.near = lowest, make([]int32, highest-lowest+1)
	}
}

func correlate(t *kineto.Trace) *correlation {
	known := ranks{}
	rankOfThread := make([]int32, len(t.Threads))
	for i := range t.Threads {
		rankOfThread[i] = known.of(t.Threads[i].Pid)
	}
	rankOfPid := map[kineto.NameID]int32{}
	c := &correlation{of: make([]corrKey, len(t.Activities)), far: map[corrKey]int32{}, again: map[int32][]int32{}}
	with, lowest, highest := 0, int64(math.MaxInt64), int64(0)
	for i := range t.Activities {
		a := &t.Activities[i]
		if a.Corr <= 0 {
			continue
		}
		rank, ok := rankOfPid[a.Pid]
		if !ok {
			rank = known.of(t.Names.Text(a.Pid))
			rankOfPid[a.Pid] = rank
		}
		c.of[i] = corrKey{rank, a.Corr}
		if rank == 0 {
			with, lowest, highest = with+1, min(lowest, a.Corr), max(highest, a.Corr)
		}
	}
	c.room(with, lowest, highest)
	for i, k := range c.of {
		if _, ok := c.place(k); !ok && k.corr > 0 && (i == 0 || k != c.of[i-1]) { // the kernels of a replay share one
			c.far[k] = 0
		}
	}
	for i := range t.Launches {
		l := &t.Launches[i]
		if l.Corr <= 0 {
			continue
		}
		k := corrKey{rankOfThread[l.Thread], l.Corr}
		at, near := c.place(k)
		first, ok := int32(0), near
		if near {
			first = c.near[at]
		} else {
			first, ok = c.far[k]
		}
		switch {
		case !ok: // nothing ran for it
		case first > 0:
			c.again[first-1] = append(c.again[first-1], int32(i))
		case near:
			c.near[at] = int32(i) + 1
		default:
			c.far[k] = int32(i) + 1
		}
	}
	return c
}

// launches gives every kernel its launch, by correlation id.
func (b *builder) launches(c *correlation) {
	g, t := b.g, b.t
	b.needed = make([]bool, len(t.Launches))
	replays := map[int32]int32{}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		a := &t.Activities[k.Act]
		if a.Corr <= 0 {
			continue
		}
		l := c.get(c.of[k.Act])
		if l < 0 {
			continue
		}
		if more := c.again[l]; more != nil {
			var ok bool
			if l, ok = b.pick(l, more, a); !ok {
				continue
			}
		}
		k.Launch = l
		b.needed[l] = true
		if IsGraphLaunch(t.Names.Text(t.Launches[l].Name)) {
			r, ok := replays[l]
			if !ok {
				r = int32(len(g.Replays))
				replays[l] = r
				g.Replays = append(g.Replays, GraphReplay{Launch: l})
			}
			k.Replay = r
			g.Replays[r].Kernels = append(g.Replays[r].Kernels, int32(i))
		}
	}
}

// pick chooses among the launches that share a kernel's correlation id: first and more. Ids
// are reused when a file holds several processes or sessions; then only the External id can
// tell, and where it cannot, nothing is chosen.
func (b *builder) pick(first int32, more []int32, a *kineto.Activity) (int32, bool) {
	found, twice := int32(-1), false
	try := func(l int32) {
		if a.Ext != 0 && b.t.Launches[l].Ext == a.Ext {
			twice = twice || found >= 0
			found = l
		}
	}
	try(first)
	for _, l := range more {
		try(l)
	}
	if found < 0 || twice {
		b.g.Ambiguous++
		return -1, false
	}
	return found, true
}

// IsLaunch tells a runtime or driver call that puts a kernel, a copy or a set on a stream,
// by its name: the launches that a graph capture records.
func IsLaunch(call string) bool {
	for _, p := range [...]string{"cuda", "hip", "cu"} {
		rest, ok := strings.CutPrefix(call, p)
		if !ok {
			continue
		}
		for _, w := range [...]string{"LaunchKernel", "LaunchCooperativeKernel", "ModuleLaunchKernel", "ExtModuleLaunchKernel", "ExtLaunchKernel",
			"ModuleLaunchCooperativeKernel", "Memcpy", "Memset"} {
			if strings.HasPrefix(rest, w) {
				return true
			}
		}
		return false
	}
	return false
}

// IsCaptureBegin tells a call behind which its thread captures launches into a graph and runs none,
// by its name, whatever version of the call: cudaStreamBeginCapture, …_v2, …_ptsz, …ToGraph.
func IsCaptureBegin(call string) bool {
	return isCapture(call, "StreamBeginCapture") || isCapture(call, "StreamBeginCaptureToGraph")
}

// IsCaptureEnd tells the call that ends it.
func IsCaptureEnd(call string) bool { return isCapture(call, "StreamEndCapture") }

func isCapture(call, what string) bool {
	for _, p := range [...]string{"cuda", "hip", "cu"} {
		if rest, ok := strings.CutPrefix(call, p+what); ok && (rest == "" || rest[0] == '_') {
			return true
		}
	}
	return false
}

// IsGraphLaunch tells a call that runs a captured graph, by its name.
func IsGraphLaunch(name string) bool {
	for _, p := range [...]string{"cudaGraphLaunch", "hipGraphLaunch", "cuGraphLaunch"} {
		if rest, ok := strings.CutPrefix(name, p); ok && (rest == "" || rest[0] == '_') {
			return true
		}
	}
	return false
}
