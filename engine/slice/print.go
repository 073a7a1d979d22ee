package slice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

const (
	maxName = 8 << 10         // bytes of a name that the notation takes
	maxGap  = 100_000_000_000 // ns of a gap that it takes
	minGap  = -1_000_000_000
)

// printer writes items and follows the clocks of the builder's streams, so that the gaps that
// it states give the times of the trace again.
type printer struct {
	g      *graph.Graph
	b      strings.Builder
	ids    map[int32]int64 // the stream's number in the test, by index of Graph.Streams
	end    map[int32]int64 // of what a stream has done, ns
	base   int64           // when a stream begins that has done nothing
	events int
	err    error
}

func newPrinter(g *graph.Graph, order []int32) *printer {
	p := &printer{g: g, ids: map[int32]int64{}, end: map[int32]int64{}, base: g.Kernels[order[0]].Ts - tracebuild.DefaultGap}
	taken := map[int64]bool{}
	for _, k := range order {
		s := g.Kernels[k].Stream
		if _, ok := p.ids[s]; ok {
			continue
		}
		id := max(g.Streams[s].ID, 0)
		for taken[id] { // two devices, or two ranks of a merged trace, have streams of one number
			id++
		}
		taken[id] = true
		p.ids[s] = id
	}
	return p
}

func (p *printer) linef(format string, args ...any) {
	fmt.Fprintf(&p.b, format+"\n", args...)
}

// name is a text of the trace as a YAML scalar.
func (p *printer) name(s, what string) string {
	if (s == "" || len(s) > maxName) && p.err == nil {
		p.err = fmt.Errorf("%s has a name of %d bytes; a test takes 1 to %d: choose a stretch without it", what, len(s), maxName)
	}
	return quote(s)
}

// steps puts the kernels of a step under one item, steps in the order in which they began.
func (p *printer) steps(order []int32) {
	const indent = "      "
	for _, x := range groups(p.g, order, func(k *graph.Kernel) int32 { return k.Step }) {
		name, why := "", ""
		if x.key >= 0 {
			name = p.g.Trace.Names.Text(p.g.Steps[x.key].Name)
		} else if s := p.g.Stages[p.g.Kernels[x.kernels[0]].Stage]; s == graph.StageExtend || s == graph.StageDecode {
			name, why = s, " # the file's name says so" // a test has no file name
		}
		in := indent
		if name != "" {
			p.linef("%s- step: %s%s\n%s  of:", indent, p.name(name, "a step"), why, indent)
			in += "    "
		}
		p.units(x.kernels, in)
	}
}

// unit is what one launch started, as far as the stretch has it.
type unit struct {
	replay  int32 // -1: one kernel
	kernels []int32
	first   map[int32]int32 // by stream
	last    map[int32]int32
}

// units prints the launches of a step with the waits between them.
func (p *printer) units(order []int32, indent string) {
	next := int32(-1)
	var list []unit
	where := map[int32]int{}
	for _, x := range groups(p.g, order, func(k *graph.Kernel) int32 {
		if k.Replay >= 0 {
			return k.Replay
		}
		next-- // each launch is its own
		return next
	}) {
		u := unit{replay: max(x.key, -1), kernels: x.kernels, first: map[int32]int32{}, last: map[int32]int32{}}
		for _, k := range x.kernels {
			s := p.g.Kernels[k].Stream
			if _, ok := u.first[s]; !ok {
				u.first[s] = k
			}
			u.last[s] = k
			where[k] = len(list)
		}
		list = append(list, u)
	}
	records, waits := p.waits(list, where)
	for i, u := range list {
		for _, w := range waits[i] {
			p.linef("%s- {wait: e%d, stream: %d}", indent, w.event, p.ids[w.to])
			p.end[w.to] = max(p.clock(w.to), w.at[0])
		}
		if u.replay >= 0 {
			p.replay(u, indent)
		} else {
			p.kernel(u.kernels[0], indent, true)
		}
		for _, w := range records[i] {
			p.linef("%s- {record: e%d, stream: %d}", indent, w.event, p.ids[w.from])
			w.at[0] = p.clock(w.from)
		}
	}
}

// wait is a recorded dependency between two units.
type wait struct {
	event    int
	from, to int32     // streams
	at       *[1]int64 // ns, when the event was recorded; set when it is
}

// waits finds the dependencies that a test can say: the event is recorded behind the last
// kernel that a unit has on its stream and waited for before the first of a later unit.
func (p *printer) waits(list []unit, where map[int32]int) (records, waits map[int][]wait) {
	records, waits = map[int][]wait{}, map[int][]wait{}
	for _, w := range p.g.Waits {
		from, ok1 := where[w.From]
		to, ok2 := where[w.To]
		if !ok1 || !ok2 || from >= to {
			continue
		}
		a, b := p.g.Kernels[w.From].Stream, p.g.Kernels[w.To].Stream
		if list[from].last[a] != w.From || list[to].first[b] != w.To {
			continue
		}
		p.events++
		x := wait{p.events, a, b, new([1]int64)}
		records[from] = append(records[from], x)
		waits[to] = append(waits[to], x)
	}
	return records, waits
}

func (p *printer) clock(stream int32) int64 {
	if t, ok := p.end[stream]; ok {
		return t
	}
	return p.base
}

// replay prints a graph launch. Its kernels begin behind the earlier work of the stream that
// it was launched on, and that stream goes on behind all of them.
func (p *printer) replay(u unit, indent string) {
	own := p.g.Kernels[u.kernels[0]].Stream
	p.linef("%s- graph: replay\n%s  stream: %d", indent, indent, p.ids[own])
	c := &p.g.Classes[p.g.Kernels[u.kernels[0]].Class]
	if c.Method == graph.Replay {
		parts, cut := p.site(c)
		for _, s := range parts {
			p.linef("%s  %s", indent, s)
		}
		if cut != "" {
			p.linef("%s  %s", indent, cut)
		}
	}
	p.linef("%s  of:", indent)
	from := p.clock(own)
	end := from
	for s := range u.first {
		p.end[s] = max(p.clock(s), from)
	}
	for _, k := range u.kernels {
		p.kernel(k, indent+"    ", false)
		end = max(end, p.end[p.g.Kernels[k].Stream])
	}
	p.end[own] = end
}

func (p *printer) kernel(k int32, indent string, site bool) {
	n := &p.g.Kernels[k]
	word := [...]string{kineto.Kernel: "kernel", kineto.Copy: "memcpy", kineto.Set: "memset"}[n.Kind]
	end := p.clock(n.Stream)
	s := fmt.Sprintf("%s- {%s: %s, us: %s, stream: %d", indent, word, p.name(p.g.Name(n), "a kernel"), micros(n.Dur), p.ids[n.Stream])
	if gap := min(max(n.Ts-end, minGap), maxGap); gap != tracebuild.DefaultGap {
		s += ", gap_us: " + micros(gap)
	}
	p.end[n.Stream] = max(end, n.End())
	cut := ""
	if site {
		var parts []string
		if parts, cut = p.site(&p.g.Classes[n.Class]); len(parts) > 0 {
			s += ", " + strings.Join(parts, ", ")
		}
	}
	p.linef("%s}%s", s, strings.TrimSuffix(" "+cut, " "))
}

// site gives the frames, modules and ops of a class, each outermost first, and a comment where
// there are more than the notation takes.
func (p *printer) site(c *graph.Class) (parts []string, cut string) {
	var at, modules, ops []string
	for _, e := range p.g.Py.Entries(c.Py) {
		f := p.g.Frames.At(e)
		switch {
		case f.Module != "":
			modules = append(modules, f.Module)
		case f.Path != "" && f.Package >= 0 && f.Func != "":
			at = append(at, f.Path+"::"+f.Func)
		}
	}
	for _, e := range p.g.Ops.Entries(c.Ops) {
		if s := p.g.Trace.Names.Text(kineto.NameID(e)); s != "" {
			ops = append(ops, s)
		}
	}
	left := 0
	for _, l := range []struct {
		key  string
		list []string // innermost first
	}{{"at", at}, {"module", modules}, {"op", ops}} {
		if len(l.list) == 0 {
			continue
		}
		if more := len(l.list) - tracebuild.MaxStack; more > 0 {
			l.list, left = l.list[:tracebuild.MaxStack], left+more
		}
		slices.Reverse(l.list)
		for i, s := range l.list {
			l.list[i] = p.name(s, "a frame, module or op")
		}
		parts = append(parts, fmt.Sprintf("%s: [%s]", l.key, strings.Join(l.list, ", ")))
	}
	if left > 0 {
		cut = fmt.Sprintf("# %d outer frames, modules and ops are left out", left)
	}
	return parts, cut
}

// micros prints ns as microseconds, exactly.
func micros(ns int64) string {
	sign := ""
	if ns < 0 {
		sign, ns = "-", -ns
	}
	s := sign + strconv.FormatInt(ns/1000, 10)
	if r := ns % 1000; r != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%03d", r), "0")
	}
	return s
}

// quote makes a single-quoted YAML scalar. What cannot stand in one becomes U+FFFD: control
// characters, which no kernel is named by.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0x2028 || r == 0x2029 || r == 0xfffe || r == 0xffff {
			return 0xfffd
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
