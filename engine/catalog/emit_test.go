package catalog

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/rule"
)

// texts are hard to write in YAML.
var texts = []string{
	"plain", "two words", `k.symbol == "a" && k.op in ["b", "c"]`, "it's", `"quoted"`, "'single'", "a: b", "a #b", "a#b", "#a", "- a", "-a", "? a", "[a]", "{a}",
	"a, b", "&a", "*a", "!a", "%a", "@a", "`a`", "|", ">", "~", "null", "true", "No", "on", "y", "1", "0x1f", "1e3", "1_000", ".5", ".inf", "2001-01-01", "=", "<<",
	"", " leading", "trailing ", "a  b", "a\tb", "\ta", "a\nb", "a\n\nb", "a\n b", "a\n", "a\n\n", "\na", "a \nb", `back\slash`, "é 核", "a:", ":a", "a: ", "---", "...",
	strings.Repeat("word ", 60) + "end", strings.Repeat("x", 300), strings.Repeat("x", 300) + " " + strings.Repeat("y", 300), strings.Repeat("a  b ", 60) + "end",
	strings.Repeat("# a ", 60) + "end", strings.Repeat("- a: ", 60) + "end", strings.Repeat("é核 ", 80) + "end", strings.Repeat("word ", 60) + "\n" + strings.Repeat("word ", 60),
	strings.Repeat("word ", 60) + "end\n\n" + strings.Repeat("word ", 60) + "end\n", " " + strings.Repeat("word ", 60), strings.Repeat("a\t b ", 60) + "end",
	strings.Repeat("a ", 130) + "\"b", strings.Repeat("it's ", 60) + "end: #1",
}

// written gives a text as the emitter writes it, as a value of a key and as an entry of a list.
func written(v string) string {
	e := &emitter{}
	e.text("a:", v, 0)
	e.b.WriteString("b:\n")
	e.text("  -", v, 2)
	e.text("  - c:", v, 4)
	e.text("    d:", v, 4)
	return e.b.String()
}

func checkWritten(t *testing.T, v string) {
	t.Helper()
	out := written(v)
	root, err := readYAML(out)
	if err != nil {
		t.Fatalf("%q is written as\n%s%v", v, out, err)
	}
	list := root.Content[3].Content
	for _, n := range []*yaml.Node{root.Content[1], list[0], list[1].Content[1], list[1].Content[3]} {
		if n.Value != v || n.Tag != "!!str" || n.HeadComment+n.LineComment+n.FootComment != "" {
			t.Errorf("%q is written as\n%sand reads as %q %s", v, out, n.Value, n.Tag)
		}
	}
}

func TestTextsRoundTrip(t *testing.T) {
	for _, v := range texts {
		checkWritten(t, v)
	}
}

// TestFolding: lines are broken at the width, and only where YAML puts one space back.
func TestFolding(t *testing.T) {
	word := strings.Repeat("x", 39)
	long := strings.Repeat("y", 130)
	for v, want := range map[string]string{
		word + " " + word:              "a: " + word + " " + word + "\n",
		word + " " + word + " " + word: "a: >-\n  " + word + " " + word + "\n  " + word + "\n",
		long:                           "a: " + long + "\n",
		long + " " + word:              "a: >-\n  " + long + "\n  " + word + "\n",
		word + " " + long + " " + word: "a: >-\n  " + word + "\n  " + long + "\n  " + word + "\n",
		word + "  " + word + "  " + word + " " + word: "a: >-\n  " + word + "  " + word + "  " + word + "\n  " + word + "\n",
		"b\nc":   "a: >-\n  b\n\n  c\n",
		"b\nc\n": "a: >\n  b\n\n  c\n",
		"b\n c":  "a: \"b\\n c\"\n",
	} {
		e := &emitter{}
		e.text("a:", v, 0)
		if got := e.b.String(); got != want {
			t.Errorf("%q is written as\n%swant\n%s", v, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, v := range texts {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if len(v) > 4<<10 || len(newInput("f", []byte(v)).check()) > 0 || strings.Contains(v, "\r") {
			return
		}
		checkWritten(t, v)
	})
}

// TestRuleFromSection holds the rule that comes out against one written by hand in another style.
func TestRuleFromSection(t *testing.T) {
	res, list := compileText(t, good, rows)
	if len(list) > 0 {
		t.Fatal(list)
	}
	const want = `{id: norm-rope, kind: fuse, title: A norm and a rope, origin: sglang, status: mainline, domain: llm, priority: 60, pulls: [1, 22],
covers: [the-row], sources: ['sglang@0000000:a/b.py::C.d'],
switches: [{name: enable_it, kind: arg, default: "false", source: 'sglang@0000000:args.py', effect: turns it on}, {name: EMPTY, kind: env, default: ""}],
applies: 'run.framework == "sglang"', fused: ['k.symbol == "both"'],
split: [{chain: [{as: n, match: 'k.symbol in ["one_norm_kernel_with_a_long_name", "another_norm_kernel_with_a_long_name", "a_third_norm_kernel_with_a_long_name"]'},
{as: r, match: 'k.symbol == "rope"'}]}],
path: "One kernel does both, see the pull. A second paragraph with ` + "`code | pipe`" + `.", conclude: "It is missing: ask why."}`
	w, list := rule.Decode("want", []byte(want))
	if len(list) > 0 {
		t.Fatal(list)
	}
	for _, o := range res.Rules {
		if o.Path != "fuse/norm-rope.yaml" {
			continue
		}
		got, list := rule.Decode(o.Path, o.Bytes)
		if len(list) > 0 || meaning(got) != meaning(w) {
			t.Errorf("%v\n got %s\nwant %s", list, meaning(got), meaning(w))
		}
		if m := meaning(got); strings.Contains(m, "?") || !strings.Contains(m, `Text:"k.symbol == \"rope\""`) || !strings.Contains(m, "Priority:60") {
			t.Errorf("meaning leaves something out: %s", m)
		}
		return
	}
	t.Error("no rule")
}

func TestMeaningTellsRulesApart(t *testing.T) {
	base := "id: a\nkind: fuse\ntitle: t\norigin: sglang\nstatus: mainline\ndomain: llm\nsources: ['x@0000000:a']\nfused: [k.split_k]\nsplit:\n  - chain:\n      - {as: a, match: k.split_k}\n      - {as: b, match: k.split_k}\npath: p\nconclude: c\n"
	read := func(text string) string {
		r, list := rule.Decode("f", []byte(text))
		if len(list) > 0 {
			t.Fatal(text, list)
		}
		return meaning(r)
	}
	first := read(base)
	if first != read("# comment\n"+strings.Replace(base, "path: p", "path: >-\n  p", 1)) {
		t.Error("layout changes the meaning")
	}
	for _, c := range [][2]string{{"id: a", "id: b"}, {"title: t", "title: u"}, {"x@0000000:a", "x@0000000:a::f"}, {"fused: [k.split_k]", "fused: ['!k.split_k']"},
		{"as: b, match: k.split_k", "as: b, match: k.split_k, many: true"}, {"as: b", "as: c"}, {"path: p", "priority: 51\npath: p"}, {"path: p", "pulls: [1]\npath: p"},
		{"path: p", "covers: [x]\npath: p"}, {"path: p", "applies: run.sm > 1\npath: p"}, {"path: p", "requires: [{when: run.sm > 1}]\npath: p"},
		{"path: p", "requires: [{unless: run.sm > 1}]\npath: p"}, {"  - chain:", "  - where: us(a) > 1.0\n    chain:"}, {"  - chain:", "  - residue: {per_step: 2, because: x}\n    chain:"}} {
		if read(strings.Replace(base, c[0], c[1], 1)) == first {
			t.Errorf("%q says the same as %q", c[1], c[0])
		}
	}
}
