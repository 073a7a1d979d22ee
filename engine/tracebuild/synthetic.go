package tracebuild

import (
	"fmt"
	"strings"
)

// Size says how large a synthetic trace is to be. The first number that is not zero counts.
type Size struct {
	Events int64 // events, metadata included; met to within some steps of about 5300
	Bytes  int64 // bytes of JSON with the options given; met to within some hundredths
	Steps  int64 // decode steps
}

// Synthetic describes a trace of a decode server for benchmarks: about four of five
// events are Python frames, one graph launch a step with some 500 kernels, eager
// work around it, and a second stream for the scheduler's copies. It is the same for the same
// size and options, and is expanded only while it is written.
func Synthetic(size Size, o Options) (*Spec, error) {
	step := syntheticStep()
	spec := func(n int64) *Spec {
		return &Spec{
			Name: "/tmp/synthetic.json", Vendor: "nvidia", Device: Device{Name: "NVIDIA H100 80GB HBM3", Major: 9}, World: 1, PID: 7311, Process: "sglang::scheduler_TP0",
			Items: []Item{{Kind: Repeat, N: n, Of: []Item{step}}},
		}
	}
	n, most := size.Steps, int64(0)
	if size.Events > 0 || size.Bytes > 0 {
		var bytes [2]tally
		var events [2]int64
		for i := range bytes {
			var err error
			if events[i], err = write(&bytes[i], spec(int64(i+1)), o); err != nil {
				return nil, err
			}
		}
		want, one, two := size.Events, events[0], events[1]
		if want <= 0 {
			want, one, two = size.Bytes, int64(bytes[0]), int64(bytes[1])
		}
		n = (want - (2*one - two) + (two-one)/2) / (two - one)
		most = add(events[0], mul(max(n-1, 0), events[1]-events[0])) // exact, every step has as many
	}
	s := spec(max(n, 1))
	if s.counted = most > 0; !s.counted {
		most = Events(s.Items)
	}
	if most > MaxEvents {
		return nil, fmt.Errorf("tracebuild: a synthetic trace of %d steps has more than %d events", n, int64(MaxEvents))
	}
	return s, nil
}

// tally counts bytes and keeps none.
type tally int64

func (t *tally) Write(p []byte) (int, error) { *t += tally(len(p)); return len(p), nil }

var (
	synthModules = []string{"managers/scheduler", "managers/schedule_batch", "managers/schedule_policy", "managers/tp_worker", "managers/io_struct",
		"managers/overlap_utils", "mem_cache/radix_cache", "mem_cache/memory_pool", "mem_cache/allocator", "model_executor/model_runner", "model_executor/forward_batch_info",
		"sampling/sampling_batch_info", "sampling/penaltylib/orchestrator", "layers/sampler", "layers/logits_processor", "observability/req_time_stats",
		"observability/scheduler_metrics", "speculative/spec_info", "utils/common", "server_args"}
	synthVerbs = []string{"get", "update", "check", "prepare", "alloc", "free", "match", "evict", "insert", "merge", "filter", "process", "record", "resolve", "is", "cache", "init", "set", "maybe", "pop"}
	synthNouns = []string{"next_batch", "running_batch", "req_pool", "kv_indices", "prefix", "finished", "metrics", "penalties", "logprobs", "grammar", "lora", "decode_mem", "extend_lens", "queue", "stats", "future_map", "tokens"}
	// Built-ins that are methods are named with the address of their object, mostly another one every time.
	synthBuilt = []string{"<built-in function isinstance>", "<built-in function len>", "<built-in method append of list object at 0x7f%010x>", "<built-in method get of dict object at 0x7f%010x>",
		"<built-in function perf_counter>", "<built-in method zeros of type object at 0x7f28aa104400>", "<built-in method item of Tensor object at 0x7f%010x>", "<built-in method acquire of _thread.lock object at 0x7f%010x>"}
)

// dice is a linear congruential generator: the same everywhere, and independent of math/rand's promises.
type dice uint64

func (d *dice) roll(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int(uint64(*d) >> 33 % uint64(n))
}

// pauses is a stream without work: an idle time there holds up the host alone.
const pauses = 99

// pause makes a host time of its own for one call, from 20 ns to about 20 µs, short ones far
// more often: no two calls of a real function last as long.
func (d *dice) pause() Item {
	return Item{Kind: Idle, Stream: pauses, US: []int64{20 + int64(d.roll(1<<(4+d.roll(11))))}}
}

// calltree makes about n nested Python frames without any launch.
func (d *dice) calltree(n, depth int) []Item {
	var out []Item
	for n > 0 {
		frame := synthBuilt[d.roll(len(synthBuilt))]
		if strings.Contains(frame, "%") {
			frame = fmt.Sprintf(frame, d.roll(1<<31)<<6)
		}
		inside := 0
		if depth < 24 && n > 1 && d.roll(4) > 0 {
			frame = fmt.Sprintf("python/sglang/srt/%s.py::%s_%s", synthModules[d.roll(len(synthModules))], synthVerbs[d.roll(len(synthVerbs))], synthNouns[d.roll(len(synthNouns))])
			inside = d.roll(min(n, 60))
		}
		it := Item{Kind: Scope, At: []string{frame}, Stream: DefaultStream, Of: []Item{d.pause()}}
		if inside > 0 && depth < MaxDepth-8 {
			it.Of = append(it.Of, d.calltree(inside, depth+1)...)
		}
		out = append(out, it)
		n -= 1 + inside
	}
	return out
}

func syntheticStep() Item {
	d := dice(20260101)
	kernel := func(name string, ns int64, stream int64, op ...string) Item {
		return Item{Kind: Kernel, Name: name, US: []int64{ns, ns + 133, ns + 71}, Gap: DefaultGap, Stream: stream, Op: op}
	}
	layer := []Item{
		kernel("nvjet_tst_192x8_64x10_2x1_v_bz_TNN", 14_203, 7),
		kernel("void flashinfer::norm::FusedAddRMSNormKernel<8u, __nv_bfloat16>(__nv_bfloat16*, __nv_bfloat16*, __nv_bfloat16*, unsigned int, unsigned int, unsigned int, float, float)", 3_104, 7),
		kernel("void (anonymous namespace)::fused_qknorm_warp<128l, true, __nv_bfloat16>((anonymous namespace)::QKNormParams)", 2_816, 7),
		kernel("void flashinfer::BatchQKApplyRotaryPosIdsCosSinCacheEnhancedKernel<true, 128u, 8u, 16u, __nv_bfloat16, long>(flashinfer::RopeParams)", 2_911, 7),
		kernel("void (anonymous namespace)::store_kvcache<2048l, 4, false, long>((anonymous namespace)::StoreKVCacheParams)", 2_208, 7),
		kernel("void cutlass::device_kernel<flash::enable_sm90<flash::FlashAttnFwdSm90<flash::CollectiveMainloopFwdSm90<2, cute::tuple<cute::C<1>, cute::C<1>, cute::C<1> > > > > >(flash::Params)", 19_584, 7),
		kernel("void cublasLt::splitKreduce_kernel<32, 16, int, float, __nv_bfloat16, float, __nv_bfloat16, false>(cublasLt::cublasSplitKParams<float>, float const*)", 2_720, 7),
		kernel("void flashinfer::activation::act_and_mul_kernel<__nv_bfloat16, &flashinfer::activation::silu>(__nv_bfloat16*, __nv_bfloat16 const*, int)", 3_328, 7),
	}
	var layers []Item
	for i := range 60 {
		for j, k := range layer {
			k.US = []int64{k.US[0] + int64(d.roll(400)), k.US[1] + int64(d.roll(400))}
			if i%6 == 5 && j == 0 {
				k.Name = fmt.Sprintf("triton_poi_fused__to_copy_add_mul_%d", i)
			}
			layers = append(layers, k)
		}
	}
	var eager []Item
	for i, op := range []string{"aten::copy_", "aten::index", "aten::cumsum", "aten::argmax", "aten::sub", "aten::add", "aten::fill_", "aten::to"} {
		k := kernel(fmt.Sprintf("void at::native::vectorized_elementwise_kernel<%d, at::native::CUDAFunctor_add<long>, std::array<char*, 3ul> >(int)", 2<<(i%3)), 2_016, 7, "aten::_foreach", op)
		k.At = []string{fmt.Sprintf("python/sglang/srt/%s.py::%s_%s", synthModules[i], synthVerbs[i], synthNouns[i])}
		eager = append(eager, k)
		eager = append(eager, d.calltree(60, 2)...)
	}
	copyOut := Item{Kind: Memcpy, Name: "Memcpy DtoH (Device -> Pinned)", US: []int64{1_504}, Gap: DefaultGap, Stream: 21, Bytes: 256, Op: []string{"aten::to", "aten::_to_copy", "aten::copy_"}}
	body := append(d.calltree(1900, 1), eager...)
	body = append(body, Item{Kind: Graph, Name: "decode", Stream: 7, Gap: DefaultGap, Of: layers,
		At: []string{"python/sglang/srt/model_executor/cuda_graph_runner.py::CudaGraphRunner.replay", "torch/cuda/graphs.py::replay"}},
		Item{Kind: Record, Name: "forward", Stream: 7}, Item{Kind: Wait, Name: "forward", Stream: 21}, copyOut)
	body = append(body, d.calltree(1900, 1)...)
	body = append(body, Item{Kind: Sync, Name: "Stream Sync", Stream: 7})
	return Item{Kind: Step, Name: "step[DECODE bs=64]", Mirror: true, Of: []Item{{Kind: Scope, At: []string{"python/sglang/srt/managers/scheduler.py::Scheduler.event_loop_overlap"}, Of: body}}}
}
