package align

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// built makes the graph of a trace in the builder's notation; head are lines before its items.
func built(t *testing.T, head, text string, mapping bool) *graph.Graph {
	t.Helper()
	spec, err := tracebuild.Parse("t.yaml", []byte(head+"\ntrace:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tracebuild.Build(spec, tracebuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := kineto.Read(context.Background(), bytes.NewReader(b), "t.json", kineto.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(tr, graph.Options{Mapping: mapping})
}

// places writes, kernel by kernel, the function that a replayed kernel took as its site: with ~ by
// its neighbours, with ! by its node, and - where there is none. Streams are apart.
func places(g *graph.Graph) string {
	var streams []string
	for s := range g.Streams {
		var out []string
		for _, k := range g.Streams[s].Kernels {
			n := &g.Kernels[k]
			if n.Replay < 0 {
				continue
			}
			mark := map[graph.Method]string{graph.Neighbour: "~", graph.Node: "!"}[n.Method]
			name := "-"
			if n.Method.Exact() {
				id, _ := g.Site(g.Classes[n.Class].Py)
				name = mark + g.Frames.At(id).Func
			}
			out = append(out, name)
		}
		if len(out) > 0 {
			streams = append(streams, strings.Join(out, " "))
		}
	}
	return strings.Join(streams, " | ")
}

// sites are kernels with the function each was launched from: "a:f b:g@8" is a from f and b from g on stream 8.
func sites(list string) string {
	var b strings.Builder
	for _, w := range strings.Fields(list) {
		stream := "7"
		w, on, ok := strings.Cut(w, "@")
		if ok {
			stream = on
		}
		name, fn, _ := strings.Cut(w, ":")
		at := ""
		if fn != "" {
			at = ", at: ['m.py::" + fn + "']"
		}
		fmt.Fprintf(&b, "      - {kernel: %s, stream: %s%s}\n", name, stream, at)
	}
	return b.String()
}

func eager(list string) string { return "  - step: 'step[DECODE bs=4]'\n    of:\n" + sites(list) }
func captured(name, list string) string {
	return "  - capture: " + name + "\n    of:\n" + sites(list)
}
func replay(name, list string) string {
	return "  - step: 'step[DECODE bs=4]'\n    of:\n    - graph: " + name + "\n      at: ['r.py::replay']\n      of:\n" + sites(list)
}

func TestMap(t *testing.T) {
	const amd, ids = "vendor: amd", "graph_ids: true"
	for _, c := range []struct{ name, head, mapping, formal, want string }{
		{"a run without graphs", "", eager("a:f g:h a:k"), replay("g", "a g a"), "f h k"},
		{"a capture", amd, captured("g", "a:f g:h a:k"), replay("g", "a g a"), "f h k"},
		{"a capture of more, as it warms up", amd, captured("g", "w:w a:f g:h a:k"), replay("g", "a g a"), "f h k"},
		{"a silent capture of as many", "", captured("g", "a:f b:h c:k"), replay("g", "x y z"), "f h k"},
		{"a silent capture of more", "", captured("g", "w:w a:f b:h c:k"), replay("g", "a b c"), "- - -"},
		{"another tile between neighbours", "", eager("n:f gemm1:h n:k"), replay("g", "n gemm2 n"), "f ~h k"},
		{"two others between neighbours", "", eager("n:f gemm1:h act1:i n:k"), replay("g", "n gemm2 act2 n"), "f ~h ~i k"},
		{"one stands for two", "", eager("n:f gemm1:h act1:i n:k"), replay("g", "n fused n"), "f - k"},
		{"another one at the end has no second neighbour", "", eager("n:f g:h gemm1:i"), replay("g", "n g gemm2"), "f h -"},
		{"a dropped kernel", "", eager("a:f b:g c:h b:i"), replay("g", "a c b"), "f h i"},
		{"two streams", amd, captured("g", "a:f s:p b:g c:h s:q"), replay("g", "a s@8 b c s@8"), "f g h | p q"},
		{"pieces, one launch after another", amd, captured("g", "a:f b:g") + captured("h", "c:h a:i"), "  - step: 'step[DECODE bs=4]'\n    of:\n    - {graph: g, of: [{kernel: a}, {kernel: b}]}\n    - {graph: h, of: [{kernel: c}, {kernel: a}]}\n", "f g h i"},
		// Each layer has one norm more than the run without graphs. Which of two it is nobody can tell, but
		// the layers keep the others in place.
		{"layers are anchors", "", eager("e:e " + strings.Repeat("n:f A:g n:h B:i ", 6)), replay("g", "e "+strings.Repeat("n A n n BB ", 6)), "e" + strings.Repeat(" f g - - -", 6)},
		{"one of two, and nobody can tell which", "", eager("a:f n:g n:h b:i"), replay("g", "a n b"), "f - i"},
		{"one of two from one place", "", eager("a:f n:g n:g b:i"), replay("g", "a n b"), "f g i"},
		{"two for one", "", eager("a:f n:g b:i"), replay("g", "a n n b"), "f - - i"},
		// By names alone n could be the first or the second; its place says which.
		{"places decide between equals", "", eager("a:f n:g A:h n:i B:j"), replay("g", "a x y n B"), "f ~g ~h i j"},
		{"nodes need no name and no order", ids, captured("g", "a:f b:h c:k"), replay("g", "a b c"), "!f !h !k"},
		{"nodes on two streams", ids, captured("g", "a:f s:p b:h"), replay("g", "a s@8 b"), "!f !h | !p"},
		{"ids of another run of more launches", ids, captured("g", "w:w a:f b:h"), replay("g", "a b"), "- -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := built(t, c.head, c.mapping, true), built(t, c.head, c.formal, false)
			r := Map(a, b)
			b.Reattribute(r.Sites)
			if got := places(b); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			n := 0
			for _, l := range r.Left {
				n += l.Kernels
			}
			if r.Node+r.Aligned+r.Neighbour+n != r.Wanted {
				t.Errorf("%d by node, %d aligned, %d by neighbours and %d left of %d", r.Node, r.Aligned, r.Neighbour, n, r.Wanted)
			}
		})
	}
}

// A capture that names no kernels is aligned by count, so a step that lost a kernel is not; what its
// nodes took in another step it takes too.
func TestNodesCarryBetweenSteps(t *testing.T) {
	a := built(t, "", captured("g", "a:f b:h c:k"), true)
	formal := replay("g", "a b c") + replay("g", "a b")
	for head, want := range map[string]string{"": "f h k - -", "graph_ids: true": "f h k f h"} {
		b := built(t, head, formal, false)
		r := Map(a, b)
		b.Reattribute(r.Sites)
		if got := places(b); got != want {
			t.Errorf("%q: got %q, want %q", head, got, want)
		}
	}
}

// One graph launched twice in a step has each node twice, and both are the one captured launch.
func TestNodesRunTwice(t *testing.T) {
	a := built(t, "graph_ids: true", captured("g", "a:f b:h"), true)
	b := built(t, "graph_ids: true", "  - step: 'step[DECODE bs=4]'\n    of:\n    - {graph: g, of: [{kernel: a}, {kernel: b}]}\n    - {graph: g, of: [{kernel: a}, {kernel: b}]}\n", false)
	r := Map(a, b)
	b.Reattribute(r.Sites)
	if got, want := places(b), "!f !h !f !h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Node != 4 || r.Wanted != 4 {
		t.Errorf("%d of %d by node, want 4 of 4", r.Node, r.Wanted)
	}
}

// Ids that contradict a name are those of another run: none of them is used.
func TestNodesOfAnotherRun(t *testing.T) {
	capture := "  - capture: g\n    of:\n      - {kernel: a, at: ['m.py::f']}\n      - {memcpy: 'Memcpy DtoD (Device -> Device)', at: ['m.py::h']}\n      - {kernel: c, at: ['m.py::k']}\n"
	a := built(t, "graph_ids: true", capture, true)
	b := built(t, "graph_ids: true", replay("g", "a b c"), false)
	r := Map(a, b)
	b.Reattribute(r.Sites)
	if r.Node != 0 {
		t.Errorf("%d kernels by node: %s", r.Node, places(b))
	}
}

// Fixed places are anchors for the rest, in order and out of order.
func TestAlignBetweenNodes(t *testing.T) {
	s := &sequence{keys: seq("naxbnaxbn"), places: make([]place, 9)}
	for i := range s.places {
		s.places[i].py = graph.StackID(i + 1)
	}
	free := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}
	for _, c := range []struct {
		keys  string
		fixed map[int32]int32
		want  string
	}{
		// The one x is that of the first layer, or of the second, as its node says.
		{"axb", map[int32]int32{1: 2}, "0:1 1:2! 2:?"},
		{"bnaxbn", map[int32]int32{3: 6}, "0:3 1:4 2:5 3:6! 4:7 5:8"},
		{"xx", map[int32]int32{0: 6, 1: 2}, "0:6! 1:2!"},
		{"xbx", map[int32]int32{0: 6, 2: 2}, "0:6! 1:? 2:2!"},
	} {
		var out []string
		for _, x := range alignOne(s, free, seq(c.keys), c.fixed) {
			w := fmt.Sprintf("%d:%d", x.kernel, x.place)
			if x.unsure {
				w = fmt.Sprintf("%d:?", x.kernel)
			}
			if x.node {
				w += "!"
			}
			out = append(out, w)
		}
		slices.Sort(out) // no test has ten keys
		if got := strings.Join(out, " "); got != c.want {
			t.Errorf("%q with %v: got %q, want %q", c.keys, c.fixed, got, c.want)
		}
	}
}
