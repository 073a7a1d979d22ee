package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/ruletest"
	embedded "github.com/sgrules/sgrules/rules"
)

func explainCommand() command {
	return command{
		name:  "explain",
		args:  "ID",
		short: "tell what a rule is: chains, conditions, switches, sources, tests",
		long: `Explain prints one rule: what the path is, how it looks when it is taken and when it is not,
under which conditions, how it is switched, where it was read in the source and what its tests
show. The id is the one in the fuse table; a retired id tells what replaced it.`,
		example: "sgrules explain sglang-qk-norm-rope",
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			dirs := f.StringArray("rules", nil, "a `folder` of rules that are added or, by id, replace")
			return func(_ context.Context, args []string, s streams) error {
				if len(args) != 1 {
					return usagef("explain takes the id of one rule; 'sgrules rules' lists them")
				}
				return explain(args[0], *dirs, s)
			}
		},
	}
}

func explain(id string, dirs []string, s streams) error {
	cat, err := engine.LoadCatalog(dirs, false)
	if err != nil {
		return err
	}
	r, retired := cat.Rules.Resolve(id)
	var b strings.Builder
	if retired != nil {
		fmt.Fprintf(&b, "%s was retired in %s: %s\n", retired.ID, retired.Since, retired.Because)
		if r != nil {
			fmt.Fprintf(&b, "It was replaced by %s.\n\n", r.ID)
		}
	}
	if r == nil {
		if retired != nil {
			return writeString(s.out, clip(b.String()))
		}
		hint := ""
		if near := cat.Rules.Suggest(id); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return usagef("explain: there is no rule %q%s", id, hint)
	}
	describeRule(&b, r)
	testsOf(&b, r, dirs)
	return writeString(s.out, clip(b.String()))
}

func describeRule(b *strings.Builder, r *rule.Rule) {
	fmt.Fprintf(b, "%s\n%s · %s · %s · %s · %s\n\n%s\n\n", r.Title, r.ID, r.Kind, r.Origin, r.Domain, r.Status, r.Path)
	if r.Conclude != "" {
		fmt.Fprintf(b, "When it shows: %s\n\n", r.Conclude)
	}
	if r.Applies != nil {
		fmt.Fprintf(b, "applies: %s\n", oneLine(r.Applies))
	}
	for _, q := range r.Requires {
		word := "when"
		if q.Unless != nil {
			word = "unless"
		}
		verdict := q.Verdict
		if verdict == "" {
			verdict = "unsupported"
		}
		fmt.Fprintf(b, "requires %s %s\n  else %s: %s\n", word, oneLine(q.Expr()), verdict, q.Because)
	}
	describeSide(b, "taken", r.Fused)
	describeSide(b, "not taken", r.Split)
	if r.Unseen != "" {
		fmt.Fprintf(b, "\nnot taken: cannot be told: %s\n", r.Unseen)
	}
	if len(r.Switches) > 0 {
		b.WriteString("\nswitches:\n")
		for _, w := range r.Switches {
			fmt.Fprintf(b, "  %s (%s", w.Name, w.Kind)
			if w.Default != "" {
				fmt.Fprintf(b, ", default %s", w.Default)
			}
			fmt.Fprintf(b, ") %s\n", w.Effect)
		}
	}
	b.WriteString("\nsources:\n")
	for _, x := range r.Sources {
		fmt.Fprintf(b, "  %s\n", x)
	}
	for _, p := range r.Pulls {
		fmt.Fprintf(b, "  pull request #%d\n", p)
	}
	fmt.Fprintf(b, "\nfile: %s\n", r.File)
}

func describeSide(b *strings.Builder, name string, alts []*rule.Alternative) {
	for _, a := range alts {
		fmt.Fprintf(b, "\n%s", name)
		if a.Name != "" {
			fmt.Fprintf(b, ": %s", a.Name)
		}
		b.WriteByte('\n')
		if a.Only != nil {
			fmt.Fprintf(b, "  only %s\n", oneLine(a.Only))
		}
		for i, st := range a.Steps {
			flags := ""
			if st.Optional {
				flags += ", may be missing"
			}
			if st.Many {
				flags += ", one or more"
			}
			fmt.Fprintf(b, "  %d %s%s: %s\n", i+1, st.As, flags, oneLine(st.MatchExpr))
			if st.SkipExpr != nil {
				fmt.Fprintf(b, "      before it may stand: %s\n", oneLine(st.SkipExpr))
			}
		}
		if a.WhereExpr != nil {
			fmt.Fprintf(b, "  where %s\n", oneLine(a.WhereExpr))
		}
		if a.Residue != nil {
			fmt.Fprintf(b, "  %d a step by design: %s\n", a.Residue.PerStep, a.Residue.Because)
		}
		if a.ByDesign != "" {
			fmt.Fprintf(b, "  by design: %s\n", a.ByDesign)
		}
	}
}

func oneLine(e *rule.Expr) string { return strings.Join(strings.Fields(e.Text), " ") }

// testsOf lists the names of a rule's tests, where its file of tests is at hand.
func testsOf(b *strings.Builder, r *rule.Rule, dirs []string) {
	rel := r.Kind + "/" + r.ID + "_test.yaml"
	var src []byte
	for _, d := range dirs {
		if t, err := os.ReadFile(filepath.Join(d, filepath.FromSlash(rel))); err == nil {
			src = t
		}
	}
	if src == nil {
		src, _ = embedded.FS.ReadFile(rel) // a rule of a folder given with --rules has none here
	}
	if src == nil {
		return
	}
	f, wrong := ruletest.Decode(rel, src)
	if f == nil || wrong.Errors() > 0 {
		return
	}
	b.WriteString("tests:\n")
	for _, t := range f.Tests {
		what := "none"
		if len(t.Expect) > 0 {
			what = t.Expect[0].Verdict
			if t.Expect[0].Under != "" {
				what = "under " + t.Expect[0].Under
			}
		}
		fmt.Fprintf(b, "  %s → %s\n", t.Name, what)
	}
}
