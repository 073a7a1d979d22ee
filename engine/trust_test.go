package engine

import (
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
)

// replays makes a graph of steps with graph launches of so many kernels each.
func replays(steps ...[]int) *graph.Graph {
	g := &graph.Graph{Trace: &kineto.Trace{}, Stages: []string{"decode"}}
	for s, launches := range steps {
		g.Steps = append(g.Steps, graph.Step{Tokens: 8})
		for _, n := range launches {
			r := graph.GraphReplay{Launch: int32(len(g.Trace.Launches))}
			g.Trace.Launches = append(g.Trace.Launches, kineto.Launch{Ts: int64(len(g.Trace.Launches))})
			for range n {
				r.Kernels = append(r.Kernels, int32(len(g.Kernels)))
				g.Kernels = append(g.Kernels, graph.Kernel{Step: int32(s)})
			}
			g.Replays = append(g.Replays, r)
		}
	}
	return g
}

func TestThinReplays(t *testing.T) {
	for _, c := range []struct {
		name       string
		g          *graph.Graph
		thin, lost int
	}{
		{"all alike", replays([]int{5}, []int{5}), 0, 0},
		{"one lost two", replays([]int{5}, []int{3}, []int{5}), 1, 2},
		{"pieces of a step differ by design", replays([]int{5, 2}, []int{5, 2}), 0, 0},
		{"a piece of one step", replays([]int{5, 2}, []int{5, 1}), 1, 1},
		{"another number of launches is another shape", replays([]int{5, 2}, []int{4}), 0, 0},
	} {
		if thin, lost := thinReplays(c.g); thin != c.thin || lost != c.lost {
			t.Errorf("%s: %d thin, %d lost; want %d, %d", c.name, thin, lost, c.thin, c.lost)
		}
	}
	other := replays([]int{5}, []int{3})
	other.Steps[1].Tokens = 4
	if thin, _ := thinReplays(other); thin != 0 {
		t.Error("a step with another batch size was compared")
	}
}
