package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/report"
)

// hostBound is the share of idle time, percent, from which on the conclusion speaks of it.
const hostBound = 15

// idleHeadline says in a few words that the run is idle, and whether the host is the cause.
func idleHeadline(r *report.Report) string {
	devices := r.MostIdle(hostBound)
	if len(devices) == 0 {
		if s := boundStages(r); len(s) > 0 {
			return "the host holds up the steps: " + list(s) + " of their time"
		}
		return ""
	}
	d := devices[0]
	share := report.Percent(d.Time, d.Window) + " of the window idle"
	if len(r.Idle) > 1 {
		share = fmt.Sprintf("%s on device %d", share, d.Device)
	}
	if d.Host()*2 >= d.Time {
		return "bound by the host: " + share
	}
	return share
}

// idleConclusion says how much of the window is idle, why, and where the host was; "" where it
// is little.
func idleConclusion(r *report.Report) string {
	var out []string
	for i, d := range r.MostIdle(hostBound) {
		if i == 4 {
			break
		}
		of := "the window"
		if len(r.Idle) > 1 {
			of = fmt.Sprintf("the window of device %d", d.Device)
		}
		s := fmt.Sprintf("%s of %s is idle (%s)", report.Percent(d.Time, d.Window), of, report.Duration(d.Time))
		switch host := d.Host(); {
		case host*2 >= d.Time:
			s = "Bound by the host: " + s + "; " + hostWords(d)
		case unknownIdle(d)*2 >= d.Time:
			s += "; the launches that would tell why are not recorded"
		default:
			s += ", most of it behind launches that were made in time"
		}
		out = append(out, s+".")
	}
	if s := boundStages(r); len(s) > 0 {
		out = append(out, upper(list(s))+" of their time, most of it by the host.")
	}
	return strings.Join(out, " ")
}

func unknownIdle(d *report.Idle) (ns int64) {
	for i := range d.Causes {
		if d.Causes[i].Cause == report.IdleUnknown {
			ns += d.Causes[i].Time
		}
	}
	return ns
}

// boundStages says of the stages whose steps were idle for a good part of their time, most of it
// by the host, how large that part is.
func boundStages(r *report.Report) []string {
	var out []string
	for i := range r.Stages {
		s := &r.Stages[i]
		if s.StepSpan == 0 || s.StepIdle*100 < s.StepSpan*hostBound || s.StepHost*2 < s.StepIdle {
			continue
		}
		name := s.Name + " steps"
		if s.Name == graph.StageAll {
			name = "the steps"
		}
		out = append(out, fmt.Sprintf("%s are idle for %s", name, report.Percent(s.StepIdle, s.StepSpan)))
	}
	return out
}

// hostWords says what the host did in that time, most first, and where the most of it ended.
func hostWords(d *report.Idle) string {
	type cause struct {
		name, words string
		time        int64
	}
	causes := []cause{
		{report.IdleLate, "nothing was launched yet", 0}, {report.IdleSync, "the host had waited for the device and launched nothing ahead", 0},
		{report.IdleCall, "the host was inside launch calls", 0},
	}
	var top *report.IdleSite
	for i := range d.Causes {
		c := &d.Causes[i]
		for j := range causes {
			if causes[j].name == c.Cause {
				causes[j].time += c.Time
			}
		}
		for j := range c.Sites {
			if s := &c.Sites[j]; top == nil || s.Time > top.Time {
				top = s
			}
		}
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return cmp.Compare(b.time, a.time) })
	var out []string
	for _, c := range causes {
		if c.time*10 >= d.Time {
			out = append(out, fmt.Sprintf("for %s %s", report.Duration(c.time), c.words))
		}
	}
	s := list(out)
	if top != nil && top.Time*5 >= d.Time {
		at := idleSite{path: top.Path, fn: top.Func, op: top.Op}
		s += fmt.Sprintf("; %s of it ended with %s", report.Duration(top.Time), strings.TrimSuffix(top.Call+" in "+at.text(), " in "))
	}
	return s
}
