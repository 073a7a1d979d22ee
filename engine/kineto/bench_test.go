package kineto

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// framesTrace writes a trace as the profiler does with Python stacks: mostly frames,
// some ops with shapes, and a kernel with its launch and flows now and then.
func framesTrace(events int) []byte {
	g := rand.New(rand.NewSource(1))
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("sglang/srt/layers/module_%d/%s.py(%d): forward_%d", i%37, strings.Repeat("x", i%23), g.Intn(2000), i)
	}
	var b bytes.Buffer
	b.WriteString("{\n  \"schemaVersion\": 1,\n  \"with_stack\": 1,\n  \"traceEvents\": [")
	ts := 6210733431419875
	for i := range events {
		if i > 0 {
			b.WriteString(",")
		}
		ts += g.Intn(9000)
		us, ns, name := ts/1000, ts%1000, names[int(float64(len(names))*g.Float64()*g.Float64())]
		switch k := i % 20; {
		case k == 7:
			fmt.Fprintf(&b, "\n  {\n    \"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"aten::to\", \"pid\": 4762, \"tid\": 4762,\n    \"ts\": %d.%03d, \"dur\": %d.%03d,\n    \"args\": {\n      \"External id\": %d,\"Record function id\": 0, \"Concrete Inputs\": [\"\", \"4\", \"0\", \"\", \"\", \"True\", \"False\", \"\"], \"Input type\": [\"long int\", \"Scalar\", \"Scalar\", \"\", \"\", \"Scalar\", \"Scalar\", \"\"], \"Input Strides\": [[1], [], [], [], [], [], [], []], \"Input Dims\": [[4096], [], [], [], [], [], [], []], \"Ev Idx\": %d\n    }\n  }", us, ns, g.Intn(90), g.Intn(1000), i, i)
		case k == 11:
			fmt.Fprintf(&b, "\n  {\n    \"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"pid\": 4762, \"tid\": 4762,\n    \"ts\": %d.%03d, \"dur\": %d.%03d,\n    \"args\": {\n      \"External id\": %d, \"cbid\": 211, \"correlation\": %d\n    }\n  },\n  {\n    \"ph\": \"s\", \"id\": %d, \"pid\": 4762, \"tid\": 4762, \"ts\": %d.%03d,\n    \"cat\": \"ac2g\", \"name\": \"ac2g\"\n  }", us, ns, g.Intn(90), g.Intn(1000), i, i, i, us, ns)
		case k == 13:
			fmt.Fprintf(&b, "\n  {\n    \"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"void at::native::elementwise_kernel<%d, float>(int, float*)\", \"pid\": 0, \"tid\": 128,\n    \"ts\": %d.%03d, \"dur\": %d.%03d,\n    \"args\": {\n      \"External id\": %d,      \"queued\": 0, \"device\": 0, \"context\": 1,      \"stream\": 128, \"correlation\": %d,      \"registers per thread\": 22,      \"shared memory\": 0,      \"blocks per SM\": 0.013158,      \"warps per SM\": 0.052632,      \"grid\": [2, 1, 1],      \"block\": [128, 1, 1],      \"est. achieved occupancy %%\": 0\n    }\n  },\n  {\n    \"ph\": \"f\", \"id\": %d, \"pid\": 0, \"tid\": 128, \"ts\": %d.%03d,\n    \"cat\": \"ac2g\", \"name\": \"ac2g\", \"bp\": \"e\"\n  }", i%97, us, ns, g.Intn(90), g.Intn(1000), i, i, i, us, ns)
		default:
			parent := fmt.Sprint(i / 2)
			if i%500 == 0 {
				parent = "null"
			}
			fmt.Fprintf(&b, "\n  {\n    \"ph\": \"X\", \"cat\": \"python_function\", \"name\": \"%s\", \"pid\": 4762, \"tid\": 4762,\n    \"ts\": %d.%03d, \"dur\": %d.%03d,\n    \"args\": {\n      \"Python id\": %d, \"Python parent id\": %s, \"Ev Idx\": %d\n    }\n  }", name, us, ns, g.Intn(9000), g.Intn(1000), i, parent, i)
		}
	}
	b.WriteString("\n  ],\n  \"traceName\": \"bench.json\"\n}\n")
	return b.Bytes()
}

const benchEvents = 200_000

func benchRead(b *testing.B, doc, in []byte, o Options) {
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	var events int64
	for b.Loop() {
		tr, err := Read(context.Background(), bytes.NewReader(in), "bench", o)
		if err != nil || len(tr.Damage) > 0 {
			b.Fatal(err, tr.Damage)
		}
		events = tr.Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(int64(b.N)*events), "ns/event")
}

func BenchmarkScanPlain(b *testing.B) {
	doc := framesTrace(benchEvents)
	benchRead(b, doc, doc, Options{Strict: true})
}

func BenchmarkScanGeneral(b *testing.B) {
	doc := framesTrace(benchEvents)
	benchRead(b, doc, doc, Options{Strict: true, general: true})
}

func BenchmarkScanGzip(b *testing.B) {
	doc := framesTrace(benchEvents)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(doc)
	w.Close()
	benchRead(b, doc, z.Bytes(), Options{Strict: true})
}

// BenchmarkIntern looks up names of which nearly all are known, as a trace has them.
func BenchmarkIntern(b *testing.B) {
	texts := make([][]byte, 4096)
	for i := range texts {
		texts[i] = fmt.Appendf(nil, "sglang/srt/layers/module_%d/file.py(%d): forward_%d", i%37, i%2000, i)
	}
	names := NewNames()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		names.Intern(texts[i&4095])
		i++
	}
}
