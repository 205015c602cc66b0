package dlq

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/internal/estest"
	"github.com/moldau-io/moldau/plugins/standard"
)

// sinkConfig is a connector that can do without a worker.
func sinkConfig(class string, more map[string]string) map[string]string {
	config := map[string]string{
		"name": "repaired", "connector.class": class, "topics": "orders", "tasks.max": "4",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
	}
	maps.Copy(config, more)
	return config
}

// toSink replays to a sink and returns what it said fails.
func (w *world) toSink(config map[string]string, o Replay) (Result, string, error) {
	w.t.Helper()
	var failures bytes.Buffer
	s, err := OpenSink(w.t.Context(), standard.Registry(), config, &failures, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	o.Deliver, o.Connector = s.Deliver, s.Name()
	sum, err := w.queue.Replay(w.t.Context(), o)
	if closeErr := s.Close(w.t.Context()); closeErr != nil {
		w.t.Error(closeErr)
	}
	return sum, failures.String(), err
}

func TestReplayToSink(t *testing.T) {
	es := estest.New()
	busy := 2
	es.Strict = map[string]string{"n": "number"}
	es.OnRequest = func(w http.ResponseWriter, r estest.Request) bool {
		if r.Path == "/_bulk" && busy > 0 {
			busy--
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	server := httptest.NewServer(es)
	defer server.Close()
	w := newWorld(t)
	// The letters 5 and 3 are of one record, which was read twice; they lie in the
	// partitions of the dead-letter topic as they like.
	w.write(letter(0, 7, `{"n":7}`, dataException, "m"), letter(0, 5, `{"n":5}`, dataException, "m"), letter(1, 3, "{bad", dataException, "m"),
		letter(1, 5, `{"n":5}`, dataException, "m"), letter(1, 6, `{"n":"six"}`, dataException, "m"))
	config := sinkConfig("io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", map[string]string{
		"connection.url": server.URL, "schema.ignore": "true", "key.ignore": "true", "behavior.on.malformed.documents": "ignore", "retry.backoff.ms": "1",
		"transforms": "keep", "transforms.keep.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.keep.include": "n",
	})
	sum, failures, err := w.toSink(config, Replay{})
	if err != nil || sum != (Result{Replayed: 3, Fail: 2}) {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := fmt.Sprint(slices.Sorted(maps.Keys(es.Docs("orders")))); got != "[orders+0+5 orders+0+7]" {
		t.Errorf("documents %s", got)
	}
	for _, want := range []string{"partition 1 offset 0 fails again: " + dataException, "partition 1 offset 2 fails again: "} {
		if strings.Count(failures, want) != 1 {
			t.Errorf("%q is not once in %s", want, failures)
		}
	}
	if got := w.values("orders"); got != "" {
		t.Errorf("the topic has %s", got)
	}
	if got := w.values("dlq-replayed"); strings.Count(got, "=connector repaired") != 3 {
		t.Errorf("marks %s", got)
	}
	// Once more: what was taken is not given again, also not to the topic.
	bulks := len(es.Bulks())
	es.Strict = nil
	if sum, _, err := w.toSink(config, Replay{}); err != nil || sum != (Result{Replayed: 1, Before: 3, Fail: 1}) {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := es.Bulks()[bulks:]; len(got) != 1 || len(got[0]) != 1 || got[0][0].ID != "orders+0+6" {
		t.Errorf("%+v", got)
	}
	if sum := w.replay(Replay{}); sum != (Result{Replayed: 1, Before: 4}) {
		t.Errorf("%+v", sum)
	}
}

// Letters are marked when the sink has them, and not before.
func TestReplayToSinkIsInterrupted(t *testing.T) {
	w := newWorld(t)
	var many []*kgo.Record
	for i := range batch + 10 {
		many = append(many, letter(0, i, fmt.Sprintf(`{"n":%d}`, i), dataException, "m"))
	}
	w.write(many...)
	file := filepath.Join(t.TempDir(), "out")
	config := sinkConfig("FileStreamSink", map[string]string{"file": file})
	s, err := OpenSink(t.Context(), standard.Registry(), config, &bytes.Buffer{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	sum, err := w.queue.Replay(ctx, Replay{Connector: s.Name(), Deliver: func(ctx context.Context, l []Letter) ([]bool, error) {
		taken, err := s.Deliver(ctx, l)
		n++
		cancel() // somebody presses ^C
		return taken, err
	}})
	if err == nil || n != 1 || sum.Replayed != batch {
		t.Errorf("%+v, %v after %d batches", sum, err, n)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if sum, _, err := w.toSink(config, Replay{}); err != nil || sum != (Result{Replayed: 10, Before: batch}) {
		t.Errorf("%+v, %v", sum, err)
	}
	text, err := os.ReadFile(file)
	if got := strings.Count(string(text), "\n"); err != nil || got != batch+10 {
		t.Errorf("%d lines, %v", got, err)
	}
}

func TestReplayToSinkRefuses(t *testing.T) {
	w := newWorld(t)
	w.letters()
	if _, _, err := w.toSink(sinkConfig("FileStreamSink", map[string]string{"file": filepath.Join(t.TempDir(), "out")}), Replay{}); err == nil || !strings.Contains(err.Error(), "dlq-1-1 does not tell which topic it came from; the sink needs that") {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		config map[string]string
		want   string
	}{
		"source":       {sinkConfig("FileStreamSource", map[string]string{"file": "x", "topic": "t"}), "connector.class=FileStreamSource is no sink"},
		"no converter": {map[string]string{"name": "x", "connector.class": "FileStreamSink", "topics": "t"}, "key.converter is not set"},
		"reference":    {sinkConfig("FileStreamSink", map[string]string{"file": "${env:HOME}"}), "the setting file refers to something that a worker looks up"},
		"wrong":        {sinkConfig("FileStreamSink", map[string]string{"transforms": "x"}), "transforms.x.type"},
		"refused":      {sinkConfig("io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", map[string]string{"connection.url": ""}), "connection.url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenSink(t.Context(), standard.Registry(), c.config, &bytes.Buffer{}, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
