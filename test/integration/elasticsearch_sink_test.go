//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/connecttest"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/connectors/elasticsearch"
)

// index calls Elasticsearch and fails the test on any other status than those given.
func index(t testing.TB, method, path, body string, ok ...int) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, servers.url("elasticsearch")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(fmt.Append(nil, append(ok, 200, 201)), fmt.Append(nil, resp.StatusCode)) {
		t.Fatalf("%s %s: %s %s", method, path, resp.Status, data)
	}
	var out map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func count(t testing.TB, name string) int {
	t.Helper()
	index(t, http.MethodPost, "/"+name+"/_refresh", "")
	n, ok := index(t, http.MethodGet, "/"+name+"/_count", "")["count"].(float64)
	if !ok {
		t.Fatal("no count")
	}
	return int(n)
}

// document returns a document's source and version, nil for none.
func document(t testing.TB, name, id string) (map[string]any, int64) {
	t.Helper()
	got := index(t, http.MethodGet, "/"+name+"/_doc/"+id, "", 404)
	source, ok := got["_source"].(map[string]any)
	if !ok {
		return nil, 0
	}
	return source, int64(got["_version"].(float64))
}

type sink struct {
	connect.SinkTask
	t  *testing.T
	sc *connecttest.SinkContext
}

func newSink(t *testing.T, errant *connecttest.Errant, extra map[string]string) *sink {
	t.Helper()
	p := map[string]string{"connection.url": servers.url("elasticsearch"), "schema.ignore": "true"}
	maps.Copy(p, extra)
	c := elasticsearch.New()
	if wrong := c.ValidateConfig(t.Context(), p); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	s := &sink{SinkTask: c.NewTask(), t: t, sc: connecttest.NewSinkContext(t)}
	s.sc.Errant = errant
	if err := s.Start(t.Context(), s.sc, p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s
}

func (s *sink) write(rs ...*connect.Record) {
	s.t.Helper()
	if err := s.Put(s.t.Context(), rs); err != nil {
		s.t.Fatalf("Put: %v", err)
	}
	connecttest.Committed(s.t, s, rs)
}

// fails puts records and waits for the task to fail.
func (s *sink) fails(rs ...*connect.Record) error {
	s.t.Helper()
	err := s.Put(s.t.Context(), rs)
	for deadline := time.Now().Add(time.Minute); err == nil; {
		if time.Now().After(deadline) {
			s.t.Fatal("the task does not fail")
		}
		if _, err = s.PreCommit(s.t.Context(), nil); err == nil {
			err = s.Put(s.t.Context(), nil)
		}
	}
	return err
}

func rec(topic string, offset int64, key string, kv ...any) *connect.Record {
	value := schema.Null()
	if len(kv) > 0 {
		m := schema.NewMap(len(kv) / 2)
		for i := 0; i < len(kv); i += 2 {
			v := schema.Null()
			switch x := kv[i+1].(type) {
			case int:
				v = schema.OfInt64(int64(x))
			case string:
				v = schema.OfString(x)
			}
			m.PutString(kv[i].(string), v)
		}
		value = schema.OfMap(m)
	}
	return connecttest.SinkRecord(topic, 0, offset, connect.SchemaAndValue{Schema: schema.Of(schema.String), Value: schema.OfString(key)}, connect.SchemaAndValue{Value: value})
}

func TestElasticsearchSink(t *testing.T) {
	servers.up(t, "elasticsearch")
	t.Run("versions", func(t *testing.T) {
		topic := unique(t, "es")
		s := newSink(t, nil, map[string]string{"behavior.on.null.values": "delete", "connection.compression": "true"})
		s.write(rec(topic, 0, "a", "n", 0), rec(topic, 1, "b", "n", 1), rec(topic, 2, "a", "n", 2))
		s.write(rec(topic, 0, "a", "n", 0), rec(topic, 1, "b", "n", 1)) // delivered again
		if doc, version := document(t, topic, "a"); doc["n"] != 2.0 || version != 2 {
			t.Errorf("a is %v, version %d", doc, version)
		}
		s.write(rec(topic, 3, "b"))
		s.write(rec(topic, 1, "b", "n", 1)) // and again, after its deletion
		if doc, _ := document(t, topic, "b"); doc != nil {
			t.Errorf("b is %v", doc)
		}
		if n := count(t, topic); n != 1 {
			t.Errorf("%d documents", n)
		}
	})
	t.Run("upsert", func(t *testing.T) {
		topic := unique(t, "es")
		s := newSink(t, nil, map[string]string{"write.method": "UPSERT", "behavior.on.null.values": "delete", "batch.size": "2"})
		s.write(rec(topic, 0, "a", "x", 1), rec(topic, 1, "a", "y", 2), rec(topic, 2, "a", "x", 3), rec(topic, 3, "b", "x", 1), rec(topic, 4, "b"), rec(topic, 5, "b", "y", 9))
		if doc, _ := document(t, topic, "a"); fmt.Sprint(doc) != "map[x:3 y:2]" {
			t.Errorf("a is %v", doc)
		}
		if doc, _ := document(t, topic, "b"); fmt.Sprint(doc) != "map[y:9]" {
			t.Errorf("b is %v", doc)
		}
	})
	t.Run("mapping", func(t *testing.T) {
		topic := unique(t, "es")
		item := schema.NewStruct().Field("price", schema.DecimalBuilder(2).MustBuild()).MustBuild()
		order := schema.NewStruct().Field("at", schema.TimestampBuilder().MustBuild()).Field("name", schema.Of(schema.String)).
			Field("small", schema.Of(schema.Int8)).Field("raw", schema.OptionalOf(schema.Bytes)).Field("items", schema.NewArray(item).MustBuild()).
			Field("tags", schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.Boolean)).MustBuild()).MustBuild()
		tags := schema.NewMap(1)
		tags.PutString("new", schema.OfBoolean(true))
		value := schema.OfStruct(schema.StructOf(order, []schema.Value{
			schema.OfDate(1700000000000), schema.OfString("é"), schema.OfInt8(5), schema.OfBytes([]byte{1, 2}),
			schema.OfArray([]schema.Value{schema.OfStruct(schema.StructOf(item, []schema.Value{schema.OfDecimal(schema.DecimalFromInt64(1999, 2))}))}), schema.OfMap(tags),
		}))
		s := newSink(t, nil, map[string]string{"schema.ignore": "false", "compact.map.entries": "false"})
		s.write(connecttest.SinkRecord(topic, 0, 0, connect.SchemaAndValue{Value: schema.OfInt32(7)}, connect.SchemaAndValue{Schema: order, Value: value}))
		mapping := index(t, http.MethodGet, "/"+topic+"/_mapping", "")
		text, err := json.Marshal(mapping)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{`"at":{"type":"date"}`, `"small":{"type":"byte"}`, `"raw":{"type":"binary"}`, `"price":{"type":"double"}`, `"ignore_above":256`, `"value":{"type":"boolean"}`} {
			if !strings.Contains(string(text), part) {
				t.Errorf("mapping %s does not have %s", text, part)
			}
		}
		if doc, _ := document(t, topic, "7"); fmt.Sprint(doc["items"], doc["tags"], doc["at"]) != "[map[price:19.99]] [map[key:new value:true]] 1.7e+12" {
			t.Errorf("document %v", doc)
		}
	})
	t.Run("data stream", func(t *testing.T) {
		index(t, http.MethodPut, "/_index_template/moldau-test", `{"index_patterns":["logs-moldautest-*"],"data_stream":{},"priority":600}`)
		topic := unique(t, "es")
		s := newSink(t, nil, map[string]string{"data.stream.type": "logs", "data.stream.dataset": "moldautest", "data.stream.namespace": "n_${topic}", "key.ignore": "true"})
		s.write(rec(topic, 0, "a", "n", 0), rec(topic, 1, "b", "n", 1))
		s.write(rec(topic, 0, "a", "n", 0), rec(topic, 1, "b", "n", 1), rec(topic, 2, "c", "n", 2))
		if n := count(t, "logs-moldautest-n_"+topic); n != 3 {
			t.Errorf("%d documents", n)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		topic := unique(t, "es")
		bad := []*connect.Record{rec(topic, 0, "a", "n", 0), rec(topic, 1, "b", "n", "not a number"), rec(topic, 2, "c", "n", 2)}
		index(t, http.MethodPut, "/"+topic, `{"mappings":{"dynamic":"strict","properties":{"n":{"type":"long"}}}}`)
		errant := &connecttest.Errant{}
		s := newSink(t, errant, map[string]string{"behavior.on.malformed.documents": "warn"})
		s.write(bad...)
		s.write(rec(topic, 3, "d", "unknown", 1))
		if reports := errant.Reports(); len(reports) != 2 || count(t, topic) != 2 || !strings.Contains(errs.String(reports[0].Err), "document_parsing_exception") || !strings.Contains(errs.String(reports[1].Err), "strict_dynamic_mapping_exception") {
			t.Errorf("%d documents, reports %v", count(t, topic), reports)
		}
		s = newSink(t, nil, nil)
		if err := s.fails(bad...); !strings.Contains(errs.Trace(err), "document_parsing_exception") || !strings.Contains(errs.Trace(err), "offset=1") {
			t.Errorf("trace %s", errs.Trace(err))
		}
	})
	t.Run("alias", func(t *testing.T) {
		name := unique(t, "es")
		index(t, http.MethodPut, "/"+name+"-1", `{"aliases":{"`+name+`":{}}}`)
		s := newSink(t, nil, map[string]string{"external.resource.usage": "ALIAS_INDEX", "topic.to.external.resource.mapping": "t:" + name, "topics": "t"})
		s.write(rec("t", 0, "a", "n", 0))
		if doc, _ := document(t, name+"-1", "a"); doc == nil {
			t.Error("no document behind the alias")
		}
	})
	t.Run("blocked for a while", func(t *testing.T) {
		topic := unique(t, "es")
		index(t, http.MethodPut, "/"+topic, `{}`)
		index(t, http.MethodPut, "/"+topic+"/_settings", `{"index.blocks.read_only_allow_delete":true}`)
		s := newSink(t, nil, map[string]string{"max.retries": "1000", "retry.backoff.ms": "1"})
		rs := []*connect.Record{rec(topic, 0, "a", "n", 0), rec(topic, 1, "b", "n", 1)}
		if err := s.Put(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		if got, err := s.PreCommit(t.Context(), map[connect.TopicPartition]int64{{Topic: topic}: 2}); err != nil || len(got) != 0 {
			t.Errorf("%v is committed while the index is blocked, %v", got, err)
		}
		index(t, http.MethodPut, "/"+topic+"/_settings", `{"index.blocks.read_only_allow_delete":null}`)
		connecttest.Committed(t, s, rs)
		if n := count(t, topic); n != 2 {
			t.Errorf("%d documents", n)
		}
	})
	t.Run("down", func(t *testing.T) {
		wrong := elasticsearch.New().ValidateConfig(t.Context(), map[string]string{"connection.url": "http://127.0.0.1:1"})
		if !strings.Contains(strings.Join(wrong["connection.url"], ""), "Could not connect to Elasticsearch.") {
			t.Errorf("validation says %v", wrong)
		}
	})
}

// Elasticsearch is killed while records are written, and comes back: nothing is
// lost, and nothing is there twice.
func TestElasticsearchKilled(t *testing.T) {
	servers.up(t, "elasticsearch")
	topic := unique(t, "es")
	index(t, http.MethodPut, "/"+topic, `{"settings":{"index.translog.durability":"request"}}`)
	s := newSink(t, nil, map[string]string{"key.ignore": "true", "max.retries": "1000", "retry.backoff.ms": "20", "batch.size": "200", "max.buffered.records": "1000", "flush.timeout.ms": "300000"})
	const n = 20_000
	var killing sync.WaitGroup
	defer killing.Wait()
	var all []*connect.Record
	for from := 0; from < n; from += 500 {
		if from == n/2 {
			servers.kill(t, "elasticsearch")
			killing.Go(func() {
				if err := servers.Up(t.Context(), "elasticsearch"); err != nil {
					t.Error(err)
				}
			})
		}
		var rs []*connect.Record
		for i := from; i < from+500; i++ {
			rs = append(rs, rec(topic, int64(i), "k", "n", i, "text", strings.Repeat("x", 200)))
		}
		if err := s.Put(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		all = append(all, rs...)
	}
	connecttest.Committed(t, s, all)
	killing.Wait()
	if got := count(t, topic); got != n {
		t.Errorf("%d documents, want %d", got, n)
	}
}
