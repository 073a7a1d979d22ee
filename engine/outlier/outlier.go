// Package outlier finds steps that lasted much longer or shorter than others that did the same,
// and what made the difference.
//
// Steps are compared only with those of their stage that computed as many tokens, or, where
// their annotation tells no number, have the same annotation. It knows no rules and no tables.
package outlier

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/overlap"
)

// A step is an outlier when it differs from the median of at least MinSteps steps by more than
// MinPercent of it and by more than MinDeviations median absolute deviations.
const (
	MinSteps      = 5
	MinPercent    = 20
	MinDeviations = 5
)

// Span is when the kernels of a step ran.
type Span struct {
	Start, End int64 // the first start and the last end, ns
	Idle       int64 // gaps of the device between two kernels of the step, ns
}

// Dur is the time from the first start to the last end, ns.
func (s *Span) Dur() int64 { return s.End - s.Start }

// Spans gives the span of every step, by index of Graph.Steps; of a step without kernels it is
// empty.
func Spans(g *graph.Graph, t *overlap.Times) []Span {
	out := make([]Span, len(g.Steps))
	seen := make([]bool, len(g.Steps))
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if k.Step < 0 {
			continue
		}
		s := &out[k.Step]
		if !seen[k.Step] {
			seen[k.Step], s.Start, s.End = true, k.Ts, k.End()
			continue
		}
		s.Start, s.End = min(s.Start, k.Ts), max(s.End, k.End())
	}
	for d := range t.Devices {
		for _, gap := range t.Devices[d].Gaps {
			if gap.From < 0 || gap.To < 0 {
				continue
			}
			if s := g.Kernels[gap.From].Step; s >= 0 && s == g.Kernels[gap.To].Step {
				out[s].Idle += gap.Dur()
			}
		}
	}
	return out
}

// Part is what made a difference: the time of one kernel, or the idle time of the device.
type Part struct {
	Idle   bool
	Sym    graph.SymID // -1 where Idle, or where nothing differs in that direction
	Time   int64       // in the step, ns
	Median int64       // in the steps it was compared with, ns
}

// Outlier is a step that differs.
type Outlier struct {
	Step  int32 // index of Graph.Steps
	Place int   // its place among the steps of its stage that ran, from 1
	Of    int   // how many of its stage ran
	Peers int   // how many it was compared with, itself included
	// Span and GPU are the step's time from first start to last end, and the sum of its
	// kernels' durations; SpanMedian and GPUMedian those of its peers, ns. BySpan tells that
	// the span made it an outlier, else its GPU time did.
	Span, SpanMedian int64
	GPU, GPUMedian   int64
	BySpan           bool
	Most             Part // what differs most, in the same direction
}

// Find gives the outliers in order of the steps.
func Find(g *graph.Graph, spans []Span) []Outlier {
	type kind struct {
		stage  graph.StageID
		tokens int
		name   kineto.NameID // where the tokens are not known
	}
	groups := map[kind][]int32{}
	var order []kind
	place := make([]int, len(g.Steps))
	ran := make([]int, len(g.Stages))
	for i := range g.Steps {
		s := &g.Steps[i]
		if s.Kernels == 0 {
			continue
		}
		ran[s.Stage]++
		place[i] = ran[s.Stage]
		k := kind{stage: s.Stage, tokens: s.Tokens}
		if s.Tokens == 0 && !numbered(g, s.Name) {
			k.name = s.Name
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], int32(i))
	}
	var out []Outlier
	for _, k := range order {
		steps := groups[k]
		if len(steps) < MinSteps {
			continue
		}
		dur, gpu := make([]int64, len(steps)), make([]int64, len(steps))
		for i, s := range steps {
			dur[i], gpu[i] = spans[s].Dur(), g.Steps[s].Time
		}
		bySpan, byGPU := far(dur), far(gpu)
		var found []Outlier
		for i, s := range steps {
			if !bySpan[i] && !byGPU[i] {
				continue
			}
			found = append(found, Outlier{Step: s, Place: place[s], Of: ran[k.stage], Peers: len(steps), Span: dur[i], SpanMedian: median(dur),
				GPU: gpu[i], GPUMedian: median(gpu), BySpan: bySpan[i]})
		}
		explain(g, spans, steps, found)
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b Outlier) int { return cmp.Compare(a.Step, b.Step) })
	return out
}

// numbered tells a step whose name says only which one it is.
func numbered(g *graph.Graph, n kineto.NameID) bool {
	stage, _ := graph.ParseStep(g.Trace.Names.Text(n))
	return stage == ""
}

// far tells which values differ from the median by more than is usual.
func far(list []int64) []bool {
	m := median(list)
	dev := make([]int64, len(list))
	for i, x := range list {
		dev[i] = abs(x - m)
	}
	mad := median(dev)
	out := make([]bool, len(list))
	for i, d := range dev {
		out[i] = d*100 > m*MinPercent && d > mad*MinDeviations
	}
	return out
}

// median is the middle value, of an even number the lower of the two.
func median(list []int64) int64 {
	s := slices.Clone(list)
	slices.Sort(s)
	return s[(len(s)-1)/2]
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// cell is the time of one kernel in one step.
type cell struct {
	sym  graph.SymID
	n    int32 // place of the step among its peers
	time int64
}

// cells sums the kernels of steps by name and step, in that order.
func cells(g *graph.Graph, at map[int32]int32) []cell {
	var list []cell
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if n, ok := at[k.Step]; ok {
			list = append(list, cell{k.Sym, n, k.Dur})
		}
	}
	slices.SortFunc(list, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.sym, b.sym), cmp.Compare(a.n, b.n))
	})
	out := list[:0]
	for _, c := range list {
		if n := len(out); n > 0 && out[n-1].sym == c.sym && out[n-1].n == c.n {
			out[n-1].time += c.time
			continue
		}
		out = append(out, c)
	}
	return out
}

// explain finds what differs most between each outlier and the median of its peers. It takes
// time and memory by the kernels of the steps, not by steps times names: only a kernel that most
// steps have can be missing in one.
func explain(g *graph.Graph, spans []Span, steps []int32, found []Outlier) {
	if len(found) == 0 {
		return
	}
	at := make(map[int32]int32, len(steps))
	idle := make([]int64, len(steps))
	for i, s := range steps {
		at[s] = int32(i)
		idle[i] = spans[s].Idle
	}
	usual := median(idle)
	outlier := make(map[int32]*Outlier, len(found)) // by place
	most := make(map[int32]int64, len(found))
	sign := func(o *Outlier) int64 {
		if o.BySpan && o.Span < o.SpanMedian || !o.BySpan && o.GPU < o.GPUMedian {
			return -1
		}
		return 1
	}
	differs := func(n int32, p Part) {
		o := outlier[n]
		if d := (p.Time - p.Median) * sign(o); d > most[n] {
			most[n], o.Most = d, p
		}
	}
	for i := range found {
		o := &found[i]
		o.Most.Sym = -1
		n := at[o.Step]
		outlier[n] = o
		if o.BySpan {
			differs(n, Part{Idle: true, Sym: -1, Time: idle[n], Median: usual})
		}
	}
	list := cells(g, at)
	for len(list) > 0 {
		sym := list[0].sym
		n := 1
		for n < len(list) && list[n].sym == sym {
			n++
		}
		one := list[:n]
		list = list[n:]
		m := medianOf(one, len(steps))
		have := map[int32]bool{}
		for _, c := range one {
			if outlier[c.n] != nil {
				differs(c.n, Part{Sym: sym, Time: c.time, Median: m})
				have[c.n] = true
			}
		}
		if m == 0 {
			continue
		}
		for i := range found {
			if n := at[found[i].Step]; !have[n] {
				differs(n, Part{Sym: sym, Median: m})
			}
		}
	}
}

// medianOf is the median of steps values of which all but those of list are 0.
func medianOf(list []cell, steps int) int64 {
	i := (steps-1)/2 - (steps - len(list))
	if i < 0 {
		return 0
	}
	times := make([]int64, len(list))
	for j, c := range list {
		times[j] = c.time
	}
	slices.Sort(times)
	return times[i]
}
