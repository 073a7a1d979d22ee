package align

import "github.com/sgrules/sgrules/engine/graph"

// forks brings the waits between streams that a capture made to the kernels that replay it. The
// captured launches do not say their streams; the replayed kernels do, so the capture's calls
// are read once, with the streams of the first unit that aligns with it.
func (m *mapper) forks(got []match, s *sequence) {
	at := make(map[int32]int32, len(got)) // place → formal kernel
	for _, x := range got {
		at[x.place] = x.kernel
	}
	if !s.forked {
		s.forked = true
		byLaunch := make(map[int32]int32, len(s.places))
		for i := range s.places {
			byLaunch[s.places[i].launch] = int32(i)
		}
		waits := 0
		s.edges, waits = graph.HostWaits(m.a.Trace, func(l int32) (int32, int32, bool) {
			p, ok := byLaunch[l]
			if !ok {
				return 0, 0, false
			}
			k, ok := at[p]
			if !ok {
				return 0, 0, false
			}
			return m.b.Kernels[k].Stream, p, true
		})
		m.res.Forks += waits
	}
	for _, e := range s.edges {
		from, ok1 := at[e.From]
		to, ok2 := at[e.To]
		if ok1 && ok2 && m.b.Kernels[from].Stream != m.b.Kernels[to].Stream {
			m.res.Waits = append(m.res.Waits, graph.Wait{From: from, To: to})
		}
	}
}
