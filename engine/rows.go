package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/report"
	"github.com/sgrules/sgrules/engine/symbol"
)

// labelWidth is the room a kernel's short label may take, in cells.
const labelWidth = 44

// siteTally sums launches and time by site.
type siteTally struct {
	g   *graph.Graph
	at  map[siteKey]*report.Site
	ops map[kineto.NameID]int64 // time by innermost cpu_op
}

type siteKey struct {
	path, fn, module string
	method           graph.Method
}

func newSites(g *graph.Graph) *siteTally {
	return &siteTally{g, map[siteKey]*report.Site{}, map[kineto.NameID]int64{}}
}

func (t *siteTally) add(k *graph.Kernel) {
	if op, ok := t.g.Ops.Top(t.g.Classes[k.Class].Ops); ok {
		t.ops[kineto.NameID(op)] += k.Dur
	}
	key := siteKey{method: k.Method}
	line := 0
	if id, ok := t.g.Site(t.g.Classes[k.Class].Py); ok {
		f := t.g.Frames.At(id)
		key.path, key.fn, line = f.Path, f.Func, f.Line
		key.module = t.g.Module(t.g.Classes[k.Class].Py)
	}
	s := t.at[key]
	if s == nil {
		s = &report.Site{Path: key.path, Func: key.fn, Module: key.module, Line: line, Method: k.Method.String()}
		t.at[key] = s
	}
	s.Count++
	s.Time += k.Dur
}

// list gives the sites by time, most first. An unresolved site stands last unless it is
// the only one.
func (t *siteTally) list() []report.Site {
	out := make([]report.Site, 0, len(t.at))
	for _, s := range t.at {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b report.Site) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Path, b.Path), strings.Compare(a.Func, b.Func),
			strings.Compare(a.Module, b.Module), strings.Compare(a.Method, b.Method))
	})
	return out
}

func (t *siteTally) opList() []report.Op {
	var out []report.Op
	for op, ns := range t.ops {
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
