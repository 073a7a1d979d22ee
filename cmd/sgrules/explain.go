package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/ruletest"
	embedded "github.com/sgrules/sgrules/rules"
)

func explainCommand() command {
	return command{
		name:  "explain",
		args:  "ID [TRACE…]",
		short: "tell what a rule is, or what it met in a trace and why it did not match",
		long: `Explain prints one rule: what the path is, how it looks when it is taken and when it is not,
under which conditions, how it is switched, where it was read in the source and what its tests
show. The id is the one in the fuse table; a retired id tells what replaced it.

With traces it tells instead what the rule met there: the conditions that do not hold or are
not known, how many kernels each step alone would bind, and for the chains that began and did
not end which step failed and what stood in its place.`,
		example: "sgrules explain sglang-qk-norm-rope\nsgrules explain sglang-qk-norm-rope trace.json.gz",
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			dirs := f.StringArray("rules", nil, "a `folder` of rules that are added or, by id, replace")
			mapping := f.StringArray("mapping", nil, "a `trace` of a run without graphs, or of the graph capture, as analyze takes it")
			serverArgs := f.String("server-args", "", "`file` with the server's arguments (default: server_args.json beside the trace)")
			rank := f.Int64("rank", -1, "in a profile directory, the TP or global `rank` to read (default: the lowest)")
			return func(ctx context.Context, args []string, s streams) error {
				switch {
				case len(args) == 0:
					return usagef("explain takes the id of one rule; 'sgrules rules' lists them")
				case len(args) == 1 && (len(*mapping) > 0 || *serverArgs != "" || *rank >= 0):
					return usagef("explain: --mapping, --server-args and --rank speak of a trace, and none is given")
				case len(args) == 1:
					return explain(args[0], *dirs, s)
				}
				return why(ctx, args[0], *dirs, engine.Options{Paths: args[1:], Mapping: *mapping, ServerArgs: *serverArgs, Rank: *rank, Stdin: s.in}, s)
			}
		},
	}
}

func explain(id string, dirs []string, s streams) error {
	cat, err := engine.LoadCatalog(dirs, false)
	if err != nil {
		return err
	}
	var b strings.Builder
	r, err := resolve(&b, cat, id)
	if err != nil || r == nil {
		return errors.Join(err, writeString(s.out, clip(b.String())))
	}
	describeRule(&b, r)
	testsOf(&b, r, dirs)
	return writeString(s.out, clip(b.String()))
}

// resolve finds the rule of an id and writes what became of one that was retired, which may be
// all that there is.
func resolve(b *strings.Builder, cat *engine.Catalog, id string) (*rule.Rule, error) {
	r, retired := cat.Rules.Resolve(id)
	if r == nil && retired == nil {
		hint := "; 'sgrules rules' lists them"
		if near := cat.Rules.Suggest(id); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return nil, usagef("explain: there is no rule %q%s", id, hint)
	}
	if retired != nil {
		fmt.Fprintf(b, "%s was retired in %s: %s\n", retired.ID, retired.Since, retired.Because)
		if r != nil {
			fmt.Fprintf(b, "It was replaced by %s.\n\n", r.ID)
		}
	}
	return r, nil
}

// why prints what one rule met in traces.
func why(ctx context.Context, id string, dirs []string, o engine.Options, s streams) error {
	cat, err := engine.LoadCatalog(dirs, false)
	if err != nil {
		return err
	}
	var b strings.Builder
	r, err := resolve(&b, cat, id)
	if err != nil || r == nil {
		return errors.Join(err, writeString(s.out, clip(b.String())))
	}
	o.AllowDiffusers = true // what a rule met is asked of any trace
	o.Catalog = func() (*engine.Catalog, error) { return cat, nil }
	list, err := engine.Why(ctx, o, r.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "%s\n%s · %s · %s · %s · %s\n\n", r.Title, r.ID, r.Kind, r.Origin, r.Domain, r.Status)
	if len(r.Fused)+len(r.Split) == 0 {
		b.WriteString("The rule has no chains: no trace can show it.\n\n")
	}
	if err := report.WhyText(&b, list, 100); err != nil {
		return err
	}
	return writeString(s.out, clip(b.String()))
}

// describeRule writes a rule for a person: prose, conditions and chains, each on lines of 100
// cells at the most, continued further to the right.
func describeRule(b *strings.Builder, r *rule.Rule) {
	fmt.Fprintf(b, "%s\n%s · %s · %s · %s · %s\n\n", r.Title, r.ID, r.Kind, r.Origin, r.Domain, r.Status)
	folded(b, "", "", r.Path)
	if r.Conclude != "" {
		b.WriteByte('\n')
		folded(b, "When it shows: ", "", r.Conclude)
	}
	if r.Applies != nil || len(r.Requires) > 0 {
		b.WriteByte('\n')
	}
	if r.Applies != nil {
		folded(b, "applies: ", "    ", oneLine(r.Applies))
	}
	for _, q := range r.Requires {
		word := "when"
		if q.Unless != nil {
			word = "unless"
		}
		folded(b, "requires "+word+" ", "    ", oneLine(q.Expr()))
		folded(b, "  else "+q.Verdict+": ", "    ", q.Because)
	}
	describeSide(b, "taken", r.Fused)
	describeSide(b, "not taken", r.Split)
	if r.Unseen != "" {
		b.WriteByte('\n')
		folded(b, "not taken: cannot be told: ", "  ", r.Unseen)
	}
	if len(r.Switches) > 0 {
		b.WriteString("\nswitches:\n")
		for _, w := range r.Switches {
			what := w.Kind
			if w.Default != "" {
				what += ", default " + w.Default
			}
			folded(b, "  "+w.Name+" ("+what+") ", "    ", w.Effect)
			if w.Source.Path != "" {
				fmt.Fprintf(b, "    %s\n", w.Source)
			}
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
			folded(b, "  only ", "      ", oneLine(a.Only))
		}
		for i, st := range a.Steps {
			if i > 0 && i == a.Beside {
				b.WriteString("  beside it, on another stream:\n")
			}
			flags := ""
			if st.Optional {
				flags += ", may be missing"
			}
			if st.Many {
				flags += ", one or more"
			}
			if st.SkipExpr != nil {
				folded(b, "    between them may stand: ", "      ", oneLine(st.SkipExpr))
			}
			folded(b, fmt.Sprintf("  %d %s%s: ", i+1, st.As, flags), "      ", oneLine(st.MatchExpr))
		}
		if a.WhereExpr != nil {
			folded(b, "  where ", "      ", oneLine(a.WhereExpr))
		}
		if a.Residue != nil {
			folded(b, fmt.Sprintf("  %d a step by design: ", a.Residue.PerStep), "      ", a.Residue.Because)
		}
		if a.ByDesign != "" {
			folded(b, "  by design: ", "      ", a.ByDesign)
		}
	}
}

// folded writes a text behind a head, broken at spaces; the lines that follow begin with rest.
func folded(b *strings.Builder, head, rest, text string) {
	const width = 100
	line, empty := head, true
	for _, w := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+w, false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
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
	b.WriteString("\ntests:\n")
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
