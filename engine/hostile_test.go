package engine

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/race"
	"github.com/sgrules/sgrules/internal/realtrace"
)

var soak = flag.Int("soak", 2000, "mutated traces that TestSoak analyses")

var shipped = sync.OnceValues(func() (*Catalog, error) { return LoadCatalog(nil, false) })

// analyzeText analyses a trace given as text with the rules that the program ships with, and
// holds what is true of every report against the result.
func analyzeText(t *testing.T, doc []byte) (*report.Report, error) {
	t.Helper()
	r, err := Analyze(context.Background(), Options{Paths: []string{"-"}, Stdin: bytes.NewReader(doc), Rank: -1, Per: PerLayer, Timeline: true, Catalog: shipped})
	if err != nil {
		if strings.TrimSpace(err.Error()) == "" {
			t.Fatalf("an error without words: %#v", err)
		}
		return nil, err
	}
	var rows int64
	for i := range r.Kernels {
		rows += r.Kernels[i].Time
	}
	a := &r.Attribution
	if by := a.Launch + a.Node + a.Aligned + a.Neighbour + a.Replay + a.None; rows != r.Total || by != r.Total {
		t.Fatalf("GPU time %d ns, in rows %d, by method %d", r.Total, rows, by)
	}
	if sum := r.Activity.Kernels + r.Activity.Copies + r.Activity.Sets; sum != r.Total {
		t.Fatalf("GPU time %d ns, by activity %d", r.Total, sum)
	}
	addsUp(t, r)
	return r, nil
}

// printed renders r in every format, wide, and sees that nothing in it acts on a terminal.
func printed(t *testing.T, r *report.Report) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, write := range map[string]func(io.Writer) error{
		"text":     func(w io.Writer) error { return report.Text(w, r, report.View{Wide: true}) },
		"markdown": func(w io.Writer) error { return report.Markdown(w, r, report.View{Wide: true}) },
		"json":     func(w io.Writer) error { return report.JSON(w, r) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range b.String() {
			if c != '\n' && (unicode.IsControl(c) || name != "json" && (c == '\u202e' || c == '\u2028')) {
				t.Fatalf("%s: the control character %U of a name reached the output", name, c)
			}
		}
		out[name] = b.String()
	}
	return out
}

// kernelEvent writes a kernel on a stream of device 0.
func kernelEvent(name string, ts, dur string, stream, corr int) string {
	return fmt.Sprintf(`{"ph": "X", "cat": "kernel", "name": "%s", "pid": 0, "tid": %d, "ts": %s, "dur": %s, "args": {"device": 0, "stream": %d, "correlation": %d}}`, name, stream, ts, dur, stream, corr)
}

func hostEvent(cat, name string, pid int, ts, dur string, corr int) string {
	return fmt.Sprintf(`{"ph": "X", "cat": "%s", "name": "%s", "pid": %d, "tid": %d, "ts": %s, "dur": %s, "args": {"correlation": %d}}`, cat, name, pid, pid, ts, dur, corr)
}

func document(events ...string) []byte {
	return []byte(`{"traceEvents": [` + strings.Join(events, ",\n") + `]}`)
}

// TestHostileEvents has traces that are JSON and make no sense, each with two kernels of 5 µs
// that have to be counted whatever stands beside them.
func TestHostileEvents(t *testing.T) {
	good := []string{kernelEvent("first", "100", "5", 7, 1), kernelEvent("last", "200", "5", 7, 2)}
	long := strings.Repeat("k", 3<<20)
	for _, c := range []struct {
		name               string
		extra              []string
		extraTime, skipped int64
	}{
		{"nothing else", nil, 0, 0},
		{"a negative duration", []string{kernelEvent("x", "150", "-1", 7, 3)}, 0, 1},
		{"a duration of years", []string{kernelEvent("x", "150", "1e15", 7, 3)}, 0, 1},
		{"a time of 1e400", []string{kernelEvent("x", "1e400", "5", 7, 3)}, 0, 1},
		{"a time of -0", []string{kernelEvent("x", "-0", "5", 7, 3)}, 5000, 0},
		{"a time before zero", []string{kernelEvent("x", "-9e12", "5", 7, 3)}, 5000, 0},
		{"times that go backwards", []string{kernelEvent("x", "90", "5", 7, 3), kernelEvent("x", "80", "5", 7, 4), kernelEvent("x", "70", "5", 7, 5)}, 15000, 0},
		{"kernels that overlap on one stream", []string{kernelEvent("x", "100", "90", 7, 3), kernelEvent("x", "101", "200", 7, 4), kernelEvent("x", "101", "3", 7, 5)}, 293000, 0},
		{"ids that are reused", []string{kernelEvent("x", "150", "5", 7, 1), hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "1", "1", 1), hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "2", "1", 1)}, 5000, 0},
		{"an id that is missing", []string{strings.Replace(kernelEvent("x", "150", "5", 7, 3), `, "correlation": 3`, "", 1), strings.Replace(hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "1", "1", 3), `"correlation": 3`, "", 1)}, 5000, 0},
		{"an id of two processes", []string{hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "1", "1", 1), hostEvent("cuda_runtime", "cudaLaunchKernel", 10, "1", "1", 1)}, 0, 0},
		{"a launch without a kernel", []string{hostEvent("cuda_runtime", "cudaGraphLaunch", 9, "1", "1", 77)}, 0, 0},
		{"a graph launch of everything", []string{hostEvent("cuda_runtime", "cudaGraphLaunch", 9, "1", "1", 1), hostEvent("cuda_runtime", "cudaGraphLaunch", 9, "3", "1", 2)}, 0, 0},
		{"frames that cross", []string{hostEvent("python_function", "a.py(1): a", 9, "1", "10", 0), hostEvent("python_function", "b.py(1): b", 9, "5", "10", 0),
			hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "7", "1", 1), hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "12", "1", 2)}, 0, 0},
		{"duplicate keys", []string{strings.Replace(kernelEvent("x", "150", "5", 7, 3), `"dur": 5`, `"dur": 90, "dur": 5`, 1)}, 5000, 0},
		{"lone surrogates", []string{kernelEvent(`\ud800x\udc00`, "150", "5", 7, 3)}, 5000, 0},
		{"bytes that are no UTF-8", []string{kernelEvent("\xff\xc3(\xed\xa0\x80", "150", "5", 7, 3)}, 5000, 0},
		{"a name of 3 MB", []string{kernelEvent(long, "150", "5", 7, 3)}, 5000, 0},
		{"nesting of 100,000", []string{strings.Replace(kernelEvent("x", "150", "5", 7, 3), `"device"`, `"deep": `+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`, "device"`, 1)}, 5000, 0},
		{"devices and streams out of range", []string{strings.ReplaceAll(kernelEvent("x", "150", "5", 7, 3), `"stream": 7`, `"stream": -9223372036854775808`),
			strings.ReplaceAll(kernelEvent("x", "150", "5", 7, 3), `"device": 0`, `"device": 1e30`)}, 10000, 0},
		{"annotations around nothing", []string{hostEvent("user_annotation", "step[DECODE bs=99999999999999999999999]", 9, "1", "0", 0), hostEvent("user_annotation", "execute_new_99999999999999999999_cached_", 9, "1", "5", 0)}, 0, 0},
	} {
		doc := document(append(append([]string{good[0]}, c.extra...), good[1])...)
		r, err := analyzeText(t, doc)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.Total != 10_000+c.extraTime || r.Traces[0].Skipped != c.skipped {
			t.Errorf("%s: GPU time %d ns, %d skipped; want %d, %d", c.name, r.Total, r.Traces[0].Skipped, 10_000+c.extraTime, c.skipped)
		}
		printed(t, r)
	}
}

// TestNamesAreInert puts what acts somewhere into every name that is printed.
func TestNamesAreInert(t *testing.T) {
	for _, bad := range []string{`\u001b[31mred\u001b[0m`, "\x1b]0;title\a", `a|b||c`, `<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `two\nlines\r\n| a | b |`,
		`back\u0008\u0008space`, `\u202egnp.exe`, `[link](javascript:alert(1))`, "`code` **bold** ![x](y)", `\u2028\u2029`, "\x9b31m"} {
		doc := document(hostEvent("python_function", bad+`/a.py(3): `+bad, 9, "1", "90", 0), hostEvent("cpu_op", bad, 9, "2", "80", 0), hostEvent("user_annotation", "step["+bad+"]", 9, "1", "95", 0),
			hostEvent("cuda_runtime", "cudaLaunchKernel", 9, "3", "1", 1), kernelEvent(bad, "50", "9", 7, 1),
			`{"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "`+bad+`"}}`)
		r, err := analyzeText(t, doc)
		if err != nil {
			t.Errorf("%s: %v", bad, err)
			continue
		}
		out := printed(t, r)
		for _, tag := range []string{"<script", "<img"} {
			if strings.Contains(out["markdown"], tag) {
				t.Errorf("%s: a tag stands in the Markdown", bad)
			}
		}
		cells := 0
		for l := range strings.Lines(out["markdown"]) { // no name opens another row or column
			if strings.HasPrefix(l, "|") {
				n := strings.Count(strings.ReplaceAll(l, `\|`, ""), "|")
				if cells != 0 && n != cells {
					t.Errorf("%s: a row of %d bars in a table of %d:\n%s", bad, n, cells, l)
				}
				cells = n
			} else {
				cells = 0
			}
		}
	}
}

// TestManyStreams has as many streams as kernels.
func TestManyStreams(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	var b bytes.Buffer
	b.WriteString(`[{}`)
	for i := range n {
		b.WriteByte(',')
		b.WriteString(kernelEvent("k", fmt.Sprint(i), "2", i, i+1))
	}
	b.WriteByte(']')
	r, err := analyzeText(t, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if r.Total != 2000*int64(n) || r.Load[0].Streams != n {
		t.Errorf("GPU time %d ns on %d streams", r.Total, r.Load[0].Streams)
	}
}

// bomb is the gzip of a head, n bytes of one kind and a tail, as one member. Of the n bytes one MiB
// is compressed, to whole bytes and without reference to what stands before it, and repeated.
func bomb(t *testing.T, head string, fill byte, n int, tail string) []byte {
	t.Helper()
	piece := func(p []byte, last bool) []byte {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(p)
		if last {
			w.Close()
		} else {
			w.Flush()
		}
		return b.Bytes()
	}
	block := bytes.Repeat([]byte{fill}, 1<<20)
	packed := piece(block, false)
	out := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, piece([]byte(head), false)...)
	sum := crc32.Update(0, crc32.IEEETable, []byte(head))
	for range n / len(block) {
		out = append(out, packed...)
		sum = crc32.Update(sum, crc32.IEEETable, block)
	}
	out = append(out, piece([]byte(tail), true)...)
	sum = crc32.Update(sum, crc32.IEEETable, []byte(tail))
	out = binary.LittleEndian.AppendUint32(out, sum)
	return binary.LittleEndian.AppendUint32(out, uint32(len(head)+n/len(block)*len(block)+len(tail)))
}

// TestGzipBomb unpacks to a thousand times its size: what is no event costs no memory.
func TestGzipBomb(t *testing.T) {
	size := 512 << 20
	if testing.Short() || race.Enabled {
		size = 64 << 20
	}
	for name, c := range map[string]struct {
		head string
		fill byte
		tail string
	}{
		"spaces between events": {`[` + kernelEvent("a", "1", "5", 7, 1), ' ', `,` + kernelEvent("b", "9", "5", 7, 1) + `]`},
		"a string of a value":   {`[` + kernelEvent("a", "1", "5", 7, 1) + `,{"ph": "X", "x": "`, 'x', `"},` + kernelEvent("b", "9", "5", 7, 1) + `]`},
		"a name":                {`[` + kernelEvent("a", "1", "5", 7, 1) + `,{"ph": "X", "cat": "overhead", "ts": 1, "name": "`, 'x', `"},` + kernelEvent("b", "9", "5", 7, 1) + `]`},
	} {
		r, err := analyzeText(t, bomb(t, c.head, c.fill, size, c.tail))
		if err != nil || r.Total != 10_000 {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

// TestMaxMemory sees that the limit is kept by an error, for one trace and for several.
func TestMaxMemory(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`[{}`)
	for i := range 120_000 {
		b.WriteByte(',')
		b.WriteString(kernelEvent("k", fmt.Sprint(2*i), "1", 7, i+1))
	}
	b.WriteByte(']')
	dir := t.TempDir()
	var paths []string
	for i := range 3 {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("t%d.json", i)))
		if err := os.WriteFile(paths[i], b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	one := int64(baseMemory + 120_000*(memoryAnActivity+80))
	for _, c := range []struct {
		paths []string
		limit int64
		fails bool
	}{{paths[:1], 0, false}, {paths[:1], one + one/10, false}, {paths[:1], baseMemory + 5e6, true}, {paths, one + one/10, true}, {paths, 4 * one, false}} {
		_, err := Analyze(context.Background(), Options{Paths: c.paths, Rank: -1, Catalog: shipped, MaxMemory: c.limit})
		var m *MemoryError
		if errors.As(err, &m) != c.fails || err != nil && !c.fails {
			t.Errorf("%d traces within %d bytes: %v", len(c.paths), c.limit, err)
		}
		if m != nil && (m.Limit != c.limit || m.Need <= m.Limit || !strings.Contains(err.Error(), "--max-memory")) {
			t.Errorf("the error is %+v: %v", m, err)
		}
	}
}

// TestCancelStops cancels an analysis whose input stops coming.
func TestCancelStops(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	go io.WriteString(out, `[`+kernelEvent("k", "1", "1", 7, 1))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	_, err := Analyze(ctx, Options{Paths: []string{"-"}, Stdin: in, Rank: -1, Catalog: shipped})
	if !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// TestChangingDirectory takes a profile's files away after they were chosen.
func TestChangingDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1-TP-0-DECODE.trace.json", "1-TP-0-EXTEND.trace.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), document(kernelEvent("k", "1", "5", 7, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	other := "" // than the one that is read first
	_, err := Analyze(context.Background(), Options{Paths: []string{dir}, Rank: -1, Catalog: shipped, Progress: func(path string, _, _ int64) {
		if other == "" {
			other = map[bool]string{true: "1-TP-0-EXTEND.trace.json", false: "1-TP-0-DECODE.trace.json"}[strings.Contains(path, "DECODE")]
			if err := os.Remove(filepath.Join(dir, other)); err != nil {
				t.Error(err)
			}
		}
	}})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), other) {
		t.Errorf("a file that went away: %v", err)
	}
}

// TestSoak changes bytes of built traces at random. What comes out is an error in words or a
// report whose sums hold; where only one event was damaged the other kernels are all there.
func TestSoak(t *testing.T) {
	n := *soak
	if testing.Short() {
		n = 60
	}
	var seeds [][]byte
	dir := filepath.Join(realtrace.Root(t), "testdata", "golden", "traces")
	for _, name := range []string{"old-schema.trace.json.gz", "sglang-dense-prefill-eager.trace.json.gz", "vllm-dense-eager.trace.json.gz"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		seeds = append(seeds, doc)
	}
	whole := make([]int64, len(seeds))
	for i, s := range seeds {
		tr, err := kineto.Read(context.Background(), bytes.NewReader(s), "-", kineto.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		whole[i] = int64(len(tr.Activities))
	}
	for i := range n {
		g := rand.New(rand.NewPCG(uint64(i), 77))
		k := i % len(seeds)
		doc, at := mutate(g, seeds[k])
		r, err := analyzeText(t, doc)
		if err != nil {
			continue // in words; analyzeText looked
		}
		if i%50 == 0 {
			printed(t, r)
		}
		if at < 0 {
			continue
		}
		kernels := int64(0)
		for _, s := range r.Kernels {
			kernels += int64(s.Launches)
		}
		// One damaged place may take the event it is in, and the one that it swallows.
		if kernels < whole[k]-2 || kernels > whole[k]+2 {
			t.Fatalf("trace %d, byte %d changed: %d of %d kernels left", i, at, kernels, whole[k])
		}
	}
}

// mutate changes one byte inside the events (and says where), or does something worse (-1).
func mutate(g *rand.Rand, doc []byte) ([]byte, int) {
	first, last := bytes.Index(doc, []byte(`"ph"`)), bytes.LastIndex(doc, []byte(`"dur"`))
	at := first + g.IntN(last-first)
	out := bytes.Clone(doc)
	switch g.IntN(4) {
	case 0: // digits for digits: another number
		for ; at < last; at++ {
			if c := out[at]; c >= '1' && c <= '8' {
				out[at] = '9'
				return out, -1
			}
		}
		return out, -1
	case 1: // a piece is lost
		return append(out[:at], doc[min(len(doc), at+1+g.IntN(2000)):]...), -1
	case 2: // a piece comes twice
		from := first + g.IntN(last-first)
		return append(append(out[:at:at], doc[from:min(len(doc), from+g.IntN(3000))]...), doc[at:]...), -1
	}
	const odd = "\"{}[],:\\x0 \n\xff\x00"
	out[at] = odd[g.IntN(len(odd))]
	return out, at
}
