package tracebuild

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// built is a trace as a plain JSON decoder sees it.
type built struct {
	top    map[string]json.RawMessage
	events []ev
}

type ev struct {
	Ph, Cat, Name string
	Pid, Tid      any
	ID            json.Number
	Ts, Dur       json.Number
	Args          map[string]any
}

// ns reads microseconds exactly, by other means than the package does.
func ns(t testing.TB, n json.Number) int64 {
	t.Helper()
	whole, frac, _ := strings.Cut(string(n), ".")
	v, err := strconv.ParseInt(whole+(frac + "000")[:3], 10, 64)
	if err != nil || len(frac) > 3 {
		t.Fatalf("%q is no time in microseconds with three decimals at most", n)
	}
	return v
}

func (e ev) num(t testing.TB, key string) int64 {
	t.Helper()
	n, ok := e.Args[key].(json.Number)
	if !ok {
		t.Fatalf("%s %q: args.%s is %v", e.Cat, e.Name, key, e.Args[key])
	}
	v, err := n.Int64()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (e ev) lane() string { return fmt.Sprint(e.Pid, "/", e.Tid) }

func decode(t testing.TB, b []byte) built {
	t.Helper()
	var out built
	if err := json.Unmarshal(b, &out.top); err != nil {
		t.Fatalf("the trace is not JSON: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(out.top["traceEvents"]))
	d.UseNumber()
	if err := d.Decode(&out.events); err != nil {
		t.Fatal(err)
	}
	return out
}

// build writes the items of a YAML list with the given head and decodes them again.
func build(t testing.TB, head, trace string, o Options) built {
	t.Helper()
	return decode(t, mustBuild(t, head, trace, o))
}

func mustBuild(t testing.TB, head, trace string, o Options) []byte {
	t.Helper()
	s, err := Parse("spec.yaml", []byte(head+"\ntrace:\n"+trace))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Build(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b built) cat(cats ...string) []ev {
	var out []ev
	for _, e := range b.events {
		for _, c := range cats {
			if e.Ph == "X" && e.Cat == c {
				out = append(out, e)
			}
		}
	}
	return out
}

func gpuCat(c string) bool {
	return c == "kernel" || strings.HasPrefix(c, "gpu_mem") || c == "Kernel" || c == "Memcpy" || c == "Memset"
}

func hostCat(c string) bool {
	switch c {
	case "cpu_op", "python_function", "user_annotation", "cuda_runtime", "cuda_driver", "Operator", "Runtime":
		return true
	}
	return false
}

// timeline lists the GPU work of a stream as "name@start+dur", relative to the first start, in ns.
func (b built) timeline(t testing.TB) map[string][]string {
	t.Helper()
	first, out := int64(-1), map[string][]string{}
	for _, e := range b.events {
		if gpuCat(e.Cat) {
			if ts := ns(t, e.Ts); first < 0 || ts < first {
				first = ts
			}
		}
	}
	for _, e := range b.events {
		if gpuCat(e.Cat) {
			s := fmt.Sprint(e.num(t, "stream"))
			out[s] = append(out[s], fmt.Sprintf("%s@%d+%d", e.Name, ns(t, e.Ts)-first, ns(t, e.Dur)))
		}
	}
	return out
}

// checkShape holds a whole trace to what every trace of a profiler has: host events nest, each
// GPU event has one launch that ended before it, parents enclose children, arrows have both ends.
func checkShape(t testing.TB, b built) {
	t.Helper()
	lanes := map[string][]ev{}
	launch, python, ext := map[string]ev{}, map[string]ev{}, map[string]ev{}
	arrows := map[string]int{}
	key := func(e ev, name string) string { return fmt.Sprint(rank(e), "/", e.Args[name]) }
	for _, e := range b.events {
		switch {
		case e.Ph == "s":
			arrows[fmt.Sprint(rank(e), "/", e.ID)]++
		case e.Ph != "X":
			continue
		case hostCat(e.Cat):
			lanes[e.lane()] = append(lanes[e.lane()], e)
		}
		switch e.Cat {
		case "cuda_runtime", "cuda_driver", "Runtime":
			if old, ok := launch[key(e, "correlation")]; ok {
				t.Errorf("two calls share correlation %v: %s and %s", e.Args["correlation"], old.Name, e.Name)
			}
			launch[key(e, "correlation")] = e
		case "python_function":
			python[key(e, "Python id")] = e
		case "cpu_op", "user_annotation":
			ext[key(e, "External id")] = e
		}
	}
	for lane, es := range lanes {
		sort.SliceStable(es, func(i, j int) bool {
			a, b := ns(t, es[i].Ts), ns(t, es[j].Ts)
			return a < b || a == b && ns(t, es[i].Dur) > ns(t, es[j].Dur)
		})
		var open []int64
		for _, e := range es {
			from, to := ns(t, e.Ts), ns(t, e.Ts)+ns(t, e.Dur)
			for len(open) > 0 && open[len(open)-1] <= from {
				open = open[:len(open)-1]
			}
			if len(open) > 0 && to > open[len(open)-1] {
				t.Errorf("lane %s: %s %q ends at %d, after what encloses it (%d)", lane, e.Cat, e.Name, to, open[len(open)-1])
			}
			open = append(open, to)
		}
	}
	inside := func(what string, e, around ev) {
		from, to := ns(t, e.Ts), ns(t, e.Ts)+ns(t, e.Dur)
		if from < ns(t, around.Ts) || to > ns(t, around.Ts)+ns(t, around.Dur) || e.lane() != around.lane() {
			t.Errorf("%s %q is not inside its %s %q", e.Cat, e.Name, what, around.Name)
		}
	}
	last := map[string]int64{}
	for _, e := range b.events {
		if e.Ph == "f" && arrows[fmt.Sprint(rank(e), "/", e.ID)] != 1 {
			t.Errorf("arrow %s ends %d times in nothing", e.ID, arrows[fmt.Sprint(rank(e), "/", e.ID)])
		}
		if e.Ph != "X" {
			continue
		}
		if e.Cat == "python_function" && e.Args["Python parent id"] != nil {
			inside("parent", e, python[key(e, "Python parent id")])
		}
		if strings.HasPrefix(e.Cat, "cuda_") && e.Cat != "cuda_sync" && e.Args["External id"] != nil {
			inside("op", e, ext[key(e, "External id")])
		}
		if !gpuCat(e.Cat) {
			continue
		}
		if l, ok := launch[key(e, "correlation")]; len(launch) > 0 {
			if !ok || ns(t, l.Ts)+ns(t, l.Dur) > ns(t, e.Ts) {
				t.Errorf("kernel %q at %s has no launch that ended before it (%s at %s)", e.Name, e.Ts, l.Name, l.Ts)
			}
			if fmt.Sprint(l.Args["External id"]) != fmt.Sprint(e.Args["External id"]) {
				t.Errorf("kernel %q and its launch differ in their External id", e.Name)
			}
		}
		s := fmt.Sprint(e.Pid, "/", e.Args["stream"])
		if ns(t, e.Ts) < last[s] {
			t.Errorf("stream %s: %q starts before the kernel before it", s, e.Name)
		}
		last[s] = ns(t, e.Ts)
	}
}

// rank tells the processes of a merged trace apart.
func rank(e ev) string {
	if s, ok := e.Pid.(string); ok {
		r, _, _ := strings.Cut(s, " ")
		return r
	}
	return ""
}
