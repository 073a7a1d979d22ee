package engine

import (
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
)

// describe tells what is known of the run: from the trace, then from the server's own
// arguments, then from what the caller says.
func describe(o Options, p *part, args *serverArgs) rule.Run {
	r := match.Describe(p.graph)
	if o.Framework != "" {
		r.Framework = o.Framework
	}
	if args != nil {
		match.SetArgs(&r, args.flat)
	}
	return r
}
