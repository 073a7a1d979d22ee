package ranks

import (
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/symbol"
)

// Why a communication kernel cannot be split into transfer and waiting.
const (
	whyUneven  = "it moves another amount on each rank or does not wait for all of them, so the shortest is not the transfer"
	whyRooted  = "a rank that only sends need not wait for the others"
	whyPoint   = "it may be point to point; no process group says otherwise"
	whyUnnamed = "its name does not say which collective it runs"
)

// unequal tells why a communication kernel is none that all ranks of its group do alike
// and leave together; "" if it is. collective is what the profiler calls it, "" unknown.
//
// All-reduce, all-gather and reduce-scatter move as much on every rank, and none of them
// ends before every rank has come.
func unequal(s *symbol.Symbol, collective string) string {
	if c := strings.ReplaceAll(strings.ToLower(collective), "_", ""); c != "" {
		switch {
		case alike(c):
			return ""
		case strings.HasPrefix(c, "send"), strings.HasPrefix(c, "recv"), strings.HasPrefix(c, "alltoall"):
			return whyUneven
		case strings.HasPrefix(c, "broadcast"), strings.HasPrefix(c, "reduce"), strings.HasPrefix(c, "gather"), strings.HasPrefix(c, "scatter"):
			return whyRooted
		}
		return whyUnnamed
	}
	if s.Generator == "nccl" || s.Generator == "rccl" {
		switch k := strings.ReplaceAll(s.Kind, "_", ""); {
		case k == "":
			return whyUnnamed
		case alike(k):
			return ""
		case k == "sendrecv":
			return whyPoint
		case strings.HasPrefix(k, "alltoall"):
			return whyUneven
		}
		return whyRooted
	}
	for _, ns := range []string{"deep_ep", "mori", "pplx"} {
		if s.Namespace == ns || strings.HasPrefix(s.Namespace, ns+"::") {
			return whyUneven
		}
	}
	for _, w := range []string{"alltoall", "a2a", "nvshmem", "nvshmemi", "dispatch", "combine"} {
		if slices.Contains(s.Words, w) {
			return whyUneven
		}
	}
	for i := range s.Words {
		if rest := s.Words[i:]; len(rest) > 2 && rest[0] == "all" && rest[1] == "to" && rest[2] == "all" {
			return whyUneven
		}
	}
	return ""
}

// alike tells a collective in which every rank does the same, by its name without
// underscores.
func alike(name string) bool {
	for _, p := range []string{"allreduce", "allgather", "reducescatter", "barrier"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
