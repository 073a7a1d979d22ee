package rule

import (
	"fmt"
	"sort"
	"sync"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/internal/atonce"
)

// Set is a loaded collection of rules and families. It is safe for concurrent use. Rules are
// compiled on first need, because a trace needs few of them and CEL's parser is slow.
type Set struct {
	rules      []*entry // by id
	families   []*familyEntry
	byID       map[string]*entry
	retired    []Retired
	exceptions []Exception
	lazy       bool // loaded without compiling: Overlay does not either
	aliases    *Aliases
	env        *Env
	sources    map[string][]byte
	asked      map[Atom][]int // the families that an atom may decide, by index in families
	always     []int          // the families that must be asked about every kernel
}

// entry is a rule with what is known of it without compiling it.
type entry struct {
	rule  *Rule
	sides [][]*Prefilter // a list of the steps' prefilters for each alternative
	steps [][]*Step

	once     sync.Once
	compiled *Compiled
	list     diag.List
}

type familyEntry struct {
	family *Family
	pre    []*Prefilter

	once     sync.Once
	compiled *CompiledFamily
	list     diag.List
}

// newSet takes what was decoded; rules and families have no duplicates.
func newSet(rules []*Rule, families []*Family, retired []Retired, aliases *Aliases, sources map[string][]byte) (*Set, error) {
	env, err := NewEnv(aliases)
	if err != nil {
		return nil, err
	}
	s := &Set{byID: map[string]*entry{}, retired: retired, aliases: env.aliases, env: env, sources: sources, asked: map[Atom][]int{}}
	for _, r := range rules {
		s.rules = append(s.rules, s.skimRule(r))
	}
	for _, f := range families {
		s.families = append(s.families, s.skimFamily(f))
	}
	for _, e := range s.rules {
		s.byID[e.rule.ID] = e
	}
	sort.Slice(s.rules, func(i, j int) bool { return s.rules[i].rule.ID < s.rules[j].rule.ID })
	sort.Slice(s.families, func(i, j int) bool {
		a, b := s.families[i].family, s.families[j].family
		if a.Priority != b.Priority {
			return a.Priority > b.Priority
		}
		return a.Name < b.Name
	})
	s.indexFamilies()
	return s, nil
}

func (s *Set) skimRule(r *Rule) *entry {
	e := &entry{rule: r}
	for _, side := range [][]*Alternative{r.Fused, r.Split} {
		for _, a := range side {
			pre := make([]*Prefilter, len(a.Steps))
			for i, st := range a.Steps {
				pre[i] = s.skim(st.MatchExpr)
			}
			e.sides, e.steps = append(e.sides, pre), append(e.steps, a.Steps)
		}
	}
	return e
}

func (s *Set) skimFamily(f *Family) *familyEntry {
	e := &familyEntry{family: f}
	for _, m := range f.Match {
		e.pre = append(e.pre, s.skim(m))
	}
	return e
}

// skim gives the prefilter of an expression that is not compiled; one that lets everything
// pass where only CEL can read it. Of most rules a trace lacks what their first step needs, and
// the others are never read.
func (s *Set) skim(e *Expr) *Prefilter {
	return &Prefilter{read: func() *form {
		if e != nil {
			if f, ok := skim(e.Text); ok {
				return s.aliases.form(needs(celForm(f)))
			}
		}
		return constant(true)
	}}
}

func (s *Set) indexFamilies() {
	atonce.Do(len(s.families), func(i int) {
		for _, p := range s.families[i].pre {
			p.Keys() // read now, on all cores
		}
	})
	for i, f := range s.families {
		for _, p := range f.pre {
			keys, ok := p.Keys()
			if !ok {
				s.always = append(s.always, i)
			}
			for _, k := range keys {
				s.asked[k] = append(s.asked[k], i)
			}
		}
	}
}

// Rules lists the rules by id.
func (s *Set) Rules() []*Rule {
	out := make([]*Rule, len(s.rules))
	for i, e := range s.rules {
		out[i] = e.rule
	}
	return out
}

// Families lists the families in the order in which they are asked.
func (s *Set) Families() []*Family {
	out := make([]*Family, len(s.families))
	for i, f := range s.families {
		out[i] = f.family
	}
	return out
}

// Rule finds a rule by id, nil when there is none.
func (s *Set) Rule(id string) *Rule {
	if e := s.byID[id]; e != nil {
		return e.rule
	}
	return nil
}

// Resolve finds what an id stands for: a rule, or a retired one with its replacement where it
// has one. Both are nil for an id that never was; Suggest may know what was meant.
func (s *Set) Resolve(id string) (*Rule, *Retired) {
	if r := s.Rule(id); r != nil {
		return r, nil
	}
	for i := range s.retired {
		if r := &s.retired[i]; r.ID == id {
			return s.Rule(r.ReplacedBy), r
		}
	}
	return nil, nil
}

// Suggest gives the rule id that is spelt most like id, or "".
func (s *Set) Suggest(id string) string {
	ids := make([]string, len(s.rules))
	for i, e := range s.rules {
		ids[i] = e.rule.ID
	}
	return suggest(id, ids)
}

// Aliases are the set's aliases, never nil.
func (s *Set) Aliases() *Aliases { return s.aliases }

// Source has the text of every file of the set, for diag.List.Print.
func (s *Set) Source() map[string][]byte { return s.sources }

// Compiled gives the compiled rule of an id, compiling it on first need. It is nil when the id
// is unknown or the rule is wrong, and the list says how it is wrong.
func (s *Set) Compiled(id string) (*Compiled, diag.List) {
	e := s.byID[id]
	if e == nil {
		return nil, diag.List{{Code: "unknown-rule", Msg: fmt.Sprintf("there is no rule %q", id), Hint: didYouMean(id, []string{s.Suggest(id)})}}
	}
	return s.compile(e)
}

func (s *Set) compile(e *entry) (*Compiled, diag.List) {
	e.once.Do(func() { e.compiled, e.list = (&compiler{env: s.env, lazy: s.lazy}).rule(e.rule) })
	return e.compiled, e.list
}

func (s *Set) compileFamily(f *familyEntry) (*CompiledFamily, diag.List) {
	f.once.Do(func() { f.compiled, f.list = (&compiler{env: s.env, lazy: s.lazy}).family(f.family) })
	return f.compiled, f.list
}

// strict is the set with all of its conditions compiled by CEL when they are asked for: what looks at
// their trees needs them.
func (s *Set) strict() *Set {
	if !s.lazy {
		return s
	}
	out := *s
	out.lazy, out.rules, out.families, out.byID = false, nil, nil, map[string]*entry{}
	for _, e := range s.rules {
		e = &entry{rule: e.rule, sides: e.sides, steps: e.steps}
		out.rules, out.byID[e.rule.ID] = append(out.rules, e), e
	}
	for _, f := range s.families {
		out.families = append(out.families, &familyEntry{family: f.family, pre: f.pre})
	}
	return &out
}

// CompileAll compiles every rule and family and gives what is wrong with any.
func (s *Set) CompileAll() diag.List {
	atonce.Do(len(s.families), func(i int) { s.compileFamily(s.families[i]) })
	atonce.Do(len(s.rules), func(i int) { s.compile(s.rules[i]) })
	var out diag.List
	for _, f := range s.families {
		_, list := s.compileFamily(f)
		out = append(out, list...)
	}
	for _, e := range s.rules {
		_, list := s.compile(e)
		out = append(out, list...)
	}
	out.Sort()
	return out
}

// compileDoubtful compiles the rules of extra, as they stand in s, whose steps could keep a rule
// with a mistake from ever being a candidate: those that skim does not vouch for. It gives what
// is wrong with them, so that a mistake is told of whatever the trace has.
func (s *Set) compileDoubtful(extra *Set) diag.List {
	var out diag.List
	for _, x := range extra.rules {
		e := s.byID[x.rule.ID]
		if e == nil || !e.doubtful() {
			continue
		}
		_, list := s.compile(e)
		out = append(out, list...)
	}
	return out
}

func (e *entry) doubtful() bool {
	for _, steps := range e.steps {
		for _, st := range steps {
			if st.MatchExpr != nil && !vouched(st.MatchExpr.Text) {
				return true
			}
		}
	}
	return false
}

// Candidates compiles the rules that a trace with these atoms can match, and only those, by id.
// What the list has is wrong with them, and they are left out.
func (s *Set) Candidates(inv Inventory) ([]*Compiled, diag.List) {
	var out []*Compiled
	var wrong diag.List
	for _, e := range s.chosen(func(e *entry) bool { return e.possible(inv) }) {
		c, list := s.compile(e)
		wrong = append(wrong, list...)
		if c != nil && c.Possible(inv) {
			out = append(out, c)
		}
	}
	wrong.Sort()
	return out, wrong
}

// chosen gives the rules that are asked for, compiled on all cores, by id.
func (s *Set) chosen(ask func(e *entry) bool) []*entry {
	yes := make([]bool, len(s.rules))
	atonce.Do(len(s.rules), func(i int) {
		if e := s.rules[i]; ask(e) {
			yes[i] = true
			s.compile(e)
		}
	})
	var out []*entry
	for i, e := range s.rules {
		if yes[i] {
			out = append(out, e)
		}
	}
	return out
}

func (e *entry) possible(inv Inventory) bool {
	for i, pre := range e.sides {
		if possible(e.steps[i], pre, inv) {
			return true
		}
	}
	return false
}

// Prepare makes a class ready for matching: it brings names and paths to their current
// spelling and finds the family where there is none. Call it once for each class.
func (s *Set) Prepare(c *Class) error {
	s.aliases.Apply(c)
	if c.Family != "" {
		return nil
	}
	family, err := s.FamilyOf(c)
	c.Family = family
	return err
}

// Warm compiles the families that may be asked about the classes, on all cores. It changes no
// result, only when Prepare has to wait.
func (s *Set) Warm(classes []Class) {
	ask := make([]bool, len(s.families))
	for _, i := range s.always {
		ask[i] = true
	}
	for c := range classes {
		classes[c].nameAtoms(func(a Atom) {
			for _, i := range s.asked[a] {
				ask[i] = true
			}
		})
	}
	atonce.Do(len(s.families), func(i int) {
		if ask[i] {
			s.compileFamily(s.families[i])
		}
	})
}

// FamilyOf is the first family, in the order of Families, that has the kernel's name, or "".
func (s *Set) FamilyOf(c *Class) (string, error) {
	ask := make([]bool, len(s.families))
	for _, i := range s.always {
		ask[i] = true
	}
	c.nameAtoms(func(a Atom) {
		for _, i := range s.asked[a] {
			ask[i] = true
		}
	})
	for i, f := range s.families {
		if !ask[i] {
			continue
		}
		compiled, list := s.compileFamily(f)
		if compiled == nil {
			return "", list
		}
		if ok, err := compiled.Match(c); ok || err != nil {
			return f.family.Name, err
		}
	}
	return "", nil
}
