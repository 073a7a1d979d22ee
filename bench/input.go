package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// input is one trace, plain and gzipped.
type input struct {
	plain, zipped         string
	plainSize, zippedSize int64
	events                int64
}

func (in *input) remove() error { return errors.Join(os.Remove(in.plain), os.Remove(in.zipped)) }

// make writes what is not there yet: the plain file with write, the gzipped one from it.
func (o *options) make(name string, write func(path string) error) (*input, error) {
	in := &input{plain: filepath.Join(o.dir, name+".json")}
	in.zipped = fmt.Sprintf("%s.%d.gz", in.plain, o.level)
	for _, f := range []struct {
		path  string
		write func(string) error
	}{{in.plain, write}, {in.zipped, func(path string) error { return compress(in.plain, path, o.level) }}} {
		if _, err := os.Stat(f.path); err == nil {
			continue
		}
		fmt.Fprintln(os.Stderr, "building", f.path)
		if err := f.write(f.path + ".part"); err != nil {
			return nil, err
		}
		if err := os.Rename(f.path+".part", f.path); err != nil {
			return nil, err
		}
	}
	p, err1 := os.Stat(in.plain)
	z, err2 := os.Stat(in.zipped)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	in.plainSize, in.zippedSize = p.Size(), z.Size()
	t, err := kineto.Open(context.Background(), in.plain, kineto.Options{Strict: true})
	if err != nil {
		return nil, err
	}
	in.events = t.Events
	return in, nil
}

// compress is gzip: one member, the level as given.
func compress(from, to string, level int) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return create(to, func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, level)
		if err != nil {
			return err
		}
		if _, err := io.Copy(z, f); err != nil {
			return err
		}
		return z.Close()
	})
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(w), w.Flush(), f.Close())
}

var compact = tracebuild.Options{Style: tracebuild.Compact}

// synthetic is the builder's trace of a decode server, of about so many bytes.
func (o *options) synthetic(bytes int64) (*input, error) {
	return o.make(fmt.Sprintf("synthetic-%dMB", bytes/1_000_000), func(path string) error {
		spec, err := tracebuild.Synthetic(tracebuild.Size{Bytes: bytes}, compact)
		if err != nil {
			return err
		}
		return create(path, func(w io.Writer) error { return tracebuild.Write(w, spec, compact) })
	})
}

// streams is a trace of 300,000 launched kernels on n streams.
func (o *options) streams(n int) (*input, error) {
	return o.make(fmt.Sprintf("streams-%d", n), func(path string) error {
		var round []tracebuild.Item
		for i := range 64 {
			round = append(round, tracebuild.Item{Kind: tracebuild.Kernel, Name: fmt.Sprintf("kernel_%d", i%20), US: []int64{3000}, Gap: tracebuild.DefaultGap,
				Stream: 7 + int64(i%n), Op: []string{"aten::mm"}, At: []string{"python/sglang/srt/models/qwen3.py::forward"}})
		}
		spec := &tracebuild.Spec{Device: tracebuild.Device{Name: "NVIDIA H100 80GB HBM3", Major: 9}, Items: []tracebuild.Item{{Kind: tracebuild.Repeat, N: 300_000 / 64, Of: round}}}
		return create(path, func(w io.Writer) error { return tracebuild.Write(w, spec, compact) })
	})
}

// nested is a thread with n Python frames in frames, depth deep, and a launch and its kernel
// innermost in each stack. No builder nests as deep, so the events are written here.
func (o *options) nested(n, depth int) (*input, error) {
	return o.make(fmt.Sprintf("nested-%d-of-%d", n, depth), func(path string) error {
		return create(path, func(w io.Writer) error {
			var b bytes.Buffer
			fmt.Fprint(w, `{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 0, "dur": 1}`)
			start, id := int64(4_100_000_000_000), 1
			for done := 0; done < n; done += depth {
				d := min(depth, n-done)
				for i := range d {
					fmt.Fprintf(&b, ", {\"ph\": \"X\", \"cat\": \"python_function\", \"name\": \"/srv/sglang/python/sglang/srt/layers/m%d.py(%d): f%d\", \"pid\": 1, \"tid\": 1, \"ts\": %d.0, \"dur\": %d.0, \"args\": {\"Python id\": %d}}",
						i%10, i%10, i%10, start+int64(i), 2*(d-i)+1, done+i)
				}
				at := start + int64(d)
				fmt.Fprintf(&b, ", {\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"pid\": 1, \"tid\": 1, \"ts\": %d.0, \"dur\": 0.5, \"args\": {\"correlation\": %d}}", at, id)
				fmt.Fprintf(&b, ", {\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"gemm_kernel\", \"pid\": 0, \"tid\": 7, \"ts\": %d.0, \"dur\": 0.5, \"args\": {\"device\": 0, \"stream\": 7, \"correlation\": %d}}", at+1, id)
				id++
				start += 3*int64(d) + 10
				if _, err := b.WriteTo(w); err != nil {
					return err
				}
			}
			_, err := fmt.Fprint(w, `]}`)
			return err
		})
	})
}

// small is a copy of nothing: the golden decode trace of the repository.
func (o *options) small() (string, error) {
	const golden = "testdata/golden/traces/sglang-dense-decode-graph-amd.trace.json.gz"
	path, err := filepath.Abs(golden)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: run bench in the top folder of the repository", err)
	}
	return path, nil
}

// rules writes n rules of the usual shape, whose kernels occur in no trace.
func (o *options) rules(n int) (string, error) {
	dir := filepath.Join(o.dir, fmt.Sprintf("rules-%d", n))
	if err := os.MkdirAll(filepath.Join(dir, "fuse"), 0o755); err != nil {
		return "", err
	}
	for i := range n {
		text := fmt.Sprintf(`id: made-%04[1]d
kind: fuse
title: Generated rule %[1]d
origin: sglang
status: mainline
domain: llm
sources: ["sglang@0000000:a/b.py::c"]
applies: run.framework == "sglang"
fused:
  - k.symbol == "fused_made_%[1]d"
split:
  - chain:
      - {as: a, match: 'k.symbol in ["first_made_%[1]d", "other_made_%[1]d"] && k.at("python/sglang/srt/models/made_%[1]d.py", "forward")'}
      - {as: b, match: k.symbol == "second_made_%[1]d", skip: k.family == "copy"}
path: one kernel does the work
conclude: it is missing
`, i)
		if err := os.WriteFile(filepath.Join(dir, "fuse", fmt.Sprintf("made-%04d.yaml", i)), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
