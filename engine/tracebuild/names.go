package tracebuild

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// hash makes what a description does not say (line numbers, host times, launch shapes)
// the same on every run and on every machine.
func hash(s string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return int64(h.Sum32())
}

// frameName gives a Python frame as a trace shows it. root is where 'python/…' was
// checked out, empty where packages are installed.
func frameName(f, root string) (string, error) {
	path, function, canonical := strings.Cut(f, "::")
	if !canonical || strings.HasPrefix(f, "<") {
		if !shown(f) {
			return "", fmt.Errorf("%q is no Python frame; expected 'path::function', 'path(line): function', '<built-in …>' or 'nn.Module: Name_0'", f)
		}
		return f, nil
	}
	if path == "" || function == "" || strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("%q is no Python frame; expected 'path::function' with a path inside its repository", f)
	}
	line := 20 + hash(f)%1980
	if i := strings.LastIndexByte(function, '.'); i >= 0 && i+1 < len(function) {
		function = function[i+1:] // the profiler records co_name, which has no class
	}
	first, rest, _ := strings.Cut(path, "/")
	switch {
	case root == "" && first == "python" && rest != "":
		path = rest
	case root != "" && (first == "python" || first == root[strings.LastIndexByte(root, '/')+1:]):
		path = root + "/" + path
	}
	return path + "(" + strconv.FormatInt(line, 10) + "): " + function, nil
}

// shown tells whether f is spelled as a trace spells frames.
func shown(f string) bool {
	if strings.HasPrefix(f, "<") || strings.HasPrefix(f, "nn.Module: ") {
		return true
	}
	i := strings.Index(f, "): ")
	if i < 0 || i+3 == len(f) {
		return false
	}
	j := strings.LastIndexByte(f[:i], '(')
	if j < 1 {
		return false
	}
	_, err := strconv.ParseUint(f[j+1:i], 10, 32)
	return err == nil
}

// moduleName splits a trailing instance number off; -1 when there is none.
func moduleName(m string) (class string, instance int64) {
	if i := strings.LastIndexByte(m, '_'); i > 0 {
		if n, err := strconv.ParseUint(m[i+1:], 10, 31); err == nil {
			return m[:i], int64(n)
		}
	}
	return m, -1
}

// call is one runtime call: its name, its callback id and its made-up duration.
type call struct {
	name string
	id   int64
	ns   int64
}

// calls of a vendor by what they do. The ids are CUPTI's cbid and roctracer's cid.
type calls struct {
	launch, module, memcpy, memset, graph, record, wait, begin, end, instantiate call
	sync                                                                         map[string]call
}

var nvidia = calls{
	launch: call{"cudaLaunchKernel", 211, 2400}, module: call{"cudaLaunchKernelExC", 430, 2900},
	memcpy: call{"cudaMemcpyAsync", 41, 3600}, memset: call{"cudaMemsetAsync", 51, 2800},
	graph: call{"cudaGraphLaunch", 311, 21000}, record: call{"cudaEventRecord", 135, 900}, wait: call{"cudaStreamWaitEvent", 147, 700},
	begin: call{"cudaStreamBeginCapture_v2", 404, 1800}, end: call{"cudaStreamEndCapture", 309, 5200}, instantiate: call{"cudaGraphInstantiate", 310, 94000},
	sync: map[string]call{"Stream Sync": {"cudaStreamSynchronize", 131, 2600}, "Context Sync": {"cudaDeviceSynchronize", 165, 3400}, "Event Sync": {"cudaEventSynchronize", 137, 2500}},
}

var amd = calls{
	launch: call{"hipLaunchKernel", 107, 3100}, module: call{"hipExtModuleLaunchKernel", 65, 3500},
	memcpy: call{"hipMemcpyWithStream", 153, 4200}, memset: call{"hipMemsetAsync", 155, 3300},
	graph: call{"hipGraphLaunch", 139, 38000}, record: call{"hipEventRecord", 57, 800}, wait: call{"hipStreamWaitEvent", 200, 900},
	begin: call{"hipStreamBeginCapture", 219, 2100}, end: call{"hipStreamEndCapture", 220, 4800}, instantiate: call{"hipGraphInstantiateWithFlags", 141, 88000},
	sync: map[string]call{"Stream Sync": {"hipStreamSynchronize", 201, 2900}, "Context Sync": {"hipDeviceSynchronize", 48, 3600}, "Event Sync": {"hipEventSynchronize", 58, 2700}},
}

// of picks the call that launches it; a kernel out of a code object is launched by the module call.
func (c *calls) of(it *Item) call {
	k := c.launch
	switch {
	case it.Kind == Memcpy:
		k = c.memcpy
	case it.Kind == Memset:
		k = c.memset
	case it.Kind == Graph:
		k = c.graph
	case strings.HasPrefix(it.Name, "Cijk_") || strings.HasPrefix(it.Name, "nvjet_"):
		k = c.module
	}
	if it.Call != "" {
		k.name = it.Call
	}
	k.ns += hash(it.Name) % (k.ns / 2)
	return k
}
