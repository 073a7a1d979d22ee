package ruletest

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/tracebuild"
	"github.com/sgrules/sgrules/internal/realtrace"
	"github.com/sgrules/sgrules/internal/schematest"
)

func sortedKeys(v any) (out []string) {
	m, _ := v.(map[string]any)
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func sorted(l []string) []string {
	l = slices.Clone(l)
	slices.Sort(l)
	return l
}

// TestSchemaHasTheKeys: the decoder and the schema know the same keys, the same required ones,
// the same words and the same bounds, and every key has a description.
func TestSchemaHasTheKeys(t *testing.T) {
	doc := schematest.Read(t, "test.schema.json")
	for _, c := range []struct {
		sh     *shape
		object any
	}{
		{&fileShape, doc}, {&testShape, schematest.Dig(t, doc, "$defs", "test")}, {&runShape, schematest.Dig(t, doc, "$defs", "run")},
		{&expectShape, schematest.Dig(t, doc, "$defs", "expectation")},
	} {
		if got := sortedKeys(schematest.Dig(t, c.object, "properties")); !reflect.DeepEqual(got, sorted(c.sh.keys)) {
			t.Errorf("%s: the schema has %v, the decoder %v", c.sh.name, got, sorted(c.sh.keys))
		}
		if got := sorted(schematest.Texts(c.object.(map[string]any)["required"])); !slices.Equal(got, sorted(c.sh.keys[:c.sh.required])) {
			t.Errorf("%s: the schema requires %v, the decoder %v", c.sh.name, got, c.sh.keys[:c.sh.required])
		}
	}
	for _, o := range append([]any{doc}, objects(doc)...) {
		if schematest.Dig(t, o, "additionalProperties") != false {
			t.Errorf("other keys are allowed beside %v", sortedKeys(schematest.Dig(t, o, "properties")))
		}
		for k, p := range schematest.Dig(t, o, "properties").(map[string]any) {
			if p.(map[string]any)["description"] == nil {
				t.Errorf("the key %s has no description", k)
			}
		}
	}
	for _, c := range []struct {
		words []string
		path  []any
	}{
		{frameworks, []any{"run", "properties", "framework"}}, {vendors, []any{"run", "properties", "vendor"}},
		{verdicts, []any{"expectation", "properties", "verdict"}}, {sides, []any{"expectation", "properties", "side"}},
	} {
		if got := schematest.Texts(schematest.Dig(t, doc, append(append([]any{"$defs"}, c.path...), "enum")...)); !slices.Equal(got, c.words) {
			t.Errorf("%v: the schema has %q, the decoder %q", c.path, got, c.words)
		}
	}
	for _, c := range []struct {
		bound int
		path  []any
	}{
		{maxTests, []any{"properties", "tests", "maxItems"}}, {maxArgs, []any{"$defs", "run", "properties", "args", "maxProperties"}},
		{maxBind, []any{"$defs", "expectation", "properties", "bind", "maxProperties"}},
		{maxEvents, []any{"$defs", "expectation", "properties", "chains", "maximum"}},
		{tracebuild.MaxStack, []any{"$defs", "names", "maxItems"}},
	} {
		if got := schematest.Dig(t, doc, c.path...); got != float64(c.bound) {
			t.Errorf("%v: the schema has %v, the decoder %d", c.path, got, c.bound)
		}
	}
}

// objects are the definitions that have keys.
func objects(doc map[string]any) (out []any) {
	defs, _ := doc["$defs"].(map[string]any)
	for _, d := range defs {
		if d.(map[string]any)["properties"] != nil {
			out = append(out, d)
		}
	}
	return out
}

// TestSchemaHasTheItems: each kind of item has the keys in the schema that the builder's decoder
// names when it meets one that it does not know.
func TestSchemaHasTheItems(t *testing.T) {
	doc := schematest.Read(t, "test.schema.json")
	for k := tracebuild.Kernel; k <= tracebuild.Idle; k++ {
		lead := k.String()
		var n yaml.Node
		if err := yaml.Unmarshal([]byte("[{"+lead+": x, no_such_key: 1}]"), &n); err != nil {
			t.Fatal(err)
		}
		_, err := tracebuild.DecodeItems(&n, "f")
		var list diag.List
		if !errors.As(err, &list) {
			t.Fatalf("%s: %v", lead, err)
		}
		var known []string
		for _, d := range list {
			if _, after, ok := strings.Cut(d.Msg, "expected one of "); ok && d.Code == "unknown-key" {
				known = strings.Split(after, ", ")
			}
		}
		if len(known) == 0 {
			t.Fatalf("%s: the decoder does not say which keys it knows: %v", lead, list)
		}
		if got := sortedKeys(schematest.Dig(t, doc, "$defs", lead, "properties")); !slices.Equal(got, sorted(known)) {
			t.Errorf("%s: the schema has %v, the decoder %v", lead, got, sorted(known))
		}
	}
	if got, want := len(schematest.Dig(t, doc, "$defs", "items", "items", "anyOf").([]any)), int(tracebuild.Idle)+2; got != want {
		t.Errorf("items are one of %d, want the %d kinds and a list", got, want-1)
	}
}

// TestSchemaAgrees: what the decoder accepts the schema accepts, and what the decoder refuses
// for its shape the schema refuses.
func TestSchemaAgrees(t *testing.T) {
	s := schematest.Compile(t, "test.schema.json")
	files, err := filepath.Glob(filepath.Join(realtrace.Root(t), "rules", "*", "*_test.yaml"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files of tests: %v", len(files), err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schematest.Validate(t, s, src); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	base := `rule: x-y
tests:
  - {name: a, trace: [{kernel: k}], expect: [EXPECT]}
  - {name: b, trace: [ITEM], expect: none}
`
	for name, c := range map[string]struct {
		expect, item string
		ok           bool
	}{
		"as it is":               {"", "", true},
		"all keys":               {"{verdict: partial, rule: x-y, stage: decode, side: fused, chains: 2, by_design: 0, bind: {k: s, l: [s, t], m: []}}", "", true},
		"under":                  {"{verdict: applied}, {under: x-z, side: split, chains: 1}", "", true},
		"verdict and under":      {"{verdict: applied, under: x-z}", "", false},
		"neither":                {"{chains: 1}", "", false},
		"another verdict":        {"{verdict: good}", "", false},
		"no chains":              {"{verdict: applied, chains: 0}", "", false},
		"an unknown key":         {"{verdict: applied, chain: 1}", "", false},
		"an empty bind":          {"{verdict: applied, bind: {}}", "", false},
		"a number to bind":       {"{verdict: applied, bind: {k: 3}}", "", false},
		"a nested list":          {"", "[{kernel: a}, [{memset: Memset (Device), bytes: 4}]]", true},
		"a scope":                {"", "{module: [LlamaForCausalLM], of: [{kernel: a, us: [1, 2.5]}]}", true},
		"a graph":                {"", "{graph: g, stream: 7, of: [{kernel: a}]}", true},
		"an empty step":          {"", "{step: s, of: []}", true}, // only the decoder counts what is in it
		"a step without of":      {"", "{step: s}", false},
		"a busy host":            {"", "{sync: Host Busy, us: 12.5}", true},
		"a sync of its own":      {"", "{sync: Some Sync}", false},
		"a key of another kind":  {"", "{kernel: a, of: [{kernel: b}]}", false},
		"two kinds":              {"", "{kernel: a, memcpy: b}", false},
		"a negative stream":      {"", "{kernel: a, stream: -1}", false},
		"a duration as text":     {"", "{kernel: a, us: long}", false},
		"frames that are a text": {"", "{frames: main, of: [{kernel: a}]}", false},
	} {
		expect, item := c.expect, c.item
		if expect == "" {
			expect = "{verdict: applied}"
		}
		if item == "" {
			item = "{kernel: k}"
		}
		src := strings.NewReplacer("EXPECT", expect, "ITEM", item).Replace(base)
		if _, list := Decode("x-y_test.yaml", []byte(src)); (len(list) == 0) != c.ok && name != "an empty step" {
			t.Errorf("%s: decoded: %v", name, list)
		}
		if err := schematest.Validate(t, s, []byte(src)); (err == nil) != c.ok {
			t.Errorf("%s: the schema says %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		run string
		ok  bool
	}{
		"all keys":        {`{framework: "", vendor: amd, gpu: AMD Instinct MI300X, sm: 0, model: m, tp: 8, world: 8, args: {a: 1, b: true, c: x, d: null}}`, true},
		"no arguments":    {"{args: {}}", true},
		"another key":     {"{frame_work: vllm}", false},
		"another vendor":  {"{vendor: intel}", false},
		"a text as sm":    {`{sm: "90"}`, false},
		"nested argument": {"{args: {a: [1]}}", false},
		"negative tp":     {"{tp: -1}", false},
	} {
		src := strings.NewReplacer("EXPECT", "{verdict: applied}", "ITEM", "{kernel: k}").Replace(base) +
			"  - {name: c, run: " + c.run + ", trace: [{kernel: k}], expect: none}\n"
		if _, list := Decode("x-y_test.yaml", []byte(src)); (len(list) == 0) != c.ok {
			t.Errorf("%s: decoded: %v", name, list)
		}
		if err := schematest.Validate(t, s, []byte(src)); (err == nil) != c.ok {
			t.Errorf("%s: the schema says %v", name, err)
		}
	}
}
