package catalog

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

const (
	indexBegin = "<!-- index:begin -->"
	indexEnd   = "<!-- index:end -->"
)

// marker notes the lines of the index markers, which are blocks of their own in the introduction.
func (p *parser) marker(n ast.Node) bool {
	h, ok := n.(*ast.HTMLBlock)
	if !ok {
		return false
	}
	found := false
	from := p.in.lineOf(p.start(h))
	for line := from; line < from+max(h.Lines().Len(), 1); line++ {
		at := diag.Pos{File: p.in.file, Line: line, Col: 1}
		switch strings.TrimSpace(p.in.line(line)) {
		case indexBegin:
			if p.begin != 0 {
				p.list.Addf(at, "index", "the index begins twice, first in line %d", p.begin)
			}
			p.begin, found = line, true
		case indexEnd:
			if p.end != 0 {
				p.list.Addf(at, "index", "the index ends twice, first in line %d", p.end)
			}
			p.end, found = line, true
		}
	}
	return found
}

// markers looks whether both markers were found.
func (p *parser) markers() {
	at := diag.Pos{File: p.in.file, Line: 1, Col: 1}
	const hint = "write " + indexBegin + " and " + indexEnd + " on lines of their own above the first level-2 heading"
	switch {
	case p.begin == 0 && p.end == 0:
		p.list.Add(diag.Diagnostic{Pos: at, Code: "index", Msg: "the catalog has no place for its index", Hint: hint})
	case p.begin == 0:
		at.Line = p.end
		p.list.Add(diag.Diagnostic{Pos: at, Code: "index", Msg: "the index ends and never begins", Hint: hint})
	case p.end == 0 || p.end < p.begin:
		at.Line = p.begin
		p.list.Add(diag.Diagnostic{Pos: at, Code: "index", Msg: "the index begins and never ends", Hint: hint})
	}
}

// index writes the table of the rows between the markers. It must be called without errors only.
func (p *parser) index(rows []row) []byte {
	var b bytes.Buffer
	for n := 1; n <= p.begin; n++ {
		b.WriteString(p.in.line(n) + "\n")
	}
	b.WriteString("\n| pattern | rule | origin | domain | state | sides |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		s := r.section
		var sides []string
		keys := rule.SideKeys(r.rule.Kind)
		if len(r.rule.Fused) > 0 {
			sides = append(sides, keys[0])
		}
		if len(r.rule.Split) > 0 {
			sides = append(sides, keys[1])
		}
		if len(sides) == 0 {
			sides = append(sides, "none")
		}
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` | %s | %s | %s | %s |\n", escapeCell(s.title.text), s.anchor, r.rule.ID, originWords.shown(s.group.origin),
			domainWords.shown(s.group.domain), statusWords.shown(s.group.status), strings.Join(sides, ", "))
	}
	b.WriteByte('\n')
	b.Write(p.in.data[p.in.lines[p.end-1]:])
	return b.Bytes()
}

// escapeCell makes a text safe in a cell of a table: nothing in it means anything to Markdown.
func escapeCell(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
			continue
		case r == '&':
			b.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_[]|~#$@!", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// anchors are the anchors of a document's headings so far, made as GitHub makes them: lower case,
// spaces to hyphens, everything else dropped but letters, marks, digits, hyphens and underscores;
// a second heading of the same text gets -1, the next -2.
type anchors map[string]int

// of gives the anchor of the next heading.
func (a anchors) of(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			b.WriteRune(r)
		}
	}
	base := b.String()
	slug := base
	for {
		if _, taken := a[slug]; !taken {
			break
		}
		a[base]++
		slug = fmt.Sprintf("%s-%d", base, a[base])
	}
	a[slug] = 0
	return slug
}
