package kineto

import (
	"bytes"
	"context"
	"fmt"
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
