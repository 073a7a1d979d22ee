package kineto

// Events of one kind are written by one line of code, and so they are the same bytes
// but for their values. The general scanner remembers where the values of an event
// stood; the bytes between them, in which the keys, the phase and the category are,
// are a shape. The next events are compared with the shapes seen before: equal bytes
// between the values mean the same keys in the same order, and so the same event.
// Whatever differs, if only by a space, is left to the general scanner.

const (
	// lookahead is how much of an event should be in the window before a shape is
	// tried. A longer event that the window's end cuts goes to the general scanner.
	lookahead = 4 << 10

	maxShapes    = 32
	maxSlots     = 64
	maxShapeSize = 8 << 10

	// learnEvery bounds what learning may cost where nothing repeats: one event in
	// so many, after the first maxShapes.
	learnEvery = 64
)

// shape is an event without its values: a slot for each, and the end of the event.
type shape struct {
	slots []slot
	end   literal
	ph    byte
	cat   category
	next  *shape // the one that followed last time
}

// slot is the place of one value.
type slot struct {
	before literal // what stands between the value before and this one
	field  field   // fieldNone: a value that is skipped
	same   *repeat // of the first slot of a process or thread; nil of any other
}

// shapes are the shapes known, the last used first.
type shapes struct {
	known []*shape
	last  *shape
	off   bool

	// The event that the general scanner is reading.
	recording bool
	record    []recorded
	learned   int64
	general   int64 // events that were not read by a shape
}

// recorded is the place of a value in the window.
type recorded struct {
	start, end int
	field      field
}

// find reads the event that b begins with into e, if it has a known shape, and gives
// its length.
func (k *shapes) find(b []byte, e *event, n *nest) (*shape, int) {
	var guess *shape
	if k.last != nil {
		guess = k.last.next
	}
	if guess != nil {
		if end := guess.match(b, e, n); end > 0 {
			k.last = guess
			return guess, end
		}
	}
	for i, sh := range k.known {
		if sh == guess {
			continue
		}
		if end := sh.match(b, e, n); end > 0 {
			copy(k.known[1:i+1], k.known[:i])
			k.known[0] = sh
			k.follow(sh)
			return sh, end
		}
	}
	return nil, 0
}

// follow remembers that sh came after the last shape.
func (k *shapes) follow(sh *shape) {
	if k.last != nil {
		k.last.next = sh
	}
	k.last = sh
}

// match reads the event that b begins with and gives its length; 0 is another shape,
// or the end of b came first.
func (sh *shape) match(b []byte, e *event, n *nest) int {
	e.set, e.quick = 0, 0
	p := 0
	var other *repeat // whose values are being read anew, from place from on
	from := 0
	for i := 0; i < len(sh.slots); i++ {
		sl := &sh.slots[i]
		if k := sl.same; k != nil {
			if k.at(b, p) {
				k.put(b[p:], e)
				p += len(k.text)
				i += len(k.slots) - 1
				continue
			}
			other, from = k, p
		}
		f, lit := sl.field, &sl.before
		if len(b)-p <= len(lit.text) || !lit.at(b, p) {
			return 0
		}
		p += len(lit.text)
		start := p
		switch class[b[p]] {
		case classQuote:
			end, esc, ok := stringEnd(b, start+1)
			if !ok {
				return 0
			}
			p = end + 1
			if f != fieldNone {
				if end-start > maxText {
					return 0 // may have to be cut
				}
				kind := tokText
				if esc {
					kind = tokEscaped
				}
				e.put(f, token{b[start+1 : end], kind})
			}
		case classBare:
			if f == fieldTs || f == fieldDur {
				if ns, end := microsAt(b, p); end > 0 {
					p = end
					e.putMicros(f, ns)
					break
				}
			}
			p = bareEnd(b, p)
			if f != fieldNone {
				if p-start > maxText {
					return 0
				}
				e.put(f, bareToken(b[start:p]))
			}
		case classOpen:
			n.reset()
			var state nestState
			if p, state = n.skip(b, p); state != nestDone {
				return 0
			}
			if f != fieldNone {
				e.put(f, token{})
			}
		default:
			return 0
		}
		if other != nil && sl == &other.slots[len(other.slots)-1] {
			other.keep(b[from:p], e)
			other = nil
		}
	}
	if len(b)-p < len(sh.end.text) || !sh.end.at(b, p) {
		return 0
	}
	return p + len(sh.end.text)
}

// begin starts the record of an event.
func (k *shapes) begin(events int64) {
	k.general++
	k.record = k.record[:0]
	k.recording = !k.off && k.learned < maxShapes+events/learnEvery
}

// value records a value that is not part of the literals.
func (k *shapes) value(f field, start, end int) {
	if !k.recording || f == fieldPh || f == fieldCat {
		return
	}
	if len(k.record) == maxSlots {
		k.recording = false
		return
	}
	k.record = append(k.record, recorded{start, end, f})
}

// learn makes a shape of the recorded event, which is b[start:end].
func (k *shapes) learn(b []byte, start, end int, ph byte, cat category) {
	if !k.recording || len(k.record) == 0 || end-start > maxShapeSize {
		return
	}
	k.recording = false
	k.learned++
	sh := &shape{ph: ph, cat: cat, slots: make([]slot, len(k.record))}
	p := start
	for i, r := range k.record {
		sh.slots[i].before = newLiteral(b[p:r.start])
		if used(ph, cat) {
			sh.slots[i].field = r.field
		}
		p = r.end
	}
	sh.end = newLiteral(b[p:end])
	sh.lanes()
	if len(k.known) == maxShapes {
		old := k.known[maxShapes-1]
		old.next = nil // shapes that are forgotten must not hold others
		k.known = k.known[:maxShapes-1]
	}
	k.known = append(k.known, nil)
	copy(k.known[1:], k.known)
	k.known[0] = sh
	k.follow(sh)
}

// used tells whether anything is kept of such an event.
func used(ph byte, cat category) bool {
	switch ph {
	case 'X':
		return cat != catOther
	case 'B', 'E', 'M':
		return true
	}
	return false
}
