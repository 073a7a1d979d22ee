package ranks

import "fmt"

// Steps of two ranks are taken for the same where this many nanoseconds, and one part in
// drift of the interval, are the most by which the intervals between the ends of their
// collectives differ. A collective ends on all its ranks almost at once, so that these
// intervals agree although the clocks do not.
const (
	tolerance = 25_000
	drift     = 5_000
)

// maxPlaces bounds the work of looking for the place of one rank's steps among another's.
const maxPlaces = 50_000_000

// shift is where the steps of one rank lie among those of another: step i of the first is
// step i+by of the second.
type shift struct {
	by  int
	ok  bool
	why string // not ok: the reason
	// agree of intervals between neighbouring steps are as long on both ranks.
	agree, of int
}

// ends gives, for every step, the end of its last collective; 0 none.
func (p *Part) ends() []int64 {
	out := make([]int64, len(p.steps))
	for i := range p.calls {
		if c := &p.calls[i]; c.step >= 0 && c.why == "" {
			out[c.step] = max(out[c.step], c.end)
		}
	}
	return out
}

// align finds the steps of b that are those of a. sameWork tells that they bear the same
// names, as they do where both ranks compute the same batch.
func align(a, b *Part, sameWork bool) shift {
	n, m := len(a.steps), len(b.steps)
	switch {
	case n == 0 && m == 0:
		return shift{ok: true}
	case n == 0 || m == 0:
		return shift{why: "one of the two ranks has no steps"}
	}
	x := aligner{a: a, b: b, endsA: a.ends(), endsB: b.ends()}
	if sameWork {
		ids := map[string]int32{}
		x.namesA, x.namesB = x.number(a, ids), x.number(b, ids)
	}
	straight := shift{ok: true}
	equal := n == m && x.named(0)
	if equal {
		straight.agree, straight.of = x.intervals(0)
		if straight.agree*4 >= straight.of*3 {
			return straight
		}
	}
	found, places := shift{}, 0
	var only shift
	fits := 0
	if int64(n)*int64(m) <= maxPlaces {
		for by := 1 - n; by < m; by++ {
			common := min(n, m-by) - max(0, -by)
			if common*2 < min(n, m) || !x.named(by) {
				continue
			}
			if common == min(n, m) {
				fits++
				only = shift{by: by, ok: true}
				only.agree, only.of = x.intervals(by)
			}
			if agree, of := x.intervals(by); of >= 3 && agree*4 >= of*3 {
				found, places = shift{by: by, ok: true, agree: agree, of: of}, places+1
			}
		}
	}
	switch {
	case places == 1:
		return found
	case equal:
		return straight
	case fits == 1 && n != m && only.agree*4 >= only.of*3:
		return only
	}
	return shift{why: fmt.Sprintf("%d steps were recorded here and %d there, and which of them are the same cannot be told", n, m)}
}

type aligner struct {
	a, b           *Part
	namesA, namesB []int32 // nil: names decide nothing
	endsA, endsB   []int64
}

func (x *aligner) number(p *Part, ids map[string]int32) []int32 {
	out := make([]int32, len(p.steps))
	for i, s := range p.steps {
		id, ok := ids[p.names[s.name]]
		if !ok {
			id = int32(len(ids))
			ids[p.names[s.name]] = id
		}
		out[i] = id
	}
	return out
}

// named tells whether all steps that overlap at this shift bear the same names.
func (x *aligner) named(by int) bool {
	if x.namesA == nil {
		return true
	}
	for i := max(0, -by); i < len(x.namesA) && i+by < len(x.namesB); i++ {
		if x.namesA[i] != x.namesB[i+by] {
			return false
		}
	}
	return true
}

// intervals counts the intervals between the collectives that end neighbouring steps, and
// those that are as long on both ranks.
func (x *aligner) intervals(by int) (agree, of int) {
	last := -1
	for i := max(0, -by); i < len(x.endsA) && i+by < len(x.endsB); i++ {
		if x.endsA[i] == 0 || x.endsB[i+by] == 0 {
			continue
		}
		if last >= 0 {
			d, e := x.endsA[i]-x.endsA[last], x.endsB[i+by]-x.endsB[last+by]
			of++
			if abs(d-e) <= tolerance+abs(d)/drift {
				agree++
			}
		}
		last = i
	}
	return agree, of
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
