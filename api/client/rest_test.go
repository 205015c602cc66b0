package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve answers all requests with a handler and returns a client for it.
func serve(t *testing.T, h http.HandlerFunc) *REST {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &REST{
		HTTP: &http.Client{CheckRedirect: CheckRedirect}, URL: server.URL + "/",
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func TestPaths(t *testing.T) {
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.RequestURI
		w.WriteHeader(http.StatusNoContent)
	})
	ctx := t.Context()
	for _, x := range []struct {
		call func() error
		want string
	}{
		{func() error { return c.Pause(ctx, "plain") }, "PUT /connectors/plain/pause"},
		{func() error { return c.Stop(ctx, "a b/c%d?é") }, "PUT /connectors/a%20b%2Fc%25d%3F%C3%A9/stop"},
		{func() error { return c.Restart(ctx, "x", true, true) }, "POST /connectors/x/restart?includeTasks=true&onlyFailed=true"},
		{func() error { return c.Restart(ctx, "x", false, false) }, "POST /connectors/x/restart"},
		{func() error { return c.RestartTask(ctx, "x", "1") }, "POST /connectors/x/tasks/1/restart"},
		{func() error { _, err := c.PluginConfig(ctx, "a.B$C"); return err }, "GET /connector-plugins/a.B$C/config"},
		{func() error { _, err := c.Plugins(ctx, true); return err }, "GET /connector-plugins?connectorsOnly=false"},
		{func() error { _, err := c.SetLogger(ctx, "a.b", "INFO", true); return err }, "PUT /admin/loggers/a.b?scope=cluster"},
	} {
		if err := x.call(); err != nil || got != x.want {
			t.Errorf("%s, %v; want %s", got, err, x.want)
		}
	}
}

func TestErrors(t *testing.T) {
	answer := func(status int, body string) *REST {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	for _, x := range []struct {
		status     int
		body, want string
	}{
		{404, `{"error_code":404,"message":"Connector x not found"}`, "Connector x not found (HTTP 404)"},
		{500, "<html>  oops\n</html>", "<html> oops </html> (HTTP 500)"},
		{503, "", "Service Unavailable (HTTP 503)"},
		{500, strings.Repeat("é", 1000), strings.Repeat("é", 150) + "… (HTTP 500)"},
	} {
		_, err := answer(x.status, x.body).Names(t.Context())
		if err == nil || err.Error() != x.want || Status(err) != x.status {
			t.Errorf("%d %q: %v, want %s", x.status, x.body, err, x.want)
		}
	}
	var strange *NotJSONError
	if _, err := answer(200, "<html>").Names(t.Context()); !errors.As(err, &strange) {
		t.Errorf("an answer that is not JSON: %v", err)
	}
	var away *UnreachableError
	if _, err := (&REST{HTTP: &http.Client{}, URL: "http://127.0.0.1:1"}).Names(t.Context()); !errors.As(err, &away) || away.URL != "http://127.0.0.1:1" {
		t.Errorf("a server that is away: %v", err)
	}
}

func TestConflictsEnd(t *testing.T) {
	n := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"error_code":409,"message":"Cannot complete request because of a conflicting operation (e.g. worker rebalance)"}`)
	})
	c.ConflictWait = 3 * time.Second
	if err := c.Pause(t.Context(), "x"); Status(err) != http.StatusConflict || n != 4 {
		t.Errorf("%d requests, %v; want 4: three waits of a second", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	c.OnConflict = func(string) { told++; cancel() }
	if err := c.Pause(ctx, "x"); Status(err) != http.StatusConflict || told != 1 {
		t.Errorf("told %d times, %v; want the conflict, once", told, err)
	}
}

func TestHealth(t *testing.T) {
	for _, x := range []struct {
		status     int
		body, want string
		fails      bool
	}{
		{200, `{"status":"healthy","message":"m"}`, "healthy", false},
		{503, `{"status":"starting","message":"m"}`, "starting", false},
		{500, `{"status":"unhealthy","message":"m"}`, "unhealthy", false},
		{500, `oops`, "", true},
		{401, `{"error_code":401,"message":"m"}`, "", true},
	} {
		h, err := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(x.status)
			fmt.Fprint(w, x.body)
		}).Health(t.Context())
		if (err != nil) != x.fails || err == nil && h.Status != x.want {
			t.Errorf("%d %s: %+v, %v", x.status, x.body, h, err)
		}
	}
}
