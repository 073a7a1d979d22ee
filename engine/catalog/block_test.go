package catalog

import (
	"strings"
	"testing"
)

// withBlock is the good catalog with another block in its first section.
func withBlock(block string) string {
	before, rest, _ := strings.Cut(good, "```yaml rule\n")
	_, after, _ := strings.Cut(rest, "```\n")
	return before + "```yaml rule\n" + block + "```\n" + after
}

// body is what a generated rule has behind the key applies.
func body(t *testing.T, block string) (string, string) {
	t.Helper()
	res, list := compileText(t, withBlock(block), "")
	for _, o := range res.Rules {
		if o.Path == "fuse/norm-rope.yaml" {
			_, text, _ := strings.Cut(string(o.Bytes), "applies: run.sm > 0\n")
			text, _, _ = strings.Cut(text, "path: ")
			return text, ""
		}
	}
	return "", list.Error()
}

func TestBlock(t *testing.T) {
	const head = "id: norm-rope\napplies: run.sm > 0\n"
	for _, c := range []struct{ name, block, want string }{
		{"flow becomes block", "fused: [k.split_k, {match: k.split_k, name: a}]\nsplit: [{chain: [{as: a, match: k.split_k}]}]\n",
			"fused:\n  - k.split_k\n  - match: k.split_k\n    name: a\nsplit:\n  - chain:\n      - as: a\n        match: k.split_k\n"},
		{"the order of top keys is fixed, that of others the author's", "split:\n  - name: s\n    match: k.split_k\nfused:\n- k.split_k\nrequires:\n- because: b\n  when: run.sm > 1\n",
			"requires:\n  - because: b\n    when: run.sm > 1\nfused:\n  - k.split_k\nsplit:\n  - name: s\n    match: k.split_k\n"},
		{"quotes only where needed", "fused:\n  - 'k.symbol == \"a\"'\n  - \"k.symbol == 'b'\"\n  - \"k.symbol in [\\\"a: b\\\"]\"\n  - name: \"true\"\n    match: true\nsplit: [k.split_k]\n",
			"fused:\n  - k.symbol == \"a\"\n  - k.symbol == 'b'\n  - 'k.symbol in [\"a: b\"]'\n  - name: 'true'\n    match: true\nsplit:\n  - k.split_k\n"},
		{"line breaks of a condition stay", "fused:\n  - |\n    k.symbol ==\n    \"a\"\nsplit:\n  - >-\n    k.symbol ==\n    \"a\"\n",
			"fused:\n  - >\n    k.symbol ==\n\n    \"a\"\nsplit:\n  - k.symbol == \"a\"\n"},
		{"comments stand above", "# of fused\n\n# and more\nfused:\n  # of the entry\n  - chain:\n      # of the step\n      - as: a\n        # of the condition\n        match: 'k.symbol == \"a # b\"'\nsplit: ['k.symbol == \"#\"']\n",
			"# of fused\n# and more\nfused:\n  # of the entry\n  - chain:\n      # of the step\n      - as: a\n        # of the condition\n        match: 'k.symbol == \"a # b\"'\nsplit:\n  - k.symbol == \"#\"\n"},
		{"no comments: text with #", "fused:\n  - name: \"a\n      # b\"\n    match: k.split_k\nsplit:\n  - name: >-\n      x\n      # y\n    match: k.split_k\n",
			"fused:\n  - name: 'a # b'\n    match: k.split_k\nsplit:\n  - name: 'x # y'\n    match: k.split_k\n"},
		{"a long condition folds", "fused:\n  - k.symbol == \"" + strings.Repeat("x", 60) + "\" || k.symbol == \"" + strings.Repeat("y", 60) + "\"\nsplit: [k.split_k]\n",
			"fused:\n  - >-\n    k.symbol == \"" + strings.Repeat("x", 60) + "\" || k.symbol ==\n    \"" + strings.Repeat("y", 60) + "\"\nsplit:\n  - k.split_k\n"},
	} {
		if got, wrong := body(t, head+c.block); got != c.want {
			t.Errorf("%s:\n%s%s\nwant\n%s", c.name, got, wrong, c.want)
		}
	}
	const f = "references/fuse-catalog.md:"
	line := 1 + strings.Count(strings.SplitAfter(good, "```yaml rule\n")[0], "\n")
	if line != 30 {
		t.Fatalf("the block begins in line %d; the expectations below are counted from 30", line)
	}
	for _, c := range []struct{ name, block, want string }{
		{"a comment behind a value", "fused: [k.split_k] # x\nsplit: [k.split_k]\n",
			f + "32:20: a comment begins here, behind a value [comment]; put it on a line of its own above; if it is text, put the value in quotes"},
		{"a comment behind a block indicator", "fused:\n  - >- # x\n    k.split_k\nsplit: [k.split_k]\n",
			f + "33:8: a comment begins here, behind a value [comment]; put it on a line of its own above; if it is text, put the value in quotes"},
		{"a comment inside covers", "covers: [a,\n  # x\n  b]\nfused: [k.split_k]\nsplit: [k.split_k]\n",
			f + "33:1: the comment cannot be kept [comment]; a comment stands above a key or the entry of a list"},
		{"an alias", "fused: [&a k.split_k]\nsplit: [*a]\n",
			f + "32:9: anchors are not allowed [yaml-alias]; write the value out\n" + f + "33:9: aliases are not allowed [yaml-alias]; write the value out"},
		{"a document before it", "---\nfused: [k.split_k]\n", f + "32:1: a document marker is not understood here: the block is a part of one rule [block-form]"},
		{"many hashes", "fused:\n  - name: >-\n" + strings.Repeat("      # # # # # # # # # #\n", 11) + "    match: k.split_k\nsplit: [k.split_k]\n",
			f + "44:7: the block has more than 100 signs # that may begin a comment [too-large]"},
		{"a key twice", "fused: [k.split_k]\nfused: [k.split_k]\nsplit: [k.split_k]\n", f + "33:1: the key fused is there already, in line 32 [duplicate-key]"},
		{"a list", "- a\n", ""},
	} {
		text := head + c.block
		if c.want == "" {
			text, c.want = c.block, f+"30:1: found a list, expected a mapping [wrong-type]"
		}
		if _, wrong := body(t, text); wrong != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, wrong, c.want)
		}
	}
}
