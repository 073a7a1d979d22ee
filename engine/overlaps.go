package engine

import (
	"fmt"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/overlap"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// overlapRows sums the communication and the copies of a part with their exposed time.
func overlapRows(p *part, stages []string) []report.OverlapRow {
	g := p.graph
	type key struct {
		stage graph.StageID
		sym   graph.SymID
	}
	type tally struct {
		row     report.OverlapRow
		sites   *siteTally
		streams map[int64]bool
	}
	rows := map[key]*tally{}
	var order []key
	for i := range g.Kernels {
		k := &g.Kernels[i]
		w := p.found.Work(int32(i))
		if w == overlap.Compute {
			continue
		}
		id := key{k.Stage, k.Sym}
		t := rows[id]
		if t == nil {
			s := g.Symbol(k)
			t = &tally{sites: newSites(g), streams: map[int64]bool{}}
			t.row = report.OverlapRow{Stage: stages[k.Stage], Label: symbol.Short(s, labelWidth), Symbol: s.Qualified(), Family: "collective"}
			if w == overlap.Memory {
				t.row.Family = "copy"
				if s.Base == "Memset" {
					t.row.Family = "set"
				}
			}
			rows[id] = t
			order = append(order, id)
		}
		t.row.Launches++
		t.row.Time += k.Dur
		t.row.Exposed += p.times.Exposed[i]
		t.row.Hidden += p.times.Hidden[i]
		t.row.HiddenCompute += p.times.HiddenCompute[i]
		if c, ok := p.calls[int32(i)]; ok {
			t.row.Matched++
			t.row.Transfer += c.Transfer
			t.row.Waiting += c.Waiting
		}
		t.sites.add(k)
		t.streams[g.Streams[k.Stream].ID] = true
	}
	out := make([]report.OverlapRow, 0, len(order))
	for _, id := range order {
		t := rows[id]
		t.row.Sites, t.row.Ops, t.row.Streams = t.sites.list(), t.sites.opList(), keys(t.streams)
		t.row.Verdict, t.row.Advice = advise(&t.row)
		out = append(out, t.row)
	}
	return out
}

// advise says what one trace can tell, and no more: how much was exposed. Whether the
// work may move is a question of dependencies, which one trace does not answer.
func advise(r *report.OverlapRow) (verdict, advice string) {
	switch {
	case r.Time == 0 || r.Exposed*20 <= r.Time:
		return "hidden", "already behind other streams; moving it would gain next to nothing"
	case r.Exposed*20 >= r.Time*19:
		verdict = "exposed"
	default:
		verdict = "partly-hidden"
	}
	gain := report.Duration(r.Exposed)
	if r.Matched > 0 {
		return verdict, fmt.Sprintf("%s of it ran with nothing beside it; %s", gain, waited(r))
	}
	if r.Family == "collective" {
		return verdict, fmt.Sprintf("%s of it ran with nothing beside it; with one rank, transfer and waiting for a slower rank cannot be told apart", gain)
	}
	return verdict, fmt.Sprintf("%s of it ran with nothing beside it; look at what waits for it before giving it a stream of its own", gain)
}

// waited splits a row's time by what the traces of other ranks tell.
func waited(r *report.OverlapRow) string {
	s := fmt.Sprintf("%s (%s) was waiting for a rank that came later and %s at the most transfer", report.Duration(r.Waiting), report.Percent(r.Waiting, r.Time), report.Duration(r.Transfer))
	if r.Matched < r.Launches {
		s += fmt.Sprintf("; %d of %d launches could not be matched", r.Launches-r.Matched, r.Launches)
	}
	switch {
	case r.Waiting*2 > r.Time:
		return s + "; look first at why the ranks arrive apart, overlap gains the transfer only"
	case r.Waiting*10 > r.Time:
		return s + "; overlap gains the transfer only"
	}
	return s
}

func overlapWhy(r *report.Report, parts []*part) string {
	streams := 0
	for _, p := range parts {
		for i := range p.times.Devices {
			streams = max(streams, len(p.times.Devices[i].Streams))
		}
	}
	switch {
	case r.Total == 0:
		return "no GPU activity, so nothing can be said of overlap"
	case streams == 1:
		return "from one trace: all work ran on one stream, so everything was exposed; what could legally move needs a mapping and a formal trace"
	}
	return "from one trace: exposed time is exact, what could legally move is not known; that needs a mapping and a formal trace"
}
