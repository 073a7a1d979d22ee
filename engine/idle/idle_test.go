package idle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/overlap"
)

// call is a runtime call; kernel what it launched, none if dur is 0.
type call struct {
	ts, dur int64
	thread  kineto.ThreadID
	sync    bool
}

type run struct {
	stream, step   int32
	ts, dur        int64
	launch, replay int32 // indices; -1 none
}

func made(calls []call, runs []run, steps int) *graph.Graph {
	g := &graph.Graph{Trace: &kineto.Trace{}, Steps: make([]graph.Step, steps)}
	for i, c := range calls {
		g.Trace.Launches = append(g.Trace.Launches, kineto.Launch{Ts: c.ts, Dur: c.dur, Thread: c.thread})
		if c.sync {
			g.Syncs = append(g.Syncs, graph.HostSync{Launch: int32(i)})
		}
	}
	for i, r := range runs {
		for len(g.Streams) <= int(r.stream) {
			g.Streams = append(g.Streams, graph.Stream{ID: int64(len(g.Streams))})
		}
		s := &g.Streams[r.stream]
		g.Kernels = append(g.Kernels, graph.Kernel{Ts: r.ts, Dur: r.dur, Stream: r.stream, Step: r.step, Launch: r.launch, Replay: r.replay})
		s.Kernels = append(s.Kernels, int32(i))
		s.Time += r.dur
	}
	return g
}

func sweep(g *graph.Graph) *overlap.Times {
	return overlap.Sweep(g, func(int32) overlap.Work { return overlap.Compute })
}

func find(g *graph.Graph, t *overlap.Times) (out []Piece) {
	Each(g, t, func(p *Piece) { out = append(out, *p) })
	return out
}

func words(g *graph.Graph) []string {
	var out []string
	for _, p := range find(g, sweep(g)) {
		s := fmt.Sprintf("%d-%d %s", p.Start, p.End, [...]string{"late", "sync", "call", "wait", "feeding", "replayed", "queued", "unknown"}[p.Cause])
		if p.InSync > 0 {
			s += fmt.Sprintf(" in %d", p.InSync)
		}
		if p.Before >= 0 && p.Cause.Host() {
			s += fmt.Sprintf(" after %d", p.Before)
		}
		out = append(out, s+[...]string{"", " inside", " between", " outside"}[p.Place])
	}
	return out
}

func TestCauses(t *testing.T) {
	// Two kernels of 100 ns with a gap from 100 to 200.
	two := func(a, b run) []run {
		a.ts, a.dur, b.ts, b.dur = 0, 100, 200, 100
		return []run{a, b}
	}
	first := call{-50, 10, 0, false}
	for _, c := range []struct {
		name  string
		calls []call
		runs  []run
		steps int
		waits []graph.Wait
		want  []string
	}{
		{"launched in time", []call{first, {-20, 10, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1}), 1, nil,
			[]string{"100-200 queued inside"}},
		{"late, in the call, then on its way", []call{first, {150, 30, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1}), 1, nil,
			[]string{"100-150 late after 0 inside", "150-180 call after 0 inside", "180-200 queued inside"}},
		{"the call began before the gap", []call{first, {90, 40, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1}), 1, nil,
			[]string{"100-130 call after 0 inside", "130-200 queued inside"}},
		{"the call ends after the kernel began", []call{first, {190, 40, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1}), 1, nil,
			[]string{"100-190 late after 0 inside", "190-200 call after 0 inside"}},
		{"clocks that disagree", []call{first, {230, 40, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1}), 1, nil,
			[]string{"100-200 late after 0 inside"}},
		{"in a synchronising call", []call{first, {-30, 140, 0, true}, {150, 30, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 2, replay: -1}), 1, nil,
			[]string{"100-150 sync in 10 after 1 inside", "150-180 call after 1 inside", "180-200 queued inside"}},
		{"a synchronising call that was over", []call{first, {-30, 120, 0, true}, {150, 50, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 2, replay: -1}), 1, nil,
			[]string{"100-150 late after 1 inside", "150-200 call after 1 inside"}},
		{"a synchronising call of another thread", []call{first, {-30, 140, 1, true}, {150, 50, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 2, replay: -1}), 1, nil,
			[]string{"100-150 late after 0 inside", "150-200 call after 0 inside"}},
		{"between steps", []call{first, {-20, 10, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1, step: 1}), 2, nil,
			[]string{"100-200 queued between"}},
		{"outside steps", []call{first, {-20, 10, 0, false}}, two(run{launch: 0, replay: -1, step: -1}, run{launch: 1, replay: -1, step: -1}), 2, nil,
			[]string{"100-200 queued between"}},
		{"no steps", []call{first, {-20, 10, 0, false}}, two(run{launch: 0, replay: -1, step: -1}, run{launch: 1, replay: -1, step: -1}), 0, nil,
			[]string{"100-200 queued"}},
		{"no launch", []call{first}, two(run{launch: 0, replay: -1}, run{launch: -1, replay: -1}), 1, nil,
			[]string{"100-200 unknown"}},
		{"of one graph", []call{{-50, 20, 0, false}}, two(run{launch: 0, replay: 0}, run{launch: 0, replay: 0}), 1, nil,
			[]string{"100-200 replayed inside"}},
		{"of one graph, whose call still runs", []call{{-50, 190, 0, false}}, two(run{launch: 0, replay: 0}, run{launch: 0, replay: 0}), 1, nil,
			[]string{"100-140 feeding inside", "140-200 replayed inside"}},
		{"of a thread without steps", []call{first, {-20, 10, 3, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1, step: -1}), 1, nil,
			[]string{"100-200 queued outside"}},
		{"of two graphs", []call{first, {150, 50, 0, false}}, two(run{launch: 0, replay: 0}, run{launch: 1, replay: 1}), 1, nil,
			[]string{"100-150 late after 0 inside", "150-200 call after 0 inside"}},
		{"a recorded wait", []call{first, {-20, 10, 0, false}}, []run{{1, 0, 0, 100, 0, -1}, {0, 0, 200, 100, 1, -1}, {0, 0, 0, 20, -1, -1}}, 1, []graph.Wait{{From: 0, To: 1}},
			[]string{"100-200 wait inside"}},
		{"a wait that had been over", []call{first, {-20, 10, 0, false}}, two(run{launch: 0, replay: -1}, run{launch: 1, replay: -1}), 1, []graph.Wait{{From: 0, To: 1}},
			[]string{"100-200 queued inside"}},
	} {
		g := made(c.calls, c.runs, c.steps)
		g.Waits = c.waits
		for i := range g.Streams {
			slices.SortFunc(g.Streams[i].Kernels, func(a, b int32) int { return int(g.Kernels[a].Ts - g.Kernels[b].Ts) })
		}
		if got := words(g); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestCausesAddUp: whatever the host did, the pieces of a device are its idle time, each once.
func TestCausesAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 23))
	for round := range 1000 {
		var calls []call
		ts := [2]int64{}
		for range 1 + r.IntN(12) {
			th := r.IntN(2)
			c := call{ts[th] + int64(r.IntN(40)), int64(r.IntN(60)), kineto.ThreadID(th), false}
			c.sync = r.IntN(3) == 0
			ts[th] = c.ts + int64(r.IntN(50))
			calls = append(calls, c)
		}
		slices.SortStableFunc(calls, func(a, b call) int { return int(a.thread) - int(b.thread) })
		var runs []run
		streams := 1 + r.IntN(3)
		for s := range streams {
			at := int64(0)
			for range 1 + r.IntN(6) {
				at += int64(r.IntN(60))
				runs = append(runs, run{int32(s), int32(r.IntN(3)) - 1, at, int64(r.IntN(30)), int32(r.IntN(len(calls)+1)) - 1, int32(r.IntN(3)) - 1})
				at += runs[len(runs)-1].dur
			}
		}
		g := made(calls, runs, 2)
		if r.IntN(2) == 0 {
			g.HostWaits = []graph.Wait{{From: 0, To: int32(r.IntN(len(runs)))}}
		}
		times := sweep(g)
		sum := make([]int64, len(times.Devices))
		last := int64(-1)
		for _, p := range find(g, times) {
			if p.Start >= p.End || p.Start < last || p.InSync > p.Dur() || p.InSync < 0 {
				t.Fatalf("round %d: piece %+v behind %d", round, p, last)
			}
			last = p.End
			sum[p.Device] += p.Dur()
		}
		for i := range times.Devices {
			if d := &times.Devices[i]; sum[i] != d.Window-d.WindowBusy {
				t.Fatalf("round %d: the causes last %d ns, the device was idle for %d", round, sum[i], d.Window-d.WindowBusy)
			}
		}
	}
}
