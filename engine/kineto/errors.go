package kineto

import (
	"errors"
	"fmt"
)

// NotTraceError says that the input is no trace at all, as opposed to a damaged one.
type NotTraceError struct {
	Path   string
	Offset int64  // byte of the input after decompression
	Found  string // what stands there
	Want   string // what was expected instead
	Err    error  // the cause below it, if there is one
}

// Error gives one line: path, byte, found, expected.
func (e *NotTraceError) Error() string {
	s := fmt.Sprintf("%s: not a trace: byte %d: found %s, expected %s", e.Path, e.Offset, e.Found, e.Want)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause, such as a damaged gzip header.
func (e *NotTraceError) Unwrap() error { return e.Err }

// DamageError is the first damage of a trace that was read with Options.Strict.
type DamageError struct {
	Path   string
	Damage Damage
}

// Error gives one line: path, byte, found, expected.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%s: damaged trace: byte %d: %s", e.Path, e.Damage.Offset, e.Damage.Msg)
}

// LimitError says that the input is longer than Options.MaxBytes.
type LimitError struct {
	Path  string
	Limit int64 // bytes of JSON allowed
}

// Error gives one line and what to do.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: more than %d bytes of JSON: raise the limit to read it", e.Path, e.Limit)
}

// errEnd and errBad steer the scanner; neither leaves the package. errEnd: the input
// ended inside something. errBad: the JSON is broken; scanner.fault says where.
var (
	errEnd = errors.New("unexpected end of input")
	errBad = errors.New("malformed JSON")
)
