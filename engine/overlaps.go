package engine

import (
	"fmt"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/overlap"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// overlapRows sums, kind by kind, the communication and the copies of a part (those of the device's
// own engines: a kernel that copies computes like any other), and the compute
// kernels that ran mostly beside other streams, with their exposed time and what ties them to
// their place. total is the GPU time of the whole report, ns.
func overlapRows(p *part, stages []string, total int64) []report.OverlapRow {
	g := p.graph
	type key struct {
		stage graph.StageID
		sym   graph.SymID
	}
	type tally struct {
		row     report.OverlapRow
		sites   *siteTally
		streams map[int64]bool
		reasons [overlap.Reasons]int64
	}
	rows := map[key]*tally{}
	var order []key
	deps := overlap.NewDependencies(g, p.aligned != nil && p.aligned.Captured && p.aligned.Forks == 0)
	for i := range g.Kernels {
		k := &g.Kernels[i]
		id := key{k.Stage, k.Sym}
		t := rows[id]
		if t == nil {
			s := g.Symbol(k)
			t = &tally{sites: newSites(g), streams: map[int64]bool{}}
			t.row = report.OverlapRow{Stage: stages[k.Stage], Label: symbol.Short(s, labelWidth), Symbol: s.Qualified()}
			work := p.found.Work(int32(i))
			t.row.Moves = work != overlap.Compute
			switch work {
			case overlap.Compute:
				t.row.Family = p.found.Family[k.Sym]
			case overlap.Communication:
				t.row.Family = "collective"
			case overlap.Memory:
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
		if p.found.Work(int32(i)) != overlap.Compute {
			t.reasons[deps.Of(int32(i))] += k.Dur + 1
		}
	}
	out := make([]report.OverlapRow, 0, len(order))
	for _, id := range order {
		t := rows[id]
		if !t.row.Moves && t.row.Hidden*2 < t.row.Time {
			continue
		}
		t.row.Sites, t.row.Ops, t.row.Streams = t.sites.list(), t.sites.opList(), keys(t.streams)
		t.row.Verdict = overlapVerdict(&t.row, total)
		if t.row.Moves {
			r := mostReason(t.reasons[:])
			t.row.Risk, t.row.RiskWhy = r.Risk().String(), riskWhy[r]
		}
		t.row.Priority = overlapPriority(&t.row, total)
		t.row.Advice = advise(&t.row)
		out = append(out, t.row)
	}
	return out
}

// mostReason is the reason with most time behind it.
func mostReason(time []int64) overlap.Reason {
	best := overlap.NoRecord
	for r := range time {
		if time[r] > time[best] {
			best = overlap.Reason(r)
		}
	}
	return best
}

// riskWhy words the reasons.
var riskWhy = [overlap.Reasons]string{
	overlap.NoRecord:     "its stream orders it and nothing recorded says what needs it",
	overlap.ReplayOrder:  "a replay records no forks and joins; the trace of the capture does (--mapping)",
	overlap.NoFork:       "its graph was captured without a fork: order alone does not say what needs it",
	overlap.WaitedAtOnce: "another stream waits for it and starts when it is done",
	overlap.BehindWait:   "it waits for another stream and starts when that is done",
	overlap.SameCall:     "launched in the same module call as the kernel before it, whose result it probably takes",
	overlap.HostWaits:    "the host waits for it before it launches anything else",
	overlap.Slack:        "on a stream of its own, and what waits for it starts later by more than its own time",
	overlap.HostOnly:     "a copy to the host that no call waits for at once",
}

// overlapVerdict says whether there is exposed time worth moving: a twentieth of the work's own
// time, and where most of it is hidden also 1 % of all GPU time (total, ns).
func overlapVerdict(r *report.OverlapRow, total int64) string {
	switch {
	case r.Time == 0:
		return report.LowROI
	case r.Exposed*20 <= r.Time && r.HiddenCompute*2 >= r.Time:
		return report.Overlapped
	case r.Exposed*20 <= r.Time, r.Hidden*2 >= r.Time && r.Exposed*100 < total:
		return report.LowROI
	}
	return report.Headroom
}

// overlapPriority is 1 for exposed time of at least 5 % of all GPU time, 2 for 1 %, 3 below, one
// less urgent where the dependency risk is high; 0 where nothing is to be done.
func overlapPriority(r *report.OverlapRow, total int64) int {
	if r.Verdict != report.Headroom {
		return 0
	}
	p := 3
	switch {
	case r.Exposed*100 >= total*5:
		p = 1
	case r.Exposed*100 >= total:
		p = 2
	}
	if r.Risk == overlap.High.String() {
		p = min(p+1, 3)
	}
	return p
}

// advise says what to do about a row, and no more than its evidence carries.
func advise(r *report.OverlapRow) string {
	switch r.Verdict {
	case report.Overlapped:
		return "already behind compute of other streams"
	case report.LowROI:
		return "mostly behind other streams; moving the rest would gain next to nothing"
	}
	gain := report.Duration(r.Exposed)
	text := fmt.Sprintf("%s of it ran with nothing beside it", gain)
	if r.Matched > 0 {
		text += "; " + waited(r)
	} else if r.Family == "collective" {
		text += "; with one rank, transfer and waiting for a slower rank cannot be told apart"
	}
	switch r.Risk {
	case overlap.High.String():
		text += "; it can hide only behind work that does not need it, in chunks or from another layer"
	case overlap.Low.String():
		text += "; it may move to a stream of its own"
	default:
		text += "; look at what needs it before giving it a stream of its own"
	}
	switch r.Label {
	case "Memcpy HtoD (Pageable -> Device)", "Memcpy DtoH (Device -> Pageable)":
		text += "; a copy of pageable memory keeps its host thread waiting, and only pinned memory with non_blocking=True runs beside other work"
	}
	return text
}

// pathsOf joins to every row the catalogued overlap paths whose chains hold its kernels.
func pathsOf(rows []report.OverlapRow, paths []report.FuseRow) {
	for i := range rows {
		for j := range paths {
			f := &paths[j]
			if f.Stage != rows[i].Stage || !binds(f, rows[i].Symbol) {
				continue
			}
			rows[i].Paths = append(rows[i].Paths, report.OverlapPath{Rule: f.Rule, Title: f.Title, Verdict: f.Verdict})
		}
	}
}

func binds(f *report.FuseRow, symbol string) bool {
	for _, side := range []*report.Side{&f.Fused, &f.Split} {
		for _, e := range side.Evidence {
			for _, b := range e.Kernels {
				if b.Symbol == symbol {
					return true
				}
			}
		}
	}
	return false
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
	case streams == 1 && r.Mode == "pair":
		return "from a mapping/formal pair: all work ran on one stream, so everything was exposed; what could legally move is told only by launch sites"
	case streams == 1:
		return "from one trace: all work ran on one stream, so everything was exposed; what could legally move is told only by launch sites"
	}
	if r.Mode == "pair" {
		return "from a mapping/formal pair: exposed time is that of the formal trace, dependencies come from recorded waits, the capture's forks and launch sites"
	}
	return "from one trace: exposed time is exact; what could legally move is told only where waits are recorded or sites are known, a mapping trace tells more"
}
