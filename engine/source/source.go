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

// source checks one source; name is a switch's, which must stand in the file.
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
	if name != "" {
		if !mentions(f.text, name) {
			c.addf(s, "missing-switch", "", "%s: %s does not mention the switch %s", s.Repo, where, name)
		}
		return
	}
	if s.Symbol != "" && !defines(p, f.text, s.Symbol) {
		c.addf(s, "missing-symbol", "", "%s: %s does not define %s", s.Repo, where, s.Symbol)
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
// "Class.method" within the class; a function, kernel, class or macro of C++.
func defines(name, text, sym string) bool {
	switch path.Ext(name) {
	case ".py", ".pyi":
		return pythonDefines(text, strings.Split(sym, "."))
	case ".cu", ".cuh", ".h", ".hpp", ".hip", ".cpp", ".cc", ".inl":
		parts := strings.FieldsFunc(sym, func(r rune) bool { return r == '.' || r == ':' })
		return len(parts) > 0 && cxxDefines(text, parts[len(parts)-1])
	}
	return mentions(text, sym)
}

// pythonDefines follows a dotted name down the indentation of a file.
func pythonDefines(text string, dotted []string) bool {
	type level struct {
		indent int
		name   string
	}
	var open []level
	quote := "" // inside a triple-quoted string
	for line := range strings.Lines(text) {
		if quote != "" {
			if _, _, ends := strings.Cut(line, quote); ends {
				quote = ""
			}
			continue
		}
		code := strings.TrimLeft(line, " \t")
		indent := len(line) - len(code)
		if strings.TrimSpace(code) == "" || code[0] == '#' {
			continue
		}
		for len(open) > 0 && open[len(open)-1].indent >= indent {
			open = open[:len(open)-1]
		}
		if name, block := pythonName(code); name != "" {
			if len(open) == len(dotted)-1 && dotted[len(dotted)-1] == name &&
				!slices.ContainsFunc(open, func(l level) bool { return l.name == "" }) {
				same := true
				for i, l := range open {
					same = same && l.name == dotted[i]
				}
				if same {
					return true
				}
			}
			if len(dotted) == 1 && name == dotted[0] {
				return true // a function inside another, as decorators and factories have
			}
			if block {
				open = append(open, level{indent, name})
			}
		}
		quote = openQuote(code)
	}
	return false
}

// pythonName reads the name that a line defines, and whether a block follows.
func pythonName(code string) (string, bool) {
	for _, w := range [...]string{"def ", "async def ", "class "} {
		if rest, ok := strings.CutPrefix(code, w); ok {
			return word(rest), true
		}
	}
	n := word(code)
	rest := strings.TrimLeft(code[len(n):], " ")
	if n != "" && (strings.HasPrefix(rest, "= ") || strings.HasPrefix(rest, "=\n") || strings.HasPrefix(rest, ": ")) && !strings.HasPrefix(code, "else") {
		return n, false
	}
	return "", false
}

func word(s string) string {
	i := 0
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return s[:i]
}

// openQuote gives the triple quote that a line leaves open.
func openQuote(code string) string {
	for i := 0; i+2 < len(code); i++ {
		if code[i] == '#' {
			return ""
		}
		q := code[i : i+3]
		if q != `"""` && q != "'''" {
			continue
		}
		end := strings.Index(code[i+3:], q)
		if end < 0 {
			return q
		}
		i += 3 + end + 2
	}
	return ""
}

// cxxDefines finds a name that is followed by a parameter list and a body, or that a class,
// struct, enum, using or #define introduces. Comments and strings are passed over.
func cxxDefines(text, name string) bool {
	prev := ""
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "//"):
			i += skipTo(text[i:], "\n")
		case strings.HasPrefix(text[i:], "/*"):
			i += 2 + skipTo(text[i+2:], "*/")
		case text[i] == '"':
			i = skipString(text, i)
		case isWord(text[i]):
			w := word(text[i:])
			if w == name {
				switch prev {
				case "class", "struct", "enum", "using", "define", "union":
					return true
				}
				if hasBody(text[i+len(w):]) {
					return true
				}
			}
			prev = w
			i += len(w)
		default:
			i++
		}
	}
	return false
}

func skipTo(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return len(s)
}

func skipString(s string, i int) int {
	for i++; i < len(s) && s[i] != '"' && s[i] != '\n'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(s))
}

// hasBody tells a definition from a call or a declaration: behind the name stands a pair of
// parentheses, and behind that, but for qualifiers, a brace.
func hasBody(s string) bool {
	const most = 20_000
	s = s[:min(len(s), most)]
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	if i == len(s) || s[i] != '(' {
		return false
	}
	depth := 0
	for ; i < len(s); i++ {
		if s[i] == '(' {
			depth++
		} else if s[i] == ')' {
			if depth--; depth == 0 {
				i++
				break
			}
		}
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '{' || c == ':' && i+1 < len(s) && s[i+1] != ':':
			return true
		case c == ';' || c == ',' || c == ')' || c == '=':
			return false
		}
	}
	return false
}
