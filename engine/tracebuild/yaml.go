package tracebuild

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sgrules/sgrules/engine/diag"
	"gopkg.in/yaml.v3"
)

const (
	maxUS   = 1e11 // ns: 100 s, the longest duration that can be written down
	maxText = 8192 // bytes of a name
)

// decoder reads YAML node by node, since a struct decoder has no column for an error
// and no notion of which key fits which item.
type decoder struct {
	file string
	errs diag.List
	n    int // items read
	used int // scalars read, aliases counted as often as used
}

// maxScalars bounds what aliases of long lists can multiply to.
const maxScalars = 4_000_000

// spent reports that the description is larger than any honest one, once.
func (d *decoder) spent(n *yaml.Node) bool {
	if d.used <= maxScalars {
		return false
	}
	if d.used < 2*maxScalars {
		d.used = 2 * maxScalars
		d.fail(n, "too-large", "more than %d values, aliases counted as often as used; expected a shorter description", maxScalars)
	}
	return true
}

func (d *decoder) pos(n *yaml.Node) diag.Pos {
	if n == nil {
		return diag.Pos{File: d.file}
	}
	return diag.Pos{File: d.file, Line: n.Line, Col: n.Column}
}

func (d *decoder) fail(n *yaml.Node, code, format string, args ...any) {
	if len(d.errs) < 1000 {
		d.errs.Addf(d.pos(n), code, format, args...)
	}
}

// resolve follows documents and aliases; nil when there is nothing or an alias is its own part.
func (d *decoder) resolve(n *yaml.Node) *yaml.Node {
	for range MaxDepth {
		switch {
		case n == nil:
			return nil
		case n.Kind == yaml.AliasNode:
			n = n.Alias
		case n.Kind == yaml.DocumentNode && len(n.Content) == 1:
			n = n.Content[0]
		default:
			return n
		}
	}
	d.fail(n, "too-deep", "an alias leads to more than %d others", MaxDepth)
	return nil
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		v := n.Value
		if len(v) > 60 {
			v = strings.ToValidUTF8(v[:60], "") + "…"
		}
		return strconv.Quote(v)
	}
	return "nothing"
}

// mapping gives the values by key and reports unknown and repeated keys. It is nil for anything else.
func (d *decoder) mapping(n *yaml.Node, what string, keys ...string) map[string]*yaml.Node {
	n = d.resolve(n)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "bad-type", "found %s; expected %s as a mapping", describe(n), what)
		return nil
	}
	m := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		known := false
		for _, key := range keys {
			known = known || key == k.Value && k.Kind == yaml.ScalarNode
		}
		switch {
		case !known:
			d.fail(k, "unknown-key", "%s has no key %s; expected one of %s", what, describe(k), strings.Join(keys, ", "))
		case m[k.Value] != nil:
			d.fail(k, "duplicate-key", "the key %s stands twice", k.Value)
		default:
			m[k.Value] = v
		}
	}
	return m
}

func (d *decoder) sequence(n *yaml.Node, what string, most int) []*yaml.Node {
	n = d.resolve(n)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "bad-type", "found %s; expected %s as a list", describe(n), what)
		return nil
	}
	if len(n.Content) > most {
		d.fail(n, "out-of-range", "a list of %d; expected at most %d", len(n.Content), most)
		return nil
	}
	return n.Content
}

func (d *decoder) scalar(n *yaml.Node, expected string, tags ...string) (string, bool) {
	if n == nil {
		return "", false
	}
	at := n
	d.used++
	if n = d.resolve(n); n == nil {
		return "", false
	}
	if n.Kind == yaml.ScalarNode {
		for _, t := range tags {
			if n.Tag == t {
				return n.Value, true
			}
		}
	}
	d.fail(at, "bad-type", "found %s; expected %s", describe(n), expected)
	return "", false
}

func (d *decoder) text(n *yaml.Node, empty bool) string {
	s, ok := d.scalar(n, "text", "!!str")
	switch {
	case !ok:
	case s == "" && !empty:
		d.fail(n, "out-of-range", "empty text; expected a name")
	case len(s) > maxText:
		d.fail(n, "out-of-range", "a text of %d bytes; expected at most %d", len(s), maxText)
	case !utf8.ValidString(s):
		d.fail(n, "out-of-range", "the text is not UTF-8")
	default:
		return s
	}
	return ""
}

func (d *decoder) choice(n *yaml.Node, from ...string) string {
	s := d.text(n, false)
	for _, f := range from {
		if s == f {
			return s
		}
	}
	if s != "" {
		d.fail(n, "out-of-range", "found %q; expected one of %s", s, strings.Join(from, ", "))
	}
	return ""
}

func (d *decoder) names(n *yaml.Node, what string) []string {
	var out []string
	for _, e := range d.sequence(n, what, MaxStack) {
		if s := d.text(e, false); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (d *decoder) boolean(n *yaml.Node, def bool) bool {
	s, ok := d.scalar(n, "true or false", "!!bool")
	if !ok {
		return def
	}
	return s == "true" || s == "True" || s == "TRUE"
}

func (d *decoder) integer(n *yaml.Node, def, low, high int64) int64 {
	s, ok := d.scalar(n, "a whole number", "!!int")
	if !ok {
		return def
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < low || v > high {
		d.fail(n, "out-of-range", "found %s; expected a whole decimal number from %d to %d", describe(d.resolve(n)), low, high)
		return def
	}
	return v
}

func (d *decoder) micros(n *yaml.Node, def, low, high int64) int64 {
	s, ok := d.scalar(n, "microseconds", "!!int", "!!float")
	if !ok {
		return def
	}
	v, ok := parseUS(s)
	if !ok || v < low || v > high {
		d.fail(n, "out-of-range", "found %s; expected microseconds from %s to %s with at most three decimals", describe(d.resolve(n)), usText(low), usText(high))
		return def
	}
	return v
}

func (d *decoder) durations(n *yaml.Node) []int64 {
	if n == nil {
		return nil
	}
	r := d.resolve(n)
	if r == nil || r.Kind != yaml.SequenceNode {
		return []int64{d.micros(n, DefaultUS, 0, maxUS)}
	}
	var out []int64
	for _, e := range d.sequence(n, "us", 4096) {
		out = append(out, d.micros(e, DefaultUS, 0, maxUS))
	}
	if len(out) == 0 {
		d.fail(n, "out-of-range", "an empty list; expected microseconds")
	}
	return out
}

// args keeps the order of the file. Lists of scalars are allowed since process groups are such.
func (d *decoder) args(n *yaml.Node) []Arg {
	if n = d.resolve(n); n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) > 128 {
		d.fail(n, "bad-type", "found %s; expected args as a mapping of at most 64 keys", describe(n))
		return nil
	}
	var out []Arg
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, Arg{d.text(n.Content[i], false), d.jsonOf(n.Content[i+1], true)})
	}
	return out
}

func (d *decoder) jsonOf(at *yaml.Node, lists bool) string {
	n := d.resolve(at)
	d.used++
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode && lists && len(n.Content) <= 1024:
		parts := make([]string, len(n.Content))
		for i, e := range n.Content {
			parts[i] = d.jsonOf(e, false)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "null"
	case n.Kind == yaml.ScalarNode && n.Tag == "!!bool":
		return strconv.FormatBool(d.boolean(at, false))
	case n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float") && json.Valid([]byte(n.Value)):
		return n.Value
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		return quote(d.text(at, true))
	}
	if n != nil {
		d.fail(at, "bad-type", "found %s; expected text, a JSON number, true, false, null or a list of them", describe(n))
	}
	return "null"
}

// parseUS reads decimal microseconds exactly, as ns.
func parseUS(s string) (int64, bool) {
	whole, frac, dot := strings.Cut(s, ".")
	neg := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if len(whole) == 0 || len(whole) > 12 || len(frac) > 3 || dot && frac == "" {
		return 0, false
	}
	for len(frac) < 3 {
		frac += "0"
	}
	v := int64(0)
	for _, c := range []byte(whole + frac) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if neg {
		v = -v
	}
	return v, true
}

// usText writes ns as microseconds without a rest of zeros.
func usText(ns int64) string { return strconv.FormatFloat(float64(ns)/1e3, 'f', -1, 64) }

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // kernel names are full of < and &
	if err := e.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
