package engine

import "github.com/sgrules/sgrules/engine/report"

// What the kernel tables can be read by.
const (
	PerRun   = "run"
	PerStep  = "step"
	PerLayer = "layer"
)

// addLayers divides the kernel rows of a part by place in the layers of their steps.
func addLayers(r *report.Report, p *part, names []string) {
	type key struct{ stage, name string }
	counts, kernels := perLayer(p)
	rows := make(map[key]*report.KernelLayers, len(kernels))
	for k, l := range kernels {
		rows[key{names[k.stage], p.graph.Symbols[k.sym].Raw}] = l
	}
	for i := range r.Kernels {
		k := &r.Kernels[i]
		if l := rows[key{k.Stage, k.Name}]; l != nil {
			k.Layers = l
		}
	}
	for stage, c := range counts {
		for j := range r.Stages {
			if r.Stages[j].Name == names[stage] {
				r.Stages[j].LayerCounts = c
			}
		}
	}
}
