package graph

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// The bounds of the search for layers: a motif of fewer kernels is noise, and a step of
// more kernels than maxSequence is left without layers.
const (
	minMotif    = 3
	minRepeats  = 2
	maxSequence = 200_000
	maxPeriods  = 12
	maxMotifs   = 6 // how deep the search goes before and behind a motif
)

// motif is a stretch of a sequence that repeats exactly, [start, start+period*repeats),
// inside the stretch [from, to) that also takes in a first and a last layer that differ
// a little (no residual yet, another epilogue).
type motif struct{ start, period, repeats, from, to int }

// layer is the layer that place i of [from, to) belongs to.
func (m *motif) layer(i int) int32 {
	first := int32(0)
	if m.from < m.start {
		first = 1
	}
	switch end := m.start + m.period*m.repeats; {
	case i < m.start:
		return 0
	case i >= end:
		return first + int32(m.repeats)
	}
	return first + int32((i-m.start)/m.period)
}

func (m *motif) layers() int32 {
	n := int32(m.repeats)
	if m.from < m.start {
		n++
	}
	if m.to > m.start+m.period*m.repeats {
		n++
	}
	return n
}

// LayerBounds gives the first place of each layer of a sequence of kernels and the place behind
// its last, in order; nil where nothing repeats.
func LayerBounds(seq []SymID) [][2]int {
	if len(seq) > maxSequence {
		return nil
	}
	var out [][2]int
	for _, m := range motifs(seq) {
		for i := m.from; i < m.to; i++ {
			if i == m.from || m.layer(i) != m.layer(i-1) {
				out = append(out, [2]int{i, i})
			}
			out[len(out)-1][1] = i + 1
		}
	}
	return out
}

// layers finds the repeating part of every step on the stream that carries it, and
// numbers the repeats. Kernels of a trace without steps are taken as one step a stage.
//
// A layer is what repeats in the sequence of kernel symbols, so a fused and an unfused
// layer are two motifs, and numbering goes on from one to the next in order of time.
func (g *Graph) layers() {
	type unit struct {
		step  int32
		stage StageID
	}
	units := map[unit]map[int32]*[]int32{} // → stream → kernels in order
	var order []unit
	var last unit // of the kernel before, which the next one mostly shares, and its stream
	stream, list := int32(-1), (*[]int32)(nil)
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if k.Step < 0 && len(g.Steps) > 0 {
			continue
		}
		u := unit{k.Step, k.Stage}
		if u != last || k.Stream != stream {
			if units[u] == nil {
				units[u] = map[int32]*[]int32{}
				order = append(order, u)
			}
			if units[u][k.Stream] == nil {
				units[u][k.Stream] = &[]int32{}
			}
			last, stream, list = u, k.Stream, units[u][k.Stream]
		}
		*list = append(*list, int32(i))
	}
	seed := maphash.MakeSeed()
	known := map[uint64][]motif{}
	for _, u := range order {
		var ks []int32
		var found []motif
		for _, ks = range g.busiest(units[u]) {
			if len(ks) > maxSequence {
				continue
			}
			seq := make([]SymID, len(ks))
			var h maphash.Hash
			h.SetSeed(seed)
			for i, k := range ks {
				seq[i] = g.Kernels[k].Sym
				h.Write([]byte{byte(seq[i]), byte(seq[i] >> 8), byte(seq[i] >> 16), byte(seq[i] >> 24)})
			}
			var ok bool
			if found, ok = known[h.Sum64()]; !ok {
				found = motifs(seq)
				known[h.Sum64()] = found
			}
			if len(found) > 0 {
				break
			}
		}
		n := int32(0)
		for _, m := range found {
			for i := m.from; i < m.to; i++ {
				g.Kernels[ks[i]].Layer = n + m.layer(i)
			}
			n += m.layers()
		}
		if u.step >= 0 {
			g.Steps[u.step].Layers = n
		}
	}
}

// busiest gives the kernels of the streams that have a quarter of the time, most time first; of
// equals the lower stream. The first is the one that carries the layers, unless a step waited so
// long in the collectives of another that these have more time.
func (g *Graph) busiest(streams map[int32]*[]int32) [][]int32 {
	type one struct {
		stream int32
		time   int64
	}
	var list []one
	var total int64
	for s, ks := range streams {
		x := one{stream: s}
		for _, k := range *ks {
			x.time += g.Kernels[k].Dur
		}
		total += x.time
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b one) int { return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(a.stream, b.stream)) })
	var out [][]int32
	for _, x := range list {
		if x.time*4 >= total {
			out = append(out, *streams[x.stream])
		}
	}
	return out
}

// motifs finds the longest repeating stretch, then other layers before and behind it: of
// a mixed model, the dense layers before those with experts.
func motifs(seq []SymID) []motif {
	m, ok := longest(seq)
	if !ok {
		return nil
	}
	end := m.start + m.period*m.repeats
	out := beside(seq[:m.start], m.period, maxMotifs)
	before := len(out)
	out = append(out, m)
	for _, a := range beside(seq[end:], m.period, maxMotifs) {
		a.start += end
		out = append(out, a)
	}
	// What stands right before and behind may be one more layer that differs a little.
	for i := range out {
		x := &out[i]
		x.from, x.to = x.start, x.start+x.period*x.repeats
	}
	x := &out[before]
	lo, hi := 0, len(seq)
	if before > 0 {
		lo = out[before-1].to
	}
	if before+1 < len(out) {
		hi = out[before+1].from
	}
	one := seq[x.start : x.start+x.period]
	if from := max(lo, x.start-x.period); alike(one, seq[from:x.start]) {
		x.from = from
	}
	if to := min(hi, end+x.period); alike(one, seq[end:to]) {
		for to > end && !slices.Contains(one, seq[to-1]) { // the head of the model, not its last layer
			to--
		}
		x.to = to
	}
	return out
}

// beside finds motifs next to a main one. A shorter one by far is a loop of preparation,
// not a layer.
func beside(seq []SymID, period, depth int) []motif {
	if depth == 0 {
		return nil
	}
	m, ok := longest(seq)
	if !ok || m.period*3 < period {
		return nil
	}
	end := m.start + m.period*m.repeats
	out := append(beside(seq[:m.start], period, depth-1), m)
	for _, a := range beside(seq[end:], period, depth-1) {
		a.start += end
		out = append(out, a)
	}
	return out
}

// alike tells that most of a layer occurs, in its order, in a stretch as long: the longest
// common subsequence covers 70 % of it.
func alike(layer, stretch []SymID) bool {
	if len(layer) > 2000 || len(stretch)*10 < len(layer)*7 {
		return false
	}
	row := make([]int, len(stretch)+1)
	for _, a := range layer {
		diag := 0
		for j, b := range stretch {
			up := row[j+1]
			if a == b {
				row[j+1] = diag + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			diag = up
		}
	}
	return row[len(stretch)]*10 >= len(layer)*7
}

// longest finds the period and stretch that cover the most of seq; of equal cover the
// shorter period, then the earlier start.
func longest(seq []SymID) (best motif, ok bool) {
	cover := 0
	for _, p := range periods(seq) {
		run := 0
		for i := 0; i+p <= len(seq); i++ {
			if i+p < len(seq) && seq[i] == seq[i+p] {
				run++
				continue
			}
			if r := run/p + 1; r >= minRepeats && r*p > cover && varied(seq[i-run:i-run+p]) {
				best, cover, ok = motif{start: i - run, period: p, repeats: r}, r*p, true
			}
			run = 0
		}
	}
	return best, ok
}

// varied tells a motif from one kernel over and over.
func varied(seq []SymID) bool {
	for _, s := range seq[1:] {
		if s != seq[0] {
			return true
		}
	}
	return false
}

// periods proposes periods, shortest first: the most frequent distances between
// occurrences of the same symbol, one to four occurrences apart.
func periods(seq []SymID) []int {
	at := map[SymID][]int{}
	for i, s := range seq {
		at[s] = append(at[s], i)
	}
	votes := map[int]int{}
	for _, pos := range at {
		for apart := 1; apart <= 4; apart++ {
			for i := apart; i < len(pos); i++ {
				if d := pos[i] - pos[i-apart]; d >= minMotif {
					votes[d]++
				}
			}
		}
	}
	out := make([]int, 0, len(votes))
	for d := range votes {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a, b)) })
	if len(out) > maxPeriods {
		out = out[:maxPeriods]
	}
	slices.Sort(out)
	return out
}
