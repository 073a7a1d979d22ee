package catalog

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The order of a rule's keys in a generated file. Keys that the rule grammar has and this list has
// not come behind split, in the order of the block.
var keyOrder = []string{"id", "kind", "title", "origin", "status", "domain", "priority", "pulls", "covers", "sources", "switches",
	"applies", "requires", "fused", "split", "overlapped", "serial", "", "path", "conclude", "unseen"}

// width is the column at which texts are folded.
const width = 120

// emitter writes YAML in one fixed style: mappings and lists in block form, covers and pulls in
// brackets, texts plain where they can be, else in single quotes, long ones folded.
type emitter struct {
	b        strings.Builder
	comments map[int][]string // by the line of the block that they stand above
}

// emit writes the rule file of a section and gives the lines of comments that found no place.
func emit(head string, s *section, kind string, root *yaml.Node, comments map[int][]string) (text []byte, lost []int) {
	e := &emitter{comments: comments}
	e.b.WriteString(head + "\n")
	block := map[string]int{}
	var others []int
	for i := 0; i < len(root.Content); i += 2 {
		block[root.Content[i].Value] = i
		if !known(root.Content[i].Value) {
			others = append(others, i)
		}
	}
	for _, key := range keyOrder {
		i, ok := block[key]
		switch {
		case key == "":
			for _, i := range others {
				e.pair(root.Content[i], root.Content[i+1], 0)
			}
		case ok && key == "covers" && root.Content[i+1].Kind == yaml.SequenceNode:
			e.comment(root.Content[i].Line, 0)
			e.brackets(key, root.Content[i+1])
		case ok:
			e.pair(root.Content[i], root.Content[i+1], 0)
		default:
			e.prose(key, s, kind)
		}
	}
	for n := range e.comments {
		lost = append(lost, n)
	}
	return []byte(e.b.String()), lost
}

func known(key string) bool {
	for _, k := range keyOrder {
		if k == key {
			return true
		}
	}
	return false
}

// prose writes a key that the headings and the prose tell.
func (e *emitter) prose(key string, s *section, kind string) {
	text := map[string]string{"kind": kind, "title": s.title.text, "origin": s.group.origin, "status": s.group.status, "domain": s.group.domain,
		"path": join(s.path), "conclude": join(s.conclude), "unseen": join(s.unseen)}[key]
	switch {
	case text != "":
		e.text(key+":", text, 0)
	case key == "pulls" && len(s.pulls) > 0:
		e.b.WriteString("pulls: [")
		for i, n := range s.pulls {
			if i > 0 {
				e.b.WriteString(", ")
			}
			e.b.WriteString(n.text)
		}
		e.b.WriteString("]\n")
	case key == "sources":
		e.b.WriteString("sources:\n")
		for _, src := range s.sources {
			e.text("  -", src.text, 2)
		}
	case key == "switches" && len(s.switches) > 0:
		e.b.WriteString("switches:\n")
		for _, t := range s.switches {
			e.text("  - name:", t.name.text, 4)
			e.text("    kind:", t.kind.text, 4)
			if t.hasDefault {
				e.text("    default:", t.preset.text, 4)
			}
			if t.source.text != "" {
				e.text("    source:", t.source.text, 4)
			}
			if t.effect.text != "" {
				e.text("    effect:", t.effect.text, 4)
			}
		}
	}
}

// comment writes the comments that stand above a line of the block.
func (e *emitter) comment(line, indent int) {
	for _, c := range e.comments[line] {
		e.b.WriteString(strings.Repeat(" ", indent) + c + "\n")
	}
	delete(e.comments, line)
}

// pair writes a key and its value.
func (e *emitter) pair(k, v *yaml.Node, indent int) {
	e.comment(k.Line, indent)
	e.value(strings.Repeat(" ", indent)+k.Value+":", v, indent)
}

// value writes what stands behind a key or a dash.
func (e *emitter) value(lead string, v *yaml.Node, indent int) {
	switch {
	case v.Kind == yaml.ScalarNode && v.Tag == "!!str":
		e.text(lead, v.Value, indent)
	case v.Kind == yaml.ScalarNode:
		e.b.WriteString(lead + " " + v.Value + "\n")
	case len(v.Content) == 0:
		e.b.WriteString(lead + map[yaml.Kind]string{yaml.MappingNode: " {}\n", yaml.SequenceNode: " []\n"}[v.Kind])
	case v.Kind == yaml.MappingNode && strings.HasSuffix(lead, "-"):
		// The first key stands behind the dash.
		e.comment(v.Content[0].Line, indent)
		e.value(lead+" "+v.Content[0].Value+":", v.Content[1], indent+2)
		for i := 2; i+1 < len(v.Content); i += 2 {
			e.pair(v.Content[i], v.Content[i+1], indent+2)
		}
	case v.Kind == yaml.MappingNode:
		e.b.WriteString(lead + "\n")
		for i := 0; i+1 < len(v.Content); i += 2 {
			e.pair(v.Content[i], v.Content[i+1], indent+2)
		}
	default:
		e.b.WriteString(lead + "\n")
		for _, n := range v.Content {
			e.comment(n.Line, indent+2)
			e.value(strings.Repeat(" ", indent+2)+"-", n, indent+2)
		}
	}
}

// brackets writes a short list of words on one line, folded where it is long.
func (e *emitter) brackets(key string, v *yaml.Node) {
	lead := key + ": ["
	for i, n := range v.Content {
		item := n.Value
		if n.Tag == "!!str" && !isPlain(item) || strings.ContainsAny(item, ",[]{}") {
			item = single(item)
		}
		switch {
		case i > 0 && len(lead)+len(item)+3 > width:
			e.b.WriteString(lead + ",\n")
			lead = "  " + item
		case i > 0:
			lead += ", " + item
		default:
			lead += item
		}
	}
	e.b.WriteString(lead + "]\n")
}

// text writes a text behind its key or dash; indent is that of the key.
func (e *emitter) text(lead, v string, indent int) {
	folds := canFold(v)
	switch {
	case folds && (strings.Contains(v, "\n") || utf8.RuneCountInString(lead)+1+utf8.RuneCountInString(v) > width && strings.Contains(v, " ")):
		e.folded(lead, v, indent)
	case strings.Contains(v, "\n"):
		e.b.WriteString(lead + " " + quoted(v) + "\n")
	case isPlain(v):
		e.b.WriteString(lead + " " + v + "\n")
	default:
		e.b.WriteString(lead + " " + single(v) + "\n")
	}
}

func single(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

// canFold tells whether a folded block gives a text back as it is: no line of it begins or ends
// with white space, and it ends with one line break or none.
func canFold(v string) bool {
	v = strings.TrimSuffix(v, "\n")
	for _, l := range strings.Split(v, "\n") {
		if strings.Trim(l, " \t") != l {
			return false
		}
	}
	return v != "" && v[0] != '\n' && v[len(v)-1] != '\n'
}

// folded writes a folded block. Lines are broken at single spaces only.
func (e *emitter) folded(lead, v string, indent int) {
	mark := " >-\n"
	if cut, ok := strings.CutSuffix(v, "\n"); ok {
		v, mark = cut, " >\n"
	}
	e.b.WriteString(lead + mark)
	pad := strings.Repeat(" ", indent+2)
	for i, l := range strings.Split(v, "\n") {
		if i > 0 {
			e.b.WriteByte('\n')
		}
		from, at := 0, 0 // of the line that is being filled, and of the last place to break it
		for j := 1; j+1 < len(l); j++ {
			if l[j] != ' ' || isBlank(l[j-1]) || isBlank(l[j+1]) {
				continue
			}
			if at > from && len(pad)+utf8.RuneCountInString(l[from:j]) > width {
				e.b.WriteString(pad + l[from:at] + "\n")
				from = at + 1
			}
			at = j
		}
		if at > from && len(pad)+utf8.RuneCountInString(l[from:]) > width {
			e.b.WriteString(pad + l[from:at] + "\n")
			from = at + 1
		}
		if l != "" {
			e.b.WriteString(pad + l[from:] + "\n")
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isPlain tells whether a text can stand without quotes as the value of a key. YAML's reader
// is asked; words that older readers take for truth values are left to quotes as well.
func isPlain(v string) bool {
	switch strings.ToLower(v) {
	case "y", "n", "yes", "no", "on", "off", "~", "null", "true", "false":
		return false
	}
	if v == "" || strings.ContainsAny(v, "\n\t") || strings.Contains(v, "#") && strings.Contains(v, " #") {
		return false
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		return false
	}
	root, err := readYAML("k: " + v + "\n")
	if err != nil || root.Kind != yaml.MappingNode || len(root.Content) != 2 {
		return false
	}
	n := root.Content[1]
	return n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Style == 0 && n.Anchor == "" && n.Value == v
}
