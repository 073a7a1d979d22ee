package kineto

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The functions of this file work on a slice and can go on where they stopped when
// the slice was too short, so that the general scanner (which refills) and the
// learned shapes (which give up) read every value with the same code.

// Byte classes of JSON outside strings.
const (
	classOther = iota
	classBare  // part of a number or a word, such as -12.5e+3, null, NaN, 1.#INF
	classSpace
	classQuote
	classOpen
	classClose
	classSep // , and :
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z',
			b == '-', b == '+', b == '.', b == '_', b == '#':
			t[c] = classBare
		case b == ' ', b == '\n', b == '\r', b == '\t':
			t[c] = classSpace
		case b == '"':
			t[c] = classQuote
		case b == '{', b == '[':
			t[c] = classOpen
		case b == '}', b == ']':
			t[c] = classClose
		case b == ',', b == ':':
			t[c] = classSep
		}
	}
	return t
}()

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stringEnd finds the closing quote of a string from p on, p being inside it and not
// between a backslash and what it escapes. Without one it gives the place to go on
// from when there is more. esc tells whether a backslash was passed.
func stringEnd(b []byte, p int) (end int, esc, found bool) {
	quote := p - 1 // the first one behind p that was looked for
	for {
		if quote < p {
			if i := bytes.IndexByte(b[p:], '"'); i >= 0 {
				quote = p + i
			} else {
				quote = len(b)
			}
		}
		i := bytes.IndexByte(b[p:quote], '\\')
		if i < 0 {
			return quote, esc, quote < len(b)
		}
		p += i
		if p+1 >= len(b) {
			return p, esc, false
		}
		esc = true
		p += 2 // a quote that is escaped is none
	}
}

// bareEnd finds the end of a number or word.
func bareEnd(b []byte, p int) int {
	for p+8 <= len(b) { // digits, eight at a time
		m := nonDigits(binary.LittleEndian.Uint64(b[p:]))
		if m == 0 {
			p += 8
			continue
		}
		p += bits.TrailingZeros64(m) >> 3
		break
	}
	for p < len(b) && class[b[p]] == classBare {
		p++
	}
	return p
}

// maxDepth bounds the nesting of what is skipped; its brackets take a bit each.
const maxDepth = 1 << 18

// nest is how far into a skipped array or object the scanner is.
type nest struct {
	depth    int
	bits     []uint64 // one bit a level: an object rather than an array
	inString bool
	after    bool // a string just ended: only , : ] } may follow
}

type nestState uint8

const (
	nestMore nestState = iota // the slice ended first
	nestDone
	nestBad  // at the position returned
	nestDeep // more than maxDepth levels
)

func (n *nest) reset() { n.depth, n.inString, n.after = 0, false, false }

// skip runs over one array or object, from its opening bracket on. It checks that
// brackets match and that nothing but a separator follows a string: a lost quote or
// bracket is then found where it is and not at the end of the file.
func (n *nest) skip(b []byte, p int) (int, nestState) {
	for p < len(b) {
		if n.inString {
			end, _, found := stringEnd(b, p)
			if !found {
				return end, nestMore
			}
			p = end + 1
			n.inString, n.after = false, true
			continue
		}
		c := b[p]
		switch class[c] {
		case classSpace:
			p++
			continue
		case classSep:
			n.after = false
		case classBare:
			if n.after {
				return p, nestBad
			}
		case classQuote:
			if n.after {
				return p, nestBad
			}
			n.inString = true
		case classOpen:
			if n.after {
				return p, nestBad
			}
			if n.depth == maxDepth {
				return p, nestDeep
			}
			n.push(c == '{')
		case classClose:
			n.after = false
			if !n.pop(c == '}') {
				return p, nestBad
			}
			if n.depth == 0 {
				return p + 1, nestDone
			}
		default:
			return p, nestBad
		}
		p++
	}
	return p, nestMore
}

func (n *nest) push(object bool) {
	i, bit := n.depth>>6, uint64(1)<<(n.depth&63)
	if i == len(n.bits) {
		n.bits = append(n.bits, 0)
	}
	if object {
		n.bits[i] |= bit
	} else {
		n.bits[i] &^= bit
	}
	n.depth++
}

func (n *nest) pop(object bool) bool {
	n.depth--
	return n.bits[n.depth>>6]>>(n.depth&63)&1 == 1 == object
}
