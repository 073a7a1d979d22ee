package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Idle is why one device did nothing inside its window. The causes add up to Time exactly.
type Idle struct {
	Device int32 `json:"device"`
	// Window and Time are those of the device's load: the span of the busiest stream, and the
	// time in it in which no stream ran anything.
	Window int64       `json:"window_ns"`
	Time   int64       `json:"idle_ns"`
	Gaps   int         `json:"gaps"`
	Causes []IdleCause `json:"causes"` // most time first
}

// The causes of idle time. Those that Host tells are the host's.
const (
	IdleLate     = "host-late"     // the launch call had not begun
	IdleSync     = "after-sync"    // the same; the thread was in a synchronising call when the gap began
	IdleCall     = "launch-call"   // inside the launch call
	IdleWait     = "event-wait"    // launched, held by a wait for another stream
	IdleFeeding  = "graph-call"    // between two kernels of one graph launch, whose call had not returned
	IdleReplayed = "inside-replay" // the same, behind the call
	IdleQueued   = "queued"        // launched, held by nothing that is recorded
	IdleUnknown  = "unknown"       // no launch is recorded
)

// The places of idle time.
const (
	IdleInside  = "inside steps"
	IdleBetween = "between steps"
	IdleOutside = "outside steps" // launched by a thread that has no steps
)

// IdleCause is the idle time of one cause, in one place of one stage.
type IdleCause struct {
	Stage   string `json:"stage"` // of the kernel that ended the gap
	Place   string `json:"place"` // "inside steps", "between steps", "outside steps"; "" where no step is known
	Cause   string `json:"cause"` // host-late after-sync launch-call event-wait graph-call inside-replay queued unknown
	Time    int64  `json:"time_ns"`
	Gaps    int    `json:"gaps"`
	Longest int64  `json:"longest_ns"`
	// InSync is the part of an after-sync time in which the call had not returned.
	InSync int64 `json:"in_sync_ns,omitempty"`
	// Sites are the scopes that the launching thread was in, most time first.
	Sites  []IdleSite `json:"sites,omitempty"`
	Advice string     `json:"advice"`
}

// IdleSite is one place in source code that ended idle time by a launch.
type IdleSite struct {
	// Call is the runtime call that ended it, Path to Op its scope as in the kernel table.
	Call   string `json:"call"`
	Path   string `json:"path,omitempty"`
	Func   string `json:"function,omitempty"`
	Module string `json:"module,omitempty"`
	Op     string `json:"op,omitempty"`
	// After is where the thread had last launched or waited before: the host's time lies
	// between the two. Of several the one with most time.
	After   string `json:"after,omitempty"`
	Time    int64  `json:"time_ns"`
	Gaps    int    `json:"gaps"`
	Longest int64  `json:"longest_ns"`
}

// Host tells whether the cause is the host's.
func (c *IdleCause) Host() bool {
	return c.Cause == IdleLate || c.Cause == IdleSync || c.Cause == IdleCall
}

// Host sums the idle time that is the host's, ns.
func (d *Idle) Host() (ns int64) {
	for i := range d.Causes {
		if c := &d.Causes[i]; c.Host() {
			ns += c.Time
		}
	}
	return ns
}

var idleWords = map[string]string{
	IdleLate: "host late, not launched yet", IdleSync: "host late behind a synchronising call", IdleCall: "inside the launch call",
	IdleWait: "launched, waits for another stream", IdleFeeding: "between kernels of a graph, its launch call not returned", IdleReplayed: "between kernels of one graph", IdleQueued: "between kernels already launched",
	IdleUnknown: "launch not recorded",
}

func (c *IdleCause) text(stages bool) string {
	s := idleWords[c.Cause]
	if c.Place != "" {
		s = c.Place + ": " + s
	}
	if stages && c.Stage != "" && !(c.Place != IdleInside && strings.HasPrefix(c.Stage, "outside steps")) {
		s = c.Stage + ", " + s
	}
	return s
}

func (c *IdleCause) gaps() string {
	s := plural(c.Gaps, "gap") + ", the longest " + Duration(c.Longest)
	if c.Gaps == 1 {
		s = "1 gap"
	}
	if c.InSync > 0 {
		s += "; " + Duration(c.InSync) + " until the call returned"
	}
	return s
}

// text says where the host was: the launch that ended the gap and the call before it.
func (s *IdleSite) text(full bool) string {
	site := Site{Path: s.Path, Func: s.Func, Module: s.Module}
	at := siteText(site, full)
	if s.Path == "" && s.Func == "" {
		at = "a launch without a known scope"
		if s.Op != "" {
			at = "op " + clean(s.Op)
		}
	} else if s.Op != "" {
		at += "  " + clean(s.Op)
	}
	if s.Call != "" {
		at += " (" + clean(s.Call) + ")"
	}
	if s.After != "" {
		at += ", after " + clean(s.After)
	}
	return at
}

// shownIdleSites is how many scopes of a cause are shown.
const shownIdleSites = 3

// shownIdleDevices is how many devices of a merged trace are shown.
const shownIdleDevices = 4

// MostIdle gives the devices whose idle time reaches the bar, percent of their window: the most
// idle first, of equals the lower place.
func (r *Report) MostIdle(bar float64) []*Idle {
	var out []*Idle
	for i := range r.Idle {
		if d := &r.Idle[i]; d.Time > 0 && !below(d.Time, d.Window, bar) {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b *Idle) int {
		return cmp.Compare(float64(b.Time)/float64(b.Window), float64(a.Time)/float64(a.Window))
	})
	return out
}

// idleShown gives those of the devices that are shown, and a sentence on the others.
func (r *Report) idleShown(bar float64) (shown []*Idle, rest string) {
	shown = r.MostIdle(bar)
	if n := len(shown) - shownIdleDevices; n > 0 {
		first, last := shown[shownIdleDevices], shown[len(shown)-1]
		rest = fmt.Sprintf("%s more, idle for %s to %s of the window", plural(n, "device"), Percent(last.Time, last.Window), Percent(first.Time, first.Window))
		shown = shown[:shownIdleDevices]
	}
	return shown, rest
}

// causes gives the causes that reach the bar, and the others' time, ns.
func (d *Idle) causes(bar float64) (shown []*IdleCause, rest int64) {
	for i := range d.Causes {
		c := &d.Causes[i]
		if below(c.Time, d.Window, bar) {
			rest += c.Time
			continue
		}
		shown = append(shown, c)
	}
	return shown, rest
}

// sites gives the scopes of a cause that are worth a line: those with a tenth of its time.
func (c *IdleCause) sites() (shown []*IdleSite, rest int, time int64) {
	for i := range c.Sites {
		s := &c.Sites[i]
		if len(shown) == shownIdleSites || s.Time*10 < c.Time {
			rest++
			time += s.Time
			continue
		}
		shown = append(shown, s)
	}
	return shown, rest, time
}

func (d *Idle) title(many bool) string {
	s := fmt.Sprintf("%s of %s, %s", Duration(d.Time), Duration(d.Window), Percent(d.Time, d.Window))
	if many {
		s = fmt.Sprintf("device %d · %s", d.Device, s)
	}
	return s
}

func (t *text) idle() {
	r := t.r
	devices, others := r.idleShown(t.v.MinShare)
	for _, d := range devices {
		t.line("IDLE · " + d.title(len(r.Idle) > 1))
		shown, rest := d.causes(t.v.MinShare)
		room := 12
		for _, c := range shown {
			room = max(room, width(clean(c.text(len(r.Stages) > 1)))+1)
		}
		room = min(room, t.v.Width-1-timeCol-shareCol)
		if len(shown) > 0 {
			t.line(" " + pad("why", room) + left("time", timeCol) + left("of all", shareCol))
		}
		advised := map[string]bool{}
		for _, c := range shown {
			t.line(" " + pad(clean(c.text(len(r.Stages) > 1)), room) + left(Duration(c.Time), timeCol) + left(Percent(c.Time, d.Window), shareCol))
			t.para(indent, indent+"  ", c.gaps())
			sites, more, time := c.sites()
			for _, s := range sites {
				t.para(indent+Duration(s.Time)+" before ", indent+"  ", s.text(t.v.Wide))
			}
			if more > 0 && len(sites) > 0 {
				t.para(indent+Duration(time)+" before ", indent+"  ", plural(more, "more scope"))
			}
			if c.Advice != "" && !advised[c.Advice] && !below(c.Time, d.Window, advisedIdle) {
				advised[c.Advice] = true
				t.para(indent+"→ ", indent+"  ", clean(c.Advice))
			}
		}
		if rest > 0 {
			t.para(" ", " ", fmt.Sprintf("causes under %s %% each, %s together, not shown", bar(t.v.MinShare), Percent(rest, d.Window)))
		}
		t.line("")
	}
	if others != "" {
		t.para("IDLE · ", " ", others)
		t.line("")
	}
}

// advisedIdle is the share of the window, percent, from which on a cause gets advice.
const advisedIdle = 3

func (m *markdown) idle() {
	r := m.r
	devices, others := r.idleShown(m.v.MinShare)
	for _, d := range devices {
		m.printf("## Idle: %s\n\n", md(d.title(len(r.Idle) > 1)))
		m.printf("| why | time | share of the window | gaps | before | advice |\n| --- | ---: | ---: | --- | --- | --- |\n")
		shown, rest := d.causes(m.v.MinShare)
		for _, c := range shown {
			var at []string
			sites, more, time := c.sites()
			for _, s := range sites {
				at = append(at, Duration(s.Time)+" "+s.text(true))
			}
			if more > 0 && len(sites) > 0 {
				at = append(at, Duration(time)+" "+plural(more, "more scope"))
			}
			advice := ""
			if !below(c.Time, d.Window, advisedIdle) {
				advice = c.Advice
			}
			m.row(md(c.text(len(r.Stages) > 1)), Duration(c.Time), Percent(c.Time, d.Window), md(c.gaps()), md(strings.Join(at, "; ")), md(advice))
		}
		if rest > 0 {
			m.printf("\nCauses under %s %% each, %s together, not shown.\n", bar(m.v.MinShare), Percent(rest, d.Window))
		}
		m.printf("\n")
	}
	if others != "" {
		m.printf("%s.\n\n", md(others))
	}
}
