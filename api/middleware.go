package api

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/runtime/settings"
)

// CORS lets web pages of other origins call the API, as access.control.allow.origin
// and .methods say; without an origin it changes nothing. As in Connect, origin is a
// list of regular expressions, or * for any, and what a preflight request asks for is
// not looked at: the browser compares it with the answer.
func CORS(origin, methods string, next http.Handler) (http.Handler, error) {
	if strings.TrimSpace(origin) == "" {
		return next, nil
	}
	if strings.TrimSpace(methods) == "" {
		methods = "GET,POST,HEAD"
	}
	allowed, err := origins(origin)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Vary", "Origin")
		if from := r.Header.Get("Origin"); from != "" && allowed(from) {
			h.Set("Access-Control-Allow-Origin", from)
			if isPreflight(r) {
				h.Set("Access-Control-Allow-Methods", methods)
				h.Set("Access-Control-Allow-Headers", "Content-Type")
				h.Set("Access-Control-Max-Age", "60")
			}
		}
		next.ServeHTTP(w, r)
	}), nil
}

// isPreflight says whether a browser asks beforehand what it may do.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

func origins(list string) (func(origin string) bool, error) {
	var patterns []*javaregex.Pattern
	for _, text := range strings.Split(list, ",") {
		if text = strings.TrimSpace(text); text == "*" {
			return func(string) bool { return true }, nil
		}
		re, err := javaregex.Compile("(?i)" + text)
		if err != nil {
			return nil, fmt.Errorf("access.control.allow.origin=%s: %q is no regular expression: %w", list, text, err)
		}
		patterns = append(patterns, re)
	}
	return func(origin string) bool {
		return slices.ContainsFunc(patterns, func(p *javaregex.Pattern) bool {
			ok, err := p.Matches(origin)
			return ok && err == nil // an error is a pattern that takes too long: no match
		})
	}, nil
}

// ResponseHeaders puts the headers of response.http.headers.config on every answer.
func ResponseHeaders(rules []settings.HeaderRule, next http.Handler) http.Handler {
	if len(rules) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, rule := range rules {
			value := rule.Value
			if strings.HasSuffix(rule.Action, "Date") {
				// A value that is no number was refused when the settings were read.
				ms, err := strconv.ParseInt(value, 10, 64)
				if err != nil {
					continue
				}
				value = time.Now().Add(time.Duration(ms) * time.Millisecond).UTC().Format(http.TimeFormat)
			}
			if strings.HasPrefix(rule.Action, "add") {
				w.Header().Add(rule.Name, value)
			} else {
				w.Header().Set(rule.Name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// bounded bounds the size of bodies, and the time a client may take to send one.
func (a *API) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			c := http.NewResponseController(w)
			if err := c.SetReadDeadline(time.Now().Add(bodyTimeout)); err == nil {
				r.Body = &timedBody{r.Body, c}
			}
			if r.ContentLength > a.o.MaxBody {
				r.Body = tooLarge{r.Body, a.o.MaxBody}
			}
			r.Body = http.MaxBytesReader(w, r.Body, a.o.MaxBody)
		}
		next.ServeHTTP(w, r)
	})
}

// timedBody lifts the deadline of a body once it was read: it would end the request
// that is then served.
type timedBody struct {
	io.ReadCloser
	c *http.ResponseController
}

// Read lifts the deadline at the body's end.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		if failed := b.c.SetReadDeadline(time.Time{}); failed != nil {
			return n, failed
		}
	}
	return n, err
}

// tooLarge is a body that says itself that it is too large: nothing of it is read.
type tooLarge struct {
	io.Closer
	limit int64
}

// Read refuses.
func (t tooLarge) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: t.limit} }
