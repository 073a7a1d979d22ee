// Package capture profiles a running LLM server and leaves its trace files on disk.
//
// Open asks the server what it is and refuses, before anything is started, what the engine
// or the way it was started cannot do. Session.Run then works through the workloads: warm
// up, start the profiler, send probe requests, wait until every trace is whole on disk.
//
//	client ── HTTP ──▶ contract (sglang, vllm, trtllm, tokenspeed)
//	   ▲                   ▲
//	probes ◀── workload ── Session ──▶ files
//
// A contract is what one engine's HTTP interface promises; each has a file of its own, and
// references/source-map.md says where it was read. Two kinds exist. A windowed contract
// takes the number of steps with the start and stops by itself (SGLang, TokenSpeed,
// TensorRT-LLM); the others (vLLM) are started and stopped.
//
// What holds on every way out, an interrupted one included: the profiler is stopped with a
// context of its own, a profile that is armed and has not begun is taken back, a server that
// refused the start is left alone, and trace files that were written stay and are named.
//
// Non-goals: it reads no trace beyond checking that it is whole, and knows nothing of
// analysis; it starts, configures and restarts no server; it copies nothing from other
// machines; it measures neither throughput nor latency; it contacts no host but those it was
// given. SGLang servers started with SGLANG_PROFILE_V2 assert on what a start may ask for
// and cannot stop by hand; they do not tell, and are not supported.
package capture
