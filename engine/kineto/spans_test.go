package kineto

import "testing"

// TestSpanDurations has durations on both sides of what fits beside the other fields, also after
// the column was emptied and filled anew.
func TestSpanDurations(t *testing.T) {
	durs := []int64{0, 1, longDur - 1, longDur, longDur + 1, 1<<32 - 1, 1 << 32, maxDuration, 7}
	var c Spans
	for range 2 {
		c.reset()
		for round := range 9000 { // over the edge of a slab
			for i, d := range durs {
				c.Append(Span{Ts: int64(round), Dur: d, Name: NameID(i)})
			}
		}
		for i := range c.Len() {
			if s := c.At(i); s.Dur != durs[i%len(durs)] || s.Name != NameID(i%len(durs)) || s.Ts != int64(i/len(durs)) {
				t.Fatalf("span %d is %+v", i, s)
			}
		}
	}
}
