// Package tracebuild writes profiler traces from a short description: kernels, the
// ops and Python frames around their launches, streams, events, graphs and repeats.
// Rule tests, golden traces and benchmarks are all made by it, so that what the reader
// is tested on has the shape of what libkineto's output_json.cpp writes.
//
// # The notation
//
// A description is a YAML list of items; a nested list stands for its elements, so
// that an anchored list can be spliced into another one.
//
//	{kernel: NAME, us: 5.5, stream: 7, at: [FRAME…], op: [OP…], module: [CLASS…], gap_us: 1, bytes: 0, thread: main, call: NAME, args: {KEY: VALUE}}
//	{memcpy: NAME, …}, {memset: NAME, …}    the same keys, in the place of kernel
//	{step: NAME, of: […], mirror: true}     a user_annotation; mirror adds its gpu_user_annotation
//	{repeat: N, of: […]}
//	{frames: [FRAME…], module: […], op: [OP…], of: […]}   a scope; any one of the three names is enough; of may be missing
//	{graph: NAME, of: […], stream: 7, at: …, op: …, module: …}   one graph launch and the kernels it replays
//	{capture: NAME, of: […], at: …}         the launches of a graph capture, and no kernels; with graph_ids those of the graph of its name
//	{record: EVENT, stream: 7}, {wait: EVENT, stream: 20}
//	{sync: "Stream Sync", stream: 7}, {sync: "Context Sync"}, {sync: "Event Sync", event: EVENT}
//	{sync: "Host Busy", us: 300}            no call: the host launches nothing until 300 µs after all work is done
//	{idle_us: 100}, {idle_us: 100, stream: 7}
//
// A FRAME is 'path::function' (its line number is made from the two, a class before the
// function is left out as the profiler does), or a name as a trace has it:
// 'path(12): function', '<built-in …>', 'nn.Module: Name_0'. us may be a list, used in
// turn. Within one item modules enclose frames and frames enclose ops; scopes
// enclose what is inside them. Frames, modules and all ops but the innermost are one event
// for neighbours of one list that begin with the same ones.
//
// A file is a mapping: the items under trace (or, under merge, the files beside it whose
// traces it joins), and beside them the fields of Spec: name, vendor, device {name, major, minor, sms,
// memory}, device_index, rank, world, backend, pid, process, root, installed, start_us,
// first_id, graph_ids, cuda_sync, write {style, gzip, sorted, integer_us, old_schema, no_cpu, no_runtime,
// max_frames}; define holds anchors.
//
// # Time
//
// Kernels of one stream follow each other with exactly gap_us between the end of one and
// the start of the next (negative: they overlap); streams are independent but for waits.
// Work begins late enough after the trace's start, and after each sync, for the host
// to stay ahead of it: a gap never grows because the host is slow. A sync holds the host until
// the stream, the device or the event is done. Host time is made up, from hashes of names.
//
// Non-goals: it analyses nothing, models no hardware, writes no event kinds that the
// reader has no use for (memory, counters), and shares no code with the reader.
package tracebuild
