package engine

import (
	"testing"

	"github.com/sgrules/sgrules/engine/report"
)

func TestIdleConclusion(t *testing.T) {
	device := func(window int64, causes ...report.IdleCause) report.Idle {
		d := report.Idle{Window: window, Causes: causes}
		for _, c := range causes {
			d.Time += c.Time
		}
		return d
	}
	cause := func(name string, time int64) report.IdleCause { return report.IdleCause{Cause: name, Time: time} }
	site := report.IdleCause{Cause: report.IdleCall, Time: 100_000, Sites: []report.IdleSite{{Call: "cudaGraphLaunch", Path: "a/runner.py", Func: "replay", Time: 90_000}}}
	bound := report.Stage{Name: "decode", StepSpan: 1_000, StepIdle: 200, StepHost: 100}
	for _, c := range []struct {
		name, headline, conclusion string
		r                          report.Report
	}{
		{"busy", "", "", report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleLate, 149_999))}}},
		{"no window", "", "", report.Report{Idle: []report.Idle{{}}}},
		{"the host is late", "bound by the host: 15.0 % of the window idle",
			"Bound by the host: 15.0 % of the window is idle (0.150 ms); for 0.150 ms nothing was launched yet.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleLate, 150_000))}}},
		{"several causes and a place", "bound by the host: 40.0 % of the window idle",
			"Bound by the host: 40.0 % of the window is idle (0.400 ms); for 0.200 ms the host had waited for the device and launched nothing ahead and for 0.100 ms the host was inside launch calls; 90.0 µs of it ended with cudaGraphLaunch in runner.py replay.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleSync, 200_000), site, cause(report.IdleQueued, 100_000))}}},
		{"half is the host's", "bound by the host: 20.0 % of the window idle",
			"Bound by the host: 20.0 % of the window is idle (0.200 ms); for 0.100 ms nothing was launched yet.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleLate, 100_000), cause(report.IdleReplayed, 100_000))}}},
		{"less is", "20.0 % of the window idle", "20.0 % of the window is idle (0.200 ms), most of it behind launches that were made in time.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleLate, 99_999), cause(report.IdleReplayed, 100_001))}}},
		{"nothing is known", "20.0 % of the window idle", "20.0 % of the window is idle (0.200 ms); the launches that would tell why are not recorded.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleUnknown, 200_000))}}},
		{"the most idle of two devices", "bound by the host: 50.0 % of the window idle on device 0",
			"Bound by the host: 50.0 % of the window of device 0 is idle (0.500 ms); for 0.500 ms nothing was launched yet. Bound by the host: 20.0 % of the window of device 0 is idle (0.200 ms); for 0.200 ms nothing was launched yet.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleLate, 200_000)), device(1_000_000, cause(report.IdleLate, 500_000))}}},
		{"a stage only", "the host holds up the steps: decode steps are idle for 20.0 % of their time", "Decode steps are idle for 20.0 % of their time, most of it by the host.",
			report.Report{Idle: []report.Idle{device(1_000_000, cause(report.IdleLate, 1))}, Stages: []report.Stage{{Name: "extend", StepSpan: 1_000, StepIdle: 149, StepHost: 149}, bound}}},
		{"a stage whose host is not the cause", "", "",
			report.Report{Stages: []report.Stage{{Name: "decode", StepSpan: 1_000, StepIdle: 200, StepHost: 99}}}},
	} {
		if got := idleHeadline(&c.r); got != c.headline {
			t.Errorf("%s: headline %q, want %q", c.name, got, c.headline)
		}
		if got := idleConclusion(&c.r); got != c.conclusion {
			t.Errorf("%s: conclusion\n%s, want\n%s", c.name, got, c.conclusion)
		}
	}
}

func TestIdleAdvice(t *testing.T) {
	graphs := []report.IdleSite{{Call: "hipGraphLaunch", Time: 90}, {Call: "hipLaunchKernel", Time: 10}}
	for _, pair := range [][2]report.IdleCause{
		{{Cause: report.IdleLate, Place: report.IdleInside}, {Cause: report.IdleLate, Place: report.IdleBetween}},
		{{Cause: report.IdleCall, Time: 100, Longest: 50, Sites: graphs}, {Cause: report.IdleCall, Time: 100, Longest: 49, Sites: graphs}},
		{{Cause: report.IdleCall, Time: 100, Longest: 50}, {Cause: report.IdleCall, Time: 100, Longest: 49}},
		{{Cause: report.IdleQueued, Gaps: 2, Time: 100_000}, {Cause: report.IdleQueued, Gaps: 2, Time: 100_001}},
	} {
		a, b := idleAdvice(&pair[0]), idleAdvice(&pair[1])
		if a == "" || b == "" || a == b {
			t.Errorf("%+v and %+v get the same advice: %q", pair[0], pair[1], a)
		}
	}
}
