package kineto

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestShapesAreUsed sees that the general scanner is left almost nothing of a trace in
// which events repeat.
func TestShapesAreUsed(t *testing.T) {
	doc := framesTrace(20_000)
	src := newSource(bytes.NewReader(doc), chunkSize, Options{})
	defer src.close()
	s := newScanner(context.Background(), src, "t", Options{Strict: true})
	s.ahead = lookahead
	if err := s.document(); err != nil {
		t.Fatal(err)
	}
	if s.t.Events < 20_000 || s.shapes.general > 20 {
		t.Errorf("%d of %d events went to the general scanner", s.shapes.general, s.t.Events)
	}
	want, err := refRead(doc)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "frames", lines(s.finish()), want)
}

// TestShapeTraps follows an event that is learned by one that is almost the same, and
// must not be taken for it.
func TestShapeTraps(t *testing.T) {
	learn := `{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":1,"dur":2,"args":{"stream":7,"x":[1],"correlation":3}}`
	change := func(old, new string) string {
		out := strings.Replace(learn, old, new, 1)
		if out == learn {
			t.Fatalf("%s does not stand in the event", old)
		}
		return out
	}
	for _, trap := range []string{
		learn,
		change(`"X"`, `"M"`), change(`"X"`, `"\u0058"`), change(`"X"`, `1`), change(`"kernel"`, `"overhead"`), change(`"kernel"`, `["kernel"]`),
		change(`"args":{`, `"args":{"args":{},`), change(`"args"`, `"argz"`), change(`"dur"`, `"du\u0072"`), change(`"dur"`, `"Dur"`),
		change(`"dur":2`, `"dur": 2`), change(`"dur":2`, `"dur":2 `), change(`"dur":2`, `"dur":"2"`), change(`"dur":2`, `"dur":null`),
		change(`"dur":2`, `"dur":{"dur":5}`), change(`"dur":2`, `"dur":[]`), change(`"dur":2`, `"dur":2,"dur":3`), change(`"dur":2`, `"dur":2,"dur":null`),
		change(`[1]`, `{"correlation":9}`), change(`[1]`, `"],\"correlation\":9"`), change(`[1]`, `[[{"a":"}]"}]]`), change(`[1]`, `null`),
		change(`"correlation":3`, `"correlation":3,"correlation":4`), change(`"correlation":3}`, `"correlation":3},"args":{}`),
		change(`"correlation":3}`, `"correlation":3},"args":{"stream":8}`), change(`"correlation":3}`, `"correlation":3},"args":null`),
		change(`"correlation":3}`, `"correlation":3},"ph":"M"`), change(`"correlation":3}`, `"correlation":3},"cat":"cpu_op"`),
		change(`"name":"k"`, `"name":"k\""`), change(`"name":"k"`, `"name":"\u006b"`), change(`"name":"k"`, `"name":null`), change(`"name":"k"`, `"name":5`),
		change(`"name":"k"`, `"name":"`+strings.Repeat("k", 5000)+`"`), change(`"name":"k"`, `"name":"k\\"`), change(`"name":"k"`, `"name":"","x":"k"`),
		change(`"pid":0`, `"pid":"\u0030"`), change(`"tid":7,`, ``), change(`"ts":1,`, ``), change(`"tid":7`, `"tid":`+strings.Repeat("7", 5000)),
		change(`"args":{"stream":7,"x":[1],"correlation":3}`, `"args":5`), change(`"args":{"stream":7,"x":[1],"correlation":3}`, `"args":{}`),
		change(`"args":{"stream":7,"x":[1],"correlation":3}`, `"args":[{"stream":7}]`),
	} {
		for _, order := range [][]string{{learn, learn, trap, learn}, {trap, trap, learn, trap}, {learn, trap, learn, trap, trap}} {
			doc := []byte("[" + strings.Join(order, ",") + "]")
			want, err := refRead(doc)
			if err != nil {
				t.Fatalf("%s: %v", trap, err)
			}
			for _, o := range []Options{{}, {general: true}, {ChunkSize: 300}} {
				same(t, fmt.Sprintf("%.200s chunk %d general %v", doc, o.ChunkSize, o.general), lines(read(t, doc, o)), want)
			}
		}
	}
}

// TestManyShapes has more shapes than are remembered, and one that never repeats.
func TestManyShapes(t *testing.T) {
	var b strings.Builder
	b.WriteString("[{}")
	for i := range 3000 {
		k := i % (2 * maxShapes)
		if i%5 == 0 {
			k = i
		}
		fmt.Fprintf(&b, `,{"ph":"X","key %d":[%d],"cat":"cpu_op","name":"n%d","ts":%d,"dur":1}`, k, i, i%9, i)
	}
	doc := []byte(b.String() + "]")
	want, err := refRead(doc)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "many shapes", lines(read(t, doc, Options{})), want)
}

// TestLanesRepeat has events of one shape whose process and thread are those of the event before,
// begin like them, or are values of another kind.
func TestLanesRepeat(t *testing.T) {
	ids := []string{`7`, `73`, `7`, `-7`, `"7"`, `"stream 7"`, `"a\"b"`, `"a\\"`, `null`, `[7]`, `7.0`, `""`, `"7`, `NaN`}
	forms := []string{
		`{"ph":"X","cat":"cpu_op","name":"n","pid":%s,"tid":%s,"ts":1,"dur":2}`,
		`{"pid":%s,"ph":"X","cat":"cpu_op","tid":%s,"name":"n","ts":1.5,"dur":2.25}`,
		`{"ph":"X","cat":"cpu_op","name":"n","ts":1,"dur":2,"pid":%s,"tid":%s}`,
		`{"ph":"X","cat":"cpu_op","name":"n","ts":1,"pid":%s,"pid":%s,"dur":2,"tid":1}`,
		`{"ph":"X","cat":"kernel","name":"k","ts":1,"dur":2,"tid":%s,"pid":%s,"args":{"device":0}}`,
	}
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		var events []string
		pid, tid := ids[0], ids[0]
		for range 40 {
			if r.IntN(3) == 0 {
				pid, tid = ids[r.IntN(len(ids)-2)], ids[r.IntN(len(ids)-2)]
			}
			events = append(events, fmt.Sprintf(forms[(n+r.IntN(2))%len(forms)], pid, tid))
		}
		doc := []byte("[" + strings.Join(events, ",") + "]")
		want, err := refRead(doc)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		for _, o := range []Options{{}, {ChunkSize: 300}, {ChunkSize: 300, helpers: -1}} {
			same(t, fmt.Sprintf("%s chunk %d", doc, o.ChunkSize), lines(read(t, doc, o)), want)
		}
	}
}

// TestLiteral compares literals of all lengths, at all places, with what differs by one byte.
func TestLiteral(t *testing.T) {
	text := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	for n := range 25 {
		for p := 0; p+n <= len(text); p++ {
			l := newLiteral(text[p : p+n])
			if !l.at(text, p) || !l.at(text[:p+n], p) {
				t.Fatalf("%q is not at %d", l.text, p)
			}
			for i := range n {
				other := bytes.Clone(text)
				other[p+i] ^= 0x20
				if l.at(other, p) || l.at(other[:p+n], p) {
					t.Fatalf("%q is at %d of %q", l.text, p, other)
				}
			}
		}
	}
}

// TestValueEnds holds the ends of strings, words and numbers against a byte at a time.
func TestValueEnds(t *testing.T) {
	str := func(b []byte, p int) (int, bool, bool) {
		for esc := false; ; {
			switch {
			case p >= len(b):
				return len(b), esc, false
			case b[p] == '"':
				return p, esc, true
			case b[p] == '\\':
				if p+1 == len(b) {
					return p, esc, false
				}
				esc = true
				p++
			}
			p++
		}
	}
	bare := func(b []byte, p int) int {
		for p < len(b) && class[b[p]] == classBare {
			p++
		}
		return p
	}
	const some = "0123456789019.-+eN\\\\\"\", }\x80\x8a\xbaxyz"
	r := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		b := make([]byte, r.IntN(30))
		for i := range b {
			b[i] = some[r.IntN(1+r.IntN(len(some)))]
		}
		p := r.IntN(len(b) + 1)
		end, esc, ok := stringEnd(b, p)
		if e, s, o := str(b, p); e != end || s != esc || o != ok {
			t.Fatalf("string %q from %d: got %d %v %v, want %d %v %v", b, p, end, esc, ok, e, s, o)
		}
		if got, want := bareEnd(b, p), bare(b, p); got != want {
			t.Fatalf("word %q from %d: got %d, want %d", b, p, got, want)
		}
		ns, end := microsAt(b, p)
		if want, state := scaled(b[p:bare(b, p)], 3); end > 0 && (end != bare(b, p) || state != numOK || ns != want) {
			t.Fatalf("time %q from %d: got %d to %d, want %d to %d", b, p, ns, end, want, bare(b, p))
		}
	}
}
