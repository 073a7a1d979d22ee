// Package ranks compares the traces of several ranks of one run: it matches the n-th call
// of a collective across ranks and splits its time into transfer and waiting, and it finds
// the kernels whose time differs from rank to rank.
//
// It sees graphs and is told which kernels communicate. It knows no rules and no tables,
// and it never compares the clocks of two ranks: every duration and every interval is
// measured on one rank's own clock. What cannot be paired is left out, with the reason.
package ranks

import (
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
)

// Rank is one rank of a run with what is kept of its traces.
type Rank struct {
	Name   string // what a report calls it: "0", "0 DP-1"
	Global int64  // distributedInfo.rank; -1 unknown
	World  int64  // distributedInfo.world_size; 0 unknown
	// Place is where the file name puts the rank outside its tensor-parallel group:
	// "DP-1 PP-0"; Named tells that it gives a tensor-parallel rank.
	Place string
	Named bool
	// Groups are the process groups with more than one member that the rank is in:
	// global ranks, ascending, each set once.
	Groups [][]int64
	Parts  []*Part
}

// Part is what is kept of one trace. It does not hold on to the graph it came from.
type Part struct {
	// File is the stage that the file's name gives, "" for none: it pairs the parts of
	// two ranks.
	File   string
	Stages []string // as graph.Graph.Stages
	// Total is the GPU time, Own the part of it that is no communication, ns.
	Total, Own int64
	steps      []step
	names      []string // of kernels and collectives
	calls      []call   // by stream, then start
	work       map[workKey]amount
}

type step struct{ name, stage int32 } // of Part.names, of Part.Stages

// call is one launch of a communication kernel.
type call struct {
	kernel   int32 // of the graph
	name     int32 // the kernel's and, behind sep, the collective's; of Part.names
	group    int32 // name and ranks of its process group as the trace has them, of Part.names; -1 none
	step     int32 // -1 outside every step
	stage    int32
	stream   int32
	end, dur int64
	why      string // it cannot be split, and why; "" if it can
}

// sep stands between two texts of one name.
const sep = "\x00"

// workKey is a kernel that is no communication in one step.
type workKey struct{ name, step, stage int32 }

type amount struct {
	time     int64 // ns
	launches int32
}

// Summarize keeps of g what is compared between ranks: the calls of the kernels that
// communicate and, by step, the time of all others. file is the stage that the file's name
// gives.
func Summarize(g *graph.Graph, file string, communicates func(kernel int32) bool) *Part {
	p := &Part{File: file, Stages: append([]string(nil), g.Stages...), work: map[workKey]amount{}}
	ids := map[string]int32{}
	intern := func(s string) int32 {
		id, ok := ids[s]
		if !ok {
			id = int32(len(p.names))
			s = strings.Clone(s) // the trace's names are one piece of memory, which shall go
			ids[s] = id
			p.names = append(p.names, s)
		}
		return id
	}
	kernels := make([]int32, len(g.Symbols))
	for i := range g.Symbols {
		kernels[i] = -1
	}
	nameOf := func(s graph.SymID) int32 {
		if kernels[s] < 0 {
			kernels[s] = intern(g.Symbols[s].Raw)
		}
		return kernels[s]
	}
	for i := range g.Steps {
		p.steps = append(p.steps, step{intern(g.Trace.Names.Text(g.Steps[i].Name)), int32(g.Steps[i].Stage)})
	}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		p.Total += k.Dur
		if !communicates(int32(i)) {
			p.Own += k.Dur
			key := workKey{nameOf(k.Sym), k.Step, int32(k.Stage)}
			a := p.work[key]
			p.work[key] = amount{a.time + k.Dur, a.launches + 1}
			continue
		}
		c := call{kernel: int32(i), name: nameOf(k.Sym), group: -1, step: k.Step, stage: int32(k.Stage), stream: k.Stream, end: k.End(), dur: k.Dur}
		text := g.Trace.Names.Text
		var about kineto.Collective
		if n := g.Trace.Activities[k.Act].Coll; n > 0 {
			about = g.Trace.Collectives[n]
		}
		if about.Group != 0 || about.Ranks != 0 {
			c.group = intern(text(about.Group) + sep + text(about.Ranks))
		}
		if about.Name != 0 {
			c.name = intern(g.Symbols[k.Sym].Raw + sep + text(about.Name))
		}
		c.why = unequal(g.Symbol(k), text(about.Name))
		p.calls = append(p.calls, c)
	}
	return p
}

// Groups gives the process groups of a trace with more than one member, each set once.
func Groups(t *kineto.Trace) [][]int64 {
	var out [][]int64
	for _, g := range t.Groups {
		set := sorted(g.Ranks)
		if len(set) > 1 && !has(out, set) {
			out = append(out, set)
		}
	}
	return out
}
