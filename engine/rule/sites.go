package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// Sites is rules/sites.yaml: which of a kernel's Python frames is shown as its source
// line.
type Sites struct {
	// Packages are the packages whose files are shown relative to their repository.
	Packages []SitePackage `yaml:"packages"`
	// Wrappers only forward calls and are never shown.
	Wrappers []SiteWrapper `yaml:"wrappers"`
	// Foreign are files and directories of the interpreter, torch and other plumbing, which
	// are shown only where a stack has nothing else.
	Foreign []string `yaml:"foreign"`
}

// SitePackage is one Python package.
type SitePackage struct {
	Package   string `yaml:"package"`   // its directory: sglang
	Prefix    string `yaml:"prefix"`    // where that stands in the repository: python/sglang
	Framework string `yaml:"framework"` // the serving framework it is; empty for a library
}

// SiteWrapper is one function, or with no function one file, that only forwards calls.
type SiteWrapper struct {
	Path     string `yaml:"path"`
	Function string `yaml:"function"`
}

// DecodeSites reads the file, strictly.
func DecodeSites(file string, src []byte) (*Sites, diag.List) {
	var list diag.List
	s := &Sites{}
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil && !errors.Is(err, io.EOF) {
		list.Addf(diag.Pos{File: file}, "yaml", "%v", err)
		return nil, list
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		list.Addf(diag.Pos{File: file}, "documents", "expected one YAML document")
	}
	seen := map[string]bool{}
	for i, p := range s.Packages {
		switch {
		case p.Package == "" || p.Prefix == "":
			list.Addf(diag.Pos{File: file}, "missing", "packages[%d]: package and prefix are required", i)
		case seen[p.Package]:
			list.Addf(diag.Pos{File: file}, "duplicate", "packages[%d]: %q stands twice", i, p.Package)
		case p.Framework != "" && !frameworks.has(p.Framework):
			list.Addf(diag.Pos{File: file}, "vocabulary", "packages[%d]: unknown framework %q; expected one of %s", i, p.Framework, frameworks)
		}
		seen[p.Package] = true
	}
	once := map[string]bool{}
	for i, w := range s.Wrappers {
		key := fmt.Sprintf("%s::%s", w.Path, w.Function)
		switch {
		case w.Path == "":
			list.Addf(diag.Pos{File: file}, "missing", "wrappers[%d]: path is required", i)
		case once[key]:
			list.Addf(diag.Pos{File: file}, "duplicate", "wrappers[%d]: %s stands twice", i, key)
		}
		once[key] = true
	}
	return s, list
}
