package align

import (
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
)

// alignOne aligns one stream's keys with the free places of a sequence. fixed has the places of
// keys that are settled, by index of keys. A sequence whose launches do not name their kernels is
// aligned by count: all or nothing.
func alignOne(s *sequence, free []int32, keys []uint32, fixed map[int32]int32) []match {
	a := make([]uint32, len(free))
	where := make(map[int32]int32, len(fixed)) // place → index of free
	silent := 0
	for i, p := range free {
		a[i] = s.keys[p]
		if a[i] == 0 {
			silent++
		}
		if len(fixed) > 0 {
			where[p] = int32(i)
		}
	}
	var settled []pair
	for b := range keys {
		if p, ok := fixed[int32(b)]; ok {
			settled = append(settled, pair{where[p], int32(b)})
		}
	}
	var out []match
	if silent > 0 {
		return byCount(free, len(keys), settled)
	}
	if !slices.IsSortedFunc(settled, func(x, y pair) int { return int(x.a - y.a) }) {
		// The stream ran its nodes in another order than they were captured in: they are no
		// anchors, and what is left has only itself.
		return apart(s, free, keys, settled)
	}
	alike := func(i, j int32) bool { // the places have one site: it does not matter which it is
		p, q := &s.places[free[i]], &s.places[free[j]]
		return p.ops == q.ops && p.py == q.py
	}
	pairs, unsure := between(a, keys, settled, alike)
	for _, b := range unsure {
		out = append(out, match{kernel: b, place: -1, unsure: true})
	}
	next := 0
	prev := pair{-1, -1}
	for _, p := range append(pairs, pair{int32(len(a)), int32(len(keys))}) {
		// The same number of others between two aligned neighbours: position decides.
		if n := p.b - prev.b - 1; n > 0 && n <= maxBetween && n == p.a-prev.a-1 && prev.b >= 0 && int(p.b) < len(keys) {
			for i := int32(1); i <= n; i++ {
				out = append(out, match{kernel: prev.b + i, place: free[prev.a+i], neighbour: a[prev.a+i] != keys[prev.b+i]})
			}
		}
		if int(p.b) < len(keys) && int(p.a) < len(a) {
			node := next < len(settled) && settled[next] == p
			if node {
				next++
			}
			out = append(out, match{kernel: p.b, place: free[p.a], node: node})
		}
		prev = p
	}
	return out
}

// byCount aligns what is not settled in order, if both sides have as much of it.
func byCount(free []int32, keys int, settled []pair) []match {
	var out []match
	takenA, takenB := make([]bool, len(free)), make([]bool, keys)
	for _, p := range settled {
		takenA[p.a], takenB[p.b] = true, true
		out = append(out, match{kernel: p.b, place: free[p.a], node: true})
	}
	if len(free) != keys {
		return out
	}
	a := 0
	for b := range keys {
		if takenB[b] {
			continue
		}
		for takenA[a] {
			a++
		}
		out = append(out, match{kernel: int32(b), place: free[a]})
		a++
	}
	return out
}

// apart aligns what is not settled without looking at what is.
func apart(s *sequence, free []int32, keys []uint32, settled []pair) []match {
	var out []match
	takenA, takenB := make([]bool, len(free)), make([]bool, len(keys))
	for _, p := range settled {
		takenA[p.a], takenB[p.b] = true, true
		out = append(out, match{kernel: p.b, place: free[p.a], node: true})
	}
	var rest []int32
	for i, p := range free {
		if !takenA[i] {
			rest = append(rest, p)
		}
	}
	var restKeys []uint32
	var of []int32
	for i, k := range keys {
		if !takenB[i] {
			restKeys, of = append(restKeys, k), append(of, int32(i))
		}
	}
	for _, x := range alignOne(s, rest, restKeys, nil) {
		x.kernel = of[x.kernel]
		out = append(out, x)
	}
	return out
}

// between aligns two sequences with some pairs settled, in order: each stretch between two of them
// on its own. unsure are places of b that could be one of several of a, or whose place of a
// could be another's.
func between(a, b []uint32, settled []pair, alike func(i, j int32) bool) (out []pair, unsure []int32) {
	prev := pair{-1, -1}
	for _, p := range append(slices.Clone(settled), pair{int32(len(a)), int32(len(b))}) {
		lo := pair{prev.a + 1, prev.b + 1}
		s := layered(a[lo.a:p.a], b[lo.b:p.b], func(i, j int32) bool { return alike(i+lo.a, j+lo.a) })
		out, unsure = s.shift(lo, out, unsure)
		if int(p.b) < len(b) {
			out = append(out, p)
		}
		prev = p
	}
	return out, unsure
}

// stretch is what was aligned of two sequences.
type stretch struct {
	pairs  []pair
	unsure []int32
}

// shift appends a stretch that begins at lo to others.
func (s stretch) shift(lo pair, pairs []pair, unsure []int32) ([]pair, []int32) {
	for _, x := range s.pairs {
		pairs = append(pairs, pair{x.a + lo.a, x.b + lo.b})
	}
	for _, b := range s.unsure {
		unsure = append(unsure, b+lo.b)
	}
	return pairs, unsure
}

// layered aligns two sequences with the layers as anchors. Those that repeat alike are also aligned
// layer by layer, and that is taken where it aligns as many kernels: a kernel that one side has more
// often in a layer must not push those of all later layers to their neighbours' places.
func layered(a, b []uint32, alike func(i, j int32) bool) stretch {
	whole := certain(a, b, alike)
	if len(whole.pairs) == len(a) && len(a) == len(b) {
		return whole
	}
	x, y := graph.LayerBounds(symbols(a)), graph.LayerBounds(symbols(b))
	if len(x) < 2 || len(x) != len(y) {
		return whole
	}
	var out stretch
	add := func(fromA, toA, fromB, toB int) {
		lo := pair{int32(fromA), int32(fromB)}
		s := certain(a[fromA:toA], b[fromB:toB], func(i, j int32) bool { return alike(i+lo.a, j+lo.a) })
		out.pairs, out.unsure = s.shift(lo, out.pairs, out.unsure)
	}
	endA, endB := 0, 0
	for i := range x {
		add(endA, x[i][0], endB, y[i][0])
		add(x[i][0], x[i][1], y[i][0], y[i][1])
		endA, endB = x[i][1], y[i][1]
	}
	add(endA, len(a), endB, len(b))
	if len(out.pairs) < len(whole.pairs) {
		return whole
	}
	return out
}

// certain aligns two sequences and keeps what is certain. Of sequences of one length those that agree
// at the same place are, if no other alignment has more. Else a pair is certain if the common
// subsequence can be laid over either side in one way only there: laid as early as it goes and as
// late as it goes, it takes the same place, or places with the same site.
func certain(a, b []uint32, alike func(i, j int32) bool) stretch {
	common := diff(a, b)
	if len(a) == len(b) {
		var same []pair
		for i := range a {
			if a[i] == b[i] {
				same = append(same, pair{int32(i), int32(i)})
			}
		}
		if len(same) >= len(common) {
			return stretch{pairs: same}
		}
	}
	keys := make([]uint32, len(common))
	for i, p := range common {
		keys[i] = a[p.a]
	}
	earlyA, lateA := early(a, keys), late(a, keys)
	earlyB, lateB := early(b, keys), late(b, keys)
	var out stretch
	for i, p := range common {
		if earlyB[i] == lateB[i] && oneSite(a, earlyA[i], lateA[i], alike) {
			out.pairs = append(out.pairs, p)
		} else {
			out.unsure = append(out.unsure, p.b)
		}
	}
	return out
}

// maxPlaces bounds how far apart the places of one kernel may be that are held to be alike.
const maxPlaces = 64

// oneSite tells that all places from i to j with the key of i have one site.
func oneSite(a []uint32, i, j int32, alike func(i, j int32) bool) bool {
	if j-i > maxPlaces {
		return false
	}
	for n := i + 1; n <= j; n++ {
		if a[n] == a[i] && !alike(i, n) {
			return false
		}
	}
	return true
}

// early lays keys, a subsequence of s, over s from its start on: the first place each can have.
func early(s, keys []uint32) []int32 {
	out := make([]int32, len(keys))
	at := 0
	for i, k := range keys {
		for s[at] != k {
			at++
		}
		out[i] = int32(at)
		at++
	}
	return out
}

// late is early from the end: the last place each can have.
func late(s, keys []uint32) []int32 {
	out := make([]int32, len(keys))
	at := len(s) - 1
	for i := len(keys) - 1; i >= 0; i-- {
		for s[at] != keys[i] {
			at--
		}
		out[i] = int32(at)
		at--
	}
	return out
}

func symbols(keys []uint32) []graph.SymID {
	out := make([]graph.SymID, len(keys))
	for i, k := range keys {
		out[i] = graph.SymID(k)
	}
	return out
}
