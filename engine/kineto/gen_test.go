package kineto

import (
	"fmt"
	"math/rand"
	"strings"
)

// gen writes random traces in every form that encoding/json reads. Events come from a
// few templates a trace, as they do in real ones, so that the learned shapes have
// something to learn, and with a chance each of the odd things.
type gen struct {
	*rand.Rand
	space func() string
}

func newGen(seed int64) *gen {
	g := &gen{Rand: rand.New(rand.NewSource(seed))}
	styles := []func() string{
		func() string { return "" },
		func() string { return " " },
		func() string { return "\r\n    " },
		func() string { return g.pick("", " ", "\n", "\t", "  \r\n ") },
	}
	g.space = styles[g.Intn(len(styles))]
	return g
}

func (g *gen) pick(s ...string) string { return s[g.Intn(len(s))] }

func (g *gen) in(n int) bool { return g.Intn(n) == 0 }

func (g *gen) number() string {
	switch g.Intn(14) {
	case 0:
		return fmt.Sprint(g.Intn(1000))
	case 1:
		return fmt.Sprintf("%d.%d", g.Intn(1000), g.Intn(100000))
	case 2:
		return fmt.Sprintf("-%d.%03d", g.Intn(3), g.Intn(1000))
	case 3:
		return fmt.Sprintf("%de%d", g.Intn(1000), g.Intn(6)-3)
	case 4:
		return fmt.Sprintf("%d.%dE+0%d", g.Intn(10), g.Intn(1000), g.Intn(9))
	case 5:
		return g.pick("-0", "-0.0", "0", "1e400", "-1e400", "1e-400", "0e999999999999", "9223372036854775807", "9223372036854775808",
			"18446744073709551615", "18446744073709551616", "4294967295", "1695835542513910", "9223372036854775.807", "9223372036854775.8075",
			"9223372036854774.999", "123456789012345678901234567890", "0.0005", "0.0004999", "-0.0005", "31622400000000", "31622400000001")
	case 6:
		return `"` + fmt.Sprint(g.Intn(100)) + `"`
	case 7:
		return g.pick("null", "true", "false", `"NaN"`, `"x"`, `""`, "[1]", `{"a":[]}`, `"\u0031\u0032"`, `" 1"`, `"+5"`, `"1."`, `".5"`, `"1e"`, `"--1"`)
	}
	return fmt.Sprintf("%d.%03d", 1_000_000_000+g.Intn(1_000_000_000), g.Intn(1000))
}

func (g *gen) id() string {
	if g.in(6) {
		return g.number()
	}
	return fmt.Sprint(g.Intn(40))
}

func (g *gen) name() string {
	if g.in(8) {
		return g.pick(`"a\u0062c"`, `"abc"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00x"`, `"\ud83d\u0041"`, "\"\xff\xfe\"", `"q\"{\"ph\":1}"`, `"\\"`,
			`"C:\\new\\table"`, `"\/\b\f\n\r\t"`, `""`, `"é\u00e9"`, "\"\xe2\x82\"", `12`, `null`, `{"name":"x"}`, `["x"]`, `true`, `"\uD83D\uDE00\uDE00"`,
			`"`+strings.Repeat("long name ", 700)+`"`)
	}
	return `"` + g.pick("aten::mm", "sglang/srt/models/qwen3.py(12): forward", "void k<float, 4>(int)", "cudaLaunchKernel", "Memcpy HtoD (Host -> Device)",
		"Stream Wait Event", "thread_name", "process_name", "process_labels") + g.pick("", "", "1", "2", "3") + `"`
}

func (g *gen) lane() string {
	if g.in(8) {
		return g.pick(`"Spans"`, `"stream 7"`, "-1", `"1\u0032"`, "4294967295", "1000007", `""`, "null", "[]", "1.5", `"[TP00] 3"`, "\"\xff\"")
	}
	return g.pick("0", "1", "12", `"12"`, "4762")
}

func (g *gen) nested(depth int) string {
	var b strings.Builder
	object := g.in(2)
	b.WriteString(map[bool]string{true: "{", false: "["}[object])
	for i := range g.Intn(4) {
		if i > 0 {
			b.WriteString("," + g.space())
		}
		if object {
			fmt.Fprintf(&b, "%q%s:%s", g.pick("a", "ph", "traceEvents", "}", "]"), g.space(), g.space())
		}
		if depth > 0 && g.in(2) {
			b.WriteString(g.nested(depth - 1))
		} else {
			b.WriteString(g.pick("1", "null", `"x"`, `"]\"}"`, `"\\"`, "-1.5e3"))
		}
	}
	b.WriteString(g.space() + map[bool]string{true: "}", false: "]"}[object])
	return b.String()
}

var genArgs = []string{"External id", "external id", "EXTERNAL ID", "correlation", "stream", "device", "kernel", "bytes", "graph id", "graph node id",
	"wait_on_stream", "wait_on_cuda_event_record_corr_id", "wait_on_cuda_event_id", "name", "labels", "Ev Idx", "Input Dims", "grid", "ph", "ts"}

// template is the keys of an event; values are new for each one.
type template struct {
	ph, cat string
	keys    []string
	args    []string
	odd     bool
}

func (g *gen) template() template {
	t := template{
		ph: g.pick("X", "X", "X", "X", "X", "M", "B", "E", "i", "s"),
		cat: g.pick("kernel", "Kernel", "cuda_runtime", "cuda_driver", "Runtime", "runtime", "hip_runtime", "cpu_op", "Operator", "gpu_memcpy", "Memcpy",
			"gpu_memset", "Memset", "python_function", "python_function", "user_annotation", "gpu_user_annotation", "cuda_sync", "CUDA_SYNC", "overhead", "ac2g"),
		keys: []string{"ph", "cat", "name", "pid", "tid", "ts", "dur", "args"},
		odd:  g.in(4),
	}
	if g.in(3) {
		g.Shuffle(len(t.keys), func(i, j int) { t.keys[i], t.keys[j] = t.keys[j], t.keys[i] })
	}
	for range g.Intn(6) {
		t.args = append(t.args, genArgs[g.Intn(len(genArgs))])
	}
	if g.in(5) {
		i := g.Intn(len(t.keys))
		t.keys = append(t.keys[:i:i], t.keys[i+1:]...)
	}
	if g.in(8) {
		t.keys = append(t.keys, g.pick("name", "ts", "dur", "args", "ph", "cat", "id", "bp", "sf"))
	}
	return t
}

func (g *gen) value(key string) string {
	switch key {
	case "name", "kernel", "labels":
		return g.name()
	case "pid", "tid":
		return g.lane()
	case "ts":
		return g.number()
	case "dur":
		return g.pick("1", "2.5", "0.001", g.number())
	case "Input Dims", "grid":
		return g.nested(3)
	case "stream":
		return g.pick("7", "0", `"0x0"`, "4294967295", "-1", g.id())
	}
	return g.id()
}

func (g *gen) key(k string) string {
	if g.in(100) {
		return fmt.Sprintf(`"\u%04x%s"`, k[0], k[1:])
	}
	return `"` + k + `"`
}

func (g *gen) event(b *strings.Builder, t template) {
	b.WriteString("{" + g.space())
	for i, k := range t.keys {
		if i > 0 {
			b.WriteString("," + g.space())
		}
		b.WriteString(g.key(k) + g.space() + ":" + g.space())
		switch k {
		case "ph":
			b.WriteString(`"` + t.ph + `"`)
		case "cat":
			b.WriteString(`"` + t.cat + `"`)
		case "args":
			if t.odd && g.in(3) {
				b.WriteString(g.pick("null", "5", `"x"`, g.nested(2)))
				break
			}
			b.WriteString("{" + g.space())
			for j, a := range t.args {
				if j > 0 {
					b.WriteString("," + g.space())
				}
				b.WriteString(g.key(a) + ":" + g.space() + g.value(a))
			}
			b.WriteString(g.space() + "}")
		default:
			b.WriteString(g.value(k))
		}
		b.WriteString(g.space())
	}
	b.WriteString("}")
}

// trace writes n events and what may stand around them.
func (g *gen) trace(n int) []byte {
	var b strings.Builder
	if g.in(8) {
		b.WriteString("\xef\xbb\xbf")
	}
	b.WriteString(g.space())
	bare := g.in(6)
	meta := []string{
		`"schemaVersion": 1`, `"traceName": "a\"b\u00e9"`, `"with_stack": 1`, `"record_shapes": true`, `"baseTimeNanoseconds": 1775078550000000000`,
		`"roctracer_version": 4.1`, `"distributedInfo": {"backend": "nccl", "rank": 3, "world_size": 8, "pg_config": [{"pg_name": "0", "ranks": [0, {}]}]}`,
		`"deviceProperties": [{"id": 0, "name": "NVIDIA B300", "totalGlobalMem": 287416123392, "computeMajor": 10, "computeMinor": 3, "numSms": 148}, null, {"id": 1}, [2]]`,
		`"distributedInfo": null`, `"deviceProperties": {}`, `"other": ` + g.nested(4), `"schemaVersion": 2`,
	}
	g.Shuffle(len(meta), func(i, j int) { meta[i], meta[j] = meta[j], meta[i] })
	before := g.Intn(4)
	if !bare {
		b.WriteString("{" + g.space())
		for _, m := range meta[:before] {
			b.WriteString(m + g.space() + "," + g.space())
		}
		b.WriteString(`"traceEvents"` + g.space() + ":" + g.space())
	}
	b.WriteString("[" + g.space())
	var templates []template
	for range 1 + g.Intn(6) {
		templates = append(templates, g.template())
	}
	for i := range n {
		if i > 0 {
			b.WriteString("," + g.space())
		}
		if i > 0 && g.in(60) {
			b.WriteString(g.pick("{}", "null", "5", `{"foo": 1}`))
			continue
		}
		t := templates[g.Intn(len(templates))]
		for range 1 + g.Intn(3) {
			g.event(&b, t)
			b.WriteString(",")
		}
		g.event(&b, t)
	}
	b.WriteString(g.space() + "]" + g.space())
	if !bare {
		for _, m := range meta[before : before+g.Intn(4)] {
			b.WriteString("," + g.space() + m)
		}
		b.WriteString("}")
	}
	b.WriteString(g.space())
	return []byte(b.String())
}
