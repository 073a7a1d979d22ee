package kineto

// Spans is a column of host spans, appended in file order: fixed
// slabs, so that a trace of millions of Python frames is stored once and not copied
// while it grows.
type Spans struct {
	slabs [][]span
	n     int
	long  []int64 // durations that do not fit 31 bits of ns
}

// span is 24 bytes; durations of 2.15 s and more are kept aside: dur is then longDur and the place
// in Spans.long.
type span struct {
	ts     int64
	dur    uint32
	name   NameID
	thread ThreadID
}

const (
	slabBits = 15
	slabSize = 1 << slabBits
	longDur  = 1 << 31
)

// Append adds s.
func (c *Spans) Append(s Span) {
	if c.n&(slabSize-1) == 0 {
		c.slab()
	}
	e := span{ts: s.Ts, dur: c.short(max(s.Dur, 0)), name: s.Name, thread: s.Thread}
	last := c.n >> slabBits
	c.slabs[last] = append(c.slabs[last], e)
	c.n++
}

// short gives span.dur of a duration, which it keeps aside where that is too long.
func (c *Spans) short(dur int64) uint32 {
	if dur < longDur {
		return uint32(dur)
	}
	c.long = append(c.long, dur)
	return longDur | uint32(len(c.long)-1)
}

// slab sees that there is a slab for span n.
func (c *Spans) slab() {
	if c.n>>slabBits < len(c.slabs) {
		return // of a column that was reset
	}
	n := slabSize
	if c.n == 0 {
		n = 64 // the first slab grows: most columns of small traces are short
	}
	c.slabs = append(c.slabs, make([]span, 0, n))
}

// reset empties c and keeps its memory.
func (c *Spans) reset() {
	for i := range c.slabs {
		c.slabs[i] = c.slabs[i][:0]
	}
	c.n = 0
	c.long = c.long[:0]
}

// Len is the number of spans.
func (c *Spans) Len() int { return c.n }

// At gives span i, 0 ≤ i < Len.
func (c *Spans) At(i int) Span {
	e := &c.slabs[i>>slabBits][i&(slabSize-1)]
	s := Span{Ts: e.ts, Dur: int64(e.dur), Name: e.name, Thread: e.thread}
	if e.dur >= longDur {
		s.Dur = c.long[e.dur&^longDur]
	}
	return s
}
