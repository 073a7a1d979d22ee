package symbol

import (
	"strconv"
	"strings"
)

// matmulName is what triton_kernels' repr makes of its matmul: layouts and types of the
// output, the activations and the weights, the block with the split of K, and the name of
// the fused epilogue.
var matmulName = pattern(`^(_(?:p_)?matmul[a-z_]*?)_([NT])([NT])([NT])_([a-z0-9]+?)x((?:mx)?[a-z]+[0-9][a-z0-9]*?)x((?:mx)?[a-z]+[0-9][a-z0-9]*?)_(\d+x\d+x\d+)x(\d+)(?:_([a-z0-9_]+))?$`)

var tritonTypes = map[string]string{
	"bf16": "bf16", "fp16": "f16", "f16": "f16", "fp32": "f32", "f32": "f32", "mxfp4": "mxf4", "mxfp8": "mxf8",
	"fp8e4nv": "f8e4m3", "fp8e4b8": "f8e4m3", "fp8e5": "f8e5m2", "fp8e5b16": "f8e5m2", "i8": "i8", "u8": "u8",
}

// readTritonRepr reads kernels whose @triton.jit has a repr: triton_kernels' matmul, and
// aiter's <function>_<KEY>_<value>_<KEY>_<value>…. Any other Triton kernel is its bare
// function name, which an extern "C" kernel could have too, so only one that calls itself
// triton counts as one.
func readTritonRepr(s *Symbol, name string) bool {
	if m := matmulName().FindStringSubmatch(name); m != nil {
		s.Generator, s.Base, s.Tile = "triton", m[1], m[8]
		s.Layout = strings.ToLower(m[3] + m[4])
		s.OutDType = tritonTypes[m[5]]
		s.DType = operands(tritonTypes[m[6]], tritonTypes[m[7]])
		s.SplitK = m[9] != "1" && m[9] != "0"
		if m[10] != "acc" {
			s.Epilogue = strings.TrimPrefix(m[10], "acc_")
		}
		return true
	}
	if base, config := reprConfig(name); config != "" {
		s.Generator, s.Base = "triton", base
		s.readConfig(config)
		return true
	}
	for _, w := range strings.Split(name, "_") {
		if w == "triton" {
			s.Generator = "triton"
			return true
		}
	}
	return false
}

// reprConfig splits a repr of aiter into the function's name and its configuration, which
// is the longest tail of capitals and numbers; one that names no block is none.
func reprConfig(name string) (base, config string) {
	start := len(name)
	for end := len(name); end > 0; {
		i := strings.LastIndexByte(name[:end], '_')
		if i <= 0 || strings.ToUpper(name[i+1:end]) != name[i+1:end] || i+1 == end {
			break
		}
		if c := name[i+1]; end-i > 2 && c >= 'A' && c <= 'Z' {
			start = i // a key is a word of two letters or more
		}
		end = i
	}
	if start == len(name) || !reprBlock().MatchString(name[start:]) {
		return name, ""
	}
	return name[:start], name[start:]
}

var (
	reprBlock = pattern(`_BLOCK(?:_SIZE)?(?:_[A-Z]+)?_\d+`)
	reprTile  = pattern(`_BLOCK(?:_SIZE)?_([MNK])_(\d+)`)
	reprSplit = pattern(`_(?:NUM_KSPLIT|SPLIT_K|SPLITK|KSPLIT)_(\d+)`)
)

func (s *Symbol) readConfig(config string) {
	dims := map[string]string{}
	for _, m := range reprTile().FindAllStringSubmatch(config, -1) {
		dims[m[1]] = m[2]
	}
	if dims["M"] != "" && dims["N"] != "" && dims["K"] != "" {
		s.Tile = dims["M"] + "x" + dims["N"] + "x" + dims["K"]
	}
	if m := reprSplit().FindStringSubmatch(config); m != nil {
		n, err := strconv.Atoi(m[1])
		s.SplitK = err == nil && n > 1
	}
}
