package engine

import (
	"path"
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/rule"
)

// describe tells what is known of the run: from the trace, then from the server's own
// arguments, then from what the caller says.
func describe(o Options, p *part, args *serverArgs) rule.Run {
	m := &p.trace.Meta
	r := rule.Run{Framework: p.graph.Framework(), World: int(max(m.WorldSize, 0))}
	if o.Framework != "" {
		r.Framework = o.Framework
	}
	device := int64(-1)
	for i := range p.graph.Streams {
		device = int64(p.graph.Streams[i].Device)
		break
	}
	for _, d := range m.Devices {
		if r.GPU == "" || d.ID == device {
			r.GPU = d.Name
			r.SM = int(d.Major*10 + d.Minor)
		}
	}
	r.Vendor = vendor(p, r.GPU)
	if r.Vendor != "nvidia" {
		r.SM = 0
	}
	if args == nil {
		return r
	}
	r.ArgsKnown = true
	for _, k := range args.names() {
		r.SetArg(k, args.flat[k])
	}
	r.Model = args.first("served_model_name", "model_path", "model")
	if tp, err := strconv.Atoi(args.first("tp_size", "tensor_parallel_size", "tp")); err == nil {
		r.TP = tp
	}
	if strings.Contains(r.Model, "/") { // a path or a hub name: its last part is the model
		r.Model = path.Base(strings.TrimRight(r.Model, "/"))
	}
	return r
}

// vendor tells whose GPU it is: by its name, by the profiler's versions, else by the
// runtime calls.
func vendor(p *part, gpu string) string {
	switch {
	case strings.HasPrefix(gpu, "NVIDIA") || strings.HasPrefix(gpu, "Tesla"):
		return "nvidia"
	case strings.HasPrefix(gpu, "AMD") || p.trace.Meta.ROCm:
		return "amd"
	}
	for i := range p.trace.Launches {
		name := p.trace.Names.Text(p.trace.Launches[i].Name)
		switch {
		case strings.HasPrefix(name, "hip"):
			return "amd"
		case strings.HasPrefix(name, "cuda"), strings.HasPrefix(name, "cu"):
			return "nvidia"
		}
	}
	return ""
}
