package align

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
)

// truth is a sequence made from another, with the place that each of its keys came from; -1 for a
// key that is new.
type truth struct {
	keys []uint32
	from []int32
}

// TestNoFalseSite makes formal sequences from mapping ones, where it is known what came from where: other
// tiles in every layer, lost kernels, kernels that are new in every layer, a head that is not replayed. What
// is aligned by name is the kernel's own launch but for one in thousands, where names lie.
func TestNoFalseSite(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 7))
	aligned, wrong, total := 0, 0, 0
	for round := range 4000 {
		layers, period, letters := 2+r.IntN(8), 4+r.IntN(14), 4+r.IntN(8)
		layer := make([]uint32, period)
		for i := range layer {
			layer[i] = uint32(1 + r.IntN(letters))
		}
		m := &sequence{keys: []uint32{100, 101}}
		for range layers {
			m.keys = append(m.keys, layer...)
		}
		m.keys = append(m.keys, 102)
		m.places = make([]place, len(m.keys))
		for i := range m.places {
			m.places[i].py = graph.StackID(i + 1)
		}
		f := changed(r, m, layers, period)
		free := make([]int32, len(m.keys))
		for i := range free {
			free[i] = int32(i)
		}
		total += len(f.keys)
		seen := map[int32]bool{}
		for _, x := range alignOne(m, free, f.keys, nil) {
			if seen[x.kernel] && !x.unsure {
				t.Fatalf("round %d: kernel %d is matched twice", round, x.kernel)
			}
			seen[x.kernel] = seen[x.kernel] || !x.unsure
			if x.unsure || x.neighbour {
				continue
			}
			if m.keys[x.place] != f.keys[x.kernel] {
				t.Fatalf("round %d: kernel %d is aligned with another kernel", round, x.kernel)
			}
			aligned++
			if f.from[x.kernel] != x.place {
				wrong++
			}
		}
	}
	t.Logf("%d of %d kernels aligned, %d of them with another launch", aligned, total, wrong)
	if wrong*5000 > aligned { // a longest common subsequence alone has the wrong one for every fiftieth
		t.Errorf("%d of %d aligned kernels have the site of another launch", wrong, aligned)
	}
	if aligned*10 < total*6 {
		t.Errorf("only %d of %d kernels are aligned", aligned, total)
	}
}

// changed makes the formal side of a mapping sequence of two keys, the layers and one key.
func changed(r *rand.Rand, m *sequence, layers, period int) truth {
	swap := make([]uint32, period) // another tile at a place of every layer; 0 the same
	add := make([]uint32, period)  // something new behind a place of every layer; 0 nothing
	mode := r.IntN(4)
	for i := range swap {
		if mode != 1 && r.IntN(5) == 0 {
			swap[i] = uint32(200 + i)
		}
		if mode == 2 && r.IntN(8) == 0 {
			add[i] = uint32(300 + i)
		}
	}
	var f truth
	put := func(k uint32, from int) {
		f.keys, f.from = append(f.keys, k), append(f.from, int32(from))
	}
	for i, k := range m.keys {
		if i < 2 && mode == 3 {
			continue // launched before the graph was captured
		}
		if i < 2 || i == len(m.keys)-1 {
			put(k, i)
			continue
		}
		at := (i - 2) % period
		if swap[at] > 0 {
			k = swap[at]
		}
		put(k, i)
		if add[at] > 0 {
			put(add[at], -1)
		}
	}
	if mode == 1 { // a few events were lost
		for range 1 + r.IntN(3) {
			i := r.IntN(len(f.keys))
			f.keys, f.from = slices.Delete(f.keys, i, i+1), slices.Delete(f.from, i, i+1)
		}
	}
	return f
}
