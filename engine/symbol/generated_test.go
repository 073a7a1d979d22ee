package symbol

import (
	"reflect"
	"testing"
)

// field is what a table test compares: the fields of a Symbol that a reader of generated
// names sets.
type field struct {
	gen, base, functor, kind, dtype, out, layout, tile string
	split                                              bool
	epilogue                                           string
}

func fieldsOf(s Symbol) field {
	return field{s.Generator, s.Base, s.Functor, s.Kind, s.DType, s.OutDType, s.Layout, s.Tile, s.SplitK, s.Epilogue}
}

func check(t *testing.T, tests map[string]field) {
	t.Helper()
	for name, want := range tests {
		if got := fieldsOf(Parse(name)); got != want {
			t.Errorf("Parse(%q)\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestInductor(t *testing.T) {
	tests := []struct {
		name, base, kind string
		ops              []string
	}{
		{"triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0", "triton_red_fused", "red", []string{"_to_copy", "add", "mean", "mul", "pow", "rsqrt"}},
		{"triton_red_fused__unsafe_view_add_mean_mul_pow_rsqrt_1", "triton_red_fused", "red", []string{"_unsafe_view", "add", "mean", "mul", "pow", "rsqrt"}},
		{"triton_poi_fused__to_copy_1", "triton_poi_fused", "poi", []string{"_to_copy"}},
		{"triton_poi_fused_constant_pad_nd_moe_forward_0", "triton_poi_fused", "poi", []string{"constant_pad_nd", "moe_forward"}},
		{"triton_poi_fused_add_bitwise_and_bitwise_not_bitwise_or_ge_lt_mul_sub_0", "triton_poi_fused", "poi", []string{"add", "bitwise_and", "bitwise_not", "bitwise_or", "ge", "lt", "mul", "sub"}},
		{"triton_per_fused__softmax__to_copy_add_12", "triton_per_fused", "per", []string{"_softmax", "_to_copy", "add"}},
		{"triton_per_fused_native_layer_norm_native_layer_norm_backward_3", "triton_per_fused", "per", []string{"native_layer_norm", "native_layer_norm_backward"}},
		{"triton_poi_fused_add_copy__1", "triton_poi_fused", "poi", []string{"add", "copy_"}},
		{"triton_poi_fused_index_put_mul_2", "triton_poi_fused", "poi", []string{"index_put", "mul"}},
		{"triton_poi_fused_index_put__mul_2", "triton_poi_fused", "poi", []string{"index_put_", "mul"}},
		{"triton_poi_fused_my_op_silu_4", "triton_poi_fused", "poi", []string{"my", "op", "silu"}},
		{"triton_poi_fused_exp2_log1p_7", "triton_poi_fused", "poi", []string{"exp2", "log1p"}},
		{"triton_poi_fused_add_0d1d2d3de", "triton_poi_fused", "poi", []string{"add"}},
		{"triton_tem_fused_addmm_relu_3", "triton_tem_fused", "tem", []string{"addmm", "relu"}},
		{"triton_for_fused_0", "triton_for_fused", "for", nil},
		{"triton_poi_fused_12", "triton_poi_fused", "poi", nil},
		{"triton__0d1d2d", "triton_", "", nil},
	}
	for _, tt := range tests {
		s := Parse(tt.name)
		if s.Generator != "inductor" || s.Base != tt.base || s.Kind != tt.kind || !reflect.DeepEqual(s.Ops, tt.ops) {
			t.Errorf("Parse(%q) = %s %s %s %q, want %q", tt.name, s.Generator, s.Base, s.Kind, s.Ops, tt.ops)
		}
	}
}

// TestOpsJoinBack: each op of the vocabulary alone, and before and after another, is found
// again; this also holds maxOpWords against the table.
func TestOpsJoinBack(t *testing.T) {
	for op := range multiWordOps {
		for _, want := range [][]string{{op}, {op, "zz"}, {"aa", op}} {
			joined := want[0]
			for _, w := range want[1:] {
				joined += "_" + w
			}
			if got := splitOps(joined); !reflect.DeepEqual(got, want) {
				t.Errorf("splitOps(%q) = %q", joined, got)
			}
		}
	}
}

func TestTriton(t *testing.T) {
	check(t, map[string]field{
		"_matmul_ogs_NNT_bf16xbf16xmxfp4_128x128x128x1":                                                             {gen: "triton", base: "_matmul_ogs", dtype: "bf16xmxf4", out: "bf16", layout: "nt", tile: "128x128x128"},
		"_matmul_ogs_NNT_bf16xbf16xmxfp4_128x128x128x1_swiglu":                                                      {gen: "triton", base: "_matmul_ogs", dtype: "bf16xmxf4", out: "bf16", layout: "nt", tile: "128x128x128", epilogue: "swiglu"},
		"_p_matmul_ogs_NTN_fp32xfp8e4nvxfp8e4nv_64x256x128x4":                                                       {gen: "triton", base: "_p_matmul_ogs", dtype: "f8e4m3", out: "f32", layout: "tn", tile: "64x256x128", split: true},
		"_gemm_a16w16_kernel_BLOCK_SIZE_M_64_BLOCK_SIZE_N_128_BLOCK_SIZE_K_32_GROUP_SIZE_M_8_NUM_KSPLIT_2_EVEN_K_1": {gen: "triton", base: "_gemm_a16w16_kernel", tile: "64x128x32", split: true},
		"_attn_kernel_HEAD_DIM_128_BLOCK_M_64_ACTIVATION_NONE":                                                      {gen: "triton", base: "_attn_kernel"},
		"create_flashinfer_kv_indices_triton":                                                                       {gen: "triton", base: "create_flashinfer_kv_indices_triton"},
		"_fwd_grouped_kernel_stage1":                                                                                {base: "_fwd_grouped_kernel_stage1"},
		"_combined_routing_compute":                                                                                 {base: "_combined_routing_compute"},
		"X_BLOCK":                                                                                                   {base: "X_BLOCK"},
	})
}

func TestNvjet(t *testing.T) {
	check(t, map[string]field{
		"nvjet_sm103_tst_64x16_64x16_2x1_2cta_v_bz_splitK_TNT":                      {gen: "nvjet", base: "nvjet", dtype: "bf16", out: "bf16", layout: "tn", tile: "64x16", split: true},
		"nvjet_tst_192x8_64x8_4x1_v_bz_TNT":                                         {gen: "nvjet", base: "nvjet", dtype: "bf16", out: "bf16", layout: "tn", tile: "192x8"},
		"nvjet_hsh_128x256_64x4_2x1_v_bz_coopA_bias_TNN":                            {gen: "nvjet", base: "nvjet", dtype: "f16", out: "f16", layout: "tn", tile: "128x256", epilogue: "bias"},
		"nvjet_hsh_256x128_64x4_1x2_h_bz_coopA_NNT":                                 {gen: "nvjet", base: "nvjet", dtype: "f16", out: "f16", layout: "nn", tile: "256x128"},
		"nvjet_qqtst_112x128_128x7_2x1_v_bz_coopA_algo2_TNN":                        {gen: "nvjet", base: "nvjet", dtype: "f8e4m3", out: "bf16", layout: "tn", tile: "112x128"},
		"nvjet_qqtst_128x256_128x6_2x2_2cta_h_bz_Avec32UE8M0_Bvec32UE8M0_TNT":       {gen: "nvjet", base: "nvjet", dtype: "mxf8", out: "bf16", layout: "tn", tile: "128x256"},
		"nvjet_sm103_oohsh_128x128_256x7_2x2_2cta_v_bz_Avec16UE4M3_Bvec16UE4M3_TNT": {gen: "nvjet", base: "nvjet", dtype: "nvf4", out: "f16", layout: "tn", tile: "128x128"},
		"nvjet_sm100_tss_128x256_64x6_2x1_2cta":                                     {gen: "nvjet", base: "nvjet", dtype: "bf16", out: "f32", tile: "128x256"},
		"nvjet_qrtst_64x64_128x6_1x1_v_bz_TNT":                                      {gen: "nvjet", base: "nvjet", dtype: "f8e4m3xf8e5m2", out: "bf16", layout: "tn", tile: "64x64"},
		"nvjet_sm120_tst_mma_64x64x128_3_32x32x128_tmaAB_alignCD4_bz_TNNN":          {gen: "nvjet", base: "nvjet", dtype: "bf16", out: "bf16", layout: "tn", tile: "64x64x128"},
		"nvjet_new_kind": {gen: "nvjet", base: "nvjet"},
	})
}

func TestTensile(t *testing.T) {
	const tail = "_Bias_HA_S_SAV_UserArgs_MT256x32x64_MI16x16x1_SN_GSUAMBSK_SK0_SKFTR0_WG64"
	check(t, map[string]field{
		"Cijk_Alik_Bljk_BBS_BH" + tail:                           {gen: "tensile", base: "Cijk", dtype: "bf16", out: "bf16", layout: "tn", tile: "256x32x64"},
		"Custom_Cijk_Alik_Bljk_HHS_BH" + tail:                    {gen: "tensile", base: "Cijk", dtype: "f16", out: "f16", layout: "tn", tile: "256x32x64"},
		"Cijk_Ailk_Bjlk_SB_Bias_AS_SAV_UserArgs_MT64x16x16_MI_x": {gen: "tensile", base: "Cijk", dtype: "f32", out: "f32", layout: "nt", tile: "64x16x16"},
		"Cijk_Ailk_Bljk_HBH_MT64x64x8_SE_GSU4_ISA906":            {gen: "tensile", base: "Cijk", dtype: "f16", out: "f16", layout: "nn", tile: "64x64x8", split: true},
		"Cijk_Ailk_Bljk_BBH_MT64x64x8_SE_GSU1_ISA906":            {gen: "tensile", base: "Cijk", dtype: "bf16", out: "bf16", layout: "nn", tile: "64x64x8"},
		"Cijk_Alik_Bljk_F8BS_BH_MT128x128x128_SK3":               {gen: "tensile", base: "Cijk", dtype: "f8e4m3", out: "bf16", layout: "tn", tile: "128x128x128", split: true},
		"Cijk_Alik_Bljk_F8B8BS_BH_MT128x128x128_SK0":             {gen: "tensile", base: "Cijk", dtype: "f8e4m3xf8e5m2", out: "bf16", layout: "tn", tile: "128x128x128"},
		"Cijk_Alik_Bljk_HSS_BH_MT16x16x32":                       {gen: "tensile", base: "Cijk", dtype: "f16", out: "f32", layout: "tn", tile: "16x16x32"},
		"Cijk_Alik_Bljk_DB_MT16x16x32":                           {gen: "tensile", base: "Cijk", dtype: "f64", out: "f64", layout: "tn", tile: "16x16x32"},
		"Cijk_Alik_Bljk_QQ_BH_MT16x16x32":                        {gen: "tensile", base: "Cijk", layout: "tn", tile: "16x16x32"},
	})
}

func TestTRTLLM(t *testing.T) {
	check(t, map[string]field{
		"bmm_Bfloat16_Bfloat16Bfloat16_Fp32_t128x64x128u2_s5_et128x64_m256x64x16_c2x1x1_16dp256b_rM_BN_transOut_schPd2x1x2x3_bN_tma_tmaSf_rgTma_clmp_swiGlu_dynB_sm100f": {gen: "trtllm-gen", base: "bmm", dtype: "bf16", out: "bf16", tile: "128x64x128", epilogue: "swiglu"},
		"bmm_Bfloat16_MxE2m1MxE4m3_Fp32_Ab32_Bb32_t128x128x256u2_s4_et128x64_m256x128x32_rM_TN_biasFp32M_bN_dynB_sm100f":                                                 {gen: "trtllm-gen", base: "bmm", dtype: "mxf4xmxf8", out: "bf16", tile: "128x128x256", epilogue: "bias"},
		"bmm_MxE4m3_MxE2m1MxE4m3_Fp32_bA32_bB32_bC32_t128x16x256u2_s3_et128x16_relu2_bN_sm100f":                                                                          {gen: "trtllm-gen", base: "bmm", dtype: "mxf4xmxf8", out: "mxf8", tile: "128x16x256", epilogue: "relu2"},
		"bmm_E2m1_E2m1E2m1_Fp32_bA16_bB16_bC16_t128x8x512u2_splitK2_sm100f":                                                                                              {gen: "trtllm-gen", base: "bmm", dtype: "nvf4", out: "nvf4", tile: "128x8x512", split: true},
		"fmhaSm100fKernel_QkvBfloat16OBfloat16H128PagedKvCausalP64MultiCtasKvVarSeqQ8Kv128StaticSwapsAbForGen":                                                           {gen: "trtllm-gen", base: "fmha", kind: "gen", dtype: "bf16", out: "bf16", tile: "8x128"},
		"fmhaSm103aKernel_QkvBfloat16OBfloat16H128PagedKvCausalP64VarSeqQ128Kv128PersistentContext":                                                                      {gen: "trtllm-gen", base: "fmha", kind: "context", dtype: "bf16", out: "bf16", tile: "128x128"},
		"fmhaSm100aKernel_QE4m3KvE2m1OE4m3H128PagedKvCausalP32VarSeqQ128Kv128PersistentContext":                                                                          {gen: "trtllm-gen", base: "fmha", kind: "context", dtype: "f8e4m3xnvf4", out: "f8e4m3", tile: "128x128"},
		"bmm_helper": {base: "bmm_helper"},
	})
}

func TestLibraries(t *testing.T) {
	check(t, map[string]field{
		"sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas":                                             {gen: "cublas", base: "xmma_gemm", dtype: "bf16", layout: "tn", tile: "128x128x64"},
		"sm80_xmma_wgrad_implicit_gemm_indexed_tf32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize128x128x16_stage4_warpsize2x2x1_g1_tensor16x8x8_execute_split_k_kernel_cudnn_train": {gen: "cudnn", base: "xmma_wgrad_implicit_gemm_indexed", dtype: "tf32", tile: "128x128x16", split: true},
		"sm90_xmma_gemm_e4m3e4m3_e4m3f32_f32_tn_n_tilesize64x128x128_warpgroupsize1x1x1_bias_f16_execute_segment_k_off_kernel__5x_cublas":                                    {gen: "cublas", base: "xmma_gemm", dtype: "f8e4m3", layout: "tn", tile: "64x128x128"},
		"ampere_sgemm_32x32_sliced1x4_tn":                                 {gen: "cublas", base: "sgemm", dtype: "f32", layout: "tn", tile: "32x32"},
		"ampere_bf16_s16816gemm_bf16_128x64_ldg8_relu_f2f_stages_64x3_tn": {gen: "cublas", base: "s16816gemm", dtype: "bf16", layout: "tn", tile: "128x64"},
		"turing_fp16_s1688gemm_fp16_128x128_ldg8_f2f_nn":                  {gen: "cublas", base: "s1688gemm", dtype: "f16", layout: "nn", tile: "128x128"},
		"ampere_gcgemm_64x64_nt":                                          {gen: "cublas", base: "gcgemm", layout: "nt", tile: "64x64"},
		"cudnn_infer_ampere_scudnn_128x64_relu_xregs_large_nn_v1":         {gen: "cudnn", base: "scudnn", dtype: "f32", layout: "nn", tile: "128x64"},
		"volta_scudnn_128x64_stridedB_splitK_medium_nn_v1":                {gen: "cudnn", base: "scudnn", dtype: "f32", layout: "nn", tile: "128x64", split: true},
		"igemm_wrw_gtcx2_nhwc_bf16_bx0_ex1_bt64x32x32_wt16x16x16_ws1x1_wr2x1_ta1x4x1x2_1x8x1x32_tb1x4x1x1_1x8x1x32_vs1_gkgs": {gen: "miopen", base: "igemm_wrw_gtcx2", dtype: "bf16", tile: "64x32x32", split: true},
		"batched_transpose_64x16_pack_4x1_ediv_2x1_half":                                                                     {gen: "miopen", base: "batched_transpose", tile: "64x16"},
		"SubTensorOpWithScalar1d": {gen: "miopen", base: "SubTensorOpWithScalar1d"},
		"void cublasLt::splitKreduce_kernel<32, 16, int, float, __nv_bfloat16, float, __nv_bfloat16, false>(cublasLt::cublasSplitKParams<float>)": {gen: "cublaslt", base: "splitKreduce_kernel", split: true},
		"void splitKreduce_kernel<float, float, float>(cublasSplitKParams<float>, float const*)":                                                  {gen: "cublas", base: "splitKreduce_kernel", dtype: "f32", split: true},
		"void gemv2T_kernel_val<int, int, float, float, float, 128, 16>(cublasGemvParamsEx<int, float>)":                                          {gen: "cublas", base: "gemv2T_kernel_val", dtype: "f32"},
		"void cudnn::ops::scalePackedTensor_kernel<float, float>(cudnnTensor4dStruct, float*, float)":                                             {gen: "cudnn", base: "scalePackedTensor_kernel", dtype: "f32"},
	})
}

func TestCollectivesAndMemory(t *testing.T) {
	check(t, map[string]field{
		"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)":                {gen: "nccl", base: "ncclDevKernel_AllReduce", kind: "all_reduce", dtype: "bf16"},
		"ncclKernel_AllReduce_RING_LL_Sum_float(ncclDevComm*, unsigned long, ncclWork*)":            {gen: "nccl", base: "ncclKernel_AllReduce", kind: "all_reduce", dtype: "f32"},
		"ncclKernel_Broadcast_RING_LL_Sum_int8_t(ncclDevComm*, unsigned long, ncclWork*)":           {gen: "nccl", base: "ncclKernel_Broadcast", kind: "broadcast", dtype: "i8"},
		"ncclKernel_Broadcast_RING_LL_Sum_uint8_t":                                                  {gen: "nccl", base: "ncclKernel_Broadcast", kind: "broadcast", dtype: "u8"},
		"ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)":                         {gen: "nccl", base: "ncclDevKernel_AllGather", kind: "all_gather"},
		"ncclDevKernel_ReduceScatter_Sum_f32_RING_LL(ncclDevKernelArgsStorage<4096ul>) [clone .kd]": {gen: "nccl", base: "ncclDevKernel_ReduceScatter", kind: "reduce_scatter", dtype: "f32"},
		"ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)":                                  {gen: "nccl", base: "ncclDevKernel_SendRecv", kind: "send_recv"},
		"ncclDevKernel_Generic_4(ncclDevKernelArgsStorage<4096ul>)":                                 {gen: "nccl", base: "ncclDevKernel_Generic"},
		"mscclKernel_Sum_half_LL":          {gen: "rccl", base: "mscclKernel", dtype: "f16"},
		"Memcpy HtoD (Pageable -> Device)": {gen: "memory", base: "Memcpy", kind: "HtoD"},
		"Memcpy DtoD (Device -> Device)":   {gen: "memory", base: "Memcpy", kind: "DtoD"},
		"Memcpy PtoP (Device -> Device)":   {gen: "memory", base: "Memcpy", kind: "PtoP"},
		"Memset (Device)":                  {gen: "memory", base: "Memset", kind: "set"},
		"CopyDeviceToHost":                 {gen: "memory", base: "Memcpy", kind: "DtoH"},
		"CopyHostToDevice":                 {gen: "memory", base: "Memcpy", kind: "HtoD"},
		"FillBuffer":                       {gen: "memory", base: "Memset", kind: "set"},
		"memcpy128":                        {base: "memcpy128"},
		"MemcpyAsyncKernel":                {base: "MemcpyAsyncKernel"},
	})
}

func TestCuteDSL(t *testing.T) {
	s := Parse("kernel_cutlass_kernel_flashinfernormkernelsfused_add_rmsnormFusedAddRMSNormKernel_object_at__tensorptrbf16gmemalign128o204820481_tensorptrbf16gmemalign_0")
	if s.Generator != "cutedsl" || s.Base != "FusedAddRMSNormKernel" || s.Module != "flashinfernormkernelsfused_add_rmsnorm" || s.DType != "bf16" {
		t.Errorf("got %+v", s)
	}
	if want := []string{"tensorptrbf16gmemalign128o204820481", "tensorptrbf16gmemalign", "0"}; !reflect.DeepEqual(s.Args, want) {
		t.Errorf("Args = %q", s.Args)
	}
	s = Parse("kernel_cutlass_fma_kernel_tensorptrf16gmemo1_2")
	if s.Base != "fma_kernel" || s.DType != "f16" || s.Module != "" {
		t.Errorf("a function: %+v", s)
	}
	s = Parse("kernel_cutlass__run_packageKlass_object_at__0")
	if s.Base != "Klass" || s.Module != "" {
		t.Errorf("another method: %+v", s)
	}
}

func TestWords(t *testing.T) {
	for base, want := range map[string][]string{
		"paged_attention_ll4mi_QKV_mfma16_kernel": {"paged", "attention", "ll4mi", "qkv", "mfma16", "kernel"},
		"FusedAddRMSNormKernel":                   {"fused", "add", "rms", "norm", "kernel"},
		"LayerNorm":                               {"layer", "norm"},
		"fusedQKNormRopeKernel":                   {"fused", "qk", "norm", "rope", "kernel"},
		"ncclDevKernel_AllReduce":                 {"nccl", "dev", "kernel", "all", "reduce"},
		"MoEGemm":                                 {"moe", "gemm"},
		"GridwiseMoeGemm":                         {"gridwise", "moe", "gemm"},
		"cross_device_reduce_1stage":              {"cross", "device", "reduce", "1stage"},
		"operator()":                              {"operator"},
		"__x__":                                   {"x"},
		"A":                                       {"a"},
		"":                                        nil,
	} {
		if got := words(base); !reflect.DeepEqual(got, want) {
			t.Errorf("words(%q) = %q, want %q", base, got, want)
		}
	}
}
