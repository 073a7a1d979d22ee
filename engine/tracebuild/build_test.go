package tracebuild

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The whole text of one small trace, in libkineto's layout.
func TestWholeText(t *testing.T) {
	got := string(mustBuild(t, "device: {name: H100}", `
  - {kernel: 'f<"x">', us: 5.125, at: ['python/a/b.py::C.f'], op: [aten::mm]}`, Options{}))
	want := `
{
  "schemaVersion": 1,
  "deviceProperties": [{"id": 0, "name": "H100", "totalGlobalMem": 85017493504, "computeMajor": 9, "computeMinor": 0, "maxThreadsPerBlock": 1024, "maxThreadsPerMultiprocessor": 2048, "regsPerBlock": 65536, "warpSize": 32, "sharedMemPerBlock": 49152, "numSms": 132}],
  "cuda_driver_version": 13000,
  "cuda_runtime_version": 13000,
  "cupti_version": 130001,
  "with_stack": 1,
  "trace_id": "811C9DC52B0C98F1",
  "displayTimeUnit": "ms",
  "baseTimeNanoseconds": 1775078550000000000,
  "traceEvents": [
  {
    "ph": "X", "cat": "python_function", "name": "/sgl-workspace/sglang/python/a/b.py(LINE): f", "pid": 4242, "tid": 4242,
`
	line := lineIn(got)
	if want = strings.Replace(want, "LINE", line, 1); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant it to begin with\n%s", got, want)
	}
	for _, part := range []string{
		"  {\n    \"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"f<\\\"x\\\">\", \"pid\": 0, \"tid\": 7,\n    \"ts\": 4100000000",
		"\"dur\": 5.125,\n    \"args\": {\n      \"External id\": 1, \"queued\": 0, \"device\": 0, \"context\": 1, \"stream\": 7, \"correlation\": 1, ",
		"  {\n    \"ph\": \"s\", \"id\": 1, \"pid\": 4242, \"tid\": 4242, \"ts\": ",
		",\n    \"cat\": \"ac2g\", \"name\": \"ac2g\", \"bp\": \"e\"\n  },\n",
		"\n  }\n  ],\n  \"traceName\": \"/tmp/trace.json\"\n}\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("the text lacks\n%s\nin\n%s", part, got)
		}
	}
}

func lineIn(s string) string {
	_, after, _ := strings.Cut(s, "b.py(")
	line, _, _ := strings.Cut(after, ")")
	return line
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		name, trace string
		want        map[string][]string
	}{
		{"gaps and durations are exact", `
  - {kernel: a, us: 5.123}
  - {kernel: b, us: 0.001, gap_us: 0}
  - {kernel: c, gap_us: 60.5}
  - {kernel: d, us: 0}`, map[string][]string{"7": {"a@0+5123", "b@5123+1", "c@65624+5000", "d@71624+0"}}},
		{"a slow host changes no gap", `
  - {kernel: a, us: 1, gap_us: 0}
  - {repeat: 50, of: [{frames: ['a.py::f', 'a.py::g'], of: [{kernel: b, us: 0.5, gap_us: 0.25, op: [x, y]}]}]}
  - {kernel: c}`, map[string][]string{"7": append(append([]string{"a@0+1000"}, sequence("b", 1250, 750, 500, 50)...), "c@39500+5000")}},
		{"durations are used in turn", `
  - {repeat: 5, of: [{kernel: a, us: [1, 2]}, {kernel: b, us: [3]}]}`,
			map[string][]string{"7": {"a@0+1000", "b@2000+3000", "a@6000+2000", "b@9000+3000", "a@13000+1000", "b@15000+3000", "a@19000+2000", "b@22000+3000", "a@26000+1000", "b@28000+3000"}}},
		{"negative gaps overlap and keep the order", `
  - {kernel: a, us: 10}
  - {kernel: b, us: 2, gap_us: -4}
  - {kernel: c, us: 2, gap_us: -100}
  - {kernel: d, gap_us: 0}`, map[string][]string{"7": {"a@0+10000", "b@6000+2000", "c@6001+2000", "d@10000+5000"}}},
		{"streams are independent", `
  - {kernel: a, us: 10}
  - {kernel: b, us: 3, stream: 20}
  - {kernel: c, us: 3, stream: 20, gap_us: 2}`, map[string][]string{"7": {"a@0+10000"}, "20": {"b@0+3000", "c@5000+3000"}}},
		{"a wait holds its stream", `
  - {kernel: a, us: 10}
  - {record: e}
  - {kernel: b, us: 100}
  - {wait: e, stream: 20}
  - {kernel: c, us: 3, stream: 20}
  - {record: f, stream: 20}
  - {wait: f}
  - {kernel: d}`, map[string][]string{"7": {"a@0+10000", "b@11000+100000", "d@112000+5000"}, "20": {"c@11000+3000"}}},
		{"an event may be recorded anew", `
  - {repeat: 2, of: [{kernel: a, us: 10}, {record: e}, {wait: e, stream: 20}, {kernel: c, us: 3, stream: 20}]}`,
			map[string][]string{"7": {"a@0+10000", "a@11000+10000"}, "20": {"c@11000+3000", "c@22000+3000"}}},
		{"a wait before the record holds nothing", `
  - {wait: e, stream: 20}
  - {kernel: a, us: 10}
  - {kernel: c, us: 3, stream: 20}
  - {record: e}`, map[string][]string{"7": {"a@0+10000"}, "20": {"c@0+3000"}}},
		{"idle time holds all streams, or one", `
  - {kernel: a, us: 10}
  - {kernel: b, us: 4, stream: 20}
  - {idle_us: 100}
  - {kernel: c, stream: 20}
  - {kernel: n, stream: 30}
  - {idle_us: 50, stream: 20}
  - {kernel: d, stream: 20}
  - {kernel: e}`, map[string][]string{"7": {"a@0+10000", "e@111000+5000"}, "20": {"b@0+4000", "c@111000+5000", "d@167000+5000"}, "30": {"n@111000+5000"}}},
		{"a graph begins and ends on its launch stream", `
  - {kernel: a, us: 10}
  - graph: g
    of:
      - {kernel: b, us: 2, stream: 20}
      - {kernel: c, us: 30, stream: 21}
      - {record: e, stream: 20}
      - {wait: e, stream: 7}
      - {kernel: d, us: 1}
  - {kernel: z}`, map[string][]string{"7": {"a@0+10000", "d@14000+1000", "z@42000+5000"}, "20": {"b@11000+2000"}, "21": {"c@11000+30000"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, "", c.trace, Options{})
			checkShape(t, b)
			if got := b.timeline(t); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func sequence(name string, from, step, dur, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s@%d+%d", name, from+i*step, dur))
	}
	return out
}

// A sync ends after what it waits for, and what encloses it is as long.
func TestSync(t *testing.T) {
	for _, c := range []struct {
		sync string
		last string // the kernel that must be over
	}{
		{"{sync: Stream Sync, stream: 20}", "b"}, {"{sync: Context Sync}", "a"}, {"{sync: Event Sync, event: e}", "b"}, {"{sync: Stream Sync}", "a"},
	} {
		b := build(t, "", `
  - {step: s, of: [{frames: ['a.py::f'], of: [{kernel: b, us: 300, stream: 20}, {record: e, stream: 20}, {kernel: a, us: 1000}, `+c.sync+`]}]}
  - {step: t, of: [{kernel: c, us: 10}]}`, Options{})
		checkShape(t, b)
		end := map[string]int64{}
		for _, e := range b.events {
			if e.Ph == "X" {
				end[e.Name] = ns(t, e.Ts) + ns(t, e.Dur)
			}
		}
		call := ""
		for _, e := range b.cat("cuda_runtime") {
			if strings.HasSuffix(e.Name, "Synchronize") {
				call = e.Name
			}
		}
		if call == "" || end[call] < end[c.last] {
			t.Errorf("%s: the call %q ends at %d, before %s at %d", c.sync, call, end[call], c.last, end[c.last])
		}
		if c.last == "b" && end[call] > end["a"] {
			t.Errorf("%s waited for another stream's kernel", c.sync)
		}
		if s := b.cat("cuda_sync"); len(s) != 1 || !strings.Contains(c.sync, s[0].Name) {
			t.Errorf("%s: cuda_sync events %v", c.sync, s)
		}
	}
}

// TestHostBusy: a host that is busy makes no call, and launches what follows so long after all
// work of all streams is done.
func TestHostBusy(t *testing.T) {
	const busy = 300_000
	b := build(t, "", `
  - {kernel: a, us: 20}
  - {kernel: b, us: 90, stream: 20}
  - {sync: Host Busy, us: 300}
  - {kernel: c}
  - {kernel: d}`, Options{})
	checkShape(t, b)
	at := map[string]ev{}
	launches := map[int64]ev{}
	for _, e := range b.events {
		switch e.Cat {
		case "kernel":
			at[e.Name] = e
		case "cuda_runtime":
			launches[e.num(t, "correlation")] = e
		}
	}
	if len(launches) != 4 {
		t.Errorf("%d calls, want those of the four kernels", len(launches))
	}
	done := ns(t, at["b"].Ts) + ns(t, at["b"].Dur)
	call := launches[at["c"].num(t, "correlation")]
	if got := ns(t, call.Ts) - done; got != busy {
		t.Errorf("the next call begins %d ns after all work is done, want %d", got, busy)
	}
	if start := ns(t, at["c"].Ts); start < ns(t, call.Ts)+ns(t, call.Dur) {
		t.Errorf("c starts at %d, inside its launch call", start)
	}
	if gap := ns(t, at["d"].Ts) - ns(t, at["c"].Ts) - ns(t, at["c"].Dur); gap != DefaultGap {
		t.Errorf("%d ns between c and d, want %d: the host is ahead again", gap, DefaultGap)
	}
}

func TestSharedFrames(t *testing.T) {
	for _, c := range []struct {
		name, trace string
		want        []string
	}{
		{"neighbours share frames", `
  - {kernel: a, at: [f.py::f, f.py::g], op: [x]}
  - {kernel: b, at: [f.py::f, f.py::g], op: [x]}
  - {kernel: c, at: [f.py::f, f.py::h]}
  - {kernel: d, at: [f.py::g]}`, []string{"f", "g", "x", "x", "h", "g"}},
		{"outer ops are shared, the innermost is one call", `
  - {kernel: a, op: [x, y]}
  - {kernel: b, op: [x, y]}
  - {kernel: c, op: [x]}`, []string{"x", "y", "y", "x"}},
		{"calls without a stack stand inside the frames", `
  - {kernel: a, at: [f.py::f], op: [x]}
  - {record: e}
  - {kernel: b, at: [f.py::f]}`, []string{"f", "x"}},
		{"a repeat begins anew", `
  - {kernel: a, at: [f.py::f]}
  - {repeat: 2, of: [{kernel: b, at: [f.py::f]}, {kernel: b, at: [f.py::f]}]}`, []string{"f", "f", "f"}},
		{"scopes enclose", `
  - frames: [f.py::f]
    op: [x]
    of:
      - {kernel: a, at: [f.py::g]}
      - {frames: [f.py::g]}
      - {op: [y], of: [{kernel: a}]}`, []string{"f", "x", "g", "g", "y"}},
		{"modules are numbered within a step", `
  - repeat: 2
    of: [{step: s, of: [{repeat: 2, of: [{module: [L], of: [{kernel: a, module: [N_7]}]}]}]}]`,
			[]string{"s", "L_0", "_call_impl", "N_7", "_call_impl", "L_1", "_call_impl", "N_7", "_call_impl", "s", "L_0", "_call_impl", "N_7", "_call_impl", "L_1", "_call_impl", "N_7", "_call_impl"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, "", c.trace, Options{})
			checkShape(t, b)
			var got []string
			for _, e := range b.cat("python_function", "cpu_op", "user_annotation") {
				_, name, ok := strings.Cut(e.Name, ": ")
				if !ok {
					name = e.Name
				}
				got = append(got, name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestGraphAndCapture(t *testing.T) {
	const graph = `
  - {kernel: pre}
  - graph: g
    at: [r.py::replay]
    op: [runner]
    of:
      - {kernel: a, at: [m.py::f], op: [x]}
      - {repeat: 2, of: [{kernel: b, stream: 8}]}
  - {capture: c, at: [r.py::capture], of: [{kernel: a, at: [m.py::f], op: [x]}, {record: e}, {memcpy: m}]}`
	for vendor, launch := range map[string]string{"nvidia": "cudaGraphLaunch", "amd": "hipGraphLaunch"} {
		b := build(t, "vendor: "+vendor+"\ngraph_ids: true", graph, Options{})
		checkShape(t, b)
		corr, nodes := map[int64][]string{}, []int64{}
		for _, e := range b.cat("kernel") {
			corr[e.num(t, "correlation")] = append(corr[e.num(t, "correlation")], e.Name)
			if vendor == "nvidia" {
				nodes = append(nodes, e.num(t, "graph id"), e.num(t, "graph node id"))
			}
		}
		if !reflect.DeepEqual(corr, map[int64][]string{1: {"pre"}, 2: {"a", "b", "b"}}) {
			t.Errorf("%s: kernels by correlation %v", vendor, corr)
		}
		if vendor == "nvidia" && !slices.Equal(nodes, []int64{0, 0, 1, 1<<20 + 1, 1, 1<<20 + 2, 1, 1<<20 + 3}) {
			t.Errorf("graph and node ids %v", nodes)
		}
		var calls []string
		var captured []int64
		for _, e := range b.cat("cuda_runtime") {
			if e.Args["graph node id"] != nil {
				captured = append(captured, e.num(t, "graph id"), e.num(t, "graph node id"))
			}
			calls = append(calls, e.Name)
			if vendor == "amd" && strings.HasSuffix(e.Name, "LaunchKernel") && e.Args["kernel"] == nil {
				t.Error("a ROCm launch does not name its kernel")
			}
		}
		if want := map[string][]int64{"nvidia": {2, 2<<20 + 1, 2, 2<<20 + 2}}[vendor]; !slices.Equal(captured, want) {
			t.Errorf("graph and node ids of the %s launches captured: %v, want %v", vendor, captured, want)
		}
		want := []string{"cudaLaunchKernel", launch, "cudaStreamBeginCapture_v2", "cudaLaunchKernel", "cudaEventRecord", "cudaMemcpyAsync", "cudaStreamEndCapture", "cudaGraphInstantiate"}
		if vendor == "amd" {
			want = []string{"hipLaunchKernel", launch, "hipStreamBeginCapture", "hipLaunchKernel", "hipEventRecord", "hipMemcpyWithStream", "hipStreamEndCapture", "hipGraphInstantiateWithFlags"}
		}
		if !slices.Equal(calls, want) {
			t.Errorf("got  %q\nwant %q", calls, want)
		}
		var host []string
		for _, e := range b.cat("cpu_op", "user_annotation") {
			host = append(host, e.Name)
		}
		if !slices.Equal(host, []string{"runner", "c", "x"}) {
			t.Errorf("%s: ops and annotations %q", vendor, host)
		}
	}
}

func TestEventsOfVendors(t *testing.T) {
	const trace = `
  - {record: e}
  - {wait: e, stream: 20}
  - {kernel: Cijk_x, args: {dtype: Float, ranks: [0, 1], ok: true}}
  - {memcpy: 'Memcpy DtoH (Device -> Host)', bytes: 1000, us: 2}
  - {kernel: t, call: cuLaunchKernelEx, stream: 0}`
	nv, amd := build(t, "vendor: nvidia", trace, Options{}), build(t, "vendor: amd", trace, Options{})
	s := nv.cat("cuda_sync")
	if len(s) != 1 || s[0].num(t, "wait_on_stream") != 7 || s[0].num(t, "wait_on_cuda_event_record_corr_id") != 1 || s[0].num(t, "stream") != 20 || s[0].num(t, "correlation") != 2 {
		t.Errorf("the wait is written as %v", s)
	}
	if s := amd.cat("cuda_sync"); len(s) != 0 {
		t.Errorf("ROCm has no cuda_sync, found %v", s)
	}
	if s := build(t, "cuda_sync: false", trace, Options{}).cat("cuda_sync"); len(s) != 0 {
		t.Errorf("cuda_sync: false, found %v", s)
	}
	k := nv.cat("kernel")[0]
	if k.Args["dtype"] != "Float" || k.Args["ok"] != true || fmt.Sprint(k.Args["ranks"]) != "[0 1]" {
		t.Errorf("the kernel's own arguments came out as %v", k.Args)
	}
	if d := nv.cat("cuda_driver"); len(d) != 1 || d[0].Name != "cuLaunchKernelEx" {
		t.Errorf("the driver's launch is %v", d)
	}
	if m := amd.cat("gpu_memcpy"); len(m) != 1 || m[0].Args["kind"] != "DtoH" || m[0].num(t, "bytes") != 1000 || m[0].Args["memory bandwidth (GB/s)"].(json.Number) != "0.5" {
		t.Errorf("the copy is %v", m)
	}
	if r := amd.cat("cuda_runtime"); r[2].Name != "hipExtModuleLaunchKernel" || r[2].Args["kernel"] != "Cijk_x" || amd.cat("cuda_driver")[0].Args["stream"] != "0x0" {
		t.Errorf("ROCm calls %v", r)
	}
}

func TestThreadsAndMirrors(t *testing.T) {
	b := build(t, "pid: 10", `
  - step: forward
    mirror: true
    of:
      - {kernel: a, us: 10, op: [x]}
      - {frames: [f.py::g], thread: other, of: [{kernel: b, stream: 20, op: [y]}, {kernel: c, thread: main}]}`, Options{})
	checkShape(t, b)
	lanes := map[string]string{}
	for _, e := range b.events {
		if e.Ph == "X" && hostCat(e.Cat) {
			lanes[e.Name] = e.lane()
		}
	}
	if lanes["x"] != "10/10" || lanes["forward"] != "10/10" || lanes["y"] != "10/1011" {
		t.Errorf("lanes %v", lanes)
	}
	for _, m := range b.cat("gpu_user_annotation") {
		from, to := ns(t, m.Ts), ns(t, m.Ts)+ns(t, m.Dur)
		n := 0
		for _, k := range b.cat("kernel") {
			if fmt.Sprint(k.Tid) == fmt.Sprint(m.Tid) {
				n++
				if from >= ns(t, k.Ts) || to <= ns(t, k.Ts)+ns(t, k.Dur) {
					t.Errorf("%q on stream %v does not cover %q", m.Name, m.Tid, k.Name)
				}
			}
		}
		if n == 0 || m.Name != "forward" {
			t.Errorf("a mirror of nothing: %v", m)
		}
	}
	if n := len(b.cat("gpu_user_annotation")); n != 2 {
		t.Errorf("%d mirrors, want one a stream", n)
	}
}
