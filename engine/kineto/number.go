package kineto

import (
	"encoding/binary"
	"math"
)

// numState tells what a number was.
type numState uint8

const (
	numNone  numState = iota // no number: null, NaN, Infinity, a word
	numOK                    // a value
	numRange                 // a number that does not fit
)

// maxMicros is a number of µs that fits 63 bits as ns whatever its decimals are.
const maxMicros = math.MaxInt64/1000 - 1

// micros reads a decimal number of microseconds as integer nanoseconds. Digits below
// a nanosecond round half away from zero. The forms that Kineto writes are read in
// one pass; exponents and all else go to scaled.
func micros(b []byte) (int64, numState) {
	if ns, end := microsAt(b, 0); end == len(b) && end > 0 {
		return ns, numOK
	}
	return scaled(b, 3)
}

// microsAt reads the number of µs that b holds from p on, as micros does, and gives its end; 0 is a
// number that is written in another way than digits and up to three decimals.
func microsAt(b []byte, p int) (ns int64, end int) {
	var n uint64
	i := p
	if p+8 <= len(b) { // of times since the epoch or since a machine was started
		if w := binary.LittleEndian.Uint64(b[p:]); nonDigits(w) == 0 {
			n, i = eightDigits(w), p+8
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + uint64(b[i]-'0')
		i++
	}
	if i == p || i-p > 16 || n > maxMicros {
		return 0, 0
	}
	n *= 1000
	if i < len(b) && b[i] == '.' {
		i++
		scale := uint64(100)
		for i < len(b) && b[i]-'0' <= 9 {
			if scale == 0 {
				return 0, 0
			}
			n += scale * uint64(b[i]-'0')
			scale /= 10
			i++
		}
	}
	if i < len(b) && class[b[i]] == classBare {
		return 0, 0
	}
	return int64(n), i
}

// nonDigits marks, by its highest bit, the first byte of w that is no decimal digit, and maybe
// others behind it.
func nonDigits(w uint64) uint64 {
	w ^= ones * '0'
	return (w | (w + ones*(0x80-10))) & highs
}

// eightDigits gives the number that eight digits make, the first of which is the lowest byte: pairs
// are summed to two digits, those to four, and those to eight.
func eightDigits(w uint64) uint64 {
	w -= ones * '0'
	w = w*10 + w>>8
	const pair = 0x000000ff000000ff
	return ((w&pair)*(100+1000000<<32) + (w>>16&pair)*(1+10000<<32)) >> 32
}

// integer reads a whole number, in any spelling (118, 118.0, 1.18e2). Numbers of 64
// bits without sign keep their bits, so that 18446744073709551615 is -1: that is how
// some writers spell an id that is not there.
func integer(b []byte) (int64, numState) {
	if len(b) > 0 && len(b) <= 18 {
		var n int64
		i := 0
		for i < len(b) && b[i]-'0' <= 9 {
			n = n*10 + int64(b[i]-'0')
			i++
		}
		if i == len(b) {
			return n, numOK
		}
	}
	if u, ok := unsigned(b); ok {
		return int64(u), numOK
	}
	d, ok := decimalOf(b)
	if !ok {
		return 0, numNone
	}
	if !d.whole() {
		return 0, numNone
	}
	return d.round(0)
}

// unsigned reads plain digits of up to 64 bits.
func unsigned(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// scaled reads any decimal number times 10^shift.
func scaled(b []byte, shift int) (int64, numState) {
	d, ok := decimalOf(b)
	if !ok {
		return 0, numNone
	}
	return d.round(shift)
}

// decimal is a number taken apart: 0.digits × 10^point, without converting it.
type decimal struct {
	neg   bool
	a, f  []byte // digits before and after the point as written
	point int    // exponent
}

const maxExponent = 1 << 30 // larger ones are cut to it: they overflow all the same

func decimalOf(b []byte) (d decimal, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		d.neg = b[0] == '-'
		b = b[1:]
	}
	d.a, b = digits(b)
	if len(b) > 0 && b[0] == '.' {
		d.f, b = digits(b[1:])
	}
	if len(d.a)+len(d.f) == 0 {
		return d, false
	}
	if len(b) == 0 {
		return d, true
	}
	if b[0] != 'e' && b[0] != 'E' {
		return d, false
	}
	b = b[1:]
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	e, rest := digits(b)
	if len(e) == 0 || len(rest) > 0 {
		return d, false
	}
	for _, c := range e {
		d.point = min(d.point*10+int(c-'0'), maxExponent)
	}
	if neg {
		d.point = -d.point
	}
	return d, true
}

func digits(b []byte) (run, rest []byte) {
	i := 0
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return b[:i], b[i:]
}

// digit gives digit i of the digits before and after the point run together; zeros
// follow the last.
func (d *decimal) digit(i int) byte {
	if i < len(d.a) {
		return d.a[i] - '0'
	}
	if i -= len(d.a); i < len(d.f) {
		return d.f[i] - '0'
	}
	return 0
}

// whole tells whether no digit other than 0 stands behind the point.
func (d *decimal) whole() bool {
	for i := max(len(d.a)+d.point, 0); i < len(d.a)+len(d.f); i++ {
		if d.digit(i) != 0 {
			return false
		}
	}
	return true
}

// round gives the number times 10^shift, rounded half away from zero.
func (d *decimal) round(shift int) (int64, numState) {
	n := len(d.a) + d.point + shift // digits that stand before the new point
	var v uint64
	for i := 0; i < n; i++ {
		if i >= len(d.a)+len(d.f) && v == 0 {
			break // nothing but zeros, however large the exponent
		}
		if v > math.MaxInt64/10 {
			return 0, numRange
		}
		v = v*10 + uint64(d.digit(i)) // at most MaxInt64+2
	}
	if n >= 0 && d.digit(n) >= 5 {
		v++
	}
	if v > math.MaxInt64 {
		return 0, numRange
	}
	if d.neg {
		return -int64(v), numOK
	}
	return int64(v), numOK
}
