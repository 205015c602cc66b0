package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// REST calls the public REST API of a worker, Moldau's or Apache's, with standard
// requests alone. It is safe for concurrent use.
type REST struct {
	// HTTP sends the requests; its timeout bounds each of them, and it should have
	// CheckRedirect.
	HTTP *http.Client
	// URL is the worker's, with or without a slash at its end.
	URL string
	// User and Password are for HTTP basic authentication; without a User none is sent.
	User, Password string
	// ConflictWait is how long a request that is refused because of a rebalance (409)
	// is sent again before that is the answer; 0 is not at all.
	ConflictWait time.Duration
	// Sleep waits between two tries.
	Sleep func(ctx context.Context, d time.Duration) error
	// OnConflict, if it is set, is told of each refusal before the wait.
	OnConflict func(message string)
}

// CheckRedirect is for the http.Client of a REST.
func CheckRedirect(_ *http.Request, via []*http.Request) error {
	if m := via[0].Method; m != http.MethodGet && m != http.MethodHead || len(via) >= maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// StatusError is an answer of status 300 and above: the client follows redirects of
// questions, but not of changes, which would become questions on the way.
type StatusError struct {
	Method, Path string
	Status       int
	// Location is where a redirect leads.
	Location string
	// Message is the server's, "" if it sent none that can be read.
	Message string
	// Body is the beginning of an answer that is not Connect's JSON.
	Body string
}

func (e *StatusError) Error() string {
	text := e.Message
	if text == "" {
		text = e.Body
	}
	if text == "" {
		text = http.StatusText(e.Status)
	}
	return fmt.Sprintf("%s (HTTP %d)", text, e.Status)
}

// Rebalancing says whether a conflict goes away by itself: a rebalance, or a
// configuration that this worker has not read yet.
func (e *StatusError) Rebalancing() bool {
	if e.Status != http.StatusConflict {
		return false
	}
	text := strings.ToLower(e.Message)
	for _, part := range []string{"rebalanc", "conflicting operation", "stale configuration", "no known leader"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// UnreachableError says that no answer came: the server is not there, does not answer
// in time, or does not speak HTTP.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string { return fmt.Sprintf("%s: %v", e.URL, e.Err) }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// NotJSONError says that an answer is not what Connect's REST API answers.
type NotJSONError struct {
	Method, Path string
	Err          error
	Body         string
}

func (e *NotJSONError) Error() string {
	return fmt.Sprintf("%s %s did not answer with Connect's JSON: %v; the answer begins %q", e.Method, e.Path, e.Err, e.Body)
}

// Unwrap returns the cause.
func (e *NotJSONError) Unwrap() error { return e.Err }

const (
	conflictBackoff = time.Second
	maxRedirects    = 5
	// shownBody is how much of a strange answer is shown, in bytes.
	shownBody = 300
)

// Do sends a request and decodes the answer into out, which may be nil. An answer
// without a body leaves out as it is.
func (c *REST) Do(ctx context.Context, method, path string, in, out any) (status int, err error) {
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return 0, fmt.Errorf("writing the body of %s %s: %w", method, path, err)
		}
	}
	var waited time.Duration
	for {
		status, header, answer, err := c.once(ctx, method, path, body, in != nil)
		if err != nil {
			return 0, err
		}
		if status < http.StatusMultipleChoices {
			return status, decodeAnswer(method, path, answer, out)
		}
		failed := statusError(method, path, status, answer)
		failed.Location = header.Get("Location")
		if !failed.Rebalancing() || waited >= c.ConflictWait || c.Sleep == nil {
			return status, failed
		}
		if c.OnConflict != nil {
			c.OnConflict(failed.Message)
		}
		pause := conflictBackoff
		if s, err := strconv.Atoi(header.Get("Retry-After")); err == nil && s > 0 && s <= 30 {
			pause = time.Duration(s) * time.Second
		}
		if err := c.Sleep(ctx, pause); err != nil {
			return status, failed
		}
		waited += pause
	}
}

func (c *REST) once(ctx context.Context, method, path string, body []byte, has bool) (int, http.Header, []byte, error) {
	base := strings.TrimSuffix(c.URL, "/")
	var r io.Reader
	if has {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, r)
	if err != nil {
		return 0, nil, nil, &UnreachableError{base, err}
	}
	req.Header.Set("Accept", "application/json")
	if has {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.User != "" {
		req.SetBasicAuth(c.User, c.Password)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err
		}
		return 0, nil, nil, &UnreachableError{base, err}
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, nil, nil, &UnreachableError{base, err}
	}
	return resp.StatusCode, resp.Header, answer, nil
}

func statusError(method, path string, status int, answer []byte) *StatusError {
	e := &StatusError{Method: method, Path: path, Status: status}
	var body struct {
		Message *string `json:"message"`
	}
	if err := json.Unmarshal(answer, &body); err == nil && body.Message != nil {
		e.Message = *body.Message
		return e
	}
	e.Body = beginning(answer)
	return e
}

func beginning(answer []byte) string {
	text := strings.Join(strings.Fields(string(answer)), " ")
	if len(text) > shownBody {
		text = strings.ToValidUTF8(text[:shownBody], "") + "…"
	}
	return text
}

func decodeAnswer(method, path string, answer []byte, out any) error {
	if out == nil || len(bytes.TrimSpace(answer)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		return &NotJSONError{method, path, err, beginning(answer)}
	}
	return nil
}

// Status returns the status of an error that is an answer, else 0.
func Status(err error) int {
	var e *StatusError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// connectorPath is the path of a connector, or of something below it.
func connectorPath(name string, below ...string) string {
	path := "/connectors/" + url.PathEscape(name)
	for _, b := range below {
		path += "/" + b
	}
	return path
}
