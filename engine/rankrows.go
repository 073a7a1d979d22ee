package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/ranks"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// addRanks adds what the other ranks of the run tell.
func addRanks(r *report.Report, parts []*part, with *compared) {
	if with == nil {
		return
	}
	for i := range with.others {
		r.Traces = append(r.Traces, with.others[i].files...)
		r.Warnings = append(r.Warnings, with.others[i].warnings...)
	}
	if len(with.ranks) < 2 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("only rank %s was found to compare; with one rank, the transfer of a collective and its waiting cannot be told apart", with.ranks[0].Name))
		return
	}
	t := &teller{res: with.result, parts: parts, syms: map[string]*symbol.Symbol{}}
	out := &report.Ranks{Read: len(with.ranks), Reported: with.ranks[0].Name, Rows: []report.RankRow{}, Collectives: []report.RankCollective{},
		Arrivals: []report.Arrivals{}, Kernels: []report.RankKernel{}}
	for i := range with.ranks {
		k := &with.ranks[i]
		out.World = max(out.World, k.World)
		out.Ranks = append(out.Ranks, k.Name)
		t.names = append(t.names, k.Name)
		y := &with.result.Ranks[i]
		out.Rows = append(out.Rows, report.RankRow{Rank: k.Name, Time: y.Total, Own: y.Own, Calls: y.Calls, Transfer: y.Transfer, Waiting: y.Waiting,
			Last: y.Last, Caused: y.Caused, UnmatchedCalls: y.LeftCalls, UnmatchedTime: y.LeftTime})
	}
	for i := range with.result.Collectives {
		out.Collectives = append(out.Collectives, t.collective(&with.result.Collectives[i]))
	}
	for i := range with.result.Arrivals {
		out.Arrivals = append(out.Arrivals, t.arrivals(&with.result.Arrivals[i]))
	}
	for i := range with.result.Spread {
		out.Kernels = append(out.Kernels, t.kernel(&with.result.Spread[i]))
	}
	for i := range with.result.Left {
		l := &with.result.Left[i]
		u := report.Unmatched{Rank: t.names[l.Rank], Stage: t.stage(l.Rank, l.Part, l.Stage), Reason: l.Reason, Calls: l.Calls, Time: l.Time}
		u.Label, u.Symbol = t.label(l.Name)
		out.Unmatched = append(out.Unmatched, u)
	}
	out.Notes = t.notes(out)
	r.Ranks = out
}

// teller puts what package ranks found into the report's words.
type teller struct {
	res   *ranks.Result
	parts []*part // of the reported rank
	names []string
	syms  map[string]*symbol.Symbol
}

func (t *teller) label(name string) (label, sym string) {
	s := t.syms[name]
	if s == nil {
		p := symbol.Parse(name)
		s = &p
		t.syms[name] = s
	}
	return symbol.Short(s, labelWidth), s.Qualified()
}

// stage gives the report's name of a stage of a rank's part: the reported rank's are those
// of the other tables.
func (t *teller) stage(rank, part int, name string) string {
	if rank == 0 {
		if i := slices.Index(t.parts[part].graph.Stages, name); i >= 0 {
			return t.parts[part].stages[i]
		}
	}
	if name == graph.StageOutside {
		return "outside steps"
	}
	return name
}

func (t *teller) collective(c *ranks.Collective) report.RankCollective {
	out := report.RankCollective{Stage: t.stage(c.Members[0], c.Part, c.Stage), Calls: c.Calls, Ties: c.Ties, Transfer: c.Transfer, Unanchored: c.Unanchored}
	out.Label, out.Symbol = t.label(c.Name)
	for i, m := range c.Members {
		out.Waits = append(out.Waits, report.RankWait{Rank: t.names[m], Waiting: c.Waiting[i], Last: c.Last[i]})
	}
	return out
}

func (t *teller) arrivals(a *ranks.Arrivals) report.Arrivals {
	out := report.Arrivals{Stage: t.stage(a.Members[0], a.Part, a.Stage), Calls: a.Calls, Ties: a.Ties, Time: a.Time, Waiting: a.Waiting}
	if i := a.Straggler(); i >= 0 {
		out.Straggler = t.names[a.Members[i]]
	}
	for i, m := range a.Members {
		out.By = append(out.By, report.RankArrivals{Rank: t.names[m], Last: a.Last[i], Caused: a.Caused[i]})
	}
	return out
}

func (t *teller) kernel(s *ranks.Spread) report.RankKernel {
	least, most, median := s.Bounds()
	out := report.RankKernel{Stage: t.stage(s.Members[0], s.Part, s.Stage), Name: s.Name, Min: s.Times[least], Median: median, Max: s.Times[most],
		Fastest: t.names[s.Members[least]], Slowest: t.names[s.Members[most]]}
	out.Label, out.Symbol = t.label(s.Name)
	for i, m := range s.Members {
		out.By = append(out.By, report.RankTime{Rank: t.names[m], Time: s.Times[i], Launches: int(s.Launches[i])})
	}
	return out
}

// notes say what the numbers rest on.
func (t *teller) notes(k *report.Ranks) []string {
	out := []string{"transfer is the shortest of the matched calls, waiting what is longer; durations only, no clock is compared with another rank's"}
	if k.World > int64(k.Read) {
		out = append(out, fmt.Sprintf("%d of %d ranks were read: a rank that was not may have come later still, so the transfer is at the most what is shown", k.Read, k.World))
	}
	var agree, of int
	for i := range t.res.Checks {
		c := &t.res.Checks[i]
		agree, of = agree+c.Agree, of+c.Of
		if c.Shift != 0 {
			out = append(out, fmt.Sprintf("step %d of rank %s is taken for step 1 of rank %s: so the intervals between their collectives agree", c.Shift+1, t.names[c.Rank], t.names[c.To]))
		}
		if c.Doubtful() {
			out = append(out, fmt.Sprintf("in doubt: only %d of %d intervals between the last collectives of the steps are as long on rank %s as on rank %s; these may not be the same steps", c.Agree, c.Of, t.names[c.Rank], t.names[c.To]))
		}
	}
	if of > 0 {
		out = append(out, fmt.Sprintf("calls are paired by step and order; %d of %d intervals between the last collectives of the steps are as long on both ranks, each by its own clock", agree, of))
	}
	loose := 0
	for i := range k.Collectives {
		loose += k.Collectives[i].Unanchored
	}
	if loose > 0 {
		out = append(out, fmt.Sprintf("%d calls outside every step are paired by their number alone", loose))
	}
	return out
}

// waiting says how much of the collectives' time was waiting, and for whom.
func waiting(r *report.Report) string {
	if r.Ranks == nil {
		return ""
	}
	row := &r.Ranks.Rows[0]
	if row.Calls == 0 {
		return fmt.Sprintf("%d ranks were read and no call of a collective could be matched across them (see why in the table).", r.Ranks.Read)
	}
	all := row.Transfer + row.Waiting
	s := fmt.Sprintf("%s of the %s in matched collectives on rank %s (%s) was waiting for a rank that came later", report.Duration(row.Waiting), report.Duration(all), row.Rank, report.Percent(row.Waiting, all))
	if x := straggler(r); x != "" {
		return s + "; " + x + "."
	}
	return s + "; no rank stands out as the straggler."
}

// straggler names the rank that made the others wait, by stage where there are several.
func straggler(r *report.Report) string {
	if r.Ranks == nil {
		return ""
	}
	var out []string
	for i := range r.Ranks.Arrivals {
		a := &r.Ranks.Arrivals[i]
		if a.Straggler == "" {
			continue
		}
		var caused int64
		for _, b := range a.By {
			if b.Rank == a.Straggler {
				caused = b.Caused
			}
		}
		s := fmt.Sprintf("straggler: rank %s (%s of the waiting)", a.Straggler, report.Percent(caused, a.Waiting))
		if len(r.Stages) > 1 {
			s = a.Stage + " " + s
		}
		out = append(out, s)
		if len(out) == 3 {
			break
		}
	}
	return strings.Join(out, ", ")
}
