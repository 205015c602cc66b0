package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/validate"
)

// fakeHerder knows one connector, "a b", with one failed task.
type fakeHerder struct {
	err     error // what writes answer
	written map[string]string
	target  state.TargetState
	calls   []string
	offsets []connect.PartitionOffset
	empty   bool // there is no connector
	looks   int
	outcome herder.Outcome
}

var herderError = errs.Connect("no")

var errNotFound = errs.New(errs.ClassNotFound, "Connector %s not found", "x")

const known = "a b"

func (f *fakeHerder) call(name string) error { f.calls = append(f.calls, name); return f.err }

func (f *fakeHerder) Ready() bool                  { return true }
func (f *fakeHerder) Health(context.Context) error { return nil }
func (f *fakeHerder) ClusterID() string            { return "cluster" }
func (f *fakeHerder) Connectors() []string {
	if f.empty {
		return nil
	}
	return []string{known}
}
func (f *fakeHerder) Connector(name string) (herder.Info, error) {
	if name != known {
		return herder.Info{}, errNotFound
	}
	return herder.Info{Name: known, Config: map[string]string{"name": known, "q": "<&>"}, Tasks: []state.TaskID{{Connector: known}}, Type: "source"}, nil
}
func (f *fakeHerder) Tasks(name string) ([]herder.TaskInfo, error) {
	return []herder.TaskInfo{{ID: state.TaskID{Connector: name}, Config: map[string]string{"k": "v"}}}, nil
}
func (f *fakeHerder) Status(name string) (herder.StateInfo, error) {
	if name != known {
		return herder.StateInfo{}, errNotFound
	}
	return herder.StateInfo{Name: known, Type: "source",
		Connector: state.ConnectorStatus{State: state.Running, WorkerID: "w:1", Version: "4.1.1", HasVersion: true},
		Tasks:     []state.TaskStatus{{ID: state.TaskID{Connector: known}, State: state.Failed, WorkerID: "w:1", Trace: "boom", HasTrace: true}}}, nil
}
func (f *fakeHerder) TaskStatus(id state.TaskID) (state.TaskStatus, error) {
	return state.TaskStatus{}, errs.New(errs.ClassNotFound, "No status found for task %s", id)
}
func (f *fakeHerder) ActiveTopics(string) []string { return []string{} }
func (f *fakeHerder) ResetActiveTopics(context.Context, string) error {
	return f.call("reset topics")
}
func (f *fakeHerder) PutConnector(_ context.Context, name string, config map[string]string, target state.TargetState, _ bool) (herder.Info, bool, error) {
	f.written, f.target = config, target
	return herder.Info{Name: name, Config: config, Type: "sink"}, name != known, f.call("put " + name)
}
func (f *fakeHerder) PatchConnector(_ context.Context, name string, patch map[string]*string) (herder.Info, error) {
	return herder.Info{Name: name, Config: plain(patch)}, f.call("patch " + name)
}
func (f *fakeHerder) DeleteConnector(_ context.Context, name string) error {
	return f.call("delete " + name)
}
func (f *fakeHerder) Pause(_ context.Context, name string) error  { return f.call("pause " + name) }
func (f *fakeHerder) Resume(_ context.Context, name string) error { return f.call("resume " + name) }
func (f *fakeHerder) Stop(_ context.Context, name string) error   { return f.call("stop " + name) }
func (f *fakeHerder) RestartConnector(_ context.Context, name string) error {
	return f.call("restart " + name)
}
func (f *fakeHerder) RestartTask(_ context.Context, id state.TaskID) error {
	return f.call("restart " + id.String())
}
func (f *fakeHerder) Restart(_ context.Context, r state.RestartRequest) (herder.StateInfo, error) {
	s, _ := f.Status(known)
	return s, f.call(r.String())
}
func (f *fakeHerder) Offsets(context.Context, string) ([]connect.PartitionOffset, error) {
	p, o := schema.NewMap(1), schema.NewMap(1)
	p.PutString("filename", schema.OfString("f"))
	o.PutString("position", schema.OfInt64(7))
	return []connect.PartitionOffset{{Partition: p, Offset: o}}, nil
}
func (f *fakeHerder) ModifyOffsets(_ context.Context, _ string, offsets []connect.PartitionOffset) (string, error) {
	f.offsets = offsets
	return "done", f.call("offsets")
}
func (f *fakeHerder) Mark(string) *herder.Mark { return &herder.Mark{} }
func (f *fakeHerder) Progress(string, *herder.Mark) (herder.StateInfo, herder.Outcome) {
	s, _ := f.Status(known)
	f.looks++
	if f.looks < 3 {
		return s, herder.Pending
	}
	return s, f.outcome
}
func (f *fakeHerder) SetClusterLoggerLevel(_ context.Context, logger, level string) error {
	return f.call(logger + "=" + level)
}
func (f *fakeHerder) PutTaskConfigs(_ context.Context, name string, _ []map[string]string, sig *herder.Signature) error {
	if sig == nil {
		return errs.New(errs.ClassBadRequest, "unsigned")
	}
	return f.call("tasks " + name)
}
func (f *fakeHerder) Fence(_ context.Context, name string, _ *herder.Signature) error {
	return f.call("fence " + name)
}

type fakeValidator struct{}

func (fakeValidator) Validate(context.Context, map[string]*string) (*validate.Infos, error) {
	return nil, errs.New(errs.ClassBadRequest, "no type")
}
func (fakeValidator) CheckNullable(context.Context, map[string]*string) error {
	return errs.New(errs.ClassBadRequest, "null given")
}
func (fakeValidator) Secrets(config map[string]string) map[string]bool {
	return map[string]bool{"secret": config["secret"] != ""}
}
func (fakeValidator) PluginConfig(_ context.Context, plugin, _ string) ([]validate.KeyInfo, error) {
	return nil, errs.New(errs.ClassNotFound, "Unknown plugin %s.", plugin)
}

type fakeForwarder struct{ method, url, body string }

func (f *fakeForwarder) Forward(_ context.Context, method, url string, _ http.Header, body []byte) (int, []byte, error) {
	f.method, f.url, f.body = method, url, string(body)
	return http.StatusOK, []byte(`{"from":"peer"}`), nil
}

func newTestAPI(f *fakeHerder, forward *fakeForwarder) http.Handler {
	return New(Options{
		Herder: f, Validator: fakeValidator{}, Plugins: plugins.New(), Levels: logging.New("INFO"), Forwarder: forward,
		Logger: slog.New(slog.DiscardHandler), Commit: "c0ffee", RequestTimeout: time.Minute, HealthTimeout: time.Minute, MaxBody: 1 << 10,
		TopicTracking: true, TopicReset: true,
	}).Handler()
}

func TestAnswers(t *testing.T) {
	const j = "application/json"
	cases := []struct {
		name, method, path, body, contentType, accept string
		err                                           error
		status                                        int
		want                                          string // the body, or its beginning if it ends with …
		wantType                                      string // "" is none
	}{
		{name: "root", method: "GET", path: "/", status: 200, want: `{"version":"4.1.1","commit":"c0ffee","kafka_cluster_id":"cluster"}`, wantType: j},
		{name: "health", method: "GET", path: "/health/", status: 200, want: `{"status":"healthy"…`, wantType: j},
		{name: "unknown path", method: "GET", path: "/nope", status: 404, want: `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{name: "case counts", method: "GET", path: "/Connectors", status: 404, want: `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{name: "wrong method", method: "PUT", path: "/connectors", body: "{}", contentType: j, status: 405, want: `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{name: "wrong accept", method: "GET", path: "/", accept: "text/html", status: 406, want: `{"error_code":406,"message":"HTTP 406 Not Acceptable"}`},
		{name: "any accept", method: "GET", path: "/connectors", accept: "text/html, */*;q=0.1", status: 200, want: `["a b"]`, wantType: j},
		{name: "wrong type", method: "POST", path: "/connectors", body: "{}", contentType: "text/plain", status: 415, want: `{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}`},
		{name: "no type", method: "POST", path: "/connectors", body: "{}", status: 415, want: `{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}`, wantType: j},
		{name: "slash in a name", method: "GET", path: "/connectors/a%2Fb", status: 400, want: `<html>…`, wantType: "text/html;charset=iso-8859-1"},
		{name: "long path", method: "GET", path: "/connectors/" + strings.Repeat("x", 9000), status: 414, want: `<html>…`, wantType: "text/html;charset=iso-8859-1"},
		{name: "name in the path", method: "GET", path: "/connectors/a%20b/", status: 200, want: `{"name":"a b","config":{"name":"a b","q":"<&>"},"tasks":[{"connector":"a b","task":0}],"type":"source"}`, wantType: j},
		{name: "not found", method: "GET", path: "/connectors/x", status: 404, want: `{"error_code":404,"message":"Connector x not found"}`, wantType: j},
		{name: "status", method: "GET", path: "/connectors/a%20b/status", status: 200, want: `{"name":"a b","connector":{"state":"RUNNING","worker_id":"w:1","version":"4.1.1"},"tasks":[{"id":0,"state":"FAILED","worker_id":"w:1","trace":"boom"}],"type":"source"}`, wantType: j},
		{name: "expand", method: "GET", path: "/connectors?expand=info&expand=nope", status: 200, want: `{"a b":{"info":{…`, wantType: j},
		{name: "task status", method: "GET", path: "/connectors/x/tasks/-1/status", status: 404, want: `{"error_code":404,"message":"No status found for task x--1"}`, wantType: j},
		{name: "task without number", method: "GET", path: "/connectors/x/tasks/one/status", status: 404, want: `{"error_code":404,"message":"HTTP 404 Not Found"}`, wantType: j},
		{name: "unknown method of an unknown path", method: "FOO", path: "/nope", status: 404, want: `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{name: "unknown method", method: "FOO", path: "/connectors", status: 405, want: `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{name: "no patch of no connector", method: "PATCH", path: "/connectors/x/config", body: "null", contentType: j, status: 404, want: `{"error_code":404,"message":"Connector x not found"}`, wantType: j},
		{name: "no patch", method: "PATCH", path: "/connectors/a%20b/config", body: "null", contentType: j, status: 500, want: `{"error_code":500,…`, wantType: j},
		{name: "null offsets", method: "PATCH", path: "/connectors/x/offsets", body: "null", contentType: j, status: 500, want: `{"error_code":500,…`, wantType: j},
		{name: "no offsets", method: "PATCH", path: "/connectors/x/offsets", body: "{}", contentType: j, status: 400, want: `{"error_code":400,…`, wantType: j},
		{name: "delete", method: "DELETE", path: "/connectors/x", status: 204},
		{name: "pause", method: "PUT", path: "/connectors/x/pause", status: 202},
		{name: "stop", method: "PUT", path: "/connectors/x/stop", status: 204},
		{name: "restart", method: "POST", path: "/connectors/x/restart?includeTasks=yes", status: 204},
		{name: "restart with tasks", method: "POST", path: "/connectors/x/restart?includeTasks=TRUE", status: 202, want: `{"name":"a b",…`, wantType: j},
		{name: "bad JSON", method: "POST", path: "/connectors", body: "{", contentType: j, status: 500, want: `{"error_code":500,…`, wantType: j},
		{name: "JSON and more", method: "POST", path: "/connectors", body: `{"name":"x","config":{}} more`, contentType: j, status: 500, want: `{"error_code":500,…`, wantType: j},
		{name: "empty body", method: "POST", path: "/connectors", contentType: j, status: 500, want: `{"error_code":500,"message":"No content to map due to end-of-input"}`, wantType: j},
		{name: "unknown field", method: "POST", path: "/connectors", body: `{"nme":"x"}`, contentType: j, status: 500, want: `{"error_code":500,…`, wantType: j},
		{name: "other name", method: "PUT", path: "/connectors/x/config", body: `{"name":"y"}`, contentType: j, status: 400, want: `{"error_code":400,"message":"Connector name configuration (y) doesn't match connector name in the URL (x)"}`, wantType: j},
		{name: "null value", method: "PUT", path: "/connectors/x/config", body: `{"k":null}`, contentType: j, status: 400, want: `{"error_code":400,"message":"null given"}`, wantType: j},
		{name: "put creates", method: "PUT", path: "/connectors/x/config", body: `{"n":1.50,"b":true}`, contentType: j, status: 201, want: `{"name":"x","config":{"b":"true","n":"1.50","name":"x"},"tasks":[],"type":"sink"}`, wantType: j},
		{name: "put changes", method: "PUT", path: "/connectors/a%20b/config", body: `{}`, contentType: j, status: 200, want: `{"name":"a b",…`, wantType: j},
		{name: "body too large", method: "PUT", path: "/connectors/x/config", body: `{"k":"` + strings.Repeat("x", 2000) + `"}`, contentType: j, status: 413, want: `{"error_code":413,…`, wantType: j},
		{name: "rebalance", method: "DELETE", path: "/connectors/x", err: herder.ErrRebalanceNeeded, status: 409, want: `{"error_code":409,"message":"Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"}`, wantType: j},
		{name: "a busy herder", method: "DELETE", path: "/connectors/x", err: &herder.TimeoutError{Stage: "stopping tasks", Started: time.UnixMilli(0)}, status: 500,
			want: `{"error_code":500,"message":"Request timed out. The worker is currently stopping tasks, which began at 1970-01-01T00:00:00.000Z."}`, wantType: j},
		{name: "an idle herder", method: "DELETE", path: "/connectors/x", err: &herder.TimeoutError{Stage: "starting", Started: time.UnixMilli(0), Completed: time.UnixMilli(1500)}, status: 500,
			want: `{"error_code":500,"message":"Request timed out. The last operation the worker completed was starting, which began at 1970-01-01T00:00:00.000Z and completed at 1970-01-01T00:00:01.500Z."}`, wantType: j},
		{name: "exists", method: "DELETE", path: "/connectors/x", err: errs.New(errs.ClassAlreadyExists, "there"), status: 409, want: `{"error_code":409,"message":"there"}`, wantType: j},
		{name: "any error", method: "DELETE", path: "/connectors/x", err: errors.New("oops"), status: 500, want: `{"error_code":500,"message":"oops"}`, wantType: j},
		{name: "no leader", method: "DELETE", path: "/connectors/x", err: &herder.ForwardError{Err: errs.Connect("no")}, status: 409, want: `{"error_code":409,"message":"` + noLeaderMessage + `"}`, wantType: j},
		{name: "third hop", method: "DELETE", path: "/connectors/x?forward=false", err: &herder.ForwardError{URL: "http://peer/", Err: errs.Connect("no")}, status: 409, want: `{"error_code":409,"message":"` + conflictMessage + `"}`, wantType: j},
		{name: "forwarded", method: "DELETE", path: "/connectors/x", err: &herder.ForwardError{URL: "http://peer/", Err: errs.Connect("no")}, status: 200, want: `{"from":"peer"}`, wantType: j},
		{name: "offsets", method: "GET", path: "/connectors/x/offsets", status: 200, want: `{"offsets":[{"partition":{"filename":"f"},"offset":{"position":7}}]}`, wantType: j},
		{name: "no offsets given", method: "PATCH", path: "/connectors/x/offsets", body: `{}`, contentType: j, status: 400, want: `{"error_code":400,"message":"Partitions / offsets need to be provided for an alter offsets request"}`, wantType: j},
		{name: "alter offsets", method: "PATCH", path: "/connectors/x/offsets", body: `{"offsets":[{"partition":{"a":1},"offset":null}]}`, contentType: j, status: 200, want: `{"message":"done"}`, wantType: j},
		{name: "unsigned", method: "POST", path: "/connectors/x/tasks", body: `[]`, contentType: j, status: 400, want: `{"error_code":400,"message":"unsigned"}`, wantType: j},
		{name: "validation of the whole fails", method: "PUT", path: "/connector-plugins/P/config/validate", body: `{}`, contentType: j, status: 500, want: `{"error_code":500,"message":"org.apache.kafka.connect.runtime.rest.errors.BadRequestException: no type"}`, wantType: j},
		{name: "other plugin", method: "PUT", path: "/connector-plugins/x.FooConnector/config/validate", body: `{"connector.class":"Foo"}`, contentType: j, status: 400, want: `{"error_code":400,"message":"Included connector type Foo does not match request type x.FooConnector"}`, wantType: j},
		{name: "set level", method: "PUT", path: "/admin/loggers/a.b", body: `{"level":"DEBUG"}`, contentType: j, status: 200, want: `["a.b"]`, wantType: j},
		{name: "bad level", method: "PUT", path: "/admin/loggers/a.b", body: `{"level":"LOUD"}`, contentType: j, status: 404, want: `{"error_code":404,"message":"invalid log level 'LOUD'."}`, wantType: j},
		{name: "cluster level", method: "PUT", path: "/admin/loggers/a.b?scope=cluster", body: `{"level":"DEBUG"}`, contentType: j, status: 204},
	}
	document := newSpec(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeHerder{err: c.err}
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			w := httptest.NewRecorder()
			newTestAPI(f, &fakeForwarder{}).ServeHTTP(w, r)
			body, err := io.ReadAll(w.Result().Body)
			if err != nil {
				t.Fatal(err)
			}
			want, prefix := strings.CutSuffix(c.want, "…")
			if w.Code != c.status || string(body) != want && !(prefix && strings.HasPrefix(string(body), want)) {
				t.Errorf("%d %s\nwant %d %s", w.Code, body, c.status, c.want)
			}
			if got := strings.Join(w.Header()["Content-Type"], ","); got != c.wantType {
				t.Errorf("Content-Type %q, want %q", got, c.wantType)
			}
			// A forwarded answer is the other worker's.
			if c.name != "forwarded" {
				path, _, _ := strings.Cut(c.path, "?")
				if err := document.Check(c.method, path, w.Code, w.Header(), body); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestCreate(t *testing.T) {
	f := &fakeHerder{}
	r := httptest.NewRequest("POST", "http://host:1/connectors", strings.NewReader(`{"name":" x/y ","initial_state":"stopped","config":{"a":1}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	newTestAPI(f, nil).ServeHTTP(w, r)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "http://host:1/connectors/x%2Fy" {
		t.Errorf("%d, Location %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if f.target != state.TargetStopped || f.written["a"] != "1" || f.written["name"] != "x/y" {
		t.Errorf("written %v with target %s", f.written, f.target)
	}
}

func TestNoConnectorsIsAnEmptyList(t *testing.T) {
	for path, want := range map[string]string{"/connectors": "[]", "/connectors?expand=info": "{}"} {
		w := httptest.NewRecorder()
		newTestAPI(&fakeHerder{empty: true}, nil).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if got := w.Body.String(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestForwardingGoesTwoHops(t *testing.T) {
	for path, want := range map[string]string{
		"/connectors/a%20b/stop":              "http://peer:1/connectors/a%20b/stop?forward=true",
		"/connectors/a%20b/stop?forward=true": "http://peer:1/connectors/a%20b/stop?forward=false",
	} {
		forward := &fakeForwarder{}
		f := &fakeHerder{err: &herder.ForwardError{URL: "http://peer:1/", Err: errs.Connect("no")}}
		newTestAPI(f, forward).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("PUT", path, nil))
		if forward.url != want || forward.method != "PUT" {
			t.Errorf("%s was forwarded as %s %s, want %s", path, forward.method, forward.url, want)
		}
	}
}

func TestOptions(t *testing.T) {
	w := httptest.NewRecorder()
	newTestAPI(&fakeHerder{}, nil).ServeHTTP(w, httptest.NewRequest("OPTIONS", "/connectors/x/tasks", nil))
	allow := strings.Split(w.Header().Get("Allow"), ",")
	slices.Sort(allow)
	if want := []string{"GET", "HEAD", "OPTIONS", "POST"}; w.Code != 200 || !slices.Equal(allow, want) {
		t.Errorf("%d, Allow %v, want %v", w.Code, allow, want)
	}
}

func TestAlteredOffsetsKeepTheirTypes(t *testing.T) {
	f := &fakeHerder{}
	r := httptest.NewRequest("PATCH", "/connectors/x/offsets", strings.NewReader(`{"offsets":[{"partition":{"i":1,"s":"1","f":1.5},"offset":{"b":true,"n":null}}]}`))
	r.Header.Set("Content-Type", "application/json")
	newTestAPI(f, nil).ServeHTTP(httptest.NewRecorder(), r)
	if len(f.offsets) != 1 {
		t.Fatalf("offsets %v", f.offsets)
	}
	kinds := map[string]schema.Kind{}
	for k, v := range f.offsets[0].Partition.All() {
		kinds[k.Str()] = v.Kind()
	}
	if kinds["i"] != schema.KindInt64 || kinds["s"] != schema.KindString || kinds["f"] != schema.KindFloat64 {
		t.Errorf("kinds %v", kinds)
	}
}

func FuzzBodies(f *testing.F) {
	for _, s := range []string{`{"name":"x","config":{"a":1}}`, `{"offsets":[{"partition":{"a":1},"offset":null}]}`, `[]`, `{`, `null`, `{"a":{"b":1}}`} {
		f.Add(s)
	}
	h := newTestAPI(&fakeHerder{}, nil)
	f.Fuzz(func(t *testing.T, body string) {
		for _, target := range []struct{ method, path string }{{"POST", "/connectors"}, {"PATCH", "/connectors/x/config"}, {"PATCH", "/connectors/x/offsets"}, {"PUT", "/admin/loggers/x"}} {
			r := httptest.NewRequest(target.method, target.path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= 300 && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s: %d with %q", target.method, target.path, w.Code, w.Body)
			}
		}
	})
}
