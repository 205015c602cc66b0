package sse

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

const (
	maxRedirects = 10
	maxWords     = 1 << 10 // bytes of an answer's body that are shown
)

// answerError is an answer that is not a stream but may become one.
type answerError struct {
	status     string
	words      string
	retryAfter time.Duration
}

func (e *answerError) Error() string {
	if e.words == "" {
		return "the server answered " + e.status
	}
	return "the server answered " + e.status + ": " + e.words
}

func transport(set *settings) http.RoundTripper {
	dialer := &net.Dialer{Timeout: set.connect}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: set.connect, ResponseHeaderTimeout: set.connect,
		DisableCompression: true, // gzip is asked for and read here, so that flushed events come through at once
	}
}

// open sends the request and returns the stream, decompressed.
func (s *stream) open(ctx context.Context, lastID string) (io.ReadCloser, error) {
	u := *s.set.uri
	if lastID == "" && s.set.since != "" {
		q := u.Query()
		q.Set("since", s.set.since)
		u.RawQuery = q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = s.set.header.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	rt := s.dial()
	client := &http.Client{Transport: rt, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fmt.Errorf("stopped after %d redirections", maxRedirects)
		}
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		closeIdle(rt)
		return nil, plain(err)
	}
	body := &bodyCloser{ReadCloser: resp.Body, rt: rt}
	if err := s.check(resp); err != nil {
		return nil, errors.Join(err, body.Close())
	}
	switch encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		return &gzipBody{body: body}, nil
	default:
		return nil, errors.Join(errs.Connect("The event stream %s=%s comes with Content-Encoding %q, which is not supported", keyURI, s.set.shown, encoding).
			WithHint("set %s=false", keyCompression), body.Close())
	}
}

// check looks at the head of an answer.
func (s *stream) check(resp *http.Response) error {
	words := func() string {
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxWords))
		if err != nil && len(b) == 0 {
			return ""
		}
		return strings.ToValidUTF8(strings.Join(strings.Fields(string(b)), " "), "\ufffd")
	}
	refused := func(hint string) error {
		e := &answerError{status: resp.Status, words: words()}
		return errs.Wrap(errs.ClassConnect, e, "Cannot read the event stream %s=%s: %s", keyURI, s.set.shown, e.Error()).WithHint("%s", hint)
	}
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if err != nil || kind != "text/event-stream" {
			return errs.Connect("What %s=%s answers is not an event stream: its Content-Type is %q, not text/event-stream",
				keyURI, s.set.shown, resp.Header.Get("Content-Type")).WithHint("correct %s", keyURI)
		}
		return nil
	case code == http.StatusNoContent:
		return refused("by answering 204 the server says that there is nothing to come; restart the task to ask again")
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500:
		return &answerError{status: resp.Status, words: words(), retryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return refused("check " + keyBasic + ", " + keyUsername + ", " + keyPassword + ", " + keyBearer + " or the " + keyHeaderPrefix + " settings")
	}
	return refused("correct " + keyURI)
}

// retryAfter reads the header Retry-After, up to an hour.
func retryAfter(text string) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), time.Hour)
}

// fatal says that another attempt would end in the same way.
func fatal(err error) bool {
	var e *errs.Error
	return errors.As(err, &e)
}

// permanent says that err is about the configuration, if there never was a
// connection: later the same errors may be a passing failure.
func permanent(err error) bool {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		auth x509.UnknownAuthorityError
		host x509.HostnameError
		head tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &cert), errors.As(err, &auth), errors.As(err, &host), errors.As(err, &head):
		return true
	}
	return strings.Contains(err.Error(), "redirections") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// cure names what to do about an error of a connection.
func cure(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "no host of the name " + dns.Name + " is known; correct " + keyURI
	}
	return "correct " + keyURI
}

// plain takes the request's method and URL from an error of net/http.
func plain(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func closeIdle(rt http.RoundTripper) {
	if t, ok := rt.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// bodyCloser closes the connection with the body.
type bodyCloser struct {
	io.ReadCloser
	rt http.RoundTripper
}

func (b *bodyCloser) Close() error {
	err := b.ReadCloser.Close()
	closeIdle(b.rt)
	return err
}

// gzipBody decompresses a body. The head of the gzip stream is read with the first
// events, since a server may send it only then.
type gzipBody struct {
	body io.ReadCloser
	gz   *gzip.Reader
}

func (g *gzipBody) Read(b []byte) (int, error) {
	if g.gz == nil {
		gz, err := gzip.NewReader(g.body)
		if err != nil {
			return 0, err
		}
		g.gz = gz
	}
	return g.gz.Read(b)
}

func (g *gzipBody) Close() error { return g.body.Close() }
