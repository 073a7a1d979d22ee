package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/atonce"
)

// assemble sums the parts into one report.
func assemble(o Options, in, maps *chosen, args *serverArgs, parts []*part, with *compared) *report.Report {
	r := &report.Report{Schema: report.Schema, Version: o.Version, Mode: "single", Picked: in.picked, Left: in.left}
	r.Run.Rank = -1
	if o.Per != PerRun {
		r.Per = o.Per
	}
	// A list without entries is a list in JSON too.
	r.Stages, r.Kernels, r.Load, r.Idle = []report.Stage{}, []report.KernelRow{}, []report.Load{}, []report.Idle{}
	r.Fuse, r.Overlap, r.OverlapPaths = []report.FuseRow{}, []report.OverlapRow{}, []report.FuseRow{}
	if args != nil {
		r.Run.ArgsFrom, r.Run.Args = args.file, args.flat
	}
	for _, p := range parts {
		r.Traces = append(r.Traces, traceInfo(p)...)
		addRun(&r.Run, p)
		addLoad(r, p)
		addAttribution(&r.Attribution, p.graph)
		r.Total += p.graph.Total
		addActivity(&r.Activity, p.graph)
		r.Warnings = append(r.Warnings, warnings(p)...)
		if a := p.aligned; a != nil {
			if a.Node+a.Aligned+a.Neighbour > 0 { // else all still rests on the one trace
				r.Mode = "pair"
			}
			r.Alignment = append(r.Alignment, alignment(p))
		}
	}
	r.Warnings = append(r.Warnings, maps.unused(parts)...)
	for _, p := range parts {
		p.stages = stageNames(r, p)
		stages := p.stages
		var doubt []report.Doubt
		var host []int64
		var kernels []report.KernelRow
		var fuse, paths []report.FuseRow
		var overlaps []report.OverlapRow
		atOnce(
			func() { host = addIdle(r, p, stages) },
			func() {
				addStages(r, p, stages)
				addSteps(r, p, stages)
			},
			func() { kernels = kernelRows(p, stages) },
			func() { fuse = findingRows(p, stages, "fuse") },
			func() { overlaps = overlapRows(p, stages, r.Total) },
			func() { paths = findingRows(p, stages, "overlap") },
			func() { doubt = doubts(p) },
		)
		for i, st := range stageRows(r, stages) {
			if st != nil {
				st.StepHost += host[i]
			}
		}
		r.Doubts = append(r.Doubts, doubt...)
		r.Kernels = append(r.Kernels, kernels...)
		r.Fuse = append(r.Fuse, fuse...)
		r.OverlapPaths = append(r.OverlapPaths, paths...)
		r.Overlap = append(r.Overlap, overlaps...)
		if o.Per == PerLayer {
			addLayers(r, p, stages)
		}
	}
	slices.SortStableFunc(r.Stages, func(a, b report.Stage) int { return cmp.Compare(b.Time, a.Time) })
	pathsOf(r.Overlap, r.OverlapPaths)
	sortRows(r)
	labels(r)
	addRanks(r, parts, with)
	if !o.NoNotes {
		r.Notes = notes(parts)
	}
	if o.Timeline {
		r.Timeline = timeline(r, parts)
	}
	r.OverlapWhy = overlapWhy(r, parts)
	r.Conclusion, r.Headline = conclude(r), headline(r)
	return r
}

// atOnce does what does not depend on each other: each reads the part and writes its own rows.
func atOnce(do ...func()) { atonce.Do(len(do), func(i int) { do[i]() }) }

// traceInfo describes the file of a part, and before it its mapping trace if it has one.
func traceInfo(p *part) []report.Trace {
	if p.mapping == nil {
		return []report.Trace{fileInfo(p.trace, "trace")}
	}
	return []report.Trace{fileInfo(p.mapping, "mapping"), fileInfo(p.trace, "formal")}
}

func fileInfo(k *kineto.Trace, role string) report.Trace {
	t := report.Trace{Path: k.Path, Role: role, Bytes: k.Bytes, Events: k.Events, Skipped: k.Skipped, Stage: graph.StageFromPath(k.Path)}
	for _, d := range k.Damage {
		t.Damage = append(t.Damage, report.Hole{Offset: d.Offset, Msg: d.Msg})
	}
	return t
}

func alignment(p *part) report.Alignment {
	a := p.aligned
	out := report.Alignment{Mapping: p.mapping.Path, Formal: p.path, Replayed: a.Wanted, Node: a.Node, Aligned: a.Aligned, Neighbour: a.Neighbour,
		ReplayedTime: a.WantedTime, NodeTime: a.NodeTime, AlignedTime: a.AlignedTime, NeighbourTime: a.NeighbourTime}
	for _, l := range a.Left {
		out.Left = append(out.Left, report.Unaligned(l))
	}
	return out
}

func addRun(r *report.Run, p *part) {
	r.Framework = cmp.Or(r.Framework, p.run.Framework)
	r.Model = cmp.Or(r.Model, p.run.Model)
	r.GPU = cmp.Or(r.GPU, p.run.GPU)
	r.Vendor = cmp.Or(r.Vendor, p.run.Vendor)
	r.SM = cmp.Or(r.SM, int64(p.run.SM))
	r.World = cmp.Or(r.World, int64(p.run.World))
	r.TP = cmp.Or(r.TP, int64(p.run.TP))
	if r.Rank < 0 {
		r.Rank = p.trace.Meta.Rank
	}
}

// addLoad adds the devices of a part: the same device in two traces was profiled twice,
// and its spans add up.
func addLoad(r *report.Report, p *part) {
	for i := range p.times.Devices {
		d := &p.times.Devices[i]
		l := report.Load{Device: d.ID, Streams: len(d.Streams), Span: d.Span(), Busy: d.Busy, Idle: d.Idle(), Window: d.Window, WindowIdle: d.Window - d.WindowBusy}
		if i < len(r.Load) && r.Load[i].Device == d.ID {
			x := &r.Load[i]
			x.Streams, x.Span, x.Busy, x.Idle = max(x.Streams, l.Streams), x.Span+l.Span, x.Busy+l.Busy, x.Idle+l.Idle
			x.Window, x.WindowIdle = x.Window+l.Window, x.WindowIdle+l.WindowIdle
			continue
		}
		r.Load = append(r.Load, l)
	}
}

func addActivity(a *report.Activity, g *graph.Graph) {
	for i := range g.Kernels {
		switch k := &g.Kernels[i]; k.Kind {
		case kineto.Copy:
			a.Copies += k.Dur
		case kineto.Set:
			a.Sets += k.Dur
		default:
			a.Kernels += k.Dur
		}
	}
}

func addAttribution(a *report.Attribution, g *graph.Graph) {
	a.Launch += g.ByMethod[graph.Launch]
	a.Node += g.ByMethod[graph.Node]
	a.Aligned += g.ByMethod[graph.Aligned]
	a.Neighbour += g.ByMethod[graph.Neighbour]
	a.Replay += g.ByMethod[graph.Replay]
	a.None += g.ByMethod[graph.None]
	a.Ambiguous += g.Ambiguous
	a.Replays += len(g.Replays)
	for i := range g.Replays {
		a.Replayed += len(g.Replays[i].Kernels)
	}
	for i := range g.Kernels {
		if g.Kernels[i].Launch < 0 {
			a.NoLaunch++
		}
	}
}

// warnings say what was wrong with a trace, worst first.
func warnings(p *part) []string {
	var out []string
	for _, d := range p.trace.Damage {
		if d.Fatal {
			out = append(out, fmt.Sprintf("%s: byte %d: %s; the tables hold what was complete before", p.path, d.Offset, d.Msg))
		}
	}
	if n := len(p.trace.Damage); n > 0 && len(out) == 0 {
		d := p.trace.Damage[0]
		out = append(out, fmt.Sprintf("%s: byte %d: %s; %d events in all were skipped", p.path, d.Offset, d.Msg, p.trace.Skipped))
	}
	if n := p.graph.Ambiguous; n > 0 {
		out = append(out, fmt.Sprintf("%s: %d kernels share their correlation id with several launches and stay without a site", p.path, n))
	}
	if n := p.graph.Deep; n > 0 {
		out = append(out, fmt.Sprintf("%s: %d launches have stacks deeper than is kept; their innermost frames are missing", p.path, n))
	}
	return out
}

// stageNames gives the report's name of every stage of a part. Two traces of one report
// may both have kernels outside steps; the second one's are told apart by its number.
func stageNames(r *report.Report, p *part) []string {
	out := make([]string, len(p.graph.Stages))
	for i, s := range p.graph.Stages {
		if s == graph.StageOutside {
			s = "outside steps"
		}
		name := s
		for n := 2; slices.ContainsFunc(r.Stages, func(x report.Stage) bool { return x.Name == name }); n++ {
			name = fmt.Sprintf("%s (trace %d)", s, n)
		}
		out[i] = name
	}
	return out
}

func addStages(r *report.Report, p *part, names []string) {
	g := p.graph
	type tally struct {
		report.Stage
		fam    map[string]int64
		layers map[int]int
	}
	sum := make([]tally, len(g.Stages))
	for i := range sum {
		sum[i].Name = names[i]
		sum[i].fam, sum[i].layers = map[string]int64{}, map[int]int{}
	}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		s := &sum[k.Stage]
		s.Time += k.Dur
		s.Stage.Kernels++
		s.fam[p.found.Family[k.Sym]] += k.Dur
		s.Waiting += p.calls[int32(i)].Waiting
	}
	for i := range g.Steps {
		st := &g.Steps[i]
		if st.Kernels == 0 {
			continue
		}
		s := &sum[st.Stage]
		s.Steps++
		s.layers[int(st.Layers)]++
		if s.Example == "" {
			s.Example = p.trace.Names.Text(st.Name)
		}
	}
	for i := range sum {
		s := &sum[i]
		if s.Stage.Kernels == 0 {
			continue
		}
		s.Layers = mode(s.layers)
		for f, t := range s.fam {
			s.Families = append(s.Families, report.Family{Name: f, Time: t})
		}
		slices.SortFunc(s.Families, func(a, b report.Family) int {
			return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Name, b.Name))
		})
		r.Stages = append(r.Stages, s.Stage)
	}
}

// mode gives the most frequent key; of equals the largest.
func mode(m map[int]int) int {
	best, n := 0, 0
	for k, c := range m {
		if c > n || c == n && k > best {
			best, n = k, c
		}
	}
	return best
}

// sortRows puts the rows of all parts in order: most time first, then names.
func sortRows(r *report.Report) {
	slices.SortStableFunc(r.Kernels, func(a, b report.KernelRow) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Stage, b.Stage), strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(r.Fuse, func(a, b report.FuseRow) int {
		return cmp.Or(cmp.Compare(verdictOrder(a.Verdict), verdictOrder(b.Verdict)), cmp.Compare(b.Worked(), a.Worked()), cmp.Compare(b.Related(), a.Related()),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Stage, b.Stage))
	})
	slices.SortStableFunc(r.Overlap, func(a, b report.OverlapRow) int {
		return cmp.Or(cmp.Compare(b.Exposed, a.Exposed), cmp.Compare(b.Time, a.Time), strings.Compare(a.Symbol, b.Symbol), strings.Compare(a.Stage, b.Stage))
	})
}

// verdictOrder puts what can be acted on first.
func verdictOrder(v string) int {
	for i, s := range []string{"should-apply", "partial", "disabled", "in-flight", "upstream", "unsupported", "by-design"} {
		if s == v {
			return i
		}
	}
	return 9
}
