package ruletest

import (
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/rule"
)

// NoTests is the check that a rule has tests, of Load and of lint.
const NoTests = "no-tests"

// Load reads the tests of the rules that stand in a folder, <kind>/<id>_test.yaml. set is the
// catalog they are matched with: the folder's rules, with what lies below them. The list has
// what is wrong with the files, what they name and is not there, and, with the code NoTests,
// rules without tests; rules whose status says that they have nothing to match need none.
func Load(fsys fs.FS, prefix string, set *rule.Set, sites graph.Policy) (*Suite, diag.List) {
	s := &Suite{Set: set, Sites: sites, Source: map[string][]byte{}}
	var list diag.List
	have := map[string]bool{}
	own := map[string]bool{}
	for _, kind := range []string{"fuse", "overlap"} {
		names, err := fs.Glob(fsys, kind+"/*.yaml")
		if err != nil {
			list.Addf(diag.Pos{File: prefix}, "read", "cannot be read: %v", err)
			continue
		}
		for _, name := range names {
			base := strings.TrimSuffix(path.Base(name), ".yaml")
			if strings.HasPrefix(base, ".") {
				continue
			}
			id, test := strings.CutSuffix(base, "_test")
			if !test {
				own[id] = true
				continue
			}
			shown := path.Join(prefix, name)
			data, err := readBounded(fsys, name)
			if err != nil {
				list.Addf(diag.Pos{File: shown}, "read", "cannot be read: %v", err)
				continue
			}
			s.Source[shown] = data
			f, wrong := Decode(shown, data)
			list = append(list, wrong...)
			have[id] = true
			if f == nil || wrong.Errors() > 0 {
				continue
			}
			if wrong = refer(f, set); len(wrong) > 0 {
				list = append(list, wrong...)
				continue
			}
			if r := set.Rule(f.Rule); r.Kind != kind {
				list.Add(diag.Diagnostic{Pos: f.Pos, Code: "kind-folder", Msg: "the rule is of kind " + r.Kind + " and its tests stand in " + kind + "/",
					Hint: "move the file to " + r.Kind + "/"})
				continue
			}
			s.Files = append(s.Files, f)
		}
	}
	for _, r := range set.Rules() {
		if !own[r.ID] {
			continue
		}
		s.Rules = append(s.Rules, r)
		if !have[r.ID] && (len(r.Fused) > 0 || len(r.Split) > 0) {
			list.Add(diag.Diagnostic{Pos: r.At("id"), Code: NoTests, Msg: "the rule has no tests", Hint: "write " + strings.TrimSuffix(r.File, ".yaml") + "_test.yaml"})
		}
	}
	list = append(list, stray(fsys, prefix)...)
	sort.Slice(s.Files, func(i, j int) bool { return s.Files[i].Rule < s.Files[j].Rule })
	list.Sort()
	return s, list
}

func hint(word string) string {
	if word == "" {
		return ""
	}
	return "did you mean " + word + "?"
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1)) // one more than allowed: Decode says so
}
