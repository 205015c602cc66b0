//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/moldau-io/moldau/internal/sseserver"
	"github.com/moldau-io/moldau/test/refstack"
	"github.com/moldau-io/moldau/test/wikidata"
)

// wikipedia is the pipeline under test: a server of the recording, a worker, and
// connectors from there to a topic and on to an index of the topic's name.
type wikipedia struct {
	t                   *testing.T
	server              *sseserver.Server
	want                map[string]any // the events by meta.id
	path, url           string         // of the worker
	topic, source, sink string
}

// newWikipedia starts all of it; the server sends events at a rate.
func newWikipedia(t *testing.T, rate float64, tasks int32) (*wikipedia, *process) {
	servers.up(t, refstack.Elasticsearch)
	feed := wikidata.Recording(t)
	w := &wikipedia{
		t: t, server: sseserver.New(feed, sseserver.Options{Rate: rate}), want: map[string]any{},
		topic: newTopic(t, tasks), source: unique(t, "source"), sink: unique(t, "sink"),
	}
	for i := range feed.Len() {
		body := decode(t, feed.At(i).Data)
		w.want[body.(map[string]any)["meta"].(map[string]any)["id"].(string)] = body
	}
	if int64(len(w.want)) != feed.Len() {
		t.Fatalf("%d events have %d ids", feed.Len(), len(w.want))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	// log_params is an object in some events and an array in others.
	index(t, http.MethodPut, "/"+w.topic, `{"settings":{"number_of_replicas":0},"mappings":{"properties":{"log_params":{"type":"object","enabled":false}}}}`)
	w.path, w.url = properties(t, unique(t, "g"), map[string]string{
		"offset.flush.interval.ms": "1000",
		// A worker that was killed is missed sooner.
		"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000",
		"consumer.session.timeout.ms": "6000", "consumer.heartbeat.interval.ms": "1000",
	})
	p := start(t, w.url, "worker", w.path).ready()
	create(t, w.url, w.source, map[string]string{
		"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "tasks.max": "1",
		"sse.uri": "http://" + l.Addr().String() + "/v2/stream/recentchange", "topic": w.topic,
		"value.mode": "json", "key.from": "meta.id", "timestamp.from": "meta.dt",
		"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
	})
	create(t, w.url, w.sink, map[string]string{
		"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "tasks.max": strconv.Itoa(int(tasks)), "topics": w.topic,
		"connection.url": servers.url(refstack.Elasticsearch), "schema.ignore": "true", "connection.compression": "true",
		// Waits double: these outlast an hour. One request at a time is one wait at a time.
		"max.retries": "20", "retry.backoff.ms": "200", "max.in.flight.requests": "1",
		"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
	})
	return w, p
}

func decode(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	return v
}

// documents waits until there are n documents or more.
func (w *wikipedia) documents(n int, timeout time.Duration) {
	w.t.Helper()
	eventually(w.t, timeout, func() error {
		if got := count(w.t, w.topic); got < n {
			return fmt.Errorf("%d documents, want %d", got, n)
		}
		return nil
	})
}

// middle fails the test if the whole stream was sent already.
func (w *wikipedia) middle(what string) {
	w.t.Helper()
	sent := w.server.Sent()
	w.t.Logf("%s after %d of %d events sent", what, sent, len(w.want))
	if sent >= int64(len(w.want)) {
		w.t.Errorf("%s, but not in the middle of the stream", what)
	}
}

// stored is the number of records in the topic.
func (w *wikipedia) stored() int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(client(w.t)).ListEndOffsets(ctx, w.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return int(n)
}

// check waits for every event and compares ids and bodies with the recording.
func (w *wikipedia) check(tasks int) {
	w.t.Helper()
	begin := time.Now()
	// A wait between retries can be as long as all before it.
	w.documents(len(w.want), 4*time.Minute)
	running(w.t, w.url, w.source, 1)
	running(w.t, w.url, w.sink, tasks)
	status, answer, err := request(http.MethodGet, servers.url(refstack.Elasticsearch)+"/"+w.topic+"/_search?size=10000", nil)
	if err != nil || status != http.StatusOK {
		w.t.Fatalf("status %d, %v: %.500s", status, err, answer)
	}
	hits := decode(w.t, answer).(map[string]any)["hits"].(map[string]any)["hits"].([]any)
	w.t.Logf("%d documents %.1f s later; %d records in the topic", len(hits), time.Since(begin).Seconds(), w.stored())
	if len(hits) != len(w.want) {
		w.t.Errorf("%d documents, want %d", len(hits), len(w.want))
	}
	for _, hit := range hits {
		id := hit.(map[string]any)["_id"].(string)
		if got := hit.(map[string]any)["_source"]; !reflect.DeepEqual(got, w.want[id]) {
			w.t.Fatalf("document %s is\n%v\nwant\n%v", id, got, w.want[id])
		}
	}
	eventually(w.t, 20*time.Second, func() error {
		var done int64
		for _, at := range committed(w.t, "connect-"+w.sink, w.topic) {
			done += at
		}
		if n := int64(w.stored()); done != n {
			return fmt.Errorf("the sink has committed %d of %d records", done, n)
		}
		return nil
	})
}

// Elasticsearch is killed for 20 s while events come in.
func TestWikipediaElasticsearchKilled(t *testing.T) {
	w, _ := newWikipedia(t, 55, 1)
	w.documents(len(w.want)/6, time.Minute)
	w.middle("Elasticsearch is killed")
	servers.kill(t, refstack.Elasticsearch)
	<-time.After(20 * time.Second)
	w.middle("Elasticsearch is started again")
	running(t, w.url, w.sink, 1)
	servers.up(t, refstack.Elasticsearch)
	w.check(1)
	if n := w.stored(); n != len(w.want) {
		t.Errorf("%d records in the topic, want %d", n, len(w.want))
	}
}

// The worker is killed while events come in, and another takes over.
func TestWikipediaWorkerKilled(t *testing.T) {
	w, p := newWikipedia(t, 120, 2)
	w.documents(len(w.want)/3, time.Minute)
	w.middle("the worker is killed")
	p.kill()
	start(t, w.url, "worker", w.path).ready()
	w.check(2)
}
