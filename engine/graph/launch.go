package graph

import (
	"strings"

	"github.com/sgrules/sgrules/engine/kineto"
)

// corrKey tells correlation ids of two ranks of a merged trace apart.
type corrKey struct {
	rank kineto.NameID
	corr int64
}

// rankOf gives the "[TP00-DP00]" part that SGLang's merged traces put before a pid, and
// 0 for any other pid.
func (b *builder) rankOf(pid string) kineto.NameID {
	if !strings.HasPrefix(pid, "[") {
		return 0
	}
	i := strings.IndexByte(pid, ']')
	if i < 0 {
		return 0
	}
	return b.t.Names.InternString(pid[:i+1])
}

// launches finds the launch of every kernel by correlation id.
func (b *builder) launches() {
	g, t := b.g, b.t
	rankOfThread := make([]kineto.NameID, len(t.Threads))
	for i := range t.Threads {
		rankOfThread[i] = b.rankOf(t.Threads[i].Pid)
	}
	rankOfPid := map[kineto.NameID]kineto.NameID{}
	b.byCorr = make(map[corrKey][]int32, len(g.Kernels))
	want := make(map[corrKey]bool, len(g.Kernels))
	for i := range t.Activities {
		a := &t.Activities[i]
		if _, ok := rankOfPid[a.Pid]; !ok {
			rankOfPid[a.Pid] = b.rankOf(t.Names.Text(a.Pid))
		}
		if a.Corr > 0 {
			want[corrKey{rankOfPid[a.Pid], a.Corr}] = true
		}
	}
	for i := range t.Launches {
		l := &t.Launches[i]
		k := corrKey{rankOfThread[l.Thread], l.Corr}
		if l.Corr > 0 && want[k] {
			b.byCorr[k] = append(b.byCorr[k], int32(i))
		}
	}
	b.needed = make([]bool, len(t.Launches))
	replays := map[int32]int32{}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		a := &t.Activities[k.Act]
		if a.Corr <= 0 {
			continue
		}
		l, ok := b.pick(b.byCorr[corrKey{rankOfPid[a.Pid], a.Corr}], a)
		if !ok {
			continue
		}
		k.Launch = l
		b.needed[l] = true
		if IsGraphLaunch(t.Names.Text(t.Launches[l].Name)) {
			r, ok := replays[l]
			if !ok {
				r = int32(len(g.Replays))
				replays[l] = r
				g.Replays = append(g.Replays, GraphReplay{Launch: l})
			}
			k.Replay = r
			g.Replays[r].Kernels = append(g.Replays[r].Kernels, int32(i))
		}
	}
}

// pick chooses among the launches that share a kernel's correlation id. Ids are reused
// when a file holds several processes or sessions; then only the External id can tell,
// and where it cannot, nothing is chosen.
func (b *builder) pick(cand []int32, a *kineto.Activity) (int32, bool) {
	switch len(cand) {
	case 0:
		return -1, false
	case 1:
		return cand[0], true
	}
	found := int32(-1)
	for _, l := range cand {
		if a.Ext != 0 && b.t.Launches[l].Ext == a.Ext {
			if found >= 0 {
				b.g.Ambiguous++
				return -1, false
			}
			found = l
		}
	}
	if found < 0 {
		b.g.Ambiguous++
	}
	return found, found >= 0
}

// IsLaunch tells a runtime or driver call that puts a kernel, a copy or a set on a stream,
// by its name: the launches that a graph capture records.
func IsLaunch(call string) bool {
	for _, p := range [...]string{"cuda", "hip", "cu"} {
		rest, ok := strings.CutPrefix(call, p)
		if !ok {
			continue
		}
		for _, w := range [...]string{"LaunchKernel", "LaunchCooperativeKernel", "ModuleLaunchKernel", "ExtModuleLaunchKernel", "ExtLaunchKernel",
			"ModuleLaunchCooperativeKernel", "Memcpy", "Memset"} {
			if strings.HasPrefix(rest, w) {
				return true
			}
		}
		return false
	}
	return false
}

// IsGraphLaunch tells a call that runs a captured graph, by its name.
func IsGraphLaunch(name string) bool {
	for _, p := range [...]string{"cudaGraphLaunch", "hipGraphLaunch", "cuGraphLaunch"} {
		if rest, ok := strings.CutPrefix(name, p); ok && (rest == "" || rest[0] == '_') {
			return true
		}
	}
	return false
}
