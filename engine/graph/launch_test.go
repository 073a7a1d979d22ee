package graph

import "testing"

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
