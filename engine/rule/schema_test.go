package rule

import (
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sgrules/sgrules/internal/schematest"
)

// TestSchemaHasTheKeys: the decoder and the schemas know the same keys, the same required ones,
// the same words and the same bounds, and every key has a description.
func TestSchemaHasTheKeys(t *testing.T) {
	rule, family := schematest.Read(t, "rule.schema.json"), schematest.Read(t, "family.schema.json")
	for _, c := range []struct {
		sh     *shape
		object any
	}{
		{&ruleShape, rule},
		{&switchShape, schematest.Dig(t, rule, "$defs", "switch")},
		{&requireShape, schematest.Dig(t, rule, "$defs", "requirement")},
		{&alternativeShape, schematest.Dig(t, rule, "$defs", "alternative", "oneOf", 1)},
		{&stepShape, schematest.Dig(t, rule, "$defs", "step")},
		{&residueShape, schematest.Dig(t, rule, "$defs", "residue")},
		{&familyShape, family},
	} {
		props := schematest.Dig(t, c.object, "properties").(map[string]any)
		var inSchema, required []string
		for name, p := range props {
			inSchema = append(inSchema, name)
			if p.(map[string]any)["description"] == nil {
				t.Errorf("%s: the key %s has no description", c.sh.name, name)
			}
		}
		for _, k := range c.sh.keys {
			if k.required {
				required = append(required, k.name)
			}
		}
		if got, want := sortedUnique(inSchema), sortedUnique(c.sh.names()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the schema has %v, the decoder %v", c.sh.name, got, want)
		}
		got := schematest.Texts(c.object.(map[string]any)["required"])
		sort.Strings(got)
		sort.Strings(required)
		if !reflect.DeepEqual(got, required) {
			t.Errorf("%s: the schema requires %v, the decoder %v", c.sh.name, got, required)
		}
		if schematest.Dig(t, c.object, "additionalProperties") != false {
			t.Errorf("%s: other keys are allowed", c.sh.name)
		}
	}
	for _, c := range []struct {
		vocabulary vocabulary
		path       []any
	}{
		{kinds, []any{"properties", "kind"}}, {origins, []any{"properties", "origin"}}, {statuses, []any{"properties", "status"}},
		{domains, []any{"properties", "domain"}}, {switchKinds, []any{"$defs", "switch", "properties", "kind"}},
		{verdicts, []any{"$defs", "requirement", "properties", "verdict"}},
	} {
		if got := schematest.Texts(schematest.Dig(t, schematest.Dig(t, rule, c.path...), "enum")); !reflect.DeepEqual(got, []string(c.vocabulary)) {
			t.Errorf("%v: the schema has %v, the decoder %v", c.path, got, c.vocabulary)
		}
	}
	for _, c := range []struct {
		bound int
		path  []any
	}{
		{maxPulls, []any{"properties", "pulls", "maxItems"}}, {maxSources, []any{"properties", "sources", "maxItems"}},
		{maxSwitches, []any{"properties", "switches", "maxItems"}}, {maxRequires, []any{"properties", "requires", "maxItems"}},
		{maxAlts, []any{"$defs", "alternatives", "maxItems"}}, {maxExpr, []any{"$defs", "cel", "maxLength"}}, {maxText, []any{"$defs", "text", "maxLength"}},
		{maxSteps, []any{"$defs", "alternative", "oneOf", 1, "properties", "chain", "maxItems"}}, {DefaultPriority, []any{"properties", "priority", "default"}},
	} {
		if got := schematest.Dig(t, rule, c.path...); got != float64(c.bound) {
			t.Errorf("%v: the schema has %v, the decoder %d", c.path, got, c.bound)
		}
	}
	if got := schematest.Dig(t, family, "properties", "match", "maxItems"); got != float64(maxFamily) {
		t.Errorf("family match: the schema has %v, the decoder %d", got, maxFamily)
	}
}

// TestSchemaAgrees: what the decoder accepts the schema accepts, and what the decoder refuses
// for its shape the schema refuses.
func TestSchemaAgrees(t *testing.T) {
	rule, family := schematest.Compile(t, "rule.schema.json"), schematest.Compile(t, "family.schema.json")
	checked := 0
	for _, dir := range []string{"testdata/rules", "../../rules"} {
		for pattern, s := range map[string]*jsonschema.Schema{"/fuse/*.yaml": rule, "/overlap/*.yaml": rule, "/family/*.yaml": family} {
			files, _ := filepath.Glob(dir + pattern)
			for _, file := range files {
				if isTest(file) {
					continue
				}
				src, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := schematest.Validate(t, s, src); err != nil {
					t.Errorf("%s: %v", file, err)
				}
				checked++
			}
		}
	}
	if checked < 6 {
		t.Fatalf("only %d files were found", checked)
	}
	base := strings.NewReplacer("ID", "a", "EXPR", `k.symbol == "a"`).Replace(minimal)
	change := func(old, with string) string {
		if !strings.Contains(base, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(base, old, with, 1)
	}
	over := strings.Replace(change("kind: fuse", "kind: overlap"), "fused:", "overlapped:", 1)
	for name, c := range map[string]struct {
		src string
		ok  bool
	}{
		"as it is":               {base, true},
		"a truth value":          {change("unseen: u", "unseen: u\napplies: true"), true},
		"an unknown key":         {change("title: t", "title: t\ntitel: t"), false},
		"no title":               {change("title: t\n", ""), false},
		"an empty title":         {change("title: t", `title: "  "`), false},
		"a number as title":      {change("title: t", "title: 7"), false},
		"an id with capitals":    {change("id: a", "id: aB"), false},
		"an id with two hyphens": {change("id: a", "id: a--b"), false},
		"another kind":           {change("kind: fuse", "kind: fusion"), false},
		"split and unseen":       {change("unseen: u", "unseen: u\nsplit: [k.split_k]"), false},
		"neither of them":        {change("unseen: u\n", ""), false},
		"an overlap":             {over, true},
		"an overlap with fused":  {strings.Replace(over, "overlapped:", "fused:", 1), false},
		"two chains":             {strings.Replace(over, "overlapped: ['k.symbol == \"a\"']", "overlapped: [{match: k.split_k, beside: [{as: b, match: k.split_k}]}]", 1), true},
		"an empty second chain":  {strings.Replace(over, "overlapped: ['k.symbol == \"a\"']", "overlapped: [{match: k.split_k, beside: []}]", 1), false},
		"an overlap, no fusion":  {strings.Replace(strings.Replace(over, "overlapped: ['k.symbol == \"a\"']\n", "", 1), "mainline", "no-fusion", 1), false},
		"no overlap":             {strings.Replace(strings.Replace(over, "overlapped: ['k.symbol == \"a\"']\n", "", 1), "mainline", "no-overlap", 1), true},
		"a fusion, no overlap":   {strings.Replace(change("fused: ['k.symbol == \"a\"']\n", ""), "mainline", "no-overlap", 1), false},
		"serial and unseen":      {strings.Replace(over, "unseen: u", "unseen: u\nserial: [k.split_k]", 1), false},
		"no fused":               {change("fused: ['k.symbol == \"a\"']\n", ""), false},
		"withdrawn, no fused":    {strings.Replace(change("fused: ['k.symbol == \"a\"']\n", ""), "mainline", "withdrawn", 1), false},
		"withdrawn, only split":  {strings.Replace(strings.Replace(change("fused: ['k.symbol == \"a\"']\n", ""), "mainline", "withdrawn", 1), "unseen: u", "split: [k.split_k]", 1), true},
		"priority 101":           {change("title: t", "title: t\npriority: 101"), false},
		"a source without path":  {change("sglang@305ac74e:a.py", "sglang@305ac74e"), false},
		"when and unless":        {change("unseen: u", "unseen: u\nrequires: [{when: run.args_known, unless: run.args_known}]"), false},
		"match and chain":        {change("unseen: u", "split: [{match: k.split_k, chain: [{as: a, match: k.split_k}]}]"), false},
		"a step without name":    {change("unseen: u", "split: [{chain: [{match: k.split_k}]}]"), false},
		"a step":                 {change("unseen: u", "split: [{chain: [{as: a, match: k.split_k, many: true}]}]"), true},
		"many: 3":                {change("unseen: u", "split: [{chain: [{as: a, match: k.split_k, many: 3}]}]"), false},
		"an empty chain":         {change("unseen: u", "split: [{chain: []}]"), false},
		"a residue of 0":         {change("unseen: u", "split: [{match: k.split_k, residue: {per_step: 0, because: x}}]"), false},
		"a default that is bool": {change("unseen: u", "unseen: u\nswitches: [{name: x, kind: arg, default: false}]"), false},
		"an empty default":       {change("unseen: u", "unseen: u\nswitches: [{name: x, kind: arg, default: ''}]"), true},
	} {
		_, list := Decode("f", []byte(c.src))
		if got := len(list) == 0; got != c.ok {
			t.Errorf("%s: decoded %v: %v", name, got, list)
		}
		if err := schematest.Validate(t, rule, []byte(c.src)); (err == nil) != c.ok {
			t.Errorf("%s: the schema says %v", name, err)
		}
	}
}
