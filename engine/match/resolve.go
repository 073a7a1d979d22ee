package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/rule"
)

// Side tells how a chain shows a path: taken or not.
type Side uint8

// The sides of a rule.
const (
	Fused Side = iota
	Split
)

func (s Side) String() string {
	if s == Fused {
		return "fused"
	}
	return "split"
}

// Chain is one match of one alternative of a rule.
type Chain struct {
	Rule    int // index of Result.Rules
	Side    Side
	Alt     int       // index of the alternative on its side
	Steps   [][]int32 // kernels by step of the alternative; an optional step may have none
	Kernels []int32   // the same in one list
	// Under is the chain that owns a kernel of this one, and -1 when this chain owns all
	// its kernels.
	Under int
}

// resolve gives every kernel to at most one chain of each kind of rules: the longer chain wins, then the
// higher priority, then the id, the fused side, the earlier alternative and the earlier
// kernel. A chain that comes too late is put under the chain that owns the first of its
// taken kernels; if that is a chain of its own rule it is dropped.
func resolve(chains []Chain, kernels int, of func(i int) *rule.Rule) []Chain {
	slices.SortFunc(chains, func(a, b Chain) int {
		return cmp.Or(
			cmp.Compare(len(b.Kernels), len(a.Kernels)),
			cmp.Compare(of(b.Rule).Priority, of(a.Rule).Priority),
			strings.Compare(of(a.Rule).ID, of(b.Rule).ID),
			cmp.Compare(a.Side, b.Side),
			cmp.Compare(a.Alt, b.Alt),
			cmp.Compare(a.Kernels[0], b.Kernels[0]),
		)
	})
	owners := map[string][]int32{} // by kind
	out := chains[:0]
	// A rule's alternatives may match the same kernels; only the first counts, owned or not.
	shown := map[int][]uint64{} // a bit a kernel, by rule
	for _, c := range chains {
		c.Under = -1
		owner := owners[of(c.Rule).Kind]
		if owner == nil {
			owner = slices.Repeat([]int32{-1}, kernels)
			owners[of(c.Rule).Kind] = owner
		}
		bits := shown[c.Rule]
		if bits == nil {
			bits = make([]uint64, (kernels+63)/64)
			shown[c.Rule] = bits
		}
		dup := false
		for _, k := range c.Kernels {
			if bits[k/64]&(1<<(k%64)) != 0 {
				dup = true
				break
			}
			if o := owner[k]; o >= 0 && c.Under < 0 {
				c.Under = int(o)
			}
		}
		if dup {
			continue
		}
		n := int32(len(out))
		for _, k := range c.Kernels {
			bits[k/64] |= 1 << (k % 64)
			if c.Under < 0 {
				owner[k] = n
			}
		}
		out = append(out, c)
	}
	return out
}
