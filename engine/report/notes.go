package report

import (
	"fmt"
	"strings"
)

// Notes are what exact matching leaves open. They are no findings, stand in no table and add to
// no sum.
type Notes struct {
	// Partial are chains of which all steps but one were met, Ladders repeated runs of small
	// kernels that no rule covers; each with most GPU time first.
	Partial []PartialNote `json:"partial_chains"`
	Ladders []Ladder      `json:"ladders"`
}

// PartialNote is a split chain of one rule in one stage of which all steps but one were bound in
// order, on kernels that no chain of any rule holds.
type PartialNote struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Stage string `json:"stage"`
	Name  string `json:"name,omitempty"` // of the rule's alternative
	// Label is high, medium or low, by how many of the kinds of evidence hold (order, site, op, TP,
	// model): Evidence names those that do, Against those that do not.
	Label    string   `json:"label"`
	Evidence []string `json:"evidence"`
	Against  []string `json:"evidence_missing"`
	Chains   int      `json:"chains"`
	Time     int64    `json:"time_ns"` // of the bound kernels
	// Steps are those of the chain, in order, with the missing one; optional steps that bound
	// nothing are left out.
	Steps []PartialStep `json:"steps"`
	// Also are other rules that came as close on the same kernels.
	Also []string `json:"also,omitempty"`
}

// PartialStep is one step of a partial chain, over all chains.
type PartialStep struct {
	Bound
	// Missing tells the step that bound nothing. Instead is then the kernel in its place in the
	// first chain, "" where none stood there, and Hidden tells that the place it was launched
	// from, which the step asks for, is not known of it.
	Missing bool   `json:"missing,omitempty"`
	Instead string `json:"instead,omitempty"`
	Hidden  bool   `json:"site_not_known,omitempty"`
}

// Ladder is a run of small memory-bound kernels that follow each other on a stream, that repeats,
// and of which no chain of any rule holds a kernel.
type Ladder struct {
	Stage string `json:"stage"`
	Runs  int    `json:"runs"`  // how often the sequence occurs
	Steps int    `json:"steps"` // steps with a run; 0 unknown
	// Layers are the most layers with a run in any one step; 0 unknown.
	Layers int `json:"layers"`
	// Scope is where all of its kernels were launched from; absent where the launches are not
	// known, and then the sequence repeats with the layers.
	Scope   *Site   `json:"scope,omitempty"`
	Time    int64   `json:"time_ns"`
	Kernels []Bound `json:"kernels"` // one run, with counts and times over all
	// SavingBound is the gaps between the kernels of each run plus all of them but the longest,
	// Gaps the part of it that is gaps.
	SavingBound int64   `json:"saving_bound_ns"`
	Gaps        int64   `json:"saving_bound_gaps_ns"`
	Streams     []int64 `json:"streams"`
}

// shown gives the notes that reach the bar (percent of total).
func (n *Notes) shown(total int64, bar float64) *Notes {
	out := &Notes{}
	if n == nil {
		return out
	}
	for _, p := range n.Partial {
		if !below(p.Time, total, bar) {
			out.Partial = append(out.Partial, p)
		}
	}
	for _, l := range n.Ladders {
		if !below(l.Time, total, bar) {
			out.Ladders = append(out.Ladders, l)
		}
	}
	return out
}

func (n *Notes) intro() string {
	s := "what exact matching leaves open, on kernels that no finding holds"
	if len(n.Partial) > 0 {
		s += "; sgrules explain RULE TRACE says more"
	}
	return s
}

// bound counts the steps that were bound, and those that must be.
func (p *PartialNote) bound() (n, of int) {
	for i := range p.Steps {
		of++
		if !p.Steps[i].Missing {
			n++
		}
	}
	return n, of
}

func (p *PartialNote) head(r *Report) string {
	n, of := p.bound()
	return fmt.Sprintf("%s%d of %d steps of %s (%s), %d×", r.stagePrefix(p.Stage), n, of, p.Title, p.Rule, p.Chains)
}

// chain writes the steps in order.
func (p *PartialNote) chain() string {
	var parts []string
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Missing {
			parts = append(parts, "["+s.As+" missing]")
			continue
		}
		parts = append(parts, shortSymbol(s.Symbol)+" "+Duration(s.Time))
	}
	return strings.Join(parts, " → ")
}

// lack says what stood in the place of the missing step.
func (p *PartialNote) lack() string {
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case !s.Missing:
		case s.Instead == "":
			return "step " + s.As + " is missing: no kernel stood in its place"
		case s.Hidden:
			return "step " + s.As + " could not be told: " + s.Instead + " stood in its place, and where that was launched, which the step asks for, is not known"
		default:
			return "step " + s.As + " is missing: " + s.Instead + " stood in its place"
		}
	}
	return ""
}

func (p *PartialNote) rests() string {
	s := fmt.Sprintf("evidence %d of %d: %s", len(p.Evidence), len(p.Evidence)+len(p.Against), strings.Join(p.Evidence, ", "))
	if len(p.Evidence) == 0 {
		s += "only that the steps are in order"
	}
	if len(p.Against) > 0 {
		s += "; not: " + strings.Join(p.Against, ", ")
	}
	return s
}

func (p *PartialNote) also() string {
	if len(p.Also) == 0 {
		return ""
	}
	return "as close on the same kernels: " + strings.Join(p.Also, ", ")
}

func (r *Report) stagePrefix(stage string) string {
	if len(r.Stages) > 1 {
		return stage + ": "
	}
	return ""
}

func (l *Ladder) head(r *Report) string {
	s := fmt.Sprintf("%s%d small kernels in a row, %d×", r.stagePrefix(l.Stage), len(l.Kernels), l.Runs)
	if l.Steps > 0 {
		s += " in " + plural(l.Steps, "step")
	}
	if l.Layers > 1 {
		s += fmt.Sprintf(", in %d layers", l.Layers)
	}
	return s
}

func (l *Ladder) sequence() string {
	var parts []string
	for i := range l.Kernels {
		parts = append(parts, l.Kernels[i].Label+" "+Duration(l.Kernels[i].Time))
	}
	return strings.Join(parts, " → ")
}

func (l *Ladder) where(wide bool) string {
	if l.Scope == nil {
		return "scope unknown: their own launches are not in the trace; the sequence repeats with the layers"
	}
	return "all launched at " + siteText(*l.Scope, wide)
}

func (l *Ladder) saves(total int64) string {
	s := "one kernel for each run would save at most " + Duration(l.SavingBound) + " (" + Percent(l.SavingBound, total) + ")"
	if l.Gaps > 0 && !below(l.Gaps, l.SavingBound, 1) {
		s += ", " + Duration(l.Gaps) + " of it gaps between the kernels"
	}
	return s + "; no rule matched any of them"
}
