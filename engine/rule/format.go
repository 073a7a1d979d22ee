package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// formatWidth is how long a line of a folded expression may get, in characters.
const formatWidth = 112

// Format gives a rule, family or test file its canonical layout: keys in the order of the
// grammar, two spaces of indentation, long folded texts broken at spaces. Comments stay with
// what they stand at, and what the file says does not change; that is checked by reading the
// result. The error says where a file is no YAML.
func Format(file string, src []byte) ([]byte, error) {
	if len(src) > maxFormat {
		return nil, fmt.Errorf("%s: has more than %d bytes", file, maxFormat)
	}
	doc, err := onlyDocument(file, src)
	if err != nil {
		return nil, err
	}
	before, err := meaningOf(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out, err := lay(file, doc, before, true)
	if err != nil { // an alias would come before its anchor: keep the order of the keys
		if doc, err = onlyDocument(file, src); err == nil {
			out, err = lay(file, doc, before, false)
		}
	}
	return out, err
}

// lay writes a document and holds what it says against what it said before.
func lay(file string, doc *yaml.Node, before string, ordered bool) ([]byte, error) {
	if ordered {
		order(doc)
	}
	foldScalars(doc, 0)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(doc), e.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out := foldLong(b.Bytes())
	again, err := onlyDocument(file, out)
	if err == nil {
		var after string
		if after, err = meaningOf(again); err == nil && before == after {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s: cannot be laid out without changing what it says; leave it as it is", file)
}

// maxFormat bounds a file, bytes.
const maxFormat = 1 << 20

func onlyDocument(file string, src []byte) (doc *yaml.Node, err error) {
	defer func() { // yaml.v3 panics on some malformed input
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("%s: the YAML cannot be read: %v", file, r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(src))
	doc = &yaml.Node{}
	if err := d.Decode(doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: expected one YAML document", file)
	}
	return doc, nil
}

// meaningOf prints what a document says, without its layout: keys sorted, aliases followed.
func meaningOf(n *yaml.Node) (string, error) {
	var b strings.Builder
	budget := 2_000_000
	var walk func(n *yaml.Node, depth int) error
	walk = func(n *yaml.Node, depth int) error {
		if budget--; budget < 0 || depth > 100 {
			return errors.New("too much nesting or too many aliases")
		}
		switch n.Kind {
		case yaml.DocumentNode:
			return walk(n.Content[0], depth+1)
		case yaml.AliasNode:
			return walk(n.Alias, depth+1)
		case yaml.SequenceNode:
			b.WriteByte('[')
			for _, c := range n.Content {
				if err := walk(c, depth+1); err != nil {
					return err
				}
				b.WriteByte(',')
			}
			b.WriteByte(']')
		case yaml.MappingNode:
			type pair struct{ k, v *yaml.Node }
			var pairs []pair
			for i := 0; i+1 < len(n.Content); i += 2 {
				pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
			}
			sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].k.Value < pairs[j].k.Value })
			b.WriteByte('{')
			for _, p := range pairs {
				fmt.Fprintf(&b, "%q:", p.k.Value)
				if err := walk(p.v, depth+1); err != nil {
					return err
				}
				b.WriteByte(',')
			}
			b.WriteByte('}')
		default:
			fmt.Fprintf(&b, "%s%q", n.Tag, n.Value)
		}
		return nil
	}
	err := walk(n, 0)
	return b.String(), err
}

// layout is the keys of a mapping in the order of the grammar, with the layouts of what stands
// under them. A mapping with any other key keeps its order.
type layout struct {
	keys  []string
	under map[string]*layout
}

func layoutOf(sh *shape, under map[string]*layout) *layout { return &layout{sh.names(), under} }

// The layouts of files, by the key that tells a file's kind. Items of traces stay as they are
// written: their first key says what they are.
var layouts = map[string]*layout{
	"id": layoutOf(&ruleShape, map[string]*layout{
		"switches":   layoutOf(&switchShape, nil),
		"requires":   layoutOf(&requireShape, nil),
		"fused":      alternativeLayout,
		"split":      alternativeLayout,
		"overlapped": alternativeLayout,
		"serial":     alternativeLayout,
	}),
	"family": layoutOf(&familyShape, nil),
	"rule": {[]string{"rule", "define", "tests"}, map[string]*layout{
		"tests": {[]string{"name", "only", "run", "trace", "expect"}, map[string]*layout{
			"run":    {[]string{"framework", "vendor", "gpu", "sm", "model", "tp", "world", "args"}, nil},
			"expect": {[]string{"verdict", "under", "rule", "stage", "side", "chains", "by_design", "bind"}, nil},
		}},
	}},
}

var alternativeLayout = layoutOf(&alternativeShape, map[string]*layout{
	"chain":   layoutOf(&stepShape, nil),
	"beside":  layoutOf(&stepShape, nil),
	"residue": layoutOf(&residueShape, nil),
})

// order puts the keys of a file's mappings in the order of the grammar.
func order(doc *yaml.Node) {
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return
	}
	root := doc.Content[0]
	for _, key := range []string{"id", "family", "rule"} {
		if slices.ContainsFunc(root.Content, func(n *yaml.Node) bool { return n.Value == key }) {
			layouts[key].order(root, doc.HeadComment == "")
			return
		}
	}
}

func (l *layout) order(n *yaml.Node, top bool) {
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			l.order(c, false)
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	type pair struct{ k, v *yaml.Node }
	var pairs []pair
	known := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		pairs = append(pairs, pair{k, v})
		known = known && slices.Contains(l.keys, k.Value)
		if u := l.under[k.Value]; u != nil {
			u.order(v, false)
		}
	}
	if !known || len(pairs) == 0 {
		return
	}
	head := ""
	if top { // the only comment above the first key is about the file
		head, pairs[0].k.HeadComment = pairs[0].k.HeadComment, ""
	}
	sort.SliceStable(pairs, func(i, j int) bool {
		return slices.Index(l.keys, pairs[i].k.Value) < slices.Index(l.keys, pairs[j].k.Value)
	})
	if head != "" {
		if own := pairs[0].k.HeadComment; own != "" {
			head += "\n\n" + own
		}
		pairs[0].k.HeadComment = head
	}
	n.Content = n.Content[:0]
	for _, p := range pairs {
		n.Content = append(n.Content, p.k, p.v)
	}
}

// foldScalars gives the long texts of block mappings and lists the folded style, in which
// they can be broken. Those in {…} and […] stay, as such a line is one thing, and so do the
// names of kernels in traces.
func foldScalars(n *yaml.Node, indent int) {
	if n.Style&yaml.FlowStyle != 0 || indent > 100 {
		return
	}
	fold := func(v *yaml.Node, before int) {
		text := v.Value
		switch {
		case v.Kind != yaml.ScalarNode || v.Tag != "!!str" || v.Anchor != "" || v.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0:
		case before+utf8.RuneCountInString(text) <= formatWidth || !strings.Contains(text, " "):
		case strings.ContainsAny(text, "\n\t") || strings.TrimSpace(text) != text || v.LineComment != "":
		default:
			v.Style = yaml.FoldedStyle
		}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			foldScalars(c, 0)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if k := n.Content[i].Value; k == "trace" || k == "define" {
				continue
			}
			fold(n.Content[i+1], indent+len(n.Content[i].Value)+2)
			foldScalars(n.Content[i+1], indent+2)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			fold(c, indent+2)
			foldScalars(c, indent+2)
		}
	}
}

// foldLong breaks the long lines of folded scalars, which the encoder writes in one piece.
func foldLong(src []byte) []byte {
	var b bytes.Buffer
	indent := -1 // of the key or dash whose folded text is being read
	for line := range strings.Lines(string(src)) {
		body := strings.TrimLeft(line, " ")
		at := len(line) - len(body)
		if indent >= 0 && (at > indent || strings.TrimSpace(body) == "") {
			b.WriteString(breakLine(line, at))
			continue
		}
		indent = -1
		if t := strings.TrimRight(line, "\n"); strings.HasSuffix(t, ": >-") || strings.HasSuffix(t, "- >-") {
			indent = at
			for strings.HasPrefix(body, "- ") && strings.Contains(body, ": >-") {
				indent, body = indent+2, body[2:]
			}
		}
		b.WriteString(line)
	}
	return b.Bytes()
}

func breakLine(line string, indent int) string {
	text := strings.TrimRight(line, "\n")
	if utf8.RuneCountInString(text) <= formatWidth {
		return line
	}
	pad := strings.Repeat(" ", indent)
	var out strings.Builder
	cur := pad
	for i, w := range strings.Split(strings.TrimLeft(text, " "), " ") {
		switch {
		case i == 0:
			cur += w
		case w == "" || utf8.RuneCountInString(cur)+1+utf8.RuneCountInString(w) <= formatWidth || strings.HasSuffix(cur, " "):
			cur += " " + w // two spaces in a row would not survive a break
		default:
			out.WriteString(cur + "\n")
			cur = pad + w
		}
	}
	out.WriteString(cur + "\n")
	return out.String()
}
