package report

import (
	"fmt"
	"strings"
)

const verdictCol = 14

var colors = map[string]string{
	"should-apply": "\x1b[31m", "partial": "\x1b[33m", "applied": "\x1b[32m",
	"in-flight": "\x1b[36m", "upstream": "\x1b[36m", Headroom: "\x1b[33m",
}

func (t *text) verdict(v string) string {
	s := pad(v, verdictCol)
	if c := colors[v]; c != "" && t.v.Color {
		return c + s + "\x1b[0m"
	}
	return s
}

// Related is the time of the row's own chains: what is missing where something is, else
// what is applied, and what is by design where nothing else is.
func (f *FuseRow) Related() int64 {
	t := f.side().Time
	if f.Verdict == "by-design" && f.side().Chains == 0 {
		for _, d := range f.ByDesign {
			t += d.Time
		}
	}
	return t
}

// Worked is Related without the waiting for other ranks that is known: what rows are
// ranked by.
func (f *FuseRow) Worked() int64 { return f.Related() - f.Waiting }

// waited says how much of a row's time was waiting.
func (f *FuseRow) waited() string {
	if f.Waiting == 0 {
		return ""
	}
	return fmt.Sprintf("%s of its time (%s) was waiting for a rank that came later, in %s; the row is ranked by the other %s",
		Duration(f.Waiting), Percent(f.Waiting, f.Related()), plural(f.Matched, "matched call"), Duration(f.Worked()))
}

func (f *FuseRow) side() *Side {
	if f.Split.Chains > 0 && f.Verdict != "applied" {
		return &f.Split
	}
	return &f.Fused
}

// Shown tells whether a row reaches the bar (percent of total): by its time, or by what
// taking the path may save, which with the gaps between small kernels can be more.
func (f *FuseRow) Shown(total int64, bar float64) bool {
	return !below(f.Related(), total, bar) || f.Missing() && !below(f.Bound, total, bar)
}

// Missing tells whether the row says that a path may be taken that was not.
func (f *FuseRow) Missing() bool { return f.Verdict == "should-apply" || f.Verdict == "partial" }

// saves is the upper bound of the saving, with the part of it that is no kernel's time.
func (f *FuseRow) saves(total int64) string {
	if f.Verdict == "applied" || f.Split.Chains == 0 {
		return ""
	}
	s := Duration(f.Bound) + " (" + Percent(f.Bound, total) + ")"
	if f.BoundGaps > 0 && !below(f.BoundGaps, f.Bound, 1) {
		s += ", " + Duration(f.BoundGaps) + " of it gaps between the kernels"
	}
	return s
}

func (t *text) fuse() {
	r := t.r
	t.line("FUSE PATTERNS" + r.perFuse())
	hidden, shown := 0, 0
	for i := range r.Fuse {
		f := &r.Fuse[i]
		if !f.Shown(r.Total, t.v.MinShare) {
			hidden++
			continue
		}
		shown++
		t.fuseRow(r.scaled(f))
	}
	if shown == 0 && hidden == 0 {
		t.para(" ", " ", "none: no chain of a known fusion pattern, taken or not, occurs in this trace")
	}
	if hidden > 0 {
		t.para(" ", " ", fmt.Sprintf("%s under %s %% not shown", plural(hidden, "pattern"), bar(t.v.MinShare)))
	}
	t.line("")
}

func (t *text) fuseRow(f *FuseRow, whole int64) {
	r := t.r
	side := f.side()
	stage := ""
	if len(r.Stages) > 1 {
		stage = f.Stage + ": "
	}
	counts := countText(side, f, r)
	title := clean(stage + f.Title)
	room := t.v.Width - 1 - verdictCol - timeCol - shareCol
	t.line(" " + t.verdict(f.Verdict) + pad(title, min(room, max(width(title), 44))) + left(Duration(f.Related()), timeCol) + left(Percent(f.Related(), whole), shareCol))
	t.para(indent, indent+"  ", clean(f.Rule)+" · "+counts)
	for _, e := range side.Evidence {
		t.evidence(e)
	}
	if f.Verdict != "applied" && f.Fused.Chains > 0 {
		t.para(indent, indent+"  ", fmt.Sprintf("taken elsewhere in this stage: %s, %s", plural(f.Fused.Chains, "chain"), Duration(f.Fused.Time)))
	}
	if f.Fused.Together > 0 {
		t.para(indent, indent+"  ", fmt.Sprintf("both at the same time for %s", Duration(f.Fused.Together)))
	}
	if s := f.waited(); s != "" {
		t.para(indent, indent+"  ", s)
	}
	if s := f.saves(whole); s != "" {
		s = "saves at most " + s
		switch {
		case f.Collective && f.Matched > 0:
			s += ", not counting what the collective itself would gain, nor its waiting"
		case f.Collective:
			s += ", not counting what the collective itself would gain; one rank cannot tell its transfer from its waiting"
		}
		t.para(indent, indent+"  ", s)
		t.para(indent+"path: ", indent+"  ", clean(f.Path))
	}
	if f.Why != "" {
		t.para(indent+"why: ", indent+"  ", clean(f.Why))
	}
	if f.Verdict != "applied" && len(f.Switches) > 0 {
		t.para(indent+"switch: ", indent+"  ", clean(strings.Join(f.Switches, "; ")))
	}
	if s := f.unknown(); s != "" {
		t.para(indent+"not known without server_args.json: ", indent+"  ", clean(s))
	}
	for _, d := range f.ByDesign {
		t.para(indent+"by design: ", indent+"  ", clean(d.text(f.side().Chains)))
	}
	if f.Verdict != "applied" && f.Conclude != "" {
		t.para(indent+"→ ", indent+"  ", clean(f.Conclude))
	}
	for _, a := range f.Alternatives {
		t.para(indent+"or: ", indent+"  ", clean(a.text()))
	}
}

func (a *Alternative) text() string {
	s := fmt.Sprintf("%s (%s): %s, %s on the same kernels, %s", a.Title, a.Rule, a.Verdict, plural(a.Chains, "chain"), Duration(a.Time))
	if a.Why != "" {
		s += "; " + a.Why
	}
	return s
}

// unknown names the arguments that would decide what is open, and what each would mean.
func (f *FuseRow) unknown() string {
	var parts []string
	for _, u := range f.Unknown {
		parts = append(parts, strings.Join(u.Args, ", ")+" (it may be that "+u.Because+")")
	}
	return strings.Join(parts, "; ")
}

func (d *ByDesign) text(own int) string {
	which := fmt.Sprintf("%d of these chains", d.Chains)
	switch {
	case !d.Within && own > 0:
		which = fmt.Sprintf("%d more", d.Chains)
	case !d.Within:
		which = plural(d.Chains, "chain")
	}
	return fmt.Sprintf("%s, %s: %s", which, Duration(d.Time), d.Because)
}

func countText(s *Side, f *FuseRow, r *Report) string {
	if s.Chains == 0 && len(f.ByDesign) > 0 {
		n := 0
		for _, d := range f.ByDesign {
			n += d.Chains
		}
		return plural(n, "chain") + ", all by design"
	}
	out := plural(s.Chains, "chain")
	if s.Steps > 0 {
		out += " in " + plural(s.Steps, "step")
	}
	for _, st := range r.Stages {
		if st.Name == f.Stage && st.Layers > 1 && s.Layers > 0 {
			if s.Layers >= st.Layers {
				out += ", every layer"
			} else {
				out += fmt.Sprintf(", %d of %d layers", s.Layers, st.Layers)
			}
		}
	}
	return out
}

func (t *text) evidence(e Evidence) {
	var parts []string
	for _, k := range e.Kernels {
		parts = append(parts, fmt.Sprintf("%s %s", clean(shortSymbol(k.Symbol)), Duration(k.Time)))
	}
	s := e.join(parts)
	if e.Name != "" {
		s = fmt.Sprintf("%s (%d): %s", clean(e.Name), e.Chains, s)
	}
	t.para(indent, indent+"  ", s)
	seen := map[string]bool{}
	var sites []string
	for _, k := range e.Kernels {
		if len(k.Sites) == 0 {
			continue
		}
		if w := siteText(k.Sites[0], t.v.Wide); !seen[w] {
			seen[w] = true
			sites = append(sites, w)
		}
	}
	if len(sites) > 0 {
		t.para(indent+"at ", indent+"  ", strings.Join(sites, ", "))
	}
}

// join writes the steps of a chain in order, with a double bar before a second chain that runs at
// the same time.
func (e *Evidence) join(parts []string) string {
	if e.Beside > 0 && e.Beside < len(parts) {
		return strings.Join(parts[:e.Beside], " → ") + " ∥ " + strings.Join(parts[e.Beside:], " → ")
	}
	return strings.Join(parts, " → ")
}

// shortSymbol keeps the last part of a qualified name.
func shortSymbol(s string) string {
	if i := strings.LastIndex(s, "::"); i >= 0 && i+2 < len(s) {
		return s[i+2:]
	}
	return s
}
