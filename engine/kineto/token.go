package kineto

// Bounds of what is kept of one string, in raw bytes between the quotes.
const (
	// MaxName is the longest name kept. A longer one is cut there and counted in
	// Trace.Cut.
	MaxName = 1 << 20

	maxText = 4 << 10 // pid, tid, numbers
	maxKey  = 256     // a longer key is none that is known
)

type tokenKind uint8

const (
	tokNone    tokenKind = iota // absent, or a value of no use: null, an array, an object
	tokBare                     // a number or a word
	tokText                     // a string without escapes
	tokEscaped                  // a string with escapes
)

// token is a value as written; b is without quotes.
type token struct {
	b    []byte
	kind tokenKind
}

func (t token) isString() bool { return t.kind == tokText || t.kind == tokEscaped }

// keyField consumes a key and tells what it stands for.
func (s *scanner) keyField(look func([]byte) field) (field, error) {
	s.pos++
	start, esc, err := s.stringFrom(maxKey)
	if err != nil {
		return fieldNone, err
	}
	f := fieldNone
	if start >= 0 {
		raw := s.buf[start:s.pos]
		if esc {
			s.key = unescape(s.key[:0], raw)
			raw = s.key
		}
		f = look(raw)
	}
	s.mark = -1
	s.pos++
	return f, nil
}

// stringFrom runs to the closing quote of the string that pos is inside of. It holds
// up to keep bytes and gives where they start; -1 is a longer string, of which the
// window holds nothing for sure. The caller drops the mark and steps over the quote.
func (s *scanner) stringFrom(keep int) (start int, esc bool, err error) {
	if keep > 0 {
		s.mark = s.pos
	}
	for {
		end, e, ok := stringEnd(s.buf, s.pos)
		esc = esc || e
		s.pos = end
		if s.mark >= 0 && s.pos-s.mark > keep {
			s.mark = -1
		}
		if ok {
			return s.mark, esc, nil
		}
		if err := s.more(); err != nil {
			s.mark = -1
			return 0, false, err
		}
	}
}

// value consumes the value at pos and keeps up to keep bytes of a string, a number or
// a word in buf; with keep 0 it is only skipped.
func (s *scanner) value(keep int, buf *[]byte) (token, error) {
	switch class[s.buf[s.pos]] {
	case classQuote:
		return s.text(keep, buf)
	case classOpen:
		return token{}, s.skipNested()
	case classBare:
		return s.bare(keep, buf)
	}
	return token{}, s.bad("a value")
}

// text is value for a string. A string longer than keep is cut to it.
func (s *scanner) text(keep int, buf *[]byte) (token, error) {
	s.pos++
	if keep == 0 {
		_, _, err := s.stringFrom(0)
		s.pos++
		return token{}, err
	}
	t := token{kind: tokText}
	cut := false
	s.mark = s.pos
	at := s.offset()
	for {
		end, esc, ok := stringEnd(s.buf, s.pos)
		if esc {
			t.kind = tokEscaped
		}
		s.pos = end
		if n := s.pos - s.mark; !cut && (ok || n > keep) {
			cut = n > keep
			*buf = append((*buf)[:0], s.buf[s.mark:s.mark+min(n, keep)]...)
			s.mark = -1
		}
		if ok {
			break
		}
		if err := s.more(); err != nil {
			s.mark = -1
			return token{}, err
		}
	}
	s.mark = -1
	s.pos++
	t.b = *buf
	if cut {
		return t, s.cut(at, keep)
	}
	return t, nil
}

// bare is value for a number or a word. One longer than keep counts as absent.
func (s *scanner) bare(keep int, buf *[]byte) (token, error) {
	n := 0
	if keep > 0 {
		*buf = (*buf)[:0]
	}
	for {
		end := bareEnd(s.buf, s.pos)
		n += end - s.pos
		if n <= keep {
			*buf = append(*buf, s.buf[s.pos:end]...)
		}
		s.pos = end
		if end < len(s.buf) {
			break
		}
		if err := s.more(); err != nil {
			return token{}, err
		}
	}
	if n > keep {
		return token{}, nil
	}
	return bareToken(*buf), nil
}

func bareToken(b []byte) token {
	if string(b) == "null" {
		return token{}
	}
	return token{b: b, kind: tokBare}
}

// skipNested consumes the array or object at pos without decoding it.
func (s *scanner) skipNested() error {
	s.nest.reset()
	for {
		p, state := s.nest.skip(s.buf, s.pos)
		s.pos = p
		switch state {
		case nestDone:
			return nil
		case nestBad:
			return s.bad("matching brackets, and ',' ':' or a bracket after a string")
		case nestDeep:
			return s.bad("no more than 262144 levels of nesting")
		}
		if err := s.more(); err != nil {
			return err
		}
	}
}

// integerValue and the three below consume the value at pos, for metadata.
func (s *scanner) integerValue(missing int64) (int64, error) {
	t, err := s.value(maxText, &s.key)
	return s.integerOf(t, missing), err
}

func (s *scanner) textValue() (string, error) {
	t, err := s.value(maxText, &s.key)
	if err != nil || !t.isString() {
		return "", err
	}
	return string(unescape(nil, t.b)), nil
}

// truthValue is true for true and for numbers other than 0.
func (s *scanner) truthValue() (bool, error) {
	t, err := s.value(maxText, &s.key)
	return string(t.b) == "true" || s.integerOf(t, 0) != 0, err
}

// elements runs each for every element of the array at pos, which each consumes.
func (s *scanner) elements(each func() error) error {
	s.pos++
	for after := false; ; after = true {
		c, err := s.token()
		if err != nil {
			return err
		}
		if after && c == ',' {
			s.pos++
			if c, err = s.token(); err != nil {
				return err
			}
		} else if after && c != ']' {
			return s.bad("',' or ']' after an element")
		}
		if c == ']' {
			s.pos++
			return nil
		}
		if err := each(); err != nil {
			return err
		}
	}
}
