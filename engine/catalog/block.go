package catalog

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// The keys of a rule that a section tells in its headings and prose, and where.
var proseKeys = map[string]string{
	"title": "the pattern's heading", "origin": "the group's heading", "domain": "the group's heading", "status": "the group's heading",
	"path": "the first paragraphs", "conclude": "**Conclude.**", "unseen": "**Unseen.**", "sources": "**Sources.**",
	"switches": "**Switches.**", "pulls": "**Pulls.**",
}

// maxHashes bounds the places of a block that may be comments.
const maxHashes = 100

// text is the block as it stands in the catalog.
func (b *block) text(in *input) string {
	var s strings.Builder
	for n := b.first; n <= b.last; n++ {
		s.WriteString(in.line(n) + "\n")
	}
	return s.String()
}

// readYAML reads one document. The reader panics on some malformed texts.
func readYAML(text string) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("the YAML cannot be read: %v", r)
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("the YAML is empty")
	}
	return doc.Content[0], nil
}

// mapping gives the block's root if the rest of the rule can be added to it: a mapping in block
// style at the beginning of the line, and nothing that ends the document.
func (p *parser) mapping(b *block) *yaml.Node {
	root, err := readYAML(b.text(p.in))
	at := diag.Pos{File: p.in.file, Line: b.first, Col: 1}
	if err != nil || root.Kind != yaml.MappingNode {
		return nil // package rule says it better
	}
	if root.Style&yaml.FlowStyle != 0 || root.Column != 1 {
		p.list.Addf(at, "block-form", "the rule block is indented or in braces, expected its keys at the beginning of lines")
		return nil
	}
	for n := b.first; n <= b.last; n++ {
		l := p.in.line(n)
		if strings.HasPrefix(l, "---") || strings.HasPrefix(l, "...") || strings.HasPrefix(l, "%") {
			p.list.Addf(diag.Pos{File: p.in.file, Line: n, Col: 1}, "block-form", "a document marker is not understood here: the block is a part of one rule")
			return nil
		}
	}
	ok := true
	for i := 0; i+1 < len(root.Content); i += 2 {
		k := root.Content[i]
		if where, twice := proseKeys[k.Value]; twice {
			pos := diag.Pos{File: p.in.file, Line: b.first + k.Line - 1, Col: k.Column}
			p.list.Add(diag.Diagnostic{Pos: pos, EndCol: pos.Col + len(k.Value), Code: "prose-key", Msg: "the key " + k.Value + " stands in the rule block",
				Hint: "it is told by " + where + "; take it out of the block"})
			ok = false
		}
	}
	if !ok {
		return nil
	}
	return root
}

// comments finds the comments of a block, by the line that they stand above. YAML's reader
// loses some and moves others, so each # that may begin one is taken away: when nothing of the
// content changes, it was a comment. Those that cannot be kept are reported.
func (p *parser) comments(b *block, root *yaml.Node) map[int][]string {
	out := map[int][]string{}
	lines := strings.Split(strings.TrimSuffix(b.text(p.in), "\n"), "\n")
	hashes := 0
	var above []int // lines of comments that wait for the line that they stand above
	for i, l := range lines {
		at := -1
		for j := 0; j < len(l) && at < 0; j++ {
			if l[j] != '#' || j > 0 && l[j-1] != ' ' && l[j-1] != '\t' {
				continue
			}
			if hashes++; hashes > maxHashes {
				p.list.Addf(diag.Pos{File: p.in.file, Line: b.first + i, Col: j + 1}, "too-large", "the block has more than %d signs # that may begin a comment", maxHashes)
				return nil
			}
			lines[i] = strings.TrimRight(l[:j], " \t")
			if without, err := readYAML(strings.Join(lines, "\n") + "\n"); err == nil && equal(root, without) {
				at = j
			}
			lines[i] = l
		}
		switch {
		case at >= 0 && strings.TrimSpace(l[:at]) != "":
			p.list.Add(diag.Diagnostic{Pos: diag.Pos{File: p.in.file, Line: b.first + i, Col: at + 1}, Code: "comment",
				Msg: "a comment begins here, behind a value", Hint: "put it on a line of its own above; if it is text, put the value in quotes"})
		case at >= 0:
			above = append(above, i)
		case strings.TrimSpace(l) != "":
			for _, c := range above {
				out[i+1] = append(out[i+1], strings.TrimSpace(lines[c]))
			}
			above = nil
		}
	}
	for _, c := range above {
		p.lostComment(b, c+1)
	}
	return out
}

// lostComment reports a comment that stands above nothing that has a line of its own. line
// counts from 1 in the block.
func (p *parser) lostComment(b *block, line int) {
	p.list.Add(diag.Diagnostic{Pos: diag.Pos{File: p.in.file, Line: b.first + line - 1, Col: 1}, Code: "comment",
		Msg: "the comment cannot be kept", Hint: "a comment stands above a key or the entry of a list"})
}

// equal tells whether two documents have the same content.
func equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Tag != b.Tag || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
