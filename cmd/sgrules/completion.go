package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

func completionCommand() command {
	return command{
		name:  "completion",
		args:  "bash|zsh|fish",
		short: "print a shell completion script",
		long: `Completion prints a script that completes commands, flags and file names in a shell.
Load it from the shell's start-up file.`,
		example: "source <(sgrules completion bash)\nsgrules completion fish > ~/.config/fish/completions/sgrules.fish",
		setup: func(*pflag.FlagSet) func(context.Context, []string, streams) error {
			return func(_ context.Context, args []string, s streams) error {
				if len(args) != 1 {
					return usagef("completion takes one shell: bash, zsh or fish")
				}
				script, ok := map[string]func() string{"bash": bash, "zsh": zsh, "fish": fish}[args[0]]
				if !ok {
					return usagef("completion: unknown shell %q; expected bash, zsh or fish", args[0])
				}
				return writeString(s.out, script())
			}
		},
	}
}

// flagsOf lists a command's flags as --name, in their order.
func flagsOf(c command) []*pflag.Flag {
	f := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	f.SortFlags = false
	c.setup(f)
	var out []*pflag.Flag
	f.VisitAll(func(x *pflag.Flag) { out = append(out, x) })
	return out
}

func words(c command) string {
	out := []string{"--help"}
	for _, f := range flagsOf(c) {
		out = append(out, "--"+f.Name)
	}
	return strings.Join(out, " ")
}

func bash() string {
	var b strings.Builder
	b.WriteString("_sgrules() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n")
	fmt.Fprintf(&b, "    COMPREPLY=($(compgen -W \"%s help\" -- \"$cur\")); return\n  fi\n", strings.ReplaceAll(names(), ",", ""))
	b.WriteString("  case ${COMP_WORDS[1]} in\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "    %s) words=\"%s\" ;;\n", c.name, words(c))
	}
	b.WriteString("  esac\n  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); else COMPREPLY=($(compgen -f -- \"$cur\")); fi\n}\ncomplete -o filenames -F _sgrules sgrules\n")
	return b.String()
}

func zsh() string {
	var b strings.Builder
	b.WriteString("#compdef sgrules\n_sgrules() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "      '%s:%s'\n", c.name, strings.ReplaceAll(c.short, "'", ""))
	}
	b.WriteString("    )\n    _describe command commands; return\n  fi\n  case $words[2] in\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "    %s) _arguments '*:file:_files'", c.name)
		for _, f := range flagsOf(c) {
			fmt.Fprintf(&b, " '--%s[%s]'", f.Name, strings.NewReplacer("'", "", "[", "(", "]", ")", "`", "").Replace(f.Usage))
		}
		b.WriteString(" ;;\n")
	}
	b.WriteString("  esac\n}\ncompdef _sgrules sgrules\n")
	return b.String()
}

func fish() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c sgrules -n __fish_use_subcommand -a %s -d '%s'\n", c.name, strings.ReplaceAll(c.short, "'", ""))
		for _, f := range flagsOf(c) {
			fmt.Fprintf(&b, "complete -c sgrules -n '__fish_seen_subcommand_from %s' -l %s -d '%s'\n", c.name, f.Name, strings.NewReplacer("'", "", "`", "").Replace(f.Usage))
		}
	}
	return b.String()
}
