package ruletest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/match"
	"github.com/sgrules/sgrules/engine/rule"
)

// refer holds what a file names against the catalog: rules that are there, and steps that the
// rule has on that side. A misspelt one would only show as a test that fails for no visible reason.
func refer(f *File, set *rule.Set) (list diag.List) {
	exists := func(pos diag.Pos, id string) bool {
		if set.Rule(id) != nil {
			return true
		}
		list.Add(diag.Diagnostic{Pos: pos, Code: "unknown-rule", Msg: fmt.Sprintf("there is no rule %q", diag.Shorten(id)), Hint: hint(set.Suggest(id))})
		return false
	}
	if !exists(f.Pos, f.Rule) {
		return list
	}
	for _, t := range f.Tests {
		for _, e := range t.Expect {
			known := exists(e.Pos, e.Rule)
			if e.Under != "" {
				known = exists(e.Pos, e.Under) && known
			}
			if !known {
				continue
			}
			names := stepNames(set.Rule(e.Rule), e.Side)
			if len(names) == 0 {
				list.Addf(e.Pos, "no-side", "%s has no %s side", e.Rule, e.Side)
				continue
			}
			for _, b := range e.Bind {
				if !slices.Contains(names, b.Step) {
					list.Add(diag.Diagnostic{Pos: b.Pos, EndCol: b.Pos.Col + len(b.Step), Code: "unknown-step",
						Msg: fmt.Sprintf("no %s chain of %s has a step %s", e.Side, e.Rule, diag.Shorten(b.Step)), Hint: didYouMean(b.Step, names)})
				}
			}
		}
	}
	return list
}

// stepNames lists the steps of a side's alternatives, each once, in order.
func stepNames(r *rule.Rule, side match.Side) (names []string) {
	alts := r.Fused
	if side == match.Split {
		alts = r.Split
	}
	for _, a := range alts {
		for _, s := range a.Steps {
			if !slices.Contains(names, s.As) {
				names = append(names, s.As)
			}
		}
	}
	return names
}

// stray finds files of tests that stand where nobody reads them.
func stray(fsys fs.FS, prefix string) (list diag.List) {
	err := fs.WalkDir(fsys, ".", func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && file != "." && strings.HasPrefix(path.Base(file), "."):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(file, "_test.yaml"):
			return nil
		}
		if dir := path.Dir(file); dir != "fuse" && dir != "overlap" {
			list.Add(diag.Diagnostic{Pos: diag.Pos{File: path.Join(prefix, file)}, Code: "file-name", Msg: "the file would be ignored",
				Hint: "tests stand beside their rule, in fuse/ or overlap/"})
		}
		return nil
	})
	if err != nil {
		list.Addf(diag.Pos{File: prefix}, "read", "cannot be read: %v", err)
	}
	return list
}
