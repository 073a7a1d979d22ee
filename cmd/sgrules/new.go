package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/internal/safefile"
)

func newCommand() command {
	return command{
		name:  "new",
		args:  "fuse|overlap ID",
		short: "start a rule: its file and a test that fails",
		long: `New writes a rule file and its test with what has to be filled in. The test fails until the
rule matches; 'sgrules test --run ID' says how far it is.`,
		example: "sgrules new fuse sglang-my-pattern\nsgrules new fuse my-pattern --dir my-rules",
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			dir := f.String("dir", "rules", "the `folder` of rules")
			return func(_ context.Context, args []string, s streams) error {
				if len(args) != 2 || args[0] != "fuse" && args[0] != "overlap" {
					return usagef("new takes a kind, fuse or overlap, and an id")
				}
				return scaffold(*dir, args[0], args[1], s)
			}
		},
	}
}

func scaffold(dir, kind, id string, s streams) error {
	if !rule.IsID(id) {
		return usagef("new: the id %q: expected lower-case words and digits joined by hyphens, beginning with a letter, at most 80 bytes", id)
	}
	if err := unused(dir, id); err != nil {
		return err
	}
	folder := filepath.Join(dir, kind)
	files := []struct{ path, text string }{
		{filepath.Join(folder, id+".yaml"), fmt.Sprintf(newRule, id, kind, map[string]string{"fuse": "no-fusion", "overlap": "no-overlap"}[kind], newSides[kind])},
		{filepath.Join(folder, id+"_test.yaml"), fmt.Sprintf(newTest, id)},
	}
	for _, f := range files { // both or none
		if _, err := os.Lstat(f.path); err == nil {
			return fmt.Errorf("%s is there already", f.path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := safefile.Write(f.path, func(w io.Writer) error { return writeString(w, f.text) }); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(s.out, "wrote", clean(f.path)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(s.out, "fill in both, then: sgrules test %s --run %s\n", clean(dir), id)
	return err
}

// unused tells that neither the rules of the program nor those of the folder have or had an
// id. Of the folder the names of files count, so that one with unfinished rules will do.
func unused(dir, id string) error {
	cat, err := engine.LoadCatalog(nil, false)
	if err != nil {
		return err
	}
	if r, retired := cat.Rules.Resolve(id); retired != nil {
		return usagef("new: the id %s is retired (%s); ids are never used again", id, retired.Because)
	} else if r != nil {
		return usagef("new: the id %s is taken by %s", id, r.File)
	}
	for _, kind := range rule.Kinds() {
		p := filepath.Join(dir, kind, id+".yaml")
		if _, err := os.Lstat(p); err == nil {
			return fmt.Errorf("%s is there already", p)
		}
	}
	p := filepath.Join(dir, "retired.yaml")
	src, err := os.ReadFile(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	gone, wrong := rule.DecodeRetired(p, src)
	if wrong.Errors() > 0 {
		return &engine.RuleError{List: wrong, Source: map[string][]byte{p: src}}
	}
	for _, g := range gone {
		if g.ID == id {
			return usagef("new: the id %s is retired (%s); ids are never used again", id, g.Because)
		}
	}
	return nil
}

// The names in the scaffold occur in no trace, so the rule can match nothing before they are
// replaced, and its test fails.
const newRule = `id: %s
kind: %s
title: fill in what the path is called
origin: sglang # sglang flashinfer vllm tensorrt-llm tokenspeed torch
status: mainline # mainline in-flight withdrawn, or %s
domain: llm # llm vlm diffusion disaggregation hisparse speculative
sources: # repo@commit:path::symbol, as you read it
  - sglang@0000000:python/sglang/fill/in.py::fill_in
applies: run.framework == "sglang"
%spath: fill in what the path does
conclude: fill in what to conclude when this shows
`

// newSides are the two sides of a scaffold, by kind.
var newSides = map[string]string{
	"fuse": `fused: # how the path looks when it is taken
  - k.symbol == "fill_in_fused_kernel"
split: # how the same work looks when it is not
  - chain:
      - {as: first, match: k.symbol == "fill_in_first_kernel"}
      - {as: second, match: k.symbol == "fill_in_second_kernel"}
`,
	"overlap": `overlapped: # how the path looks when it is taken: two chains on two streams at the same time
  - chain:
      - {as: first, match: k.symbol == "fill_in_first_kernel"}
    beside:
      - {as: second, match: k.symbol == "fill_in_second_kernel"}
serial: # how the same work looks when it is not
  - chain:
      - {as: first, match: k.symbol == "fill_in_first_kernel"}
      - {as: second, match: k.symbol == "fill_in_second_kernel"}
`,
}

const newTest = `rule: %s
tests:
  - name: fill in what is not taken here
    run: {framework: sglang}
    trace: # 'sgrules slice TRACE --kernels A..B' prints a stretch of a real trace in this notation
      - {kernel: first_kernel_of_the_trace, us: 5}
      - {kernel: second_kernel_of_the_trace, us: 5}
    expect:
      - {verdict: should-apply, chains: 1, bind: {first: first_kernel_of_the_trace, second: second_kernel_of_the_trace}}
  - name: fill in a near miss, one thing different
    run: {framework: sglang}
    trace:
      - {kernel: first_kernel_of_the_trace, us: 5}
    expect: none
`
