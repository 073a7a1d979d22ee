package align

import (
	"context"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/internal/realtrace"
)

func open(t *testing.T, name string, mapping bool) *graph.Graph {
	t.Helper()
	tr, err := kineto.Open(context.Background(), realtrace.Path(t, name), kineto.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(tr, graph.Options{Mapping: mapping, Stage: graph.StageFromPath(name)})
}

func TestRealPairs(t *testing.T) {
	for _, c := range []struct {
		mapping, formal string
		wanted, aligned int
	}{
		{"sglang-qwen3-8b-mi300x-decode-capture", "sglang-qwen3-8b-mi300x-decode-graph", 544, 544},
		{"vllm-gpt-oss-mi300-piecewise-capture", "vllm-gpt-oss-mi300-piecewise-graph", 361, 361},
	} {
		t.Run(c.formal, func(t *testing.T) {
			a, b := open(t, c.mapping, true), open(t, c.formal, false)
			r := Map(a, b)
			t.Logf("wanted %d (%d ns), aligned %d, by neighbours %d, left %v, sequences %d", r.Wanted, r.WantedTime, r.Aligned, r.Neighbour, r.Left, len(a.Trace.Launches))
			if r.Wanted != c.wanted || r.Aligned != c.aligned {
				t.Errorf("%d of %d aligned, want %d of %d", r.Aligned, r.Wanted, c.aligned, c.wanted)
			}
			b.Reattribute(r.Sites)
			t.Logf("by method %v", b.ByMethod)
		})
	}
}
