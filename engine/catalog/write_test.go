package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

func TestUnified(t *testing.T) {
	many := strings.Repeat("x\n", 100)
	for _, c := range []struct{ kind, old, now, want string }{
		{"changed", "a\nb\nc\nd\ne\nf\ng\n", "a\nb\nc\nd\nE\nf\ng\n", "--- a/p\n+++ b/p\n@@ -2,6 +2,6 @@\n b\n c\n d\n-e\n+E\n f\n g\n"},
		{"changed", "a\n", "a\nb\n", "--- a/p\n+++ b/p\n@@ -1,1 +1,2 @@\n a\n+b\n"},
		{"changed", "a\na\n", "a\na\na\n", "--- a/p\n+++ b/p\n@@ -1,2 +1,3 @@\n a\n a\n+a\n"},
		{"new", "", "a\n", "--- /dev/null\n+++ b/p\n@@ -0,0 +1,1 @@\n+a\n"},
		{"gone", "a\n", "", "--- a/p\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n"},
		{"new", "", many, "--- /dev/null\n+++ b/p\n@@ -0,0 +1,100 @@\n" + strings.Repeat("+x\n", 40) + "… and 60 more lines\n"},
		{"new", "", strings.Repeat("é", 300), "--- /dev/null\n+++ b/p\n@@ -0,0 +1,1 @@\n+" + strings.Repeat("é", 199) + "…\n"},
	} {
		if got := unified(Change{Path: "p", Kind: c.kind}, c.old, c.now); got != c.want {
			t.Errorf("%q to %q:\n%s\nwant\n%s", c.old, c.now, got, c.want)
		}
	}
}

// TestWriteRefuses: what is not certainly the compiler's own is left alone, and nothing else is
// written either.
func TestWriteRefuses(t *testing.T) {
	const head = generated + "references/x-catalog.md:1" + generatedEnd + "\n"
	ok := Output{Path: "fuse/a.yaml", Bytes: []byte(head)}
	for _, c := range []struct {
		name string
		out  Output
		make func(dir string) error
		want string
	}{
		{"a path that leaves the folder", Output{Path: "../a.yaml"}, nil, `"../a.yaml" is not a path inside a folder`},
		{"a file by hand", Output{Path: "fuse/b.yaml", Bytes: []byte(head)}, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "fuse", "b.yaml"), []byte("id: b\n"+head), 0o644)
		}, "is not generated"},
		{"a link", Output{Path: "fuse/b.yaml", Bytes: []byte(head)}, func(dir string) error {
			return os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "fuse", "b.yaml"))
		}, "is not a regular file"},
		{"a folder", Output{Path: "fuse/b.yaml", Bytes: []byte(head)}, func(dir string) error {
			return os.Mkdir(filepath.Join(dir, "fuse", "b.yaml"), 0o755)
		}, "is not a regular file"},
		{"a catalog that was edited meanwhile", Output{Path: "x-catalog.md", Bytes: []byte("new"), Was: []byte("old")}, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "x-catalog.md"), []byte("edited"), 0o644)
		}, "changed while it was compiled"},
		{"a catalog that is gone", Output{Path: "x-catalog.md", Bytes: []byte("new"), Was: []byte("old")}, nil, "no such file"},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "fuse"), 0o755); err != nil {
			t.Fatal(err)
		}
		if c.make != nil {
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
		}
		for _, do := range []func(string, []Output) ([]Change, error){Check, Write} {
			changes, err := do(dir, []Output{ok, c.out})
			if err == nil || !strings.Contains(err.Error(), c.want) || len(changes) > 0 {
				t.Errorf("%s: %v, %v; want %s", c.name, changes, err, c.want)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "fuse", "a.yaml")); !os.IsNotExist(err) {
			t.Errorf("%s: another file was written", c.name)
		}
	}
}

// TestWriteCatalog: a catalog gets its index, also one with the line breaks of Windows, and a
// generated table goes with its source.
func TestWriteCatalog(t *testing.T) {
	for _, md := range []string{good, strings.ReplaceAll(good, "\n", "\r\n")} {
		dir := t.TempDir()
		for name, text := range map[string]string{"fuse-catalog.md": md, "coverage.tsv": rows, "notes.md": "by hand\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		step := func(want ...string) {
			t.Helper()
			res, list := Compile(os.DirFS(dir), Options{Prefix: "references"})
			if len(list) > 0 {
				t.Fatal(list)
			}
			changes, err := Write(dir, res.References)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range changes {
				got = append(got, c.Kind+" "+c.Path)
			}
			if strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		step("new coverage.md", "changed fuse-catalog.md")
		step()
		text, err := os.ReadFile(filepath.Join(dir, "fuse-catalog.md"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(md, "\r") != strings.Contains(string(text), "\r") || strings.Count(string(text), "\r")%strings.Count(string(text), "\n") != 0 {
			t.Error("the line breaks of the catalog are other ones now")
		}
		if err := os.Remove(filepath.Join(dir, "coverage.tsv")); err != nil {
			t.Fatal(err)
		}
		step("gone coverage.md")
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 2 {
			t.Errorf("left are %v, %v; want the catalog and the notes", left, err)
		}
	}
}

// TestWindowsLineBreaks: a catalog compiles to the same rules whatever its line breaks are.
func TestWindowsLineBreaks(t *testing.T) {
	unix, _ := compileText(t, good, rows)
	windows, list := compileText(t, strings.ReplaceAll(good, "\n", "\r\n"), rows)
	if len(list) > 0 {
		t.Fatal(list)
	}
	for i, o := range unix.Rules {
		if string(o.Bytes) != string(windows.Rules[i].Bytes) {
			t.Errorf("%s differs:\n%s\n%s", o.Path, o.Bytes, windows.Rules[i].Bytes)
		}
	}
}

func TestFolderOfCatalogs(t *testing.T) {
	over := strings.NewReplacer("\nfused:", "\noverlapped:", "\nsplit:", "\nserial:", "no fusion", "no overlap").Replace(good)
	for name, c := range map[string]struct {
		fsys fstest.MapFS
		want string
	}{
		"none":        {fstest.MapFS{"readme.md": {Data: []byte("x")}}, "references: no catalog was found: expected *-catalog.md [no-catalog]"},
		"not a file":  {fstest.MapFS{"x-catalog.md/y": {Data: []byte("x")}}, "references/x-catalog.md: cannot be read: read x-catalog.md: invalid argument [read]"},
		"an overlap":  {fstest.MapFS{"overlap-catalog.md": {Data: []byte(over)}}, ""},
		"without one": {fstest.MapFS{"my-catalog.md": {Data: []byte(strings.ReplaceAll(over, "yaml rule\n", "yaml rule\nkind: overlap\n"))}}, ""},
	} {
		res, list := Compile(c.fsys, Options{Prefix: "references"})
		if list.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, list, c.want)
		}
		for _, o := range res.Rules {
			if !strings.HasPrefix(o.Path, "overlap/") {
				t.Errorf("%s: %s, expected an overlap rule", name, o.Path)
			}
		}
		if c.want == "" && len(res.Rules) != 2 {
			t.Errorf("%s: %d rules", name, len(res.Rules))
		}
	}
}

func TestIndexAlone(t *testing.T) {
	res, _ := compileText(t, good, rows)
	text, list := index("references/fuse-catalog.md", []byte(good))
	if len(list) > 0 {
		t.Fatal(list)
	}
	for _, o := range res.References {
		if o.Path == "fuse-catalog.md" && string(o.Bytes) != string(text) {
			t.Errorf("Index and Compile differ:\n%s\n%s", text, o.Bytes)
		}
	}
	if text, list = index("fuse-catalog.md", []byte("# x\n")); len(list) != 1 || list[0].Code != "index" || string(text) != "# x\n" {
		t.Errorf("%v, %s", list, text)
	}
}

// index gives a catalog with the table between its index markers written anew, as Compile does.
// With an error the text is the one that came in.
func index(file string, data []byte) ([]byte, diag.List) {
	env, err := rule.NewEnv(nil)
	if err != nil {
		return data, diag.List{{Pos: diag.Pos{File: file}, Code: "internal", Msg: err.Error()}}
	}
	p := parse(file, data)
	base := file[strings.LastIndexByte(file, '/')+1:]
	rows := p.compile(env, defaultKind(base))
	p.list.Sort()
	if p.list.Errors() > 0 {
		return data, p.list
	}
	return p.index(rows), p.list
}
