package ranks

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// rank builds a rank's trace from items in the builder's notation.
func rank(t *testing.T, id int64, head, items string) Rank {
	t.Helper()
	src := head + "\ntrace:\n" + items
	s, err := tracebuild.Parse("rank.yaml", []byte(src))
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	s.Rank, s.World = id, max(s.World, id+1)
	b, err := tracebuild.Build(s, tracebuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := kineto.Read(context.Background(), bytes.NewReader(b), "rank.json", kineto.Options{Strict: true, NoStacks: true})
	if err != nil {
		t.Fatal(err)
	}
	g := graph.Build(tr, graph.Options{})
	communicates := func(k int32) bool {
		s := g.Symbol(&g.Kernels[k])
		return s.Generator == "nccl" || strings.Contains(s.Base, "all_reduce") || s.Namespace == "deep_ep::intranode"
	}
	return Rank{Name: fmt.Sprint(id), Global: tr.Meta.Rank, World: tr.Meta.WorldSize, Named: true, Parts: []*Part{Summarize(g, "", communicates)}}
}

// reduce is an all-reduce of us microseconds on a stream.
func reduce(us float64, stream int) string {
	return fmt.Sprintf("{kernel: all_reduce_two_shot_kernel, us: %g, stream: %d}", us, stream)
}

func gemm(us float64) string { return fmt.Sprintf("{kernel: gemm, us: %g}", us) }

// inStep is a step with items in it.
func inStep(name string, items ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - step: '%s'\n    of:\n", name)
	for _, it := range items {
		b.WriteString("      - " + it + "\n")
	}
	return b.String()
}

// told prints a result in one line a row.
func told(r *Result) string {
	var b strings.Builder
	for _, c := range r.Collectives {
		fmt.Fprintf(&b, "%s %s %v: %d calls, %d ties, transfer %d, waiting %v, last %v, outside %d\n", c.Stage, c.Name, c.Members, c.Calls, c.Ties, c.Transfer, c.Waiting, c.Last, c.Unanchored)
	}
	for _, l := range r.Left {
		fmt.Fprintf(&b, "left on %d: %s %s, %d calls, %d ns: %s\n", l.Rank, l.Stage, l.Name, l.Calls, l.Time, l.Reason)
	}
	return b.String()
}
