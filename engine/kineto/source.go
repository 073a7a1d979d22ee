package kineto

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	chunkSize = 1 << 20
	chunks    = 3 // one scanned, one full, one being filled; helpers take two more each

	// maxRoom is the room in front of every buffer, so that the unfinished tail of
	// one buffer can be put before the next without copying that one.
	maxRoom = 64 << 10

	// zstdWindow bounds what a zstd frame may ask for (zstd --long=27).
	zstdWindow = 128 << 20
)

// chunk is one filled buffer: buf[room:room+n] is data, room being source.room.
type chunk struct {
	buf    []byte
	n      int
	read   int64 // bytes of the file consumed so far, before decompression
	err    error // after the data: io.EOF, or what went wrong
	format string

	helped bool // a helper reads it, or has
	ahead  ahead
}

// source decompresses in a goroutine of its own into a ring of fixed buffers.
type source struct {
	full chan *chunk
	free chan *chunk
	work chan *chunk // for the helpers
	stop chan struct{}
	room int
	o    Options
}

// newSource begins to read r. o.helpers is how many helpers there may be.
func newSource(r io.Reader, size int, o Options) *source {
	n := chunks + 2*max(o.helpers, 0)
	s := &source{
		room: min(maxRoom, 64*size),
		full: make(chan *chunk, n),
		free: make(chan *chunk, n),
		work: make(chan *chunk, n),
		stop: make(chan struct{}),
		o:    o,
	}
	for range n {
		s.free <- nil // made when first used, so that a small file costs one buffer
	}
	go s.fill(r, size)
	return s
}

// close tells the goroutine to end; it does not wait for a read that hangs.
func (s *source) close() { close(s.stop) }

func (s *source) fill(r io.Reader, size int) {
	in := &counted{r: r}
	d, format, err := decoder(in)
	if err == nil {
		defer d.Close()
	}
	helpers := 0
	for {
		var c *chunk
		select {
		case c = <-s.free:
		case <-s.stop:
			return
		}
		if c == nil {
			c = &chunk{buf: make([]byte, s.room+size)}
		}
		c.n, c.format, c.err, c.helped = 0, format, err, false
		if err == nil {
			c.n, c.err = io.ReadFull(d, c.buf[s.room:])
			if c.err == io.ErrUnexpectedEOF && d.ended {
				c.err = io.EOF // ReadFull's word for a short last buffer
			}
		}
		if in.err != nil {
			c.err = &readError{in.err}
		}
		c.read = in.n
		// A last buffer is not worth it, and inflating takes longer than reading its output.
		if c.err == nil && format != "gzip" && s.o.helpers > 0 {
			for ; helpers < s.o.helpers; helpers++ {
				go help(helpers, s.work, s.stop, s.room, s.o)
			}
			if c.ahead.done == nil {
				c.ahead.done = make(chan struct{}, 1)
			}
			c.helped = true
			s.work <- c // there is room for all of them
		}
		select {
		case s.full <- c:
		case <-s.stop:
			return
		}
		if c.err != nil {
			return
		}
	}
}

// counted counts bytes and remembers the error of the reader itself, which is another
// thing than compressed data that is damaged.
type counted struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// decoded is the reader of uncompressed bytes. ended tells an orderly end (io.EOF)
// from a decompressor's own io.ErrUnexpectedEOF, which io.ReadFull would blur.
type decoded struct {
	r     io.Reader
	end   func()
	ended bool
}

func (d *decoded) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err == io.EOF {
		d.ended = true
	}
	return n, err
}

func (d *decoded) Close() {
	if d.end != nil {
		d.end()
	}
}

var (
	magicGzip = []byte{0x1f, 0x8b}
	magicZstd = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

func decoder(in io.Reader) (*decoded, string, error) {
	br := bufio.NewReaderSize(in, 128<<10)
	head, _ := br.Peek(4) // a shorter file has no magic
	switch {
	case bytes.HasPrefix(head, magicGzip):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, "gzip", err
		}
		return &decoded{r: z}, "gzip", nil
	case bytes.HasPrefix(head, magicZstd):
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, "zstd", err
		}
		return &decoded{r: z, end: z.Close}, "zstd", nil
	}
	return &decoded{r: br}, "", nil
}

// decodeMessage says what a decompressor's error means for a file.
func decodeMessage(format string, err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the " + format + " data ends early, expected more (was the file cut off, or is it still being written?)"
	case errors.Is(err, gzip.ErrChecksum):
		return "the gzip checksum does not match the data"
	case errors.Is(err, gzip.ErrHeader):
		return "found something that is not gzip, expected another gzip member or the end"
	case errors.As(err, &corrupt):
		return "the gzip data is corrupt"
	}
	return "the " + format + " data is damaged (" + err.Error() + ")"
}
