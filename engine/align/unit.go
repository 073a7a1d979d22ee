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

	// best is what was matched with sequence seq, the one that fits best; -1 none. score counts
	// the kernels that agree.
	best  []match
	seq   int
	score int
	depth int // of units made of what another left
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
		u := unit{stage: g.Stages[i.stage], seq: -1, score: -1}
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

// unit matches one unit: by node what has one, the rest with the sequence that fits it best.
func (m *mapper) unit(u *unit) {
	fixed := m.fixed(u)
	for _, i := range m.candidates(u) {
		got := m.try(u, i, fixed)
		score := 0
		for _, x := range got {
			if !x.neighbour && !x.unsure {
				score++
			}
		}
		if score > u.score {
			u.best, u.seq, u.score = got, i, score
		}
		if score == u.len() {
			break
		}
	}
	u.best = slices.DeleteFunc(u.best, func(x match) bool {
		if x.unsure {
			m.unsure[x.kernel] = true
		}
		return x.unsure
	})
	for _, x := range u.best {
		m.assign(x, &m.seqs[u.seq].places[x.place])
	}
	if m.res.Captured && u.seq >= 0 {
		m.forks(u.best, &m.seqs[u.seq])
	}
	if u.score > 0 && u.depth < maxCandidates {
		m.apart(u)
	}
	// Nodes of other captures than that which fits best, and those that ran again.
	for _, ks := range u.streams {
		for _, k := range ks {
			if at, ok := fixed[k]; ok && !m.done[k] {
				m.assign(match{kernel: k, place: at.place, node: true}, &m.seqs[at.seq].places[at.place])
			}
		}
	}
}

// apart matches the graph launches of which nothing was matched with another sequence: the pieces of a
// step may have been captured apart.
func (m *mapper) apart(u *unit) {
	matched := map[int32]bool{} // graph launches
	for _, ks := range u.streams {
		for _, k := range ks {
			if m.done[k] {
				matched[m.b.Kernels[k].Replay] = true
			}
		}
	}
	rest := unit{stage: u.stage, tokens: u.tokens, seq: -1, score: -1, depth: u.depth + 1}
	for _, ks := range u.streams {
		var left []int32
		for _, k := range ks {
			if !matched[m.b.Kernels[k].Replay] {
				left = append(left, k)
			}
		}
		if len(left) > 0 {
			rest.streams = append(rest.streams, left)
		}
	}
	if len(matched) > 0 && len(rest.streams) > 0 {
		m.unit(&rest)
	}
}

// left counts what is wanted, and what of it could not be matched, by reason.
func (m *mapper) left(units []unit) map[string]*Left {
	left := map[string]*Left{}
	for i := range units {
		u := &units[i]
		for _, ks := range u.streams {
			for i, k := range ks {
				d := m.b.Kernels[k].Dur
				m.res.Wanted++
				m.res.WantedTime += d
				if m.done[k] {
					continue
				}
				reason := noCounterpart
				if u.seq >= 0 && u.score > 0 {
					reason = extra
					if i > 0 && i+1 < len(ks) && !m.done[ks[i-1]] && !m.done[ks[i+1]] {
						reason = otherKernel
					}
				}
				if m.unsure[k] {
					reason = ambiguous
				}
				if left[reason] == nil {
					left[reason] = &Left{Reason: reason}
				}
				left[reason].Kernels++
				left[reason].Time += d
			}
		}
	}
	return left
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
func (m *mapper) candidates(u *unit) []int {
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
	node      bool
	unsure    bool // place is not known: several would do
}

// try aligns the streams of a unit one after another, the longest first, each with the
// places of sequence seq that are still free. Kernels that are fixed to one of its places keep it.
func (m *mapper) try(u *unit, seq int, fixed map[int32]placeAt) []match {
	s := &m.seqs[seq]
	free := make([]int32, 0, len(s.places))
	held := make([]bool, len(s.places)) // by kernels of other streams
	for _, at := range fixed {
		if at.seq == seq && !at.again {
			held[at.place] = true
		}
	}
	taken := make([]bool, len(s.places))
	var out []match
	for _, ks := range u.streams {
		keys := make([]uint32, 0, len(ks))
		own := make([]int32, 0, len(ks)) // the kernels that can be in this sequence
		at := map[int32]int32{}          // index of own → place
		for _, k := range ks {
			f, ok := fixed[k]
			if ok && (f.seq != seq || f.again) {
				continue
			}
			if ok {
				at[int32(len(own))] = f.place
				held[f.place] = false
			}
			n := &m.b.Kernels[k]
			own, keys = append(own, k), append(keys, m.key(m.b.Symbol(n), n.Kind))
		}
		free = free[:0]
		for p := range s.places {
			if !taken[p] && !held[p] {
				free = append(free, int32(p))
			}
		}
		for _, x := range alignOne(s, free, keys, at) {
			x.kernel = own[x.kernel]
			out = append(out, x)
			if !x.unsure {
				taken[x.place] = true
			}
		}
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
	m.done[x.kernel] = true
	if to[0] == 0 && to[1] == 0 {
		return // the mapping trace has no stacks: nothing is gained
	}
	switch {
	case x.node:
		s.Method = graph.Node
		m.res.Node++
		m.res.NodeTime += d
	case x.neighbour:
		s.Method = graph.Neighbour
		m.res.Neighbour++
		m.res.NeighbourTime += d
	default:
		m.res.Aligned++
		m.res.AlignedTime += d
	}
	m.res.Sites[x.kernel] = s
}
