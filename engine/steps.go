package engine

import (
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/outlier"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// addSteps adds, to the stages of a part, how long their steps lasted, how much of that the
// device was idle, and the steps that stand out. How much the host held up is addIdle's to tell.
func addSteps(r *report.Report, p *part, names []string) {
	g := p.graph
	if len(g.Steps) == 0 {
		return
	}
	spans := outlier.Spans(g, p.times)
	of := stageRows(r, names)
	stepped := map[*report.Stage]int64{}
	for i := range g.Steps {
		if st := of[g.Steps[i].Stage]; st != nil && g.Steps[i].Kernels > 0 {
			st.StepSpan += spans[i].Dur()
			st.StepIdle += spans[i].Idle
			stepped[st] += g.Steps[i].Time
		}
	}
	for st, time := range stepped {
		st.Unstepped = st.Time - time
	}
	for _, o := range outlier.Find(g, spans) {
		st := of[g.Steps[o.Step].Stage]
		if st == nil {
			continue
		}
		x := report.OutlierStep{Name: g.Trace.Names.Text(g.Steps[o.Step].Name), At: o.Place, Of: o.Of, Peers: o.Peers, Span: o.Span, SpanMedian: o.SpanMedian,
			Time: o.GPU, TimeMedian: o.GPUMedian, By: "gpu time", WhatTime: o.Most.Time, WhatMedian: o.Most.Median}
		if o.BySpan {
			x.By = "span"
		}
		switch s := o.Most.Sym; {
		case o.Most.Idle:
			x.What = "idle"
		case s >= 0:
			x.What, x.Symbol = symbol.Short(&g.Symbols[s], labelWidth), g.Symbols[s].Qualified()
			x.Collective = p.found.Family[s] == "communication"
		}
		st.Outliers = append(st.Outliers, x)
	}
}

// stageRows gives the report's row of every stage of a part; nil where it has none.
func stageRows(r *report.Report, names []string) []*report.Stage {
	of := make([]*report.Stage, len(names))
	for i := range names {
		for j := range r.Stages {
			if r.Stages[j].Name == names[i] {
				of[i] = &r.Stages[j]
			}
		}
	}
	return of
}

// perLayer sums the kernels of a part by where in a step's layers they stand.
func perLayer(p *part) (stages map[graph.StageID]*report.LayerCounts, kernels map[layerKey]*report.KernelLayers) {
	g := p.graph
	stages, kernels = map[graph.StageID]*report.LayerCounts{}, map[layerKey]*report.KernelLayers{}
	for i := range g.Steps {
		s := &g.Steps[i]
		if s.Kernels == 0 || s.Layers < 2 {
			continue
		}
		c := stages[s.Stage]
		if c == nil {
			c = &report.LayerCounts{}
			stages[s.Stage] = c
		}
		c.First++
		c.Last++
		c.Inner += int(s.Layers) - 2
	}
	for i := range g.Kernels {
		k := &g.Kernels[i]
		if stages[k.Stage] == nil {
			continue
		}
		id := layerKey{k.Stage, k.Sym}
		l := kernels[id]
		if l == nil {
			l = &report.KernelLayers{}
			kernels[id] = l
		}
		x := &l.Outside
		if k.Step >= 0 && k.Layer >= 0 {
			switch k.Layer {
			case 0:
				x = &l.First
			case g.Steps[k.Step].Layers - 1:
				x = &l.Last
			default:
				x = &l.Inner
			}
		}
		x.Time += k.Dur
		x.Launches++
	}
	return stages, kernels
}

type layerKey struct {
	stage graph.StageID
	sym   graph.SymID
}
