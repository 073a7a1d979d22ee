package kineto

import "bytes"

// category is what an event is, by its "cat".
type category uint8

const (
	catOther category = iota // not used: flows, overhead, memory, anything unknown
	catOp
	catFrame
	catAnnotation
	catMark
	catLaunch
	catSync
	catKernel
	catCopy
	catSet
)

// maxCategory is longer than every known category.
const maxCategory = 40

// categoryOf knows today's spelling and that of old Kineto (Kernel, Runtime,
// Operator), in any case of letters. Calls of any vendor's runtime or driver are
// launches: cuda_runtime, cuda_driver, hip_runtime, xpu_runtime, privateuse1_runtime.
func categoryOf(b []byte) category {
	var low [maxCategory]byte
	if len(b) > len(low) {
		return catOther
	}
	for i, c := range b {
		low[i] = lower(c)
	}
	name := low[:len(b)]
	switch string(name) {
	case "kernel":
		return catKernel
	case "python_function", "python":
		return catFrame
	case "cpu_op", "operator":
		return catOp
	case "user_annotation":
		return catAnnotation
	case "gpu_user_annotation":
		return catMark
	case "gpu_memcpy", "memcpy":
		return catCopy
	case "gpu_memset", "memset":
		return catSet
	case "cuda_sync":
		return catSync
	case "runtime", "driver":
		return catLaunch
	}
	if bytes.HasSuffix(name, []byte("_runtime")) || bytes.HasSuffix(name, []byte("_driver")) {
		return catLaunch
	}
	return catOther
}
