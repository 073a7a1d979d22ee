package match

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// Describe tells what a trace itself says of its run: framework, vendor, GPU and number of
// ranks. The arguments, the model and the stage stay unknown.
func Describe(g *graph.Graph) rule.Run {
	m := &g.Trace.Meta
	r := rule.Run{Framework: g.Framework(), World: int(max(m.WorldSize, 0))}
	device := int64(-1)
	if len(g.Streams) > 0 {
		device = int64(g.Streams[0].Device)
	}
	for _, d := range m.Devices {
		if r.GPU == "" || d.ID == device {
			r.GPU = d.Name
			r.SM = int(d.Major*10 + d.Minor)
		}
	}
	r.Vendor = vendor(g, r.GPU)
	if r.Vendor != "nvidia" {
		r.SM = 0
	}
	return r
}

// vendor tells whose GPU it is: by its name, by the profiler's versions, else by the
// runtime calls.
func vendor(g *graph.Graph, gpu string) string {
	switch {
	case strings.HasPrefix(gpu, "NVIDIA") || strings.HasPrefix(gpu, "Tesla"):
		return "nvidia"
	case strings.HasPrefix(gpu, "AMD") || g.Trace.Meta.ROCm:
		return "amd"
	}
	for i := range g.Trace.Launches {
		name := g.Trace.Names.Text(g.Trace.Launches[i].Name)
		switch {
		case strings.HasPrefix(name, "hip"):
			return "amd"
		case strings.HasPrefix(name, "cuda"), strings.HasPrefix(name, "cu"):
			return "nvidia"
		}
	}
	return ""
}

// SetArgs tells a run all arguments of its server, and with them the model and the number
// of tensor-parallel ranks where the arguments name them.
func SetArgs(r *rule.Run, args map[string]string) {
	names := make([]string, 0, len(args))
	for k := range args {
		names = append(names, k)
	}
	slices.Sort(names) // two spellings of one argument: the last one counts, always the same
	r.ArgsKnown = true
	for _, k := range names {
		r.SetArg(k, args[k])
	}
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := strings.TrimSpace(r.Args[k]); v != "" {
				return v
			}
		}
		return ""
	}
	r.Model = first("served_model_name", "model_path", "model")
	if strings.Contains(r.Model, "/") { // a path or a hub name: its last part is the model
		r.Model = path.Base(strings.TrimRight(r.Model, "/"))
	}
	if tp, err := strconv.Atoi(first("tp_size", "tensor_parallel_size", "tp")); err == nil {
		r.TP = tp
	}
}
