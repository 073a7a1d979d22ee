package report

import (
	"fmt"
	"io"
	"strings"
)

// View chooses what a writer shows of a Report.
type View struct {
	// MinShare hides rows with less than this share of the GPU time, in percent.
	MinShare float64
	// Width is the number of cells of a line of text; 0 is 120. Wide prints names whole
	// and lines as long as they are.
	Width int
	Wide  bool
	// Color marks verdicts with ANSI colours.
	Color bool
}

const indent = "   "

// LeastWidth is the number of cells that a line of text has at least; tables need them.
const LeastWidth = 60

// Text writes the report for a terminal: the answer first, then the three tables.
func Text(w io.Writer, r *Report, v View) error {
	if v.Width <= 0 {
		v.Width = 120
	}
	if v.Wide {
		v.Width = 1 << 20
	}
	v.Width = max(v.Width, LeastWidth)
	t := &text{r: r, v: v}
	t.head()
	for i := range r.Stages {
		t.kernels(&r.Stages[i])
	}
	if len(r.Stages) == 0 {
		t.line("KERNELS")
		t.line(" none: the trace holds no GPU activity")
		t.line("")
	}
	t.idle()
	t.overlap()
	t.timeline()
	t.fuse()
	t.ranks()
	t.notes()
	t.conclusion()
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	b strings.Builder
	r *Report
	v View
}

func (t *text) line(s string) {
	t.b.WriteString(strings.TrimRight(s, " "))
	t.b.WriteByte('\n')
}

// para writes text wrapped, the first line behind first, the others behind rest.
func (t *text) para(first, rest, s string) {
	for i, l := range wrap(s, t.v.Width-max(width(first), width(rest))) {
		if i == 0 {
			t.line(first + l)
		} else {
			t.line(rest + l)
		}
	}
}

func (t *text) head() {
	r := t.r
	t.para("", "  ", strings.Join(facts(r), " · "))
	for _, tr := range r.Traces {
		if tr.Role == RoleRank {
			continue
		}
		s := tr.Role + ": " + clean(tr.Path)
		if tr.Role == "trace" {
			s = "trace: " + clean(tr.Path)
		}
		t.para("", "  ", s)
	}
	if others := r.otherRanks(); len(others) > 0 {
		t.para("", "  ", "compared with: "+clean(strings.Join(cut(others, 8), ", ")))
	}
	if len(r.Left) > 0 {
		t.para("", "  ", fmt.Sprintf("left unread in the directory: %s (%s)", plural(len(r.Left), "other trace"), clean(strings.Join(cut(r.Left, 4), ", "))))
	}
	if a := argsLine(r); a != "" {
		t.para("", "  ", a)
	}
	t.para("", "  ", "sites: "+attribution(r))
	for i := range r.Alignment {
		t.para("", "  ", r.Alignment[i].text())
	}
	for _, s := range r.Warnings {
		t.para("warning: ", "  ", clean(s))
	}
	for i := range r.Doubts {
		t.para("mind: ", "  ", clean(r.Doubts[i].text(r)))
	}
	if len(r.Conclusion) > 0 {
		t.para("", "  ", clean(r.Headline))
	}
	t.line("")
}

// facts are the parts of the first line: what ran, where, how much and how long.
func facts(r *Report) []string {
	var out []string
	var stages []string
	for _, s := range r.Stages {
		if s.Name == "outside steps" && len(r.Stages) > 1 {
			continue
		}
		d := s.Name
		if s.Steps > 0 {
			d += " (" + plural(s.Steps, "step")
			if s.Layers > 1 {
				d += fmt.Sprintf(" of %d layers", s.Layers)
			}
			d += ")"
		}
		stages = append(stages, d)
	}
	if len(stages) > 0 {
		out = append(out, strings.Join(stages, ", "))
	}
	if f := frameworkName(r.Run.Framework); f != "" {
		if r.Run.Model != "" {
			f += " " + clean(r.Run.Model)
		}
		out = append(out, f)
	} else {
		out = append(out, "framework not recognised")
	}
	gpu := clean(r.Run.GPU)
	if gpu == "" {
		gpu = "GPU not named"
		if r.Run.Vendor != "" {
			gpu = map[string]string{"amd": "AMD", "nvidia": "NVIDIA"}[r.Run.Vendor] + " (" + gpu + ")"
		}
	}
	if n := len(r.Load); n > 0 {
		gpu = fmt.Sprintf("%d × %s", n, gpu)
	}
	out = append(out, gpu)
	if r.Run.Rank >= 0 && r.Run.World > 1 {
		out = append(out, fmt.Sprintf("rank %d of %d", r.Run.Rank, r.Run.World))
	}
	load := Duration(r.Total) + " GPU time"
	if len(r.Load) == 1 && r.Load[0].Window > 0 {
		load += " in " + Duration(r.Load[0].Window) + ", " + Percent(r.Load[0].WindowIdle, r.Load[0].Window) + " idle"
	}
	return append(out, load)
}

func frameworkName(f string) string {
	switch f {
	case "sglang":
		return "SGLang"
	case "vllm":
		return "vLLM"
	case "tensorrt-llm":
		return "TensorRT-LLM"
	case "tokenspeed":
		return "TokenSpeed"
	}
	return f
}

func argsLine(r *Report) string {
	if r.Run.ArgsFrom == "" {
		return ""
	}
	return fmt.Sprintf("server arguments: %d from %s", len(r.Run.Args), clean(r.Run.ArgsFrom))
}

func attribution(r *Report) string {
	a := r.Attribution
	var parts []string
	for _, p := range []struct {
		ns   int64
		what string
	}{
		{a.Launch, "of GPU time exactly by launch"}, {a.Node, "exactly by graph node"}, {a.Aligned, "exactly by alignment with the mapping trace"},
		{a.Neighbour, "by aligned neighbours (≈, another kernel stood there)"}, {a.Replay, "by graph replay only"}, {a.None, "not at all"},
	} {
		if p.ns > 0 || p.what == "of GPU time exactly by launch" {
			parts = append(parts, Percent(p.ns, r.Total)+" "+p.what)
		}
	}
	s := strings.Join(parts, ", ")
	if a.Replays > 0 {
		s += fmt.Sprintf(" (%s of %s)", plural(a.Replayed, "kernel"), plural(a.Replays, "graph launch"))
	}
	if a.NoLaunch > 0 {
		s += fmt.Sprintf("; %s without a launch event", plural(a.NoLaunch, "kernel"))
	}
	return s
}

func (a *Alignment) text() string {
	s := fmt.Sprintf("alignment: %d of %d replayed kernels took the site of their own launch, %s of the replayed time", a.Node+a.Aligned, a.Replayed, Percent(a.NodeTime+a.AlignedTime, a.ReplayedTime))
	if a.Node > 0 {
		s += fmt.Sprintf(" (%d by graph node id, %d by their place)", a.Node, a.Aligned)
	}
	if a.Neighbour > 0 {
		s += fmt.Sprintf("; %d more by their neighbours (%s)", a.Neighbour, Percent(a.NeighbourTime, a.ReplayedTime))
	}
	for _, l := range a.Left {
		s += fmt.Sprintf("; %d not, %s: %s", l.Kernels, Duration(l.Time), l.Reason)
	}
	return s
}

// columns of the kernel table; what is left of the width is shared by name and site.
const (
	familyCol = 15
	timeCol   = 11
	shareCol  = 8
	countCol  = 9
)

func (t *text) kernels(s *Stage) {
	r := t.r
	if s.LayerCounts != nil {
		t.layers(s)
		return
	}
	steps := r.steps(s.Name)
	rows, hidden, hiddenTime := r.kernelsOf(s, t.v.MinShare)
	title := "KERNELS"
	if len(r.Stages) > 1 {
		title += " · " + s.Name + " · " + Duration(s.Time) + ", " + Percent(s.Time, r.Total)
	}
	if p := r.per(s); p != "" {
		title += " · " + p
	}
	name, site := t.split(rows)
	head := " " + pad("family", familyCol) + pad("kernel", name)
	head += left("time", timeCol) + left("share", shareCol) + left("launches", countCol)
	narrow := site == 0
	if !narrow {
		head += "  where"
	}
	t.para("", "  ", title)
	if len(rows) > 0 {
		t.line(head)
	}
	for _, k := range rows {
		label := k.Label
		if t.v.Wide {
			label = k.Name
		}
		l := " " + pad(clean(k.Family), familyCol) + pad(clean(label), name) +
			left(Duration(mean(k.Time, steps)), timeCol) + left(Percent(k.Time, r.Total), shareCol) + left(meanCount(k.Launches, steps), countCol)
		at := siteOf(k.Sites, k.Ops, k.Time, t.v.Wide)
		wait := k.waited()
		switch {
		case t.v.Wide:
			l += "  " + wait + at
		case !narrow:
			l += "  " + wait + middle(at, site-width(wait))
		}
		t.line(l)
		if narrow {
			t.line(" " + strings.Repeat(" ", familyCol) + wait + middle(at, t.v.Width-familyCol-1-width(wait)))
		}
	}
	if hidden > 0 {
		t.para(" ", " ", fmt.Sprintf("%s under %s %% each, %s together, not shown", plural(hidden, "kernel"), bar(t.v.MinShare), Percent(hiddenTime, r.Total)))
	}
	if len(rows) == 0 && hidden == 0 {
		t.line(" none in this stage")
	}
	t.outliers(s)
	t.line("")
}

// split gives the widths of the name and site columns; site 0 puts the site on a line
// of its own.
func (t *text) split(rows []KernelRow) (name, site int) {
	longest := 12
	for _, k := range rows {
		l := k.Label
		if t.v.Wide {
			l = k.Name
		}
		longest = max(longest, width(clean(l)))
	}
	if t.v.Wide {
		return longest, longest
	}
	rest := t.v.Width - 1 - familyCol - timeCol - shareCol - countCol
	if rest < 70 {
		return rest, 0
	}
	name = min(longest+1, max(44, rest/2))
	return name, rest - name - 2
}

func bar(p float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", p), "0"), ".")
}

func cut(list []string, n int) []string {
	if len(list) > n {
		return append(append([]string(nil), list[:n]...), fmt.Sprintf("… %d in all", len(list)))
	}
	return list
}

func (t *text) conclusion() {
	t.line("CONCLUSION")
	for _, s := range t.r.Conclusion {
		t.para(" ", " ", clean(s))
	}
}
