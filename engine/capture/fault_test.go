package capture_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sgrules/sgrules/engine/capture"
	"github.com/sgrules/sgrules/internal/enginedouble"
)

// on makes a fault of one path; from the n-th call on.
func on(path string, n int, f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var count atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path || count.Add(1) < int64(n) {
			return false
		}
		f(w, r)
		return true
	}
}

func text(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// hang answers nothing until the client is gone.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// breakOff closes the connection, behind half an answer if there is one.
func breakOff(half string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if half != "" {
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, half)
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// TestFaults breaks one call each. The error names the call; the profiler is stopped if and
// only if it may have been started.
func TestFaults(t *testing.T) {
	page := text(200, "text/html; charset=utf-8", "<!doctype html><title>Login</title>\x1b[31m")
	for name, c := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		want  []string
		stops bool
	}{
		"info 500":     {on("/server_info", 1, text(500, "text/plain", "Internal Server Error")), []string{"GET ", "/server_info: HTTP 500 Internal Server Error; the answer begins \"Internal Server Error\""}, false},
		"info html":    {on("/server_info", 1, page), []string{`/server_info: the answer is an HTML page and not JSON: is this the port of the server itself?; the answer begins "<!doctype html><title>Login</title>\x1b[31m"`}, false},
		"info garbage": {on("/server_info", 1, text(200, "application/json", "\x00\xff{")), []string{`the answer is not the JSON that was expected; the answer begins "\x00\xff{"`}, false},
		"info null":    {on("/server_info", 1, text(200, "application/json", "null")), []string{"the answer is null, expected the server's arguments"}, false},
		"info hangs":   {on("/server_info", 1, hang), []string{"/server_info: no complete answer within 300ms"}, false},
		"info breaks":  {on("/server_info", 1, breakOff("{\"tp_size\":")), []string{"/server_info: the connection was closed before the answer was complete", "tried 3 times"}, false},
		"info endless": {on("/server_info", 1, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}), []string{"the answer is longer than 16777216 bytes, which none of this call is"}, false},
		"no such server": {func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, []string{"/v1/models: HTTP 404 Not Found", "it answers neither /server_info nor /v1/models, so it is none of sglang, vllm, tensorrt-llm, tokenspeed"}, false},
		"another owner": {func(w http.ResponseWriter, r *http.Request) bool {
			text(200, "application/json", `{"data":[{"id":"m","owned_by":"llamacpp"}],"x":1}`)(w, r)
			return true
		}, []string{`its models are owned by "llamacpp"`, "--framework"}, false},
		"start 500":     {on("/start_profile", 2, text(500, "text/plain", "Internal Server Error")), []string{"POST ", "/start_profile: HTTP 500", "most often a profile is running already, which is left alone"}, false},
		"free 500":      {on("/start_profile", 1, text(500, "text/plain", "Internal Server Error")), []string{"/start_profile: HTTP 500", "which is left alone"}, false},
		"free hangs":    {on("/start_profile", 1, hang), []string{"/start_profile: no complete answer within 300ms"}, false},
		"start 404":     {on("/start_profile", 2, text(404, "application/json", `{"detail":"Not Found"}`)), []string{"/start_profile: HTTP 404 Not Found", "this server has no profiler to control; a router has none either, its workers do"}, false},
		"start 401":     {on("/start_profile", 2, text(401, "application/json", `{"error":"Unauthorized"}`)), []string{"/start_profile: HTTP 401", "--admin-key-file or SGRULES_ADMIN_KEY"}, false},
		"start 504":     {on("/start_profile", 2, text(504, "text/plain", "upstream timed out")), []string{"/start_profile: HTTP 504"}, true},
		"start hangs":   {on("/start_profile", 2, hang), []string{"/start_profile: no complete answer within 300ms"}, true},
		"start breaks":  {on("/start_profile", 2, breakOff("")), []string{"/start_profile: the connection was closed without an answer"}, true},
		"start html":    {on("/start_profile", 2, page), []string{"/start_profile: the answer is an HTML page"}, true},
		"warm-up 400":   {on("/generate", 1, text(400, "application/json", `{"error":{"message":"input too long"}}`)), []string{"workload prefill: POST ", "/generate: HTTP 400 Bad Request; the answer begins \"{\\\"error\\\":{\\\"message\\\":\\\"input too long\\\"}}\""}, false},
		"probe 500":     {on("/generate", 3, text(500, "text/plain", "boom")), []string{"/generate: HTTP 500", `"boom"`}, true},
		"probe hangs":   {on("/generate", 3, hang), []string{"/generate: no complete answer within 400ms"}, true},
		"probe breaks":  {on("/generate", 3, breakOff(`{"text":`)), []string{"/generate: the connection was closed before the answer was complete"}, true},
		"probe html":    {on("/generate", 3, page), []string{"/generate: the answer is an HTML page and not JSON"}, true},
		"probe no meta": {on("/generate", 3, text(200, "application/json", `{"text":"x"}`)), []string{"/generate: the answer has no meta_info"}, true},
		"probe abort":   {on("/generate", 3, text(200, "application/json", `{"meta_info":{"finish_reason":{"type":"abort","message":"no memory"}}}`)), []string{"the server gave the request up: finish_reason is abort"}, true},
		"probe error":   {on("/generate", 3, text(200, "application/json", `{"error":{"message":"no\u001b[2Jmemory"}}`)), []string{`the server says "no\x1b[2Jmemory"`}, true},
		"redirect abroad": {on("/server_info", 1, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/server_info", http.StatusFound)
		}), []string{"it redirects to http://192.0.2.1/server_info, which is another server than the one given"}, false},
		"redirect start": {on("/start_profile", 2, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}), []string{"it redirects to /elsewhere of itself"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := enginedouble.SGLang(t, enginedouble.Options{Fault: c.fault})
			o := quick(t, d.URL, "prefill")
			o.Timeout, o.RequestTimeout, o.Retries = 300*time.Millisecond, 400*time.Millisecond, 2
			if name == "info endless" {
				o.Timeout = time.Minute
			}
			_, err := capturing(context.Background(), o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %q, want %q in it", err, w)
				}
			}
			if strings.ContainsAny(err.Error(), "\x1b\x00") {
				t.Errorf("%q holds what a terminal obeys", err)
			}
			if stopped := d.Count("/stop_profile") > 0; stopped != c.stops {
				t.Errorf("the profiler was stopped: %v, want %v; %v", stopped, c.stops, err)
			}
			if d.Running() {
				t.Error("the profiler runs on")
			}
			if n := d.Count("/generate"); n > 0 {
				d.Serve(30)
				if len(d.Profiles()) > 1 || d.Running() {
					t.Errorf("the profiler was left armed: %+v", d.Profiles())
				}
			}
		})
	}
}

// TestStreamFaults breaks the stream of a decode.
func TestStreamFaults(t *testing.T) {
	event := `data: {"text":"x","meta_info":{"finish_reason":null}}` + "\n\n"
	for name, c := range map[string]struct{ body, want string }{
		"garbage":  {"data: \xff\xfe\n\n", `the answer is not the JSON that was expected; the answer begins "\xff\xfe"`},
		"no event": {"Traceback (most recent call last):\n", `a line of the stream is no event; the answer begins "Traceback (most recent call last):"`},
		"early":    {event, "the stream ended before [DONE]"},
		"empty":    {"", "the stream ended before [DONE]"},
		"nothing":  {"data: [DONE]\n\n", "a probe ended without a token"},
		"error":    {`data: {"error":{"message":"out of memory"}}` + "\n\n", `the server says "out of memory"`},
		"long":     {"data: " + strings.Repeat("x", 5<<20), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := enginedouble.SGLang(t, enginedouble.Options{Fault: on("/generate", 1, text(200, "text/event-stream", c.body))})
			o := quick(t, d.URL, "decode")
			o.Warmup = 0
			_, err := capturing(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "decode") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if d.Running() {
				t.Error("the profiler runs on")
			}
		})
	}
}

// TestBusy leaves a profile of somebody else alone.
func TestBusy(t *testing.T) {
	for name, double := range map[string]func(enginedouble.T, enginedouble.Options) *enginedouble.Double{
		"sglang": enginedouble.SGLang, "tokenspeed": enginedouble.TokenSpeed, "trtllm": enginedouble.TensorRTLLM,
	} {
		t.Run(name, func(t *testing.T) {
			d := double(t, enginedouble.Options{})
			theirs := t.TempDir()
			resp, err := http.Post(d.URL+"/start_profile", "application/json", strings.NewReader(fmt.Sprintf(`{"output_dir":%q}`, theirs)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			d.Serve(3)
			_, err = capturing(context.Background(), quick(t, d.URL, "prefill"))
			if err == nil || !strings.Contains(err.Error(), "left alone") {
				t.Errorf("got %v", err)
			}
			if d.Count("/generate")+d.Count("/v1/completions") != 0 {
				t.Error("requests of ours are in their profile")
			}
			if !d.Running() || d.Disturbed() || d.Count("/stop_profile") != 0 {
				t.Errorf("running %v, disturbed %v, %d stops", d.Running(), d.Disturbed(), d.Count("/stop_profile"))
			}
		})
	}
}

// TestInterrupt cancels at different moments; afterwards nothing runs and nothing is armed.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name, workload, phase string
		byStage               bool
	}{
		{"warm-up", "prefill", "prefill: warming up", false},
		{"probes", "prefill", "prefill: sending probes", false},
		{"probes by stage", "prefill", "prefill: sending probes", true},
		{"armed", "decode", "decode: profiling 5 steps", false},
		{"waiting", "decode", "decode: waiting for the traces", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := enginedouble.SGLang(t, enginedouble.Options{Step: time.Millisecond, Flush: 20 * time.Millisecond})
			o := quick(t, d.URL, c.workload)
			o.ByStage = c.byStage
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			o.Progress = func(phase, _ string) {
				if phase == c.phase {
					cancel()
				}
			}
			start := time.Now()
			_, err := capturing(ctx, o)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			before := len(d.Profiles())
			d.Serve(40)
			if after := len(d.Profiles()); after > before || d.Running() {
				t.Errorf("%d profiles and then %d, running %v", before, after, d.Running())
			}
		})
	}
}

// TestInterruptUnwindowed stops a profiler that would never end by itself.
func TestInterruptUnwindowed(t *testing.T) {
	dir := t.TempDir()
	d := enginedouble.VLLM(t, enginedouble.Options{Dir: dir, Step: time.Millisecond})
	o := quick(t, d.URL, "decode")
	o.ProfilerDir, o.Steps = dir, 1000
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = func(phase, _ string) {
		if strings.Contains(phase, "profiling") {
			time.AfterFunc(20*time.Millisecond, cancel)
		}
	}
	_, err := capturing(ctx, o)
	var e *capture.Error
	if !errors.As(err, &e) || !errors.Is(err, context.Canceled) || len(e.Kept) != 2 || e.Stop != nil {
		t.Errorf("got %v (%+v)", err, e)
	}
	if d.Running() || d.Count("/stop_profile") != 1 {
		t.Errorf("running %v, %d stops", d.Running(), d.Count("/stop_profile"))
	}
}

// TestKept names what the first workload wrote when the second fails, and that the profiler
// did not stop.
func TestKept(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Step: 50 * time.Microsecond, Fault: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/stop_profile" {
			text(403, "text/plain", "no")(w, r)
			return true
		}
		return false
	}})
	o := quick(t, d.URL)
	o.TraceTimeout = 300 * time.Millisecond
	decode := false
	o.Progress = func(phase, _ string) {
		if phase == "decode: waiting for the traces" && !decode {
			decode = true
			os.RemoveAll(filepath.Join(o.Dir, "decode")) // where the server was to write
		}
	}
	_, err := capturing(context.Background(), o)
	var e *capture.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	equal(t, "kept", names(e.Kept), []string{"prefill/1782843274.773020-TP-0.trace.json.gz"})
	if e.Stop == nil || !strings.Contains(err.Error(), "end it by hand with POST /stop_profile; traces already written are kept: ") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(e.Kept[0]); err != nil {
		t.Error(err)
	}
}

// TestElsewhere explains that the server's folder is not to be seen here.
func TestElsewhere(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{DropsWindow: true})
	o := quick(t, d.URL, "prefill")
	o.TraceTimeout, o.ServerDir = 200*time.Millisecond, "/data/traces/"
	_, err := capturing(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "the server writes to /data/traces/ as it sees it: on another machine or in a container that is another folder") ||
		!strings.Contains(err.Error(), "run sgrules analyze on the copy") {
		t.Errorf("got %v", err)
	}
	for _, c := range d.Calls() {
		if c.Path == "/start_profile" && c.Body["output_dir"] != nil {
			equal(t, "output_dir", c.Body["output_dir"], any("/data/traces/prefill"))
		}
	}
}

// TestTorn waits for the end of a file, and does not take one that never comes.
func TestTorn(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Flush: time.Second})
	o := quick(t, d.URL, "prefill")
	o.TraceTimeout, o.RequestTimeout = 300*time.Millisecond, 3*time.Second
	// The probes of the last round hang behind the export; so ask for no more than needed.
	o.Warmup = 0
	var state string
	o.Progress = func(phase, detail string) {
		if phase == "prefill: waiting for the traces" {
			state = detail
		}
	}
	r, err := capturing(context.Background(), o)
	if err != nil || len(r.Captured[0].Traces) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if !strings.HasSuffix(state, " MB") {
		t.Errorf("progress said %q", state)
	}
	torn := filepath.Join(o.Dir, "prefill")
	if got, _ := os.ReadDir(torn); len(got) != 1 {
		t.Errorf("%v", got)
	}
	o.Dir += "-2"
	o.Progress = func(phase, _ string) {
		if phase == "prefill: profiling 5 steps" { // a rank that died while it wrote
			go func() {
				b, _ := os.ReadFile(r.Captured[0].Traces[0].Path)
				os.WriteFile(filepath.Join(o.Dir, "prefill", "9-TP-1.trace.json.gz"), b[:len(b)-3], 0o644)
			}()
		}
	}
	if _, err := capturing(context.Background(), o); err == nil || !strings.Contains(err.Error(), "the traces are not all there and whole (1 of 1 complete, 2 there") {
		t.Errorf("got %v", err)
	}
}

// TestDies notices that the server is gone long before the time for the traces is over.
func TestDies(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{DropsWindow: true})
	target := d.URL
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, target+r.URL.Path, r.Body)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		buf := make([]byte, 64<<10)
		n, _ := resp.Body.Read(buf)
		w.Write(buf[:n])
	}))
	o := quick(t, proxy.URL, "prefill")
	o.TraceTimeout = time.Minute
	var once atomic.Bool
	o.Progress = func(phase, _ string) {
		if phase == "prefill: waiting for the traces" && once.CompareAndSwap(false, true) {
			proxy.CloseClientConnections()
			proxy.Close()
		}
	}
	_, err := capturing(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "no longer listens: the server died before its traces were whole") || !strings.Contains(err.Error(), "nothing listens there") {
		t.Errorf("got %v", err)
	}
}

// TestSecrets echoes the key in an answer; it is in no error.
func TestSecrets(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{Fault: on("/server_info", 1, func(w http.ResponseWriter, r *http.Request) {
		text(401, "text/plain", strings.Repeat("a", 150)+" bad key "+r.Header.Get("Authorization"))(w, r)
	})})
	o := quick(t, d.URL)
	o.APIKey, o.AdminKey = "users-0123456789abcdef", "admins-0123456789abcdef"
	_, err := capturing(context.Background(), o)
	if err == nil || strings.Contains(err.Error(), "users-") || strings.Contains(err.Error(), "admins-") || !strings.Contains(err.Error(), "HTTP 401") {
		t.Errorf("got %v", err)
	}
}

// TestOneHost contacts no server but the one given, whatever the environment says.
func TestOneHost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked for", r.URL) }))
	defer other.Close()
	t.Setenv("HTTP_PROXY", other.URL)
	t.Setenv("http_proxy", other.URL)
	o := quick(t, "http://sgrules.invalid:30000")
	o.Retries = 0
	if _, err := capturing(context.Background(), o); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("got %v", err)
	}
}

// TestRetries asks again a server that is busy, later and later.
func TestRetries(t *testing.T) {
	var left atomic.Int64
	left.Store(2)
	d := enginedouble.SGLang(t, enginedouble.Options{Fault: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/generate" && left.Add(-1) >= 0 {
			text(503, "text/plain", "busy")(w, r)
			return true
		}
		return false
	}})
	o := quick(t, d.URL, "prefill")
	var slept []time.Duration
	o.Backoff = 7 * time.Millisecond
	o.Sleep = func(ctx context.Context, d time.Duration) error {
		slept = append(slept, d)
		time.Sleep(time.Millisecond)
		return ctx.Err()
	}
	if _, err := capturing(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(slept[:2], []time.Duration{7 * time.Millisecond, 14 * time.Millisecond}) {
		t.Errorf("slept %v", slept[:2])
	}
}

// TestMixed keeps the traces of two runs apart.
func TestMixed(t *testing.T) {
	d := enginedouble.SGLang(t, enginedouble.Options{})
	o := quick(t, d.URL, "prefill")
	if _, err := capturing(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := capturing(context.Background(), o); err == nil || !strings.Contains(err.Error(), "traces of two runs must not be mixed; choose another folder") {
		t.Errorf("got %v", err)
	}
	dir, err := capture.NewFolder(o.Dir)
	equal(t, "folder", dir, o.Dir+"-2")
	equal(t, "error", err, nil)
}
