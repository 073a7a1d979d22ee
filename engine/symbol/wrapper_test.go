package symbol

import (
	"reflect"
	"testing"
)

func TestAtenFunctors(t *testing.T) {
	const (
		lam   = "(at::TensorIteratorBase&)::{lambda()#3}::operator()() const::{lambda()#12}::operator()() const::"
		pre   = "void at::native::"
		index = "(at::TensorIteratorBase&, c10::ArrayRef<long>)::{lambda(char*, char const*, long)#1}"
	)
	tests := []struct{ name, functor, dtype string }{
		{pre + "elementwise_kernel<128, 4, at::native::gpu_kernel_impl_nocast<at::native::direct_copy_kernel_cuda" + lam + "{lambda(c10::BFloat16)#1}>(at::TensorIteratorBase&)::{lambda(int)#1}>(int)", "direct_copy_kernel_cuda", "bf16"},
		{pre + "elementwise_kernel_manual_unroll<128, 4, at::native::gpu_kernel_impl<at::native::CUDAFunctor_add<long> >(at::TensorIteratorBase&)::{lambda(int, bool)#1}>(int)", "CUDAFunctor_add", "i64"},
		{pre + "vectorized_elementwise_kernel<4, at::native::BinaryFunctor<c10::BFloat16, c10::BFloat16, c10::BFloat16, at::native::binary_internal::MulFunctor<float> >, std::array<char*, 3ul> >(int)", "MulFunctor", "bf16"},
		{pre + "vectorized_elementwise_kernel<4, at::native::AUnaryFunctor<long, long, bool, at::native::(anonymous namespace)::CompareEqFunctor<long> >, std::array<char*, 2ul> >(int)", "CompareEqFunctor", "i64"},
		{pre + "vectorized_elementwise_kernel<4, at::native::BUnaryFunctor<at::native::AddFunctor<long> >, at::detail::Array<char*, 2> >(int)", "AddFunctor", "i64"},
		{pre + "vectorized_elementwise_kernel<4, at::native::(anonymous namespace)::silu_kernel(at::TensorIteratorBase&)::{lambda()#1}::operator()() const::{lambda(c10::BFloat16)#1}, std::array<char*, 2ul> >(int)", "silu_kernel", "bf16"},
		{pre + "vectorized_elementwise_kernel<4, at::native::(anonymous namespace)::pow_tensor_scalar_kernel_impl<float, float>(at::TensorIteratorBase&, float)::{lambda(float)#1}, std::array<char*, 2ul> >(int)", "pow_tensor_scalar_kernel_impl", "f32"},
		{pre + "vectorized_elementwise_kernel<4, at::native::bfloat16tofloat32_copy_kernel_cuda(at::TensorIteratorBase&)::{lambda(c10::BFloat16)#1}, std::array<char*, 2ul> >(int)", "bfloat16tofloat32_copy_kernel_cuda", "bf16"},
		{pre + "vectorized_elementwise_kernel<8, at::native::FillFunctor<c10::BFloat16>, std::array<char*, 1ul> >(int)", "FillFunctor", "bf16"},
		{pre + "unrolled_elementwise_kernel<at::native::CUDAFunctorOnSelf_add<int>, std::array<char*, 2ul>, 4, TrivialOffsetCalculator<1, unsigned int>, at::native::memory::LoadWithCast<1> >(int)", "CUDAFunctorOnSelf_add", "i32"},
		{pre + "index_elementwise_kernel<128, 4, at::native::gpu_index_kernel<at::native::index_put_kernel_impl<at::native::OpaqueType<4> >" + index + ">" + index + ">(long)", "index_put_kernel_impl", ""},
		{pre + "reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::MeanOps<float, float, float, float>, unsigned int, float, 4> >(int)", "MeanOps", "f32"},
		{pre + "reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::ArgMaxOps<float>, unsigned int, long, 4, 4> >(int)", "ArgMaxOps", "f32"},
		{pre + "reduce_kernel<128, 4, at::native::ReduceOp<c10::BFloat16, at::native::func_wrapper_t<c10::BFloat16, at::native::sum_functor<c10::BFloat16, float, c10::BFloat16>::operator()(at::TensorIterator&)::{lambda(float, float)#1}>, unsigned int, c10::BFloat16, 4, 8> >(int)", "sum_functor", "bf16"},
		{pre + "(anonymous namespace)::multi_tensor_apply_kernel<at::native::(anonymous namespace)::TensorListMetadata<1>, at::native::(anonymous namespace)::BinaryOpScalarFunctor<float, 1, 1, 0>, std::multiplies<float>, float>(int)", "multiplies", "f32"},
		{pre + "(anonymous namespace)::multi_tensor_apply_kernel<at::native::(anonymous namespace)::TensorListMetadata<2>, at::native::(anonymous namespace)::UnaryOpFunctor<long, 2, 1, 1>, at::native::Copy<long, long> >(int)", "Copy", "i64"},
		{pre + "(anonymous namespace)::distribution_elementwise_grid_stride_kernel<float, 4, at::native::templates::cuda::uniform_and_transform<float, float, 4ul, at::CUDAGeneratorImpl*, at::native::templates::cuda::uniform_kernel<at::CUDAGeneratorImpl*>(at::TensorIteratorBase&)::{lambda()#1}::operator()() const::{lambda(float)#1}>(at::TensorIteratorBase&)::{lambda(float4)#1}>(long)", "uniform_kernel", "f32"},
		{"void (anonymous namespace)::elementwise_kernel_with_index<int, at::native::arange_cuda_out(c10::Scalar const&)::{lambda()#1}::operator()() const::{lambda(long)#1}>(int)", "arange_cuda_out", ""},
		{pre + "vectorized_gather_kernel<16, long>(char*)", "", ""},
		{pre + "batch_norm_kernel<c10::BFloat16, c10::BFloat16, float, int>(int)", "", "bf16"},
	}
	for _, tt := range tests {
		s := Parse(tt.name)
		if s.Generator != "aten" || s.Functor != tt.functor || s.DType != tt.dtype {
			t.Errorf("Parse(%q)\n = %q functor %q of %q, want %q of %q", tt.name, s.Generator, s.Functor, s.DType, tt.functor, tt.dtype)
		}
	}
}

func TestWrappers(t *testing.T) {
	check(t, map[string]field{
		"void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(cutlass_80_simt_sgemm_128x32_8x5_nn_align1::Params)":                                                                                                                                                                                     {gen: "cutlass", base: "Kernel2", functor: "cutlass_80_simt_sgemm_128x32_8x5_nn_align1", dtype: "f32", layout: "nn", tile: "128x32x8"},
		"void cutlass::Kernel<cutlass_80_tensorop_bf16_s16816gemm_bf16_256x64_32x4_tn_align8>(int)":                                                                                                                                                                                                                 {gen: "cutlass", base: "Kernel", functor: "cutlass_80_tensorop_bf16_s16816gemm_bf16_256x64_32x4_tn_align8", dtype: "bf16", layout: "tn", tile: "256x64x32"},
		"void cutlass_cudnn_train::Kernel<cutlass_cudnn_train::reduction::kernel::ReduceSplitK<cutlass_cudnn_train::MatrixShape<4, 128>, (cutlass_cudnn_train::FloatRoundStyle)2> >(int)":                                                                                                                           {gen: "cutlass", base: "Kernel", functor: "ReduceSplitK", split: true},
		"void cutlass::device_kernel<flash::enable_sm90<flash::FlashAttnFwdSm90<flash::Mainloop<1> > > >(int)":                                                                                                                                                                                                      {gen: "cutlass", base: "device_kernel", functor: "FlashAttnFwdSm90"},
		"void cutlass::Kernel2<cutlass::gemm::kernel::GemmUniversal<cutlass::gemm::threadblock::Mma<cutlass::gemm::GemmShape<128, 128, 32>, float>, int> >(int)":                                                                                                                                                    {gen: "cutlass", base: "Kernel2", functor: "GemmUniversal", tile: "128x128x32"},
		"void ck_tile::kentry<2, ck_tile::MoeSortingKernel<ck_tile::MoeSortingProblemEx<int, float, 2, true> >, ck_tile::MoeSortingKernel<ck_tile::MoeSortingProblemEx<int, float, 2, true> >::Kargs>(int)":                                                                                                         {gen: "ck_tile", base: "kentry", functor: "MoeSortingKernel"},
		"_ZN7ck_tile6kentryILi1ENS_12Rmsnorm2dFwdINS_27Rmsnorm2dFwdPipelineOnePassINS_27Rmsnorm2dFwdPipelineProblemIDF16bDF16bfEEEEEEJiEEEvDpT1_":                                                                                                                                                                   {gen: "ck_tile", base: "kentry", functor: "Rmsnorm2dFwd", dtype: "bf16"},
		"void ck_tile::kentry<1, ck_tile::gfx9_t, ck_tile::FmhaFwdKernel<ck_tile::P<ck_tile::bfloat16_t> >, int>(int)":                                                                                                                                                                                              {gen: "ck_tile", base: "kentry", functor: "FmhaFwdKernel", dtype: "bf16"},
		"void ck::kernel_moe_gemm<ck::GridwiseMoeGemm<ck::RowMajor, unsigned short, unsigned short, float, TypeCast, (ck::tensor_operation::device::GemmSpecialization)0, 256, 32, 64, 128, 8>, true>(int)":                                                                                                         {gen: "ck", base: "kernel_moe_gemm", functor: "GridwiseMoeGemm", dtype: "bf16", tile: "32x64x128"},
		"void ck::kernel_gemm<ck::GridwiseGemmMultiD_ABScale<ck::f8_t, (ck::tensor_operation::device::GemmSpecialization)0, 256, 1, 128, 128, 16, 64, 256, 8> >(int)":                                                                                                                                               {gen: "ck", base: "kernel_gemm", functor: "GridwiseGemmMultiD_ABScale", dtype: "f8", tile: "16x64x256"},
		"void rocprim::ROCPRIM_400200_NS::detail::trampoline_kernel<rocprim::ROCPRIM_400200_NS::detail::wrapped_scan_config<rocprim::default_config, long>, (rocprim::detail::target_arch)942, rocprim::detail::scan_impl<(rocprim::detail::determinism)0, false>(void*, unsigned long&)::{lambda(auto:1)#1}>(int)": {gen: "thrust", base: "trampoline_kernel", functor: "scan_impl"},
		"void at_cuda_detail::cub::DeviceScanKernel<int const*, int*, std::plus<int> >(int)":                                                                                                                                                                                                                        {gen: "thrust", base: "DeviceScanKernel"},
		"void thrust::cuda_cub::core::_kernel_agent<thrust::cuda_cub::__parallel_for::ParallelForAgent<int> >(int)":                                                                                                                                                                                                 {gen: "thrust", base: "_kernel_agent", functor: "ParallelForAgent", dtype: ""},
	})
}

func TestScalars(t *testing.T) {
	for text, want := range map[string]string{
		"std::bfloat16_t": "bf16", "__bf16": "bf16", "c10::BFloat16 const*": "bf16", "__hip_bfloat16&": "bf16", "ck::bhalf_t": "bf16",
		"c10::Half": "f16", "_Float16": "f16", "unsigned int": "u32", "unsigned long long": "u64", "char*": "i8",
		"c10::Float8_e4m3fn": "f8e4m3", "__nv_fp8_e5m2": "f8e5m2", "cutlass::nv_float4_t<cutlass::float_e2m1_t>": "nvf4",
		"cutlass_cudnn_train::tfloat32_t": "tf32", "bool": "bool", "float2": "", "std::array<char*, 2ul>": "", "": "", "int<3>": "",
	} {
		if got := scalarOf(text); got != want {
			t.Errorf("scalarOf(%q) = %q, want %q", text, got, want)
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"8u", "__nv_bfloat16"}, "bf16"},
		{[]string{"c10::BFloat16", "float", "int"}, "bf16"},
		{[]string{"int", "float", "__nv_bfloat16"}, ""},
		{[]string{"long"}, "i64"},
		{[]string{"2048l", "long"}, ""},
		{[]string{"float*", "128"}, ""},
		{nil, ""},
	} {
		if got := templateDType(tt.args); got != tt.want {
			t.Errorf("templateDType(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestSplitArgs(t *testing.T) {
	for list, want := range map[string][]string{
		"a, b<c, d>, (e, f), {lambda(int, int)#1}":  {"a", "b<c, d>", "(e, f)", "{lambda(int, int)#1}"},
		"&A::operator<, b":                          {"&A::operator<", "b"},
		"&A::operator,, b":                          {"&A::operator,", "b"},
		"&A::operator(), b":                         {"&A::operator()", "b"},
		"(1 < 2), x":                                {"(1 < 2)", "x"},
		"std::plus<int>, void (*)(int), a<b> const": {"std::plus<int>", "void (*)(int)", "a<b> const"},
		"  ": nil,
	} {
		if got := splitArgs(list); !reflect.DeepEqual(got, want) {
			t.Errorf("splitArgs(%q) = %q, want %q", list, got, want)
		}
	}
}
