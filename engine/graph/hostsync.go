package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/kineto"
)

// HostSync is a call of the host that returns when a stream, an event or the device is done.
type HostSync struct {
	Launch  int32   // index of Trace.Launches
	Ops, Py StackID // the stacks it was called in
}

// IsSync tells a runtime or driver call that returns when the device is done, by its name.
func IsSync(call string) bool {
	return strings.HasSuffix(call, "Synchronize") || call == "cudaMemcpy" || call == "hipMemcpy" || call == "hipMemcpyWithStream"
}

// isSync tells whether launch i is such a call; names are looked at once.
func (b *builder) isSync(i int) bool {
	n := b.t.Launches[i].Name
	is, ok := b.sync[n]
	if !ok {
		if b.sync == nil {
			b.sync = map[kineto.NameID]bool{}
		}
		is = IsSync(b.t.Names.Text(n))
		b.sync[n] = is
	}
	return is
}

// hostSyncs keeps the synchronising calls and the stacks of graph launches, which the classes
// of kernels do not tell once a mapping trace gave them other sites.
func (b *builder) hostSyncs() {
	g, t := b.g, b.t
	for i := range t.Launches {
		if b.isSync(i) {
			g.Syncs = append(g.Syncs, HostSync{int32(i), b.ops[i], b.py[i]})
		}
	}
	slices.SortStableFunc(g.Syncs, func(x, y HostSync) int {
		p, q := &t.Launches[x.Launch], &t.Launches[y.Launch]
		return cmp.Or(cmp.Compare(p.Thread, q.Thread), cmp.Compare(p.Ts, q.Ts))
	})
	for i := range g.Replays {
		r := &g.Replays[i]
		r.Ops, r.Py = b.ops[r.Launch], b.py[r.Launch]
	}
}
