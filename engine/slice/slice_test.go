package slice

import (
	"bytes"
	"context"
	"fmt"
	"math"
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

// seen is what a rule sees of the kernels, stream by stream, and when each began.
func seen(g *graph.Graph, keep func(k *graph.Kernel) bool) string {
	var b strings.Builder
	var zero int64 = math.MaxInt64
	replays := map[int32]int{}
	for i := range g.Kernels {
		if k := &g.Kernels[i]; keep(k) {
			zero = min(zero, k.Ts)
		}
	}
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
			replay := -1 // numbered anew: the stretch may have only some
			if n.Replay >= 0 {
				if _, ok := replays[n.Replay]; !ok {
					replays[n.Replay] = len(replays)
				}
				replay = replays[n.Replay]
			}
			fmt.Fprintf(&b, "%d %s +%d %d ns %s %s replay %d", g.Streams[s].ID, g.Name(n), n.Ts-zero, n.Dur, step, n.Method, replay)
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
	for _, w := range g.Waits {
		if a, b2 := &g.Kernels[w.From], &g.Kernels[w.To]; keep(a) && keep(b2) {
			fmt.Fprintf(&b, "%s waits for %s\n", g.Name(b2), g.Name(a))
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

// build reads a trace made from the notation.
func build(t *testing.T, vendor, text string) *graph.Graph {
	t.Helper()
	spec, err := tracebuild.Parse("t.yaml", []byte("vendor: "+vendor+"\ntrace:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tracebuild.Build(spec, tracebuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := kineto.Read(context.Background(), bytes.NewReader(b), "t", kineto.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(tr, graph.Options{Sites: policy})
}

// Streams that run beside each other come back as they were: waits, graph launches beside
// other kernels, steps that overlap, gaps below zero, names that YAML could mistake.
func TestRoundTripOfStreams(t *testing.T) {
	for name, text := range map[string]string{
		"waits": `
  - {kernel: a, us: 9}
  - {record: x, stream: 7}
  - {kernel: b, us: 3, stream: 20, gap_us: 0.5}
  - {wait: x, stream: 20}
  - {kernel: c, us: 4, stream: 20, gap_us: 2}
  - {record: y, stream: 20}
  - {kernel: d, us: 40, stream: 7}
  - {wait: y, stream: 7}
  - {kernel: e, us: 1, stream: 7}
`,
		"a graph beside launches": `
  - {kernel: before, stream: 7}
  - {kernel: beside, stream: 20, us: [3, 4, 5], gap_us: 0.25}
  - {kernel: beside2, stream: 20, us: 30, gap_us: 0.25}
  - graph: g
    at: ['python/sglang/srt/x.py::replay']
    of: [{kernel: g1, us: 2}, {kernel: g2, us: 7, stream: 9}, {kernel: g3, us: 2}]
  - {kernel: beside3, stream: 20, us: 30, gap_us: 0.25}
  - {kernel: after, stream: 7}
  - graph: g
    of: [{kernel: g1, us: 2}, {kernel: g2, us: 7, stream: 9}]
`,
		"steps that overlap": `
  - {step: 'step[DECODE bs=1]', of: [{kernel: a, us: 50, stream: 7}, {kernel: a2, us: 50, stream: 7}]}
  - {step: 'step[EXTEND bs=1 toks=4]', of: [{kernel: b, us: 8, stream: 20, gap_us: 3}, {kernel: b2, us: 80, stream: 20, gap_us: 3}]}
`,
		"odd names": `
  - {kernel: "it's: a {name} # with [marks], *and* &more", us: 1, op: ["aten::add '", '{x: 1}'], at: ["python/sglang/srt/x.py::<lambda>"]}
  - {memcpy: 'Memcpy DtoD (Device -> Device)', us: 0, gap_us: 0}
  - {memset: 'Memset (Device)', us: 3, gap_us: -2}
  - {kernel: '- |', us: 3, gap_us: -1, module: [Qwen3Attention]}
  - {kernel: 'yes', us: 3.001, gap_us: 12345.678}
`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, vendor := range []string{"nvidia", "amd"} {
				g := build(t, vendor, text)
				compare(t, g, 0, len(g.Kernels))
				compare(t, g, 1, len(g.Kernels)-1)
			}
		})
	}
}

// What the notation cannot hold is said, in an error or beside the item.
func TestWhatDoesNotFit(t *testing.T) {
	frames := strings.Repeat("{frames: ['python/sglang/srt/x.py::f'], of: [", 3)
	var at []string
	for range 100 {
		at = append(at, "'python/sglang/srt/x.py::f'")
	}
	frames = strings.ReplaceAll(frames, "'python/sglang/srt/x.py::f'", strings.Join(at, ", "))
	g := build(t, "nvidia", "  - "+frames+"{kernel: a}]}]}]}\n")
	text, _ := roundTrip(t, g, 0, 1)
	if !strings.Contains(text, "# 172 outer frames, modules and ops are left out\n") {
		t.Errorf("no comment about what is left out:\n%s", head(text))
	}
	g = build(t, "nvidia", "  - {kernel: a}\n")
	long := strings.Repeat("x", maxName+1)
	g.Kernels[0].Name = g.Trace.Names.InternString(long)
	run := match.Describe(g)
	err := Write(&bytes.Buffer{}, g, &run, Options{To: 1, Stream: -1, Rule: "x-y", Name: "x"})
	if err == nil || !strings.Contains(err.Error(), "8193 bytes") {
		t.Errorf("a long name: %v", err)
	}
}

// The stage that a file's name gives becomes a step, as a test has no file name.
func TestStageOfTheFile(t *testing.T) {
	g := build(t, "nvidia", "  - {kernel: a}\n  - {kernel: b}\n")
	g = graph.Build(g.Trace, graph.Options{Sites: policy, Stage: graph.StageDecode})
	_, again := roundTrip(t, g, 0, 2)
	if again.Stages[again.Kernels[1].Stage] != graph.StageDecode {
		t.Errorf("the stages are %v", again.Stages)
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
		{Options{From: 0, To: 10, Stream: 99}, "the streams 2, 3"},
		{Options{From: 0, To: 10, Stream: -1, Stage: "extend"}, "the stages decode, outside and the streams 2, 3"},
	} {
		if err := Write(&bytes.Buffer{}, g, &run, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}
