package capture_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sgrules/sgrules/engine/capture"
	"github.com/sgrules/sgrules/internal/enginedouble"
)

// quick are options for a double on this machine.
func quick(t *testing.T, url string, names ...string) capture.Options {
	t.Helper()
	o := capture.Defaults()
	o.URL, o.Dir = url, filepath.Join(t.TempDir(), "out")
	o.Poll, o.Settle, o.Backoff = 2*time.Millisecond, 20*time.Millisecond, time.Millisecond
	o.Timeout, o.RequestTimeout, o.StopTimeout, o.TraceTimeout = 2*time.Second, 5*time.Second, 2*time.Second, 3*time.Second
	for _, n := range names {
		w, err := capture.ParseWorkload(n)
		if err != nil {
			t.Fatal(err)
		}
		o.Workloads = append(o.Workloads, w)
	}
	return o
}

func capturing(ctx context.Context, o capture.Options) (*capture.Result, error) {
	s, err := capture.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.Run(ctx)
}

func names(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, filepath.Base(filepath.Dir(p))+"/"+filepath.Base(p))
	}
	return out
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestSGLang records the two default workloads: exactly the steps asked for, of one stage
// each, every rank in a folder a workload.
func TestSGLang(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Ranks: 2, Flush: 30 * time.Millisecond, Step: 100 * time.Microsecond})
	o := quick(t, d.URL)
	r, err := capturing(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := d.Profiles()
	if len(p) != 2 || p[0].Prefill != 5 || p[0].Decode != 0 || p[1].Prefill != 0 || p[1].Decode != 5 {
		t.Errorf("profiles %+v, want 5 batches of prefill and 5 of decode", p)
	}
	equal(t, "wanted", names(r.Captured[0].Wanted(-1, false)), []string{"prefill/1782843274.773020-TP-0.trace.json.gz"})
	equal(t, "wanted", names(r.Captured[1].Wanted(1, false)), []string{"decode/1782843274.773021-TP-1.trace.json.gz"})
	equal(t, "wanted", names(r.Captured[1].Wanted(-1, true)), []string{"decode/1782843274.773021-TP-0.trace.json.gz", "decode/1782843274.773021-TP-1.trace.json.gz"})
	if d.Running() || d.Count("/stop_profile") != 0 {
		t.Error("a profile that ends by itself was stopped, or runs on")
	}
	args, err := os.ReadFile(r.ServerArgs)
	if err != nil || !json.Valid(args) || !strings.Contains(string(args), `"model_path": "Qwen/Qwen3-8B"`) {
		t.Errorf("server_args.json: %v, %s", err, args)
	}
	for _, c := range d.Calls() {
		if c.Path == "/start_profile" && c.Body["output_dir"] != nil {
			want := map[string]any{"output_dir": c.Body["output_dir"], "num_steps": 5.0, "start_step": 1.0, "activities": []any{"CPU", "GPU"},
				"with_stack": true, "record_shapes": true, "profile_by_stage": false}
			equal(t, "start", c.Body, want)
			if dir, _ := c.Body["output_dir"].(string); !filepath.IsAbs(dir) {
				t.Errorf("output_dir %q is not a path of its own", dir)
			}
		}
	}
	equal(t, "notes", r.Notes, nil)
}

// TestPrompts holds the probes against what the workload says, and each against the others.
func TestPrompts(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Step: 100 * time.Microsecond})
	if _, err := capturing(context.Background(), quick(t, d.URL, "prefill", "decode")); err != nil {
		t.Fatal(err)
	}
	first := map[any]bool{}
	long := 0
	for _, c := range d.Calls() {
		if c.Path != "/generate" {
			continue
		}
		ids := c.Body["input_ids"].([]any)
		if first[ids[0]] {
			t.Errorf("two prompts begin with token %v", ids[0])
		}
		first[ids[0]] = true
		p := c.Body["sampling_params"].(map[string]any)
		equal(t, "ignore_eos", p["ignore_eos"], any(true))
		switch out := p["max_new_tokens"].(float64); {
		case len(ids) == 4090 && out == 1:
			long++
		case len(ids) == 1 && (out == 2048 || out == 8):
		default:
			t.Errorf("a probe of %d tokens in and %v out", len(ids), out)
		}
	}
	if long < 7 {
		t.Errorf("%d prefills, want the warm-up and more than the 5 steps", long)
	}
}

// TestByStage records both stages out of one profile, and leaves none armed: who decodes
// afterwards is not recorded.
func TestByStage(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Ranks: 2})
	o := quick(t, d.URL)
	o.ByStage, o.Steps = true, 3
	r, err := capturing(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "wanted", names(r.Captured[0].Wanted(-1, false)), []string{"prefill/1782843274.773020-TP-0-EXTEND.trace.json.gz"})
	equal(t, "wanted", names(r.Captured[1].Wanted(-1, false)), []string{"decode/1782843274.773023-TP-0-DECODE.trace.json.gz"})
	p := d.Profiles()
	if len(p) != 4 || p[0].Prefill != 3 || p[3].Decode != 3 {
		t.Fatalf("profiles %+v, want four, 3 steps in the first and the last", p)
	}
	d.Serve(20)
	if n := len(d.Profiles()); n != 4 || d.Running() {
		t.Errorf("%d profiles, running %v: the profiler was left armed", n, d.Running())
	}
}

// TestReplicas gives each data-parallel replica its own requests.
func TestReplicas(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Ranks: 2, Args: map[string]any{"dp_size": 2, "enable_dp_attention": true}})
	o := quick(t, d.URL, "prefill")
	o.Concurrency, o.Warmup, o.Steps = 3, 0, 4
	if _, err := capturing(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	equal(t, "requests", d.Count("/generate"), 36)
}

// TestCached says when the prefix cache swallowed a prefill.
func TestCached(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{})
	o := quick(t, d.URL, "prefill")
	o.Seed = 7
	if r, err := capturing(context.Background(), o); err != nil || len(r.Notes) != 0 {
		t.Fatalf("%v, %v", r, err)
	}
	o.Dir += "-2"
	r, err := capturing(context.Background(), o)
	if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "4089 of the 4090 tokens of a prompt came out of the prefix cache") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestOldInfo asks the route that older servers have.
func TestOldInfo(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{OldInfo: true})
	r, err := capturing(context.Background(), quick(t, d.URL, "prefill"))
	if err != nil || r.Server.String() != "SGLang 0.5.9, Qwen/Qwen3-8B" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestVLLM starts and stops, and brings the traces from the folder of the server.
func TestVLLM(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dp0_pp0_tp0_dcp0_ep0_rank0.1.pt.trace.json.gz"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := enginedouble.VLLM(t, enginedouble.Options{Dir: dir, Ranks: 2, Step: 4 * time.Millisecond})
	o := quick(t, d.URL)
	o.ProfilerDir, o.WorldSize = dir, 2
	r, err := capturing(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := d.Profiles()
	if len(p) != 2 || p[0].Prefill != 5 || p[0].Decode != 0 || p[1].Decode < 5 || p[1].Prefill != 0 {
		t.Errorf("profiles %+v, want 5 batches of prefill and then 5 or more of decode", p)
	}
	equal(t, "wanted", names(r.Captured[1].Wanted(1, false)), []string{"decode/dp0_pp0_tp1_dcp0_ep0_rank1.1782843274773021.pt.trace.json.gz"})
	equal(t, "traces", len(r.Captured[0].Traces), 3)
	equal(t, "server", r.Server.String(), "vLLM 0.14.0, openai/gpt-oss-20b, 2 ranks")
	equal(t, "stops", d.Count("/stop_profile"), 2)
}

func TestTensorRTLLM(t *testing.T) {
	d := enginedouble.TensorRTLLM(t, enginedouble.Options{Ranks: 2, Step: 100 * time.Microsecond})
	r, err := capturing(context.Background(), quick(t, d.URL))
	if err != nil {
		t.Fatal(err)
	}
	p := d.Profiles()
	if len(p) != 2 || p[0].Prefill != 5 || p[1].Decode != 5 || p[1].Prefill != 0 {
		t.Errorf("profiles %+v", p)
	}
	equal(t, "wanted", names(r.Captured[0].Wanted(1, false)), []string{"prefill/trtllm-trace-1782843274-0123abc0-rank-1.json"})
}

func TestTokenSpeed(t *testing.T) {
	d := enginedouble.TokenSpeed(t, enginedouble.Options{Ranks: 2, Step: 100 * time.Microsecond})
	r, err := capturing(context.Background(), quick(t, d.URL))
	if err != nil {
		t.Fatal(err)
	}
	p := d.Profiles()
	if len(p) != 2 || p[0].Prefill != 5 || p[1].Decode != 5 || p[1].Prefill != 0 {
		t.Errorf("profiles %+v", p)
	}
	equal(t, "wanted", names(r.Captured[1].Wanted(1, false)), []string{"decode/20260901-120001-TP1.trace.json.gz"})
	if b, err := os.ReadFile(r.ServerArgs); err != nil || !strings.Contains(string(b), `"server_args": {`) {
		t.Errorf("server_args.json: %v, %s", err, b)
	}
}

// TestKeys calls the profiler with one key and everything else with the other, and writes
// neither into server_args.json.
func TestKeys(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{APIKey: "key-of-users", AdminKey: "key-of-admins"})
	o := quick(t, d.URL, "prefill")
	o.APIKey, o.AdminKey = "key-of-users", "key-of-admins"
	r, err := capturing(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Calls() {
		want := "Bearer key-of-users"
		if c.Path == "/start_profile" {
			want = "Bearer key-of-admins"
		}
		equal(t, c.Path, c.Auth, want)
	}
	b, err := os.ReadFile(r.ServerArgs)
	if err != nil || strings.Contains(string(b), "key-of-") || strings.Count(string(b), `"api_key": "(left out)"`) != 2 || !strings.Contains(string(b), `"admin_api_key": "(left out)"`) {
		t.Errorf("server_args.json: %v, %s", err, b)
	}
}

// TestRefused is what is said before anything is started: nothing but questions is asked.
func TestRefused(t *testing.T) {
	sglang := func(args map[string]any) func(t *testing.T) *enginedouble.Double {
		return func(t *testing.T) *enginedouble.Double {
			return enginedouble.SGLang(t, enginedouble.Options{Args: args})
		}
	}
	for name, c := range map[string]struct {
		double func(t *testing.T) *enginedouble.Double
		change func(o *capture.Options)
		want   string
	}{
		"graphs on": {sglang(map[string]any{"disable_cuda_graph": true}), func(o *capture.Options) { o.Mapping = true },
			"replays graphs (disable_piecewise_cuda_graph is false), which hide the source lines that a mapping trace is for; start a second server for it with the same arguments and --disable-cuda-graph --disable-piecewise-cuda-graph"},
		"graph config": {sglang(map[string]any{"disable_cuda_graph": true, "cuda_graph_config": map[string]any{"decode": map[string]any{"backend": "disabled"}, "prefill": map[string]any{"backend": "breakable"}}}), func(o *capture.Options) { o.Mapping = true },
			"replays graphs (cuda_graph_config: prefill breakable)"},
		"prefill worker": {sglang(map[string]any{"disaggregation_mode": "prefill"}), nil,
			"is a prefill worker of PD-disaggregated serving and runs no decode, so workload decode would show nothing; profile the workers separately: this one with --workload prefill, a decode worker with --workload decode"},
		"decode worker without router": {sglang(map[string]any{"disaggregation_mode": "decode"}), func(o *capture.Options) { o.Workloads = capture.DefaultWorkloads()[1:] },
			"whose requests come through the router; name that with --requests-url"},
		"worker by stage": {sglang(map[string]any{"disaggregation_mode": "decode"}), func(o *capture.Options) {
			o.Workloads, o.ByStage = capture.DefaultWorkloads()[1:], true
		}, "it has one stage, and --profile-by-stage would wait for the other for ever"},
		"context":        {sglang(map[string]any{"context_length": 4000}), nil, "workload prefill: 4090 tokens in and 1 out do not fit in the 4000"},
		"folder of vllm": {sglang(nil), func(o *capture.Options) { o.ProfilerDir = "/x" }, "--profiler-dir has no effect on SGLang 0.5.9"},
		"stacks of trtllm": {func(t *testing.T) *enginedouble.Double { return enginedouble.TensorRTLLM(t, enginedouble.Options{}) }, func(o *capture.Options) { o.Stack = false },
			"--with-stack has no effect on TensorRT-LLM"},
		"embeddings": {sglang(map[string]any{"is_embedding": true}), nil, "serves embeddings and generates nothing"},
		"vllm without profiler": {func(t *testing.T) *enginedouble.Double { return enginedouble.VLLM(t, enginedouble.Options{}) }, nil,
			`vLLM has it only when it was started with a profiler; start it with --profiler-config '{"profiler": "torch", "torch_profiler_dir": "/DIR"}', or an older one with VLLM_TORCH_PROFILER_DIR=/DIR`},
		"vllm without folder": {func(t *testing.T) *enginedouble.Double {
			return enginedouble.VLLM(t, enginedouble.Options{Dir: t.TempDir()})
		}, nil, "name it, as it is seen here, with --profiler-dir"},
		"vllm by stage": {func(t *testing.T) *enginedouble.Double {
			return enginedouble.VLLM(t, enginedouble.Options{Dir: t.TempDir()})
		}, func(o *capture.Options) { o.ByStage = true }, "is vLLM, whose profiler cannot do --profile-by-stage"},
		"trtllm of old": {func(t *testing.T) *enginedouble.Double {
			return enginedouble.TensorRTLLM(t, enginedouble.Options{NoProfiler: true})
		}, nil, "start the server with TLLM_PROFILE_START_STOP=100-105 and TLLM_TORCH_PROFILE_TRACE=/DIR/trace.json"},
		"tokenspeed merge": {func(t *testing.T) *enginedouble.Double { return enginedouble.TokenSpeed(t, enginedouble.Options{}) }, func(o *capture.Options) { o.Merge = true },
			"whose profiler neither merges traces nor takes a prefix"},
		"steps":               {sglang(nil), func(o *capture.Options) { o.Steps = -1 }, "--num-steps -1: expected 1 to 10000"},
		"start step by stage": {sglang(nil), func(o *capture.Options) { o.ByStage, o.StartStep = true, 4 }, "--start-step has no effect with --profile-by-stage"},
		"merge prefix":        {sglang(nil), func(o *capture.Options) { o.Merge, o.Prefix = true, "a" }, "--merge-profiles with --profile-prefix"},
		"prefix":              {sglang(nil), func(o *capture.Options) { o.Prefix = "../a" }, "expected the beginning of a file name"},
		"password":            {sglang(nil), func(o *capture.Options) { o.URL = "http://me:hush@127.0.0.1:1" }, "server address: a name and password in an address end up in logs"},
		"address":             {sglang(nil), func(o *capture.Options) { o.URL = "127.0.0.1:30000" }, "expected http://HOST:PORT"},
		"framework":           {sglang(nil), func(o *capture.Options) { o.Framework = "lmdeploy" }, `--framework "lmdeploy": expected auto, sglang, vllm, tensorrt-llm, tokenspeed`},
	} {
		t.Run(name, func(t *testing.T) {
			d := c.double(t)
			o := quick(t, d.URL)
			if c.change != nil {
				c.change(&o)
			}
			_, err := capturing(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			for _, c := range d.Calls() {
				if c.Method != "GET" && c.Method != "OPTIONS" {
					t.Errorf("%s %s was called", c.Method, c.Path)
				}
			}
			if _, err := os.Stat(o.Dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the output folder was made: %v", err)
			}
		})
	}
}

// TestWorker profiles a worker of PD-disaggregated serving, with the requests sent to the
// router.
func TestWorker(t *testing.T) {
	worker := enginedouble.SGLang(t, enginedouble.Options{Args: map[string]any{"disaggregation_mode": "decode"}, Step: 100 * time.Microsecond})
	router := enginedouble.SGLang(t, enginedouble.Options{Step: 100 * time.Microsecond})
	o := quick(t, worker.URL, "decode")
	o.RequestsURL = router.URL
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // the router has the worker decode
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				worker.Serve(1)
			}
		}
	}()
	_, err := capturing(context.Background(), o)
	close(stop)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if worker.Count("/generate") != 0 || router.Count("/generate") == 0 || router.Count("/start_profile") != 0 {
		t.Errorf("worker %v, router %v", worker.Calls(), router.Calls())
	}
}

func TestComparable(t *testing.T) {
	open := func(args map[string]any) *capture.Session {
		d := enginedouble.SGLang(t, enginedouble.Options{Args: args})
		s, err := capture.Open(context.Background(), quick(t, d.URL))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a := open(nil)
	for _, c := range []struct {
		with map[string]any
		want string
	}{{nil, ""}, {map[string]any{"model_path": "other"}, "serves other: no pair"}, {map[string]any{"tp_size": 4}, "has 1 ranks and"}} {
		err := capture.Comparable(a, open(c.with))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.with, err, c.want)
		}
	}
	if err := capture.Comparable(a, a); err == nil || !strings.Contains(err.Error(), "a pair needs two") {
		t.Errorf("one server twice: %v", err)
	}
}

func TestParseWorkload(t *testing.T) {
	w, err := capture.ParseWorkload("chat=1024:256")
	if err != nil || w != (capture.Workload{Name: "chat", In: 1024, Out: 256}) {
		t.Errorf("%+v, %v", w, err)
	}
	for _, s := range []string{"", "both", "chat", "chat=1", "chat=0:1", "chat=1:x", "chat=1:99999999", "../x=1:1", "mapping=1:1", "=1:1", "Chat=1:1"} {
		if w, err := capture.ParseWorkload(s); err == nil {
			t.Errorf("%q is %+v", s, w)
		}
	}
}
