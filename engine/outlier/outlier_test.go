package outlier

import (
	"math/rand/v2"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/overlap"
)

// run makes a graph of decode steps; each step is a list of (kernel name, duration, gap before).
type work struct {
	sym      graph.SymID
	dur, gap int64
}

func run(steps ...[]work) *graph.Graph {
	g := &graph.Graph{Trace: &kineto.Trace{}, Stages: []string{"decode"}, Streams: []graph.Stream{{}}}
	ts := int64(0)
	for s, list := range steps {
		st := graph.Step{Tokens: 16}
		for _, w := range list {
			ts += w.gap
			id := int32(len(g.Kernels))
			g.Kernels = append(g.Kernels, graph.Kernel{Ts: ts, Dur: w.dur, Sym: w.sym, Step: int32(s)})
			g.Streams[0].Kernels = append(g.Streams[0].Kernels, id)
			g.Streams[0].Time += w.dur
			ts += w.dur
			st.Kernels++
			st.Time += w.dur
		}
		ts += 1000 // between steps
		g.Steps = append(g.Steps, st)
	}
	return g
}

func find(g *graph.Graph) []Outlier {
	return Find(g, Spans(g, overlap.Sweep(g, func(int32) overlap.Work { return overlap.Compute })))
}

func usual() []work { return []work{{0, 100, 0}, {1, 50, 10}, {0, 100, 10}} } // 270 long, 250 of it work

func TestWhatMadeTheDifference(t *testing.T) {
	for _, c := range []struct {
		name   string
		step   []work
		bySpan bool
		most   Part
	}{
		{"idle", []work{{0, 100, 0}, {1, 50, 300}, {0, 100, 10}}, true, Part{Idle: true, Sym: -1, Time: 310, Median: 20}},
		{"a kernel", []work{{0, 100, 0}, {1, 250, 10}, {0, 100, 10}}, true, Part{Sym: 1, Time: 250, Median: 50}},
		{"another kernel", []work{{0, 100, 0}, {1, 50, 10}, {0, 100, 10}, {7, 90, 5}}, true, Part{Sym: 7, Time: 90, Median: 0}},
		{"a missing kernel", []work{{0, 100, 0}, {1, 50, 10}}, true, Part{Sym: 0, Time: 100, Median: 200}},
	} {
		g := run(usual(), usual(), usual(), c.step, usual(), usual())
		got := find(g)
		if len(got) != 1 {
			t.Errorf("%s: %d outliers, want 1: %+v", c.name, len(got), got)
			continue
		}
		o := got[0]
		if o.Step != 3 || o.Place != 4 || o.Of != 6 || o.Peers != 6 || o.BySpan != c.bySpan || o.Most != c.most || o.SpanMedian != 270 || o.GPUMedian != 250 {
			t.Errorf("%s: %+v, want the fourth by span %v and %+v", c.name, o, c.bySpan, c.most)
		}
	}
}

func TestNoOutlier(t *testing.T) {
	slow := []work{{0, 100, 0}, {1, 250, 10}, {0, 100, 10}}
	fifth := []work{{0, 100, 0}, {1, 50, 10 + 54}, {0, 100, 10}} // 20 % of 270, and not more
	for name, g := range map[string]*graph.Graph{
		"too few steps":        run(usual(), slow, usual(), usual()),
		"not more than a 5th":  run(usual(), usual(), fifth, usual(), usual()),
		"as noisy as it is":    run([]work{{0, 100, 0}}, []work{{0, 140, 0}}, []work{{0, 180, 0}}, []work{{0, 220, 0}}, []work{{0, 260, 0}}),
		"nothing but the same": run(usual(), usual(), usual(), usual(), usual()),
	} {
		if got := find(g); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	g := run(usual(), usual(), slow, usual(), usual(), usual())
	g.Steps[2].Tokens = 32
	if got := find(g); len(got) != 0 {
		t.Errorf("a step of other tokens was compared: %+v", got)
	}
}

// TestMedianOf holds the median of a sparse list against that of the whole one.
func TestMedianOf(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 500 {
		n := 1 + r.IntN(9)
		full := make([]int64, n)
		var sparse []cell
		for i := range full {
			if r.IntN(2) == 0 {
				full[i] = int64(1 + r.IntN(20))
				sparse = append(sparse, cell{0, int32(i), full[i]})
			}
		}
		if got, want := medianOf(sparse, n), median(full); got != want {
			t.Fatalf("%v: median %d, want %d", full, got, want)
		}
	}
}
