package kineto

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

const (
	// maxDuration is about a year: a longer event is a broken one.
	maxDuration = 366 * 24 * 3600 * 1e9

	// syncLane is what Kineto since 2026-04 adds to the stream to get the tid of
	// synchronisation rows.
	syncLane = 1000000

	// noStream32 is -1 in 32 bits, as old Kineto writes the stream of an event that
	// has none.
	noStream32 = math.MaxUint32
)

// store turns events into the columns of the trace.
type store struct {
	noStacks bool // ops and frames are not kept
	cols     columns

	scratch [fieldCount][]byte // tokens of the general scanner
	text1   []byte             // unescaped text

	raw     map[string]NameID // names by their escaped or invalid raw bytes
	lanes   *Names            // the texts of pids and tids
	threads map[lane]ThreadID
	titles  map[lane]string // thread_name
	procs   map[NameID]int  // index of Trace.Processes by pid in lanes
	pairs   map[lane]*open
	colls   map[Collective]int32 // index of Trace.Collectives

	groupRanks int // in Trace.Groups

	// The lane and thread of the last host event: the next one has mostly the same.
	lastPid, lastTid []byte
	lastLane         lane
	lastThread       ThreadID
	lastKnown        bool // lastThread is that of lastLane
	lastProc         []byte
	lastProcID       NameID
}

// lane is a (pid, tid) pair, in ids of store.lanes.
type lane struct{ pid, tid NameID }

func (st *store) init() {
	st.raw = map[string]NameID{}
	st.lanes = NewNames()
	st.threads = map[lane]ThreadID{}
	st.titles = map[lane]string{}
	st.procs = map[NameID]int{}
	st.pairs = map[lane]*open{}
	st.colls = map[Collective]int32{}
}

// finish fills in what is known at the end only.
func (st *store) finish(t *Trace) {
	st.cols.finish(t)
	for l, id := range st.threads {
		t.Threads[id].Name = st.titles[l]
	}
}

// kind gives the phase and the category of the event that was read.
func (s *scanner) kind() (ph byte, cat category) {
	e := &s.event
	if t := e.get(fieldPh); t.isString() {
		if b := s.plain(t); len(b) == 1 {
			ph = b[0]
		} else {
			ph = '?' // no phase that is known
		}
	}
	if t := e.get(fieldCat); t.isString() {
		cat = categoryOf(s.plain(t))
	}
	return ph, cat
}

// emit stores the event whose phase and category are known.
func (s *scanner) emit(ph byte, cat category) error {
	if s.uses != nil && ph != 'X' && used(ph, cat) {
		return errOdd // what it does depends on the events before it
	}
	s.t.Events++
	switch ph {
	case 'X':
		if cat == catOther {
			return nil
		}
		return s.complete(cat)
	case 'B':
		return s.begin(cat)
	case 'E':
		return s.end()
	case 'M':
		return s.metadata()
	case 0:
		if s.event.any {
			return s.malformed(`an event without a "ph" string`)
		}
	}
	return nil
}

// malformed leaves out an event that is complete and makes no sense.
func (s *scanner) malformed(what string) error {
	s.t.Skipped++
	return s.damage(Damage{Offset: s.event.start, Msg: what})
}

// complete stores an event of phase X.
func (s *scanner) complete(cat category) error {
	ts, problem := s.time()
	if problem != "" {
		return s.malformed(problem)
	}
	dur, state := s.micros(fieldDur) // 0 when there is none
	switch {
	case state == numRange || dur > maxDuration:
		return s.malformed(`a "dur" of more than a year, expected microseconds`)
	case dur < 0:
		return s.malformed(`a negative "dur"`)
	case ts > math.MaxInt64-dur:
		return s.malformed(`an end that does not fit 64 bits of nanoseconds`)
	}
	s.add(cat, ts, dur)
	return nil
}

// time reads "ts"; problem says what is wrong with it.
func (s *scanner) time() (ts int64, problem string) {
	ts, state := s.micros(fieldTs)
	switch state {
	case numNone:
		return 0, `an event without a "ts" in microseconds`
	case numRange:
		return 0, `a "ts" that does not fit 64 bits of nanoseconds`
	}
	return ts, ""
}

// add stores a whole event of a category that is used.
func (s *scanner) add(cat category, ts, dur int64) {
	c := &s.cols
	switch cat {
	case catOp:
		if !s.noStacks {
			c.ops.Append(Span{Ts: ts, Dur: dur, Name: s.name(fieldName), Thread: s.thread()})
		}
	case catFrame:
		if !s.noStacks {
			c.frames.Append(Span{Ts: ts, Dur: dur, Name: s.name(fieldName), Thread: s.thread()})
		}
	case catAnnotation:
		c.annotations.add(Span{Ts: ts, Dur: dur, Name: s.name(fieldName), Thread: s.thread()})
	case catLaunch:
		c.launches.add(Launch{
			Ts: ts, Dur: dur, Name: s.name(fieldName), Thread: s.thread(),
			Corr: s.integer(argCorr, 0), Ext: s.integer(argExt, 0),
			Kernel: s.name(argKernel), Stream: s.name(argStream),
		})
		c.node(s.integer(argGraph, 0), s.integer(argNode, 0))
	case catKernel, catCopy, catSet:
		c.activities.add(Activity{
			Ts: ts, Dur: dur, Name: s.name(fieldName), Kind: Kind(cat - catKernel),
			Device: s.device32(), Stream: s.stream(),
			Corr: s.integer(argCorr, 0), Ext: s.integer(argExt, 0),
			Graph: s.integer(argGraph, 0), Node: s.integer(argNode, 0),
			Bytes: max(s.integer(argBytes, 0), 0), Pid: s.process(), Coll: s.collective(),
		})
	case catMark:
		c.marks.add(Mark{
			Ts: ts, Dur: dur, Name: s.name(fieldName),
			Device: s.device32(), Stream: s.stream(), Pid: s.process(),
		})
	case catSync:
		c.syncs.add(Sync{
			Ts: ts, Dur: dur, Name: s.name(fieldName),
			Device: s.device32(), Stream: s.syncStream(), Corr: s.integer(argCorr, 0),
			WaitStream: s.orNone(argWaitStream), RecordCorr: s.orNone(argWaitCorr),
			Event: s.orNone(argWaitEvent), Pid: s.process(),
		})
	}
}

// node notes the graph node of the launch that was added last, if it has one.
func (c *columns) node(graph, node int64) {
	if node != 0 {
		c.nodes.add(LaunchNode{Launch: int32(c.launches.n - 1), Graph: graph, Node: node})
	}
}

// metadata reads what names a thread or a process.
func (s *scanner) metadata() error {
	name := s.event.get(fieldName)
	if !name.isString() {
		return nil
	}
	switch string(s.plain(name)) {
	case "thread_name":
		if t := s.event.get(argName); t.isString() {
			s.titles[s.lane()] = string(unescape(nil, t.b))
		}
	case "process_name":
		if t := s.event.get(argName); t.isString() {
			s.proc().Name = string(unescape(nil, t.b))
		}
	case "process_labels":
		if t := s.event.get(argLabels); t.isString() {
			s.proc().Labels = string(unescape(nil, t.b))
		}
	}
	return nil
}

func (s *scanner) proc() *Process {
	pid := s.lane().pid
	i, ok := s.procs[pid]
	if !ok {
		i = len(s.t.Processes)
		s.procs[pid] = i
		s.t.Processes = append(s.t.Processes, Process{Pid: s.lanes.Text(pid)})
	}
	return &s.t.Processes[i]
}

// plain gives the text of t, good until the next call.
func (s *scanner) plain(t token) []byte {
	if t.kind != tokEscaped && utf8.Valid(t.b) {
		return t.b
	}
	s.text1 = unescape(s.text1[:0], t.b)
	return s.text1
}

// number gives the bytes of a number, which may stand in quotes; nil is none.
func (s *scanner) number(f field) []byte {
	t := s.event.get(f)
	switch t.kind {
	case tokNone:
		return nil
	case tokEscaped:
		return s.plain(t)
	}
	return t.b
}

func (s *scanner) integer(f field, missing int64) int64 {
	if s.event.set>>f&1 == 0 {
		return missing
	}
	return s.integerOf(s.event.tok[f], missing)
}

func (s *scanner) integerOf(t token, missing int64) int64 {
	if t.kind == tokEscaped {
		t.b = s.plain(t)
	}
	if n, state := integer(t.b); state == numOK {
		return n
	}
	return missing
}

// orNone is an id of a synchronisation event; -1 where there is none.
func (s *scanner) orNone(f field) int64 {
	n := s.integer(f, -1)
	if n == noStream32 {
		return -1
	}
	return n
}

func (s *scanner) device32() int32 {
	n := s.integer(argDevice, -1)
	if n < 0 {
		n = s.integer(fieldPid, -1)
	}
	if n < 0 || n > math.MaxInt32 {
		return -1
	}
	return int32(n)
}

func (s *scanner) stream() int64 {
	if s.event.get(argStream).kind != tokNone {
		if n, state := integer(s.number(argStream)); state == numOK {
			return n
		}
	}
	return s.streamLane()
}

// streamLane is the stream that a tid names: a number, or the words "stream 7".
func (s *scanner) streamLane() int64 {
	t := s.event.get(fieldTid)
	if t.kind == tokNone {
		return -1
	}
	b := s.plain(t)
	if t.isString() {
		b = bytes.TrimPrefix(b, []byte("stream "))
	}
	if n, state := integer(b); state == numOK {
		return n
	}
	return -1
}

func (s *scanner) syncStream() int64 {
	if n, state := integer(s.number(argStream)); state == numOK {
		if n == noStream32 {
			return -1
		}
		return n
	}
	n := s.streamLane()
	if n >= syncLane && n != noStream32 {
		n -= syncLane
	}
	if n == noStream32 {
		return -1
	}
	return n
}

func cutMessage(keep int) string {
	return "a string longer than " + strconv.Itoa(keep) + " bytes, cut there"
}
