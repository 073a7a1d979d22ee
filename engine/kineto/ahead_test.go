package kineto

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/sgrules/sgrules/engine/tracebuild"
	"github.com/sgrules/sgrules/internal/race"
)

// identical compares two traces to the last id: a reader ahead must leave no mark.
func identical(t *testing.T, what string, got, want *Trace) {
	t.Helper()
	same(t, what, lines(got), lines(want))
	same(t, what+": names", got.Names.text, want.Names.text)
	if fmt.Sprint(got.Threads, got.Processes, got.Damage, got.Events, got.Skipped, got.Bytes) != fmt.Sprint(want.Threads, want.Processes, want.Damage, want.Events, want.Skipped, want.Bytes) {
		t.Errorf("%s: threads, processes, damage or counts differ", what)
	}
	for i := range want.Frames.Len() {
		if got.Frames.At(i) != want.Frames.At(i) {
			t.Fatalf("%s: frame %d is %+v, want %+v", what, i, got.Frames.At(i), want.Frames.At(i))
		}
	}
}

// TestHelpersChangeNothing reads generated traces with helpers and without, in buffers of
// many sizes.
func TestHelpersChangeNothing(t *testing.T) {
	docs := map[string][]byte{"frames": framesTrace(4000)}
	for seed := range int64(60) {
		docs[fmt.Sprint("seed ", seed)] = newGen(900 + seed).trace(20 + int(seed)*5)
	}
	for _, style := range []tracebuild.Style{tracebuild.Pretty, tracebuild.Compact} {
		o := tracebuild.Options{Style: style}
		spec, err := tracebuild.Synthetic(tracebuild.Size{Steps: 1}, o)
		if err != nil {
			t.Fatal(err)
		}
		if docs[fmt.Sprint("built ", style)], err = tracebuild.Build(spec, o); err != nil {
			t.Fatal(err)
		}
	}
	for name, doc := range docs {
		want := read(t, doc, Options{helpers: -1})
		for _, o := range []Options{{ChunkSize: 64, helpers: 1}, {ChunkSize: 1000, helpers: 2}, {ChunkSize: 4096, helpers: 4}, {ChunkSize: 65536, helpers: 2}} {
			identical(t, fmt.Sprintf("%s, %d helpers, buffers of %d", name, o.helpers, o.ChunkSize), read(t, doc, o), want)
		}
	}
}

// TestHelpersAreUsed sees that almost all of a plain trace is taken over from helpers.
func TestHelpersAreUsed(t *testing.T) {
	doc := framesTrace(40_000)
	o := Options{helpers: 2, Strict: true}
	src := newSource(bytes.NewReader(doc), 1<<17, o)
	defer src.close()
	s := newScanner(context.Background(), src, "t", o)
	s.ahead = lookahead
	if err := s.document(); err != nil {
		t.Fatal(err)
	}
	if s.taken*10 < s.t.Events*9 {
		t.Errorf("%d of %d events were taken over", s.taken, s.t.Events)
	}
}

// TestHelpersOnTraps puts what looks like events where there are none.
func TestHelpersOnTraps(t *testing.T) {
	fake := `},{"ph": "X", "cat": "cpu_op", "name": "fake", "ts": 1, "dur": 1},{"ph": "X", "cat": "cpu_op", "name": "fake", "ts": 2, "dur": 1}`
	var b strings.Builder
	b.WriteString(`{"deviceProperties": [{"id": 0` + fake + `], "traceEvents": [` + op("a"))
	for i := range 300 {
		b.WriteString("\n," + op(fmt.Sprint("n", i%70)))
		switch i % 7 {
		case 0:
			b.WriteString(`,{"ph": "X", "cat": "cpu_op", "name": "o", "ts": 1, "dur": 1, "args": {"list": [{"a": 1` + fake + `]}}`)
		case 1:
			b.WriteString("," + op(strings.ReplaceAll(fake, `"`, `\"`)))
		case 2:
			b.WriteString(`,{"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "t` + fmt.Sprint(i) + `"}}`)
		case 3:
			b.WriteString(`,{"ph": "B", "cat": "cpu_op", "name": "pair", "pid": 1, "tid": 9, "ts": 1},` + op("inside") + `,{"ph": "E", "pid": 1, "tid": 9, "ts": 8}`)
		case 4:
			b.WriteString(`,{"ph": "X", "cat": "cpu_op", "name": "broken` + fake)
		case 5:
			b.WriteString(`,{"ph": "X", "cat": "cpu_op", "name": "negative", "ts": 1, "dur": -1}`)
		}
	}
	doc := []byte(b.String() + `]}`)
	want := read(t, doc, Options{helpers: -1})
	for size := 50; size < 3000; size += 131 {
		identical(t, fmt.Sprint("buffers of ", size), read(t, doc, Options{ChunkSize: size, helpers: 3}), want)
	}
}

// TestHelpersOnRealTraces reads recorded traces, unpacked, both ways.
func TestHelpersOnRealTraces(t *testing.T) {
	for _, path := range realTraces(t) {
		doc := unpack(t, path)
		if race.Enabled {
			doc = shorten(doc, 1<<20) // what comes out of all of it is checked without the detector
		}
		want := read(t, doc, Options{helpers: -1})
		for _, size := range []int{3000, 1 << 16, 1 << 20} {
			identical(t, fmt.Sprint(filepath.Base(path), ", buffers of ", size), read(t, doc, Options{ChunkSize: size, helpers: 2}), want)
		}
	}
}

func unpack(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
