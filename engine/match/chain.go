package match

import (
	"github.com/sgrules/sgrules/engine/graph"
)

// The bounds of one chain: kernels that a skip may pass over between two steps, and
// kernels that one `many` step may bind.
const (
	maxSkipped = 32
	maxMany    = 32
	maxTries   = 4096 // calls of try.from for one first kernel
)

// classSet is a set of kernel classes.
type classSet []uint64

func newClassSet(classes int) classSet      { return make(classSet, (classes+63)/64) }
func (s classSet) add(c graph.ClassID)      { s[c>>6] |= 1 << (c & 63) }
func (s classSet) has(c graph.ClassID) bool { return s != nil && s[c>>6]&(1<<(c&63)) != 0 }

func (s classSet) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// kernelSet is a set of kernels; most stay empty, and take no memory then.
type kernelSet struct{ bits []uint64 }

func (s *kernelSet) has(k int32) bool { return s.bits != nil && s.bits[k>>6]&(1<<(k&63)) != 0 }

// add adds one of so many kernels.
func (s *kernelSet) add(k int32, kernels int) {
	if s.bits == nil {
		s.bits = make([]uint64, (kernels+63)/64)
	}
	s.bits[k>>6] |= 1 << (k & 63)
}

func (s *kernelSet) remove(k int32) {
	if s.bits != nil {
		s.bits[k>>6] &^= 1 << (k & 63)
	}
}

// step is one step of a chain over class ids.
type step struct {
	match    classSet
	skip     classSet // nil: nothing may stand before it
	optional bool
	many     bool
}

// pattern is one alternative of one side of a rule, ready to run.
type pattern struct {
	steps []step
	// beside is where a second chain begins in steps; 0 where there is none.
	beside int
	// where tells whether a complete binding holds; nil: always. bound has, for every
	// step, the kernels it bound.
	where func(bound [][]int32) bool
	// failed is the first error of where.
	failed error
}

func (p *pattern) err() error { return p.failed }

// binding is one match: the kernels of every step, in order.
type binding [][]int32

// kernels lists what is bound, in order of the chain.
func (b binding) kernels() []int32 {
	n := 0
	for _, ks := range b {
		n += len(ks)
	}
	out := make([]int32, 0, n)
	for _, ks := range b {
		out = append(out, ks...)
	}
	return out
}

// first is the first kernel that is bound.
func (b binding) first() int32 {
	for _, ks := range b {
		if len(ks) > 0 {
			return ks[0]
		}
	}
	return -1 // no pattern has only optional steps
}

// finder looks for a pattern in a graph.
type finder struct {
	g     *graph.Graph
	waits map[int32][]int32 // kernel → first kernels behind a recorded wait for it
	lane  []int32           // number of the device, by stream
	// classes has, for every stream, the classes of its kernels in order: what every pattern
	// is first compared with, close together.
	classes [][]graph.ClassID
}

func newFinder(g *graph.Graph) *finder {
	f := &finder{g: g, lane: lanes(g), classes: make([][]graph.ClassID, len(g.Streams))}
	for s := range g.Streams {
		f.classes[s] = make([]graph.ClassID, len(g.Streams[s].Kernels))
		for i, k := range g.Streams[s].Kernels {
			f.classes[s][i] = g.Kernels[k].Class
		}
	}
	if len(g.Waits) > 0 {
		f.waits = map[int32][]int32{}
		for _, w := range g.Waits {
			f.waits[w.From] = append(f.waits[w.From], w.To)
		}
	}
	return f
}

// find gives all matches of p, from the first kernel of the first stream on, none
// sharing a kernel with an earlier one.
func (f *finder) find(p *pattern) []binding {
	if p.beside > 0 {
		return f.besides(p, p.beside)
	}
	return f.free(p, &kernelSet{})
}

// free is find for a pattern of one chain, among the kernels that are not used. It adds to used
// the kernels of other streams that it binds across a wait.
func (f *finder) free(p *pattern, used *kernelSet) []binding {
	heads := f.heads(p)
	if heads.empty() {
		return nil
	}
	var out []binding
	t := try{f: f, p: p, used: used, deepest: len(p.steps)}
	for s := range f.g.Streams {
		ks, classes := f.g.Streams[s].Kernels, f.classes[s]
		for i := 0; i < len(ks); {
			if !heads.has(classes[i]) {
				i++
				continue
			}
			k := ks[i]
			if used.has(k) {
				i++
				continue
			}
			if t.b == nil {
				t.b = make(binding, len(p.steps))
			}
			t.step, t.stage, t.budget = f.g.Kernels[k].Step, f.g.Kernels[k].Stage, maxTries
			if !t.from(0, k, -1, 0) { // and t.b is as it was
				i++
				continue
			}
			b := t.b
			t.b = nil
			out = append(out, b)
			last := i
			for _, x := range b.kernels() {
				if f.g.Kernels[x].Stream == int32(s) {
					last = max(last, int(f.g.Kernels[x].Pos))
				} else {
					used.add(x, len(f.g.Kernels))
				}
			}
			i = last + 1
		}
	}
	return out
}

// heads are the classes a chain can begin with.
func (f *finder) heads(p *pattern) classSet {
	heads := newClassSet(len(f.g.Classes))
	for _, s := range p.steps {
		for i, w := range s.match {
			heads[i] |= w
		}
		if !s.optional {
			break
		}
	}
	return heads
}

// try is one attempt to bind a pattern. It backtracks over optional and many steps,
// greedy first, within a budget that no honest rule comes near.
type try struct {
	f      *finder
	p      *pattern
	b      binding
	used   *kernelSet
	step   int32
	stage  graph.StageID
	budget int

	// Where the attempt came furthest: the step that was not bound, how many that must be
	// bound were before it, and the kernel that stood there (-1 none). With deepest at the number of
	// steps this is not looked at.
	deepest, bound int
	instead        int32
}

// reach notes how far the attempt came.
func (t *try) reach(i int, k int32) {
	if i <= t.deepest {
		return
	}
	t.deepest, t.bound, t.instead = i, 0, k
	if k >= 0 && !t.ok(k) {
		t.instead = -1
	}
	for n, ks := range t.b[:i] {
		if len(ks) > 0 && !t.p.steps[n].optional {
			t.bound++
		}
	}
}

// from binds steps i and on, beginning at kernel k (-1: the stream is at its end);
// prev is the last bound kernel, -1 before the first. skipped counts kernels passed
// over since prev.
func (t *try) from(i int, k, prev int32, skipped int) bool {
	t.budget--
	if t.budget < 0 {
		return false
	}
	t.reach(i, k)
	if i == len(t.p.steps) {
		return t.p.where == nil || t.p.where(t.b)
	}
	s := &t.p.steps[i]
	if k >= 0 && t.ok(k) {
		c := t.f.g.Kernels[k].Class
		if s.match.has(c) {
			if t.bind(i, k) {
				return true
			}
		}
		if prev >= 0 && s.skip.has(c) && skipped < maxSkipped {
			if t.from(i, t.next(k), prev, skipped+1) {
				return true
			}
		}
	}
	// What ran behind a recorded wait follows as well as what is next in the stream.
	if prev >= 0 && skipped == 0 {
		for _, to := range t.f.waits[prev] {
			if t.ok(to) && s.match.has(t.f.g.Kernels[to].Class) && t.bind(i, to) {
				return true
			}
		}
	}
	if s.optional {
		return t.from(i+1, k, prev, skipped)
	}
	return false
}

// bind gives k to step i, and more kernels to a many step, then goes on.
func (t *try) bind(i int, k int32) bool {
	s := &t.p.steps[i]
	at := &t.f.g.Kernels[k]
	ks := t.f.g.Streams[at.Stream].Kernels[at.Pos:]
	n := 1
	if s.many {
		for n < len(ks) && n < maxMany && t.ok(ks[n]) && s.match.has(t.f.g.Kernels[ks[n]].Class) {
			n++
		}
	}
	for ; n > 0; n-- {
		t.b[i] = ks[:n:n]
		if t.from(i+1, t.next(ks[n-1]), ks[n-1], 0) {
			return true
		}
	}
	t.b[i] = nil
	return false
}

// ok tells a kernel that this chain may bind or pass: of the same step and stage, and
// not bound by an earlier chain.
func (t *try) ok(k int32) bool {
	n := &t.f.g.Kernels[k]
	return n.Step == t.step && n.Stage == t.stage && !t.used.has(k)
}

// next is the kernel behind k on its stream, -1 at the end.
func (t *try) next(k int32) int32 {
	n := &t.f.g.Kernels[k]
	ks := t.f.g.Streams[n.Stream].Kernels
	if int(n.Pos)+1 < len(ks) {
		return ks[n.Pos+1]
	}
	return -1
}
