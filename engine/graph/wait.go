package graph

import (
	"cmp"
	"slices"
)

// waits turns "stream B waits for the event recorded on stream A" into an edge from the
// last kernel launched to A before the record to the first launched to B behind the
// wait. Launch order is the order of correlation ids within a process.
func (b *builder) waits() {
	g, t := b.g, b.t
	if len(t.Syncs) == 0 {
		return
	}
	type place struct {
		device int32
		stream int64
	}
	at := map[place]int32{}
	for i := range g.Streams {
		at[place{g.Streams[i].Device, g.Streams[i].ID}] = int32(i)
	}
	corrs := make(map[int32][]int64)
	byLaunch := func(s int32) []int64 { // the stream's correlation ids where they ascend
		if c, ok := corrs[s]; ok {
			return c
		}
		c := make([]int64, len(g.Streams[s].Kernels))
		for i, k := range g.Streams[s].Kernels {
			c[i] = t.Activities[g.Kernels[k].Act].Corr
		}
		if !slices.IsSorted(c) {
			c = nil
		}
		corrs[s] = c
		return c
	}
	seen := map[Wait]bool{}
	for i := range t.Syncs {
		y := &t.Syncs[i]
		if y.WaitStream < 0 || y.RecordCorr <= 0 || y.Corr <= 0 || y.Stream < 0 {
			continue
		}
		from, ok1 := at[place{y.Device, y.WaitStream}]
		to, ok2 := at[place{y.Device, y.Stream}]
		if !ok1 || !ok2 || from == to {
			continue
		}
		cf, ct := byLaunch(from), byLaunch(to)
		f, _ := slices.BinarySearch(cf, y.RecordCorr)
		n, _ := slices.BinarySearch(ct, y.Corr)
		if f == 0 || n >= len(ct) {
			continue
		}
		w := Wait{g.Streams[from].Kernels[f-1], g.Streams[to].Kernels[n]}
		if !seen[w] {
			seen[w] = true
			g.Waits = append(g.Waits, w)
		}
	}
	slices.SortFunc(g.Waits, func(x, y Wait) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
}
