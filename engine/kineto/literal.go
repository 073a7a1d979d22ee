package kineto

import "encoding/binary"

// literal is text that an event is compared with, eight bytes at a time where it is short.
type literal struct {
	text       string
	head, tail uint64 // the first and the last eight bytes
	mask       uint64 // of head, for a text that is shorter; 0: longer than head and tail
}

func newLiteral(b []byte) literal {
	l := literal{text: string(b)}
	switch n := len(b); {
	case n < 8:
		var w [8]byte
		copy(w[:], b)
		l.head, l.mask = binary.LittleEndian.Uint64(w[:]), 1<<(8*n)-1
	case n <= 16:
		l.head, l.tail, l.mask = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:]), 1<<64-1
	}
	return l
}

// at tells whether b[p:] begins with l, which is not longer than that.
func (l *literal) at(b []byte, p int) bool {
	n := len(l.text)
	if l.mask == 0 || p+8 > len(b) {
		return string(b[p:p+n]) == l.text
	}
	if (binary.LittleEndian.Uint64(b[p:])^l.head)&l.mask != 0 {
		return false
	}
	return n <= 8 || binary.LittleEndian.Uint64(b[p+n-8:]) == l.tail
}

// repeat is what stood last time in the slots of an event's process and thread, values and what
// is before them. Most events have the thread of the one before: one comparison reads them.
type repeat struct {
	slots []slot // of the shape
	text  []byte // empty: not yet known
	value [2]placed
}

// placed is a token and its place in repeat.text.
type placed struct {
	from, to int
	kind     tokenKind
}

// lanes gives the slots of processes and threads what remembers their values.
func (sh *shape) lanes() {
	lane := func(i int) bool {
		return i < len(sh.slots) && (sh.slots[i].field == fieldPid || sh.slots[i].field == fieldTid)
	}
	for i := 0; i < len(sh.slots); i++ {
		if !lane(i) {
			continue
		}
		n := 1
		if lane(i+1) && sh.slots[i+1].field != sh.slots[i].field {
			n = 2
		}
		sh.slots[i].same = &repeat{slots: sh.slots[i : i+n]}
		i += n - 1
	}
}

// at tells whether b[p:] begins with what stood there last time, and the last value ends there.
func (k *repeat) at(b []byte, p int) bool {
	n := len(k.text)
	return n > 0 && len(b)-p > n && class[b[p+n]] != classBare && string(b[p:p+n]) == string(k.text)
}

// put reads the values of b, which begins with k.text, into e.
func (k *repeat) put(b []byte, e *event) {
	for i := range k.slots {
		v := &k.value[i]
		e.put(k.slots[i].field, token{b[v.from:v.to], v.kind})
	}
}

// keep remembers b, whose values were read into e.
func (k *repeat) keep(b []byte, e *event) {
	k.text = k.text[:0]
	p := 0
	for i := range k.slots {
		sl := &k.slots[i]
		p += len(sl.before.text)
		t := e.get(sl.field)
		v := placed{from: p, kind: t.kind}
		switch {
		case t.kind == tokNone: // null, or nested: its length is not known
			return
		case t.isString():
			v.from++
			p += len(t.b) + 2
		default:
			p += len(t.b)
		}
		v.to = v.from + len(t.b)
		k.value[i] = v
	}
	if p == len(b) {
		k.text = append(k.text, b...)
	}
}
