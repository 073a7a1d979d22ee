package kineto

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func zip(t testing.TB, doc []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(doc)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, doc []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(doc, nil)
}

func TestContainers(t *testing.T) {
	doc := clean(t)
	want, err := refRead(doc)
	if err != nil {
		t.Fatal(err)
	}
	cut := len(doc) / 3
	for name, in := range map[string][]byte{
		"plain":                doc,
		"gzip":                 zip(t, doc),
		"gzip of two members":  append(zip(t, doc[:cut]), zip(t, doc[cut:])...),
		"gzip with an empty":   append(zip(t, nil), zip(t, doc)...),
		"zstd":                 zst(t, doc),
		"zstd of two frames":   append(zst(t, doc[:cut]), zst(t, doc[cut:])...),
		"with a byte-order":    append([]byte("\xef\xbb\xbf"), bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))...),
		"with space around it": append(append([]byte(" \r\n\t"), bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))...), " \n"...),
	} {
		for _, size := range []int{0, 5, 100} {
			same(t, name, lines(read(t, in, Options{Strict: true, ChunkSize: size})), want)
		}
	}
}

// clean gives a generated trace in which nothing is malformed.
func clean(t testing.TB) []byte {
	for seed := int64(4e6); ; seed++ {
		doc := newGen(seed).trace(30)
		if tr := read(t, doc, Options{}); len(tr.Damage) == 0 && tr.Skipped == 0 && tr.Events > 50 {
			return doc
		}
	}
}

const oneKernel = `{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":1,"dur":2,"args":{"correlation":3}}`

func TestDamagedContainers(t *testing.T) {
	doc := []byte(`{"traceEvents":[` + strings.Repeat(oneKernel+",", 4999) + oneKernel + `]}`)
	whole := zip(t, doc)
	checksum := bytes.Clone(whole)
	checksum[len(checksum)-6] ^= 1
	zs := zst(t, doc)
	for _, c := range []struct {
		name  string
		in    []byte
		min   int    // kernels at least
		msg   string // part of the damage
		fatal bool
	}{
		{"gzip cut in the middle", whole[:len(whole)/2], 1000, "the gzip data ends early", true},
		{"gzip cut in its checksum", whole[:len(whole)-3], 5000, "the gzip data ends early", false},
		{"gzip with a wrong checksum", checksum, 5000, "checksum does not match", false},
		{"gzip with garbage behind it", append(bytes.Clone(whole), "some garbage!"...), 5000, "expected another gzip member", false},
		{"zstd cut in the middle", zs[:len(zs)-20], 0, "the zstd data ends early", true},
		{"something behind the trace", append(bytes.Clone(doc), " x"...), 5000, "found 'x', expected nothing after the end of the trace", false},
	} {
		tr, err := Read(context.Background(), bytes.NewReader(c.in), "t", Options{ChunkSize: 1000})
		if c.min == 0 && err != nil {
			var not *NotTraceError // one block: nothing came out
			if !errors.As(err, &not) || !strings.Contains(err.Error(), c.msg) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n := len(tr.Activities); n < c.min || n > 5000 {
			t.Errorf("%s: %d kernels", c.name, n)
		}
		if len(tr.Damage) != 1 || !strings.Contains(tr.Damage[0].Msg, c.msg) || tr.Damage[0].Fatal != c.fatal {
			t.Errorf("%s: damage %+v", c.name, tr.Damage)
		} else if off := tr.Damage[0].Offset; off > int64(len(doc))+1 || c.fatal && off != tr.Bytes {
			t.Errorf("%s: damage at byte %d of %d", c.name, off, tr.Bytes)
		}
		var damage *DamageError
		if _, err := Read(context.Background(), bytes.NewReader(c.in), "t", Options{Strict: true}); !errors.As(err, &damage) {
			t.Errorf("%s: strict: %v", c.name, err)
		}
	}
}

func TestNotATrace(t *testing.T) {
	for _, c := range []struct {
		name, in string
		offset   int64
		msg      string
	}{
		{"nothing", "", 0, "found nothing, expected"},
		{"space", " \n", 2, "found no events before its end"},
		{"a zip archive", "PK\x03\x04....", 0, "a zip archive (unpack it first)"},
		{"a program", "\x7fELF\x02", 0, "found a program"},
		{"a pickle", "\x80\x04\x95", 0, "a Python pickle"},
		{"a page", "  <html>", 2, "found HTML or XML"},
		{"a pointer", "version https://git-lfs.github.com/spec/v1\n", 0, "a Git LFS pointer"},
		{"text", "hello, world and all", 0, `found text ("hello, world and"), expected JSON, gzip or zstd`},
		{"a string", `"x"`, 0, `found text`},
		{"bytes", "\x00\x01\x02", 0, "found bytes 00 01 02"},
		{"UTF-16", "\xff\xfe{\x00", 0, "UTF-16"},
		{"an empty object", "{}", 2, `found a JSON object that ends without "traceEvents"`},
		{"another object", `{"version": 1, "resources": [{"ph": 1}]}`, 40, `ends without "traceEvents"`},
		{"JSON lines", `{"a": 1}` + "\n" + `{"a": 2}`, 8, `ends without "traceEvents"`},
		{"an array of numbers", "[1, 2]", 1, "an array whose first element begins with '1'"},
		{"an array of arrays", " [[1]]", 2, "begins with '['"},
		{"events that are none", `{"traceEvents": 5}`, 18, `found '5', expected an array of events`},
		{"cut before the events", `{"schemaVersion": 1, "device`, 28, "found no events before its end"},
		{"broken before the events", `{hello}`, 7, "byte 1: found 'h', expected a key in quotes"},
	} {
		for _, size := range []int{0, 1, 3} {
			_, err := Read(context.Background(), strings.NewReader(c.in), "some/path", Options{ChunkSize: size})
			var not *NotTraceError
			if !errors.As(err, &not) {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if not.Offset != c.offset || not.Path != "some/path" || !strings.Contains(err.Error(), c.msg) {
				t.Errorf("%s: at byte %d (want %d): %v", c.name, not.Offset, c.offset, err)
			}
		}
	}
	for name, in := range map[string][]byte{
		"gzip twice":       zip(t, zip(t, []byte("{}"))),
		"gzip's first two": {0x1f, 0x8b},
		"zstd's magic":     magicZstd,
	} {
		var not *NotTraceError
		if _, err := Read(context.Background(), bytes.NewReader(in), "x", Options{}); !errors.As(err, &not) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "no-suffix")
	doc := clean(t)
	if err := os.WriteFile(path, zip(t, doc), 0o644); err != nil {
		t.Fatal(err)
	}
	var last, total int64
	tr, err := Open(context.Background(), path, Options{Progress: func(r, n int64) {
		if r < last {
			t.Errorf("progress went back from %d to %d", last, r)
		}
		last, total = r, n
	}})
	if err != nil {
		t.Fatal(err)
	}
	st, _ := os.Stat(path)
	if last != st.Size() || total != st.Size() {
		t.Errorf("progress ended at %d of %d, want %d", last, total, st.Size())
	}
	if tr.Path != path || tr.Bytes != int64(len(doc)) {
		t.Errorf("path %q, %d bytes", tr.Path, tr.Bytes)
	}
	var not *NotTraceError
	if _, err := Open(context.Background(), dir, Options{}); !errors.As(err, &not) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open(context.Background(), filepath.Join(dir, "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestMaxBytes(t *testing.T) {
	doc := clean(t)
	n := int64(len(doc))
	for _, in := range [][]byte{doc, zip(t, doc)} {
		if _, err := Read(context.Background(), bytes.NewReader(in), "t", Options{MaxBytes: n}); err != nil {
			t.Errorf("exactly the limit: %v", err)
		}
		var limit *LimitError
		if _, err := Read(context.Background(), bytes.NewReader(in), "t", Options{MaxBytes: n - 1, ChunkSize: 10}); !errors.As(err, &limit) || limit.Limit != n-1 {
			t.Errorf("one byte over the limit: %v", err)
		}
	}
}

// failing gives some bytes and then an error of its own.
type failing struct{ r io.Reader }

var errDisk = errors.New("disk on fire")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err == io.EOF {
		err = errDisk
	}
	return n, err
}

func TestReaderError(t *testing.T) {
	doc := clean(t)
	for _, in := range [][]byte{doc[:100], zip(t, doc)[:100], {}} {
		if _, err := Read(context.Background(), failing{bytes.NewReader(in)}, "t", Options{}); !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
	}
}

// endless gives a trace that never ends.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	head := `{"traceEvents":[`
	for i := range p {
		if e.n < len(head) {
			p[i] = head[e.n]
		} else {
			ev := oneKernel + ","
			p[i] = ev[(e.n-len(head))%len(ev)]
		}
		e.n++
	}
	return len(p), nil
}

func TestCancel(t *testing.T) {
	hang, release := io.Pipe()
	defer release.Close()
	for name, r := range map[string]io.Reader{"endless": &endless{}, "hanging": hang} {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			_, err := Read(ctx, r, "t", Options{})
			done <- err
		}()
		time.Sleep(5 * time.Millisecond)
		start := time.Now()
		cancel()
		select {
		case err := <-done:
			if err != context.Canceled {
				t.Errorf("%s: %v", name, err)
			}
			if d := time.Since(start); d > time.Second { // milliseconds, on an idle machine
				t.Errorf("%s: took %v", name, d)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: does not stop", name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, strings.NewReader("x"), "t", Options{}); err != context.Canceled {
		t.Errorf("cancelled before: %v", err)
	}
}

// TestGoroutines sees that none is left behind, however reading ends.
func TestGoroutines(t *testing.T) {
	doc := clean(t)
	before := runtime.NumGoroutine()
	for i := range 50 {
		Read(context.Background(), bytes.NewReader(zip(t, doc)), "t", Options{ChunkSize: 64})
		Read(context.Background(), bytes.NewReader(doc), "t", Options{ChunkSize: 10, MaxBytes: int64(i)})
		Read(context.Background(), bytes.NewReader(zst(t, []byte("no trace"))), "t", Options{ChunkSize: 3})
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// repeated gives n times the same byte.
type repeated struct {
	c byte
	n int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.n)
	for i := range p[:n] {
		p[i] = r.c
	}
	r.n -= n
	return n, nil
}

// TestMemory reads things of 64 MiB that are not kept.
func TestMemory(t *testing.T) {
	const n = 64 << 20
	head, tail := `{"traceEvents":[`+oneKernel+`,{"ph":"X","cat":"cpu_op","name":"a","ts":1,`, `}]}`
	for _, c := range []struct {
		name, before string
		c            byte
		after        string
		ops          int
		cut          int64
	}{
		{"a string in args", `"args":{"Input Dims":"`, 'x', `"}`, 1, 0},
		{"escapes in args", `"args":{"Input Dims":"`, '\\', `"}`, 1, 0},
		{"a string in a nested array", `"args":{"Input Dims":[["`, 'x', `"]]}`, 1, 0},
		{"a number", `"args":{"Input Dims":1`, '0', `}`, 1, 0},
		{"a time", `"dur":1`, '0', ``, 1, 0},
		{"a key", `"`, 'k', `":1`, 1, 0},
		{"space", ``, ' ', `"x":1`, 1, 0},
		{"a flat array", `"args":{"Input Dims":[1`, '1', `]}`, 1, 0},
		{"a name", `"name":"`, 'n', `"`, 1, 1},
		{"a pid", `"pid":"`, 'n', `"`, 1, 1},
	} {
		in := io.MultiReader(strings.NewReader(head+c.before), &repeated{c.c, n}, strings.NewReader(c.after+tail))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tr, err := Read(context.Background(), in, "t", Options{})
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if tr.Ops.Len() != c.ops || len(tr.Activities) != 1 || tr.Skipped != 0 || tr.Cut != c.cut || int64(len(tr.Damage)) != c.cut {
			t.Errorf("%s: %d ops, %d skipped, %d cut, %v", c.name, tr.Ops.Len(), tr.Skipped, tr.Cut, tr.Damage)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: allocated %d MiB", c.name, used>>20)
		}
		if c.name == "a name" && len(tr.Names.Text(tr.Ops.At(0).Name)) != MaxName {
			t.Errorf("the name has %d bytes", len(tr.Names.Text(tr.Ops.At(0).Name)))
		}
	}
}
