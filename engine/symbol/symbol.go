// Package symbol takes one kernel name apart: it demangles it (C++ and HIP) and splits
// it into namespace, base name and template arguments, and it reads the fields of
// generated names (Triton and Inductor, nvjet, cuBLASLt, CUTLASS, CuTe DSL, CK and
// CK-Tile, Tensile, TensorRT-LLM's bmm and fmha, NCCL and RCCL, …).
//
// It sees one name at a time and nothing else: no trace, no neighbours, no rules, and it
// never judges what a kernel is for. What it cannot take apart keeps its base name and
// empty fields; it never guesses. It does not resolve types or evaluate expressions: the
// text of a template argument stays text.
package symbol

// Symbol is one kernel name taken apart. Every field but Raw may be empty.
type Symbol struct {
	// Raw is the name as the trace has it.
	Raw string
	// Full is the demangled name without return type, "[clone …]" and ".kd" suffix, with
	// template arguments and parameters. Of a name above one MiB it is the first MiB.
	Full string
	// Namespace is what stands before Base, joined with "::", without anonymous
	// namespaces: "flashinfer::norm". Both "(anonymous namespace)::X" and X have "".
	Namespace string
	// Base is the function's own name without template arguments and parameters; for a
	// generated name, the part that names the algorithm: the class of a CuTe DSL kernel
	// ("FusedAddRMSNormKernel"), "nvjet", "Cijk" for Tensile, "bmm" and "fmha" for
	// TensorRT-LLM's generated kernels, "ncclDevKernel_AllReduce", "triton_red_fused"
	// for Inductor, the @triton.jit function's own name for any other Triton kernel.
	Base string
	// Args are the top-level template arguments, trimmed, as demangled, with the literals
	// of the demanglers brought to one spelling: 256 for (int)256, 8u for (unsigned int)8,
	// true for (bool)1, "> >" for ">>". For a CuTe DSL kernel they are the tokens of the
	// mangled call arguments.
	Args []string
	// Params is the parameter list between the outermost parentheses, as demangled.
	Params string

	// Generator tells what made the name: "aten" (PyTorch's own native kernels),
	// "inductor", "triton", "nvjet", "cublas", "cublaslt", "cutlass", "cutedsl", "ck",
	// "ck_tile", "tensile", "trtllm-gen", "cudnn", "miopen", "nccl", "rccl", "memory"
	// (the driver's Memcpy and Memset rows), "thrust" (CUB, Thrust, rocPRIM); "" where
	// the name is an ordinary function's.
	Generator string
	// Functor is what a wrapper kernel runs: the functor or payload type's own base name
	// ("direct_copy_kernel_cuda" of at::native::elementwise_kernel, "MeanOps" of
	// reduce_kernel, "MoeSortingKernel" of ck_tile::kentry, "Fmha…" …), else "".
	Functor string
	// Ops are the aten ops an Inductor kernel fuses, in the order of the name:
	// triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0 has
	// [_to_copy add mean mul pow rsqrt].
	Ops []string
	// Kind is the generator's own kind: Inductor's "poi", "red", "per", "for" or "tem";
	// NCCL's collective in lower snake case ("all_reduce", "all_gather",
	// "reduce_scatter", "broadcast", "send_recv", …; "" for the generic kernel); for a
	// memory row "HtoD", "DtoH", "DtoD", "PtoP", "HtoH", "set"; for TensorRT-LLM's fmha
	// "context" or "gen".
	Kind string
	// DType is the type of the inputs where the name states it, else "": one of f64 f32
	// tf32 bf16 f16 f8 f8e4m3 f8e5m2 f4 mxf8 mxf4 nvf4 i8 i4 i32 i64 u8 bool …, or two of
	// them where the operands of a GEMM differ, in the order of the name: "mxf4xmxf8". For
	// a C++ template it is the only floating type among Args, or the first of several when
	// it is also the first type of all; without any, an integer type that is the first argument.
	DType string
	// OutDType is the type of the output where the name states it.
	OutDType string
	// Layout is the operand layout of a GEMM where stated: "tn", "nn", "nt", "tt", in the
	// generator's own convention (Triton's matmul counts rows, BLAS counts columns).
	Layout string
	// Tile is the output tile of a GEMM or the tile of a generated kernel as written,
	// "128x256x64"; it tells two kernels of one generator apart in a table.
	Tile string
	// SplitK tells a split-K GEMM; for Tensile a StreamK or GSU kind counts only where
	// the name states a value above one.
	SplitK bool
	// Epilogue is what the generated kernel does to its result: "swiglu", "geglu",
	// "gelu", "relu", "silu", "bias", …; "" where none is stated. The "relu" of cuBLAS and
	// cuDNN names and the "Bias" and "HA" of Tensile's say what a kernel can do and not
	// what this launch does, so they are not read.
	Epilogue string
	// Module is the dotted-less module path in a CuTe DSL name
	// ("flashinfernormkernelsfused_add_rmsnorm").
	Module string
	// Words are the words of Base, lower case, split at underscores, digits kept with
	// their word, and at camel-case humps: paged_attention_ll4mi_QKV_mfma16_kernel has
	// [paged attention ll4mi qkv mfma16 kernel], FusedAddRMSNormKernel has
	// [fused add rms norm kernel] (RMSNorm and LayerNorm split before Norm).
	Words []string
}

// Qualified is the namespace and base: "flashinfer::norm::FusedAddRMSNormKernel".
func (s *Symbol) Qualified() string {
	if s.Namespace == "" {
		return s.Base
	}
	return s.Namespace + "::" + s.Base
}
