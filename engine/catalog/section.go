package catalog

import (
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/sgrules/sgrules/engine/diag"
)

// The labels of a section's parts.
var labels = []string{"Conclude", "Unseen", "Sources", "Switches", "Pulls"}

const labelForm = "expected **Conclude.**, **Unseen.**, **Sources.**, **Switches.** or **Pulls.**"

// part reads one block of a section. place is the label that an unlabelled paragraph or a list
// belongs to: "" for the path, "-" where neither has a place. It gives the place for the next.
func (p *parser) part(s *section, n ast.Node, place string) string {
	switch n := n.(type) {
	case *ast.Paragraph:
		return p.paragraph(s, n, place)
	case *ast.List:
		if place == "Sources:" || place == "Switches:" {
			p.items(s, n, strings.TrimSuffix(place, ":"))
			return "-"
		}
		p.refuse(n, "lists stand below **Sources.** and **Switches.** only; write the rest as prose")
	case *ast.FencedCodeBlock:
		p.expectList(s, place)
		if !isRuleInfo(p.info(n)) {
			p.refuse(n, "the only block of a pattern has the info string: yaml rule")
			return "-"
		}
		p.fenced(s, n)
		return "-"
	default:
		p.refuse(n, "a pattern has paragraphs, the lists of **Sources.** and **Switches.**, and one rule block")
	}
	return place
}

// expectList reports a label whose list does not follow.
func (p *parser) expectList(s *section, place string) {
	if name, ok := strings.CutSuffix(place, ":"); ok {
		p.list.Addf(s.labels[name], "missing-part", "no list follows **%s.**", name)
	}
}

// paragraph reads a paragraph, with its label if it has one.
func (p *parser) paragraph(s *section, n *ast.Paragraph, place string) string {
	p.expectList(s, place)
	label, rest := n.FirstChild(), n.FirstChild()
	e, ok := label.(*ast.Emphasis)
	if !ok || e.Level != 2 {
		t := p.flatten(rest)
		ph := phrase{t.marked(), p.in.pos(t.at(p.start(n)))}
		switch place {
		case "":
			s.path = append(s.path, ph)
		case "Conclude":
			s.conclude = append(s.conclude, ph)
		case "Unseen":
			s.unseen = append(s.unseen, ph)
		default:
			p.list.Add(diag.Diagnostic{Pos: ph.at, Code: "not-understood", Msg: "the paragraph belongs to nothing",
				Hint: "what the path is stands first, everything else below a label; " + labelForm})
			return "-"
		}
		return place
	}
	name := p.flatten(e.FirstChild()).plain()
	rest = e.NextSibling()
	at := p.in.pos(max(e.Pos(), p.start(n)))
	word, dot := strings.CutSuffix(name, ".")
	if !dot || !isLabel(word) {
		p.list.Add(diag.Diagnostic{Pos: at, EndCol: at.Col + len(name) + 4, Code: "unknown-label",
			Msg: "unknown label **" + diag.Shorten(name) + "**, " + labelForm, Hint: "a paragraph of prose does not begin with bold text"})
		return "-"
	}
	if before, twice := s.labels[word]; twice {
		p.list.Addf(at, "duplicate-label", "**%s.** is there already, in line %d", word, before.Line)
		return "-"
	}
	s.labels[word] = at
	t := p.flatten(rest)
	body := phrase{t.marked(), p.in.pos(t.at(p.start(n)))}
	switch {
	case word == "Sources" || word == "Switches":
		if body.text != "" {
			p.list.Addf(body.at, "not-understood", "text behind **%s.**, expected a list below it", word)
		}
		return word + ":"
	case body.text == "":
		p.list.Addf(at, "empty", "nothing stands behind **%s.**", word)
	case word == "Pulls":
		s.pulls = p.readPulls(t, p.start(n))
		return "-"
	case word == "Conclude":
		s.conclude = append(s.conclude, body)
	case word == "Unseen":
		s.unseen = append(s.unseen, body)
	}
	return word
}

func isLabel(s string) bool {
	for _, l := range labels {
		if s == l {
			return true
		}
	}
	return false
}

// items reads the list of sources or of switches.
func (p *parser) items(s *section, l *ast.List, label string) {
	if l.IsOrdered() {
		p.list.Addf(p.at(l), "not-understood", "a numbered list is not understood here: begin each line with a dash")
		return
	}
	for n := l.FirstChild(); n != nil; n = n.NextSibling() {
		body := n.FirstChild()
		if body == nil {
			p.list.Addf(p.at(n), "empty", "the entry of the list is empty")
			continue
		}
		if k := body.Kind(); k != ast.KindTextBlock && k != ast.KindParagraph {
			p.refuse(body, "an entry is one line of text")
			continue
		}
		if next := body.NextSibling(); next != nil {
			p.refuse(next, "an entry is one line of text")
			continue
		}
		before := len(p.list)
		t := p.flatten(body.FirstChild())
		if len(p.list) > before {
			continue
		}
		if label == "Sources" {
			if src, ok := p.readSource(t, p.start(body)); ok {
				s.sources = append(s.sources, src)
			}
		} else if sw, ok := p.readSwitch(t, p.start(body)); ok {
			s.switches = append(s.switches, sw)
		}
	}
}

// fenced notes the lines of the rule block.
func (p *parser) fenced(s *section, n *ast.FencedCodeBlock) {
	open := p.in.pos(p.start(n))
	s.blocks++
	if s.block != nil {
		p.list.Addf(open, "duplicate-block", "the pattern has a rule block already, in line %d", s.block.first-1)
		return
	}
	if open.Col != 1 {
		p.list.Addf(open, "not-understood", "the rule block is indented, expected it at the beginning of the line")
		return
	}
	mark := fenceOf(p.in.line(open.Line))
	b := &block{first: open.Line + 1}
	b.last = b.first + n.Lines().Len() - 1
	closing := p.in.line(b.last + 1)
	if mark == "" || !strings.HasPrefix(strings.TrimLeft(closing, " "), mark) {
		p.list.Addf(open, "unclosed-block", "the rule block is never closed: everything behind it is taken for a part of it")
		return
	}
	s.block = b
}

func isRuleInfo(info string) bool {
	f := strings.Fields(info)
	return len(f) == 2 && f[0] == "yaml" && f[1] == "rule"
}

func (p *parser) info(n *ast.FencedCodeBlock) string {
	if n.Info == nil {
		return ""
	}
	return strings.TrimSpace(string(n.Info.Value(p.in.data)))
}
