//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/refstack"
)

const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
	jsonConverter   = "org.apache.kafka.connect.json.JsonConverter"
	transformsClass = "org.apache.kafka.connect.transforms."
)

// failing is a connector of which some records fail.
type failing struct {
	name string
	// in are the records of a sink's topic.
	in []*kgo.Record
	// lines are those of a source's file; a sink has none.
	lines  string
	config map[string]string
	// fails is how many of a source's records fail.
	fails int
}

func failures() []failing {
	value := func(vs ...string) (out []*kgo.Record) {
		for i, v := range vs {
			out = append(out, &kgo.Record{Key: fmt.Append(nil, i), Value: []byte(v), Timestamp: time.UnixMilli(1700000000000 + int64(i)), Headers: []kgo.RecordHeader{{Key: "own", Value: []byte("kept")}}})
		}
		return out
	}
	return []failing{
		{name: "json", in: value(`{bad`, `{"a":1`, "{\"a\":\"\xff\xfe\"}", `{"a":NaN}`, strings.Repeat("[", 1100), `{"a":1}}`, `nul`, `{"a":01}`, `{'a':1}`, `"open`, `{"a":1,}`, "\x00\x01", `{"good":1}`),
			config: map[string]string{"value.converter": jsonConverter, "value.converter.schemas.enable": "false"}},
		{name: "envelope", in: value(`{"a":1}`, `{"schema":{"type":"int32"},"payload":"text"}`, `{"schema":{"type":"none"},"payload":1}`, `{"schema":{"type":"struct","fields":[{"type":"string","field":"f"}]},"payload":{}}`,
			`{"schema":{"type":"array"},"payload":[]}`, `7`, `{"schema":{"type":"string"},"payload":"good"}`),
			config: map[string]string{"value.converter": jsonConverter}},
		{name: "key", in: []*kgo.Record{{Key: []byte("{"), Value: []byte("x")}, {Key: []byte("1"), Value: []byte("good")}},
			config: map[string]string{"value.converter": stringConverter, "key.converter": jsonConverter, "key.converter.schemas.enable": "false"}},
		{name: "header", in: []*kgo.Record{{Value: []byte("x"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("{")}}}, {Value: []byte("good"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}}}},
			config: map[string]string{"value.converter": stringConverter, "header.converter": jsonConverter, "header.converter.schemas.enable": "false"}},
		{name: "cast", in: value(`{"n":"x"}`, `7`, `{"n":"99999999999"}`, `{"n":"5"}`),
			config: map[string]string{"value.converter": jsonConverter, "value.converter.schemas.enable": "false",
				"transforms": "c", "transforms.c.type": transformsClass + "Cast$Value", "transforms.c.spec": "n:int32"}},
		{name: "time", in: value(`{"at":"yesterday"}`, `{"at":true}`, `{"at":"2026-01-02"}`),
			config: map[string]string{"value.converter": jsonConverter, "value.converter.schemas.enable": "false",
				"transforms": "t", "transforms.t.type": transformsClass + "TimestampConverter$Value", "transforms.t.field": "at", "transforms.t.target.type": "unix", "transforms.t.format": "yyyy-MM-dd"}},
		{name: "lines", fails: 2, lines: "1\nnone\n-\n22\n",
			config: map[string]string{"value.converter": stringConverter, "transforms": "c", "transforms.c.type": transformsClass + "Cast$Value", "transforms.c.spec": "int64"}},
	}
}

// The same connectors fail for the same records on Apache's worker and on ours. What
// both say of that is equal: lines of the log, but for time, logger and Java's stack
// frames, and the headers of dead letters.
func compareErrors(t *testing.T, apache string) {
	path, url := properties(t, unique(t, "g"), map[string]string{"moldau.log.format": "json"})
	p := start(t, url, "worker", path).ready()
	t.Cleanup(func() {
		if t.Failed() {
			text, err := os.ReadFile(servers.Log(refstack.Connect))
			t.Logf("the end of the log of Apache's worker: %s %v", tail(text, 8000), err)
		}
	})
	for _, f := range failures() {
		for _, messages := range []string{"true", "false"} {
			t.Run(f.name+"/"+messages, func(t *testing.T) {
				topic := ""
				if f.in != nil {
					topic = newTopic(t, 1)
					for _, r := range f.in {
						c := *r
						c.Topic = topic
						produce(t, &c)
					}
				}
				their := f.run(t, apache, "a", topic, messages)
				our := f.run(t, url, "m", topic, messages)
				n := max(f.fails, len(their.letters))
				their.log = apacheLog(t, servers.Log(refstack.Connect), their.connector, n)
				our.log = ourLog(t, p.log, our.connector, n)
				their.compare(t, our)
			})
		}
	}
}

// said is what a worker said of a connector's failures.
type said struct {
	connector, topic string
	log              []string
	// letters are the dead letters: key, value, time and headers.
	letters []string
}

// run runs the connector until all records have arrived somewhere. The names of two
// runs differ in one letter.
func (f failing) run(t *testing.T, url, mark, topic, messages string) said {
	t.Helper()
	s := said{connector: "compared-" + f.name + "-" + messages + "-" + mark}
	config := map[string]string{
		"tasks.max": "1", "key.converter": stringConverter,
		"errors.tolerance": "all", "errors.log.enable": "true", "errors.log.include.messages": messages,
	}
	file := filepath.Join(t.TempDir(), "out")
	letters := unique(t, "dlq")
	if f.in != nil {
		maps.Copy(config, deadLetters(letters))
		maps.Copy(config, map[string]string{"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": file, "topics": topic})
	} else {
		// Its name is in the log, so it has to be the same for both.
		file = filepath.Join(servers.dir, "errors-"+f.name+"-"+messages)
		if err := os.WriteFile(file, []byte(f.lines), 0o600); err != nil {
			t.Fatal(err)
		}
		topic = newTopic(t, 1)
		maps.Copy(config, map[string]string{"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": file, "topic": topic})
	}
	maps.Copy(config, f.config)
	create(t, url, s.connector, config)
	t.Cleanup(func() { remove(t, url, s.connector) })
	if f.in == nil {
		consume(t, servers.addr(refstack.Kafka), topic, strings.Count(f.lines, "\n")-f.fails)
		s.topic = topic
		return s
	}
	var dead []*kgo.Record
	eventually(t, 30*time.Second, func() error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		dead = topicRecords(t, letters)
		if n := bytes.Count(text, []byte("\n")); n+len(dead) != len(f.in) {
			return fmt.Errorf("%d of %d records arrived, %d are dead letters", n, len(f.in), len(dead))
		}
		return nil
	})
	for _, r := range dead {
		text := fmt.Sprintf("key %q, value %q at %d", r.Key, r.Value, r.Timestamp.UnixMilli())
		for _, h := range r.Headers {
			v := string(h.Value)
			if strings.HasSuffix(h.Key, ".exception.stacktrace") {
				v = withoutFrames(v)
			}
			text += fmt.Sprintf("\n  %s=%q, null: %v", h.Key, v, h.Value == nil)
		}
		s.letters = append(s.letters, text)
	}
	return s
}

// compare wants both to have said the same.
func (s said) compare(t *testing.T, our said) {
	t.Helper()
	same := func(what string, their, our []string) {
		if len(their) == 0 && what == "log" || len(their) != len(our) {
			t.Errorf("%s: %d and %d entries", what, len(their), len(our))
			return
		}
		for i := range their {
			if their[i] != our[i] {
				t.Errorf("%s %d: Apache's is\n%s\nours is\n%s", what, i, their[i], our[i])
			}
		}
	}
	same("log", s.plain(s.log), our.plain(our.log))
	same("letter", s.plain(s.letters), our.plain(our.letters))
}

// plain takes out the names that are the connector's own.
func (s said) plain(texts []string) (out []string) {
	for _, text := range texts {
		text = strings.ReplaceAll(text, s.connector, "CONNECTOR")
		if s.topic != "" { // that of a source, whose records have the time at which they were read
			text = readAt.ReplaceAllString(strings.ReplaceAll(text, s.topic, "TOPIC"), "timestamp=NOW")
		}
		out = append(out, text)
	}
	return out
}

var readAt = regexp.MustCompile(`timestamp=\d{13}\b`)

var frames = regexp.MustCompile(`(?m)^\s+(at .*|\.\.\. \d+ (more|common frames omitted))\n?`)

// withoutFrames leaves of a Java stack trace the lines that name exceptions.
func withoutFrames(trace string) string { return strings.TrimSpace(frames.ReplaceAllString(trace, "")) }

// entry begins one of Apache's log.
var entry = regexp.MustCompile(`(?m)^\[[^\]]+\] ([A-Z]+) `)

// apacheLog are the entries about a connector's failures in the log of Apache's worker.
func apacheLog(t *testing.T, path, connector string, n int) (out []string) {
	t.Helper()
	awaitLog(t, n, func() []string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = nil
		starts := entry.FindAllIndex(text, -1)
		for i, at := range starts {
			end := len(text)
			if i+1 < len(starts) {
				end = starts[i+1][0]
			}
			e := string(text[at[1]:end])
			if !strings.Contains(e, "Error encountered in task "+connector+"-0.") {
				continue
			}
			e = strings.Replace(e, "(org.apache.kafka.connect.runtime.errors.LogReporter$Sink)", "", 1)
			e = strings.Replace(e, "(org.apache.kafka.connect.runtime.errors.LogReporter$Source)", "", 1)
			e = strings.Replace(e, "(org.apache.kafka.connect.runtime.errors.LogReporter)", "", 1)
			message, trace, _ := strings.Cut(e, "\n")
			if at := strings.Index(message, "] "); strings.HasPrefix(message, "[") && at > 0 {
				message = message[at+2:] // the connector's context
			}
			out = append(out, strings.TrimSpace(message)+"\n"+withoutFrames(trace))
		}
		return out
	})
	return out
}

// ourLog are those in the log of ours.
func ourLog(t *testing.T, path, connector string, n int) (out []string) {
	t.Helper()
	awaitLog(t, n, func() []string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = nil
		for line := range bytes.Lines(text) {
			var e struct{ Level, Msg, Error string }
			if json.Unmarshal(line, &e) == nil && e.Level == "ERROR" && strings.Contains(e.Msg, "Error encountered in task "+connector+"-0.") {
				out = append(out, e.Msg+"\n"+withoutFrames(e.Error))
			}
		}
		return out
	})
	return out
}

func awaitLog(t *testing.T, n int, read func() []string) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		if got := read(); len(got) < n {
			return fmt.Errorf("%d entries, want %d: %q", len(got), n, slices.Clip(got))
		}
		return nil
	})
}
