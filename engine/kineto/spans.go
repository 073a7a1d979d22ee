package kineto

// Spans is a column of host spans, appended in file order: fixed
// slabs, so that a trace of millions of Python frames is stored once and not copied
// while it grows.
type Spans struct {
	slabs [][]span
	n     int
	long  map[int]int64 // durations that do not fit 32 bits of ns, by index
}

// span is 24 bytes; durations of 4.29 s and more are kept aside.
type span struct {
	ts     int64
	dur    uint32
	name   NameID
	thread ThreadID
}

const (
	slabBits = 15
	slabSize = 1 << slabBits
	longDur  = 1<<32 - 1
)

// Append adds s.
func (c *Spans) Append(s Span) {
	if c.n&(slabSize-1) == 0 {
		c.slab()
	}
	e := span{ts: s.Ts, name: s.Name, thread: s.Thread}
	if s.Dur >= longDur {
		if c.long == nil {
			c.long = map[int]int64{}
		}
		c.long[c.n] = s.Dur
		e.dur = longDur
	} else {
		e.dur = uint32(max(s.Dur, 0))
	}
	last := c.n >> slabBits
	c.slabs[last] = append(c.slabs[last], e)
	c.n++
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
	clear(c.long)
}

// Len is the number of spans.
func (c *Spans) Len() int { return c.n }

// At gives span i, 0 ≤ i < Len.
func (c *Spans) At(i int) Span {
	e := &c.slabs[i>>slabBits][i&(slabSize-1)]
	s := Span{Ts: e.ts, Dur: int64(e.dur), Name: e.name, Thread: e.thread}
	if e.dur == longDur {
		s.Dur = c.long[i]
	}
	return s
}
