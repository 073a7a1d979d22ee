package ranks

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// A rank is named the last to arrive where the second shortest duration is longer than the
// shortest by this many ns, and by this many percent of it. Less is the jitter of two
// kernels that started together.
const (
	tieNS      = 1_000
	tiePercent = 5
)

// Match compares the ranks of one run; the first is the one that a report is about.
func Match(ranks []Rank) *Result {
	m := &matcher{ranks: ranks, at: places(ranks), res: &Result{Ranks: make([]Tally, len(ranks))},
		sums: map[collKey]*Collective{}, arrive: map[collKey]*Arrivals{}, left: map[leftKey]*Left{}}
	for i := range ranks {
		for _, p := range ranks[i].Parts {
			m.res.Ranks[i].Total += p.Total
			m.res.Ranks[i].Own += p.Own
		}
	}
	if len(ranks) > 0 {
		m.res.Lead = make([]map[int32]Split, len(ranks[0].Parts))
		for i := range m.res.Lead {
			m.res.Lead[i] = map[int32]Split{}
		}
	}
	for _, f := range files(ranks) {
		m.file(f)
	}
	m.finish()
	return m.res
}

// files lists the stages that files name, in the order of the ranks' parts.
func files(ranks []Rank) []string {
	var out []string
	for i := range ranks {
		for _, p := range ranks[i].Parts {
			if !slices.Contains(out, p.File) {
				out = append(out, p.File)
			}
		}
	}
	return out
}

type collKey struct {
	part        int
	stage, name string
	members     string
}

type leftKey struct {
	part                int
	stage, name, reason string
	rank                int
}

type matcher struct {
	ranks  []Rank
	at     []place
	res    *Result
	sums   map[collKey]*Collective
	arrive map[collKey]*Arrivals
	left   map[leftKey]*Left
}

// member is one rank's part of the stage that is being matched.
type member struct {
	rank, part int
	*Part
	shift shift // against the group's first member
	// calls of the group by step and name, each list a stream's
	calls map[seqKey][][]int32
}

// seqKey is a kernel in a step of one member, or of the first one where keys of several
// are compared; a step before its first is negative.
type seqKey struct {
	step int32 // outside: of no step
	name string
}

const outside int32 = math.MinInt32

// file matches the traces of one stage, group by group.
func (m *matcher) file(stage string) {
	groups := map[string][]*member{}
	var order []string
	join := func(key string, r, part int) *member {
		if _, ok := groups[key]; !ok {
			order = append(order, key)
		}
		g := groups[key]
		if n := len(g); n == 0 || g[n-1].rank != r {
			groups[key] = append(g, &member{rank: r, part: part, Part: m.ranks[r].Parts[part], calls: map[seqKey][][]int32{}})
		}
		g = groups[key]
		return g[len(g)-1]
	}
	for r := range m.ranks {
		part := slices.IndexFunc(m.ranks[r].Parts, func(p *Part) bool { return p.File == stage })
		if part < 0 {
			continue
		}
		p := m.ranks[r].Parts[part]
		if key, why := m.at[r].of(""); why == "" {
			join(key, r, part) // also a rank without a call: that its calls are missing is to be seen
		}
		for i := range p.calls {
			c := &p.calls[i]
			named := ""
			if c.group >= 0 {
				named = p.names[c.group]
			}
			key, why := m.at[r].of(named)
			if c.why != "" {
				why = c.why
			}
			if why != "" {
				m.leave(r, part, c, why)
				continue
			}
			join(key, r, part).add(int32(i))
		}
	}
	for _, key := range order {
		m.group(groups[key], stage)
		if home, _ := m.at[groups[key][0].rank].of(""); home == key {
			m.spread(groups[key])
		}
	}
}

// add files a call under its step and name, by stream. Calls come by stream, then start.
func (x *member) add(i int32) {
	c := &x.Part.calls[i]
	k := seqKey{c.step, x.names[c.name]}
	if c.step < 0 {
		k.step = outside
	}
	lists := x.calls[k]
	if n := len(lists); n > 0 && x.Part.calls[lists[n-1][0]].stream == c.stream {
		lists[n-1] = append(lists[n-1], i)
		return
	}
	x.calls[k] = append(lists, []int32{i})
}

// leave records a call that is not matched.
func (m *matcher) leave(rank, part int, c *call, why string) {
	p := m.ranks[rank].Parts[part]
	t := &m.res.Ranks[rank]
	t.LeftCalls++
	t.LeftTime += c.dur
	k := leftKey{part, p.Stages[c.stage], p.kernel(c.name), why, rank}
	l := m.left[k]
	if l == nil {
		l = &Left{Part: part, Stage: k.stage, Name: k.name, Rank: rank, Reason: why}
		m.left[k] = l
	}
	l.Calls++
	l.Time += c.dur
}

// kernel is a call's name without that of its collective.
func (p *Part) kernel(name int32) string { return kernelName(p.names[name]) }

// group matches the calls of one group of ranks. Steps are anchored on its first member.
func (m *matcher) group(all []*member, stage string) {
	first := all[0]
	members := []*member{first}
	first.shift = shift{ok: true}
	for _, x := range all[1:] {
		x.shift = align(first.Part, x.Part, m.ranks[first.rank].Place == m.ranks[x.rank].Place)
		if !x.shift.ok {
			m.leaveAll(x, fmt.Sprintf("against rank %s: %s", m.ranks[first.rank].Name, x.shift.why))
			continue
		}
		c := Check{Stage: stage, Rank: x.rank, To: first.rank, Shift: x.shift.by, Agree: x.shift.agree, Of: x.shift.of}
		if !slices.Contains(m.res.Checks, c) { // one for all groups of the two
			m.res.Checks = append(m.res.Checks, c)
		}
		members = append(members, x)
	}
	if len(members) == 1 {
		why := "no other rank of its group was read"
		if len(all) > 1 {
			why = "no other rank of its group has the same steps"
			if len(all) == 2 {
				why += ": " + all[1].shift.why
			}
		}
		m.leaveAll(first, why)
		return
	}
	keys := map[seqKey]bool{}
	for _, x := range members {
		for k := range x.calls {
			if k.step != outside {
				k.step -= int32(x.shift.by)
			}
			keys[k] = true
		}
	}
	order := slices.Collect(maps.Keys(keys))
	slices.SortFunc(order, func(a, b seqKey) int { return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.name, b.name)) })
	for _, k := range order {
		m.step(members, k)
	}
}

func (m *matcher) leaveAll(x *member, why string) {
	keys := slices.Collect(maps.Keys(x.calls))
	slices.SortFunc(keys, func(a, b seqKey) int { return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.name, b.name)) })
	for _, k := range keys {
		m.leaveStep([]*member{x}, []seqKey{k}, why)
	}
}

func (m *matcher) leaveStep(xs []*member, keys []seqKey, why string) {
	for i, x := range xs {
		for _, l := range x.calls[keys[i]] {
			for _, c := range l {
				m.leave(x.rank, x.part, &x.Part.calls[c], why)
			}
		}
	}
}

// step matches the calls of one kernel in one step (of the first member; one before its
// first or behind its last was recorded by others only).
func (m *matcher) step(members []*member, k seqKey) {
	var here []*member
	var keys []seqKey
	for _, x := range members {
		at := k
		if k.step != outside {
			at.step += int32(x.shift.by)
			if at.step < 0 || int(at.step) >= len(x.steps) {
				continue
			}
		}
		here, keys = append(here, x), append(keys, at)
	}
	if len(here) < 2 {
		m.leaveStep(here, keys, "the other ranks did not record this step")
		return
	}
	lists := make([][][]int32, len(here))
	for i, x := range here {
		lists[i] = byLength(x.calls[keys[i]])
	}
	if why := pairs(lists, k.step == outside); why != "" {
		m.leaveStep(here, keys, why)
		return
	}
	for s := range lists[0] {
		for n := range lists[0][s] {
			at := make([]int32, len(here))
			for i := range here {
				at[i] = lists[i][s][n]
			}
			m.call(here, at, k.step == outside)
		}
	}
}

// byLength orders the streams of one rank by their number of calls.
func byLength(lists [][]int32) [][]int32 {
	out := slices.Clone(lists)
	slices.SortStableFunc(out, func(a, b []int32) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// pairs tells why the calls of one kernel in one step cannot be paired; "" if they can.
func pairs(lists [][][]int32, anywhere bool) string {
	where := "a step"
	if anywhere {
		where = "the stage, outside every step"
	}
	for i := 1; i < len(lists); i++ {
		if a, b := count(lists[0]), count(lists[i]); a != b {
			return "ranks differ in how often they call it in " + where
		}
	}
	for i := range lists {
		if len(lists[i]) != len(lists[0]) {
			return "ranks differ in how many streams they call it on"
		}
		for s := range lists[i] {
			if len(lists[i][s]) != len(lists[0][s]) {
				return "ranks differ in how often they call it on a stream"
			}
			if s > 0 && len(lists[i][s]) == len(lists[i][s-1]) {
				return "it runs as often on several streams, and which are the same cannot be told"
			}
		}
	}
	return ""
}

func count(lists [][]int32) int {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	return n
}

// call splits one matched call: the shortest is the transfer, what is longer is waiting.
func (m *matcher) call(here []*member, at []int32, anywhere bool) {
	shortest, second, last := int64(-1), int64(-1), -1
	for i, x := range here {
		switch d := x.Part.calls[at[i]].dur; {
		case shortest < 0 || d < shortest:
			second, shortest, last = shortest, d, i
		case second < 0 || d < second:
			second = d
		}
	}
	if second-shortest < max(tieNS, shortest*tiePercent/100) {
		last = -1
	}
	sum, arr := m.sum(here, &here[0].Part.calls[at[0]])
	sum.Calls++
	arr.Calls++
	sum.Transfer += shortest
	if anywhere {
		sum.Unanchored++
	}
	var waited int64
	for i, x := range here {
		c := &x.Part.calls[at[i]]
		t := &m.res.Ranks[x.rank]
		wait := c.dur - shortest
		t.Calls++
		t.Transfer += shortest
		t.Waiting += wait
		sum.Waiting[i] += wait
		arr.Time += c.dur
		waited += wait
		if x.rank == 0 {
			s := Split{Transfer: shortest, Waiting: wait, Last: -1}
			if last >= 0 {
				s.Last = here[last].rank
			}
			m.res.Lead[x.part][c.kernel] = s
		}
	}
	arr.Waiting += waited
	if last < 0 {
		sum.Ties++
		arr.Ties++
		return
	}
	t := &m.res.Ranks[here[last].rank]
	t.Last++
	t.Caused += waited
	sum.Last[last]++
	arr.Last[last]++
	arr.Caused[last] += waited
}

// sum gives the sums that a call belongs to.
func (m *matcher) sum(here []*member, c *call) (*Collective, *Arrivals) {
	ranks := make([]int, len(here))
	for i, x := range here {
		ranks[i] = x.rank
	}
	k := collKey{here[0].part, here[0].Stages[c.stage], here[0].kernel(c.name), fmt.Sprint(ranks)}
	s := m.sums[k]
	if s == nil {
		s = &Collective{Part: k.part, Stage: k.stage, Name: k.name, Members: ranks, Waiting: make([]int64, len(here)), Last: make([]int, len(here))}
		m.sums[k] = s
	}
	k.name = ""
	a := m.arrive[k]
	if a == nil {
		a = &Arrivals{Part: k.part, Stage: k.stage, Members: ranks, Last: make([]int, len(here)), Caused: make([]int64, len(here))}
		m.arrive[k] = a
	}
	return s, a
}

func kernelName(name string) string {
	name, _, _ = strings.Cut(name, sep)
	return name
}
