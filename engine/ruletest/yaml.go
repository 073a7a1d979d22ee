package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

// Bounds of a file of tests.
const (
	maxFile   = 1 << 20
	maxText   = 4 << 10
	maxTests  = 256
	maxExpect = 32
	maxBind   = 32 // steps of a chain
	maxArgs   = 256
	maxEvents = 50_000 // of one test's trace
	maxErrors = 1000
	maxDepth  = 40 // aliases of aliases
)

// decoder reads one file and collects everything that is wrong with it.
type decoder struct {
	file string
	src  []byte
	list diag.List

	lines [][]byte
}

// pos is where a node begins. yaml.v3 counts columns in characters, positions count bytes. In a
// line that nobody reads the two are taken for the same: finding each place in it anew would
// make a long line slow.
func (d *decoder) pos(n *yaml.Node) diag.Pos {
	const longLine = 4 << 10
	p := diag.Pos{File: d.file, Line: max(n.Line, 1), Col: max(n.Column, 1)}
	if d.lines == nil {
		d.lines = bytes.Split(d.src, []byte("\n"))
	}
	if p.Line > len(d.lines) || len(d.lines[p.Line-1]) > longLine {
		return p
	}
	line, at := d.lines[p.Line-1], 0
	for col := 1; col < p.Col && at < len(line); col++ {
		_, w := utf8.DecodeRune(line[at:])
		at += w
	}
	p.Col = at + 1
	return p
}

func (d *decoder) addf(n *yaml.Node, code, hint, format string, args ...any) {
	if len(d.list) < maxErrors {
		d.list.Add(diag.Diagnostic{Pos: d.pos(n), Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint})
	}
}

// document reads the only document of the file, nil with a reason in the list.
func (d *decoder) document() (root *yaml.Node) {
	whole := diag.Pos{File: d.file}
	if len(d.src) > maxFile {
		d.list.Addf(whole, "too-large", "the file has more than %d bytes; split the tests, or write repeat in the trace", maxFile)
		return nil
	}
	if !utf8.Valid(d.src) {
		d.list.Addf(whole, "yaml-character", "the file is not UTF-8")
		return nil
	}
	defer func() { // yaml.v3 panics on some malformed input
		if r := recover(); r != nil {
			d.list.Addf(whole, "yaml-syntax", "the YAML cannot be read: %v", r)
			root = nil
		}
	}()
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(d.src))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		d.list.Addf(whole, "empty", "the file is empty, expected the keys rule and tests")
		return nil
	case err != nil:
		_, _ = fmt.Sscanf(strings.TrimPrefix(err.Error(), "yaml: "), "line %d:", &whole.Line)
		d.list.Addf(whole, "yaml-syntax", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.addf(&more, "yaml-documents", "", "a second document begins here, expected one a file")
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// resolve follows aliases; an alias of its own part ends as the alias itself, which no reader takes.
func resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			return n
		}
		n = n.Alias
	}
	return n
}

// object checks a mapping's keys and gives the values, resolved. nil when n is none.
func (d *decoder) object(n *yaml.Node, sh *shape) map[string]*yaml.Node {
	at := n
	if n = resolve(n); n.Kind != yaml.MappingNode {
		d.addf(at, "wrong-type", "", "found %s, expected %s: a mapping", kindOf(n), sh.name)
		return nil
	}
	m := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(sh.keys, k.Value):
			d.addf(k, "unknown-key", didYouMean(k.Value, sh.keys), "%s has no key %s", sh.name, diag.Shorten(k.Value))
		case m[k.Value] != nil:
			d.addf(k, "duplicate-key", "", "the key %s is there already", k.Value)
		default:
			m[k.Value] = resolve(n.Content[i+1])
		}
	}
	for _, k := range sh.keys[:sh.required] {
		if m[k] == nil {
			d.addf(at, "missing-key", "", "%s needs the key %s", sh.name, k)
		}
	}
	return m
}

// text reads a text; "" when absent or wrong.
func (d *decoder) text(m map[string]*yaml.Node, key string, empty bool) string {
	n := m[key]
	if n == nil {
		return ""
	}
	return d.textOf(n, key, empty)
}

func (d *decoder) textOf(n *yaml.Node, key string, empty bool) string {
	n = resolve(n)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag != "!!str":
		hint := ""
		if n.Kind == yaml.ScalarNode && n.Value != "" {
			hint = "put it in quotes"
		}
		d.addf(n, "wrong-type", hint, "%s is %s, expected a text", key, kindOf(n))
	case len(n.Value) > maxText:
		d.addf(n, "too-large", "", "%s has %d bytes, at most %d are allowed", key, len(n.Value), maxText)
	case strings.TrimSpace(n.Value) == "" && !empty:
		d.addf(n, "empty", "", "%s is empty", key)
	default:
		return strings.TrimSpace(n.Value)
	}
	return ""
}

// word reads a text out of a closed list.
func (d *decoder) word(m map[string]*yaml.Node, key string, words []string) string {
	s := d.text(m, key, slices.Contains(words, ""))
	if n := m[key]; n != nil && n.Tag == "!!str" && (s != "" || n.Value == "") && !slices.Contains(words, s) {
		d.addf(n, "bad-value", hint(rule.Nearest(s, words)), "%s is %q, expected one of %s", key, diag.Shorten(s), listOf(words))
		return ""
	}
	return s
}

// number reads a whole number; otherwise when absent or wrong.
func (d *decoder) number(m map[string]*yaml.Node, key string, low, high, otherwise int) int {
	n := m[key]
	if n == nil {
		return otherwise
	}
	v, err := strconv.Atoi(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag != "!!int":
		d.addf(n, "wrong-type", "", "%s is %s, expected a whole number", key, kindOf(n))
	case err != nil || v < low || v > high:
		d.addf(n, "bad-value", "", "%s is %s, expected %d to %d", key, diag.Shorten(n.Value), low, high)
	default:
		return v
	}
	return otherwise
}

func (d *decoder) truth(m map[string]*yaml.Node, key string) bool {
	n := m[key]
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.addf(n, "wrong-type", "", "%s is %s, expected true or false", key, kindOf(n))
	}
	return strings.EqualFold(n.Value, "true")
}

func (d *decoder) items(n *yaml.Node, key string, most int) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		d.addf(n, "wrong-type", "begin each entry with a dash", "%s is %s, expected a list", key, kindOf(n))
		return nil
	case len(n.Content) > most:
		d.addf(n.Content[most], "too-large", "", "%s has %d entries, at most %d are allowed", key, len(n.Content), most)
		return n.Content[:most]
	}
	return n.Content
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias of itself"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return strconv.Quote(diag.Shorten(n.Value))
}

func didYouMean(s string, words []string) string {
	if w := rule.Nearest(s, words); w != "" {
		return "did you mean " + w + "?"
	}
	return "expected one of " + listOf(words)
}

// listOf lists words; the empty one shows as what it is.
func listOf(words []string) string {
	out := slices.Clone(words)
	for i, w := range out {
		if w == "" {
			out[i] = `""`
		}
	}
	return strings.Join(out, ", ")
}
