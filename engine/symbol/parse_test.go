package symbol

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
)

// seeds has one name of each kind and what parsers fall over.
var seeds = []string{
	"", " ", "<", ">", "(", "()", "::", "a::", "::a", "a<", "a<>", "a(", "{", "[", "operator", "operator<", "x::operator ", "void ", "void (*", "(anonymous namespace)",
	"_Z", "_ZN5aiter24add_rmsnorm_quant_kernelIDF16bDF16bLi256ELi16ELb1ELb0ELb1ELi1EEEvPT0_PT_PfS4_S4_S4_diiiiiiib",
	"_ZN7sgl_hip10activation18act_and_mul_kernelI14__hip_bfloat16TnPFT_RKS3_EXadL_Z4siluIS2_ES3_S5_EEEEvPS3_PS4_i",
	"_ZN7ck_tile6kentryILi1ENS_12Rmsnorm2dFwdINS_1PIDF16bfEEEEJiEEEvDpT1_",
	"void at::native::elementwise_kernel<128, 2, at::native::gpu_kernel_impl<at::native::CUDAFunctor_add<float> >(at::TensorIteratorBase&)::{lambda(int)#1}>(int) [clone .kd]",
	"void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::func_wrapper_t<float, at::native::sum_functor<float>::operator()(at::T&)::{lambda(float)#1}>, int> >(int)",
	"void k<(vllm::Fp8KVCacheDataType)0, (4 > 3), &A::operator-><B>, void (*)(int)>(int)",
	"triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0", "triton_poi_fused_", "triton__0d1d2d", "_matmul_ogs_NNT_bf16xbf16xmxfp4_128x128x128x1_swiglu",
	"_gemm_kernel_BLOCK_SIZE_M_64_BLOCK_SIZE_N_64_BLOCK_SIZE_K_32", "nvjet_qqtst_128x256_128x6_2x2_2cta_h_bz_Avec32UE8M0_Bvec32UE8M0_TNT", "nvjet_",
	"Cijk_Alik_Bljk_BBS_BH_MT256x32x64_GSU2", "Cijk_A_B_", "bmm_Bfloat16_MxE2m1MxE4m3_Fp32_t128x8x256u2_s4_swiGlu_dynB_sm100f",
	"fmhaSm100aKernel_QkvBfloat16OBfloat16H128PagedKvCausalP64VarSeqQ8Kv128StaticSwapsAbForGen",
	"kernel_cutlass_kernel_modClass_object_at__tensorptrbf16gmemalign128o204820481_0", "kernel_cutlass_", "kernel_cutlass_kernel__object_at__",
	"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", "ncclDevKernel_", "Memcpy HtoD (Pageable -> Device)", "Memset (Device)",
	"sm80_xmma_gemm_f16f16_f16f32_f32_tn_n_tilesize128x128x32_stage4_cublas", "ampere_sgemm_32x32_sliced1x4_tn",
	"igemm_fwd_gtcx2_nhwc_bf16_bx0_ex1_bt64x64x64_wt16", "batched_transpose_4x64_half", "\x00\xff\u202e核<核>", "rocprim::trampoline_kernel<x_config, f<int>(int)::{lambda(int)#1}>()",
}

// invariants are what holds for any name at all.
func invariants(t *testing.T, name string) {
	t.Helper()
	s := Parse(name)
	if s.Raw != name {
		t.Fatalf("Parse(%q).Raw = %q", name, s.Raw)
	}
	if s.Base == "" && strings.TrimSpace(name) != "" {
		t.Fatalf("Parse(%q) has no Base", name)
	}
	if !reflect.DeepEqual(s, Parse(name)) {
		t.Fatalf("Parse(%q) differs from itself", name)
	}
	for _, w := range s.Words {
		if w == "" {
			t.Fatalf("Parse(%q).Words = %q", name, s.Words)
		}
	}
	for _, w := range []int{0, 1, 2, 30, 80} {
		if l := Short(&s, w); cells(l) > w {
			t.Fatalf("Short(%q, %d) = %q", name, w, l)
		}
	}
}

func TestInvariants(t *testing.T) {
	for _, name := range seeds {
		invariants(t, name)
	}
}

// TestTraceNames takes every GPU activity of the real traces apart, which are not part of
// the repository.
func TestTraceNames(t *testing.T) {
	files, err := filepath.Glob("../../../shared/traces/*.gz")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: no traces in ../shared/traces beside the repository; the names of real kernels are not checked")
	}
	names := map[string]bool{}
	for _, file := range files {
		for _, n := range activityNames(t, file) {
			names[n] = true
		}
	}
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	sort.Strings(list)
	if len(list) < 100 {
		t.Fatalf("only %d distinct names in %d traces", len(list), len(files))
	}
	known, labels := 0, map[string]bool{}
	for _, n := range list {
		invariants(t, n)
		s := Parse(n)
		for _, part := range append(append([]string{s.Params}, s.Args...), s.Full) {
			if !balanced(part) {
				t.Errorf("%q has a part with open brackets: %q", n, part)
			}
		}
		if strings.HasPrefix(s.Full, "_Z") || strings.HasPrefix(s.Full, "void ") || strings.ContainsAny(s.Base, "<({ ") && s.Generator != "memory" {
			t.Errorf("%q is not taken apart: Full %.60q, Base %q", n, s.Full, s.Base)
		}
		again := Parse(s.Full)
		if again.Base != s.Base || again.Namespace != s.Namespace || !reflect.DeepEqual(again.Args, s.Args) || again.Functor != s.Functor {
			t.Errorf("%q and its Full differ: %q %q, %q %q", n, s.Namespace, s.Base, again.Namespace, again.Base)
		}
		if s.Generator == "aten" && atenWrapper[s.Base] && (s.Functor == "" || transparent[s.Functor]) {
			t.Errorf("no functor in %q: %q", n, s.Functor)
		}
		if s.Generator != "" || s.Namespace != "" || s.Args != nil {
			known++
		}
		labels[Short(&s, 72)] = true
	}
	if known*10 < len(list)*9 {
		t.Errorf("%d of %d names are bare words", len(list)-known, len(list))
	}
	if len(labels)*10 < len(list)*9 {
		t.Errorf("%d labels for %d names", len(labels), len(list))
	}
	t.Logf("%d names, %d labels of 72 cells", len(list), len(labels))
}

func activityNames(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []struct{ Ph, Cat, Name string }
	}
	if err := json.NewDecoder(z).Decode(&trace); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var out []string
	for _, e := range trace.TraceEvents {
		switch cat := strings.ToLower(e.Cat); cat {
		case "kernel", "gpu_memcpy", "gpu_memset", "memcpy", "memset":
			if e.Ph == "X" {
				out = append(out, e.Name)
			}
		}
	}
	return out
}

// balanced tells that every bracket of a text is closed in order; "->" has none.
func balanced(s string) bool {
	open := map[rune]rune{')': '(', ']': '[', '}': '{', '>': '<'}
	var stack []rune
	for _, r := range strings.NewReplacer("->", "", "operator<", "", "operator>", "").Replace(s) {
		switch r {
		case '(', '[', '{', '<':
			stack = append(stack, r)
		case ')', ']', '}', '>':
			if len(stack) == 0 || stack[len(stack)-1] != open[r] {
				return false
			}
			stack = stack[:len(stack)-1]
		}
	}
	return len(stack) == 0
}

func FuzzParse(f *testing.F) {
	for _, name := range seeds {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) { invariants(t, name) })
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{seeds[22], seeds[24], "triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0", "alloc_decode_kernel"} {
		b.Run(name[:min(24, len(name))], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(name)
			}
		})
	}
}
