package kineto

// field is a key that means something. Fields of an event come first: they have a
// slot in event.
type field uint8

const (
	fieldNone field = iota
	fieldPh
	fieldCat
	fieldName
	fieldPid
	fieldTid
	fieldTs
	fieldDur
	fieldArgs

	// Inside args.
	argCorr
	argExt
	argStream
	argDevice
	argKernel
	argBytes
	argGraph
	argNode
	argWaitStream
	argWaitCorr
	argWaitEvent
	argName
	argLabels
	argCollective
	argGroup
	argRanks

	fieldCount
)

func eventField(key []byte) field {
	switch string(key) {
	case "ph":
		return fieldPh
	case "cat":
		return fieldCat
	case "name":
		return fieldName
	case "pid":
		return fieldPid
	case "tid":
		return fieldTid
	case "ts":
		return fieldTs
	case "dur":
		return fieldDur
	case "args":
		return fieldArgs
	}
	return fieldNone
}

func argField(key []byte) field {
	switch string(key) {
	case "correlation":
		return argCorr
	case "stream":
		return argStream
	case "device":
		return argDevice
	case "kernel":
		return argKernel
	case "bytes":
		return argBytes
	case "graph id":
		return argGraph
	case "graph node id":
		return argNode
	case "wait_on_stream":
		return argWaitStream
	case "wait_on_cuda_event_record_corr_id":
		return argWaitCorr
	case "wait_on_cuda_event_id":
		return argWaitEvent
	case "name":
		return argName
	case "labels":
		return argLabels
	case "Collective name":
		return argCollective
	case "Process Group Name":
		return argGroup
	case "Process Group Ranks":
		return argRanks
	}
	if len(key) == len("external id") && lowerEqual(key, "external id") {
		return argExt // "external id" in old files
	}
	return fieldNone
}

// lowerEqual compares b with s, which is in lower case, whatever the case of b.
func lowerEqual(b []byte, s string) bool {
	for i, c := range b {
		if lower(c) != s[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// event is what was read of one event: the tokens of its fields as written.
type event struct {
	start int64 // its offset
	set   uint32
	any   bool // it has a member
	tok   [fieldCount]token

	// Times that a shape has read already, in ns, by bits as those of set; they have no tokens.
	quick   uint32
	ts, dur int64
}

const argsMask uint32 = (1<<fieldCount - 1) &^ (1<<argCorr - 1)

func (e *event) reset(start int64) { e.start, e.set, e.quick, e.any = start, 0, 0, false }

func (e *event) put(f field, t token) {
	e.tok[f] = t
	e.set |= 1 << f
	e.quick &^= 1 << f
}

// putMicros is put for the time of fieldTs or fieldDur, which was read.
func (e *event) putMicros(f field, ns int64) {
	if f == fieldTs {
		e.ts = ns
	} else {
		e.dur = ns
	}
	e.quick |= 1 << f
}

// micros gives the time of f, fieldTs or fieldDur, in ns; numNone is none.
func (s *scanner) micros(f field) (int64, numState) {
	if s.event.quick>>f&1 == 1 {
		if f == fieldTs {
			return s.event.ts, numOK
		}
		return s.event.dur, numOK
	}
	if b := s.number(f); b != nil {
		return micros(b)
	}
	return 0, numNone
}

// get gives the token of f; an absent one is of kind tokNone.
func (e *event) get(f field) token {
	if e.set>>f&1 == 0 {
		return token{}
	}
	return e.tok[f]
}

// plausible tells an event from another object, where sync was lost.
func (e *event) plausible() bool {
	ph := e.get(fieldPh)
	return ph.isString() && len(ph.b) == 1 &&
		(e.get(fieldName).isString() || e.get(fieldTs).kind != tokNone)
}

// keepOf is how much of a field's value is kept.
func keepOf(f field) int {
	switch f {
	case fieldNone:
		return 0
	case fieldName, argKernel, argName, argLabels, argRanks:
		return MaxName
	}
	return maxText
}

// nextEvent reads the event at pos and stores it: by a learned shape if one fits, or
// else with the general scanner, which learns its shape.
func (s *scanner) nextEvent() error {
	if err := s.ensure(s.ahead); err != nil {
		return err
	}
	if sh, n := s.shapes.find(s.buf[s.pos:], &s.event, &s.nest); n > 0 {
		s.event.start, s.event.any = s.offset(), true
		s.pos += n
		return s.emit(sh.ph, sh.cat)
	}
	s.shapes.begin(s.t.Events)
	start, moves := s.pos, s.moves
	err := s.oneEvent()
	if s.moves != moves || err != nil {
		s.shapes.recording = false
	}
	if err != nil {
		return err
	}
	ph, cat := s.kind()
	s.shapes.learn(s.buf, start, s.pos, ph, cat)
	return s.emit(ph, cat)
}

// oneEvent reads the event at pos with the general scanner.
func (s *scanner) oneEvent() error {
	s.event.reset(s.offset())
	s.inside = true
	s.pos++
	if err := s.members(eventField, s.visitEvent, false); err != nil {
		return err
	}
	s.inside = false
	return nil
}

func (s *scanner) eventMember(f field) error {
	s.event.any = true
	if f == fieldArgs {
		// The last args wins as a whole. A shape has one args, and an object.
		if s.event.set>>fieldArgs&1 == 1 || s.buf[s.pos] != '{' {
			s.shapes.recording = false
		}
		s.event.set = s.event.set&^argsMask | 1<<fieldArgs
		if s.buf[s.pos] == '{' {
			s.pos++
			return s.members(argField, s.visitArg, false)
		}
		f = fieldNone
	}
	return s.argMember(f)
}

func (s *scanner) argMember(f field) error {
	start := s.pos
	t, err := s.value(keepOf(f), &s.scratch[f])
	if err != nil {
		return err
	}
	s.shapes.value(f, start, s.pos)
	if f != fieldNone {
		s.event.put(f, t)
	}
	return nil
}

// cut counts a string that was longer than what is kept.
func (s *scanner) cut(at int64, keep int) error {
	s.t.Cut++
	return s.damage(Damage{Offset: at, Msg: cutMessage(keep)})
}
