package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/diag"
)

// The exit codes of every command.
const (
	exitDone     = 0
	exitFindings = 1 // done, and found what the caller asked to fail on
	exitFailed   = 2 // could not do the work
)

// errFindings is returned by a command that did its work and found what the caller asked
// to fail on.
var errFindings = errors.New("findings")

// errUsage marks a mistake in the command line.
type errUsage struct{ error }

func usagef(format string, args ...any) error { return errUsage{fmt.Errorf(format, args...)} }

type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// command is one verb of the program.
type command struct {
	name    string
	args    string // what stands behind the flags in the usage line
	short   string // one line, no full stop
	long    string
	example string
	// setup registers flags and gives the function that does the work.
	setup func(f *pflag.FlagSet) func(ctx context.Context, args []string, s streams) error
}

func commands() []command {
	return []command{analyzeCommand(), captureCommand(), explainCommand(), rulesCommand(), newCommand(), sliceCommand(), fmtCommand(), lintCommand(), testCommand(), compileCommand(), completionCommand(), versionCommand()}
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, s streams) int {
	out := bufio.NewWriterSize(s.out, 64<<10)
	s.out = out
	err := dispatch(ctx, args, s)
	if ferr := out.Flush(); ferr != nil && err == nil {
		err = fmt.Errorf("writing the result: %w", ferr)
	}
	var use errUsage
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(s.err, "sgrules: stopped")
		return exitFailed
	case errors.As(err, &use):
		fmt.Fprintf(s.err, "sgrules: %s\nTry 'sgrules --help'.\n", diag.Escape(err.Error()))
		return exitFailed
	}
	var rules *engine.RuleError
	if errors.As(err, &rules) {
		_ = rules.List.Print(s.err, rules.Source, 50)
		return exitFailed
	}
	fmt.Fprintf(s.err, "sgrules: %s\n", diag.Escape(err.Error()))
	return exitFailed
}

func dispatch(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 {
		return writeString(s.out, overview())
	}
	switch args[0] {
	case "-h", "--help":
		return writeString(s.out, overview())
	case "help":
		if len(args) == 1 {
			return writeString(s.out, overview())
		}
		args = []string{args[1], "--help"}
	case "--version":
		args = []string{"version"}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], s)
		}
	}
	if strings.HasPrefix(args[0], "-") {
		return usagef("unknown flag %s before a command", args[0])
	}
	if _, err := os.Stat(args[0]); err == nil {
		return usagef("%q is a file, not a command; did you mean: sgrules analyze %s", args[0], args[0])
	}
	return usagef("unknown command %q; the commands are %s", args[0], names())
}

func names() string {
	var out []string
	for _, c := range commands() {
		out = append(out, c.name)
	}
	return strings.Join(out, ", ")
}

func (c *command) run(ctx context.Context, args []string, s streams) error {
	f := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	f.SetOutput(io.Discard)
	do := c.setup(f)
	switch err := f.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return writeString(s.out, c.help(f))
	case err != nil:
		return errUsage{fmt.Errorf("%s: %w", c.name, err)}
	}
	return do(ctx, f.Args(), s)
}

func (c *command) help(f *pflag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: sgrules %s", c.name)
	if f.HasFlags() {
		b.WriteString(" [flags]")
	}
	if c.args != "" {
		b.WriteString(" " + c.args)
	}
	fmt.Fprintf(&b, "\n\n%s\n", strings.TrimSpace(c.long))
	if f.HasFlags() {
		fmt.Fprintf(&b, "\nflags:\n%s", f.FlagUsagesWrapped(100))
	}
	if c.example != "" {
		b.WriteString("\nexamples:\n")
		for l := range strings.Lines(strings.TrimSpace(c.example)) {
			b.WriteString("  " + strings.TrimSpace(l) + "\n")
		}
	}
	return b.String()
}

func overview() string {
	var b strings.Builder
	b.WriteString(`sgrules reads a PyTorch-profiler trace of an LLM server and prints three tables: where
the GPU time went and which source line launched it, which communication could be
hidden, and which known fusion is taken, missing or switched off.

usage: sgrules COMMAND [flags] [arguments]

commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-12s %s\n", c.name, c.short)
	}
	b.WriteString(`
'sgrules COMMAND --help' tells more of each. Results go to standard output, everything
else to standard error. Exit codes: 0 done, 1 findings the caller asked to fail on,
2 could not do the work.

examples:
  sgrules analyze trace.json.gz
  sgrules analyze --format markdown profile-directory/ > report.md
  sgrules analyze --url http://127.0.0.1:30000 --num-steps 5
`)
	return b.String()
}

func writeString(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}
