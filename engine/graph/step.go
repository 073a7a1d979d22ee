package graph

import "strings"

// The stages a step annotation can name. Extend is what most people call prefill.
const (
	StageAll     = "all"     // the trace knows no stages
	StageOutside = "outside" // launched outside every step of a trace that has steps
	StageExtend  = "extend"
	StageDecode  = "decode"
	StageMixed   = "mixed"
)

// ParseStep reads the name of a step annotation. ok is false for any other annotation;
// stage is "" for a step that does not say what it does (ProfilerStep#3).
//
// The spellings are those of SGLang (step[DECODE bs=16]), vLLM (execute_context_1(4096)_
// generation_0(0), execute_new_1_cached_8), TensorRT-LLM ([Executor] _forward_step 7: 1
// ctx reqs, 64 ctx tokens, 3 gen reqs) and plain markers (prefill, decode).
func ParseStep(name string) (stage string, ok bool) {
	if rest, found := strings.CutPrefix(name, "step["); found {
		mode, _, _ := strings.Cut(rest, " ")
		return sglangStage(strings.TrimSuffix(mode, "]")), true
	}
	if rest, found := strings.CutPrefix(name, "execute_"); found {
		return vllmStage(rest)
	}
	if strings.HasPrefix(name, "ProfilerStep#") {
		return "", true
	}
	if strings.HasPrefix(name, "[Executor] _forward_step ") {
		_, counts, found := strings.Cut(name, ": ")
		if !found {
			return "", true
		}
		ctx, okc := leading(counts)
		_, after, _ := strings.Cut(counts, " ctx tokens, ")
		gen, okg := leading(after)
		return byCounts(okc && ctx > 0, okg && gen > 0), true
	}
	word := strings.FieldsFunc(name, func(r rune) bool {
		return r == '_' || r == '#' || r == ' ' || r == '-' || r == ':' || r == '[' || r == '('
	})
	if len(word) > 0 && len(word) <= 3 {
		switch strings.ToLower(word[0]) {
		case "prefill", "extend":
			return StageExtend, true
		case "decode":
			return StageDecode, true
		}
	}
	return "", false
}

// StepTokens reads how many tokens a step computes from its annotation: toks=4096, or of
// a plain decode its batch size; vLLM's counts of context and generation tokens. 0 is
// unknown.
func StepTokens(name string) int {
	if rest, ok := strings.CutPrefix(name, "step["); ok {
		if _, after, ok := strings.Cut(rest, " toks="); ok {
			n, _ := leading(after)
			return int(n)
		}
		if after, ok := strings.CutPrefix(rest, "DECODE bs="); ok {
			n, _ := leading(after)
			return int(n)
		}
		return 0
	}
	rest, ok := strings.CutPrefix(name, "execute_")
	if !ok {
		return 0
	}
	if n, ok := leading(rest); ok {
		return int(n)
	}
	ctx, ok1 := between(rest, "context_", "_generation_")
	_, after, _ := strings.Cut(rest, "_generation_")
	gen, ok2 := inParentheses(after)
	if !ok1 || !ok2 {
		return 0
	}
	c, ok := inParentheses(ctx)
	if !ok {
		return 0
	}
	return int(c + gen)
}

func between(s, from, to string) (string, bool) {
	_, after, ok := strings.Cut(s, from)
	if !ok {
		return "", false
	}
	in, _, ok := strings.Cut(after, to)
	return in, ok
}

// inParentheses reads the number in "3(4096)".
func inParentheses(s string) (int64, bool) {
	_, after, ok := strings.Cut(s, "(")
	if !ok {
		return 0, false
	}
	return leading(after)
}

func sglangStage(mode string) string {
	switch m := strings.ToLower(mode); m {
	case "extend", "prefill":
		return StageExtend
	case "decode", "mixed", "idle", "target_verify", "draft_extend", "dummy_first", "split_prefill":
		return m
	case "draft_extend_v2":
		return "draft_extend"
	default:
		return printable(m)
	}
}

// printable keeps a stage name that nobody has seen before short and plain.
func printable(s string) string {
	b := []byte(s)
	if len(b) == 0 || len(b) > 24 {
		return ""
	}
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return ""
		}
	}
	return s
}

func vllmStage(rest string) (string, bool) {
	if r, found := strings.CutPrefix(rest, "new_"); found {
		fresh, ok := leading(r)
		_, after, found := strings.Cut(r, "_cached_")
		cached, ok2 := leading(after)
		if !ok || !found || !ok2 {
			return "", false
		}
		return byCounts(fresh > 0, cached > 0), true
	}
	_, after, found := strings.Cut("_"+rest, "_context_")
	if !found {
		return "", false
	}
	ctx, ok := leading(after)
	_, after, found = strings.Cut(after, "_generation_")
	gen, ok2 := leading(after)
	if !ok || !found || !ok2 {
		return "", false
	}
	return byCounts(ctx > 0, gen > 0), true
}

func byCounts(extend, decode bool) string {
	switch {
	case extend && decode:
		return StageMixed
	case extend:
		return StageExtend
	case decode:
		return StageDecode
	}
	return "idle"
}

// leading reads the decimal number s begins with, at most 18 digits.
func leading(s string) (n int64, ok bool) {
	for i := 0; i < len(s) && i < 18 && s[i] >= '0' && s[i] <= '9'; i++ {
		n, ok = n*10+int64(s[i]-'0'), true
	}
	return n, ok
}

// StageFromPath reads the stage from a trace's file name (…-EXTEND.trace.json.gz,
// …-decode.…) or from the directory that holds it (prefill/, decode/); "" if neither
// says.
func StageFromPath(path string) string {
	path = strings.ReplaceAll(path, "\\", "/")
	dir, base := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, base = path[:i], path[i+1:]
	}
	if i := strings.IndexByte(base, '.'); i > 0 {
		// "1782843274.77-TP-0-DECODE.trace.json.gz": the profile id has a dot of its own.
		if j := strings.Index(base, ".trace."); j > 0 {
			i = j
		} else if j := strings.Index(base, ".pt.trace."); j > 0 {
			i = j
		}
		base = base[:i]
	}
	if i := strings.LastIndexByte(base, '-'); i >= 0 {
		if s := stageWord(base[i+1:]); s != "" {
			return s
		}
	}
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		dir = dir[i+1:]
	}
	return stageWord(dir)
}

func stageWord(w string) string {
	switch strings.ToLower(w) {
	case "extend", "prefill":
		return StageExtend
	case "decode":
		return StageDecode
	}
	return ""
}
