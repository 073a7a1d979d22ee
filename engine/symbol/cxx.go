package symbol

import "strings"

// segment is one part of a qualified name: "gpu_kernel_impl<F>(at::TensorIteratorBase&)"
// has all three fields.
type segment struct {
	name   string
	args   string // inside the angle brackets, "" also where there are none
	params string // inside the parentheses
	call   bool   // has parentheses: it is a function
}

// splitName splits a demangled name at the "::" outside of brackets and takes the return
// type off. full is the name without it. A text with blanks that is no declaration is one
// segment.
func splitName(name string) (path []segment, full string) {
	if strings.Contains(name, " ") && !strings.ContainsAny(name, "(<") {
		if rest, ok := strings.CutPrefix(name, "void "); ok && rest != "" && !strings.Contains(rest, " ") {
			name = rest
		} else {
			return []segment{{name: name}}, name
		}
	}
	path, start := splitPath(name, 0)
	return path, name[start:]
}

// pathScanner walks a qualified name once, left to right.
type pathScanner struct {
	s     string
	path  []segment
	cur   segment
	start int // where the declarator starts: after the return type
	from  int // where the current segment's name starts
}

// splitPath splits a qualified name or type into its segments; start is the offset behind
// the return type. depth counts declarators inside parentheses, which C++ uses where a
// function returns a function pointer.
func splitPath(s string, depth int) (path []segment, start int) {
	p := pathScanner{s: s}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case isIdent(c):
			j := i
			for j < len(s) && isIdent(s[j]) {
				j++
			}
			if s[i:j] == "operator" {
				j = operatorEnd(s, j)
			}
			i = j
		case c == ':' && strings.HasPrefix(s[i:], "::"):
			p.end(i)
			i += 2
			p.from = i
		case c == '(' && p.from == i && strings.HasPrefix(s[i:], anonNamespace):
			i += len(anonNamespace)
		case c == '(' && p.from == i && depth == 0 && strings.HasPrefix(s[i:], "(*"):
			// void (*name<int>(long))(float): the declarator is inside.
			end := closing(s, i)
			inner, _ := splitPath(s[i+2:end], depth+1)
			return inner, p.start
		case c == '(' && s[p.from:i] == "decltype":
			i = min(closing(s, i)+1, len(s))
		case c == '(':
			end := closing(s, i)
			p.name(i)
			p.cur.params, p.cur.call = strings.TrimSpace(s[i+1:end]), true
			i = min(end+1, len(s))
			next := skipQualifiers(s, i)
			if !strings.HasPrefix(s[next:], "::") {
				p.path = append(p.path, p.cur)
				return p.path, p.start
			}
			i = next
		case c == '<' && p.from == i:
			i = min(closing(s, i)+1, len(s)) // <unnamed>, <lambda…>: a name of its own
		case c == '<':
			end := closing(s, i)
			p.name(i)
			p.cur.args = s[i+1 : end]
			i = min(end+1, len(s))
		case c == '{' || c == '[':
			i = min(closing(s, i)+1, len(s))
		case c == ' ':
			// What came before was (a word of) the return type, but "operator<< <int>" has a
			// blank too.
			for i < len(s) && s[i] == ' ' {
				i++
			}
			if i < len(s) && s[i] == '<' && strings.HasPrefix(s[p.from:], "operator") {
				p.name(i)
				end := closing(s, i)
				p.cur.args = s[i+1 : end]
				i = min(end+1, len(s))
				continue
			}
			if i < len(s) && (s[i] != '(' || strings.HasPrefix(s[i:], anonNamespace) || strings.HasPrefix(s[i:], "(*")) {
				p.path, p.cur, p.from, p.start = nil, segment{}, i, i
			}
		default:
			i++
		}
	}
	p.end(len(s))
	return p.path, p.start
}

// name fixes the current segment's name, which ends at i, once.
func (p *pathScanner) name(i int) {
	if p.cur.name == "" {
		p.cur.name = strings.TrimSpace(p.s[p.from:i])
	}
}

// end closes the current segment at i. A segment without a name is the global scope.
func (p *pathScanner) end(i int) {
	p.name(i)
	if p.cur.name != "" {
		p.path = append(p.path, p.cur)
	}
	p.cur = segment{}
}

// operators are C++'s operator names that are symbols, longer ones before their prefixes.
var operators = []string{
	"()", "[]", "<=>", "<<=", ">>=", "->*", "<<", ">>", "->", "<=", ">=", "==", "!=", "&&", "||", "++", "--", "+=", "-=", "*=",
	"/=", "%=", "^=", "&=", "|=", "<", ">", "+", "-", "*", "/", "%", "^", "&", "|", "~", "!", "=", ",",
}

// operatorEnd returns the end of an operator's name whose keyword ends at i: the symbols
// of operator<<, operator() and operator->, or the words of operator new and of a
// conversion.
func operatorEnd(s string, i int) int {
	for _, sym := range operators {
		if strings.HasPrefix(s[i:], sym) {
			return i + len(sym)
		}
	}
	if i < len(s) && s[i] == ' ' {
		for i < len(s) && s[i] != '(' {
			if s[i] == '<' {
				i = closing(s, i)
			}
			i = min(i+1, len(s))
		}
		return i
	}
	return i
}

// skipQualifiers returns the offset behind " const", " volatile", "&" and "&&" at i.
func skipQualifiers(s string, i int) int {
	for {
		rest := s[i:]
		switch {
		case strings.HasPrefix(rest, " const"):
			i += len(" const")
		case strings.HasPrefix(rest, " volatile"):
			i += len(" volatile")
		case strings.HasPrefix(rest, " &"):
			i += len(" &")
		case strings.HasPrefix(rest, "&"):
			i++
		default:
			return i
		}
	}
}

// closing returns the offset of the bracket that closes the one at i, or len(s) where the
// text was cut off. An angle bracket counts only where it can be one: not behind "-", not
// as an operator's name, and not as a comparison, which demanglers put in parentheses or
// between blanks.
func closing(s string, i int) int {
	var stack []byte
	for ; i < len(s); i++ {
		switch c := s[i]; c {
		case '(':
			stack = append(stack, ')')
		case '[':
			stack = append(stack, ']')
		case '{':
			stack = append(stack, '}')
		case '<':
			if i > 0 && s[i-1] == ' ' && i+1 < len(s) && s[i+1] == ' ' || strings.HasPrefix(s[i:], "<=") {
				continue
			}
			stack = append(stack, '>')
		case '>':
			if len(stack) > 0 && stack[len(stack)-1] == '>' && s[i-1] != '-' {
				stack = stack[:len(stack)-1]
			}
		case ')', ']', '}':
			for len(stack) > 0 && stack[len(stack)-1] == '>' {
				stack = stack[:len(stack)-1] // a "<" that was no bracket
			}
			if len(stack) > 0 && stack[len(stack)-1] == c {
				stack = stack[:len(stack)-1]
			}
		default:
			if c == 'o' && (i == 0 || !isIdent(s[i-1])) && strings.HasPrefix(s[i:], "operator") {
				if end := i + len("operator"); end == len(s) || !isIdent(s[end]) && s[end] != ' ' {
					i = operatorEnd(s, end) - 1
				}
			}
			continue
		}
		if len(stack) == 0 {
			return i
		}
	}
	return len(s)
}

// splitArgs splits a template argument list at its outermost commas.
func splitArgs(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	var out []string
	from := 0
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == ',':
			out = append(out, strings.TrimSpace(list[from:i]))
			from = i + 1
		case c == '(' || c == '[' || c == '{' || c == '<' && (i == 0 || list[i-1] != ' ' || i+1 == len(list) || list[i+1] != ' '):
			i = closing(list, i)
		case c == 'o' && (i == 0 || !isIdent(list[i-1])) && strings.HasPrefix(list[i:], "operator"):
			if end := i + len("operator"); end == len(list) || !isIdent(list[end]) && list[end] != ' ' {
				i = operatorEnd(list, end) - 1
			}
		}
	}
	return append(out, strings.TrimSpace(list[min(from, len(list)):]))
}

const anonNamespace = "(anonymous namespace)"

// anonymous tells a segment that stands for an unnamed namespace in one of the spellings
// of GCC, Clang, NVCC and MSVC.
func anonymous(name string) bool {
	return name == anonNamespace || name == "<unnamed>" || name == "{anonymous}" ||
		strings.HasPrefix(name, "_GLOBAL__N_") || strings.HasPrefix(name, "_INTERNAL_")
}

func joinNamespace(path []segment) string {
	var parts []string
	for _, s := range path {
		if !anonymous(s.name) {
			parts = append(parts, s.name)
		}
	}
	return strings.Join(parts, "::")
}

func isIdent(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
