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
	pairs := between(a, keys, settled)
	next := 0
	prev := pair{-1, -1}
	for _, p := range append(pairs, pair{int32(len(a)), int32(len(keys))}) {
		// The same number of others between two aligned neighbours: position decides.
		if n := p.b - prev.b - 1; n > 0 && n <= maxBetween && n == p.a-prev.a-1 && prev.b >= 0 && int(p.b) < len(keys) {
			for i := int32(1); i <= n; i++ {
				out = append(out, match{kernel: prev.b + i, place: free[prev.a+i], neighbour: true})
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
// on its own.
func between(a, b []uint32, settled []pair) []pair {
	var out []pair
	prev := pair{-1, -1}
	for _, p := range append(slices.Clone(settled), pair{int32(len(a)), int32(len(b))}) {
		lo := pair{prev.a + 1, prev.b + 1}
		for _, x := range layered(a[lo.a:p.a], b[lo.b:p.b]) {
			out = append(out, pair{x.a + lo.a, x.b + lo.b})
		}
		if int(p.b) < len(b) {
			out = append(out, p)
		}
		prev = p
	}
	return out
}

// layered is diff with the layers as anchors. Two sequences that repeat alike are also aligned
// layer by layer, and that is taken where it aligns as many kernels: a kernel that one side has more
// often in a layer must not push those of all later layers to their neighbours' places.
func layered(a, b []uint32) []pair {
	whole := diff(a, b)
	if len(whole) == len(a) && len(a) == len(b) {
		return whole
	}
	x, y := graph.LayerBounds(symbols(a)), graph.LayerBounds(symbols(b))
	if len(x) < 2 || len(x) != len(y) {
		return whole
	}
	var out []pair
	add := func(fromA, toA, fromB, toB int) {
		for _, p := range diff(a[fromA:toA], b[fromB:toB]) {
			out = append(out, pair{p.a + int32(fromA), p.b + int32(fromB)})
		}
	}
	endA, endB := 0, 0
	for i := range x {
		add(endA, x[i][0], endB, y[i][0])
		add(x[i][0], x[i][1], y[i][0], y[i][1])
		endA, endB = x[i][1], y[i][1]
	}
	add(endA, len(a), endB, len(b))
	if len(out) < len(whole) {
		return whole
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
