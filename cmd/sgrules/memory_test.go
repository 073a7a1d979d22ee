package main

import "testing"

// TestGrowth: a heap may grow by a quarter, or to what costs nothing where that is more, but never
// by more than what makes the floor of an empty heap.
func TestGrowth(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, allowed uint64
		want          int
	}{
		{0, 48 * mb, 1600}, {1, 48 * mb, 1600}, {2 * mb, 48 * mb, 1600},
		{16 * mb, 48 * mb, 200}, {40 * mb, 48 * mb, 25}, {48 * mb, 48 * mb, 25}, {200 * mb, 48 * mb, 25},
		{80 * mb, 160 * mb, 100}, {1 << 40, 1 << 41, 100},
	} {
		if got := growth(c.live, c.allowed); got != c.want {
			t.Errorf("%d bytes of %d: %d %%, want %d", c.live, c.allowed, got, c.want)
		}
	}
}
