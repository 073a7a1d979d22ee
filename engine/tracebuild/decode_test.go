package tracebuild

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
	"gopkg.in/yaml.v3"
)

// Each mistake is reported once, at its place, with what was expected.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"empty", "", "f.yaml: the file is empty; expected a mapping with the key trace [syntax]"},
		{"two documents", "trace: []\n---\ntrace: []\n", "f.yaml:2:1: more than one YAML document; expected one description a file [syntax]"},
		{"no YAML", "trace: [\n  a: b", "f.yaml:2: line 2: did not find expected ',' or ']' [syntax]"},
		{"a list", "[1]", "f.yaml:1:1: found a list; expected a description as a mapping [bad-type]"},
		{"no trace", "pid: 1", "f.yaml:1:1: a description has no trace; expected a list of items under this key [missing-key]"},
		{"unknown key", "trace: []\nvendro: amd", `f.yaml:2:1: a description has no key "vendro"; expected one of name, vendor, device, device_index, rank, world, backend, pid, process, root, installed, start_us, first_id, graph_ids, cuda_sync, write, define, trace, merge [unknown-key]`},
		{"duplicate key", "trace: []\npid: 1\npid: 2", "f.yaml:3:1: the key pid stands twice [duplicate-key]"},
		{"vendor", "trace: []\nvendor: intel", `f.yaml:2:9: found "intel"; expected one of nvidia, amd [out-of-range]`},
		{"rank", "trace: []\nworld: 2\nrank: 2", "f.yaml:3:7: rank 2 does not exist among 2 ranks [out-of-range]"},
		{"merge and trace", "trace: []\nmerge: [a.yaml]", "f.yaml:2:8: merge beside trace; expected one of the two [unknown-key]"},
		{"merge elsewhere", "merge: [../a.yaml]", `f.yaml:1:9: "../a.yaml" is not a plain file name; a merge takes files of its own directory [out-of-range]`},
		{"style", "trace: []\nwrite: {style: nice}", `f.yaml:2:16: found "nice"; expected one of pretty, compact [out-of-range]`},
		{"text for a list", "trace: kernel", `f.yaml:1:8: found "kernel"; expected items as a list [bad-type]`},
		{"text for an item", "trace: [kernel]", `f.yaml:1:9: found "kernel"; expected an item such as {kernel: NAME} [bad-type]`},
		{"no leading key", "trace: [{us: 5}]", "f.yaml:1:9: no leading key in this item; expected one of kernel, memcpy, memset, step, repeat, frames, graph, capture, record, wait, sync, idle_us [missing-key]"},
		{"two leading keys", "trace: [{kernel: a, memcpy: b}]", "f.yaml:1:9: one item is kernel and memcpy; expected one of them [unknown-key]"},
		{"key of another item", "trace: [{kernel: a, of: []}]", `f.yaml:1:21: a kernel item has no key "of"; expected one of kernel, us, stream, at, op, module, gap_us, bytes, thread, call, args [unknown-key]`},
		{"a number for a name", "trace: [{kernel: 12}]", `f.yaml:1:18: found "12"; expected text [bad-type]`},
		{"an empty name", "trace: [{kernel: ''}]", "f.yaml:1:18: empty text; expected a name [out-of-range]"},
		{"a long name", "trace: [{kernel: " + strings.Repeat("x", 9000) + "}]", "f.yaml:1:18: a text of 9000 bytes; expected at most 8192 [out-of-range]"},
		{"four decimals", "trace: [{kernel: a, us: 1.2345}]", `f.yaml:1:25: found "1.2345"; expected microseconds from 0 to 100000000 with at most three decimals [out-of-range]`},
		{"an exponent", "trace: [{kernel: a, us: 1e3}]", `f.yaml:1:25: found "1e3"; expected microseconds from 0 to 100000000 with at most three decimals [out-of-range]`},
		{"a negative duration", "trace: [{kernel: a, us: [1, -2]}]", `f.yaml:1:29: found "-2"; expected microseconds from 0 to 100000000 with at most three decimals [out-of-range]`},
		{"no durations", "trace: [{kernel: a, us: []}]", "f.yaml:1:25: an empty list; expected microseconds [out-of-range]"},
		{"infinity", "trace: [{idle_us: .inf}]", `f.yaml:1:19: found ".inf"; expected microseconds from 0 to 100000000 with at most three decimals [out-of-range]`},
		{"a stream", "trace: [{kernel: a, stream: -1}]", `f.yaml:1:29: found "-1"; expected a whole decimal number from 0 to 2147483647 [out-of-range]`},
		{"a frame", "trace: [{kernel: a, at: ['utils.py']}]", `f.yaml:1:9: "utils.py" is no Python frame; expected 'path::function', 'path(line): function', '<built-in …>' or 'nn.Module: Name_0' [bad-frame]`},
		{"an absolute frame", "trace: [{kernel: a, at: ['/a/utils.py::f']}]", `f.yaml:1:9: "/a/utils.py::f" is no Python frame; expected 'path::function' with a path inside its repository [bad-frame]`},
		{"repeat zero", "trace: [{repeat: 0, of: [{kernel: a}]}]", `f.yaml:1:18: found "0"; expected a whole decimal number from 1 to 50000000 [out-of-range]`},
		{"an empty step", "trace: [{step: a}]", "f.yaml:1:9: the step has nothing in it; expected items under of [missing-key]"},
		{"an unknown sync", "trace: [{sync: Device Sync}]", `f.yaml:1:16: found "Device Sync"; expected one of Stream Sync, Context Sync, Event Sync, Host Busy [out-of-range]`},
		{"an event sync without event", "trace: [{sync: Event Sync}]", "f.yaml:1:9: the key event belongs to an Event Sync, and an Event Sync needs it [missing-key]"},
		{"a busy host without a time", "trace: [{sync: Host Busy}]", "f.yaml:1:9: the key us belongs to Host Busy, and Host Busy needs it [missing-key]"},
		{"a sync with a time", "trace: [{sync: Context Sync, us: 3}]", "f.yaml:1:9: the key us belongs to Host Busy, and Host Busy needs it [missing-key]"},
		{"a context sync of a stream", "trace: [{sync: Context Sync, stream: 7}]", "f.yaml:1:38: Context Sync has no stream [unknown-key]"},
		{"an unrecorded event", "trace: [{wait: e}]", `f.yaml:1:9: the event "e" is never recorded; expected a {record: e} somewhere [unknown-event]`},
		{"a step in a graph", "trace: [{graph: g, of: [{repeat: 2, of: [{step: s, of: [{kernel: a}]}]}]}]", "f.yaml:1:42: a step inside a graph; expected it outside [misplaced]"},
		{"a graph in a capture", "trace: [{capture: g, of: [{graph: s, of: [{kernel: a}]}]}]", "f.yaml:1:27: a graph inside a capture; expected it outside [misplaced]"},
		{"args of args", "trace: [{kernel: a, args: {x: {y: 1}}}]", "f.yaml:1:31: found a mapping; expected text, a JSON number, true, false, null or a list of them [bad-type]"},
		{"no JSON number", "trace: [{kernel: a, args: {x: .nan}}]", `f.yaml:1:31: found ".nan"; expected text, a JSON number, true, false, null or a list of them [bad-type]`},
		{"too many events", "trace:\n  - repeat: 10000\n    of: [{repeat: 10000, of: [{kernel: a}]}]", "f.yaml:2:5: the description expands to more than 50000000 events [too-large]; repeat less"},
		{"an alias of itself", "trace: &a [{step: s, of: *a}]", "f.yaml:1:26: items are nested deeper than 32; expected a flatter description [too-deep]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse("f.yaml", []byte(c.src))
			var l diag.List
			if !errors.As(err, &l) || s != nil {
				t.Fatalf("got %v and %T; want a diag.List", s, err)
			}
			if err.Error() != c.want {
				t.Errorf("got\n  %s\nwant\n  %s", err, c.want)
			}
		})
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	_, err := Parse("f.yaml", []byte("pid: x\ntrace:\n  - {kernel: a, us: -1}\n  - {wait: e}\n  - {bogus: 1}\n"))
	var l diag.List
	if !errors.As(err, &l) || len(l) != 4 {
		t.Fatalf("got %v; want four diagnostics", err)
	}
	for i, line := range []int{1, 3, 4, 5} {
		if l[i].Line != line {
			t.Errorf("diagnostic %d is on line %d, want %d: %s", i, l[i].Line, line, l[i].Error())
		}
	}
}

// Small files that alias themselves into large ones end quickly and say why.
func TestBombs(t *testing.T) {
	lists := "define:\n  - &a0 [{kernel: a}, {kernel: b}]\n"
	args := "define:\n  - &a0 [" + strings.TrimSuffix(strings.Repeat("1, ", 1000), ", ") + "]\n"
	for i := 1; i < 30; i++ {
		lists += fmt.Sprintf("  - &a%d [*a%d, *a%d]\n", i, i-1, i-1)
	}
	args += "  - &k {kernel: a, args: {" + strings.TrimSuffix(strings.Repeat("x: *a0, ", 60), ", ") + "}}\n  - &l0 [*k, *k]\n"
	for i := 1; i < 18; i++ {
		args += fmt.Sprintf("  - &l%d [*l%d, *l%d]\n", i, i-1, i-1)
	}
	deep := "trace: " + strings.Repeat("[", 200) + "{kernel: a}" + strings.Repeat("]", 200)
	for name, c := range map[string]struct{ src, code string }{
		"lists": {lists + "trace: *a29", "too-large"}, "args": {args + "trace: *l17", "too-large"}, "depth": {deep, "too-deep"},
		"self": {"trace: &a [*a, *a, *a]", "too-deep"},
	} {
		_, err := Parse(name, []byte(c.src))
		if err == nil || !strings.Contains(err.Error(), "["+c.code+"]") {
			t.Errorf("%s: got %.300v; want %s", name, err, c.code)
		}
	}
}

// DecodeItems keeps the positions of the file the node stands in.
func TestDecodeItems(t *testing.T) {
	var doc struct {
		Tests []struct{ Trace yaml.Node }
	}
	src := "tests:\n  - trace:\n      - {kernel: a}\n      - {kernel: b, us: bad}\n  - trace: [{memset: m, bytes: 3}]\n"
	if err := yaml.Unmarshal([]byte(src), &doc); err != nil {
		t.Fatal(err)
	}
	_, err := DecodeItems(&doc.Tests[0].Trace, "x_test.yaml")
	if err == nil || !strings.HasPrefix(err.Error(), "x_test.yaml:4:25: ") {
		t.Errorf("got %v; want an error at x_test.yaml:4:25", err)
	}
	items, err := DecodeItems(&doc.Tests[1].Trace, "x_test.yaml")
	if err != nil || len(items) != 1 || items[0].Kind != Memset || items[0].Bytes != 3 || items[0].Stream != DefaultStream || items[0].Gap != DefaultGap || items[0].Pos.Line != 5 {
		t.Errorf("got %+v, %v", items, err)
	}
	if _, err := DecodeItems(nil, "x_test.yaml"); err == nil {
		t.Error("no node is no error")
	}
	if _, err := DecodeItems(&yaml.Node{}, "x_test.yaml"); err == nil {
		t.Error("an empty node is no error")
	}
}

func TestFrameName(t *testing.T) {
	for _, c := range []struct{ frame, root, want string }{
		{"python/sglang/srt/models/utils.py::apply_qk_norm", "/w/sglang", "/w/sglang/python/sglang/srt/models/utils.py(N): apply_qk_norm"},
		{"python/sglang/srt/models/utils.py::apply_qk_norm", "", "sglang/srt/models/utils.py(N): apply_qk_norm"},
		{"vllm/a.py::C.D.f", "/w/sglang", "vllm/a.py(N): f"},
		{"vllm/a.py::C.f", "/src/vllm", "/src/vllm/vllm/a.py(N): f"},
		{"a.py::<lambda>", "", "a.py(N): <lambda>"},
		{"threading.py(973): _bootstrap", "/w/sglang", "threading.py(973): _bootstrap"},
		{"<built-in method f::g of X>", "", "<built-in method f::g of X>"},
		{"nn.Module: L_0", "", "nn.Module: L_0"},
	} {
		got, err := frameName(c.frame, c.root)
		again, _ := frameName(c.frame, c.root)
		if open := strings.Index(got, ".py("); strings.Contains(c.want, "(N)") && open > 0 {
			got = got[:open+4] + "N" + got[strings.Index(got, "): "):]
		}
		if err != nil || got != c.want {
			t.Errorf("frameName(%q, %q) = %q, %v; want %q", c.frame, c.root, got, err, c.want)
		}
		if first, _ := frameName(c.frame, c.root); first != again {
			t.Errorf("%q has two names, %q and %q", c.frame, first, again)
		}
	}
	for _, bad := range []string{"", "::f", "a.py::", "a.py(x): f", "a.py(1): ", "(1): f", "python"} {
		if got, err := frameName(bad, ""); err == nil {
			t.Errorf("frameName(%q) = %q, want an error", bad, got)
		}
	}
}

func TestParseUS(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "5": 5000, "5.5": 5500, "5.123": 5123, "-0.001": -1, "-1.5": -1500, "999999999999": 999999999999000} {
		if got, ok := parseUS(s); !ok || got != want {
			t.Errorf("parseUS(%q) = %d, %v; want %d", s, got, ok, want)
		}
	}
	for _, bad := range []string{"", ".", "5.", ".5", "1.2345", "1e3", "--1", "0x10", "1_000", "9999999999999"} {
		if got, ok := parseUS(bad); ok {
			t.Errorf("parseUS(%q) = %d, want a refusal", bad, got)
		}
	}
}

// FuzzParse: whatever is parsed either says what is wrong with it or becomes a whole trace.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"trace: [{kernel: a, us: [1, 2.5], at: ['a.py::f'], op: [x], module: [M], args: {k: [1, s]}}]",
		"vendor: amd\ntrace: [{graph: g, of: [{repeat: 3, of: [{kernel: a, gap_us: -2}, {memcpy: m}]}, {record: e}, {wait: e, stream: 2}]}]",
		"trace: [{step: s, mirror: true, of: [{frames: ['a.py::f'], thread: t, of: [{sync: Context Sync}]}, {idle_us: 3}]}]",
		"trace: [{capture: c, of: [{memset: m}, {record: e}]}, {sync: Event Sync, event: e}]\nwrite: {old_schema: true}",
		"define: [&a {kernel: k}]\ntrace: [*a, [*a, *a]]\nworld: 2\nrank: 1\nstart_us: -5",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := Parse("fuzz", src)
		if err != nil {
			var l diag.List
			if !errors.As(err, &l) || len(l) == 0 || err.Error() == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if len(s.Merge) > 0 || Events(s.Items) > 20_000 {
			return
		}
		b, err := Build(s, s.Write)
		if err != nil {
			t.Fatalf("a description that parses does not build: %v", err)
		}
		checkShape(t, decode(t, b))
	})
}
