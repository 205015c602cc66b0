package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/moldau-io/moldau/api/access"
)

// caller is who makes a request, and what becomes known of it while it is served.
type caller struct {
	// user is "" where nobody is asked who he is.
	user string
	// connector is what the request is about, "" for nothing in particular.
	connector string
	// body is what to hand to another worker in place of the body; nil is the body.
	body []byte
}

type callerKey struct{}

func callerOf(ctx context.Context) *caller {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		return c
	}
	return &caller{}
}

const unauthorizedText = "User cannot access the resource."

// peer says that workers alone use a route: they sign what they send and know no user.
const peer access.Level = 255

// authenticate finds the caller. Without one it has answered, as Connect's extension
// does: 401 with a text that is no JSON.
func (a *API) authenticate(w http.ResponseWriter, r *http.Request, mediaType string) (*caller, bool) {
	c := &caller{}
	if a.o.Access == nil {
		return c, true
	}
	user, ok := a.o.Access.User(r.Header.Get("Authorization"))
	c.user = user
	if ok {
		return c, true
	}
	// Browsers ask for a password only when they are told to.
	if site := r.Header.Get("Sec-Fetch-Site"); a.o.Access.Challenge || site == "same-origin" || site == "none" {
		w.Header().Set("WWW-Authenticate", `Basic realm="connect", charset="UTF-8"`)
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(http.StatusUnauthorized)
	if _, err := w.Write([]byte(unauthorizedText)); err != nil {
		a.log.Debug("the client went away before it was answered", "err", err)
	}
	return c, false
}

// authorize checks that the caller may do what a route does.
func (a *API) authorize(c *caller, rt route) error {
	need := rt.need
	if need == peer {
		need = access.Admin
	}
	if a.o.Access == nil || need == access.None {
		return nil
	}
	roles := a.o.Access.Roles
	switch {
	case c.connector != "":
		return a.authorizeConnector(c, c.connector, need)
	case need == access.Admin:
		if roles.Everywhere(c.user) < need {
			return forbidden("User " + c.user + " may not change the worker: this needs the role admin for all connectors")
		}
	case roles.Somewhere(c.user) < need:
		return forbidden("User " + c.user + " may not do this: it needs the role " + need.String())
	}
	return nil
}

func (a *API) authorizeConnector(c *caller, connector string, need access.Level) error {
	if a.o.Access == nil || a.o.Access.Roles.Connector(c.user, connector) >= need {
		return nil
	}
	return forbidden("User " + c.user + " may not do this with connector " + connector + ": it needs the role " + need.String())
}

// visible says whether the caller may see that a connector exists.
func (a *API) visible(ctx context.Context, connector string) bool {
	return a.authorizeConnector(callerOf(ctx), connector, access.View) == nil
}

func forbidden(message string) error { return &statusError{http.StatusForbidden, message, false} }

// Guard lets known users through to a handler that is not of the API, such as the
// status page; all says whether they must be allowed to view all connectors.
func (a *API) Guard(all bool, next http.Handler) http.Handler {
	if a.o.Access == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := a.authenticate(w, r, "text/plain")
		if !ok {
			return
		}
		if all && a.o.Access.Roles.Everywhere(c.user) < access.View {
			a.fail(w, r, forbidden("User "+c.user+" may not see this: it needs the role view for all connectors"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// audit writes one line for a request that is meant to change something. The path is
// all it shows of the request: bodies and errors may hold secrets.
func (a *API) audit(r *http.Request, rt route, c *caller, status int, begun time.Time) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || strings.HasSuffix(rt.pattern, "/validate")
	if a.o.Audit == nil || reads {
		return
	}
	who := c.user
	switch {
	case rt.need == peer && !a.o.Alone:
		who = "(worker)"
	case a.o.Access == nil:
		who = "(anyone)"
	}
	result := "done"
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		result = "denied"
	case status >= http.StatusBadRequest:
		result = "failed"
	}
	a.o.Audit.Info("write", "user", who, "from", r.RemoteAddr, "method", r.Method, "path", strings.ToValidUTF8(r.URL.Path, "?"),
		"connector", c.connector, "result", result, "status", status, "forwarded", r.URL.Query().Has("forward"), "ms", time.Since(begun).Milliseconds())
}

// statusWriter remembers the status for the audit log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
