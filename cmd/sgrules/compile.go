package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/catalog"
	"github.com/sgrules/sgrules/engine/diag"
)

type compileFlags struct {
	check bool
	rules string
}

func compileCommand() command {
	return command{
		name:  "compile",
		args:  "[REFERENCES]",
		short: "compile Markdown catalogs to YAML rules",
		long: `Compile reads the catalogs of a folder (default: references, files *-catalog.md) and writes a
rule for every pattern, the index table of every catalog and the coverage table. A rule that
was written by hand is never touched.

With --check nothing is written: exit code 1 when any file is not what compile would write.`,
		example: "sgrules compile\nsgrules compile --check\nsgrules compile --rules my-rules my-references/",
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			c := &compileFlags{}
			f.BoolVar(&c.check, "check", false, "write nothing, show what differs")
			f.StringVar(&c.rules, "rules", "rules", "the `folder` that rules are written to")
			return c.do
		},
	}
}

func (c *compileFlags) do(_ context.Context, args []string, s streams) error {
	dir := "references"
	switch len(args) {
	case 0:
	case 1:
		dir = args[0]
	default:
		return usagef("compile takes one folder of catalogs, found %d arguments", len(args))
	}
	if info, err := os.Stat(dir); err != nil {
		return diag.Expecting(err, "a folder of *-catalog.md")
	} else if !info.IsDir() {
		return fmt.Errorf("%s: is a file; expected a folder of *-catalog.md", dir)
	}
	res, list := catalog.Compile(os.DirFS(dir), catalog.Options{
		Prefix: filepath.ToSlash(filepath.Clean(dir)), Name: filepath.Base(filepath.Clean(dir)),
		Rules: os.DirFS(c.rules), RulesPrefix: filepath.ToSlash(filepath.Clean(c.rules)),
	})
	if list.Errors() > 0 {
		return &engine.RuleError{List: list, Source: res.Source}
	}
	if err := list.Print(s.err, res.Source, 50); err != nil {
		return err
	}
	do, verb := catalog.Write, "wrote"
	if c.check {
		do, verb = catalog.Check, "differs"
	}
	n := 0
	for _, x := range []struct {
		dir  string
		outs []catalog.Output
	}{{c.rules, res.Rules}, {dir, res.References}} {
		changes, err := do(x.dir, x.outs)
		if err != nil {
			return err
		}
		for _, ch := range changes {
			n++
			if _, err := fmt.Fprintf(s.out, "%s %s (%s)\n", verb, clean(filepath.Join(x.dir, filepath.FromSlash(ch.Path))), ch.Kind); err != nil {
				return err
			}
			if c.check {
				if err := writeString(s.out, clip(ch.Diff)); err != nil {
					return err
				}
			}
		}
	}
	if _, err := fmt.Fprintf(s.out, "%d rules, %d files %s\n", len(res.Rules), n, map[bool]string{true: "differ", false: "written"}[c.check]); err != nil {
		return err
	}
	if c.check && n > 0 {
		return errFindings
	}
	return nil
}

// clip makes every line of a diff inert and keeps the lines.
func clip(diff string) string {
	var b strings.Builder
	for line := range strings.Lines(diff) {
		b.WriteString(clean(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}
