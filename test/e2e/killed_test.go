package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/internal/estest"
)

// The file sink writes at least once: each event is in the file, and first arrivals are
// in order within a partition.
func TestKilledFileSink(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	path := filepath.Join(p.dir, "out.jsonl")
	ids := map[string]string{}
	for _, id := range p.ids {
		ids[string(p.body(id))] = id
	}
	read := func() [][]byte {
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		lines := bytes.Split(text, []byte{'\n'})
		return lines[:len(lines)-1]
	}
	arrived := func() int {
		seen := map[string]bool{}
		for _, line := range read() {
			if id := ids[string(line)]; id != "" {
				seen[id] = true
			}
		}
		return len(seen)
	}
	var stored map[int32][]*kgo.Record
	p.torment(t, map[string]map[string]string{
		"source": p.source("data", "org.apache.kafka.connect.storage.StringConverter"),
		"sink": {
			"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "2", "topics": topic, "file": path,
			"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		},
	}, arrived, func(kafka string) (err error) {
		stored, err = records(t.Context(), kafka)
		return err
	})
	partition := p.checkTopic(t, stored, bytes.Equal)
	lines, torn := read(), 0
	seen, last := map[string]bool{}, map[int32]int{}
	for n, line := range lines {
		id := ids[string(line)]
		if id == "" {
			// A kill can cut a write; both tasks may end that line.
			if torn++; !cut(ids, line) {
				t.Errorf("line %d is not the start of an event: %.300s", n+1, line)
			}
			continue
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if at := p.index[id]; at < last[partition[id]] {
			t.Errorf("line %d: event %d of partition %d first comes behind event %d", n+1, at, partition[id], last[partition[id]])
		} else {
			last[partition[id]] = at
		}
	}
	if len(seen) != len(p.ids) {
		t.Errorf("%d of %d events are in the file", len(seen), len(p.ids))
	}
	if torn > 2*kills {
		t.Errorf("%d torn lines after %d kills", torn, kills)
	}
	t.Logf("%d lines in the file, %d of them torn", len(lines), torn)
}

// cut says whether a line is the start of a body.
func cut(bodies map[string]string, line []byte) bool {
	for body := range bodies {
		if strings.HasPrefix(body, string(line)) {
			return true
		}
	}
	return false
}

// The Elasticsearch sink is idempotent: with ids from keys there is one document for
// each event, with ids from offsets one for each record.
func TestKilledElasticsearchSink(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	elastic := estest.New()
	server := httptest.NewServer(slow(elastic))
	t.Cleanup(server.Close)
	sink := func(more map[string]string) map[string]string {
		c := map[string]string{
			"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "tasks.max": "2", "topics": topic,
			"connection.url": server.URL, "schema.ignore": "true", "connection.compression": "true", "batch.size": "50",
			"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
			"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	const byOffset = "by-offset"
	arrived := func() int { return min(len(elastic.Docs(topic)), len(elastic.Docs(byOffset))) }
	var stored map[int32][]*kgo.Record
	p.torment(t, map[string]map[string]string{
		"source": p.source("json", "org.apache.kafka.connect.json.JsonConverter"),
		"by-key": sink(nil),
		"by-offset": sink(map[string]string{
			"key.ignore": "true", "transforms": "index", "transforms.index.type": "org.apache.kafka.connect.transforms.RegexRouter",
			"transforms.index.regex": ".*", "transforms.index.replacement": byOffset,
		}),
	}, arrived, func(kafka string) (err error) {
		if stored, err = records(t.Context(), kafka); err != nil {
			return err
		}
		n := 0
		for _, rs := range stored {
			n += len(rs)
		}
		if got := len(elastic.Docs(byOffset)); got < n {
			return fmt.Errorf("%d documents by offset, want %d", got, n)
		}
		return nil
	})
	p.checkTopic(t, stored, sameJSON)
	docs := elastic.Docs(topic)
	if len(docs) != len(p.ids) {
		t.Errorf("%d documents by key, want %d", len(docs), len(p.ids))
	}
	for id, doc := range docs {
		if !sameJSON(doc.Raw, p.body(id)) {
			t.Fatalf("document %s is\n%s\nwant\n%s", id, doc.Raw, p.body(id))
		}
	}
	docs = elastic.Docs(byOffset)
	n := 0
	for partition, rs := range stored {
		for _, r := range rs {
			n++
			id := fmt.Sprintf("%s+%d+%d", topic, partition, r.Offset)
			if doc, found := docs[id]; !found || !sameJSON(doc.Raw, p.body(string(r.Key))) {
				t.Fatalf("document %s (found %v) is\n%s\nwant\n%s", id, found, doc.Raw, r.Value)
			}
		}
	}
	if len(docs) != n {
		t.Errorf("%d documents by offset, want %d", len(docs), n)
	}
	items := 0
	for _, bulk := range elastic.Bulks() {
		items += len(bulk)
	}
	t.Logf("%d items were sent for %d documents", items, len(p.ids)+n)
}

// slow delays requests, so that there are some under way when a kill comes, and drops
// those whose client has gone by then, as if they had never arrived.
func slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The end of a client is noticed once its request was read.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Millisecond):
			next.ServeHTTP(w, r)
		}
	})
}

// sameJSON compares two texts as JSON, numbers digit for digit.
func sameJSON(a, b []byte) bool {
	var values [2]any
	for i, text := range [][]byte{a, b} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if d.Decode(&values[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
