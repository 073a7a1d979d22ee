package tracebuild

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"gopkg.in/yaml.v3"
)

// Parse reads a description from YAML: one document, a mapping with the keys of Spec
// and the items under trace. The error is a diag.List with every mistake found.
// 'define' may hold anything with anchors; what is used of it is checked where it is used.
func Parse(file string, src []byte) (*Spec, error) {
	d := &decoder{file: file}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(src))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty; expected a mapping with the key trace")
		}
		d.errs.Addf(yamlPos(file, err), "syntax", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil, d.errs.Err()
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.errs.Addf(diag.Pos{File: file, Line: max(more.Line, 1), Col: max(more.Column, 1)}, "syntax", "more than one YAML document; expected one description a file")
		return nil, d.errs.Err()
	}
	s := d.spec(&doc)
	if err := d.errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// DecodeItems reads the items of a rule test: node is the YAML list, file the name of
// the file for errors. The error is a diag.List with every mistake found.
func DecodeItems(node *yaml.Node, file string) ([]Item, error) {
	d := &decoder{file: file}
	if node == nil || node.Kind == 0 {
		d.errs.Addf(diag.Pos{File: file}, "missing-key", "there is no trace; expected a list of items")
		return nil, d.errs.Err()
	}
	items := d.trace(node)
	if err := d.errs.Err(); err != nil {
		return nil, err
	}
	return items, nil
}

// yamlPos finds the line that yaml.v3 names in its error text; it has no other place for it.
func yamlPos(file string, err error) diag.Pos {
	p := diag.Pos{File: file}
	_, _ = fmt.Sscanf(strings.TrimPrefix(err.Error(), "yaml: "), "line %d:", &p.Line)
	return p
}

func (d *decoder) spec(n *yaml.Node) *Spec {
	m := d.mapping(n, "a description", "name", "vendor", "device", "device_index", "rank", "world", "backend", "pid", "process",
		"root", "installed", "start_us", "first_id", "graph_ids", "cuda_sync", "write", "define", "trace", "merge")
	if m == nil {
		return nil
	}
	s := &Spec{
		Name:      d.text(m["name"], false),
		Vendor:    d.choice(m["vendor"], "nvidia", "amd"),
		Index:     d.integer(m["device_index"], 0, 0, 1023),
		Rank:      d.integer(m["rank"], 0, 0, 1<<20),
		World:     d.integer(m["world"], 0, 0, 1<<20),
		Backend:   d.text(m["backend"], false),
		PID:       d.integer(m["pid"], 0, 1, 1<<31-1),
		Process:   d.text(m["process"], false),
		Root:      strings.TrimSuffix(d.text(m["root"], false), "/"),
		Installed: d.boolean(m["installed"], false),
		Start:     d.micros(m["start_us"], 0, -maxUS, maxUS),
		FirstID:   d.integer(m["first_id"], 0, 0, 1<<40),
		GraphID:   d.boolean(m["graph_ids"], false),
		NoSync:    !d.boolean(m["cuda_sync"], true),
	}
	if s.World > 0 && s.Rank >= s.World {
		d.fail(m["rank"], "out-of-range", "rank %d does not exist among %d ranks", s.Rank, s.World)
	}
	if dev := m["device"]; dev != nil {
		if m := d.mapping(dev, "device", "name", "major", "minor", "sms", "memory"); m != nil {
			s.Device = Device{d.text(m["name"], true), d.integer(m["major"], 0, 0, 99), d.integer(m["minor"], 0, 0, 99),
				d.integer(m["sms"], 0, 1, 1<<20), d.integer(m["memory"], 0, 1, 1<<50)}
		}
	}
	s.Write = d.options(m["write"])
	for _, e := range d.sequence(m["merge"], "merge", 1024) {
		name := d.text(e, false)
		if strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, ".") {
			d.fail(e, "out-of-range", "%q is not a plain file name; a merge takes files of its own directory", name)
		}
		s.Merge = append(s.Merge, name)
	}
	switch {
	case s.Merge != nil && m["trace"] != nil:
		d.fail(m["merge"], "unknown-key", "merge beside trace; expected one of the two")
	case m["trace"] != nil:
		s.Items = d.trace(m["trace"])
	case s.Merge == nil:
		d.fail(n, "missing-key", "a description has no trace; expected a list of items under this key")
	}
	return s
}

func (d *decoder) options(n *yaml.Node) Options {
	m := d.mapping(n, "write", "style", "gzip", "sorted", "integer_us", "old_schema", "no_cpu", "no_runtime", "max_frames")
	o := Options{
		Gzip: d.boolean(m["gzip"], true), Sorted: d.boolean(m["sorted"], false), IntegerUS: d.boolean(m["integer_us"], false),
		OldSchema: d.boolean(m["old_schema"], false), NoCPU: d.boolean(m["no_cpu"], false), NoRuntime: d.boolean(m["no_runtime"], false),
		MaxFrames: int(d.integer(m["max_frames"], 0, 1, 1<<20)),
	}
	if d.choice(m["style"], "pretty", "compact") == "compact" {
		o.Style = Compact
	}
	return o
}

func (d *decoder) trace(n *yaml.Node) []Item {
	items := d.items(n, 0, nil)
	recorded := map[string]bool{}
	walk(items, func(it *Item) {
		if it.Kind == Record {
			recorded[it.Name] = true
		}
	})
	walk(items, func(it *Item) {
		name := it.Name
		if it.Kind == Sync {
			name = it.Event
		} else if it.Kind != Wait {
			return
		}
		if name != "" && !recorded[name] {
			d.errs.Addf(it.Pos, "unknown-event", "the event %q is never recorded; expected a {record: %s} somewhere", name, name)
		}
	})
	if len(d.errs) == 0 {
		if err := checkSize(items, d.pos(n)); err != nil {
			d.errs = append(d.errs, *err)
		}
	}
	return items
}

func walk(items []Item, f func(*Item)) {
	for i := range items {
		f(&items[i])
		walk(items[i].Of, f)
	}
}
