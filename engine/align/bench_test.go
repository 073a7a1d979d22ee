package align

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkDiff aligns a step of 5,000 kernels, 100 layers of 50, with one in which a kernel in
// a hundred is another or missing.
func BenchmarkDiff(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	motif := make([]uint32, 50)
	for i := range motif {
		motif[i] = r.Uint32N(20)
	}
	var x, y []uint32
	for range 100 {
		x = append(x, motif...)
	}
	for _, k := range x {
		switch r.IntN(200) {
		case 0:
		case 1:
			y = append(y, 100+r.Uint32N(3))
		default:
			y = append(y, k)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := diff(x, y); len(got)*100 < len(x)*95 {
			b.Fatalf("%d of %d aligned", len(got), len(x))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/kernel")
}
