package symbol

import (
	"strings"
)

var (
	cuteTensor = pattern(`^tensorptr(.+?)gmem`)
	cuteTypes  = map[string]string{
		"f64": "f64", "f32": "f32", "tf32": "tf32", "bf16": "bf16", "f16": "f16", "i8": "i8", "i32": "i32", "i64": "i64", "u8": "u8",
		"f8E4M3FN": "f8e4m3", "f8E5M2": "f8e5m2", "f4E2M1FN": "f4",
	}
)

// readCuteDSL reads the name that CUTLASS' Python DSL makes of a method's call:
// kernel_cutlass_<method>_<module><Class>_object_at__<arguments>_<n>, with every dot and
// bracket taken out. Python modules are lower case, so the class starts at the first
// capital; only the method "kernel" can be told from the module that follows it.
func readCuteDSL(s *Symbol, name string) bool {
	rest, ok := strings.CutPrefix(name, "kernel_cutlass_")
	if !ok {
		return false
	}
	s.Generator = "cutedsl"
	object, args, isMethod := strings.Cut(rest, "_object_at_")
	if !isMethod {
		// A plain function: its name ends where the first argument starts.
		if i := strings.Index(rest, "_tensorptr"); i > 0 {
			rest, args = rest[:i], rest[i:]
		}
		s.Base = rest
	} else {
		object, plain := strings.CutPrefix(object, "kernel_")
		class := strings.IndexFunc(object, func(r rune) bool { return r >= 'A' && r <= 'Z' })
		if class < 0 {
			class = 0
		}
		s.Base = object[class:]
		if plain {
			s.Module = object[:class]
		}
	}
	if s.Base == "" {
		s.Base = name
	}
	for _, a := range strings.Split(args, "_") {
		if a == "" {
			continue
		}
		s.Args = append(s.Args, a)
		if m := cuteTensor().FindStringSubmatch(a); m != nil && s.DType == "" {
			s.DType = cuteTypes[m[1]]
		}
	}
	return true
}
