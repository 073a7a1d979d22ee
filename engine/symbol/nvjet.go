package symbol

import (
	"strings"
)

// nvjetName is cuBLASLt's generated GEMM: the architecture in newer versions, the types,
// perhaps a family, the tile, and flags between underscores.
var nvjetName = pattern(`^nvjet_(?:sm\d+[a-z]?_)?([a-z]{3}|[a-z]{5})_(?:[a-z0-9]+_)*?(\d+x\d+(?:x\d+)?)(?:_|$)`)

// nvjetTypes are the letters of the type code. Three letters are the inputs, the
// accumulator and the output; five are A, B, C, the accumulator and the output. The
// letters are those of cuBLASLt's exported entry points (cublasLtTSTMatmul,
// cublasLtHSHMatmul, …): t is bf16, as BF16 is spelled nowhere there. tst is therefore
// bf16 in and out, whatever letters the layout has.
var nvjetTypes = map[byte]string{
	's': "f32", 'd': "f64", 'h': "f16", 't': "bf16", 'b': "i8", 'i': "i32", 'q': "f8e4m3", 'r': "f8e5m2", 'o': "f4",
}

// readNvjet reads nvjet_sm100_tst_64x16_64x16_2x1_2cta_v_bz_splitK_TNT. The letters "v",
// "h" and "bz" are not established and not read. The last part is the layout of A, B and
// (newer) the output.
func readNvjet(s *Symbol, name string) bool {
	m := nvjetName().FindStringSubmatch(name)
	if m == nil {
		if !strings.HasPrefix(name, "nvjet_") {
			return false
		}
		s.Generator, s.Base = "nvjet", "nvjet"
		return true
	}
	s.Generator, s.Base, s.Tile = "nvjet", "nvjet", m[2]
	code := m[1]
	a, b := nvjetTypes[code[0]], nvjetTypes[code[0]]
	if len(code) == 5 {
		b = nvjetTypes[code[1]]
	}
	for _, flag := range strings.Split(name, "_")[1:] {
		switch flag {
		case "tf32":
			a, b = "tf32", "tf32"
		case "splitK":
			s.SplitK = true
		case "Avec32UE8M0":
			a = scaled(a, "mx")
		case "Bvec32UE8M0":
			b = scaled(b, "mx")
		case "Avec16UE4M3":
			a = scaled(a, "nv")
		case "Bvec16UE4M3":
			b = scaled(b, "nv")
		case "bias", "relu", "gelu":
			s.Epilogue = flag
		case "relubias", "reluauxbias", "reluaux":
			s.Epilogue = "relu"
		case "gelubias", "geluauxbias", "geluaux":
			s.Epilogue = "gelu"
		}
	}
	s.DType, s.OutDType = operands(a, b), nvjetTypes[code[len(code)-1]]
	if last := name[strings.LastIndexByte(name, '_')+1:]; len(last) >= 2 && strings.Trim(last, "TN") == "" {
		s.Layout = strings.ToLower(last[:2])
	}
	return true
}

// scaled names a narrow float with a scale for each block: mxf8, mxf4, nvf4.
func scaled(dtype, scale string) string {
	switch {
	case strings.HasPrefix(dtype, "f8"):
		return scale + "f8"
	case dtype == "f4":
		return scale + "f4"
	}
	return dtype
}

// operands joins the types of a GEMM's two inputs; one that is not known makes the pair
// unknown.
func operands(a, b string) string {
	if a == "" || b == "" {
		return ""
	}
	if a == b {
		return a
	}
	return a + "x" + b
}
