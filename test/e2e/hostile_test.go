package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/plugins/standard"
)

const floodEntries = 10_000_000

// flood is a source of one batch: of ten million records, or of one record with an array
// of as many entries.
type flood struct{ record string }

func (*flood) ConfigDef() *configdef.Def {
	return configdef.New(configdef.Optional("record", configdef.Boolean, false, configdef.Low, "One record."))
}

func (f *flood) Start(_ context.Context, _ connect.ConnectorContext, props map[string]string) error {
	f.record = props["record"]
	return nil
}

func (f *flood) TaskConfigs(int) ([]map[string]string, error) {
	return []map[string]string{{"record": f.record}}, nil
}

func (*flood) TaskClass() string           { return "test.FloodTask" }
func (*flood) Stop(context.Context) error  { return nil }
func (*flood) NewTask() connect.SourceTask { return &floodTask{} }

type floodTask struct{ record, done bool }

func (t *floodTask) Start(_ context.Context, _ connect.SourceContext, props map[string]string) error {
	t.record = props["record"] == "true"
	return nil
}

func (*floodTask) Commit(context.Context) error { return nil }
func (*floodTask) Stop(context.Context) error   { return nil }

func (t *floodTask) Poll(ctx context.Context) ([]*connect.Record, error) {
	if t.done {
		<-ctx.Done()
		return nil, nil
	}
	t.done = true
	last := &connect.Record{Topic: "flood", Partition: connect.NoPartition, Timestamp: connect.NoTimestamp, Value: schema.OfString("the last")}
	if t.record {
		big := *last
		big.Value = schema.OfArray(slices.Repeat([]schema.Value{schema.OfInt64(7)}, floodEntries))
		return []*connect.Record{&big, last}, nil
	}
	none := *last
	none.Value = schema.Null()
	out := slices.Repeat([]*connect.Record{&none}, floodEntries)
	out[len(out)-1] = last
	return out, nil
}

// hostile runs a worker with the flood, and returns where its broker is, too.
func hostile(t *testing.T) (rest, broker string) {
	t.Helper()
	kinds := []plugins.Kind{plugins.Source, plugins.Sink, plugins.Converter, plugins.HeaderConverter, plugins.Transformation, plugins.Predicate}
	all := append(standard.Registry().List(kinds...), plugins.Plugin{
		Kind: plugins.Source, Class: "test.FloodConnector", Version: "1", New: func() connect.Configured { return &flood{} },
	})
	type address struct{ rest, broker string }
	ready, ended := make(chan address, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	d := node.Dev{DataDir: t.TempDir(), REST: "127.0.0.1:0", Kafka: "127.0.0.1:0", Set: []string{"offset.flush.interval.ms=100"}}
	o := node.Options{Plugins: plugins.New(all...), Levels: logging.New("OFF"), LogTo: slog.DiscardHandler}
	go func() {
		ended <- d.Run(ctx, o, func(a node.Addresses, broker string) { ready <- address{a.REST, broker} })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-ready:
		return a.rest, a.broker
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return "", ""
}

// Records made to do harm fail their task or become dead letters, as the policy says,
// with what was wrong, and in bounded time; what comes after them arrives, and others are
// not disturbed.
func TestHostileRecords(t *testing.T) {
	t.Parallel()
	const (
		text = "org.apache.kafka.connect.storage.StringConverter"
		json = "org.apache.kafka.connect.json.JsonConverter"
	)
	rest, broker := hostile(t)
	g := newGood(t, rest)
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	schemaless := map[string]string{"value.converter": json, "value.converter.schemas.enable": "false"}
	strings900k := func(s string) []byte { return []byte(strings.Repeat(s, 900_000/len(s))) }
	var crowd []kgo.RecordHeader
	for range 60_000 {
		crowd = append(crowd, kgo.RecordHeader{Key: "h", Value: []byte("1")})
	}
	for _, c := range []struct {
		name    string
		value   []byte
		headers []kgo.RecordHeader
		config  map[string]string
		// stage is where it fails, "" where it does no harm, and message what is said.
		stage, message string
	}{
		{"cut off", []byte(`{"a":[1,2`), nil, schemaless, "VALUE_CONVERTER", "Unexpected end-of-input"},
		{"nested arrays", strings900k("["), nil, schemaless, "VALUE_CONVERTER", "Document nesting depth (1001) exceeds the maximum allowed"},
		{"nested objects", strings900k(`{"a":`), nil, schemaless, "VALUE_CONVERTER", "Document nesting depth (1001) exceeds the maximum allowed"},
		{"nested schema", strings900k(`{"schema":{"type":"array","items":`), nil, map[string]string{"value.converter": json}, "VALUE_CONVERTER", "Document nesting depth (1001)"},
		{"a number without end", strings900k("9"), nil, schemaless, "VALUE_CONVERTER", "Number value length (900000) exceeds the maximum allowed"},
		{"invalid UTF-8", []byte("{\"a\":\"\xc3\x28\xff\"}"), nil, schemaless, "VALUE_CONVERTER", "Invalid UTF-8"},
		{"NaN", []byte(`{"a":NaN}`), nil, schemaless, "VALUE_CONVERTER", "Non-standard token 'NaN'"},
		{"infinity", []byte(`{"a":-Infinity}`), nil, schemaless, "VALUE_CONVERTER", "Non-standard token '-Infinity'"},
		{"nested header", []byte(`1`), []kgo.RecordHeader{{Key: "h", Value: strings900k("[")}}, schemaless, "", ""},
		{"nested JSON header", []byte(`1`), []kgo.RecordHeader{{Key: "h", Value: strings900k("[")}}, with(schemaless, map[string]string{"header.converter": json}), "HEADER_CONVERTER", "Document nesting depth (1001)"},
		{"many headers", []byte(`"crowd"`), crowd, schemaless, "", ""},
		{"regular expression", []byte(`1`), nil, with(schemaless, map[string]string{
			"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.r.regex": "(([a-z])+.)+[A-Z]([a-z])+$", "transforms.r.replacement": "x",
			"predicates": "bad", "predicates.bad.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey", "predicates.bad.name": "bad", "transforms.r.predicate": "bad",
		}), "TRANSFORMATION", "regular expression"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := strings.ReplaceAll(c.name, " ", "-")
			topic := "hostile-" + name + "-" + strings.Repeat("a", 60)
			headers := c.headers
			if c.stage == "TRANSFORMATION" {
				headers = []kgo.RecordHeader{{Key: "bad", Value: []byte("1")}}
			}
			if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: c.value, Headers: headers}, &kgo.Record{Topic: topic, Value: goodValue(c.config)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out")
			sink := with(c.config, map[string]string{"connector.class": "FileStreamSink", "topics": topic, "file": out, "key.converter": text, "errors.tolerance": "all",
				"errors.deadletterqueue.topic.name": topic + "-dlq", "errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true"})
			create(t, rest, name, sink)
			want := 1
			if c.stage == "" {
				want = 2
			}
			eventually(t, 30*time.Second, func() error {
				written, err := os.ReadFile(out)
				if n := bytes.Count(written, []byte("\n")); err == nil && (n != want || !bytes.HasSuffix(written, []byte("good\n"))) {
					err = fmt.Errorf("%d lines, want %d: %.100q", n, want, written)
				}
				return err
			})
			if c.stage != "" {
				l := first(t, broker, topic+"-dlq")
				if !bytes.Equal(l.Value, c.value) || len(l.Headers) < len(headers)+10 || contextOf(l, "stage") != c.stage ||
					!strings.Contains(contextOf(l, "exception.stacktrace"), c.message) {
					t.Errorf("dead letter of %d bytes, stage %s: %.500s", len(l.Value), contextOf(l, "stage"), contextOf(l, "exception.stacktrace"))
				}
				create(t, rest, name+"-strict", with(c.config, map[string]string{"connector.class": "FileStreamSink", "topics": topic, "file": os.DevNull, "key.converter": text}))
				if trace := failure(t, rest, name+"-strict"); !strings.Contains(trace, "Tolerance exceeded in error handler") || !strings.Contains(trace, c.message) {
					t.Errorf("trace %.500s", trace)
				}
				if status, answer := request(t, http.MethodDelete, rest+"connectors/"+name+"-strict", ""); status != http.StatusNoContent {
					t.Errorf("deleting it: %d %s", status, answer)
				}
			}
			g.stillRuns(t)
			if status, answer := request(t, http.MethodDelete, rest+"connectors/"+name, ""); status != http.StatusNoContent {
				t.Errorf("deleting it: %d %s", status, answer)
			}
		})
	}
	t.Run("a batch of ten million records", func(t *testing.T) {
		create(t, rest, "flood", map[string]string{
			"connector.class": "test.FloodConnector", "value.converter": text,
			"transforms": "f", "transforms.f.type": "org.apache.kafka.connect.transforms.Filter", "transforms.f.predicate": "none",
			"predicates": "none", "predicates.none.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
		})
		if r := first(t, broker, "flood"); string(r.Value) != "the last" {
			t.Errorf("record %.100q", r.Value)
		}
		g.stillRuns(t)
	})
	t.Run("a record of ten million entries", func(t *testing.T) {
		create(t, rest, "large", map[string]string{"connector.class": "test.FloodConnector", "record": "true", "value.converter": json, "value.converter.schemas.enable": "false"})
		trace := failure(t, rest, "large")
		contains(t, "the trace", trace, []string{"RecordTooLargeException", "20000089 bytes", "max.request.size", "ClaimCheck"})
		g.stillRuns(t)
	})
}

// goodValue is a record's value that a converter takes and a file shows as its last line.
func goodValue(config map[string]string) []byte {
	if config["value.converter.schemas.enable"] == "false" {
		return []byte(`"good"`)
	}
	return []byte(`{"schema":{"type":"string"},"payload":"good"}`)
}

func with(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

func contextOf(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == "__connect.errors."+name {
			return string(h.Value)
		}
	}
	return ""
}

// first is the first record of a topic.
func first(t *testing.T, broker, topic string) *kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.UnknownTopicRetries(-1), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		fetched := cl.PollRecords(ctx, 1)
		for _, r := range fetched.Records() {
			return r
		}
		if err := errors.Join(ctx.Err(), fetched.Err()); err != nil {
			t.Fatal(err)
		}
	}
}
