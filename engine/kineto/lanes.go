package kineto

import (
	"bytes"
	"unicode/utf8"
)

// name interns the string of f; a number or word is interned as written.
func (s *scanner) name(f field) NameID {
	id := s.intern(f)
	if s.uses != nil && id != 0 {
		s.uses.name(s, id)
	}
	return id
}

func (s *scanner) intern(f field) NameID {
	if s.event.set>>f&1 == 0 {
		return 0
	}
	t := &s.event.tok[f]
	if t.kind == tokNone {
		return 0
	}
	names := s.t.Names
	if t.kind != tokEscaped {
		if id, ok := names.find(t.b); ok {
			return id
		}
		if utf8.Valid(t.b) {
			return names.Intern(t.b)
		}
	}
	// Names with escapes and names that are no UTF-8 are decoded once: raw holds
	// them as written. The two kinds have keys of their own there.
	s.text1 = append(append(s.text1[:0], t.b...), byte(t.kind))
	if id, ok := s.raw[string(s.text1)]; ok {
		return id
	}
	key := string(s.text1)
	s.text1 = s.decode(s.text1[:0], *t)
	id := names.Intern(s.text1)
	s.raw[key] = id
	return id
}

func (s *scanner) decode(dst []byte, t token) []byte {
	if t.kind == tokEscaped {
		return unescape(dst, t.b)
	}
	return appendUTF8(dst, t.b)
}

// lane gives the event's (pid, tid).
func (s *scanner) lane() lane {
	p, t := s.event.get(fieldPid), s.event.get(fieldTid)
	plain := p.kind != tokEscaped && t.kind != tokEscaped
	if plain && bytes.Equal(t.b, s.lastTid) && bytes.Equal(p.b, s.lastPid) {
		return s.lastLane
	}
	l := lane{s.laneText(p), s.laneText(t)}
	if plain {
		s.lastPid = append(s.lastPid[:0], p.b...)
		s.lastTid = append(s.lastTid[:0], t.b...)
		s.lastLane, s.lastKnown = l, false
	}
	return l
}

func (s *scanner) laneText(t token) NameID {
	if t.kind == tokNone {
		return 0
	}
	if t.kind != tokEscaped && utf8.Valid(t.b) {
		return s.lanes.Intern(t.b)
	}
	s.text1 = s.decode(s.text1[:0], t)
	return s.lanes.Intern(s.text1)
}

// thread gives the event's thread, adding it when it is new.
func (s *scanner) thread() ThreadID {
	l := s.lane()
	id := s.lastThread
	if !s.lastKnown || l != s.lastLane {
		id = s.threadOf(l)
		if l == s.lastLane {
			s.lastThread, s.lastKnown = id, true
		}
	}
	if s.uses != nil {
		s.uses.thread(s, id)
	}
	return id
}

func (s *scanner) threadOf(l lane) ThreadID {
	id, ok := s.threads[l]
	if !ok {
		id = ThreadID(len(s.t.Threads))
		s.threads[l] = id
		s.t.Threads = append(s.t.Threads, Thread{Pid: s.lanes.Text(l.pid), Tid: s.lanes.Text(l.tid)})
	}
	return id
}

// process interns the pid among the trace's names.
func (s *scanner) process() NameID {
	t := s.event.get(fieldPid)
	if t.kind != tokEscaped && s.lastProcID != 0 && bytes.Equal(t.b, s.lastProc) {
		if s.uses != nil {
			s.uses.name(s, s.lastProcID)
		}
		return s.lastProcID
	}
	id := s.name(fieldPid)
	if t.kind != tokEscaped {
		s.lastProc = append(s.lastProc[:0], t.b...)
		s.lastProcID = id
	}
	return id
}
