package catalog

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/sgrules/sgrules/engine/diag"
)

// A phrase is a text of a catalog and where it stands.
type phrase struct {
	text string
	at   diag.Pos
}

// group is what a level-2 heading says of the patterns below it, in the words of rule files.
type group struct {
	origin, domain, status string
}

// section is one pattern of a catalog.
type section struct {
	title    phrase
	line     int // of the heading
	anchor   string
	group    group
	path     []phrase
	conclude []phrase
	unseen   []phrase
	sources  []phrase
	switches []toggle
	pulls    []phrase
	block    *block

	labels map[string]diag.Pos // of the labels that stand in it
	blocks int                 // fenced blocks with the info string of a rule, also one that cannot be read
	bad    bool                // something in it is wrong: nothing is generated
}

// block is the fenced block of a section.
type block struct {
	first int // the line behind the opening fence
	last  int // the last line before the closing fence; first-1 when the block is empty
}

// parser reads one catalog.
type parser struct {
	in       *input
	list     diag.List
	sections []*section
	anchors  anchors
	begin    int // the line of the index's first marker, 0 when there is none
	end      int // the line of its last
}

// parse reads a catalog into its sections; the parser's list has what is wrong.
func parse(file string, data []byte) *parser {
	p := &parser{in: newInput(file, data), anchors: anchors{}}
	if p.list = p.in.check(); len(p.list) > 0 {
		return p
	}
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList))
	root := md.Parser().Parse(text.NewReader(p.in.data))
	p.document(root)
	return p
}

// document walks the top level. State moves from the introduction to groups and their sections.
func (p *parser) document(root ast.Node) {
	var at *group // nil in the introduction
	var s *section
	place := "" // the label that further paragraphs of s belong to
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		switch {
		case ok && h.Level == 2:
			p.close(s)
			s, at = nil, p.group(h)
			p.anchors.of(p.headingText(h))
		case ok && h.Level == 3 && at == nil:
			p.anchors.of(p.headingText(h))
			p.refuse(n, "put the pattern below a heading such as: ## SGLang · LLM · mainline")
		case ok && h.Level == 3:
			p.close(s)
			if s = p.open(h, at); s == nil {
				return
			}
			place = ""
		case ok && at == nil:
			p.anchors.of(p.headingText(h))
		case ok:
			p.anchors.of(p.headingText(h))
			p.refuse(n, "groups are level 2, patterns are level 3")
			p.spoil(s)
		case s != nil:
			before := len(p.list)
			place = p.part(s, n, place)
			s.bad = s.bad || len(p.list) > before
		case at == nil && p.marker(n):
		default:
			p.outside(n)
		}
	}
	p.close(s)
	p.markers()
}

// outside looks at what stands outside of patterns, where everything is for readers but what
// belongs into one.
func (p *parser) outside(n ast.Node) {
	_ = ast.Walk(n, func(n ast.Node, enter bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Heading: // in a quotation: it takes part in the anchors
			if enter {
				p.anchors.of(p.headingText(n))
			}
		case *ast.FencedCodeBlock:
			if enter && isRuleInfo(p.info(n)) {
				p.refuse(n, "a rule block belongs below a level-3 heading")
			}
		}
		return ast.WalkContinue, nil
	})
}

func (p *parser) spoil(s *section) {
	if s != nil {
		s.bad = true
	}
}

// headingText is a heading as its anchor sees it. What is wrong with it is said elsewhere.
func (p *parser) headingText(h *ast.Heading) string {
	before := len(p.list)
	s := p.flatten(h.FirstChild()).plain()
	p.list = p.list[:before]
	return s
}

// open begins a section; nil when there are too many.
func (p *parser) open(h *ast.Heading, g *group) *section {
	if len(p.sections) == maxSections {
		p.list.Addf(p.at(h), "too-large", "the catalog has more than %d patterns", maxSections)
		return nil
	}
	before := len(p.list)
	t := p.flatten(h.FirstChild())
	start := p.start(h)
	s := &section{title: phrase{t.plain(), p.in.pos(t.at(start))}, line: p.in.lineOf(start), group: *g, labels: map[string]diag.Pos{}}
	s.anchor = p.anchors.of(s.title.text)
	if s.title.text == "" {
		p.list.Addf(p.in.pos(start), "no-title", "the heading of the pattern is empty, expected its title")
	}
	s.bad = len(p.list) > before
	p.sections = append(p.sections, s)
	return s
}

// close looks for what a section lacks.
func (p *parser) close(s *section) {
	if s == nil {
		return
	}
	lacks := func(what, hint string) {
		s.bad = true
		p.list.Add(diag.Diagnostic{Pos: s.title.at, EndCol: len(p.in.line(s.line)) + 1, Code: "missing-part",
			Msg: "the pattern has no " + what, Hint: hint})
	}
	if len(s.path) == 0 {
		lacks("paragraph that says what the path is", "write it below the heading")
	}
	if _, ok := s.labels["Conclude"]; !ok {
		lacks("conclusion", "write a paragraph that begins with **Conclude.**")
	}
	if _, ok := s.labels["Sources"]; !ok {
		lacks("sources", "write **Sources.** and a list of `repo@commit:path::symbol`")
	}
	if s.blocks == 0 {
		lacks("rule block", "write a fenced block with the info string: yaml rule")
	}
}

// The words of group headings, and what rule files call them.
var (
	originWords = words{{"SGLang", "sglang"}, {"FlashInfer", "flashinfer"}, {"vLLM", "vllm"}, {"TensorRT-LLM", "tensorrt-llm"},
		{"TokenSpeed", "tokenspeed"}, {"PyTorch", "torch"}}
	domainWords = words{{"LLM", "llm"}, {"VLM", "vlm"}, {"diffusion", "diffusion"}, {"disaggregation", "disaggregation"},
		{"HiSparse", "hisparse"}, {"speculative", "speculative"}}
	statusWords = words{{"mainline", "mainline"}, {"in flight", "in-flight"}, {"withdrawn", "withdrawn"}, {"no fusion", "no-fusion"}, {"no overlap", "no-overlap"}}
)

type words [][2]string

func (w words) find(s string) string {
	for _, x := range w {
		if strings.EqualFold(x[0], s) {
			return x[1]
		}
	}
	return ""
}

// shown is the word of a heading for the word of a rule file.
func (w words) shown(value string) string {
	for _, x := range w {
		if x[1] == value {
			return x[0]
		}
	}
	return value
}

func (w words) String() string {
	out := make([]string, len(w))
	for i, x := range w {
		out[i] = x[0]
	}
	return strings.Join(out, ", ")
}

// group reads origin · domain · state. What is not understood is left empty and reported.
func (p *parser) group(h *ast.Heading) *group {
	before := len(p.list)
	t := p.flatten(h.FirstChild())
	at := p.in.pos(t.at(p.start(h)))
	parts := strings.Split(t.plain(), "·")
	if len(parts) != 3 {
		if len(p.list) == before {
			p.list.Add(diag.Diagnostic{Pos: at, EndCol: at.Col + len(t.plain()), Code: "group-heading",
				Msg: fmt.Sprintf("the group heading is %q, expected origin · domain · state", diag.Shorten(t.plain())), Hint: "such as: ## SGLang · LLM · mainline"})
		}
		return &group{}
	}
	var found [3]string
	line := p.in.line(at.Line)
	for i, w := range []words{originWords, domainWords, statusWords} {
		word := strings.TrimSpace(parts[i])
		if found[i] = w.find(word); found[i] == "" {
			d := diag.Diagnostic{Pos: at, Code: "group-heading", Hint: "expected one of " + w.String(),
				Msg: fmt.Sprintf("%q is not %s", diag.Shorten(word), [...]string{"an origin", "a domain", "a state"}[i])}
			if col := strings.Index(line, word); col >= 0 && word != "" {
				d.Col, d.EndCol = col+1, col+1+len(word)
			}
			p.list.Add(d)
		}
	}
	return &group{found[0], found[1], found[2]}
}

// start is the offset at which a node begins.
func (p *parser) start(n ast.Node) int {
	for m := n; m != nil; m = m.FirstChild() {
		if at := m.Pos(); at >= 0 {
			return at
		}
		if m.Type() == ast.TypeBlock && m.Lines() != nil && m.Lines().Len() > 0 {
			return m.Lines().At(0).Start
		}
	}
	if n.PreviousSibling() != nil {
		return p.start(n.PreviousSibling())
	}
	if n.Parent() != nil && n.Parent().Kind() != ast.KindDocument {
		return p.start(n.Parent())
	}
	return 0
}

func (p *parser) at(n ast.Node) diag.Pos { return p.in.pos(p.start(n)) }

// refuse reports a node that has no place where it stands.
func (p *parser) refuse(n ast.Node, hint string) {
	what := "this (" + n.Kind().String() + ")"
	switch n := n.(type) {
	case *ast.Heading:
		what = fmt.Sprintf("a heading of level %d", n.Level)
	case *ast.List:
		what = "a list"
	case *ast.FencedCodeBlock:
		what = fmt.Sprintf("a block with the info string %q", diag.Shorten(p.info(n)))
	default:
		if w, ok := nodeWords[n.Kind().String()]; ok {
			what = w
		}
	}
	p.list.Add(diag.Diagnostic{Pos: p.at(n), Code: "not-understood", Msg: what + " is not understood here", Hint: hint})
}

var nodeWords = map[string]string{
	"HTMLBlock": "HTML", "RawHTML": "HTML", "Table": "a table", "Blockquote": "a quotation", "ThematicBreak": "a horizontal rule",
	"CodeBlock": "an indented block", "LinkReferenceDefinition": "the definition of a link", "Strikethrough": "struck-out text",
	"TaskCheckBox": "a check box", "Paragraph": "a paragraph", "CodeSpan": "a code span",
}
