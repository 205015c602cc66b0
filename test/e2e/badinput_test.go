package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins/standard"
)

// lines collects a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// at are the lines of a level that hold a text.
func (l *lines) at(level, text string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, " level="+level+" ") && strings.Contains(line, text) {
			out = append(out, line)
		}
	}
	return out
}

// inProcess runs what 'moldau dev' runs in this process, to the end of the test.
func inProcess(t *testing.T) (rest string, log *lines) {
	t.Helper()
	log = &lines{}
	ready, ended := make(chan string, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	dev := node.Dev{DataDir: t.TempDir(), REST: "127.0.0.1:0", Kafka: "127.0.0.1:0", Set: []string{"offset.flush.interval.ms=100"}}
	o := node.Options{
		Plugins: standard.Registry(), Levels: logging.New("INFO"),
		LogTo: slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.Level(-100)}),
	}
	go func() { ended <- dev.Run(ctx, o, func(a node.Addresses, _ string) { ready <- a.REST }) }()
	select {
	case rest = <-ready:
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return rest, log
}

// good is a pipeline that was there before the bad input, from the stream to a file.
type good struct {
	p    *pipeline
	rest string
	file string
	n    int64
}

func newGood(t *testing.T, rest string) *good {
	t.Helper()
	g := &good{p: newPipeline(t), rest: rest}
	g.file = filepath.Join(g.p.dir, "good.jsonl")
	text := "org.apache.kafka.connect.storage.StringConverter"
	create(t, rest, "good-source", g.p.source("data", text))
	create(t, rest, "good-sink", map[string]string{
		"connector.class": "FileStreamSink", "topics": topic, "file": g.file, "key.converter": text, "value.converter": text,
	})
	g.stillRuns(t)
	return g
}

// stillRuns lets one more event through, which has to arrive.
func (g *good) stillRuns(t *testing.T) {
	t.Helper()
	g.n++
	g.p.feed.open(g.n)
	eventually(t, 30*time.Second, func() error {
		text, err := os.ReadFile(g.file)
		if err == nil && int64(bytes.Count(text, []byte{'\n'})) != g.n {
			err = fmt.Errorf("%d bytes in the good sink's file, want %d events", len(text), g.n)
		}
		return err
	})
}

func contains(t *testing.T, what, text string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}

// Bad requests get one answer that names the key, the value and the cure, in Connect's
// words where Connect has words for it; bad connectors say in their status what is
// wrong. Good ones are not disturbed. What is wrong with commands is in cmd/moldau.
func TestBadInput(t *testing.T) {
	t.Parallel()
	rest, log := inProcess(t)
	g := newGood(t, rest)
	const (
		sse    = `"connector.class":"io.moldau.connect.sse.ServerSentEventsSourceConnector","topic":"bad"`
		source = `"connector.class":"FileStreamSource","topic":"bad","file":"/dev/null"`
		// invalid and end are Connect's words around the errors of a configuration.
		invalid = "Connector configuration is invalid and contains the following %d error(s):\n"
		end     = "\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
		body    = "the request's body is not the JSON that is expected here: "
	)
	t.Run("refused", func(t *testing.T) {
		for _, c := range []struct {
			name, method, path, body string
			status                   int
			// message is the whole of it, unless it ends with …, when it is the start.
			message string
		}{
			{"wrong URL", "POST", "connectors", `{"name":"bad","config":{` + sse + `,"sse.uri":"ftp://example.com/events"}}`, 400,
				fmt.Sprintf(invalid, 1) + "Invalid value ftp://example.com/events for configuration sse.uri: the scheme must be http or https; give a URL such as https://stream.example.com/events" + end},
			{"no URL", "POST", "connectors", `{"name":"bad","config":{` + sse + `,"sse.uri":"example.com"}}`, 400,
				fmt.Sprintf(invalid, 1) + "Invalid value example.com for configuration sse.uri: the scheme must be http or https; give a URL such as https://stream.example.com/events" + end},
			{"missing URL", "POST", "connectors", `{"name":"bad","config":{` + sse + `}}`, 400,
				fmt.Sprintf(invalid, 1) + `Missing required configuration "sse.uri" which has no default value.` + end},
			{"wrong host of Elasticsearch", "POST", "connectors",
				`{"name":"bad","config":{"connector.class":"io.confluent.connect.elasticsearch.ElasticsearchSinkConnector","topics":"bad","connection.url":"http://no-such-host.invalid:9200"}}`, 400,
				fmt.Sprintf(invalid, 1) + "Could not connect to Elasticsearch. Error message: …"},
			{"unknown class", "POST", "connectors", `{"name":"bad","config":{"connector.class":"no.such.Connector"}}`, 400,
				"Failed to find any class that implements Connector and which name matches no.such.Connector, available connectors are: PluginDesc{klass=class …"},
			{"no class", "POST", "connectors", `{"name":"bad","config":{"topics":"t"}}`, 400, "Connector config {name=bad, topics=t} contains no connector type"},
			{"unknown converter", "POST", "connectors", `{"name":"bad","config":{` + source + `,"value.converter":"no.such.Converter"}}`, 400,
				fmt.Sprintf(invalid, 1) + "Invalid value no.such.Converter for configuration value.converter: Class no.such.Converter could not be found." + end},
			{"unknown transform", "POST", "connectors", `{"name":"bad","config":{` + source + `,"transforms":"a","transforms.a.type":"no.such.Transform"}}`, 400,
				fmt.Sprintf(invalid, 1) + "Invalid value no.such.Transform for configuration transforms.a.type: Class no.such.Transform could not be found." + end},
			// Connect reports the missing number, too.
			{"tasks.max is no number", "POST", "connectors", `{"name":"bad","config":{` + source + `,"tasks.max":"many"}}`, 400,
				fmt.Sprintf(invalid, 2) + "Invalid value many for configuration tasks.max: Not a number of type INT\nInvalid value null for configuration tasks.max: Value must be non-null" + end},
			{"tasks.max is no number, again", "PUT", "connectors/bad/config", `{` + source + `,"tasks.max":"1.5"}`, 400,
				fmt.Sprintf(invalid, 2) + "Invalid value 1.5 for configuration tasks.max: Not a number of type INT\nInvalid value null for configuration tasks.max: Value must be non-null" + end},
			{"tasks.max is 0", "POST", "connectors", `{"name":"bad","config":{` + source + `,"tasks.max":"0"}}`, 400,
				fmt.Sprintf(invalid, 1) + "Invalid value 0 for configuration tasks.max: Value must be at least 1" + end},
			{"no body", "POST", "connectors", "", 500, "No content to map due to end-of-input"},
			{"blank body", "POST", "connectors", " \n", 500, "No content to map due to end-of-input"},
			{"body cut off", "POST", "connectors", `{"name":"bad",`, 500, body + "it ends within a value, at byte 14; close what is open"},
			{"configuration cut off", "PUT", "connectors/bad/config", `{"topic":"ba`, 500, body + "it ends within a value, at byte 12; close what is open"},
			{"not JSON", "POST", "connectors", `{"name":bad}`, 500, body + "invalid character 'b' looking for beginning of value, at byte 9 of 12; correct it there"},
			{"not an object", "POST", "connectors", `["bad"]`, 500, body + "an object is expected, not ["},
			{"a structure for a value", "POST", "connectors", `{"name":"bad","config":{"topics":["a","b"]}}`, 500, body + `the value of "topics" must be a string, not an object or array`},
			{"unknown field", "POST", "connectors", `{"name":"bad","configuration":{}}`, 500,
				body + `Unrecognized field "configuration", not marked as ignorable (3 known properties: "name", "config", "initial_state")`},
			{"two values", "POST", "connectors", `{"name":"bad","config":{}} {}`, 500, "there is more in the request's body than one JSON value"},
			{"no such connector", "GET", "connectors/bad/status", "", 404, "No status found for connector bad"},
			{"to validate, cut off", "PUT", "connector-plugins/FileStreamSource/config/validate", `{`, 500, body + "it ends within a value, at byte 1; close what is open"},
		} {
			t.Run(c.name, func(t *testing.T) {
				status, answer := request(t, c.method, rest+c.path, c.body)
				var got struct {
					Code    int `json:"error_code"`
					Message string
				}
				if err := json.Unmarshal([]byte(answer), &got); err != nil || status != c.status || got.Code != c.status {
					t.Errorf("status %d, want %d: %s", status, c.status, answer)
				}
				if start, cut := strings.CutSuffix(c.message, "…"); got.Message != c.message && (!cut || !strings.HasPrefix(got.Message, start)) {
					t.Errorf("the message is\n%s\nwant\n%s", got.Message, c.message)
				}
				g.stillRuns(t)
			})
		}
	})
	t.Run("failed", func(t *testing.T) {
		for _, c := range []struct {
			name   string
			config map[string]string
			want   []string
		}{
			{"wrong port", map[string]string{
				"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "topic": "bad", "sse.uri": "http://127.0.0.1:1/events",
				"retry.max.attempts": "1", "retry.backoff.initial.ms": "1",
			}, []string{"sse.uri=http://127.0.0.1:1/events", "retry.max.attempts=1", "connection refused", "see whether the server runs"}},
			{"wrong path", map[string]string{
				"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "topic": "bad", "sse.uri": rest + "events",
			}, []string{"sse.uri=" + rest + "events", "404"}},
			{"large event", map[string]string{
				"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "topic": "bad", "sse.uri": g.p.url, "sse.event.max.bytes": "100",
			}, []string{"sse.uri=" + g.p.url, "sse.event.max.bytes=100", "the first event is larger", "raise sse.event.max.bytes"}},
			{"no directory", map[string]string{"connector.class": "FileStreamSink", "topics": topic, "file": "/no/such/directory/file"},
				[]string{"'/no/such/directory/file'", "check that the directory in file exists"}},
			{"a directory for a file", map[string]string{"connector.class": "FileStreamSource", "topic": "bad", "file": os.TempDir()},
				[]string{"file=" + os.TempDir(), "check the path"}},
			{"not JSON", map[string]string{
				"connector.class": "FileStreamSink", "topics": "bad-lines", "file": os.DevNull, "value.converter": "org.apache.kafka.connect.json.JsonConverter",
			}, []string{"Converting byte[] to Kafka Connect data failed due to serialization error"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				name := strings.ReplaceAll(c.name, " ", "-")
				if name == "not-JSON" {
					notJSON(t, rest)
				}
				create(t, rest, name, c.config)
				trace := failure(t, rest, name)
				contains(t, "the trace", trace, c.want)
				if said := log.at("ERROR", " connector="+name+" "); len(said) != 1 {
					t.Errorf("the log has %d errors, want 1:\n%s", len(said), strings.Join(said, ""))
				} else {
					contains(t, "the log", said[0], c.want)
				}
				g.stillRuns(t)
				if status, answer := request(t, http.MethodDelete, rest+"connectors/"+name, ""); status != http.StatusNoContent {
					t.Errorf("deleting it: %d %s", status, answer)
				}
			})
		}
	})
	// A name server says that there is no such host, and the task fails, or it does not
	// answer, and the task goes on trying.
	t.Run("wrong host", func(t *testing.T) {
		const uri = "http://no-such-host.invalid/events"
		create(t, rest, "wrong-host", map[string]string{
			"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "topic": "bad", "sse.uri": uri,
		})
		var said string
		eventually(t, 30*time.Second, func() error {
			all := append(log.at("ERROR", " connector=wrong-host "), log.at("WARN", " connector=wrong-host ")...)
			if len(all) == 0 {
				return fmt.Errorf("nothing of it in the log")
			}
			said = all[0]
			return nil
		})
		contains(t, "the log", said, []string{uri, "lookup no-such-host.invalid"})
		g.stillRuns(t)
	})
}

// notJSON puts lines that are not JSON into a topic.
func notJSON(t *testing.T, rest string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(path, []byte("no JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, rest, "lines", map[string]string{
		"connector.class": "FileStreamSource", "topic": "bad-lines", "file": path, "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	})
}

// failure waits until a connector's task has failed, and returns its trace.
func failure(t *testing.T, rest, name string) (trace string) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		_, answer := request(t, http.MethodGet, rest+"connectors/"+name+"/status", "")
		var s struct {
			Tasks []struct{ State, Trace string }
		}
		if err := json.Unmarshal([]byte(answer), &s); err != nil {
			return err
		}
		if len(s.Tasks) != 1 || s.Tasks[0].State != "FAILED" {
			return fmt.Errorf("its status is %s", answer)
		}
		trace = s.Tasks[0].Trace
		return nil
	})
	return trace
}
