package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// LayerCounts counts the layers of a stage's steps by their place in the step.
type LayerCounts struct {
	First int `json:"first"` // one a step with layers
	Inner int `json:"inner"`
	Last  int `json:"last"`
}

// KernelLayers is the time of one kernel by place in the layers of its steps. The parts add up
// to the kernel's row.
type KernelLayers struct {
	First LayerPart `json:"first"`
	Inner LayerPart `json:"inner"`
	Last  LayerPart `json:"last"`
	// Outside is what is in no layer: before, between and behind them, on other streams than
	// the busiest, and outside steps.
	Outside LayerPart `json:"outside"`
}

// LayerPart is one part of a kernel's time.
type LayerPart struct {
	Time     int64 `json:"time_ns"`
	Launches int   `json:"launches"`
}

// The divisions a report can be read by besides the whole run; see Report.Per.
const (
	perStep  = "step"
	perLayer = "layer"
)

// steps is what times and counts of a stage are divided by when it is shown: its steps, and 1
// for the whole run or a stage without steps.
func (r *Report) steps(stage string) int {
	if r.Per == "" {
		return 1
	}
	for i := range r.Stages {
		if s := &r.Stages[i]; s.Name == stage && s.Steps > 0 {
			return s.Steps
		}
	}
	return 1
}

// per says what the times of a stage's table are, "" for those of the run.
func (r *Report) per(s *Stage) string {
	if r.Per == "" {
		return ""
	}
	if s.Steps == 0 {
		return "whole, for it has no steps"
	}
	t := "per step, mean of " + plural(s.Steps, "step")
	if s.Unstepped > 0 {
		t += " and what was launched between them"
	}
	if r.Per == perLayer {
		t += "; no layers were found"
	}
	return t
}

// mean is ns divided by n, rounded half up.
func mean(ns int64, n int) int64 {
	if n <= 1 {
		return ns
	}
	return (ns + int64(n)/2) / int64(n)
}

// meanCount prints count/n: whole where it is, else with one decimal, and two under a tenth.
func meanCount(count, n int) string {
	switch {
	case n <= 1:
		return group(count)
	case count%n == 0:
		return group(count / n)
	case count*10 < n:
		return fixed(int64(count), int64(n), 2)
	}
	return fixed(int64(count), int64(n), 1)
}

// scaled is the row as it is shown for one step of its stage, and the GPU time that its shares
// are of.
func (r *Report) scaled(f *FuseRow) (*FuseRow, int64) {
	n := r.steps(f.Stage)
	if n <= 1 {
		return f, r.Total
	}
	g := *f
	g.Bound, g.BoundGaps, g.Transfer, g.Waiting = mean(f.Bound, n), mean(f.BoundGaps, n), mean(f.Transfer, n), mean(f.Waiting, n)
	for _, s := range []*Side{&g.Fused, &g.Split} {
		s.Time, s.Together = mean(s.Time, n), mean(s.Together, n)
		s.Evidence = slices.Clone(s.Evidence)
		for i := range s.Evidence {
			e := &s.Evidence[i]
			e.Time, e.Gaps = mean(e.Time, n), mean(e.Gaps, n)
			e.Kernels = slices.Clone(e.Kernels)
			for j := range e.Kernels {
				e.Kernels[j].Time = mean(e.Kernels[j].Time, n)
			}
		}
	}
	g.ByDesign = slices.Clone(f.ByDesign)
	for i := range g.ByDesign {
		g.ByDesign[i].Time = mean(g.ByDesign[i].Time, n)
	}
	g.Alternatives = slices.Clone(f.Alternatives)
	for i := range g.Alternatives {
		g.Alternatives[i].Time = mean(g.Alternatives[i].Time, n)
	}
	return &g, mean(r.Total, n)
}

// inLayers is the time of a kernel in layers.
func (k *KernelLayers) inLayers() int64 { return k.First.Time + k.Inner.Time + k.Last.Time }

// differs tells a first or last layer's part that is worth a column's cell: other launches than
// an inner layer has, or a time that differs by more than a tenth. Both are means.
func differs(p LayerPart, n int, inner LayerPart, m int) bool {
	if n == 0 {
		return false
	}
	if m == 0 {
		return p.Launches > 0
	}
	// Cross-multiplied: p/n against inner/m. Counts are small and times fit 100 days of ns.
	if p.Launches*m != inner.Launches*n {
		return true
	}
	a, b := mean(p.Time, n), mean(inner.Time, m)
	return abs(a-b)*10 > b
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// layerRow is one line of a table by layer.
type layerRow struct {
	k                  *KernelRow
	inner, first, last string
	count              string
	time               int64 // of the run, for its share
}

// ends are the cells of the first and last layer in words.
func (x *layerRow) ends() (s string) {
	if x.first != "" {
		s = "first " + x.first + " · "
	}
	if x.last != "" {
		s += "last " + x.last + " · "
	}
	return s
}

// layerRows gives the kernels of a stage that have time in layers over the bar, and those that
// have it outside; the rest is counted.
func (r *Report) layerRows(s *Stage, bar float64) (in, out []layerRow, hidden int, hiddenTime int64) {
	c := s.LayerCounts
	for i := range r.Kernels {
		k := &r.Kernels[i]
		if k.Stage != s.Name || k.Layers == nil {
			continue
		}
		l := k.Layers
		shown := false
		if t := l.inLayers(); t > 0 && !below(t, r.Total, bar) {
			shown = true
			row := layerRow{k: k, inner: "–", count: "–", time: t}
			if c.Inner > 0 {
				row.inner, row.count = Duration(mean(l.Inner.Time, c.Inner)), meanCount(l.Inner.Launches, c.Inner)
			}
			if differs(l.First, c.First, l.Inner, c.Inner) {
				row.first = Duration(mean(l.First.Time, c.First))
			}
			if differs(l.Last, c.Last, l.Inner, c.Inner) {
				row.last = Duration(mean(l.Last.Time, c.Last))
			}
			in = append(in, row)
		}
		if t := l.Outside.Time; t > 0 && !below(t, r.Total, bar) {
			shown = true
			out = append(out, layerRow{k: k, inner: Duration(mean(t, s.Steps)), count: meanCount(l.Outside.Launches, s.Steps), time: t})
		}
		if !shown {
			hidden++
			hiddenTime += k.Time
		}
	}
	byTime := func(a, b layerRow) int { return cmp.Compare(b.time, a.time) }
	slices.SortStableFunc(in, byTime)
	slices.SortStableFunc(out, byTime)
	return in, out, hidden, hiddenTime
}

// perLayerTitle says what the table by layer is a mean of.
func (s *Stage) perLayerTitle() string {
	c := s.LayerCounts
	n := c.First + c.Inner + c.Last
	t := fmt.Sprintf("per layer, mean of %s of %s", plural(c.Inner, "inner layer"), plural(c.First, "step"))
	if s.Steps > c.First {
		t += fmt.Sprintf(" (%d more have none)", s.Steps-c.First)
	}
	return t + fmt.Sprintf("; %d layers in all", n)
}

const outsideNote = "outside the layers, per step: before and behind them, on other streams than the busiest, and between the steps"

func (t *text) layers(s *Stage) {
	r := t.r
	in, out, hidden, hiddenTime := r.layerRows(s, t.v.MinShare)
	title := "KERNELS"
	if len(r.Stages) > 1 {
		title += " · " + s.Name + " · " + Duration(s.Time) + ", " + Percent(s.Time, r.Total)
	}
	t.para("", "  ", clean(title+" · "+s.perLayerTitle()))
	t.layerTable(in, true)
	if len(out) > 0 {
		t.para(" ", " ", outsideNote)
		t.layerTable(out, false)
	}
	if hidden > 0 {
		t.para(" ", " ", fmt.Sprintf("%s under %s %% each, %s together, not shown", plural(hidden, "kernel"), bar(t.v.MinShare), Percent(hiddenTime, r.Total)))
	}
	t.outliers(s)
	t.line("")
}

func (t *text) layerTable(rows []layerRow, layers bool) {
	if len(rows) == 0 {
		if layers {
			t.line(" none in the layers")
		}
		return
	}
	const least, wanted = 12, 30 // cells of a name
	fixedCols := 1 + familyCol + timeCol + shareCol + countCol
	ends := layers && fixedCols+2*timeCol+wanted <= t.v.Width // else they stand with the site
	if ends {
		fixedCols += 2 * timeCol
	}
	longest := least
	for _, x := range rows {
		longest = max(longest, width(clean(t.labelOf(x.k))))
	}
	name := max(least, min(longest+1, t.v.Width-fixedCols))
	site := t.v.Width - fixedCols - name - 2
	head := " " + pad("family", familyCol) + pad("kernel", name) + left("time", timeCol) + left("share", shareCol) + left("launches", countCol)
	if ends {
		head += left("first", timeCol) + left("last", timeCol)
	}
	narrow := site < 44
	if !narrow {
		head += "  where"
	}
	t.line(head)
	for _, x := range rows {
		l := " " + pad(clean(x.k.Family), familyCol) + pad(clean(t.labelOf(x.k)), name) + left(x.inner, timeCol) + left(Percent(x.time, t.r.Total), shareCol) + left(x.count, countCol)
		at := siteOf(x.k.Sites, x.k.Ops, x.k.Time, t.v.Wide)
		before := x.k.waited()
		if ends {
			l += left(x.first, timeCol) + left(x.last, timeCol)
		} else {
			before = x.ends() + before
		}
		if !narrow {
			l += "  " + before + middle(at, site-width(before))
		}
		t.line(l)
		if narrow {
			t.below(before, at)
		}
	}
}

// below prints what stands before a kernel's place, and the place, under the kernel's line: on
// one line, or on lines of their own where that leaves the place no room.
func (t *text) below(before, at string) {
	const least = 12
	margin := strings.Repeat(" ", 1+familyCol)
	if room := t.v.Width - len(margin); width(before)+least <= room {
		t.line(margin + before + middle(at, room-width(before)))
		return
	}
	t.para(margin, margin, strings.TrimSuffix(before, " · "))
	t.line(margin + middle(at, t.v.Width-len(margin)))
}

func (t *text) labelOf(k *KernelRow) string {
	if t.v.Wide {
		return k.Name
	}
	return k.Label
}

func (m *markdown) layers(s *Stage) {
	r := m.r
	in, out, hidden, hiddenTime := r.layerRows(s, m.v.MinShare)
	m.printf("## Kernels")
	if len(r.Stages) > 1 {
		m.printf(": %s (%s, %s)", md(s.Name), Duration(s.Time), Percent(s.Time, r.Total))
	}
	m.printf("\n\n%s.\n\n", md(upperFirst(s.perLayerTitle())))
	if len(in) > 0 {
		m.printf("| family | kernel | time | share | launches | first | last | where |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n")
	} else {
		m.printf("None in the layers.\n")
	}
	for _, x := range in {
		m.row(md(x.k.Family), md(m.labelOf(x.k)), x.inner, Percent(x.time, r.Total), x.count, x.first, x.last, md(x.k.waited()+where(x.k.Sites, x.k.Time, true)))
	}
	if len(out) > 0 {
		m.printf("\n%s.\n\n| family | kernel | time | share | launches | where |\n| --- | --- | ---: | ---: | ---: | --- |\n", upperFirst(outsideNote))
		for _, x := range out {
			m.row(md(x.k.Family), md(m.labelOf(x.k)), x.inner, Percent(x.time, r.Total), x.count, md(x.k.waited()+where(x.k.Sites, x.k.Time, true)))
		}
	}
	if hidden > 0 {
		m.printf("\n%s under %s %% each, %s together, not shown.\n", plural(hidden, "kernel"), bar(m.v.MinShare), Percent(hiddenTime, r.Total))
	}
	m.printf("\n")
	m.outliers(s)
}

func (m *markdown) labelOf(k *KernelRow) string {
	if m.v.Wide {
		return k.Name
	}
	return k.Label
}

// perFuse and perOverlap say in a table's heading what its times are, where others are read by
// step.
func (r *Report) perFuse() string {
	if r.Per == "" {
		return ""
	}
	for i := range r.Stages {
		if r.Stages[i].Steps > 0 {
			return " · per step of the stage"
		}
	}
	return " · whole, for there are no steps"
}

func (r *Report) perOverlap() string {
	if r.Per == "" {
		return ""
	}
	return " · whole run"
}
