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

// TestTheHeadIsNoLayer: a last layer that ends otherwise does not take in the kernels behind it
// that no layer has.
func TestTheHeadIsNoLayer(t *testing.T) {
	text := "x" + strings.Repeat("abcdefgh", 4) + "abcdefyz"
	seq := make([]SymID, len(text))
	for i := range text {
		seq[i] = SymID(text[i])
	}
	list := motifs(seq)
	if len(list) != 1 {
		t.Fatalf("%d motifs, want 1", len(list))
	}
	if got := text[list[0].from:list[0].to]; got != strings.Repeat("abcdefgh", 4)+"abcdef" {
		t.Errorf("the layers are %q", got)
	}
}

// onStreams makes a graph of one step from the kernels of its streams, a letter a symbol.
func onStreams(dur []int64, streams ...string) *Graph {
	g := &Graph{Steps: make([]Step, 1)}
	for s, text := range streams {
		g.Streams = append(g.Streams, Stream{ID: int64(s)})
		for i := range text {
			g.Kernels = append(g.Kernels, Kernel{Sym: SymID(text[i]), Stream: int32(s), Dur: dur[s], Layer: -1})
		}
	}
	return g
}

func TestLayersOfTheStreamThatHasThem(t *testing.T) {
	layers := strings.Repeat("abcde", 4)
	for _, c := range []struct {
		name   string
		g      *Graph
		layers int32
		stream int32
	}{
		{"the busiest", onStreams([]int64{10, 1}, layers, strings.Repeat("fgh", 4)), 4, 0},
		{"one that waited longer has none", onStreams([]int64{10, 90}, layers, "rrrr"), 4, 0},
		{"a quarter of the time is needed", onStreams([]int64{1, 90}, layers, "rrrr"), 0, 0},
	} {
		c.g.layers()
		if c.g.Steps[0].Layers != c.layers {
			t.Errorf("%s: %d layers, want %d", c.name, c.g.Steps[0].Layers, c.layers)
		}
		for i := range c.g.Kernels {
			if k := &c.g.Kernels[i]; k.Layer >= 0 && k.Stream != c.stream {
				t.Errorf("%s: a kernel of stream %d is in layer %d", c.name, k.Stream, k.Layer)
			}
		}
	}
}

func TestIsSync(t *testing.T) {
	for call, want := range map[string]bool{
		"cudaStreamSynchronize": true, "cudaDeviceSynchronize": true, "cudaEventSynchronize": true, "hipStreamSynchronize": true, "cuCtxSynchronize": true,
		"cudaMemcpy": true, "hipMemcpyWithStream": true, "cudaMemcpyAsync": false, "cudaStreamWaitEvent": false, "cudaLaunchKernel": false, "": false,
	} {
		if IsSync(call) != want {
			t.Errorf("%q: %v", call, !want)
		}
	}
}

func TestLayerBounds(t *testing.T) {
	for _, c := range []struct{ seq, want string }{
		{"xy" + strings.Repeat("abcd", 3) + "z", "abcd abcd abcd"},
		{"xybcde" + strings.Repeat("abcde", 3) + "z", "bcdea bcdea bcdea bcde"},
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
