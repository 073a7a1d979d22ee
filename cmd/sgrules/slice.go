package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/slice"
)

// fillIn stands for the id of the rule where none is given.
const fillIn = "fill-in"

func sliceCommand() command {
	return command{
		name:  "slice",
		args:  "TRACE",
		short: "print a stretch of a trace as a rule test",
		long: `Slice prints kernels A to B of a trace (B not included), in order of start over all streams and
counted from 0, in the notation of rule tests: names, times, streams, waits, ops, frames of
known packages, modules, steps and graph launches, which is what rules can see. What the test
must find is for you to fill in.`,
		example: `sgrules slice trace.json.gz --kernels 120..140 --rule sglang-my-pattern > rules/fuse/sglang-my-pattern_test.yaml
sgrules slice trace.json.gz --kernels 0..400 --stage decode --stream 7`,
		setup: func(f *pflag.FlagSet) func(context.Context, []string, streams) error {
			kernels := f.String("kernels", "", "which, as `A..B`")
			stage := f.String("stage", "", "only of this `stage`")
			stream := f.Int64("stream", -1, "only of this `stream`")
			id := f.String("rule", fillIn, "the `id` of the rule the test is for")
			return func(ctx context.Context, args []string, s streams) error {
				if len(args) != 1 {
					return usagef("slice takes one trace")
				}
				if *kernels == "" {
					return usagef("slice: say which kernels with --kernels A..B, counted from 0 in order of start")
				}
				if *id != fillIn && !rule.IsID(*id) {
					return usagef("slice: --rule %q: expected the id of a rule", *id)
				}
				a, b, ok := strings.Cut(*kernels, "..")
				from, err1 := strconv.Atoi(a)
				to, err2 := strconv.Atoi(b)
				if !ok || err1 != nil || err2 != nil {
					return usagef("slice: --kernels %q: expected A..B, as in 120..140", *kernels)
				}
				cat, err := engine.LoadCatalog(nil, false)
				if err != nil {
					return err
				}
				t, err := kineto.Open(ctx, args[0], kineto.Options{})
				if err != nil {
					return err
				}
				if n := len(t.Damage); n > 0 {
					fmt.Fprintf(s.err, "sgrules: warning: %s: byte %d: %s; the stretch is counted in what was read\n", clean(args[0]), t.Damage[0].Offset, clean(t.Damage[0].Msg))
				}
				g := graph.Build(t, graph.Options{Sites: cat.Sites, Stage: graph.StageFromPath(args[0])})
				run := match.Describe(g)
				return slice.Write(s.out, g, &run, slice.Options{From: from, To: to, Stage: *stage, Stream: *stream, Rule: *id,
					Name: "kernels " + *kernels + " of " + filepath.Base(args[0])})
			}
		},
	}
}
