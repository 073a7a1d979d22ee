package rule

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/sgrules/sgrules/rules"
)

// plainText is compileText without CEL; nil where CEL is needed.
func plainText(env *Env, in *cel.Env, text string) *predicate {
	src := newSource("f", []byte(text))
	return (&compiler{env: env, lazy: true}).plainly(&Expr{Pos: src.pos(0), Text: text, src: src}, in)
}

// TestPlainly: which conditions do without CEL, and that none does that CEL would refuse.
func TestPlainly(t *testing.T) {
	env := testEnv(t, nil)
	for text, want := range map[string]bool{
		`k.symbol == "a"`: true, `!(k.ns in ["a", "b"]) && "x" in k.words`: true, `k.at("python/a.py", "f") || k.in_op("aten::mm")`: true, `k.split_k`: true, `true`: true,
		`k.symbol.matches("^a")`: false, `k.words.exists(w, w == "a")`: false, `k.args[0] == "a"`: false, `run.model == "a"`: false, `k.symbol == k.ns`: false,
		`k.at("/abs/a.py", "f")`: false, `k.in_op("")`: false, `k.symbl == "a"`: false, `k.symbol == 1`: false, `k.split_k == true`: false, `x.symbol == "a"`: false,
		strings.Repeat(`k.ns==""||`, 300) + "k.split_k": false,
	} {
		if got := plainText(env, env.kernel, text) != nil; got != want {
			t.Errorf("%.60s: %v, want %v", text, got, want)
		} else if p, wrong := compileText(env, env.kernel, text); got && p == nil {
			t.Errorf("%s: CEL refuses it: %s", text, wrong)
		}
	}
	for text, want := range map[string]bool{`k.symbol == "a"`: true, `k.family == "norm"`: false, `k.op == "a"`: false, `k.at("python/a.py", "f")`: false} {
		if got := plainText(env, env.name, text) != nil; got != want {
			t.Errorf("of a family, %s: %v, want %v", text, got, want)
		}
	}
}

// TestShippedArePlain: the shipped conditions mean the same to CEL, on classes made of their own
// literals.
func TestShippedArePlain(t *testing.T) {
	set, wrong := Load(rules.FS, LoadOptions{Prefix: "rules"})
	if err := wrong.Err(); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(2))
	plain, all, held := 0, 0, 0
	compare := func(p *predicate, typ *types.Type) {
		all++
		src := newSource("f", []byte(p.expr.Text))
		exact := (&compiler{env: set.env, lazy: true}).plainly(&Expr{Pos: p.expr.Pos, Text: p.expr.Text, src: src}, p.env)
		if exact == nil {
			return
		}
		plain++
		var atoms []Atom
		var walk func(f *form)
		walk = func(f *form) {
			atoms = append(atoms, f.atoms...)
			for _, k := range f.kids {
				walk(k)
			}
		}
		walk(exact.form)
		for range 40 {
			c := &Class{}
			for range min(len(atoms), 1+r.Intn(4)) {
				give(c, atoms[r.Intn(len(atoms))])
			}
			got, _ := exact.class(c, typ)
			want, err := p.class(c, typ)
			if got != want || err != nil {
				t.Fatalf("%s: plainly %v, CEL gives %v, %v for %+v", p.expr.Text, got, want, err, c)
			}
			if got {
				held++
			}
		}
	}
	for _, e := range set.rules {
		c, _ := set.compile(e)
		for _, side := range [][]*Alternative{c.Fused, c.Split} {
			for _, a := range side {
				for _, s := range a.Steps {
					for _, p := range []*predicate{s.is, s.over} {
						if p != nil {
							compare(p, kernelType)
						}
					}
				}
			}
		}
	}
	for _, f := range set.families {
		c, _ := set.compileFamily(f)
		for _, p := range c.is {
			compare(p, nameType)
		}
	}
	if plain*10 < all*6 || held < 2000 {
		t.Errorf("%d of %d conditions are plain, and held %d times", plain, all, held)
	}
}

// give makes an atom hold for a class.
func give(c *Class, a Atom) {
	switch a.Field {
	case FieldAt:
		c.Frames = append(c.Frames, Frame{a.Value, a.Function})
	case FieldInOp:
		c.EnclosedBy = append(c.EnclosedBy, a.Value)
	case FieldInModule:
		c.Modules = append(c.Modules, a.Value)
	case "args":
		c.Args = append(c.Args, a.Value)
	case "ops":
		c.Ops = append(c.Ops, a.Value)
	case "words":
		c.Words = append(c.Words, a.Value)
	case "split_k":
		c.SplitK = true
	default:
		for name, to := range map[Field]*string{"symbol": &c.Symbol, "ns": &c.NS, "qualified": &c.Qualified, "params": &c.Params, "generator": &c.Generator,
			"functor": &c.Functor, "kind": &c.Kind, "dtype": &c.DType, "out_dtype": &c.OutDType, "layout": &c.Layout, "tile": &c.Tile, "epilogue": &c.Epilogue,
			"module": &c.Module, "activity": &c.Activity, "family": &c.Family, "op": &c.Op, "attribution": &c.Attribution} {
			if name == a.Field {
				*to = a.Value
			}
		}
	}
}
