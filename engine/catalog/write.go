package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/sgrules/sgrules/internal/safefile"
)

// Change is one file that is not as it was generated.
type Change struct {
	Path string // with slashes, relative to the folder
	Kind string // new, changed or gone
	Diff string // a unified diff of at most a screen, for Check
}

// places are the folders, and the endings, in which generated files may stand.
var generatedPlaces = map[string]string{"fuse": ".yaml", "overlap": ".yaml", ".": ".md"}

// Check compares a folder with what was generated for it and changes nothing. Changes are sorted
// by path.
func Check(dir string, outs []Output) ([]Change, error) {
	var changes []Change
	err := compare(dir, outs, func(c Change, old []byte, o *Output) error {
		var now []byte
		if o != nil {
			now = o.Bytes
		}
		c.Diff = unified(c, string(old), string(now))
		changes = append(changes, c)
		return nil
	})
	return changes, err
}

// Write brings a folder to what was generated for it, and says what it changed. Files are replaced
// as a whole or not at all. A generated file for which there is no output any more is deleted. A
// file without the line that forbids to edit it is never touched, but for a catalog that is still
// as Compile read it.
func Write(dir string, outs []Output) ([]Change, error) {
	var changes []Change
	err := compare(dir, outs, func(c Change, old []byte, o *Output) error {
		name := filepath.Join(dir, filepath.FromSlash(c.Path))
		if o == nil {
			if err := os.Remove(name); err != nil {
				return err
			}
		} else if err := replace(name, o.Bytes); err != nil {
			return err
		}
		changes = append(changes, c)
		return nil
	})
	return changes, err
}

// compare calls change for every file that differs: o is nil for one that has to go, old for one
// that is not there. Nothing is called before everything has been looked at.
func compare(dir string, outs []Output, change func(c Change, old []byte, o *Output) error) error {
	type work struct {
		c   Change
		old []byte
		o   *Output
	}
	var all []work
	wanted := map[string]bool{}
	for i := range outs {
		o := &outs[i]
		if !fs.ValidPath(o.Path) {
			return fmt.Errorf("%q is not a path inside a folder", o.Path)
		}
		wanted[o.Path] = true
		old, err := readRegular(filepath.Join(dir, filepath.FromSlash(o.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist) && o.Was == nil:
			all = append(all, work{Change{Path: o.Path, Kind: "new"}, nil, o})
			continue
		case err != nil:
			return err
		case bytes.Equal(old, o.Bytes):
			continue
		case o.Was != nil && !bytes.Equal(old, o.Was):
			return fmt.Errorf("%s: changed while it was compiled; run compile again", filepath.Join(dir, o.Path))
		case o.Was == nil && !isGenerated(old):
			return fmt.Errorf("%s: is not generated, because its first line does not say so, and is not touched; move it away or rename the pattern", filepath.Join(dir, o.Path))
		}
		all = append(all, work{Change{Path: o.Path, Kind: "changed"}, old, o})
	}
	for _, place := range sortedKeys(generatedPlaces) {
		entries, err := os.ReadDir(filepath.Join(dir, place))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			name := path.Join(place, e.Name())
			if wanted[name] || !e.Type().IsRegular() || path.Ext(name) != generatedPlaces[place] {
				continue
			}
			old, err := readRegular(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			if isGenerated(old) {
				all = append(all, work{Change{Path: name, Kind: "gone"}, old, nil})
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].c.Path < all[j].c.Path })
	for _, w := range all {
		if err := change(w.c, w.old, w.o); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// readRegular reads a file that is neither a link nor a device, up to what a generated file can be.
func readRegular(name string) ([]byte, error) {
	const most = 4 << 20
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("%s: has more than %d bytes", name, most)
	}
	return data, err
}

// replace writes a file and the folders that it needs.
func replace(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return safefile.Write(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// unified is a diff with one hunk, from the first line that differs to the last, cut to a screen.
func unified(c Change, old, now string) string {
	const around, most = 3, 40
	a, b := lines(old), lines(now)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	from, after := max(0, head-around), min(tail, around)
	var body []string
	add := func(sign string, l []string) {
		for _, s := range l {
			body = append(body, sign+s)
		}
	}
	add(" ", a[from:head])
	add("-", a[head:len(a)-tail])
	add("+", b[head:len(b)-tail])
	add(" ", a[len(a)-tail:len(a)-tail+after])
	var out strings.Builder
	names := [2]string{"a/" + c.Path, "b/" + c.Path}
	switch c.Kind {
	case "new":
		names[0] = "/dev/null"
	case "gone":
		names[1] = "/dev/null"
	}
	fmt.Fprintf(&out, "--- %s\n+++ %s\n@@ -%s +%s @@\n", names[0], names[1], span(from, len(a)-tail+after), span(from, len(b)-tail+after))
	for i, l := range body {
		if i == most && len(body) > most+1 {
			fmt.Fprintf(&out, "… and %d more lines\n", len(body)-most)
			break
		}
		out.WriteString(clipLine(l) + "\n")
	}
	return out.String()
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// span is a range of lines as diffs write it: an empty one names the line before it.
func span(from, to int) string {
	if from == to {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func clipLine(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
