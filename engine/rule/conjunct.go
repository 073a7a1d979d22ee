package rule

import (
	"strings"
	"unicode/utf8"

	"github.com/sgrules/sgrules/engine/diag"
)

// Conjunct is one condition of an expression that can be left out: an operand of &&, or, where
// the whole is no conjunction, the whole.
type Conjunct struct {
	Pos  diag.Pos
	Text string // on one line

	from, to int  // what Without cuts
	whole    bool // nothing is left: true stands for it
}

// Conjuncts lists the conditions of the expression, from left to right: the operands of &&, at
// the top and, because each side of a || is an expression of its own, in the operands of || and
// in parentheses around either. What stands below a !, a ?: or a call is a part of one condition.
func (e *Expr) Conjuncts() []Conjunct {
	c := cutter{e: e}
	lo, hi := c.trim(0, len(e.Text))
	if !c.cut(lo, hi, 0) {
		c.out = append([]Conjunct{c.conjunct(lo, hi, lo, hi, true)}, c.out...)
	}
	return c.out
}

// Without is the expression with one of its Conjuncts left out: it holds wherever e does, and
// often more. It keeps the position of e and no others.
func (e *Expr) Without(c Conjunct) *Expr {
	text := e.Text[:c.from] + e.Text[c.to:]
	if c.whole {
		text = "true"
	}
	return &Expr{Pos: e.Pos, Text: text}
}

type cutter struct {
	e   *Expr
	out []Conjunct
}

// cut collects the conjuncts of a range and tells whether it is itself a conjunction.
func (c *cutter) cut(lo, hi, depth int) bool {
	for c.wrapped(lo, hi) {
		lo, hi = c.trim(lo+1, hi-1)
	}
	if depth > maxSkim {
		return false
	}
	ors, plain := c.split(lo, hi, "||")
	if !plain {
		return false
	}
	if len(ors) > 1 {
		for _, o := range ors {
			c.cut(o[0], o[1], depth+1)
		}
		return false
	}
	ands, _ := c.split(lo, hi, "&&")
	if len(ands) == 1 {
		return false
	}
	for i, a := range ands {
		from, to := a[0], a[1]
		if i+1 < len(ands) {
			to = ands[i+1][0]
		} else {
			from = ands[i-1][1]
		}
		c.out = append(c.out, c.conjunct(a[0], a[1], from, to, false))
		c.cut(a[0], a[1], depth+1)
	}
	return true
}

func (c *cutter) conjunct(lo, hi, from, to int, whole bool) Conjunct {
	text := c.e.Text
	line := 1 + strings.Count(text[:lo], "\n")
	col := utf8.RuneCountInString(text[strings.LastIndexByte(text[:lo], '\n')+1 : lo])
	pos, _ := c.e.place(line, col)
	return Conjunct{Pos: pos, Text: strings.Join(strings.Fields(text[lo:hi]), " "), from: from, to: to, whole: whole}
}

func (c *cutter) trim(lo, hi int) (int, int) {
	for lo < hi && strings.IndexByte(" \t\r\n", c.e.Text[lo]) >= 0 {
		lo++
	}
	for hi > lo && strings.IndexByte(" \t\r\n", c.e.Text[hi-1]) >= 0 {
		hi--
	}
	return lo, hi
}

// wrapped tells a range that is one pair of parentheses.
func (c *cutter) wrapped(lo, hi int) bool {
	if hi-lo < 2 || c.e.Text[lo] != '(' {
		return false
	}
	depth := 0
	for i := lo; i < hi; i = c.next(i, hi) {
		switch c.e.Text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i == hi-1
			}
		}
	}
	return false
}

// split cuts a range at an operator outside of any brackets. plain is false where a ?: stands
// outside of them, which binds less than either operator.
func (c *cutter) split(lo, hi int, op string) (parts [][2]int, plain bool) {
	depth, from := 0, lo
	for i := lo; i < hi; i = c.next(i, hi) {
		switch ch := c.e.Text[i]; {
		case ch == '(' || ch == '[' || ch == '{':
			depth++
		case ch == ')' || ch == ']' || ch == '}':
			depth--
		case depth == 0 && ch == '?':
			return nil, false
		case depth == 0 && strings.HasPrefix(c.e.Text[i:hi], op):
			a, b := c.trim(from, i)
			parts = append(parts, [2]int{a, b})
			from = i + len(op)
			i++ // behind the first character; next goes behind the second
		}
	}
	a, b := c.trim(from, hi)
	return append(parts, [2]int{a, b}), true
}

// next is the index behind the token that begins at i: texts and comments are one token,
// everything else is taken by characters.
func (c *cutter) next(i, hi int) int {
	text := c.e.Text[:hi]
	switch ch := text[i]; {
	case strings.HasPrefix(text[i:], "//"):
		if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
			return i + n
		}
		return hi
	case ch == '"' || ch == '\'':
		raw := i > 0 && (text[i-1] == 'r' || text[i-1] == 'R')
		quote := text[i : i+1]
		if triple := strings.Repeat(quote, 3); strings.HasPrefix(text[i:], triple) {
			quote = triple
		}
		for j := i + len(quote); j < hi; j++ {
			if text[j] == '\\' && !raw {
				j++
			} else if strings.HasPrefix(text[j:], quote) {
				return j + len(quote)
			}
		}
		return hi
	}
	return i + 1
}
