package tracebuild

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Every golden description keeps the rules of a trace, in every layout.
func TestShapeOfGoldens(t *testing.T) {
	var paths []string
	err := filepath.WalkDir(filepath.Join(golden, "specs"), func(p string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".yaml") {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		t.Run(filepath.Base(p), func(t *testing.T) {
			s, err := Load(p)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := Build(s, s.Write)
			if err != nil {
				t.Fatal(err)
			}
			own := decode(t, raw)
			checkShape(t, own)
			if items := s.Items; items != nil && Events(items)+200 < int64(len(own.events)) {
				t.Errorf("Events gives %d, below the %d that were written", Events(items), len(own.events))
			}
			if s.Write.OldSchema || s.Write.NoRuntime {
				return
			}
			for _, o := range []Options{{}, {Style: Compact}, {Sorted: true}, {Style: Compact, Sorted: true}} {
				raw, err := Build(s, o)
				if err != nil {
					t.Fatal(err)
				}
				if b := decode(t, raw); !reflect.DeepEqual(own.events, normal(b.events, own.events)) {
					t.Errorf("with %+v other events come out", o)
				}
			}
		})
	}
}

// normal takes the spelling of times, which differs between layouts, from like.
func normal(events, like []ev) []ev {
	for i := range events {
		if i < len(like) {
			for _, p := range [][2]*json.Number{{&events[i].Ts, &like[i].Ts}, {&events[i].Dur, &like[i].Dur}} {
				a, _ := p[0].Float64()
				if b, _ := p[1].Float64(); a == b {
					*p[0] = *p[1]
				}
			}
		}
	}
	return events
}

func TestLayouts(t *testing.T) {
	const trace = `
  - {step: s, mirror: true, of: [{frames: [f.py::f, f.py::g], of: [{kernel: a, us: 5.5, op: [x]}, {memset: m, us: 2.25}]}]}`
	has := func(b built) map[string]int {
		n := map[string]int{}
		for _, e := range b.events {
			if e.Ph == "X" {
				n[e.Cat]++
			}
		}
		return n
	}
	for _, c := range []struct {
		o    Options
		want map[string]int
	}{
		{Options{}, map[string]int{"user_annotation": 1, "gpu_user_annotation": 1, "python_function": 2, "cpu_op": 1, "cuda_runtime": 2, "kernel": 1, "gpu_memset": 1, "Trace": 1}},
		{Options{MaxFrames: 1}, map[string]int{"user_annotation": 1, "gpu_user_annotation": 1, "python_function": 1, "cpu_op": 1, "cuda_runtime": 2, "kernel": 1, "gpu_memset": 1, "Trace": 1}},
		{Options{NoCPU: true}, map[string]int{"cuda_runtime": 2, "kernel": 1, "gpu_memset": 1, "Trace": 1}},
		{Options{NoRuntime: true}, map[string]int{"kernel": 1, "gpu_memset": 1, "Trace": 1}},
		{Options{OldSchema: true}, map[string]int{"Operator": 2, "Runtime": 2, "Kernel": 1, "Memset": 1, "Trace": 1}},
	} {
		b := build(t, "", trace, c.o)
		checkShape(t, b)
		if got := has(b); !maps.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.o, got, c.want)
		}
	}
	old := build(t, "", trace, Options{OldSchema: true})
	if k := old.cat("Kernel")[0]; k.Tid != "stream 7" || strings.Contains(string(k.Ts), ".") || old.top["deviceProperties"] != nil || k.Args["external id"] == nil {
		t.Errorf("the old layout: %+v, top %v", k, old.top)
	}
	text := string(mustBuild(t, "", trace, Options{Sorted: true, Style: Compact}))
	if !strings.Contains(text, `{"args": {"Ev Idx": 0, "External id": 1, "Record function id": 0}, "cat": "user_annotation", "dur": `) || !strings.HasPrefix(text, `{"baseTimeNanoseconds"`) {
		t.Errorf("keys are not in order: %.400s", text)
	}
}
