// Package enginedouble stands in for serving engines in tests: each double speaks one
// engine's HTTP contract as it was read in the engine's source (references/source-map.md
// says where), counts batches as its scheduler does, and writes traces that
// engine/tracebuild makes under the names and at the moments the engine would.
//
// It imitates what a client can see and nothing else: no model runs.
package enginedouble

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sgrules/sgrules/engine/tracebuild"
)

// Options shape a double. The zero value of a field is the usual server.
type Options struct {
	Args  map[string]any // the server's arguments, over the double's own
	Ranks int            // processes that write a trace; 0 is one
	// Trace describes what a rank recorded: stage "prefill", "decode", or "" for both. With
	// nil, or for nil, it is a kernel or two.
	Trace func(stage string, rank int) *tracebuild.Spec
	// Flush is how long a trace stays half written.
	Flush time.Duration
	Step  time.Duration // a batch takes
	// APIKey and AdminKey are asked for as SGLang does.
	APIKey, AdminKey string
	// Dir is the folder of a server that is started with one (vLLM); "" mounts no profiler.
	Dir string
	// NoProfiler leaves out the routes of the profiler.
	NoProfiler bool
	// OldInfo serves /get_server_info and not /server_info.
	OldInfo bool
	// DropsWindow is a scheduler that writes nothing when a window ends, as one does whose
	// folder is elsewhere.
	DropsWindow bool
	// Fault may answer in the place of the double; it tells whether it did.
	Fault func(w http.ResponseWriter, r *http.Request) bool
}

// Profile is one that was written.
type Profile struct {
	Prefill, Decode int // batches recorded
	Stage           string
	Dir             string
}

// Call is a request that a double received.
type Call struct {
	Method, Path, Auth string
	Body               map[string]any
}

// Double is a server under test.
type Double struct {
	URL string
	o   Options

	mu       sync.Mutex
	calls    []Call
	profiles []Profile
	batches  int // forward_ct
	rec      Profile
	running  bool
	broken   bool // a profile was disturbed by another
	files    int
	prompts  map[int]bool
	machine  machine
}

// machine is the profiler of one engine. All methods run with the double's lock held.
type machine interface {
	routes(mux *http.ServeMux, d *Double)
	// batch is called before each batch: prefill or decode.
	batch(d *Double, prefill bool)
}

// T is the test that a double lives as long as.
type T interface{ Cleanup(func()) }

func start(t T, o Options, m machine) *Double {
	d := &Double{o: o, machine: m, prompts: map[int]bool{}}
	if d.o.Ranks == 0 {
		d.o.Ranks = 1
	}
	mux := http.NewServeMux()
	m.routes(mux, d)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := Call{Method: r.Method, Path: r.URL.Path, Auth: r.Header.Get("Authorization")}
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err == nil && body.Len() > 0 {
			_ = json.Unmarshal(body.Bytes(), &c.Body)
		}
		d.mu.Lock()
		d.calls = append(d.calls, c)
		d.mu.Unlock()
		if d.o.Fault != nil && d.o.Fault(w, r) {
			return
		}
		if !d.allowed(r) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"Unauthorized"}`)
			return
		}
		mux.ServeHTTP(w, r.WithContext(withBody(r, c.Body)))
	}))
	d.URL = s.URL
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return d
}

// allowed is SGLang's rule: the profiler takes the admin key if there is one, else the API
// key; everything else takes the API key.
func (d *Double) allowed(r *http.Request) bool {
	need := d.o.APIKey
	if d.o.AdminKey != "" && strings.HasSuffix(r.URL.Path, "_profile") {
		need = d.o.AdminKey
	}
	return need == "" || r.URL.Path == "/health" || r.Method == http.MethodOptions || r.Header.Get("Authorization") == "Bearer "+need
}

// Calls are the requests so far.
func (d *Double) Calls() []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Call(nil), d.calls...)
}

// Count is how many requests to a path there were.
func (d *Double) Count(path string) int {
	n := 0
	for _, c := range d.Calls() {
		if c.Path == path {
			n++
		}
	}
	return n
}

// Profiles are those written so far.
func (d *Double) Profiles() []Profile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Profile(nil), d.profiles...)
}

// Running tells whether a profile is recorded now, Disturbed whether one was started over
// another.
func (d *Double) Running() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running
}

// Disturbed tells whether a profile was started while another ran.
func (d *Double) Disturbed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.broken
}

// Serve has the double work on somebody else's request: one prefill and some decodes.
func (d *Double) Serve(decodes int) {
	d.step(true)
	for range decodes {
		d.step(false)
	}
}

// step runs one batch.
func (d *Double) step(prefill bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches++
	d.machine.batch(d, prefill)
	if d.running {
		if prefill {
			d.rec.Prefill++
		} else {
			d.rec.Decode++
		}
	}
	time.Sleep(d.o.Step)
}

// write exports what was recorded: one file a rank, in pieces, as a large one appears.
func (d *Double) write(dir string, name func(rank int) string) {
	d.running = false
	p := d.rec
	p.Dir = dir
	d.rec = Profile{}
	d.profiles = append(d.profiles, p)
	if d.o.DropsWindow {
		return
	}
	stage := ""
	switch {
	case p.Decode == 0:
		stage = "prefill"
	case p.Prefill == 0:
		stage = "decode"
	}
	d.files++
	for rank := range d.o.Ranks {
		d.writeFile(filepath.Join(dir, name(rank)), stage, rank)
	}
}

func (d *Double) writeFile(path, stage string, rank int) {
	spec := small(stage, rank)
	if d.o.Trace != nil {
		if s := d.o.Trace(stage, rank); s != nil {
			spec = s
		}
	}
	o := spec.Write
	o.Gzip = strings.HasSuffix(path, ".gz")
	var b bytes.Buffer
	if err := tracebuild.Write(&b, spec, o); err != nil {
		panic(fmt.Sprintf("enginedouble: %v", err)) // the test's own description is wrong
	}
	f, err := os.Create(path)
	if err != nil {
		return // the folder was taken away, as a test may
	}
	defer f.Close()
	half := b.Len() / 2
	f.Write(b.Bytes()[:half])
	time.Sleep(d.o.Flush)
	f.Write(b.Bytes()[half:])
}

// small is a trace of a kernel or two.
func small(stage string, rank int) *tracebuild.Spec {
	kernel := tracebuild.Item{Kind: tracebuild.Kernel, Name: "nvjet_sm103_tst_16x64_64x16_4x1_v_bz_TNN", US: []int64{9000}}
	name := "step[DECODE bs=1]"
	if stage == "prefill" {
		name = "step[EXTEND bs=1 toks=4090]"
	}
	step := tracebuild.Item{Kind: tracebuild.Step, Name: name, Of: []tracebuild.Item{kernel, kernel}}
	return &tracebuild.Spec{Rank: int64(rank), World: 2, Items: []tracebuild.Item{step}}
}

type bodyKey struct{}
