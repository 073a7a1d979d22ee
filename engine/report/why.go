package report

import (
	"fmt"
	"io"
	"strings"
)

// Why is what one rule met in one trace.
type Why struct {
	Trace string `json:"trace"`
	Rule  string `json:"rule"`
	Title string `json:"title"`
	// NotIn are the stages in which the rule does not apply to the run.
	NotIn []string `json:"not_in,omitempty"`
	// Applies is the condition that is false there.
	Applies string `json:"applies,omitempty"`
	// Found says what became of the rule's chains in the tables.
	Found        []string         `json:"found,omitempty"`
	Conditions   []WhyCondition   `json:"conditions,omitempty"`
	Alternatives []WhyAlternative `json:"alternatives"`
}

// WhyCondition is a requirement that does not hold in a stage, or that only the arguments Args
// of the server would decide.
type WhyCondition struct {
	Stage   string   `json:"stage"`
	Because string   `json:"because"`
	Verdict string   `json:"verdict"`
	Args    []string `json:"unknown_args,omitempty"`
}

// WhyAlternative is what one alternative of one side met.
type WhyAlternative struct {
	Side      string        `json:"side"`
	Name      string        `json:"name,omitempty"`
	NotIn     []string      `json:"not_in,omitempty"` // stages in which it does not count
	Only      string        `json:"only,omitempty"`   // the condition that is false there
	Chains    int           `json:"chains"`           // complete, before longer chains take kernels away
	Steps     []WhyStep     `json:"steps"`
	Fragments []WhyFragment `json:"incomplete,omitempty"`
}

// WhyStep is one step with how many kernels of the trace it alone would bind.
type WhyStep struct {
	As       string `json:"as"`
	Kernels  int    `json:"kernels"`
	Optional bool   `json:"optional,omitempty"`
}

// WhyFragment are chains that bound some steps in order and then failed in one way.
type WhyFragment struct {
	Bound   int    `json:"bound"`
	Of      int    `json:"required"`
	Failed  string `json:"failed"` // the step, or "where"
	Instead string `json:"instead,omitempty"`
	First   string `json:"first"` // the kernel that the first of them begins with
	Count   int    `json:"count"`
}

// WhyText writes what a rule met as text of at most width cells a line.
func WhyText(w io.Writer, list []Why, width int) error {
	t := &text{v: View{Width: width}}
	for i := range list {
		x := &list[i]
		t.para("", "  ", "in "+clean(x.Trace))
		for _, s := range x.Found {
			t.para("  in the tables: ", "    ", clean(s))
		}
		if len(x.Found) == 0 {
			t.para("  ", "    ", "not in the tables")
		}
		if len(x.NotIn) > 0 {
			t.para("  ", "    ", "not evaluated in "+clean(strings.Join(x.NotIn, ", "))+": this does not hold for the run: "+clean(x.Applies))
		}
		for _, c := range x.Conditions {
			s := fmt.Sprintf("%s: %s (%s)", c.Stage, c.Because, c.Verdict)
			if len(c.Args) > 0 {
				s = fmt.Sprintf("%s: not known without %s: it may be that %s (%s)", c.Stage, strings.Join(c.Args, ", "), c.Because, c.Verdict)
			}
			t.para("  condition: ", "    ", clean(s))
		}
		for j := range x.Alternatives {
			t.whyAlternative(&x.Alternatives[j])
		}
		t.line("")
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *text) whyAlternative(a *WhyAlternative) {
	s := a.Side
	if a.Name != "" {
		s += ", " + a.Name
	}
	t.para("  ", "    ", clean(fmt.Sprintf("%s: %s", s, plural(a.Chains, "complete chain"))))
	if len(a.NotIn) > 0 {
		t.para("    ", "      ", clean("does not count in "+strings.Join(a.NotIn, ", ")+": this does not hold for the run: "+a.Only))
	}
	var steps []string
	for _, st := range a.Steps {
		steps = append(steps, fmt.Sprintf("%s %d", st.As, st.Kernels))
	}
	t.para("    ", "      ", clean("kernels that each step alone would bind: "+strings.Join(steps, ", ")))
	for _, f := range a.Fragments {
		s := fmt.Sprintf("%d × %d of %s in order, from %s, then step %s met %s", f.Count, f.Bound, plural(f.Of, "step"), f.First, f.Failed, f.Instead)
		if f.Failed == "where" {
			s = fmt.Sprintf("%d × all steps in order, from %s, and the where condition did not hold", f.Count, f.First)
		}
		t.para("    ", "      ", clean(s))
	}
}
