package symbol

import "strings"

// scalars maps the last part of a scalar type's name, as C++ demanglers, CUTLASS, CK,
// Triton and the libraries spell it, to the short name of DType.
var scalars = map[string]string{
	"double": "f64", "float": "f32", "half": "f16", "__half": "f16", "Half": "f16", "_Float16": "f16", "half_t": "f16",
	"__nv_bfloat16": "bf16", "nv_bfloat16": "bf16", "__hip_bfloat16": "bf16", "hip_bfloat16": "bf16", "BFloat16": "bf16",
	"bfloat16_t": "bf16", "__bf16": "bf16", "bf16_t": "bf16", "bhalf_t": "bf16", "bfloat16": "bf16",
	"tfloat32_t":    "tf32",
	"__nv_fp8_e4m3": "f8e4m3", "__hip_fp8_e4m3": "f8e4m3", "__hip_fp8_e4m3_fnuz": "f8e4m3", "float_e4m3_t": "f8e4m3",
	"Float8_e4m3fn": "f8e4m3", "Float8_e4m3fnuz": "f8e4m3", "fp8_t": "f8", "f8_t": "f8",
	"__nv_fp8_e5m2": "f8e5m2", "__hip_fp8_e5m2": "f8e5m2", "__hip_fp8_e5m2_fnuz": "f8e5m2", "float_e5m2_t": "f8e5m2",
	"Float8_e5m2": "f8e5m2", "Float8_e5m2fnuz": "f8e5m2", "bf8_t": "f8e5m2",
	"__nv_fp4_e2m1": "f4", "float_e2m1_t": "f4", "Float4_e2m1fn_x2": "f4", "__nv_fp4x2_e2m1": "f4",
	"nv_float4_t": "nvf4", "mx_float4_t": "mxf4", "mx_float8_t": "mxf8",
	"bool": "bool", "char": "i8", "signed char": "i8", "int8_t": "i8", "unsigned char": "u8", "uint8_t": "u8",
	"short": "i16", "int16_t": "i16", "unsigned short": "u16", "uint16_t": "u16",
	"int": "i32", "int32_t": "i32", "unsigned int": "u32", "uint32_t": "u32",
	"long": "i64", "long long": "i64", "int64_t": "i64",
	"unsigned long": "u64", "unsigned long long": "u64", "uint64_t": "u64",
}

// scalarOf returns the DType of a type's text: "c10::BFloat16 const*" is bf16; "" where it
// is no scalar, a pointer to one or a reference to one.
func scalarOf(text string) string {
	t := strings.TrimSpace(text)
	for {
		cut := strings.TrimRight(t, "*& ")
		cut = strings.TrimSuffix(cut, " const")
		cut = strings.TrimSuffix(cut, " __restrict__")
		cut = strings.TrimSuffix(cut, " restrict")
		cut = strings.TrimPrefix(cut, "const ")
		if cut == t {
			break
		}
		t = cut
	}
	if i := strings.IndexByte(t, '<'); i >= 0 {
		// Only the block-scaled types of CUTLASS have an argument.
		if t = t[:i]; !strings.HasSuffix(t, "_t") {
			return ""
		}
	}
	if i := strings.LastIndex(t, "::"); i >= 0 {
		t = t[i+2:]
	}
	return scalars[t]
}

// floating tells the types that a kernel computes with from those that it counts with.
func floating(dtype string) bool {
	return strings.Contains(dtype, "f") // the integers and bool have none
}

// literals are the casts that some demanglers write before a literal and others as a
// suffix or not at all.
var literals = map[string]string{
	"int": "", "unsigned int": "u", "long": "l", "unsigned long": "ul", "long long": "ll", "unsigned long long": "ull",
}

// normalizeArg brings a template argument to the spelling that GCC's demangler uses.
func normalizeArg(arg string) string {
	if strings.HasPrefix(arg, "(") {
		if end := closing(arg, 0); end+1 < len(arg) {
			cast, value := arg[1:end], arg[end+1:]
			suffix, known := literals[cast]
			switch {
			case known && number(value):
				return value + suffix
			case cast == "bool" && value == "1":
				return "true"
			case cast == "bool" && value == "0":
				return "false"
			}
		}
	}
	if !strings.Contains(arg, ">>") || strings.Contains(arg, "operator>") || strings.Contains(arg, "(") {
		return arg // in parentheses it may be a shift
	}
	for strings.Contains(arg, ">>") {
		arg = strings.ReplaceAll(arg, ">>", "> >")
	}
	return arg
}

func number(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// templateDType reads the input type off a template's arguments; see Symbol.DType. An
// integer type further back than the first argument is mostly that of an index.
func templateDType(args []string) string {
	first, float, several := "", "", false
	for i, a := range args {
		d := scalarOf(a)
		if d == "" || strings.HasSuffix(a, "*") {
			continue
		}
		if first == "" {
			if first = d; i > 0 && !floating(d) {
				first = "index"
			}
		}
		if floating(d) {
			several = several || float != "" && d != float
			if float == "" {
				float = d
			}
		}
	}
	switch {
	case float != "" && (!several || first == float):
		return float
	case float == "" && first != "index":
		return first
	}
	return ""
}

// leafFloat returns the DType of the first scalar in a nested template, depth first, where
// that is a floating type.
func leafFloat(text string, depth int) string {
	for _, a := range splitArgs(text) {
		d := scalarOf(a)
		if d == "" && depth > 0 {
			if path, _ := splitPath(a, 0); len(path) > 0 {
				d = leafScalar(path[len(path)-1].args, depth-1)
			}
		}
		if d != "" {
			if floating(d) {
				return d
			}
			return ""
		}
	}
	return ""
}

func leafScalar(text string, depth int) string {
	for _, a := range splitArgs(text) {
		if d := scalarOf(a); d != "" {
			return d
		}
		if depth > 0 {
			if path, _ := splitPath(a, 0); len(path) > 0 {
				if d := leafScalar(path[len(path)-1].args, depth-1); d != "" {
					return d
				}
			}
		}
	}
	return ""
}
