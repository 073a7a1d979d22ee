package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
		name:    "rules",
		short:   "list the rules",
		long:    "Rules lists the rules that analyze matches with: those the program ships with and those of --rules.",
		example: "sgrules rules --origin sglang --status in-flight\nsgrules rules --rules my-rules --format json",
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			r := &rulesFlags{}
			f.StringArrayVar(&r.rules, "rules", nil, "a `folder` of rules that are added or, by id, replace")
			f.StringVar(&r.kind, "kind", "", "only this kind: fuse or overlap")
			f.StringVar(&r.origin, "origin", "", "only of this origin")
			f.StringVar(&r.status, "status", "", "only with this status: mainline, in-flight, withdrawn or no-fusion")
			f.StringVar(&r.domain, "domain", "", "only of this domain")
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
	cat, err := engine.LoadCatalog(r.rules, false)
	if err != nil {
		return err
	}
	all := cat.Rules.Rules()
	for _, f := range []struct {
		flag, want string
		of         func(*rule.Rule) string
	}{
		{"kind", r.kind, func(x *rule.Rule) string { return x.Kind }},
		{"origin", r.origin, func(x *rule.Rule) string { return x.Origin }},
		{"status", r.status, func(x *rule.Rule) string { return x.Status }},
		{"domain", r.domain, func(x *rule.Rule) string { return x.Domain }},
	} {
		if f.want == "" {
			continue
		}
		known := map[string]bool{}
		for _, x := range cat.Rules.Rules() {
			known[f.of(x)] = true
		}
		if !known[f.want] {
			var words []string
			for w := range known {
				words = append(words, w)
			}
			slices.Sort(words)
			return usagef("rules: --%s %q: the rules have %s", f.flag, f.want, strings.Join(words, ", "))
		}
		all = slices.DeleteFunc(all, func(x *rule.Rule) bool { return f.of(x) != f.want })
	}
	if r.format == "json" {
		type row struct {
			ID, Kind, Origin, Domain, Status, Title string
			Fused, Split                            bool
		}
		out := []row{}
		for _, x := range all {
			out = append(out, row{x.ID, x.Kind, x.Origin, x.Domain, x.Status, x.Title, len(x.Fused) > 0, len(x.Split) > 0})
		}
		return encode(s.out, out)
	}
	wide := 0
	for _, x := range all {
		wide = max(wide, len(x.ID))
	}
	for _, x := range all {
		if _, err := fmt.Fprintf(s.out, "%-*s  %-7s %-10s %s\n", wide, x.ID, x.Kind, x.Status, clean(x.Title)); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(s.out, "%d rules\n", len(all))
	return err
}
