package rule

import "regexp/syntax"

// anchored tells whether a regular expression fixes both ends of what it matches, and leaves
// at most one of them open with .*
func anchored(text string) bool {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return false
	}
	re = re.Simplify()
	return starts(re, isBegin) && ends(re, isEnd) && !(starts(re, open) && ends(re, open))
}

func isBegin(re *syntax.Regexp) bool { return re.Op == syntax.OpBeginText }
func isEnd(re *syntax.Regexp) bool   { return re.Op == syntax.OpEndText }

// starts tells whether what the expression begins with is so. Parsing pulls common beginnings
// out of alternatives, and so every branch counts: all must be anchored, one open is enough.
// Anchors are passed over when asking for something else.
func starts(re *syntax.Regexp, so func(*syntax.Regexp) bool) bool {
	subs := re.Sub
	for re.Op == syntax.OpConcat && len(subs) > 1 && isBegin(subs[0]) && !so(subs[0]) {
		subs = subs[1:]
	}
	return edge(re, subs, 0, so, starts)
}

// ends is starts for the other end.
func ends(re *syntax.Regexp, so func(*syntax.Regexp) bool) bool {
	subs := re.Sub
	for re.Op == syntax.OpConcat && len(subs) > 1 && isEnd(subs[len(subs)-1]) && !so(subs[len(subs)-1]) {
		subs = subs[:len(subs)-1]
	}
	return edge(re, subs, len(subs)-1, so, ends)
}

func edge(re *syntax.Regexp, subs []*syntax.Regexp, i int, so func(*syntax.Regexp) bool,
	next func(*syntax.Regexp, func(*syntax.Regexp) bool) bool) bool {
	switch re.Op {
	case syntax.OpConcat:
		return next(subs[i], so)
	case syntax.OpCapture:
		return next(re.Sub[0], so)
	case syntax.OpAlternate:
		if anchor := so(&syntax.Regexp{Op: syntax.OpBeginText}) || so(&syntax.Regexp{Op: syntax.OpEndText}); !anchor {
			for _, s := range re.Sub {
				if next(s, so) {
					return true
				}
			}
			return false
		}
		for _, s := range re.Sub {
			if !next(s, so) {
				return false
			}
		}
		return true
	}
	return so(re)
}

// open tells .* and .+
func open(re *syntax.Regexp) bool {
	if re.Op != syntax.OpStar && re.Op != syntax.OpPlus {
		return false
	}
	return re.Sub[0].Op == syntax.OpAnyChar || re.Sub[0].Op == syntax.OpAnyCharNotNL
}
