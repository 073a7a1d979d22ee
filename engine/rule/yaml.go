package rule

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// decoder reads one document and collects everything that is wrong with it.
type decoder struct {
	src  *source
	list diag.List
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// document reads the only document of a file and gives its root mapping; nil when there is
// none, and then the list says why.
func (d *decoder) document() (root *yaml.Node) {
	data := d.src.data
	if len(data) > maxFile {
		d.list.Addf(diag.Pos{File: d.src.file}, "too-large", "the file has %d bytes, at most %d are allowed", len(data), maxFile)
		return nil
	}
	if !d.characters() {
		return nil
	}
	// The reader panics on some malformed files that its own tests do not know.
	defer func() {
		if r := recover(); r != nil {
			d.list.Addf(diag.Pos{File: d.src.file}, "yaml-syntax", "the YAML cannot be read: %v", r)
			root = nil
		}
	}()
	reader := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := reader.Decode(&doc); {
	case errors.Is(err, io.EOF):
		d.list.Addf(diag.Pos{File: d.src.file, Line: 1, Col: 1}, "empty", "the file is empty, expected one YAML document")
		return nil
	case err != nil:
		d.syntax(err)
		return nil
	}
	switch err := reader.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntax(err)
		return nil
	default:
		at := &second
		if len(second.Content) > 0 {
			at = second.Content[0]
		}
		d.list.Addf(d.src.at(at), "yaml-documents", "a second document begins here, expected one a file")
	}
	if len(doc.Content) == 0 || !d.plain(doc.Content[0], 0) {
		return nil
	}
	root = doc.Content[0]
	if root.Kind != yaml.MappingNode {
		d.list.Addf(d.src.at(root), "wrong-type", "found %s, expected a mapping", kindOf(root))
		return nil
	}
	return root
}

// readBounded reads a file that may be too large, which document then says.
func readBounded(f fs.File) ([]byte, error) {
	var b bytes.Buffer
	if info, err := f.Stat(); err == nil {
		b.Grow(int(min(max(info.Size(), 0), maxFile)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(f, maxFile+1))
	return b.Bytes(), err
}

// characters refuses bytes that are no UTF-8 and the line breaks that only YAML counts as
// such, because no editor shows the line numbers that would come out.
func (d *decoder) characters() bool {
	for i := 0; i < len(d.src.data); {
		r, n := utf8.DecodeRune(d.src.data[i:])
		bad := r == 0x85 || r == 0x2028 || r == 0x2029 || r == utf8.RuneError && n == 1 ||
			r == '\r' && (i+1 == len(d.src.data) || d.src.data[i+1] != '\n')
		if bad {
			d.list.Addf(d.src.pos(i), "yaml-character", "the byte 0x%02x is not allowed here: files are UTF-8 with ordinary line breaks", d.src.data[i])
			return false
		}
		i += n
	}
	return true
}

// syntax reports what the YAML reader says. It leaves the first line out, and counts lines
// from 0 where its parser and not its scanner found the error.
func (d *decoder) syntax(err error) {
	at, msg := diag.Pos{File: d.src.file, Line: 1}, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
		if strings.HasPrefix(msg, "did not find expected") {
			at.Line++
		}
	}
	d.list.Addf(at, "yaml-syntax", "%s", strings.TrimPrefix(msg, "yaml: "))
}

// plain refuses aliases, anchors and tags, with which a small file becomes a large one or
// means something that it does not show, and nesting that no rule has.
func (d *decoder) plain(n *yaml.Node, depth int) bool {
	if depth > maxDepth {
		d.list.Addf(d.src.at(n), "too-deep", "nested more than %d deep", maxDepth)
		return false
	}
	ok := true
	if len(d.list) >= maxRefused {
		return false
	}
	refuse := func(what string) {
		d.list.Add(diag.Diagnostic{Pos: d.src.at(n), Code: "yaml-alias", Msg: what + " are not allowed", Hint: "write the value out"})
		ok = false
	}
	switch {
	case n.Kind == yaml.AliasNode:
		refuse("aliases")
		return false
	case n.Anchor != "":
		refuse("anchors")
	case n.Style&yaml.TaggedStyle != 0:
		refuse("tags")
	}
	for _, c := range n.Content {
		ok = d.plain(c, depth+1) && ok
	}
	return ok
}

// object is a mapping with its values by key.
type object struct {
	node   *yaml.Node
	at     places
	values map[string]*yaml.Node // those of at
}

// pos is the position of the value of a key; the zero position where it is absent.
func (o *object) pos(key string) diag.Pos { return o.at.of(key, diag.Pos{}) }

// object checks a mapping against its shape: unknown, duplicate and missing keys. It gives nil
// when the node is none.
func (d *decoder) object(n *yaml.Node, sh *shape) *object {
	if n.Kind != yaml.MappingNode {
		d.list.Addf(d.src.at(n), "wrong-type", "found %s, expected a mapping: %s", kindOf(n), sh.name)
		return nil
	}
	values := make(map[string]*yaml.Node, min(len(n.Content)/2, maxKeys))
	o := &object{n, places{d.src, values}, values}
	seen := func(i int) *yaml.Node { // the key of pair i where it stood before
		for j := 0; j < i; j += 2 {
			if n.Content[j].Kind == yaml.ScalarNode && n.Content[j].Value == n.Content[i].Value {
				return n.Content[j]
			}
		}
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if i/2 == maxKeys {
			at := d.src.at(k)
			d.list.Addf(at, "too-large", "%s has %d keys, at most %d are read", sh.name, len(n.Content)/2, maxKeys)
			break
		}
		if k.Kind != yaml.ScalarNode {
			d.list.Addf(d.src.at(k), "wrong-type", "found %s as a key, expected a word", kindOf(k))
			continue
		}
		known := sh.has(k.Value)
		if !known || o.values[k.Value] != nil {
			if before := seen(i); before != nil {
				at := d.src.at(k)
				d.list.Add(diag.Diagnostic{Pos: at, EndCol: at.Col + len(k.Value), Code: "duplicate-key",
					Msg: "the key " + diag.Shorten(k.Value) + " is there already, in line " + strconv.Itoa(d.src.at(before).Line)})
				continue
			}
		}
		if !known {
			at := d.src.at(k)
			hint := didYouMean(k.Value, sh.names())
			if hint == "" {
				hint = "expected one of " + strings.Join(sh.names(), ", ")
			}
			d.list.Add(diag.Diagnostic{Pos: at, EndCol: at.Col + len(k.Value), Code: "unknown-key",
				Msg: "no key " + diag.Shorten(k.Value) + " in " + sh.name, Hint: hint})
			continue
		}
		o.values[k.Value] = v
	}
	for _, k := range sh.keys {
		if k.required && o.values[k.name] == nil {
			d.list.Addf(d.src.at(n), "missing-key", "%s needs the key %s", sh.name, k.name)
		}
	}
	return o
}

// text reads a text under a key: trimmed, not empty, "" when absent or wrong.
func (d *decoder) text(o *object, name string) string {
	n := o.values[name]
	if n == nil {
		return ""
	}
	return d.textOf(n, name)
}

func (d *decoder) textOf(n *yaml.Node, name string) string {
	if !d.isText(n, name) {
		return ""
	}
	s := strings.TrimSpace(n.Value)
	if len(s) > maxText {
		d.list.Addf(d.src.at(n), "too-large", "%s has %d bytes, at most %d are allowed", name, len(s), maxText)
		return ""
	}
	return s
}

func (d *decoder) isText(n *yaml.Node, name string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		hint := ""
		if n.Kind == yaml.ScalarNode && n.Value != "" {
			hint = "put it in quotes"
		}
		d.list.Add(diag.Diagnostic{Pos: d.src.at(n), Code: "wrong-type", Msg: name + " is " + kindOf(n) + ", expected a text", Hint: hint})
		return false
	}
	if strings.TrimSpace(n.Value) == "" {
		d.list.Addf(d.src.at(n), "empty", "%s is empty", name)
		return false
	}
	return true
}

// word reads a text out of a closed list.
func (d *decoder) word(o *object, name string, words vocabulary) string {
	s := d.text(o, name)
	if s == "" || words.has(s) {
		return s
	}
	hint := didYouMean(s, words)
	d.list.Add(diag.Diagnostic{Pos: o.pos(name), Code: "bad-value", Msg: name + " is " + quote(diag.Shorten(s)) + ", expected one of " + words.String(), Hint: hint})
	return ""
}

// expr reads a CEL expression.
func (d *decoder) expr(o *object, name string) *Expr {
	n := o.values[name]
	if n == nil {
		return nil
	}
	return d.exprOf(n, name)
}

func (d *decoder) exprOf(n *yaml.Node, name string) *Expr {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" { // true and false are CEL as well
		return d.newExpr(n)
	}
	if !d.isText(n, name) {
		return nil
	}
	if len(n.Value) > maxExpr {
		d.list.Addf(d.src.at(n), "cel-size", "%s has %d bytes, at most %d are allowed", name, len(n.Value), maxExpr)
		return nil
	}
	return d.newExpr(n)
}

func (d *decoder) newExpr(n *yaml.Node) *Expr {
	return &Expr{Pos: d.src.at(n), Text: n.Value, src: d.src, scalar: scalar{d.src.offset(n.Line, n.Column), n.Style}}
}

// number reads a whole number in a range.
func (d *decoder) number(n *yaml.Node, name string, low, high int) int {
	v, err := strconv.Atoi(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil && !errors.Is(err, strconv.ErrRange):
		d.list.Addf(d.src.at(n), "wrong-type", "%s is %s, expected a whole number", name, kindOf(n))
	case err != nil || v < low || v > high:
		d.list.Addf(d.src.at(n), "bad-value", "%s is %s, expected %d to %d", name, diag.Shorten(n.Value), low, high)
	default:
		return v
	}
	return low
}

// truth reads true or false.
func (d *decoder) truth(o *object, name string) bool {
	n := o.values[name]
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.list.Addf(d.src.at(n), "wrong-type", "%s is %s, expected true or false", name, kindOf(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// items reads a list of at least one and at most most entries.
func (d *decoder) items(o *object, name string, most int) []*yaml.Node {
	n := o.values[name]
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		d.list.Add(diag.Diagnostic{Pos: d.src.at(n), Code: "wrong-type", Msg: name + " is " + kindOf(n) + ", expected a list", Hint: "begin each entry with a dash"})
		return nil
	case len(n.Content) == 0:
		d.list.Addf(d.src.at(n), "empty", "%s is an empty list", name)
		return nil
	case len(n.Content) > most:
		d.list.Addf(d.src.at(n.Content[most]), "too-large", "%s has %d entries, at most %d are allowed", name, len(n.Content), most)
		return n.Content[:most]
	}
	return n.Content
}

// kindOf names what a node is, in words.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "the number " + diag.Shorten(n.Value)
	case "!!bool":
		return "the truth value " + diag.Shorten(n.Value)
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "the date " + diag.Shorten(n.Value)
	}
	return "the text " + quote(diag.Shorten(n.Value))
}
