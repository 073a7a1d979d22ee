package kineto

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/internal/race"
)

// op writes a cpu_op whose name says which it is.
func op(name string) string {
	return `{"ph": "X", "cat": "cpu_op", "name": "` + name + `", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "args": {"Input Dims": [[1, 2], []], "Ev Idx": 3}}`
}

// TestDamage tells, for each kind of damage, what is kept and what is said. The
// damaged place stands between two whole events, a and z.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name, between string
		kept          string // names of the ops
		skipped       int64
		damage        []string // "byte after the start of between: message", a prefix of it
	}{
		{"nothing", op("b"), "a b z", 0, nil},
		{"an unescaped quote in a name", op(`say "b"`), "a z", 1, []string{`43: found 'b', expected ',' or '}' after a value; went on`}},
		{"an unescaped quote and a comma", op(`b", "c`), "a z", 1, []string{`45: found ',', expected ':' after a key`}},
		{"an unescaped quote and a colon", op(`b": "c`), "a z", 1, []string{`40: found ':', expected ',' or '}' after a value`}},
		{"an unescaped quote in args", strings.Replace(op("b"), `"Ev Idx"`, `"k": "a "b" c"`, 1), "a z", 1, []string{`127: found 'b', expected ',' or '}' after a value`}},
		{"an unescaped quote deep in args", strings.Replace(op("b"), `[]`, `["a"b"]`, 1), "a z", 1, []string{`117: found 'b', expected matching brackets`}},
		{"a lost bracket", strings.Replace(op("b"), `[]]`, `[]`, 1), "a z", 1, []string{`128: found '}', expected matching brackets`}},
		{"a brace for a bracket", strings.Replace(op("b"), `[]]`, `[]}`, 1), "a z", 1, []string{`115: found '}', expected matching brackets`}},
		{"half an event", op("b")[:60], "a z", 1, []string{`62: found '{', expected a key in quotes or '}'`}},
		{"an event torn by the next", op("b")[:50] + op("c"), "a c z", 1, nil},
		{"a missing comma", op("b") + " " + op("c"), "a b c z", 0, []string{`132: found '{', expected ',' before an event`}},
		{"two commas", op("b") + ",", "a b z", 1, []string{`132: found ',', expected an event; went on at byte`}},
		{"a word", "null", "a z", 1, []string{`0: found 'n', expected an event`}},
		{"a string", `"b"`, "a z", 1, []string{`0: found '"', expected an event`}},
		{"an array", `[1]`, "a z", 1, []string{`0: found '[', expected an event`}},
		{"bytes", "\x00\x01\xff", "a z", 1, []string{`0: found byte 0x00, expected an event`}},
		{"a page of text", "<b>Error 500: {\"detail\": \"out of \\\"memory\\\"\"}</b>\n" + op("b"), "a b z", 1, []string{`0: found '<', expected an event`}},
		{"a missing value", strings.Replace(op("b"), `"dur": 1`, `"dur": `, 1), "a z", 1, []string{`78: found ',', expected a value`}},
		{"a comma too many", strings.Replace(op("b"), `"dur": 1`, `"dur": 1,`, 1), "a z", 1, []string{`80: found ',', expected a key in quotes or '}'`}},
		{"a comma before a brace", strings.Replace(op("b"), `"Ev Idx": 3`, `"Ev Idx": 3,`, 1), "a b z", 0, nil},
		{"a key without quotes", strings.Replace(op("b"), `"dur"`, `dur`, 1), "a z", 1, []string{`71: found 'd', expected a key in quotes or '}'`}},
		{"an args object alone", `"args": {"ph": "X", "name": 1}}`, "a z", 1, []string{`0: found '"', expected an event`}},
		{"no phase", strings.Replace(op("b"), `"ph": "X"`, `"x": 1`, 1), "a z", 1, []string{"0: an event without a \"ph\" string"}},
		{"no time", strings.Replace(op("b"), `"ts": 1`, `"ts": null`, 1), "a z", 1, []string{"0: an event without a \"ts\" in microseconds"}},
		{"a time that is no number", strings.Replace(op("b"), `"ts": 1`, `"ts": NaN`, 1), "a z", 1, []string{"0: an event without a \"ts\" in microseconds"}},
		{"a time out of range", strings.Replace(op("b"), `"ts": 1`, `"ts": 1e400`, 1), "a z", 1, []string{"0: a \"ts\" that does not fit 64 bits"}},
		{"an end out of range", strings.Replace(op("b"), `"ts": 1`, `"ts": 9223372036854775.000`, 1), "a z", 1, []string{"0: an end that does not fit 64 bits"}},
		{"a negative duration", strings.Replace(op("b"), `"dur": 1`, `"dur": -1`, 1), "a z", 1, []string{"0: a negative \"dur\""}},
		{"a duration of two years", strings.Replace(op("b"), `"dur": 1`, `"dur": 63e12`, 1), "a z", 1, []string{"0: a \"dur\" of more than a year"}},
		{"a duration that is no number", strings.Replace(op("b"), `"dur": 1`, `"dur": NaN`, 1), "a b z", 0, nil},
		{"an end without a beginning", `{"ph": "E", "pid": 1, "tid": 1, "ts": 1}`, "a z", 1, []string{"0: an event of phase E without one of phase B"}},
		{"an end before its beginning", strings.Replace(op("b"), `"X"`, `"B"`, 1) + `,{"ph": "E", "pid": 1, "tid": 1, "ts": 0}`, "a z", 1, []string{"132: an event of phase E before its phase B"}},
		{"raw control characters", op("b\n\t\x01"), "a b\n\t\x01 z", 0, nil},
		{"bare words in args", strings.Replace(op("b"), `"Ev Idx": 3`, `"a": NaN, "b": Infinity, "c": -inf, "d": nan, "e": -1.#IND`, 1), "a b z", 0, nil},
	} {
		head := `{"schemaVersion": 1, "traceEvents": [` + "\n" + op("a") + ",\n"
		doc := head + c.between + ",\n" + op("z") + "\n], \"traceName\": \"after\"}"
		for _, o := range []Options{{}, {general: true}, {ChunkSize: 1}, {ChunkSize: 150}, {ChunkSize: 150, helpers: -1}} {
			tr, err := Read(context.Background(), strings.NewReader(doc), "t", o)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			var kept []string
			for i := range tr.Ops.Len() {
				kept = append(kept, tr.Names.Text(tr.Ops.At(i).Name))
			}
			if got := strings.Join(kept, " "); got != c.kept || tr.Skipped != c.skipped {
				t.Errorf("%s: kept %q, skipped %d; want %q, %d\n%v", c.name, got, tr.Skipped, c.kept, c.skipped, tr.Damage)
			}
			if tr.Meta.TraceName != "after" {
				t.Errorf("%s: what follows the events was lost", c.name)
			}
			for i, want := range c.damage {
				got := "nothing"
				if i < len(tr.Damage) {
					d := tr.Damage[i]
					got = fmt.Sprintf("%d: %s", d.Offset-int64(len(head)), d.Msg)
					if d.Fatal {
						t.Errorf("%s: %s is fatal", c.name, got)
					}
				}
				if !strings.HasPrefix(got, want) {
					t.Errorf("%s: damage %q, want %q", c.name, got, want)
				}
			}
			if c.damage != nil && len(tr.Damage) != len(c.damage) || (c.skipped == 0 && c.damage == nil) != (len(tr.Damage) == 0) {
				t.Errorf("%s: %d damages: %v", c.name, len(tr.Damage), tr.Damage)
			}
			strict := o
			strict.Strict = true
			_, err = Read(context.Background(), strings.NewReader(doc), "t", strict)
			var de *DamageError
			if errors.As(err, &de) != (len(tr.Damage) > 0) || de != nil && de.Damage.Offset != tr.Damage[0].Offset {
				t.Errorf("%s: strict: %v", c.name, err)
			}
		}
	}
}

// TestDamageAround breaks what stands around the events.
func TestDamageAround(t *testing.T) {
	two := op("a") + "," + op("z")
	for _, c := range []struct {
		name, doc string
		kept      int
		damages   int
		fatal     bool
		after     bool
	}{
		{"a broken value before the events", `{"x": "a"b", "y": 1, "traceEvents": [` + two + `], "traceName": "after"}`, 2, 1, false, true},
		{"a broken object before the events", `{"distributedInfo": {"backend": "n"ccl", "pg": [{"ranks": [0]}, {"n": 1}]}, "traceEvents" : [` + two + `], "traceName": "after"}`, 2, 1, false, true},
		{"a broken value behind the events", `{"traceEvents": [` + two + `], "x": "a"b", "traceName": "after"}`, 2, 1, true, false},
		{"a broken last event", `{"traceEvents": [` + two + `,` + op(`"`) + `], "traceName": "after"}`, 2, 1, false, true},
		{"only broken events", `{"traceEvents": [` + op(`"`) + `], "traceName": "after"}`, 0, 1, false, true},
		{"objects in an array of a broken event", `{"traceEvents": [` + two + `,{"ph": "X"x, "args": {"a": [{}], "b": 1}},` + two + `], "traceName": "after"}`, 4, 1, false, true},
		{"no end", `{"traceEvents": [` + two, 2, 1, true, false},
		{"no end behind a comma", `{"traceEvents": [` + two + ",\n", 2, 1, true, false},
		{"no end of the object", `{"traceEvents": [` + two + `]`, 2, 1, true, false},
		{"no end inside an event", `{"traceEvents": [` + two + `,{"ph": "X", "na`, 2, 1, true, false},
		{"no end after damage", `{"traceEvents": [` + two + `,{"ph": "X", na`, 2, 1, true, false},
		{"an array without an end", `[` + two, 2, 1, true, false},
		{"a bare array with damage", `[` + op("a") + `,{x},` + op("z") + `]`, 2, 1, false, false},
		{"two arrays of events", `{"traceEvents": [` + two + `], "traceEvents": [` + two + `], "traceName": "after"}`, 4, 1, false, true},
		{"two documents", `{"traceEvents": [` + two + `]}` + "\n" + `{"traceEvents": [` + two + `]}`, 2, 1, false, false},
		{"a trailing comma", `{"traceEvents": [` + two + `,], "traceName": "after"}`, 2, 0, false, true},
		{"an empty trace", `{"traceEvents": [], "traceName": "after"}`, 0, 0, false, true},
		{"an empty array", `[]`, 0, 0, false, false},
	} {
		for _, o := range []Options{{}, {general: true}, {ChunkSize: 1}, {ChunkSize: 7}} {
			tr, err := Read(context.Background(), strings.NewReader(c.doc), "t", o)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			fatal := len(tr.Damage) > 0 && tr.Damage[len(tr.Damage)-1].Fatal
			if tr.Ops.Len() != c.kept || len(tr.Damage) != c.damages || fatal != c.fatal || (tr.Meta.TraceName == "after") != c.after {
				t.Errorf("%s: kept %d, %q behind, damage %v", c.name, tr.Ops.Len(), tr.Meta.TraceName, tr.Damage)
			}
		}
	}
}

// TestManyDamages has more damage than is listed.
func TestManyDamages(t *testing.T) {
	var b strings.Builder
	b.WriteString(`[{}`)
	for range 1000 {
		b.WriteString(`,` + op("a") + `,{broken}`)
	}
	for _, end := range []string{"]", ""} {
		tr := read(t, []byte(b.String()+end), Options{})
		want := maxDamages
		if end == "" {
			want++ // the fatal one is always listed
		}
		if tr.Skipped != 1000 || tr.Ops.Len() != 1000 || len(tr.Damage) != want {
			t.Errorf("end %q: skipped %d, kept %d, %d damages", end, tr.Skipped, tr.Ops.Len(), len(tr.Damage))
		}
		if last := tr.Damage[len(tr.Damage)-1]; last.Fatal != (end == "") {
			t.Errorf("end %q: the last damage is %v", end, last)
		}
	}
}

// TestNesting skips what is nested deep, and says so where it is too deep.
func TestNesting(t *testing.T) {
	for _, c := range []struct {
		depth   int
		open    string
		close   string
		kept    int
		damages int
	}{
		{100_000, "[", "]", 3, 0},
		{100_000, `{"a":`, "}", 3, 0},
		{maxDepth - 2, "[", "]", 3, 0},
		{maxDepth + 10, "[", "]", 2, 1},
		{3_000_000, "[", "]", 2, 1},
	} {
		in := strings.Repeat(c.open, c.depth) + "[]" + strings.Repeat(c.close, c.depth)
		doc := `{"traceEvents": [` + op("a") + "," + strings.Replace(op("b"), `[]`, in, 1) + "," + op("z") + `]}`
		tr := read(t, []byte(doc), Options{})
		if tr.Ops.Len() != c.kept || len(tr.Damage) != c.damages {
			t.Errorf("%d × %s: kept %d, %v", c.depth, c.open, tr.Ops.Len(), tr.Damage)
		}
	}
}

// TestCorruption changes random bytes of random traces: whatever the result is, it is
// the same for every way of reading, and nothing panics.
func TestCorruption(t *testing.T) {
	n := int64(1500)
	if testing.Short() || race.Enabled {
		n = 200
	}
	for seed := range n {
		g := rand.New(rand.NewSource(seed))
		doc := newGen(5e6 + seed).trace(1 + int(seed)%8)
		for range 1 + g.Intn(3) {
			doc = corrupt(g, doc)
		}
		want := outcome(doc, Options{})
		for _, o := range []Options{{general: true}, {ChunkSize: 1 + g.Intn(64), helpers: -1}, {ChunkSize: 1 + g.Intn(64), helpers: 2}, {ChunkSize: 500 + g.Intn(3000), helpers: -1}, {ChunkSize: 500 + g.Intn(3000), helpers: 3}} {
			same(t, fmt.Sprintf("seed %d chunk %d general %v", seed, o.ChunkSize, o.general), outcome(doc, o), want)
		}
	}
}

// corrupt changes, inserts, removes, repeats or moves some bytes.
func corrupt(g *rand.Rand, doc []byte) []byte {
	const odd = "\"{}[],:\\x0 \n\xff\x00"
	at := g.Intn(len(doc) + 1)
	to := min(at+1+g.Intn(20)*g.Intn(20), len(doc))
	out := bytes.Clone(doc[:at])
	switch g.Intn(5) {
	case 0:
		out = append(out, odd[g.Intn(len(odd))])
		to = min(at+1, len(doc))
	case 1:
		out = append(out, odd[g.Intn(len(odd))])
		to = at
	case 2: // a lost piece
	case 3:
		out = append(out, doc[at:to]...)
		to = at
	case 4: // the rest comes from somewhere else
		to = g.Intn(len(doc) + 1)
	}
	return append(out, doc[to:]...)
}

func outcome(doc []byte, o Options) []string {
	tr, err := Read(context.Background(), bytes.NewReader(doc), "t", o)
	if err != nil {
		return []string{err.Error()}
	}
	out := lines(tr)
	for _, d := range tr.Damage {
		out = append(out, fmt.Sprint(d))
	}
	return append(out, fmt.Sprint("cut ", tr.Cut, " bytes ", tr.Bytes))
}
