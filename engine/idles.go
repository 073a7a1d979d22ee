package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/idle"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/report"
)

// addIdle adds why the devices of a part did nothing. The entries stand as those of the load do:
// the same device in two traces was profiled twice. host is, by stage, how long the host held up its
// steps, ns.
func addIdle(r *report.Report, p *part, stages []string) (host []int64) {
	at := make([]int, len(p.times.Devices))
	for i := range p.times.Devices {
		d := &p.times.Devices[i]
		at[i] = len(r.Idle)
		if i < len(r.Idle) && r.Idle[i].Device == d.ID {
			at[i] = i
		} else {
			r.Idle = append(r.Idle, report.Idle{Device: d.ID, Causes: []report.IdleCause{}})
		}
		x := &r.Idle[at[i]]
		x.Window, x.Time, x.Gaps = x.Window+d.Window, x.Time+d.Window-d.WindowBusy, x.Gaps+len(d.Gaps)
	}
	rows := map[idleKey]*idleTally{}
	scopes := newScopes(p.graph)
	idle.Each(p.graph, p.times, func(q *idle.Piece) {
		k := idleKey{q.Device, -1, q.Place, q.Cause}
		if q.Next >= 0 {
			k.stage = p.graph.Kernels[q.Next].Stage
		}
		t := rows[k]
		if t == nil {
			t = &idleTally{sites: map[siteID]*siteOfIdle{}}
			rows[k] = t
		}
		t.add(q, scopes)
	})
	host = make([]int64, len(stages))
	for k, t := range rows {
		if k.place == idle.Inside && k.cause.Host() {
			host[k.stage] += t.Time
		}
		c := report.IdleCause{Place: idlePlaces[k.place], Cause: idleCauses[k.cause], Time: t.Time, Gaps: t.Gaps, Longest: t.Longest, InSync: t.InSync}
		if k.stage >= 0 {
			c.Stage = stages[k.stage]
		}
		c.Sites = t.list(scopes)
		c.Advice = idleAdvice(&c)
		x := &r.Idle[at[k.device]]
		x.Causes = append(x.Causes, c)
	}
	for i := range r.Idle {
		slices.SortFunc(r.Idle[i].Causes, func(a, b report.IdleCause) int {
			return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Stage, b.Stage), strings.Compare(a.Place, b.Place), strings.Compare(a.Cause, b.Cause))
		})
	}
	return host
}

type idleKey struct {
	device int32
	stage  graph.StageID
	place  idle.Place
	cause  idle.Cause
}

// idleSite is a scope that ended idle time: the runtime call and its stacks.
type idleSite struct {
	call, path, fn, module, op string
}

type siteOfIdle struct {
	time, longest int64
	gaps          int
	after         map[siteID]int64 // ns, by where the thread was before
}

type idleTally struct {
	report.IdleCause
	sites map[siteID]*siteOfIdle
}

// siteID indexes scopes.list.
type siteID int32

func (t *idleTally) add(q *idle.Piece, in *scopes) {
	t.Time += q.Dur()
	t.Gaps++
	t.Longest = max(t.Longest, q.Dur())
	t.InSync += q.InSync
	if !q.Cause.Host() {
		return
	}
	at := in.of(q.Call)
	s := t.sites[at]
	if s == nil {
		s = &siteOfIdle{after: map[siteID]int64{}}
		t.sites[at] = s
	}
	s.time += q.Dur()
	s.gaps++
	s.longest = max(s.longest, q.Dur())
	before := q.Before
	if q.Cause == idle.Sync {
		before = q.SyncCall
	}
	if before >= 0 && q.Cause != idle.Call {
		s.after[in.of(before)] += q.Dur()
	}
}

// text is a scope in short: its function, and the call if that waits.
func (s idleSite) text() string {
	out := ""
	switch {
	case s.fn != "":
		out = s.path[strings.LastIndexByte(s.path, '/')+1:] + " " + s.fn
	case s.op != "":
		out = "op " + s.op
	}
	if graph.IsSync(s.call) || out == "" {
		out = strings.TrimSpace(s.call + " in " + out)
		out = strings.TrimSuffix(out, " in")
	}
	return out
}

// lastAt is where the thread was before, for most of the time.
func (s *siteOfIdle) lastAt(in *scopes) (at string) {
	sums := map[string]int64{} // different calls may read the same
	for site, ns := range s.after {
		sums[in.list[site].text()] += ns
	}
	most := int64(-1)
	for text, ns := range sums {
		if ns > most || ns == most && text < at {
			at, most = text, ns
		}
	}
	return at
}

func (t *idleTally) list(in *scopes) []report.IdleSite {
	var out []report.IdleSite
	for id, s := range t.sites {
		at := in.list[id]
		x := report.IdleSite{Call: at.call, Path: at.path, Func: at.fn, Module: at.module, Op: at.op, Time: s.time, Gaps: s.gaps, Longest: s.longest}
		x.After = s.lastAt(in)
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b report.IdleSite) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Path, b.Path), strings.Compare(a.Func, b.Func), strings.Compare(a.Module, b.Module),
			strings.Compare(a.Op, b.Op), strings.Compare(a.Call, b.Call))
	})
	return out
}

// scopes gives the source lines of runtime calls, by the same choice as the kernel table.
type scopes struct {
	g       *graph.Graph
	ops, py []graph.StackID // by launch
	known   map[scopeKey]siteID
	list    []idleSite
	ids     map[idleSite]siteID
}

type scopeKey struct {
	call    kineto.NameID
	ops, py graph.StackID
}

func newScopes(g *graph.Graph) *scopes {
	n := len(g.Trace.Launches)
	s := &scopes{g: g, ops: make([]graph.StackID, n), py: make([]graph.StackID, n), known: map[scopeKey]siteID{}, ids: map[idleSite]siteID{}}
	for i := range g.Kernels {
		if k := &g.Kernels[i]; k.Launch >= 0 && k.Replay < 0 {
			s.ops[k.Launch], s.py[k.Launch] = g.Classes[k.Class].Ops, g.Classes[k.Class].Py
		}
	}
	for i := range g.Replays {
		r := &g.Replays[i]
		s.ops[r.Launch], s.py[r.Launch] = r.Ops, r.Py
	}
	for _, x := range g.Syncs {
		s.ops[x.Launch], s.py[x.Launch] = x.Ops, x.Py
	}
	return s
}

func (s *scopes) of(launch int32) siteID {
	k := scopeKey{s.g.Trace.Launches[launch].Name, s.ops[launch], s.py[launch]}
	id, ok := s.known[k]
	if ok {
		return id
	}
	at := s.site(k)
	if id, ok = s.ids[at]; !ok {
		id = siteID(len(s.list))
		s.list, s.ids[at] = append(s.list, at), id
	}
	s.known[k] = id
	return id
}

func (s *scopes) site(k scopeKey) idleSite {
	g := s.g
	at := idleSite{call: g.Trace.Names.Text(k.call)}
	if id, ok := g.Site(k.py); ok {
		f := g.Frames.At(id)
		at.path, at.fn, at.module = f.Path, f.Func, g.Module(k.py)
	}
	if op, ok := g.Ops.Top(k.ops); ok {
		at.op = g.Trace.Names.Text(kineto.NameID(op))
	}
	return at
}

var idlePlaces = [...]string{idle.NoSteps: "", idle.Inside: report.IdleInside, idle.Between: report.IdleBetween, idle.Outside: report.IdleOutside}

var idleCauses = [idle.Causes]string{idle.Late: report.IdleLate, idle.Sync: report.IdleSync, idle.Call: report.IdleCall, idle.Wait: report.IdleWait,
	idle.Feeding: report.IdleFeeding, idle.Replayed: report.IdleReplayed, idle.Queued: report.IdleQueued, idle.Unknown: report.IdleUnknown}

// launchLatency is more than a device takes to begin with work that is there, ns: a mean gap over
// it has another cause.
const launchLatency = 50_000

// idleAdvice says what to look at, and no more than the cause carries.
func idleAdvice(c *report.IdleCause) string {
	switch c.Cause {
	case report.IdleLate:
		if c.Place == report.IdleBetween {
			return "the device waits for the host's work between the steps: prepare the next step while this one runs, or make that work shorter"
		}
		return "the device is faster than the host launches: capture this part in a graph, fuse its small kernels, or move the Python between the launches out of the step"
	case report.IdleSync:
		return "the host waits for the device and has then nothing launched ahead: leave the value on the device, or wait for it later"
	case report.IdleCall:
		graphs := len(c.Sites) > 0 && graph.IsGraphLaunch(c.Sites[0].Call) && c.Sites[0].Time*2 >= c.Time
		switch once := c.Longest*2 >= c.Time; {
		case once && graphs:
			return "one graph launch takes most of it, not the Python before it: see whether it is the first of its graph, and compare with a run without the profiler"
		case once:
			return "one call takes most of it: see whether it is the first launch of its kernel, whose code is loaded then, and leave warm-up out of the recording"
		case graphs:
			return "the device has run dry when its graphs are launched, and waits for as long as the call takes: launch ahead, or fewer and larger graphs"
		}
		return "the launch calls themselves take that long: launch fewer and larger kernels, or a graph"
	case report.IdleFeeding:
		return "the graph launch had not returned, so the host may still have been handing over its kernels: compare with a later launch of the same graph"
	case report.IdleWait:
		return "look at whether the kernel needs what the event guards"
	case report.IdleReplayed, report.IdleQueued:
		if c.Time > int64(c.Gaps)*launchLatency {
			return "launched in time, and nothing that is recorded held it back: look at the streams with --timeline, and whether another process used the device or events were lost"
		}
		return "the host is not the cause: fewer or fused kernels have fewer such gaps, programmatic dependent launch makes them shorter"
	}
	return "record the CPU activity together with the GPU's"
}
