package kineto

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// maxDamages bounds Trace.Damage; Trace.Skipped counts everything.
const maxDamages = 100

// scanner walks the JSON of a trace once, front to back.
type scanner struct {
	window
	t      *Trace
	strict bool

	nest  nest
	fault fault
	key   []byte // scratch for escaped keys

	array  bool // the document is a bare array of events
	seen   bool // the array of events was entered
	loose  bool // sync was lost once: an end may not be the end
	inside bool // inside an event
	synced int  // index+1 of the damage entry to complete when sync is found; 0 none

	event event
	store
	shapes  shapes
	helpers []inOrder // what the scanner knows of each helper's ids
	taken   int64     // events taken over from helpers
	uses    *uses     // of a helper; nil for the scanner itself
	ahead   int       // bytes wanted after an event's start before a shape is tried

	visitTrace, visitEvent, visitArg visitor
}

// visitor consumes the value at pos, which belongs to the key that f stands for.
type visitor func(f field) error

// fault is the last errBad: what was expected where.
type fault struct {
	offset int64
	found  byte
	want   string
}

func newScanner(ctx context.Context, src *source, path string, o Options) *scanner {
	s := &scanner{
		window: window{ctx: ctx, src: src, path: path, mark: -1, limit: o.MaxBytes, progress: o.Progress},
		t: &Trace{
			Path:  path,
			Names: NewNames(),
			Meta:  Meta{Rank: -1},
		},
		strict: o.Strict,
	}
	if o.Watch != nil {
		s.watch = func() error { return o.Watch(s.held()) }
	}
	s.store.init()
	s.noStacks = o.NoStacks
	s.shapes.off = o.general
	s.visitTrace, s.visitEvent, s.visitArg = s.traceMember, s.eventMember, s.argMember
	return s
}

// finish gives the trace after document.
func (s *scanner) finish() *Trace {
	s.store.finish(s.t)
	s.t.Bytes = s.size()
	if s.progress != nil {
		s.progress(s.read, s.total)
	}
	return s.t
}

// bad remembers that the byte at pos is not what was wanted.
func (s *scanner) bad(want string) error {
	s.fault = fault{offset: s.offset(), found: s.buf[s.pos], want: want}
	return errBad
}

// damage records d. With Strict it is an error.
func (s *scanner) damage(d Damage) error {
	if s.uses != nil {
		return errOdd
	}
	if s.strict {
		return &DamageError{Path: s.path, Damage: d}
	}
	if len(s.t.Damage) < maxDamages || d.Fatal {
		s.t.Damage = append(s.t.Damage, d)
	}
	return nil
}

// note records a damage that costs nothing but itself, at the byte at pos.
func (s *scanner) note(want string) error {
	return s.damage(Damage{Offset: s.offset(), Msg: found(s.buf[s.pos], want)})
}

func found(c byte, want string) string { return "found " + quoteByte(c) + ", expected " + want }

func quoteByte(c byte) string {
	if c < ' ' || c > '~' {
		return fmt.Sprintf("byte 0x%02x", c)
	}
	return "'" + string(rune(c)) + "'"
}

// document reads everything. Its errors are those of Read.
func (s *scanner) document() error {
	err := s.trace()
	switch {
	case err == errEnd:
		err = s.ended()
	case err != nil:
	case !s.seen:
		err = s.notTrace(`a JSON object that ends without "traceEvents"`, `"traceEvents"`, nil)
	default:
		err = s.drain()
	}
	if err != nil {
		return err
	}
	return s.unclosed()
}

// trace reads the outermost value and returns nil at its end. A fault anywhere in it
// ends in resume, which looks for the next event.
func (s *scanner) trace() error {
	if err := s.ensure(3); err != nil {
		return err
	}
	if len(s.buf)-s.pos >= 3 && string(s.buf[s.pos:s.pos+3]) == "\xef\xbb\xbf" {
		s.pos += 3
	}
	c, err := s.token()
	if err != nil {
		return err
	}
	switch c {
	case '[':
		s.array = true
		s.pos++
		if c, err = s.token(); err != nil {
			return err
		}
		if c != '{' && c != ']' {
			return s.notTrace("an array whose first element begins with "+quoteByte(c), "an array of events", nil)
		}
		s.seen = true
		err = s.events(false)
	case '{':
		s.pos++
		err = s.members(traceField, s.visitTrace, false)
	default:
		if err := s.ensure(describeSize); err != nil {
			return err
		}
		return s.notTrace(describe(s.buf[s.pos:]), "JSON, gzip or zstd", nil)
	}
	for {
		switch {
		case err == errBad:
			if err = s.lost(); err != nil {
				return err
			}
		case err == nil && s.loose:
			if _, err = s.token(); err == errEnd {
				return nil
			} else if err != nil {
				return err
			}
		default:
			return err
		}
		s.loose = true
		err = s.resume()
	}
}

// members reads the members of an object, from behind its brace (or, with after, from
// behind a member's value) to behind its closing brace. A comma before that brace is
// let pass.
func (s *scanner) members(look func([]byte) field, visit visitor, after bool) error {
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		if after {
			if c == ',' {
				s.pos++
				if c, err = s.token(); err != nil {
					return err
				}
			} else if c != '}' {
				return s.bad("',' or '}' after a value")
			}
		}
		if c == '}' {
			s.pos++
			return nil
		}
		if c != '"' {
			return s.bad("a key in quotes or '}'")
		}
		f, err := s.keyField(look)
		if err != nil {
			return err
		}
		if c, err = s.token(); err != nil {
			return err
		}
		if c != ':' {
			return s.bad("':' after a key")
		}
		s.pos++
		if _, err = s.token(); err != nil {
			return err
		}
		if err = visit(f); err != nil {
			return err
		}
		after = true
	}
}

// events reads the array of events, from behind its bracket (or, with after, from
// behind an event) to behind its closing bracket.
func (s *scanner) events(after bool) error {
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		switch {
		case c == ',' && after:
			if s.pieces != nil && s.takeOver() {
				continue
			}
			s.pos++
			after = false
			continue
		case c == ']':
			s.pos++
			return nil
		case c != '{' && after:
			return s.bad("',' or ']' after an event")
		case class[c] == classBare:
			s.t.Skipped++
			if err := s.note("an event"); err != nil {
				return err
			}
			if err := s.skipValue(); err != nil {
				return err
			}
			after = true
			continue
		case c != '{':
			return s.bad("an event")
		case after:
			if err := s.note("',' before an event"); err != nil {
				return err
			}
		}
		if err := s.nextEvent(); err != nil {
			return err
		}
		after = true
	}
}

// lost counts the fault as a loss of sync.
func (s *scanner) lost() error {
	s.t.Skipped++
	s.inside = false
	if s.synced != 0 { // still the same damage
		return nil
	}
	n := len(s.t.Damage)
	if err := s.damage(Damage{Offset: s.fault.offset, Msg: found(s.fault.found, s.fault.want)}); err != nil {
		return err
	}
	s.synced = -1
	if len(s.t.Damage) > n {
		s.synced = n + 1
	}
	return nil
}

// regained says in the last damage where reading went on.
func (s *scanner) regained(offset int64) {
	if s.synced > 0 {
		d := &s.t.Damage[s.synced-1]
		d.Msg += "; went on at byte " + strconv.FormatInt(offset, 10)
	}
	s.synced = 0
}

// ended deals with an input that ended too early.
func (s *scanner) ended() error {
	if !s.seen {
		if s.srcErr != nil {
			return s.notTrace("no events before its end", "a trace", errors.New(decodeMessage(s.format, s.srcErr)))
		}
		what := "no events before its end"
		if s.size() == 0 {
			what = "nothing"
		}
		var cause error
		if len(s.t.Damage) > 0 {
			d := s.t.Damage[0]
			cause = fmt.Errorf("byte %d: %s", d.Offset, d.Msg)
		}
		return s.notTrace(what, `a JSON object with "traceEvents" or an array of events`, cause)
	}
	if s.inside {
		s.t.Skipped++
	}
	msg := "the input ends after an event, expected ',' or the end of the array"
	switch {
	case s.srcErr != nil:
		msg = decodeMessage(s.format, s.srcErr)
	case s.inside:
		msg = "the input ends inside an event"
	case s.synced > 0:
		s.t.Damage[s.synced-1].Fatal = true
		return nil
	case s.synced < 0:
		msg = "the input ends after damage"
	}
	return s.damage(Damage{Offset: s.size(), Msg: msg, Fatal: true})
}

// drain reads what follows the document, which should be nothing, to the end: there
// stands the checksum.
func (s *scanner) drain() error {
	_, err := s.token()
	if err == nil {
		err = s.note("nothing after the end of the trace")
	}
	for err == nil {
		s.pos = len(s.buf)
		err = s.more()
	}
	if err != errEnd {
		return err
	}
	if s.srcErr != nil {
		return s.damage(Damage{Offset: s.size(), Msg: decodeMessage(s.format, s.srcErr)})
	}
	return nil
}

func (s *scanner) notTrace(found, want string, err error) error {
	return &NotTraceError{Path: s.path, Offset: s.offset(), Found: found, Want: want, Err: err}
}
