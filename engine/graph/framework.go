package graph

import "strings"

// Framework names the serving framework that launched most of the GPU time: that of the
// outermost frame that belongs to one, since a framework calls into another's kernels
// but not the other way round. Without frames, the spelling of the step annotations and
// the namespaces of the custom ops tell. "" is unknown.
func (g *Graph) Framework() string {
	time := map[string]int64{}
	byStack := map[StackID]int64{}
	for i := range g.Classes {
		byStack[g.Classes[i].Py] += g.Classes[i].Time
	}
	for s, t := range byStack {
		if f := g.outermost(s); f != "" {
			time[f] += t + 1
		}
	}
	if f := most(time); f != "" {
		return f
	}
	for i := range g.Steps {
		name := g.Trace.Names.Text(g.Steps[i].Name)
		switch {
		case strings.HasPrefix(name, "step["):
			time["sglang"]++
		case strings.HasPrefix(name, "[Executor] "):
			time["tensorrt-llm"]++
		case strings.HasPrefix(name, "execute_"):
			time["vllm"]++
		}
	}
	if f := most(time); f != "" {
		return f
	}
	for i := range g.Classes {
		for s := g.Classes[i].Ops; s != 0; s = g.Ops.Parent(s) {
			e, _ := g.Ops.Top(s)
			ns, _, ok := strings.Cut(g.Trace.Names.Text(nameID(e)), "::")
			if !ok {
				continue
			}
			switch ns {
			case "sglang", "sgl_kernel":
				time["sglang"] += g.Classes[i].Time + 1
			case "vllm", "_C", "_moe_C", "_C_cache_ops":
				time["vllm"] += g.Classes[i].Time + 1
			case "trtllm", "auto_deploy":
				time["tensorrt-llm"] += g.Classes[i].Time + 1
			}
		}
	}
	return most(time)
}

func (g *Graph) outermost(s StackID) string {
	f := ""
	for ; s != 0; s = g.Py.Parent(s) {
		e, _ := g.Py.Top(s)
		if p := g.Frames.At(e).Package; p >= 0 && g.Frames.policy.Packages[p].Framework != "" {
			f = g.Frames.policy.Packages[p].Framework
		}
	}
	return f
}

// most gives the key with the largest value; of equals the first in order of the alphabet.
func most(m map[string]int64) string {
	best := ""
	for k, v := range m {
		if best == "" || v > m[best] || v == m[best] && k < best {
			best = k
		}
	}
	return best
}
