package rule

import (
	"github.com/sgrules/sgrules/engine/diag"
)

// Sites is rules/sites.yaml: which of a kernel's Python frames is shown as its source
// line.
type Sites struct {
	// Packages are the packages whose files are shown relative to their repository.
	Packages []SitePackage
	// Wrappers only forward calls and are never shown.
	Wrappers []SiteWrapper
	// Foreign are files and directories of the interpreter, torch and other plumbing, which
	// are shown only where a stack has nothing else.
	Foreign []string
}

// SitePackage is one Python package.
type SitePackage struct {
	Package   string // its directory: sglang
	Prefix    string // where that stands in the repository: python/sglang
	Framework string // the serving framework it is; empty for a library
}

// SiteWrapper is one function, or with no function one file, that only forwards calls.
type SiteWrapper struct {
	Path     string
	Function string
}

// DecodeSites reads the file as Decode does a rule file.
func DecodeSites(file string, src []byte) (*Sites, diag.List) {
	d := &decoder{src: newSource(file, src)}
	root := d.document()
	if root == nil {
		return nil, d.list
	}
	o := d.object(root, &sitesShape)
	s := &Sites{}
	first := map[string]diag.Pos{}
	twice := func(what string, at diag.Pos) {
		if before, ok := first[what]; ok {
			d.list.Addf(at, "duplicate-site", "%s stands in line %d already", diag.Shorten(what), before.Line)
			return
		}
		first[what] = at
	}
	for _, n := range d.items(o, "packages", maxSites) {
		if p := d.object(n, &packageShape); p != nil {
			pack := SitePackage{d.text(p, "package"), d.text(p, "prefix"), d.word(p, "framework", frameworks)}
			twice("the package "+pack.Package, d.src.at(n))
			s.Packages = append(s.Packages, pack)
		}
	}
	for _, n := range d.items(o, "wrappers", maxSites) {
		if w := d.object(n, &wrapperShape); w != nil {
			wrap := SiteWrapper{d.text(w, "path"), d.text(w, "function")}
			twice("the wrapper "+wrap.Path+"::"+wrap.Function, d.src.at(n))
			s.Wrappers = append(s.Wrappers, wrap)
		}
	}
	for _, n := range d.items(o, "foreign", maxSites) {
		if f := d.textOf(n, "foreign"); f != "" {
			twice("the foreign place "+f, d.src.at(n))
			s.Foreign = append(s.Foreign, f)
		}
	}
	d.list.Sort()
	return s, d.list
}
