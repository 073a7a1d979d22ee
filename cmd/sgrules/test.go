package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/diag"
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

Exit code 1: a test failed, a rule has none, a condition is not tested, or a rule fires on a
clean trace. Exit code 2: a rule or a file of tests is wrong, or --run matches nothing.`,
		example: `sgrules test
sgrules test --run qk-norm -v my-rules/
sgrules test --mutations=false rules/
sgrules test --format json | jq '.diagnostics[] | .code'`,
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
	if slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code != ruletest.NoTests }) {
		return &engine.RuleError{List: list, Source: source} // tests that cannot be read are not run in part
	}
	if only != nil {
		list = slices.DeleteFunc(list, func(d diag.Diagnostic) bool { return !only.MatchString(ruleOf(d.File)) })
	}
	res, err := suite.Run(ctx, ruletest.Options{Only: only, Mutations: t.mutations})
	if err != nil {
		return err
	}
	if only != nil && res.Tests == 0 && len(list) == 0 {
		return usagef("test: --run %q: no rule of %s has such an id", t.run, dir)
	}
	res.List = append(list, res.List...)
	traces := 0
	if t.clean != "" {
		files, err := tracesIn(t.clean)
		if err != nil {
			return err
		}
		if traces = len(files); traces == 0 {
			return usagef("test: --clean %s: no trace in this folder", t.clean)
		}
		wrong, err := ruletest.Clean(ctx, cat.Rules, cat.Sites, files)
		if err != nil {
			return err
		}
		res.List = append(res.List, wrong...)
	}
	res.List.Sort()
	if t.format == "json" {
		err = encode(s.out, jsonResults(res, traces))
	} else {
		err = t.text(s, res, traces, source)
	}
	if err != nil {
		return err
	}
	if len(res.List) > 0 {
		return errFindings
	}
	return nil
}

// ruleOf is the id of the rule that stands in a file.
func ruleOf(file string) string { return strings.TrimSuffix(path.Base(file), ".yaml") }

type jsonTest struct {
	Rule     string   `json:"rule"`
	Name     string   `json:"name"`
	Passed   bool     `json:"passed"`
	Problems []string `json:"problems"`
}

type jsonTestRun struct {
	Tests       int              `json:"tests"`
	Failed      int              `json:"failed"`
	Mutants     int              `json:"mutants"`
	Survived    int              `json:"survived"`
	Clean       int              `json:"clean_traces"`
	Outcomes    []jsonTest       `json:"outcomes"`
	Diagnostics []jsonDiagnostic `json:"diagnostics"`
}

func jsonResults(res *ruletest.Results, traces int) jsonTestRun {
	out := jsonTestRun{res.Tests, res.Failed, res.Mutants, res.Survived, traces, []jsonTest{}, jsonDiagnostics(res.List)}
	for _, o := range res.Outcomes {
		out.Outcomes = append(out.Outcomes, jsonTest{o.Rule, o.Test, len(o.Problems) == 0, append([]string{}, o.Problems...)})
	}
	return out
}

func (t *testFlags) text(s streams, res *ruletest.Results, traces int, source map[string][]byte) error {
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
	line := fmt.Sprintf("%d tests, %d failed; %d mutants, %d survived", res.Tests, res.Failed, res.Mutants, res.Survived)
	if !t.mutations {
		line = fmt.Sprintf("%d tests, %d failed", res.Tests, res.Failed)
	}
	if traces > 0 {
		line += fmt.Sprintf("; %d clean traces", traces)
	}
	return writeString(s.out, line+"\n")
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
