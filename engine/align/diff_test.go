package align

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func seq(s string) []uint32 {
	out := make([]uint32, len(s))
	for i := range s {
		out[i] = uint32(s[i])
	}
	return out
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"abc", "abc", "[{0 0} {1 1} {2 2}]"},
		{"xabc", "abc", "[{1 0} {2 1} {3 2}]"},
		{"abc", "xabc", "[{0 1} {1 2} {2 3}]"},
		{"abc", "axc", "[{0 0} {2 2}]"},
		{"abcabc", "abc", "[{0 0} {1 1} {2 2}]"},
		{"", "abc", "[]"},
		{"abc", "", "[]"},
		{"abc", "def", "[]"},
		{"ab", "ba", "[{1 0}]"},
		{"aXbYc", "abc", "[{0 0} {2 1} {4 2}]"},
	} {
		if got := fmt.Sprint(diff(seq(c.a), seq(c.b))); got != c.want {
			t.Errorf("diff(%q, %q) = %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

// lcs is the length of the longest common subsequence, by the quadratic table.
func lcs(a, b []uint32) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		d := 0
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = d + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			d = up
		}
	}
	return row[len(b)]
}

func TestDiffIsLongest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 3000 {
		letters := 2 + r.IntN(4)
		a, b := make([]uint32, r.IntN(30)), make([]uint32, r.IntN(30))
		for i := range a {
			a[i] = uint32(r.IntN(letters))
		}
		for i := range b {
			b[i] = uint32(r.IntN(letters))
		}
		got := diff(a, b)
		if len(got) != lcs(a, b) {
			t.Fatalf("diff(%v, %v) aligns %d, the longest is %d", a, b, len(got), lcs(a, b))
		}
		for i, p := range got {
			if a[p.a] != b[p.b] {
				t.Fatalf("diff(%v, %v) aligns different symbols at %v", a, b, p)
			}
			if i > 0 && (p.a <= got[i-1].a || p.b <= got[i-1].b) {
				t.Fatalf("diff(%v, %v) is out of order at %v", a, b, p)
			}
		}
	}
}

func TestDiffGivesUp(t *testing.T) {
	a, b := make([]uint32, 9000), make([]uint32, 9000)
	for i := range a {
		a[i], b[i] = uint32(i), uint32(100_000+i)
	}
	a[0], b[0] = 1, 1
	if got := diff(a, b); len(got) != 1 {
		t.Errorf("%d aligned, want the common head only", len(got))
	}
}
