package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/invopop/jsonschema"
	validate "github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the golden files and the schema")

const schemaFile = "../../schema/report.schema.json"

// published makes the schema from the types and their comments.
func published(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{ExpandedStruct: true, RequiredFromJSONSchemaTags: false}
	if err := r.AddGoComments("github.com/sgrules/sgrules/engine/report", "./"); err != nil {
		t.Fatal(err)
	}
	// Comments are found by import path; the reflector was told the folder's.
	comments := map[string]string{}
	for k, v := range r.CommentMap {
		comments[filepath.ToSlash(filepath.Clean(k))] = v
	}
	r.CommentMap = comments
	s := r.Reflect(&Report{})
	s.ID = "https://github.com/sgrules/sgrules/schema/report.schema.json"
	s.Title = Schema
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestSchemaIsPublished(t *testing.T) {
	want := published(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say; run: go test ./engine/report -update", schemaFile)
	}
}

func TestJSONFollowsTheSchema(t *testing.T) {
	doc, err := validate.UnmarshalJSON(bytes.NewReader(published(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := validate.NewCompiler()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := JSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	inst, err := validate.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(inst); err != nil {
		t.Errorf("a full report does not follow the schema: %v", err)
	}
	inst.(map[string]any)["gpu_time_ns"] = "much"
	if s.Validate(inst) == nil {
		t.Error("the schema takes a word for a time")
	}
}
