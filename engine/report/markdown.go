package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Markdown writes the report as GitHub-flavoured Markdown: the same tables as Text, with
// full paths, fit to be pasted into an issue. Text from traces is escaped: it can open no
// cell, no tag, no link and no code span.
func Markdown(w io.Writer, r *Report, v View) error {
	m := &markdown{r: r, v: v}
	m.head()
	for i := range r.Stages {
		m.kernels(&r.Stages[i])
	}
	if len(r.Stages) == 0 {
		m.printf("## Kernels\n\nNone: the trace holds no GPU activity.\n\n")
	}
	m.idle()
	m.overlap()
	m.timeline()
	m.fuse()
	m.ranks()
	m.notes()
	m.printf("## Conclusion\n\n")
	for _, s := range r.Conclusion {
		m.printf("%s\n", md(s))
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

type markdown struct {
	b strings.Builder
	r *Report
	v View
}

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(&m.b, format, args...) }

// md escapes text for a Markdown table cell or paragraph.
func md(s string) string {
	s = clean(s)
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '\\', '`', '*', '_', '[', ']', '|', '~', '$', '!', '#', '@':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	// "https://" would become a link on its own.
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), "://", ":&#47;/"), "www.", "www&#46;")
}

func (m *markdown) row(cells ...string) { m.printf("| %s |\n", strings.Join(cells, " | ")) }

func (m *markdown) head() {
	r := m.r
	m.printf("# GPU time by kernel, overlap and fusion\n\n%s\n\n", md(strings.Join(facts(r), " · ")))
	for _, t := range r.Traces {
		m.printf("- %s: %s\n", md(t.Role), md(t.Path))
	}
	if len(r.Left) > 0 {
		m.printf("- left unread in the directory: %s\n", md(strings.Join(cut(r.Left, 8), ", ")))
	}
	if a := argsLine(r); a != "" {
		m.printf("- %s\n", md(a))
	}
	m.printf("- sites: %s\n", md(attribution(r)))
	for i := range r.Alignment {
		m.printf("- %s\n", md(r.Alignment[i].text()))
	}
	for _, s := range r.Warnings {
		m.printf("- **warning:** %s\n", md(s))
	}
	for i := range r.Doubts {
		m.printf("- **mind:** %s\n", md(r.Doubts[i].text(r)))
	}
	m.printf("\n")
	if r.Headline != "" {
		m.printf("**%s**\n\n", md(upperFirst(r.Headline)))
	}
}

func (m *markdown) kernels(s *Stage) {
	r := m.r
	if s.LayerCounts != nil {
		m.layers(s)
		return
	}
	steps := r.steps(s.Name)
	m.printf("## Kernels")
	if len(r.Stages) > 1 {
		m.printf(": %s (%s, %s)", md(s.Name), Duration(s.Time), Percent(s.Time, r.Total))
	}
	if p := r.per(s); p != "" {
		m.printf(" · %s", md(p))
	}
	m.printf("\n\n")
	rows, hidden, hiddenTime := r.kernelsOf(s, m.v.MinShare)
	if len(rows) > 0 {
		m.printf("| family | kernel | time | share | launches | where | op |\n| --- | --- | ---: | ---: | ---: | --- | --- |\n")
	}
	for _, k := range rows {
		name, op := k.Label, ""
		if m.v.Wide {
			name = k.Name
		}
		if len(k.Ops) > 0 {
			op = k.Ops[0].Name
		}
		m.row(md(k.Family), md(name), Duration(mean(k.Time, steps)), Percent(k.Time, r.Total), meanCount(k.Launches, steps), md(k.waited()+where(k.Sites, k.Time, true)), md(op))
	}
	if len(rows) > 0 && hidden > 0 {
		m.printf("\n")
	}
	switch {
	case hidden > 0:
		m.printf("%s under %s %% each, %s together, not shown.\n", plural(hidden, "kernel"), bar(m.v.MinShare), Percent(hiddenTime, r.Total))
	case len(rows) == 0:
		m.printf("None in this stage.\n")
	}
	m.printf("\n")
	m.outliers(s)
}

func (m *markdown) overlap() {
	r := m.r
	m.printf("## Overlap opportunities%s\n\n", r.perOverlap())
	shown := 0
	for _, o := range r.Overlap {
		if below(o.Time, r.Total, m.v.MinShare) {
			continue
		}
		if shown++; shown == 1 {
			m.printf("| priority | verdict | stage | work | launches | time | share | exposed | hidden | under compute | where | dependency risk | known path | advice |\n" +
				"| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- |\n")
		}
		m.row(priority(o.Priority), o.Verdict, md(o.Stage), md(o.Label), group(o.Launches), Duration(o.Time), Percent(o.Time, r.Total),
			Duration(o.Exposed)+" ("+Percent(o.Exposed, o.Time)+")", Duration(o.Hidden)+" ("+Percent(o.Hidden, o.Time)+")", Duration(o.HiddenCompute), md(siteOf(o.Sites, o.Ops, o.Time, true)),
			md(strings.TrimSuffix(o.Risk+": "+o.RiskWhy, ": ")), md(o.paths()), md(o.Advice))
	}
	if shown == 0 {
		m.printf("Nothing to move: no collective and no copy reaches %s %%.\n", bar(m.v.MinShare))
	}
	m.printf("\n%s.\n\n", md(upperFirst(r.OverlapWhy)))
	if slices.ContainsFunc(r.OverlapPaths, func(f FuseRow) bool { return f.Shown(r.Total, m.v.MinShare) }) {
		m.printf("### Known overlap paths\n\n")
		m.findings(r.OverlapPaths, func(f *FuseRow) (*FuseRow, int64) { return f, r.Total })
	}
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (m *markdown) fuse() {
	r := m.r
	m.printf("## Fuse patterns%s\n\n", r.perFuse())
	if shown, hidden := m.findings(r.Fuse, r.scaled); shown == 0 && hidden == 0 {
		m.printf("None: no chain of a known fusion pattern, taken or not, occurs in this trace.\n\n")
	}
}

// findings writes the table of rows that reach the bar, and below it what does not fit a table;
// as gives a row as it is shown and the GPU time that its shares are of.
func (m *markdown) findings(rows []FuseRow, as func(*FuseRow) (*FuseRow, int64)) (shown, hidden int) {
	r := m.r
	for i := range rows {
		f := &rows[i]
		if !f.Shown(r.Total, m.v.MinShare) {
			hidden++
			continue
		}
		if shown++; shown == 1 {
			m.printf("| verdict | pattern | rule | stage | chains | time | share | saves at most | evidence | where | why |\n| --- | --- | --- | --- | --- | ---: | ---: | ---: | --- | --- | --- |\n")
		}
		m.fuseRow(as(f))
	}
	if hidden > 0 {
		m.printf("\n%s under %s %% not shown.\n", plural(hidden, "pattern"), bar(m.v.MinShare))
	}
	if shown+hidden > 0 {
		m.printf("\n")
	}
	for i := range rows {
		if f := &rows[i]; f.Shown(r.Total, m.v.MinShare) {
			f, _ = as(f)
			m.details(f)
		}
	}
	return shown, hidden
}

func (m *markdown) fuseRow(f *FuseRow, whole int64) {
	side := f.side()
	var ev, at []string
	seen := map[string]bool{}
	for _, e := range side.Evidence {
		var parts []string
		for _, k := range e.Kernels {
			parts = append(parts, md(shortSymbol(k.Symbol)))
			if len(k.Sites) == 0 {
				continue
			}
			if w := siteText(k.Sites[0], true); !seen[w] {
				seen[w] = true
				at = append(at, md(w))
			}
		}
		ev = append(ev, e.join(parts))
	}
	m.row(md(f.Verdict), md(f.Title), md(f.Rule), md(f.Stage), md(countText(side, f, m.r)), Duration(f.Related()), Percent(f.Related(), whole),
		f.saves(whole), strings.Join(ev, "; "), strings.Join(at, ", "), md(f.Why))
}

// details are the sentences that do not fit a table.
func (m *markdown) details(f *FuseRow) {
	var out []string
	if s := f.waited(); s != "" {
		out = append(out, s)
	}
	if f.Verdict != "applied" {
		if f.Split.Chains > 0 {
			out = append(out, "path: "+f.Path, "→ "+f.Conclude)
		}
		if len(f.Switches) > 0 {
			out = append(out, "switch: "+strings.Join(f.Switches, "; "))
		}
	}
	if s := f.unknown(); s != "" {
		out = append(out, "not known without server_args.json: "+s)
	}
	for _, d := range f.ByDesign {
		out = append(out, "by design: "+d.text(f.side().Chains))
	}
	for _, a := range f.Alternatives {
		out = append(out, "or: "+a.text())
	}
	if len(out) == 0 {
		return
	}
	m.printf("**%s** (%s, %s)\n\n", md(f.Title), md(f.Rule), md(f.Stage))
	for _, s := range out {
		if s != "" {
			m.printf("- %s\n", md(s))
		}
	}
	m.printf("\n")
}
