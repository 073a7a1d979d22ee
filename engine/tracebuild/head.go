package tracebuild

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// head writes what stands before the events.
func (e *emitter) head(s *Spec, parts []*Spec) {
	pretty := e.o.Style == Pretty
	fields := []field{{"schemaVersion", "1"}}
	if !e.o.OldSchema {
		var devices []string
		seen := map[int64]bool{}
		for _, p := range parts {
			if !seen[p.Index] {
				seen[p.Index] = true
				devices = append(devices, device(p))
			}
		}
		fields = append(fields, field{"deviceProperties", "[" + strings.Join(devices, ", ") + "]"})
		if s.Vendor == "amd" {
			fields = append(fields, field{"roctracer_version", "4.1"}, field{"hip_runtime_version", "70253211"}, field{"hip_driver_version", "70253211"})
		} else {
			fields = append(fields, field{"cuda_driver_version", "13000"}, field{"cuda_runtime_version", "13000"}, field{"cupti_version", "130001"})
		}
		if s.World > 0 {
			fields = append(fields, field{"distributedInfo", distributed(s)})
		}
		if !e.o.NoCPU {
			fields = append(fields, field{"with_stack", "1"})
		}
		fields = append(fields, field{"trace_id", fmt.Sprintf(`"%08X%08X"`, hash(s.Name), hash(s.Name+"."))},
			field{"displayTimeUnit", `"ms"`}, field{"baseTimeNanoseconds", "1775078550000000000"})
	}
	if e.o.Sorted {
		slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	}
	sep, nl := ", ", ""
	if pretty {
		sep, nl = ",\n  ", "\n"
		e.w.WriteString("\n{\n  ")
	} else {
		e.w.WriteByte('{')
	}
	for _, f := range fields {
		e.w.WriteString(`"` + f.key + `": ` + f.val + sep)
	}
	e.w.WriteString(`"traceEvents": [` + nl)
}

// foot ends the events and the file.
func (e *emitter) foot(s *Spec) {
	name := s.Name
	if name == "" {
		name = "/tmp/trace.json"
	}
	switch {
	case e.o.Style == Pretty && e.o.OldSchema:
		e.w.WriteString("\n]}\n")
	case e.o.OldSchema:
		e.w.WriteString("]}")
	case e.o.Style == Pretty:
		e.w.WriteString("\n  ],\n  \"traceName\": " + quote(name) + "\n}\n")
	default:
		e.w.WriteString(`], "traceName": ` + quote(name) + "}")
	}
}

func device(s *Spec) string {
	d, nv := s.Device, s.Vendor != "amd"
	warp, threads := 64, 1024
	if nv {
		warp = 32
		d.Major = cmp.Or(d.Major, 9)
	} else if d.Major == 0 {
		d.Major, d.Minor = 9, 4
	}
	d.SMs, d.Memory = cmp.Or(d.SMs, 132), cmp.Or(d.Memory, 85_017_493_504)
	return fmt.Sprintf(`{"id": %d, "name": %s, "totalGlobalMem": %d, "computeMajor": %d, "computeMinor": %d, "maxThreadsPerBlock": %d, `+
		`"maxThreadsPerMultiprocessor": 2048, "regsPerBlock": 65536, "warpSize": %d, "sharedMemPerBlock": 49152, "numSms": %d}`,
		s.Index, quote(d.Name), d.Memory, d.Major, d.Minor, threads, warp, d.SMs)
}

func distributed(s *Spec) string {
	ranks := make([]string, min(s.World, 1024))
	for i := range ranks {
		ranks[i] = strconv.Itoa(i)
	}
	return fmt.Sprintf(`{"backend": %s, "rank": %d, "world_size": %d, "pg_count": 1, "pg_config": [{"pg_name": "0", "pg_desc": "default_pg", `+
		`"backend_config": "cuda:nccl", "pg_size": %d, "ranks": [%s]}], "nccl_version": "2.27.7"}`,
		quote(cmp.Or(s.Backend, "nccl")), s.Rank, s.World, s.World, strings.Join(ranks, ", "))
}

// finish writes the metadata of the processes, threads and streams that were seen, and
// the span of the whole profile.
func (r *runner) finish(threads []string, last int64) {
	e, id := r.out, &r.ids
	process := quote(cmp.Or(r.spec.Process, "python3"))
	pids := []field{{id.gpu, fmt.Sprintf(`"GPU %d"`, r.spec.Index)}}
	if !e.o.NoRuntime {
		pids = append([]field{{id.host, `"CPU"`}}, pids...)
	}
	for i, p := range pids {
		e.meta("process_name", p.key, "0", "name", process)
		e.meta("process_labels", p.key, "0", "labels", p.val)
		e.meta("process_sort_index", p.key, "0", "sort_index", strconv.Itoa(5_000_000*i))
	}
	var streams []int64
	for s := range id.streams {
		streams = append(streams, s)
	}
	slices.Sort(streams)
	for _, s := range streams {
		name := fmt.Sprintf(`"stream %d "`, s)
		if s < 0 {
			name = fmt.Sprintf(`"Device %d"`, r.spec.Index)
		}
		e.meta("thread_name", id.gpu, r.streamTid(s), "name", name)
		e.meta("thread_sort_index", id.gpu, r.streamTid(s), "sort_index", strconv.FormatInt(s, 10))
	}
	for t, name := range threads {
		if !id.threads[t] || e.o.NoRuntime {
			continue
		}
		tid := r.tid(t)
		if t == 0 {
			name = cmp.Or(r.spec.Process, "python3")
		}
		e.meta("thread_name", id.host, tid, "name", quote(fmt.Sprintf("thread %d (%s)", r.pid()+int64(t), name)))
		e.meta("thread_sort_index", id.host, tid, "sort_index", strconv.Itoa(t))
	}
	e.complete(`"Trace"`, `"PyTorch Profiler (0)"`, `"Spans"`, `"PyTorch Profiler"`, 0, last)
	e.argInt("Op count", 0)
	e.end()
	e.instant(`"Iteration Start: PyTorch Profiler"`, `"Traces"`, `"Trace PyTorch Profiler"`, 0)
	e.instant(`"Record Window End"`, `""`, `""`, last)
}
