package graph

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/kineto"
)

func TestCaptureCalls(t *testing.T) {
	for call, want := range map[string][2]bool{
		"cudaStreamBeginCapture": {true, false}, "cudaStreamBeginCapture_v2": {true, false}, "cudaStreamBeginCapture_ptsz_v10000": {true, false},
		"cudaStreamBeginCaptureToGraph_v12030": {true, false}, "hipStreamBeginCapture": {true, false}, "cuStreamBeginCapture_v2": {true, false},
		"cudaStreamEndCapture": {false, true}, "cudaStreamEndCapture_v10000": {false, true}, "hipStreamEndCapture": {false, true},
		"cudaStreamIsCapturing": {}, "cudaThreadExchangeStreamCaptureMode": {}, "myStreamBeginCapture": {}, "cudaStreamBeginCaptures": {}, "": {},
	} {
		if got := [2]bool{IsCaptureBegin(call), IsCaptureEnd(call)}; got != want {
			t.Errorf("%s: begins and ends a capture %v, want %v", call, got, want)
		}
	}
}

// Ids close together are kept in a list, ids far apart and those of ranks in a map: the launches
// found are the same.
func TestCorrelateNearAndFar(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := range 400 {
		spread := []int64{3, 40, 5_000, math.MaxInt64 - 1}[n%4]
		pids := []string{"7"}
		if n%8 > 3 {
			pids = []string{"7", "[TP00] 7", "[TP01] 7"}
		}
		tr := &kineto.Trace{Names: kineto.NewNames()}
		for _, p := range pids {
			tr.Threads = append(tr.Threads, kineto.Thread{Pid: p, Tid: "1"})
		}
		from := r.Int64N(1_000)
		id := func() int64 { return from + r.Int64N(min(spread, math.MaxInt64-from)) }
		for range r.IntN(40) {
			tr.Activities = append(tr.Activities, kineto.Activity{Corr: id(), Pid: tr.Names.InternString(pids[r.IntN(len(pids))])})
		}
		for range r.IntN(40) {
			tr.Launches = append(tr.Launches, kineto.Launch{Corr: id(), Thread: kineto.ThreadID(r.IntN(len(pids)))})
		}
		c := correlate(tr)
		for i, a := range tr.Activities {
			rank, _, _ := strings.Cut(tr.Names.Text(a.Pid), " ")
			want := []int32{}
			for j, l := range tr.Launches {
				if other, _, _ := strings.Cut(tr.Threads[l.Thread].Pid, " "); other == rank && l.Corr == a.Corr && a.Corr > 0 {
					want = append(want, int32(j))
				}
			}
			got := []int32{}
			if l := c.get(c.of[i]); a.Corr > 0 && l >= 0 {
				got = append(append(got, l), c.again[l]...)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("launches of activity %d (%s, id %d, list %v): got %v, want %v", i, rank, a.Corr, c.near != nil, got, want)
			}
		}
	}
}
