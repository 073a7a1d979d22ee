package kineto

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
)

// Options says how a trace is read. The zero value is right for most uses.
type Options struct {
	// Strict turns the first damage into a *DamageError. Without it a damaged trace
	// is read as far as possible and Trace.Damage tells what was wrong.
	Strict bool

	// MaxBytes is the largest amount of JSON (after decompression) that is read;
	// one byte more is a *LimitError. 0 is no limit.
	MaxBytes int64

	// Progress, if set, is called from the caller's goroutine about once a MiB of
	// JSON and once at the end, with the bytes of the file read so far (before
	// decompression) and its size; a size of 0 is unknown.
	Progress func(read, total int64)

	// Watch, if set, is called from the caller's goroutine about once a MiB of JSON with what
	// the trace holds so far. An error ends the reading and is returned as it is.
	Watch func(Held) error

	// ChunkSize is the size of one read buffer in bytes, of which there are three, and two
	// more for each further core; 0 is 1 MiB. Tests set it to move the edges.
	ChunkSize int

	// NoStacks leaves out cpu_ops and Python frames, which are most of a trace: for readers
	// that need kernels, launches and annotations and no source lines.
	NoStacks bool

	helpers int  // that read ahead of the scanner; 0 is one a core, -1 none
	general bool // no learned shapes; for tests that compare the two scanners
}

// Held is what a trace that is being read holds.
type Held struct {
	Events                      int64 // read, kept or not
	Activities, Launches, Spans int64 // kept
	Bytes                       int64 // of memory for what is kept, names included
}

// Open reads the trace in the file path; "-" is standard input. See Read.
func Open(ctx context.Context, path string, o Options) (*Trace, error) {
	if path == "-" {
		return Read(ctx, os.Stdin, path, o)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, &NotTraceError{Path: path, Found: "a directory", Want: "a trace file"}
	}
	return Read(ctx, f, path, o)
}

// Read reads a trace from r: plain JSON, gzip (of one or more members) or zstd, told
// apart by their first bytes and not by path, which only names the trace in messages.
//
// The errors are *NotTraceError for input that holds no trace, *DamageError with
// Options.Strict, *LimitError, the context's error, that of Options.Watch, and what r itself returned. A
// damaged trace is not an error otherwise: see Trace.Damage.
//
// r is read by another goroutine. When Read returns early (an error), that goroutine
// may still be inside one call of r.Read; it uses r no more after that.
func Read(ctx context.Context, r io.Reader, path string, o Options) (*Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	size := o.ChunkSize
	if size <= 0 {
		size = chunkSize
	}
	if o.helpers == 0 {
		o.helpers = min(runtime.GOMAXPROCS(0), maxHelpers)
		if o.helpers == 1 {
			o.helpers = -1 // one core: nothing to gain
		}
	}
	src := newSource(r, size, o)
	defer src.close()
	s := newScanner(ctx, src, path, o)
	s.ahead = min(lookahead, size)
	if f, ok := r.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			s.total = st.Size()
		}
	}
	if err := s.document(); err != nil {
		return nil, err
	}
	return s.finish(), nil
}

// ioError is what the reader itself returned, with the place.
func ioError(path string, offset int64, err error) error {
	return fmt.Errorf("%s: reading at byte %d: %w", path, offset, err)
}
