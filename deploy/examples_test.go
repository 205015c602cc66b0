// Package deploy_test checks what is in this folder against the program: connectors
// are created, settings read and commands parsed as they are printed.
package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/moldau-io/moldau/internal/estest"
	"github.com/moldau-io/moldau/internal/sseserver"
)

// example is a connector as a file has it.
type example struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
}

func readExample(t *testing.T, path string) (text []byte, e example) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return text, e
}

// files are all connectors of this folder.
func files(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"examples/*.json", "compose/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// create posts an example with some values replaced by those of the test. A value can
// only be replaced if the file has it.
func (w *worker) create(t *testing.T, file string, replace map[string]string) {
	t.Helper()
	text, e := readExample(t, file)
	for key, value := range replace {
		if _, ok := e.Config[key]; !ok {
			t.Fatalf("%s has no %s", file, key)
		}
		e.Config[key] = value
	}
	if len(replace) > 0 {
		var err error
		if text, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
	}
	w.send(t, http.MethodPost, "/connectors", text, http.StatusCreated)
	w.running(t, e.Name)
}

// openPrefixes begin keys that a connector takes beside those it defines.
var openPrefixes = map[string][]string{
	"com.github.cjmatta.kafka.connect.sse.ServerSentEventsSourceConnector": {"http.header."},
}

// problems are what validation finds wrong with a configuration, and the keys that
// neither Connect, the connector, a converter nor a transform defines.
func (w *worker) problems(t *testing.T, config map[string]string) []string {
	t.Helper()
	body, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	class := config["connector.class"]
	answer := w.send(t, http.MethodPut, "/connector-plugins/"+class+"/config/validate", body, http.StatusOK)
	var infos struct {
		Configs []struct {
			Definition *struct{ Name string }
			Value      struct {
				Name   string
				Errors []string
			}
		}
	}
	if err := json.Unmarshal(answer, &infos); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	var out []string
	for _, c := range infos.Configs {
		if c.Definition != nil {
			known[c.Definition.Name] = true
		}
		for _, e := range c.Value.Errors {
			out = append(out, c.Value.Name+": "+e)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if !known[key] && !slices.ContainsFunc(openPrefixes[class], func(p string) bool { return strings.HasPrefix(key, p) }) {
			out = append(out, "unknown key "+key)
		}
	}
	return out
}

func TestExamplesAreValid(t *testing.T) {
	w := startWorker(t)
	elastic := httptest.NewServer(estest.New())
	t.Cleanup(elastic.Close)
	names := map[string]string{}
	for _, file := range files(t) {
		_, e := readExample(t, file)
		if other, ok := names[e.Name]; ok && filepath.Dir(other) == filepath.Dir(file) {
			t.Errorf("%s and %s have the name %s", file, other, e.Name)
		}
		names[e.Name] = file
		if want := strings.TrimSuffix(filepath.Base(file), ".json"); e.Name != want {
			t.Errorf("%s: the name is %s, want %s", file, e.Name, want)
		}
		e.Config["name"] = e.Name
		if _, ok := e.Config["connection.url"]; ok {
			e.Config["connection.url"] = elastic.URL // validation connects
		}
		for _, p := range w.problems(t, e.Config) {
			t.Errorf("%s: %s", file, p)
		}
		for wrong, value := range map[string]string{"topcs": "t", "value.converter.schema.enable": "true", "transforms.route.regx": "x"} {
			e.Config[wrong] = value
			if got := w.problems(t, e.Config); !slices.Equal(got, []string{"unknown key " + wrong}) {
				t.Errorf("%s with %s: %q", file, wrong, got)
			}
			delete(e.Config, wrong)
		}
	}
	if len(names) < 6 {
		t.Errorf("only %d examples", len(names))
	}
}

func TestFileExamples(t *testing.T) {
	w := startWorker(t)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	const text = "foo\nbar\n"
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.create(t, "examples/file-source.json", map[string]string{"file": in})
	w.create(t, "examples/file-sink.json", map[string]string{"file": out})
	eventually(t, func() error {
		got, err := os.ReadFile(out)
		if err == nil && string(got) != text {
			err = fmt.Errorf("the sink wrote %q", got)
		}
		return err
	})
}

func TestDatagenExamples(t *testing.T) {
	w := startWorker(t)
	w.create(t, "examples/datagen-source.json", nil)
	w.create(t, "examples/datagen-transforms.json", nil)
	if r := w.record(t, "users"); !strings.HasPrefix(string(r.Key), "user-") || !json.Valid(r.Value) {
		t.Errorf("a user is %s %s", r.Key, r.Value)
	}
	r := w.record(t, "shop.orders")
	var order map[string]any
	if err := json.Unmarshal(r.Value, &order); err != nil {
		t.Fatalf("%v: %s", err, r.Value)
	}
	_, note := order["note"]
	_, weight := order["weight"]
	if string(r.Key) != order["customer"] || order["origin"] != "generated" || note || weight {
		t.Errorf("the transforms made %s %s", r.Key, r.Value)
	}
}

func TestAvroExamples(t *testing.T) {
	w := startWorker(t)
	registry := srfake.New()
	t.Cleanup(registry.Close)
	es := estest.New()
	elastic := httptest.NewServer(es)
	t.Cleanup(elastic.Close)
	const url = "value.converter.schema.registry.url"
	w.create(t, "examples/datagen-avro.json", map[string]string{url: registry.URL()})
	w.create(t, "examples/avro-elasticsearch.json", map[string]string{url: registry.URL(), "connection.url": elastic.URL})
	eventually(t, func() error {
		if len(es.Docs("avro-orders")) < 3 {
			return fmt.Errorf("%d orders are indexed", len(es.Docs("avro-orders")))
		}
		return nil
	})
	for id, doc := range es.Docs("avro-orders") {
		var order struct {
			ID    int64
			Items []struct{ Product string }
		}
		if err := json.Unmarshal(doc.Raw, &order); err != nil || fmt.Sprint(order.ID) != id || len(order.Items) == 0 {
			t.Errorf("document %s: %v: %s", id, err, doc.Raw)
		}
	}
	if s, ok := registry.GetSchema("avro-orders-value", 1); !ok || !strings.Contains(s.Schema.Schema, "io.moldau.datagen") {
		t.Errorf("the registry has %+v", s)
	}
}

func TestWikipediaExamples(t *testing.T) {
	const events = 50
	for _, sink := range []string{"examples/wikipedia-elasticsearch.json", "compose/wikipedia-elasticsearch.json"} {
		t.Run(sink, func(t *testing.T) {
			w := startWorker(t)
			stream := startStream(t, sseserver.New(sseserver.Limited(sseserver.Generated(1, nil), events), sseserver.Options{}))
			es := estest.New()
			elastic := httptest.NewServer(es)
			t.Cleanup(elastic.Close)
			w.create(t, "examples/wikipedia-source.json", map[string]string{"sse.uri": stream})
			w.create(t, sink, map[string]string{"connection.url": elastic.URL})
			eventually(t, func() error {
				if n := len(es.Docs("wikipedia")); n != events {
					return fmt.Errorf("%d of %d events are indexed", n, events)
				}
				return nil
			})
			for id, doc := range es.Docs("wikipedia") {
				var change struct {
					Title string
					Meta  struct{ ID string }
					// Elasticsearch refuses some events if it is left in: it is an object in
					// some and an array in others.
					Params any `json:"log_params"`
				}
				if err := json.Unmarshal(doc.Raw, &change); err != nil || change.Title == "" || change.Meta.ID == "" || change.Params != nil {
					t.Fatalf("document %s: %v: %s", id, err, doc.Raw)
				}
			}
		})
	}
}

// startStream serves events until the end of the test and returns their URL.
func startStream(t *testing.T, s *sseserver.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String() + "/v2/stream/recentchange"
}
