// Package graph rebuilds, from the columns of a trace, the attributed trace graph:
// kernel → launch → cpu_op → Python frames; the order of kernels on each stream; waits
// across streams; graph replays; steps, stages and layers.
//
// Attribution is exact or absent. A site comes from the launch with the kernel's own
// correlation id and from the ops and frames that enclose the launch's instant on its
// thread; never from the nearest event in time and never from a name.
//
// It knows nothing of families, rules or tables, and it changes nothing in the trace.
package graph

import (
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/symbol"
)

// SymID indexes Graph.Symbols, ClassID Graph.Classes, StageID Graph.Stages.
type (
	SymID   int32
	ClassID int32
	StageID int32
)

// Method tells how a kernel's site was found.
type Method uint8

// The methods. Launch, Aligned and Node are exact; Replay names the replay and no more.
const (
	None      Method = iota // no launch event, or nothing encloses it
	Replay                  // one graph launch for many kernels: the site of the replay
	Launch                  // the kernel's own launch
	Aligned                 // the kernel's launch in a mapping trace, by alignment
	Neighbour               // the same, by its aligned neighbours: the kernels differ
	Node                    // the same by graph node id
	Methods                 // how many there are
)

func (m Method) String() string {
	return [...]string{"none", "replay", "launch", "aligned", "neighbour", "node", ""}[m]
}

// Exact tells a site that is the kernel's own.
func (m Method) Exact() bool { return m >= Launch }

// Kernel is one GPU activity with what is known of it. Times are ns.
type Kernel struct {
	Ts, Dur int64
	Name    kineto.NameID
	Sym     SymID
	Class   ClassID
	Stream  int32 // index of Graph.Streams
	Pos     int32 // place among the kernels of its stream
	Launch  int32 // index of Trace.Launches; -1 none
	Replay  int32 // index of Graph.Replays; -1 not replayed
	Step    int32 // index of Graph.Steps; -1 launched outside any step
	Stage   StageID
	Act     int32 // index of Trace.Activities
	Layer   int32 // layer of the step, from 0; -1 outside the repeating part or unknown
	Kind    kineto.Kind
	Method  Method
}

// End is the ns after the last one the kernel ran in.
func (k *Kernel) End() int64 { return k.Ts + k.Dur }

// Stream is one queue of one device with its kernels in order of start.
type Stream struct {
	Device  int32
	ID      int64
	Pid     kineto.NameID // the process lane, which tells two ranks of a merged trace apart
	Kernels []int32       // indices of Graph.Kernels, by start, then end, then file order
	Time    int64         // sum of durations, ns
}

// Graph replays: one graph launch and the kernels that ran for it.
type GraphReplay struct {
	Launch  int32   // index of Trace.Launches
	Kernels []int32 // indices of Graph.Kernels, by stream, then start
	// Ops and Py are the stacks of the graph launch itself, also where its kernels got sites
	// of their own.
	Ops, Py StackID
}

// Step is one annotated step of a server or profiler: what was launched in it belongs
// to it, whenever it ran.
type Step struct {
	Name    kineto.NameID
	Stage   StageID
	Ts, Dur int64 // of the host annotation, ns
	Thread  kineto.ThreadID
	Kernels int32 // how many were launched in it
	Time    int64 // their durations, ns
	Layers  int32 // layers found in it; 0 unknown
	Tokens  int   // tokens it computed, as its name says; 0 unknown
}

// Class is what a rule step can see of a kernel: everything but time, place and step.
// A trace has few of them, so what depends on a class alone is computed once.
type Class struct {
	Sym    SymID
	Kind   kineto.Kind
	Method Method
	Ops    StackID // cpu_ops around the launch
	Py     StackID // Python frames and nn.Module scopes around the launch
	Count  int32
	Time   int64 // ns
}

// Wait is a recorded dependency between streams: To was launched on a stream after that
// stream was told to wait for an event recorded behind From.
type Wait struct{ From, To int32 }

// Graph is the attributed trace graph.
type Graph struct {
	Trace   *kineto.Trace
	Symbols []symbol.Symbol
	Kernels []Kernel // by device, stream, start
	Streams []Stream
	Classes []Class
	Replays []GraphReplay
	Steps   []Step
	Stages  []string // names, "extend", "decode", …; by first appearance of a kernel
	Waits   []Wait
	// HostWaits are waits read from the order of the host's calls, for a trace without
	// synchronisation records, and from a capture for its replays: see HostWaits. No chain
	// crosses them.
	HostWaits []Wait

	// Syncs are the host's synchronising calls, by thread, then start.
	Syncs []HostSync

	Frames *Frames // parsed Python frames
	Py     *Stacks // of frame ids
	Ops    *Stacks // of kineto.NameID

	// LaunchOps and LaunchPy are the stacks of the launches, by index of Trace.Launches;
	// only where Options.Mapping asked for them.
	LaunchOps, LaunchPy []StackID

	// Total is the sum of all kernels' durations, ByMethod the same by method, ns.
	Total    int64
	ByMethod [Methods]int64
	// Ambiguous counts kernels whose correlation id names several launches that nothing
	// tells apart; they stay without a site.
	Ambiguous int
	// Deep counts launches whose stack was deeper than maxDepth and was cut.
	Deep int
}

// Symbol gives the symbol of kernel k.
func (g *Graph) Symbol(k *Kernel) *symbol.Symbol { return &g.Symbols[k.Sym] }

// Name gives the name of kernel k as the trace has it.
func (g *Graph) Name(k *Kernel) string { return g.Trace.Names.Text(k.Name) }

// Gap is the time from the end of a to the start of b, ns; negative where they overlap.
func (g *Graph) Gap(a, b int32) int64 { return g.Kernels[b].Ts - g.Kernels[a].End() }
