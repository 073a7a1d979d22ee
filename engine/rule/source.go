package rule

import (
	"sort"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// source is the text of one file with its line starts.
type source struct {
	file  string
	data  []byte
	lines []int // the offset at which each line begins
}

func newSource(file string, data []byte) *source {
	s := &source{file: file, data: data, lines: []int{0}}
	if len(data) >= 3 && string(data[:3]) == "\ufeff" {
		s.lines[0] = 3 // the YAML reader counts columns behind the byte-order mark
	}
	for i, c := range data {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// pos is the position of a byte offset.
func (s *source) pos(off int) diag.Pos {
	if off > len(s.data) {
		off = len(s.data)
	}
	line := sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > off })
	if line == 0 {
		return diag.Pos{File: s.file, Line: 1, Col: 1}
	}
	start := s.lines[line-1]
	if line == 1 {
		start = 0
	}
	return diag.Pos{File: s.file, Line: line, Col: off - start + 1}
}

// offset is the byte offset of a line and column that both count from 1, the column in
// characters, as the YAML reader has them.
func (s *source) offset(line, col int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.data)
	}
	off := s.lines[line-1]
	for ; col > 1 && off < len(s.data) && s.data[off] != '\n'; col-- {
		_, n := utf8.DecodeRune(s.data[off:])
		off += n
	}
	return off
}

// at is the position of a node, its column in bytes.
func (s *source) at(n *yaml.Node) diag.Pos {
	if n.Line == 0 {
		return diag.Pos{File: s.file, Line: 1, Col: 1}
	}
	return s.pos(s.offset(n.Line, n.Column))
}

// scalar is where a scalar stands in the file and how it is written there.
type scalar struct {
	off   int // of its first character, quote or block indicator
	style yaml.Style
}

// offsets gives the offset in the file of every character of a scalar's decoded value, and
// of its end. It walks value and file together: what YAML does to a scalar is to drop or
// replace white space and to resolve quotes and escapes, so that every other character stands
// in both, in the same order. It returns nil when the two disagree.
func (s *source) offsets(sc scalar, value string) []int {
	at := sc.off
	switch {
	case sc.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for at < len(s.data) && s.data[at] != '\n' { // the header: |2- # comment
			at++
		}
		at++
	case sc.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		at++
	}
	single, double := sc.style&yaml.SingleQuotedStyle != 0, sc.style&yaml.DoubleQuotedStyle != 0
	out := make([]int, 0, len(value)+1)
	for _, want := range value {
		for {
			if at >= len(s.data) {
				if isSpace(want) {
					break // the line break that a block scalar adds at the end of a file
				}
				return nil
			}
			if double && s.data[at] == '\\' {
				r, n := unescape(s.data[at:])
				if n == 0 {
					return nil
				}
				if r == '\n' && s.data[at+1] != 'n' { // a line continued
					at += n
					continue
				}
				if r != want {
					return nil
				}
				out = append(out, at)
				at += n
				break
			}
			r, n := utf8.DecodeRune(s.data[at:])
			if r == want {
				out = append(out, at)
				at += n
				if single && r == '\'' {
					at++ // the second of a doubled quote
				}
				break
			}
			if isSpace(want) { // a folded line break, or an end
				out = append(out, at)
				break
			}
			if !isSpace(r) {
				return nil
			}
			at += n
		}
	}
	return append(out, at)
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// unescape reads one escape of a double-quoted scalar and its length, 0 when it is not one.
// A line continuation gives '\n'.
func unescape(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	hex := 0
	switch b[1] {
	case '0':
		return 0, 2
	case 'a':
		return '\a', 2
	case 'b':
		return '\b', 2
	case 't', '\t':
		return '\t', 2
	case 'n', '\n':
		return '\n', 2
	case '\r':
		return '\n', 3
	case 'v':
		return '\v', 2
	case 'f':
		return '\f', 2
	case 'r':
		return '\r', 2
	case 'e':
		return 0x1b, 2
	case ' ', '"', '/', '\\', '\'':
		return rune(b[1]), 2
	case 'N':
		return 0x85, 2
	case '_':
		return 0xa0, 2
	case 'L':
		return 0x2028, 2
	case 'P':
		return 0x2029, 2
	case 'x':
		hex = 2
	case 'u':
		hex = 4
	case 'U':
		hex = 8
	default:
		return 0, 0
	}
	if len(b) < 2+hex {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(b[2:2+hex]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(v), 2 + hex
}

// place gives the file's position of a line (from 1) and column (from 0, in characters) of the
// expression's text, and marks the word that stands there. Without a file, as in an
// expression built by a program, it is the expression's own position.
func (e *Expr) place(line, col int) (at diag.Pos, end int) {
	off := e.index(line, col)
	if e.src == nil || off < 0 {
		return e.Pos, 0
	}
	where := e.src.offsets(e.scalar, e.Text)
	if where == nil {
		return e.Pos, 0
	}
	from := where[min(off, len(where)-1)]
	to := from
	for to < len(e.src.data) && isWord(e.src.data[to]) {
		to++
	}
	at = e.src.pos(from)
	if to > from {
		end = at.Col + to - from
	}
	return at, end
}

// index turns a line (from 1) and column (from 0) of the text into an index of a character,
// -1 when the line is unknown.
func (e *Expr) index(line, col int) int {
	if line < 1 || col < 0 {
		return -1
	}
	n := 0
	for _, r := range e.Text {
		if line == 1 {
			break
		}
		if r == '\n' {
			line--
		}
		n++
	}
	return n + col
}
