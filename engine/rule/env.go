package rule

import (
	"reflect"

	"github.com/google/cel-go/cel"
	celenv "github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// Env is the CEL environments of the rule language. It is safe for concurrent use, costs
// about a third of a millisecond to make, and is meant to be shared by all rules of a Set.
type Env struct {
	aliases *Aliases
	kernel  *cel.Env // match and skip: k
	name    *cel.Env // family files: k, with the fields of the name only
	run     *cel.Env // applies, requires, only: run
	where   *cel.Env // where, before the steps' names are declared
}

// The types of the language's variables. No expression can name them, because @ is not a part
// of CEL's names; messages leave it out.
var (
	kernelType = types.NewObjectType("@kernel")
	nameType   = types.NewObjectType("@name")
	runType    = types.NewObjectType("@run")
)

// NewEnv makes the environments. aliases may be nil.
func NewEnv(aliases *Aliases) (*Env, error) {
	if aliases == nil {
		aliases = &Aliases{}
	}
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	base, err := cel.NewCustomEnv(
		cel.StdLib(cel.StdLibSubset(library())),
		cel.CustomTypeAdapter(registry),
		cel.CustomTypeProvider(newProvider(registry)),
		cel.CrossTypeNumericComparisons(true),
		// No validators: walker looks at regular expressions and at lists of several types itself.
		cel.ParserExpressionSizeLimit(maxExpr),
		cel.ParserRecursionLimit(60),
		cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes),
	)
	if err != nil {
		return nil, err
	}
	e := &Env{aliases: aliases}
	if e.name, err = base.Extend(cel.Variable("k", nameType)); err != nil {
		return nil, err
	}
	if e.run, err = base.Extend(append(runFunctions(), cel.Variable("run", runType))...); err != nil {
		return nil, err
	}
	if e.kernel, err = base.Extend(append(kernelFunctions(), cel.Variable("k", kernelType))...); err != nil {
		return nil, err
	}
	if e.where, err = base.Extend(append(kernelFunctions(), whereFunctions()...)...); err != nil {
		return nil, err
	}
	return e, nil
}

// steps declares the steps of a chain as variables of its where condition.
func (e *Env) steps(chain []*Step) (*cel.Env, error) {
	var vars []cel.EnvOption
	for _, s := range chain {
		vars = append(vars, cel.Variable(s.As, kernelType))
	}
	return e.where.Extend(vars...)
}

// library is the part of CEL's standard library that rules have: comparison, logic, membership,
// string tests, arithmetic of numbers, and the two macros that ask and do not build.
func library() *celenv.LibrarySubset {
	l := celenv.NewLibrarySubset()
	l.IncludeMacros = []string{"exists", "all"}
	all := func(name string) { l.IncludeFunctions = append(l.IncludeFunctions, celenv.NewFunction(name)) }
	only := func(name string, ids ...string) {
		f := celenv.NewFunction(name)
		for _, id := range ids {
			f.Overloads = append(f.Overloads, celenv.NewOverload(id, nil, nil))
		}
		l.IncludeFunctions = append(l.IncludeFunctions, f)
	}
	for _, name := range []string{"_?_:_", "_&&_", "_||_", "!_", "_==_", "_!=_",
		"startsWith", "endsWith", "contains", "matches", "@not_strictly_false"} {
		all(name)
	}
	for op, id := range map[string]string{"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"} {
		only(op, id+"_int64", id+"_double", id+"_int64_double", id+"_double_int64")
	}
	for op, id := range map[string]string{"_+_": "add", "_-_": "subtract", "_*_": "multiply", "_/_": "divide"} {
		only(op, id+"_int64", id+"_double")
	}
	only("-_", "negate_int64", "negate_double")
	only("@in", "in_list")
	only("_[_]", "index_list")
	only("size", "size_list", "list_size", "size_string", "string_size")
	only("int", "string_to_int64", "double_to_int64", "int64_to_int64")
	only("double", "string_to_double", "int64_to_double", "double_to_double")
	return l
}

func kernelFunctions() []cel.EnvOption {
	str, yes := types.StringType, types.BoolType
	return []cel.EnvOption{
		cel.Function("at", cel.MemberOverload("kernel_at", []*types.Type{kernelType, str, str}, yes,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				return types.Bool(a[0].(*classVal).class.at(string(a[1].(types.String)), string(a[2].(types.String))))
			}))),
		cel.Function("in_op", cel.MemberOverload("kernel_in_op", []*types.Type{kernelType, str}, yes,
			cel.BinaryBinding(func(k, name ref.Val) ref.Val {
				return types.Bool(k.(*classVal).class.inOp(string(name.(types.String))))
			}))),
		cel.Function("in_module", cel.MemberOverload("kernel_in_module", []*types.Type{kernelType, str}, yes,
			cel.BinaryBinding(func(k, name ref.Val) ref.Val {
				return types.Bool(k.(*classVal).class.inModule(string(name.(types.String))))
			}))),
	}
}

func whereFunctions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("gap_us", cel.Overload("gap_us_steps", []*types.Type{kernelType, kernelType}, types.DoubleType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				from, to := a.(*classVal).bound, b.(*classVal).bound
				if from.Class == nil || to.Class == nil {
					return types.Double(0)
				}
				return types.Double(float64(to.Start-from.End) / 1e3)
			}))),
		cel.Function("both_us", cel.Overload("both_us_steps", []*types.Type{kernelType, kernelType}, types.DoubleType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				x, y := a.(*classVal).bound, b.(*classVal).bound
				if x.Class == nil || y.Class == nil {
					return types.Double(0)
				}
				return types.Double(float64(max(0, min(x.End, y.End)-max(x.Start, y.Start))) / 1e3)
			}))),
		cel.Function("us", cel.Overload("us_step", []*types.Type{kernelType}, types.DoubleType,
			cel.UnaryBinding(func(a ref.Val) ref.Val {
				return types.Double(float64(a.(*classVal).bound.Busy) / 1e3)
			}))),
	}
}

func runFunctions() []cel.EnvOption {
	str := types.StringType
	return []cel.EnvOption{
		cel.Function("flag", cel.MemberOverload("run_flag", []*types.Type{runType, str}, types.BoolType,
			cel.BinaryBinding(func(r, name ref.Val) ref.Val {
				run := r.(*runVal).run
				if !run.ArgsKnown {
					return types.NewUnknown(0, nil)
				}
				return types.Bool(run.flag(string(name.(types.String))))
			}))),
		cel.Function("arg", cel.MemberOverload("run_arg", []*types.Type{runType, str, str}, str,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				run := a[0].(*runVal).run
				if !run.ArgsKnown {
					return types.NewUnknown(0, nil)
				}
				return types.String(run.arg(string(a[1].(types.String)), string(a[2].(types.String))))
			}))),
	}
}

// provider adds the language's three object types to CEL's own. Fields are read by functions
// and not by reflection.
type provider struct {
	types.Provider
	fields map[string]map[string]*types.FieldType
	names  map[string][]string
}

func newProvider(base types.Provider) *provider {
	p := &provider{base, map[string]map[string]*types.FieldType{}, map[string][]string{}}
	add := func(t *types.Type, name string, ft *types.Type, get func(any) any) {
		object := t.TypeName()
		if p.fields[object] == nil {
			p.fields[object] = map[string]*types.FieldType{}
		}
		p.names[object] = append(p.names[object], name)
		p.fields[object][name] = &types.FieldType{
			Type:    ft,
			IsSet:   func(any) bool { return true },
			GetFrom: func(target any) (any, error) { return get(target), nil },
		}
	}
	for i := range classFields {
		f := &classFields[i]
		get := func(c any) any { return f.get(c.(*Class)) }
		add(kernelType, f.name, f.celType(), get)
		if f.named {
			add(nameType, f.name, f.celType(), get)
		}
	}
	for i := range runFields {
		f := &runFields[i]
		add(runType, f.name, f.typ, func(r any) any { return f.get(r.(*Run)) })
	}
	return p
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.fields[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if names, ok := p.names[name]; ok {
		return names, true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(object, name string) (*types.FieldType, bool) {
	if fields, ok := p.fields[object]; ok {
		ft, ok := fields[name]
		return ft, ok
	}
	return p.Provider.FindStructFieldType(object, name)
}

// classVal is a kernel, or a step of a chain, as a CEL value.
type classVal struct {
	class *Class
	bound Bound
	typ   *types.Type
}

// runVal is a run as a CEL value.
type runVal struct{ run *Run }

var noClass Class

func (v *classVal) Value() any              { return v.class }
func (v *classVal) Type() ref.Type          { return v.typ }
func (v *classVal) Equal(o ref.Val) ref.Val { return types.Bool(v.class == o.Value()) }

// ConvertToNative implements ref.Val; no expression of the language converts a kernel.
func (v *classVal) ConvertToNative(t reflect.Type) (any, error) {
	return nil, errf("a kernel does not convert to %v", t)
}

// ConvertToType implements ref.Val.
func (v *classVal) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a kernel does not convert to %s", t.TypeName())
}

func (v *runVal) Value() any              { return v.run }
func (v *runVal) Type() ref.Type          { return runType }
func (v *runVal) Equal(o ref.Val) ref.Val { return types.Bool(v.run == o.Value()) }

// ConvertToNative implements ref.Val; no expression of the language converts a run.
func (v *runVal) ConvertToNative(t reflect.Type) (any, error) {
	return nil, errf("a run does not convert to %v", t)
}

// ConvertToType implements ref.Val.
func (v *runVal) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a run does not convert to %s", t.TypeName())
}
