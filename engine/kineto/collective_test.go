package kineto

import (
	"reflect"
	"strings"
	"testing"
)

const ncclDoc = `{"distributedInfo": {"rank": 1, "world_size": 4, "pg_config": [
	{"pg_name": "0", "pg_desc": "default_pg", "ranks": [0, 1, 2, 3]}, {"pg_name": "7", "ranks": [1, 3, {}, "2", -4]}, {"pg_name": "8"}, 5, {"pg_name": "9", "ranks": []}]},
"traceEvents": [
	{"ph": "X", "cat": "kernel", "name": "a", "pid": 0, "tid": 7, "ts": 1, "dur": 1, "args": {"stream": 7, "Collective name": "allreduce", "Process Group Name": "7", "Process Group Ranks": "[1, 3]"}},
	{"ph": "X", "cat": "kernel", "name": "b", "pid": 0, "tid": 7, "ts": 3, "dur": 1, "args": {"stream": 7}},
	{"ph": "X", "cat": "kernel", "name": "a", "pid": 0, "tid": 7, "ts": 5, "dur": 1, "args": {"stream": 7, "Collective name": "allreduce", "Process Group Name": "7", "Process Group Ranks": "[1, 3]"}},
	{"ph": "X", "cat": "kernel", "name": "a", "pid": 0, "tid": 7, "ts": 7, "dur": 1, "args": {"stream": 7, "Collective name": "send", "Process Group Ranks": "[1, 3]"}},
	{"ph": "X", "cat": "cpu_op", "name": "op", "pid": 1, "tid": 1, "ts": 1, "dur": 1},
	{"ph": "X", "cat": "python_function", "name": "f.py(1): g", "pid": 1, "tid": 1, "ts": 1, "dur": 1},
	{"ph": "X", "cat": "user_annotation", "name": "step", "pid": 1, "tid": 1, "ts": 1, "dur": 1},
	{"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "args": {"correlation": 4}}
]}`

func TestCollectives(t *testing.T) {
	for size := range 60 {
		tr := read(t, []byte(ncclDoc), Options{ChunkSize: size, Strict: true})
		var at []int32
		for _, a := range tr.Activities {
			at = append(at, a.Coll)
		}
		if want := []int32{1, 0, 1, 2}; !reflect.DeepEqual(at, want) {
			t.Fatalf("chunk %d: collectives at %v, want %v", size, at, want)
		}
		c := tr.Collectives[1]
		if n, g, r := tr.Names.Text(c.Name), tr.Names.Text(c.Group), tr.Names.Text(c.Ranks); n != "allreduce" || g != "7" || r != "[1, 3]" {
			t.Errorf("chunk %d: %q %q %q", size, n, g, r)
		}
		if c := tr.Collectives[2]; c.Group != 0 || tr.Names.Text(c.Name) != "send" {
			t.Errorf("chunk %d: a kernel without a group name got one", size)
		}
		if want := []Group{{"0", []int64{0, 1, 2, 3}}, {"7", []int64{1, 3, 2}}}; !reflect.DeepEqual(tr.Groups, want) {
			t.Errorf("chunk %d: groups %v, want %v", size, tr.Groups, want)
		}
	}
}

// A rank in a group of thousands makes no damage and no cut list.
func TestLongGroup(t *testing.T) {
	ranks := "[" + strings.Repeat("100000, ", 2000) + "1]"
	tr := read(t, []byte(`[{"ph": "X", "cat": "kernel", "name": "a", "ts": 1, "dur": 1, "args": {"Process Group Ranks": "`+ranks+`"}}]`), Options{Strict: true})
	if got := tr.Names.Text(tr.Collectives[1].Ranks); got != ranks || tr.Cut != 0 {
		t.Errorf("%d of %d bytes, %d cut", len(got), len(ranks), tr.Cut)
	}
}

func TestNoStacks(t *testing.T) {
	tr := read(t, []byte(ncclDoc), Options{NoStacks: true})
	if tr.Ops.Len() != 0 || tr.Frames.Len() != 0 {
		t.Errorf("%d ops and %d frames were kept", tr.Ops.Len(), tr.Frames.Len())
	}
	if len(tr.Activities) != 4 || len(tr.Launches) != 1 || len(tr.Annotations) != 1 || tr.Events != 8 {
		t.Errorf("%d activities, %d launches, %d annotations of %d events", len(tr.Activities), len(tr.Launches), len(tr.Annotations), tr.Events)
	}
}
