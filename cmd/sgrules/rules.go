package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/rule"
)

type rulesFlags struct {
	rules                        []string
	kind, origin, status, domain string
	format                       string
}

func rulesCommand() command {
	return command{
		name:  "rules",
		short: "list the rules",
		long: `Rules lists the rules that analyze matches with, by id: those the program ships with and those
of --rules, which are added or, by id, replace. 'sgrules explain ID' tells all of one.`,
		example: "sgrules rules --origin sglang --status in-flight\nsgrules rules --rules my-rules --format json",
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			r := &rulesFlags{}
			f.StringArrayVar(&r.rules, "rules", nil, "a `folder` of rules that are added or, by id, replace")
			f.StringVar(&r.kind, "kind", "", "only this kind: fuse or overlap")
			f.StringVar(&r.origin, "origin", "", "only of this origin: "+strings.Join(rule.Origins(), ", "))
			f.StringVar(&r.status, "status", "", "only with this status: "+strings.Join(rule.Statuses(), ", "))
			f.StringVar(&r.domain, "domain", "", "only of this domain: "+strings.Join(rule.Domains(), ", "))
			f.StringVarP(&r.format, "format", "f", "text", "output: text or json")
			return r.do
		},
	}
}

func (r *rulesFlags) do(_ context.Context, args []string, s streams) error {
	if len(args) > 0 {
		return usagef("rules takes no arguments, found %q", args[0])
	}
	if r.format != "text" && r.format != "json" {
		return usagef("rules: --format %q: expected text or json", r.format)
	}
	for _, f := range r.filters() {
		if *f.want != "" && !slices.Contains(f.words, *f.want) {
			return usagef("rules: --%s %q: expected %s", f.flag, *f.want, strings.Join(f.words, ", "))
		}
	}
	cat, err := engine.LoadCatalog(r.rules, false)
	if err != nil {
		return err
	}
	all := cat.Rules.Rules()
	for _, f := range r.filters() {
		if *f.want != "" {
			all = slices.DeleteFunc(all, func(x *rule.Rule) bool { return f.of(x) != *f.want })
		}
	}
	if r.format == "json" {
		return encode(s.out, ruleRows(all))
	}
	return listRules(s.out, all, screenWidth())
}

// filter is one flag that leaves rules out.
type filter struct {
	flag  string
	want  *string
	words []string
	of    func(*rule.Rule) string
}

func (r *rulesFlags) filters() []filter {
	return []filter{
		{"kind", &r.kind, rule.Kinds(), func(x *rule.Rule) string { return x.Kind }},
		{"origin", &r.origin, rule.Origins(), func(x *rule.Rule) string { return x.Origin }},
		{"status", &r.status, rule.Statuses(), func(x *rule.Rule) string { return x.Status }},
		{"domain", &r.domain, rule.Domains(), func(x *rule.Rule) string { return x.Domain }},
	}
}

// ruleRow is one rule of the list as JSON.
type ruleRow struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Origin string `json:"origin"`
	Domain string `json:"domain"`
	Status string `json:"status"`
	Title  string `json:"title"`
	Fused  bool   `json:"fused"` // whether that side can be seen in a trace
	Split  bool   `json:"split"`
}

func ruleRows(all []*rule.Rule) []ruleRow {
	out := []ruleRow{}
	for _, x := range all {
		out = append(out, ruleRow{x.ID, x.Kind, x.Origin, x.Domain, x.Status, x.Title, len(x.Fused) > 0, len(x.Split) > 0})
	}
	return out
}

// listRules writes one rule a line, or two where the title has no room behind the rest. A
// width of 0 is no bound.
func listRules(w io.Writer, all []*rule.Rule, width int) error {
	const least = 24 // cells of a title that still tells something
	var wide [4]int
	cells := func(x *rule.Rule) [4]string { return [4]string{x.ID, x.Kind, x.Origin, x.Status} }
	for _, x := range all {
		for i, c := range cells(x) {
			wide[i] = max(wide[i], len(c))
		}
	}
	left := width
	for _, n := range wide {
		left -= n + 2
	}
	for _, x := range all {
		line := ""
		for i, c := range cells(x) {
			line += fmt.Sprintf("%-*s  ", wide[i], c)
		}
		title := clean(x.Title)
		switch {
		case width == 0:
			line += title
		case left < least:
			line = cut(strings.TrimRight(line, " "), width) + "\n    " + cut(title, width-4)
		default:
			line += cut(title, left)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d rules\n", len(all))
	return err
}

// cut shortens a text to so many cells.
func cut(s string, cells int) string {
	c := &runewidth.Condition{StrictEmojiNeutral: true}
	if c.StringWidth(s) <= cells {
		return s
	}
	return c.Truncate(s, max(cells, 1), "…")
}

// screenWidth is the width of the terminal, else what COLUMNS says, else 0.
func screenWidth() int {
	if w, ok := terminal(os.Stdout); ok && w > 0 {
		return w
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return min(n, 10_000)
	}
	return 0
}
