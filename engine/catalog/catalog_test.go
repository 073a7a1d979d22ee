package catalog

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/internal/realtrace"
)

var update = flag.Bool("update", false, "write the golden files")

const good = `# A catalog

Words for readers.

<!-- index:begin -->
<!-- index:end -->

## SGLang · LLM · mainline

### A norm and a rope

One kernel *does* both, see [the pull](https://example.org).

A second paragraph with ` + "`code | pipe`" + `.

**Conclude.** It is missing: ask why.

**Sources.**

- ` + "`sglang@0000000:a/b.py::C.d`" + `

**Switches.**

- ` + "`enable_it` (arg, default `false`, `sglang@0000000:args.py`)" + `: turns it on
- ` + "`EMPTY` (env, default empty)" + `

**Pulls.** #1, #22

` + "```yaml rule" + `
id: norm-rope
priority: 60
covers: [the-row]
applies: run.framework == "sglang"
fused:
  # the kernel of newer builds
  - k.symbol == "both"
split:
  - chain:
      - {as: n, match: 'k.symbol in ["one_norm_kernel_with_a_long_name", "another_norm_kernel_with_a_long_name", "a_third_norm_kernel_with_a_long_name"]'}
      - {as: r, match: k.symbol == "rope"}
` + "```" + `

## SGLang · diffusion · no fusion

### A name that is none

It only selects a back end.

**Conclude.** Nothing.

**Unseen.** There is nothing to see.

**Sources.**

- ` + "`sglang@0000000:a/b.py`" + `

` + "```yaml rule" + `
id: no-such-fusion
` + "```" + `
`

const rows = "key\tkind\torigin\tdomain\ttitle\tstate\twhy\nthe-row\tfuse\tsglang\tllm\tA row\t\t\nopen-row\tfuse\tvllm\tllm\tAnother\tnot yet a rule\tlater\n"

func compileText(t *testing.T, md, tsv string) (*Result, diag.List) {
	t.Helper()
	fsys := fstest.MapFS{"fuse-catalog.md": {Data: []byte(md)}}
	if tsv != "" {
		fsys["coverage.tsv"] = &fstest.MapFile{Data: []byte(tsv)}
	}
	return Compile(fsys, Options{Prefix: "references"})
}

func TestCompileGolden(t *testing.T) {
	res, list := compileText(t, good, rows)
	if len(list) > 0 {
		t.Fatal(list)
	}
	var b bytes.Buffer
	for _, l := range [][]Output{res.Rules, res.References} {
		for _, o := range l {
			b.WriteString("== " + o.Path + "\n")
			b.Write(o.Bytes)
		}
	}
	file := filepath.Join("testdata", "good.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("differs from %s:\n%s", file, b.String())
	}
	again, _ := compileText(t, good, rows)
	for i := range res.Rules {
		if !bytes.Equal(res.Rules[i].Bytes, again.Rules[i].Bytes) {
			t.Error("the same catalog gives other bytes the second time")
		}
	}
	for _, o := range res.Rules {
		if r, list := rule.Decode(filepath.Base(o.Path), o.Bytes); r == nil || list.Errors() > 0 {
			t.Errorf("%s is no rule: %v", o.Path, list)
		}
	}
}

// What compiled once compiles to itself: the index stands where it is written.
func TestCompileIsStable(t *testing.T) {
	res, list := compileText(t, good, rows)
	if len(list) > 0 {
		t.Fatal(list)
	}
	var md string
	for _, o := range res.References {
		if o.Path == "fuse-catalog.md" {
			md = string(o.Bytes)
		}
	}
	again, list := compileText(t, md, rows)
	if len(list) > 0 {
		t.Fatal(list)
	}
	for i, o := range again.Rules {
		if !bytes.Equal(o.Bytes, res.Rules[i].Bytes) {
			t.Errorf("%s changed:\n%s\nwas\n%s", o.Path, o.Bytes, res.Rules[i].Bytes)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ name, old, new, code string }{
		{"an unknown label", "**Conclude.** It", "**Concludes.** It", ""},
		{"no conclude", "**Conclude.** It is missing: ask why.\n", "", ""},
		{"a group that is not understood", "## SGLang · LLM · mainline", "## SGLang · LLM · perhaps", ""},
		{"a table in a section", "A second paragraph", "| a |\n| --- |\n| b |\n\nA second paragraph", ""},
		{"HTML in a section", "A second paragraph", "<b>x</b>\n\nA second paragraph", ""},
		{"a list in the prose", "A second paragraph", "- x\n\nA second paragraph", ""},
		{"two blocks", "id: norm-rope\n", "id: norm-rope\n```\n\n```yaml rule\nid: other\n", ""},
		{"a bad source", "sglang@0000000:a/b.py::C.d", "sglang:a/b.py", ""},
		{"an unknown key", "priority: 60", "priorty: 60", "unknown-key"},
		{"a wrong condition", `k.symbol == "rope"`, `k.symbl == "rope"`, "cel-type"},
		{"a duplicate id", "id: no-such-fusion", "id: norm-rope", "duplicate-id"},
		{"a row there is not", "covers: [the-row]", "covers: [the-rows]", "unknown-cover"},
		{"no index", "<!-- index:begin -->\n<!-- index:end -->\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			md := strings.Replace(good, c.old, c.new, 1)
			if md == good {
				t.Fatal("nothing was changed")
			}
			res, list := compileText(t, md, rows)
			if list.Errors() == 0 {
				t.Fatal("accepted")
			}
			if len(res.Rules) > 0 {
				t.Error("rules are given beside errors")
			}
			found := false
			for _, d := range list {
				found = found || c.code == "" || d.Code == c.code
				if d.File != "references/fuse-catalog.md" && d.File != "references/coverage.tsv" || d.Line == 0 {
					t.Errorf("%v has no place in the catalog", d)
				}
			}
			if !found {
				t.Errorf("got %v, want %s", list, c.code)
			}
		})
	}
}

func TestCoverageErrors(t *testing.T) {
	for name, tsv := range map[string]string{
		"a covered row with a reason": strings.Replace(rows, "A row\t\t", "A row\tnot yet a rule\tlater", 1),
		"an open row without one":     strings.Replace(rows, "not yet a rule\tlater", "\t", 1),
		"a row twice":                 rows + "open-row\tfuse\tvllm\tllm\tAgain\tnot yet a rule\tx\n",
		"too few cells":               rows + "x\ty\n",
		"other columns":               "key\n",
	} {
		if _, list := compileText(t, good, tsv); list.Errors() == 0 {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWriteTouchesOnlyWhatIsGenerated(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "fuse"), 0o755); err != nil {
		t.Fatal(err)
	}
	hand := filepath.Join(dir, "fuse", "by-hand.yaml")
	stale := filepath.Join(dir, "fuse", "stale.yaml")
	for p, text := range map[string]string{hand: "id: by-hand\n", stale: generated + "references/x.md:1" + generatedEnd + "\nid: stale\n"} {
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	res, list := compileText(t, good, rows)
	if len(list) > 0 {
		t.Fatal(list)
	}
	changes, err := Check(dir, res.Rules)
	if err != nil || len(changes) != 3 {
		t.Fatalf("check finds %v, %v; want two new files and one gone", changes, err)
	}
	if _, err := Write(dir, res.Rules); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Error("a generated file without a section is still there")
	}
	if b, err := os.ReadFile(hand); err != nil || string(b) != "id: by-hand\n" {
		t.Error("a file written by hand was touched")
	}
	if changes, err = Check(dir, res.Rules); err != nil || len(changes) != 0 {
		t.Errorf("after write, check finds %v, %v", changes, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fuse", "norm-rope.yaml"), []byte("id: mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, res.Rules); err == nil {
		t.Error("a file written by hand would be replaced")
	}
}

// The repository's own catalogs are compiled, and the rules are what they compile to.
func TestShippedCatalogs(t *testing.T) {
	root := realtrace.Root(t)
	res, list := Compile(os.DirFS(filepath.Join(root, "references")), Options{Prefix: "references", Rules: os.DirFS(filepath.Join(root, "rules")), RulesPrefix: "rules"})
	if list.Errors() > 0 {
		t.Fatal(list)
	}
	for _, x := range []struct {
		dir  string
		outs []Output
	}{{"rules", res.Rules}, {"references", res.References}} {
		changes, err := Check(filepath.Join(root, x.dir), x.outs)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			t.Errorf("%s/%s: %s; run: go run ./cmd/sgrules compile\n%s", x.dir, c.Path, c.Kind, c.Diff)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(good, rows)
	f.Add("## SGLang · LLM · mainline\n### x\n```yaml rule\nid: &a [*a]\n```\n", "")
	f.Add("<!-- index:begin -->", "key")
	f.Add(strings.Replace(good, "mainline", "mainlime", 1), rows)
	f.Add(strings.Replace(good, "k.symbol == \"rope\"", ">-\n k.symbol ==\n\n  \"ro\\tpe\" # x", 1), rows)
	f.Add(strings.ReplaceAll(good, "\n", "\r\n"), rows)
	for _, name := range []string{"fuse-catalog.md", "other-catalog.md"} {
		wrong, err := os.ReadFile(filepath.Join("testdata", "wrong", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(wrong), rows)
	}
	f.Fuzz(func(t *testing.T, md, tsv string) {
		if len(md) > 16<<10 || len(tsv) > 4<<10 {
			return
		}
		res, list := compileText(t, md, tsv)
		again, other := compileText(t, md, tsv)
		if list.Error() != other.Error() {
			t.Fatalf("two readings differ:\n%s\n%s", list.Error(), other.Error())
		}
		for _, d := range list {
			lines := strings.Split(string(res.Source[d.File]), "\n")
			if d.Code == "internal" || d.Msg == "" || d.Line > len(lines)+1 || d.Line > 0 && d.Line <= len(lines) && d.Col > len(lines[d.Line-1])+1 {
				t.Errorf("%v: no error of the catalog, or not in it", d)
			}
		}
		if list.Errors() > 0 {
			if len(res.Rules)+len(res.References) > 0 {
				t.Error("something is given beside errors")
			}
			return
		}
		for i, o := range res.Rules {
			if !bytes.Equal(o.Bytes, again.Rules[i].Bytes) || !isGenerated(o.Bytes) {
				t.Errorf("%s differs the second time or does not say that it is generated", o.Path)
			}
		}
		// The catalog with its index compiles to itself.
		for _, o := range res.References {
			if o.Path != "fuse-catalog.md" {
				continue
			}
			twice, list := compileText(t, string(o.Bytes), tsv)
			if list.Errors() > 0 {
				t.Fatalf("with its index the catalog is wrong: %v\n%s", list, o.Bytes)
			}
			for i, r := range twice.Rules {
				if !bytes.Equal(r.Bytes, res.Rules[i].Bytes) {
					t.Errorf("with its index the catalog compiles to another %s:\n%s\n%s", r.Path, r.Bytes, res.Rules[i].Bytes)
				}
			}
		}
	})
}
