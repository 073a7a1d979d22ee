// Package align lays a mapping graph over a formal one, so that a replayed kernel gets the
// site of the launch it came from.
//
// A kernel of a replayed graph has no launch of its own, but the kernels of one graph run
// in the order in which they were captured. The mapping trace holds that order with its
// source lines: either the capture itself, in which launches have names, ops and frames
// and nothing ran, or a run without graphs. Both are sequences of kernel symbols; a
// deterministic diff says which place of one is which place of the other, so that one GEMM
// kernel used at four places of a layer gets four sites.
//
// Where the profiler wrote graph node ids on both sides they come first: the node of a kernel is
// the captured launch with the same id. What is left is aligned between those.
//
// Position decides and nothing else: no name is compared for likeness, and a place that
// the diff does not align stays without a site unless exactly as many stand between the
// same aligned neighbours on both sides, and then it is marked.
package align

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/symbol"
)

// maxBetween bounds a stretch that neighbours align.
const maxBetween = 4

// Result tells what was aligned. Times are ns.
type Result struct {
	// Sites are the new sites of formal kernels, by index.
	Sites map[int32]graph.Site
	// Wanted counts the replayed kernels of the formal trace, Node those that got the site of
	// the captured launch of their own graph node, Aligned those that got one by their own
	// symbol, Neighbour those that got one by their neighbours.
	Wanted, Node, Aligned, Neighbour                 int
	WantedTime, NodeTime, AlignedTime, NeighbourTime int64
	// Waits are the waits between kernels of two streams that a capture shows, see
	// graph.HostWaits. Captured tells that the mapping trace is a capture, Forks how many
	// wait calls the captures that were used have between their launches.
	Waits    []graph.Wait
	Captured bool
	Forks    int
	// Left are the kernels that got none, by reason, most time first.
	Left []Left
}

// Left are kernels that could not be aligned for one reason.
type Left struct {
	Reason  string
	Kernels int
	Time    int64
}

// The reasons of Left.
const (
	noCounterpart = "the mapping trace has no sequence to align with"
	otherKernel   = "the mapping trace has other kernels at this place"
	extra         = "the mapping trace has nothing at this place"
	ambiguous     = "the mapping trace has this kernel at several places that would do"
)

// place is one position of a mapping sequence.
type place struct {
	key     uint32
	ops, py graph.StackID // of the mapping graph
	launch  int32         // index of Trace.Launches of the mapping; -1 none
	node    nodeKey       // of a captured launch; zero where it is not known
}

// sequence is one captured graph set, or one step of a run without graphs.
type sequence struct {
	stage  string
	tokens int
	places []place
	keys   []uint32
	edges  []graph.Wait // between places; see mapper.forks
	forked bool         // edges is known
}

// Map aligns the replayed kernels of formal with mapping. Both graphs must have been built
// with the same site policy, mapping with Options.Mapping.
func Map(mapping, formal *graph.Graph) *Result {
	m := &mapper{a: mapping, b: formal, ids: map[string]uint32{}, res: &Result{Sites: map[int32]graph.Site{}}, imported: map[[2]graph.StackID][2]graph.StackID{},
		done: make([]bool, len(formal.Kernels)), unsure: map[int32]bool{}}
	m.sequences()
	m.byNode()
	units := m.units()
	for i := range units {
		m.unit(&units[i])
	}
	m.transfer(units)
	left := m.left(units)
	slices.SortFunc(m.res.Waits, func(x, y graph.Wait) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	for _, l := range left {
		m.res.Left = append(m.res.Left, *l)
	}
	slices.SortFunc(m.res.Left, func(x, y Left) int {
		return cmp.Or(cmp.Compare(y.Time, x.Time), strings.Compare(x.Reason, y.Reason))
	})
	return m.res
}

type mapper struct {
	a, b     *graph.Graph
	ids      map[string]uint32
	seqs     []sequence
	res      *Result
	imported map[[2]graph.StackID][2]graph.StackID
	nodes    map[nodeKey]placeAt // where the captured launch of a node stands; nil where ids cannot be used
	done     []bool              // formal kernels that were matched, by index
	unsure   map[int32]bool      // formal kernels of which several places would do
}

// key is what two kernels at one place have in common: the parsed name, which is the same
// for a mangled and a demangled spelling. Copies and sets compare by their kind alone,
// since a launch does not say more.
func (m *mapper) key(s *symbol.Symbol, kind kineto.Kind) uint32 {
	text := s.Raw
	switch {
	case kind == kineto.Copy:
		text = "Memcpy"
	case kind == kineto.Set:
		text = "Memset"
	case len(s.Args) > 0:
		text = s.Qualified() + "<" + strings.Join(s.Args, ",") + ">" + s.Functor
	}
	id, ok := m.ids[text]
	if !ok {
		id = uint32(len(m.ids) + 1)
		m.ids[text] = id
	}
	return id
}

// sequences finds what the mapping trace can be aligned with: captures, else steps.
func (m *mapper) sequences() {
	m.captures()
	if m.res.Captured = len(m.seqs) > 0; !m.res.Captured {
		m.steps()
	}
	for i := range m.seqs {
		s := &m.seqs[i]
		for _, p := range s.places {
			s.keys = append(s.keys, p.key)
		}
	}
}

// captures collects the launches between the begin and the end of a stream capture, thread
// by thread. The graphs captured inside one annotation (capture_32_DECODE) belong to one
// batch size and stand in the order in which they are replayed.
func (m *mapper) captures() {
	t := m.a.Trace
	order := make([]int32, len(t.Launches))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int {
		p, q := &t.Launches[x], &t.Launches[y]
		return cmp.Or(cmp.Compare(p.Thread, q.Thread), cmp.Compare(p.Ts, q.Ts))
	})
	syms := map[kineto.NameID]*symbol.Symbol{}
	nodes := make(map[int32]nodeKey, len(t.Nodes))
	for _, n := range t.Nodes {
		nodes[n.Launch] = nodeKey{n.Graph, n.Node}
	}
	open := map[kineto.ThreadID]bool{}
	bySet := map[int]int{} // annotation → index of m.seqs
	for _, i := range order {
		l := &t.Launches[i]
		name := t.Names.Text(l.Name)
		switch {
		case graph.IsCaptureBegin(name):
			open[l.Thread] = true
		case graph.IsCaptureEnd(name):
			open[l.Thread] = false
		case open[l.Thread] && graph.IsLaunch(name):
			set := enclosing(t.Annotations, l)
			s, ok := bySet[set]
			if !ok {
				s = len(m.seqs)
				bySet[set] = s
				seq := sequence{}
				if set >= 0 {
					seq.stage, seq.tokens = captureName(t.Names.Text(t.Annotations[set].Name))
				}
				m.seqs = append(m.seqs, seq)
			}
			p := place{key: m.launchKey(syms, l, name), launch: i, node: nodes[i]}
			if m.a.LaunchOps != nil {
				p.ops, p.py = m.a.LaunchOps[i], m.a.LaunchPy[i]
			}
			m.seqs[s].places = append(m.seqs[s].places, p)
		}
	}
}

// launchKey reads which kernel a captured launch puts into the graph; 0 is a launch that
// does not say (CUDA).
func (m *mapper) launchKey(syms map[kineto.NameID]*symbol.Symbol, l *kineto.Launch, call string) uint32 {
	switch {
	case strings.Contains(call, "Memcpy"):
		return m.key(&symbol.Symbol{}, kineto.Copy)
	case strings.Contains(call, "Memset"):
		return m.key(&symbol.Symbol{}, kineto.Set)
	case l.Kernel == 0:
		return 0
	}
	s := syms[l.Kernel]
	if s == nil {
		parsed := symbol.Parse(m.a.Trace.Names.Text(l.Kernel))
		s = &parsed
		syms[l.Kernel] = s
	}
	return m.key(s, kineto.Kernel)
}

// enclosing finds the outermost capture annotation around a launch; -1 none.
func enclosing(notes []kineto.Span, l *kineto.Launch) int {
	best := -1
	for i := range notes {
		n := &notes[i]
		if n.Thread == l.Thread && n.Ts <= l.Ts && l.Ts < n.Ts+n.Dur && (best < 0 || n.Dur > notes[best].Dur) {
			best = i
		}
	}
	return best
}

// captureName reads "capture_32_DECODE", as patched servers annotate a capture: the batch
// size and the stage.
func captureName(name string) (stage string, tokens int) {
	rest, ok := strings.CutPrefix(name, "capture_")
	if !ok {
		return "", 0
	}
	n, mode, _ := strings.Cut(rest, "_")
	for _, c := range n {
		if c < '0' || c > '9' || tokens > 1<<30 {
			return "", 0
		}
		tokens = tokens*10 + int(c-'0')
	}
	if mode == "DECODE" {
		stage = graph.StageDecode
	}
	return stage, tokens
}

// steps takes the kernels of every step of a run without graphs, in order of launch.
func (m *mapper) steps() {
	g := m.a
	type unit struct {
		step  int32
		stage graph.StageID
	}
	byUnit := map[unit][]int32{}
	var order []unit
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if k.Method != graph.Launch {
			continue
		}
		u := unit{k.Step, k.Stage}
		if byUnit[u] == nil {
			order = append(order, u)
		}
		byUnit[u] = append(byUnit[u], int32(i))
	}
	slices.SortFunc(order, func(x, y unit) int { return cmp.Or(cmp.Compare(x.step, y.step), cmp.Compare(x.stage, y.stage)) })
	for _, u := range order {
		ks := byUnit[u]
		slices.SortStableFunc(ks, func(x, y int32) int {
			p, q := &g.Trace.Launches[g.Kernels[x].Launch], &g.Trace.Launches[g.Kernels[y].Launch]
			return cmp.Or(cmp.Compare(p.Ts, q.Ts), cmp.Compare(x, y))
		})
		s := sequence{stage: g.Stages[u.stage]}
		if u.step >= 0 {
			s.tokens = g.Steps[u.step].Tokens
		}
		for _, k := range ks {
			n := &g.Kernels[k]
			c := &g.Classes[n.Class]
			s.places = append(s.places, place{key: m.key(g.Symbol(n), n.Kind), ops: c.Ops, py: c.Py, launch: -1})
		}
		m.seqs = append(m.seqs, s)
	}
}
