package rule

import (
	"testing"
	"testing/fstest"
)

func TestAliases(t *testing.T) {
	a, list := DecodeAliases("aliases.yaml", []byte(`
paths:
  - {now: new/, was: [old/, older/]}
  - {now: new/b.py, was: [new/a.py]}
  - {now: elsewhere.py, was: [old/deep/x.py]}
  - {now: final/, was: [new/sub/]}
symbols:
  - {now: Kernel, was: [kernel, "ns::kernel_v1"]}
  - {now: KernelV2, was: [Kernel]}
`))
	if len(list) > 0 {
		t.Fatal(list)
	}
	for in, want := range map[string]string{
		"old/c.py": "new/c.py", "older/d/c.py": "new/d/c.py", "new/c.py": "new/c.py", "oldest/c.py": "oldest/c.py",
		"old/a.py": "new/b.py", "new/a.py": "new/b.py", // the folder moved, then the file was renamed
		"old/deep/x.py": "elsewhere.py", "old/deep/y.py": "new/deep/y.py", // the longest spelling first
		"older/sub/x.py": "final/x.py", "a/old/c.py": "a/old/c.py", "old": "old", "": "",
	} {
		if got := a.Path(in); got != want {
			t.Errorf("path %s is now %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"kernel": "KernelV2", "Kernel": "KernelV2", "ns::kernel_v1": "KernelV2", "kernels": "kernels", "": ""} {
		if got := a.Symbol(in); got != want {
			t.Errorf("symbol %s is now %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"ns::kernel_v1": "KernelV2", "x::kernel": "x::KernelV2", "kernel": "KernelV2", "x::y": "x::y"} {
		if got := a.qualified(in); got != want {
			t.Errorf("qualified %s is now %s, want %s", in, got, want)
		}
	}
	none := &Aliases{}
	if none.Path("a/b.py") != "a/b.py" || none.Symbol("x") != "x" {
		t.Error("no aliases change something")
	}
}

func TestAliasErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"paths: [{now: a/, was: [a/]}]", `f:1:25: "a/" is its own former spelling [alias-self]`},
		{"paths: [{now: a/, was: [b/]}, {now: c/, was: [b/]}]", `f:1:47: "b/" is a former spelling already, at f:1:25 [alias-twice]`},
		{"paths: [{now: a.py, was: [b/]}]", `f:1:27: "b/" and "a.py" are a directory and a file [alias-mixed]`},
		{"paths: [{now: a/, was: [b/]}, {now: b/, was: [a/]}]",
			`f:1:15: following "a/" leads in a circle: a/ [alias-cycle]` + "\n" + `f:1:37: following "b/" leads in a circle: b/ [alias-cycle]`},
		{"paths: [{now: a/b/, was: [a/]}]", `f:1:15: following "a/b/" leads in a circle: a/b/b/b/ [alias-cycle]`},
		{"symbols: [{now: a, was: [b]}, {now: b, was: [a]}]",
			`f:1:17: following "a" leads in a circle: a [alias-cycle]` + "\n" + `f:1:37: following "b" leads in a circle: b [alias-cycle]`},
		{"paths: [{now: /a, was: [b]}]", `f:1:15: now is "/a", expected a path inside a repository [bad-value]`},
		{"symbols: [{now: a, was: ['a b']}]", `f:1:26: was is "a b", expected a kernel's name [bad-value]`},
		{"symbols: [{now: a}]", "f:1:11: an alias needs the key was [missing-key]"},
		{"{}", "f:1:1: the aliases have neither paths nor symbols [empty]"},
		{"path: []", "f:1:1: the aliases have neither paths nor symbols [empty]\nf:1:1: no key path in the aliases [unknown-key]; did you mean paths?"},
	} {
		if _, list := DecodeAliases("f", []byte(c.src)); list.Error() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.src, list.Error(), c.want)
		}
	}
}

// TestAnySpelling: rules and traces of every age find each other.
func TestAnySpelling(t *testing.T) {
	fs := fstest.MapFS{
		"aliases.yaml": {Data: []byte("paths: [{now: new/, was: [old/]}]\nsymbols: [{now: N, was: [o, p]}]")},
		"fuse/r.yaml":  ruleFile("r", "EXPR"),
	}
	for _, rule := range []string{"N", "o", "p"} {
		for _, dir := range []string{"new", "old"} {
			for _, shape := range []string{
				`k.symbol == "` + rule + `" && k.at("` + dir + `/a.py", "f")`,
				`k.symbol in ["x", "` + rule + `"] && k.at("` + dir + `/a.py", "")`,
				`!("` + rule + `" != k.symbol) && k.functor == "` + rule + `"`,
				`k.qualified == "ns::` + rule + `"`,
				`k.at("` + dir + `/a.py", "f") && k.words.exists(w, w == "z")`,
			} {
				fs["fuse/r.yaml"] = ruleFile("r", shape)
				s, list := Load(fs, LoadOptions{})
				if len(list) > 0 {
					t.Fatalf("%s: %v", shape, list)
				}
				for _, symbol := range []string{"N", "o", "p"} {
					for _, file := range []string{"new/a.py", "old/a.py"} {
						raw := []Frame{{file, "f"}}
						c := &Class{Symbol: symbol, Functor: symbol, NS: "ns", Frames: raw, Words: []string{"z"}}
						if err := s.Prepare(c); err != nil {
							t.Fatal(err)
						}
						if raw[0].Path != file {
							t.Fatal("Prepare changes the caller's frames")
						}
						inv := Inventory{}
						inv.Add(c)
						got, _ := s.Candidates(inv)
						if len(got) != 1 {
							t.Errorf("%s is no candidate for %s at %s", shape, symbol, file)
							continue
						}
						if ok, err := got[0].Fused[0].Steps[0].Match(c); !ok || err != nil {
							t.Errorf("%s does not match %s at %s: %v", shape, symbol, file, err)
						}
					}
				}
				other := &Class{Symbol: "q", Functor: "q", NS: "ns", Frames: []Frame{{"newer/a.py", "f"}}, Words: []string{"z"}}
				if err := s.Prepare(other); err != nil {
					t.Fatal(err)
				}
				c, _ := s.Compiled("r")
				if ok, _ := c.Fused[0].Steps[0].Match(other); ok {
					t.Errorf("%s matches another kernel", shape)
				}
			}
		}
	}
}
