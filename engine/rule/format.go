package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	order(doc, 0)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(doc), e.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out := foldLong(b.Bytes())
	again, err := onlyDocument(file, out)
	if err != nil {
		return nil, err
	}
	after, err := meaningOf(again)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if before != after {
		return nil, fmt.Errorf("%s: cannot be laid out without changing what it says; leave it as it is", file)
	}
	return out, nil
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

// keyOrder is where a key stands in its mapping. Keys of no list keep their order behind the
// others; the words of the notation of traces are no keys of the grammar and stay as written.
var keyOrder = func() map[string]int {
	out := map[string]int{}
	for i, k := range strings.Fields(`rule tests id family kind name title origin status domain priority pulls covers sources switches
applies requires when unless because verdict only fused split as match chain skip optional many where residue by_design per_step
path conclude unseen`) {
		out[k] = i
	}
	return out
}()

// order puts the keys of every mapping of the grammar in order.
func order(n *yaml.Node, depth int) {
	if depth > 100 {
		return
	}
	if n.Kind == yaml.MappingNode && ordered(n) {
		type pair struct{ k, v *yaml.Node }
		var pairs []pair
		for i := 0; i+1 < len(n.Content); i += 2 {
			pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
		}
		head := ""
		if depth <= 1 && len(pairs) > 0 { // what stands above the first key is about the file
			head, pairs[0].k.HeadComment = pairs[0].k.HeadComment, ""
		}
		sort.SliceStable(pairs, func(i, j int) bool { return keyOrder[pairs[i].k.Value] < keyOrder[pairs[j].k.Value] })
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
	for _, c := range n.Content {
		order(c, depth+1)
	}
}

// ordered tells a mapping all of whose keys the grammar orders.
func ordered(n *yaml.Node) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if _, ok := keyOrder[n.Content[i].Value]; !ok {
			return false
		}
	}
	return true
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
