package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/ruletest"
	"github.com/sgrules/sgrules/engine/source"
)

type lintFlags struct {
	format  string
	noTests bool
	sources []string
	checks  bool
}

func lintCommand() command {
	return command{
		name:  "lint",
		args:  "[RULES]",
		short: "check rules: grammar, conditions, tests, sources",
		long: `Lint checks a folder of rules (default: rules): the grammar of every file, every condition,
names tested by substring, conditions that always or never hold, duplicates, and that every
rule has tests and that they pass, its conditions all needed. Exceptions stand in
exceptions.yaml, each with a reason; an unused one is an error.

With --source NAME=DIR every source and switch of that repository is looked up in a checkout:
the file is there (or under the name that aliases.yaml gives it), it defines the symbol, it
names the switch. Exit code 1: an error was found; warnings alone do not count.`,
		example: `sgrules lint
sgrules lint --format github rules/
sgrules lint --source sglang=../sglang --source vllm=../vllm`,
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			l := &lintFlags{}
			f.StringVarP(&l.format, "format", "f", "text", "output: "+strings.Join(diagFormats, ", "))
			f.BoolVar(&l.noTests, "no-tests", false, "do not run the rules' tests")
			f.StringArrayVar(&l.sources, "source", nil, "`name=folder` of a checkout to look the rules' sources up in; may be repeated")
			f.BoolVar(&l.checks, "checks", false, "list the checks and stop")
			return l.do
		},
	}
}

func (l *lintFlags) do(ctx context.Context, args []string, s streams) error {
	dir, err := rulesDir("lint", args)
	if err != nil {
		return err
	}
	if !slices.Contains(diagFormats, l.format) {
		return usagef("lint: --format %q: expected %s", l.format, strings.Join(diagFormats, ", "))
	}
	if l.checks {
		if l.format != "text" || l.noTests || len(l.sources) > 0 || len(args) > 0 {
			return usagef("lint: --checks lists the checks and takes nothing else with it")
		}
		return listChecks(s)
	}
	at, err := l.checkouts()
	if err != nil {
		return err
	}
	cat, err := engine.LoadFolder(dir)
	var wrong *engine.RuleError
	if asRuleError(err, &wrong) && !nothing(wrong.List) { // what is wrong with the files is what lint is asked for
		return l.report(s, wrong.List, wrong.Source)
	}
	if err != nil {
		return err
	}
	set := cat.Rules
	for _, name := range slices.Sorted(maps.Keys(at)) {
		if known := source.Repositories(set.Rules()); !slices.Contains(known, name) {
			return usagef("lint: --source %s: no rule has a source of it; the rules have %s", name, strings.Join(known, ", "))
		}
	}
	used := map[int]bool{}
	suite, list := ruletest.Load(os.DirFS(dir), filepath.ToSlash(filepath.Clean(dir)), set, cat.Sites)
	for _, d := range rule.Lint(set, rule.LintOptions{}) {
		if standsIn(dir, d.File) { // a folder without families is judged with those of the program, which are not
			list.Add(d)
		}
	}
	list = excepted(set, list, used)
	if !l.noTests {
		res, err := suite.Run(ctx, ruletest.Options{Mutations: true})
		if err != nil {
			return err
		}
		list = append(list, res.List...)
	}
	for i, e := range set.Exceptions() {
		if e.Check != rule.SurvivingMutant && !used[i] {
			list.Add(diag.Diagnostic{Pos: e.Pos, Code: "unused-exception", Msg: "the check " + e.Check + " finds nothing in " + e.Of(), Hint: "remove the exception"})
		}
	}
	list = append(list, source.Check(set.Rules(), set.Aliases(), at)...)
	text := maps.Clone(set.Source())
	maps.Copy(text, suite.Source)
	return l.report(s, list, text)
}

// nothing tells that a folder has no rules at all: there was nothing to check.
func nothing(list diag.List) bool {
	return slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == "no-rules" })
}

// standsIn tells whether a file that a position names is one of the folder's.
func standsIn(dir, file string) bool {
	rel, ok := strings.CutPrefix(file, filepath.ToSlash(filepath.Clean(dir))+"/")
	if !ok && filepath.Clean(dir) == "." {
		rel, ok = file, true
	}
	if !ok {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(rel)))
	return err == nil
}

// excepted leaves out what an exception allows, of what was found in the files of rules and families.
func excepted(set *rule.Set, list diag.List, used map[int]bool) diag.List {
	owner, family := map[string]string{}, map[string]string{}
	for _, r := range set.Rules() {
		owner[r.File] = r.ID
	}
	for _, f := range set.Families() {
		family[f.File] = f.Name
	}
	var out diag.List
	for _, d := range list {
		if id, ok := owner[d.File]; ok {
			if i := set.Allows(d.Code, id); i >= 0 {
				used[i] = true
				continue
			}
		} else if i := set.AllowsFamily(d.Code, family[d.File]); i >= 0 {
			used[i] = true
			continue
		}
		out.Add(d)
	}
	return out
}

func (l *lintFlags) checkouts() (source.Checkouts, error) {
	at := source.Checkouts{}
	for _, s := range l.sources {
		name, dir, ok := strings.Cut(s, "=")
		if !ok || name == "" || dir == "" {
			return nil, usagef("lint: --source %q: expected name=folder, as in sglang=../sglang", s)
		}
		if info, err := os.Stat(dir); err != nil {
			return nil, diag.Expecting(err, "a checkout of "+name)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("--source %s: %s is not a folder", name, dir)
		}
		if _, twice := at[name]; twice {
			return nil, usagef("lint: --source %s is given twice", name)
		}
		at[name] = dir
	}
	return at, nil
}

// report prints what was found. Warnings alone do not fail.
func (l *lintFlags) report(s streams, list diag.List, text map[string][]byte) error {
	list.Sort()
	if err := printDiagnostics(s.out, l.format, list, text); err != nil {
		return err
	}
	if list.Errors() > 0 {
		return errFindings
	}
	return nil
}

// lintChecks are the checks of lint: of the rules alone, of their tests, of the exceptions and, with
// --source, of the sources. What makes a file no rule at all is no check and has its own words.
func lintChecks() []rule.Check {
	return append(rule.Checks(),
		rule.Check{Code: "failed-test", Severity: diag.Error, Doc: "A test of a rule that finds something else than it says."},
		rule.Check{Code: rule.SurvivingMutant, Severity: diag.Error, Doc: "A condition that can be left out and no test notices."},
		rule.Check{Code: "unused-exception", Severity: diag.Error, Doc: "An exception in exceptions.yaml that nothing needs."},
		rule.Check{Code: "missing-source", Severity: diag.Error, Doc: "A source whose file is not in the checkout (--source)."},
		rule.Check{Code: "missing-symbol", Severity: diag.Error, Doc: "A source whose file does not define the symbol (--source)."},
		rule.Check{Code: "missing-switch", Severity: diag.Error, Doc: "A switch that its source does not name (--source)."},
		rule.Check{Code: "moved-source", Severity: diag.Warning, Doc: "A source that stands at another path now (--source)."},
	)
}

func listChecks(s streams) error {
	for _, c := range lintChecks() {
		if _, err := fmt.Fprintf(s.out, "%-22s %-8s %s\n", c.Code, c.Severity, c.Doc); err != nil {
			return err
		}
	}
	return nil
}
