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
	Sym    graph.SymID // where not Idle
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

// explain finds what differs most between each outlier and the median of its peers.
func explain(g *graph.Graph, spans []Span, steps []int32, found []Outlier) {
	if len(found) == 0 {
		return
	}
	at := make(map[int32]int, len(steps)) // place in steps
	idle := make([]int64, len(steps))
	for i, s := range steps {
		at[s] = i
		idle[i] = spans[s].Idle
	}
	bySym := map[graph.SymID][]int64{}
	var syms []graph.SymID
	for i := range g.Kernels {
		k := &g.Kernels[i]
		n, ok := at[k.Step]
		if !ok {
			continue
		}
		if bySym[k.Sym] == nil {
			bySym[k.Sym] = make([]int64, len(steps))
			syms = append(syms, k.Sym)
		}
		bySym[k.Sym][n] += k.Dur
	}
	slices.Sort(syms)
	usual := make([]int64, len(syms))
	for i, s := range syms {
		usual[i] = median(bySym[s])
	}
	idleUsual := median(idle)
	for i := range found {
		o := &found[i]
		n, sign, most := at[o.Step], int64(1), int64(0)
		if o.BySpan && o.Span < o.SpanMedian || !o.BySpan && o.GPU < o.GPUMedian {
			sign = -1
		}
		if d := (idle[n] - idleUsual) * sign; o.BySpan && d > most {
			most, o.Most = d, Part{Idle: true, Time: idle[n], Median: idleUsual}
		}
		for j, s := range syms {
			if d := (bySym[s][n] - usual[j]) * sign; d > most {
				most, o.Most = d, Part{Sym: s, Time: bySym[s][n], Median: usual[j]}
			}
		}
		if most == 0 {
			o.Most = Part{Sym: -1}
		}
	}
}
