package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/ruletest"
)

type testFlags struct {
	run       string
	mutations bool
	verbose   bool
	format    string
	clean     string
}

func testCommand() command {
	return command{
		name:  "test",
		args:  "[RULES]",
		short: "run the tests of rules",
		long: `Test runs the tests that stand beside the rules of a folder (default: rules), and then leaves
out every condition of every rule in turn: a test has to notice. With --clean it also matches
the rules on traces in which nothing is wrong.

Exit code 1: a test failed, a condition is not tested, or a rule fires on a clean trace.`,
		example: `sgrules test
sgrules test --run qk-norm -v my-rules/
sgrules test --mutations=false rules/`,
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			t := &testFlags{}
			f.StringVar(&t.run, "run", "", "only rules whose id matches this `regexp`")
			f.BoolVar(&t.mutations, "mutations", true, "check that leaving out any one condition breaks a test")
			f.StringVar(&t.clean, "clean", "", "also match on every trace of this `folder`, in which nothing is wrong")
			f.BoolVarP(&t.verbose, "verbose", "v", false, "name every test")
			f.StringVarP(&t.format, "format", "f", "text", "output: text or json")
			return t.do
		},
	}
}

func (t *testFlags) do(ctx context.Context, args []string, s streams) error {
	dir, err := rulesDir("test", args)
	if err != nil {
		return err
	}
	if t.format != "text" && t.format != "json" {
		return usagef("test: --format %q: expected text or json", t.format)
	}
	var only *regexp.Regexp
	if t.run != "" {
		if only, err = regexp.Compile(t.run); err != nil {
			return usagef("test: --run: %v", err)
		}
	}
	cat, err := engine.LoadFolder(dir)
	if err != nil {
		return err
	}
	suite, list := ruletest.Load(os.DirFS(dir), filepath.ToSlash(filepath.Clean(dir)), cat.Rules, cat.Sites)
	source := maps.Clone(cat.Rules.Source())
	maps.Copy(source, suite.Source)
	res, err := suite.Run(ctx, ruletest.Options{Only: only, Mutations: t.mutations})
	if err != nil {
		return err
	}
	res.List = append(list, res.List...)
	if t.clean != "" {
		traces, err := tracesIn(t.clean)
		if err != nil {
			return err
		}
		wrong, err := ruletest.Clean(ctx, cat.Rules, cat.Sites, traces)
		if err != nil {
			return err
		}
		res.List = append(res.List, wrong...)
	}
	res.List.Sort()
	if t.format == "json" {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		if err := e.Encode(res); err != nil {
			return err
		}
	} else if err := t.text(s, res, source); err != nil {
		return err
	}
	if len(res.List) > 0 {
		return errFindings
	}
	return nil
}

func (t *testFlags) text(s streams, res *ruletest.Results, source map[string][]byte) error {
	if t.verbose {
		for _, o := range res.Outcomes {
			state := "ok  "
			if len(o.Problems) > 0 {
				state = "FAIL"
			}
			if _, err := fmt.Fprintf(s.out, "%s %s: %s\n", state, clean(o.Rule), clean(o.Test)); err != nil {
				return err
			}
		}
	}
	if err := res.List.Print(s.out, source, 200); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "%d tests, %d failed; %d mutants, %d survived\n", res.Tests, res.Failed, res.Mutants, res.Survived)
	return err
}

// rulesDir is the folder of rules a command works on.
func rulesDir(name string, args []string) (string, error) {
	switch len(args) {
	case 0:
		return "rules", nil
	case 1:
		return args[0], nil
	}
	return "", usagef("%s takes one folder of rules, found %s", name, strings.Join(args, " "))
}

// tracesIn lists the trace files of a folder, sorted.
func tracesIn(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && (strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".json.gz")) {
			out = append(out, path)
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}
