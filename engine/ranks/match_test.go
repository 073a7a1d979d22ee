package ranks

import (
	"reflect"
	"strings"
	"testing"
)

const decode = "step[DECODE bs=4]"

func TestTransferAndWaiting(t *testing.T) {
	// Three calls: rank 1 comes last to the first, rank 0 to the second, both at once to
	// the third. Ends agree, as those of a real all-reduce.
	a := rank(t, 0, "", inStep(decode, gemm(10), reduce(30, 7), gemm(40), reduce(10, 7), gemm(10), reduce(10, 7)))
	b := rank(t, 1, "start_us: 777777", inStep(decode, gemm(30), reduce(10, 7), gemm(10), reduce(40, 7), gemm(9.9), reduce(10.1, 7)))
	r := Match([]Rank{a, b})
	want := "decode all_reduce_two_shot_kernel [0 1]: 3 calls, 1 ties, transfer 30000, waiting [20000 30100], last [1 1], outside 0\n"
	if got := told(r); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if got, want := r.Ranks, []Tally{
		{Total: 110_000, Own: 60_000, Calls: 3, Transfer: 30_000, Waiting: 20_000, Last: 1, Caused: 30_000},
		{Total: 110_000, Own: 49_900, Calls: 3, Transfer: 30_000, Waiting: 30_100, Last: 1, Caused: 20_000},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("ranks %+v, want %+v", got, want)
	}
	if len(r.Lead) != 1 || len(r.Lead[0]) != 3 {
		t.Fatalf("calls of the lead: %v", r.Lead)
	}
	if s := r.Lead[0][1]; s != (Split{10_000, 20_000, 1}) {
		t.Errorf("the first call: %+v", s)
	}
	if s := r.Lead[0][5]; s != (Split{10_000, 0, -1}) {
		t.Errorf("the call both came to at once: %+v", s)
	}
}

func TestWhatIsNotMatched(t *testing.T) {
	one := inStep(decode, gemm(5), reduce(10, 7))
	two := inStep(decode, gemm(5), reduce(10, 7), reduce(10, 7))
	for _, c := range []struct {
		name string
		a, b string
		want []string // in the lines of told
		not  string
	}{
		{"another count in one step", one + two + one, one + one + one,
			[]string{"2 calls, 2 ties", "left on 0: decode all_reduce_two_shot_kernel, 2 calls, 20000 ns: ranks differ in how often they call it in a step", "left on 1: decode all_reduce_two_shot_kernel, 1 calls"}, ""},
		{"none in one step", one + inStep(decode, gemm(5)), one + one,
			[]string{"1 calls, 1 ties", "left on 1: decode all_reduce_two_shot_kernel, 1 calls"}, "left on 0"},
		{"as often on two streams", inStep(decode, reduce(10, 7), reduce(20, 9)), inStep(decode, reduce(10, 7), reduce(20, 9)),
			[]string{"left on 0: decode all_reduce_two_shot_kernel, 2 calls", "which are the same cannot be told"}, "transfer"},
		{"another number of streams", inStep(decode, reduce(10, 7), reduce(10, 7), reduce(20, 9)), inStep(decode, reduce(10, 7), reduce(20, 7), reduce(10, 7)),
			[]string{"how many streams"}, "transfer"},
		{"other steps", inStep("step[EXTEND bs=1 toks=64]", reduce(10, 7)), one,
			[]string{"1 steps were recorded here and 1 there"}, "transfer"},
		{"steady steps and one more", one + one + one + one, one + one + one,
			[]string{"4 calls, 40000 ns: no other rank of its group has the same steps: 4 steps were recorded here and 3 there", "left on 1: decode all_reduce_two_shot_kernel, 3 calls, 30000 ns: against rank 0: 4 steps"}, "transfer"},
		{"no steps on one side", one, "  - " + reduce(10, 7) + "\n", []string{"one of the two ranks has no steps"}, "transfer"},
		{"a broadcast", inStep(decode, "{kernel: ncclDevKernel_Broadcast_RING_LL}"), inStep(decode, "{kernel: ncclDevKernel_Broadcast_RING_LL}"),
			[]string{whyRooted}, "transfer"},
		{"outside every step, another count", "  - " + reduce(10, 7) + "\n", "  - " + reduce(10, 7) + "\n  - " + reduce(10, 7) + "\n",
			[]string{"how often they call it in the stage, outside every step"}, "transfer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := told(Match([]Rank{rank(t, 0, "", c.a), rank(t, 1, "", c.b)}))
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in\n%s", w, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("%q in\n%s", c.not, got)
			}
		})
	}
}

func TestWhatIsMatched(t *testing.T) {
	first := inStep("step[EXTEND bs=1 toks=64]", gemm(500), reduce(11, 7))
	uneven := func(us ...float64) string {
		var s string
		for _, u := range us {
			s += inStep(decode, gemm(u), reduce(10, 7))
		}
		return s
	}
	for _, c := range []struct {
		name string
		a, b string
		want string
	}{
		{"a rank that began a step late, by the names", first + uneven(5), uneven(5),
			"1 calls, 1 ties, transfer 10000, waiting [0 0]"},
		{"a rank that began a step late, by the intervals", uneven(500, 900, 1300, 200, 700), uneven(900, 1300, 200, 700),
			"4 calls, 4 ties, transfer 40000"},
		{"as many steps, a step apart, by the intervals", uneven(500, 900, 1300, 200, 700), uneven(900, 1300, 200, 700, 1500),
			"4 calls, 4 ties, transfer 40000"},
		{"streams told apart by their number of calls", inStep(decode, reduce(10, 7), reduce(20, 9), reduce(30, 9)), inStep(decode, reduce(40, 21), reduce(50, 21), reduce(60, 20)),
			"3 calls, 0 ties, transfer 60000, waiting [0 90000]"},
		{"no steps at all", "  - " + reduce(10, 7) + "\n", "  - " + reduce(20, 7) + "\n", "1 calls, 0 ties, transfer 10000, waiting [0 10000], last [1 0], outside 1"},
		{"two collectives in turn", inStep(decode, reduce(10, 7), "{kernel: ncclDevKernel_AllGather_RING_LL, us: 9}"), inStep(decode, reduce(10, 7), "{kernel: ncclDevKernel_AllGather_RING_LL, us: 19}"),
			"ncclDevKernel_AllGather_RING_LL [0 1]: 1 calls, 0 ties, transfer 9000, waiting [0 10000]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := told(Match([]Rank{rank(t, 0, "", c.a), rank(t, 1, "", c.b)})); !strings.Contains(got, c.want) {
				t.Errorf("no %q in\n%s", c.want, got)
			}
		})
	}
}

// Steps that bear the same names and are as many are taken for the same; where the
// intervals speak against it, the check says so.
func TestDoubt(t *testing.T) {
	steps := func(us ...float64) string {
		var s string
		for _, u := range us {
			s += inStep(decode, gemm(u), reduce(10, 7))
		}
		return s
	}
	r := Match([]Rank{rank(t, 0, "", steps(100, 500, 900, 1300)), rank(t, 1, "", steps(100, 1300, 400, 2000))})
	if len(r.Checks) != 1 || !r.Checks[0].Doubtful() || r.Checks[0].Of != 3 || r.Ranks[0].Calls != 4 {
		t.Errorf("checks %+v, %d calls", r.Checks, r.Ranks[0].Calls)
	}
	r = Match([]Rank{rank(t, 0, "", steps(100, 500, 900)), rank(t, 1, "", steps(100, 500, 900))})
	if len(r.Checks) != 1 || r.Checks[0].Doubtful() || r.Checks[0].Agree != 2 {
		t.Errorf("checks %+v", r.Checks)
	}
}

// Three ranks: one of them differs in one step, and that step is left out for all.
func TestThreeRanks(t *testing.T) {
	one := inStep(decode, gemm(5), reduce(10, 7))
	slow := inStep(decode, gemm(3), reduce(12, 7))
	two := inStep(decode, gemm(5), reduce(10, 7), reduce(10, 7))
	got := told(Match([]Rank{rank(t, 0, "", one+one), rank(t, 1, "", slow+slow), rank(t, 2, "", one+two)}))
	want := "decode all_reduce_two_shot_kernel [0 1 2]: 1 calls, 1 ties, transfer 10000, waiting [0 2000 0], last [0 0 0], outside 0\n"
	if !strings.HasPrefix(got, want) || strings.Count(got, "left on") != 3 {
		t.Errorf("got\n%s", got)
	}
}

// The order in which ranks are given changes who is first and no sum.
func TestOrderOfRanks(t *testing.T) {
	a := rank(t, 0, "", inStep(decode, gemm(10), reduce(30, 7))+inStep(decode, gemm(30), reduce(12, 7)))
	b := rank(t, 1, "", inStep(decode, gemm(30), reduce(10, 7))+inStep(decode, gemm(11), reduce(31, 7)))
	x, y := Match([]Rank{a, b}), Match([]Rank{b, a})
	if x.Ranks[0] != y.Ranks[1] || x.Ranks[1] != y.Ranks[0] || x.Ranks[0].Calls != 2 {
		t.Errorf("%+v and %+v", x.Ranks, y.Ranks)
	}
	if !reflect.DeepEqual(x, Match([]Rank{a, b})) {
		t.Error("the same ranks twice give different results")
	}
	for k, s := range x.Lead[0] {
		if s.Transfer+s.Waiting != a.Parts[0].calls[k/2].dur {
			t.Errorf("kernel %d: %d and %d are not its duration", k, s.Transfer, s.Waiting)
		}
	}
}

// A stage that one rank has no trace of.
func TestParts(t *testing.T) {
	a, d := rank(t, 0, "", inStep("step[EXTEND bs=1 toks=64]", reduce(10, 7))), rank(t, 0, "", inStep(decode, reduce(20, 7)))
	b := rank(t, 1, "", inStep(decode, reduce(25, 7)))
	a.Parts[0].File, d.Parts[0].File, b.Parts[0].File = "extend", "decode", "decode"
	a.Parts = append(a.Parts, d.Parts...)
	r := Match([]Rank{a, b})
	want := "decode all_reduce_two_shot_kernel [0 1]: 1 calls, 0 ties, transfer 20000, waiting [0 5000], last [1 0], outside 0\n" +
		"left on 0: extend all_reduce_two_shot_kernel, 1 calls, 10000 ns: no other rank of its group was read\n"
	if got := told(r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(r.Lead[0]) != 0 || len(r.Lead[1]) != 1 {
		t.Errorf("calls of the parts %v", r.Lead)
	}
}

func TestOneRank(t *testing.T) {
	r := Match([]Rank{rank(t, 0, "", inStep(decode, reduce(10, 7)))})
	if len(r.Collectives) != 0 || r.Ranks[0].LeftCalls != 1 {
		t.Errorf("%s", told(r))
	}
	if r := Match(nil); len(r.Ranks) != 0 {
		t.Errorf("%+v", r)
	}
}
