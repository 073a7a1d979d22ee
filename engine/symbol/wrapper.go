package symbol

import (
	"strings"
)

// maxNesting bounds how deep a payload is looked for inside wrappers.
const maxNesting = 16

// maxPayload bounds the text in which it is looked for: each level reads it once more.
const maxPayload = 1 << 16

// generatorOf reads what made a C++ kernel off its namespaces, and for the libraries with
// kernels in the global namespace off the types that only they have.
func generatorOf(s *Symbol, path []segment) string {
	ns := strings.Split(s.Namespace, "::")
	for _, part := range ns {
		switch part {
		case "cub", "thrust", "rocprim", "hipcub":
			return "thrust"
		}
	}
	top := ns[0]
	switch {
	case top == "at":
		return "aten"
	case top == "ck_tile":
		return "ck_tile"
	case top == "ck":
		return "ck"
	case top == "cublasLt":
		return "cublaslt"
	case strings.HasPrefix(top, "cutlass"):
		return "cutlass"
	case top == "cudnn" || strings.HasPrefix(top, "cask_cudnn"):
		return "cudnn"
	}
	if len(path) == 0 {
		return ""
	}
	last := path[len(path)-1]
	switch {
	case atenWrapper[s.Base] && strings.Contains(last.args, "at::native::"):
		return "aten"
	case strings.Contains(last.params, "cublasLt"):
		return "cublaslt"
	case strings.Contains(last.params, "cublas") || strings.Contains(last.args, "cublas"):
		return "cublas"
	case strings.Contains(last.params, "cudnn") || strings.Contains(last.args, "cudnn"):
		return "cudnn"
	}
	return ""
}

// atenWrapper are the kernels of PyTorch that only run a functor given as a template
// argument.
var atenWrapper = map[string]bool{
	"elementwise_kernel": true, "vectorized_elementwise_kernel": true, "unrolled_elementwise_kernel": true,
	"elementwise_kernel_manual_unroll": true, "elementwise_kernel_with_index": true, "index_elementwise_kernel": true,
	"vectorized_templated_elementwise_kernel": true, "unrolled_elementwise_kernel_for_multi_outputs": true,
	"unrolled_templated_elementwise_kernel": true, "templated_elementwise_kernel": true,
	"reduce_kernel": true, "multi_tensor_apply_kernel": true, "_scatter_gather_elementwise_kernel": true,
	"distribution_elementwise_grid_stride_kernel": true, "distribution_binary_elementwise_kernel": true,
	"kernelPointwiseApply1": true, "kernelPointwiseApply2": true, "kernelPointwiseApply3": true,
}

// transparent are the functions and classes that stand between a wrapper and its payload.
var transparent = map[string]bool{
	"gpu_kernel": true, "gpu_kernel_impl": true, "gpu_kernel_impl_nocast": true, "gpu_index_kernel": true,
	"gpu_kernel_with_scalars": true, "opmath_gpu_kernel_with_scalars": true, "gpu_kernel_multiple_outputs_impl": true,
	"uniform_and_transform": true, "normal_and_transform": true, "random_from_to": true,
	"BinaryFunctor": true, "AUnaryFunctor": true, "BUnaryFunctor": true, "ReduceOp": true, "func_wrapper_t": true,
	"UnaryOpFunctor": true, "BinaryOpScalarFunctor": true, "BinaryOpScalarFunctor_": true, "BinaryOpListAlphaFunctor": true,
	"BinaryOpScalarTensorFunctor": true, "PointwiseOpScalarFunctor": true, "PointwiseOpListFunctor": true,
	"PointwiseOpScalarListFunctor": true, "BinaryOpScalarListFunctor": true, "TernaryOpListFunctor": true,
	"enable_sm80_to_sm89": true, "enable_sm90": true, "enable_sm90_or_later": true, "enable_sm100": true,
}

// notPayload are class templates among a wrapper's arguments that describe its data or
// its target.
var notPayload = pattern(`^(array|Array|TensorListMetadata|TensorListScalarListMetadata|FusedOptimizerTensorListMetadata|TrivialOffsetCalculator|OffsetCalculator|LoadWithCast|StoreWithCast|LoadWithoutCast|StoreWithoutCast|OpaqueType|tuple|CUDAGeneratorImpl|gfx\w*|.*_config)$`)

// readTemplate fills Functor, DType and what else a C++ name states.
func readTemplate(s *Symbol) {
	small := 0
	for _, a := range s.Args {
		small += len(a)
	}
	switch {
	case small > maxPayload:
	case atenWrapper[s.Base] && s.Generator == "aten":
		s.Functor, s.DType = payloadOf(s.Args, maxNesting)
		if s.Base == "elementwise_kernel_with_index" {
			s.DType = "" // its functor gets nothing but the index
		}
	case s.Generator == "cutlass" && (s.Base == "Kernel" || s.Base == "Kernel2" || s.Base == "device_kernel"):
		readCutlassKernel(s)
	case s.Generator == "ck_tile" && s.Base == "kentry":
		s.Functor, _ = payloadOf(s.Args, maxNesting)
		for _, a := range s.Args {
			if s.DType = leafFloat(a, 4); strings.Contains(a, "<") {
				path, _ := splitPath(a, 0)
				s.DType = leafFloat(path[len(path)-1].args, 4)
				break
			}
		}
	case s.Generator == "ck" && strings.HasPrefix(s.Base, "kernel_"):
		readCK(s)
	case s.Generator == "thrust" && (s.Base == "trampoline_kernel" || s.Base == "_kernel_agent"):
		s.Functor, _ = payloadOf(s.Args, maxNesting)
	default:
		s.DType = templateDType(s.Args)
	}
	if strings.Contains(strings.ToLower(s.Base), "splitkreduce") || s.Functor == "ReduceSplitK" {
		s.SplitK = true
	}
}

// payloadOf returns the base name of the first functor among template arguments, looking
// through the transparent ones, and the type that it works on.
func payloadOf(args []string, depth int) (functor, dtype string) {
	if depth == 0 {
		return "", ""
	}
	// multi_tensor_apply_kernel has its operation behind the functor that applies it: a
	// transparent one without a payload of its own gives the type and is the last resort.
	through, throughType := "", ""
	for _, a := range args {
		functor, dtype = payload(a, depth-1)
		switch {
		case functor == "":
		case transparent[functor]:
			through, throughType = functor, dtype
		case throughType != "":
			return functor, throughType
		default:
			return functor, dtype
		}
	}
	return through, throughType
}

// payload reads one template argument as a functor: a lambda in a host function is that
// function, an object is its class; a scalar, a pointer, a literal is none.
func payload(arg string, depth int) (functor, dtype string) {
	if arg == "" || strings.HasSuffix(arg, "*") || scalarOf(arg) != "" || arg[0] >= '0' && arg[0] <= '9' || arg[0] == '-' ||
		arg == "true" || arg == "false" || arg[0] == '(' && !strings.HasPrefix(arg, anonNamespace) {
		return "", ""
	}
	path, _ := splitPath(arg, 0)
	if len(path) == 0 {
		return "", ""
	}
	// The outermost function, if the type is local to one; of a call operator, its class.
	at := len(path) - 1
	for i, seg := range path {
		if seg.call && !strings.HasPrefix(seg.name, "{") {
			at = i
			if seg.name == "operator()" && i > 0 {
				at = i - 1
			}
			break
		}
	}
	seg := path[at]
	if notPayload().MatchString(seg.name) {
		return "", ""
	}
	own := splitArgs(seg.args)
	if transparent[seg.name] {
		functor, dtype = payloadOf(own, depth)
		for _, a := range own {
			if d := scalarOf(a); d != "" && !seg.call {
				dtype = d // the operands' type; the functor inside may compute in another
				break
			}
		}
		if functor != "" {
			return functor, dtype
		}
	}
	// The parameters of the innermost lambda are what the functor really gets.
	if last := path[len(path)-1]; at < len(path)-1 && strings.HasPrefix(last.name, "{lambda(") {
		inner := last.name[len("{lambda"):]
		// A pointer comes first where it gets raw bytes and offsets.
		if params := splitArgs(inner[1:min(closing(inner, 0), len(inner))]); len(params) > 0 && !strings.HasSuffix(params[0], "*") {
			dtype = scalarOf(params[0])
		}
	}
	if dtype == "" {
		dtype = templateDType(own)
	}
	return seg.name, dtype
}

var (
	gemmShape = pattern(`GemmShape<(\d+), (\d+), (\d+)>`)
	ckNumbers = pattern(`GemmSpecialization\)\d+((?:, \d+){2,8})`)
)

// readCutlassKernel reads cutlass::Kernel<X> and its likes. X is a class or, in cuBLAS and
// cuDNN, a generated name. The first GemmShape of a CUTLASS 2 kernel is its threadblock's.
func readCutlassKernel(s *Symbol) {
	s.Functor, _ = payloadOf(s.Args, maxNesting)
	if len(s.Args) == 0 {
		return
	}
	if !strings.ContainsAny(s.Args[0], "<(:") {
		var in Symbol
		if readLegacyGEMM(&in, s.Args[0]) {
			s.DType, s.OutDType, s.Layout, s.Tile, s.SplitK = in.DType, in.OutDType, in.Layout, in.Tile, in.SplitK
		}
		return
	}
	if m := gemmShape().FindStringSubmatch(s.Args[0]); m != nil {
		s.Tile = m[1] + "x" + m[2] + "x" + m[3]
	}
}

// readCK reads Composable Kernel's ck::kernel_…<Gridwise…<…>>. CK's bf16 is an unsigned
// short. The numbers behind the GemmSpecialization are the block size and then M, N and K
// of the block, with the scale's block sizes between or before them in three classes.
func readCK(s *Symbol) {
	if len(s.Args) == 0 {
		return
	}
	s.Functor, _ = payloadOf(s.Args[:1], maxNesting)
	path, _ := splitPath(s.Args[0], 0)
	if len(path) == 0 {
		return
	}
	for _, a := range splitArgs(path[len(path)-1].args) {
		if d := scalarOf(a); d != "" {
			if d == "u16" {
				d = "bf16"
			}
			s.DType = d
			break
		}
	}
	m := ckNumbers().FindStringSubmatch(s.Args[0])
	if m == nil {
		return
	}
	n := strings.Split(strings.TrimPrefix(m[1], ", "), ", ")
	from := 1
	switch {
	case strings.Contains(s.Functor, "MoeGemmMX"):
		from = 2
	case strings.Contains(s.Functor, "ABScale") || strings.Contains(s.Functor, "BlockScale"):
		from = 4
	}
	if from+3 <= len(n) {
		s.Tile = strings.Join(n[from:from+3], "x")
	}
}
