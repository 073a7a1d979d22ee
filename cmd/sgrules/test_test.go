package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitCodesOfTest: a failing test and a file that is wrong are told apart.
func TestExitCodesOfTest(t *testing.T) {
	const made = "id: made-up\nkind: fuse\ntitle: T\norigin: torch\nstatus: mainline\ndomain: llm\nsources: [\"torch@0000000:a.py::b\"]\n" +
		"fused: [k.symbol == \"made_up\"]\nunseen: u\npath: p\nconclude: c\n"
	const tests = "rule: made-up\ntests:\n  - {name: hit, trace: [{kernel: made_up}], expect: [{verdict: applied}]}\n" +
		"  - {name: miss, trace: [{kernel: other}], expect: none}\n"
	for _, c := range []struct {
		name, rule, tests string
		want              int
	}{
		{"all passes", made, tests, exitDone},
		{"a test fails", made, strings.Replace(tests, "kernel: made_up", "kernel: other", 1), exitFindings},
		{"a mutant survives", strings.Replace(made, `"made_up"]`, `"made_up" && k.activity == "kernel"]`, 1), tests, exitFindings},
		{"no tests", made, "", exitFindings},
		{"a wrong file of tests", made, strings.Replace(tests, "verdict", "verdit", 1), exitFailed},
		{"a wrong rule", strings.Replace(made, "k.symbol", "k.symbl", 1), tests, exitFailed},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "fuse"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"made-up.yaml": c.rule, "made-up_test.yaml": c.tests} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, "fuse", name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, format := range []string{"text", "json"} {
			if got := run(context.Background(), []string{"test", "--format", format, dir}, streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}); got != c.want {
				t.Errorf("%s as %s: exit code %d, want %d", c.name, format, got, c.want)
			}
		}
	}
}
