package graph

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/sgrules/sgrules/engine/kineto"
)

func named(s kineto.Span) (uint32, bool) { return uint32(s.Name), true }

// stacksOf runs sweep over spans of one thread, named by their index.
func stacksOf(spans []kineto.Span, at []int64) [][]uint32 {
	want := make([]instant, len(at))
	for i, ts := range at {
		want[i] = instant{ts, int32(i)}
	}
	slices.SortStableFunc(want, func(a, b instant) int { return int(a.ts - b.ts) })
	for i := range spans {
		spans[i].Name = kineto.NameID(i)
	}
	col := spanSlice(spans)
	order := perThread(col, [][]instant{want})
	st := newStacks()
	out := make([][]uint32, len(at))
	w := &sweeping{named, func(w instant, open []active, _ bool) {
		id := stackOf(st, open)
		e := st.Entries(id)
		slices.Reverse(e)
		out[w.id] = e
	}}
	sweep(col, order[0], want, w)
	one := out
	out = make([][]uint32, len(at))
	var all kineto.Spans
	for _, s := range spans {
		all.Append(s)
	}
	sweepAll(&all, [][]instant{want}, w)
	if !reflect.DeepEqual(one, out) {
		panic(fmt.Sprintf("spans %v at %v: sweep %v, sweepAll %v", spans, at, one, out))
	}
	return out
}

func TestSweep(t *testing.T) {
	span := func(ts, dur int64) kineto.Span { return kineto.Span{Ts: ts, Dur: dur} }
	for _, c := range []struct {
		name  string
		spans []kineto.Span
		at    int64
		want  []uint32
	}{
		{"nested", []kineto.Span{span(0, 100), span(10, 50), span(20, 10)}, 25, []uint32{0, 1, 2}},
		{"before", []kineto.Span{span(10, 10)}, 5, nil},
		{"at the start", []kineto.Span{span(10, 10)}, 10, []uint32{0}},
		{"at the end", []kineto.Span{span(10, 10)}, 20, nil},
		{"the next one at its start", []kineto.Span{span(0, 10), span(10, 10)}, 10, []uint32{1}},
		{"same start, the longer is outside", []kineto.Span{span(0, 10), span(0, 100)}, 5, []uint32{1, 0}},
		{"same span twice, file order", []kineto.Span{span(0, 10), span(0, 10)}, 5, []uint32{0, 1}},
		{"crossing, both", []kineto.Span{span(0, 10), span(5, 10)}, 7, []uint32{0, 1}},
		{"crossing, the first over", []kineto.Span{span(0, 10), span(5, 10)}, 12, []uint32{1}},
		{"crossing below others", []kineto.Span{span(0, 10), span(5, 20), span(8, 10)}, 12, []uint32{1, 2}},
		{"no duration encloses nothing", []kineto.Span{span(5, 0)}, 5, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := stacksOf(c.spans, []int64{c.at})[0]; !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Every instant's stack must be the spans that enclose it, by start, longest first, however
// they cross.
func TestSweepAgreesWithBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for n := range 1000 {
		spans := make([]kineto.Span, 1+r.IntN(12))
		for i := range spans {
			spans[i] = kineto.Span{Ts: int64(r.IntN(40)), Dur: int64(r.IntN(30))}
		}
		at := make([]int64, 8)
		for i := range at {
			at[i] = int64(r.IntN([]int{75, 20}[n%2])) // also long before the last span
		}
		got := stacksOf(spans, at)
		for i, ts := range at {
			var want []uint32
			for s := range spans {
				if spans[s].Ts <= ts && ts < spans[s].Ts+spans[s].Dur {
					want = append(want, uint32(s))
				}
			}
			slices.SortStableFunc(want, func(a, b uint32) int {
				if d := spans[a].Ts - spans[b].Ts; d != 0 {
					return int(d)
				}
				return int(spans[b].Dur - spans[a].Dur)
			})
			if !slices.Equal(got[i], want) {
				t.Fatalf("spans %v at %d: got %v, want %v", spans, ts, got[i], want)
			}
		}
	}
}

func TestDeepStackIsCut(t *testing.T) {
	spans := make([]kineto.Span, maxDepth+10)
	for i := range spans {
		spans[i] = kineto.Span{Ts: int64(i), Dur: int64(10 * len(spans))}
	}
	if got := len(stacksOf(spans, []int64{int64(len(spans))})[0]); got != maxDepth {
		t.Errorf("%d entries kept, want %d", got, maxDepth)
	}
}

func BenchmarkSweep(b *testing.B) {
	var spans []kineto.Span
	var want []instant
	for i := range int64(100_000) {
		base := i * 100
		spans = append(spans, kineto.Span{Ts: base, Dur: 90, Name: kineto.NameID(i % 50)}, kineto.Span{Ts: base + 5, Dur: 60, Name: kineto.NameID(i % 7)}, kineto.Span{Ts: base + 10, Dur: 10, Name: kineto.NameID(i % 13)})
		want = append(want, instant{base + 12, int32(i)})
	}
	col := spanSlice(spans)
	b.ReportAllocs()
	for b.Loop() {
		st := newStacks()
		order := perThread(col, [][]instant{want})
		sweep(col, order[0], want, &sweeping{named, func(_ instant, open []active, _ bool) { stackOf(st, open) }})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(spans)), "ns/span")
}

// TestDeepIsTold: an instant is told to be deep while a span that was not kept is open, and no
// longer.
func TestDeepIsTold(t *testing.T) {
	var col spanSlice
	for i := range int64(maxDepth + 1) { // the last one is one too many and the first to end
		col = append(col, kineto.Span{Ts: i, Dur: 3*maxDepth - 2*i, Name: 1})
	}
	last := col[maxDepth]
	var want []instant
	var order []int32
	for i := range col {
		order = append(order, int32(i))
	}
	for i, ts := range []int64{last.Ts - 1, last.Ts, last.Ts + last.Dur - 1, last.Ts + last.Dur} {
		want = append(want, instant{ts, int32(i)})
	}
	var got []bool
	sweep(col, order, want, &sweeping{named, func(_ instant, open []active, deep bool) {
		if len(open) > maxDepth {
			t.Fatalf("%d spans are kept", len(open))
		}
		got = append(got, deep)
	}})
	if fmt.Sprint(got) != "[false true true false]" {
		t.Errorf("deep is %v", got)
	}
}
