package rule

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and read the difference\ngot:\n%s", file, got)
	}
}

// TestEverythingWrong decodes and compiles one file in which everything is wrong, and holds
// the whole output: every error at once, each with its line, column, caret and hint.
func TestEverythingWrong(t *testing.T) {
	const name = "everything-wrong.yaml"
	src, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(src)
	var out bytes.Buffer
	print := func(title string, src string, list diag.List) {
		out.WriteString("== " + title + "\n")
		if err := list.Print(&out, map[string][]byte{name: []byte(src)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	_, list := Decode(name, src)
	print("as it is: an anchor makes the file unreadable", text, list)

	text = strings.Replace(text, "&anchor ", "", 1)
	r, list := Decode(name, []byte(text))
	print("decode", text, list)
	env, err := NewEnv(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, list := Compile(r, env)
	if c != nil {
		t.Error("a wrong rule compiles")
	}
	print("compile", text, list)
	golden(t, "everything-wrong.golden", out.Bytes())
}

func TestDecodeSample(t *testing.T) {
	src, err := os.ReadFile("testdata/rules/fuse/sglang-qk-norm-rope.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, list := Decode("r.yaml", src)
	if len(list) > 0 {
		t.Fatal(list)
	}
	if r.ID != "sglang-qk-norm-rope" || r.Kind != "fuse" || r.Priority != 60 || r.Status != "mainline" || r.Domain != "llm" ||
		!reflect.DeepEqual(r.Pulls, []int{21877, 22003}) || len(r.Sources) != 2 {
		t.Errorf("%+v", r)
	}
	if got := r.Sources[1]; got.String() != "sglang@305ac74e:python/sglang/srt/models/utils.py::apply_qk_norm" || got.Pos.String() != "r.yaml:12:5" {
		t.Errorf("source %s at %s", got, got.Pos)
	}
	if s := r.Switches[0]; s.Name != "enable_fused_qk_norm_rope" || s.Kind != "arg" || s.Default != "false" || s.Effect != "turns the path on" ||
		s.Source.Path != "python/sglang/srt/server_args.py" || s.At("kind").String() != "r.yaml:14:45" {
		t.Errorf("%+v", s)
	}
	if q := r.Requires; len(q) != 2 || q[0].Verdict != "unsupported" || q[0].When == nil || q[1].Verdict != "disabled" || q[1].Unless == nil ||
		q[1].Because != "deterministic mode turns it off" {
		t.Errorf("requires %+v", q)
	}
	if f := r.Fused; len(f) != 1 || len(f[0].Steps) != 1 || f[0].Steps[0].As != "k" || f[0].Pos.Line != 24 {
		t.Errorf("fused %+v", f)
	}
	a := r.Split[0]
	var as []string
	for _, s := range a.Steps {
		as = append(as, s.As)
	}
	if strings.Join(as, " ") != "qc q n r" || !a.Steps[0].Optional || a.Steps[1].Optional || !a.Steps[2].Many || a.Steps[3].SkipExpr == nil {
		t.Errorf("steps %v", as)
	}
	if a.Steps[2].MatchExpr.Text != `k.family == "norm" && k.at("python/sglang/srt/models/utils.py", "")` {
		t.Errorf("folded text %q", a.Steps[2].MatchExpr.Text)
	}
	if a.Residue == nil || a.Residue.PerStep != 1 || a.Only == nil || a.WhereExpr == nil || r.Split[1].ByDesign != "there is no residual yet" {
		t.Errorf("alternative %+v", a)
	}
}

// TestDocuments: what is no rule at all.
func TestDocuments(t *testing.T) {
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for _, c := range []struct{ name, src, want string }{
		{"empty", "", "f:1:1: the file is empty, expected one YAML document [empty]"},
		{"a comment", "# nothing\n", "f:1:1: the file is empty, expected one YAML document [empty]"},
		{"null", "~\n", "f:1:1: found nothing, expected a mapping [wrong-type]"},
		{"a list", "- a\n", "f:1:1: found a list, expected a mapping [wrong-type]"},
		{"two documents", "a: 1\n---\nb: 2\n", "f:3:1: a second document begins here, expected one a file [yaml-documents]"},
		{"a bomb", "a: &a [x, x]\nb: [*a, *a]\n", "f:1:4: anchors are not allowed [yaml-alias]; write the value out\n" +
			"f:2:5: aliases are not allowed [yaml-alias]; write the value out\nf:2:9: aliases are not allowed [yaml-alias]; write the value out"},
		{"a tag", "a: !!binary aGk=\n", "f:1:4: tags are not allowed [yaml-alias]; write the value out"},
		{"a merge", "<<: {id: a}\n", "f:1:1: no key << in a rule [unknown-key]"},
		{"deep", "a: " + deep, "f:1:20: nested more than 16 deep [too-deep]"},
		{"large", strings.Repeat("#", maxFile+1), "f: the file has 1048577 bytes, at most 1048576 are allowed [too-large]"},
		{"not UTF-8", "id: a\ntitle: \xff\n", "f:2:8: the byte 0xff is not allowed here: files are UTF-8 with ordinary line breaks [yaml-character]"},
		{"a lone CR", "id: a\rkind: b\n", "f:1:6: the byte 0x0d is not allowed here: files are UTF-8 with ordinary line breaks [yaml-character]"},
		{"a line separator", "id: a\u2028kind: b\n", "f:1:6: the byte 0xe2 is not allowed here: files are UTF-8 with ordinary line breaks [yaml-character]"},
		{"no YAML", "id: [a\nkind: b\n", "f:2: did not find expected ',' or ']' [yaml-syntax]"},
		{"a tab", "id: a\n\tkind: b\n", "f:2: found a tab character that violates indentation [yaml-syntax]"},
		{"the second is no YAML", "id: a\n---\n]\n", "f:3: did not find expected node content [yaml-syntax]"},
	} {
		r, list := Decode("f", []byte(c.src))
		got := diag.List{}
		for _, d := range list {
			if d.Code != "missing-key" && d.Hint != "expected one of "+strings.Join(ruleShape.names(), ", ") || d.Code == "unknown-key" {
				d.Hint = strings.TrimPrefix(d.Hint, "expected one of "+strings.Join(ruleShape.names(), ", "))
				got = append(got, d)
			}
		}
		if c.name == "two documents" {
			got = got[len(got)-1:]
			if r == nil {
				t.Error("the first of two documents is not read")
			}
		}
		if got.Error() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got.Error(), c.want)
		}
	}
}

func TestParseSource(t *testing.T) {
	for text, want := range map[string]string{
		"sglang@305ac74e:python/a.py::f":                          "",
		"sglang@305ac74e:python/a.py::C.method":                   "",
		"flashinfer@305ac74e:csrc/norm.cu::a::b":                  "",
		"vllm@0123456789abcdef0123456789abcdef01234567:vllm/a.py": "",
		"python/a.py":                  "no @ after the repository; expected repo@commit:path::symbol",
		"SGLang@305ac74e:a.py":         `"SGLang" is not the name of a repository; expected repo@commit:path::symbol`,
		"sglang@305ac74e":              "no : after the commit; expected repo@commit:path::symbol",
		"sglang@305ac7:a.py":           `"305ac7" is not a commit: 7 to 40 lower-case hexadecimal digits`,
		"sglang@305AC74E:a.py":         `"305AC74E" is not a commit: 7 to 40 lower-case hexadecimal digits`,
		"sglang@305ac74e:../a.py":      `"../a.py" is not a path inside a repository`,
		"sglang@305ac74e:a b.py":       `"a b.py" is not a path inside a repository`,
		"sglang@305ac74e:a.py::":       `"" is not a symbol: a function, a class or Class.method`,
		"sglang@305ac74e:a.py::f(x)":   `"f(x)" is not a symbol: a function, a class or Class.method`,
		"sglang@305ac74e:a.py::a..b":   `"a..b" is not a symbol: a function, a class or Class.method`,
		"sglang@305ac74e:a.py:12::abc": `"a.py:12" is not a path inside a repository`,
	} {
		s, err := ParseSource(text)
		got := ""
		if err != nil {
			got = err.Error()
		} else if s.String() != text {
			got = "reads back as " + s.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	words := []string{"symbol", "status", "split", "family", "fused"}
	for in, want := range map[string]string{"symbl": "symbol", "Status": "status", "spilt": "split", "famliy": "family",
		"fuse": "fused", "x": "", "completely": "", "": "", strings.Repeat("s", 5000): ""} {
		if got := suggest(in, words); got != want {
			t.Errorf("%.20q suggests %q, want %q", in, got, want)
		}
	}
}

// TestErrorsAreBounded: a large file that is wrong throughout does not give a large answer.
func TestErrorsAreBounded(t *testing.T) {
	var keys strings.Builder
	for i := range 50_000 {
		keys.WriteString("k" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("0", i%11) + ": v\n")
	}
	for name, src := range map[string]string{
		"keys":    keys.String(),
		"aliases": "a: &a b\nb: [" + strings.Repeat("*a, ", 100_000) + "]\n",
		"entries": "fused: [" + strings.Repeat("7, ", 100_000) + "]\npulls: [" + strings.Repeat("x, ", 100_000) + "]\n",
	} {
		if _, list := Decode("f", []byte(src)); len(list) == 0 || len(list) > 200 {
			t.Errorf("%s: %d errors", name, len(list))
		}
	}
}
