package rule

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// Decode reads one rule file. The list has everything that is wrong, each with its line and
// column; expressions are read and not compiled. The rule is nil only when the file is no
// mapping at all, and incomplete when the list holds an error.
func Decode(file string, src []byte) (*Rule, diag.List) {
	d := &decoder{src: newSource(file, src)}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	r := d.rule(root)
	d.list.Sort()
	return r, d.list
}

func (d *decoder) rule(root *yaml.Node) *Rule {
	o := d.object(root, &ruleShape)
	r := &Rule{File: d.src.file, Pos: d.src.at(root), at: o.at, Priority: DefaultPriority}
	r.ID = d.id(o, "id")
	r.Kind = d.word(o, "kind", kinds)
	r.Title = d.text(o, "title")
	r.Origin = d.word(o, "origin", origins)
	r.Status = d.word(o, "status", statuses)
	r.Domain = d.word(o, "domain", domains)
	if n := o.values["priority"]; n != nil {
		r.Priority = d.number(n, "priority", 0, 100)
	}
	for _, n := range d.items(o, "pulls", maxPulls) {
		r.Pulls = append(r.Pulls, d.number(n, "a pull request", 1, 10_000_000))
	}
	for _, n := range d.items(o, "covers", maxCovers) {
		if key := d.textOf(n, "a catalogued pattern"); key != "" {
			if !isKebab(key) {
				d.list.Addf(d.src.at(n), "bad-id", "%q is no key of a catalogued pattern: lower-case words and digits joined by hyphens", diag.Shorten(key))
			}
			r.Covers = append(r.Covers, key)
			r.coversAt = append(r.coversAt, d.src.at(n))
		}
	}
	for _, n := range d.items(o, "sources", maxSources) {
		if s, ok := d.source(n, "a source"); ok {
			r.Sources = append(r.Sources, s)
		}
	}
	for _, n := range d.items(o, "switches", maxSwitches) {
		if s := d.toggle(n); s != nil {
			r.Switches = append(r.Switches, *s)
		}
	}
	r.Applies = d.expr(o, "applies")
	for _, n := range d.items(o, "requires", maxRequires) {
		if q := d.requirement(n); q != nil {
			r.Requires = append(r.Requires, q)
		}
	}
	keys := SideKeys(r.Kind)
	r.Fused = d.alternatives(o, keys[0])
	r.Split = d.alternatives(o, keys[1])
	r.Path = d.text(o, "path")
	r.Conclude = d.text(o, "conclude")
	r.Unseen = d.text(o, "unseen")
	d.sides(r, o)
	return r
}

// sides checks what the two sides of a path ask of each other.
func (d *decoder) sides(r *Rule, o *object) {
	other := "overlap"
	if r.Kind == other {
		other = "fuse"
	}
	keys, never := SideKeys(r.Kind), "no-fusion"
	if r.Kind == "overlap" {
		never = "no-overlap"
	}
	for i, k := range SideKeys(other) {
		if o.values[k] != nil && r.Kind != "" {
			d.list.Add(diag.Diagnostic{Pos: o.pos(k), Code: "bad-value", Msg: "a rule of kind " + r.Kind + " has no key " + k, Hint: "its key is " + keys[i]})
		}
	}
	if strings.HasPrefix(r.Status, "no-") && r.Status != never {
		d.list.Addf(o.pos("status"), "bad-value", "the status %s is not for rules of kind %s, expected %s", r.Status, r.Kind, never)
	}
	_, fused := o.values[keys[0]]
	_, split := o.values[keys[1]]
	_, unseen := o.values["unseen"]
	nothing := strings.HasPrefix(r.Status, "no-")
	gone := r.Status == "withdrawn" || nothing
	if !fused && !gone {
		d.list.Addf(r.Pos, "missing-key", "a rule needs the key %s, unless its status is withdrawn or %s", keys[0], never)
	}
	if !fused && !split && r.Status == "withdrawn" {
		d.list.Addf(r.Pos, "missing-key", "a rule needs %s or %s: with neither it can never show", keys[0], keys[1])
	}
	if (fused || split) && nothing {
		d.list.Addf(r.Pos, "bad-value", "a row that names no path has neither %s nor %s", keys[0], keys[1])
	}
	if !split && !unseen {
		d.list.Addf(r.Pos, "missing-key", "a rule without %s needs the key unseen: why that side cannot be told exactly", keys[1])
	}
	if split && unseen {
		d.list.Addf(o.pos("unseen"), "bad-value", "unseen says why %s is missing, and %s is there", keys[1], keys[1])
	}
}

func (d *decoder) id(o *object, name string) string {
	s := d.text(o, name)
	if s != "" && !isKebab(s) {
		d.list.Addf(o.pos(name), "bad-id", "%s is %q, expected lower-case words and digits joined by hyphens, at most 80 bytes", name, diag.Shorten(s))
		return ""
	}
	return s
}

func (d *decoder) source(n *yaml.Node, name string) (Source, bool) {
	text := d.textOf(n, name)
	if text == "" {
		return Source{}, false
	}
	s, err := ParseSource(text)
	if err != nil {
		d.list.Addf(d.src.at(n), "bad-source", "%s: %v", name, err)
		return Source{}, false
	}
	s.Pos = d.src.at(n)
	return s, true
}

func (d *decoder) toggle(n *yaml.Node) *Switch {
	o := d.object(n, &switchShape)
	if o == nil {
		return nil
	}
	s := &Switch{Pos: d.src.at(n), at: o.at}
	s.Name = d.text(o, "name")
	s.Kind = d.word(o, "kind", switchKinds)
	if v := o.values["default"]; v != nil && !(v.Kind == yaml.ScalarNode && v.Tag == "!!str" && v.Value == "") {
		s.Default = d.textOf(v, "default") // the empty text is a default as well
	}
	if v := o.values["source"]; v != nil {
		s.Source, _ = d.source(v, "source")
	}
	s.Effect = d.text(o, "effect")
	return s
}

func (d *decoder) requirement(n *yaml.Node) *Requirement {
	o := d.object(n, &requireShape)
	if o == nil {
		return nil
	}
	r := &Requirement{Pos: d.src.at(n), at: o.at, Verdict: verdicts[0]}
	r.When, r.Unless = d.expr(o, "when"), d.expr(o, "unless")
	_, when := o.values["when"]
	_, unless := o.values["unless"]
	if when == unless {
		d.list.Addf(r.Pos, "bad-value", "a requirement has exactly one of when and unless")
	}
	r.Because = d.text(o, "because")
	if v := d.word(o, "verdict", verdicts); v != "" {
		r.Verdict = v
	}
	if r.Expr() == nil {
		return nil
	}
	return r
}

func (d *decoder) alternatives(o *object, name string) []*Alternative {
	var out []*Alternative
	for _, n := range d.items(o, name, maxAlts) {
		if a := d.alternative(n); a != nil {
			out = append(out, a)
		}
	}
	return out
}

func (d *decoder) alternative(n *yaml.Node) *Alternative {
	a := &Alternative{Pos: d.src.at(n)}
	if n.Kind != yaml.MappingNode {
		e := d.exprOf(n, "an alternative")
		if e == nil {
			return nil
		}
		a.Steps = []*Step{{Pos: e.Pos, As: "k", MatchExpr: e}}
		return a
	}
	o := d.object(n, &alternativeShape)
	a.at = o.at
	a.Name = d.text(o, "name")
	a.Only = d.expr(o, "only")
	a.WhereExpr = d.expr(o, "where")
	a.ByDesign = d.text(o, "by_design")
	if v := o.values["residue"]; v != nil {
		a.Residue = d.residue(v)
	}
	_, match := o.values["match"]
	_, chain := o.values["chain"]
	if match == chain {
		d.list.Addf(a.Pos, "bad-value", "an alternative has exactly one of match and chain")
	}
	if e := d.expr(o, "match"); e != nil {
		a.Steps = []*Step{{Pos: e.Pos, As: "k", MatchExpr: e}}
	}
	names := map[string]diag.Pos{}
	if match {
		names["k"] = o.pos("match")
	} else {
		a.Steps = d.chain(o, "chain", names)
	}
	if _, beside := o.values["beside"]; beside && len(a.Steps) > 0 {
		a.Beside = len(a.Steps)
		a.Steps = append(a.Steps, d.chain(o, "beside", names)...)
	}
	return a
}

// chain reads the list of steps under a key; names has those of the alternative's steps so far.
func (d *decoder) chain(o *object, key string, names map[string]diag.Pos) []*Step {
	var out []*Step
	needed := false
	items := d.items(o, key, maxSteps)
	for i, n := range items {
		so := d.object(n, &stepShape)
		if so == nil {
			continue
		}
		s := &Step{Pos: d.src.at(n), at: so.at}
		s.As = d.text(so, "as")
		switch before, twice := names[s.As]; {
		case s.As == "":
		case !isIdent(s.As):
			d.list.Addf(so.pos("as"), "bad-id", "as is %q, expected a CEL identifier of at most 40 bytes that is no keyword and no type", diag.Shorten(s.As))
		case twice:
			d.list.Addf(so.pos("as"), "duplicate-step", "the name %s is taken by the step in line %d", s.As, before.Line)
		default:
			names[s.As] = so.pos("as")
		}
		s.MatchExpr, s.SkipExpr = d.expr(so, "match"), d.expr(so, "skip")
		s.Optional, s.Many = d.truth(so, "optional"), d.truth(so, "many")
		needed = needed || !s.Optional
		if _, skip := so.values["skip"]; skip && i == 0 {
			d.list.Addf(so.pos("skip"), "bad-value", "the first step has no step before it, and so nothing to skip")
		}
		if i > 0 && i == len(items)-1 && s.Optional {
			d.list.Addf(so.pos("optional"), "last-optional", "the last step of a chain cannot be optional: a chain ends where it is bound")
		}
		out = append(out, s)
	}
	if len(items) > 0 && !needed {
		d.list.Addf(o.pos(key), "all-optional", "every step of the chain is optional, at least one must not be")
	}
	return out
}

func (d *decoder) residue(n *yaml.Node) *Residue {
	o := d.object(n, &residueShape)
	if o == nil {
		return nil
	}
	r := &Residue{Pos: d.src.at(n), PerStep: 1, Because: d.text(o, "because")}
	if v := o.values["per_step"]; v != nil {
		r.PerStep = d.number(v, "per_step", 1, 10_000)
	}
	return r
}

// CheckPlace compares a rule with the file it stands in: <kind>/<id>.yaml.
func (r *Rule) CheckPlace(file string) (out diag.List) {
	if want := r.ID + ".yaml"; r.ID != "" && path.Base(file) != want {
		out.Add(diag.Diagnostic{Pos: r.At("id"), Code: "id-file", Msg: "the id is " + r.ID + " and the file is " + path.Base(file),
			Hint: "name the file " + want + "; an id never changes"})
	}
	if dir := path.Base(path.Dir(file)); r.Kind != "" && dir != r.Kind {
		out.Add(diag.Diagnostic{Pos: r.At("kind"), Code: "kind-folder", Msg: "the kind is " + r.Kind + " and the folder is " + quote(diag.Shorten(dir)),
			Hint: "move the file to " + r.Kind + "/"})
	}
	return out
}

// isTest tells the files of rule tests, which stand beside the rules.
func isTest(file string) bool { return strings.HasSuffix(file, "_test.yaml") }
