package catalog

import (
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

// toggle is one entry of **Switches.**; a part that is missing has no text, and hasDefault tells
// an empty default from none.
type toggle struct {
	name, kind, preset, source, effect phrase
	hasDefault                         bool
}

// readSource reads an entry of **Sources.**: one code span and nothing else.
func (p *parser) readSource(t prose, start int) (phrase, bool) {
	t = t.trim()
	if len(t) != 1 || !t[0].code {
		p.list.Add(diag.Diagnostic{Pos: p.in.pos(start), Code: "bad-source", Msg: "a source is one code span and nothing else",
			Hint: "write `repo@commit:path::symbol`; words about it belong into the prose"})
		return phrase{}, false
	}
	return p.source(t[0])
}

// source checks a source string.
func (p *parser) source(r run) (phrase, bool) {
	at := p.in.pos(r.at)
	if _, err := rule.ParseSource(r.text); err != nil {
		p.list.Add(diag.Diagnostic{Pos: at, EndCol: at.Col + len(r.text), Code: "bad-source", Msg: "the source " + strconv.Quote(diag.Shorten(r.text)) + ": " + err.Error()})
		return phrase{}, false
	}
	return phrase{r.text, at}, true
}

const switchForm = "write `name` (arg, default `value`, `repo@commit:path`): effect; kind is arg, env or config, and all but name and kind may be missing"

// readSwitch reads an entry of **Switches.**.
func (p *parser) readSwitch(t prose, start int) (toggle, bool) {
	c := cursor{runs: t.trim(), end: start}
	wrong := func(msg string) (toggle, bool) {
		p.list.Add(diag.Diagnostic{Pos: p.in.pos(c.offset()), Code: "bad-switch", Msg: msg, Hint: switchForm})
		return toggle{}, false
	}
	var s toggle
	name, ok := c.codeSpan()
	if !ok || strings.TrimSpace(name.text) == "" {
		return wrong("a switch begins with its name as a code span")
	}
	s.name = phrase{name.text, p.in.pos(name.at)}
	if !c.word("(") {
		return wrong("expected a parenthesis with the kind behind the name")
	}
	kind := c.until(",)")
	switch kind.text {
	case "arg", "env", "config":
	default:
		p.list.Add(diag.Diagnostic{Pos: p.in.pos(kind.at), Code: "bad-switch", Msg: "the kind of the switch is " + strconv.Quote(diag.Shorten(kind.text)) + ", expected arg, env or config", Hint: switchForm})
		return toggle{}, false
	}
	s.kind = phrase{kind.text, p.in.pos(kind.at)}
	good := true
	for c.word(",") {
		if c.word("default") {
			if s.hasDefault || s.source.text != "" {
				return wrong("the default stands once, behind the kind")
			}
			s.hasDefault = true
			if v, ok := c.codeSpan(); ok {
				s.preset = phrase{v.text, p.in.pos(v.at)}
			} else if at := c.offset(); c.word("empty") {
				s.preset = phrase{"", p.in.pos(at)}
			} else {
				return wrong("expected the default as a code span, or the word empty")
			}
			continue
		}
		v, ok := c.codeSpan()
		if !ok || s.source.text != "" {
			return wrong("expected default and its value, or one source as a code span")
		}
		src, fine := p.source(v)
		s.source, good = src, good && fine
		if !fine {
			s.source.text = v.text
		}
	}
	if !c.word(")") {
		return wrong("expected a comma or a closing parenthesis")
	}
	if c.done() {
		return s, good
	}
	if !c.word(":") {
		return wrong("expected a colon and the effect behind the parenthesis")
	}
	at := c.offset()
	s.effect = phrase{c.rest().marked(), p.in.pos(at)}
	if s.effect.text == "" {
		return wrong("nothing stands behind the colon")
	}
	return s, good
}

// readPulls reads #1, #2.
func (p *parser) readPulls(t prose, start int) []phrase {
	var out []phrase
	c := cursor{runs: t.trim(), end: start}
	for {
		at := c.offset()
		n := c.until(",")
		digits, ok := strings.CutPrefix(n.text, "#")
		v, err := strconv.Atoi(digits)
		if !ok || err != nil || v < 1 || strconv.Itoa(v) != digits {
			pos := p.in.pos(at)
			p.list.Add(diag.Diagnostic{Pos: pos, Code: "bad-pull", Msg: "expected numbers of pull requests such as #21877, #30011, found " + strconv.Quote(diag.Shorten(n.text)),
				Hint: "words about a pull request belong into the prose"})
			return nil
		}
		out = append(out, phrase{digits, p.in.pos(at)})
		if c.done() {
			return out
		}
		if !c.word(",") {
			p.list.Addf(p.in.pos(c.offset()), "bad-pull", "expected a comma between pull requests")
			return nil
		}
	}
}

// trim drops white space at both ends.
func (p prose) trim() prose {
	for len(p) > 0 && !p[0].code && strings.TrimSpace(p[0].text) == "" {
		p = p[1:]
	}
	for len(p) > 0 && !p[len(p)-1].code && strings.TrimSpace(p[len(p)-1].text) == "" {
		p = p[:len(p)-1]
	}
	return p
}

// cursor reads prose from left to right.
type cursor struct {
	runs prose
	at   int // in the text of runs[0]
	end  int // the offset in the file of what was read last
}

// skip drops white space and runs that are used up.
func (c *cursor) skip() {
	for len(c.runs) > 0 && !c.runs[0].code {
		rest := c.runs[0].text[c.at:]
		c.at += len(rest) - len(strings.TrimLeft(rest, " \t"))
		if c.at < len(c.runs[0].text) {
			return
		}
		c.runs, c.at = c.runs[1:], 0
	}
}

func (c *cursor) done() bool {
	c.skip()
	return len(c.runs) == 0
}

// offset is where the cursor stands in the file.
func (c *cursor) offset() int {
	if c.done() {
		return c.end
	}
	if c.runs[0].code {
		return max(c.runs[0].at-1, 0)
	}
	return c.runs[0].at + c.at
}

// codeSpan takes a code span.
func (c *cursor) codeSpan() (run, bool) {
	if c.done() || !c.runs[0].code {
		return run{}, false
	}
	r := c.runs[0]
	c.runs, c.at, c.end = c.runs[1:], 0, r.at+len(r.text)
	return r, true
}

// word takes a word or sign of plain text if it is the next.
func (c *cursor) word(w string) bool {
	if c.done() || c.runs[0].code || !strings.HasPrefix(c.runs[0].text[c.at:], w) {
		return false
	}
	c.at += len(w)
	c.end = c.runs[0].at + c.at - 1
	return true
}

// until takes plain text up to one of the signs, without white space around it.
func (c *cursor) until(signs string) run {
	if c.done() || c.runs[0].code {
		return run{at: c.offset()}
	}
	from := c.at
	text := c.runs[0].text[from:]
	if i := strings.IndexAny(text, signs); i >= 0 {
		text = text[:i]
	}
	c.at += len(text)
	c.end = c.runs[0].at + max(c.at-1, 0)
	return run{text: strings.TrimSpace(text), at: c.runs[0].at + from}
}

// rest takes everything that is left.
func (c *cursor) rest() prose {
	if c.done() {
		return nil
	}
	out := append(prose{}, c.runs...)
	if !out[0].code {
		out[0].text, out[0].at = out[0].text[c.at:], out[0].at+c.at
	}
	c.runs, c.at = nil, 0
	return out
}
