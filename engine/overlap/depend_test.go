package overlap

import (
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
)

// tied makes a graph with a trace of no names, as made does, and numbers the places.
func tied(waits []graph.Wait, kernels ...graph.Kernel) *graph.Graph {
	g := made(kernels...)
	g.Trace = &kineto.Trace{Names: kineto.NewNames()}
	g.Waits = waits
	for i := range g.Streams {
		for pos, k := range g.Streams[i].Kernels {
			g.Kernels[k].Pos = int32(pos)
		}
	}
	for i := range g.Kernels {
		g.Kernels[i].Launch, g.Kernels[i].Replay = -1, -1
	}
	return g
}

func TestDependencies(t *testing.T) {
	const us = 1000
	// Stream 0 carries most; stream 1 the kernel that is asked about, number 0.
	main := func(ts, dur int64) graph.Kernel { return kernel(0, ts*us, dur*us) }
	side := func(ts, dur int64) graph.Kernel { return kernel(1, ts*us, dur*us) }
	for _, c := range []struct {
		name    string
		waits   []graph.Wait
		kernels []graph.Kernel
		want    Reason
	}{
		{"nothing recorded", nil, []graph.Kernel{side(0, 50), main(60, 500)}, NoRecord},
		{"another stream starts when it is done", []graph.Wait{{From: 0, To: 1}}, []graph.Kernel{side(0, 50), main(52, 500)}, WaitedAtOnce},
		{"what waits starts much later", []graph.Wait{{From: 0, To: 1}}, []graph.Kernel{side(0, 50), main(400, 500)}, Slack},
		{"later by less than its time", []graph.Wait{{From: 0, To: 1}}, []graph.Kernel{side(0, 50), main(90, 500)}, WaitedAtOnce},
		{"it waited itself", []graph.Wait{{From: 1, To: 0}}, []graph.Kernel{side(503, 50), main(0, 500)}, BehindWait},
		{"its wait was over long before", []graph.Wait{{From: 1, To: 0}}, []graph.Kernel{side(900, 50), main(0, 500)}, NoRecord},
		{"a wait for another kernel of its stream says nothing", []graph.Wait{{From: 1, To: 2}}, []graph.Kernel{side(0, 50), side(60, 5), main(900, 500)}, NoRecord},
		{"the main stream's own order may need it", []graph.Wait{{From: 0, To: 1}}, []graph.Kernel{main(0, 500), side(2000, 50)}, NoRecord},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := NewDependencies(tied(c.waits, c.kernels...), false).Of(0); got != c.want {
				t.Errorf("got reason %d (%s), want %d (%s)", got, got.Risk(), c.want, c.want.Risk())
			}
		})
	}
}

func TestReplaysAreUnclear(t *testing.T) {
	g := tied(nil, kernel(0, 0, 10))
	g.Kernels[0].Replay = 0
	if got := NewDependencies(g, false).Of(0); got != ReplayOrder {
		t.Errorf("a replay: %d", got)
	}
	if got := NewDependencies(g, true).Of(0); got != NoFork {
		t.Errorf("a replay captured without a fork: %d", got)
	}
}

func TestHostWaits(t *testing.T) {
	names := kineto.NewNames()
	tr := &kineto.Trace{Names: names, Threads: []kineto.Thread{{Pid: "1", Tid: "1"}}}
	streams := map[int32]int32{}
	add := func(call string, stream int32) {
		if stream >= 0 {
			streams[int32(len(tr.Launches))] = stream
		}
		tr.Launches = append(tr.Launches, kineto.Launch{Ts: int64(len(tr.Launches)), Name: names.InternString(call)})
	}
	// A fork to stream 1 and the join; the last wait is for an event that no other stream's
	// kernel stands before.
	add("cudaStreamWaitEvent", -1)
	add("cudaLaunchKernel", 0) // 1
	add("cudaEventRecord", -1)
	add("cudaStreamWaitEvent", -1)
	add("cudaLaunchKernel", 1) // 4
	add("cudaLaunchKernel", 0) // 5
	add("cudaEventRecord", -1)
	add("cudaStreamWaitEvent", -1)
	add("cudaLaunchKernel", 0) // 8
	edges, waits := graph.HostWaits(tr, func(l int32) (int32, int32, bool) { s, ok := streams[l]; return s, l, ok })
	want := []graph.Wait{{From: 1, To: 4}, {From: 4, To: 8}}
	if len(edges) != 2 || edges[0] != want[0] || edges[1] != want[1] || waits != 2 {
		t.Errorf("edges %v, %d waits; want %v, 2", edges, waits, want)
	}
}
