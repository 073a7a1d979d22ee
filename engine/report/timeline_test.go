package report

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	x := &Timeline{From: 100, To: 200, SubjectFrom: 120, SubjectTo: 150, Lanes: []Lane{
		{Stream: 1, Spans: []Span{{100, 120, "", "gemm"}, {150, 161, "", "gather"}, {161, 200, "", "gemm"}}},
		{Stream: 2, Spans: []Span{{141, 142, "", "copy"}, {199, 200, "", "communication"}}},
	}}
	lanes, mark := x.draw(10)
	want := []string{"GG···AGGGG", "····O····C"}
	if lanes[0] != want[0] || lanes[1] != want[1] || mark != "  ^^^" {
		t.Errorf("drew %q and %q, want %q and %q", lanes, mark, want, "  ^^^")
	}
}

// TestDrawShowsEverything: a cell is empty exactly where nothing ran in it.
func TestDrawShowsEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 31))
	for range 300 {
		from := int64(r.IntN(1000))
		x := &Timeline{From: from, To: from + 1 + int64(r.IntN(500)), Lanes: []Lane{{}}}
		at := from
		for at < x.To && r.IntN(12) > 0 {
			at += int64(r.IntN(30))
			end := min(at+int64(r.IntN(25)), x.To)
			if at < end {
				x.Lanes[0].Spans = append(x.Lanes[0].Spans, Span{at, end, "", []string{"gemm", "copy", "", "gemm2"}[r.IntN(4)]})
			}
			at = max(at, end)
		}
		n := 1 + r.IntN(int(min(60, x.To-from)))
		lanes, _ := x.draw(n)
		cells := []rune(lanes[0])
		if len(cells) != n {
			t.Fatalf("%d cells, want %d", len(cells), n)
		}
		for _, s := range x.Lanes[0].Spans {
			// The cell in which the span begins.
			c := (s.Start - x.From) * int64(n) / (x.To - x.From)
			if cells[c] == laneIdle && cells[min(c+1, int64(n-1))] == laneIdle {
				t.Fatalf("%+v: nothing is drawn at cell %d of %q for %+v", x, c, lanes[0], s)
			}
		}
		if len(x.Lanes[0].Spans) == 0 && strings.Trim(lanes[0], string(laneIdle)) != "" {
			t.Fatalf("an idle stream is drawn as %q", lanes[0])
		}
	}
}

func TestLetters(t *testing.T) {
	x := &Timeline{To: 1000}
	var l Lane
	for i := range 60 { // more families than letters and digits
		l.Spans = append(l.Spans, Span{int64(i), int64(i) + 1, "", strings.Repeat("a", i+1)})
	}
	x.Lanes = []Lane{l}
	letters, order := x.familyLetters()
	seen := map[rune]int{}
	for _, c := range letters {
		seen[c]++
	}
	for c, n := range seen {
		if n > 1 && c != '#' {
			t.Errorf("%d families share %q", n, c)
		}
	}
	if len(order) != 60 || seen['#'] != 49 {
		t.Errorf("%d families, %d without a letter of their own; want 60 and 49: an A and ten digits are there", len(order), seen['#'])
	}
}
