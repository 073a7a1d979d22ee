package kineto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
)

// The reference decoder: encoding/json into maps, numbers by math/big. It is slow and
// shares no code with the scanner. Both are compared as lines of text.

type refObject = map[string]json.RawMessage

type refTrace struct {
	acts, launches, nodes, ops, frames, notes, marks, syncs []string

	threads  []string
	byLane   map[string]int
	titles   map[string]string
	procs    []string
	procOf   map[string]int
	procName [][2]string

	events, skipped int
	stacks          map[string][]refBegun
	meta            string
}

type refBegun struct {
	kind string
	ts   *big.Int
	line hostLine
}

// hostLine gives the line of a host event once its times and thread are known.
type hostLine func(ts, dur *big.Int, thread int) string

var errRef = errors.New("not a trace")

// refRead gives the lines of a trace that encoding/json can read; errRef otherwise.
func refRead(doc []byte) ([]string, error) {
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	var events []json.RawMessage
	top := refObject{}
	if err := json.Unmarshal(doc, &events); err != nil {
		if err := json.Unmarshal(doc, &top); err != nil {
			return nil, errRef
		}
		if topKeys(doc)["traceEvents"] > 1 {
			return nil, errRef // the scanner reads all of them
		}
		raw, ok := top["traceEvents"]
		if !ok || json.Unmarshal(raw, &events) != nil || raw[0] != '[' {
			return nil, errRef
		}
	}
	if len(top) == 0 && len(events) > 0 && events[0][0] != '{' {
		return nil, errRef // an array of something else
	}
	r := &refTrace{byLane: map[string]int{}, titles: map[string]string{}, procOf: map[string]int{}, stacks: map[string][]refBegun{}}
	for _, raw := range events {
		if raw[0] == '"' || raw[0] == '[' {
			return nil, errRef // valid JSON, and a loss of sync for the scanner
		}
		if raw[0] != '{' {
			r.skipped++
			continue
		}
		e := refObject{}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, errRef
		}
		r.events++
		if !r.event(e) {
			r.skipped++
		}
	}
	for _, st := range r.stacks {
		for _, b := range st {
			if b.kind != "" {
				r.skipped++
			}
		}
	}
	r.readMeta(top)
	return r.lines(), nil
}

// topKeys counts the keys of the outermost object.
func topKeys(doc []byte) map[string]int {
	n := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.Token()
	for d.More() {
		k, _ := d.Token()
		n[k.(string)]++
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			panic(err)
		}
	}
	return n
}

func (r *refTrace) lines() []string {
	var out []string
	for _, l := range [][]string{r.acts, r.launches, r.nodes, r.ops, r.frames, r.notes, r.marks, r.syncs} {
		out = append(out, l...)
	}
	for _, l := range r.threads {
		out = append(out, fmt.Sprintf("thread %s %q", l, r.titles[l]))
	}
	for i, p := range r.procs {
		out = append(out, fmt.Sprintf("process %s %q", p, r.procName[i]))
	}
	return append(out, fmt.Sprintf("events %d skipped %d", r.events, r.skipped), r.meta)
}

// word is the text of a string, or a number or word as written; "" for the rest.
func word(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	if raw[0] != '"' {
		return string(raw)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		panic(err)
	}
	return s
}

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

var decimalForm = regexp.MustCompile(`^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?$`)

// refNumber gives w × 10^shift exactly; nil is no number. Exponents out of all
// bounds are brought down to ones that math/big can do.
func refNumber(w string, shift int) *big.Rat {
	m := decimalForm.FindStringSubmatch(w)
	if m == nil {
		return nil
	}
	exp := big.NewInt(0)
	if m[3] != "" {
		exp.SetString(strings.TrimPrefix(m[3], "+"), 10)
	}
	if exp.CmpAbs(big.NewInt(9000)) > 0 {
		exp.SetInt64(int64(9000 * exp.Sign()))
	}
	v, ok := new(big.Rat).SetString(strings.TrimSuffix(m[2], "."))
	if !ok {
		panic(w)
	}
	p := exp.Int64() + int64(shift)
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(p, -p)), nil)
	if p >= 0 {
		v.Mul(v, new(big.Rat).SetInt(ten))
	} else {
		v.Quo(v, new(big.Rat).SetInt(ten))
	}
	if m[1] == "-" {
		v.Neg(v)
	}
	return v
}

// refNanos rounds half away from zero.
func refNanos(raw json.RawMessage) *big.Int {
	v := refNumber(word(raw), 3)
	if v == nil {
		return nil
	}
	neg := v.Sign() < 0
	v.Abs(v)
	v.Add(v, big.NewRat(1, 2))
	n := new(big.Int).Quo(v.Num(), v.Denom())
	if neg {
		n.Neg(n)
	}
	return n
}

func refInt(raw json.RawMessage, missing int64) int64 {
	v := refNumber(word(raw), 0)
	if v == nil || !v.IsInt() {
		return missing
	}
	n := v.Num()
	w := strings.TrimPrefix(word(raw), "+")
	if n.IsUint64() && !n.IsInt64() && regexp.MustCompile(`^\d{1,20}$`).MatchString(w) && w == word(raw) {
		return int64(n.Uint64())
	}
	if !n.IsInt64() || n.Int64() == math.MinInt64 {
		return missing
	}
	return n.Int64()
}

var refCategories = map[string]string{
	"kernel": "kernel", "gpu_memcpy": "memcpy", "memcpy": "memcpy", "gpu_memset": "memset", "memset": "memset",
	"cuda_runtime": "launch", "cuda_driver": "launch", "hip_runtime": "launch", "runtime": "launch", "driver": "launch",
	"xpu_runtime": "launch", "privateuse1_driver": "launch",
	"cpu_op": "op", "operator": "op", "python_function": "frame", "python": "frame",
	"user_annotation": "note", "gpu_user_annotation": "mark", "cuda_sync": "sync",
}

func refCategory(raw json.RawMessage) string {
	if !isString(raw) {
		return ""
	}
	w := strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, word(raw))
	if k := refCategories[w]; k != "" {
		return k
	}
	if len(w) <= maxCategory && (strings.HasSuffix(w, "_runtime") || strings.HasSuffix(w, "_driver")) {
		return "launch"
	}
	return ""
}

func (r *refTrace) lane(e refObject) string {
	return fmt.Sprintf("%q %q", word(e["pid"]), word(e["tid"]))
}

func (r *refTrace) thread(lane string) int {
	id, ok := r.byLane[lane]
	if !ok {
		id = len(r.threads)
		r.byLane[lane] = id
		r.threads = append(r.threads, lane)
	}
	return id
}

func fits(n *big.Int) bool { return n.IsInt64() && n.Int64() != math.MinInt64 }

var refYear = big.NewInt(maxDuration)

func (r *refTrace) event(e refObject) bool {
	if !isString(e["ph"]) {
		return len(e) == 0
	}
	args := refObject{}
	if a := e["args"]; len(a) > 0 && a[0] == '{' {
		if json.Unmarshal(a, &args) != nil {
			panic("args")
		}
	}
	ext := lastExternal(e["args"])
	kind := refCategory(e["cat"])
	ts := refNanos(e["ts"])
	host := kind == "op" || kind == "frame" || kind == "note" || kind == "launch"
	name := word(e["name"])
	line := func(ts, dur *big.Int, thread int) string {
		return fmt.Sprintf("%s %s %s %q %d", kind, ts, dur, name, thread)
	}
	if kind == "launch" {
		line = func(ts, dur *big.Int, thread int) string {
			if n := refInt(args["graph node id"], 0); n != 0 {
				r.nodes = append(r.nodes, fmt.Sprintf("node of %d: %d %d", len(r.launches), refInt(args["graph id"], 0), n))
			}
			return fmt.Sprintf("launch %s %s %q %d %d %d %q %q", ts, dur, name, thread, refInt(args["correlation"], 0),
				refInt(ext, 0), word(args["kernel"]), word(args["stream"]))
		}
	}
	lane := r.lane(e)
	switch word(e["ph"]) {
	case "X":
		return kind == "" || r.complete(kind, line, ts, e, args, ext)
	case "B":
		b := refBegun{}
		ok := true
		if host {
			if ts == nil || !fits(ts) {
				ok = false
			} else {
				b = refBegun{kind: kind, ts: ts, line: line}
			}
		}
		r.stacks[lane] = append(r.stacks[lane], b)
		return ok
	case "E":
		st := r.stacks[lane]
		if len(st) == 0 {
			return false
		}
		b := st[len(st)-1]
		r.stacks[lane] = st[:len(st)-1]
		if b.kind == "" {
			return true
		}
		if ts == nil || !fits(ts) {
			return false
		}
		dur := new(big.Int).Sub(ts, b.ts)
		if dur.Sign() < 0 || dur.Cmp(refYear) > 0 {
			return false
		}
		r.host(b.kind, b.line, b.ts, dur, lane)
	case "M":
		r.metadata(e, args, lane)
	}
	return true
}

// lastExternal gives the last value whose key is "External id" in any case of letters.
func lastExternal(args json.RawMessage) (ext json.RawMessage) {
	if len(args) == 0 || args[0] != '{' {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(args))
	d.UseNumber()
	d.Token()
	for d.More() {
		k, _ := d.Token()
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			panic(err)
		}
		if externalKey.MatchString(k.(string)) {
			ext = v
		}
	}
	return ext
}

var externalKey = regexp.MustCompile(`^[eE][xX][tT][eE][rR][nN][aA][lL] [iI][dD]$`)

func (r *refTrace) host(kind string, line hostLine, ts, dur *big.Int, lane string) {
	l := line(ts, dur, r.thread(lane))
	switch kind {
	case "op":
		r.ops = append(r.ops, l)
	case "frame":
		r.frames = append(r.frames, l)
	case "note":
		r.notes = append(r.notes, l)
	case "launch":
		r.launches = append(r.launches, l)
	}
}

func (r *refTrace) complete(kind string, line hostLine, ts *big.Int, e, args refObject, ext json.RawMessage) bool {
	if ts == nil || !fits(ts) {
		return false
	}
	dur := big.NewInt(0)
	if d := refNanos(e["dur"]); d != nil {
		if d.Sign() < 0 || d.Cmp(refYear) > 0 {
			return false
		}
		if !fits(new(big.Int).Add(ts, d)) {
			return false
		}
		dur = d
	}
	dev := refInt(args["device"], -1)
	if dev < 0 {
		dev = refInt(e["pid"], -1)
	}
	if dev < 0 || dev > math.MaxInt32 {
		dev = -1
	}
	tid := int64(-1)
	if w := word(e["tid"]); isString(e["tid"]) {
		b, _ := json.Marshal(strings.TrimPrefix(w, "stream "))
		tid = refInt(b, -1)
	} else {
		tid = refInt(e["tid"], -1)
	}
	stream := tid
	if v := refInt(args["stream"], math.MinInt64); v != math.MinInt64 {
		stream = v
	} else if kind == "sync" && tid >= 1000000 && tid != math.MaxUint32 {
		stream = tid - 1000000
	}
	none := func(n int64) int64 {
		if n == math.MaxUint32 {
			return -1
		}
		return n
	}
	head := fmt.Sprintf("%s %s %s %q dev %d", kind, ts, dur, word(e["name"]), dev)
	switch kind {
	case "kernel", "memcpy", "memset":
		r.acts = append(r.acts, fmt.Sprintf("%s stream %d corr %d ext %d graph %d %d bytes %d pid %q", head, stream, refInt(args["correlation"], 0),
			refInt(ext, 0), refInt(args["graph id"], 0), refInt(args["graph node id"], 0), max(refInt(args["bytes"], 0), 0), word(e["pid"])))
	case "mark":
		r.marks = append(r.marks, fmt.Sprintf("%s stream %d pid %q", head, stream, word(e["pid"])))
	case "sync":
		r.syncs = append(r.syncs, fmt.Sprintf("%s stream %d corr %d wait %d %d %d pid %q", head, none(stream), refInt(args["correlation"], 0),
			none(refInt(args["wait_on_stream"], -1)), none(refInt(args["wait_on_cuda_event_record_corr_id"], -1)),
			none(refInt(args["wait_on_cuda_event_id"], -1)), word(e["pid"])))
	default:
		r.host(kind, line, ts, dur, r.lane(e))
	}
	return true
}

func (r *refTrace) metadata(e, args refObject, lane string) {
	if !isString(e["name"]) {
		return
	}
	proc := func() *[2]string {
		pid := fmt.Sprintf("%q", word(e["pid"]))
		i, ok := r.procOf[pid]
		if !ok {
			i = len(r.procs)
			r.procOf[pid] = i
			r.procs = append(r.procs, pid)
			r.procName = append(r.procName, [2]string{})
		}
		return &r.procName[i]
	}
	switch name := word(e["name"]); {
	case name == "thread_name" && isString(args["name"]):
		r.titles[lane] = word(args["name"])
	case name == "process_name" && isString(args["name"]):
		proc()[0] = word(args["name"])
	case name == "process_labels" && isString(args["labels"]):
		proc()[1] = word(args["labels"])
	}
}
