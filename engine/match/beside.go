package match

import (
	"cmp"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
)

// maxMeeting bounds how many second chains that are under way with a first one are tried.
const maxMeeting = 64

// window is a match of one of two chains with the time it was under way, ns.
type window struct {
	b        binding
	from, to int64
	step     int32
	stage    graph.StageID
	stream   int32
	device   int32
	used     bool
}

// together tells windows of one step, or of which one was launched outside every step: a thread
// beside the scheduler's has no step annotations, and its work may meet that of any step.
func (a *window) together(b *window) bool {
	return a.step < 0 || b.step < 0 || a.step == b.step && a.stage == b.stage
}

// besides gives the matches of a pattern whose steps from at on are a second chain: on another
// stream of the same device, of the same step, under way while the first is. Each match of a
// chain belongs to one pair: the first chains in order of time, each with the earliest second
// chain that is left.
func (f *finder) besides(p *pattern, at int) []binding {
	first := f.windows(&pattern{steps: p.steps[:at]})
	if len(first) == 0 {
		return nil
	}
	second := f.windows(&pattern{steps: p.steps[at:]})
	var out []binding
	lo := 0
	for i := range first {
		a := &first[i]
		for lo < len(second) && (second[lo].used || second[lo].to <= a.from) {
			lo++
		}
		tried := 0
		for j := lo; j < len(second) && second[j].from < a.to && tried < maxMeeting; j++ {
			b := &second[j]
			if b.used || b.to <= a.from || b.stream == a.stream || b.device != a.device || !a.together(b) {
				continue
			}
			tried++
			if f.shareStream(a, b) {
				continue
			}
			both := slices.Concat(a.b, b.b)
			if p.where != nil && !p.where(both) {
				continue
			}
			b.used = true
			out = append(out, both)
			break
		}
	}
	return out
}

// shareStream tells whether two chains have a stream in common: a chain that crosses to another stream
// behind a recorded wait is on both, and runs beside neither.
func (f *finder) shareStream(a, b *window) bool {
	for _, x := range a.b.kernels() {
		for _, y := range b.b.kernels() {
			if f.g.Kernels[x].Stream == f.g.Kernels[y].Stream {
				return true
			}
		}
	}
	return false
}

// windows gives the matches of one chain by their start.
func (f *finder) windows(p *pattern) []window {
	var out []window
	for _, b := range f.find(p) {
		ks := b.kernels()
		k := &f.g.Kernels[ks[0]]
		w := window{b: b, from: k.Ts, to: k.End(), step: k.Step, stage: k.Stage, stream: k.Stream, device: f.lane[k.Stream]}
		for _, x := range ks[1:] {
			w.from, w.to = min(w.from, f.g.Kernels[x].Ts), max(w.to, f.g.Kernels[x].End())
		}
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	return out
}

// lanes numbers the devices of a graph by stream: two streams may meet only on one device of one
// process.
func lanes(g *graph.Graph) []int32 {
	type device struct {
		id  int32
		pid uint32
	}
	number := map[device]int32{}
	out := make([]int32, len(g.Streams))
	for i := range g.Streams {
		d := device{g.Streams[i].Device, uint32(g.Streams[i].Pid)}
		n, ok := number[d]
		if !ok {
			n = int32(len(number))
			number[d] = n
		}
		out[i] = n
	}
	return out
}
