package symbol

import (
	"strings"
)

// inductorName is torch.compile's name of a Triton kernel: the heuristic's first three
// letters, "fused", the aten ops before decomposition, and a number; older versions append
// Triton's specialization of the arguments ("0d1d2de").
var inductorName = pattern(`^triton_([a-z]{3})_fused(?:_([A-Za-z0-9_]*?))?(?:_\d+(?:d[0-9cde]*)?)?$`)

// readInductor reads triton_red_fused_add_mean_0. Names without the ops, which older
// versions made, are "triton__0d1d2d".
func readInductor(s *Symbol, name string) bool {
	if rest, ok := strings.CutPrefix(name, "triton__"); ok && rest != "" && strings.Trim(rest, "0123456789cde") == "" {
		s.Generator, s.Base = "inductor", "triton_"
		return true
	}
	m := inductorName().FindStringSubmatch(name)
	if m == nil {
		return false
	}
	s.Generator, s.Kind = "inductor", m[1]
	s.Base = "triton_" + m[1] + "_fused"
	// With no op at all the pattern takes the number for one.
	if m[2] != "" && strings.Trim(m[2], "0123456789") != "" {
		s.Ops = splitOps(m[2])
	}
	return true
}

// splitOps splits joined op names. The names have underscores themselves, so the longest
// name of the vocabulary wins at each place; what is not in it is one word with its
// leading underscores. Inductor sorts the names, which settles nothing where a pair of
// names is another name too (clamp_min); the longer one is the usual one.
func splitOps(joined string) []string {
	var out []string
	for i := 0; i < len(joined); {
		end := i
		for end < len(joined) && joined[end] == '_' {
			end++
		}
		for end < len(joined) && joined[end] != '_' {
			end++
		}
		// Candidates end before an underscore or at the end of the text.
		for j, n := end, 0; j <= len(joined) && n < maxOpWords; j, n = j+1, n+1 {
			for j < len(joined) && joined[j] != '_' {
				j++
			}
			if multiWordOps[joined[i:j]] {
				end = j
			}
		}
		if op := joined[i:end]; strings.Trim(op, "_") != "" {
			out = append(out, op)
		}
		i = end + 1
	}
	return out
}
