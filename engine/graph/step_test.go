package graph

import "testing"

func TestParseStep(t *testing.T) {
	for _, c := range []struct {
		name, stage string
		ok          bool
	}{
		{"step[EXTEND bs=2 toks=4096]", "extend", true},
		{"step[DECODE bs=16]", "decode", true},
		{"step[MIXED bs=3 toks=70 c=1 g=2]", "mixed", true},
		{"step[TARGET_VERIFY bs=4]", "target_verify", true},
		{"step[IDLE]", "idle", true},
		{"step[SOMETHING_NEW bs=1]", "something_new", true},
		{"step[\x1b[31m bs=1]", "", true},
		{"execute_8192_context_9(sq8155sk8430sqsq7475785sqsk7671310)_generation_37(sq37sk34489sqsq37sqsk34489)", "mixed", true},
		{"execute_context_1(4096)_generation_0(0)", "extend", true},
		{"execute_context_0(0)_generation_8(8)", "decode", true},
		{"execute_new_1_cached_0", "extend", true},
		{"execute_new_0_cached_8", "decode", true},
		{"execute_new_2_cached_8", "mixed", true},
		{"execute_order_66", "", false},
		{"ProfilerStep#12", "", true},
		{"[Executor] _forward_step 7: 1 ctx reqs, 64 ctx tokens, 0 gen reqs", "extend", true},
		{"[Executor] _forward_step 7: 0 ctx reqs, 0 ctx tokens, 5 gen reqs", "decode", true},
		{"prefill", "extend", true},
		{"decode_step", "decode", true},
		{"decode the whole tensor of weights into memory", "", false},
		{"capture_32_DECODE", "", false},
		{"nccl:all_reduce", "", false},
		{"", "", false},
	} {
		stage, ok := ParseStep(c.name)
		if stage != c.stage || ok != c.ok {
			t.Errorf("ParseStep(%q) = %q, %v; want %q, %v", c.name, stage, ok, c.stage, c.ok)
		}
	}
}

func TestStageFromPath(t *testing.T) {
	for path, want := range map[string]string{
		"1782843274.7730265-TP-0-DECODE.trace.json.gz":    "decode",
		"/p/1782843274.7730265-TP-0-EXTEND.trace.json.gz": "extend",
		"1782843274.77-TP-0-DP-1-PP-0-prefill.trace.json": "extend",
		"/profiles/prefill/1782.1-TP-0.trace.json.gz":     "extend",
		`C:\profiles\decode\1782.1-TP-0.trace.json.gz`:    "decode",
		"/profiles/decode/x/1782.1-TP-0.trace.json.gz":    "",
		"dp0_pp0_tp0_ep0_rank0.17828432.pt.trace.json.gz": "",
		"my-decode-experiment.json":                       "",
		"trace-decode.json":                               "decode",
		"-":                                               "",
		"":                                                "",
	} {
		if got := StageFromPath(path); got != want {
			t.Errorf("StageFromPath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestStepTokens(t *testing.T) {
	for name, want := range map[string]int{
		"step[EXTEND bs=2 toks=4096]": 4096,
		"step[DECODE bs=16]":          16,
		"step[TARGET_VERIFY bs=4]":    0,
		"execute_8192_context_9(sq8155sk8430)_generation_37(sq37sk34489)": 8192,
		"execute_context_1(4096)_generation_2(2)":                         4098,
		"execute_new_1_cached_2":                                          0,
		"ProfilerStep#3":                                                  0,
		"":                                                                0,
	} {
		if got := StepTokens(name); got != want {
			t.Errorf("StepTokens(%q) = %d, want %d", name, got, want)
		}
	}
}
