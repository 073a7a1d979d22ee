package ruletest

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/tracebuild"
)

// A shape is the keys of an object, the required ones first. rules/schema/test.schema.json says
// the same, and a test holds the two together.
type shape struct {
	name     string
	keys     []string
	required int
}

var (
	fileShape   = shape{"a file of tests", []string{"rule", "tests", "define"}, 2}
	testShape   = shape{"a test", []string{"name", "trace", "expect", "run", "mapping", "only"}, 3}
	runShape    = shape{"a run", []string{"framework", "vendor", "gpu", "sm", "model", "tp", "world", "args"}, 0}
	expectShape = shape{"an expectation", []string{"verdict", "under", "rule", "stage", "side", "chains", "by_design", "bind"}, 0}
)

var (
	frameworks = []string{"sglang", "vllm", "tensorrt-llm", "tokenspeed", ""}
	vendors    = []string{"nvidia", "amd", ""}
	verdicts   = []string{match.Applied, match.Partial, match.ShouldApply, match.Disabled, match.ByDesign, match.Unsupported, match.Upstream, match.InFlight}
	sides      = slices.Concat(sideKeys("fuse"), sideKeys("overlap"))
)

func sideKeys(kind string) []string {
	k := rule.SideKeys(kind)
	return k[:]
}

// Decode reads one file of tests. The list has everything that is wrong with it; the file is nil
// only when it is no mapping at all.
func Decode(file string, src []byte) (*File, diag.List) {
	d := &decoder{file: file, src: src}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	m := d.object(root, &fileShape)
	if m == nil {
		return nil, d.list
	}
	f := &File{Name: file, Pos: d.pos(root)}
	if n := m["rule"]; n != nil {
		f.Pos, f.Rule = d.pos(n), d.text(m, "rule", false)
	}
	if want := strings.TrimSuffix(path.Base(file), "_test.yaml"); f.Rule != "" && f.Rule != want {
		d.addf(m["rule"], "id-file", "name the file "+diag.Shorten(f.Rule)+"_test.yaml", "the rule is %s and the file is %s", diag.Shorten(f.Rule), path.Base(file))
	}
	names := map[string]int{}
	for _, n := range d.items(m["tests"], "tests", maxTests) {
		t := d.test(n, f.Rule)
		if t == nil {
			continue
		}
		if line, twice := names[t.Name]; twice && t.Name != "" {
			d.list.Addf(t.Pos, "duplicate-test", "a test with this name is there already, in line %d", line)
		}
		names[t.Name] = t.Pos.Line
		f.Tests = append(f.Tests, t)
	}
	if n := m["tests"]; n != nil && len(d.list) == 0 {
		d.both(n, f)
	}
	d.list.Sort()
	return f, slices.Compact(d.list) // what an alias repeats is said once
}

// both asks for a test that matches and for one that does not.
func (d *decoder) both(n *yaml.Node, f *File) {
	hit, miss := false, false
	for _, t := range f.Tests {
		miss = miss || len(t.Expect) == 0
		for _, e := range t.Expect {
			hit = hit || e.Rule == f.Rule && e.Under == ""
		}
	}
	if !hit {
		d.addf(n, "no-match", "", "no test has a finding of the rule; at least one must say what it finds")
	}
	if !miss {
		d.addf(n, "no-near-miss", "change one thing of a trace that matches, and write expect: none", "no test is a near miss")
	}
}

func (d *decoder) test(n *yaml.Node, id string) *Test {
	m := d.object(n, &testShape)
	if m == nil {
		return nil
	}
	t := &Test{Name: d.text(m, "name", false), Pos: d.pos(n), Only: d.truth(m, "only")}
	if n := m["name"]; n != nil {
		t.Pos = d.pos(n)
	}
	if n := m["run"]; n != nil {
		t.Run = d.run(n)
	}
	if n := m["trace"]; n != nil {
		t.Items = d.trace(n)
	}
	if n := m["mapping"]; n != nil {
		t.Mapping = d.trace(n)
	}
	if n := m["expect"]; n != nil {
		t.At = d.pos(n)
		d.expects(t, n, id)
	}
	return t
}

func (d *decoder) trace(n *yaml.Node) []tracebuild.Item {
	items, err := tracebuild.DecodeItems(n, d.file)
	var list diag.List
	switch {
	case errors.As(err, &list):
		d.list = append(d.list, list[:min(len(list), max(0, maxErrors-len(d.list)))]...)
	case err != nil:
		d.addf(n, "bad-trace", "", "%v", err)
	case len(items) == 0:
		d.addf(n, "empty", "", "the trace is empty")
	case tracebuild.Events(items) > maxEvents:
		d.addf(n, "too-large", "repeat less: a few layers show what a rule does", "the trace has up to %d events, at most %d are allowed", tracebuild.Events(items), maxEvents)
		return nil
	}
	return items
}

func (d *decoder) run(n *yaml.Node) (r RunSpec) {
	m := d.object(n, &runShape)
	text := func(key string, words []string) *string {
		if m[key] == nil {
			return nil
		}
		s := ""
		if words != nil {
			s = d.word(m, key, words)
		} else {
			s = d.text(m, key, true)
		}
		return &s
	}
	number := func(key string, most int) *int {
		if m[key] == nil {
			return nil
		}
		v := d.number(m, key, 0, most, 0)
		return &v
	}
	r.Framework, r.Vendor = text("framework", frameworks), text("vendor", vendors)
	r.GPU, r.Model = text("gpu", nil), text("model", nil)
	r.SM, r.TP, r.World = number("sm", 999), number("tp", 1<<20), number("world", 1<<20)
	if n := m["args"]; n != nil {
		r.Args = d.args(n)
	}
	return r
}

// args reads the server's arguments as an analysis reads them from JSON: null is nothing.
func (d *decoder) args(n *yaml.Node) map[string]string {
	out := map[string]string{}
	if n.Kind != yaml.MappingNode {
		d.addf(n, "wrong-type", "write {} for known and empty", "args is %s, expected a mapping", kindOf(n))
		return out
	}
	if len(n.Content) > 2*maxArgs {
		d.addf(n, "too-large", "", "args has %d entries, at most %d are allowed", len(n.Content)/2, maxArgs)
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := resolve(n.Content[i]), resolve(n.Content[i+1])
		if k.Kind != yaml.ScalarNode || k.Value == "" {
			d.addf(n.Content[i], "wrong-type", "", "found %s as the name of an argument, expected a word", kindOf(k))
			continue
		}
		if _, twice := out[k.Value]; twice {
			d.addf(k, "duplicate-key", "", "the key %s is there already", diag.Shorten(k.Value))
		}
		switch {
		case v.Kind != yaml.ScalarNode:
			d.addf(n.Content[i+1], "wrong-type", "put nested values in quotes, as JSON", "the argument %s is %s", diag.Shorten(k.Value), kindOf(v))
		case len(v.Value) > maxText:
			d.addf(v, "too-large", "", "the argument %s has %d bytes, at most %d are allowed", diag.Shorten(k.Value), len(v.Value), maxText)
		case v.Tag == "!!null":
			out[k.Value] = ""
		case v.Tag == "!!bool":
			out[k.Value] = strings.ToLower(v.Value)
		default:
			out[k.Value] = v.Value
		}
	}
	return out
}

func (d *decoder) expects(t *Test, n *yaml.Node, id string) {
	if n.Kind == yaml.ScalarNode && n.Value == "none" {
		return
	}
	if n.Kind == yaml.ScalarNode {
		d.addf(n, "bad-value", "", "expect is %s, expected none or a list", kindOf(n))
		return
	}
	list := d.items(n, "expect", maxExpect)
	if n.Kind == yaml.SequenceNode && len(list) == 0 {
		d.addf(n, "empty", "write none", "expect is an empty list")
	}
	seen := map[string]bool{}
	own := false
	for _, x := range list {
		e := d.expect(x, id)
		if e == nil {
			continue
		}
		own = own || e.Rule == id
		if e.Verdict == "" && e.Under == "" {
			continue // said already
		}
		key := fmt.Sprint(e.Rule, "\n", e.Under, "\n", e.Stage, "\n", e.Side)
		if seen[key] {
			d.addf(x, "duplicate-entry", "tell them apart by stage or side", "an entry about the same finding is there already")
		}
		seen[key] = true
		t.Expect = append(t.Expect, e)
	}
	if len(list) > 0 && !own {
		d.addf(n, "no-match", "", "no entry is about the rule itself")
	}
}

func (d *decoder) expect(n *yaml.Node, id string) *Expect {
	m := d.object(n, &expectShape)
	if m == nil {
		return nil
	}
	e := &Expect{Pos: d.pos(n), Rule: id}
	if m["rule"] != nil {
		e.Rule = d.text(m, "rule", false)
	}
	e.Verdict, e.Under = d.word(m, "verdict", verdicts), d.text(m, "under", false)
	e.Stage = d.text(m, "stage", false)
	e.Chains, e.ByDesign = d.number(m, "chains", 1, maxEvents, 0), d.number(m, "by_design", 0, maxEvents, -1)
	e.Side = match.Split
	side := d.word(m, "side", sides)
	if side == sides[0] || side == sides[2] || side == "" && e.Verdict == match.Applied {
		e.Side = match.Fused
	}
	switch v := e.Verdict; {
	case (m["verdict"] == nil) == (m["under"] == nil):
		d.addf(n, "bad-value", "", "an expectation has exactly one of verdict and under")
	case m["under"] != nil && m["by_design"] != nil:
		d.addf(m["by_design"], "bad-value", "", "nothing is set aside in an alternative")
	case e.Under != "" && e.Under == e.Rule:
		d.addf(m["under"], "bad-value", "", "a rule is no alternative of itself")
	case v == match.Applied && e.Side == match.Split && e.Chains > 0:
		d.addf(m["chains"], "bad-value", "count those with by_design", "an applied path has no split chains that count")
	case v != "" && v != match.Applied && v != match.Partial && e.Side == match.Fused:
		d.addf(m["side"], "bad-value", "", "there are no fused chains where the verdict is %s", v)
	}
	if b := m["bind"]; b != nil {
		e.Bind = d.bind(b)
	}
	return e
}

func (d *decoder) bind(n *yaml.Node) []Bind {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 || len(n.Content) > 2*maxBind {
		d.addf(n, "wrong-type", "", "bind is %s, expected a mapping of 1 to %d steps", kindOf(n), maxBind)
		return nil
	}
	var out []Bind
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], resolve(n.Content[i+1])
		b := Bind{Pos: d.pos(k), Step: resolve(k).Value}
		if slices.ContainsFunc(out, func(x Bind) bool { return x.Step == b.Step }) {
			d.addf(k, "duplicate-key", "", "the key %s is there already", diag.Shorten(b.Step))
		}
		if v.Kind == yaml.SequenceNode {
			for _, s := range d.items(v, "bind", maxBind) {
				b.Symbols = append(b.Symbols, d.textOf(s, "a symbol", false))
			}
		} else {
			b.First, b.Symbols = true, []string{d.textOf(v, "a symbol", false)}
		}
		out = append(out, b)
	}
	return out
}
