package rule

import (
	"strings"
	"sync"

	"github.com/sgrules/sgrules/engine/diag"
)

// Aliases are the places and names that upstream changed. A rule names one spelling and
// matches traces of every age: the literals of rules and the fields of classes are brought to
// the current spelling, each once. The zero value has no aliases.
type Aliases struct {
	File    string
	Paths   []Alias // of k.at: exact, or whole directories where both sides end with a slash
	Symbols []Alias // of k.symbol, k.functor and k.qualified: exact

	once           sync.Once
	paths, symbols index
}

// Alias is one current spelling and the former ones.
type Alias struct {
	Pos diag.Pos
	Now string
	Was []Spelling
}

// Spelling is a former spelling with its place.
type Spelling struct {
	Pos  diag.Pos
	Text string
}

// index is a former spelling to the current one; directories end with a slash.
type index map[string]string

func newIndex(list []Alias) index {
	x := index{}
	for _, al := range list {
		for _, w := range al.Was {
			if _, twice := x[w.Text]; !twice && w.Text != "" {
				x[w.Text] = al.Now
			}
		}
	}
	return x
}

func (a *Aliases) index() (paths, symbols index) {
	a.once.Do(func() { a.paths, a.symbols = newIndex(a.Paths), newIndex(a.Symbols) })
	return a.paths, a.symbols
}

// Path gives the current spelling of a path. The longest former spelling that fits is
// replaced first, then the result is looked up again, because upstream moves a directory and
// later renames a file in it. Decoding keeps circles out.
func (a *Aliases) Path(path string) string {
	paths, _ := a.index()
	return paths.follow(path)
}

// Symbol gives the current spelling of a kernel's name.
func (a *Aliases) Symbol(name string) string {
	_, symbols := a.index()
	return symbols.follow(name)
}

func (x index) follow(s string) string {
	for range x {
		next, ok := x.replace(s)
		if !ok {
			break
		}
		s = next
	}
	return s
}

func (x index) replace(s string) (string, bool) {
	if now, ok := x[s]; ok {
		return now, true
	}
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			if now, ok := x[s[:i+1]]; ok {
				return now + s[i+1:], true
			}
		}
	}
	return s, false
}

// Apply brings a class to the current spellings and fills Qualified where it is empty. Call
// it once, before the class is matched; Set.Prepare does.
func (a *Aliases) Apply(c *Class) {
	c.Symbol = a.Symbol(c.Symbol)
	c.Functor = a.Symbol(c.Functor)
	switch {
	case c.Qualified != "":
		c.Qualified = a.qualified(c.Qualified)
	case c.NS == "":
		c.Qualified = a.qualified(c.Symbol)
	default:
		c.Qualified = a.qualified(c.NS + "::" + c.Symbol)
	}
	if len(a.Paths) == 0 {
		return
	}
	frames := make([]Frame, len(c.Frames))
	for i, f := range c.Frames {
		frames[i] = Frame{a.Path(f.Path), f.Function}
	}
	c.Frames = frames
}

// qualified is the current spelling of ns::name: of the whole if an alias has it, else of
// the name behind the namespace.
func (a *Aliases) qualified(name string) string {
	if s := a.Symbol(name); s != name {
		return s
	}
	if i := strings.LastIndex(name, "::"); i >= 0 {
		return name[:i+2] + a.Symbol(name[i+2:])
	}
	return name
}

// value is the current spelling of a literal that is compared with a field.
func (a *Aliases) value(f Field, s string) string {
	switch f {
	case "symbol", "functor":
		return a.Symbol(s)
	case "qualified":
		return a.qualified(s)
	case FieldAt:
		return a.Path(s)
	}
	return s
}

// form brings the atoms of a form to the current spellings.
func (a *Aliases) form(f *form) *form {
	if len(a.Paths)+len(a.Symbols) == 0 {
		return f
	}
	out := &form{op: f.op}
	for _, k := range f.kids {
		out.kids = append(out.kids, a.form(k))
	}
	for _, at := range f.atoms {
		at.Value = a.value(at.Field, at.Value)
		out.atoms = append(out.atoms, at)
	}
	return out
}

// merge gives the aliases of both. A former spelling that both have is the one of more.
func (a *Aliases) merge(more *Aliases) *Aliases {
	return &Aliases{File: more.File, Paths: mergeList(a.Paths, more.Paths), Symbols: mergeList(a.Symbols, more.Symbols)}
}

func mergeList(base, more []Alias) []Alias {
	claimed := newIndex(more)
	out := append([]Alias{}, more...)
	for _, al := range base {
		kept := Alias{Pos: al.Pos, Now: al.Now}
		for _, w := range al.Was {
			if _, taken := claimed[w.Text]; !taken {
				kept.Was = append(kept.Was, w)
			}
		}
		if len(kept.Was) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// check finds what cannot be followed: a former spelling that two entries claim, one that is
// current as well, directories mixed with files, and cycles.
func (a *Aliases) check() (out diag.List) {
	for _, kind := range []struct {
		what string
		list []Alias
	}{{"path", a.Paths}, {"symbol", a.Symbols}} {
		owner := map[string]diag.Pos{}
		for _, al := range kind.list {
			for _, w := range al.Was {
				switch other, twice := owner[w.Text]; {
				case w.Text == al.Now:
					out.Addf(w.Pos, "alias-self", "%q is its own former spelling", diag.Shorten(w.Text))
					continue
				case twice:
					out.Addf(w.Pos, "alias-twice", "%q is a former spelling already, at %s", diag.Shorten(w.Text), other)
					continue
				case kind.what == "path" && strings.HasSuffix(w.Text, "/") != strings.HasSuffix(al.Now, "/"):
					out.Addf(w.Pos, "alias-mixed", "%q and %q are a directory and a file", diag.Shorten(w.Text), diag.Shorten(al.Now))
				}
				owner[w.Text] = w.Pos
			}
		}
		out = append(out, a.cycles(kind.list)...)
	}
	return out
}

// cycles reports each current spelling that leads away from itself without end.
func (a *Aliases) cycles(list []Alias) (out diag.List) {
	x := newIndex(list)
	for _, al := range list {
		seen := []string{al.Now}
		for s := al.Now; ; {
			next, ok := x.replace(s)
			if !ok || next == s && len(seen) == 1 {
				break
			}
			if among(seen, next) || len(next) > maxText || len(seen) > len(x) {
				out.Addf(al.Pos, "alias-cycle", "following %q leads in a circle: %s", diag.Shorten(al.Now), diag.Shorten(next))
				break
			}
			s = next
			seen = append(seen, s)
		}
	}
	return out
}
