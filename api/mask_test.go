package api

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/herder"
)

// vault is a herder whose connector "a b" has a secret.
type vault struct{ *fakeHerder }

func (v vault) Connector(name string) (herder.Info, error) {
	info, err := v.fakeHerder.Connector(name)
	if err == nil {
		info.Config = map[string]string{"name": known, "url": "u", "secret": "hunter2"}
	}
	return info, err
}

func (v vault) Tasks(name string) ([]herder.TaskInfo, error) {
	tasks, err := v.fakeHerder.Tasks(name)
	tasks[0].Config = map[string]string{"secret": "hunter2", "n": "0"}
	return tasks, err
}

func TestSecretsAreMaskedAndKept(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string            // in the answer
		written                  map[string]string // what the herder got
	}{
		{"connector", "GET", "/connectors/a%20b", "", 200, `"secret":"[hidden]"`, nil},
		{"config", "GET", "/connectors/a%20b/config", "", 200, `{"name":"a b","secret":"[hidden]","url":"u"}`, nil},
		{"tasks", "GET", "/connectors/a%20b/tasks", "", 200, `{"n":"0","secret":"[hidden]"}`, nil},
		{"list", "GET", "/connectors?expand=info&expand=status", "", 200, `"secret":"[hidden]"`, nil},
		{"written back", "PUT", "/connectors/a%20b/config", `{"url":"new","secret":"[hidden]"}`, 200, `"secret":"[hidden]"`, map[string]string{"name": known, "url": "new", "secret": "hunter2"}},
		{"a new one", "PUT", "/connectors/a%20b/config", `{"secret":"other"}`, 200, `"secret":"[hidden]"`, map[string]string{"name": known, "secret": "other"}},
		{"patched back", "PATCH", "/connectors/a%20b/config", `{"url":"new","secret":"[hidden]"}`, 200, `"secret":"[hidden]"`, nil},
		{"none to keep", "PUT", "/connectors/a%20b/config", `{"z":"[hidden]","other":"[hidden]"}`, 400, `The value of other, z is masked as [hidden], and connector a b has none`, nil},
		{"none to keep in a new one", "POST", "/connectors", `{"name":"n","config":{"secret":"[hidden]"}}`, 400, `has none that could be kept`, nil},
		{"created", "POST", "/connectors", `{"name":"n","config":{"secret":"mine"}}`, 201, `"secret":"[hidden]"`, map[string]string{"name": "n", "secret": "mine"}},
		{"broken", "PUT", "/connectors/a%20b/config", `{"secret":"[hidden]"`, 500, `error_code`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeHerder{}
			a, _ := secured(t, f, "", func(o *Options) { o.MaskSecrets, o.Herder, o.Access = true, vault{f}, nil })
			w := do(a.Handler(), c.method, c.path, "", c.body)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || strings.Contains(w.Body.String(), "hunter2") {
				t.Errorf("%d %s, want %d with %s", w.Code, w.Body, c.status, c.want)
			}
			for key, value := range c.written {
				if f.written[key] != value {
					t.Errorf("written %v, want %v", f.written, c.written)
				}
			}
			if c.status >= 400 && len(f.calls) > 0 {
				t.Errorf("the herder was called: %v", f.calls)
			}
		})
	}
}

func TestMaskingIsOptIn(t *testing.T) {
	f := &fakeHerder{}
	a, _ := secured(t, f, "", func(o *Options) { o.Herder, o.Access = vault{f}, nil })
	if w := do(a.Handler(), "GET", "/connectors/a%20b", "", ""); !strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("the answer is not Connect's: %s", w.Body)
	}
	do(a.Handler(), "PUT", "/connectors/a%20b/config", "", `{"secret":"[hidden]"}`)
	if f.written["secret"] != "[hidden]" {
		t.Errorf("written %v", f.written)
	}
}

// The worker that a write is handed to may not mask, and would store the mask.
func TestForwardedWritesAreUnmasked(t *testing.T) {
	f := &fakeHerder{err: &herder.ForwardError{URL: "http://peer/", Err: errs.Connect("no")}}
	forward := &fakeForwarder{}
	a, _ := secured(t, f, "", func(o *Options) { o.MaskSecrets, o.Herder, o.Forwarder, o.Access = true, vault{f}, forward, nil })
	do(a.Handler(), "PUT", "/connectors/a%20b/config", "", `{"url":"new","secret":"[hidden]"}`)
	if want := `{"secret":"hunter2","url":"new"}`; forward.body != want {
		t.Errorf("handed on %s, want %s", forward.body, want)
	}
}
