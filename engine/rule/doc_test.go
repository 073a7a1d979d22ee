package rule

import (
	"go/doc/comment"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// TestDocHasTheLanguage holds the package comment against the environments and the decoder:
// every field, function, macro, key and word is in it.
func TestDocHasTheLanguage(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(strings.NewReplacer("\n// ", "\n", "\n//", "\n").Replace("\n"+string(src)), "package rule\n")
	if len(new(comment.Parser).Parse(text).Content) < 20 {
		t.Fatal("the package comment does not parse into paragraphs")
	}
	has := func(what, word string) {
		t.Helper()
		re := `(?m)(^|[^A-Za-z0-9_])` + regexp.QuoteMeta(word) + `($|[^A-Za-z0-9_])`
		if word[0] < 'A' {
			re = regexp.QuoteMeta(word)
		}
		if !regexp.MustCompile(re).MatchString(text) {
			t.Errorf("doc.go does not mention the %s %s", what, word)
		}
	}
	env, err := NewEnv(nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.NewReplacer("_", "", "@", "")
	for _, e := range []*cel.Env{env.kernel, env.name, env.run, env.where} {
		for name := range e.Functions() {
			switch name {
			case "@not_strictly_false": // a part of exists and all
			case "_[_]":
				has("operator", "list[index]")
			case "_?_:_":
				has("operator", "?:")
			default:
				if !isWord(name[0]) || name[0] == '_' {
					has("operator", shown.Replace(name))
				} else {
					has("function", name)
				}
			}
		}
		for _, m := range e.Macros() {
			has("macro", m.Function())
		}
		for _, v := range e.Variables() {
			if v.Type().Kind() != types.StructKind {
				continue
			}
			has("variable", v.Name())
			names, ok := e.CELTypeProvider().FindStructFieldNames(v.Type().TypeName())
			if !ok || len(names) < 9 {
				t.Fatalf("%s has the fields %v", v.Name(), names)
			}
			for _, n := range names {
				ft, _ := e.CELTypeProvider().FindStructFieldType(v.Type().TypeName(), n)
				row := regexp.MustCompile(`(?m)^\t` + n + ` +` + regexp.QuoteMeta(ft.Type.String()) + `( |$)`)
				if !row.MatchString(text) {
					t.Errorf("doc.go has no row for %s.%s of type %s", v.Name(), n, ft.Type)
				}
			}
		}
	}
	for _, sh := range []*shape{&ruleShape, &switchShape, &requireShape, &alternativeShape, &stepShape, &residueShape,
		&familyShape, &aliasesShape, &aliasShape, &retiredFile, &retiredShape, &sitesShape, &packageShape, &wrapperShape} {
		for _, k := range sh.keys {
			has("key", k.name)
		}
	}
	for _, words := range []vocabulary{kinds, origins, statuses, domains, switchKinds, verdicts, frameworks, vendors, activities, attributions} {
		for _, w := range words {
			if w != "" {
				has("word", w)
			}
		}
	}
}
