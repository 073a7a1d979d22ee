package catalog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/sgrules/sgrules/internal/race"
)

// flat reads one paragraph.
func flat(t *testing.T, md string) (*parser, prose) {
	t.Helper()
	p := &parser{in: newInput("f", []byte(md)), anchors: anchors{}}
	root := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser().Parse(text.NewReader(p.in.data))
	return p, p.flatten(root.FirstChild().FirstChild())
}

func TestProse(t *testing.T) {
	for _, c := range []struct{ md, marked, plain string }{
		{"one\ntwo  \nthree", "one two three", "one two three"},
		{"*a* **b** ***c*** d_e_f", "a b c d_e_f", "a b c d_e_f"},
		{"[a *link*](https://x.org) ![an image](y.png) <https://z.org>", "a link an image https://z.org", "a link an image https://z.org"},
		{"`a | b` and `c \\| d`", "`a | b` and `c \\| d`", "a | b and c \\| d"},
		{"``a`b`` `` `c` ``", "``a`b`` `` `c` ``", "a`b `c`"},
		{"`over\ntwo lines`", "`over two lines`", "over two lines"},
		{`\*not\* \\ \q &amp; &lt;x&gt; &#39;&#x27; &nosuch; &`, `*not* \ \q & <x> '' &nosuch; &`, `*not* \ \q & <x> '' &nosuch; &`},
		{`\&amp; &#0; &#xD800; &#99999999;`, "&amp; \ufffd \ufffd &#99999999;", "&amp; \ufffd \ufffd &#99999999;"},
		{"a | pipe, é, 核", "a | pipe, é, 核", "a | pipe, é, 核"},
	} {
		p, got := flat(t, c.md)
		if len(p.list) > 0 || got.marked() != c.marked || got.plain() != c.plain {
			t.Errorf("%q\n gives %q and %q, %v\n want  %q and %q", c.md, got.marked(), got.plain(), p.list, c.marked, c.plain)
		}
		// Code spans come out as Markdown again that reads the same.
		if _, again := flat(t, got.marked()); strings.Contains(c.md, "`") && again.marked() != got.marked() {
			t.Errorf("%q reads as %q the second time", got.marked(), again.marked())
		}
	}
	for md, want := range map[string]string{
		"a <b>c</b>":   "f:1:3: HTML is not understood here [not-understood]; rewrite it as plain text, emphasis, links or code",
		"a ~~b~~":      "f:1:3: struck-out text is not understood here [not-understood]; rewrite it as plain text, emphasis, links or code",
		"x\nab &#27;":  "f:2:4: &#27; stands for a character that is not allowed in a text [character]",
		"ab &NewLine;": "f:1:4: &NewLine; stands for a character that is not allowed in a text [character]",
	} {
		p, _ := flat(t, md)
		if got, _, _ := strings.Cut(p.list.Error(), "\n"); got != want {
			t.Errorf("%q: %s, want %s", md, got, want)
		}
	}
}

func TestSwitches(t *testing.T) {
	for md, want := range map[string]string{
		"`a` (arg)":                          `a 1:2|arg 1:6|-|-|-`,
		"`a` (env, default `x`)":             `a 1:2|env 1:6|"x" 1:20|-|-`,
		"`a` ( config ,default empty ) : on": `a 1:2|config 1:7|"" 1:23|-|on 1:33`,
		"`a` (arg, `sglang@0000000:a.py`): see `x, y` (z): *so*":             "a 1:2|arg 1:6|-|sglang@0000000:a.py 1:12|see `x, y` (z): so 1:35",
		"`a` (arg, default `f(x, y)`,\n`sglang@0000000:a.py`):\nover\nlines": `a 1:2|arg 1:6|"f(x, y)" 1:20|sglang@0000000:a.py 2:2|over lines 3:1`,
	} {
		p, runs := flat(t, md)
		s, ok := p.readSwitch(runs, 0)
		if !ok {
			t.Errorf("%q: %v", md, p.list)
			continue
		}
		show := func(x phrase, there bool) string {
			if !there {
				return "-"
			}
			return fmt.Sprintf("%s %d:%d", x.text, x.at.Line, x.at.Col)
		}
		preset := s.preset
		preset.text = `"` + preset.text + `"`
		got := strings.Join([]string{show(s.name, true), show(s.kind, true), show(preset, s.hasDefault), show(s.source, s.source.text != ""), show(s.effect, s.effect.text != "")}, "|")
		if got != want {
			t.Errorf("%q\n gives %s\n want  %s", md, got, want)
		}
	}
}

func TestPulls(t *testing.T) {
	for md, want := range map[string]string{
		"#1": "1", "#1, #22,#333": "1 22 333", "[#5](https://x.org), #6": "5 6",
		"1": "", "#": "", "#0": "", "#01": "", "#1 #2": "", "#1,": "", "#-1": "", "#1 (open)": "", "`#1`": "", "#99999999999999999999": "",
	} {
		p, runs := flat(t, md)
		var got []string
		for _, n := range p.readPulls(runs, 0) {
			got = append(got, n.text)
		}
		if strings.Join(got, " ") != want || (len(p.list) == 0) != (want != "") {
			t.Errorf("%q gives %v, %v, want %s", md, got, p.list, want)
		}
	}
}

// TestAnchors: as GitHub makes them, also for titles that come twice or look like an anchor that
// was counted.
func TestAnchors(t *testing.T) {
	a := anchors{}
	for _, c := range [][2]string{
		{"SGLang · LLM · mainline", "sglang--llm--mainline"}, {"QK RMSNorm + RoPE (FP8)", "qk-rmsnorm--rope-fp8"}, {"a_b-c d.e/f", "a_b-c-def"},
		{"Same", "same"}, {"Same", "same-1"}, {"same", "same-2"}, {"same-1", "same-1-1"}, {"Größe 核", "größe-核"}, {"", ""}, {"", "-1"},
	} {
		if got := a.of(c[0]); got != c[1] {
			t.Errorf("%q gives #%s, want #%s", c[0], got, c[1])
		}
	}
}

func TestEscapeCell(t *testing.T) {
	const title = "a|b `c` *d* _e_ [f](g) <h> &amp; \\ ~~i~~ #j"
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))
	src := []byte("| x |\n| --- |\n| " + escapeCell(title) + " |\n")
	p := &parser{in: newInput("f", src), anchors: anchors{}}
	root := md.Parser().Parse(text.NewReader(src))
	cell := root.FirstChild().LastChild().FirstChild()
	if cell.Kind() != extast.KindTableCell || cell.NextSibling() != nil {
		t.Fatalf("the row is cut: %v", cell.Kind())
	}
	if got := p.flatten(cell.FirstChild()).plain(); got != title || len(p.list) > 0 {
		t.Errorf("reads as %q, %v, want %q", got, p.list, title)
	}
}

// TestBounds: texts for which the Markdown parser needs quadratic time are refused before it sees
// them, and the largest that pass take no time that anybody notices.
func TestBounds(t *testing.T) {
	for _, c := range []struct{ name, md, want string }{
		{"a large file", strings.Repeat("x\n\n", maxCatalog/3+1), "f: the file has 1048578 bytes, at most 1048576 are allowed [too-large]"},
		{"a long line", "a\n\n" + strings.Repeat("> ", maxLine), "f:3:1: the line has 16384 bytes, at most 8192 are allowed [too-large]"},
		{"a long paragraph", strings.Repeat("[a](\n", maxParagraph), "f:1639:1: the paragraph or block has more than 8192 bytes here [too-large]"},
		{"a long block", "```\n" + strings.Repeat("x\n", maxBlock/2+1) + "```\n", "f:32770:1: the paragraph or block has more than 65536 bytes here [too-large]"},
		{"a long table", strings.Repeat("| a | b |\n", maxParagraph), ""},
		{"no UTF-8", "a\nb\xff", "f:2:2: the byte 0xff is not allowed here: files are UTF-8 with ordinary line breaks [character]"},
		{"a lone CR", "a\rb", "f:1:2: the byte 0x0d is not allowed here: files are UTF-8 with ordinary line breaks [character]"},
		{"a NUL", "a\x00", "f:1:2: the byte 0x00 is not allowed here: files are UTF-8 with ordinary line breaks [character]"},
		{"a line separator", "a\u2028", "f:1:2: the byte 0xe2 is not allowed here: files are UTF-8 with ordinary line breaks [character]"},
		{"CRLF", "a\r\nb\r\n", ""},
	} {
		if got := newInput("f", []byte(c.md)).check().Error(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, part := range []string{"> ", "[a](", "[a]: b\n", "- a\n", "[a]:\n", "**a", "![", "&"} {
		start := time.Now()
		parse("f", []byte(strings.Repeat(strings.Repeat(part, maxParagraph/len(part)-1)+"\n\n", 8)))
		limit := 5 * time.Second
		if race.Enabled {
			limit *= 20
		}
		if d := time.Since(start); d > limit {
			t.Errorf("%q takes %v", part, d)
		}
	}
}
