package ladder

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// built makes the graph of a trace in the builder's notation.
func built(t *testing.T, text string) *graph.Graph {
	t.Helper()
	spec, err := tracebuild.Parse("t.yaml", []byte("trace:\n"+text))
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
	return graph.Build(tr, graph.Options{Sites: graph.Policy{Packages: []graph.Package{{Name: "sglang", Prefix: "python/sglang", Framework: "sglang"}}}})
}

// show prints ladders as "runs × kernels scoped", the kernels of one run.
func show(g *graph.Graph, list []Ladder) string {
	var out []string
	for _, l := range list {
		var names []string
		for _, k := range l.Runs[0] {
			names = append(names, g.Name(&g.Kernels[k]))
		}
		s := fmt.Sprintf("%d × %s", len(l.Runs), strings.Join(names, " "))
		if !l.Scoped {
			s += " (scope unknown)"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// Kernels that begin with a small letter are rungs.
func rungs(g *graph.Graph) func(int32) bool {
	return func(k int32) bool { return g.Name(&g.Kernels[k])[0] >= 'a' }
}

func TestFind(t *testing.T) {
	const at = `at: ['python/sglang/srt/layers/x.py::forward']`
	const other = `at: ['python/sglang/srt/layers/y.py::forward']`
	kernels := func(at string, names ...string) string {
		var b strings.Builder
		for _, n := range names {
			fmt.Fprintf(&b, "    - {kernel: %s, %s}\n", n, at)
		}
		return b.String()
	}
	repeat := func(n int, body string) string { return fmt.Sprintf("- repeat: %d\n  of:\n%s", n, body) }
	for _, c := range []struct{ name, trace, want string }{
		{"repeated from one scope", repeat(4, kernels(at, "a", "b", "c")+kernels(at, "GEMM")), "4 × a b c"},
		{"too few repeats", repeat(3, kernels(at, "a", "b", "c")+kernels(at, "GEMM")), ""},
		{"too short", repeat(8, kernels(at, "a", "b")+kernels(at, "GEMM")), ""},
		{"two scopes", repeat(8, kernels(at, "a", "b")+kernels(other, "c")+kernels(at, "GEMM")), ""},
		{"the part from one scope", repeat(8, kernels(at, "a", "b", "c")+kernels(other, "d")+kernels(at, "GEMM")), "8 × a b c"},
		{"a run is maximal", repeat(8, kernels(at, "a", "b", "c", "d")+kernels(at, "GEMM")), "8 × a b c d"},
		{"something in between", repeat(8, kernels(at, "a", "b", "GEMM", "c")+kernels(at, "GEMM")), ""},
		{"two sequences of one scope", repeat(4, kernels(at, "a", "b", "c", "GEMM", "a", "b", "d")+kernels(at, "GEMM")), "4 × a b c; 4 × a b d"},
		{"own launches without a frame tell no scope", repeat(8, "    - {kernel: a}\n    - {kernel: b}\n    - {kernel: c}\n    - {kernel: GEMM}\n"), ""},
		{"a loop over data is no ladder", repeat(4, kernels(at, strings.Fields(strings.Repeat("a ", 65))...)+kernels(at, "GEMM")), ""},
		{"a replay, once a layer", "- graph: g\n  " + at + "\n  of:\n    - repeat: 6\n      of: [{kernel: a}, {kernel: b}, {kernel: c}, {kernel: GEMM}, {kernel: ATTN}]\n", "6 × a b c (scope unknown)"},
		{"a replay, not in every layer", "- graph: g\n  " + at + "\n  of:\n    - repeat: 6\n      of: [{kernel: X}, {kernel: GEMM}, {kernel: ATTN}]\n" +
			"    - repeat: 4\n      of: [{kernel: a}, {kernel: b}, {kernel: c}, {kernel: GEMM}, {kernel: ATTN}]\n", ""},
		{"not across steps", strings.Repeat("- step: 'step[DECODE bs=1]'\n  of:\n"+kernels(at, "a", "b"), 8), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := built(t, c.trace)
			if got := show(g, Find(g, rungs(g))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Kernels of two streams that follow each other in time are in no run together.
func TestFindKeepsStreamsApart(t *testing.T) {
	const at = `at: ['python/sglang/srt/layers/x.py::forward']`
	g := built(t, "- repeat: 8\n  of:\n    - {kernel: a, stream: 7, "+at+"}\n    - {kernel: b, stream: 8, "+at+"}\n    - {kernel: c, stream: 7, "+at+"}\n    - {kernel: GEMM, stream: 7, "+at+"}\n")
	if got := show(g, Find(g, rungs(g))); got != "" {
		t.Errorf("got %q, want none", got)
	}
}

// Those with most GPU time come first.
func TestFindOrders(t *testing.T) {
	const at = `at: ['python/sglang/srt/layers/x.py::forward']`
	g := built(t, "- repeat: 4\n  of: [{kernel: a, us: 1, "+at+"}, {kernel: b, us: 1, "+at+"}, {kernel: c, us: 1, "+at+"}, {kernel: GEMM, "+at+"}]\n"+
		"- repeat: 4\n  of: [{kernel: x, us: 2, "+at+"}, {kernel: y, us: 2, "+at+"}, {kernel: z, us: 2, "+at+"}, {kernel: GEMM, "+at+"}]\n")
	if got, want := show(g, Find(g, rungs(g))), "4 × x y z; 4 × a b c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
