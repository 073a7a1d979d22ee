package tracebuild

import (
	"fmt"
	"math"
	"slices"
)

const (
	latency = 1_500                 // ns from a launch call's end to the earliest start of its work
	maxTime = 1_000_000_000_000_000 // ns: beyond it a timestamp has no exact double
	never   = math.MinInt64 / 4
)

// when is an instant that may depend on the floor of its segment, which is unknown
// in the first walk: the later of abs and floor+rel. Everything a stream does (adding a
// duration, waiting for the later of two) keeps that form.
type when struct{ abs, rel int64 }

func (a when) plus(ns int64) when { return when{a.abs + ns, a.rel + ns} }
func later(a, b when) when        { return when{max(a.abs, b.abs), max(a.rel, b.rel)} }

// clock is one stream: the start of its last work and the end of all of it.
type clock struct {
	last, end when
	seg       int
}

type event struct {
	at       when
	seg      int
	corr, id int64
	stream   int64
}

// runner walks the plan twice. The first walk finds, for every segment between two
// syncs, the floor: the instant before which none of its work may start, so that the
// host is always ahead. It also finds the durations of scopes with a sync inside. The second
// walk writes. Both keep only clocks, so that the length of a trace costs no memory.
type runner struct {
	spec   *Spec
	out    *emitter // nil in the first walk
	calls  *calls
	host   int64
	clocks map[int64]*clock
	order  []int64 // streams by first use
	base   when    // what a stream that is new starts from
	bseg   int
	events map[string]*event
	uses   []int32

	seg    int
	floors []int64 // of the segments walked; all of them in the second walk
	need   int64   // the floor that the current segment has been found to need
	durs   []int64 // durations of scopes with a sync inside, in the order they open
	next   int     // of durs
	err    error

	ids     ids
	marks   []*mark
	modules []int64
	notes   int
	node    int64 // of the capture that was begun last
}

// context is what encloses a node on its thread.
type context struct {
	thread  int
	parent  int64 // Python id
	ext     int64 // External id of the innermost op
	frames  int
	capture bool
	graph   int64 // the graph that is captured
}

func (r *runner) all(kids []*node, c context) {
	for _, n := range kids {
		if r.err != nil {
			return
		}
		r.walk(n, c)
	}
}

func (r *runner) walk(n *node, c context) {
	if r.host > maxTime {
		r.fail("the trace lasts longer than %d s", int64(maxTime)/1e9)
		return
	}
	if r.out == nil && !n.gpu && !n.sync {
		r.host = add(r.host, n.cost)
		return
	}
	if n.thread != c.thread && n.kind != nRepeat {
		c = context{thread: n.thread, capture: c.capture, graph: c.graph}
	}
	switch n.kind {
	case nRepeat:
		for i := int64(0); i < n.n && r.err == nil; i++ {
			r.all(n.kids, c)
		}
	case nFrame, nModule, nOp, nNote:
		r.enclose(n, c)
	case nCapture:
		r.capture(n, c)
	case nWork:
		r.work(n, c)
	case nGraph:
		r.graph(n, c)
	case nRecord, nWait:
		r.event(n, c)
	case nSync:
		r.sync(n, c)
	case nIdle:
		r.idle(n.it)
		r.host += n.cost
	}
}

// enclose opens a scope, walks what is inside and closes it.
func (r *runner) enclose(n *node, c context) {
	start, slot := r.host, -1
	dur := n.cost - tail
	if n.sync {
		slot = r.next
		r.next++
		if r.out == nil {
			r.durs = append(r.durs, 0)
		} else {
			dur = r.durs[slot]
		}
	}
	var m *mark
	if r.out != nil {
		if n.kind == nNote {
			if r.notes == 0 {
				clear(r.modules) // module objects are the same in every step
			}
			r.notes++
			if n.it.Mirror {
				m = &mark{spans: map[int64][2]int64{}}
				r.marks = append(r.marks, m)
			}
		}
		c = r.open(n, c, start, dur, m)
	}
	r.host += n.open
	r.all(n.kids, c)
	r.host += n.close
	if r.out == nil && slot >= 0 {
		r.durs[slot] = r.host - start
	}
	r.host += tail
	if r.out != nil && n.kind == nNote {
		r.notes--
		if m != nil {
			r.marks = r.marks[:len(r.marks)-1]
			r.mirror(n, m)
		}
	}
}

func (r *runner) capture(n *node, c context) {
	c.capture, c.graph, r.node = true, n.n, 0
	end := n.close - r.calls.instantiate.ns - 2*tail
	r.call(r.calls.begin, c, nil, 0)
	r.host += n.open
	r.all(n.kids, c)
	r.call(r.calls.end, c, nil, 0)
	r.host += end + tail
	r.call(r.calls.instantiate, c, nil, 0)
	r.host += n.close - end - tail
}

func (r *runner) work(n *node, c context) {
	corr := r.call(n.call, c, n, n.it.Stream)
	if !c.capture {
		r.activity(n, c, corr, r.host+n.call.ns+latency, 0, 0)
	}
	r.host += n.cost
}

// activity places one kernel, copy or set on its stream.
func (r *runner) activity(n *node, c context, corr, ready, graph, index int64) {
	it := n.it
	s := r.stream(it.Stream)
	s.end.rel = max(s.end.rel, 0)
	start := s.end.plus(it.Gap)
	if it.Gap < 0 {
		start = later(start, s.last.plus(1)) // the order of a stream is the order of its starts
	}
	dur := int64(DefaultUS)
	if len(it.US) > 0 {
		dur = it.US[int(r.uses[n.slot])%len(it.US)]
		r.uses[n.slot] = (r.uses[n.slot] + 1) % int32(len(it.US))
	}
	s.last, s.end = start, later(s.end, start.plus(dur))
	if r.tooLate(s.end) {
		return
	}
	if r.out == nil {
		r.need = max(r.need, ready-start.rel)
		return
	}
	at := r.value(start)
	for _, m := range r.marks {
		m.add(it.Stream, at, at+dur)
	}
	r.gpu(n, c, corr, at, dur, graph, index)
}

// graph launches all of n's kids at once: they begin after the earlier work of the
// launch's stream, and its later work begins after all of them.
func (r *runner) graph(n *node, c context) {
	corr := r.call(n.call, c, n, n.it.Stream)
	own := r.stream(n.it.Stream)
	own.end.rel = max(own.end.rel, 0)
	g := &replay{n: n, c: c, corr: corr, ready: r.host + n.call.ns + latency, from: own.end, end: own.end, seen: map[int64]bool{}}
	r.replay(n.kids, g)
	own.end = later(own.end, g.end)
	r.host += n.cost
}

type replay struct {
	n           *node
	c           context
	corr, ready int64
	from, end   when
	seen        map[int64]bool
	index       int64
}

func (r *runner) replay(kids []*node, g *replay) {
	for _, n := range kids {
		if r.err != nil {
			return
		}
		switch n.kind {
		case nRepeat:
			for i := int64(0); i < n.n && r.err == nil; i++ {
				r.replay(n.kids, g)
			}
		case nIdle:
			r.idle(n.it)
		default:
			s := r.stream(n.it.Stream)
			if !g.seen[n.it.Stream] {
				g.seen[n.it.Stream] = true
				s.end = later(s.end, g.from)
			}
			switch n.kind {
			case nRecord:
				r.events[n.it.Name] = &event{at: s.end, seg: r.seg, corr: -1, stream: n.it.Stream}
			case nWait:
				if e := r.events[n.it.Name]; e != nil {
					s.end = later(s.end, r.lift(e.at, &e.seg))
				}
			default:
				g.index++
				r.activity(n, g.c, g.corr, g.ready, g.n.n, g.index)
			}
			g.end = later(g.end, s.end)
		}
	}
}

func (r *runner) event(n *node, c context) {
	corr := r.call(n.call, c, n, n.it.Stream)
	at := r.host
	r.host += n.cost
	if c.capture {
		return
	}
	s := r.stream(n.it.Stream)
	if n.kind == nRecord {
		id := int64(len(r.events) + 1)
		if e := r.events[n.it.Name]; e != nil {
			id = e.id
		}
		r.events[n.it.Name] = &event{at: s.end, seg: r.seg, corr: corr, id: id, stream: n.it.Stream}
		return
	}
	e := r.events[n.it.Name]
	if e == nil { // recorded later, or never: the stream does not wait and the trace says -1
		e = &event{at: when{never, never}, seg: r.seg, corr: -1, id: int64(len(r.events) + 1), stream: -1}
	}
	s.end = later(s.end, r.lift(e.at, &e.seg))
	if r.out != nil {
		r.syncEvent("Stream Wait Event", n.it.Stream, at+200, max(n.call.ns-300, 100), corr, e, c)
	}
}

// sync ends a segment: with its floor known, the instant the host waits for is known too.
func (r *runner) sync(n *node, c context) {
	r.segment()
	var until int64 = never
	var e *event
	switch n.it.Name {
	case "Stream Sync":
		until = r.stream(n.it.Stream).end.abs
	case "Event Sync":
		if e = r.events[n.it.Event]; e != nil {
			e.at = r.lift(e.at, &e.seg)
			until = e.at.abs
		}
	default:
		for _, s := range r.order {
			until = max(until, r.stream(s).end.abs)
		}
	}
	if n.it.Name == hostBusy {
		r.host = max(r.host, until) + n.it.US[0]
		r.need = r.host
		return
	}
	k := n.call
	k.ns = max(k.ns, until+1_200-r.host)
	corr := r.call(k, c, n, n.it.Stream)
	if r.out != nil {
		stream := int64(-1)
		if n.it.Name == "Stream Sync" {
			stream = n.it.Stream
		}
		r.syncEvent(n.it.Name, stream, r.host+700, k.ns-900, corr, e, c)
	}
	r.host += k.ns + tail
	r.need = r.host
}

// segment closes the current segment. In the first walk its floor is what was needed.
func (r *runner) segment() {
	if r.out == nil {
		r.floors = append(r.floors, r.need)
	}
	r.seg++
}

// lift makes an instant of an earlier segment one that depends on no floor.
func (r *runner) lift(w when, seg *int) when {
	if *seg == r.seg {
		return w
	}
	w = when{max(w.abs, w.rel+r.floors[*seg]), never}
	*seg = r.seg
	return w
}

// value is the instant itself; only the second walk knows it.
func (r *runner) value(w when) int64 { return max(w.abs, w.rel+r.floors[r.seg]) }

func (r *runner) stream(id int64) *clock {
	r.base = r.lift(r.base, &r.bseg)
	s := r.clocks[id]
	if s == nil {
		s = &clock{last: when{never, never}, end: r.base, seg: r.seg}
		r.clocks[id] = s
		r.order = append(r.order, id)
		return s
	}
	if s.seg != r.seg {
		last := s.seg
		s.last = r.lift(s.last, &last)
		s.end = r.lift(s.end, &s.seg)
	}
	return s
}

func (r *runner) idle(it *Item) {
	if it.Stream >= 0 {
		s := r.stream(it.Stream)
		s.end.rel = max(s.end.rel, 0)
		s.end = s.end.plus(it.US[0])
		r.tooLate(s.end)
		return
	}
	r.base = r.lift(r.base, &r.bseg)
	end := later(r.base, when{never, 0})
	for _, id := range r.order {
		end = later(end, r.stream(id).end)
	}
	r.base = end.plus(it.US[0])
	r.tooLate(r.base)
	for _, id := range r.order {
		r.stream(id).end = r.base
	}
}

// tooLate stops a walk before sums can overflow.
func (r *runner) tooLate(w when) bool {
	if max(w.abs, w.rel) <= maxTime {
		return false
	}
	r.fail("the trace lasts longer than %d s", int64(maxTime)/1e9)
	return true
}

func (r *runner) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("tracebuild: "+format, args...)
	}
}

// mark collects, by stream, what an annotation covers on the GPU.
type mark struct {
	ext   int64
	spans map[int64][2]int64
}

func (m *mark) add(stream, from, to int64) {
	if s, ok := m.spans[stream]; ok {
		from, to = min(from, s[0]), max(to, s[1])
	}
	m.spans[stream] = [2]int64{from, to}
}

func (m *mark) streams() []int64 {
	var out []int64
	for s := range m.spans {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
