package slice

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/ruletest"
	"github.com/sgrules/sgrules/engine/tracebuild"
	"github.com/sgrules/sgrules/internal/realtrace"
)

var policy = graph.Policy{Packages: []graph.Package{
	{Name: "sglang", Prefix: "python/sglang", Framework: "sglang"}, {Name: "vllm", Prefix: "vllm", Framework: "vllm"},
	{Name: "sgl_kernel", Prefix: "sgl-kernel/python/sgl_kernel"}, {Name: "aiter", Prefix: "aiter"}, {Name: "flashinfer", Prefix: "flashinfer"},
}}

func load(t *testing.T, path string) *graph.Graph {
	t.Helper()
	tr, err := kineto.Open(context.Background(), path, kineto.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(tr, graph.Options{Sites: policy})
}

// seen is what a rule sees of the kernels, stream by stream.
func seen(g *graph.Graph, keep func(k *graph.Kernel) bool) string {
	var b strings.Builder
	for s := range g.Streams {
		for _, k := range g.Streams[s].Kernels {
			n := &g.Kernels[k]
			if !keep(n) {
				continue
			}
			step := ""
			if n.Step >= 0 {
				step = g.Trace.Names.Text(g.Steps[n.Step].Name)
			}
			fmt.Fprintf(&b, "%d %s %d ns %s %s", g.Streams[s].ID, g.Name(n), n.Dur, step, n.Method)
			c := &g.Classes[n.Class]
			modules := "" // a rule sees which there are, not where they stand among the frames
			for _, e := range g.Py.Entries(c.Py) {
				if f := g.Frames.At(e); f.Package >= 0 {
					fmt.Fprintf(&b, " %s::%s", f.Path, f.Func)
				} else if f.Module != "" {
					modules += " [" + f.Module + "]"
				}
			}
			b.WriteString(modules)
			for _, e := range g.Ops.Entries(c.Ops) {
				fmt.Fprintf(&b, " <%s>", g.Trace.Names.Text(kineto.NameID(e)))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// roundTrip prints a stretch, builds a trace from it and reads that.
func roundTrip(t *testing.T, g *graph.Graph, from, to int) (text string, again *graph.Graph) {
	t.Helper()
	var b bytes.Buffer
	run := match.Describe(g)
	if err := Write(&b, g, &run, Options{From: from, To: to, Stream: -1, Rule: "x-y", Name: "it's a stretch"}); err != nil {
		t.Fatal(err)
	}
	f, wrong := ruletest.Decode("x-y_test.yaml", b.Bytes())
	for _, d := range wrong {
		if d.Code != "no-match" { // the author has to say what must be found
			t.Fatalf("%v\n%s", d, b.String())
		}
	}
	built, err := tracebuild.Build(&tracebuild.Spec{Vendor: run.Vendor, Items: f.Tests[0].Items}, tracebuild.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	tr, err := kineto.Read(context.Background(), bytes.NewReader(built), "built", kineto.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), graph.Build(tr, graph.Options{Sites: policy})
}

func compare(t *testing.T, g *graph.Graph, from, to int) {
	t.Helper()
	text, again := roundTrip(t, g, from, to)
	in := map[*graph.Kernel]bool{}
	order := make([]*graph.Kernel, 0, len(g.Kernels))
	for i := range g.Kernels {
		order = append(order, &g.Kernels[i])
	}
	sortByStart(order)
	for _, k := range order[from:to] {
		in[k] = true
	}
	want := seen(g, func(k *graph.Kernel) bool { return in[k] })
	got := seen(again, func(*graph.Kernel) bool { return true })
	if got != want {
		t.Errorf("kernels %d to %d come back otherwise:\n%s\nwant\n%s\nfrom\n%s", from, to, head(got), head(want), head(text))
	}
}

func head(s string) string {
	if len(s) > 3000 {
		return s[:3000] + "…"
	}
	return s
}

func sortByStart(ks []*graph.Kernel) {
	for i := 1; i < len(ks); i++ { // nearly sorted by stream; small enough
		for j := i; j > 0 && (ks[j].Ts < ks[j-1].Ts || ks[j].Ts == ks[j-1].Ts && ks[j].Act < ks[j-1].Act); j-- {
			ks[j], ks[j-1] = ks[j-1], ks[j]
		}
	}
}

func TestRoundTripOfBuiltTraces(t *testing.T) {
	dir := filepath.Join(realtrace.Root(t), "testdata", "golden", "traces")
	for _, name := range []string{"sglang-dense-decode-graph-amd", "sglang-dense-prefill-eager", "vllm-dense-eager"} {
		t.Run(name, func(t *testing.T) {
			g := load(t, filepath.Join(dir, name+".trace.json.gz"))
			compare(t, g, 0, min(60, len(g.Kernels)))
		})
	}
}

func TestRealRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to int
	}{
		{"sglang-qwen3-8b-mi300x-prefill-eager", 20, 60},
		{"sglang-qwen3-8b-mi300x-decode-graph", 10, 60},
		{"vllm-gpt-oss-mi300-piecewise-graph", 5, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			compare(t, load(t, realtrace.Path(t, c.name)), c.from, c.to)
		})
	}
}

func TestOptions(t *testing.T) {
	g := load(t, filepath.Join(realtrace.Root(t), "testdata", "golden", "traces", "sglang-dense-decode-graph-amd.trace.json.gz"))
	run := match.Describe(g)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{From: 5, To: 5, Stream: -1}, "counted from 0"},
		{Options{From: -1, To: 5, Stream: -1}, "counted from 0"},
		{Options{From: 0, To: 1 << 30, Stream: -1}, "counted from 0"},
		{Options{From: 0, To: 10, Stream: -1, Stage: "extend"}, "the stages are"},
	} {
		if err := Write(&bytes.Buffer{}, g, &run, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}
