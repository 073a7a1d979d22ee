package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/capture"
	"github.com/sgrules/sgrules/engine/profdir"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/internal/safefile"
)

// analyzeFlags are the flags of analyze.
type analyzeFlags struct {
	mapping   []string
	formal    []string
	format    string
	minShare  float64
	wide      bool
	width     int
	color     string
	rules     []string
	onlyRules bool
	rank      int64
	ranks     string
	strict    bool
	args      string
	framework string
	output    string
	failOn    []string
	quiet     bool
	maxMemory string
	logs      []string
	diffusers bool
	profile   string
	per       string
	timeline  bool
	noNotes   bool
	capture   captureFlags
}

var (
	formats    = []string{"text", "markdown", "json"}
	divisions  = []string{engine.PerRun, engine.PerStep, engine.PerLayer}
	frameworks = []string{"auto", "sglang", "vllm", "tensorrt-llm", "tokenspeed"}
	verdicts   = []string{"should-apply", "partial", "disabled", "in-flight", "upstream", "unsupported", "any"}
)

func analyzeCommand() command {
	return command{
		name:  "analyze",
		args:  "TRACE… | DIRECTORY | - | --url ADDRESS",
		short: "print where the GPU time of a trace went and what could be fused or hidden",
		long: `Analyze reads PyTorch-profiler traces (.json, .json.gz) of one run and prints the kernels
with the source lines that launched them, the communication that was exposed, the known
fusion patterns that are taken or missing, and a short conclusion.

A profile directory stands for the traces of one rank of its newest profile, one a stage.
With --ranks the others are compared with it: transfer and waiting of the collectives, the
rank that came last, the kernels that take longer on one rank than on another.
A file server_args.json beside the trace tells which paths the server had switched off.

With --url the traces come from a running server, which is profiled first; all flags of
'sgrules capture' work here too, but that the folder for the traces is --capture-dir.`,
		example: `sgrules analyze trace.json.gz
sgrules analyze --min-share 0.2 --wide 1782843274.77-TP-0-DECODE.trace.json.gz
sgrules analyze --rank 1 profile-directory/
sgrules analyze --ranks all profile-directory/
sgrules analyze --per layer --timeline trace.json.gz
sgrules analyze --mapping capture.trace.json.gz --formal decode.trace.json.gz
sgrules analyze --url http://127.0.0.1:30000 --num-steps 5 --profile-by-stage
sgrules analyze --mapping-url http://127.0.0.1:30001 --formal-url http://127.0.0.1:30000
sgrules analyze --format json trace.json.gz | jq '.fuse[] | [.rule, .verdict]'
zstd -dc trace.json.zst | sgrules analyze -
sgrules analyze --fail-on should-apply,partial trace.json.gz`,
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			a := &analyzeFlags{}
			f.StringArrayVar(&a.mapping, "mapping", nil, "a `trace` or profile directory of a run without graphs, or of the graph capture: gives replayed kernels their source lines")
			f.StringArrayVar(&a.formal, "formal", nil, "the `trace` or directory to report on; the same as naming it without a flag")
			f.StringVarP(&a.format, "format", "f", "text", "output: text, markdown or json")
			f.Float64Var(&a.minShare, "min-share", 1, "hide rows under this share of the GPU time, in `percent`")
			f.StringVar(&a.per, "per", "run", "read the kernel tables per run, step or layer: means over the steps that ran, or over the inner layers with the first and last apart; fuse patterns per step")
			f.BoolVar(&a.timeline, "timeline", false, "draw what the streams did around the worst exposed collective or copy, else around the longest idle gap of a step")
			f.BoolVarP(&a.wide, "wide", "w", false, "print names and paths whole, on lines as long as they need")
			f.IntVar(&a.width, "width", 0, "`cells` of a line of text, 60 or more (default: the terminal's, else 120)")
			f.StringVar(&a.color, "color", "auto", "colour verdicts: auto, always or never")
			f.StringArrayVar(&a.rules, "rules", nil, "a `folder` with fuse/ or overlap/ rules that are added or, by id, replace; may be repeated")
			f.BoolVar(&a.onlyRules, "only-rules", false, "match only the rules of --rules, none that the program ships with")
			f.Int64Var(&a.rank, "rank", -1, "in a profile directory, the TP or global `rank` to read (default: the lowest)")
			f.StringVar(&a.ranks, "ranks", "", "compare these `ranks` of a profile directory, or of the traces named: all, or a list such as 0,2; the tables are those of --rank or the lowest")
			f.BoolVar(&a.strict, "strict", false, "fail on a truncated or damaged trace instead of warning")
			f.StringVar(&a.args, "server-args", "", "`file` with the server's arguments (default: server_args.json beside the trace)")
			f.StringArrayVar(&a.logs, "server-log", nil, "a log `file` of the profiled server, beside the *.log files next to the trace: tells whether SGLang served a diffusion model itself; may be repeated")
			f.BoolVar(&a.diffusers, "allow-diffusers", false, "analyse a trace of the diffusers backend too, which is no evidence for SGLang's own pipeline")
			f.StringVar(&a.framework, "framework", "auto", "what served: auto, sglang, vllm, tensorrt-llm (or trtllm) or tokenspeed")
			f.BoolVar(&a.noNotes, "no-notes", false, "no notes on partial chains and on runs of small kernels that no rule covers")
			f.StringVarP(&a.output, "output", "o", "", "write the report to a `file` instead of standard output")
			f.StringSliceVar(&a.failOn, "fail-on", nil, "exit with 1 if a fusion or overlap pattern at or over --min-share has one of these `verdicts`: "+strings.Join(verdicts, ", "))
			f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no warnings on standard error")
			f.StringVar(&a.maxMemory, "max-memory", "", "fail when the traces need more than this much memory, a `size` such as 800MB or 2GB (default: no limit)")
			f.StringVar(&a.profile, "profile-self", "", "write a CPU profile of this run to a `file`, for go tool pprof")
			a.capture.register(f, "capture-dir", "", true)
			return a.run
		},
	}
}

func (a *analyzeFlags) check(args []string) error {
	if len(args) == 0 && !a.capture.wanted() {
		return usagef("analyze: no trace given; name a trace file, a profile directory, or - for standard input")
	}
	a.framework = capture.Framework(a.framework)
	if err := a.checkCapture(args); err != nil {
		return err
	}
	if !slices.Contains(formats, a.format) {
		return usagef("analyze: --format %q: expected %s", a.format, strings.Join(formats, ", "))
	}
	if !slices.Contains(divisions, a.per) {
		return usagef("analyze: --per %q: expected %s", a.per, strings.Join(divisions, ", "))
	}
	if !slices.Contains(frameworks, a.framework) {
		return usagef("analyze: --framework %q: expected %s", a.framework, strings.Join(frameworks, ", "))
	}
	if !slices.Contains([]string{"auto", "always", "never"}, a.color) {
		return usagef("analyze: --color %q: expected auto, always, never", a.color)
	}
	if !(a.minShare >= 0 && a.minShare <= 100) {
		return usagef("analyze: --min-share %g: expected a share from 0 to 100 percent", a.minShare)
	}
	if a.width != 0 && (a.width < report.LeastWidth || a.width > 10_000) {
		return usagef("analyze: --width %d: expected %d to 10000 cells", a.width, report.LeastWidth)
	}
	if a.width != 0 && (a.wide || a.format != "text") {
		return usagef("analyze: --width is of the text format without --wide: nothing else is laid out in cells")
	}
	if a.color == "always" && a.format != "text" {
		return usagef("analyze: --color always is of the text format; %s has no colours", a.format)
	}
	if a.onlyRules && len(a.rules) == 0 {
		return usagef("analyze: --only-rules needs a folder given with --rules")
	}
	for _, v := range a.failOn {
		if !slices.Contains(verdicts, v) {
			return usagef("analyze: --fail-on %q: expected %s", v, strings.Join(verdicts, ", "))
		}
	}
	return nil
}

func (a *analyzeFlags) run(ctx context.Context, args []string, s streams) error {
	if a.profile != "" {
		return profileSelf(a.profile, func() error { return a.analyze(ctx, args, s) })
	}
	return a.analyze(ctx, args, s)
}

func (a *analyzeFlags) analyze(ctx context.Context, args []string, s streams) error {
	args = append(append([]string(nil), a.formal...), args...)
	if err := a.check(args); err != nil {
		return err
	}
	set, err := profdir.ParseRanks(a.ranks)
	if err != nil {
		return usagef("analyze: --ranks %w", err)
	}
	limit, err := memorySize(a.maxMemory)
	if err != nil {
		return err
	}
	mapping, serverArgs := a.mapping, a.args
	if a.capture.wanted() {
		if args, err = a.fromServer(ctx, args, &mapping, &serverArgs, s); err != nil {
			return err
		}
	}
	tuneMemory(limit)
	o := engine.Options{NoNotes: a.noNotes, ServerLogs: a.logs, AllowDiffusers: a.diffusers, MaxMemory: limit, Paths: args, Ranks: set, Mapping: mapping, Stdin: s.in, Rank: a.rank, Strict: a.strict, ServerArgs: serverArgs, Version: buildVersion(),
		Catalog: func() (*engine.Catalog, error) { return engine.LoadCatalog(a.rules, a.onlyRules) }}
	if a.framework != "auto" {
		o.Framework = a.framework
	}
	o.Per, o.Timeline = a.per, a.timeline
	p := newProgress(s.err, a.quiet)
	o.Progress = p.update
	r, err := engine.Analyze(ctx, o)
	p.done()
	if err != nil {
		return err
	}
	if !a.quiet {
		for _, w := range r.Warnings {
			fmt.Fprintf(s.err, "sgrules: warning: %s\n", clean(w))
		}
	}
	if err := a.write(r, s.out); err != nil {
		return err
	}
	if a.fails(r) {
		return errFindings
	}
	return nil
}

func (a *analyzeFlags) write(r *report.Report, out io.Writer) error {
	v := report.View{MinShare: a.minShare, Wide: a.wide, Width: a.width, Color: a.color == "always"}
	if a.output != "" {
		return safefile.Write(a.output, func(w io.Writer) error { return render(w, r, a.format, v) })
	}
	if f, ok := terminal(os.Stdout); ok {
		if v.Width == 0 {
			v.Width = f
		}
		v.Color = v.Color || a.color == "auto" && os.Getenv("NO_COLOR") == ""
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && v.Width == 0 && n > 0 {
		v.Width = min(n, 10_000)
	}
	return render(out, r, a.format, v)
}

func render(w io.Writer, r *report.Report, format string, v report.View) error {
	switch format {
	case "json":
		return report.JSON(w, r)
	case "markdown":
		return report.Markdown(w, r, v)
	}
	return report.Text(w, r, v)
}

// fails tells whether a shown pattern, of fusion or of overlap, has a verdict the caller asked to
// fail on.
func (a *analyzeFlags) fails(r *report.Report) bool {
	for _, f := range append(slices.Clone(r.Fuse), r.OverlapPaths...) {
		if !f.Shown(r.Total, a.minShare) {
			continue
		}
		if slices.Contains(a.failOn, f.Verdict) || slices.Contains(a.failOn, "any") && f.Verdict != "applied" && f.Verdict != "by-design" {
			return true
		}
	}
	return false
}

// terminal gives the width of f if it is a terminal.
func terminal(f *os.File) (int, bool) {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return 0, false
	}
	w, _, err := term.GetSize(fd)
	if err != nil || w <= 0 {
		return 0, true
	}
	return w, true
}
