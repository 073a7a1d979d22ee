package symbol

import (
	"strings"
)

var (
	ncclName = pattern(`^((?:nccl|rccl|msccl)(?:Symk?)?(?:Dev)?Kernel(?:Debug)?)_([A-Za-z]+)(?:_(.*))?$`)
	memName  = pattern(`^(Memcpy|Memset)(?: ([A-Z]to[A-Z]))?(?: \(([A-Za-z ]+?)(?: -> ([A-Za-z ]+))?\))?$`)
)

var ncclTypes = map[string]string{
	"bf16": "bf16", "f16": "f16", "half": "f16", "f32": "f32", "float": "f32", "f64": "f64", "double": "f64",
	"f8e4m3": "f8e4m3", "f8e5m2": "f8e5m2", "fp8": "f8e4m3", "i8": "i8", "u8": "u8", "i32": "i32", "u32": "u32", "i64": "i64", "u64": "u64",
	"int8_t": "i8", "uint8_t": "u8", "int32_t": "i32", "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64",
}

// readNCCL reads ncclDevKernel_AllReduce_Sum_bf16_RING_LL and the older
// ncclKernel_AllReduce_RING_LL_Sum_float. RCCL uses NCCL's names, and only its own
// extensions tell it from NCCL.
func readNCCL(s *Symbol, name string) bool {
	m := ncclName().FindStringSubmatch(name)
	if m == nil {
		return false
	}
	s.Generator, s.Base = "nccl", m[1]+"_"+m[2]
	if !strings.HasPrefix(name, "nccl") {
		s.Generator = "rccl"
	}
	switch m[2] {
	case "Generic", "main":
	case "Sum", "Prod", "Min", "Max", "MinMax", "PreMulSum", "SumPostDiv", "Avg":
		s.Base = m[1] // MSCCL names the reduction and not the collective
	default:
		s.Kind = strings.Join(words(m[2]), "_")
	}
	rest := m[3]
	for _, t := range []string{"uint8_t", "int8_t", "uint32_t", "int32_t", "uint64_t", "int64_t"} {
		if strings.HasSuffix(rest, "_"+t) {
			s.DType = ncclTypes[t]
			return true
		}
	}
	for _, t := range strings.Split(rest, "_") {
		if d := ncclTypes[t]; d != "" {
			s.DType = d
			break
		}
	}
	return true
}

// readMemory reads the rows that Kineto writes for the driver's copies and fills, "Memcpy
// HtoD (Pageable -> Device)", and the names that ROCm's tracer gave them.
func readMemory(s *Symbol, name string) bool {
	switch name {
	case "CopyHostToDevice", "CopyDeviceToHost", "CopyDeviceToDevice", "CopyHostToHost":
		from, to := name[len("Copy"):len("Copy")+1], "H"
		if strings.HasSuffix(name, "Device") {
			to = "D"
		}
		s.Generator, s.Base, s.Kind = "memory", "Memcpy", from+"to"+to
		return true
	case "FillBuffer":
		s.Generator, s.Base, s.Kind = "memory", "Memset", "set"
		return true
	}
	if !strings.HasPrefix(name, "Mem") || len(name) > 128 {
		return false
	}
	m := memName().FindStringSubmatch(name)
	if m == nil {
		return false
	}
	s.Generator, s.Base, s.Kind = "memory", m[1], m[2]
	if m[1] == "Memset" {
		s.Kind = "set"
	}
	return true
}
