package kineto

import (
	"unsafe"

	"github.com/sgrules/sgrules/internal/atonce"
)

const (
	columnBits = 12
	columnSize = 1 << columnBits
)

// column collects values in file order in fixed slabs: nothing is copied while it grows,
// and no slice of twice the length is left behind.
type column[T any] struct {
	slabs [][]T
	n     int
}

// add appends v.
func (c *column[T]) add(v T) {
	i := c.n >> columnBits
	if i == len(c.slabs) {
		size := columnSize
		if i == 0 {
			size = 0 // the first slab grows: most columns of small traces are short
		}
		c.slabs = append(c.slabs, make([]T, 0, size))
	}
	c.slabs[i] = append(c.slabs[i], v)
	c.n++
}

// at gives value i, 0 ≤ i < n.
func (c *column[T]) at(i int) *T { return &c.slabs[i>>columnBits][i&(columnSize-1)] }

// reset empties c and keeps its memory.
func (c *column[T]) reset() {
	for i := range c.slabs {
		c.slabs[i] = c.slabs[i][:0]
	}
	c.n = 0
}

// join gives all values in one slice of just their length and empties c.
func (c *column[T]) join() []T {
	if c.n == 0 {
		return nil
	}
	out := make([]T, 0, c.n)
	for i, s := range c.slabs {
		out = append(out, s...)
		c.slabs[i] = nil // copied: it may go
	}
	*c = column[T]{}
	return out
}

// columns are the events of a trace, or of a part of one, by kind.
type columns struct {
	activities  column[Activity]
	launches    column[Launch]
	nodes       column[LaunchNode]
	ops, frames Spans
	annotations column[Span]
	marks       column[Mark]
	syncs       column[Sync]
}

func (c *columns) reset() {
	c.activities.reset()
	c.launches.reset()
	c.nodes.reset()
	c.ops.reset()
	c.frames.reset()
	c.annotations.reset()
	c.marks.reset()
	c.syncs.reset()
}

// lengths are the numbers of values in columns.
type lengths struct{ activities, launches, nodes, ops, frames, annotations, marks, syncs int }

func (c *columns) lengths() lengths {
	return lengths{c.activities.n, c.launches.n, c.nodes.n, c.ops.n, c.frames.n, c.annotations.n, c.marks.n, c.syncs.n}
}

// held counts what is kept so far.
func (s *scanner) held() Held {
	n := s.cols.lengths()
	h := Held{Events: s.t.Events, Activities: int64(n.activities), Launches: int64(n.launches), Spans: int64(n.ops + n.frames)}
	h.Bytes = h.Activities*int64(unsafe.Sizeof(Activity{})) + h.Launches*int64(unsafe.Sizeof(Launch{})) + int64(n.nodes)*int64(unsafe.Sizeof(LaunchNode{})) + h.Spans*int64(unsafe.Sizeof(span{})) +
		int64(n.annotations)*int64(unsafe.Sizeof(Span{})) + int64(n.marks)*int64(unsafe.Sizeof(Mark{})) + int64(n.syncs)*int64(unsafe.Sizeof(Sync{})) +
		s.t.Names.bytes + s.lanes.bytes
	return h
}

// finish moves the columns into t.
func (c *columns) finish(t *Trace) {
	t.Ops, t.Frames = c.ops, c.frames
	join := [...]func(){
		func() { t.Activities = c.activities.join() },
		func() { t.Launches = c.launches.join() },
		func() { t.Nodes, t.Annotations = c.nodes.join(), c.annotations.join() },
		func() { t.Marks, t.Syncs = c.marks.join(), c.syncs.join() },
	}
	atonce.Do(len(join), func(i int) { join[i]() })
	c.ops, c.frames = Spans{}, Spans{}
}
