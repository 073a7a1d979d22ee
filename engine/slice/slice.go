// Package slice prints a stretch of a trace as a rule test in the builder's notation: what
// rules can see of its kernels and nothing else. Names, durations, streams, ops, frames of
// known packages, modules, steps and graph launches are kept; paths of the machine, process
// ids and everything that ran beside the stretch are not.
//
// It writes a test, it does not judge one: what must be found is for the author to fill in.
package slice

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/rule"
)

// MaxKernels bounds a stretch: a test shows a few layers.
const MaxKernels = 2000

// Options choose the stretch.
type Options struct {
	From, To int    // kernels in order of start over all streams, From included, To not
	Stage    string // "" for any
	Stream   int64  // -1 for any
	Rule     string // the rule's id in the test
	Name     string // of the test
}

// Write prints the stretch. The order is that of the kernels' starts, counted before any is
// left out by stage or stream.
func Write(w io.Writer, g *graph.Graph, run *rule.Run, o Options) error {
	order := make([]int32, len(g.Kernels))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int {
		p, q := &g.Kernels[x], &g.Kernels[y]
		return cmp.Or(cmp.Compare(p.Ts, q.Ts), cmp.Compare(p.Act, q.Act))
	})
	if o.From < 0 || o.To > len(order) || o.From >= o.To {
		return fmt.Errorf("kernels %d to %d: the trace has %d, counted from 0", o.From, o.To, len(order))
	}
	order = slices.DeleteFunc(slices.Clone(order[o.From:o.To]), func(k int32) bool {
		n := &g.Kernels[k]
		return o.Stage != "" && g.Stages[n.Stage] != o.Stage || o.Stream >= 0 && g.Streams[n.Stream].ID != o.Stream
	})
	if len(order) == 0 {
		return fmt.Errorf("no kernel of the stretch is left: the stages are %s", strings.Join(g.Stages, ", "))
	}
	if len(order) > MaxKernels {
		return fmt.Errorf("%d kernels; a test holds at most %d", len(order), MaxKernels)
	}
	p := &printer{g: g, last: map[int32]int64{}}
	p.linef("rule: %s\ntests:\n  - name: %s", o.Rule, quote(o.Name))
	p.linef("    run: {framework: %s, vendor: %s}", quote(run.Framework), quote(run.Vendor))
	p.linef("    trace:")
	p.steps(order)
	p.linef("    expect: none # fill in what must be found")
	_, err := io.WriteString(w, p.b.String())
	return err
}

type printer struct {
	g    *graph.Graph
	b    strings.Builder
	last map[int32]int64 // end of the last kernel, by stream
}

func (p *printer) linef(format string, args ...any) {
	fmt.Fprintf(&p.b, format+"\n", args...)
}

// steps groups the kernels by step, in the order in which they began.
func (p *printer) steps(order []int32) {
	const indent = "      "
	for len(order) > 0 {
		step := p.g.Kernels[order[0]].Step
		n := run(order, func(k int32) bool { return p.g.Kernels[k].Step == step })
		if step < 0 {
			p.replays(order[:n], indent)
		} else {
			p.linef("%s- step: %s\n%s  of:", indent, quote(p.g.Trace.Names.Text(p.g.Steps[step].Name)), indent)
			p.replays(order[:n], indent+"    ")
		}
		order = order[n:]
	}
}

// replays groups the kernels of one step by graph launch.
func (p *printer) replays(order []int32, indent string) {
	for len(order) > 0 {
		replay := p.g.Kernels[order[0]].Replay
		n := run(order, func(k int32) bool { return p.g.Kernels[k].Replay == replay })
		if replay < 0 {
			p.kernels(order[:n], indent, true)
		} else {
			c := &p.g.Classes[p.g.Kernels[order[0]].Class]
			own := ""
			if c.Method == graph.Replay {
				own = p.site(c)
			}
			if own == "" {
				p.linef("%s- graph: replay\n%s  of:", indent, indent)
			} else {
				p.linef("%s- graph: replay\n%s  %s\n%s  of:", indent, indent, strings.ReplaceAll(strings.TrimPrefix(own, ", "), "], ", "]\n"+indent+"  "), indent)
			}
			p.kernels(order[:n], indent+"    ", false)
		}
		order = order[n:]
	}
}

// run is the length of the stretch at the front for which is holds.
func run(order []int32, is func(int32) bool) int {
	n := 0
	for n < len(order) && is(order[n]) {
		n++
	}
	return n
}

func (p *printer) kernels(order []int32, indent string, site bool) {
	for _, k := range order {
		n := &p.g.Kernels[k]
		word := [...]string{kineto.Kernel: "kernel", kineto.Copy: "memcpy", kineto.Set: "memset"}[n.Kind]
		s := fmt.Sprintf("%s- {%s: %s, us: %s, stream: %d", indent, word, quote(p.g.Name(n)), micros(n.Dur), max(p.g.Streams[n.Stream].ID, 0))
		if end, ok := p.last[n.Stream]; ok {
			s += ", gap_us: " + micros(n.Ts-end)
		}
		p.last[n.Stream] = n.End()
		if site {
			s += p.site(&p.g.Classes[n.Class])
		}
		p.linef("%s}", s)
	}
}

// site prints the frames, modules and ops of a class, outermost first, each behind a comma.
func (p *printer) site(c *graph.Class) string {
	var at, modules, ops []string
	for _, e := range p.g.Py.Entries(c.Py) {
		f := p.g.Frames.At(e)
		switch {
		case f.Module != "":
			modules = append(modules, quote(f.Module))
		case f.Path != "" && f.Package >= 0:
			at = append(at, quote(f.Path+"::"+f.Func))
		}
	}
	for _, e := range p.g.Ops.Entries(c.Ops) {
		ops = append(ops, quote(p.g.Trace.Names.Text(kineto.NameID(e))))
	}
	out := ""
	for _, l := range []struct {
		key  string
		list []string
	}{{"at", at}, {"module", modules}, {"op", ops}} {
		if len(l.list) > 0 {
			slices.Reverse(l.list)
			out += fmt.Sprintf(", %s: [%s]", l.key, strings.Join(l.list, ", "))
		}
	}
	return out
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
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0x2028 || r == 0x2029 {
			return 0xfffd
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
