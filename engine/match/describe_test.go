package match

import (
	"reflect"
	"testing"

	"github.com/sgrules/sgrules/engine/graph"
	"github.com/sgrules/sgrules/engine/kineto"
	"github.com/sgrules/sgrules/engine/rule"
)

func TestDescribe(t *testing.T) {
	device := func(name string, id, major, minor int64) kineto.Device {
		return kineto.Device{ID: id, Name: name, Major: major, Minor: minor}
	}
	for _, c := range []struct {
		name  string
		meta  kineto.Meta
		calls []string
		on    int32 // the device of the first stream
		want  rule.Run
	}{
		{name: "nothing is known", want: rule.Run{}},
		{name: "by the GPU's name", meta: kineto.Meta{Devices: []kineto.Device{device("NVIDIA B200", 0, 10, 0)}, WorldSize: 8}, want: rule.Run{Vendor: "nvidia", GPU: "NVIDIA B200", SM: 100, World: 8}},
		{name: "an older name", meta: kineto.Meta{Devices: []kineto.Device{device("Tesla V100", 0, 7, 0)}}, want: rule.Run{Vendor: "nvidia", GPU: "Tesla V100", SM: 70}},
		{name: "the device that worked", meta: kineto.Meta{Devices: []kineto.Device{device("NVIDIA A", 0, 8, 0), device("NVIDIA B", 1, 9, 0)}}, on: 1, want: rule.Run{Vendor: "nvidia", GPU: "NVIDIA B", SM: 90}},
		{name: "a gfx version is no SM", meta: kineto.Meta{Devices: []kineto.Device{device("AMD Instinct MI300X", 0, 9, 4)}}, want: rule.Run{Vendor: "amd", GPU: "AMD Instinct MI300X"}},
		{name: "by the profiler", meta: kineto.Meta{ROCm: true}, calls: []string{"cudaLaunchKernel"}, want: rule.Run{Vendor: "amd"}},
		{name: "by the first call that tells", calls: []string{"launch", "hipLaunchKernel", "cudaLaunchKernel"}, want: rule.Run{Vendor: "amd"}},
		{name: "by a driver's call", calls: []string{"cuLaunchKernelEx"}, want: rule.Run{Vendor: "nvidia"}},
	} {
		tr := &kineto.Trace{Meta: c.meta, Names: kineto.NewNames()}
		g := graph.Build(tr, graph.Options{})
		for _, call := range c.calls {
			tr.Launches = append(tr.Launches, kineto.Launch{Name: tr.Names.InternString(call)})
		}
		g.Streams = []graph.Stream{{Device: c.on}}
		if got := Describe(g); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestSetArgs(t *testing.T) {
	for _, c := range []struct {
		args map[string]string
		want rule.Run
	}{
		{map[string]string{}, rule.Run{}},
		{map[string]string{"tp-size": "8", "model-path": "/models/org/Name-8B/"}, rule.Run{TP: 8, Model: "Name-8B", Args: map[string]string{"tp_size": "8", "model_path": "/models/org/Name-8B/"}}},
		{map[string]string{"served_model_name": "n", "model": "m", "tp": "x"}, rule.Run{Model: "n", Args: map[string]string{"served_model_name": "n", "model": "m", "tp": "x"}}},
		{map[string]string{"tensor_parallel_size": " 2 "}, rule.Run{TP: 2, Args: map[string]string{"tensor_parallel_size": " 2 "}}},
		{map[string]string{"a-b": "1", "a_b": "2"}, rule.Run{Args: map[string]string{"a_b": "2"}}},
	} {
		for range 8 { // the order of a map must not show
			got := rule.Run{}
			SetArgs(&got, c.args)
			c.want.ArgsKnown = true
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v: got %+v, want %+v", c.args, got, c.want)
			}
		}
	}
}
