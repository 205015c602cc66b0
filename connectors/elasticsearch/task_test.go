package elasticsearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

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

func sizes(es *estest.Server) (out []int) {
	for _, b := range es.Bulks() {
		out = append(out, len(b))
	}
	return out
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

func TestBatches(t *testing.T) {
	bubble(t, "by count", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyBatch: "3", keyLinger: "60000"})
		f.put(records(0, 8)...)
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{3, 3}) {
			t.Errorf("batches %v", got)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{3, 3, 2}) {
			t.Errorf("batches %v after the linger", got)
		}
		f.stop()
	})
	bubble(t, "by bytes", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyBulkBytes: "3000", keyLinger: "60000"})
		for i := range 5 {
			f.put(record("t", int64(i), str("k"+fmt.Sprint(i)), mapOf(str("x"), str(strings.Repeat("y", 1450)))))
		}
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{2, 2}) {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "no limit of bytes", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyBulkBytes: "-1"})
		for i := range 5 {
			f.put(record("t", int64(i), str("k"+fmt.Sprint(i)), mapOf(str("x"), str(strings.Repeat("y", 3<<20)))))
		}
		synctest.Wait()
		<-time.After(time.Second)
		synctest.Wait()
		if got := sizes(f.es); len(got) > 5 || len(f.es.Docs("t")) != 5 {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "without linger", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyLinger: "0"})
		f.put(records(0, 8)...)
		synctest.Wait()
		if got := sizes(f.es); !slices.Equal(got, []int{8}) {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "on commit", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyLinger: "60000"})
		f.put(records(0, 8)...)
		if got := f.committed(8); got != 8 {
			t.Errorf("committed %d", got)
		}
		f.stop()
	})
}

// gate holds bulk requests until they are let go. It knows them by the id of their
// first document.
type gate struct {
	mu   sync.Mutex
	held map[string]chan struct{}
	open bool
}

func (g *gate) hold(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/_bulk" {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, rest, _ := strings.Cut(string(body), `"_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil, nil
	}
	ch := make(chan struct{})
	if g.held == nil {
		g.held = map[string]chan struct{}{}
	}
	g.held[id] = ch
	g.mu.Unlock()
	select {
	case <-ch:
		return nil, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// ids returns the requests that have come so far.
func (g *gate) ids() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.held))
}

func (g *gate) release(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.held[id])
}

// releaseAll lets go all requests, those to come too. Each was let go once at most.
func (g *gate) releaseAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	for _, ch := range g.held {
		select {
		case <-ch:
		default:
			close(ch)
		}
	}
}

func TestInFlight(t *testing.T) {
	bubble(t, "at most so many", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "1", keyInFlight: "4"})
		done := make(chan error, 1)
		go func() { done <- f.Put(t.Context(), records(0, 10)) }()
		synctest.Wait()
		if len(g.ids()) != 4 {
			t.Errorf("requests %v under way", g.ids())
		}
		if got := f.track.committable(map[connect.TopicPartition]int64{f.tp: 10}); len(got) != 0 {
			t.Errorf("%v is committed while nothing has come back", got)
		}
		g.release("k1")
		synctest.Wait()
		if len(g.ids()) != 5 {
			t.Errorf("requests %v in all", g.ids())
		}
		if got := f.track.committable(map[connect.TopicPartition]int64{f.tp: 10}); len(got) != 0 {
			t.Errorf("%v is committed while the first has not come back", got)
		}
		g.release("k0")
		synctest.Wait()
		if got := f.track.committable(map[connect.TopicPartition]int64{f.tp: 10}); got[f.tp] != 2 {
			t.Errorf("%v is committed", got)
		}
		g.releaseAll()
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.mustSettle()
		if got := f.committed(10); got != 10 {
			t.Errorf("%d is committed in the end", got)
		}
		f.stop()
	})
	bubble(t, "batches fill up while all are under way", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyInFlight: "1", keyBatch: "100"})
		for i := range 10 {
			f.put(records(10*i, 10)...)
			<-time.After(10 * time.Millisecond)
		}
		synctest.Wait()
		g.releaseAll()
		f.mustSettle()
		if got := sizes(f.es); !slices.Equal(got, []int{10, 90}) {
			t.Errorf("batches %v", got)
		}
		f.stop()
	})
	bubble(t, "no space in time", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "1", keyInFlight: "1", keyFlushTimeout: "5000"})
		begin := time.Now()
		err := f.Put(t.Context(), records(0, 3))
		if err == nil || !strings.HasPrefix(err.Error(), "Could not make space in the internal buffer fast enough. Consider increasing flush.timeout.ms or max.buffered.records.") {
			t.Errorf("got %v", err)
		}
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("after %v", d)
		}
		g.releaseAll()
		f.stop()
	})
	bubble(t, "the task is called off", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "1", keyInFlight: "1"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Put(ctx, records(0, 3)) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		g.releaseAll()
		f.stop()
	})
}

func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "10", keyInFlight: "1", keyBuffered: "10", keyNullValues: "ignore"})
		// One request holds the offsets back; records without value need no request.
		f.put(records(0, 10)...)
		for i := 10; i < 150; i += 10 {
			var rs []*connect.Record
			for j := range 10 {
				rs = append(rs, record("t", int64(i+j), str("k"), schema.Null()))
			}
			f.put(rs...)
			if want := f.track.size() > 100; want != (f.sc.Paused() == 1) {
				t.Errorf("%d records are remembered, %d partitions paused", f.track.size(), f.sc.Paused())
			}
		}
		if f.sc.Paused() != 1 {
			t.Error("not paused in the end")
		}
		g.releaseAll()
		f.mustSettle()
		if f.sc.Paused() != 0 || f.track.size() != 0 {
			t.Errorf("%d partitions paused, %d records remembered", f.sc.Paused(), f.track.size())
		}
		f.stop()
	})
}

func refuse(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

const rejected = `{"error":{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}`

// A request that fails is tried again, with waits that grow, so often and no more.
func TestRequestRetries(t *testing.T) {
	for name, outcome := range map[string]func() (*http.Response, error){
		"429":     func() (*http.Response, error) { return refuse(429, rejected), nil },
		"500":     func() (*http.Response, error) { return refuse(500, "oops"), nil },
		"503":     func() (*http.Response, error) { return refuse(503, ""), nil },
		"refused": func() (*http.Response, error) { return nil, syscall.ECONNREFUSED },
		"reset":   func() (*http.Response, error) { return nil, syscall.ECONNRESET },
		"cut":     func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
	} {
		bubble(t, name+", then success", func(t *testing.T) {
			n := 0
			f := start(t, nil, func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/_bulk" {
					return nil, nil
				}
				if n++; n <= 5 {
					return outcome()
				}
				return nil, nil
			}, nil, map[string]string{keyBackoff: "100"})
			begin := time.Now()
			f.put(records(0, 3)...)
			f.mustSettle()
			if len(f.es.Docs("t")) != 3 || f.committed(3) != 3 {
				t.Errorf("%d documents", len(f.es.Docs("t")))
			}
			if d := time.Since(begin); d > 100*(2+4+8+16+32+1)*time.Millisecond {
				t.Errorf("took %v", d)
			}
			f.stop()
		})
	}
	for name, c := range map[string]struct {
		outcome func() (*http.Response, error)
		want    string
	}{
		"429":     {func() (*http.Response, error) { return refuse(429, rejected), nil }, "ElasticsearchStatusException[Elasticsearch exception [type=es_rejected_execution_exception, reason=rejected execution of coordinating operation]]' after 3 attempt(s)"},
		"refused": {func() (*http.Response, error) { return nil, syscall.ECONNREFUSED }, "'java.net.ConnectException: Connection refused' after 3 attempt(s)"},
	} {
		bubble(t, name+" to the end", func(t *testing.T) {
			n := 0
			f := start(t, nil, func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/_bulk" {
					return nil, nil
				}
				n++
				return c.outcome()
			}, nil, map[string]string{keyRetries: "2"})
			f.put(records(0, 3)...)
			err := f.settle()
			if err == nil || n != 3 {
				t.Fatalf("%v after %d requests", err, n)
			}
			trace := errs.Trace(err)
			if !strings.HasPrefix(trace, "org.apache.kafka.connect.errors.ConnectException: Bulk request failed\nCaused by: org.apache.kafka.connect.errors.ConnectException: Failed to execute bulk request due to ") ||
				!strings.Contains(trace, c.want) || !strings.Contains(trace, keyURL+"=http://es:9200") {
				t.Errorf("trace %s", trace)
			}
			if got := f.committed(3); got != -1 {
				t.Errorf("%d is committed", got)
			}
			f.stop()
		})
	}
	bubble(t, "a status that will not change", func(t *testing.T) {
		n := 0
		f := start(t, nil, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/_bulk" {
				return nil, nil
			}
			n++
			return refuse(401, `{"error":{"type":"security_exception","reason":"unable to authenticate user"}}`), nil
		}, nil, nil)
		f.put(records(0, 3)...)
		if err := f.settle(); err == nil || n != 1 || !strings.Contains(errs.Trace(err), keyUsername) || !strings.Contains(errs.Trace(err), "unable to authenticate user") {
			t.Errorf("%v after %d requests", errs.Trace(err), n)
		}
		f.stop()
	})
	bubble(t, "creating the index", func(t *testing.T) {
		n := 0
		f := start(t, nil, func(*http.Request) (*http.Response, error) {
			if n++; n <= 2 {
				return nil, syscall.ECONNREFUSED
			}
			return nil, nil
		}, nil, nil)
		f.put(records(0, 1)...)
		f.mustSettle()
		f.stop()
	})
}

func TestItemRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		es := estest.New()
		tries := map[string]int{}
		es.OnItem = func(i estest.Item) *estest.Reject {
			tries[i.ID]++
			switch {
			case i.ID == "k1" && tries[i.ID] <= 3:
				return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
			case i.ID == "k3" && tries[i.ID] <= 1:
				return &estest.Reject{Status: 503, Type: "unavailable_shards_exception", Reason: "not now"}
			}
			return nil
		}
		f := start(t, es, nil, nil, nil)
		f.put(records(0, 5)...)
		f.mustSettle()
		if got := sizes(es); !slices.Equal(got, []int{5, 2, 1, 1}) || len(es.Docs("t")) != 5 {
			t.Errorf("batches %v, %d documents", got, len(es.Docs("t")))
		}
		es.OnItem = func(i estest.Item) *estest.Reject {
			if i.ID == "k7" {
				return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
			}
			return nil
		}
		f.put(records(5, 5)...)
		err := f.settle()
		if err == nil || !strings.Contains(errs.Trace(err), "queue full") || !strings.Contains(errs.Trace(err), "after 6 attempt(s)") {
			t.Errorf("got %v", err)
		}
		if got := f.committed(10); got != 7 {
			t.Errorf("%d is committed, want 7", got)
		}
		f.stop()
	})
}

func TestFailedItems(t *testing.T) {
	malformed := func(i estest.Item) *estest.Reject {
		if i.ID == "k1" {
			return &estest.Reject{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n]"}
		}
		return nil
	}
	for _, c := range []struct {
		policy string
		fails  bool
		errant bool
	}{{"ignore", false, true}, {"WARN", false, true}, {"warn", false, false}, {"fail", true, true}, {"fail", true, false}} {
		bubble(t, fmt.Sprintf("malformed, %s, reporter %v", c.policy, c.errant), func(t *testing.T) {
			es := estest.New()
			es.OnItem = malformed
			var errant *connecttest.Errant
			if c.errant {
				errant = &connecttest.Errant{}
			}
			f := start(t, es, nil, errant, map[string]string{keyMalformed: c.policy})
			f.put(records(0, 3)...)
			err := f.settle()
			if c.fails != (err != nil) {
				t.Fatalf("got %v", err)
			}
			if c.fails {
				trace := errs.Trace(err)
				if !strings.HasPrefix(trace, "org.apache.kafka.connect.errors.ConnectException: Indexing record failed. Please check DLQ topic for errors.\n") ||
					!strings.Contains(trace, "type=mapper_parsing_exception, reason=failed to parse field [n]") || !strings.Contains(trace, "partition=3 offset=1") || !strings.Contains(trace, keyMalformed) {
					t.Errorf("trace %s", trace)
				}
			}
			if want := map[bool]int64{true: 1, false: 3}[c.fails]; f.committed(3) != want {
				t.Errorf("%d is committed, want %d", f.committed(3), want)
			}
			if len(es.Docs("t")) != 2 {
				t.Errorf("%d documents", len(es.Docs("t")))
			}
			if c.errant {
				reports := errant.Reports()
				want := "io.confluent.connect.elasticsearch.ElasticsearchClient$ReportingException: Indexing failed: ElasticsearchException[Elasticsearch exception [type=mapper_parsing_exception, reason=failed to parse field [n]]]"
				if len(reports) != 1 || reports[0].Record.Offset != 1 || errs.String(reports[0].Err) != want {
					t.Errorf("reports %+v", reports)
				}
			}
			f.stop()
		})
	}
	bubble(t, "of another kind", func(t *testing.T) {
		es, errant := estest.New(), &connecttest.Errant{}
		es.OnItem = func(i estest.Item) *estest.Reject {
			return &estest.Reject{Status: 404, Type: "index_not_found_exception", Reason: "no such index"}
		}
		f := start(t, es, nil, errant, map[string]string{keyMalformed: "ignore"})
		f.put(records(0, 1)...)
		if err := f.settle(); err == nil || !strings.Contains(errs.Trace(err), "no such index") || len(errant.Reports()) != 1 {
			t.Errorf("got %v, %d reports", err, len(errant.Reports()))
		}
		f.stop()
	})
	bubble(t, "the report fails", func(t *testing.T) {
		es := estest.New()
		es.OnItem = malformed
		f := start(t, es, nil, &connecttest.Errant{Fail: errors.New("no dead letter topic")}, map[string]string{keyMalformed: "ignore"})
		f.put(records(0, 3)...)
		if err := f.settle(); err == nil || !strings.Contains(err.Error(), "no dead letter topic") {
			t.Errorf("got %v", err)
		}
		if got := f.committed(3); got > 1 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
}

func TestInvalidRecords(t *testing.T) {
	bad := record("t", 1, schema.Null(), doc(1))
	bubble(t, "dropped", func(t *testing.T) {
		errant := &connecttest.Errant{}
		f := start(t, nil, nil, errant, map[string]string{keyDropInvalid: "true"})
		f.put(records(0, 1)[0], bad, records(2, 1)[0])
		f.mustSettle()
		if f.committed(3) != 3 || len(f.es.Docs("t")) != 2 || len(errant.Reports()) != 1 {
			t.Errorf("%d committed, %d documents, %d reports", f.committed(3), len(f.es.Docs("t")), len(errant.Reports()))
		}
		f.stop()
	})
	bubble(t, "failing", func(t *testing.T) {
		errant := &connecttest.Errant{}
		f := start(t, nil, nil, errant, nil)
		err := f.Put(t.Context(), []*connect.Record{records(0, 1)[0], bad})
		if err == nil || errs.Class(err) != errs.ClassData || len(errant.Reports()) != 1 {
			t.Errorf("got %v, %d reports", err, len(errant.Reports()))
		}
		if got := f.committed(2); got != 1 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
	bubble(t, "version header that is no number", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyVersionHeader: "v", keyDropInvalid: "true"})
		r := record("t", 1, str("k"), doc(1))
		r.Headers = r.Headers.With("v", nil, str("secret"))
		err := f.Put(t.Context(), []*connect.Record{r})
		if err == nil || err.Error() != "Error converting external version header 'v' to long for record from topic=t partition=3 offset=1" {
			t.Errorf("got %v", err)
		}
		f.stop()
	})
}

func TestNullValues(t *testing.T) {
	null := record("t", 1, str("k0"), schema.Null())
	bubble(t, "delete", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyNullValues: "delete", keySchemaIgnore: "false", keyTopicsSchema: "t"})
		f.put(records(0, 1)[0], null, record("t", 2, schema.Null(), schema.Null()), record("t", 3, str("never"), schema.Null()))
		f.mustSettle()
		if len(f.es.Docs("t")) != 0 || f.committed(4) != 4 {
			t.Errorf("%d documents, %d committed", len(f.es.Docs("t")), f.committed(4))
		}
		f.put(records(0, 1)...) // delivered again: it stays deleted
		f.mustSettle()
		if len(f.es.Docs("t")) != 0 {
			t.Error("a deleted document has come back")
		}
		f.stop()
	})
	bubble(t, "delete needs no mapping", func(t *testing.T) {
		f := start(t, nil, nil, nil, map[string]string{keyNullValues: "delete", keySchemaIgnore: "false"})
		f.put(null)
		f.mustSettle()
		f.stop()
	})
	bubble(t, "ignore", func(t *testing.T) {
		errant := &connecttest.Errant{}
		f := start(t, nil, nil, errant, map[string]string{keyNullValues: "ignore"})
		f.put(null)
		if f.committed(2) != 2 || len(f.es.Requests()) != 0 || len(errant.Reports()) != 1 || errs.String(errant.Reports()[0].Err) != errs.ClassConnect+": Cannot write null valued record." {
			t.Errorf("%d committed, %d requests, reports %v", f.committed(2), len(f.es.Requests()), errant.Reports())
		}
		f.stop()
	})
	bubble(t, "fail", func(t *testing.T) {
		f := start(t, nil, nil, nil, nil)
		if err := f.Put(t.Context(), []*connect.Record{null}); err == nil || !strings.Contains(err.Error(), "has a null value") {
			t.Errorf("got %v", err)
		}
		f.stop()
	})
}

// Whatever comes again, and in whichever order requests arrive, the last state of
// each key is what is in the index.
func TestRedeliveryAndReordering(t *testing.T) {
	for _, method := range []string{methodInsert, methodUpsert} {
		for seed := range uint64(30) {
			bubble(t, fmt.Sprintf("%s %d", method, seed), func(t *testing.T) {
				var mu sync.Mutex
				rnd := rand.New(rand.NewPCG(seed, 5))
				chance := func(n int) int { mu.Lock(); defer mu.Unlock(); return rnd.IntN(n) }
				es := estest.New()
				es.OnItem = func(estest.Item) *estest.Reject {
					if chance(12) == 0 {
						return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
					}
					return nil
				}
				shuffle := func(r *http.Request) (*http.Response, error) {
					<-time.After(time.Duration(chance(50)) * time.Millisecond)
					if r.URL.Path == "/_bulk" && chance(10) == 0 {
						if chance(2) == 0 { // carried out, but the answer is lost
							rec := httptest.NewRecorder()
							es.ServeHTTP(rec, r.Clone(r.Context()))
						}
						return nil, syscall.ECONNRESET
					}
					return nil, nil
				}
				f := start(t, es, shuffle, nil, map[string]string{
					keyWriteMethod: method, keyNullValues: "delete", keyBatch: "7", keyInFlight: "4", keyRetries: "1000", keyBackoff: "1",
				})
				const n = 300
				all := make([]*connect.Record, n)
				for i := range all {
					value := mapOf(str("n"), schema.OfInt64(int64(i)), str(fmt.Sprintf("f%d", chance(3))), schema.OfInt64(int64(i)))
					if chance(6) == 0 {
						value = schema.Null()
					}
					all[i] = record("t", int64(i), str(fmt.Sprintf("k%d", chance(9))), value)
				}
				for from := 0; from < n; {
					to := min(from+1+chance(40), n)
					f.put(all[from:to]...)
					if from = to; from < n && chance(4) == 0 {
						from = int(max(f.committed(int64(from)), 0)) // the task starts again where it had committed
					}
				}
				f.mustSettle()
				if got := f.committed(n); got != n {
					t.Errorf("%d is committed", got)
				}
				want := map[string]map[string]any{}
				for _, r := range all {
					key := r.Key.Str()
					if r.Value.IsNull() {
						delete(want, key)
						continue
					}
					if want[key] == nil || method == methodInsert {
						want[key] = map[string]any{}
					}
					for k, v := range r.Value.Map().All() {
						want[key][k.Str()] = float64(v.Int64())
					}
				}
				have := es.Docs("t")
				if len(have) != len(want) {
					t.Errorf("%d documents, want %d", len(have), len(want))
				}
				for id, source := range want {
					if fmt.Sprint(have[id].Source) != fmt.Sprint(source) {
						t.Errorf("%s is %v, want %v", id, have[id].Source, source)
					}
				}
				f.stop()
			})
		}
	}
}

// Requests that write the same document in upsert mode do not overlap.
func TestUpsertOrder(t *testing.T) {
	bubble(t, "requests", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyWriteMethod: "UPSERT", keyBatch: "1"})
		f.put(record("t", 0, str("a"), doc(1)), record("t", 1, str("b"), doc(1)))
		done := make(chan error, 1)
		go func() {
			done <- f.Put(t.Context(), []*connect.Record{record("t", 2, str("a"), doc(2)), record("t", 3, str("c"), doc(1))})
		}()
		synctest.Wait()
		if got := fmt.Sprint(g.ids()); got != "[a b]" || f.bulk.inFlight != 2 {
			t.Errorf("requests %s under way", got)
		}
		g.release("b")
		synctest.Wait()
		if f.bulk.inFlight != 1 {
			t.Errorf("%d requests under way after another document's came back", f.bulk.inFlight)
		}
		g.releaseAll()
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.mustSettle()
		if d := f.es.Docs("t")["a"]; d.Source["n"] != 2.0 {
			t.Errorf("a is %v", d.Source)
		}
		f.stop()
	})
	bubble(t, "what was written out of turn is written again", func(t *testing.T) {
		es, first := estest.New(), true
		es.OnItem = func(i estest.Item) *estest.Reject {
			if i.ID == "a" && first {
				first = false
				return &estest.Reject{Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
			}
			return nil
		}
		f := start(t, es, nil, nil, map[string]string{keyWriteMethod: "UPSERT"})
		f.put(record("t", 0, str("a"), doc(1)), record("t", 1, str("b"), doc(1)), record("t", 2, str("a"), doc(2)))
		f.mustSettle()
		if got := sizes(es); !slices.Equal(got, []int{3, 2}) || es.Docs("t")["a"].Source["n"] != 2.0 {
			t.Errorf("batches %v, a is %v", got, es.Docs("t")["a"].Source)
		}
		f.stop()
	})
	bubble(t, "a conflict is tried again", func(t *testing.T) {
		es, n := estest.New(), 0
		es.OnItem = func(estest.Item) *estest.Reject {
			if n++; n <= 2 {
				return &estest.Reject{Status: 409, Type: "version_conflict_engine_exception", Reason: "required seqNo"}
			}
			return nil
		}
		f := start(t, es, nil, nil, map[string]string{keyWriteMethod: "UPSERT"})
		f.put(record("t", 0, str("a"), doc(1)))
		f.mustSettle()
		if es.Docs("t")["a"].Source["n"] != 1.0 {
			t.Errorf("a is %v", es.Docs("t")["a"])
		}
		f.stop()
	})
	bubble(t, "nothing is under way when partitions are given away", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyWriteMethod: "UPSERT", keyLinger: "60000"})
		f.put(record("t", 0, str("a"), doc(1)))
		done := make(chan error, 1)
		go func() { done <- f.Close(t.Context(), []connect.TopicPartition{f.tp}) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("Close does not wait")
		default:
		}
		g.releaseAll()
		if err := <-done; err != nil || len(f.es.Docs("t")) != 1 {
			t.Errorf("%v, %d documents", err, len(f.es.Docs("t")))
		}
		f.stop()
	})
}

// A request that is too large, or refused for one of its documents, is divided.
func TestRefusedRequests(t *testing.T) {
	bubble(t, "too large", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
			if len(r.Body) > 4000 {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				return true
			}
			return false
		}
		f := start(t, es, nil, nil, map[string]string{keyMalformed: "warn"})
		var rs []*connect.Record
		for i := range 20 {
			size := 500
			if i == 7 {
				size = 5000 // too large on its own
			}
			rs = append(rs, record("t", int64(i), str(fmt.Sprint(i)), mapOf(str("x"), str(strings.Repeat("y", size)))))
		}
		f.put(rs...)
		f.mustSettle()
		if len(es.Docs("t")) != 19 || f.committed(20) != 20 {
			t.Errorf("%d documents, %d committed", len(es.Docs("t")), f.committed(20))
		}
		f.stop()
	})
	bubble(t, "one bad record", func(t *testing.T) {
		es := estest.New()
		es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
			if bytes.Contains(r.Body, []byte(`"_id":"k5"`)) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":{"type":"illegal_argument_exception","reason":"that one"}}`)
				return true
			}
			return false
		}
		f := start(t, es, nil, nil, nil)
		f.put(records(0, 9)...)
		err := f.settle()
		if err == nil || !strings.Contains(errs.Trace(err), "that one") || !strings.Contains(errs.Trace(err), "offset=5") {
			t.Errorf("got %v", err)
		}
		if got := f.committed(9); got != 5 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
}

func TestFlushSynchronously(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyFlushSync: "true", keyLinger: "60000"})
		f.put(records(0, 5)...)
		done := make(chan int64, 1)
		go func() { done <- f.committed(5) }()
		<-time.After(10 * time.Second)
		synctest.Wait()
		select {
		case got := <-done:
			t.Errorf("%d is committed at once", got)
		default:
		}
		g.releaseAll()
		if got := <-done; got != 5 {
			t.Errorf("%d is committed", got)
		}
		f.stop()
	})
}

func TestStop(t *testing.T) {
	bubble(t, "waits for what is under way", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyBatch: "2", keyLinger: "60000"})
		f.put(records(0, 3)...)
		done := make(chan struct{})
		go func() { f.stop(); close(done) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("does not wait")
		default:
		}
		g.releaseAll()
		<-done
		if len(f.es.Docs("t")) != 2 {
			t.Errorf("%d documents", len(f.es.Docs("t")))
		}
	})
	bubble(t, "tries nothing again", func(t *testing.T) {
		n := 0
		f := start(t, nil, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/_bulk" {
				return nil, nil
			}
			n++
			return nil, syscall.ECONNREFUSED
		}, nil, map[string]string{keyBackoff: "86400000", keyRetries: "100"})
		f.put(records(0, 3)...)
		f.bulk.flush()
		synctest.Wait()
		begin := time.Now()
		f.stop()
		if n != 1 || time.Since(begin) > time.Second {
			t.Errorf("%d requests, %v", n, time.Since(begin))
		}
	})
	bubble(t, "a server that hangs", func(t *testing.T) {
		g := &gate{}
		f := start(t, nil, g.hold, nil, map[string]string{keyFlushTimeout: "7000"})
		f.put(records(0, 3)...)
		f.bulk.flush()
		begin := time.Now()
		err := f.task.Stop(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "Failed to process outstanding requests in time while closing the ElasticsearchClient.") || time.Since(begin) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	t.Run("before Start", func(t *testing.T) {
		if err := New().NewTask().Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBackoff(t *testing.T) {
	c := &client{set: &settings{backoff: 100 * time.Millisecond}, log: slog.New(slog.DiscardHandler)}
	for attempt := range 80 {
		for range 20 {
			most := maxBackoff
			if attempt < 20 {
				most = min(most, 100*time.Millisecond<<attempt)
			}
			if d := c.backoff(attempt); d < 0 || d >= most {
				t.Fatalf("attempt %d waits %v", attempt, d)
			}
		}
	}
	if d := (&client{set: &settings{}}).backoff(3); d != 0 {
		t.Errorf("no back-off waits %v", d)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
