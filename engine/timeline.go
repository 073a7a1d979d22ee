package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/overlap"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// The bounds of a timeline: its lanes, and the kernels of one.
const (
	timelineLanes   = 12
	timelineKernels = 2_000
)

// timelineMargin is the least time that is shown before and behind what a timeline is about, ns.
const timelineMargin = 10_000

// timelineGap is the shortest gap that a timeline is about, ns: shorter ones stand between all kernels.
const timelineGap = 1_000

// subject is what a timeline is about: a time on a device of a part.
type subject struct {
	p        *part
	d        *overlap.Device
	from, to int64
	kernel   int32 // -1 a gap
	why      string
}

// timeline shows the worst window of a report: around the longest exposed launch of the first
// overlap row with headroom, else around the longest gap inside a step, else the longest gap; not a gap under timelineGap.
func timeline(r *report.Report, parts []*part) *report.Timeline {
	s, ok := worstExposed(r, parts)
	if !ok {
		s, ok = longestGap(parts)
	}
	if !ok {
		return &report.Timeline{Why: "nothing to show: no exposed collective or copy, and no gap of 1 µs", Lanes: []report.Lane{}}
	}
	margin := max((s.to-s.from)/2, timelineMargin)
	from, to := max(s.from-margin, s.d.Start), min(s.to+margin, s.d.End)
	zero := s.d.Start
	t := &report.Timeline{Device: s.d.ID, Why: s.why, From: from - zero, To: to - zero, SubjectFrom: s.from - zero, SubjectTo: s.to - zero}
	if len(parts) > 1 {
		t.Trace = s.p.path
	}
	type candidate struct {
		stream int32
		time   int64
		ks     []int32
	}
	var lanes []candidate
	g := s.p.graph
	for _, st := range s.d.Streams {
		c := candidate{stream: st}
		for _, k := range g.Streams[st].Kernels {
			n := &g.Kernels[k]
			if n.Ts >= to {
				break
			}
			if n.End() > from {
				c.ks = append(c.ks, k)
				c.time += min(n.End(), to) - max(n.Ts, from)
			}
		}
		if s.kernel >= 0 && g.Kernels[s.kernel].Stream == st {
			c.time = to - from + 1 // never left out
		}
		if len(c.ks) > 0 {
			lanes = append(lanes, c)
		}
	}
	slices.SortStableFunc(lanes, func(a, b candidate) int { return cmp.Compare(b.time, a.time) })
	if len(lanes) > timelineLanes {
		t.More = len(lanes) - timelineLanes
		lanes = lanes[:timelineLanes]
	}
	slices.SortFunc(lanes, func(a, b candidate) int { return cmp.Compare(a.stream, b.stream) })
	for _, c := range lanes {
		l := report.Lane{Stream: g.Streams[c.stream].ID}
		if len(c.ks) > timelineKernels {
			slices.SortStableFunc(c.ks, func(a, b int32) int { return cmp.Compare(g.Kernels[b].Dur, g.Kernels[a].Dur) })
			l.Left = len(c.ks) - timelineKernels
			c.ks = c.ks[:timelineKernels]
			slices.Sort(c.ks)
		}
		for _, k := range c.ks {
			n := &g.Kernels[k]
			l.Spans = append(l.Spans, report.Span{Start: max(n.Ts, from) - zero, End: min(n.End(), to) - zero,
				Label: symbol.Short(g.Symbol(n), labelWidth), Family: s.p.found.Family[n.Sym]})
		}
		t.Lanes = append(t.Lanes, l)
	}
	return t
}

// worstExposed finds the launch with most exposed time of the first overlap row with headroom
// that is a collective, a copy or a set, and whose exposed time is 1 % of all GPU time.
func worstExposed(r *report.Report, parts []*part) (subject, bool) {
	for i := range r.Overlap {
		o := &r.Overlap[i]
		if o.Verdict != report.Headroom || o.Exposed*100 < r.Total || !o.Moves {
			continue
		}
		for _, p := range parts {
			best := int32(-1)
			same := make(map[graph.SymID]bool)
			for k := range p.graph.Kernels {
				n := &p.graph.Kernels[k]
				if p.stages[n.Stage] != o.Stage {
					continue
				}
				is, ok := same[n.Sym]
				if !ok {
					s := p.graph.Symbol(n)
					is = s.Qualified() == o.Symbol && symbol.Short(s, labelWidth) == o.Label
					same[n.Sym] = is
				}
				if is && (best < 0 || p.times.Exposed[k] > p.times.Exposed[best]) {
					best = int32(k)
				}
			}
			if best < 0 || p.times.Exposed[best] == 0 {
				continue
			}
			n := &p.graph.Kernels[best]
			s := subject{p: p, d: deviceOf(p, n.Stream), from: n.Ts, to: n.End(), kernel: best}
			s.why = fmt.Sprintf("the most exposed launch of %s: %s of its %s with nothing beside it%s", o.Label, report.Duration(p.times.Exposed[best]),
				report.Duration(n.Dur), stepWords(p, n))
			return s, true
		}
	}
	return subject{}, false
}

func stepWords(p *part, n *graph.Kernel) string {
	s := ""
	if n.Step >= 0 {
		s = ", in " + p.graph.Trace.Names.Text(p.graph.Steps[n.Step].Name)
	}
	if n.Layer >= 0 {
		s += fmt.Sprintf(", layer %d", n.Layer+1)
	}
	return s
}

func deviceOf(p *part, stream int32) *overlap.Device {
	for i := range p.times.Devices {
		if slices.Contains(p.times.Devices[i].Streams, stream) {
			return &p.times.Devices[i]
		}
	}
	return &p.times.Devices[0]
}

// longestGap finds the longest gap between two kernels of one step, else the longest of all.
func longestGap(parts []*part) (best subject, ok bool) {
	inside := false
	for _, p := range parts {
		for i := range p.times.Devices {
			d := &p.times.Devices[i]
			for _, gap := range d.Gaps {
				in := false
				if gap.Dur() < timelineGap {
					continue
				}
				if gap.From >= 0 && gap.To >= 0 {
					s := p.graph.Kernels[gap.From].Step
					in = s >= 0 && s == p.graph.Kernels[gap.To].Step
				}
				if ok && (inside && !in || inside == in && gap.Dur() <= best.to-best.from) {
					continue
				}
				why := "the longest gap of the device"
				if in {
					why = "the longest gap inside a step, " + p.graph.Trace.Names.Text(p.graph.Steps[p.graph.Kernels[gap.From].Step].Name)
				}
				best = subject{p: p, d: d, from: gap.Start, to: gap.End, kernel: -1, why: why + ": " + report.Duration(gap.Dur())}
				ok, inside = true, in
			}
		}
	}
	return best, ok
}
