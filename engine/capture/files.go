package capture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// The stages that a trace's name can give.
const (
	stagePrefill = "prefill"
	stageDecode  = "decode"
)

// Trace is a trace file that a server wrote.
type Trace struct {
	Path   string
	Bytes  int64
	Rank   int64  // tensor-parallel or global rank; -1 where the name gives none
	Place  string // data-, pipeline- and expert-parallel place, as the name gives it
	Stage  string // "prefill", "decode"; "" is all that was recorded
	Merged bool   // of all ranks
}

// maxEntries bounds how many files of a folder are looked at.
const maxEntries = 100_000

// listing is what stands in a folder, by name.
type listing map[string]int64 // bytes

// list reads a folder; one that is not there is empty.
func list(dir string) (listing, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return listing{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(maxEntries)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(entries) == maxEntries {
		return nil, fmt.Errorf("%s: %d files or more; choose another folder", dir, maxEntries)
	}
	out := listing{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil { // else it went away
			out[e.Name()] = info.Size()
		}
	}
	return out, nil
}

// watch waits for the traces of one profile.
type watch struct {
	dir    string
	before listing // what stood there before the profile
	parse  func(name string) (Trace, bool)
	// files is how many there will be of ranks or of all of them, 0 if nobody tells; late tells that more may come while
	// those that are there are whole.
	files int
	late  bool

	seen  map[string]*seenFile
	clock *Options
}

type seenFile struct {
	trace Trace
	since time.Time // it has had this size since
	tried time.Time // it was read last
	whole bool
}

// rest is how long a file stays as it is before it is taken to be written: one with a
// checksum is read as soon as it stops growing.
func (w *watch) rest(name string) time.Duration {
	if strings.HasSuffix(name, ".gz") {
		return w.clock.Poll
	}
	return w.clock.Settle
}

// look reads the folder once more and tells whether all is there and whole.
func (w *watch) look(ctx context.Context) (done bool, err error) {
	there, err := list(w.dir)
	if err != nil {
		return false, err
	}
	if w.seen == nil {
		w.seen = map[string]*seenFile{}
	}
	for name, size := range there {
		if old, was := w.before[name]; was && old == size {
			continue
		}
		t, ok := w.parse(name)
		if !ok {
			continue
		}
		f := w.seen[name]
		if f == nil {
			t.Path = filepath.Join(w.dir, name)
			f = &seenFile{trace: t, since: w.clock.Now()}
			w.seen[name] = f
		}
		if f.trace.Bytes != size {
			f.trace.Bytes, f.since, f.tried, f.whole = size, w.clock.Now(), time.Time{}, false
		}
	}
	all, ranked := len(w.seen) > 0, 0
	for name, f := range w.seen {
		if _, ok := there[name]; !ok {
			delete(w.seen, name)
			all = false
			continue
		}
		if f.trace.Rank >= 0 || f.trace.Merged {
			ranked++
		}
		now := w.clock.Now()
		quiet := now.Sub(f.since)
		if !f.whole && quiet >= w.rest(name) && now.Sub(f.tried) >= w.clock.Settle {
			f.tried = now // reading it again at once would find the same
			if f.whole, err = whole(ctx, f.trace.Path); err != nil {
				return false, err
			}
		}
		all = all && f.whole && (!w.late || quiet >= 3*w.clock.Settle)
	}
	return all && ranked >= w.files, nil
}

// traces are the files found so far, by rank, place and stage.
func (w *watch) traces(wholeOnly bool) []Trace {
	var out []Trace
	for _, f := range w.seen {
		if f.whole || !wholeOnly {
			out = append(out, f.trace)
		}
	}
	sortTraces(out)
	return out
}

func sortTraces(t []Trace) {
	slices.SortFunc(t, func(a, b Trace) int {
		merged := 0
		if a.Merged != b.Merged {
			merged = 1
			if b.Merged {
				merged = -1
			}
		}
		return cmp.Or(merged, cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Place, b.Place), cmp.Compare(b.Stage, a.Stage), cmp.Compare(a.Path, b.Path))
	})
}

// state says in a line how far the files are.
func (w *watch) state() string {
	complete, bytes := 0, int64(0)
	for _, f := range w.seen {
		bytes += f.trace.Bytes
		if f.whole {
			complete++
		}
	}
	of := ""
	if w.files > 0 {
		of = fmt.Sprintf(" of %d", w.files)
	}
	return fmt.Sprintf("%d%s complete, %d there, %.1f MB", complete, of, len(w.seen), float64(bytes)/1e6)
}

// whole tells whether a trace was written to its end: a gzip stream whose checksum and
// length are right, and a text that ends as JSON does.
func whole(ctx context.Context, path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if !strings.HasSuffix(path, ".gz") {
		info, err := f.Stat()
		if err != nil {
			return false, err
		}
		tail := make([]byte, min(64, info.Size()))
		if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && err != io.EOF {
			return false, err
		}
		return endsAsJSON(tail), nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return false, nil
	}
	defer z.Close()
	buf := make([]byte, 256<<10)
	var tail []byte
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := z.Read(buf)
		if n > 0 {
			tail = append(tail[:0:0], append(tail, buf[max(0, n-64):n]...)...)
			tail = tail[max(0, len(tail)-64):]
		}
		if err == io.EOF {
			return endsAsJSON(tail), nil
		}
		if err != nil {
			return false, nil
		}
	}
}

func endsAsJSON(tail []byte) bool {
	tail = bytes.TrimSpace(tail)
	return len(tail) > 0 && (tail[len(tail)-1] == '}' || tail[len(tail)-1] == ']')
}

// bring puts a trace that a server wrote elsewhere into dir: as a second name of the same
// file, or as a copy where the two are on different disks. The server's own stays.
func bring(ctx context.Context, path, dir string) (string, error) {
	to := filepath.Join(dir, filepath.Base(path))
	if err := os.Link(path, to); err == nil {
		return to, nil
	}
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, &interruptible{ctx, in})
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(to)
		return "", err
	}
	return to, nil
}

type interruptible struct {
	ctx context.Context
	io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// NewFolder gives the first of base, base-2, base-3, … that does not exist.
func NewFolder(base string) (string, error) {
	for n := 1; n < 1000; n++ {
		dir := base
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", base, n)
		}
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: there are a thousand of them; remove some, or name a folder", base)
}
