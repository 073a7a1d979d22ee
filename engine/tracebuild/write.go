package tracebuild

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/sgrules/sgrules/engine/diag"
)

// Write writes the trace that s describes, in one pass and with memory that depends on
// the description and not on the length of the trace. The same s and o give the same bytes.
// Errors are those of w, and a description that breaks the rules of the notation.
func Write(w io.Writer, s *Spec, o Options) error {
	if !o.Gzip {
		_, err := write(w, s, o)
		return err
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	z.ModTime = time.Unix(0, 0) // written as 0; this gzip writes its zero value as a time
	if _, err := write(z, s, o); err != nil {
		return err
	}
	return z.Close()
}

// WriteFile is Write into a file, compressed when its name ends in .gz. A file that
// could not be written whole is removed.
func WriteFile(path string, s *Spec, o Options) error {
	o.Gzip = strings.HasSuffix(path, ".gz")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err = errors.Join(Write(f, s, o), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// Build is Write into memory, uncompressed.
func Build(s *Spec, o Options) ([]byte, error) {
	o.Gzip = false
	var b bytes.Buffer
	err := Write(&b, s, o)
	return b.Bytes(), err
}

// Load is Parse of a file. The files named under merge are read from its directory.
func Load(path string) (*Spec, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := Parse(path, src)
	if err != nil {
		return nil, err
	}
	for _, name := range s.Merge {
		part, err := Load(filepath.Join(filepath.Dir(path), name))
		if err == nil && len(part.Merge) > 0 {
			err = fmt.Errorf("%s: merges %s, which is itself a merge; expected a trace", path, name)
		}
		if err != nil {
			return nil, err
		}
		s.Parts = append(s.Parts, part)
	}
	return s, nil
}

// write gives the number of events written.
func write(w io.Writer, s *Spec, o Options) (int64, error) {
	if o.NoRuntime {
		o.NoCPU = true
	}
	if o.OldSchema {
		o.IntegerUS = true
	}
	if len(s.Merge) != len(s.Parts) && len(s.Merge) > 0 {
		return 0, errors.New("tracebuild: the merged files were not read; expected a Spec of Load, or Parts without Merge")
	}
	if len(s.Parts) > 0 && len(s.Items) > 0 {
		return 0, errors.New("tracebuild: a merge has items of its own; expected Parts or Items")
	}
	parts := s.Parts
	if len(parts) == 0 {
		parts = []*Spec{s}
	}
	e := &emitter{w: bufio.NewWriterSize(w, 1<<16), o: o}
	first := *parts[0]
	first.Name = s.Name
	e.head(&first, parts)
	for _, p := range parts {
		if err := run(e, p, len(s.Parts) > 0); err != nil {
			return 0, err
		}
	}
	e.foot(&first)
	return e.events, e.w.Flush()
}

// run plans one trace and walks it twice.
func run(e *emitter, s *Spec, merged bool) error {
	if len(s.Parts)+len(s.Merge) > 0 {
		return errors.New("tracebuild: a merge of merges")
	}
	if err := check(s.Items, false, false, 0); err != nil {
		return err
	}
	if d := checkSize(s.Items, diag.Pos{}); d != nil && !s.counted {
		return d
	}
	p := &planner{root: s.Root, calls: &nvidia, threads: []string{"main"}, byName: map[string]int{"main": 0}, classes: map[string]int{}, graphs: map[string]int64{}}
	if s.Installed {
		p.root = ""
	} else if s.Root == "" {
		p.root = DefaultRoot
	}
	switch s.Vendor {
	case "amd":
		p.calls = &amd
	case "", "nvidia":
	default:
		return fmt.Errorf("tracebuild: vendor %q; expected nvidia or amd", s.Vendor)
	}
	plan := p.list(s.Items, scope{})
	if p.err != nil {
		return p.err
	}
	fresh := func() *runner {
		return &runner{spec: s, calls: p.calls, clocks: map[int64]*clock{}, base: when{never, never}, events: map[string]*event{},
			uses: make([]int32, p.slots), modules: make([]int64, len(p.classes)),
			ids: ids{corr: s.FirstID, ext: s.FirstID, python: s.FirstID, streams: map[int64]bool{}, threads: map[int]bool{0: true}, tids: map[int64]string{}}}
	}
	look := fresh()
	look.all(plan, context{})
	look.segment()
	if look.err != nil {
		return look.err
	}
	r := fresh()
	r.out, r.floors, r.durs = e, look.floors, look.durs
	e.start = s.Start
	r.ids.host, r.ids.gpu = strconv.FormatInt(r.pid(), 10), strconv.FormatInt(s.Index, 10)
	if merged { // as SGLang's merger tells the processes of the ranks apart
		rank := fmt.Sprintf("[TP%02d-DP00] ", s.Rank)
		r.ids.host, r.ids.gpu = quote(rank+r.ids.host), quote(rank+r.ids.gpu)
	}
	r.all(plan, context{})
	if r.err != nil {
		return r.err
	}
	r.finish(p.threads, look.host)
	return nil
}

// check holds items built in Go to the rules that DecodeItems enforces.
func check(items []Item, inGraph, inCapture bool, depth int) error {
	for i := range items {
		it := &items[i]
		bad := ""
		switch {
		case it.Kind >= numKinds:
			bad = "no such kind"
		case depth > MaxDepth:
			bad = "too deep"
		case it.Name == "" && it.Kind != Repeat && it.Kind != Scope && it.Kind != Idle:
			bad = "no name"
		case it.Kind == Repeat && (it.N < 1 || it.N > MaxEvents):
			bad = "a repeat count out of range"
		case it.Kind == Idle && (len(it.US) != 1 || inCapture):
			bad = "no single duration, or inside a capture"
		case len(it.At) > MaxStack || len(it.Op) > MaxStack || len(it.Module) > MaxStack:
			bad = "too deep a stack"
		case it.Stream < 0 && it.Kind != Idle || it.Gap < -1e9 || it.Gap > maxUS:
			bad = "a stream or gap out of range"
		case slices.ContainsFunc(it.US, func(ns int64) bool { return ns < 0 || ns > maxUS }):
			bad = "a duration out of range"
		case (inGraph || inCapture) && (it.Kind == Step || it.Kind == Graph || it.Kind == Capture || it.Kind == Sync):
			bad = "inside a graph or capture"
		case it.Kind == Sync && (!slices.Contains(syncNames, it.Name) || (it.Name == "Event Sync") != (it.Event != "")):
			bad = "no known sync, or an event where none belongs"
		case it.Kind == Sync && (it.Name == hostBusy) != (len(it.US) == 1):
			bad = "a duration where none belongs, or none"
		case len(it.Of) == 0 && (it.Kind == Step || it.Kind == Repeat || it.Kind == Graph || it.Kind == Capture):
			bad = "nothing in it"
		case len(it.Of) > 0 && (it.Kind <= Memset || it.Kind >= Record):
			bad = "items inside an item that holds none"
		}
		if bad != "" {
			return fmt.Errorf("tracebuild: item %d, %s %q: %s", i, it.Kind, it.Name, bad)
		}
		if err := check(it.Of, inGraph || it.Kind == Graph, inCapture || it.Kind == Capture, depth+1); err != nil {
			return err
		}
	}
	return nil
}
