package capture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Bounds on what is read of an answer, bytes.
const (
	maxControl = 64 << 10  // a text that says done
	maxInfo    = 16 << 20  // a server's arguments with the state of its ranks
	maxLine    = 4 << 20   // an event of a stream; SGLang's hold the whole text so far
	maxStream  = 512 << 20 // a stream
	maxSnippet = 160       // what an error shows
)

var errTruncated = errors.New("the connection was closed before the answer was complete")

// client speaks HTTP with one server and with nobody else.
type client struct {
	base  *url.URL
	http  *http.Client
	opts  *Options
	api   string
	admin string
}

func newClient(base *url.URL, o *Options) *client {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: o.Timeout}).DialContext,
		TLSHandshakeTimeout: o.Timeout,
		MaxIdleConnsPerHost: o.Concurrency + 1,
		IdleConnTimeout:     30 * time.Second,
		// SGLang compresses nothing; a compressed answer could grow past what was read.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 1 << 20,
	}
	if o.Proxy {
		t.Proxy = http.ProxyFromEnvironment
	}
	c := &client{base: base, opts: o, api: o.APIKey, admin: o.AdminKey}
	if c.admin == "" {
		c.admin = c.api
	}
	c.http = &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != base.Scheme || r.URL.Host != base.Host {
			return errAnswer(fmt.Sprintf("it redirects to %s, which is another server than the one given; name that one if it is meant", r.URL.Redacted()))
		}
		if len(via) > 3 || via[0].Method != http.MethodGet {
			return errAnswer("it redirects to " + r.URL.Path + " of itself; give the address that it wants to be called by")
		}
		return nil
	}}
	return c
}

func (c *client) close() { c.http.CloseIdleConnections() }

// call is one request.
type call struct {
	method, path string
	body         any  // as JSON; nil is none
	admin        bool // with the admin key
	timeout      time.Duration
	limit        int64
	again        func(error) bool // may be repeated after this error; nil never
}

// Errors after which a call may be repeated: one that only reads, and one that makes the
// server work. Waiting once is enough for a server that hangs.
func readAgain(err error) bool {
	switch status(err) {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return unsent(err) || errors.Is(err, errTruncated) || errors.Is(err, errClosed) || errors.Is(err, syscall.ECONNRESET)
}

func workAgain(err error) bool {
	s := status(err)
	return unsent(err) || s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable
}

func unsent(err error) bool {
	var e *CallError
	return errors.As(err, &e) && e.unsent
}

// do makes a call and gives its answer, of status 2xx.
func (c *client) do(ctx context.Context, k call) ([]byte, http.Header, error) {
	var body []byte
	var head http.Header
	err := c.repeat(ctx, k.again, func() error {
		resp, done, err := c.send(ctx, k)
		if err != nil {
			return err
		}
		defer done()
		body, err = readUpTo(resp.Body, k.limit)
		head = resp.Header
		if err != nil {
			return c.fail(ctx, k, resp.StatusCode, body, err)
		}
		return nil
	})
	return body, head, err
}

// json makes a call whose answer is one JSON object.
func (c *client) json(ctx context.Context, k call, into any) error {
	body, head, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		what := "is not the JSON that was expected"
		if html(head, body) {
			what = "is an HTML page and not JSON: is this the port of the server itself?"
		}
		return c.fail(ctx, k, http.StatusOK, body, errAnswer("the answer "+what))
	}
	return nil
}

// events makes a call whose answer is a stream of server-sent events that ends with [DONE],
// and gives each event's data to each.
func (c *client) events(ctx context.Context, k call, each func(data []byte) error) error {
	return c.repeat(ctx, k.again, func() error {
		resp, done, err := c.send(ctx, k)
		if err != nil {
			return err
		}
		defer done()
		if html(resp.Header, nil) {
			body, _ := readUpTo(resp.Body, maxControl)
			return c.fail(ctx, k, resp.StatusCode, body, errAnswer("the answer is an HTML page and not a stream"))
		}
		s := bufio.NewScanner(io.LimitReader(resp.Body, maxStream))
		s.Buffer(make([]byte, 0, 64<<10), maxLine)
		for s.Scan() {
			line := bytes.TrimSpace(s.Bytes())
			data, ok := bytes.CutPrefix(line, []byte("data:"))
			switch data = bytes.TrimSpace(data); {
			case len(line) == 0 || line[0] == ':' || bytes.HasPrefix(line, []byte("event:")) || bytes.HasPrefix(line, []byte("id:")):
				continue
			case !ok:
				return c.fail(ctx, k, resp.StatusCode, line, errAnswer("a line of the stream is no event"))
			case string(data) == "[DONE]":
				return nil
			}
			if err := each(data); err != nil {
				return c.fail(ctx, k, resp.StatusCode, data, err)
			}
		}
		err = s.Err()
		if err == nil {
			err = errAnswer("the stream ended before [DONE]")
		}
		return c.fail(ctx, k, resp.StatusCode, nil, err)
	})
}

// command makes the server do something to its profiler. It is repeated only if it never
// reached the server.
func (c *client) command(ctx context.Context, path string, body any, timeout time.Duration) error {
	k := call{method: http.MethodPost, path: path, body: body, admin: true, timeout: timeout, limit: maxControl, again: unsent}
	answer, head, err := c.do(ctx, k)
	if err == nil && html(head, answer) {
		return hint(c.fail(ctx, k, http.StatusOK, answer, errAnswer("the answer is an HTML page")), "is this the port of the server itself?")
	}
	if s := status(err); s == http.StatusNotFound || s == http.StatusMethodNotAllowed {
		return hint(err, "this server has no profiler to control; a router has none either, its workers do")
	}
	return err
}

// repeat makes a call again, later and later, while it may be.
func (c *client) repeat(ctx context.Context, again func(error) bool, f func() error) error {
	wait := c.opts.Backoff
	for n := 0; ; n++ {
		err := f()
		if err == nil || again == nil || n >= c.opts.Retries || ctx.Err() != nil || !again(err) {
			if err != nil && n > 0 {
				err = hint(err, "tried %d times", n+1)
			}
			return err
		}
		if serr := c.opts.Sleep(ctx, wait); serr != nil {
			return err
		}
		wait = min(2*wait, 30*time.Second)
	}
}

// send makes the request and gives an answer of status 2xx, whose body the caller reads
// before done.
func (c *client) send(ctx context.Context, k call) (*http.Response, func(), error) {
	var payload io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, nil, err
		}
		payload = bytes.NewReader(b)
	}
	limited, cancel := context.WithTimeoutCause(ctx, k.timeout, errTimeout(k.timeout))
	req, err := http.NewRequestWithContext(limited, k.method, c.url(k.path), payload)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	req.Header.Set("User-Agent", "sgrules")
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	key := c.api
	if k.admin {
		key = c.admin
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if limited.Err() != nil {
			err = context.Cause(limited)
		}
		cancel()
		return nil, nil, c.fail(ctx, k, 0, nil, err)
	}
	resp.Body = &bounded{resp.Body, limited}
	done := func() { resp.Body.Close(); cancel() }
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer done()
		body, _ := readUpTo(resp.Body, maxControl)
		return nil, nil, c.fail(ctx, k, resp.StatusCode, body, nil)
	}
	return resp, done, nil
}

// bounded is a body that tells why reading it ended when its context did.
type bounded struct {
	io.ReadCloser
	ctx context.Context
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil || err == io.EOF:
	case b.ctx.Err() != nil:
		err = context.Cause(b.ctx)
	default:
		err = errTruncated
	}
	return n, err
}

func (c *client) url(path string) string { return c.base.String() + path }

// fail is the error of a call: its keys are taken out of whatever is shown.
func (c *client) fail(ctx context.Context, k call, status int, body []byte, err error) error {
	e := &CallError{Method: k.method, URL: c.url(k.path), Status: status, Body: snippet(c.clean(string(body)))}
	if err != nil {
		e.Err, e.unsent = plain(err)
		if ctx.Err() != nil {
			e.Err = ctx.Err()
		}
		if text := c.clean(e.Err.Error()); text != e.Err.Error() {
			e.Err = errAnswer(text)
		}
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Hint = "give the key that the server was started with: --api-key-file or SGRULES_API_KEY, and for the profiler of an SGLang server with --admin-api-key also --admin-key-file or SGRULES_ADMIN_KEY"
	case e.unsent:
		e.Hint = "is the server running, and is this its address?"
	}
	return e
}

func (c *client) clean(s string) string {
	for _, key := range []string{c.api, c.admin} {
		if key != "" {
			s = strings.ReplaceAll(s, key, "[key]")
		}
	}
	return s
}

// routed tells whether the server has a route for the path, without using it: a route
// answers a method that it does not take with 405, no route with 404.
func (c *client) routed(ctx context.Context, path string) (bool, error) {
	_, _, err := c.do(ctx, call{method: http.MethodOptions, path: path, timeout: c.opts.Timeout, limit: maxControl, again: readAgain})
	if err != nil && status(err) == 0 {
		return false, err
	}
	return status(err) != http.StatusNotFound, nil
}

// alive tells whether something still listens at the address; only a refusal is a no.
func (c *client) alive(ctx context.Context) bool {
	if c.opts.Proxy {
		return true
	}
	host := c.base.Host
	if c.base.Port() == "" {
		host = net.JoinHostPort(c.base.Hostname(), map[string]string{"http": "80", "https": "443"}[c.base.Scheme])
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err == nil {
		conn.Close()
	}
	return err == nil || ctx.Err() != nil
}

func readUpTo(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return b[:limit], errAnswer(fmt.Sprintf("the answer is longer than %d bytes, which none of this call is", limit))
	}
	return b, err
}

func html(h http.Header, body []byte) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

func snippet(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxSnippet {
		return s[:maxSnippet] + "…"
	}
	return s
}
