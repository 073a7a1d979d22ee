package kineto

import (
	"context"
	"errors"
	"io"
)

// window is the part of the uncompressed input that is in memory. Bytes before pos
// may go when more is called, unless mark holds them.
type window struct {
	ctx  context.Context
	src  *source
	path string

	buf  []byte
	pos  int
	mark int   // first byte that must stay; -1 none
	base int64 // offset of buf[0] in the input

	held  *chunk // of the ring, whose data the end of buf is
	moves int    // counts refills: slices of buf are good while it does not change

	last   bool  // no chunk follows
	srcErr error // why, if it was not the orderly end
	format string

	// What a helper read of held, whose data begins at buf[origin].
	pieces    *ahead // nil: nothing
	nextPiece int
	origin    int

	limit       int64 // Options.MaxBytes
	progress    func(read, total int64)
	watch       func() error // Options.Watch; nil none
	read, total int64
}

// offset is that of the next byte.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// size is the number of bytes seen so far.
func (w *window) size() int64 { return w.base + int64(len(w.buf)) }

// more appends the next chunk to what must stay. errEnd means that there is none, and
// then buf is as it was.
func (w *window) more() error {
	if w.last {
		return errEnd
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	var c *chunk
	select {
	case c = <-w.src.full:
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
	w.read, w.format = c.read, c.format
	if w.progress != nil {
		w.progress(w.read, w.total)
	}
	if w.watch != nil {
		if err := w.watch(); err != nil {
			return err
		}
	}
	if c.err != nil {
		w.last = true
		var re *readError
		switch {
		case errors.As(c.err, &re):
			return ioError(w.path, w.size()+int64(c.n), re.err)
		case c.err != io.EOF:
			w.srcErr = c.err
		}
	}
	if w.limit > 0 && w.size()+int64(c.n) > w.limit {
		return &LimitError{Path: w.path, Limit: w.limit}
	}
	if c.n == 0 { // only the last one can be empty
		w.release(c)
		return errEnd
	}
	if c.helped {
		select {
		case <-c.ahead.done:
		case <-w.ctx.Done():
			return w.ctx.Err()
		}
	}
	w.append(c)
	return nil
}

func (w *window) append(c *chunk) {
	keep := w.pos
	if w.mark >= 0 && w.mark < keep {
		keep = w.mark
	}
	tail, room := w.buf[keep:], w.src.room
	old := w.held
	if len(tail) <= room {
		start := room - len(tail)
		copy(c.buf[start:], tail)
		w.buf = c.buf[start : room+c.n]
	} else {
		spill := make([]byte, len(tail)+c.n)
		copy(spill, tail)
		copy(spill[len(tail):], c.buf[room:room+c.n])
		w.buf = spill
	}
	w.held, w.origin, w.pieces, w.nextPiece = c, len(tail), nil, 0
	if c.helped {
		w.pieces = &c.ahead
	}
	if old != nil {
		w.release(old)
	}
	w.base += int64(keep)
	w.pos -= keep
	if w.mark >= 0 {
		w.mark -= keep
	}
	w.moves++
}

// release gives a buffer back to the ring; there is always room for it.
func (w *window) release(c *chunk) { w.src.free <- c }

// ensure tries to have n bytes after pos; fewer at the end of the input.
func (w *window) ensure(n int) error {
	for len(w.buf)-w.pos < n {
		if err := w.more(); err == errEnd {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// peek gives the byte at pos without consuming it.
func (w *window) peek() (byte, error) {
	if w.pos == len(w.buf) {
		if err := w.more(); err != nil {
			return 0, err
		}
	}
	return w.buf[w.pos], nil
}

// token skips white space and gives the byte at pos without consuming it.
func (w *window) token() (byte, error) {
	for {
		for w.pos < len(w.buf) {
			c := w.buf[w.pos]
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, nil
			}
			w.pos++
		}
		if err := w.more(); err != nil {
			return 0, err
		}
	}
}
