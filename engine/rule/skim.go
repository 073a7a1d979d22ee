package rule

import (
	"strings"
	"unicode/utf8"
)

// skim reads the form of a condition without CEL's parser, which costs 30 to 100 µs an
// expression: too much for a thousand rules of which a trace needs fifty. It understands what
// rules are mostly made of (logic, comparison and membership of literals, calls) and says no to
// everything else: macros, escapes in strings, arithmetic. It never judges: a text that CEL would
// refuse may have a form, and CEL says so when the rule is compiled. For every text that both
// accept, skim and celForm agree; a test and a fuzz target hold that.
func skim(text string) (*form, bool) {
	if !utf8.ValidString(text) {
		return nil, false
	}
	s := &skimmer{text: text}
	s.next()
	r := s.or(0)
	if s.bad || s.tok != "" {
		return nil, false
	}
	return r.asCond(), true
}

// vouched tells whether skim understood every part of a condition: then each field and method
// in it exists and is compared with a value of its own type, and CEL accepts it too.
func vouched(text string) bool {
	f, ok := skim(text)
	return ok && len(text) <= maxExpr && f.plain()
}

type skimmer struct {
	text string
	at   int
	tok  string // the token at hand; "" at the end
	lit  string // the value of a text token
	kind byte   // of tok: 'i' identifier, 's' text, 'n' number, 'o' operator
	bad  bool
}

const maxSkim = 60 // nesting, as CEL's parser has it

func (s *skimmer) fail() reading {
	s.bad, s.tok = true, ""
	return somethingElse
}

// next reads a token.
func (s *skimmer) next() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
	from := s.at
	if from == len(s.text) || s.bad {
		s.tok, s.kind = "", 0
		return
	}
	switch c := s.text[from]; {
	case c == '"' || c == '\'':
		end := strings.IndexByte(s.text[from+1:], c)
		if end < 0 || strings.HasPrefix(s.text[from:], strings.Repeat(string(c), 3)) {
			s.fail()
			return
		}
		s.lit = s.text[from+1 : from+1+end]
		if strings.ContainsAny(s.lit, "\\\r\n") {
			s.fail()
			return
		}
		s.at, s.kind = from+end+2, 's'
	case isDigit(c):
		for s.at < len(s.text) && (isWord(s.text[s.at]) || s.text[s.at] == '.') {
			s.at++
		}
		s.kind = 'n'
	case isWord(c):
		for s.at < len(s.text) && isWord(s.text[s.at]) {
			s.at++
		}
		if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
			s.fail() // r"…" and b"…"
			return
		}
		s.kind = 'i'
	default:
		s.at, s.kind = from+1, 'o'
		if from+1 < len(s.text) {
			switch s.text[from : from+2] {
			case "&&", "||", "==", "!=", "<=", ">=":
				s.at = from + 2
			case "//":
				s.fail()
				return
			}
		}
	}
	s.tok = s.text[from:s.at]
}

// take consumes an operator or a word if it is the one.
func (s *skimmer) take(tok string) bool {
	if s.tok != tok || s.kind == 's' {
		return false
	}
	s.next()
	return true
}

func (s *skimmer) or(depth int) reading {
	if depth > maxSkim {
		return s.fail()
	}
	r := s.and(depth)
	for s.take("||") {
		r = combine("_||_", []reading{r, s.and(depth)})
	}
	return r
}

func (s *skimmer) and(depth int) reading {
	r := s.relation(depth)
	for s.take("&&") {
		r = combine("_&&_", []reading{r, s.relation(depth)})
	}
	return r
}

func (s *skimmer) relation(depth int) reading {
	r := s.unary(depth)
	op := ""
	switch s.tok {
	case "==", "!=", "<", "<=", ">", ">=":
		op = "_" + s.tok + "_"
	case "in":
		op = "@in"
	default:
		return r
	}
	s.next()
	r = combine(op, []reading{r, s.unary(depth)})
	switch s.tok {
	case "==", "!=", "<", "<=", ">", ">=", "in": // a == b == c is not worth knowing
		return s.fail()
	}
	return r
}

func (s *skimmer) unary(depth int) reading {
	if depth > maxSkim {
		return s.fail()
	}
	if s.take("!") {
		return combine("!_", []reading{s.unary(depth + 1)})
	}
	r, variable := s.primary(depth)
	for {
		switch {
		case s.take("."):
			name := s.tok
			if s.kind != 'i' {
				return s.fail()
			}
			s.next()
			if s.take("(") {
				args := s.list(")", depth)
				if name == "exists" || name == "all" {
					return s.fail() // CEL rewrites macros, and their variables may hide k
				}
				r = callMember(variable, name, args)
			} else {
				r = selectField(variable, name)
			}
			variable = ""
		case s.take("["):
			s.or(depth + 1)
			if !s.take("]") {
				return s.fail()
			}
			r, variable = somethingElse, ""
		default:
			return r
		}
	}
}

// primary reads an operand; variable is its name if it is a plain identifier.
func (s *skimmer) primary(depth int) (r reading, variable string) {
	switch tok, kind := s.tok, s.kind; {
	case kind == 's':
		r = reading{texts: []string{s.lit}}
		s.next()
		return r, ""
	case kind == 'n':
		s.next()
		return somethingElse, ""
	case kind == 'i' && (tok == "true" || tok == "false"):
		s.next()
		return reading{cond: constant(tok == "true")}, ""
	case kind == 'i':
		if tok != "null" && reserved.has(tok) && tok != "run" && tok != "int" && tok != "double" {
			return s.fail(), ""
		}
		s.next()
		if s.take("(") {
			s.list(")", depth)
			return somethingElse, ""
		}
		return somethingElse, tok
	case s.take("("):
		r = s.or(depth + 1)
		if !s.take(")") || s.tok == "." || s.tok == "[" { // (k).symbol is k.symbol, and nobody writes it
			return s.fail(), ""
		}
		return r, ""
	case s.take("["):
		return literals(s.list("]", depth)), ""
	}
	return s.fail(), ""
}

// list reads operands up to the closing token.
func (s *skimmer) list(closing string, depth int) []reading {
	var out []reading
	if s.take(closing) {
		return out
	}
	for !s.bad {
		out = append(out, s.or(depth+1))
		if s.take(closing) {
			return out
		}
		if !s.take(",") {
			break
		}
		if closing == "]" && s.take(closing) { // a comma may end a list
			return out
		}
	}
	s.fail()
	return nil
}
