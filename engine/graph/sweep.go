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

// sweep walks one thread's spans and instants in time and calls at for every instant
// with the spans that enclose it, outermost first; deep tells that there are more, inside of
// the maxDepth that are kept. A span encloses ts when
// start ≤ ts < start+dur. Spans that cross instead of nesting are handled as what they
// are: each encloses its own instants.
//
// The time is linear in spans and instants while spans nest; crossing costs a scan of
// the open spans where one ends below another.
func sweep(col spanColumn, order []int32, want []instant, entry func(kineto.Span) (uint32, bool), at func(w instant, open []active, deep bool)) {
	var open []active
	var deepest int64 // the last end of a span that was not kept
	crossed := false
	next := 0
	for _, w := range want {
		for ; next < len(order); next++ {
			s := col.At(int(order[next]))
			if s.Ts > w.ts {
				break
			}
			e, ok := entry(s)
			if !ok {
				continue
			}
			open, crossed = expire(open, s.Ts, crossed)
			end := s.Ts + s.Dur
			if len(open) == maxDepth {
				deepest = max(deepest, end)
				continue
			}
			if n := len(open); n > 0 && end > open[n-1].end {
				crossed = true
			}
			open = append(open, active{end: end, entry: e, span: order[next]})
		}
		open, crossed = expire(open, w.ts, crossed)
		at(w, open, deepest > w.ts)
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
