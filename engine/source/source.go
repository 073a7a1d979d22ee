// Package source holds what rules say of upstream source against a checkout: that a file is
// there, that a symbol is defined in it, that a switch stands where it is said to.
//
// It reads files and knows just enough of Python and of C++ and CUDA to tell a definition
// from a mention. It knows rules only by their sources and switches, runs nothing and
// fetches nothing.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

// maxFile bounds a source file, bytes; a larger one is generated and defines nothing that a
// person cites.
const maxFile = 8 << 20

// Checkouts are the folders of the repositories that are at hand, by name ("sglang").
type Checkouts map[string]string

// Repositories lists the repositories that sources and switches of the rules name, sorted.
func Repositories(rules []*rule.Rule) []string {
	var out []string
	for _, r := range rules {
		for _, s := range r.Sources {
			out = append(out, s.Repo)
		}
		for _, s := range r.Switches {
			if s.Source.Path != "" {
				out = append(out, s.Source.Repo)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Check looks up every source and switch of the rules in the checkouts. Repositories without
// one are left out. Aliases tell where a file that moved stands now.
func Check(rules []*rule.Rule, aliases *rule.Aliases, at Checkouts) diag.List {
	c := &checker{at: at, aliases: aliases, files: map[string]*file{}}
	for _, r := range rules {
		for _, s := range r.Sources {
			c.source(s, "")
		}
		for _, s := range r.Switches {
			if s.Source.Path != "" {
				c.source(s.Source, s.Name)
			}
		}
	}
	c.list.Sort()
	return c.list
}

type checker struct {
	at      Checkouts
	aliases *rule.Aliases
	files   map[string]*file
	list    diag.List
}

// file is one source file, read once.
type file struct {
	text string
	err  error
}

// source checks one source; name is a switch's, which must stand in the file outside comments.
func (c *checker) source(s rule.Source, name string) {
	dir, ok := c.at[s.Repo]
	if !ok {
		return
	}
	f, p := c.find(dir, s.Path)
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		c.addf(s, "missing-source", "look for where it moved, and add an alias or change the source", "%s: %s is not in the checkout", s.Repo, s.Path)
		return
	case f.err != nil:
		c.addf(s, "missing-source", "", "%s: %s cannot be read: %v", s.Repo, s.Path, f.err)
		return
	}
	where := s.Path
	if p != s.Path {
		where = p + " (moved from " + s.Path + ")"
	}
	sound := true
	if name != "" && !mentions(uncomment(p, f.text), name) {
		sound = false
		c.addf(s, "missing-switch", "look for what it is called now", "%s: %s does not name the switch %s", s.Repo, where, name)
	}
	if s.Symbol != "" && !defines(p, f.text, s.Symbol) {
		sound = false
		c.addf(s, "missing-symbol", "look for where it moved or what it is called now", "%s: %s does not define %s", s.Repo, where, s.Symbol)
	}
	if sound && p != s.Path {
		c.list.Add(diag.Diagnostic{Pos: s.Pos, Severity: diag.Warning, Code: "moved-source", Hint: "cite " + p + " at the commit of the checkout",
			Msg: fmt.Sprintf("%s: %s stands at %s now", s.Repo, s.Path, p)})
	}
}

func (c *checker) addf(s rule.Source, code, hint, format string, args ...any) {
	c.list.Add(diag.Diagnostic{Pos: s.Pos, Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// find reads a file under its own name, else under the name that an alias gives it.
func (c *checker) find(dir, name string) (*file, string) {
	f := c.read(dir, name)
	if f.err == nil || c.aliases == nil {
		return f, name
	}
	if now := c.aliases.Path(name); now != name {
		if g := c.read(dir, now); g.err == nil {
			return g, now
		}
	}
	return f, name
}

func (c *checker) read(dir, name string) *file {
	key := dir + "\x00" + name
	if f := c.files[key]; f != nil {
		return f
	}
	f := &file{}
	c.files[key] = f
	root, err := os.OpenRoot(dir)
	if err != nil {
		f.err = err
		return f
	}
	defer root.Close()
	in, err := root.Open(path.Clean(name)) // a rule's path cannot leave the checkout
	if err != nil {
		f.err = err
		return f
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("has more than %d bytes", maxFile)
	}
	f.text, f.err = string(b), err
	return f
}

// mentions finds a switch as a word, with underscores or hyphens.
func mentions(text, name string) bool {
	for _, n := range []string{name, strings.ReplaceAll(name, "_", "-")} {
		for from := 0; ; {
			i := strings.Index(text[from:], n)
			if i < 0 {
				break
			}
			i += from
			if !wordAt(text, i-1) && !wordAt(text, i+len(n)) {
				return true
			}
			from = i + 1
		}
	}
	return false
}

func wordAt(s string, i int) bool {
	return i >= 0 && i < len(s) && isWord(s[i])
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// defines tells whether a file defines a symbol: a function, class or variable of Python,
// "Class.method" within the class; a function, kernel, class or macro of C++. Of other files,
// such as the tables of prebuilt kernels, it is enough to mention it.
func defines(name, text, sym string) bool {
	switch path.Ext(name) {
	case ".py", ".pyi":
		return pythonDefines(text, strings.Split(sym, "."))
	case ".cu", ".cuh", ".h", ".hpp", ".hip", ".cpp", ".cc", ".cxx", ".inl", ".inc", ".metal":
		parts := strings.FieldsFunc(sym, func(r rune) bool { return r == '.' || r == ':' })
		return len(parts) > 0 && cxxDefines(text, parts[len(parts)-1])
	}
	return mentions(text, sym)
}

// uncomment is a file's text without comments, its strings left: flags and variables of the
// environment are spelt in them.
func uncomment(name, text string) string {
	python, mark := true, "#"
	switch path.Ext(name) {
	case ".py", ".pyi":
	case ".cu", ".cuh", ".h", ".hpp", ".hip", ".cpp", ".cc", ".cxx", ".inl", ".inc", ".rs":
		python, mark = false, "//"
	default:
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		from := i
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], mark):
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(text)
			}
			continue
		case !python && strings.HasPrefix(text[i:], "/*"):
			i += 2 + skipTo(text[i+2:], "*/")
			b.WriteByte(' ')
			continue
		case python && (c == '"' || c == '\''):
			i = pythonString(text, i)
		case c == '"':
			i = skipString(text, i)
		default:
			i++
		}
		b.WriteString(text[from:min(i, len(text))])
	}
	return b.String()
}

// word is the identifier that s begins with.
func word(s string) string {
	i := 0
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return s[:i]
}
