package rule

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestPlaces: an error inside an expression has the file's own line and column, however YAML
// writes the expression. Each text has the word BAD once, as a field that does not exist.
func TestPlaces(t *testing.T) {
	env, err := NewEnv(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, yaml string }{
		{"plain", "x: k.BAD == 'a'\n"},
		{"plain over lines", "x: k.symbol == 'a' &&\n   k.ns == 'b'\n   && k.BAD == 'a'\n"},
		{"plain over an empty line", "x: k.symbol == 'a'\n\n\n     && k.BAD == 'a'\n"},
		{"single quotes", "x: 'k.symbol == ''a'' && k.BAD == ''b'''\n"},
		{"single quotes over lines", "x: 'k.symbol == ''a''\n\n   && k.BAD == ''b'''\n"},
		{"double quotes", "x: \"k.symbol == \\\"a\\\" && k.BAD == 'b'\"\n"},
		{"double quotes, escapes", `x: "k.symbol == \"\\u0041\x20\u00e9\U0001F600\t\" && k.BAD == 'b'"` + "\n"},
		{"double quotes over lines", "x: \"k.symbol == 'a' &&\n  k.ns == 'b' \\\n    && k.BAD == 'a'\"\n"},
		{"double quotes, line breaks in it", "x: \"k.symbol == 'a' &&\\n  k.BAD == 'b'\"\n"},
		{"literal", "x: |\n  k.symbol == 'a' &&\n    k.BAD == 'b'\n"},
		{"literal with header", "x: |2- # why\n    k.symbol == 'a' &&\n  k.BAD == 'b'"},
		{"literal with empty lines", "x: |+\n\n\n  k.symbol == 'a'\n\n  && k.BAD == 'b'\n\n\n"},
		{"folded", "x: >\n  k.symbol == 'a' &&\n  k.ns == 'b' &&\n  k.BAD == 'b'\n"},
		{"folded with more indented lines", "x: >-\n  k.symbol == 'a' &&\n      k.ns == 'b' &&\n\n  k.BAD == 'b'\n"},
		{"CRLF", "y: 1\r\nx: |\r\n  k.symbol == 'a' &&\r\n  k.BAD == 'b'\r\n"},
		{"in a flow mapping", "{y: [1, {x: k.BAD == 'a'}]}\n"},
		{"characters of several bytes", "é: ü\nx: 'k.symbol == \"äöü€😀\" && k.BAD == \"\"'\n"},
		{"characters of several bytes before it", "{ü€: 1, x: 'k.symbol == \"äöü€😀\" && k.BAD == \"\"'}\n"},
		{"a byte-order mark", "\ufeffx: k.BAD == 'a'\n"},
		{"a byte-order mark in flow style", "\ufeff{é: 1, x: k.BAD == 'a'}\n"},
		{"a tab before", "x:\tk.BAD == 'a'\n"},
		{"the end of the file", "x: k.symbol == 'a' || k.BAD"},
		{"trailing space and a comment", "x: k.BAD == 'a'   # BA D\n"},
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(c.yaml), &doc); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		d := &decoder{src: newSource("f", []byte(c.yaml))}
		e := d.newExpr(find(&doc, "x"))
		comp := &compiler{env: env}
		comp.predicate(e, env.kernel)
		if len(comp.list) != 1 {
			t.Errorf("%s: %v", c.name, comp.list)
			continue
		}
		before := c.yaml[:strings.Index(c.yaml, "BAD")]
		line := strings.Count(before, "\n") + 1
		col := len(before) - strings.LastIndexByte(before, '\n')
		want := fmt.Sprintf("f:%d:%d: undefined field 'BAD' [cel-type]", line, col)
		if got := comp.list.Error(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
		if comp.list[0].EndCol != col+3 {
			t.Errorf("%s: marked up to column %d, want %d", c.name, comp.list[0].EndCol, col+3)
		}
	}
}

// find is the value under a key anywhere in a document.
func find(n *yaml.Node, key string) *yaml.Node {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Value == key {
			return n.Content[i+1]
		}
		if f := find(c, key); f != nil {
			return f
		}
	}
	return nil
}

// TestNoPlace: a text that is not in the file has the position of its value.
func TestNoPlace(t *testing.T) {
	src := newSource("f", []byte("x: abc\n"))
	e := &Expr{Pos: src.pos(3), Text: "something else", src: src, scalar: scalar{off: 3}}
	if at, end := e.place(1, 4); at.String() != "f:1:4" || end != 0 {
		t.Errorf("at %s, to %d", at, end)
	}
	made := &Expr{Text: "k.x"}
	if at, _ := made.place(1, 2); at.Line != 0 {
		t.Errorf("an expression without a file is at %s", at)
	}
}
