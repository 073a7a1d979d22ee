package report

import (
	"fmt"
	"slices"
	"strings"
)

// Ranks is what the traces of several ranks of one run tell of each other. Times are ns,
// each measured on one rank's own clock.
type Ranks struct {
	Read     int      `json:"read"`
	World    int64    `json:"world,omitempty"` // ranks of the run; 0 unknown
	Reported string   `json:"reported"`        // the rank that the other tables are of
	Ranks    []string `json:"ranks"`
	// Rows has a row for each rank that was read.
	Rows []RankRow `json:"rows"`
	// Collectives are the matched calls, one row a kernel, stage and group of ranks.
	Collectives []RankCollective `json:"collectives"`
	// Arrivals tells who came last, one entry a stage and group of ranks.
	Arrivals []Arrivals `json:"arrivals"`
	// Kernels are those, none that communicates, whose time differs from rank to rank.
	Kernels   []RankKernel `json:"kernels"`
	Unmatched []Unmatched  `json:"unmatched,omitempty"`
	// Notes say how calls were paired and what is in doubt.
	Notes []string `json:"notes"`
}

// RankRow sums one rank.
type RankRow struct {
	Rank string `json:"rank"`
	Time int64  `json:"gpu_time_ns"`
	// Own is the part of Time that is no communication.
	Own      int64 `json:"without_communication_ns"`
	Calls    int   `json:"matched_calls"`
	Transfer int64 `json:"transfer_ns"` // of the matched calls
	Waiting  int64 `json:"waiting_ns"`
	// Last counts the calls to which this rank came last, Caused is what the others
	// waited in these.
	Last           int   `json:"came_last"`
	Caused         int64 `json:"made_others_wait_ns"`
	UnmatchedCalls int   `json:"unmatched_calls"`
	UnmatchedTime  int64 `json:"unmatched_ns"`
}

// RankCollective sums the matched calls of one communication kernel.
type RankCollective struct {
	Stage    string `json:"stage"`
	Label    string `json:"label"`
	Symbol   string `json:"symbol"`
	Calls    int    `json:"calls"`
	Ties     int    `json:"ties"` // calls to which no rank came clearly last
	Transfer int64  `json:"transfer_ns"`
	// Unanchored counts the calls outside every step, which their number alone paired.
	Unanchored int        `json:"outside_steps,omitempty"`
	Waits      []RankWait `json:"by_rank"`
}

// RankWait is what one rank waited in the calls of one kernel.
type RankWait struct {
	Rank    string `json:"rank"`
	Waiting int64  `json:"waiting_ns"`
	Last    int    `json:"came_last"`
}

// Arrivals tells who kept whom waiting in one stage.
type Arrivals struct {
	Stage   string `json:"stage"`
	Calls   int    `json:"calls"`
	Ties    int    `json:"ties"`
	Time    int64  `json:"time_ns"`    // of the calls on all ranks
	Waiting int64  `json:"waiting_ns"` // the part of it that is waiting
	// Straggler caused most of the waiting; "" where no rank stands out.
	Straggler string         `json:"straggler,omitempty"`
	By        []RankArrivals `json:"by_rank"`
}

// RankArrivals counts the calls to which one rank came last and what the others waited.
type RankArrivals struct {
	Rank   string `json:"rank"`
	Last   int    `json:"came_last"`
	Caused int64  `json:"made_others_wait_ns"`
}

// RankKernel is a kernel whose time in one stage differs from rank to rank, in the steps
// that all of them recorded.
type RankKernel struct {
	Stage   string     `json:"stage"`
	Name    string     `json:"name"`
	Symbol  string     `json:"symbol"`
	Label   string     `json:"label"`
	Min     int64      `json:"min_ns"`
	Median  int64      `json:"median_ns"`
	Max     int64      `json:"max_ns"`
	Fastest string     `json:"fastest"`
	Slowest string     `json:"slowest"`
	By      []RankTime `json:"by_rank"`
}

// RankTime is the time of a kernel on one rank.
type RankTime struct {
	Rank     string `json:"rank"`
	Time     int64  `json:"time_ns"`
	Launches int    `json:"launches"`
}

// Unmatched are calls of collectives that were not paired, on one rank, and why.
type Unmatched struct {
	Rank   string `json:"rank"`
	Stage  string `json:"stage"`
	Label  string `json:"label"`
	Symbol string `json:"symbol"`
	Reason string `json:"reason"`
	Calls  int    `json:"calls"`
	Time   int64  `json:"time_ns"`
}

// shownKernels and shownUnmatched bound what the text lists; JSON has all.
const (
	shownKernels   = 10
	shownUnmatched = 6
)

// title counts the ranks: "2 of 4 read; the tables above are those of rank 0".
func (k *Ranks) title() string {
	s := plural(k.Read, "rank")
	if k.World > int64(k.Read) {
		s = fmt.Sprintf("%d of %d ranks", k.Read, k.World)
	}
	return s + " read, the other tables are those of rank " + k.Reported
}

// by gives what rank waited.
func (c *RankCollective) by(rank string) (RankWait, bool) {
	for _, w := range c.Waits {
		if w.Rank == rank {
			return w, true
		}
	}
	return RankWait{}, false
}

// first is the rank whose times a row shows: the reported one, else the group's first.
func (c *RankCollective) first(reported string) RankWait {
	if w, ok := c.by(reported); ok {
		return w
	}
	return c.Waits[0]
}

// text says who came last, or that none stands out.
func (a *Arrivals) text(stages bool) string {
	var parts []string
	for _, b := range a.By {
		s := fmt.Sprintf("rank %s came last to %d and made the others wait %s", b.Rank, b.Last, Duration(b.Caused))
		if a.Waiting > 0 {
			s += " (" + Percent(b.Caused, a.Waiting) + " of all waiting)"
		}
		if b.Rank == a.Straggler {
			parts = append([]string{s}, parts...)
			continue
		}
		if b.Last > 0 {
			parts = append(parts, s)
		}
	}
	head := "no rank stands out as the straggler"
	if a.Straggler != "" {
		head = "the straggler is rank " + a.Straggler
	}
	if stages {
		head = a.Stage + ": " + head
	}
	s := head + "; of " + plural(a.Calls, "matched call") + " "
	if len(parts) > 0 {
		s += strings.Join(cut(parts, 4), ", ")
	}
	if a.Ties > 0 && len(parts) > 0 {
		s += "; "
	}
	if a.Ties > 0 {
		s += fmt.Sprintf("to %d no rank came clearly last", a.Ties)
	}
	return s
}

// text gives the least, the median and the most, and on which ranks.
func (k *RankKernel) text() string {
	s := fmt.Sprintf("min %s (rank %s), median %s, max %s (rank %s)", Duration(k.Min), k.Fastest, Duration(k.Median), Duration(k.Max), k.Slowest)
	for _, b := range k.By {
		if b.Launches != k.By[0].Launches {
			return s + fmt.Sprintf("; launched %d times on rank %s and %d on rank %s", k.By[0].Launches, k.By[0].Rank, b.Launches, b.Rank)
		}
	}
	return s
}

// unmatched says what was not matched and why, the ranks of one kernel and reason together.
func (k *Ranks) unmatched() []string {
	type kind struct{ stage, label, reason string }
	type tally struct {
		calls int
		time  int64
		ranks []string
	}
	sums := map[kind]*tally{}
	var order []kind
	for i := range k.Unmatched {
		u := &k.Unmatched[i]
		id := kind{u.Stage, u.Label, u.Reason}
		if sums[id] == nil {
			sums[id] = &tally{}
			order = append(order, id)
		}
		t := sums[id]
		t.calls, t.time = t.calls+u.Calls, t.time+u.Time
		if !slices.Contains(t.ranks, u.Rank) { // two parts of a rank may have one stage
			t.ranks = append(t.ranks, u.Rank)
		}
	}
	var out []string
	for i, id := range order {
		if i == shownUnmatched {
			return append(out, fmt.Sprintf("%d more", len(order)-i))
		}
		t, word := sums[id], "rank "
		if len(t.ranks) > 1 {
			word = "ranks "
		}
		out = append(out, fmt.Sprintf("%s: %s · %s on %s%s, %s: %s", id.stage, id.label, plural(t.calls, "call"), word, strings.Join(cut(t.ranks, 8), ", "), Duration(t.time), id.reason))
	}
	return out
}

// otherRanks are the files of the ranks that are compared with the reported one.
func (r *Report) otherRanks() []string {
	var out []string
	for _, t := range r.Traces {
		if t.Role == RoleRank {
			out = append(out, t.Path)
		}
	}
	return out
}

// RoleRank is the role of a trace of another rank.
const RoleRank = "other rank"

func (t *text) ranks() {
	k := t.r.Ranks
	if k == nil {
		return
	}
	t.line("RANKS")
	t.para(" ", " ", clean(k.title()))
	wide := t.v.Width >= 92
	const rankCol = 10
	head := " " + pad("rank", rankCol) + left("GPU time", timeCol)
	if wide {
		head += left("own work", timeCol) + left("matched", countCol)
	}
	head += left("transfer", timeCol) + left("waiting", timeCol) + left("", shareCol) + left("last", countCol-2)
	if wide {
		head += left("made wait", timeCol)
	}
	t.line(head)
	for _, r := range k.Rows {
		l := " " + pad(clean(r.Rank), rankCol) + left(Duration(r.Time), timeCol)
		if wide {
			l += left(Duration(r.Own), timeCol) + left(group(r.Calls), countCol)
		}
		l += left(Duration(r.Transfer), timeCol) + left(Duration(r.Waiting), timeCol) + left(Percent(r.Waiting, r.Transfer+r.Waiting), shareCol) + left(group(r.Last), countCol-2)
		if wide {
			l += left(Duration(r.Caused), timeCol)
		}
		t.line(l)
	}
	for i := range k.Arrivals {
		t.para(" ", "   ", clean(k.Arrivals[i].text(len(t.r.Stages) > 1)))
	}
	t.rankCollectives(k)
	t.rankKernels(k)
	if list := k.unmatched(); len(list) > 0 {
		t.line(" not matched")
		for _, s := range list {
			t.para(indent, indent+"  ", clean(s))
		}
	}
	for _, s := range k.Notes {
		t.para(" ", "   ", clean(s))
	}
	t.line("")
}

func (t *text) rankCollectives(k *Ranks) {
	for i := range k.Collectives {
		c := &k.Collectives[i]
		w := c.first(k.Reported)
		label := c.Label
		if len(t.r.Stages) > 1 {
			label = c.Stage + ": " + label
		}
		all := c.Transfer + w.Waiting
		t.para(" ", "   ", fmt.Sprintf("%s · %s on rank %s: %s = %s transfer + %s waiting (%s)", clean(label), plural(c.Calls, "call"), clean(w.Rank),
			Duration(all), Duration(c.Transfer), Duration(w.Waiting), Percent(w.Waiting, all)))
	}
	if len(k.Collectives) == 0 {
		t.para(" ", " ", "no call of a collective was matched across these ranks")
	}
}

func (t *text) rankKernels(k *Ranks) {
	if len(k.Kernels) == 0 {
		t.para(" ", " ", "no kernel's time differs from rank to rank by 10 % of the median")
		return
	}
	t.line(" kernels whose time differs from rank to rank")
	for i := range k.Kernels {
		if i == shownKernels {
			t.line(indent + plural(len(k.Kernels)-i, "more kernel"))
			break
		}
		label := k.Kernels[i].Label
		if len(t.r.Stages) > 1 {
			label = k.Kernels[i].Stage + ": " + label
		}
		t.para(indent, indent+"  ", clean(label+" · "+k.Kernels[i].text()))
	}
}

func (m *markdown) ranks() {
	k := m.r.Ranks
	if k == nil {
		return
	}
	m.printf("## Ranks\n\n%s.\n\n", md(upperFirst(k.title())))
	m.printf("| rank | GPU time | without communication | matched calls | transfer | waiting | came last | made others wait |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range k.Rows {
		m.row(md(r.Rank), Duration(r.Time), Duration(r.Own), group(r.Calls), Duration(r.Transfer),
			Duration(r.Waiting)+" ("+Percent(r.Waiting, r.Transfer+r.Waiting)+")", group(r.Last), Duration(r.Caused))
	}
	m.printf("\n")
	for i := range k.Arrivals {
		m.printf("- %s\n", md(k.Arrivals[i].text(len(m.r.Stages) > 1)))
	}
	if len(k.Collectives) > 0 {
		m.printf("\n| stage | collective | calls | rank | time | transfer | waiting |\n| --- | --- | ---: | --- | ---: | ---: | ---: |\n")
		for i := range k.Collectives {
			c := &k.Collectives[i]
			w := c.first(k.Reported)
			m.row(md(c.Stage), md(c.Label), group(c.Calls), md(w.Rank), Duration(c.Transfer+w.Waiting), Duration(c.Transfer),
				Duration(w.Waiting)+" ("+Percent(w.Waiting, c.Transfer+w.Waiting)+")")
		}
	}
	if len(k.Kernels) > 0 {
		m.printf("\n| stage | kernel that differs | min | median | max | fastest | slowest |\n| --- | --- | ---: | ---: | ---: | --- | --- |\n")
		for _, n := range k.Kernels[:min(len(k.Kernels), shownKernels)] {
			m.row(md(n.Stage), md(n.Label), Duration(n.Min), Duration(n.Median), Duration(n.Max), md(n.Fastest), md(n.Slowest))
		}
	}
	m.printf("\n")
	for _, s := range k.unmatched() {
		m.printf("- not matched: %s\n", md(s))
	}
	for _, s := range k.Notes {
		m.printf("- %s\n", md(s))
	}
	m.printf("\n")
}

// waited says how much of a kernel's time was waiting: a share that is no work says so.
func (k *KernelRow) waited() string {
	if k.Waiting == 0 {
		return ""
	}
	return Percent(k.Waiting, k.Time) + " waiting · "
}
