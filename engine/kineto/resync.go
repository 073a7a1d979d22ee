package kineto

import "bytes"

// resume goes on after a fault: at the next event, at the array of events where that
// was not reached yet, or behind what may be the end of the array. It returns like
// trace; where it took a wrong end for the right one, trace calls it again.
func (s *scanner) resume() error {
	where, err := s.resync()
	if err != nil {
		return err
	}
	switch where {
	case atEvents:
		err = s.events(false)
	case afterEvent:
		err = s.events(true)
	}
	if err != nil || s.array {
		return err
	}
	return s.members(traceField, s.visitTrace, true)
}

type syncPoint uint8

const (
	atEvents    syncPoint = iota // behind the bracket of the array of events
	afterEvent                   // behind an event
	afterEvents                  // behind what may be the end of that array
)

// resync looks for the next event, forward only, so that a damaged file costs no more
// than a whole one. An event is an object that stands where an element of an array
// can (behind a comma, a bracket or another object, or on a line of its own, and never
// behind a colon as args does), that parses, and that has a phase of one letter and a name or a time. What
// looked like one and does not parse counts as skipped, and the search goes on from
// where it broke.
func (s *scanner) resync() (syncPoint, error) {
	prev := byte(0) // the last byte that was no space; 0 is the place of the fault
	line := false   // a line ended since
	for {
		c, err := s.peek()
		if err != nil {
			return 0, err
		}
		switch {
		case class[c] == classSpace:
			line = line || c == '\n'
			s.pos++
			continue
		case c == '{' && (prev == ',' || prev == '[' || prev == '}' || prev == 0 || line && prev != ':'):
			start := s.offset()
			err := s.oneEvent()
			if err == nil && s.event.plausible() {
				s.regained(start)
				s.seen = true
				return afterEvent, s.emit(s.kind())
			}
			s.inside, line = false, false
			switch err {
			case nil:
				prev = '}'
			case errBad:
				s.t.Skipped++
				prev = 0
			default:
				return 0, err
			}
			continue
		case c == ']' && prev == '}' && s.seen:
			s.pos++
			return afterEvents, nil
		case c == '"' && !s.seen:
			ok, err := s.eventsKey()
			if err != nil {
				return 0, err
			}
			if ok {
				s.regained(s.offset())
				s.seen = true
				return atEvents, nil
			}
		}
		prev, line = c, false
		s.pos++
	}
}

// eventsKey consumes "traceEvents": [ if that stands at pos.
func (s *scanner) eventsKey() (bool, error) {
	const key = `"traceEvents"`
	if err := s.ensure(len(key)); err != nil {
		return false, err
	}
	if !bytes.HasPrefix(s.buf[s.pos:], []byte(key)) {
		return false, nil
	}
	s.mark = s.pos
	defer func() { s.mark = -1 }()
	s.pos += len(key)
	for _, want := range []byte{':', '['} {
		c, err := s.token()
		if err != nil {
			return false, err
		}
		if c != want {
			s.pos = s.mark + len(key) - 1 // its last quote, which the caller steps over
			return false, nil
		}
		s.pos++
	}
	return true, nil
}
