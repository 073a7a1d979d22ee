package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// The verdicts of a finding.
const (
	Applied     = "applied"
	Partial     = "partial"
	ShouldApply = "should-apply"
	Disabled    = "disabled"
	ByDesign    = "by-design"
	Unsupported = "unsupported"
	Upstream    = "upstream"
	InFlight    = "in-flight"
)

// Finding is what one rule found in one stage.
type Finding struct {
	Rule    int // index of Result.Rules
	Stage   graph.StageID
	Verdict string
	Why     string    // reason of a verdict that the counts alone do not give
	Unknown []Unknown // conditions that could not be decided
	Fused   []int     // indices of Result.Chains
	Split   []int     // how the work looks where the path is not taken
	// Residue are those of Split that every step has by design, by reason; they make no
	// verdict and no saving.
	Residue []Apart
	// Apart are chains of alternatives that are split by design, by reason. They are not
	// in Split.
	Apart        []Apart
	Alternatives []Alternative
}

// Unknown is a condition that the server's arguments would decide, and which they are.
type Unknown struct {
	Because string
	Args    []string
}

// Apart are chains that look split by design.
type Apart struct {
	Because string
	Chains  []int
}

// Alternative is another rule's chains on kernels that this finding owns, with the verdict
// that these chains alone would have given that rule, and its reason.
type Alternative struct {
	Rule    int
	Side    Side
	Chains  []int
	Verdict string
	Why     string
}

type findingKey struct {
	rule  int
	stage graph.StageID
}

// findings groups the chains by rule and stage, sets aside what is split by design, and
// gives each group its verdict.
func (m *matcher) findings() error {
	byKey := map[findingKey]*Finding{}
	var order []findingKey
	of := func(c *Chain) findingKey {
		return findingKey{c.Rule, m.g.Kernels[c.Kernels[0]].Stage}
	}
	for i := range m.res.Chains {
		c := &m.res.Chains[i]
		if c.Under >= 0 {
			continue
		}
		k := of(c)
		f := byKey[k]
		if f == nil {
			f = &Finding{Rule: k.rule, Stage: k.stage}
			byKey[k] = f
			order = append(order, k)
		}
		m.add(f, i)
	}
	for i := range m.res.Chains {
		c := &m.res.Chains[i]
		if c.Under < 0 {
			continue
		}
		if f := byKey[of(&m.res.Chains[c.Under])]; f.Rule != c.Rule {
			f.alternative(c.Rule, c.Side, i)
		}
	}
	slices.SortFunc(order, func(a, b findingKey) int {
		return cmp.Or(strings.Compare(m.res.Rules[a.rule].ID, m.res.Rules[b.rule].ID), cmp.Compare(a.stage, b.stage))
	})
	for _, k := range order {
		f := byKey[k]
		if err := m.judge(f); err != nil {
			return err
		}
		for i := range f.Alternatives {
			a := &f.Alternatives[i]
			own := Finding{Rule: a.Rule, Stage: f.Stage}
			for _, c := range a.Chains {
				m.add(&own, c)
			}
			if err := m.judge(&own); err != nil {
				return err
			}
			a.Verdict, a.Why = own.Verdict, own.Why
		}
		for _, list := range [][]Apart{f.Apart, f.Residue} {
			for i := range list {
				m.byTime(list[i].Chains)
			}
		}
		slices.SortFunc(f.Alternatives, func(a, b Alternative) int {
			return cmp.Or(strings.Compare(m.res.Rules[a.Rule].ID, m.res.Rules[b.Rule].ID), cmp.Compare(a.Side, b.Side))
		})
		m.res.Findings = append(m.res.Findings, *f)
	}
	return nil
}

// add files a chain of f's rule by its side.
func (m *matcher) add(f *Finding, chain int) {
	c := &m.res.Chains[chain]
	switch a := m.alt(c); {
	case c.Side == Fused:
		f.Fused = append(f.Fused, chain)
	case a.ByDesign != "":
		f.Apart = apart(f.Apart, a.ByDesign, chain)
	default:
		f.Split = append(f.Split, chain)
	}
}

// judge orders the chains of f, sets its residue aside and gives it its verdict.
func (m *matcher) judge(f *Finding) error {
	m.byTime(f.Fused)
	m.byTime(f.Split)
	m.residue(f)
	return m.verdict(f)
}

func (m *matcher) alt(c *Chain) *rule.Alternative {
	r := m.res.Rules[c.Rule]
	if c.Side == Fused {
		return r.Fused[c.Alt]
	}
	return r.Split[c.Alt]
}

// Missed are the chains of Split that count as a path not taken.
func (f *Finding) Missed() []int {
	if len(f.Residue) == 0 {
		return f.Split
	}
	skip := map[int]bool{}
	for _, r := range f.Residue {
		for _, c := range r.Chains {
			skip[c] = true
		}
	}
	var out []int
	for _, c := range f.Split {
		if !skip[c] {
			out = append(out, c)
		}
	}
	return out
}

func apart(list []Apart, because string, chain int) []Apart {
	for i := range list {
		if list[i].Because == because {
			list[i].Chains = append(list[i].Chains, chain)
			return list
		}
	}
	return append(list, Apart{because, []int{chain}})
}

func (f *Finding) alternative(rule int, side Side, chain int) {
	for i := range f.Alternatives {
		if a := &f.Alternatives[i]; a.Rule == rule && a.Side == side {
			a.Chains = append(a.Chains, chain)
			return
		}
	}
	f.Alternatives = append(f.Alternatives, Alternative{Rule: rule, Side: side, Chains: []int{chain}})
}

// byTime orders chains by the start of their first kernel.
func (m *matcher) byTime(chains []int) {
	slices.SortFunc(chains, func(a, b int) int {
		x, y := m.res.Chains[a].Kernels[0], m.res.Chains[b].Kernels[0]
		return cmp.Or(cmp.Compare(m.g.Kernels[x].Ts, m.g.Kernels[y].Ts), cmp.Compare(x, y))
	})
}

// residue marks, of every alternative that has one by design, the last chains of each
// step. Where a trace has no steps, graph launches stand for them; without either the
// whole stage counts as one step.
func (m *matcher) residue(f *Finding) {
	type unit struct {
		alt  int
		step int32
	}
	left := map[unit]int{}
	whole := max(1, m.replaysIn(f.Stage))
	for i := len(f.Split) - 1; i >= 0; i-- {
		c := &m.res.Chains[f.Split[i]]
		r := m.alt(c).Residue
		if r == nil {
			continue
		}
		u := unit{c.Alt, m.g.Kernels[c.Kernels[0]].Step}
		n, ok := left[u]
		if !ok {
			n = r.PerStep
			if u.step < 0 {
				n *= whole
			}
		}
		if n > 0 {
			f.Residue = apart(f.Residue, r.Because, f.Split[i])
			n--
		}
		left[u] = n
	}
}

// replaysIn counts the graph launches of a stage.
func (m *matcher) replaysIn(s graph.StageID) int {
	n := 0
	for i := range m.g.Replays {
		if m.g.Kernels[m.g.Replays[i].Kernels[0]].Stage == s {
			n++
		}
	}
	return n
}

// verdict decides what the counts of both sides mean for this run.
func (m *matcher) verdict(f *Finding) error {
	r := m.res.Rules[f.Rule]
	missed := len(f.Missed())
	switch {
	case missed == 0 && len(f.Fused) > 0:
		f.Verdict = Applied
		return nil
	case missed == 0:
		f.Verdict = ByDesign
		return nil
	case len(f.Fused) > 0:
		f.Verdict = Partial
		f.Why = fmt.Sprintf("taken %d times and not taken %d times in this stage", len(f.Fused), missed)
	default:
		f.Verdict = ShouldApply
	}
	run := m.inStage(f.Stage)
	for _, q := range r.Requires {
		t, err := q.Holds(run)
		if err != nil {
			return err
		}
		switch t {
		case rule.Unknown:
			f.Unknown = append(f.Unknown, Unknown{q.Because, q.Cond().Args()})
		case rule.False:
			// A path that is taken in the same stage is evidently possible there.
			if f.Verdict == ShouldApply {
				f.Verdict, f.Why = q.Verdict, q.Because
				f.Unknown = nil
				return nil
			}
		}
	}
	switch {
	case r.Origin != m.run.Framework && frameworks[r.Origin] && m.run.Framework != "":
		f.Verdict, f.Why = Upstream, "the path is mainline in "+r.Origin+" and not in "+m.run.Framework
	case r.Status == "in-flight":
		f.Verdict, f.Why = InFlight, "the path is an open pull request: "+pulls(r.Pulls)
	}
	return nil
}

// frameworks are the origins that are serving frameworks themselves; the others are
// libraries that any framework may call.
var frameworks = map[string]bool{"sglang": true, "vllm": true, "tensorrt-llm": true, "tokenspeed": true}

func pulls(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprintf("#%d", n))
	}
	return strings.Join(out, ", ")
}
