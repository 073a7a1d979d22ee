package rule

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// DecodeFamily reads one family file, as Decode does a rule file.
func DecodeFamily(file string, src []byte) (*Family, diag.List) {
	d := &decoder{src: newSource(file, src)}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	o := d.object(root, &familyShape)
	f := &Family{File: file, Pos: d.src.at(root), at: o.at, Priority: DefaultPriority}
	f.Name = d.text(o, "family")
	if f.Name != "" && (!isIdent(f.Name) || strings.ToLower(f.Name) != f.Name) {
		d.list.Addf(o.pos("family"), "bad-id", "family is %q, expected lower-case letters, digits and underscores", diag.Shorten(f.Name))
		f.Name = ""
	}
	f.Title = d.text(o, "title")
	if n := o.values["priority"]; n != nil {
		f.Priority = d.number(n, "priority", 0, 100)
	}
	for _, n := range d.items(o, "match", maxFamily) {
		if e := d.exprOf(n, "match"); e != nil {
			f.Match = append(f.Match, e)
		}
	}
	d.list.Sort()
	return f, d.list
}

// CheckPlace compares a family with the file it stands in: <family>.yaml.
func (f *Family) CheckPlace(file string) (out diag.List) {
	if want := f.Name + ".yaml"; f.Name != "" && path.Base(file) != want {
		out.Add(diag.Diagnostic{Pos: f.At("family"), Code: "id-file", Msg: "the family is " + f.Name + " and the file is " + path.Base(file),
			Hint: "name the file " + want})
	}
	return out
}

// DecodeAliases reads aliases.yaml: paths and symbols, each a list of {now, was: [...]}. A path
// that ends with a slash is a directory with all that is in it.
func DecodeAliases(file string, src []byte) (*Aliases, diag.List) {
	d := &decoder{src: newSource(file, src)}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	o := d.object(root, &aliasesShape)
	a := &Aliases{File: file}
	a.Paths = d.aliasList(o, "paths", func(s string) bool { return isRepoPath(strings.TrimSuffix(s, "/")) },
		"a path inside a repository")
	a.Symbols = d.aliasList(o, "symbols", isSymbol, "a kernel's name")
	if len(o.values) == 0 {
		d.list.Addf(d.src.at(root), "empty", "the aliases have neither paths nor symbols")
	}
	d.list = append(d.list, a.check()...)
	d.list.Sort()
	return a, d.list
}

func (d *decoder) aliasList(o *object, name string, ok func(string) bool, what string) []Alias {
	var out []Alias
	spelling := func(n *yaml.Node, key string) (Spelling, bool) {
		s := d.textOf(n, key)
		if s != "" && !ok(s) {
			d.list.Addf(d.src.at(n), "bad-value", "%s is %q, expected %s", key, diag.Shorten(s), what)
			return Spelling{}, false
		}
		return Spelling{d.src.at(n), s}, s != ""
	}
	for _, n := range d.items(o, name, maxAliases) {
		ao := d.object(n, &aliasShape)
		if ao == nil || ao.values["now"] == nil {
			continue
		}
		now, good := spelling(ao.values["now"], "now")
		al := Alias{Pos: now.Pos, Now: now.Text}
		for _, w := range d.items(ao, "was", maxSpelling) {
			if s, ok := spelling(w, "was"); ok {
				al.Was = append(al.Was, s)
			}
		}
		if good {
			out = append(out, al)
		}
	}
	return out
}

// DecodeRetired reads retired.yaml: the ids that were rules once.
func DecodeRetired(file string, src []byte) ([]Retired, diag.List) {
	d := &decoder{src: newSource(file, src)}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	var out []Retired
	first := map[string]diag.Pos{}
	for _, n := range d.items(d.object(root, &retiredFile), "retired", maxAliases) {
		o := d.object(n, &retiredShape)
		if o == nil {
			continue
		}
		r := Retired{Pos: d.src.at(n), ID: d.id(o, "id"), Since: d.text(o, "since"), Because: d.text(o, "because"), ReplacedBy: d.id(o, "replaced_by")}
		if r.ID == "" {
			continue
		}
		if before, twice := first[r.ID]; twice {
			d.list.Addf(o.pos("id"), "duplicate-id", "the id %s is retired already, in line %d", r.ID, before.Line)
			continue
		}
		first[r.ID] = o.pos("id")
		out = append(out, r)
	}
	d.list.Sort()
	return out, d.list
}
