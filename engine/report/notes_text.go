package report

const labelCol = 8

// notes writes what is no finding, behind the tables; nothing where no note reaches the bar.
func (t *text) notes() {
	r := t.r
	n := r.Notes.shown(r.Total, t.v.MinShare)
	if len(n.Partial) == 0 && len(n.Ladders) == 0 {
		return
	}
	t.line("NOTES")
	t.para(" ", " ", "not findings: "+n.intro())
	for i := range n.Partial {
		p := &n.Partial[i]
		t.noteHead(p.Label, p.head(r), p.Time)
		t.para(indent, indent+"  ", clean(p.chain()))
		t.para(indent, indent+"  ", clean(p.lack()))
		t.para(indent, indent+"  ", clean(p.rests()))
		if s := p.also(); s != "" {
			t.para(indent, indent+"  ", clean(s))
		}
	}
	for i := range n.Ladders {
		l := &n.Ladders[i]
		t.noteHead("ladder", l.head(r), l.Time)
		t.para(indent, indent+"  ", clean(l.sequence()))
		t.para(indent, indent+"  ", clean(l.where(t.v.Wide)))
		t.para(indent, indent+"  ", l.saves(r.Total))
	}
	t.line("")
}

func (t *text) noteHead(label, what string, time int64) {
	t.para(" "+pad(label, labelCol), indent+"  ", clean(what)+", "+Duration(time)+", "+Percent(time, t.r.Total))
}

func (m *markdown) notes() {
	r := m.r
	n := r.Notes.shown(r.Total, m.v.MinShare)
	if len(n.Partial) == 0 && len(n.Ladders) == 0 {
		return
	}
	m.printf("## Notes\n\nNot findings: %s.\n\n", md(n.intro()))
	for i := range n.Partial {
		p := &n.Partial[i]
		m.printf("- **%s** %s, %s, %s\n", md(p.Label), md(p.head(r)), Duration(p.Time), Percent(p.Time, r.Total))
		for _, s := range []string{p.chain(), p.lack(), p.rests(), p.also()} {
			if s != "" {
				m.printf("  - %s\n", md(s))
			}
		}
	}
	for i := range n.Ladders {
		l := &n.Ladders[i]
		m.printf("- **ladder** %s, %s, %s\n", md(l.head(r)), Duration(l.Time), Percent(l.Time, r.Total))
		for _, s := range []string{l.sequence(), l.where(true), l.saves(r.Total)} {
			m.printf("  - %s\n", md(s))
		}
	}
	m.printf("\n")
}
