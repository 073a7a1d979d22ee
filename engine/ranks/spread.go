package ranks

import (
	"cmp"
	"slices"
	"strings"
)

// A kernel is listed where its time differs between ranks by at least this much: in
// percent of the median of the ranks, and in thousandths of the first rank's GPU time.
const (
	SpreadPercent = 10
	SpreadFloor   = 1
)

// StragglerShare is the share of all waiting, in percent, that one rank must have caused to
// be named, and WaitingFloor the share of the collectives' time that waiting must be, so
// that there is something to name a rank for.
const (
	StragglerShare = 66
	WaitingFloor   = 5
)

// Straggler is the member that kept the others waiting, by its index in Members; -1 where
// none stands out.
func (a *Arrivals) Straggler() int {
	best := 0
	for i := range a.Caused {
		if a.Caused[i] > a.Caused[best] {
			best = i
		}
	}
	if a.Waiting == 0 || a.Waiting*100 < a.Time*WaitingFloor || a.Caused[best]*100 < a.Waiting*StragglerShare {
		return -1
	}
	return best
}

// Spread is a kernel, none that communicates, whose time in one stage differs from rank to
// rank. Times are of the steps that all members recorded, ns.
type Spread struct {
	Part     int
	Stage    string
	Name     string // the kernel's, as the trace has it
	Members  []int
	Times    []int64 // by member
	Launches []int32
}

// Bounds gives the members with the least and the most time, and the median of the times.
func (s *Spread) Bounds() (least, most int, median int64) {
	for i, t := range s.Times {
		if t < s.Times[least] {
			least = i
		}
		if t > s.Times[most] {
			most = i
		}
	}
	t := slices.Clone(s.Times)
	slices.Sort(t)
	n := len(t)
	return least, most, (t[(n-1)/2] + t[n/2]) / 2
}

// width is the time between the slowest and the fastest rank.
func (s *Spread) width() int64 { return slices.Max(s.Times) - slices.Min(s.Times) }

type spreadKey struct{ stage, name string }

// spread compares the kernels of one group of ranks, whose members computed the same steps.
// Kernels outside every step are compared in a stage without steps, where every rank
// launched them as often.
func (m *matcher) spread(all []*member) {
	var members []*member
	for _, x := range all {
		if x.shift.ok {
			members = append(members, x)
		}
	}
	if len(members) < 2 {
		return
	}
	ranks := make([]int, len(members))
	rows := map[spreadKey]*Spread{}
	stepped := map[string]bool{}
	for _, st := range members[0].steps {
		stepped[members[0].Stages[st.stage]] = true
	}
	for i, x := range members {
		ranks[i] = x.rank
		for k, a := range x.work {
			key := spreadKey{x.Stages[k.stage], x.names[k.name]}
			if k.step < 0 && stepped[key.stage] || !everywhere(members, x, k.step) {
				continue
			}
			s := rows[key]
			if s == nil {
				s = &Spread{Part: members[0].part, Stage: key.stage, Name: key.name, Members: ranks,
					Times: make([]int64, len(members)), Launches: make([]int32, len(members))}
				rows[key] = s
			}
			s.Times[i] += a.time
			s.Launches[i] += a.launches
		}
	}
	for _, s := range rows {
		_, _, median := s.Bounds()
		w := s.width()
		if w*100 < median*SpreadPercent || w*1000 < members[0].Total*SpreadFloor {
			continue
		}
		if !stepped[s.Stage] && slices.Max(s.Launches) != slices.Min(s.Launches) {
			continue
		}
		m.res.Spread = append(m.res.Spread, *s)
	}
}

// everywhere tells whether all members recorded a step of x.
func everywhere(members []*member, x *member, step int32) bool {
	if step < 0 {
		return true
	}
	i := int(step) - x.shift.by
	for _, y := range members {
		if j := i + y.shift.by; j < 0 || j >= len(y.steps) {
			return false
		}
	}
	return true
}

// finish puts everything in order: most time first, then names.
func (m *matcher) finish() {
	r := m.res
	for _, s := range m.sums {
		r.Collectives = append(r.Collectives, *s)
	}
	slices.SortFunc(r.Collectives, func(a, b Collective) int {
		return cmp.Or(cmp.Compare(b.time(), a.time()), cmp.Compare(a.Part, b.Part), strings.Compare(a.Stage, b.Stage), strings.Compare(a.Name, b.Name), slices.Compare(a.Members, b.Members))
	})
	for _, a := range m.arrive {
		r.Arrivals = append(r.Arrivals, *a)
	}
	slices.SortFunc(r.Arrivals, func(a, b Arrivals) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Part, b.Part), strings.Compare(a.Stage, b.Stage), slices.Compare(a.Members, b.Members))
	})
	for _, l := range m.left {
		r.Left = append(r.Left, *l)
	}
	slices.SortFunc(r.Left, func(a, b Left) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(b.Time, a.Time), cmp.Compare(a.Part, b.Part), strings.Compare(a.Stage, b.Stage),
			strings.Compare(a.Name, b.Name), strings.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(r.Spread, func(a, b Spread) int {
		return cmp.Or(cmp.Compare(b.width(), a.width()), cmp.Compare(a.Part, b.Part), strings.Compare(a.Stage, b.Stage), strings.Compare(a.Name, b.Name), slices.Compare(a.Members, b.Members))
	})
}

// time is that of the calls on one member, the waiting of all counted: what orders rows.
func (c *Collective) time() int64 {
	t := c.Transfer
	for _, w := range c.Waiting {
		t += w
	}
	return t
}
