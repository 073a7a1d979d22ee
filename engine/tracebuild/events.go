package tracebuild

import (
	"fmt"
	"strconv"
	"strings"
)

// ids are the counters a trace numbers its events with.
type ids struct {
	corr, ext, python, index int64
	host, gpu                string           // JSON text of the two pids
	streams                  map[int64]bool   // with GPU events, for the metadata
	threads                  map[int]bool     // with host events
	tids                     map[int64]string // JSON text by stream
}

// category gives a category's JSON text in the schema that is written.
func (e *emitter) category(c string) string {
	if e.o.OldSchema {
		switch c {
		case "kernel":
			c = "Kernel"
		case "gpu_memcpy":
			c = "Memcpy"
		case "gpu_memset":
			c = "Memset"
		case "cuda_runtime", "cuda_driver":
			c = "Runtime"
		case "cpu_op", "user_annotation":
			c = "Operator"
		}
	}
	return `"` + c + `"`
}

func (r *runner) tid(thread int) string {
	r.ids.threads[thread] = true
	id := r.pid()
	if thread > 0 {
		id += 1000 + int64(thread)
	}
	s := strconv.FormatInt(id, 10)
	if r.out.o.OldSchema {
		return `"` + s + `"`
	}
	return s
}

func (r *runner) streamTid(s int64) string {
	if t, ok := r.ids.tids[s]; ok {
		return t
	}
	t := strconv.FormatInt(s, 10)
	if r.out.o.OldSchema {
		t = `"stream ` + t + `"`
	}
	r.ids.tids[s] = t
	return t
}

func (r *runner) pid() int64 {
	if r.spec.PID == 0 {
		return 4242
	}
	return r.spec.PID
}

func (r *runner) extKey() string {
	if r.out.o.OldSchema {
		return "external id"
	}
	return "External id"
}

// open writes a host scope and gives the context inside it.
func (r *runner) open(n *node, c context, start, dur int64, m *mark) context {
	e, id := r.out, &r.ids
	name, cat := n.name, "python_function"
	switch n.kind {
	case nModule:
		instance := n.n
		if instance < 0 {
			instance = r.modules[n.slot]
			r.modules[n.slot]++
		}
		name += "_" + strconv.FormatInt(instance, 10) + `"`
		n = &node{kind: nModule, n: instance}
	case nOp:
		cat = "cpu_op"
	case nNote:
		cat = "user_annotation"
	}
	if e.o.NoCPU || e.o.NoRuntime {
		return c
	}
	if n.kind == nFrame || n.kind == nModule {
		if c.frames++; e.o.OldSchema || e.o.MaxFrames > 0 && c.frames > e.o.MaxFrames {
			return c
		}
		id.python++
		e.complete(`"python_function"`, name, id.host, r.tid(c.thread), start, dur)
		if c.parent == 0 {
			e.arg("Python parent id", "null")
		} else {
			e.argInt("Python parent id", c.parent)
		}
		e.argInt("Python id", id.python)
		if n.kind == nModule {
			e.argInt("Python module id", n.n)
		}
		c.parent = id.python
	} else {
		id.ext++
		e.complete(e.category(cat), name, id.host, r.tid(c.thread), start, dur)
		e.argInt("External id", id.ext)
		e.argInt("Record function id", 0)
		if n.kind == nOp {
			c.ext = id.ext
		}
		if m != nil {
			m.ext = id.ext
		}
	}
	if !e.o.OldSchema {
		e.argInt("Ev Idx", id.index)
		id.index++
	}
	e.end()
	return c
}

// call writes a runtime call and gives its correlation id. n is nil for a call of the capture itself.
func (r *runner) call(k call, c context, n *node, stream int64) int64 {
	id := &r.ids
	id.corr++
	if r.out == nil || r.out.o.NoRuntime {
		return id.corr
	}
	e, amd := r.out, r.spec.Vendor == "amd"
	cat := "cuda_runtime"
	if strings.HasPrefix(k.name, "cu") && !strings.HasPrefix(k.name, "cuda") {
		cat = "cuda_driver"
	}
	tid := r.tid(c.thread)
	e.complete(e.category(cat), quote(k.name), id.host, tid, r.host, k.ns)
	if c.ext > 0 {
		e.argInt(r.extKey(), c.ext)
	}
	work := n != nil && n.kind == nWork
	switch {
	case !amd:
		e.argInt("cbid", k.id)
		e.argInt("correlation", id.corr)
		if work && c.capture && r.spec.GraphID {
			r.node++
			e.argInt("graph id", c.graph)
			e.argInt("graph node id", nodeID(c.graph, r.node))
		}
	default:
		if work && n.it.Kind == Kernel {
			e.arg("kernel", n.name)
		}
		e.argInt("cid", k.id)
		e.argInt("correlation", id.corr)
		if n != nil {
			e.arg("stream", streamAddress(stream))
		}
		if work && n.it.Kind == Kernel {
			grid, block := shape(n.it.Name)
			e.arg("grid", grid)
			e.arg("block", block)
			e.argInt("shared memory", 0)
		}
	}
	e.end()
	if (work || n != nil && n.kind == nGraph) && !c.capture {
		e.flow(`"s"`, id.corr, id.host, tid, r.host)
	}
	return id.corr
}

// streamAddress is the handle roctracer writes; the default stream is the null one.
func streamAddress(s int64) string {
	if s == 0 {
		return `"0x0"`
	}
	return fmt.Sprintf(`"0x%x"`, 0x5601_8c00_0000+s*0x140)
}

// shape makes a launch's grid and block.
func shape(name string) (grid, block string) {
	h := hash(name)
	return fmt.Sprintf("[%d, %d, 1]", 1+h%1024, 1+h>>12%8), fmt.Sprintf("[%d, 1, 1]", 64<<(h>>16%5))
}

// gpu writes a kernel, copy or set. graph and index are those of its graph node, 0 for none.
func (r *runner) gpu(n *node, c context, corr, at, dur, graph, index int64) {
	e, id, it, amd := r.out, &r.ids, n.it, r.spec.Vendor == "amd"
	id.streams[it.Stream] = true
	tid := r.streamTid(it.Stream)
	e.complete(e.category([...]string{"kernel", "gpu_memcpy", "gpu_memset"}[it.Kind]), n.name, id.gpu, tid, at, dur)
	if c.ext > 0 {
		e.argInt(r.extKey(), c.ext)
	}
	if it.Kind == Kernel && !amd {
		e.argInt("queued", 0)
	}
	e.argInt("device", r.spec.Index)
	if !amd {
		e.argInt("context", 1)
	}
	e.argInt("stream", it.Stream)
	e.argInt("correlation", corr)
	switch {
	case it.Kind != Kernel:
		if amd {
			e.arg("kind", quote(copyKind(it)))
		}
		e.argInt("bytes", it.Bytes)
		rate := 0.0
		if dur > 0 {
			rate = float64(it.Bytes) / float64(dur)
		}
		e.arg("memory bandwidth (GB/s)", strconv.FormatFloat(rate, 'f', -1, 64))
	default:
		r.launchShape(n, amd)
	}
	if r.spec.GraphID && !amd {
		e.argInt("graph id", graph)
		e.argInt("graph node id", nodeID(graph, index))
	}
	for _, a := range it.Args {
		e.arg(strings.Trim(quote(a.Key), `"`), a.JSON)
	}
	e.end()
	if !e.o.NoRuntime {
		e.flow(`"f"`, corr, id.gpu, tid, at)
	}
}

// nodeID makes the id of a node from its graph and its number in it, 0 for no graph.
func nodeID(graph, index int64) int64 {
	if graph == 0 {
		return 0
	}
	return graph<<20 + index
}

func (r *runner) launchShape(n *node, amd bool) {
	e := r.out
	grid, block := shape(n.it.Name)
	if amd {
		e.arg("kind", `"Dispatch Kernel"`)
		e.arg("grid", grid)
		e.arg("block", block)
		return
	}
	h := hash(n.it.Name)
	e.argInt("registers per thread", 16+h%240)
	e.argInt("shared memory", h>>8%64*1024)
	e.arg("blocks per SM", strconv.FormatFloat(float64(1+h%1024)/128, 'f', -1, 64))
	e.arg("warps per SM", strconv.FormatFloat(float64(1+h%1024)/16, 'f', -1, 64))
	e.arg("grid", grid)
	e.arg("block", block)
	e.argInt("est. achieved occupancy %", h%100)
}

// copyKind gives roctracer's word for a copy, which is in the name's first words.
func copyKind(it *Item) string {
	if it.Kind == Memset {
		return "Memset"
	}
	for _, w := range strings.Fields(it.Name) {
		if len(w) == 4 && w[1:3] == "to" {
			return w
		}
	}
	return "DtoD"
}

// mirror writes a step's shadow on every stream it has work on: 1 ns wider at both ends, as libkineto does.
func (r *runner) mirror(n *node, m *mark) {
	e := r.out
	if e.o.OldSchema || e.o.NoCPU || e.o.NoRuntime {
		return
	}
	for _, s := range m.streams() {
		span := m.spans[s]
		e.complete(`"gpu_user_annotation"`, n.name, r.ids.gpu, r.streamTid(s), span[0]-1, span[1]-span[0]+2)
		e.argInt("External id", m.ext)
		e.end()
	}
}

// syncEvent writes a cuda_sync event. roctracer has none.
func (r *runner) syncEvent(name string, stream, at, dur, corr int64, ev *event, c context) {
	e := r.out
	if r.spec.Vendor == "amd" || r.spec.NoSync || e.o.OldSchema || e.o.NoRuntime {
		return
	}
	r.ids.streams[stream] = true
	e.complete(`"cuda_sync"`, quote(name), r.ids.gpu, r.streamTid(stream), at, dur)
	if c.ext > 0 {
		e.argInt("External id", c.ext)
	}
	e.arg("cuda_sync_kind", quote(name))
	if ev != nil {
		e.argInt("wait_on_stream", ev.stream)
		e.argInt("wait_on_cuda_event_record_corr_id", ev.corr)
		e.argInt("wait_on_cuda_event_id", ev.id)
	}
	e.argInt("stream", stream)
	e.argInt("correlation", corr)
	e.argInt("device", r.spec.Index)
	e.argInt("context", 1)
	e.end()
}
