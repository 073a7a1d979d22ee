package graph

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/symbol"
)

// Options are what Build needs besides the trace.
type Options struct {
	Sites Policy
	// Stage is the stage of everything launched outside a step, when the file or its
	// directory names it; "" if not.
	Stage string
	// Mapping keeps the stacks of all launches, also of those whose kernels are not in the
	// trace: of a graph capture, nothing ran.
	Mapping bool
}

// Build makes the graph of t.
func Build(t *kineto.Trace, o Options) *Graph {
	g := &Graph{Trace: t, Frames: newFrames(o.Sites), Py: newStacks(), Ops: newStacks()}
	b := &builder{g: g, t: t, o: o}
	var wg sync.WaitGroup
	var c *correlation
	wg.Go(func() { c = correlate(t) })
	b.kernels()
	wg.Wait()
	b.launches(c)
	b.sites()
	b.steps()
	wg.Go(g.layers) // of names alone
	b.classes()
	b.hostSyncs()
	b.waits()
	b.hostWaits()
	wg.Wait()
	return g
}

type builder struct {
	g *Graph
	t *kineto.Trace
	o Options

	ops    []StackID // by launch: cpu_ops around it
	py     []StackID
	step   []int32                // by launch: index of Graph.Steps, -1 none
	needed []bool                 // by launch: some kernel asks for it
	sync   map[kineto.NameID]bool // names of synchronising calls, and of others that were asked for
}

// kernels orders the activities by device, stream and start, and takes names apart.
func (b *builder) kernels() {
	g, t := b.g, b.t
	syms := make([]SymID, t.Names.Len()) // by name, one more than the symbol
	type place struct {
		pid    kineto.NameID
		device int32
		stream int64
	}
	streams := map[place]int32{}
	of := make([]int32, len(t.Activities)) // stream by activity
	last, known := place{}, false          // the next activity is mostly of the same stream
	for i := range t.Activities {
		a := &t.Activities[i]
		g.Total += a.Dur
		if syms[a.Name] == 0 {
			g.Symbols = append(g.Symbols, symbol.Parse(t.Names.Text(a.Name)))
			syms[a.Name] = SymID(len(g.Symbols))
		}
		p := place{a.Pid, a.Device, a.Stream}
		if known && p == last {
			of[i] = of[i-1]
			continue
		}
		st, ok := streams[p]
		if !ok {
			st = int32(len(g.Streams))
			streams[p] = st
			g.Streams = append(g.Streams, Stream{Device: a.Device, ID: a.Stream, Pid: a.Pid})
		}
		of[i], last, known = st, p, true
	}
	order := b.inOrder(of)
	g.Kernels = make([]Kernel, len(order))
	all := make([]int32, len(order)) // the streams' lists, one behind the other
	from := 0
	for i, act := range order {
		a := &t.Activities[act]
		st := of[act]
		s := &g.Streams[st]
		if i > 0 && st != of[order[i-1]] {
			from = i
		}
		g.Kernels[i] = Kernel{Ts: a.Ts, Dur: a.Dur, Name: a.Name, Sym: syms[a.Name] - 1, Stream: st, Pos: int32(i - from), Launch: -1, Replay: -1,
			Step: -1, Act: act, Layer: -1, Kind: a.Kind}
		all[i] = int32(i)
		s.Kernels = all[from : i+1 : i+1]
		s.Time += a.Dur
	}
}

// inOrder numbers the streams by place and lists the activities by stream, start, end and
// place in the file. of is the stream of every activity, and is brought up to date. The
// writers order the events of a stream, so there is mostly nothing left to sort.
func (b *builder) inOrder(of []int32) []int32 {
	now := b.orderStreams()
	starts := make([]int, len(now)+1)
	for i := range of {
		of[i] = now[of[i]]
		starts[of[i]+1]++
	}
	for s := range now {
		starts[s+1] += starts[s]
	}
	order := make([]int32, len(of))
	fill := slices.Clone(starts)
	for i, s := range of {
		order[fill[s]] = int32(i)
		fill[s]++
	}
	acts := b.t.Activities
	less := func(x, y int32) int {
		p, q := &acts[x], &acts[y]
		if p.Ts != q.Ts {
			return cmp.Compare(p.Ts, q.Ts)
		}
		return cmp.Or(cmp.Compare(p.Dur, q.Dur), cmp.Compare(x, y))
	}
	for s := range now {
		if list := order[starts[s]:starts[s+1]]; !slices.IsSortedFunc(list, less) {
			slices.SortFunc(list, less)
		}
	}
	return order
}

// orderStreams numbers the streams by process lane, device and id, not by appearance, and
// gives the new number of each.
func (b *builder) orderStreams() []int32 {
	g := b.g
	order := make([]int32, len(g.Streams))
	for i := range order {
		order[i] = int32(i)
	}
	text := b.t.Names.Text
	slices.SortFunc(order, func(x, y int32) int {
		p, q := &g.Streams[x], &g.Streams[y]
		return cmp.Or(cmp.Compare(p.Device, q.Device), strings.Compare(text(p.Pid), text(q.Pid)), cmp.Compare(p.ID, q.ID))
	})
	now := make([]int32, len(order))
	sorted := make([]Stream, len(order))
	for i, old := range order {
		now[old] = int32(i)
		sorted[i] = g.Streams[old]
	}
	g.Streams = sorted
	return now
}

// sites finds the ops and frames that enclose each launch's instant on its thread.
func (b *builder) sites() {
	g, t := b.g, b.t
	want := make([][]instant, len(t.Threads))
	for i, need := range b.needed {
		if need || b.o.Mapping && IsLaunch(t.Names.Text(t.Launches[i].Name)) || b.isSync(i) {
			th := t.Launches[i].Thread
			want[th] = append(want[th], instant{t.Launches[i].Ts, int32(i)})
		}
	}
	for _, w := range want {
		slices.SortFunc(w, func(x, y instant) int { return cmp.Or(cmp.Compare(x.ts, y.ts), cmp.Compare(x.id, y.id)) })
	}
	b.ops = make([]StackID, len(t.Launches))
	b.py = make([]StackID, len(t.Launches))
	if b.o.Mapping {
		g.LaunchOps, g.LaunchPy = b.ops, b.py
	}
	// Ops and annotations on one core, frames, of which there are most, on another.
	var deepOps, deepPy []bool
	var wg sync.WaitGroup
	wg.Go(func() {
		deepOps = enclose(&t.Ops, want, g.Ops, b.ops, func(s kineto.Span) (uint32, bool) { return uint32(s.Name), true })
		b.annotations(want)
	})
	deepPy = enclose(&t.Frames, want, g.Py, b.py, func(s kineto.Span) (uint32, bool) { return g.Frames.intern(t.Names, s.Name), true })
	wg.Wait()
	for i := range t.Launches {
		if deepOps != nil && deepOps[i] || deepPy != nil && deepPy[i] {
			g.Deep++
		}
	}
}

// enclose gives out the stack of spans around every instant, by the instant's id. deep tells, by
// id, which were cut; nil where none was.
func enclose(col *kineto.Spans, want [][]instant, stacks *Stacks, out []StackID, entry func(kineto.Span) (uint32, bool)) (deep []bool) {
	sweepAll(col, want, &sweeping{entry, func(w instant, open []active, cut bool) {
		out[w.id] = stackOf(stacks, open)
		if cut && deep == nil {
			deep = make([]bool, len(out))
		}
		if deep != nil {
			deep[w.id] = cut
		}
	}})
	return deep
}

// annotations finds the step that each launch's instant is in.
func (b *builder) annotations(want [][]instant) {
	t := b.t
	b.step = make([]int32, len(t.Launches))
	for i := range b.step {
		b.step[i] = -1
	}
	notes := spanSlice(t.Annotations)
	known := map[int32]int32{} // annotation → step
	for th, order := range perThread(notes, want) {
		sweep(notes, order, want[th], &sweeping{func(s kineto.Span) (uint32, bool) {
			_, ok := ParseStep(t.Names.Text(s.Name))
			return uint32(s.Name), ok
		}, func(w instant, open []active, _ bool) {
			if span, name, ok := stepOf(t, open); ok {
				b.step[w.id] = b.stepFor(known, span, name)
			}
		}})
	}
}

// stepOf chooses among nested steps the outermost that names a stage, so that a step is
// one however many annotators marked it (patched servers write two); else the innermost.
// The name shown is the innermost one that names a stage.
func stepOf(t *kineto.Trace, open []active) (span int32, name kineto.NameID, ok bool) {
	for _, a := range open {
		if stage, _ := ParseStep(t.Names.Text(kineto.NameID(a.entry))); stage != "" {
			if !ok {
				span, ok = a.span, true
			}
			name = kineto.NameID(a.entry)
		}
	}
	if n := len(open); !ok && n > 0 {
		return open[n-1].span, kineto.NameID(open[n-1].entry), true
	}
	return span, name, ok
}

func (b *builder) stepFor(known map[int32]int32, span int32, name kineto.NameID) int32 {
	s, ok := known[span]
	if !ok {
		a := b.t.Annotations[span]
		s = int32(len(b.g.Steps))
		known[span] = s
		b.g.Steps = append(b.g.Steps, Step{Name: a.Name, Ts: a.Ts, Dur: a.Dur, Thread: a.Thread})
	}
	if name != b.t.Annotations[span].Name {
		b.g.Steps[s].Name = name
	}
	return s
}

// steps gives every kernel its step and stage, and puts the steps in order of time.
func (b *builder) steps() {
	g := b.g
	order := make([]int32, len(g.Steps))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		return cmp.Or(cmp.Compare(g.Steps[x].Ts, g.Steps[y].Ts), cmp.Compare(g.Steps[x].Thread, g.Steps[y].Thread), cmp.Compare(x, y))
	})
	now := make([]int32, len(order))
	sorted := make([]Step, len(order))
	stages := map[string]StageID{}
	stage := func(name string) StageID {
		id, ok := stages[name]
		if !ok {
			id = StageID(len(g.Stages))
			stages[name] = id
			g.Stages = append(g.Stages, name)
		}
		return id
	}
	named := false
	for i, old := range order {
		now[old] = int32(i)
		sorted[i] = g.Steps[old]
		if s, _ := ParseStep(b.t.Names.Text(sorted[i].Name)); s != "" {
			named = true
		}
	}
	g.Steps = sorted
	outside := StageAll
	switch {
	case b.o.Stage != "":
		outside = b.o.Stage
	case named:
		outside = StageOutside
	}
	for i := range g.Steps {
		s, _ := ParseStep(b.t.Names.Text(g.Steps[i].Name))
		if s == "" {
			s = outside
			if s == StageOutside {
				s = StageAll
			}
		}
		g.Steps[i].Stage = stage(s)
		g.Steps[i].Tokens = StepTokens(b.t.Names.Text(g.Steps[i].Name))
	}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if k.Launch >= 0 && b.step[k.Launch] >= 0 {
			k.Step = now[b.step[k.Launch]]
			s := &g.Steps[k.Step]
			k.Stage = s.Stage
			s.Kernels++
			s.Time += k.Dur
			continue
		}
		k.Stage = stage(outside)
	}
}

// classes settles the method of each kernel and groups kernels into classes.
func (b *builder) classes() {
	b.g.regroup(func(i int32) Site {
		k := &b.g.Kernels[i]
		var s Site
		if k.Launch >= 0 {
			s.Ops, s.Py = b.ops[k.Launch], b.py[k.Launch]
		}
		switch {
		case s.Ops == 0 && s.Py == 0:
		case k.Replay >= 0:
			s.Method = Replay
		default:
			s.Method = Launch
		}
		return s
	})
}
