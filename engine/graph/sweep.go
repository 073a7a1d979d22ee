package graph

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/kineto"
)

// maxDepth bounds the stack kept for one launch. Python stops at 1,000 frames; more is
// either a recursion limit that was raised or a hostile file.
const maxDepth = 10_000

// spanColumn is a column of spans: kineto.Spans, or a slice of them.
type spanColumn interface {
	Len() int
	At(i int) kineto.Span
}

type spanSlice []kineto.Span

func (s spanSlice) Len() int             { return len(s) }
func (s spanSlice) At(i int) kineto.Span { return s[i] }

// instant asks for the stack at ts on a thread; id is the caller's.
type instant struct {
	ts int64
	id int32
}

// perThread lists the spans of every thread that has instants, by start; of equal
// starts the longer comes first, so that it is the outer one, then file order.
func perThread(col spanColumn, want [][]instant) [][]int32 {
	// The writers order the spans of a thread, so there is mostly nothing to sort.
	type thread struct {
		count    int32
		ts, dur  int64 // of its last span
		unsorted bool
	}
	threads := make([]thread, len(want))
	for i := range col.Len() {
		s := col.At(i)
		if len(want[s.Thread]) == 0 {
			continue
		}
		t := &threads[s.Thread]
		if t.count > 0 && (s.Ts < t.ts || s.Ts == t.ts && s.Dur > t.dur) {
			t.unsorted = true
		}
		t.count, t.ts, t.dur = t.count+1, s.Ts, s.Dur
	}
	out := make([][]int32, len(want))
	for t := range threads {
		if n := threads[t].count; n > 0 {
			out[t] = make([]int32, 0, n)
		}
	}
	for i := range col.Len() {
		if t := col.At(i).Thread; len(want[t]) > 0 {
			out[t] = append(out[t], int32(i))
		}
	}
	for t, list := range out {
		if threads[t].unsorted {
			slices.SortFunc(list, func(a, b int32) int {
				x, y := col.At(int(a)), col.At(int(b))
				return cmp.Or(cmp.Compare(x.Ts, y.Ts), cmp.Compare(y.Dur, x.Dur), cmp.Compare(a, b))
			})
		}
	}
	return out
}

// active is one span that has begun. node caches the stack that ends with it.
type active struct {
	end   int64
	entry uint32
	span  int32
	node  StackID
	known bool
}

// lane walks the spans and instants of one thread in time. A span encloses ts when
// start ≤ ts < start+dur. Spans that cross instead of nesting are handled as what they
// are: each encloses its own instants.
//
// The time is linear in spans and instants while spans nest; crossing costs a scan of
// the open spans where one ends below another.
type lane struct {
	want    []instant // those that were not asked yet
	open    []active
	crossed bool
	deepest int64 // the last end of a span that was not kept

	// Of the span before: whether the spans are in order shows on the way.
	ts, dur  int64
	begun    bool
	unsorted bool
}

// sweeping is what the lanes of one column have in common.
type sweeping struct {
	// entry gives what a stack has of a span; ok is false for one that is left out.
	entry func(kineto.Span) (e uint32, ok bool)
	// at is called for every instant of a thread, in order, with the spans that enclose it,
	// outermost first; deep tells that there are more, inside of the maxDepth that are kept.
	at func(w instant, open []active, deep bool)
}

// after tells whether s may follow the spans of l: it does not begin before the last one, nor with
// it and last longer.
func (l *lane) after(s kineto.Span) bool {
	ok := !l.begun || s.Ts > l.ts || s.Ts == l.ts && s.Dur <= l.dur
	l.ts, l.dur, l.begun = s.Ts, s.Dur, true
	return ok
}

// add takes the next span of the thread.
func (l *lane) add(w *sweeping, i int32, s kineto.Span) {
	for len(l.want) > 0 && l.want[0].ts < s.Ts {
		l.ask(w)
	}
	end := s.Ts + s.Dur
	if len(l.want) == 0 || end <= l.want[0].ts {
		return // most spans: they enclose no instant
	}
	l.open, l.crossed = expire(l.open, s.Ts, l.crossed)
	if len(l.open) == maxDepth {
		l.deepest = max(l.deepest, end)
		return
	}
	e, ok := w.entry(s)
	if !ok {
		return
	}
	if n := len(l.open); n > 0 && end > l.open[n-1].end {
		l.crossed = true
	}
	l.open = append(l.open, active{end: end, entry: e, span: i})
}

// ask asks for the next instant.
func (l *lane) ask(w *sweeping) {
	now := l.want[0]
	l.want = l.want[1:]
	l.open, l.crossed = expire(l.open, now.ts, l.crossed)
	w.at(now, l.open, l.deepest > now.ts)
}

// sweep walks the spans of one thread, which order lists, and all its instants.
func sweep(col spanColumn, order []int32, want []instant, w *sweeping) {
	l := lane{want: want}
	for _, i := range order {
		l.add(w, i, col.At(int(i)))
	}
	for len(l.want) > 0 {
		l.ask(w)
	}
}

// sweepAll walks all spans in the order of the file, in which the writers have those of a thread
// in order of time. Threads of which that is not true are walked once more, in order, so that
// for their instants w.at may be called twice: the last call counts.
func sweepAll(col *kineto.Spans, want [][]instant, w *sweeping) {
	lanes := make([]lane, len(want))
	for t := range want {
		lanes[t].want = want[t]
	}
	again := false
	for i := range col.Len() {
		s := col.At(i)
		l := &lanes[s.Thread]
		if len(want[s.Thread]) == 0 || l.unsorted {
			continue
		}
		if !l.after(s) {
			l.unsorted, again = true, true
			continue
		}
		l.add(w, int32(i), s)
	}
	for t := range lanes {
		if l := &lanes[t]; !l.unsorted {
			for len(l.want) > 0 {
				l.ask(w)
			}
		}
	}
	if !again {
		return
	}
	left := make([][]instant, len(want))
	for t := range lanes {
		if lanes[t].unsorted {
			left[t] = want[t]
		}
	}
	for t, order := range perThread(col, left) {
		if len(left[t]) > 0 {
			sweep(col, order, left[t], w)
		}
	}
}

// expire drops the spans that ended at or before ts.
func expire(open []active, ts int64, crossed bool) ([]active, bool) {
	if !crossed {
		n := len(open)
		for n > 0 && open[n-1].end <= ts {
			n--
		}
		return open[:n], false
	}
	keep := open[:0]
	crossed = false
	for i, a := range open {
		if a.end <= ts {
			continue
		}
		if len(keep) != i { // what is below changed: its stack is another
			a.known = false
		}
		if n := len(keep); n > 0 {
			if a.end > keep[n-1].end {
				crossed = true
			}
		}
		keep = append(keep, a)
	}
	return keep, crossed
}

// stackOf gives the interned stack of the open spans, caching it in them.
func stackOf(s *Stacks, open []active) StackID {
	id := StackID(0)
	i := len(open)
	for i > 0 && !open[i-1].known {
		i--
	}
	if i > 0 {
		id = open[i-1].node
	}
	for ; i < len(open); i++ {
		id = s.push(id, open[i].entry)
		open[i].node, open[i].known = id, true
	}
	return id
}
