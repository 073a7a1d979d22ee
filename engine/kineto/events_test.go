package kineto

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// wrapped reads events in a document of their own, and gives all lines but the meta's.
func wrapped(t *testing.T, events string) []string {
	t.Helper()
	out := lines(read(t, []byte(`{"traceEvents": [`+events+`]}`), Options{}))
	return out[:len(out)-1]
}

// TestEvents states by hand what each kind of event becomes. The random tests compare
// with another decoder; this one does not depend on that.
func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, events string
		want         []string
	}{
		{"a kernel", `{"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 128, "ts": 6210733432252.696, "dur": 1.888, "args": {
			"External id": 41, "queued": 0, "device": 3, "context": 1, "stream": 128, "correlation": 118, "graph id": 5, "graph node id": 9, "grid": [2, 1, 1]}}`,
			[]string{`kernel 6210733432252696 1888 "k" dev 3 stream 128 corr 118 ext 41 graph 5 9 bytes 0 pid "0"`, "events 1 skipped 0"}},
		{"old rows", `{"ph": "X", "cat": "Kernel", "name": "k", "pid": 2, "tid": "stream 7", "ts": 1610366387140599, "dur": 14, "args": {"external id": 5}},
			{"ph": "X", "cat": "Memcpy", "name": "Memcpy HtoD", "pid": 2, "tid": 7, "ts": 2, "dur": 1, "args": {"bytes": "4096"}},
			{"ph": "X", "cat": "Memset", "name": "Memset", "pid": 2, "tid": 7, "ts": 3, "dur": 1, "args": {"bytes": 8}},
			{"ph": "X", "cat": "Runtime", "name": "cudaLaunchKernel", "pid": 9, "tid": "4290336512", "ts": 1, "dur": 1, "args": {"correlation": 77, "external id": 5}},
			{"ph": "X", "cat": "Operator", "name": "aten::mm", "pid": 9, "tid": "4290336512", "ts": 1, "dur": 3, "args": {"Device": 0}}`,
			[]string{
				`kernel 1610366387140599000 14000 "k" dev 2 stream 7 corr 0 ext 5 graph 0 0 bytes 0 pid "2"`,
				`memcpy 2000 1000 "Memcpy HtoD" dev 2 stream 7 corr 0 ext 0 graph 0 0 bytes 4096 pid "2"`,
				`memset 3000 1000 "Memset" dev 2 stream 7 corr 0 ext 0 graph 0 0 bytes 8 pid "2"`,
				`launch 1000 1000 "cudaLaunchKernel" 0 77 5 "" ""`,
				`op 1000 3000 "aten::mm" 0`,
				`thread "9" "4290336512" ""`, "events 5 skipped 0"}},
		{"a captured launch with its graph node", `{"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 5, "tid": 6, "ts": 1, "dur": 1, "args": {
			"correlation": 77, "graph id": 5, "graph node id": 9}}`,
			[]string{`launch 1000 1000 "cudaLaunchKernel" 0 77 0 "" ""`, `node of 0: 5 9`, `thread "5" "6" ""`, "events 1 skipped 0"}},
		{"a ROCm launch is no GPU work", `{"ph": "X", "cat": "cuda_runtime", "name": "hipLaunchKernel", "pid": 251, "tid": 251, "ts": 1, "dur": 2, "args": {
			"External id": 157699, "kernel": "void k<4>(int)", "stream": "0x7f00", "cid": 107, "correlation": 66152, "device": 0}}`,
			[]string{`launch 1000 2000 "hipLaunchKernel" 0 66152 157699 "void k<4>(int)" "0x7f00"`, `thread "251" "251" ""`, "events 1 skipped 0"}},
		{"synchronisation is none either", `{"ph": "X", "cat": "cuda_sync", "name": "Context Sync", "pid": 0, "tid": 4294967295, "ts": 1, "dur": 2, "args": {"stream": 4294967295, "correlation": 8, "device": 0}},
			{"ph": "X", "cat": "cuda_sync", "name": "Stream Sync", "pid": 0, "tid": 1000020, "ts": 3, "dur": 2, "args": {"stream": 20, "correlation": 9, "device": 0}},
			{"ph": "X", "cat": "cuda_sync", "name": "Stream Sync", "pid": 1, "tid": 1000020, "ts": 3, "dur": 2},
			{"ph": "X", "cat": "cuda_sync", "name": "Stream Wait Event", "pid": 0, "tid": 20, "ts": 4, "dur": 0, "args": {"wait_on_stream": 7, "wait_on_cuda_event_record_corr_id": 6,
			"wait_on_cuda_event_id": 5, "stream": 20, "correlation": 10, "device": 0}}`,
			[]string{
				`sync 1000 2000 "Context Sync" dev 0 stream -1 corr 8 wait -1 -1 -1 pid "0"`,
				`sync 3000 2000 "Stream Sync" dev 0 stream 20 corr 9 wait -1 -1 -1 pid "0"`,
				`sync 3000 2000 "Stream Sync" dev 1 stream 20 corr 0 wait -1 -1 -1 pid "1"`,
				`sync 4000 0 "Stream Wait Event" dev 0 stream 20 corr 10 wait 7 6 5 pid "0"`, "events 4 skipped 0"}},
		{"annotations", `{"ph": "X", "cat": "user_annotation", "name": "step[DECODE bs=16]", "pid": 1, "tid": 1, "ts": 1, "dur": 9},
			{"ph": "X", "cat": "gpu_user_annotation", "name": "step[DECODE bs=16]", "pid": 0, "tid": 7, "ts": 2, "dur": 8, "args": {"External id": 3}}`,
			[]string{`note 1000 9000 "step[DECODE bs=16]" 0`, `mark 2000 8000 "step[DECODE bs=16]" dev 0 stream 7 pid "0"`, `thread "1" "1" ""`, "events 2 skipped 0"}},
		{"a merged trace", `{"ph": "X", "cat": "kernel", "name": "k", "pid": "[TP01-DP00] 0", "tid": 7, "ts": 1, "dur": 2, "args": {"device": 1}},
			{"ph": "X", "cat": "kernel", "name": "k", "pid": "[TP01-DP00] 0", "tid": "lane", "ts": 1, "dur": 2}`,
			[]string{`kernel 1000 2000 "k" dev 1 stream 7 corr 0 ext 0 graph 0 0 bytes 0 pid "[TP01-DP00] 0"`,
				`kernel 1000 2000 "k" dev -1 stream -1 corr 0 ext 0 graph 0 0 bytes 0 pid "[TP01-DP00] 0"`, "events 2 skipped 0"}},
		{"not used", `{"ph": "X", "cat": "Trace", "name": "PyTorch Profiler (0)", "pid": "Spans", "tid": "PyTorch Profiler", "ts": 1, "dur": 2},
			{"ph": "X", "cat": "overhead", "name": "o", "ts": 1}, {"ph": "s", "id": 1, "cat": "ac2g", "name": "ac2g", "ts": 1}, {"ph": "i", "s": "g", "name": "Record Window End"},
			{"ph": "b", "cat": "cpu_op", "ts": 1}, {"ph": "C", "cat": "kernel"}, {"ph": "X", "name": "no category", "ts": "x"}, {"ph": "XX", "cat": "kernel"}, {}`,
			[]string{"events 9 skipped 0"}},
		{"pairs", `{"ph": "B", "cat": "cpu_op", "name": "outer", "pid": 1, "tid": 1, "ts": 1}, {"ph": "B", "cat": "python_function", "name": "inner", "pid": 1, "tid": 1, "ts": 2.5},
			{"ph": "B", "name": "no category", "pid": 1, "tid": 1, "ts": 3}, {"ph": "B", "cat": "user_annotation", "name": "other thread", "pid": 1, "tid": 2, "ts": 3},
			{"ph": "E", "pid": 1, "tid": 1, "ts": 4}, {"ph": "E", "pid": 1, "tid": 1, "ts": 4}, {"ph": "E", "pid": 1, "tid": 2, "ts": 4}, {"ph": "E", "pid": 1, "tid": 1, "ts": 9},
			{"ph": "B", "cat": "cuda_runtime", "name": "l", "pid": 1, "tid": 1, "ts": 9, "args": {"correlation": 4, "kernel": "k"}}, {"ph": "E", "pid": "1", "tid": "1", "ts": 10},
			{"ph": "B", "cat": "cpu_op", "name": "never ends", "pid": 1, "tid": 1, "ts": 9}`,
			[]string{`launch 9000 1000 "l" 0 4 0 "k" ""`, `op 1000 8000 "outer" 0`, `frame 2500 1500 "inner" 0`, `note 3000 1000 "other thread" 1`,
				`thread "1" "1" ""`, `thread "1" "2" ""`, "events 11 skipped 1"}},
		{"metadata", `{"name": "thread_name", "ph": "M", "pid": 1, "tid": 5, "args": {"name": "first"}}, {"name": "thread_name", "ph": "M", "pid": 1, "tid": "5", "args": {"name": "thread 5 (python)"}},
			{"name": "process_name", "ph": "M", "pid": 0, "args": {"name": "python3"}}, {"name": "process_labels", "ph": "M", "pid": 0, "args": {"labels": "GPU 0"}},
			{"name": "process_labels", "ph": "M", "pid": 1, "args": {"labels": "CPU"}}, {"name": "process_sort_index", "ph": "M", "pid": 2, "args": {"sort_index": 3}},
			{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 5, "ts": 1}`,
			[]string{`op 1000 0 "a" 0`, `thread "1" "5" "thread 5 (python)"`, `process "0" ["python3" "GPU 0"]`, `process "1" ["" "CPU"]`, "events 7 skipped 0"}},
	} {
		same(t, c.name, wrapped(t, c.events), c.want)
	}
}

// TestNameSpellings gives one id to all spellings of a name, and two to two names of
// which one is spelled like the other's text.
func TestNameSpellings(t *testing.T) {
	tr := read(t, []byte("["+strings.Join([]string{op(`a/b`), op(`a\/b`), op(`\u0061\u002fb`), op(`a\\/b`), op("\xff"), op("\ufffd"), op(`\ud800`), op("\xff"), op("\xfe")}, ",")+"]"), Options{})
	var ids []NameID
	for i := range tr.Ops.Len() {
		ids = append(ids, tr.Ops.At(i).Name)
	}
	if want := []NameID{1, 1, 1, 2, 3, 3, 3, 3, 3}; !reflect.DeepEqual(ids, want) {
		t.Errorf("ids %v, want %v", ids, want)
	}
	if a, b, c := tr.Names.Text(1), tr.Names.Text(2), tr.Names.Text(3); a != "a/b" || b != `a\/b` || c != "\ufffd" {
		t.Errorf("texts %q %q %q", a, b, c)
	}
}

func TestMeta(t *testing.T) {
	doc := `{"schemaVersion": 1, "deviceProperties": [{"id": 0, "name": "AMD Instinct MI300X", "totalGlobalMem": 206141652992, "computeMajor": 9, "computeMinor": 4, "numSms": 304},
		{"id": 1, "name": ""}], "hip_runtime_version": 70253211, "distributedInfo": {"backend": "nccl", "rank": 3, "world_size": 8, "pg_config": [{"ranks": [0]}]},
		"traceEvents": [], "with_stack": 1, "record_shapes": 0, "baseTimeNanoseconds": 1775078550000000000, "traceName": "/tmp/a\u00e9.json"}`
	want := Meta{
		SchemaVersion: 1, TraceName: "/tmp/aé.json", Rank: 3, WorldSize: 8, Backend: "nccl", WithStack: true, ROCm: true, BaseTimeNanos: 1775078550000000000,
		Devices: []Device{{0, "AMD Instinct MI300X", 9, 4, 304, 206141652992}, {ID: 1}},
	}
	for size := range 40 {
		if got := read(t, []byte(doc), Options{ChunkSize: size, Strict: true}).Meta; !reflect.DeepEqual(got, want) {
			t.Fatalf("chunk %d: %+v", size, got)
		}
	}
	if got := read(t, []byte("[]"), Options{}).Meta; !reflect.DeepEqual(got, Meta{Rank: -1}) {
		t.Errorf("no metadata: %+v", got)
	}
}

// TestOpenPairs begins more events than are held.
func TestOpenPairs(t *testing.T) {
	const over = 10
	b := `{"ph": "B", "cat": "cpu_op", "name": "a", "ts": 1},`
	e := `{"ph": "E", "ts": 2},`
	tr := read(t, []byte("["+strings.Repeat(b, maxOpen+over)+strings.Repeat(e, maxOpen+over)+"{}]"), Options{})
	if tr.Ops.Len() != maxOpen || tr.Skipped != over {
		t.Errorf("%d ops, %d skipped", tr.Ops.Len(), tr.Skipped)
	}
}

func TestMessages(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&NotTraceError{Path: "a.json", Offset: 5, Found: "x", Want: "y", Err: io.EOF}, "a.json: not a trace: byte 5: found x, expected y: EOF"},
		{&DamageError{Path: "a.json", Damage: Damage{Offset: 7, Msg: "found x, expected y"}}, "a.json: damaged trace: byte 7: found x, expected y"},
		{&LimitError{Path: "a.json", Limit: 9}, "a.json: more than 9 bytes of JSON: raise the limit to read it"},
	} {
		if c.err.Error() != c.want {
			t.Errorf("%q, want %q", c.err, c.want)
		}
	}
	if !errors.Is(&NotTraceError{Err: io.EOF}, io.EOF) {
		t.Error("a NotTraceError hides its cause")
	}
	if Kernel.String() != "kernel" || Copy.String() != "memcpy" || Set.String() != "memset" {
		t.Error("kinds are spelled otherwise")
	}
}
