package symbol

import (
	"strconv"
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// Limits of what is given to the demangler. It recurses once per level of the mangled
// name and searches the whole stack of what it prints, so its cost grows with the square
// of the length; two constructs cost far more and are counted below. The longest kernel
// names of CUTLASS and CK are under eight KiB.
const (
	maxMangled   = 1 << 14
	maxDemangled = 18 // a power of two: 256 KiB of text
	maxCasts     = 2
	maxPacks     = 16
	maxPackBytes = 1 << 10
)

// demangled returns the C++ text of an Itanium-mangled name, or false where it is none or
// too costly.
func demangled(name string) (text string, ok bool) {
	if len(name) > maxMangled || !cheap(name) {
		return "", false
	}
	// The limits above are what bounds time and memory; they do not need this. The
	// demangler turns its syntax errors into an error and panics on its own internal
	// errors, and a name out of somebody's trace must not end the program.
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	text, err := demangle.ToString(name, demangle.NoRust, demangle.NoABITags, demangle.MaxLength(maxDemangled))
	if err != nil || text == "" || len(text) >= 1<<maxDemangled {
		return "", false // at the limit the text is cut off
	}
	return text, true
}

// cheap refuses the two constructs that a short name can make expensive: a conversion to
// a template parameter, whose arguments are parsed twice, so that nesting doubles the
// time; and a pack expansion, which copies its pattern for each element of the pack.
// Plain expansions ("T...", "T const&...") copy a node or two and are common in kernel
// names; any other is let through once, in a short name.
func cheap(name string) bool {
	if strings.Count(name, "cvT")+strings.Count(name, "cvS") > maxCasts {
		return false
	}
	plain, other := 0, 0
	for i := 0; i+1 < len(name); i++ {
		if name[i+1] != 'p' || name[i] != 'D' && name[i] != 's' {
			continue
		}
		rest := strings.TrimLeft(name[i+2:min(i+8, len(name))], "PRKVO")
		if strings.HasPrefix(rest, "T") {
			plain++
		} else if name[i] == 'D' || strings.HasPrefix(rest, "c") || strings.HasPrefix(rest, "L") {
			other++
		}
	}
	return plain <= maxPacks && (other == 0 || other == 1 && len(name) <= maxPackBytes)
}

// mangledPath reads only the namespace and the function's own name from the front of a
// mangled name, for one that the demangler may not or cannot take: "_ZN5aiter4normI…" is
// aiter and norm.
func mangledPath(name string) (namespace, base string, ok bool) {
	rest := strings.TrimPrefix(name, "_Z")
	nested := strings.HasPrefix(rest, "N")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "N"), "KVrRO")
	var parts []string
	for rest != "" && rest[0] >= '1' && rest[0] <= '9' {
		digits := 1
		for digits < len(rest) && digits < 6 && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n > len(rest)-digits {
			return "", "", false
		}
		parts = append(parts, rest[digits:digits+n])
		rest = rest[digits+n:]
		if !nested {
			break
		}
	}
	if len(parts) == 0 || len(parts) > 64 {
		return "", "", false
	}
	ns := parts[:0:0]
	for _, p := range parts[:len(parts)-1] {
		if !anonymous(p) {
			ns = append(ns, p)
		}
	}
	return strings.Join(ns, "::"), parts[len(parts)-1], true
}
