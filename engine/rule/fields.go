package rule

import "github.com/google/cel-go/common/types"

// Field names a field of k, or one of its functions, in an atom: "symbol", "words", "at".
type Field string

// The fields of atoms that are not plain fields of k.
const (
	FieldAt       Field = "at"        // k.at(path, function)
	FieldInOp     Field = "in_op"     // k.in_op(name)
	FieldInModule Field = "in_module" // k.in_module(name)
)

// field is one field of k or run: its CEL name, and how to read it. Exactly one of the getters
// is set, and the CEL type follows from it.
type field struct {
	name  string
	named bool // a field of the kernel's name: family files may use it
	text  func(*Class) string
	list  func(*Class) []string
	truth func(*Class) bool
	words vocabulary // the values there are, where they are a closed list
}

func (f *field) celType() *types.Type {
	switch {
	case f.list != nil:
		return types.NewListType(types.StringType)
	case f.truth != nil:
		return types.BoolType
	}
	return types.StringType
}

func (f *field) get(c *Class) any {
	switch {
	case f.list != nil:
		return bounded(f.list(c))
	case f.truth != nil:
		return f.truth(c)
	}
	return f.text(c)
}

// classFields are the fields of k, in the order in which the documentation has them.
var classFields = [...]field{
	{name: "symbol", named: true, text: func(c *Class) string { return c.Symbol }},
	{name: "ns", named: true, text: func(c *Class) string { return c.NS }},
	{name: "qualified", named: true, text: func(c *Class) string { return c.Qualified }},
	{name: "args", named: true, list: func(c *Class) []string { return c.Args }},
	{name: "params", named: true, text: func(c *Class) string { return c.Params }},
	{name: "generator", named: true, text: func(c *Class) string { return c.Generator }},
	{name: "functor", named: true, text: func(c *Class) string { return c.Functor }},
	{name: "kind", named: true, text: func(c *Class) string { return c.Kind }},
	{name: "dtype", named: true, text: func(c *Class) string { return c.DType }},
	{name: "out_dtype", named: true, text: func(c *Class) string { return c.OutDType }},
	{name: "layout", named: true, text: func(c *Class) string { return c.Layout }},
	{name: "tile", named: true, text: func(c *Class) string { return c.Tile }},
	{name: "epilogue", named: true, text: func(c *Class) string { return c.Epilogue }},
	{name: "module", named: true, text: func(c *Class) string { return c.Module }},
	{name: "ops", named: true, list: func(c *Class) []string { return c.Ops }},
	{name: "words", named: true, list: func(c *Class) []string { return c.Words }},
	{name: "split_k", named: true, truth: func(c *Class) bool { return c.SplitK }},
	{name: "activity", named: true, text: func(c *Class) string { return c.Activity }, words: activities},
	{name: "family", text: func(c *Class) string { return c.Family }},
	{name: "op", text: func(c *Class) string { return c.Op }},
	{name: "attribution", text: func(c *Class) string { return c.Attribution }, words: attributions},
}

var fieldByName = func() map[string]*field {
	m := make(map[string]*field, len(classFields))
	for i := range classFields {
		m[classFields[i].name] = &classFields[i]
	}
	return m
}()

// runField is one field of run.
type runField struct {
	name  string
	typ   *types.Type
	get   func(*Run) any
	words vocabulary
}

// runFields are the fields of run, in the order in which the documentation has them.
var runFields = [...]runField{
	{name: "framework", typ: types.StringType, get: func(r *Run) any { return r.Framework }, words: frameworks},
	{name: "model", typ: types.StringType, get: func(r *Run) any { return r.Model }},
	{name: "vendor", typ: types.StringType, get: func(r *Run) any { return r.Vendor }, words: vendors},
	{name: "gpu", typ: types.StringType, get: func(r *Run) any { return r.GPU }},
	{name: "sm", typ: types.IntType, get: func(r *Run) any { return r.SM }},
	{name: "stage", typ: types.StringType, get: func(r *Run) any { return r.Stage }},
	{name: "tp", typ: types.IntType, get: func(r *Run) any { return r.TP }},
	{name: "world", typ: types.IntType, get: func(r *Run) any { return r.World }},
	{name: "tokens_min", typ: types.IntType, get: func(r *Run) any { return r.TokensMin }},
	{name: "tokens_max", typ: types.IntType, get: func(r *Run) any { return r.TokensMax }},
	{name: "moe", typ: types.BoolType, get: func(r *Run) any { return r.MoE }},
	{name: "args_known", typ: types.BoolType, get: func(r *Run) any { return r.ArgsKnown }},
}
