package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The README shows what its first command prints.
func TestReadmeExample(t *testing.T) {
	const begin, end = "<!-- example:begin", "<!-- example:end -->"
	got := analyze(t, "testdata/golden/traces/sglang-dense-decode-graph-amd.trace.json.gz") // leaves us in the top folder
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := bytes.Cut(readme, []byte(begin))
	mark, rest, ok2 := bytes.Cut(rest, []byte("\n"))
	_, tail, ok3 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 || !ok3 {
		t.Fatal("README.md has no example markers")
	}
	want := string(head) + begin + string(mark) + "\n```text\n" + string(got) + "```\n" + end + string(tail)
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(readme) {
		t.Error("README.md does not show what its first command prints; run: go test ./cmd/sgrules -update")
	}
	if !strings.Contains(want, "go test ./...") {
		t.Error("README.md lost its test command")
	}
}
