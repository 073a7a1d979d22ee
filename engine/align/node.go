package align

import (
	"github.com/sgrules/sgrules/engine/graph"
)

// nodeKey names a node of a captured graph, as newer libkineto writes it on the captured launch
// and on every kernel that replays it. The zero value is none.
type nodeKey struct{ graph, node int64 }

// placeAt is a place of one sequence. Of two kernels of a unit with one node the second is there
// again: it has the site of the place and stands in no order with the others.
type placeAt struct {
	seq   int
	place int32
	again bool
}

// byNode indexes the captured launches by their graph node. Ids count within a process, so those of
// two runs may be equal by chance. They are used only if nothing contradicts them: no two launches
// have the same, every kernel with the id of a launch is the kernel that this launch names, and where
// launches do not name their kernels, every replay of a graph has as many kernels as were captured.
func (m *mapper) byNode() {
	nodes := map[nodeKey]placeAt{}
	captured := map[int64]int{} // launches by graph
	silent := map[int64]bool{}  // graphs with a launch that names no kernel
	for s := range m.seqs {
		for i := range m.seqs[s].places {
			p := &m.seqs[s].places[i]
			if p.node == (nodeKey{}) {
				continue
			}
			if _, twice := nodes[p.node]; twice {
				return
			}
			nodes[p.node] = placeAt{seq: s, place: int32(i)}
			captured[p.node.graph]++
			silent[p.node.graph] = silent[p.node.graph] || p.key == 0
		}
	}
	if len(nodes) == 0 {
		return
	}
	for r := range m.b.Replays {
		replayed := map[int64]int{}
		for _, k := range m.b.Replays[r].Kernels {
			at, ok := nodes[m.nodeOf(k)]
			if !ok {
				continue
			}
			n := &m.b.Kernels[k]
			key := m.seqs[at.seq].places[at.place].key
			if key != 0 && key != m.key(m.b.Symbol(n), n.Kind) {
				return
			}
			replayed[m.nodeOf(k).graph]++
		}
		for g, n := range replayed {
			if silent[g] && (n != captured[g] || n != len(m.b.Replays[r].Kernels)) {
				return
			}
		}
	}
	m.nodes = nodes
}

// nodeOf is the graph node of a formal kernel.
func (m *mapper) nodeOf(k int32) nodeKey {
	a := &m.b.Trace.Activities[m.b.Kernels[k].Act]
	if a.Node == 0 {
		return nodeKey{}
	}
	return nodeKey{a.Graph, a.Node}
}

// fixed gives the places of a unit's kernels that their nodes settle.
func (m *mapper) fixed(u *unit) map[int32]placeAt {
	if m.nodes == nil {
		return nil
	}
	out := map[int32]placeAt{}
	seen := map[placeAt]bool{}
	for _, ks := range u.streams {
		for _, k := range ks {
			if at, ok := m.nodes[m.nodeOf(k)]; ok {
				first := at
				at.again = seen[first]
				seen[first] = true
				out[k] = at
			}
		}
	}
	return out
}

// transfer gives a kernel that no sequence settled the site that other replays of its node took by
// their own symbol: a node is one launch of the capture, whichever step replays it. Where they
// took different sites, none is given.
func (m *mapper) transfer(units []unit) {
	type found struct {
		site graph.Site
		no   bool
	}
	byNode := map[nodeKey]*found{}
	for i := range units {
		for _, ks := range units[i].streams {
			for _, k := range ks {
				s, ok := m.res.Sites[k]
				n := m.nodeOf(k)
				if !ok || n == (nodeKey{}) || s.Method == graph.Neighbour {
					continue
				}
				s.Method = graph.Aligned
				switch f := byNode[n]; {
				case f == nil:
					byNode[n] = &found{site: s}
				case f.site != s:
					f.no = true
				}
			}
		}
	}
	if len(byNode) == 0 {
		return
	}
	for i := range units {
		for _, ks := range units[i].streams {
			for _, k := range ks {
				f := byNode[m.nodeOf(k)]
				if m.done[k] || f == nil || f.no {
					continue
				}
				m.done[k] = true
				m.res.Sites[k] = f.site
				m.res.Aligned++
				m.res.AlignedTime += m.b.Kernels[k].Dur
			}
		}
	}
}
