package kineto

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
)

func TestMicros(t *testing.T) {
	for _, c := range []struct {
		in    string
		ns    int64
		state numState
	}{
		{"0", 0, numOK},
		{"1", 1000, numOK},
		{"6210733431419.875", 6210733431419875, numOK},
		{"1695835542513910", 1695835542513910000, numOK},
		{"1695835542513910.123", 1695835542513910123, numOK},
		{"86.4", 86400, numOK},
		{"86.40", 86400, numOK},
		{"86.", 86000, numOK},
		{".5", 500, numOK},
		{"0.0004", 0, numOK},
		{"0.0005", 1, numOK},
		{"0.00049999999999", 0, numOK},
		{"1.9999", 2000, numOK},
		{"1.99949", 1999, numOK},
		{"0.9995", 1000, numOK},
		{"-0", 0, numOK},
		{"-0.0004", 0, numOK},
		{"-0.0005", -1, numOK},
		{"-1.5", -1500, numOK},
		{"+1.5", 1500, numOK},
		{"00012.5", 12500, numOK},
		{"1e3", 1000000, numOK},
		{"1.5E+2", 150000, numOK},
		{"1234567e-3", 1234567, numOK},
		{"12345678e-5", 123457, numOK},
		{"5e-4", 1, numOK},
		{"4e-4", 0, numOK},
		{"1e-400", 0, numOK},
		{"0e400", 0, numOK},
		{"0.000e99999999999999999999", 0, numOK},
		{"1e400", 0, numRange},
		{"-1e400", 0, numRange},
		{"1e99999999999999999999", 0, numRange},
		{"9223372036854775.807", math.MaxInt64, numOK},
		{"9223372036854775.8074", math.MaxInt64, numOK},
		{"9223372036854775.8075", 0, numRange},
		{"9223372036854775.808", 0, numRange},
		{"-9223372036854775.807", -math.MaxInt64, numOK},
		{"9223372036854774", 9223372036854774000, numOK},
		{"9223372036854776", 0, numRange},
		{"99999999999999999999", 0, numRange},
		{"0000000000000000000000012.5", 12500, numOK},
		{"", 0, numNone},
		{"-", 0, numNone},
		{".", 0, numNone},
		{"NaN", 0, numNone},
		{"-inf", 0, numNone},
		{"Infinity", 0, numNone},
		{"1.#INF", 0, numNone},
		{"1e", 0, numNone},
		{"1e+", 0, numNone},
		{"e5", 0, numNone},
		{"1.2.3", 0, numNone},
		{"12x", 0, numNone},
		{"1-2", 0, numNone},
		{"0x10", 0, numNone},
		{" 1", 0, numNone},
	} {
		if ns, state := micros([]byte(c.in)); ns != c.ns || state != c.state {
			t.Errorf("micros(%q) = %d, %d; want %d, %d", c.in, ns, state, c.ns, c.state)
		}
	}
}

func TestInteger(t *testing.T) {
	for _, c := range []struct {
		in    string
		n     int64
		state numState
	}{
		{"0", 0, numOK},
		{"118", 118, numOK},
		{"-1", -1, numOK},
		{"+1", 1, numOK},
		{"4294967295", math.MaxUint32, numOK},
		{"4294967296", math.MaxUint32 + 1, numOK},
		{"999999999999999999", 999999999999999999, numOK},
		{"9223372036854775807", math.MaxInt64, numOK},
		{"-9223372036854775807", -math.MaxInt64, numOK},
		{"9223372036854775808", math.MinInt64, numOK}, // the bits of an unsigned id
		{"18446744073709551615", -1, numOK},
		{"18446744073709551616", 0, numRange},
		{"1.18e2", 118, numOK},
		{"118.0", 118, numOK},
		{"1180e-1", 118, numOK},
		{"118.5", 0, numNone},
		{"1e-1", 0, numNone},
		{"1e400", 0, numRange},
		{"", 0, numNone},
		{"null", 0, numNone},
		{"0x7f", 0, numNone},
		{"12 ", 0, numNone},
	} {
		if n, state := integer([]byte(c.in)); n != c.n || state != c.state {
			t.Errorf("integer(%q) = %d, %d; want %d, %d", c.in, n, state, c.n, c.state)
		}
	}
}

// TestMicrosExact compares with math/big on many numbers of all lengths.
func TestMicrosExact(t *testing.T) {
	g := rand.New(rand.NewSource(1))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + g.Intn(10))
		}
		return string(b)
	}
	for range 20000 {
		in := digits(1 + g.Intn(20))
		if g.Intn(4) > 0 {
			in += "." + digits(1+g.Intn(8))
		}
		if g.Intn(4) == 0 {
			in += fmt.Sprintf("e%d", g.Intn(40)-20)
		}
		if g.Intn(6) == 0 {
			in = "-" + in
		}
		want := refNanos([]byte(in))
		got, state := micros([]byte(in))
		if fits(want) != (state == numOK) || state == numOK && got != want.Int64() {
			t.Fatalf("micros(%s) = %d, %d; want %s", in, got, state, want)
		}
	}
}
