package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/report"
)

// headline is the conclusion in one line: the answer first.
func headline(r *report.Report) string {
	if r.Total == 0 {
		return "no GPU activity"
	}
	s := &r.Stages[0]
	text := "dominated by " + list(leading(s))
	if len(r.Stages) > 1 {
		text = s.Name + " dominated by " + list(leading(s))
	}
	if s := straggler(r); s != "" {
		text += "; " + s
	}
	if s := idleHeadline(r); s != "" {
		text = s + "; " + text
	}
	open := opportunities(r)
	return text + "; " + strings.ToLower(open[:1]) + strings.TrimSuffix(open[1:], ".") + "; overlap verdict: " + verdictFrom(r)
}

// conclude says in a few sentences what dominates, what can be done, and what it rests on.
func conclude(r *report.Report) []string {
	if r.Total == 0 {
		return []string{"The trace holds no GPU activity: nothing ran on a device while it was recorded, or the profiler was started without the GPU activity."}
	}
	var out []string
	for i := range r.Stages {
		s := &r.Stages[i]
		if len(r.Stages) > 1 && s.Time*100 < r.Total*5 {
			continue
		}
		out = append(out, dominates(s, len(r.Stages) > 1))
	}
	if s := waiting(r); s != "" {
		out = append(out, s)
	}
	if s := idleConclusion(r); s != "" {
		out = append(out, s)
	}
	out = append(out, opportunities(r), basis(r))
	return out
}

func dominates(s *report.Stage, named bool) string {
	if named {
		return upper(s.Name) + ": dominated by " + list(leading(s)) + "."
	}
	return "Dominated by " + list(leading(s)) + "."
}

// leading are the families with most of a stage's time, at most three.
func leading(s *report.Stage) []string {
	var top []string
	for _, f := range s.Families {
		if len(top) == 3 || len(top) > 0 && f.Time*100 < s.Time*10 {
			break
		}
		share := report.Percent(f.Time, s.Time)
		if f.Name == "communication" && s.Waiting > 0 {
			share += ", " + report.Percent(s.Waiting, f.Time) + " of it waiting for other ranks"
		}
		top = append(top, fmt.Sprintf("%s (%s)", f.Name, share))
	}
	return top
}

func list(parts []string) string {
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// opportunities sums the paths that are known to apply and were not taken. A kernel is in
// one finding only, so the bounds add up.
func opportunities(r *report.Report) string {
	var open, off, design int
	var bound int64
	var names, inner, barred, meant []string // barred and meant: those of a twentieth of the time or more
	large := func(list []string, f *report.FuseRow) []string {
		if f.Related()*20 >= r.Total {
			list = append(list, fmt.Sprintf("%s, %s", f.Title, report.Percent(f.Related(), r.Total)))
		}
		return list
	}
	for i := range r.Fuse {
		f := &r.Fuse[i]
		switch {
		case f.Missing():
			open++
			bound += f.Bound
			names = append(names, f.Title)
		case f.Verdict == "by-design":
			design++
			meant = large(meant, f)
		case f.Verdict != "applied":
			off++
			barred = large(barred, f)
			inner = append(inner, within(f)...)
		}
	}
	var text string
	switch {
	case open == 0 && len(inner) > 0:
		text = "A known path is not taken inside a longer one: " + list(slices.Compact(inner))
	case open == 0:
		text = "No known fusion was found missing"
	case open == 1:
		text = fmt.Sprintf("One known path is not taken (%s), at most %s (%s)", names[0], report.Duration(bound), report.Percent(bound, r.Total))
	default:
		text = fmt.Sprintf("%d known paths are not taken, together at most %s (%s)", open, report.Duration(bound), report.Percent(bound, r.Total))
	}
	if off > 0 {
		text += fmt.Sprintf("; %d cannot be taken in this run as it is (%s)", off, strings.Join(append(barred, "see why in the table"), "; "))
	}
	if design > 0 {
		text += fmt.Sprintf("; %d not taken by design", design)
		if len(meant) > 0 {
			text += " (" + strings.Join(meant, "; ") + ")"
		}
	}
	return text + "."
}

// within are the paths that should be taken on kernels of a longer path that cannot be.
func within(f *report.FuseRow) []string {
	var out []string
	for i := range f.Alternatives {
		if a := &f.Alternatives[i]; a.Verdict == "should-apply" {
			out = append(out, fmt.Sprintf("%s (%s)", a.Title, a.Rule))
		}
	}
	return out
}

// basis says which mode the tables come from and how much of them has an exact site.
func basis(r *report.Report) string {
	a := r.Attribution
	exact := a.Launch + a.Node + a.Aligned + a.Neighbour
	text := "Overlap verdict: " + verdictFrom(r) + "."
	switch {
	case exact*100 >= r.Total*95:
	case a.Replay > a.None:
		text += fmt.Sprintf(" %s of the GPU time is graph replay, whose source lines one trace does not hold.", report.Percent(a.Replay, r.Total))
	case a.None > 0:
		text += fmt.Sprintf(" %s of the GPU time has no recorded launch site.", report.Percent(a.None, r.Total))
	}
	return text
}

// verdictFrom says what the overlap verdict rests on.
func verdictFrom(r *report.Report) string {
	if r.Mode == "pair" {
		return "mapping/formal pair"
	}
	return "single trace"
}
