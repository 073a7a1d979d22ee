package capture

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// sglang speaks with SGLang's server.
//
// Its scheduler starts a profile in one of two ways. Asked to begin at once, it throws away
// the answer to whether one is running and starts another over it. Asked for a start_step,
// or by stage, it arms the profile and says no if one is running. So a start is always
// given a step: step 1 is in the past of every server that has served its own warm-up, and
// means the next batch. The window is then num_steps batches in every version.
//
// A profile ends when the batch after its last arrives, and only then is the trace
// written: there must be more batches than steps.
type sglang struct {
	control, requests *client
	o                 *Options
}

// farStep is a forward pass that no server reaches: a profile armed for it takes back one
// that was armed before, and never begins.
const farStep = 1 << 40

func (e *sglang) identify(ctx context.Context) (*Server, error) {
	info, err := e.control.serverInfo(ctx)
	if err != nil {
		return nil, err
	}
	if info == nil {
		return nil, fmt.Errorf("%s: it has neither /server_info nor /get_server_info, so it is no SGLang server", e.control.base)
	}
	s := &Server{Framework: "sglang"}
	if err := s.readInfo(info); err != nil {
		return nil, err
	}
	s.Version, s.Model = s.text("version"), s.text("model_path")
	s.Replicas = max(1, s.number("dp_size", 1))
	s.Ranks = max(1, s.number("tp_size", 1)) * max(1, s.number("pp_size", 1))
	if !s.flag("enable_dp_attention") {
		s.Ranks *= s.Replicas
	}
	if n := s.number("nnodes", 1); n > 1 {
		s.Ranks = max(1, s.Ranks/n) // each node writes its own
	}
	return s, nil
}

func (e *sglang) lacks(_ context.Context, s *Server) error {
	if s.flag("is_embedding") {
		return fmt.Errorf("%s serves embeddings and generates nothing; this drives servers that generate text", e.control.base)
	}
	if err := e.lacksStage(s); err != nil {
		return err
	}
	if e.o.Mapping {
		if on, flags := graphsOn(s); on != "" {
			return fmt.Errorf("%s replays graphs (%s), which hide the source lines that a mapping trace is for; start a second server for it with the same arguments and %s", e.control.base, on, flags)
		}
	}
	limit := s.number("context_length", 0)
	if n := s.number("max_req_input_len", 0); n > 0 && (limit == 0 || n < limit) {
		limit = n
	}
	for _, w := range e.o.Workloads {
		if limit > 0 && w.In+w.Out > limit {
			return fmt.Errorf("workload %s: %d tokens in and %d out do not fit in the %d of %s; give a smaller one: --workload %s=IN:OUT", w.Name, w.In, w.Out, limit, e.control.base, w.Name)
		}
	}
	return nil
}

// lacksStage holds the workloads against what a worker of PD-disaggregated serving does.
func (e *sglang) lacksStage(s *Server) error {
	mode := s.text("disaggregation_mode")
	if mode != stagePrefill && mode != stageDecode {
		return nil
	}
	other := stageDecode
	if mode == stageDecode {
		other = stagePrefill
	}
	for _, w := range e.o.Workloads {
		if w.prefill() == (mode == stagePrefill) {
			continue
		}
		return fmt.Errorf("%s is a %s worker of PD-disaggregated serving and runs no %s, so workload %s would show nothing; profile the workers separately: this one with --workload %s, a %s worker with --workload %s", e.control.base, mode, other, w.Name, mode, other, other)
	}
	switch {
	case e.o.ByStage:
		return fmt.Errorf("%s is a %s worker of PD-disaggregated serving: it has one stage, and --profile-by-stage would wait for the other for ever; leave it out", e.control.base, mode)
	case e.o.RequestsURL == "":
		return fmt.Errorf("%s is a %s worker of PD-disaggregated serving, whose requests come through the router; name that with --requests-url", e.control.base, mode)
	}
	return nil
}

// graphsOn tells by which argument a server replays graphs, "" if it does not, and the flags
// that switch them off. Since 2026 the resolved cuda_graph_config names a backend a phase;
// before, disable_cuda_graph was for decode and disable_piecewise_cuda_graph (at first
// enable_piecewise_cuda_graph) for prefill.
func graphsOn(s *Server) (argument, flags string) {
	flags = "--disable-cuda-graph"
	for _, name := range []string{"disable_piecewise_cuda_graph", "disable_prefill_cuda_graph"} {
		if s.has(name) {
			flags += " --" + strings.ReplaceAll(name, "_", "-")
		}
	}
	if phases, ok := s.args["cuda_graph_config"].(map[string]any); ok {
		for _, phase := range []string{stageDecode, stagePrefill} {
			p, _ := phases[phase].(map[string]any)
			if b, _ := p["backend"].(string); b != "disabled" {
				return fmt.Sprintf("cuda_graph_config: %s %s", phase, b), flags
			}
		}
		return "", flags
	}
	if !s.flag("disable_cuda_graph") {
		return "disable_cuda_graph is false", flags
	}
	for _, name := range []string{"disable_piecewise_cuda_graph", "disable_prefill_cuda_graph"} {
		if s.has(name) && !s.flag(name) {
			return name + " is false", flags
		}
	}
	if s.flag("enable_piecewise_cuda_graph") {
		return "enable_piecewise_cuda_graph is true", "--disable-cuda-graph and without --enable-piecewise-cuda-graph"
	}
	return "", flags
}

func (e *sglang) windowed() bool { return true }
func (e *sglang) stacks() bool   { return true }
func (e *sglang) silent() string { return "" }

func (e *sglang) start(ctx context.Context, dir string) error {
	return e.arm(ctx, e.profile(dir))
}

// free arms a profile that never begins: the server says no while one runs.
func (e *sglang) free(ctx context.Context) error { return e.arm(ctx, e.never()) }

func (e *sglang) never() map[string]any {
	return map[string]any{"start_step": farStep, "num_steps": 1, "profile_by_stage": false}
}

func (e *sglang) arm(ctx context.Context, body map[string]any) error {
	err := e.control.command(ctx, "/start_profile", body, e.o.Timeout)
	if status(err) >= 500 && refused(err) {
		return hint(err, "the server says why only in its log; most often a profile is running already, which is left alone: wait for it, or end it with POST /stop_profile")
	}
	return err
}

// profile is the body of a start. Versions that do not know a field pass over it.
func (e *sglang) profile(dir string) map[string]any {
	body := map[string]any{
		"output_dir": dir, "num_steps": e.o.Steps, "activities": []string{"CPU", "GPU"},
		"with_stack": e.o.Stack, "record_shapes": e.o.Shapes, "profile_by_stage": e.o.ByStage,
	}
	if !e.o.ByStage {
		body["start_step"] = max(1, e.o.StartStep)
	}
	if e.o.Merge {
		body["merge_profiles"] = true
	}
	if e.o.Prefix != "" {
		body["profile_prefix"] = e.o.Prefix
	}
	return body
}

// stop ends a profile. The server answers 500 where none is running: then one that is armed
// is replaced by one that never begins.
func (e *sglang) stop(ctx context.Context) error {
	err := e.control.command(ctx, "/stop_profile", nil, e.o.StopTimeout)
	if err == nil || status(err) < 500 {
		return err
	}
	if e.control.command(ctx, "/start_profile", e.never(), e.o.Timeout) == nil {
		return nil
	}
	// It began between the two calls.
	return e.control.command(ctx, "/stop_profile", nil, e.o.StopTimeout)
}

// generated is an answer of /generate, or one event of it.
type generated struct {
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
	Meta *struct {
		Cached int             `json:"cached_tokens"`
		Finish json.RawMessage `json:"finish_reason"`
	} `json:"meta_info"`
}

func (e *sglang) generate(ctx context.Context, prompt []int, out int, token func()) (usage, error) {
	k := call{method: http.MethodPost, path: "/generate", timeout: e.o.RequestTimeout, limit: maxInfo, again: workAgain, body: map[string]any{
		"input_ids": prompt, "stream": token != nil,
		"sampling_params": map[string]any{"temperature": 0, "max_new_tokens": out, "ignore_eos": true},
	}}
	var u usage
	read := func(data []byte) error {
		var g generated
		// TokenSpeed's gateway answers with a list of one.
		if err := json.Unmarshal(unlist(data), &g); err != nil {
			return errAnswer("the answer is not the JSON that was expected")
		}
		switch {
		case g.Error != nil:
			return errAnswer(fmt.Sprintf("the server says %q", snippet(g.Error.Message)))
		case g.Meta == nil:
			return errAnswer("the answer has no meta_info, which that of /generate has")
		case strings.Contains(string(g.Meta.Finish), `"abort"`):
			return errAnswer("the server gave the request up: finish_reason is abort")
		}
		u.cached = g.Meta.Cached
		return nil
	}
	if token != nil {
		return u, e.requests.events(ctx, k, func(data []byte) error {
			err := read(data)
			if err == nil {
				token()
			}
			return err
		})
	}
	var raw json.RawMessage
	if err := e.requests.json(ctx, k, &raw); err != nil {
		return u, err
	}
	if err := read(raw); err != nil {
		return u, e.requests.fail(ctx, k, http.StatusOK, raw, err)
	}
	return u, nil
}

func unlist(data []byte) []byte {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) == 1 {
		return list[0]
	}
	return data
}

// [prefix-]id-TP-0[-DP-0][-PP-0][-EP-0][-STAGE].trace.json.gz and merged-id.trace.json.gz
var (
	sglangName   = regexp.MustCompile(`^(?:.*-)?TP-(\d{1,6})((?:-(?:DP|PP|EP)-\d{1,6})*)(?:-(?:ForwardMode\.)?(EXTEND|DECODE|prefill|decode))?\.trace\.json\.gz$`)
	sglangMerged = regexp.MustCompile(`^merged-.*\.trace\.json\.gz$`)
)

func (e *sglang) trace(name string) (Trace, bool) {
	if sglangMerged.MatchString(name) {
		return Trace{Rank: -1, Merged: true}, true
	}
	m := sglangName.FindStringSubmatch(name)
	if m == nil {
		return Trace{}, false
	}
	return Trace{Rank: rankNumber(m[1]), Place: strings.TrimPrefix(m[2], "-"), Stage: stageOf(m[3])}, true
}

func rankNumber(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return -1
	}
	return n
}

func stageOf(word string) string {
	switch strings.ToLower(word) {
	case "extend", "prefill":
		return stagePrefill
	case "decode":
		return stageDecode
	}
	return ""
}

func (e *sglang) files(s *Server) int {
	n := s.Ranks
	if e.o.ByStage {
		n *= 2
	}
	if e.o.Merge {
		n++ // by stage too: the second merge replaces the first
	}
	return n
}
