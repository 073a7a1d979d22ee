package catalog

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"

	"github.com/sgrules/sgrules/engine/diag"
)

// A run is a stretch of prose: plain text, or the inside of a code span.
type run struct {
	text string
	code bool
	at   int // the offset of its first character in the file
}

// prose is the inline content of a paragraph, heading or list item.
type prose []run

// flatten gives the text of inline nodes. Emphasis, links and images are taken as their text; HTML
// and everything unknown is reported and left out.
func (p *parser) flatten(first ast.Node) prose {
	var out prose
	for n := first; n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			out = append(out, run{text: p.unescape(n.Value(p.in.data), n.Segment.Start), at: n.Segment.Start})
			if n.SoftLineBreak() || n.HardLineBreak() {
				out = append(out, run{text: " ", at: n.Segment.Stop})
			}
		case *ast.CodeSpan:
			r := run{code: true, at: max(n.Pos(), 0) + 1}
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					if r.text == "" {
						r.at = t.Segment.Start
					}
					r.text += strings.ReplaceAll(string(t.Value(p.in.data)), "\n", " ")
				}
			}
			out = append(out, r)
		case *ast.AutoLink:
			out = append(out, run{text: string(n.Label(p.in.data)), at: n.Pos() + 1})
		case *ast.Emphasis, *ast.Link, *ast.Image:
			out = append(out, p.flatten(n.FirstChild())...)
		default:
			p.refuse(n, "rewrite it as plain text, emphasis, links or code")
		}
	}
	return out
}

// unescape resolves backslash escapes and character references, as a renderer does.
func (p *parser) unescape(text []byte, at int) string {
	if strings.IndexByte(string(text), '\\') < 0 && strings.IndexByte(string(text), '&') < 0 {
		return string(text)
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\\' && i+1 < len(text) && util.IsPunct(text[i+1]):
			b.WriteByte(text[i+1])
			i += 2
			continue
		case text[i] == '&':
			if s, n := reference(string(text[i:])); n > 0 {
				for _, r := range s {
					if isControl(r) || r == '\n' || r == '\t' {
						p.list.Addf(p.in.pos(at+i), "character", "%s stands for a character that is not allowed in a text", diag.Shorten(string(text[i:i+n])))
						s = ""
						break
					}
				}
				b.WriteString(s)
				i += n
				continue
			}
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// reference reads a character reference such as &amp; or &#39; and its length; 0 when it is none.
func reference(s string) (string, int) {
	end := strings.IndexByte(s[:min(len(s), 40)], ';')
	if end < 2 {
		return "", 0
	}
	name := s[1:end]
	if name[0] != '#' {
		if e, ok := util.LookUpHTML5EntityByName(name); ok {
			return string(e.Characters), end + 1
		}
		return "", 0
	}
	digits, base := name[1:], 10
	if len(digits) > 1 && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base = digits[1:], 16
	}
	if len(digits) > 7 || strings.ContainsAny(digits, "+-_") {
		return "", 0
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return "", 0
	}
	if v == 0 || v > 0x10ffff || v >= 0xd800 && v < 0xe000 {
		v = 0xfffd
	}
	return string(rune(v)), end + 1
}

// plain is the text alone: what a table or an anchor shows.
func (p prose) plain() string {
	var b strings.Builder
	for _, r := range p {
		b.WriteString(r.text)
	}
	return strings.TrimSpace(b.String())
}

// marked is the text with its code spans in backticks.
func (p prose) marked() string {
	var b strings.Builder
	for _, r := range p {
		if !r.code {
			b.WriteString(r.text)
			continue
		}
		fence := "`"
		for strings.Contains(r.text, fence) {
			fence += "`"
		}
		pad := ""
		if strings.HasPrefix(r.text, "`") || strings.HasSuffix(r.text, "`") {
			pad = " "
		}
		b.WriteString(fence + pad + r.text + pad + fence)
	}
	return strings.TrimSpace(b.String())
}

// at is where the prose begins, or otherwise when it is empty.
func (p prose) at(otherwise int) int {
	if len(p) == 0 {
		return otherwise
	}
	if p[0].code {
		return max(p[0].at-1, 0)
	}
	text := p[0].text
	return p[0].at + len(text) - len(strings.TrimLeft(text, " "))
}
