package ranks

import (
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/symbol"
)

func TestPlaces(t *testing.T) {
	all := [][]int64{{0, 1, 2, 3}}
	several := [][]int64{{0, 1, 2, 3}, {0, 1}}
	for _, c := range []struct {
		name  string
		ranks []Rank
		want  string // one letter a rank: the same letter is the same group, - is unknown
	}{
		{"TP ranks by name", []Rank{{Global: -1, Named: true}, {Global: -1, Named: true}}, "aa"},
		{"pipeline stages by name", []Rank{{Global: 0, Named: true, Place: "PP-0"}, {Global: 1, Named: true, Place: "PP-0"}, {Global: 2, Named: true, Place: "PP-1"}, {Global: 3, Named: true, Place: "PP-1"}}, "aabb"},
		{"one process group whatever the names", []Rank{{Global: 0, Groups: all}, {Global: 1, Groups: all}}, "aa"},
		{"data-parallel attention in one process group", []Rank{{Global: 0, Named: true, Place: "DP-0", Groups: all}, {Global: 1, Named: true, Place: "DP-1", Groups: all}}, "aa"},
		{"replicas, each a world of its own", []Rank{{Global: 0, Named: true, Place: "DP-0", Groups: all}, {Global: 1, Named: true, Place: "DP-0", Groups: all}, {Global: 0, Named: true, Place: "DP-1", Groups: all}, {Global: 1, Named: true, Place: "DP-1", Groups: all}}, "aabb"},
		{"several process groups, names decide", []Rank{{Global: 0, Named: true, Groups: several}, {Global: 1, Named: true, Groups: several}}, "aa"},
		{"several process groups and no names", []Rank{{Global: 0, Groups: several}, {Global: 1, Groups: several}}, "--"},
		{"nothing known", []Rank{{Global: 0}, {Global: 1}}, "--"},
		{"two traces of one rank", []Rank{{Global: 1, Named: true, Groups: all}, {Global: 1, Named: true, Groups: all}}, "--"},
		{"groups known of one trace only, names of all", []Rank{{Global: 0, Named: true, Groups: all}, {Global: 1, Named: true}}, "aa"},
		{"disjoint process groups", []Rank{{Global: 0, Groups: [][]int64{{0, 1}}}, {Global: 2, Groups: [][]int64{{2, 3}}}}, "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			letters := map[string]byte{}
			var got strings.Builder
			for _, p := range places(c.ranks) {
				key, why := p.of("")
				if why != "" {
					got.WriteByte('-')
					continue
				}
				if letters[key] == 0 {
					letters[key] = 'a' + byte(len(letters))
				}
				got.WriteByte(letters[key])
			}
			if got.String() != c.want {
				t.Errorf("groups %s, want %s", got.String(), c.want)
			}
		})
	}
}

// Kernels that name their process group are matched inside it and nowhere else, whatever
// the file names say.
func TestProcessGroups(t *testing.T) {
	call := func(us, group, ranks string) string {
		return "{kernel: ncclDevKernel_AllReduce_Sum_bf16_RING_LL, us: " + us + ", args: {Collective name: allreduce, Process Group Name: '" + group + "', Process Group Ranks: '" + ranks + "'}}"
	}
	send := "{kernel: ncclDevKernel_SendRecv, us: 4, args: {Collective name: send, Process Group Name: '9', Process Group Ranks: '[0, 1, 2, 3]'}}"
	a := rank(t, 0, "", inStep(decode, call("10", "7", "[0, 1]"), call("50", "9", "[0, 1, 2, 3]"), send))
	b := rank(t, 1, "", inStep(decode, call("20", "7", "[0, 1]"), call("40", "9", "[0, 1, 2, 3]"), send))
	c := rank(t, 2, "", inStep(decode, call("90", "8", "[2, 3]"), call("30", "9", "[0, 1, 2, 3]"), send))
	r := Match([]Rank{a, b, c})
	got := told(r)
	for _, w := range []string{
		"[0 1 2]: 1 calls, 0 ties, transfer 30000, waiting [20000 10000 0], last [0 0 1]",
		"[0 1]: 1 calls, 0 ties, transfer 10000, waiting [0 10000], last [1 0]",
		"left on 2: decode ncclDevKernel_AllReduce_Sum_bf16_RING_LL, 1 calls, 90000 ns: no other rank of its group was read",
		"left on 0: decode ncclDevKernel_SendRecv, 1 calls, 4000 ns: " + whyUneven,
	} {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
}

func TestPipelineStagesAreNotMatched(t *testing.T) {
	a, b := rank(t, 0, "", inStep(decode, reduce(10, 7))), rank(t, 1, "", inStep(decode, reduce(90, 7)))
	a.Place, b.Place = "PP-0", "PP-1"
	r := Match([]Rank{a, b})
	if got := told(r); strings.Contains(got, "transfer") || strings.Count(got, "no other rank of its group was read") != 2 {
		t.Errorf("got\n%s", got)
	}
}

func TestUnequal(t *testing.T) {
	for _, c := range []struct{ kernel, collective, want string }{
		{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", "", ""},
		{"ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)", "", ""},
		{"ncclDevKernel_ReduceScatter_Sum_bf16_RING_LL", "", ""},
		{"ncclDevKernel_Broadcast_RING_LL", "", whyRooted},
		{"ncclDevKernel_Reduce_Sum_f32_RING_LL", "", whyRooted},
		{"ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)", "", whyPoint},
		{"ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)", "all_to_allv", whyUneven},
		{"ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)", "send", whyUneven},
		{"ncclDevKernel_Generic(ncclDevKernelArgsStorage<4096ul>)", "", whyUnnamed},
		{"ncclDevKernel_Generic(ncclDevKernelArgsStorage<4096ul>)", "_allgather_base", ""},
		{"ncclDevKernel_Generic(ncclDevKernelArgsStorage<4096ul>)", "_reduce_scatter_base", ""},
		{"ncclDevKernel_Generic(ncclDevKernelArgsStorage<4096ul>)", "broadcast", whyRooted},
		{"ncclDevKernel_Generic(ncclDevKernelArgsStorage<4096ul>)", "something new", whyUnnamed},
		{"void (anonymous namespace)::all_reduce_two_shot_kernel<__nv_bfloat16, 4u, true>()", "", ""},
		{"void deep_ep::intranode::dispatch<8, 768, 16384>(int4*)", "", whyUneven},
		{"void moe_alltoall_kernel<8>()", "", whyUneven},
		{"void tensorrt_llm::kernels::moeAllToAllKernel<8>(int)", "", whyUneven},
		{"void tensorrt_llm::kernels::moe_comm::moeA2ADispatchKernel<8>(int)", "", whyUneven},
		{"EpCombineIntraNodeKernel_bf16", "", whyUneven},
		{"void tensorrt_llm::kernels::lamport_style_one_shot_all_reduce_norm_kernel<__nv_bfloat16, 8>(int)", "", ""},
	} {
		s := symbol.Parse(c.kernel)
		if got := unequal(&s, c.collective); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kernel, c.collective, got, c.want)
		}
	}
}

func TestStraggler(t *testing.T) {
	for _, c := range []struct {
		a    Arrivals
		want int
	}{
		{Arrivals{Time: 1000, Waiting: 500, Caused: []int64{100, 400, 0}}, 1},
		{Arrivals{Time: 1000, Waiting: 500, Caused: []int64{330, 170}}, 0},
		{Arrivals{Time: 1000, Waiting: 500, Caused: []int64{329, 171}}, -1},
		{Arrivals{Time: 1000, Waiting: 50, Caused: []int64{50, 0}}, 0},
		{Arrivals{Time: 1001, Waiting: 50, Caused: []int64{50, 0}}, -1},
		{Arrivals{Time: 1000, Waiting: 500, Caused: []int64{100, 100}}, -1}, // the rest in ties
		{Arrivals{Time: 1000, Caused: []int64{0, 0}}, -1},
	} {
		if got := c.a.Straggler(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.a, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	step := func(gemms ...float64) string {
		var items []string
		for _, us := range gemms {
			items = append(items, gemm(us))
		}
		return inStep(decode, append(items, "{kernel: norm, us: 50}", reduce(10, 7))...)
	}
	late := inStep("step[EXTEND bs=1 toks=9]", gemm(1000), reduce(10, 7))
	for _, c := range []struct {
		name string
		a, b string
		want []int64 // times of the gemm on both; nil: not listed
	}{
		{"below a tenth", step(100), step(109), nil},
		{"a tenth of the median", step(100), step(111), []int64{100_000, 111_000}},
		{"only in the steps that both have", late + step(100), step(120), []int64{100_000, 120_000}},
		{"on one rank only", step(), step(30), []int64{0, 30_000}},
		{"too little of the whole", inStep(decode, gemm(1), "{kernel: norm, us: 5000}", reduce(10, 7)), inStep(decode, gemm(2), "{kernel: norm, us: 5000}", reduce(10, 7)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Match([]Rank{rank(t, 0, "", c.a), rank(t, 1, "", c.b)})
			var got []int64
			for _, s := range r.Spread {
				if s.Name != "gemm" {
					t.Errorf("%s is listed: %v", s.Name, s.Times)
					continue
				}
				got = s.Times
			}
			if len(got) != len(c.want) || len(got) == 2 && (got[0] != c.want[0] || got[1] != c.want[1]) {
				t.Errorf("times %v, want %v", got, c.want)
			}
		})
	}
}
