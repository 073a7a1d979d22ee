package tracebuild

import (
	"math"

	"github.com/sgrules/sgrules/engine/diag"
)

// Kind tells what an Item is.
type Kind uint8

// The kinds of items, one for each leading key of the notation.
const (
	Kernel   Kind = iota
	Memcpy        // a GPU copy
	Memset        // a GPU fill
	Step          // a user_annotation around Of
	Repeat        // Of, N times
	Scope         // At, Module and Op around Of
	Graph         // one graph launch that replays Of
	Capture       // Of is captured: launches, no GPU work
	Record        // an event is recorded on Stream
	Wait          // Stream waits for the event Name
	Sync          // the host waits
	Idle          // nothing happens for US[0] ns
	numKinds = iota
)

var kindKeys = [numKinds]string{"kernel", "memcpy", "memset", "step", "repeat", "frames", "graph", "capture", "record", "wait", "sync", "idle_us"}

// String gives the item's leading key in the notation.
func (k Kind) String() string {
	if int(k) < len(kindKeys) {
		return kindKeys[k]
	}
	return "item"
}

// Defaults of the notation.
const (
	DefaultStream = 7                       // where a kernel runs
	DefaultUS     = 5_000                   // ns a kernel lasts
	DefaultGap    = 1_000                   // ns between two kernels of a stream
	DefaultRoot   = "/sgl-workspace/sglang" // where 'python/…' was checked out
)

// Item is one entry of a description. Times are in ns. Items built in Go follow the rules that
// DecodeItems enforces; Write checks them again.
type Item struct {
	Kind   Kind
	Name   string   // kernel, annotation, graph or event name, kind of sync
	US     []int64  // durations in ns, taken in turn; empty: DefaultUS. Idle and Host Busy: one
	Gap    int64    // ns before the kernel on its stream; may be negative
	Stream int64    // of an Idle, -1 is all streams
	At     []string // Python frames, outermost first
	Module []string // nn.Module classes around the frames, outermost first
	Op     []string // cpu_ops inside the frames, outermost first
	Bytes  int64    // of a copy or set
	Thread string   // host thread by name; "" is that of the enclosing item, at the top "main"
	Call   string   // the runtime or driver call in the place of the usual one
	Event  string   // of an Event Sync
	Args   []Arg    // further arguments of the GPU event, in this order
	Mirror bool     // a Step that is also written as gpu_user_annotation
	N      int64    // of a Repeat
	Of     []Item
	Pos    diag.Pos // where it was written; zero when built in Go
}

// Arg is one argument of an event; JSON is its value as it will stand in the file.
type Arg struct{ Key, JSON string }

// Device is what deviceProperties says of the GPU.
type Device struct {
	Name         string
	Major, Minor int64 // compute capability, or the gfx version on AMD
	SMs          int64 // numSms
	Memory       int64 // totalGlobalMem, bytes
}

// Spec describes one trace. The zero value is an empty trace of one NVIDIA GPU.
type Spec struct {
	Name      string // traceName; empty: made from the process
	Vendor    string // "nvidia" (also when empty) or "amd": the names of the runtime calls, the arguments of events
	Device    Device // empty name stays empty; zero numbers get usual ones
	Index     int64  // the device's number, which is also its pid
	Rank      int64  // distributedInfo.rank
	World     int64  // distributedInfo.world_size; 0: no distributedInfo
	Backend   string // distributedInfo.backend; empty: nccl
	PID       int64  // 0: 4242
	Process   string // process name; empty: python3
	Root      string // checkout that holds 'python/…' paths; empty: DefaultRoot
	Installed bool   // packages are installed: 'python/a/b.py' shows as 'a/b.py'
	Start     int64  // ns added to every timestamp (the skew of a rank)
	FirstID   int64  // correlation, External and Python ids count from here on, as in the later files of one process
	GraphID   bool   // kernels and captured launches carry "graph id" and "graph node id" (newer libkineto)
	NoSync    bool   // no cuda_sync events, as when the profiler was not asked for them
	Write     Options
	Items     []Item
	Merge     []string // files whose traces this one merges, as SGLang does; read by Load
	Parts     []*Spec  // the traces merged; Items must be empty then

	counted bool // Synthetic counted the events; Events would give several times as many
}

// Style is a layout of the JSON text.
type Style uint8

// The layouts: Pretty is libkineto's own, Compact is Python's json.dump.
const (
	Pretty Style = iota
	Compact
)

// Options say how a trace is written; what happens in it is the same with all of them, but for OldSchema, MaxFrames, NoCPU and NoRuntime.
type Options struct {
	Style     Style
	Gzip      bool // Write compresses; WriteFile goes by the suffix instead
	Sorted    bool // keys in alphabetical order, traceEvents after deviceProperties
	IntegerUS bool // whole microseconds, rounded down at both ends
	OldSchema bool // the layout of 2020: Kernel, Runtime, Operator; no frames, no headers; implies IntegerUS
	NoCPU     bool // neither ops nor frames nor annotations: runtime calls and GPU work only
	NoRuntime bool // no runtime calls and no flows either; implies NoCPU
	MaxFrames int  // deeper Python frames are left out; 0: all are written
}

// Limits on a description. A description beyond them is refused, since rule tests come from contributors.
const (
	MaxDepth  = 32         // items in items
	MaxStack  = 128        // names in one at, op or module
	MaxItems  = 200_000    // items written down, aliases counted as often as used
	MaxEvents = 50_000_000 // events after repeats: about 15 GB
)

// Events is an upper bound on the events that items expand to, flows and calls
// included; math.MaxInt64 when the number does not fit.
func Events(items []Item) int64 { return count(items, false) }

func count(items []Item, replay bool) int64 {
	var n int64
	for i := range items {
		it := &items[i]
		var m int64
		switch it.Kind {
		case Repeat:
			m = mul(it.N, add(1, count(it.Of, replay)))
		case Graph:
			m = add(4, mul(2, count(it.Of, true)))
		case Step, Scope, Capture:
			m = add(6, count(it.Of, replay))
		default:
			m = 4
		}
		n = add(n, add(m, int64(len(it.At)+len(it.Op)+len(it.Module))))
	}
	return n
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func mul(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}
