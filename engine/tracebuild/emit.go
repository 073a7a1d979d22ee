package tracebuild

import (
	"bufio"
	"slices"
	"strconv"
	"strings"
)

// origin is the time of a trace's first instant, in ns: some weeks of uptime, small
// enough that a double holds the microseconds with their three decimals.
const origin = 4_100_000_000_000_000

// field is one key of an event; val is its JSON text.
type field struct{ key, val string }

// emitter writes events one at a time in one of the layouts.
type emitter struct {
	w      *bufio.Writer
	o      Options
	start  int64 // ns added to every instant
	events int64 // written
	fields []field
	args   []field
	buf    []byte
}

// us writes an instant or a duration as the layout wants it.
func (e *emitter) us(ns int64) string {
	b := e.buf[:0]
	if e.o.IntegerUS {
		e.buf = strconv.AppendInt(b, floorUS(ns), 10)
		return string(e.buf)
	}
	whole, frac := ns/1000, ns%1000
	if whole < 0 || frac < 0 {
		whole, frac = -whole, -frac
		b = append(b, '-')
	}
	b = strconv.AppendInt(b, whole, 10)
	b = append(b, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
	if e.o.Style == Compact { // Python writes the shortest form, with one decimal at least
		for b[len(b)-1] == '0' && b[len(b)-2] != '.' {
			b = b[:len(b)-1]
		}
	}
	e.buf = b
	return string(b)
}

func floorUS(ns int64) int64 {
	if ns < 0 {
		return -((-ns + 999) / 1000)
	}
	return ns / 1000
}

func (e *emitter) set(key, val string) { e.fields = append(e.fields, field{key, val}) }
func (e *emitter) arg(key, val string) { e.args = append(e.args, field{key, val}) }
func (e *emitter) argInt(key string, v int64) {
	e.args = append(e.args, field{key, strconv.FormatInt(v, 10)})
}

// complete starts an event with a duration; what follows are its arguments, then end.
func (e *emitter) complete(cat, name, pid, tid string, ts, dur int64) {
	ts += origin + e.start
	if e.o.IntegerUS { // both ends are rounded down, so that nesting stays
		dur = (floorUS(ts+dur) - floorUS(ts)) * 1000
	}
	e.set("ph", `"X"`)
	e.set("cat", cat)
	e.set("name", name)
	e.set("pid", pid)
	e.set("tid", tid)
	e.set("ts", e.us(ts))
	e.set("dur", e.us(dur))
}

// flow writes one end of an arrow.
func (e *emitter) flow(ph string, id int64, pid, tid string, ts int64) {
	cat, name := `"ac2g"`, `"ac2g"`
	if e.o.OldSchema {
		cat, name = `"async"`, `"launch"`
	}
	e.set("ph", ph)
	e.set("id", strconv.FormatInt(id, 10))
	e.set("pid", pid)
	e.set("tid", tid)
	e.set("ts", e.us(ts+origin+e.start))
	e.set("cat", cat)
	e.set("name", name)
	if ph == `"f"` {
		e.set("bp", `"e"`)
	}
	e.end()
}

// meta writes one piece of metadata about a process or a thread.
func (e *emitter) meta(name, pid, tid, key, val string) {
	e.set("name", `"`+name+`"`)
	e.set("ph", `"M"`)
	e.set("ts", e.us(origin+e.start))
	e.set("pid", pid)
	e.set("tid", tid)
	e.arg(key, val)
	e.end()
}

// instant writes a point in time that concerns the whole trace.
func (e *emitter) instant(name, pid, tid string, ts int64) {
	e.set("name", name)
	e.set("ph", `"i"`)
	e.set("s", `"g"`)
	e.set("pid", pid)
	e.set("tid", tid)
	e.set("ts", e.us(ts+origin+e.start))
	e.end()
}

// end writes the event that was put together. Errors stay in the writer.
func (e *emitter) end() {
	if e.o.Sorted {
		byKey := func(a, b field) int { return strings.Compare(a.key, b.key) }
		slices.SortStableFunc(e.args, byKey)
		if len(e.args) > 0 {
			e.fields = append(e.fields, field{"args", ""})
		}
		slices.SortStableFunc(e.fields, byKey)
	} else if len(e.args) > 0 {
		e.fields = append(e.fields, field{"args", ""})
	}
	pretty := e.o.Style == Pretty
	w := e.w
	switch {
	case pretty && e.events > 0:
		w.WriteString(",\n  {\n    ")
	case pretty:
		w.WriteString("  {\n    ")
	case e.events > 0:
		w.WriteString(", {")
	default:
		w.WriteByte('{')
	}
	e.events++
	for i, f := range e.fields {
		if i > 0 {
			w.WriteByte(',')
			if pretty && (f.key == "args" || f.key == "ts" && e.fields[0].val == `"X"` || f.key == "cat" && i > 2) {
				w.WriteString("\n    ")
			} else {
				w.WriteByte(' ')
			}
		}
		w.WriteByte('"')
		w.WriteString(f.key)
		w.WriteString(`": `)
		if f.key == "args" {
			e.object(pretty)
		} else {
			w.WriteString(f.val)
		}
	}
	if pretty {
		w.WriteString("\n  }")
	} else {
		w.WriteByte('}')
	}
	e.fields, e.args = e.fields[:0], e.args[:0]
}

func (e *emitter) object(pretty bool) {
	w := e.w
	if pretty {
		w.WriteString("{\n      ")
	} else {
		w.WriteByte('{')
	}
	for i, f := range e.args {
		if i > 0 {
			w.WriteString(", ")
		}
		w.WriteByte('"')
		w.WriteString(f.key)
		w.WriteString(`": `)
		w.WriteString(f.val)
	}
	if pretty {
		w.WriteString("\n    }")
	} else {
		w.WriteByte('}')
	}
}
