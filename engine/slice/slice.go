// Package slice prints a stretch of a trace as a rule test in the builder's notation: what
// rules can see of its kernels and nothing else. Names, durations, gaps, streams, ops, frames
// of known packages, modules, steps, graph launches and recorded waits are kept; paths of the
// machine, process ids and everything that ran beside the stretch are not.
//
// It writes a test, it does not judge one: what must be found is for the author to fill in.
package slice

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// MaxKernels bounds a stretch: a test shows a few layers.
const MaxKernels = 2000

// Options choose the stretch.
type Options struct {
	From, To int    // kernels in order of start over all streams, From included, To not
	Stage    string // "" for any
	Stream   int64  // -1 for any
	Rule     string // the rule's id in the test
	Name     string // of the test
}

// Write prints the stretch. The order is that of the kernels' starts, counted before any is
// left out by stage or stream.
func Write(w io.Writer, g *graph.Graph, run *rule.Run, o Options) error {
	order, err := stretch(g, o)
	if err != nil {
		return err
	}
	p := newPrinter(g, order)
	p.linef("rule: %s\ntests:\n  - name: %s", o.Rule, quote(o.Name))
	p.linef("    run: {framework: %s, vendor: %s}", quote(run.Framework), quote(run.Vendor))
	p.linef("    trace:")
	p.steps(order)
	p.linef("    expect: none # fill in what must be found")
	if p.err != nil {
		return p.err
	}
	_, err = io.WriteString(w, p.b.String())
	return err
}

// stretch lists the chosen kernels by start, of equal starts in the order of the file.
func stretch(g *graph.Graph, o Options) ([]int32, error) {
	order := make([]int32, len(g.Kernels))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		p, q := &g.Kernels[x], &g.Kernels[y]
		return cmp.Or(cmp.Compare(p.Ts, q.Ts), cmp.Compare(p.Act, q.Act))
	})
	if o.From < 0 || o.To > len(order) || o.From >= o.To {
		return nil, fmt.Errorf("kernels %d..%d: the trace has %d, counted from 0; expected 0 ≤ A < B ≤ %d", o.From, o.To, len(order), len(order))
	}
	order = slices.DeleteFunc(order[o.From:o.To], func(k int32) bool {
		n := &g.Kernels[k]
		return o.Stage != "" && g.Stages[n.Stage] != o.Stage || o.Stream >= 0 && g.Streams[n.Stream].ID != o.Stream
	})
	if len(order) == 0 {
		var streams []string
		for i := range g.Streams {
			streams = append(streams, fmt.Sprint(g.Streams[i].ID))
		}
		return nil, fmt.Errorf("no kernel of the stretch is left; the trace has the stages %s and the streams %s",
			strings.Join(g.Stages, ", "), strings.Join(streams, ", "))
	}
	if len(order) > MaxKernels {
		return nil, fmt.Errorf("kernels %d..%d are %d; a test holds at most %d: a few layers show what a rule does", o.From, o.To, len(order), MaxKernels)
	}
	return order, nil
}

// group is a part of a stretch that stands under one item.
type group struct {
	key     int32
	kernels []int32
}

// groups puts kernels of one key together, in order of the first of each. Kernels of one
// stream must keep their order; where that would break, as when a stream turns back to a
// key that it has left, neighbours alone are put together.
func groups(g *graph.Graph, order []int32, key func(k *graph.Kernel) int32) []group {
	var out []group
	place := map[int32]int{}
	for _, k := range order {
		n := key(&g.Kernels[k])
		i, ok := place[n]
		if !ok {
			i = len(out)
			place[n] = i
			out = append(out, group{key: n})
		}
		out[i].kernels = append(out[i].kernels, k)
	}
	last := map[int32]int32{}
	for _, x := range out {
		for _, k := range x.kernels {
			n := &g.Kernels[k]
			if before, ok := last[n.Stream]; ok && before > n.Pos {
				return runs(g, order, key)
			}
			last[n.Stream] = n.Pos
		}
	}
	return out
}

func runs(g *graph.Graph, order []int32, key func(k *graph.Kernel) int32) []group {
	var out []group
	for _, k := range order {
		n := key(&g.Kernels[k])
		if len(out) == 0 || out[len(out)-1].key != n {
			out = append(out, group{key: n})
		}
		x := &out[len(out)-1]
		x.kernels = append(x.kernels, k)
	}
	return out
}
