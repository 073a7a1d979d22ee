// Package schematest reads the JSON Schemas that the repository publishes for rule and test
// files, for the tests that hold them against the decoders.
package schematest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/internal/realtrace"
)

// Read gives a schema of rules/schema by its file name.
func Read(t testing.TB, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(realtrace.Root(t), "rules", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// Dig follows keys (string) and elements (int), and ends the test where there is nothing.
func Dig(t testing.TB, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if v = nil; p < len(l) {
				v = l[p]
			}
		}
		if v == nil {
			t.Fatalf("the schema has nothing at %v", path)
		}
	}
	return v
}

// Texts gives a list of texts, nil for anything else.
func Texts(v any) (out []string) {
	l, _ := v.([]any)
	for _, x := range l {
		out = append(out, x.(string))
	}
	return out
}

// Compile gives a validator of a schema of rules/schema.
func Compile(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(name, any(Read(t, name))); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Validate says what is wrong with a YAML file by a schema.
func Validate(t testing.TB, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	inst, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(inst)
}
