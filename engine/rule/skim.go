package rule

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
)

// skim parses a condition without CEL's own parser, which costs 30 to 100 µs an expression and
// much more the first time: too much for a thousand rules of which a trace needs fifty. It
// understands what rules are mostly made of (logic, comparison and membership, fields, calls,
// literals, exists and all) and says no to everything else: other macros, escapes in strings,
// arithmetic, a conditional. It gives the tree that CEL's parser would, and judges nothing: types and names are
// CEL's to check, and a text that CEL's parser refuses for its size may have a tree. A test and a
// fuzz target hold the two parsers together.
func skim(text string) (ast.Expr, bool) { return newSkimmer(text).whole() }

// quick is skim's tree as CEL's own parser would give it, with the places of its nodes.
func quick(text string) (*cel.Ast, bool) {
	s := newSkimmer(text)
	e, ok := s.whole()
	if !ok || !ascii(text) { // CEL counts characters, the skimmer bytes
		return nil, false
	}
	// The one way that CEL offers to a tree of one's own is to put it into one that is there.
	parsed := cel.ParsedExprToAst(&exprpb.ParsedExpr{
		Expr:       &exprpb.Expr{Id: e.ID(), ExprKind: &exprpb.Expr_ConstExpr{ConstExpr: &exprpb.Constant{ConstantKind: &exprpb.Constant_BoolValue{}}}},
		SourceInfo: &exprpb.SourceInfo{LineOffsets: common.NewTextSource(text).LineOffsets()},
	})
	tree := parsed.NativeRep()
	tree.Expr().SetKindCase(e)
	for i, at := range s.places {
		tree.SourceInfo().SetOffsetRange(int64(i+1), ast.OffsetRange{Start: int32(at), Stop: int32(at)})
	}
	return parsed, true
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// vouched tells whether skim understood every part of a condition: then each field and method
// in it exists and is compared with a value of its own type, and CEL accepts it too.
func vouched(text string) bool {
	e, ok := skim(text)
	if !ok {
		return false
	}
	f := celForm(e)
	return f.plain() && f.ofKernel(false)
}

type skimmer struct {
	text string
	pos  int
	tok  string // the token at hand; "" at the end
	lit  string // the value of a text token
	kind byte   // of tok: 'i' identifier, 's' text, 'n' number, 'o' operator
	bad  bool
	from int // byte at which tok begins
	tree ast.ExprFactory
	// places are where the nodes are, in bytes, by id less one: as CEL has it, an operator is
	// where it is written, a field at its dot and a call at its parenthesis.
	places []int
}

func newSkimmer(text string) *skimmer { return &skimmer{text: text, tree: ast.NewExprFactory()} }

// whole parses the whole text.
func (s *skimmer) whole() (ast.Expr, bool) {
	if !utf8.ValidString(s.text) || len(s.text) > maxExpr {
		return nil, false
	}
	s.next()
	e := s.or(0)
	return e, !s.bad && s.tok == ""
}

const maxSkim = 60 // nesting, as CEL's parser has it

// fail ends the parsing; the node stands where one is wanted.
func (s *skimmer) fail() ast.Expr {
	s.bad, s.tok = true, ""
	return s.tree.NewUnspecifiedExpr(0)
}

// at numbers a node that is at a byte.
func (s *skimmer) at(place int) int64 {
	s.places = append(s.places, place)
	return int64(len(s.places))
}

// next reads a token.
func (s *skimmer) next() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
	from := s.pos
	s.from = from
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
		s.pos, s.kind = from+end+2, 's'
	case isDigit(c):
		for s.pos < len(s.text) && (isWord(s.text[s.pos]) || s.text[s.pos] == '.') {
			s.pos++
		}
		s.kind = 'n'
	case isWord(c):
		for s.pos < len(s.text) && isWord(s.text[s.pos]) {
			s.pos++
		}
		s.kind = 'i'
		if s.pos < len(s.text) && (s.text[s.pos] == '"' || s.text[s.pos] == '\'') && !s.raw(from) {
			s.fail() // b"…"
			return
		}
	default:
		s.pos, s.kind = from+1, 'o'
		if from+1 < len(s.text) {
			switch s.text[from : from+2] {
			case "&&", "||", "==", "!=", "<=", ">=":
				s.pos = from + 2
			case "//":
				s.fail()
				return
			}
		}
	}
	s.tok = s.text[from:s.pos]
}

// raw reads a text in which a backslash is one, r"…", whose r is at from.
func (s *skimmer) raw(from int) bool {
	quote := s.text[s.pos]
	if word := s.text[from:s.pos]; word != "r" && word != "R" || strings.HasPrefix(s.text[s.pos:], strings.Repeat(string(quote), 3)) {
		return false
	}
	end := strings.IndexByte(s.text[s.pos+1:], quote)
	if end < 0 {
		return false
	}
	s.lit = s.text[s.pos+1 : s.pos+1+end]
	s.pos, s.kind = s.pos+end+2, 's'
	return !strings.ContainsAny(s.lit, "\r\n")
}

// take consumes an operator or a word if it is the one.
func (s *skimmer) take(tok string) bool {
	if s.tok != tok || s.kind == 's' {
		return false
	}
	s.next()
	return true
}

func (s *skimmer) or(depth int) ast.Expr {
	if depth > maxSkim {
		return s.fail()
	}
	terms, ops := []ast.Expr{s.and(depth)}, []int64(nil)
	for s.tok == "||" && s.kind == 'o' {
		ops = append(ops, s.at(s.from))
		s.next()
		terms = append(terms, s.and(depth))
	}
	return s.balanced(operators.LogicalOr, terms, ops)
}

func (s *skimmer) and(depth int) ast.Expr {
	terms, ops := []ast.Expr{s.relation(depth)}, []int64(nil)
	for s.tok == "&&" && s.kind == 'o' {
		ops = append(ops, s.at(s.from))
		s.next()
		terms = append(terms, s.relation(depth))
	}
	return s.balanced(operators.LogicalAnd, terms, ops)
}

// balanced joins terms with the operators between them, as CEL's parser does, into a tree of
// little depth.
func (s *skimmer) balanced(name string, terms []ast.Expr, ops []int64) ast.Expr {
	if len(ops) == 0 {
		return terms[0]
	}
	half := len(ops) / 2
	return s.tree.NewCall(ops[half], name, s.balanced(name, terms[:half+1], ops[:half]), s.balanced(name, terms[half+1:], ops[half+1:]))
}

// relations are the operators between two values.
var relations = map[string]string{
	"==": operators.Equals, "!=": operators.NotEquals, "<": operators.Less, "<=": operators.LessEquals,
	">": operators.Greater, ">=": operators.GreaterEquals, "in": operators.In,
}

func (s *skimmer) relation(depth int) ast.Expr {
	left := s.unary(depth)
	op, ok := relations[s.tok]
	if !ok || s.kind == 's' {
		return left
	}
	id := s.at(s.from)
	s.next()
	right := s.unary(depth)
	if _, ok := relations[s.tok]; ok && s.kind != 's' { // a == b == c is not worth knowing
		return s.fail()
	}
	return s.tree.NewCall(id, op, left, right)
}

func (s *skimmer) unary(depth int) ast.Expr {
	if depth > maxSkim {
		return s.fail()
	}
	first, negations := s.from, 0
	for s.take("!") {
		if negations++; negations > maxSkim {
			return s.fail()
		}
	}
	e := s.member(depth)
	if negations%2 == 1 { // two are none, for CEL's parser too
		e = s.tree.NewCall(s.at(first), operators.LogicalNot, e)
	}
	return e
}

// member reads an operand with what is selected, called and indexed of it.
func (s *skimmer) member(depth int) ast.Expr {
	e := s.primary(depth)
	for !s.bad {
		switch from := s.from; {
		case s.take("."):
			name := s.tok
			if s.kind != 'i' || name == "in" || name == "true" || name == "false" || name == "null" {
				return s.fail()
			}
			s.next()
			open := s.from
			if !s.take("(") {
				e = s.tree.NewSelect(s.at(from), e, name)
				continue
			}
			if name == "exists" || name == "all" {
				e = s.quantifier(open, name == "all", e, s.list(")", depth))
				continue
			}
			e = s.tree.NewMemberCall(s.at(open), name, e, s.list(")", depth)...)
		case s.take("["):
			index := s.or(depth + 1)
			if !s.take("]") {
				return s.fail()
			}
			e = s.tree.NewCall(s.at(from), operators.Index, e, index)
		default:
			return e
		}
	}
	return e
}

// quantifier is what CEL's parser makes of range.exists(v, condition) and range.all(v, condition).
func (s *skimmer) quantifier(at int, all bool, over ast.Expr, args []ast.Expr) ast.Expr {
	if s.bad || len(args) != 2 || args[0].Kind() != ast.IdentKind || args[0].AsIdent() == parser.AccumulatorName {
		return s.fail()
	}
	result := func() ast.Expr { return s.tree.NewIdent(s.at(at), parser.HiddenAccumulatorName) }
	op, goOn := operators.LogicalOr, s.tree.NewCall(s.at(at), operators.LogicalNot, result())
	if all {
		op, goOn = operators.LogicalAnd, result()
	}
	init := s.tree.NewLiteral(s.at(at), types.Bool(all))
	goOn = s.tree.NewCall(s.at(at), operators.NotStrictlyFalse, goOn)
	step := s.tree.NewCall(s.at(at), op, result(), args[1])
	return s.tree.NewComprehension(s.at(at), over, args[0].AsIdent(), parser.HiddenAccumulatorName, init, goOn, step, result())
}

// primary reads an operand.
func (s *skimmer) primary(depth int) ast.Expr {
	switch tok, kind, from := s.tok, s.kind, s.from; {
	case kind == 's':
		e := s.tree.NewLiteral(s.at(from), types.String(s.lit))
		s.next()
		return e
	case kind == 'n':
		s.next()
		return s.number(tok, from)
	case kind == 'i' && (tok == "true" || tok == "false"):
		s.next()
		return s.tree.NewLiteral(s.at(from), types.Bool(tok == "true"))
	case kind == 'i':
		if reserved.has(tok) && tok != "run" && tok != "int" && tok != "double" {
			return s.fail()
		}
		s.next()
		if open := s.from; s.take("(") {
			return s.tree.NewCall(s.at(open), tok, s.list(")", depth)...)
		}
		return s.tree.NewIdent(s.at(from), tok)
	case s.take("("):
		e := s.or(depth + 1)
		if !s.take(")") || s.tok == "." || s.tok == "[" { // (k).symbol is k.symbol, and nobody writes it
			return s.fail()
		}
		return e
	case s.take("["):
		return s.tree.NewList(s.at(from), s.list("]", depth), nil)
	}
	return s.fail()
}

// number reads a decimal number: whole ones are ints, others doubles, as CEL has it.
func (s *skimmer) number(text string, from int) ast.Expr {
	whole, fraction, dot := strings.Cut(text, ".")
	if !digits(whole) || dot && !digits(fraction) {
		return s.fail()
	}
	if dot {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return s.fail()
		}
		return s.tree.NewLiteral(s.at(from), types.Double(v))
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return s.fail()
	}
	return s.tree.NewLiteral(s.at(from), types.Int(v))
}

func digits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// list reads operands up to the closing token.
func (s *skimmer) list(closing string, depth int) []ast.Expr {
	var out []ast.Expr
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
