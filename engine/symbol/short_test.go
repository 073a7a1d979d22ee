package symbol

import (
	"strings"
	"testing"
)

func TestShort(t *testing.T) {
	const paged = "void paged_attention_ll4mi_QKV_mfma16_kernel<0, __hip_bfloat16, __hip_bfloat16, (vllm::Fp8KVCacheDataType)0, 1, 128, 256, false, 4, 1, ck_tile::ComposedAttention<0u, false> >(int)"
	tests := []struct {
		name  string
		width int
		want  string
	}{
		{"Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT256x32x64_MI16x16x1_SN", 48, "Cijk Alik_Bljk bf16 MT256x32x64"},
		{"void at::native::elementwise_kernel<128, 4, at::native::gpu_kernel_impl_nocast<at::native::direct_copy_kernel_cuda(at::T&)::{lambda(c10::BFloat16)#1}>(int)::{lambda(int)#1}>(int)", 48, "at::native direct_copy <bf16>"},
		{"void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::BFloat16>, std::array<char*, 3ul> >(int)", 48, "at::native add <bf16> vec4"},
		{"void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::BFloat16>, std::array<char*, 3ul> >(int)", 12, "add <bf16>"},
		{"_ZN5aiter24add_rmsnorm_quant_kernelIDF16bDF16bLi256ELi16ELb1ELb0ELb1ELi1EEEvPT0_PT_PfS4_S4_S4_diiiiiiib", 80, "aiter::add_rmsnorm_quant <bf16, bf16, 256, 16, true, false, true, 1>"},
		{"_ZN5aiter24add_rmsnorm_quant_kernelIDF16bDF16bLi256ELi16ELb1ELb0ELb1ELi1EEEvPT0_PT_PfS4_S4_S4_diiiiiiib", 50, "add_rmsnorm_quant <bf16,bf16,256,16,t,f,t,1>"},
		{paged, 200, "paged_attention_ll4mi_QKV_mfma16 <0, bf16, bf16, 0, 1, 128, 256, false, 4, 1, ComposedAttention<0, false>>"},
		{paged, 72, "paged_attention_ll4mi_QKV_mfma16 <0,bf16,bf16,0,1,128,256,f,4,1,…>"},
		{paged, 30, "paged_attention_…,256,f,4,1,…>"},
		{"void flashinfer::a::b::NormKernel<8u, __half>(int)", 36, "flashinfer::…::NormKernel <8, f16>"},
		{"void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(int)", 80, "cutlass::Kernel2 cutlass_80_simt_sgemm_128x32_8x5_nn_align1"},
		{"void ck_tile::kentry<1, ck_tile::Rmsnorm2dFwd<ck_tile::P<std::bfloat16_t, (ck_tile::Rmsnorm2dFusedAddEnum)1, (ck_tile::XEnum)0> > >(int)", 80, "ck_tile::kentry Rmsnorm2dFwd <bf16 Rmsnorm2dFusedAdd=1>"},
		{"nvjet_sm103_tst_64x16_64x16_2x1_2cta_v_bz_splitK_TNT", 60, "nvjet_sm103_tst_64x16_64x16_2x1_2cta_v_bz_splitK_TNT"},
		{"nvjet_sm103_tst_64x16_64x16_2x1_2cta_v_bz_splitK_TNT", 40, "nvjet bf16 tn 64x16 splitK"},
		{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", 60, "ncclDevKernel_AllReduce_Sum_bf16_RING_LL"},
		{"kernel_cutlass_kernel_modNorm_object_at__tensorptrbf16gmemalign128o204820481_0", 60, "Norm <bf16 o204820481>"},
		{"Memcpy HtoD (Pageable -> Device)", 60, "Memcpy HtoD (Pageable -> Device)"},
		{"Memcpy HtoD (Pageable -> Device)", 16, "Memcpy HtoD"},
		{"alloc_decode_kernel", 60, "alloc_decode_kernel"},
		{"alloc_decode_kernel", 10, "alloc…rnel"},
		{"alloc_decode_kernel", 1, "…"},
		{"alloc_decode_kernel", 0, ""},
		{"核心核心核心", 8, "核心…心"},
		{"a\x1b[31mb\u202e\xff", 20, "a?[31mb??"},
	}
	for _, tt := range tests {
		s := Parse(tt.name)
		if got := Short(&s, tt.width); got != tt.want {
			t.Errorf("Short(%q, %d)\n got %q\nwant %q", tt.name, tt.width, got, tt.want)
		}
	}
}

// TestShortNeverTooWide tries each width on names of every kind.
func TestShortNeverTooWide(t *testing.T) {
	for _, name := range seeds {
		s := Parse(name)
		for w := range 140 {
			l := Short(&s, w)
			if cells(l) > w {
				t.Fatalf("Short(%q, %d) = %q, %d cells", name, w, l, cells(l))
			}
			if w > 0 && l == "" && strings.TrimSpace(name) != "" {
				t.Fatalf("Short(%q, %d) is empty", name, w)
			}
		}
	}
}
