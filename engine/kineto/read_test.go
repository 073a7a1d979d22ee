package kineto

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/internal/race"
)

func read(t testing.TB, doc []byte, o Options) *Trace {
	t.Helper()
	tr, err := Read(context.Background(), bytes.NewReader(doc), "t.json", o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestRandomTraces(t *testing.T) {
	n := 600
	if testing.Short() || race.Enabled {
		n = 100
	}
	for seed := range int64(n) {
		doc := newGen(seed).trace(1 + int(seed)%40)
		if !json.Valid(bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))) {
			t.Fatalf("seed %d: the generator wrote broken JSON", seed)
		}
		want, err := refRead(doc)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, o := range []Options{{}, {general: true}, {ChunkSize: 1 + int(seed)%64}, {ChunkSize: 200 + int(seed)}} {
			what := fmt.Sprintf("seed %d chunk %d general %v", seed, o.ChunkSize, o.general)
			same(t, what, lines(read(t, doc, o)), want)
		}
	}
}

func TestChunkSizes(t *testing.T) {
	for seed := range int64(12) {
		doc := newGen(1e6 + seed).trace(12)
		want, err := refRead(doc)
		if err != nil {
			t.Fatal(err)
		}
		for size := 1; size <= 64; size++ {
			same(t, fmt.Sprintf("seed %d chunk %d", seed, size), lines(read(t, doc, Options{ChunkSize: size})), want)
		}
		for size := 100; size < 6000; size += 97 {
			same(t, fmt.Sprintf("seed %d chunk %d", seed, size), lines(read(t, doc, Options{ChunkSize: size})), want)
		}
	}
}

func TestRealAgainstReference(t *testing.T) {
	for _, f := range realTraces(t) {
		zipped, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if tr := read(t, zipped, Options{Strict: true}); tr.Bytes != int64(len(doc)) {
			t.Errorf("%s: %d bytes, want %d", f, tr.Bytes, len(doc))
		}
		size := 3 << 20
		if race.Enabled {
			size = 1 << 18 // one goroutine, and twenty times slower
		}
		doc = shorten(doc, size)
		want, err := refRead(doc)
		if err != nil {
			t.Fatal(f, err)
		}
		for _, o := range []Options{{Strict: true}, {Strict: true, general: true}, {Strict: true, ChunkSize: 1000}} {
			same(t, fmt.Sprintf("%s chunk %d general %v", f, o.ChunkSize, o.general), lines(read(t, doc, o)), want)
		}
	}
}

// shorten cuts a trace of more than n bytes between two events: the reference is slow.
func shorten(doc []byte, n int) []byte {
	if len(doc) <= n {
		return doc
	}
	at := eventStart.FindAllIndex(doc[:n], -1)
	return append(bytes.TrimRight(doc[:at[len(at)-1][0]], ", \n"), "]}"...)
}

var eventStart = regexp.MustCompile(`\{\s*"ph"`)

// TestTruncation cuts a trace at every byte: what was whole before the cut is kept,
// nothing is made up, and the damage is said.
func TestTruncation(t *testing.T) {
	seeds := int64(8)
	if race.Enabled {
		seeds = 1
	}
	for seed := range seeds {
		doc := newGen(2e6 + seed).trace(3)
		for k := int64(1); len(doc) > 6000; k++ {
			doc = newGen(3e6 + 100*seed + k).trace(3)
		}
		whole := byKind(read(t, doc, Options{}))
		for n := range doc {
			o := Options{ChunkSize: []int{4096, 7, 300}[n%3]}
			tr, err := Read(context.Background(), bytes.NewReader(doc[:n]), "t.json", o)
			if err != nil {
				if _, ok := err.(*NotTraceError); !ok {
					t.Fatalf("seed %d cut at %d: %v", seed, n, err)
				}
				continue
			}
			if len(tr.Damage) == 0 && strings.TrimSpace(string(doc[n:])) != "" {
				t.Fatalf("seed %d cut at %d: no damage", seed, n)
			}
			for i, c := range byKind(tr) {
				if len(c) > len(whole[i]) {
					t.Fatalf("seed %d cut at %d: column %d is longer than the whole trace's", seed, n, i)
				}
				same(t, fmt.Sprintf("seed %d cut at %d column %d", seed, n, i), c, whole[i][:len(c)])
			}
		}
	}
}

// byKind gives the lines of each kind of event apart.
func byKind(tr *Trace) [][]string {
	kinds := []string{"kernel", "memcpy", "memset", "launch", "op", "frame", "note", "mark", "sync"}
	out := make([][]string, len(kinds))
	for _, l := range lines(tr) {
		for i, k := range kinds {
			if strings.HasPrefix(l, k+" ") {
				out[i] = append(out[i], l)
			}
		}
	}
	return out
}
