// Package ladder finds repeated runs of small kernels that were launched from one place: what
// somebody might write one kernel for and no catalogue knows.
//
// It knows an attributed graph and asks its caller which kernels may be rungs; it knows no
// rules, no families and no tables, and it never says that kernels can be fused. What a kernel
// reads and writes is in no trace.
package ladder

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
)

// The bounds of a ladder.
const (
	// MinRungs is the fewest kernels of a run.
	MinRungs = 3
	// MinRuns is how often a sequence must occur to be a repeated one.
	MinRuns = 4
	// maxRungs bounds a run: a longer one is a loop over data, not a ladder of a layer.
	maxRungs = 64
)

// Ladder is one sequence of kernels that repeats in one stage.
type Ladder struct {
	Stage graph.StageID
	// Scoped tells that all rungs were launched from one function and module by their own
	// launches. Otherwise where they were launched is not known, and the sequence repeats
	// with the layers.
	Scoped bool
	// Runs are the repeats, each with its kernels in the order of the stream; the runs are
	// in order of the graph's kernels.
	Runs [][]int32
}

// scope is the place kernels were launched from. Frame is one more than the frame's index, 0
// where the launch is not known.
type scope struct {
	frame  uint32
	module string
	replay int32
}

// Find gives the ladders of g whose kernels are all rungs: maximal runs of at least MinRungs
// that follow each other on a stream, inside one step, launched from one scope, and that occur
// at least MinRuns times. Where the launches are not known a sequence must occur as often as
// the steps of its stage have layers. Most GPU time comes first.
func Find(g *graph.Graph, rung func(k int32) bool) []Ladder {
	f := &finder{g: g, scopes: make([]scope, len(g.Classes)), known: make([]bool, len(g.Classes)), at: map[string]int{}}
	for s := range g.Streams {
		ks := g.Streams[s].Kernels
		for i := 0; i < len(ks); {
			if !rung(ks[i]) {
				i++
				continue
			}
			j := i + 1
			for f.tells(ks[i]) && j < len(ks) && rung(ks[j]) && f.together(ks[j-1], ks[j]) {
				j++
			}
			if n := j - i; n >= MinRungs && n <= maxRungs {
				f.add(ks[i:j])
			}
			i = j
		}
	}
	return f.result()
}

type finder struct {
	g      *graph.Graph
	scopes []scope // by class
	known  []bool
	at     map[string]int // sequence → index of list
	list   []Ladder
}

// of is the scope of a kernel's class: the frame that is shown for it and the innermost module.
func (f *finder) of(k *graph.Kernel) scope {
	if !f.known[k.Class] {
		f.known[k.Class] = true
		if k.Method.Exact() {
			py := f.g.Classes[k.Class].Py
			if id, ok := f.g.Site(py); ok {
				f.scopes[k.Class] = scope{frame: id + 1, module: f.g.Module(py)}
			}
		}
	}
	s := f.scopes[k.Class]
	s.replay = k.Replay
	return s
}

// tells says whether a kernel can be in a ladder at all: where its own launch is known but not
// what it was launched by, the scope could have been recorded and was not.
func (f *finder) tells(k int32) bool {
	n := &f.g.Kernels[k]
	return f.of(n).frame > 0 || n.Replay >= 0 || n.Launch < 0
}

// together tells that b goes on with the run that a is in.
func (f *finder) together(a, b int32) bool {
	x, y := &f.g.Kernels[a], &f.g.Kernels[b]
	return x.Step == y.Step && x.Stage == y.Stage && f.of(x) == f.of(y)
}

func (f *finder) add(run []int32) {
	k := &f.g.Kernels[run[0]]
	s := f.of(k)
	id := make([]byte, 0, 8*len(run)+len(s.module)+8)
	id = binary.LittleEndian.AppendUint32(id, uint32(k.Stage))
	id = binary.LittleEndian.AppendUint32(id, s.frame)
	for _, r := range run {
		id = binary.LittleEndian.AppendUint32(id, uint32(f.g.Kernels[r].Sym))
	}
	id = append(id, s.module...)
	i, ok := f.at[string(id)]
	if !ok {
		i = len(f.list)
		f.at[string(id)] = i
		f.list = append(f.list, Ladder{Stage: k.Stage, Scoped: s.frame > 0})
	}
	f.list[i].Runs = append(f.list[i].Runs, run)
}

// result keeps what repeats often enough, most time first.
func (f *finder) result() []Ladder {
	layers := f.layers()
	out := slices.DeleteFunc(f.list, func(l Ladder) bool {
		if l.Scoped {
			return len(l.Runs) < MinRuns
		}
		n := layers[l.Stage]
		return n == 0 || len(l.Runs) < max(n, MinRuns)
	})
	time := make(map[int32]int64, len(out)) // by first kernel
	for i := range out {
		for _, r := range out[i].Runs {
			for _, k := range r {
				time[out[i].Runs[0][0]] += f.g.Kernels[k].Dur
			}
		}
	}
	slices.SortFunc(out, func(a, b Ladder) int {
		x, y := a.Runs[0][0], b.Runs[0][0]
		return cmp.Or(cmp.Compare(time[y], time[x]), cmp.Compare(x, y))
	})
	return out
}

// layers counts the layers of all steps of each stage that have any; of a trace without steps,
// those of the stage.
func (f *finder) layers() []int {
	out := make([]int, len(f.g.Stages))
	for i := range f.g.Steps {
		s := &f.g.Steps[i]
		out[s.Stage] += int(s.Layers)
	}
	if len(f.g.Steps) > 0 {
		return out
	}
	for i := range f.g.Kernels {
		k := &f.g.Kernels[i]
		out[k.Stage] = max(out[k.Stage], int(k.Layer)+1)
	}
	return out
}
