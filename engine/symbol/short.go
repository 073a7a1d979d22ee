package symbol

import (
	"strings"
	"unicode"
)

const ellipsis = "…"

// Short is the label of a symbol in a table: the qualified base with what tells it from
// its siblings, at most width terminal cells wide, for any width of one or more; width
// below one gives "". The name itself is the label where it is a plain identifier and fits. Longer
// ones lose their inner namespaces, then all of them, then their middle. Characters that
// would move the cursor are shown as "?". Two symbols can still have the same label: it
// is for reading and not a key.
func Short(s *Symbol, width int) string {
	if width < 1 {
		return ""
	}
	best := ""
	for _, l := range labels(s) {
		if best = printable(l); cells(best) <= width {
			return best
		}
	}
	return cutMiddle(best, width)
}

// labels are the candidates for a label, the fullest first.
func labels(s *Symbol) []string {
	switch {
	case s.Generator == "memory":
		return []string{s.Raw, strings.TrimSpace(s.Base + " " + s.Kind)}
	case s.Generator == "aten" && s.Functor != "":
		return atenLabels(s)
	case s.Generator == "tensile":
		return []string{tensileLabel(s)}
	case s.Generator == "cutedsl":
		return []string{s.Base + angle(details(s), cuteShape(s)), s.Base + angle(details(s))}
	case s.Namespace == "" && s.Args == nil:
		full := s.Base
		if generated(s) {
			full = strings.TrimSuffix(s.Full, "("+s.Params+")")
		}
		if d := details(s); d != "" && (s.Generator == "trtllm-gen" || s.Generator == "nvjet") {
			if m := fmhaName().FindString(full); m != "" {
				return []string{full, s.Base + " " + types(s) + " " + full[len(m):]}
			}
			return []string{full, s.Base + " " + d}
		}
		return []string{full}
	}
	base := plain(s.Base)
	tail, compact := argsLabel(s.Args)
	if s.Functor != "" {
		tail = " " + plain(s.Functor)
		if len(s.Args) == 0 || s.Args[0] != s.Functor { // a generated name has it all
			tail += angle(details(s), marks(s))
		}
	}
	out := []string{qualify(s.Namespace, base) + tail}
	if parts := strings.Split(s.Namespace, "::"); len(parts) > 1 {
		out = append(out, qualify(parts[0]+"::"+ellipsis, base)+tail)
	}
	if s.Functor != "" && s.Generator != "" {
		// "kentry" and "Kernel" say less than what they run.
		return append(out, qualify(strings.Split(s.Namespace, "::")[0], strings.TrimPrefix(tail, " ")))
	}
	return append(out, base+tail, base+compact)
}

// argsLabel lists template arguments for reading, and once more in as few cells as can
// be, where nested templates are left out and the plain ones stay.
func argsLabel(args []string) (readable, compact string) {
	var long, short []string
	for _, a := range args {
		t := shortType(a)
		long = append(long, t)
		switch {
		case strings.ContainsAny(t, "<("):
			t = ellipsis
		case t == "true" || t == "false":
			t = t[:1]
		}
		short = append(short, t)
	}
	return angle(strings.Join(long, ", ")), angle(strings.Join(short, ","))
}

// marks are what tells two instances of a CK or CK-Tile class apart beside types and tile:
// enumerators other than 0 of CK-Tile's traits, and the element-wise functors.
func marks(s *Symbol) string {
	var out []string
	switch s.Generator {
	case "ck_tile":
		seen := map[string]bool{}
		for _, m := range traitEnum().FindAllStringSubmatch(strings.Join(s.Args, ","), -1) {
			if mark := m[1] + "=" + m[2]; !seen[mark] && len(out) < 3 {
				seen[mark] = true
				out = append(out, mark)
			}
		}
	case "ck":
		if len(s.Args) == 0 || len(s.Args[0]) > maxPayload {
			break
		}
		path, _ := splitPath(s.Args[0], 0)
		for _, a := range splitArgs(path[len(path)-1].args) {
			if strings.Trim(a, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && a[0] >= 'A' && a[0] <= 'Z' && len(out) < 2 {
				out = append(out, a)
			}
		}
	}
	return strings.Join(out, " ")
}

// generated tells names of which Base is a part only.
func generated(s *Symbol) bool {
	return s.Generator != "" && s.Base != s.Full
}

// atenLabels name PyTorch's wrappers by their functor; the kind of loop comes last.
func atenLabels(s *Symbol) []string {
	name := strings.TrimPrefix(strings.TrimPrefix(s.Functor, "CUDAFunctorOnSelf_"), "CUDAFunctor_")
	if strings.HasPrefix(s.Functor, "CUDAFunctorOnSelf_") {
		name += "_self"
	}
	for _, suffix := range []string{"_impl", "_cuda", "_kernel", "Functor"} {
		if t := strings.TrimSuffix(name, suffix); t != "" {
			name = t
		}
	}
	label := name + angle(s.DType)
	loop := ""
	switch {
	case strings.HasPrefix(s.Base, "vectorized_") && len(s.Args) > 0:
		loop = " vec" + s.Args[0]
	case strings.HasPrefix(s.Base, "unrolled_"):
		loop = " unrolled"
	case strings.HasSuffix(s.Base, "_manual_unroll"):
		loop = " unroll"
		if len(s.Args) > 1 {
			loop += s.Args[1]
		}
	case s.Base == "multi_tensor_apply_kernel":
		loop = " multi_tensor"
	}
	return []string{"at::native " + label + loop, "at::native " + label, label}
}

func tensileLabel(s *Symbol) string {
	parts := []string{"Cijk"}
	if m := tensileName().FindStringSubmatch(s.Full); m != nil {
		parts = append(parts, "A"+m[1]+"_B"+m[2])
	}
	parts = append(parts, types(s))
	if s.Tile != "" {
		parts = append(parts, "MT"+s.Tile)
	}
	if s.SplitK {
		parts = append(parts, "splitK")
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// cuteShape is the layout in the first tensor argument, which holds the hidden size.
func cuteShape(s *Symbol) string {
	for _, a := range s.Args {
		if i := strings.LastIndexByte(a, 'o'); i > 0 && number(a[i+1:]) && strings.HasPrefix(a, "tensorptr") {
			return a[i:]
		}
	}
	return ""
}

// details are the fields that tell two kernels of a generator apart.
func details(s *Symbol) string {
	split := ""
	if s.SplitK {
		split = "splitK"
	}
	return strings.Join(strings.Fields(strings.Join([]string{types(s), s.Layout, s.Tile, split, s.Epilogue, s.Kind}, " ")), " ")
}

// types is "bf16", or "f8e4m3>bf16" where the output differs.
func types(s *Symbol) string {
	if s.OutDType != "" && s.OutDType != s.DType {
		return s.DType + ">" + s.OutDType
	}
	return s.DType
}

func angle(parts ...string) string {
	if joined := strings.TrimSpace(strings.Join(parts, " ")); joined != "" {
		return " <" + joined + ">"
	}
	return ""
}

func qualify(namespace, base string) string {
	if namespace == "" {
		return base
	}
	return namespace + "::" + base
}

// plain takes off the word that all kernels could end with.
func plain(base string) string {
	if t := strings.TrimSuffix(base, "_kernel"); strings.Trim(t, "_") != "" {
		return t
	}
	return base
}

var (
	qualifier = pattern(`(?:\(anonymous namespace\)::|<unnamed>::|[A-Za-z_]\w*::)+`)
	typeName  = pattern(`(?:unsigned |signed )?[A-Za-z_]\w*(?: long)?`)
	enumCast  = pattern(`\([A-Za-z_]\w*\)(-?\d)`)
	traitEnum = pattern(`\(ck_tile::(?:Block)?(\w+?)(?:Enum)?\)([1-9]\d*)`)
	suffixed  = pattern(`\b(\d+)(?:ull|ul|ll|u|l)\b`)
)

// maxShort is how much of a template argument is looked at for a label.
const maxShort = 512

// shortType is a template argument for reading: without namespaces, with the short names
// of scalars, an enumerator as its number.
func shortType(arg string) string {
	if len(arg) > maxShort {
		arg = arg[:maxShort] + ellipsis
	}
	arg = qualifier().ReplaceAllString(arg, "")
	arg = typeName().ReplaceAllStringFunc(arg, func(t string) string {
		if d := scalars[t]; d != "" {
			return d
		}
		return t
	})
	arg = enumCast().ReplaceAllString(arg, "$1")
	arg = suffixed().ReplaceAllString(arg, "$1")
	return strings.ReplaceAll(arg, "> >", ">>")
}

// printable replaces control characters, which could drive the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// cells is the width of a printable text on a terminal.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells is 0 for a combining mark, 2 for the wide characters of East Asia and emoji
// (Unicode's EastAsianWidth W and F, in blocks), else 1.
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f900 && r <= 0x1f9ff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cutMiddle takes the middle out of a text that is too wide; the beginning, which names
// the kernel, keeps a little more than the end, which tells it from its siblings.
func cutMiddle(s string, width int) string {
	if cells(s) <= width {
		return s
	}
	r := []rune(s)
	room := width - 1
	head, used := 0, 0
	for head < len(r) && used+runeCells(r[head]) <= (room*11+19)/20 {
		used += runeCells(r[head])
		head++
	}
	tail := len(r)
	for tail > head && used+runeCells(r[tail-1]) <= room {
		used += runeCells(r[tail-1])
		tail--
	}
	for tail < len(r) && runeCells(r[tail]) == 0 {
		tail++ // a mark without its letter
	}
	return string(r[:head]) + ellipsis + string(r[tail:])
}
