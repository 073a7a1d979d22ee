package symbol

import (
	"strconv"
	"strings"
)

var (
	tensileName  = pattern(`^(?:Custom_)?C[a-z]+_A([a-z]+)_B([a-z]+)_([A-Za-z0-9]+)(?:_([A-Za-z0-9]+))?`)
	tensileTile  = pattern(`_MT(\d+x\d+x\d+)`)
	tensileSplit = pattern(`_(?:GSU|SK)(\d+)(?:_|$)`)
)

// tensileTypes are Tensile's type letters, longest first. F8 is e4m3 and B8 e5m2; the N
// is their "nanoo" variant of gfx94x.
var tensileTypes = []struct{ code, dtype string }{
	{"4xi8", "i8"}, {"F8N", "f8e4m3"}, {"B8N", "f8e5m2"}, {"F8", "f8e4m3"}, {"B8", "f8e5m2"}, {"F4", "f4"}, {"I8", "i8"},
	{"B", "bf16"}, {"H", "f16"}, {"S", "f32"}, {"D", "f64"}, {"X", "tf32"}, {"I", "i32"}, {"C", ""}, {"Z", ""},
}

// readTensile reads rocBLAS' and hipBLASLt's Cijk_Alik_Bljk_BBS_BH_…_MT256x32x64_…: the
// problem's indices, its types (input, output, compute), B for a beta and H for high
// precision accumulation. Older names write types and flags together: SB, HBH.
func readTensile(s *Symbol, name string) bool {
	m := tensileName().FindStringSubmatch(name)
	if m == nil || !strings.HasPrefix(strings.TrimPrefix(name, "Custom_"), "Cij") {
		return false
	}
	s.Generator, s.Base = "tensile", "Cijk"
	// l is the summed index; an operand that has it first is transposed.
	if len(m[1]) >= 2 && len(m[2]) >= 2 {
		l := map[bool]string{true: "t", false: "n"}
		s.Layout = l[m[1][0] == 'l'] + l[m[2][0] != 'l']
	}
	types := m[3]
	if m[4] != "B" && m[4] != "BH" {
		types = strings.TrimSuffix(types, "H")
		if len(types) > 1 {
			types = strings.TrimSuffix(types, "B")
		}
	}
	s.DType, s.OutDType = tensileDTypes(types)
	if t := tensileTile().FindStringSubmatch(name); t != nil {
		s.Tile = t[1]
	}
	for _, k := range tensileSplit().FindAllStringSubmatch(name, -1) {
		if n, err := strconv.Atoi(k[1]); err == nil && n > 1 {
			s.SplitK = true
		}
	}
	return true
}

// tensileDTypes reads "BBS": one code is input and output, two are input and output and
// compute together, three are one each; four have two inputs.
func tensileDTypes(types string) (in, out string) {
	var got []string
	for rest := types; rest != ""; {
		found := false
		for _, t := range tensileTypes {
			if strings.HasPrefix(rest, t.code) {
				got, rest, found = append(got, t.dtype), rest[len(t.code):], true
				break
			}
		}
		if !found {
			return "", ""
		}
	}
	switch len(got) {
	case 1:
		return got[0], got[0]
	case 2, 3:
		return got[0], got[1]
	case 4:
		return operands(got[0], got[1]), got[2]
	}
	return "", ""
}
