package elasticsearch

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/estest"
)

// direct hands requests to a handler without a network, so that tests can run in a
// bubble of their own time. before may answer in its place.
type direct struct {
	handler http.Handler
	before  func(r *http.Request) (*http.Response, error)
}

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.before != nil {
		if resp, err := d.before(r); resp != nil || err != nil {
			return resp, err
		}
	}
	rec := httptest.NewRecorder()
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	in := r.Clone(r.Context())
	in.Body = body
	d.handler.ServeHTTP(rec, in)
	return rec.Result(), nil
}

type fixture struct {
	*task
	t  *testing.T
	es *estest.Server
	sc *connecttest.SinkContext
	tp connect.TopicPartition
}

// start starts a task that writes to es; nil is the fixture's own.
func start(t *testing.T, es *estest.Server, before func(r *http.Request) (*http.Response, error), errant *connecttest.Errant, extra map[string]string) *fixture {
	t.Helper()
	if es == nil {
		es = estest.New()
	}
	f := &fixture{t: t, es: es, tp: connect.TopicPartition{Topic: "t", Partition: 3}}
	f.sc = connecttest.NewSinkContext(t, f.tp)
	f.sc.Errant = errant
	f.task = &task{network: direct{es, before}}
	p := map[string]string{keyURL: "http://es:9200", keySchemaIgnore: "true", keyLinger: "1"}
	maps.Copy(p, extra)
	if err := f.task.Start(t.Context(), f.sc, p); err != nil {
		t.Fatal(err)
	}
	if err := f.task.Open(t.Context(), f.sc.Assignment()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) stop() {
	f.t.Helper()
	if err := f.task.Stop(context.WithoutCancel(f.t.Context())); err != nil {
		f.t.Errorf("Stop: %v", err)
	}
}

func doc(n int) schema.Value { return mapOf(str("n"), schema.OfInt64(int64(n))) }

// records returns n records with keys of their own.
func records(from, n int) []*connect.Record {
	out := make([]*connect.Record, n)
	for i := range out {
		out[i] = record("t", int64(from+i), str(fmt.Sprintf("k%d", from+i)), doc(from+i))
	}
	return out
}

func (f *fixture) put(rs ...*connect.Record) {
	f.t.Helper()
	if err := f.Put(f.t.Context(), rs); err != nil {
		f.t.Fatalf("Put: %v", err)
	}
}

// settle waits until all that was put is settled or something has failed, and
// returns what Put says then.
func (f *fixture) settle() error {
	f.t.Helper()
	f.bulk.flush()
	if err := f.bulk.wait(f.t.Context()); err != nil {
		return f.Put(f.t.Context(), nil)
	}
	return f.Put(f.t.Context(), nil)
}

func (f *fixture) committed(upTo int64) int64 {
	f.t.Helper()
	got, err := f.PreCommit(f.t.Context(), map[connect.TopicPartition]int64{f.tp: upTo})
	if err != nil {
		f.t.Fatal(err)
	}
	if o, ok := got[f.tp]; ok {
		return o
	}
	return -1
}

func (f *fixture) mustSettle() {
	f.t.Helper()
	if err := f.settle(); err != nil {
		f.t.Fatal(err)
	}
}

func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func TestConformance(t *testing.T) {
	es := estest.New()
	srv := httptest.NewServer(es)
	defer srv.Close()
	var rs []*connect.Record
	for i := range 1000 {
		rs = append(rs, record([]string{"one", "two"}[i%2], int64(i/2), str(fmt.Sprintf("k%d", i%300)), doc(i)))
	}
	connecttest.Sink{
		New: func() connect.SinkConnector { return New() },
		Config: map[string]string{
			keyURL: srv.URL, keySchemaIgnore: "true", keyUsername: "elastic", keyPassword: "very-secret-password", keyBatch: "70", keyCompression: "true", "topics": "one,two",
		},
		Records: rs,
		Check: func(t *testing.T) {
			for i := 700; i < 1000; i++ {
				index, id := []string{"one", "two"}[i%2], fmt.Sprintf("k%d", i%300)
				if d := es.Docs(index)[id]; d.Source["n"] != float64(i) || d.Version != int64(i/2) {
					t.Errorf("%s/%s is %v, version %d", index, id, d.Source, d.Version)
				}
			}
			if n := len(es.Docs("one")) + len(es.Docs("two")); n != 300 {
				t.Errorf("%d documents", n)
			}
		},
		Idempotent: true,
	}.Run(t)
}

// The sink JSON that most tutorials show, as it is printed.
func TestTutorialConfiguration(t *testing.T) {
	es := estest.New()
	srv := httptest.NewServer(es)
	defer srv.Close()
	p := map[string]string{
		"name": "elasticsearch-sink", "connector.class": Alias, "tasks.max": "1", "topics": "example-topic", "key.ignore": "true", "schema.ignore": "true",
		"connection.url": srv.URL, "type.name": "_doc", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"value.converter.schemas.enable": "false", "connection.compression": "true", "auto.create.indices.at.start": "true",
	}
	if wrong := New().ValidateConfig(t.Context(), p); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	tk := New().NewTask()
	if err := tk.Start(t.Context(), connecttest.NewSinkContext(t), p); err != nil {
		t.Fatal(err)
	}
	r := record("example-topic", 5, schema.Null(), doc(1))
	if err := tk.Put(t.Context(), []*connect.Record{r}); err != nil {
		t.Fatal(err)
	}
	connecttest.Committed(t, tk, []*connect.Record{r})
	if err := tk.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if d, ok := es.Docs("example-topic")["example-topic+3+5"]; !ok || d.Source["n"] != 1.0 {
		t.Errorf("documents %v", es.Docs("example-topic"))
	}
}

func TestIndexCreation(t *testing.T) {
	bubble(t, "index and mapping", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keySchemaIgnore: "false"})
		s := schema.NewStruct().Field("n", schema.Of(schema.Int64)).MustBuild()
		var rs []*connect.Record
		for i := range 5 {
			rs = append(rs, connecttest.SinkRecord("Topic", 0, int64(i), connect.SchemaAndValue{Value: str("k")},
				connect.SchemaAndValue{Schema: s, Value: schema.OfStruct(schema.StructOf(s, []schema.Value{schema.OfInt64(int64(i))}))}))
		}
		f.put(rs...)
		f.mustSettle()
		var calls []string
		for _, r := range f.es.Requests() {
			calls = append(calls, r.Method+" "+r.Path)
		}
		if got := strings.Join(calls, ", "); got != "HEAD /topic, PUT /topic, GET /topic/_mapping, PUT /topic/_mapping, POST /_bulk" {
			t.Errorf("calls %s", got)
		}
		if got := string(f.es.Mapping("topic")); got != `{"properties":{"n":{"type":"long"}}}` {
			t.Errorf("mapping %s", got)
		}
		f.stop()
	})
	bubble(t, "existing index with mapping", func(t *testing.T) {
		es := estest.New()
		es.CreateIndex("t", `{"properties":{}}`)
		f := start(t, es, nil, nil, map[string]string{keySchemaIgnore: "false"})
		f.put(records(0, 2)...)
		f.mustSettle()
		if n := len(es.Requests()); n != 3 {
			t.Errorf("%d calls", n)
		}
		f.stop()
	})
	bubble(t, "no schema to make a mapping of", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keySchemaIgnore: "false", keyDropInvalid: "true"})
		if err := f.Put(t.Context(), records(0, 1)); err == nil || errs.Class(err) != errs.ClassData || !strings.Contains(err.Error(), "Cannot infer mapping without schema.") {
			t.Errorf("got %v", err)
		}
		f.stop()
	})
	bubble(t, "made by somebody else in between", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
			if r.Method == http.MethodHead {
				es.CreateIndex("t", "")
				w.WriteHeader(http.StatusNotFound)
				return true
			}
			return false
		}
		f := start(t, es, nil, nil, nil)
		f.put(records(0, 1)...)
		f.mustSettle()
		f.stop()
	})
	bubble(t, "data stream", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyStreamType: "logs", keyStreamDataset: "app"})
		f.put(records(0, 3)...)
		f.mustSettle()
		f.put(records(0, 3)...) // delivered again: they are there
		f.mustSettle()
		if !f.es.IsStream("logs-app-t") || len(f.es.Docs("logs-app-t")) != 3 || f.committed(3) != 3 {
			t.Errorf("%v with %d documents", f.es.Indices(), len(f.es.Docs("logs-app-t")))
		}
		f.stop()
	})
	bubble(t, "external index", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyExternal: "ALIAS_INDEX", keyMapping: "t:the-alias"})
		f.put(records(0, 3)...)
		f.mustSettle()
		if got := fmt.Sprint(f.es.Indices()); got != "[the-alias]" || len(f.es.Requests()) != 1 {
			t.Errorf("%s after %d calls", got, len(f.es.Requests()))
		}
		if err := f.Put(t.Context(), []*connect.Record{record("other", 0, str("k"), doc(1))}); err == nil || !strings.Contains(err.Error(), "Topic 'other' is not mapped") {
			t.Errorf("another topic: %v", err)
		}
		f.stop()
	})
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
