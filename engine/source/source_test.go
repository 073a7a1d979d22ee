package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

func TestPythonDefines(t *testing.T) {
	const text = `"""A module that mentions def fake(): in its words.
def also_fake():
    pass
"""
import x
LIMIT = 2048
typed: int = 3

# def commented(): pass
class Norm(Base):
    """def inner_fake(): no"""
    size = 1

    def forward(self, x):
        def helper(): pass
        return x

    @staticmethod
    async def later(): ...

@triton.jit
def kernel(x,
           y):
    pass

def outer():
    def inner():
        pass

class Wide(
    Base,
    metaclass=Meta,
):
    """Words with 'quotes' # and no comment"""

    def method(
        self,
        limit: int = 3,
    ) -> None:
        x = {
            fake_key: 1,
        }

    regex = r"\"" + 'it\'s """'
    after = 1

if TYPE_CHECKING:
    class Guarded:
        def method(self): ...

call(
    argument = 3)
text = \
    continued = 4
a == b
`
	for sym, want := range map[string]bool{
		"Norm": true, "Norm.forward": true, "Norm.later": true, "Norm.size": true, "kernel": true, "LIMIT": true, "typed": true, "inner": true, "outer": true,
		"Wide.method": true, "Wide.after": true, "Guarded.method": true, "outer.inner": true,
		"limit": false, "fake_key": false, "argument": false, "continued": false, "a": false, "Wide.inner": false, "if": false,
		"fake": false, "also_fake": false, "commented": false, "inner_fake": false, "Norm.kernel": false, "Other.forward": false, "import": false, "kern": false,
	} {
		if got := defines("a/b.py", text, sym); got != want {
			t.Errorf("%s: %v, want %v", sym, got, want)
		}
	}
}

func TestCxxDefines(t *testing.T) {
	const text = `// void commented(int) { }
/* __global__ void also(int) { } */
const char* s = "void quoted() { }";
#define MACRO(x) x
namespace ns {
template <typename T, int N>
__global__ void __launch_bounds__(256) kernel(T* __restrict__ x, int n) {
  called(x);
}
struct Params { int a; };
class Runner : public Base { };
void declared(int x);
__global__ void with_default(int n = f(3), int m = 2)
{ }
Thing::Thing(int a) : a_(a) { }
struct __align__(16) Packed : Base<int> { explicit Packed(int a) : a_(a) {} };
class Forward;
enum class Mode : int { A };
using Alias = Packed;
template <> __device__ void special<float, 4>(float* p) { int big = 1'000; }
auto arrow(int x) -> std::vector<int>;
auto arrow_body(int x) noexcept(true) -> std::vector<int> { return used(x) ? ternary(x) : ns::ternary(y); }
int values[] = {listed(x), 3};
void method() const override { if (asked(x)) { } for (auto v : ranged(x)) { } return; }
char c = '"'; void after_char() { }
const char* raw = R"x(void in_raw() { })x"; // "
#if X < 3
void after_less(int n /* ) */) { }
#endif
}`
	for sym, want := range map[string]bool{
		"kernel": true, "Params": true, "Runner": true, "with_default": true, "MACRO": true, "ns::kernel": true, "Thing": true,
		"Packed": true, "Mode": true, "Alias": true, "special": true, "arrow_body": true, "method": true, "after_char": true, "after_less": true,
		"Forward": false, "arrow": false, "used": false, "ternary": false, "listed": false, "asked": false, "ranged": false, "in_raw": false,
		"commented": false, "also": false, "quoted": false, "called": false, "declared": false, "kern": false,
	} {
		if got := defines("a/b.cuh", text, sym); got != want {
			t.Errorf("%s: %v, want %v", sym, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("python/new/norm.py", "def rmsnorm(x): pass\n")
	write("python/args.py", "class ServerArgs:\n    enable_fused: bool = False\n    # enable_other is gone\n    p.add_argument('--enable-third')\n")
	aliases, wrong := rule.DecodeAliases("aliases.yaml", []byte("paths:\n  - {now: python/new/norm.py, was: [python/old/norm.py]}\n"))
	if wrong.Err() != nil {
		t.Fatal(wrong)
	}
	src := func(line int, path, sym string) rule.Source {
		return rule.Source{Pos: diag.Pos{File: "r.yaml", Line: line}, Repo: "sglang", Commit: "deadbeef", Path: path, Symbol: sym}
	}
	other := src(9, "gone.py", "x")
	other.Repo = "vllm" // no checkout: not looked at
	r := &rule.Rule{
		Sources: []rule.Source{src(1, "python/new/norm.py", "rmsnorm"), src(2, "python/old/norm.py", "rmsnorm"), src(3, "python/old/norm.py", "layernorm"),
			src(4, "python/gone.py", ""), src(5, "../secret.py", ""), other},
		Switches: []rule.Switch{{Name: "enable_fused", Source: src(6, "python/args.py", "")}, {Name: "enable_other", Source: src(7, "python/args.py", "")},
			{Name: "enable_third", Source: src(8, "python/args.py", "ServerArgs")}, {Name: "no_source"}},
	}
	var got []string
	for _, d := range Check([]*rule.Rule{r}, aliases, Checkouts{"sglang": dir}) {
		got = append(got, d.Pos.String()+" "+d.Code)
	}
	want := "r.yaml:2 moved-source; r.yaml:3 missing-symbol; r.yaml:4 missing-source; r.yaml:5 missing-source; r.yaml:7 missing-switch"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
}

func TestRepositories(t *testing.T) {
	rules := []*rule.Rule{
		{Sources: []rule.Source{{Repo: "vllm", Path: "a"}, {Repo: "aiter", Path: "a"}}},
		{Sources: []rule.Source{{Repo: "vllm", Path: "b"}}, Switches: []rule.Switch{{Name: "x"}, {Name: "y", Source: rule.Source{Repo: "sglang", Path: "c"}}}},
	}
	if got := strings.Join(Repositories(rules), " "); got != "aiter sglang vllm" {
		t.Errorf("got %s", got)
	}
}

// Whatever a checkout holds, looking through it ends and does not panic.
func FuzzDefines(f *testing.F) {
	for _, s := range []string{"def f(", "class A:\n  x = '''", "x = \"\\", "\\", "void f(", "R\"(", "/*", "struct f<", "f(a) ::", "'", "f() : ", "? f() :"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"a.py", "a.cu", "a.csv"} {
			defines(name, text, "A.f")
			if u := uncomment(name, text); len(u) > len(text) {
				t.Errorf("%s: %d bytes became %d", name, len(text), len(u))
			}
		}
	})
}
