// Package diag is one position and one diagnostic for every kind of input the
// project reads: Markdown catalogs, YAML rules, CEL expressions inside them, and
// traces.
//
// A Diagnostic says where (file, line and column, or byte offset), what was found,
// what was expected and what to do. A List collects all of them, so that a command
// reports every error at once; it sorts, caps and prints them with the source line
// and a caret.
//
// Non-goals: it reads no files, knows no format, and never exits.
package diag

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a place in an input. Line and Col count from 1, Col in bytes; 0 means
// unknown. Offset is a byte offset from 0 and is used where lines mean nothing (a
// trace on one line); -1 or, with Line set, 0 means unknown.
type Pos struct {
	File   string
	Line   int
	Col    int
	Offset int64
}

// String gives the position as compilers print it: file:line:col, file@byte N, or file.
func (p Pos) String() string {
	f := p.File
	if f == "" {
		f = "<input>"
	}
	switch {
	case p.Line > 0 && p.Col > 0:
		return fmt.Sprintf("%s:%d:%d", f, p.Line, p.Col)
	case p.Line > 0:
		return fmt.Sprintf("%s:%d", f, p.Line)
	case p.Offset > 0:
		return fmt.Sprintf("%s: byte %d", f, p.Offset)
	}
	return f
}

// Severity orders diagnostics by what they mean for the exit code.
type Severity int

// The severities: an Error makes a check fail, a Warning does not.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one finding about an input.
type Diagnostic struct {
	Pos
	EndCol   int      // column after the last marked byte on the same line; 0: one caret
	Severity Severity // Error unless said otherwise
	Code     string   // stable check id such as "unknown-key"; may be empty
	Msg      string   // what was found and what was expected
	Hint     string   // what to do; may be empty
}

// Error gives the diagnostic on one line, so that a Diagnostic is an error.
func (d Diagnostic) Error() string {
	s := d.Pos.String() + ": " + d.Msg
	if d.Code != "" {
		s += " [" + d.Code + "]"
	}
	if d.Hint != "" {
		s += "; " + d.Hint
	}
	return s
}

// List is a set of diagnostics. The zero value is empty and ready to use.
type List []Diagnostic

// Add appends d.
func (l *List) Add(d Diagnostic) { *l = append(*l, d) }

// Addf appends an error at pos.
func (l *List) Addf(pos Pos, code, format string, args ...any) {
	l.Add(Diagnostic{Pos: pos, Code: code, Msg: fmt.Sprintf(format, args...)})
}

// Errors counts the diagnostics of severity Error.
func (l List) Errors() int {
	n := 0
	for _, d := range l {
		if d.Severity == Error {
			n++
		}
	}
	return n
}

// Err is nil when the list holds no error, else the list itself, sorted.
func (l List) Err() error {
	if l.Errors() == 0 {
		return nil
	}
	l.Sort()
	return l
}

// Error joins the diagnostics, one a line, at most ten and then a count.
func (l List) Error() string {
	const most = 10
	var b strings.Builder
	for i, d := range l {
		if i == most {
			fmt.Fprintf(&b, "\n… and %d more", len(l)-most)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}

// Sort orders by file, line, column, offset, severity, code and message: a total order.
func (l List) Sort() {
	sort.SliceStable(l, func(i, j int) bool {
		a, b := l[i], l[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Col != b.Col:
			return a.Col < b.Col
		case a.Offset != b.Offset:
			return a.Offset < b.Offset
		case a.Severity != b.Severity:
			return a.Severity < b.Severity
		case a.Code != b.Code:
			return a.Code < b.Code
		}
		return a.Msg < b.Msg
	})
}

// Print writes the list for a person: one line a diagnostic, then the source line and
// a caret where source has the file's text. source maps a file name to its bytes and
// may be nil. At most max diagnostics are printed (0: all); the rest are counted.
// Everything that came from an input is made inert by Escape.
func (l List) Print(w io.Writer, source map[string][]byte, max int) error {
	l.Sort()
	for i, d := range l {
		if max > 0 && i == max {
			_, err := fmt.Fprintf(w, "… and %d more\n", len(l)-max)
			return err
		}
		head := fmt.Sprintf("%s: %s: %s", d.Pos, d.Severity, d.Msg)
		if d.Code != "" {
			head += " [" + d.Code + "]"
		}
		if _, err := fmt.Fprintln(w, Escape(head)); err != nil {
			return err
		}
		if line, ok := lineOf(source[d.File], d.Line); ok {
			if _, err := io.WriteString(w, snippet(line, d.Col, d.EndCol)); err != nil {
				return err
			}
		}
		if d.Hint != "" {
			if _, err := fmt.Fprintf(w, "  = %s\n", Escape(d.Hint)); err != nil {
				return err
			}
		}
	}
	return nil
}

func lineOf(src []byte, line int) (string, bool) {
	if line <= 0 || src == nil {
		return "", false
	}
	s := string(src)
	for ; line > 1; line-- {
		i := strings.IndexByte(s, '\n')
		if i < 0 {
			return "", false
		}
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSuffix(s, "\r"), true
}

// snippet renders a source line and a caret line under it, at most 160 columns of it.
func snippet(line string, col, end int) string {
	const width = 160
	if col < 1 {
		return "  | " + Escape(clip(line, 0, width)) + "\n"
	}
	if col > len(line)+1 {
		col = len(line) + 1
	}
	from := 0
	if col > width-20 {
		from = col - width/2
		for from < col-1 && !utf8.RuneStart(line[from]) { // a run of stray continuation bytes may reach the caret
			from++
		}
	}
	pad := utf8.RuneCountInString(line[from : col-1])
	n := 1
	if end > col && end-1 <= len(line) {
		n = utf8.RuneCountInString(line[col-1 : end-1])
	}
	if n > width {
		n = width
	}
	return "  | " + Escape(clip(line, from, width)) + "\n  | " + strings.Repeat(" ", pad) + strings.Repeat("^", n) + "\n"
}

func clip(s string, from, width int) string {
	s = s[from:]
	n := 0
	for i := range s {
		if n == width {
			return s[:i]
		}
		n++
	}
	return s
}

// Escape makes text from an input safe to print on a terminal: control characters,
// escape sequences, bidirectional overrides and invalid UTF-8 become visible
// replacements of one column each (tabs become spaces), so that carets stay true.
func Escape(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r < 0x20 || r == 0x7f:
			if r == 0x7f {
				r = 0x21
			}
			b.WriteRune(0x2400 + r) // the control pictures
		case r >= 0x80 && r < 0xa0, r == utf8.RuneError,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
			r == 0x200e || r == 0x200f || r == 0x061c || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			b.WriteRune('\ufffd')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Shorten cuts a text of an input to 60 bytes, at a character, for a message.
func Shorten(s string) string { return ShortenTo(s, 60) }

// ShortenTo cuts a text of an input to at most so many bytes, at a character.
func ShortenTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
