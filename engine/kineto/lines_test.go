package kineto

import (
	"encoding/json"
	"fmt"
	"testing"
)

func (r *refTrace) readMeta(top refObject) {
	str := func(raw json.RawMessage) string {
		if !isString(raw) {
			return ""
		}
		return word(raw)
	}
	truth := func(raw json.RawMessage) bool { return word(raw) == "true" || refInt(raw, 0) != 0 }
	m := Meta{
		SchemaVersion: refInt(top["schemaVersion"], 0),
		TraceName:     str(top["traceName"]),
		WithStack:     truth(top["with_stack"]),
		RecordShapes:  truth(top["record_shapes"]),
		BaseTimeNanos: refInt(top["baseTimeNanoseconds"], 0),
		Rank:          -1,
	}
	for _, k := range []string{"roctracer_version", "hip_runtime_version", "hip_driver_version"} {
		if _, ok := top[k]; ok {
			m.ROCm = true
		}
	}
	var devices []json.RawMessage
	if json.Unmarshal(top["deviceProperties"], &devices) == nil {
		for _, raw := range devices {
			d := refObject{}
			if raw[0] != '{' || json.Unmarshal(raw, &d) != nil {
				continue
			}
			m.Devices = append(m.Devices, Device{ID: refInt(d["id"], 0), Name: str(d["name"]), Major: refInt(d["computeMajor"], 0),
				Minor: refInt(d["computeMinor"], 0), SMs: refInt(d["numSms"], 0), Memory: refInt(d["totalGlobalMem"], 0)})
		}
	}
	dist := refObject{}
	if raw := top["distributedInfo"]; len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &dist) == nil {
		m.Rank, m.WorldSize, m.Backend = refInt(dist["rank"], -1), refInt(dist["world_size"], 0), str(dist["backend"])
	}
	r.meta = fmt.Sprintf("meta %#v", m)
}

// lines gives a trace in the form of the reference decoder.
func lines(t *Trace) []string {
	var out []string
	name := func(id NameID) string { return t.Names.Text(id) }
	for _, a := range t.Activities {
		out = append(out, fmt.Sprintf("%s %d %d %q dev %d stream %d corr %d ext %d graph %d %d bytes %d pid %q", a.Kind, a.Ts, a.Dur, name(a.Name),
			a.Device, a.Stream, a.Corr, a.Ext, a.Graph, a.Node, a.Bytes, name(a.Pid)))
	}
	for _, l := range t.Launches {
		out = append(out, fmt.Sprintf("launch %d %d %q %d %d %d %q %q", l.Ts, l.Dur, name(l.Name), l.Thread, l.Corr, l.Ext, name(l.Kernel), name(l.Stream)))
	}
	for _, n := range t.Nodes {
		out = append(out, fmt.Sprintf("node of %d: %d %d", n.Launch, n.Graph, n.Node))
	}
	span := func(kind string, s Span) {
		out = append(out, fmt.Sprintf("%s %d %d %q %d", kind, s.Ts, s.Dur, name(s.Name), s.Thread))
	}
	for i := range t.Ops.Len() {
		span("op", t.Ops.At(i))
	}
	for i := range t.Frames.Len() {
		span("frame", t.Frames.At(i))
	}
	for _, s := range t.Annotations {
		span("note", s)
	}
	for _, m := range t.Marks {
		out = append(out, fmt.Sprintf("mark %d %d %q dev %d stream %d pid %q", m.Ts, m.Dur, name(m.Name), m.Device, m.Stream, name(m.Pid)))
	}
	for _, s := range t.Syncs {
		out = append(out, fmt.Sprintf("sync %d %d %q dev %d stream %d corr %d wait %d %d %d pid %q", s.Ts, s.Dur, name(s.Name), s.Device, s.Stream, s.Corr,
			s.WaitStream, s.RecordCorr, s.Event, name(s.Pid)))
	}
	for _, th := range t.Threads {
		out = append(out, fmt.Sprintf("thread %q %q %q", th.Pid, th.Tid, th.Name))
	}
	for _, p := range t.Processes {
		out = append(out, fmt.Sprintf("process %q %q", p.Pid, [2]string{p.Name, p.Labels}))
	}
	return append(out, fmt.Sprintf("events %d skipped %d", t.Events, t.Skipped), fmt.Sprintf("meta %#v", t.Meta))
}

// same fails the test at the first line that differs.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s: line %d:\n got  %s\n want %s", what, i, g, w)
		}
	}
}
