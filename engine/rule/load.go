package rule

import (
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/internal/atonce"
)

// LoadOptions say how to load a folder of rules. The zero value loads a complete catalog and
// compiles all of it.
type LoadOptions struct {
	// Prefix is put before file names in positions: "rules".
	Prefix string
	// Lazy leaves compiling to the first need. Use it only for files that were checked when
	// the program was built: what is wrong with a rule shows when a trace needs it. Plain
	// conditions on kernels are not compiled at all.
	Lazy bool
	// Overlay loads a folder that is laid over another set: it may have families or aliases
	// without rules, and is checked against the whole by Overlay.
	Overlay bool
}

// maxFiles bounds the files of a set.
const maxFiles = 20_000

// Load reads fuse/, overlap/, family/, aliases.yaml, exceptions.yaml and retired.yaml of a
// folder. Files that end with _test.yaml are left to package ruletest. A folder or a YAML file
// that has no meaning there, a duplicate id and a folder without rules are errors: what is
// configured must not be ignored. The set is never nil, so that its Source can be printed, but it must not be used
// for matching when the list holds an error.
func Load(fsys fs.FS, opts LoadOptions) (*Set, diag.List) {
	l := &loader{fsys: fsys, opts: opts, sources: map[string][]byte{}}
	l.walk()
	l.decode()
	l.unique()
	if l.aliases == nil {
		l.aliases = &Aliases{}
	}
	switch {
	case len(l.list) > 0:
	case len(l.rules) == 0 && !opts.Overlay:
		l.list.Addf(diag.Pos{File: l.name(".")}, "no-rules", "no rule was found: expected fuse/<id>.yaml or overlap/<id>.yaml")
	case len(l.rules)+len(l.families)+len(l.aliases.Paths)+len(l.aliases.Symbols)+len(l.retired) == 0:
		l.list.Addf(diag.Pos{File: l.name(".")}, "no-rules", "nothing was found: expected fuse/<id>.yaml, overlap/<id>.yaml, family/<family>.yaml or aliases.yaml")
	}
	set, err := newSet(l.rules, l.families, l.retired, l.aliases, l.sources)
	if err != nil { // the language itself is broken, not the rules
		l.list.Addf(diag.Pos{File: l.name(".")}, "internal", "the rule language cannot be set up: %v", err)
		return &Set{sources: l.sources, aliases: l.aliases}, l.list
	}
	set.exceptions = l.exceptions
	set.lazy = opts.Lazy
	if !opts.Lazy {
		l.list = append(l.list, set.CompileAll()...)
		if !opts.Overlay && l.list.Errors() == 0 {
			l.list = append(l.list, set.check(nil)...)
		}
	}
	l.list.Sort()
	return set, l.list
}

type loader struct {
	fsys       fs.FS
	opts       LoadOptions
	files      []file
	rules      []*Rule
	families   []*Family
	retired    []Retired
	aliases    *Aliases
	exceptions []Exception
	sources    map[string][]byte
	list       diag.List
}

// file is one file of a folder and what was decoded of it.
type file struct {
	path   string
	data   []byte
	rule   *Rule
	family *Family
	list   diag.List
}

// name is a file as positions show it.
func (l *loader) name(file string) string { return path.Join(l.opts.Prefix, file) }

func (l *loader) walk() {
	files := 0
	err := fs.WalkDir(l.fsys, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.list.Addf(diag.Pos{File: l.name(file)}, "read", "cannot be read: %v", err)
			return nil
		case file != "." && strings.HasPrefix(path.Base(file), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return l.folder(file)
		case path.Ext(file) == ".yml":
			l.list.Add(diag.Diagnostic{Pos: diag.Pos{File: l.name(file)}, Code: "file-name", Msg: "the file would be ignored", Hint: "name it .yaml"})
			return nil
		case path.Ext(file) != ".yaml" || isTest(file):
			return nil
		}
		if files++; files > maxFiles {
			l.list.Addf(diag.Pos{File: l.name(file)}, "too-large", "more than %d files", maxFiles)
			return fs.SkipAll
		}
		l.read(file)
		return nil
	})
	if err != nil {
		l.list.Addf(diag.Pos{File: l.name(".")}, "read", "cannot be read: %v", err)
	}
}

// folder lets the walk into the folders that mean something.
func (l *loader) folder(dir string) error {
	switch dir {
	case ".", "fuse", "overlap", "family":
		return nil
	case "schema": // the JSON schemas, for editors
		return fs.SkipDir
	}
	l.list.Add(diag.Diagnostic{Pos: diag.Pos{File: l.name(dir)}, Code: "file-name", Msg: "the folder would be ignored",
		Hint: "rules stand in fuse/ and overlap/, families in family/"})
	return fs.SkipDir
}

func (l *loader) read(path string) {
	name := l.name(path)
	f, err := l.fsys.Open(path)
	if err != nil {
		l.list.Addf(diag.Pos{File: name}, "read", "cannot be read: %v", err)
		return
	}
	defer f.Close()
	data, err := readBounded(f)
	if err != nil {
		l.list.Addf(diag.Pos{File: name}, "read", "cannot be read: %v", err)
		return
	}
	l.sources[name] = data
	l.files = append(l.files, file{path: path, data: data})
}

// decode decodes the files that were read: rules and families, of which there are many, on all
// cores. What it gives does not depend on which was ready first.
func (l *loader) decode() {
	atonce.Do(len(l.files), func(i int) {
		f := &l.files[i]
		switch path.Dir(f.path) {
		case "fuse", "overlap":
			if f.rule, f.list = Decode(l.name(f.path), f.data); f.rule != nil {
				f.list = append(f.list, f.rule.CheckPlace(f.path)...)
			}
		case "family":
			if f.family, f.list = DecodeFamily(l.name(f.path), f.data); f.family != nil {
				f.list = append(f.list, f.family.CheckPlace(f.path)...)
			}
		}
	})
	for i := range l.files {
		switch f := &l.files[i]; {
		case f.rule != nil:
			l.rules = append(l.rules, f.rule)
			l.list = append(l.list, f.list...)
		case f.family != nil:
			l.families = append(l.families, f.family)
			l.list = append(l.list, f.list...)
		case path.Dir(f.path) == ".":
			l.other(f.path, f.data)
		default:
			l.list = append(l.list, f.list...)
		}
	}
	l.files = nil
}

// other decodes a file that stands beside the folders.
func (l *loader) other(path string, data []byte) {
	name := l.name(path)
	var list diag.List
	switch {
	case path == "aliases.yaml":
		l.aliases, list = DecodeAliases(name, data)
	case path == "sites.yaml" && l.opts.Overlay:
		list.Add(diag.Diagnostic{Pos: diag.Pos{File: name}, Code: "file-name", Msg: "the file would be ignored",
			Hint: "which frames are shown cannot be laid over"})
	case path == "sites.yaml": // read by the engine; checked here with everything else
		_, list = DecodeSites(name, data)
	case path == "exceptions.yaml":
		l.exceptions, list = DecodeExceptions(name, data)
	case path == "retired.yaml":
		l.retired, list = DecodeRetired(name, data)
	default:
		list.Add(diag.Diagnostic{Pos: diag.Pos{File: name}, Code: "file-name", Msg: "the file would be ignored",
			Hint: "rules stand in fuse/ and overlap/, families in family/"})
	}
	l.list = append(l.list, list...)
}

// unique keeps the first rule of an id and the first family of a name. Files come in the order
// of their names.
func (l *loader) unique() {
	first := map[string]*Rule{}
	rules := l.rules[:0]
	for _, r := range l.rules {
		if r.ID == "" {
			continue // said already
		}
		if other := first[r.ID]; other != nil {
			l.list.Addf(r.At("id"), "duplicate-id", "the id %s is taken by %s", r.ID, other.At("id"))
			continue
		}
		first[r.ID] = r
		rules = append(rules, r)
	}
	l.rules = rules
	named := map[string]*Family{}
	families := l.families[:0]
	for _, f := range l.families {
		if f.Name == "" {
			continue
		}
		if other := named[f.Name]; other != nil {
			l.list.Addf(f.At("family"), "duplicate-id", "the family %s is taken by %s", f.Name, other.At("family"))
			continue
		}
		named[f.Name] = f
		families = append(families, f)
	}
	l.families = families
	l.list = append(l.list, reused(l.rules, l.retired)...)
	if !l.opts.Overlay {
		l.list = append(l.list, excepted(first, named, l.exceptions)...)
		l.list = append(l.list, replacements(first, l.retired)...)
	}
}

// reused finds rules whose id is retired.
func reused(rules []*Rule, retired []Retired) (out diag.List) {
	gone := map[string]*Retired{}
	for i := range retired {
		gone[retired[i].ID] = &retired[i]
	}
	for _, r := range rules {
		if g := gone[r.ID]; g != nil {
			out.Addf(r.At("id"), "retired-id", "the id %s was retired (%s) and is never used again", r.ID, g.Pos)
		}
	}
	return out
}

// replacements finds retired rules that point to a rule that is not there.
func replacements(rules map[string]*Rule, retired []Retired) (out diag.List) {
	for _, g := range retired {
		if g.ReplacedBy != "" && rules[g.ReplacedBy] == nil {
			out.Addf(g.Pos, "unknown-rule", "%s is replaced by %s, and there is no such rule", g.ID, g.ReplacedBy)
		}
	}
	return out
}

// excepted finds exceptions for rules and families that are not there.
func excepted(rules map[string]*Rule, families map[string]*Family, list []Exception) (out diag.List) {
	for _, e := range list {
		switch {
		case e.Family != "" && families[e.Family] == nil:
			out.Addf(e.Pos, "unknown-family", "the exception is for the family %s, and there is no such family", e.Family)
		case e.Family == "" && rules[e.Rule] == nil:
			out.Addf(e.Pos, "unknown-rule", "the exception is for %s, and there is no such rule", e.Rule)
		}
	}
	return out
}

// Overlay lays extra over base: a rule or a family of the same name replaces the one in base,
// aliases and retired ids add up. Neither set is changed.
func Overlay(base, extra *Set) (*Set, diag.List) {
	var list diag.List
	rules := map[string]*Rule{}
	families := map[string]*Family{}
	sources := map[string][]byte{}
	for _, s := range []*Set{base, extra} {
		for _, r := range s.Rules() {
			rules[r.ID] = r
		}
		for _, f := range s.Families() {
			families[f.Name] = f
		}
		for name, text := range s.sources {
			sources[name] = text
		}
	}
	retired := append([]Retired{}, extra.retired...)
	known := map[string]bool{}
	for _, r := range retired {
		known[r.ID] = true
		delete(rules, r.ID) // an overlay may retire a rule of the base
	}
	for _, r := range base.retired {
		if !known[r.ID] {
			retired = append(retired, r)
		}
	}
	sort.Slice(retired, func(i, j int) bool { return retired[i].ID < retired[j].ID })
	list = append(list, reused(extra.Rules(), base.retired)...)
	list = append(list, replacements(rules, retired)...)
	list = append(list, excepted(rules, families, extra.exceptions)...)
	aliases := base.aliases.merge(extra.aliases)
	list = append(list, aliases.check()...)
	set, err := newSet(sortedRules(rules), sortedFamilies(families), retired, aliases, sources)
	if err != nil {
		list.Addf(diag.Pos{}, "internal", "the rule language cannot be set up: %v", err)
		return base, list
	}
	set.exceptions = append(append([]Exception{}, base.exceptions...), extra.exceptions...)
	set.lazy = base.lazy && extra.lazy
	if extra.lazy {
		list = append(list, set.compileDoubtful(extra)...)
	} else {
		list = append(list, set.check(extra)...)
	}
	list.Sort()
	return set, list
}

func sortedRules(m map[string]*Rule) []*Rule {
	out := make([]*Rule, 0, len(m))
	for _, r := range m {
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func sortedFamilies(m map[string]*Family) []*Family {
	out := make([]*Family, 0, len(m))
	for _, f := range m {
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
