package align

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
)

// unit is what is aligned at once: the replayed kernels of one step of the formal trace, in
// the order of their graph launches, stream by stream.
type unit struct {
	stage   string
	tokens  int
	streams [][]int32 // kernels by stream, the stream with the most first
}

// units collects the replayed kernels by step, in order of step.
func (m *mapper) units() []unit {
	g := m.b
	type id struct {
		step  int32
		stage graph.StageID
	}
	byID := map[id]map[int32][]int32{}
	var order []id
	for r := range g.Replays {
		for _, k := range g.Replays[r].Kernels {
			n := &g.Kernels[k]
			u := id{n.Step, n.Stage}
			if byID[u] == nil {
				byID[u] = map[int32][]int32{}
				order = append(order, u)
			}
			byID[u][n.Stream] = append(byID[u][n.Stream], k)
		}
	}
	slices.SortFunc(order, func(x, y id) int { return cmp.Or(cmp.Compare(x.step, y.step), cmp.Compare(x.stage, y.stage)) })
	var out []unit
	for _, i := range order {
		u := unit{stage: g.Stages[i.stage]}
		if i.step >= 0 {
			u.tokens = g.Steps[i.step].Tokens
		}
		for _, ks := range byID[i] {
			slices.SortFunc(ks, func(x, y int32) int {
				p, q := &g.Kernels[x], &g.Kernels[y]
				return cmp.Or(cmp.Compare(p.Ts, q.Ts), cmp.Compare(p.Pos, q.Pos))
			})
			u.streams = append(u.streams, ks)
		}
		slices.SortFunc(u.streams, func(x, y []int32) int {
			return cmp.Or(cmp.Compare(len(y), len(x)), cmp.Compare(g.Kernels[x[0]].Stream, g.Kernels[y[0]].Stream))
		})
		out = append(out, u)
	}
	return out
}

// unit aligns one unit with the sequence that fits it best.
func (m *mapper) unit(u unit, left map[string]*Left) {
	var best []match
	bestSeq, bestScore := -1, -1
	for _, i := range m.candidates(u) {
		got := m.try(u, &m.seqs[i])
		score := 0
		for _, x := range got {
			if !x.neighbour {
				score++
			}
		}
		if score > bestScore {
			best, bestSeq, bestScore = got, i, score
		}
		if score == u.len() {
			break
		}
	}
	done := map[int32]bool{}
	for _, x := range best {
		done[x.kernel] = true
		m.assign(x, &m.seqs[bestSeq].places[x.place])
	}
	if m.res.Captured && bestSeq >= 0 {
		m.forks(best, &m.seqs[bestSeq])
	}
	for _, ks := range u.streams {
		for i, k := range ks {
			d := m.b.Kernels[k].Dur
			m.res.Wanted++
			m.res.WantedTime += d
			if done[k] {
				continue
			}
			reason := noCounterpart
			if bestSeq >= 0 && bestScore > 0 {
				reason = extra
				if i > 0 && i+1 < len(ks) && !done[ks[i-1]] && !done[ks[i+1]] {
					reason = otherKernel
				}
			}
			if left[reason] == nil {
				left[reason] = &Left{Reason: reason}
			}
			left[reason].Kernels++
			left[reason].Time += d
		}
	}
}

func (u *unit) len() int {
	n := 0
	for _, ks := range u.streams {
		n += len(ks)
	}
	return n
}

// maxCandidates bounds how many sequences are tried for one unit.
const maxCandidates = 16

// candidates orders the sequences for a unit: the same stage and batch size first, then the
// same stage, then those whose stage is not known; another stage is no candidate.
func (m *mapper) candidates(u unit) []int {
	rank := func(s *sequence) int {
		same := s.stage == u.stage
		open := s.stage == "" || s.stage == graph.StageAll || u.stage == graph.StageAll || s.stage == graph.StageOutside
		tokens := s.tokens != 0 && s.tokens == u.tokens
		switch {
		case same && tokens:
			return 0
		case open && tokens:
			return 1
		case same:
			return 2
		case open:
			return 3
		}
		return 4
	}
	var out []int
	for i := range m.seqs {
		if rank(&m.seqs[i]) < 4 {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(x, y int) int { return cmp.Compare(rank(&m.seqs[x]), rank(&m.seqs[y])) })
	if len(out) > maxCandidates {
		out = out[:maxCandidates]
	}
	return out
}

// match is one aligned kernel.
type match struct {
	kernel    int32
	place     int32
	neighbour bool
}

// try aligns the streams of a unit one after another, the longest first, each with the
// places that are still free.
func (m *mapper) try(u unit, s *sequence) []match {
	free := make([]int32, len(s.places))
	for i := range free {
		free[i] = int32(i)
	}
	var out []match
	for _, ks := range u.streams {
		keys := make([]uint32, len(ks))
		for i, k := range ks {
			n := &m.b.Kernels[k]
			keys[i] = m.key(m.b.Symbol(n), n.Kind)
		}
		got := alignOne(s, free, keys)
		taken := map[int32]bool{}
		for _, x := range got {
			out = append(out, match{ks[x.kernel], x.place, x.neighbour})
			taken[x.place] = true
		}
		free = slices.DeleteFunc(slices.Clone(free), func(p int32) bool { return taken[p] })
	}
	return out
}

// alignOne aligns one stream's keys with the free places of a sequence. A sequence whose
// launches do not name their kernels is aligned by count: all or nothing.
func alignOne(s *sequence, free []int32, keys []uint32) []match {
	a := make([]uint32, len(free))
	silent := 0
	for i, p := range free {
		a[i] = s.keys[p]
		if a[i] == 0 {
			silent++
		}
	}
	var out []match
	if silent > 0 {
		if len(a) == len(keys) {
			for i := range keys {
				out = append(out, match{kernel: int32(i), place: free[i]})
			}
		}
		return out
	}
	pairs := diff(a, keys)
	prev := pair{-1, -1}
	for _, p := range append(pairs, pair{int32(len(a)), int32(len(keys))}) {
		// The same number of others between two aligned neighbours: position decides.
		if n := p.b - prev.b - 1; n > 0 && n <= maxBetween && n == p.a-prev.a-1 && prev.b >= 0 && int(p.b) < len(keys) {
			for i := int32(1); i <= n; i++ {
				out = append(out, match{prev.b + i, free[prev.a+i], true})
			}
		}
		if int(p.b) < len(keys) && int(p.a) < len(a) {
			out = append(out, match{kernel: p.b, place: free[p.a]})
		}
		prev = p
	}
	return out
}

// assign gives a kernel the site of a place.
func (m *mapper) assign(x match, p *place) {
	from := [2]graph.StackID{p.ops, p.py}
	to, ok := m.imported[from]
	if !ok {
		to[0], to[1] = m.b.Import(m.a, p.ops, p.py)
		m.imported[from] = to
	}
	s := graph.Site{Method: graph.Aligned, Ops: to[0], Py: to[1]}
	d := m.b.Kernels[x.kernel].Dur
	if to[0] == 0 && to[1] == 0 {
		return // the mapping trace has no stacks: nothing is gained
	}
	if x.neighbour {
		s.Method = graph.Neighbour
		m.res.Neighbour++
		m.res.NeighbourTime += d
	} else {
		m.res.Aligned++
		m.res.AlignedTime += d
	}
	m.res.Sites[x.kernel] = s
}
