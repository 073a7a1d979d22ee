package symbol

import (
	"strings"
)

const trtTypes = `(MxE2m1|MxE4m3|MxE5m2|MxInt4|Bfloat16|Fp16|Fp32|E2m1|E4m3|E5m2|Int8)`

var (
	bmmName  = pattern(`^([Bb]mm|[Gg]emm|[Gg]emmGatedAct)_` + trtTypes + `_` + trtTypes + trtTypes + `?_Fp32_(?:.*?_)?t(\d+x\d+x\d+)(?:u\d+)?(?:_|$)`)
	fmhaName = pattern(`^fmhaSm\d+[a-z]?(?:x\d+)?Kernel_(?:Qkv` + trtTypes + `|Q` + trtTypes + `Kv` + trtTypes + `)O` + trtTypes)
	fmhaTile = pattern(`Q(\d+)Kv(\d+)`)
)

var trtDTypes = map[string]string{
	"MxE2m1": "mxf4", "MxE4m3": "mxf8", "MxE5m2": "mxf8", "MxInt4": "i4", "Bfloat16": "bf16", "Fp16": "f16", "Fp32": "f32",
	"E2m1": "nvf4", "E4m3": "f8e4m3", "E5m2": "f8e5m2", "Int8": "i8",
}

// trtEpilogues are the fused activations, before the bias, which may come with them.
var trtEpilogues = map[string]string{
	"swiGlu": "swiglu", "geGlu": "geglu", "siTuGlu": "situglu", "gelu": "gelu", "relu2": "relu2", "relu": "relu", "silu": "silu",
}

// readTRTLLM reads the kernels of TensorRT-LLM's generator, which FlashInfer ships too:
// bmm_<C>_<A><B>_<accumulator>_t<tile>_… and fmhaSm100aKernel_Qkv<T>O<T>H128…. A plain
// E2m1 is NVFP4, whose scale the generator does not write down. bmm is a grouped GEMM; it
// and gemm keep apart in Base.
func readTRTLLM(s *Symbol, name string) bool {
	if m := fmhaName().FindStringSubmatch(name); m != nil {
		s.Generator, s.Base = "trtllm-gen", "fmha"
		if s.DType = trtDTypes[m[1]]; m[1] == "" {
			s.DType = operands(trtDTypes[m[2]], trtDTypes[m[3]])
		}
		s.OutDType = trtDTypes[m[4]]
		rest := name[len(m[0]):]
		if t := fmhaTile().FindStringSubmatch(rest); t != nil {
			s.Tile = t[1] + "x" + t[2]
		}
		switch {
		case strings.HasSuffix(rest, "Context"):
			s.Kind = "context"
		case strings.HasSuffix(rest, "ForGen"):
			s.Kind = "gen"
		}
		return true
	}
	m := bmmName().FindStringSubmatch(name)
	if m == nil {
		return false
	}
	s.Generator, s.Base, s.Tile = "trtllm-gen", strings.ToLower(m[1][:1])+m[1][1:], m[5]
	s.OutDType = trtDTypes[m[2]]
	if s.DType = trtDTypes[m[3]]; m[4] != "" {
		s.DType = operands(trtDTypes[m[3]], trtDTypes[m[4]])
	}
	bias := false
	for _, flag := range strings.Split(name[len(m[0]):], "_") {
		if e := trtEpilogues[flag]; e != "" && s.Epilogue == "" {
			s.Epilogue = e
		}
		bias = bias || strings.HasPrefix(flag, "bias")
		n := strings.TrimPrefix(flag, "splitK")
		s.SplitK = s.SplitK || n != flag && number(n) && n != "1" && n != "0"
	}
	if s.Epilogue == "" && bias {
		s.Epilogue = "bias"
	}
	return true
}
