package source

import (
	"slices"
	"strings"
)

// cxxDefines finds the definition of a function, kernel or template: a name with a parameter
// list and a body; of a class, struct, union or enum with a body; of an alias or a macro.
// What is in comments and strings, declarations and calls do not count.
func cxxDefines(text, name string) bool {
	toks := cxxTokens(text)
	for i, t := range toks {
		if t != name {
			continue
		}
		if i > 0 && slices.Contains([]string{"using", "define"}, toks[i-1]) {
			return true
		}
		if typeBody(toks, i) || functionBody(toks, i) {
			return true
		}
	}
	return false
}

// cxxTokens gives the words and the single characters of a file without comments and without
// what is in strings. "::" and "->" are one token each.
func cxxTokens(text string) []string {
	out := make([]string, 0, len(text)/6)
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "//"):
			i += skipTo(text[i:], "\n")
		case strings.HasPrefix(text[i:], "/*"):
			i += 2 + skipTo(text[i+2:], "*/")
		case strings.HasPrefix(text[i:], `R"`):
			i = skipRaw(text, i)
			out = append(out, `"`)
		case c == '"' || c == '\'' && (i == 0 || !isWord(text[i-1])): // not 1'000
			i = skipString(text, i)
			out = append(out, `"`)
		case isWord(c):
			w := word(text[i:])
			out = append(out, w)
			i += len(w)
		case strings.HasPrefix(text[i:], "::"), strings.HasPrefix(text[i:], "->"):
			out = append(out, text[i:i+2])
			i += 2
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\':
			i++
		default:
			out = append(out, text[i:i+1])
			i++
		}
	}
	return out
}

func skipTo(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return len(s)
}

func skipString(s string, i int) int {
	quote := s[i]
	for i++; i < len(s) && s[i] != quote && s[i] != '\n'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(s))
}

// skipRaw gives the place behind R"mark(…)mark".
func skipRaw(s string, i int) int {
	n := strings.IndexByte(s[i:min(len(s), i+20)], '(')
	if n < 0 {
		return min(i+2, len(s))
	}
	return i + n + skipTo(s[i+n:], ")"+s[i+2:i+n]+`"`)
}

// maxTokens bounds how far a definition is followed: parameters and bases of real ones take a
// few hundred tokens.
const maxTokens = 4000

// closing gives the index behind the bracket that closes the one at i; -1 when none does.
func closing(toks []string, i int, open, end string) int {
	depth := 0
	for j := i; j < len(toks) && j < i+maxTokens; j++ {
		switch toks[j] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return j + 1
			}
		case ";", "{":
			if open == "<" { // it was a comparison
				return -1
			}
		}
	}
	return -1
}

// behindArguments is the index behind a name's own template arguments, if it has some.
func behindArguments(toks []string, i int) int {
	if i < len(toks) && toks[i] == "<" {
		return closing(toks, i, "<", ">")
	}
	return i
}

func at(toks []string, i int) string {
	if i < 0 || i >= len(toks) {
		return ""
	}
	return toks[i]
}

// typeBody tells `struct … name : bases {` at the name i.
func typeBody(toks []string, i int) bool {
	j := behindArguments(toks, i+1)
	if j < 0 {
		return false
	}
	if at(toks, j) == "final" {
		j++
	}
	if t := at(toks, j); t != "{" && t != ":" {
		return false
	}
	// Between the keyword and the name stand attributes and macros: words, [[…]], (…).
	for k, depth := i-1, 0; k >= 0 && k > i-40; k-- {
		switch t := toks[k]; {
		case t == ")" || t == "]":
			depth++
		case t == "(" || t == "[":
			if depth--; depth < 0 {
				return false
			}
		case depth > 0:
		case slices.Contains([]string{"class", "struct", "union", "enum"}, t):
			return true
		case t != "::" && !isWord(t[0]):
			return false
		}
	}
	return false
}

// functionBody tells `type name(parameters) … {` at the name i.
func functionBody(toks []string, i int) bool {
	j := behindArguments(toks, i+1)
	if j < 0 || at(toks, j) != "(" {
		return false
	}
	if j = closing(toks, j, "(", ")"); j < 0 {
		return false
	}
	for end := j + 200; j < end; {
		switch t := at(toks, j); {
		case t == "{":
			return true
		case t == ":":
			return constructor(toks, i)
		case t == "(": // noexcept(…), __attribute__((…)), requires (…)
			if j = closing(toks, j, "(", ")"); j < 0 {
				return false
			}
		case t == "->" || t == "::" || t == "<" || t == ">" || t == "*" || t == "&" || t == "[" || t == "]" || t != "" && isWord(t[0]):
			j++
		default: // a declaration, a call, an operator
			return false
		}
	}
	return false
}

// constructor tells whether what stands before a name that is followed by (…) : can stand
// before a constructor with initializers, and not in `c ? name(x) : y`.
func constructor(toks []string, i int) bool {
	i--
	for at(toks, i) == "::" {
		i--
		if at(toks, i) == ">" {
			return true // Thing<T>::Thing(…) :
		}
		i--
	}
	switch t := at(toks, i); t {
	case "", ";", "{", "}", ":", ">", "explicit", "constexpr", "inline":
		return true
	default: // a macro such as HOST_DEVICE, or a word of one; not return, not an operator
		return isWord(t[0]) && t != "return" && t != "case" && strings.ToUpper(t) == t || strings.HasPrefix(t, "__")
	}
}
