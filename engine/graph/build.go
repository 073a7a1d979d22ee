package graph

import (
	"cmp"
	"slices"
	"strings"

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
	b.kernels()
	b.launches()
	b.sites()
	b.steps()
	b.classes()
	b.waits()
	g.layers()
	return g
}

type builder struct {
	g *Graph
	t *kineto.Trace
	o Options

	byCorr map[corrKey][]int32 // launches by correlation id
	ops    []StackID           // by launch: cpu_ops around it
	py     []StackID
	step   []int32 // by launch: index of Graph.Steps, -1 none
	needed []bool  // by launch: some kernel asks for it
}

// corrKey tells correlation ids of two ranks of a merged trace apart.
type corrKey struct {
	rank kineto.NameID
	corr int64
}

// kernels orders the activities by device, stream and start, and takes names apart.
func (b *builder) kernels() {
	g, t := b.g, b.t
	syms := map[kineto.NameID]SymID{}
	type place struct {
		pid    kineto.NameID
		device int32
		stream int64
	}
	streams := map[place]int32{}
	g.Kernels = make([]Kernel, len(t.Activities))
	for i := range t.Activities {
		a := &t.Activities[i]
		sym, ok := syms[a.Name]
		if !ok {
			sym = SymID(len(g.Symbols))
			syms[a.Name] = sym
			g.Symbols = append(g.Symbols, symbol.Parse(t.Names.Text(a.Name)))
		}
		p := place{a.Pid, a.Device, a.Stream}
		st, ok := streams[p]
		if !ok {
			st = int32(len(g.Streams))
			streams[p] = st
			g.Streams = append(g.Streams, Stream{Device: a.Device, ID: a.Stream, Pid: a.Pid})
		}
		g.Kernels[i] = Kernel{Ts: a.Ts, Dur: a.Dur, Name: a.Name, Sym: sym, Stream: st, Launch: -1, Replay: -1,
			Step: -1, Act: int32(i), Layer: -1, Kind: a.Kind}
		g.Total += a.Dur
	}
	b.orderStreams()
	slices.SortFunc(g.Kernels, func(x, y Kernel) int {
		return cmp.Or(cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Ts, y.Ts),
			cmp.Compare(x.End(), y.End()), cmp.Compare(x.Act, y.Act))
	})
	for i := range g.Kernels {
		k := &g.Kernels[i]
		s := &g.Streams[k.Stream]
		k.Pos = int32(len(s.Kernels))
		s.Kernels = append(s.Kernels, int32(i))
		s.Time += k.Dur
	}
}

// orderStreams numbers the streams by process lane, device and id, not by appearance.
func (b *builder) orderStreams() {
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
	for i := range g.Kernels {
		g.Kernels[i].Stream = now[g.Kernels[i].Stream]
	}
}

// rankOf gives the "[TP00-DP00]" part that SGLang's merged traces put before a pid, and
// 0 for any other pid.
func (b *builder) rankOf(pid string) kineto.NameID {
	if !strings.HasPrefix(pid, "[") {
		return 0
	}
	i := strings.IndexByte(pid, ']')
	if i < 0 {
		return 0
	}
	return b.t.Names.InternString(pid[:i+1])
}

// launches finds the launch of every kernel by correlation id.
func (b *builder) launches() {
	g, t := b.g, b.t
	rankOfThread := make([]kineto.NameID, len(t.Threads))
	for i := range t.Threads {
		rankOfThread[i] = b.rankOf(t.Threads[i].Pid)
	}
	rankOfPid := map[kineto.NameID]kineto.NameID{}
	b.byCorr = make(map[corrKey][]int32, len(g.Kernels))
	want := make(map[corrKey]bool, len(g.Kernels))
	for i := range t.Activities {
		a := &t.Activities[i]
		if _, ok := rankOfPid[a.Pid]; !ok {
			rankOfPid[a.Pid] = b.rankOf(t.Names.Text(a.Pid))
		}
		if a.Corr > 0 {
			want[corrKey{rankOfPid[a.Pid], a.Corr}] = true
		}
	}
	for i := range t.Launches {
		l := &t.Launches[i]
		k := corrKey{rankOfThread[l.Thread], l.Corr}
		if l.Corr > 0 && want[k] {
			b.byCorr[k] = append(b.byCorr[k], int32(i))
		}
	}
	b.needed = make([]bool, len(t.Launches))
	replays := map[int32]int32{}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		a := &t.Activities[k.Act]
		if a.Corr <= 0 {
			continue
		}
		l, ok := b.pick(b.byCorr[corrKey{rankOfPid[a.Pid], a.Corr}], a)
		if !ok {
			continue
		}
		k.Launch = l
		b.needed[l] = true
		if isGraphLaunch(t.Names.Text(t.Launches[l].Name)) {
			r, ok := replays[l]
			if !ok {
				r = int32(len(g.Replays))
				replays[l] = r
				g.Replays = append(g.Replays, GraphReplay{Launch: l})
			}
			k.Replay = r
			g.Replays[r].Kernels = append(g.Replays[r].Kernels, int32(i))
		}
	}
}

// pick chooses among the launches that share a kernel's correlation id. Ids are reused
// when a file holds several processes or sessions; then only the External id can tell,
// and where it cannot, nothing is chosen.
func (b *builder) pick(cand []int32, a *kineto.Activity) (int32, bool) {
	switch len(cand) {
	case 0:
		return -1, false
	case 1:
		return cand[0], true
	}
	found := int32(-1)
	for _, l := range cand {
		if a.Ext != 0 && b.t.Launches[l].Ext == a.Ext {
			if found >= 0 {
				b.g.Ambiguous++
				return -1, false
			}
			found = l
		}
	}
	if found < 0 {
		b.g.Ambiguous++
	}
	return found, found >= 0
}

// IsLaunch tells a runtime or driver call that puts a kernel, a copy or a set on a stream,
// by its name: the launches that a graph capture records.
func IsLaunch(call string) bool {
	for _, p := range [...]string{"cuda", "hip", "cu"} {
		rest, ok := strings.CutPrefix(call, p)
		if !ok {
			continue
		}
		for _, w := range [...]string{"LaunchKernel", "LaunchCooperativeKernel", "ModuleLaunchKernel", "ExtModuleLaunchKernel", "ExtLaunchKernel",
			"ModuleLaunchCooperativeKernel", "Memcpy", "Memset"} {
			if strings.HasPrefix(rest, w) {
				return true
			}
		}
		return false
	}
	return false
}

func isGraphLaunch(name string) bool {
	for _, p := range [...]string{"cudaGraphLaunch", "hipGraphLaunch", "cuGraphLaunch"} {
		if rest, ok := strings.CutPrefix(name, p); ok && (rest == "" || rest[0] == '_') {
			return true
		}
	}
	return false
}

// sites finds the ops and frames that enclose each launch's instant on its thread.
func (b *builder) sites() {
	g, t := b.g, b.t
	want := make([][]instant, len(t.Threads))
	for i, need := range b.needed {
		if need || b.o.Mapping && IsLaunch(t.Names.Text(t.Launches[i].Name)) {
			th := t.Launches[i].Thread
			want[th] = append(want[th], instant{t.Launches[i].Ts, int32(i)})
		}
	}
	for _, w := range want {
		slices.SortFunc(w, func(x, y instant) int { return cmp.Or(cmp.Compare(x.ts, y.ts), cmp.Compare(x.id, y.id)) })
	}
	b.ops = make([]StackID, len(t.Launches))
	b.py = make([]StackID, len(t.Launches))
	deep := make(map[int32]bool)
	run := func(col spanColumn, stacks *Stacks, out []StackID, entry func(kineto.Span) (uint32, bool)) {
		for th, order := range perThread(col, want) {
			sweep(col, order, want[th], entry, func(w instant, open []active) {
				id, cut := stackOf(stacks, open)
				out[w.id] = id
				if cut {
					deep[w.id] = true
				}
			})
		}
	}
	if b.o.Mapping {
		g.LaunchOps, g.LaunchPy = b.ops, b.py
	}
	run(&t.Ops, g.Ops, b.ops, func(s kineto.Span) (uint32, bool) { return uint32(s.Name), true })
	run(&t.Frames, g.Py, b.py, func(s kineto.Span) (uint32, bool) { return g.Frames.intern(t.Names, s.Name), true })
	g.Deep = len(deep)

	b.step = make([]int32, len(t.Launches))
	for i := range b.step {
		b.step[i] = -1
	}
	notes := spanSlice(t.Annotations)
	known := map[int32]int32{} // annotation → step
	for th, order := range perThread(notes, want) {
		sweep(notes, order, want[th], func(s kineto.Span) (uint32, bool) {
			_, ok := ParseStep(t.Names.Text(s.Name))
			return uint32(s.Name), ok
		}, func(w instant, open []active) {
			if span, name, ok := stepOf(t, open); ok {
				b.step[w.id] = b.stepFor(known, span, name)
			}
		})
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

// waits turns "stream B waits for the event recorded on stream A" into an edge from the
// last kernel launched to A before the record to the first launched to B behind the
// wait. Launch order is the order of correlation ids within a process.
func (b *builder) waits() {
	g, t := b.g, b.t
	if len(t.Syncs) == 0 {
		return
	}
	type place struct {
		device int32
		stream int64
	}
	at := map[place]int32{}
	for i := range g.Streams {
		at[place{g.Streams[i].Device, g.Streams[i].ID}] = int32(i)
	}
	corrs := make(map[int32][]int64)
	byLaunch := func(s int32) []int64 { // the stream's correlation ids where they ascend
		if c, ok := corrs[s]; ok {
			return c
		}
		c := make([]int64, len(g.Streams[s].Kernels))
		for i, k := range g.Streams[s].Kernels {
			c[i] = t.Activities[g.Kernels[k].Act].Corr
		}
		if !slices.IsSorted(c) {
			c = nil
		}
		corrs[s] = c
		return c
	}
	seen := map[Wait]bool{}
	for i := range t.Syncs {
		y := &t.Syncs[i]
		if y.WaitStream < 0 || y.RecordCorr <= 0 || y.Corr <= 0 || y.Stream < 0 {
			continue
		}
		from, ok1 := at[place{y.Device, y.WaitStream}]
		to, ok2 := at[place{y.Device, y.Stream}]
		if !ok1 || !ok2 || from == to {
			continue
		}
		cf, ct := byLaunch(from), byLaunch(to)
		f, _ := slices.BinarySearch(cf, y.RecordCorr)
		n, _ := slices.BinarySearch(ct, y.Corr)
		if f == 0 || n >= len(ct) {
			continue
		}
		w := Wait{g.Streams[from].Kernels[f-1], g.Streams[to].Kernels[n]}
		if !seen[w] {
			seen[w] = true
			g.Waits = append(g.Waits, w)
		}
	}
	slices.SortFunc(g.Waits, func(x, y Wait) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
}
