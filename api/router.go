package api

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/moldau-io/moldau/api/access"
)

// handler serves one request: the body it returns is written as JSON, nil as none.
type handler func(r *http.Request) (status int, body any, err error)

// route is one resource method of the API.
type route struct {
	method, pattern string
	// need is what the caller must be allowed to do: with the connector in the path,
	// else with any connector; Admin means with all.
	need  access.Level
	serve handler
	// query are the parameters it takes, for the OpenAPI document and for forwarding.
	query []string
}

// located is a body with a Location header.
type located struct {
	path string
	body any
}

const jsonType = "application/json"

// router matches as JAX-RS does where clients can tell: a trailing slash is
// nothing, names are taken as they are written, and what matches no resource is
// answered with Jersey's words.
func (a *API) router(routes []route) http.Handler {
	r := a.mux(routes)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		path := req.URL.EscapedPath()
		if len(req.RequestURI) > maxHeader {
			htmlError(w, http.StatusRequestURITooLong)
			return
		}
		if ambiguous(path) {
			htmlError(w, http.StatusBadRequest)
			return
		}
		if len(path) > 1 {
			path = strings.TrimSuffix(path, "/")
		}
		routed := req.Clone(req.Context())
		routed.URL.RawPath, routed.URL.Path = path, unescape(path)
		r.ServeHTTP(w, routed)
	})
}

// mux has the routes and what answers where there is none.
func (a *API) mux(routes []route) *chi.Mux {
	r := chi.NewRouter()
	for _, rt := range routes {
		serve := a.resource(rt)
		r.Method(rt.method, rt.pattern, serve)
		if rt.method == http.MethodGet {
			r.Method(http.MethodHead, rt.pattern, serve)
		}
	}
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, jersey(http.StatusNotFound)) })
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodOptions {
			a.options(w, req, r)
			return
		}
		status := http.StatusMethodNotAllowed
		if len(methods(req, r)) == 0 { // the router says so of a method it does not know, too
			status = http.StatusNotFound
		}
		a.fail(w, req, jersey(status))
	})
	return r
}

// ambiguous paths are refused by Connect's HTTP server before any resource sees them.
func ambiguous(path string) bool {
	p := strings.ToLower(path)
	for segment := range strings.SplitSeq(p, "/") {
		if s := strings.ReplaceAll(segment, "%2e", "."); s != segment && (s == "." || s == "..") {
			return true
		}
	}
	return strings.Contains(p, "%2f") || strings.Contains(p, "%25") || strings.Contains(p, "%5c") || strings.Contains(p, "%00") || strings.Contains(p, "//")
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// param returns a path parameter, unescaped.
func param(r *http.Request, name string) string { return unescape(chi.URLParam(r, name)) }

func htmlError(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	w.WriteHeader(status)
	text := "<html><head><title>Error " + itoa(status) + "</title></head><body><h2>HTTP ERROR " + itoa(status) + " " + http.StatusText(status) + "</h2></body></html>\n"
	if _, err := w.Write([]byte(text)); err != nil {
		return
	}
}

// methods are those that a path has.
func methods(req *http.Request, r *chi.Mux) (out []string) {
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if r.Match(chi.NewRouteContext(), m, req.URL.RawPath) {
			out = append(out, m)
		}
	}
	return out
}

// options lists the methods of a path.
func (a *API) options(w http.ResponseWriter, req *http.Request, r *chi.Mux) {
	allow := append(methods(req, r), http.MethodOptions)
	plain := accepts(req, "text/plain")
	// A browser sends no password with a preflight request.
	if !isPreflight(req) {
		mediaType := jsonType
		if plain {
			mediaType = "text/plain"
		}
		if _, ok := a.authenticate(w, req, mediaType); !ok {
			return
		}
	}
	w.Header().Set("Allow", strings.Join(allow, ","))
	if plain {
		w.Header().Set("Content-Type", "text/plain")
		if _, err := w.Write([]byte(strings.Join(allow, ", "))); err != nil {
			a.log.Debug("cannot answer", "err", err)
		}
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(http.StatusOK)
}

func (a *API) resource(rt route) http.HandlerFunc {
	return func(plain http.ResponseWriter, r *http.Request) {
		w := &statusWriter{plain, http.StatusOK}
		c, begun := &caller{}, time.Now()
		defer func() { a.audit(r, rt, c, w.status, begun) }()
		if ct := r.Header.Get("Content-Type"); ct != "" && !isJSON(ct) {
			a.fail(w, r, jersey(http.StatusUnsupportedMediaType))
			return
		}
		if !accepts(r, jsonType) {
			a.fail(w, r, jersey(http.StatusNotAcceptable))
			return
		}
		// As in Connect, callers are asked who they are once their request has found
		// its resource.
		if rt.need != peer || a.o.Alone {
			var ok bool
			if c, ok = a.authenticate(w, r, jsonType); !ok {
				return
			}
			c.connector = param(r, "connector")
			if err := a.authorize(c, rt); err != nil {
				a.fail(w, r, err)
				return
			}
		}
		if r.Header.Get("Content-Type") == "" && r.ContentLength > 0 && takesBody(r.Method) {
			a.fail(w, r, &statusError{http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type", false})
			return
		}
		ctx, cancel := a.deadline(context.WithValue(r.Context(), callerKey{}, c))
		defer cancel()
		got, ended := a.serve(r.WithContext(ctx), rt)
		if !ended {
			// What still serves the request has the caller for itself.
			c = &caller{user: c.user}
		}
		if got.err != nil {
			a.fail(w, r, got.err)
			return
		}
		body := got.body
		if l, ok := body.(located); ok {
			w.Header().Set("Location", a.origin(r)+l.path)
			body = l.body
		}
		a.answer(w, got.status, body)
	}
}

// answer is what a resource returns.
type answer struct {
	status int
	body   any
	err    error
}

// serveGrace is what a resource may take to notice that its time is over.
const serveGrace = 2 * time.Second

// serve runs a resource, and gives up on it when its time is over: a plugin that it
// calls may not come back. It says whether the resource has ended.
func (a *API) serve(r *http.Request, rt route) (_ answer, ended bool) {
	done := make(chan answer, 1)
	// The router takes its own back for the next request, whether the resource has ended or not.
	routed, kept := chi.RouteContext(r.Context()), chi.NewRouteContext()
	kept.URLParams.Keys, kept.URLParams.Values = slices.Clone(routed.URLParams.Keys), slices.Clone(routed.URLParams.Values)
	r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, kept))
	go func() {
		var got answer
		defer func() {
			if p := recover(); p != nil {
				a.log.Error("a request panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				got = answer{err: &statusError{http.StatusInternalServerError, "The worker failed to handle this request; its log says why", false}}
			}
			done <- got
		}()
		got.status, got.body, got.err = rt.serve(r)
	}()
	ctx := r.Context()
	select {
	case got := <-done:
		return got, true
	case <-ctx.Done():
	}
	grace := time.NewTimer(serveGrace)
	defer grace.Stop()
	select {
	case got := <-done:
		return got, true
	case <-grace.C:
		return answer{err: ctx.Err()}, false
	}
}

func takesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

func (a *API) origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (a *API) answer(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	b, err := marshal(body)
	if err != nil {
		a.log.Error("cannot write an answer as JSON", "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		a.log.Debug("the client went away before it was answered", "err", err)
	}
}

// marshal writes JSON as Jackson does: compact, without escaping for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := statusOf(err)
	// An error made for the client may quote what it sent, secrets too.
	if _, quotes := err.(*statusError); status == http.StatusInternalServerError && !quotes {
		a.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if status == http.StatusConflict {
		w.Header().Set("Retry-After", "1")
	}
	b, encodeErr := marshal(errorBody{status, message})
	if encodeErr != nil {
		b = []byte(`{"error_code":500,"message":"the error cannot be written as JSON"}`)
	}
	if e, ok := err.(*statusError); ok && e.untyped {
		// A nil value keeps net/http from guessing a type.
		w.Header()["Content-Type"] = nil
	} else {
		w.Header().Set("Content-Type", jsonType)
	}
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		a.log.Debug("the client went away before it was answered", "err", err)
	}
}

func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == jsonType
}

// accepts says whether the client takes that media type.
func accepts(r *http.Request, mediaType string) bool {
	values := r.Header.Values("Accept")
	if len(values) == 0 {
		return true
	}
	main := mediaType[:strings.IndexByte(mediaType, '/')]
	for _, v := range values {
		for _, item := range strings.Split(v, ",") {
			t, p, err := mime.ParseMediaType(strings.TrimSpace(item))
			if err != nil || p["q"] == "0" || p["q"] == "0.0" {
				continue
			}
			if t == "*/*" || t == mediaType || t == main+"/*" {
				return true
			}
		}
	}
	return false
}
