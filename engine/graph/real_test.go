package graph

import (
	"context"
	"testing"

	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/internal/realtrace"
)

func TestRealTraces(t *testing.T) {
	for _, name := range realtrace.Names() {
		t.Run(name, func(t *testing.T) {
			tr, err := kineto.Open(context.Background(), realtrace.Path(t, name), kineto.Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			g := Build(tr, Options{Sites: testPolicy, Stage: StageFromPath(name)})
			if want, ok := realtrace.GPUTime()[name]; ok && g.Total != want {
				t.Errorf("GPU time %d ns, want %d", g.Total, want)
			}
			var sum int64
			for _, ns := range g.ByMethod {
				sum += ns
			}
			if sum != g.Total {
				t.Errorf("the methods add up to %d ns of %d", sum, g.Total)
			}
			t.Logf("%d kernels, %d streams, %d classes, %d replays, %d steps, stages %v, framework %q, by method %v",
				len(g.Kernels), len(g.Streams), len(g.Classes), len(g.Replays), len(g.Steps), g.Stages, g.Framework(), g.ByMethod)
			for i, s := range g.Steps {
				if i < 3 {
					t.Logf("step %s: stage %s, %d kernels, %d layers", tr.Names.Text(s.Name), g.Stages[s.Stage], s.Kernels, s.Layers)
				}
			}
		})
	}
}

var testPolicy = Policy{
	Packages: []Package{
		{Name: "sglang", Prefix: "python/sglang", Framework: "sglang"},
		{Name: "vllm", Prefix: "vllm", Framework: "vllm"},
		{Name: "sgl_kernel", Prefix: "sgl-kernel/python/sgl_kernel"},
		{Name: "aiter", Prefix: "aiter"},
		{Name: "flashinfer", Prefix: "flashinfer"},
	},
	Wrappers: []Wrapper{{Path: "python/sglang/srt/layers/utils/multi_platform.py"}, {Path: "aiter/jit/core.py", Func: "wrapper"}},
	Foreign:  []string{"torch", "triton", "threading.py"},
}
