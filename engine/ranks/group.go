package ranks

import (
	"fmt"
	"slices"
	"strings"
)

// place is where a rank stands among the others.
type place struct {
	// world tells apart runs of torch.distributed: two replicas both have a rank 0.
	world string
	// home is the group that a collective without a process group of its own is taken to
	// span; "" where that is not known, with the reason.
	home, why string
}

// places finds out which ranks share a group: by the process groups of the trace where
// they leave no choice, else by the file name, whose TP ranks of one DP and PP rank share
// one.
func places(ranks []Rank) []place {
	out := make([]place, len(ranks))
	globals := map[int64]int{}
	for i := range ranks {
		globals[ranks[i].Global]++
	}
	oneWorld := len(globals) == len(ranks) && globals[-1] == 0
	// Where the groups of one trace are not known, the names must do for all.
	named, grouped := true, true
	for i := range ranks {
		named, grouped = named && ranks[i].Named, grouped && len(ranks[i].Groups) > 0
	}
	taken := map[string]int{}
	for i := range ranks {
		r, p := &ranks[i], &out[i]
		if !oneWorld {
			p.world = r.Place
		}
		switch {
		case len(r.Groups) == 1 && (grouped || !named):
			p.home = "ranks " + list(r.Groups[0])
		case r.Named:
			p.home = "TP ranks"
			if r.Place != "" {
				p.home += " of " + r.Place
			}
		case len(r.Groups) > 1:
			p.why = "the rank is in several process groups and neither the kernel nor the file name says which one this is of"
		default:
			p.why = "neither the trace nor the file name says which ranks share a group"
		}
		if r.Global >= 0 {
			taken[fmt.Sprintf("%s|%d", p.world, r.Global)]++
		}
	}
	for i := range ranks {
		r, p := &ranks[i], &out[i]
		if n := taken[fmt.Sprintf("%s|%d", p.world, r.Global)]; r.Global >= 0 && n > 1 {
			p.world, p.home = fmt.Sprintf("%s#%d", p.world, i), ""
			p.why = fmt.Sprintf("%d traces say that they are rank %d", n, r.Global)
		}
	}
	return out
}

// of gives the key of the group that a call belongs to; why is set where it is not known.
func (p *place) of(named string) (key, why string) {
	if named != "" {
		return p.world + sep + "pg " + named, ""
	}
	if p.home == "" {
		return "", p.why
	}
	return p.world + sep + p.home, ""
}

func list(ranks []int64) string {
	var b strings.Builder
	for i, r := range ranks {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, r)
	}
	return b.String()
}

func sorted(ranks []int64) []int64 {
	out := slices.Clone(ranks)
	slices.Sort(out)
	return slices.Compact(out)
}

func has(sets [][]int64, set []int64) bool {
	return slices.ContainsFunc(sets, func(s []int64) bool { return slices.Equal(s, set) })
}
