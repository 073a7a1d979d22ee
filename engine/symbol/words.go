package symbol

import (
	"strings"
	"unicode"
)

// words splits a base name at what is neither letter nor digit and at camel-case humps.
// Digits stay with the word before them; a run of capitals is one word up to the capital
// that starts the next (RMSNorm is rms norm). MoE is a word of its own.
func words(base string) []string {
	if len(base) > maxIdent {
		base = base[:maxIdent]
	}
	var out []string
	for _, piece := range strings.FieldsFunc(base, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r := []rune(strings.ReplaceAll(piece, "MoE", "Moe"))
		from := 0
		for i := 1; i < len(r); i++ {
			if !unicode.IsUpper(r[i]) {
				continue
			}
			startsWord := i+1 < len(r) && unicode.IsLower(r[i+1])
			if startsWord || !unicode.IsUpper(r[i-1]) {
				out = append(out, strings.ToLower(string(r[from:i])))
				from = i
			}
		}
		out = append(out, strings.ToLower(string(r[from:])))
	}
	return out
}
