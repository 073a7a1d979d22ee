package graph

import "testing"

func TestFrames(t *testing.T) {
	f := newFrames(testPolicy)
	for _, c := range []struct {
		name, path, fn string
		line, pkg      int
		foreign        bool
	}{
		{"/sgl-workspace/sglang/python/sglang/srt/models/utils.py(416): apply_qk_norm", "python/sglang/srt/models/utils.py", "apply_qk_norm", 416, 0, false},
		{"sglang/srt/layers/activation.py(83): forward_cuda", "python/sglang/srt/layers/activation.py", "forward_cuda", 83, 0, false},
		{"/usr/lib/python3.12/site-packages/sglang/srt/x.py(1): f", "python/sglang/srt/x.py", "f", 1, 0, false},
		{"/home/vllm/sglang/python/sglang/srt/x.py(1): f", "python/sglang/srt/x.py", "f", 1, 0, false},
		{"/src/vllm/vllm/v1/worker/gpu_worker.py(9): g", "vllm/v1/worker/gpu_worker.py", "g", 9, 1, false},
		{"/opt/venv/lib/python3.12/dist-packages/vllm/_custom_ops.py(9): g", "vllm/_custom_ops.py", "g", 9, 1, false},
		{"/sgl-workspace/aiter/aiter/ops/rmsnorm.py(62): rmsnorm2d_fwd", "aiter/ops/rmsnorm.py", "rmsnorm2d_fwd", 62, 3, false},
		{"sgl_kernel/elementwise.py(258): silu_and_mul", "sgl-kernel/python/sgl_kernel/elementwise.py", "silu_and_mul", 258, 2, false},
		{"torch/nn/modules/module.py(1779): _call_impl", "torch/nn/modules/module.py", "_call_impl", 1779, -1, true},
		{"/usr/lib/site-packages/torch/_ops.py(840): __call__", "torch/_ops.py", "__call__", 840, -1, true},
		{"/sgl-workspace/triton-custom/python/triton/runtime/jit.py(370): <lambda>", "/sgl-workspace/triton-custom/python/triton/runtime/jit.py", "<lambda>", 370, -1, true},
		{"threading.py(1032): _bootstrap", "threading.py", "_bootstrap", 1032, -1, true},
		{"/home/me/train.py(3): main", "/home/me/train.py", "main", 3, -1, false},
		{"<built-in method linear of type object at 0x7f>", "", "<built-in method linear of type object at 0x7f>", 0, -1, true},
		{"odd(name): x", "", "odd(name): x", 0, -1, true},
		{"(5): x", "", "(5): x", 0, -1, true},
		{"x.py(99999999999999999999): f", "", "x.py(99999999999999999999): f", 0, -1, true},
		{"", "", "", 0, -1, true},
	} {
		got := f.parse(c.name)
		if got.Path != c.path || got.Func != c.fn || got.Line != c.line || got.Package != c.pkg || got.Foreign != c.foreign {
			t.Errorf("%q: got %+v", c.name, got)
		}
	}
	if got := f.parse("nn.Module: Qwen3Attention_12"); got.Module != "Qwen3Attention" || got.Path != "" {
		t.Errorf("module scope: %+v", got)
	}
	if got := f.parse("nn.Module: Odd_Name"); got.Module != "Odd_Name" {
		t.Errorf("module scope without a number: %+v", got)
	}
}

// TestFramesBelowSrc has checkouts that keep their package below src/.
func TestFramesBelowSrc(t *testing.T) {
	f := newFrames(Policy{Packages: []Package{{Name: "transformers", Prefix: "src/transformers"}, {Name: "diffusers", Prefix: "src/diffusers"}}})
	for name, path := range map[string]string{
		"/home/me/transformers/src/transformers/models/qwen2/modeling_qwen2.py(9): forward":             "src/transformers/models/qwen2/modeling_qwen2.py",
		"/usr/lib/python3/dist-packages/transformers/models/qwen2/modeling_qwen2.py(9): forward":        "src/transformers/models/qwen2/modeling_qwen2.py",
		"/home/me/diffusers/src/diffusers/models/transformers/transformer_wan.py(4): forward":           "src/diffusers/models/transformers/transformer_wan.py",
		"/usr/lib/python3/dist-packages/diffusers/models/transformers/transformer_flux.py(4): forward":  "src/diffusers/models/transformers/transformer_flux.py",
		"/srv/transformers/jobs/diffusers/src/diffusers/pipelines/flux/pipeline_flux.py(640): __call__": "src/diffusers/pipelines/flux/pipeline_flux.py",
	} {
		if got := f.parse(name); got.Path != path {
			t.Errorf("%q is %q, want %q", name, got.Path, path)
		}
	}
}
