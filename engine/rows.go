package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// labelWidth is the room a kernel's short label may take, in cells.
const labelWidth = 44

// siteTally sums launches and time by site: by class while it counts, since all kernels of a
// class have one place.
type siteTally struct {
	g       *graph.Graph
	classes map[graph.ClassID]*classTime
	last    *classTime // the class counted last, which is mostly the next one's too
	lastID  graph.ClassID
}

type classTime struct {
	count int
	time  int64 // ns
}

func newSites(g *graph.Graph) *siteTally {
	return &siteTally{g: g, classes: map[graph.ClassID]*classTime{}}
}

func (t *siteTally) add(k *graph.Kernel) {
	if t.last == nil || t.lastID != k.Class {
		c := t.classes[k.Class]
		if c == nil {
			c = &classTime{}
			t.classes[k.Class] = c
		}
		t.last, t.lastID = c, k.Class
	}
	t.last.count++
	t.last.time += k.Dur
}

// list gives the sites by time, most first. An unresolved site stands last unless it is
// the only one.
func (t *siteTally) list() []report.Site {
	type key struct {
		path, fn, module string
		method           graph.Method
	}
	at := map[key]*report.Site{}
	for _, id := range t.inOrder() {
		c := &t.g.Classes[id]
		k, line := key{method: c.Method}, 0
		if frame, ok := t.g.Site(c.Py); ok {
			f := t.g.Frames.At(frame)
			k.path, k.fn, line = f.Path, f.Func, f.Line
			k.module = t.g.Module(c.Py)
		}
		s := at[k]
		if s == nil {
			s = &report.Site{Path: k.path, Func: k.fn, Module: k.module, Line: line, Method: c.Method.String()}
			at[k] = s
		}
		s.Count += t.classes[id].count
		s.Time += t.classes[id].time
	}
	out := make([]report.Site, 0, len(at))
	for _, s := range at {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b report.Site) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Path, b.Path), strings.Compare(a.Func, b.Func),
			strings.Compare(a.Module, b.Module), strings.Compare(a.Method, b.Method))
	})
	return out
}

// inOrder lists the classes as they first appear in the graph, so that of two lines of one
// function the same is shown every time.
func (t *siteTally) inOrder() []graph.ClassID { return slices.Sorted(maps.Keys(t.classes)) }

// opList gives the time by innermost cpu op, most first.
func (t *siteTally) opList() []report.Op {
	ops := map[kineto.NameID]int64{}
	for id, c := range t.classes {
		if op, ok := t.g.Ops.Top(t.g.Classes[id].Ops); ok {
			ops[kineto.NameID(op)] += c.time
		}
	}
	var out []report.Op
	for op, ns := range ops {
		out = append(out, report.Op{Name: t.g.Trace.Names.Text(op), Time: ns})
	}
	slices.SortFunc(out, func(a, b report.Op) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Name, b.Name))
	})
	return out
}

// kernelRows sums the kernels of a part by stage and name.
func kernelRows(p *part, stages []string) []report.KernelRow {
	g := p.graph
	type key struct {
		stage graph.StageID
		sym   graph.SymID
	}
	type tally struct {
		row     report.KernelRow
		sites   *siteTally
		streams map[int64]bool
	}
	rows := map[key]*tally{}
	var order []key
	for i := range g.Kernels {
		k := &g.Kernels[i]
		id := key{k.Stage, k.Sym}
		t := rows[id]
		if t == nil {
			s := g.Symbol(k)
			t = &tally{sites: newSites(g), streams: map[int64]bool{}}
			t.row = report.KernelRow{Stage: stages[k.Stage], Name: s.Raw, Symbol: s.Qualified(), Label: symbol.Short(s, labelWidth),
				Family: p.found.Family[k.Sym], Min: k.Dur, Max: k.Dur}
			rows[id] = t
			order = append(order, id)
		}
		t.row.Time += k.Dur
		t.row.Launches++
		t.row.Min, t.row.Max = min(t.row.Min, k.Dur), max(t.row.Max, k.Dur)
		t.row.Waiting += p.calls[int32(i)].Waiting
		t.sites.add(k)
		t.streams[g.Streams[k.Stream].ID] = true
	}
	out := make([]report.KernelRow, 0, len(order))
	for _, id := range order {
		t := rows[id]
		t.row.Sites, t.row.Ops = t.sites.list(), t.sites.opList()
		t.row.Streams = keys(t.streams)
		out = append(out, t.row)
	}
	return out
}

func keys(m map[int64]bool) []int64 {
	out := make([]int64, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// labels numbers the kernels of one stage whose short labels are the same.
func labels(r *report.Report) {
	type key struct{ stage, label string }
	count := map[key]int{}
	for i := range r.Kernels {
		count[key{r.Kernels[i].Stage, r.Kernels[i].Label}]++
	}
	seen := map[key]int{}
	for i := range r.Kernels {
		k := key{r.Kernels[i].Stage, r.Kernels[i].Label}
		if count[k] > 1 {
			seen[k]++
			r.Kernels[i].Label = fmt.Sprintf("%s #%d", k.label, seen[k])
		}
	}
}
