package report

import (
	"fmt"
	"strings"
)

// overlapCol is the width of an overlap verdict.
const overlapCol = 19

func (t *text) overlap() {
	r := t.r
	t.line("OVERLAP OPPORTUNITIES" + r.perOverlap())
	shown, hidden := 0, 0
	room := min(t.v.Width-1-overlapCol-2-2*timeCol-2*shareCol, 40)
	for i := range r.Overlap {
		o := &r.Overlap[i]
		if below(o.Time, r.Total, t.v.MinShare) {
			if o.Moves {
				hidden++
			}
			continue
		}
		if shown == 0 {
			t.line(" " + pad("", 2) + pad("verdict", overlapCol) + pad("work", room) + left("time", timeCol) + left("share", shareCol) +
				left("exposed", timeCol) + left("", shareCol))
		}
		shown++
		t.overlapRow(o, room)
	}
	for i := range r.OverlapPaths {
		if f := &r.OverlapPaths[i]; f.Shown(r.Total, t.v.MinShare) {
			shown++
			t.fuseRow(f, r.Total)
		}
	}
	if shown == 0 {
		if hidden > 0 {
			t.para(" ", " ", fmt.Sprintf("nothing to move: communication and copies stay under %s %% each (%s)", bar(t.v.MinShare), plural(hidden, "kind")))
		} else {
			t.para(" ", " ", "nothing to move: the trace holds no collective, and no copy of the device's own engines")
		}
	}
	t.para(" ", " ", clean(r.OverlapWhy))
	t.line("")
}

func (t *text) overlapRow(o *OverlapRow, room int) {
	r := t.r
	label := o.Label
	if len(r.Stages) > 1 {
		label = o.Stage + ": " + label
	}
	v := pad(o.Verdict, overlapCol)
	if c := colors[o.Verdict]; c != "" && t.v.Color {
		v = c + v + "\x1b[0m"
	}
	t.line(" " + pad(priority(o.Priority), 2) + v + pad(clean(label), room) + left(Duration(o.Time), timeCol) + left(Percent(o.Time, r.Total), shareCol) +
		left(Duration(o.Exposed), timeCol) + left(Percent(o.Exposed, o.Time), shareCol))
	t.para(indent, indent+"  ", fmt.Sprintf("%s · %s · at %s", o.launches(), streamList(o.Streams), siteOf(o.Sites, o.Ops, o.Time, t.v.Wide)))
	if o.Hidden > 0 {
		t.para(indent, indent+"  ", fmt.Sprintf("hidden %s (%s), %s of it under compute", Duration(o.Hidden), Percent(o.Hidden, o.Time), Duration(o.HiddenCompute)))
	}
	if o.Risk != "" && o.Verdict == Headroom {
		t.para(indent+"dependency risk: ", indent+"  ", clean(o.Risk+", "+o.RiskWhy))
	}
	t.para(indent+"→ ", indent+"  ", clean(o.Advice))
	if s := o.paths(); s != "" {
		t.para(indent+"known path: ", indent+"  ", clean(s))
	}
}

// launches counts a row's launches in words.
func (o *OverlapRow) launches() string {
	switch o.Family {
	case "collective", "copy", "set":
		return plural(o.Launches, o.Family)
	}
	return plural(o.Launches, o.Family+" kernel")
}

// priority is the mark of a row's urgency; nothing where nothing is to be done.
func priority(p int) string {
	if p == 0 {
		return ""
	}
	return fmt.Sprint(p)
}

// paths names the catalogued overlap paths of a row.
func (o *OverlapRow) paths() string {
	var out []string
	for _, p := range o.Paths {
		out = append(out, fmt.Sprintf("%s (%s), %s", p.Title, p.Rule, p.Verdict))
	}
	return strings.Join(out, "; ")
}
