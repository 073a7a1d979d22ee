package symbol

import (
	"strings"
)

// xmmaName is the generated GEMM or convolution of cuBLAS and cuDNN up to 12:
// sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_…_execute_kernel__5x_cublas.
var xmmaName = pattern(`^sm\d+[a-z]?_(xmma_[a-z_]+?)_((?:bf16|tf32|f16|f32|f64|e4m3|e5m2|i8|u8|i32|c64|c128)+)_([a-z0-9_]+?)_tilesize(\d+x\d+x\d+)`)

var (
	xmmaType   = pattern(`^(bf16|tf32|f16|f32|f64|e4m3|e5m2|i8|u8|i32)`)
	xmmaLayout = pattern(`_([tn]{2})_[tn]$`)
)

// readXMMA takes the first of the types for the inputs. What the others stand for differs
// between versions, so the output type stays empty.
func readXMMA(s *Symbol, name string) bool {
	m := xmmaName().FindStringSubmatch(name)
	if m == nil {
		return false
	}
	s.Base, s.Tile, s.Generator = m[1], m[4], "cutlass"
	switch {
	case strings.Contains(name, "_cublas"):
		s.Generator = "cublas"
	case strings.Contains(name, "_cudnn"):
		s.Generator = "cudnn"
	}
	s.DType = xmmaType().FindString(m[2])
	if strings.HasPrefix(s.DType, "e") {
		s.DType = "f8" + s.DType
	}
	if l := xmmaLayout().FindStringSubmatch("_" + m[3]); l != nil {
		s.Layout = l[1]
	}
	s.SplitK = strings.Contains(name, "split_k") || strings.Contains(name, "splitK")
	return true
}

// legacyName are the older generated names: <arch>_[type_]<instruction>gemm_… of cuBLAS,
// <arch>_scudnn_… of cuDNN, cutlass_80_tensorop_… of both.
var legacyName = pattern(`^(cudnn_(?:infer_|train_)?)?(maxwell|pascal|volta|turing|ampere|ada|hopper|cutlass(?:_\d+)?(?:_tensorop|_wmma_tensorop|_simt)?)_` +
	`(?:(bf16|fp16|f16|tf32|fp32|int8|i8)_)?([a-z0-9]*(?:gemm|cudnn|fprop|dgrad|wgrad)(?:_[a-z]+)*?)_(?:([a-z0-9]+?)_)??(?:winograd_)?(\d+x\d+)(?:_(\d+)x\d+)?(?:_|$)`)

var legacyLayout = pattern(`_(nn|nt|tn|tt)(?:_|$)`)

// legacyPrecision are the letters before "gemm" and "cudnn" where they are the BLAS
// precision and nothing is between them; with an instruction's shape (s1688gemm) the
// letter is the accumulator's.
var legacyPrecision = map[string]string{"sgemm": "f32", "dgemm": "f64", "hgemm": "f16", "scudnn": "f32", "hcudnn": "f16"}

// readLegacyGEMM reads ampere_sgemm_32x32_sliced1x4_tn and its relatives.
func readLegacyGEMM(s *Symbol, name string) bool {
	m := legacyName().FindStringSubmatch(name)
	if m == nil {
		return false
	}
	cutlass := strings.HasPrefix(m[2], "cutlass")
	s.Base = m[4]
	switch {
	case m[1] != "" || strings.Contains(m[4], "cudnn"):
		s.Generator = "cudnn"
	case cutlass:
		s.Generator = "cutlass"
	default:
		s.Generator = "cublas"
	}
	s.Tile = m[6]
	if cutlass && m[7] != "" {
		s.Tile += "x" + m[7] // CUTLASS writes 128x64_32x3 for a K of 32 in 3 stages
	}
	for _, t := range []string{m[3], m[5]} {
		switch t {
		case "bf16", "f16", "tf32":
			s.DType = t
		case "fp16":
			s.DType = "f16"
		case "fp32":
			s.DType = "f32"
		case "int8", "i8":
			s.DType = "i8"
		}
		if s.DType != "" {
			break
		}
	}
	if s.DType == "" {
		s.DType = legacyPrecision[m[4]]
	}
	if s.DType == "" && strings.Contains(name, "_tf32_") {
		s.DType = "tf32"
	}
	if l := legacyLayout().FindStringSubmatch(name); l != nil {
		s.Layout = l[1]
	}
	s.SplitK = strings.Contains(name, "_splitK") || strings.Contains(name, "_split_k")
	return true
}
