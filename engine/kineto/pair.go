package kineto

import (
	"fmt"
	"math"
)

// maxOpen bounds the events of phase B that are open on one thread.
const maxOpen = 1 << 16

// open is the stack of events of phase B on one thread.
type open struct {
	stack []begun
	over  int // begun above maxOpen: their ends are ignored
}

// begun is an event whose end is still to come. Those of other categories are held,
// too, as their ends carry no name to tell them by.
type begun struct {
	cat    category
	start  int64 // offset
	launch Launch

	graph, node int64 // of a launch
}

// begin takes an event of phase B. Only host events are made of such pairs: those of
// other categories are paired and dropped.
func (s *scanner) begin(cat category) error {
	l := s.lane()
	o := s.pairs[l]
	if o == nil {
		o = &open{}
		s.pairs[l] = o
	}
	if len(o.stack) == maxOpen {
		o.over++
		return s.malformed("an event of phase B inside 65536 others")
	}
	b := begun{cat: cat, start: s.event.start}
	switch cat {
	case catOp, catFrame, catAnnotation, catLaunch:
		ts, problem := s.time()
		if problem != "" {
			b.cat = catOther
			o.stack = append(o.stack, b)
			return s.malformed(problem)
		}
		b.launch = Launch{Ts: ts, Name: s.name(fieldName)}
		if cat == catLaunch {
			b.launch.Corr, b.launch.Ext = s.integer(argCorr, 0), s.integer(argExt, 0)
			b.launch.Kernel, b.launch.Stream = s.name(argKernel), s.name(argStream)
			b.graph, b.node = s.integer(argGraph, 0), s.integer(argNode, 0)
		}
	default:
		b.cat = catOther
	}
	o.stack = append(o.stack, b)
	return nil
}

// end takes an event of phase E: the last event begun on its thread is whole now.
func (s *scanner) end() error {
	l := s.lane()
	o := s.pairs[l]
	if o != nil && o.over > 0 {
		o.over--
		return nil
	}
	if o == nil || len(o.stack) == 0 {
		return s.malformed("an event of phase E without one of phase B before it on its thread")
	}
	b := o.stack[len(o.stack)-1]
	o.stack = o.stack[:len(o.stack)-1]
	if b.cat == catOther {
		return nil
	}
	ts, problem := s.time()
	if problem != "" {
		return s.malformed(problem)
	}
	if ts < b.launch.Ts {
		return s.malformed("an event of phase E before its phase B in time")
	}
	if b.launch.Ts < 0 && ts > math.MaxInt64+b.launch.Ts || ts-b.launch.Ts > maxDuration {
		return s.malformed("events of phase B and E more than a year apart")
	}
	b.launch.Dur, b.launch.Thread = ts-b.launch.Ts, s.threadOf(l)
	span := Span{Ts: b.launch.Ts, Dur: b.launch.Dur, Name: b.launch.Name, Thread: b.launch.Thread}
	switch b.cat {
	case catOp:
		s.cols.ops.Append(span)
	case catFrame:
		s.cols.frames.Append(span)
	case catAnnotation:
		s.cols.annotations.add(span)
	case catLaunch:
		s.cols.launches.add(b.launch)
		s.cols.node(b.graph, b.node)
	}
	return nil
}

// unclosed counts the host events whose end never came.
func (s *scanner) unclosed() error {
	n, first := int64(0), int64(math.MaxInt64)
	for _, o := range s.pairs { // a sum and a minimum: the order does not matter
		for _, b := range o.stack {
			if b.cat != catOther {
				n++
				first = min(first, b.start)
			}
		}
	}
	if n == 0 {
		return nil
	}
	s.t.Skipped += n
	return s.damage(Damage{Offset: first, Msg: fmt.Sprintf("%d events of phase B without one of phase E, this the first", n)})
}
