package ruletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sgrules/sgrules/engine/match"
)

// everythingWrong has nearly every mistake that a file of tests can have.
const everythingWrong = `rules: x-y
rule: 7
tests:
  - name: ''
    trase: []
    expect: some
  - name: ü
    run: {gpu: ü, framework: sglan, vendor: 3, sm: 1000, tp: x, args: [a]}
    trace: [{kernle: k}]
    expect: []
    only: 1
  - name: ü
    run: {args: {a: [1], b: {c: d}}}
    trace: [{kernel: a, ux: 3}, {wait: e}]
    expect: [{verdict: aplied}, {chains: 0, side: left}, {under: x-z, by_design: 1}, 7]
  - &t
    name: t
    name: u
    trace: []
    expect: [{verdict: applied, side: split, chains: 2}, {verdict: disabled, side: fused}, {verdict: applied, bind: []}]
  - *t
  - text
`

const everythingSaid = `x-y_test.yaml:1:1: a file of tests has no key rules [unknown-key]; did you mean rule?
x-y_test.yaml:2:7: rule is "7", expected a text [wrong-type]; put it in quotes
x-y_test.yaml:4:5: a test needs the key trace [missing-key]
x-y_test.yaml:4:11: name is empty [empty]
x-y_test.yaml:5:5: a test has no key trase [unknown-key]; did you mean trace?
x-y_test.yaml:6:13: expect is "some", expected none or a list [bad-value]
x-y_test.yaml:8:31: framework is "sglan", expected one of sglang, vllm, tensorrt-llm, tokenspeed, "" [bad-value]; did you mean sglang?
x-y_test.yaml:8:46: vendor is "3", expected a text [wrong-type]; put it in quotes
x-y_test.yaml:8:53: sm is 1000, expected 0 to 999 [bad-value]
x-y_test.yaml:8:63: tp is "x", expected a whole number [wrong-type]
x-y_test.yaml:8:72: args is a list, expected a mapping [wrong-type]; write {} for known and empty
x-y_test.yaml:9:13: no leading key in this item; expected one of kernel, memcpy, memset, step, repeat, frames, graph, capture, record, wait, sync, idle_us [missing-key]
x-y_test.yaml:10:13: expect is an empty list [empty]; write none
x-y_test.yaml:11:11: only is "1", expected true or false [wrong-type]
x-y_test.yaml:12:11: a test with this name is there already, in line 7 [duplicate-test]
x-y_test.yaml:13:21: the argument a is a list [wrong-type]; put nested values in quotes, as JSON
x-y_test.yaml:13:29: the argument b is a mapping [wrong-type]; put nested values in quotes, as JSON
x-y_test.yaml:14:25: a kernel item has no key "ux"; expected one of kernel, us, stream, at, op, module, gap_us, bytes, thread, call, args [unknown-key]
x-y_test.yaml:14:33: the event "e" is never recorded; expected a {record: e} somewhere [unknown-event]
x-y_test.yaml:15:24: verdict is "aplied", expected one of applied, partial, should-apply, disabled, by-design, unsupported, upstream, in-flight [bad-value]; did you mean applied?
x-y_test.yaml:15:33: an expectation has exactly one of verdict and under [bad-value]
x-y_test.yaml:15:42: chains is 0, expected 1 to 50000 [bad-value]
x-y_test.yaml:15:51: side is "left", expected one of fused, split, overlapped, serial [bad-value]
x-y_test.yaml:15:82: nothing is set aside in an alternative [bad-value]
x-y_test.yaml:15:86: found "7", expected an expectation: a mapping [wrong-type]
x-y_test.yaml:17:11: a test with this name is there already, in line 17 [duplicate-test]
x-y_test.yaml:18:5: the key name is there already [duplicate-key]
x-y_test.yaml:19:12: the trace is empty [empty]
x-y_test.yaml:20:54: an applied path has no split chains that count [bad-value]; count those with by_design
x-y_test.yaml:20:84: there are no fused chains where the verdict is disabled [bad-value]
x-y_test.yaml:20:92: an entry about the same finding is there already [duplicate-entry]; tell them apart by stage or side
x-y_test.yaml:20:117: bind is a list, expected a mapping of 1 to 32 steps [wrong-type]
x-y_test.yaml:22:5: found "text", expected a test: a mapping [wrong-type]
`

func TestDecodeSaysAllAtOnce(t *testing.T) {
	_, list := Decode("x-y_test.yaml", []byte(everythingWrong))
	var got strings.Builder
	for _, d := range list {
		got.WriteString(d.Error() + "\n")
	}
	if got.String() != everythingSaid {
		t.Errorf("got\n%s", got.String())
	}
}

func TestDecodeReads(t *testing.T) {
	f, list := Decode("fuse/x-y_test.yaml", []byte(`define:
  both: &both [{kernel: one}, {kernel: two}]
rule: x-y
tests:
  - name: all of it
    only: true
    run: {framework: "", vendor: amd, gpu: g, sm: 90, model: m, tp: 0, world: 2, args: {a: TRUE, b: null, c: 1.50, d: x, e: on}}
    trace: [*both, {kernel: three}]
    expect:
      - {verdict: partial, stage: decode, side: fused, chains: 2, by_design: 0, bind: {a: one, b: [two, three], c: []}}
      - {under: z, rule: x-z}
  - {name: none of it, trace: *both, expect: none}
`))
	if len(list) > 0 {
		t.Fatal(list)
	}
	x := f.Tests[0]
	if f.Rule != "x-y" || len(f.Tests) != 2 || !x.Only || len(x.Items) != 3 || x.Pos.String() != "fuse/x-y_test.yaml:5:11" || x.At.String() != "fuse/x-y_test.yaml:10:7" {
		t.Errorf("got %+v", x)
	}
	r := x.Run
	if *r.Framework != "" || *r.Vendor != "amd" || *r.GPU != "g" || *r.SM != 90 || *r.Model != "m" || *r.TP != 0 || *r.World != 2 {
		t.Errorf("run is %+v", r)
	}
	for k, want := range map[string]string{"a": "true", "b": "", "c": "1.50", "d": "x", "e": "on"} {
		if got, ok := r.Args[k]; !ok || got != want {
			t.Errorf("argument %s is %q, want %q", k, got, want)
		}
	}
	if n := f.Tests[1].Run; n.Framework != nil || n.Args != nil || len(f.Tests[1].Expect) != 0 {
		t.Errorf("what is not given is %+v", n)
	}
	e := x.Expect[0]
	if e.Rule != "x-y" || e.Verdict != match.Partial || e.Stage != "decode" || e.Side != match.Fused || e.Chains != 2 || e.ByDesign != 0 {
		t.Errorf("got %+v", e)
	}
	if b := e.Bind; len(b) != 3 || !b[0].First || b[1].First || len(b[1].Symbols) != 2 || b[2].First || len(b[2].Symbols) != 0 {
		t.Errorf("bind is %+v", b)
	}
	if e := x.Expect[1]; e.Rule != "x-z" || e.Under != "z" || e.Side != match.Split || e.ByDesign != -1 {
		t.Errorf("got %+v", e)
	}
}

// TestDecodeIsBounded: aliases make no large thing of a small file, and positions cost no more
// with the size of the file.
func TestDecodeIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("rule: x-y\ntests:\n  - &t {name: ü, trace: [{kernel: k}], " + strings.Repeat(" ", 900_000) + " expect: [")
	for i := range maxExpect {
		fmt.Fprintf(&b, "{verdict: applied, stage: s%d, bind: {", i)
		for j := range maxBind {
			fmt.Fprintf(&b, "b%d: k, ", j)
		}
		b.WriteString("}}, ")
	}
	b.WriteString("]}\n" + strings.Repeat("  - *t\n", maxTests-1))
	start := time.Now()
	_, list := Decode("x-y_test.yaml", []byte(b.String()))
	if len(list) != 1 || list[0].Code != "duplicate-test" {
		t.Errorf("got %v", list)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
	bomb := "rule: x-y\ndefine:\n  - &a0 [{kernel: k}, {kernel: k}]\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("  - &a%d [*a%d, *a%d]\n", i, i-1, i-1)
	}
	if _, list = Decode("x-y_test.yaml", []byte(bomb+"tests:\n  - {name: a, trace: *a29, expect: none}\n")); list.Errors() == 0 {
		t.Error("a bomb of aliases was taken")
	}
	for _, src := range []string{strings.Repeat("x", maxFile+1), "rule: \xff", "[", "- 1", "rule: &a [*a]", "tests: &a [*a]\nrule: x-y", strings.Repeat("[", 20000)} {
		if _, list := Decode("x-y_test.yaml", []byte(src)); list.Errors() == 0 {
			t.Errorf("%.20q was taken", src)
		}
	}
}
