// Package demo is the pipeline of 'moldau demo': Wikipedia's recent changes into a
// topic and from there into a file or Elasticsearch, with its progress on the
// terminal.
//
// It is a client of the REST API like any other; the worker and the broker are
// started elsewhere.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

const (
	// Topic is where the events go.
	Topic = "wikipedia"
	// SourceName and SinkName are the demo's connectors.
	SourceName = "wikipedia-source"
	SinkName   = "wikipedia-sink"

	// every is the time between two looks at the counters.
	every = time.Second
	// quietEvery is how many looks pass between two lines where there is no terminal.
	quietEvery = 5
)

// Options say what the demo runs.
type Options struct {
	// REST is the worker's URL, with a slash at its end; Kafka the broker's address.
	REST, Kafka string
	// Dir is where the file goes.
	Dir string
	// Source is where the events come from.
	Source Source
	// Elasticsearch is the URL to index into; "" writes a file.
	Elasticsearch string
	// Out is where progress is printed; Terminal says that lines may be overwritten.
	Out      io.Writer
	Terminal bool
}

// Source is a stream of events.
type Source struct {
	// URL is the stream's address; What says in words where events come from.
	URL, What string
}

// File is the path of the file of JSON lines.
func (o Options) File() string { return filepath.Join(o.Dir, "recentchange.jsonl") }

func (o Options) source() map[string]string {
	return map[string]string{
		"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "tasks.max": "1",
		"sse.uri": o.Source.URL, "topic": Topic, "value.mode": "json", "key.from": "meta.id", "timestamp.from": "meta.dt",
		"http.header.User-Agent":         "moldau-demo (https://github.com/moldau-io/moldau)",
		"key.converter":                  "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":                "org.apache.kafka.connect.json.JsonConverter",
		"value.converter.schemas.enable": "false",
	}
}

func (o Options) sink() map[string]string {
	if o.Elasticsearch != "" {
		return map[string]string{
			"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "tasks.max": "1", "topics": Topic,
			"connection.url": o.Elasticsearch, "key.ignore": "false", "schema.ignore": "true", "connection.compression": "true",
			"behavior.on.malformed.documents": "warn", "read.timeout.ms": "30000",
			// The field is an object in some events and an array in others; an index has one mapping.
			"transforms": "withoutParams", "transforms.withoutParams.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.withoutParams.exclude": "log_params",
			"key.converter":                  "org.apache.kafka.connect.storage.StringConverter",
			"value.converter":                "org.apache.kafka.connect.json.JsonConverter",
			"value.converter.schemas.enable": "false",
		}
	}
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1", "topics": Topic, "file": o.File(),
		"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}
}

// Run creates the connectors, or brings them up to date, prints what can be tried,
// and shows progress until ctx ends.
func Run(ctx context.Context, o Options) error {
	for name, config := range map[string]map[string]string{SourceName: o.source(), SinkName: o.sink()} {
		if err := put(ctx, o.REST+"connectors/"+name+"/config", config); err != nil {
			return fmt.Errorf("creating %s: %w", name, err)
		}
	}
	p := &printer{out: o.Out}
	p.intro(o)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			p.printf("\n")
			return p.err
		case <-ticks.C:
		}
		line, err := progress(ctx, o)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.printf("\nthe worker does not answer: %v\n", err)
		case o.Terminal:
			p.printf("\r\x1b[K%s", line)
		case n%quietEvery == 1:
			p.printf("%s\n", line)
		}
		if p.err != nil {
			return p.err
		}
	}
}

type printer struct {
	out io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *printer) intro(o Options) {
	into := "the file " + o.File()
	if o.Elasticsearch != "" {
		into = "Elasticsearch at " + o.Elasticsearch + ", index " + Topic
	}
	p.printf("Events:  %s\n         → topic %q on Kafka %s\n         → %s\n", o.Source.What, Topic, o.Kafka, into)
	p.printf("Page:    %sui/\n\nTry:\n", o.REST)
	p.printf("  curl %sconnectors/%s/status\n", o.REST, SourceName)
	p.printf("  curl -X PUT %sconnectors/%s/pause\n", o.REST, SinkName)
	p.printf("  curl -X PUT %sconnectors/%s/resume\n", o.REST, SinkName)
	p.printf("  curl %sconnectors/%s/offsets\n", o.REST, SourceName)
	if o.Elasticsearch != "" {
		p.printf("  curl '%s/%s/_search?size=1&pretty'\n", strings.TrimSuffix(o.Elasticsearch, "/"), Topic)
	} else {
		p.printf("  tail -n 1 %s\n", o.File())
	}
	p.printf("Ctrl-C stops; the next run goes on from here.\n\n")
}

type stats struct {
	Tasks map[string]struct {
		Phase         string
		Records, Read int64
		Lag           *int64
		Errors        int64
	}
}

type status struct {
	Connector struct{ State, Trace string }
	Tasks     []struct{ State, Trace string }
}

// progress is one line about both tasks, or about what failed.
func progress(ctx context.Context, o Options) (string, error) {
	for _, name := range []string{SourceName, SinkName} {
		var s status
		if err := get(ctx, o.REST+"connectors/"+name+"/status", &s); err != nil {
			return "waiting for " + name + " to start", nil
		}
		for _, trace := range append([]string{s.Connector.Trace}, traces(s)...) {
			if first, _, _ := strings.Cut(trace, "\n"); first != "" {
				return name + " has failed: " + first, nil
			}
		}
	}
	var s stats
	if err := get(ctx, o.REST+"moldau/v1/stats", &s); err != nil {
		return "", err
	}
	source, sink := s.Tasks[SourceName+"-0"], s.Tasks[SinkName+"-0"]
	done, lag := "written", "–"
	if o.Elasticsearch != "" {
		done = "indexed"
	}
	if sink.Lag != nil {
		lag = fmt.Sprint(*sink.Lag)
	}
	return fmt.Sprintf("%s  events read %d, produced %d, %s %d, lag %s, errors %d",
		time.Now().Format(time.TimeOnly), source.Read, source.Records, done, sink.Records, lag, source.Errors+sink.Errors), nil
}

func traces(s status) (out []string) {
	for _, t := range s.Tasks {
		out = append(out, t.Trace)
	}
	return out
}

func put(ctx context.Context, url string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return do(req, nil)
}

func get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return do(req, into)
}

func do(req *http.Request, into any) (err error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := resp.Body.Close(); err == nil {
			err = closeErr
		}
	}()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var e struct{ Message string }
		if json.Unmarshal(b, &e) != nil || e.Message == "" {
			e.Message = string(b)
		}
		return fmt.Errorf("%s %s: status %d: %s", req.Method, req.URL, resp.StatusCode, e.Message)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}
