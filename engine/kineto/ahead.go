package kineto

import (
	"bytes"
	"context"
	"errors"
)

// The scanner reads a trace front to back, since what a byte means depends on all before
// it. Helpers read ahead of it all the same: each takes a whole buffer, looks for what seems
// to be the end of an event, and reads the events behind it into columns of the buffer's
// own, as far as all is well. The scanner goes on alone; only where it comes, between two
// events, to the very byte at which a helper began does it take over what the helper read,
// since from there on it would read the same. A helper's guess can so cost time and never
// a wrong result, and names and threads are numbered as if there were no helpers.

const (
	// maxPieces bounds how often a helper begins anew in one buffer.
	maxPieces = 64

	// maxHelpers bounds the helpers: with more, taking over is what takes the time.
	maxHelpers = 8
)

// errOdd ends a piece at an event that only the scanner itself can deal with.
var errOdd = errors.New("an event to be read in order")

// piece is a stretch of a buffer that a helper read: from the comma behind an event to the
// end of another.
type piece struct {
	start, end int // bytes of the buffer's data
	events     int64
	names      []usedName   // in order of their first use in the piece
	threads    []usedThread // the same
	upTo       lengths      // the columns' lengths at its end
}

type usedName struct {
	id   NameID // of the helper
	text string
}

type usedThread struct {
	id       ThreadID // of the helper
	pid, tid string
}

// ahead is what a helper read of one buffer.
type ahead struct {
	helper int
	pieces []piece
	cols   columns
	done   chan struct{} // holds one value when the helper is done
}

// uses notes the names and threads of a piece. A mark says in which piece one was noted last.
type uses struct {
	piece   uint32
	names   []uint32
	threads []uint32
	now     *piece
}

func (u *uses) name(s *scanner, id NameID) {
	if int(id) >= len(u.names) {
		u.names = append(u.names, make([]uint32, int(id)+1-len(u.names))...)
	}
	if u.names[id] != u.piece {
		u.names[id] = u.piece
		u.now.names = append(u.now.names, usedName{id, s.t.Names.Text(id)})
	}
}

func (u *uses) thread(s *scanner, id ThreadID) {
	if int(id) >= len(u.threads) {
		u.threads = append(u.threads, make([]uint32, int(id)+1-len(u.threads))...)
	}
	if u.threads[id] != u.piece {
		u.threads[id] = u.piece
		u.now.threads = append(u.now.threads, usedThread{id, s.t.Threads[id].Pid, s.t.Threads[id].Tid})
	}
}

// help reads buffers ahead until there are no more. Its names and shapes stay from one to
// the next.
func help(number int, work <-chan *chunk, stop <-chan struct{}, room int, o Options) {
	s := newScanner(context.Background(), nil, "", Options{general: o.general})
	s.ahead, s.last, s.uses = lookahead, true, &uses{}
	for {
		select {
		case c := <-work:
			s.readAhead(c.buf[room:room+c.n], &c.ahead, number)
			c.ahead.done <- struct{}{}
		case <-stop:
			return
		}
	}
}

// readAhead fills a with what can be read of data.
func (s *scanner) readAhead(data []byte, a *ahead, number int) {
	a.helper = number
	a.pieces = a.pieces[:0]
	a.cols.reset()
	s.cols, a.cols = a.cols, s.cols // the helper appends to the buffer's columns
	s.buf, s.pos, s.mark = data, 0, -1
	for found := s.behindEvent(); found && len(a.pieces) < maxPieces; {
		whole := s.readPiece(a)
		found = whole || s.behindEvent()
	}
	s.cols, a.cols = a.cols, s.cols
}

// behindEvent looks for an event behind another, by the comma between them, and leaves pos
// before that comma. Both need not be what they seem. What breaks is not gone over again, so
// that no input costs more than a few times its length.
func (s *scanner) behindEvent() bool {
	for s.pos < len(s.buf) { // an event that the end cuts leaves pos at it or behind it
		i := bytes.IndexByte(s.buf[s.pos:], '}')
		if i < 0 {
			return false
		}
		s.pos += i + 1
		behind := s.pos
		if c, err := s.token(); err != nil || c != ',' {
			s.pos = behind
			continue
		}
		s.pos++
		if c, err := s.token(); err != nil || c != '{' {
			s.pos = behind
			continue
		}
		s.shapes.recording = false
		err := s.oneEvent()
		s.inside, s.mark = false, -1
		if err == nil && s.event.plausible() {
			s.pos = behind
			return true
		}
	}
	return false
}

// readPiece reads events from pos on into one more piece. whole tells that it ended behind
// an event, which is then not part of it: another piece may begin there.
func (s *scanner) readPiece(a *ahead) (whole bool) {
	n := len(a.pieces)
	if n < cap(a.pieces) {
		a.pieces = a.pieces[:n+1]
	} else {
		a.pieces = append(a.pieces, piece{})
	}
	p := &a.pieces[n]
	p.names, p.threads = p.names[:0], p.threads[:0] // of a buffer before
	s.uses.piece++
	s.uses.now = p
	before := s.t.Events
	for p.start = -1; ; {
		p.end, p.events = s.pos, s.t.Events-before
		c, err := s.token()
		if err != nil || c != ',' {
			break
		}
		if p.start < 0 {
			p.start = s.pos
		}
		s.pos++
		if c, err = s.token(); err != nil || c != '{' {
			break
		}
		if err = s.nextEvent(); err == nil {
			continue
		}
		whole = err == errOdd && !s.inside
		s.inside, s.mark = false, -1
		break
	}
	p.upTo = s.cols.lengths()
	if p.events == 0 {
		a.pieces = a.pieces[:n]
	}
	return whole
}

// inOrder gives the scanner's ids of a helper's names and threads; one more, 0 is unknown.
type inOrder struct {
	names   []NameID
	threads []ThreadID
}

// takeOver goes behind the piece that begins at pos, if there is one, as if its events had
// been read. pos is behind an event in the array of events.
func (s *scanner) takeOver() bool {
	at := s.pos - s.origin
	for s.nextPiece < len(s.pieces.pieces) && s.pieces.pieces[s.nextPiece].start < at {
		s.nextPiece++
	}
	if s.nextPiece == len(s.pieces.pieces) || s.pieces.pieces[s.nextPiece].start != at || s.synced != 0 {
		return false
	}
	a, p := s.pieces, &s.pieces.pieces[s.nextPiece]
	for len(s.helpers) <= a.helper {
		s.helpers = append(s.helpers, inOrder{})
	}
	k := &s.helpers[a.helper]
	for _, u := range p.names {
		if int(u.id) >= len(k.names) {
			k.names = append(k.names, make([]NameID, int(u.id)+1-len(k.names))...)
		}
		if k.names[u.id] == 0 {
			k.names[u.id] = s.t.Names.InternString(u.text) + 1
		}
	}
	for _, u := range p.threads {
		if int(u.id) >= len(k.threads) {
			k.threads = append(k.threads, make([]ThreadID, int(u.id)+1-len(k.threads))...)
		}
		if k.threads[u.id] == 0 {
			k.threads[u.id] = s.threadOf(lane{s.lanes.InternString(u.pid), s.lanes.InternString(u.tid)}) + 1
		}
	}
	var from lengths
	if s.nextPiece > 0 {
		from = a.pieces[s.nextPiece-1].upTo
	}
	s.cols.take(&a.cols, from, p.upTo, k)
	s.t.Events += p.events
	s.taken += p.events
	s.pos = s.origin + p.end
	s.nextPiece++
	return true
}

func (k *inOrder) name(id NameID) NameID {
	if id == 0 {
		return 0 // absent, and noted by nobody
	}
	return k.names[id] - 1
}

// take appends the values of o from from to to with the ids that k gives.
func (c *columns) take(o *columns, from, to lengths, k *inOrder) {
	for i := from.activities; i < to.activities; i++ {
		v := *o.activities.at(i)
		v.Name, v.Pid = k.name(v.Name), k.name(v.Pid)
		c.activities.add(v)
	}
	shift := int32(c.launches.n - from.launches)
	for i := from.nodes; i < to.nodes; i++ {
		v := *o.nodes.at(i)
		v.Launch += shift
		c.nodes.add(v)
	}
	for i := from.launches; i < to.launches; i++ {
		v := *o.launches.at(i)
		v.Name, v.Kernel, v.Stream, v.Thread = k.name(v.Name), k.name(v.Kernel), k.name(v.Stream), k.threads[v.Thread]-1
		c.launches.add(v)
	}
	c.ops.take(&o.ops, from.ops, to.ops, k)
	c.frames.take(&o.frames, from.frames, to.frames, k)
	for i := from.annotations; i < to.annotations; i++ {
		v := *o.annotations.at(i)
		v.Name, v.Thread = k.name(v.Name), k.threads[v.Thread]-1
		c.annotations.add(v)
	}
	for i := from.marks; i < to.marks; i++ {
		v := *o.marks.at(i)
		v.Name, v.Pid = k.name(v.Name), k.name(v.Pid)
		c.marks.add(v)
	}
	for i := from.syncs; i < to.syncs; i++ {
		v := *o.syncs.at(i)
		v.Name, v.Pid = k.name(v.Name), k.name(v.Pid)
		c.syncs.add(v)
	}
}

// take is columns.take for spans.
func (c *Spans) take(o *Spans, from, to int, k *inOrder) {
	for i := from; i < to; i++ {
		e := o.slabs[i>>slabBits][i&(slabSize-1)]
		if e.dur >= longDur {
			e.dur = c.short(o.long[e.dur&^longDur])
		}
		e.name, e.thread = k.name(e.name), k.threads[e.thread]-1
		if c.n&(slabSize-1) == 0 {
			c.slab()
		}
		last := c.n >> slabBits
		c.slabs[last] = append(c.slabs[last], e)
		c.n++
	}
}
