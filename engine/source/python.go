package source

import (
	"slices"
	"strings"
)

// pythonDefines follows a dotted name down the indentation of a file. The last name may be a
// function, a class or an assigned variable; those before it enclose it directly. Where a
// definition stands in a function, as decorators and factories have them, its name counts
// from there: "Class.method" is found wherever the class is.
func pythonDefines(text string, dotted []string) bool {
	type level struct {
		indent int
		name   string
	}
	var open []level
	for line := range pythonLines(text) {
		for len(open) > 0 && open[len(open)-1].indent >= line.indent {
			open = open[:len(open)-1]
		}
		name, block := pythonName(line.code)
		if name == "" {
			continue
		}
		if outer := dotted[:len(dotted)-1]; name == dotted[len(outer)] && len(open) >= len(outer) {
			inner := open[len(open)-len(outer):]
			if slices.EqualFunc(inner, outer, func(l level, n string) bool { return l.name == n }) {
				return true
			}
		}
		if block {
			open = append(open, level{line.indent, name})
		}
	}
	return false
}

// pythonName reads the name that a line defines, and whether a block follows.
func pythonName(code string) (string, bool) {
	code = strings.TrimPrefix(code, "async ")
	for _, w := range [...]string{"def ", "class "} {
		if rest, ok := strings.CutPrefix(code, w); ok {
			return word(strings.TrimLeft(rest, " \t")), true
		}
	}
	n := word(code)
	if n == "" || slices.Contains(pythonKeywords, n) {
		return "", false
	}
	rest := strings.TrimLeft(code[len(n):], " \t")
	if strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "==") || strings.HasPrefix(rest, ":") {
		return n, false
	}
	return "", false
}

// The words that a colon may follow without defining them.
var pythonKeywords = []string{"else", "try", "finally", "except", "lambda", "with", "if", "while", "for", "match", "case"}

// pythonLine is one logical line without its strings and comments.
type pythonLine struct {
	indent int
	code   string
}

// pythonLines cuts a file into logical lines: what is in brackets or in a string, or follows a
// backslash, belongs to the line that began. A tab counts as one place of indentation.
func pythonLines(text string) func(yield func(pythonLine) bool) {
	return func(yield func(pythonLine) bool) {
		var b strings.Builder
		indent, depth, fresh := 0, 0, true
		flush := func() bool {
			code := strings.TrimSpace(b.String())
			at := indent
			b.Reset()
			indent, fresh = 0, true
			return code == "" || yield(pythonLine{at, code})
		}
		for i := 0; i < len(text); {
			c := text[i]
			switch {
			case c == '\n' && depth > 0:
				b.WriteByte(' ')
				i++
				continue
			case c == '\n':
				if !flush() {
					return
				}
				i++
				continue
			case fresh && (c == ' ' || c == '\t'):
				indent++
				i++
				continue
			case c == '#':
				if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
					i += n
				} else {
					i = len(text)
				}
				continue
			case c == '"' || c == '\'':
				i = pythonString(text, i)
				b.WriteString(`""`)
			case c == '\\' && strings.HasPrefix(text[i+1:], "\n"):
				b.WriteByte(' ')
				i += 2
			case strings.IndexByte("([{", c) >= 0:
				depth++
				b.WriteByte(c)
				i++
			case strings.IndexByte(")]}", c) >= 0:
				depth = max(depth-1, 0)
				b.WriteByte(c)
				i++
			default:
				b.WriteByte(c)
				i++
			}
			fresh = false
		}
		flush()
	}
}

// pythonString gives the place behind the string that begins at i. A string of one line that
// is not closed ends with the line.
func pythonString(text string, i int) int {
	quote := text[i : i+1]
	if strings.HasPrefix(text[i:], strings.Repeat(quote, 3)) {
		quote = text[i : i+3]
	}
	for i += len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		case text[i] == '\n' && len(quote) == 1:
			return i
		}
	}
	return len(text)
}
