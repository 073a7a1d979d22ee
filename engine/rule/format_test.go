package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	const in = `# a rule
kind: fuse
id:   x-y # its id
split:
    - chain:
          - {match: k.symbol == "a", as: first}
          # the second
          - as: second
            skip: k.symbol == "c"
            match: >-
              k.symbol in ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccc", "ddddddddddd"]
title: T
`
	const want = `# a rule
id: x-y # its id
kind: fuse
title: T
split:
  - chain:
      - {as: first, match: k.symbol == "a"}
      # the second
      - as: second
        match: >-
          k.symbol in ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
          "cccccccccccccccccccccccccccccc", "ddddddddddd"]
        skip: k.symbol == "c"
`
	got, err := Format("x.yaml", []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, err := Format("x.yaml", got)
	if err != nil || string(again) != string(got) {
		t.Errorf("not idempotent: %v\n%s", err, again)
	}
}

// Each mapping has its own order, long conditions are folded wherever they stand, and names in
// traces, generated or not, stay on one line.
func TestFormatByKind(t *testing.T) {
	long := `k.symbol in ["` + strings.Repeat("a", 50) + `", "` + strings.Repeat("b", 50) + `"]`
	name := strings.Repeat("name ", 40) + "end"
	for _, c := range []struct{ name, in, want string }{
		{"a switch keeps its name first", "id: x\nswitches:\n  - {source: s, kind: arg, name: n}\n", "id: x\nswitches:\n  - {name: n, kind: arg, source: s}\n"},
		{"requirements", "id: x\nrequires:\n  - because: b\n    verdict: v\n    unless: u\n", "id: x\nrequires:\n  - unless: u\n    because: b\n    verdict: v\n"},
		{"a residue", "id: x\nfused:\n  - residue: {because: b, per_step: 1}\n    match: m\n    name: n\n", "id: x\nfused:\n  - name: n\n    match: m\n    residue: {per_step: 1, because: b}\n"},
		{"a family", "match:\n  - '" + long + "'\nfamily: x\n", "family: x\nmatch:\n  - >-\n    k.symbol in [\"" + strings.Repeat("a", 50) + "\",\n    \"" + strings.Repeat("b", 50) + "\"]\n"},
		{"a flow mapping stays a line", "id: x\nfused:\n  - {match: '" + long + "'}\n", "id: x\nfused:\n  - {match: '" + long + "'}\n"},
		{"an unknown key stays where it is", "id: x\nfused:\n  - match: m\n    nme: n\n", "id: x\nfused:\n  - match: m\n    nme: n\n"},
		{"a test", "tests:\n  - expect: [{bind: {b: x, a: y}, chains: 1, verdict: v}]\n    trace:\n      - us: 5\n        kernel: " + name + "\n    name: n\nrule: x\n",
			"rule: x\ntests:\n  - name: n\n    trace:\n      - us: 5\n        kernel: " + name + "\n    expect: [{verdict: v, chains: 1, bind: {b: x, a: y}}]\n"},
		{"an alias behind its anchor", "rule: x\ntests:\n  - expect: &e none\n    name: n\n  - name: m\n    expect: *e\n", "rule: x\ntests:\n  - name: n\n    expect: &e none\n  - name: m\n    expect: *e\n"},
		{"an anchor that must stay first", "rule: x\ntests:\n  - trace: [&k {kernel: a}]\n    run: {args: {y: *k}}\n    name: n\n", "rule: x\ntests:\n  - trace: [&k {kernel: a}]\n    run: {args: {y: *k}}\n    name: n\n"},
		{"neither rule nor family nor test", "b: 1\na: 2\n", "b: 1\na: 2\n"},
		{"comments", "# file\n\n# about kind\nkind: fuse # k\n# about id\nid: x # i\n# end\n", "# file\n\n# about id\nid: x # i\n# end\n\n# about kind\nkind: fuse # k\n"},
	} {
		got, err := Format("x.yaml", []byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", c.name, err, got, c.want)
			continue
		}
		if again, err := Format("x.yaml", got); err != nil || string(again) != string(got) {
			t.Errorf("%s: not idempotent: %v\n%s", c.name, err, again)
		}
	}
}

func TestFormatRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"two documents": "a: 1\n---\nb: 2\n", "no YAML": "a: [", "nothing": "", "a bomb": bomb(),
	} {
		if _, err := Format("x.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%s: got error %v, want one that names the file", name, err)
		}
	}
}

// bomb is a list of lists of lists … by aliases.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		n, p := string(rune('a'+i)), "a0"
		if i > 1 {
			p = string(rune('a'+i-1)) + "0"
		}
		b.WriteString(n + "0: &" + n + "0 [" + strings.TrimSuffix(strings.Repeat("*"+p+", ", 10), ", ") + "]\n")
	}
	return b.String()
}

// Every file of the repository can be laid out, and stays as it is the second time.
func TestFormatRepository(t *testing.T) {
	for _, glob := range []string{"../../rules/fuse/*.yaml", "../../rules/overlap/*.yaml", "../../rules/family/*.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			once, err := Format(f, src)
			if err != nil {
				t.Error(err)
				continue
			}
			if twice, err := Format(f, once); err != nil || string(twice) != string(once) {
				t.Errorf("%s: not idempotent: %v", f, err)
			}
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add([]byte("id: x\nkind: fuse\nsplit:\n  - match: >-\n      a b\n"))
	f.Add([]byte("a: &x [1]\nb: *x\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		once, err := Format("x", src)
		if err != nil {
			return
		}
		if _, err := Format("x", once); err != nil && !strings.Contains(err.Error(), "cannot be laid out") {
			t.Errorf("what Format wrote it cannot read: %v\n%s", err, once)
		}
	})
}
