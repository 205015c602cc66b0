package api

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/moldau-io/moldau/runtime/herder"
)

func TestWaits(t *testing.T) {
	document := newSpec(t)
	const create = `{"name":"x","config":{}}`
	for _, c := range []struct {
		name, method, path, body string
		outcome                  herder.Outcome
		status                   int
		want                     string // in the body
	}{
		{"create", "POST", "/connectors?wait=running", create, herder.Reached, 201, `"reached":true`},
		{"put creates", "PUT", "/connectors/x/config?wait=running&timeout=5s", "{}", herder.Reached, 201, `"reached":true`},
		{"put changes", "PUT", "/connectors/a%20b/config?wait=running", "{}", herder.Reached, 200, `"reached":true`},
		{"patch", "PATCH", "/connectors/x/config?wait=running", "{}", herder.Reached, 200, `"reached":true`},
		{"restart", "POST", "/connectors/x/restart?wait=running", "", herder.Reached, 200, `"reached":true`},
		{"restart of tasks", "POST", "/connectors/x/restart?includeTasks=true&wait=running", "", herder.Reached, 200, `"reached":true`},
		{"something failed", "POST", "/connectors?wait=running", create, herder.Ended, 201, `"reached":false`},
		{"too slow", "POST", "/connectors?wait=running&timeout=1s", create, herder.Pending, 201, `"reached":false`},
		{"not at all", "POST", "/connectors?wait=running&timeout=0s", create, herder.Reached, 201, `"reached":`},
		{"without", "POST", "/connectors", create, herder.Reached, 201, `"config":`},
		{"timeout alone", "POST", "/connectors?timeout=x", create, herder.Reached, 201, `"config":`},
		{"for something else", "POST", "/connectors?wait=paused", create, herder.Reached, 400, `wait=paused is not known; it can be running`},
		{"too long", "POST", "/connectors?wait=running&timeout=1h", create, herder.Reached, 400, `timeout=1h must be a time such as 30s or 1m, at most 50s`},
		{"no time", "PUT", "/connectors/x/config?wait=running&timeout=30", "{}", herder.Reached, 400, `timeout=30 must be a time`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeHerder{outcome: c.outcome}
				w := do(newTestAPI(f, nil), c.method, c.path, "", c.body)
				if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
					t.Errorf("%d %s, want %d with %s", w.Code, w.Body, c.status, c.want)
				}
				if c.status == 400 && len(f.calls) > 0 {
					t.Errorf("the herder was called: %v", f.calls)
				}
				path, _, _ := strings.Cut(c.path, "?")
				if err := document.Check(c.method, path, w.Code, w.Header(), w.Body.Bytes()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWaitEndsWhenTheServerStops(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	a, _ := secured(t, &fakeHerder{outcome: herder.Pending}, "", func(o *Options) { o.Draining = stop })
	w := do(a.Handler(), "POST", "/connectors?wait=running", "alice:secret", `{"name":"x","config":{}}`)
	var got struct {
		Reached bool
		Name    string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 201 || got.Reached || got.Name == "" {
		t.Errorf("%d %s %v", w.Code, w.Body, err)
	}
}

// A request that another worker serves waits there.
func TestWaitIsForwarded(t *testing.T) {
	forward := &fakeForwarder{}
	f := &fakeHerder{err: &herder.ForwardError{URL: "http://peer:1/", Err: herderError}}
	w := httptest.NewRecorder()
	newTestAPI(f, forward).ServeHTTP(w, httptest.NewRequest("POST", "/connectors/x/restart?wait=running&timeout=1s", nil))
	want := []string{"forward=true", "timeout=1s", "wait=running"}
	_, query, _ := strings.Cut(forward.url, "?")
	if got := strings.Split(query, "&"); !slices.Equal(got, want) {
		t.Errorf("forwarded with %v, want %v", got, want)
	}
}
