package ruletest

import (
	"context"
	"fmt"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
)

// Clean matches the rules of a set on traces in which nothing is wrong: every finding but
// applied and by-design is a false one.
func Clean(ctx context.Context, set *rule.Set, sites graph.Policy, traces []string) (diag.List, error) {
	var list diag.List
	for _, path := range traces {
		t, err := kineto.Open(ctx, path, kineto.Options{Strict: true})
		if err != nil {
			return nil, err
		}
		g := graph.Build(t, graph.Options{Sites: sites, Stage: graph.StageFromPath(path)})
		run := match.Describe(g)
		res, err := match.Run(g, set, &run)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for i := range res.Findings {
			f := &res.Findings[i]
			if f.Verdict == match.Applied || f.Verdict == match.ByDesign {
				continue
			}
			r := res.Rules[f.Rule]
			list.Add(diag.Diagnostic{Pos: r.At("id"), Code: "fires-on-clean", Msg: fmt.Sprintf("says %s on %s, in which nothing is wrong", f.Verdict, path),
				Hint: "a false finding is worse than a missing one: make the chain tell the two apart"})
		}
	}
	list.Sort()
	return list, nil
}
