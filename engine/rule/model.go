package rule

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
)

// Rule is one rule file, decoded and not yet compiled. Every text is trimmed. A Rule is
// read-only after Decode: Compile makes copies.
type Rule struct {
	File   string   // the name that Decode was given
	Pos    diag.Pos // of the document's first key
	ID     string   // kebab-case, equals the file's name
	Kind   string   // fuse or overlap
	Title  string
	Origin string // the project the path comes from: see Origins
	Status string // mainline, in-flight, withdrawn, no-fusion or no-overlap
	Domain string // see Domains

	Priority int      // 0 to 100, 50 where the file has none
	Pulls    []int    // upstream pull requests
	Covers   []string // keys of the patterns of references/coverage.tsv that the rule answers
	Sources  []Source
	Switches []Switch
	Applies  *Expr // over run; nil: always
	Requires []*Requirement

	Fused []*Alternative // how the path looks when it is taken; the key overlapped of an overlap rule
	Split []*Alternative // how the same work looks when it is not; the key serial of an overlap rule

	Path     string // what the fused path does
	Conclude string // what an engineer should conclude
	Unseen   string // why the split side cannot be told exactly; set where Split is empty

	at       places
	coversAt []diag.Pos
}

// CoverAt is the position of an element of Covers.
func (r *Rule) CoverAt(i int) diag.Pos { return r.coversAt[i] }

// At is the position of the value of a top-level key, or of the rule when the key is absent.
func (r *Rule) At(key string) diag.Pos { return r.at.of(key, r.Pos) }

// places are the positions of an object's values, by key.
type places struct {
	src    *source
	values map[string]*yaml.Node
}

func (p places) of(key string, otherwise diag.Pos) diag.Pos {
	if n := p.values[key]; n != nil {
		return p.src.at(n)
	}
	return otherwise
}

// Source is one place in an upstream repository: repo@commit:path::symbol.
type Source struct {
	Pos    diag.Pos
	Repo   string // sglang, vllm, …: kebab-case, not a URL
	Commit string // 7 to 40 lower-case hexadecimal digits
	Path   string // relative to the repository's root, with slashes
	Symbol string // a function, class or Class.method; may be empty
}

// String gives the source as the file writes it.
func (s Source) String() string {
	t := s.Repo + "@" + s.Commit + ":" + s.Path
	if s.Symbol != "" {
		t += "::" + s.Symbol
	}
	return t
}

// Switch is one argument, environment variable or configuration value that turns a path on or off.
type Switch struct {
	Pos     diag.Pos
	Name    string
	Kind    string // arg, env or config
	Default string // as upstream writes it; may be empty
	Source  Source // zero where the file names none
	Effect  string // what it does, in words; may be empty

	at places
}

// At is the position of the value of a key, or of the switch when the key is absent.
func (s Switch) At(key string) diag.Pos { return s.at.of(key, s.Pos) }

// Requirement is one condition of a path. Exactly one of When and Unless is set.
type Requirement struct {
	Pos     diag.Pos
	When    *Expr  // must hold
	Unless  *Expr  // must not hold
	Because string // why, in words
	Verdict string // unsupported, disabled or by-design: what a missing path is when this fails

	at   places
	cond *Cond // set by Compile
}

// At is the position of the value of a key, or of the requirement when the key is absent.
func (r *Requirement) At(key string) diag.Pos { return r.at.of(key, r.Pos) }

// Expr is the condition of the requirement, whichever way round it is.
func (r *Requirement) Expr() *Expr {
	if r.When != nil {
		return r.When
	}
	return r.Unless
}

// SideKeys gives the keys under which a kind of rules has its sides: the path taken, then the
// same work without it.
func SideKeys(kind string) [2]string {
	if kind == "overlap" {
		return [2]string{"overlapped", "serial"}
	}
	return [2]string{"fused", "split"}
}

// Alternative is one shape of a path: a chain of steps, or two that run at the same time. A
// single `match` is a chain of one step called k.
type Alternative struct {
	Pos   diag.Pos
	Name  string // a label in words; may be empty
	Only  *Expr  // over run; nil: always
	Steps []*Step
	// Beside is the index in Steps at which a second chain begins, which runs on another
	// stream of the device at the same time as the first; 0 where there is only one.
	Beside    int
	WhereExpr *Expr    // over the bound steps; nil: always
	Residue   *Residue // nil: none
	ByDesign  string   // set: chains of this alternative are shown and make no verdict

	at places
	on *Cond      // Only, compiled; set by Compile
	wh *predicate // WhereExpr, compiled
}

// At is the position of the value of a key, or of the alternative when the key is absent.
func (a *Alternative) At(key string) diag.Pos { return a.at.of(key, a.Pos) }

// Step is one link of a chain.
type Step struct {
	Pos       diag.Pos
	As        string // its name in where and in reports
	MatchExpr *Expr  // which kernels it binds
	SkipExpr  *Expr  // which kernels may stand before it, after the step bound last; nil: none
	Optional  bool   // it may bind nothing
	Many      bool   // it binds 1 to MaxMany kernels in a row, as many as there are

	at   places
	is   *predicate // MatchExpr, compiled; set by Compile
	over *predicate // SkipExpr, compiled
	pre  *Prefilter
	skip *Prefilter
}

// At is the position of the value of a key, or of the step when the key is absent.
func (s *Step) At(key string) diag.Pos { return s.at.of(key, s.Pos) }

// Residue says how many chains of an alternative a step has by design.
type Residue struct {
	Pos     diag.Pos
	PerStep int // at least 1
	Because string
}

// Family is one family file: a name for kernels that do the same kind of work.
type Family struct {
	File     string
	Pos      diag.Pos
	Name     string // equals the file's name
	Title    string
	Priority int     // 0 to 100, higher is asked first; ties by name
	Match    []*Expr // over the fields of a kernel's name; any one is enough

	at places
}

// At is the position of the value of a key, or of the family when the key is absent.
func (f *Family) At(key string) diag.Pos { return f.at.of(key, f.Pos) }

// Retired is the id of a rule that is gone. Ids are never used again.
type Retired struct {
	Pos        diag.Pos
	ID         string
	Since      string // the release that dropped it
	Because    string
	ReplacedBy string // the id of a loaded rule; may be empty
}

// Expr is one CEL expression in a file, as YAML decoded it.
type Expr struct {
	Pos  diag.Pos // of the YAML value: its first character, its quote or its block indicator
	Text string

	src    *source
	scalar scalar
}

// ParseSource reads repo@commit:path::symbol. The error says what is wrong with it.
func ParseSource(text string) (Source, error) {
	const form = "expected repo@commit:path::symbol"
	repo, rest, ok := strings.Cut(text, "@")
	if !ok {
		return Source{}, errf("no @ after the repository; %s", form)
	}
	if !isKebab(repo) {
		return Source{}, errf("%q is not the name of a repository; %s", diag.Shorten(repo), form)
	}
	commit, rest, ok := strings.Cut(rest, ":")
	if !ok {
		return Source{}, errf("no : after the commit; %s", form)
	}
	if len(commit) < 7 || len(commit) > 40 || strings.Trim(commit, "0123456789abcdef") != "" {
		return Source{}, errf("%q is not a commit: 7 to 40 lower-case hexadecimal digits", diag.Shorten(commit))
	}
	path, symbol, named := strings.Cut(rest, "::")
	if !isRepoPath(path) {
		return Source{}, errf("%q is not a path inside a repository", diag.Shorten(path))
	}
	if named && !isSymbol(symbol) {
		return Source{}, errf("%q is not a symbol: a function, a class or Class.method", diag.Shorten(symbol))
	}
	return Source{Repo: repo, Commit: commit, Path: path, Symbol: symbol}, nil
}
