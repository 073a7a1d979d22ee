package tracebuild

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func TestSameBytes(t *testing.T) {
	s, err := Load(filepath.Join(golden, "specs", "train-nccl.trace.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Gzip: true}, {Style: Compact, Sorted: true}, {OldSchema: true}} {
		var a, b bytes.Buffer
		if err := errors.Join(Write(&a, s, o), Write(&b, s, o)); err != nil {
			t.Fatal(err)
		}
		if a.Len() == 0 || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%+v: two writes of %d and %d bytes differ", o, a.Len(), b.Len())
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	s := &Spec{Items: []Item{{Kind: Kernel, Name: "a", Stream: 7}}}
	plain, packed := filepath.Join(dir, "a.json"), filepath.Join(dir, "a.json.gz")
	if err := errors.Join(WriteFile(plain, s, Options{Gzip: true}), WriteFile(packed, s, Options{})); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	if raw[0] != 0x1f || !bytes.Equal(raw[3:8], make([]byte, 5)) {
		t.Errorf("the gzip header % x has flags or a time", raw[:10])
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want) || want[0] == 0x1f {
		t.Errorf("the two files differ: %v", err)
	}
	broken := filepath.Join(dir, "b.json")
	if err := WriteFile(broken, &Spec{Items: []Item{{Kind: Kernel}}}, Options{}); err == nil {
		t.Error("a kernel without a name was written")
	}
	if _, err := os.Stat(broken); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a file was left behind: %v", err)
	}
	if err := WriteFile(filepath.Join(dir, "no", "a.json"), s, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

type full struct{ left int }

var errFull = errors.New("no space left")

func (w *full) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterFails(t *testing.T) {
	s, err := Synthetic(Size{Steps: 1}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Gzip: true}} {
		if err := Write(&full{10_000}, s, o); !errors.Is(err, errFull) {
			t.Errorf("%+v: got %v, want the writer's error", o, err)
		}
	}
}

// What Go code builds is held to the same rules as what is parsed.
func TestChecksOfGoItems(t *testing.T) {
	k := Item{Kind: Kernel, Name: "a"}
	nest := k
	for range MaxDepth + 2 {
		nest = Item{Kind: Scope, Of: []Item{nest}}
	}
	for want, it := range map[string]Item{
		"no such kind":                {Kind: numKinds},
		"no name":                     {Kind: Step, Of: []Item{k}},
		"a repeat count":              {Kind: Repeat, Of: []Item{k}},
		"no single duration":          {Kind: Idle},
		"too deep a stack":            {Kind: Kernel, Name: "a", Op: make([]string, MaxStack+1)},
		"a stream or gap":             {Kind: Kernel, Name: "a", Stream: -2},
		"a duration":                  {Kind: Kernel, Name: "a", US: []int64{-1}},
		"inside a graph":              {Kind: Graph, Name: "g", Of: []Item{{Kind: Step, Name: "s", Of: []Item{k}}}},
		"no known sync":               {Kind: Sync, Name: "x"},
		"a duration where none":       {Kind: Sync, Name: "Stream Sync", US: []int64{5}},
		"nothing in it":               {Kind: Graph, Name: "g"},
		"items inside an item":        {Kind: Kernel, Name: "a", Of: []Item{k}},
		"too deep":                    nest,
		"is no Python frame":          {Kind: Kernel, Name: "a", At: []string{"x"}},
		"expands to more than":        {Kind: Repeat, N: MaxEvents, Of: []Item{k, k}},
		"the trace lasts longer than": {Kind: Repeat, N: 1 << 20, Of: []Item{{Kind: Kernel, Name: "a", US: []int64{maxUS}}}},
	} {
		for _, items := range [][]Item{{it}, {k, {Kind: Scope, Of: []Item{it}}}} {
			if err := Write(io.Discard, &Spec{Items: items}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
	}
	for want, s := range map[string]*Spec{
		"expected nvidia or amd":   {Vendor: "intel"},
		"Parts or Items":           {Items: []Item{k}, Parts: []*Spec{{}}},
		"a merge of merges":        {Parts: []*Spec{{Parts: []*Spec{{}}}}},
		"were not read":            {Merge: []string{"a.yaml"}},
		"the trace lasts longer t": {Items: []Item{{Kind: Graph, Name: "g", Of: []Item{{Kind: Repeat, N: 1 << 20, Of: []Item{{Kind: Idle, US: []int64{maxUS}, Stream: -1}, k}}}}}},
	} {
		if err := Write(io.Discard, s, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	write("a.yaml", "pid: 1\nrank: 0\nworld: 2\ntrace: [{kernel: a}]")
	write("b.yaml", "pid: 1\nrank: 1\nworld: 2\ndevice_index: 1\ntrace: [{kernel: b}]")
	m := write("m.yaml", "merge: [a.yaml, b.yaml]")
	s, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Build(s, Options{Style: Compact})
	if err != nil {
		t.Fatal(err)
	}
	b := decode(t, raw)
	checkShape(t, b)
	var pids []string
	for _, e := range b.cat("kernel", "cuda_runtime") {
		pids = append(pids, fmt.Sprint(e.Name, " ", e.Pid))
	}
	if got, want := fmt.Sprint(pids), "[cudaLaunchKernel [TP00-DP00] 1 a [TP00-DP00] 0 cudaLaunchKernel [TP01-DP00] 1 b [TP01-DP00] 1]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := strings.Count(string(b.top["deviceProperties"]), `"id"`); n != 2 {
		t.Errorf("%d devices in the merge, want 2", n)
	}
	for name, want := range map[string]string{
		write("mm.yaml", "merge: [m.yaml]"):   "is itself a merge",
		write("gone.yaml", "merge: [x.yaml]"): "no such file",
		write("bad.yaml", "trace: 1"):         "bad.yaml:1:8: ",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestSynthetic(t *testing.T) {
	s, err := Synthetic(Size{Steps: 2}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Build(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := decode(t, raw)
	checkShape(t, b)
	names := map[string]bool{}
	for _, e := range b.events {
		if e.Cat == "python_function" {
			names[e.Name] = true
		}
	}
	frames, kernels := len(b.cat("python_function")), len(b.cat("kernel"))
	if share := float64(frames) / float64(len(b.events)); share < 0.7 || share > 0.9 {
		t.Errorf("%d of %d events are frames (%.2f), want about four of five", frames, len(b.events), share)
	}
	if kernels < 900 || len(names) < 1000 {
		t.Errorf("%d kernels, %d frame names", kernels, len(names))
	}
	for _, o := range []Options{{}, {Style: Compact}} {
		const want = 40_000
		s, err := Synthetic(Size{Events: want}, o)
		if err != nil {
			t.Fatal(err)
		}
		var n tally
		events, err := write(&n, s, o)
		if err != nil || events < want*9/10 || events > want*11/10 {
			t.Errorf("%+v: %d events, %v; want about %d", o, events, err, want)
		}
		if s, err = Synthetic(Size{Bytes: int64(n)}, o); err != nil {
			t.Fatal(err)
		}
		var again tally
		if _, err := write(&again, s, o); err != nil || again != n {
			t.Errorf("%+v: %d bytes asked for, %d written, %v", o, n, again, err)
		}
	}
	// The largest that the benchmark of growth asks for.
	if s, err := Synthetic(Size{Bytes: 4_000_000_000}, Options{Style: Compact}); err != nil {
		t.Error(err)
	} else if !s.counted || Events(s.Items) <= MaxEvents {
		t.Error("its events were not counted, and the bound on them refuses it; or it needs no count")
	}
	if _, err := Synthetic(Size{Events: MaxEvents * 3}, Options{}); err == nil {
		t.Error("a synthetic trace beyond the limit is no error")
	}
}

// Memory depends on the description and not on how long the trace is.
func TestStreams(t *testing.T) {
	s, err := Synthetic(Size{Bytes: 40 << 20}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var peak uint64
	var n int64
	w := writerFunc(func(p []byte) (int, error) {
		if n += int64(len(p)); n>>22 != (n-int64(len(p)))>>22 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return len(p), nil
	})
	if err := Write(w, s, Options{}); err != nil {
		t.Fatal(err)
	}
	if n < 38<<20 || peak > 24<<20 {
		t.Errorf("%d MiB written with %d MiB of heap", n>>20, peak>>20)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func BenchmarkWrite(b *testing.B) {
	s, err := Synthetic(Size{Steps: 4}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var n tally
	for b.Loop() {
		n = 0
		if _, err := write(&n, s, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(n))
}
