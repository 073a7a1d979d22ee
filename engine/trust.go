package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/report"
)

// doubts says what of a trace is missing or hidden, with the GPU time it concerns and what to
// record instead: what a reader must know before the tables.
func doubts(p *part) []report.Doubt {
	var out []report.Doubt
	add := func(time int64, advice, format string, args ...any) {
		out = append(out, report.Doubt{Trace: p.path, What: fmt.Sprintf(format, args...), Time: time, Advice: advice})
	}
	c := countCalls(p)
	g := p.graph
	if c.graphs > 0 && len(g.Replays) < c.graphs {
		add(0, "take their steps out of the comparison, or profile fewer steps at a time",
			"%d of %d graph launches have no kernel at all: their events were lost", c.graphs-len(g.Replays), c.graphs)
	}
	if n, lost := thinReplays(g); n > 0 {
		add(0, "shares of those steps are too small; profile fewer steps at a time",
			"%d graph launches have fewer kernels than the same launch of other steps, %d kernels in all: events were lost", n, lost)
	}
	if c.captured > 0 && len(g.Kernels) < c.captured {
		add(0, "give it as --mapping for the trace of a replay", "%d launches were captured into graphs and ran nothing: this is the trace of a graph capture", c.captured)
	}
	if c.idle > 0 && c.idle*20 >= c.launches {
		add(0, "the recording ended before they ran, or their events were lost",
			"%d of %d launches outside of captures have no kernel", c.idle, c.launches)
	}
	var none, replay int64
	unlaunched := 0
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if k.Launch < 0 {
			none += k.Dur
			unlaunched++
		}
	}
	if none*100 >= g.Total && unlaunched > 0 {
		advice := "record the CPU activity together with the GPU's"
		if len(g.Trace.Launches) > 0 {
			advice = "they were launched before the recording began; start it earlier or record more steps"
		}
		add(none, advice, "%d kernels have no launch: no line, op or step is known of them", unlaunched)
	}
	replay = g.ByMethod[graph.Replay]
	if replay*2 >= g.Total && g.Total > 0 {
		advice := "add --mapping with a run without graphs, or with the trace of the graph capture"
		if p.mapping != nil {
			advice = "the mapping trace has too little of these graphs: take one of the same model, stage and batch size"
		}
		add(replay, advice, "graph replay hides the source lines")
	}
	if len(g.Trace.Launches) > 0 && len(g.Kernels) > 0 && g.Py.Len() <= 1 {
		add(g.Total-none-replay, "profile with with_stack=True", "no Python stack was recorded: no source line is known")
	}
	if s := framework(p.run.Framework); s && len(g.Steps) == 0 {
		add(0, "record at least one whole step", "no annotated step: the profile is shorter than a step, or the server writes no annotations")
	}
	return out
}

func framework(name string) bool { return name == "sglang" || name == "vllm" }

// calls counts the launches of a trace.
type calls struct {
	launches int // of kernels, copies and sets, outside of captures
	idle     int // of these, with no activity of their correlation id
	captured int // inside of captures
	graphs   int // graph launches
}

func countCalls(p *part) calls {
	t := p.graph.Trace
	type kind uint8
	const (
		other kind = iota
		launch
		replay
		begin
		end
	)
	kinds := map[kineto.NameID]kind{}
	captures := false
	of := func(n kineto.NameID) kind {
		k, ok := kinds[n]
		if !ok {
			switch s := t.Names.Text(n); {
			case graph.IsGraphLaunch(s):
				k = replay
			case graph.IsCaptureBegin(s):
				k = begin
			case graph.IsCaptureEnd(s):
				k = end
			case graph.IsLaunch(s):
				k = launch
			}
			kinds[n] = k
			captures = captures || k == begin
		}
		return k
	}
	var order []int32
	for i := range t.Launches {
		if of(t.Launches[i].Name) != other {
			order = append(order, int32(i))
		}
	}
	byTime := func(x, y int32) int {
		a, b := &t.Launches[x], &t.Launches[y]
		return cmp.Or(cmp.Compare(a.Thread, b.Thread), cmp.Compare(a.Ts, b.Ts))
	}
	if captures && !slices.IsSortedFunc(order, byTime) { // else the order does not matter
		slices.SortStableFunc(order, byTime)
	}
	ran := ranLaunches(p.graph, order)
	open := map[kineto.ThreadID]bool{}
	var c calls
	for _, i := range order {
		l := &t.Launches[i]
		switch k := of(l.Name); {
		case k == begin:
			open[l.Thread] = true
		case k == end:
			open[l.Thread] = false
		case k == replay:
			c.graphs++
		case captures && open[l.Thread]:
			c.captured++
		default:
			c.launches++
			if !ran[i] {
				c.idle++
			}
		}
	}
	return c
}

// ranLaunches tells, by launch, which of some have an activity of their correlation id.
func ranLaunches(g *graph.Graph, some []int32) []bool {
	t := g.Trace
	ran := make([]bool, len(t.Launches))
	for i := range g.Kernels {
		if l := g.Kernels[i].Launch; l >= 0 {
			ran[l] = true
		}
	}
	left := map[int64]bool{} // ids of the few that no kernel was given: ids may be used twice
	for _, i := range some {
		if !ran[i] {
			left[t.Launches[i].Corr] = false
		}
	}
	if len(left) == 0 {
		return ran
	}
	for i := range t.Activities {
		if _, asked := left[t.Activities[i].Corr]; asked {
			left[t.Activities[i].Corr] = true
		}
	}
	for _, i := range some {
		ran[i] = ran[i] || left[t.Launches[i].Corr]
	}
	return ran
}

// thinReplays counts graph launches with fewer kernels than the one at the same place of another
// step of the same stage with as many tokens and graph launches, and the kernels that they lack.
func thinReplays(g *graph.Graph) (thin, lost int) {
	type shape struct {
		stage    graph.StageID
		tokens   int
		launches int
	}
	byStep := map[int32][]int32{}
	for r := range g.Replays {
		if s := g.Kernels[g.Replays[r].Kernels[0]].Step; s >= 0 {
			byStep[s] = append(byStep[s], int32(r))
		}
	}
	most := map[shape][]int{}
	of := func(s int32) shape { return shape{g.Steps[s].Stage, g.Steps[s].Tokens, len(byStep[s])} }
	for s, rs := range byStep {
		slices.SortFunc(rs, func(x, y int32) int {
			return cmp.Compare(g.Trace.Launches[g.Replays[x].Launch].Ts, g.Trace.Launches[g.Replays[y].Launch].Ts)
		})
		k := of(s)
		if most[k] == nil {
			most[k] = make([]int, len(rs))
		}
		for i, r := range rs {
			most[k][i] = max(most[k][i], len(g.Replays[r].Kernels))
		}
	}
	for s, rs := range byStep {
		for i, r := range rs {
			if d := most[of(s)][i] - len(g.Replays[r].Kernels); d > 0 {
				thin++
				lost += d
			}
		}
	}
	return thin, lost
}
