package rule

import (
	"sort"
	"strings"
)

// Class is what a rule sees of a kernel: everything that decides whether a step binds it, and
// nothing of the single launch. A trace has a few hundred classes. Fill it, give it to
// Set.Prepare (or Aliases.Apply) once, and then only read it: a prepared Class is safe for
// concurrent use.
type Class struct {
	// The kernel's name, as package symbol takes it apart.
	Symbol    string // base name
	NS        string // namespace without anonymous ones
	Qualified string // NS::Symbol; Prepare fills it where it is empty
	Args      []string
	Params    string
	Generator string
	Functor   string
	Kind      string
	DType     string
	OutDType  string
	Layout    string
	Tile      string
	Epilogue  string
	Module    string
	Ops       []string
	Words     []string
	SplitK    bool

	Family   string // Set.Prepare fills it where it is empty
	Activity string // kernel, memcpy or memset

	// The launch.
	Op          string   // the innermost cpu_op; "" on a replay
	EnclosedBy  []string // every enclosing cpu_op, in any order; Op counts as one
	Frames      []Frame  // every enclosing Python frame, in any order
	Modules     []string // class names of the enclosing nn.Module scopes, in any order
	Attribution string   // launch, replay, aligned or none
}

// Frame is one Python frame: a path relative to its repository's root, and the function.
type Frame struct {
	Path, Function string
}

// maxList bounds what an expression sees of a list of a class, so that the cost of an
// expression is known when it is compiled. Real kernels have a few dozen template arguments.
const maxList = 256

func bounded(l []string) []string {
	if len(l) > maxList {
		return l[:maxList]
	}
	return l
}

// Run is what a rule sees of a run. Zero values mean unknown.
type Run struct {
	Framework string // sglang, vllm, tensorrt-llm, tokenspeed
	Model     string
	Vendor    string // nvidia, amd
	GPU       string // the device's name
	SM        int    // compute capability times ten; 0 where unknown and on other vendors
	Stage     string // extend, decode, mixed, verify, …, all
	TP        int
	World     int

	// TokensMin and TokensMax are the fewest and most tokens of a step of the stage, as the
	// step annotations have them; 0 unknown.
	TokensMin int
	TokensMax int

	// MoE tells that a kernel of the family moe ran in the stage: the model has experts.
	MoE bool

	ArgsKnown bool              // whether Args is the run's complete list
	Args      map[string]string // by name, lower case with underscores: see SetArg
}

// SetArg records one server argument, environment variable or configuration value. A leading
// "--" is dropped and hyphens become underscores, as the servers themselves do. A flag that is
// given without a value has the value "true".
func (r *Run) SetArg(name, value string) {
	if r.Args == nil {
		r.Args = map[string]string{}
	}
	r.Args[argName(name)] = value
}

func argName(s string) string {
	return strings.ReplaceAll(strings.TrimLeft(s, "-"), "-", "_")
}

// flag tells whether an argument is on. Absent and the spellings of false, of nothing and of
// zero that YAML, JSON and Python print are off; everything else is on.
func (r *Run) flag(name string) bool {
	switch v, ok := r.Args[argName(name)]; strings.ToLower(strings.TrimSpace(v)) {
	case "", "false", "0", "no", "off", "none", "null":
		return false
	default:
		return ok
	}
}

func (r *Run) arg(name, otherwise string) string {
	if v, ok := r.Args[argName(name)]; ok {
		return v
	}
	return otherwise
}

// Bound is what a step of a chain bound, for where conditions. The zero value is an optional
// step that bound nothing: its fields are empty, its time is 0 and it has no gap.
type Bound struct {
	Class *Class // of the first kernel
	Start int64  // nanoseconds: the start of the first kernel
	End   int64  // nanoseconds: the end of the last kernel
	Busy  int64  // nanoseconds: the sum of the durations
}

// at tells whether any frame has the path and the function; an empty function means any.
func (c *Class) at(path, function string) bool {
	for i := range c.Frames {
		if f := &c.Frames[i]; f.Path == path && (function == "" || f.Function == function) {
			return true
		}
	}
	return false
}

func (c *Class) inOp(name string) bool {
	return name != "" && c.Op == name || among(c.EnclosedBy, name)
}

func (c *Class) inModule(name string) bool { return among(c.Modules, name) }

func among(l []string, s string) bool {
	for _, v := range l {
		if v == s {
			return true
		}
	}
	return false
}

// Has tells whether an atom holds for the class.
func (c *Class) Has(a Atom) bool {
	switch a.Field {
	case FieldAt:
		return c.at(a.Value, a.Function)
	case FieldInOp:
		return c.inOp(a.Value)
	case FieldInModule:
		return c.inModule(a.Value)
	}
	f := fieldByName[string(a.Field)]
	switch {
	case f == nil:
		return false
	case f.text != nil:
		return f.text(c) == a.Value
	case f.list != nil:
		return among(bounded(f.list(c)), a.Value)
	}
	return f.truth(c) && a.Value == "true"
}

// Atoms calls fn with every atom that holds for the class; some come more than once.
func (c *Class) Atoms(fn func(Atom)) {
	c.fieldAtoms(fn, false)
	if c.Op != "" {
		fn(Atom{Field: FieldInOp, Value: c.Op})
	}
	for _, op := range c.EnclosedBy {
		fn(Atom{Field: FieldInOp, Value: op})
	}
	for _, m := range c.Modules {
		fn(Atom{Field: FieldInModule, Value: m})
	}
	for _, f := range c.Frames {
		fn(Atom{Field: FieldAt, Value: f.Path})
		fn(Atom{Field: FieldAt, Value: f.Path, Function: f.Function})
	}
}

// nameAtoms calls fn with the atoms of the kernel's name, which are all that families see.
func (c *Class) nameAtoms(fn func(Atom)) { c.fieldAtoms(fn, true) }

func (c *Class) fieldAtoms(fn func(Atom), named bool) {
	for i := range classFields {
		f := &classFields[i]
		switch {
		case named && !f.named:
		case f.text != nil:
			fn(Atom{Field: Field(f.name), Value: f.text(c)})
		case f.list != nil:
			for _, v := range bounded(f.list(c)) {
				fn(Atom{Field: Field(f.name), Value: v})
			}
		case f.truth(c):
			fn(Atom{Field: Field(f.name), Value: "true"})
		}
	}
}

// Inventory is the set of atoms that hold for any class of a trace.
type Inventory map[Atom]struct{}

// Add enters the atoms of a prepared class.
func (inv Inventory) Add(c *Class) {
	c.Atoms(func(a Atom) { inv[a] = struct{}{} })
}

// Has tells whether an atom holds for any class added.
func (inv Inventory) Has(a Atom) bool {
	_, ok := inv[a]
	return ok
}

// Atoms lists the inventory, sorted.
func (inv Inventory) Atoms() []Atom {
	out := make([]Atom, 0, len(inv))
	for a := range inv {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].less(out[j]) })
	return out
}
