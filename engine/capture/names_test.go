package capture

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestNames reads the names of traces as each engine gives them.
func TestNames(t *testing.T) {
	o := Options{}
	for _, c := range []struct {
		engine, name string
		want         Trace
		ok           bool
	}{
		{"sglang", "1782843274.7730265-TP-3.trace.json.gz", Trace{Rank: 3}, true},
		{"sglang", "my-run-1782843274.77-TP-0-DP-1-PP-0-EP-2-DECODE.trace.json.gz", Trace{Rank: 0, Place: "DP-1-PP-0-EP-2", Stage: "decode"}, true},
		{"sglang", "1782843274.77-TP-0-EXTEND.trace.json.gz", Trace{Stage: "prefill"}, true},
		{"sglang", "1782843274.77-TP-0-prefill.trace.json.gz", Trace{Stage: "prefill"}, true},
		{"sglang", "1782843274.77-TP-0-ForwardMode.DECODE.trace.json.gz", Trace{Stage: "decode"}, true},
		{"sglang", "merged-1782843274.77.trace.json.gz", Trace{Rank: -1, Merged: true}, true},
		{"sglang", "1782843274.77-TP-0-memory.pickle", Trace{}, false},
		{"sglang", "server_args.json", Trace{}, false},
		{"sglang", "TP-99999999999.trace.json.gz", Trace{}, false},
		{"tokenspeed", "20260901-120000-TP1.trace.json.gz", Trace{Rank: 1}, true},
		{"tokenspeed", "20260901-120000-DP1-CP0-TP2-EXTEND.trace.json.gz", Trace{Rank: 2, Place: "DP1-CP0", Stage: "prefill"}, true},
		{"tokenspeed", "20260901-120000-TP1.proton.hatchet", Trace{}, false},
		{"vllm", "dp0_pp0_tp1_dcp0_ep1_rank1.1782843274773026.pt.trace.json.gz", Trace{Rank: 1}, true},
		{"vllm", "run1_dp0_pp0_tp0_dcp0_ep0_rank12.1782843274773026.pt.trace.json", Trace{Rank: 12}, true},
		{"vllm", "7f3a-rank-2.1782843274773026.pt.trace.json.gz", Trace{Rank: 2}, true},
		{"vllm", "node1_77.AsyncLLM.1782843274773026.pt.trace.json.gz", Trace{Rank: -1}, true},
		{"vllm", "profiler_out_0.txt", Trace{}, false},
		{"tensorrt-llm", "trtllm-trace-1782843274-0123abcd-rank-1.json", Trace{Rank: 1}, true},
		{"tensorrt-llm", "trtllm-trace-1782843274-0123abcd-rank-1.json.tmp", Trace{}, false},
	} {
		got, ok := newContract(c.engine, nil, nil, &o).trace(c.name)
		if got != c.want || ok != c.ok {
			t.Errorf("%s %s: %+v, %v; want %+v, %v", c.engine, c.name, got, ok, c.want, c.ok)
		}
	}
}

// TestFrameworkOf tells engines apart by what they answer to /server_info.
func TestFrameworkOf(t *testing.T) {
	for text, want := range map[string]string{
		`{"tp_size": 1, "model_path": "m"}`:                       "sglang",
		`{"internal_states": [], "server_args": {"tp_size": 1}}`:  "sglang",
		`{"server_args": {"tp_size": 2.0}, "active_requests": 0}`: "tokenspeed",
		`{"vllm_config": "model='m'"}`:                            "vllm",
		`{"version": "1"}`:                                        "",
	} {
		var info map[string]any
		if err := json.Unmarshal([]byte(text), &info); err != nil {
			t.Fatal(err)
		}
		if got := frameworkOf(info); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestWhole tells a trace that was written to its end from one that was not.
func TestWhole(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	zip := func(name, text string) []byte {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		z.Write([]byte(text))
		z.Close()
		f.Close()
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	full := zip("full.json.gz", "{\"traceEvents\": []\n}\n")
	damaged := append([]byte(nil), full...)
	damaged[len(damaged)-6] ^= 1 // of the checksum
	for path, want := range map[string]bool{
		filepath.Join(dir, "full.json.gz"):                    true,
		write("cut.json.gz", full[:len(full)-1]):              false,
		write("head.json.gz", full[:5]):                       false,
		write("empty.json.gz", nil):                           false,
		write("damaged.json.gz", damaged):                     false,
		write("half.json.gz", zip("h.gz", `{"traceEvents":`)): false,
		write("full.json", []byte("[1]\n")):                   true,
		write("cut.json", []byte(`{"traceEvents": [{"ph": `)): false,
		write("empty.json", nil):                              false,
		filepath.Join(dir, "none.json"):                       false,
	} {
		got, err := whole(context.Background(), path)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", filepath.Base(path), got, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := whole(ctx, filepath.Join(dir, "full.json.gz")); err == nil {
		t.Error("an interrupted check came to an end")
	}
}

// TestFirstTokens holds that no two prompts of a run begin with the same token.
func TestFirstTokens(t *testing.T) {
	p, err := newPrompts(0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for range lastToken - firstToken {
		first := p.next(1)[0]
		if seen[first] || first < firstToken || first >= lastToken {
			t.Fatalf("token %d", first)
		}
		seen[first] = true
	}
}

// TestBring makes a second name of a trace, or a copy.
func TestBring(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	path := filepath.Join(from, "a.json")
	if err := os.WriteFile(path, []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := bring(context.Background(), path, to)
	if b, rerr := os.ReadFile(got); err != nil || rerr != nil || string(b) != "[]" {
		t.Errorf("%q, %v, %v", b, err, rerr)
	}
	if _, err := bring(context.Background(), path, to); err == nil {
		t.Error("a file was replaced")
	}
}
