package ruletest_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/rule"
	"github.com/sgrules/sgrules/engine/symbol"
	"github.com/sgrules/sgrules/rules"
)

//go:embed testdata/families.tsv
var families string

// TestFamilies: the kernels of engines, libraries and models that no other test has, each with
// the family that the kernel table must show it in.
func TestFamilies(t *testing.T) {
	set, list := rule.Load(rules.FS, rule.LoadOptions{Lazy: true})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n, line := range strings.Split(families, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		want, name, ok := strings.Cut(line, "\t")
		if !ok || seen[name] {
			t.Errorf("families.tsv:%d: want a family, a tab and a name that no other line has", n+1)
			continue
		}
		seen[name] = true
		s := symbol.Parse(name)
		c := rule.Class{
			Symbol: s.Base, NS: s.Namespace, Qualified: s.Qualified(), Args: s.Args, Params: s.Params,
			Generator: s.Generator, Functor: s.Functor, Kind: s.Kind, DType: s.DType, OutDType: s.OutDType,
			Layout: s.Layout, Tile: s.Tile, Epilogue: s.Epilogue, Module: s.Module, Ops: s.Ops, Words: s.Words,
			SplitK: s.SplitK, Activity: "kernel",
		}
		if err := set.Prepare(&c); err != nil || c.Family != want {
			t.Errorf("families.tsv:%d: %s has the family %q, %v, want %q", n+1, name, c.Family, err, want)
		}
	}
	if len(seen) < 150 {
		t.Errorf("only %d names", len(seen))
	}
}
