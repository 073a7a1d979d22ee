package engine

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/rules"
)

// Catalog is what an analysis matches with.
type Catalog struct {
	Rules *rule.Set
	Sites graph.Policy
}

// RuleError is what is wrong with rule files, with their text, so that a message can show
// the line.
type RuleError struct {
	List   diag.List
	Source map[string][]byte
}

func (e *RuleError) Error() string { return e.List.Error() }

func ruleError(list diag.List, source map[string][]byte) error {
	if list.Errors() == 0 {
		return nil
	}
	return &RuleError{list, source}
}

// LoadCatalog gives the rules the program ships with, with the rules of each directory
// added or, by id, replaced. With bare it starts from nothing but the families, aliases
// and sites. A condition is compiled when a trace has what it asks for, or when what it
// asks for cannot be told without compiling it. What is wrong with a rule is returned as a *RuleError.
func LoadCatalog(dirs []string, bare bool) (*Catalog, error) { return loadCatalog(dirs, bare, true) }

func loadCatalog(dirs []string, bare, lazy bool) (*Catalog, error) {
	base := fs.FS(rules.FS)
	set, wrong := rule.Load(base, rule.LoadOptions{Prefix: "rules", Lazy: true})
	if err := ruleError(wrong, set.Source()); err != nil {
		return nil, err
	}
	if bare {
		set = set.WithoutRules()
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, diag.Expecting(err, "a folder that holds fuse/ or overlap/")
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("%s: is a file; --rules takes a folder that holds fuse/ or overlap/", dir)
		}
		extra, wrong := rule.Load(os.DirFS(dir), rule.LoadOptions{Prefix: dir, Overlay: true, Lazy: lazy})
		if err := ruleError(wrong, extra.Source()); err != nil {
			return nil, err
		}
		whole, wrong := rule.Overlay(set, extra)
		if err := ruleError(wrong, extra.Source()); err != nil {
			return nil, err
		}
		set = whole
	}
	sites, err := loadSites(base)
	if err != nil {
		return nil, err
	}
	return &Catalog{set, sites}, nil
}

// LoadFolder gives the catalog that a folder of rules is worked on with: the folder itself
// where it is complete (it has families), else laid over what the program ships with. All of
// it is compiled.
func LoadFolder(dir string) (*Catalog, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, diag.Expecting(err, "a folder that holds fuse/ or overlap/")
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: is a file; expected a folder that holds fuse/ or overlap/", dir)
	}
	fsys := os.DirFS(dir)
	if families, err := fs.Glob(fsys, "family/*.yaml"); err != nil || len(families) == 0 {
		return loadCatalog([]string{dir}, true, false)
	}
	set, wrong := rule.Load(fsys, rule.LoadOptions{Prefix: dir})
	if err := ruleError(wrong, set.Source()); err != nil {
		return nil, err
	}
	if _, err := fs.Stat(fsys, "sites.yaml"); err != nil {
		fsys = rules.FS
	}
	sites, err := loadSites(fsys)
	if err != nil {
		return nil, err
	}
	return &Catalog{set, sites}, nil
}

func loadSites(fsys fs.FS) (graph.Policy, error) {
	var p graph.Policy
	src, err := fs.ReadFile(fsys, "sites.yaml")
	if err != nil {
		return p, err
	}
	s, wrong := rule.DecodeSites("rules/sites.yaml", src)
	if err := wrong.Err(); err != nil {
		return p, err
	}
	for _, x := range s.Packages {
		p.Packages = append(p.Packages, graph.Package{Name: x.Package, Prefix: x.Prefix, Framework: x.Framework})
	}
	for _, x := range s.Wrappers {
		p.Wrappers = append(p.Wrappers, graph.Wrapper{Path: x.Path, Func: x.Function})
	}
	p.Foreign = s.Foreign
	return p, nil
}
