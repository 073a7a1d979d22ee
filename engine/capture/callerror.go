package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// CallError is a call to a server that did not do what it was made for.
type CallError struct {
	Method, URL string
	Status      int    // of the answer; 0 if there was none
	Body        string // the first bytes of the answer
	Hint        string // what to do
	Err         error  // what went wrong on the way, or with the answer
	unsent      bool   // the request never reached the server
}

func (e *CallError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.URL)
	var parts []string
	if e.Status != 0 && (e.Err == nil || e.Status != http.StatusOK) {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if e.Body != "" {
		parts = append(parts, fmt.Sprintf("the answer begins %q", e.Body))
	}
	b.WriteString(strings.Join(parts, "; "))
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *CallError) Unwrap() error { return e.Err }

// refused tells that the server said no, or never heard of it, so that the call had no
// effect. A gateway that gave up waiting for the server behind it does not know.
func refused(err error) bool {
	var e *CallError
	if !errors.As(err, &e) {
		return false
	}
	if e.unsent {
		return true
	}
	return e.Status >= 300 && e.Status != http.StatusBadGateway && e.Status != http.StatusGatewayTimeout
}

// status gives the status of the answer that err is about, 0 if there was none.
func status(err error) int {
	var e *CallError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// hint adds what to do about an error of a call.
func hint(err error, format string, args ...any) error {
	var e *CallError
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	text := fmt.Sprintf(format, args...)
	if c.Hint != "" {
		text = c.Hint + "; " + text
	}
	c.Hint = text
	return &c
}

// errTimeout is an answer that did not come, or not to its end, within the time for it.
type errTimeout time.Duration

func (e errTimeout) Error() string {
	return fmt.Sprintf("no complete answer within %v", time.Duration(e))
}

// errClosed is a connection that the server closed when it had a request.
const errClosed = errAnswer("the connection was closed without an answer")

// errAnswer is an answer that is not what the call promises.
type errAnswer string

func (e errAnswer) Error() string { return string(e) }

// plain puts an error of net/http into a sentence without the address, which CallError names.
func plain(err error) (text error, unsent bool) {
	var op *net.OpError
	unsent = errors.As(err, &op) && op.Op == "dial"
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return errAnswer("no such host"), true
	case unsent:
		return errAnswer("nothing listens there: " + op.Err.Error()), true
	case errors.Is(err, context.Canceled):
		return context.Canceled, false
	case errors.Is(err, errTruncated):
		return errTruncated, false
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errClosed, false
	}
	text = err
	for {
		inner := errors.Unwrap(text)
		if inner == nil {
			return text, false
		}
		text = inner
	}
}
