package elasticsearch

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	elastic "github.com/elastic/go-elasticsearch/v8"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

const (
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 64 << 20
	// maxBackoff is the longest wait between two tries.
	maxBackoff = 24 * time.Hour

	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
)

// client talks to Elasticsearch. It is safe for concurrent use.
type client struct {
	set  *settings
	log  *slog.Logger
	base *elastic.BaseClient
	idle func()
}

// newClient returns a client; rt takes the network's place in tests.
func newClient(set *settings, log *slog.Logger, rt http.RoundTripper) (*client, error) {
	c := &client{set: set, log: log, idle: func() {}}
	if rt == nil {
		t := transport(set)
		rt, c.idle = t, t.CloseIdleConnections
	}
	addresses := make([]string, len(set.urls))
	for i, u := range set.urls {
		addresses[i] = u.String()
	}
	header := http.Header{"User-Agent": {"moldau/" + connect.Version}}
	if set.authorization != "" {
		header.Set("Authorization", set.authorization)
	}
	base, err := elastic.NewBaseClient(elastic.Config{
		Addresses: addresses, Transport: anyProduct{rt}, Header: header,
		// Retries are ours: the library knows nothing of a bulk request's items.
		DisableRetry: true, DisableMetaHeader: true,
	})
	if err != nil {
		return nil, errs.Wrap(errs.ClassConnect, err, "Cannot make a client of %s=%s", keyURL, set.shown)
	}
	c.base = base
	return c, nil
}

func transport(set *settings) *http.Transport {
	dialer := &net.Dialer{Timeout: set.connect}
	t := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: set.connect, TLSClientConfig: set.tls,
		ResponseHeaderTimeout: set.read, IdleConnTimeout: set.idle,
		MaxConnsPerHost: max(10, 2*set.inFlight), MaxIdleConnsPerHost: max(10, 2*set.inFlight),
		DisableCompression: !set.compression,
	}
	if set.proxy != nil {
		t.Proxy = http.ProxyURL(set.proxy)
	}
	return t
}

// anyProduct lets the library talk to OpenSearch and to Elasticsearch before 7.14,
// which do not send the header that it looks for.
type anyProduct struct{ next http.RoundTripper }

func (a anyProduct) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(r)
	if err == nil && resp.Header.Get("X-Elastic-Product") == "" {
		resp.Header.Set("X-Elastic-Product", "Elasticsearch")
	}
	return resp, err
}

// close closes idle connections.
func (c *client) close() { c.idle() }

// request is one request, which can be sent again.
type request struct {
	method, path, query string
	kind                string // Content-Type
	encoding            string // Content-Encoding, "" for none
	body                []byte
}

// statusError is an answer with a status that says that the request failed.
type statusError struct {
	status int
	cause  esError
	body   string // where it is no error of Elasticsearch's
}

// Error returns what Java's ElasticsearchStatusException prints.
func (e *statusError) Error() string {
	if e.cause.Type == "" {
		text := fmt.Sprintf("HTTP %d %s", e.status, http.StatusText(e.status))
		if e.body != "" {
			text += ": " + e.body
		}
		return text
	}
	return "ElasticsearchStatusException[" + e.cause.brief() + "]"
}

// esError is an error as Elasticsearch describes it.
type esError struct {
	Type     string   `json:"type"`
	Reason   string   `json:"reason"`
	CausedBy *esError `json:"caused_by"`
}

// UnmarshalJSON takes the text that some errors are instead of an object.
func (e *esError) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &e.Reason)
	}
	type plain esError
	return json.Unmarshal(b, (*plain)(e))
}

func (e *esError) brief() string {
	return "Elasticsearch exception [type=" + e.Type + ", reason=" + e.Reason + "]"
}

// String prints the error and its causes as Java's ElasticsearchException does.
func (e *esError) String() string {
	text := "ElasticsearchException[" + e.brief() + "]"
	for cause := e.CausedBy; cause != nil; cause = cause.CausedBy {
		text += "; nested: ElasticsearchException[" + cause.brief() + "]"
	}
	if e.CausedBy != nil {
		text += ";"
	}
	return text
}

// send sends a request once and returns the answer's body. A status from 400 on is
// a *statusError.
func (c *client) send(ctx context.Context, r request) (status int, body []byte, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, (&url.URL{Path: r.path, RawQuery: r.query}).String(), bytes.NewReader(r.body))
	if err != nil {
		return 0, nil, err
	}
	if r.body == nil {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	} else {
		req.Header.Set("Content-Type", r.kind)
	}
	if r.encoding != "" {
		req.Header.Set("Content-Encoding", r.encoding)
	}
	req.Header.Set("Accept", jsonType)
	resp, err := c.base.Perform(req)
	if err != nil {
		return 0, nil, err
	}
	body, err = c.read(resp.Body, cancel)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return resp.StatusCode, nil, err
	}
	if resp.StatusCode >= 400 {
		return resp.StatusCode, body, newStatusError(resp.StatusCode, body)
	}
	return resp.StatusCode, body, nil
}

func newStatusError(status int, body []byte) *statusError {
	e := &statusError{status: status}
	var answer struct {
		Error esError `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Type != "" {
		e.cause = answer.Error
		return e
	}
	e.body = strings.ToValidUTF8(strings.Join(strings.Fields(string(body[:min(len(body), 500)])), " "), "\ufffd")
	return e
}

// read reads an answer's body; no part of it may take longer than the read timeout.
func (c *client) read(src io.Reader, cancel func()) ([]byte, error) {
	var timer *time.Timer
	if c.set.read > 0 {
		timer = time.AfterFunc(c.set.read, cancel)
		defer timer.Stop()
	}
	var out bytes.Buffer
	for {
		n, err := io.CopyN(&out, src, 64<<10)
		switch {
		case errors.Is(err, io.EOF):
			return out.Bytes(), nil
		case err != nil:
			if timer != nil && errors.Is(err, context.Canceled) {
				return nil, fmt.Errorf("the answer was not complete after %s=%d: %w", keyRead, c.set.read.Milliseconds(), os.ErrDeadlineExceeded)
			}
			return nil, err
		case out.Len() > maxAnswer:
			return nil, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
		case timer != nil && n > 0:
			timer.Reset(c.set.read)
		}
	}
}

// retriable says whether another try may go better.
func retriable(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return retriableStatus(status.status)
	}
	// What is left are failures of the connection; a certificate will not change.
	return !aboutTLS(err)
}

func aboutTLS(err error) bool {
	text := err.Error()
	return strings.Contains(text, "x509:") || strings.Contains(text, "tls:") || strings.Contains(text, "server gave HTTP response to HTTPS client")
}

func retriableStatus(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 && status != http.StatusNotImplemented
}

// javaText prints an error as the known connector's traces show it.
func javaText(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "java.net.ConnectException: Connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "java.io.IOException: Connection reset by peer"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "java.net.SocketTimeoutException: " + err.Error()
	}
	return err.Error()
}

// backoff returns the wait before a retry: a random part of what doubles each time.
func (c *client) backoff(attempt int) time.Duration {
	if c.set.backoff <= 0 {
		return 0
	}
	d := maxBackoff
	if attempt < 32 && c.set.backoff<<attempt > 0 {
		d = min(d, c.set.backoff<<attempt)
	}
	return rand.N(d)
}

// failed is the error of an operation that is not tried again.
func (c *client) failed(what string, err error, attempts int) error {
	e := errs.Wrap(errs.ClassConnect, err, "Failed to %s due to '%s' after %d attempt(s)", what, javaText(err), attempts)
	hint := fmt.Sprintf("%s=%s; see whether it can be reached; %s and %s say how long to try", keyURL, c.set.shown, keyRetries, keyBackoff)
	var status *statusError
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		timeout net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		hint = fmt.Sprintf("%s=%s: no host of the name %s is known; correct it", keyURL, c.set.shown, dns.Name)
	case errors.As(err, &status) && (status.status == http.StatusUnauthorized || status.status == http.StatusForbidden):
		hint = fmt.Sprintf("%s=%s; check %s and %s, %s or %s, and the rights of that user", keyURL, c.set.shown, keyUsername, keyPassword, keyAPIKey, keyBearer)
	case errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		hint = fmt.Sprintf("%s=%s; the server does not speak TLS: use http", keyURL, c.set.shown)
	case aboutTLS(err):
		hint = fmt.Sprintf("%s=%s; check %s and the settings that begin with %s", keyURL, c.set.shown, keySecurity, sslPrefix)
	case errors.As(err, &timeout) && timeout.Timeout():
		hint = fmt.Sprintf("%s=%s; raise %s or make %s smaller", keyURL, c.set.shown, keyRead, keyBatch)
	}
	return e.WithHint("%s", hint)
}

// call sends a request until it succeeds, fails for good, or was tried often enough.
// Statuses in ok are taken for success, too.
func (c *client) call(ctx context.Context, what string, r request, ok ...int) (status int, body []byte, err error) {
	for attempt := 1; ; attempt++ {
		status, body, err = c.send(ctx, r)
		if err == nil {
			return status, body, nil
		}
		for _, s := range ok {
			if status == s {
				return status, body, nil
			}
		}
		if ctx.Err() != nil {
			return 0, nil, ctx.Err()
		}
		if !retriable(err) || attempt > c.set.retries {
			return 0, nil, c.failed(what, err, attempt)
		}
		wait := c.backoff(attempt)
		c.log.Warn("a request failed; trying again", "what", what, "cause", err, "attempt", attempt, "of", c.set.retries+1, "wait", wait)
		if !sleep(ctx, wait) {
			return 0, nil, ctx.Err()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// segment is a name within a path; it is escaped where the path becomes a URL.
func segment(name string) string { return "/" + name }

// exists says whether an index or a data stream exists.
func (c *client) exists(ctx context.Context, name string) (bool, error) {
	status, _, err := c.call(ctx, "check if index "+name+" exists", request{method: http.MethodHead, path: segment(name)}, http.StatusNotFound)
	return status == http.StatusOK, err
}

// aliasExists says whether an alias exists.
func (c *client) aliasExists(ctx context.Context, name string) (bool, error) {
	status, _, err := c.call(ctx, "check if alias "+name+" exists", request{method: http.MethodHead, path: "/_alias" + segment(name)}, http.StatusNotFound)
	return status == http.StatusOK, err
}

// create creates an index or a data stream, unless it exists.
func (c *client) create(ctx context.Context, name string, stream bool) error {
	found, err := c.exists(ctx, name)
	if err != nil || found {
		return err
	}
	what, path := "create index "+name, segment(name)
	if stream {
		what, path = "create data stream "+name, "/_data_stream"+segment(name)
	}
	c.log.Info("creating an index", "name", name, "data_stream", stream)
	status, body, err := c.call(ctx, what, request{method: http.MethodPut, path: path}, http.StatusBadRequest, http.StatusMethodNotAllowed)
	if err != nil {
		return err
	}
	switch {
	case status == http.StatusMethodNotAllowed && stream:
		c.log.Info("data streams cannot be created here; the first document will", "name", name)
	case status == http.StatusMethodNotAllowed, status == http.StatusBadRequest:
		if e := newStatusError(status, body); !strings.Contains(e.Error(), "resource_already_exists_exception") {
			return c.failed(what, e, 1)
		}
	}
	return nil
}

// hasMapping says whether an index has a mapping.
func (c *client) hasMapping(ctx context.Context, name string) (bool, error) {
	_, body, err := c.call(ctx, "get mapping for index "+name, request{method: http.MethodGet, path: segment(name) + "/_mapping"})
	if err != nil {
		return false, err
	}
	var answer map[string]struct {
		Mappings map[string]json.RawMessage `json:"mappings"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return false, errs.Wrap(errs.ClassConnect, err, "Cannot read the mapping of index %s", name)
	}
	// For aliases and data streams the answer names what is behind them; they are
	// given the mapping of the schema, as the known connector does.
	return len(answer[name].Mappings) > 0, nil
}

// putMapping gives an index a mapping.
func (c *client) putMapping(ctx context.Context, name string, mapping []byte, schemaText string) error {
	_, _, err := c.call(ctx, fmt.Sprintf("create mapping for resource %s with schema %s", name, schemaText),
		request{method: http.MethodPut, path: segment(name) + "/_mapping", kind: jsonType, body: mapping})
	return err
}

// info is what a node says of itself.
type info struct {
	Version struct {
		Number       string `json:"number"`
		Distribution string `json:"distribution"`
	} `json:"version"`
}

// info asks a node, once.
func (c *client) info(ctx context.Context) (info, error) {
	var out info
	_, body, err := c.send(ctx, request{method: http.MethodGet, path: "/"})
	if err == nil {
		err = json.Unmarshal(body, &out)
	}
	return out, err
}
