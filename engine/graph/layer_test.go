package graph

import (
	"strings"
	"testing"
)

func TestMotifs(t *testing.T) {
	for _, c := range []struct {
		name, seq string
		layers    int32 // of all motifs
		first     string
	}{
		{"one motif", "xy" + strings.Repeat("abcd", 5) + "z", 5, "abcd"},
		{"a first layer without one kernel", "xybcde" + strings.Repeat("abcde", 5) + "z", 6, "bcdea"},
		{"a last layer with another end", "x" + strings.Repeat("abcdefgh", 4) + "abcdefqz", 5, "abcdefgh"},
		{"two kinds of layer", "x" + strings.Repeat("abcd", 3) + strings.Repeat("aefgh", 6) + "z", 9, "abcd"},
		{"a loop of preparation is no layer", "abab" + "abab" + "x" + strings.Repeat("cdefghijklmno", 4), 4, "cdefghijklmno"},
		{"one kernel over and over", strings.Repeat("a", 40), 0, ""},
		{"nothing repeats", "abcdefg", 0, ""},
		{"empty", "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			seq := make([]SymID, len(c.seq))
			for i := range c.seq {
				seq[i] = SymID(c.seq[i])
			}
			var n int32
			first := ""
			for i, m := range motifs(seq) {
				n += m.layers()
				if i == 0 {
					first = c.seq[m.start : m.start+m.period]
				}
				for at := m.from; at < m.to; at++ {
					if l := m.layer(at); l < 0 || l >= m.layers() {
						t.Errorf("place %d is in layer %d of %d", at, l, m.layers())
					}
				}
			}
			if n != c.layers || first != c.first {
				t.Errorf("%d layers of %q, want %d of %q", n, first, c.layers, c.first)
			}
		})
	}
}

func TestLayerBounds(t *testing.T) {
	for _, c := range []struct{ seq, want string }{
		{"xy" + strings.Repeat("abcd", 3) + "z", "abcd abcd abcd"},
		{"xybcde" + strings.Repeat("abcde", 3) + "z", "bcdea bcdea bcdea bcdez"},
		{"x" + strings.Repeat("abcd", 2) + strings.Repeat("aefgh", 3) + "z", "abcd abcd aefgh aefgh aefgh"},
		{"abcdefg", ""},
		{"", ""},
	} {
		seq := make([]SymID, len(c.seq))
		for i := range c.seq {
			seq[i] = SymID(c.seq[i])
		}
		var got []string
		end := 0
		for _, b := range LayerBounds(seq) {
			if b[0] < end || b[1] <= b[0] {
				t.Errorf("%s: layer %v begins before %d", c.seq, b, end)
			}
			end = b[1]
			got = append(got, c.seq[b[0]:b[1]])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.seq, s, c.want)
		}
	}
}
