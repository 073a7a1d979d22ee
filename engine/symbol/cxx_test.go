package symbol

import (
	"reflect"
	"strings"
	"testing"
)

func TestCxxNames(t *testing.T) {
	tests := []struct {
		name, ns, base string
		args           []string
		params         string
	}{
		{"void flashinfer::norm::RMSNormKernel<8u, __nv_bfloat16>(__nv_bfloat16*, unsigned int)", "flashinfer::norm", "RMSNormKernel", []string{"8u", "__nv_bfloat16"}, "__nv_bfloat16*, unsigned int"},
		{"void (anonymous namespace)::store_kvcache<2048l, 4, true, long>((anonymous namespace)::P)", "", "store_kvcache", []string{"2048l", "4", "true", "long"}, "(anonymous namespace)::P"},
		{"void at::native::(anonymous namespace)::indexSelect<c10::BFloat16, -2>(int)", "at::native", "indexSelect", []string{"c10::BFloat16", "-2"}, "int"},
		{"void <unnamed>::f<int>(int)", "", "f", []string{"int"}, "int"},
		{"ns::<unnamed>::f(int)", "ns", "f", nil, "int"},
		{"ns::_GLOBAL__N_1::f(int)", "ns", "f", nil, "int"},
		{"_ZN2ns12_GLOBAL__N_11fEi", "ns", "f", nil, "int"},
		{"void paged_kernel<0, (vllm::Fp8KVCacheDataType)0, ck_tile::C<0u, (4 > 3)> >(float const*)", "", "paged_kernel", []string{"0", "(vllm::Fp8KVCacheDataType)0", "ck_tile::C<0u, (4 > 3)>"}, "float const*"},
		{"void k<f(int)::{lambda(int)#1}, A<B<C> > >(int, f(int)::{lambda(int)#1})", "", "k", []string{"f(int)::{lambda(int)#1}", "A<B<C> >"}, "int, f(int)::{lambda(int)#1}"},
		{"void k<g()::{lambda()#1}::operator()() const::{lambda(float, bool)#2}>(int)", "", "k", []string{"g()::{lambda()#1}::operator()() const::{lambda(float, bool)#2}"}, "int"},
		{"void k<void (*)(int, float), &A::operator-><B>, decltype(x)>(void (*)(int))", "", "k", []string{"void (*)(int, float)", "&A::operator-><B>", "decltype(x)"}, "void (*)(int)"},
		{"A::operator<< <int>(std::ostream&)", "A", "operator<<", []string{"int"}, "std::ostream&"},
		{"A::operator<(B const&) const", "A", "operator<", nil, "B const&"},
		{"A::operator()(int) const", "A", "operator()", nil, "int"},
		{"A<int>::operator->() const", "A", "operator->", nil, ""},
		{"A::operator unsigned int() const", "A", "operator unsigned int", nil, ""},
		{"outer(int)::{lambda(int)#1}::operator()(int) const", "outer::{lambda(int)#1}", "operator()", nil, "int"},
		{"unsigned long const* a::f<x>(int) [clone .kd]", "a", "f", []string{"x"}, "int"},
		{"void (*make<int>(long))(float)", "", "make", []string{"int"}, "long"},
		{"decltype(nullptr) a::f<int>(int)", "a", "f", []string{"int"}, "int"},
		{"f.kd", "", "f", nil, ""},
		{"f.llvm.1234.kd", "", "f", nil, ""},
		{"f(int) [clone .isra.0] [clone .kd]", "", "f", nil, "int"},
		{"f(int) (.kd)", "", "f", nil, "int"},
		{"f.isra", "", "f.isra", nil, ""},
		{"aiter::topksoftmax_4x128x8_bf16", "aiter", "topksoftmax_4x128x8_bf16", nil, ""},
		{"::f(int)", "", "f", nil, "int"},
		{"void f", "", "f", nil, ""},
		{"Context Sync", "", "Context Sync", nil, ""},
		{"void cut<A<B, C", "", "cut", []string{"A<B, C"}, ""},
	}
	for _, tt := range tests {
		s := Parse(tt.name)
		if s.Namespace != tt.ns || s.Base != tt.base || !reflect.DeepEqual(s.Args, tt.args) || s.Params != tt.params {
			t.Errorf("Parse(%q) = %q %q %q (%q),\nwant %q %q %q (%q)", tt.name, s.Namespace, s.Base, s.Args, s.Params, tt.ns, tt.base, tt.args, tt.params)
		}
		again := Parse(s.Full)
		if again.Namespace != s.Namespace || again.Base != s.Base || !reflect.DeepEqual(again.Args, s.Args) {
			t.Errorf("Parse(%q) = %q %q %q, but its Full %q gives %q %q %q", tt.name, s.Namespace, s.Base, s.Args, s.Full, again.Namespace, again.Base, again.Args)
		}
	}
}

func TestMangled(t *testing.T) {
	s := Parse("_ZN5aiter24add_rmsnorm_quant_kernelIDF16bDF16bLi256ELi16ELb1ELb0ELb1ELi1EEEvPT0_PT_PfS4_S4_S4_diiiiiiib.kd")
	if want := []string{"std::bfloat16_t", "std::bfloat16_t", "256", "16", "true", "false", "true", "1"}; !reflect.DeepEqual(s.Args, want) {
		t.Errorf("Args = %q, want %q", s.Args, want)
	}
	if s.Namespace != "aiter" || s.Base != "add_rmsnorm_quant_kernel" || s.DType != "bf16" || s.Qualified() != "aiter::add_rmsnorm_quant_kernel" {
		t.Errorf("got %q %q %q", s.Namespace, s.Base, s.DType)
	}
	if !strings.HasPrefix(s.Full, "aiter::add_rmsnorm_quant_kernel<") || !strings.HasPrefix(s.Params, "std::bfloat16_t*, ") {
		t.Errorf("Full = %q, Params = %q", s.Full, s.Params)
	}

	// One kernel in the spellings of several demanglers.
	pairs := [][2]string{
		{"_ZN1a1kIfLi256ELb1ELj8ELm4EEEvT_", "void a::k<float, (int)256, (bool)1, (unsigned int)8, (unsigned long)4>(float)"},
		{"_ZN1a1kIfLi256ELb0ELln2EEEvT_", "void a::k<float, 256, false, -2l>(float)"},
		{"_ZN1a1kINS_1bINS_1cIiEEEEEEvT_", "void a::k<a::b<a::c<int>>>(a::b<a::c<int>>)"},
		{"_ZN1a1kILNS_1eE3EEEvv", "void a::k<(a::e)3>()"},
	}
	for _, p := range pairs {
		a, b := Parse(p[0]), Parse(p[1])
		if a.Base != b.Base || a.Namespace != b.Namespace || !reflect.DeepEqual(a.Args, b.Args) || len(a.Args) == 0 {
			t.Errorf("%s is %q %q, %s is %q %q", p[0], a.Base, a.Args, p[1], b.Base, b.Args)
		}
	}
}

// TestHostileMangled holds the names that cost the demangler time or memory which grows
// exponentially or with the square of a large number: they keep the front of the name.
func TestHostileMangled(t *testing.T) {
	nested := strings.Repeat("cvT_IXadL_ZN1A", 24) + "f" + strings.Repeat("EEE", 24)
	packs := "_ZN2ns1fIJ" + strings.Repeat("i", 500) + "EEEv" + strings.Repeat("Dp1AIT_", 60) + strings.Repeat("E", 60)
	wide := "_ZN2ns1fIJ" + strings.Repeat("i", 4000) + "EEEvDp1A" + strings.Repeat("P", 4000) + "T_"
	for name, in := range map[string]string{
		"casts":  "_ZN2ns1fE" + nested,
		"packs":  packs,
		"wide":   wide,
		"long":   "_ZN2ns1fE" + strings.Repeat("P", maxMangled) + "i",
		"broken": "_ZN2ns1fEQQ",
	} {
		if s := Parse(in); s.Namespace != "ns" || s.Base != "f" || s.Raw != in {
			t.Errorf("%s: got %q %q", name, s.Namespace, s.Base)
		}
	}
	deep := Parse("_ZN2ns1fE" + strings.Repeat("P", maxMangled-16) + "i")
	if deep.Base != "f" || !strings.HasSuffix(deep.Params, "***") {
		t.Errorf("a name below the limit: %q", deep.Base)
	}
	for _, in := range []string{"_Z", "_ZN", "_Z9999f", "_Z99999999999f", "_ZN1", "_Z0f", "_ZNK"} {
		if s := Parse(in); s.Base != in || s.Namespace != "" {
			t.Errorf("Parse(%q) = %q %q", in, s.Namespace, s.Base)
		}
	}
}

func TestOversized(t *testing.T) {
	for _, in := range []string{
		strings.Repeat("x", maxName+5),
		"void f<" + strings.Repeat("A<", maxName),
		"void f<" + strings.Repeat("(", maxName),
		"void f<" + strings.Repeat("a,", maxName/2) + ">()",
		strings.Repeat("a::", maxName/3),
		"void at::native::elementwise_kernel<" + strings.Repeat("at::native::BinaryFunctor<", 20000),
		strings.Repeat("operator ", 100000),
		"triton_poi_fused" + strings.Repeat("_", maxIdent+1) + "add_0",
	} {
		s := Parse(in)
		if s.Raw != in || s.Base == "" {
			t.Errorf("Parse of %d bytes, %q…: Base %q", len(in), in[:20], s.Base[:min(20, len(s.Base))])
		}
		if l := Short(&s, 40); cells(l) > 40 {
			t.Errorf("Short is %d cells", cells(l))
		}
	}
}
