// Package kineto reads a PyTorch-profiler (Kineto) or Chrome trace, streamed, into
// columns: interned names and integer nanoseconds.
//
// It knows the trace format and nothing else: not what a kernel is for, no graph, no
// rules. Only what later stages use is kept; everything else is skipped without being
// decoded. Memory grows with the events kept, never with the bytes read.
//
// The format has no specification; it is what libkineto's output_json.cpp and
// torch/profiler write, and what traces of the last six years contain: categories in
// today's spelling (kernel, cuda_runtime, cpu_op) and in the old one (Kernel, Runtime,
// Operator), microseconds with or without decimals, ids as numbers or strings.
package kineto

// NameID is an interned string of one Trace; 0 is the empty string.
type NameID uint32

// ThreadID indexes Trace.Threads.
type ThreadID uint32

// Kind tells what a GPU activity is.
type Kind uint8

// The kinds of GPU activity. Nothing else is GPU work: runtime calls, synchronisation
// events and annotations are not.
const (
	Kernel Kind = iota
	Copy        // gpu_memcpy
	Set         // gpu_memset
)

// String gives the kind as messages spell it: kernel, memcpy or memset.
func (k Kind) String() string { return [...]string{"kernel", "memcpy", "memset"}[k] }

// Thread is a (process, thread) pair of the host side, as the trace spells them: both
// may be numbers or words.
type Thread struct {
	Pid, Tid string
	Name     string // from thread_name metadata; may be empty
}

// Activity is one thing that ran on a GPU.
type Activity struct {
	Ts     int64 // ns since the trace's own origin
	Dur    int64 // ns, never negative
	Name   NameID
	Kind   Kind
	Device int32  // args.device, else the pid when it is a number; -1 unknown
	Coll   int32  // what the profiler knows of a collective: place in Trace.Collectives; 0 none
	Pid    NameID // the process lane as written, to keep the same device of two processes of a merged trace apart
	Stream int64  // args.stream, else a numeric tid; -1 unknown
	Corr   int64  // correlation id; 0 none
	Ext    int64  // External id of the launching op; 0 none
	Graph  int64  // "graph id"; 0 none (newer Kineto)
	Node   int64  // "graph node id"; 0 none (newer Kineto)
	Bytes  int64  // of a copy or set; 0 unknown
}

// Launch is a runtime or driver call of the host: a kernel launch, a graph launch, a
// copy, a synchronisation or anything else with a correlation id.
type Launch struct {
	Ts, Dur int64 // ns
	Name    NameID
	Thread  ThreadID
	Corr    int64
	Ext     int64
	Kernel  NameID // args.kernel, the launched kernel's name (ROCm); 0 none
	Stream  NameID // args.stream as written (ROCm gives an address); 0 none
}

// LaunchNode is the graph node that a captured launch became, where the profiler says so.
type LaunchNode struct {
	Launch int32 // index of Trace.Launches
	Graph  int64 // "graph id"; 0 unknown
	Node   int64 // "graph node id", never 0
}

// Span is a host event that encloses others on its thread: a cpu_op, a Python frame
// or an annotation.
type Span struct {
	Ts, Dur int64 // ns
	Name    NameID
	Thread  ThreadID
}

// Mark is a gpu_user_annotation: a host annotation's shadow on a stream.
type Mark struct {
	Ts, Dur int64 // ns
	Name    NameID
	Device  int32
	Stream  int64
	Pid     NameID // the process lane as written, as in Activity
}

// Sync is a cuda_sync event. It is not GPU work.
type Sync struct {
	Ts, Dur    int64 // ns
	Name       NameID
	Device     int32
	Stream     int64 // -1 where the event has none
	Corr       int64
	WaitStream int64  // wait_on_stream; -1 unknown
	RecordCorr int64  // wait_on_cuda_event_record_corr_id; -1 unknown
	Event      int64  // wait_on_cuda_event_id; -1 unknown
	Pid        NameID // the process lane as written, as in Activity
}

// Process is a process lane that the trace's metadata names: a process of the host, or
// a GPU, whose Pid is then its number.
type Process struct {
	Pid          string // as written
	Name, Labels string // process_name ("python"), process_labels ("CPU", "GPU 0"); may be empty
}

// Device is one entry of deviceProperties.
type Device struct {
	ID           int64
	Name         string // may be empty: some ROCm builds write none
	Major, Minor int64  // compute capability, or the gfx version on ROCm
	SMs          int64  // numSms; 0 unknown
	Memory       int64  // totalGlobalMem, bytes; 0 unknown
}

// Meta is what stands in the trace beside its events.
type Meta struct {
	SchemaVersion int64
	TraceName     string
	Devices       []Device
	Rank          int64 // distributedInfo.rank; -1 unknown
	WorldSize     int64 // 0 unknown
	Backend       string
	WithStack     bool // the profiler was asked for Python stacks
	ROCm          bool // roctracer or hip versions are present
	RecordShapes  bool
	BaseTimeNanos int64 // baseTimeNanoseconds; 0 unknown
}

// Trace is a trace file in columns. Slices are in file order; a pair of events of the
// phases B and E stands where its E does.
type Trace struct {
	Path    string // as given; "-" for standard input
	Meta    Meta
	Names   *Names
	Threads []Thread // of host events, in order of first appearance

	Processes []Process

	// Collectives are the distinct collectives that activities name; the first is empty.
	// Groups are the process groups of distributedInfo.pg_config that have ranks.
	Collectives []Collective
	Groups      []Group

	Activities  []Activity
	Launches    []Launch
	Nodes       []LaunchNode // of the launches that have one, in order of Launch
	Ops         Spans        // cpu_op
	Frames      Spans        // python_function
	Annotations []Span
	Marks       []Mark
	Syncs       []Sync

	// Events counts all events read, whatever their kind. Skipped counts those that were
	// malformed and left out, and places that could not be read as an event at all.
	// Cut counts strings longer than MaxName, which are cut there. Bytes is the number
	// of JSON bytes read.
	Events, Skipped, Cut, Bytes int64

	// Damage is nil for a whole file. Otherwise the trace holds what was complete before
	// the damage, and after it where the scanner could find the next event. The first
	// hundred places are listed, and a fatal one always.
	Damage []Damage
}

// Damage is one place where the file was not what it should be.
type Damage struct {
	Offset int64  // byte of the uncompressed JSON
	Msg    string // what was found there and what was expected
	Fatal  bool   // nothing after it could be read
}
