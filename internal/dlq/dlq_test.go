package dlq

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/preview"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

// world is a broker with a topic of letters.
type world struct {
	t      *testing.T
	client *kgo.Client
	queue  *Queue
}

func newWorld(t *testing.T) *world {
	t.Helper()
	broker, err := kafka.StartBroker(kafka.BrokerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cl.Close()
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t, cl, Open(map[string]string{"bootstrap.servers": broker.Addr()}, kafka.Env{}, "dlq")}
	if _, err := kadm.NewClient(cl).CreateTopics(t.Context(), 2, 1, nil, "dlq", "orders", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) write(rs ...*kgo.Record) {
	w.t.Helper()
	if err := w.client.ProduceSync(w.t.Context(), rs...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// letter is a record that a sink could not convert.
func letter(partition int32, n int, value, exception, message string) *kgo.Record {
	r := &kgo.Record{
		Topic: "dlq", Partition: partition, Key: fmt.Appendf(nil, "k%d", n), Value: []byte(value),
		Timestamp: time.UnixMilli(1700000000000 + int64(n)*1000), Headers: []kgo.RecordHeader{{Key: "own", Value: []byte("kept")}},
	}
	for _, h := range [][2]string{
		{"topic", "orders"}, {"partition", "0"}, {"offset", fmt.Sprint(n)}, {"connector.name", "sink"}, {"task.id", "0"},
		{"stage", "VALUE_CONVERTER"}, {"class.name", "org.apache.kafka.connect.json.JsonConverter"},
		{"exception.class.name", exception}, {"exception.message", message}, {"exception.stacktrace", exception + ": " + message + "\n\tat one\n\tat two\n\tat three\n"},
	} {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: prefix + h[0], Value: []byte(h[1])})
	}
	return r
}

const dataException = "org.apache.kafka.connect.errors.DataException"

func (w *world) letters() {
	w.write(
		letter(0, 1, "{bad", dataException, "cannot read line 1"),
		letter(0, 2, `{"a":1}`, dataException, "cannot read line 2"),
		letter(1, 3, "\xff\x00", "java.lang.IllegalStateException", "no field \"x\""),
		&kgo.Record{Topic: "dlq", Partition: 1, Value: []byte("of a sink without context headers"), Timestamp: time.UnixMilli(1700000009000)},
	)
}

// values are those of a topic's committed records, in order.
func (w *world) values(topic string) string {
	w.t.Helper()
	var out []string
	q := Open(w.queue.props, kafka.Env{}, topic)
	if err := q.read(w.t.Context(), topic, func(r *kgo.Record) error {
		out = append(out, fmt.Sprintf("%s=%s%v", r.Key, r.Value, r.Headers))
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func (w *world) replay(o Replay) Result {
	w.t.Helper()
	sum, err := w.queue.Replay(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return sum
}

func (w *world) summary() *Summary {
	w.t.Helper()
	replayed, err := w.queue.Replayed(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	s := NewSummary("dlq")
	if err := w.queue.Each(w.t.Context(), func(l Letter) error {
		s.Add(l, replayed[l.Mark()], 1)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	s.Sort()
	return s
}

func TestInspect(t *testing.T) {
	w := newWorld(t)
	w.letters()
	var text, asJSON bytes.Buffer
	s := w.summary()
	if err := s.Print(&text); err != nil {
		t.Fatal(err)
	}
	if err := s.JSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	golden(t, "inspect.txt", text.String())
	golden(t, "inspect.json", asJSON.String())
}

func TestReplayIsOnce(t *testing.T) {
	w := newWorld(t)
	w.letters()
	cause := w.summary().Causes[0].ID
	if got := w.replay(Replay{Causes: []string{cause}, DryRun: true}); got != (Result{Replayed: 2, Other: 2}) {
		t.Errorf("%+v", got)
	}
	if got := w.values("orders"); got != "" {
		t.Errorf("a dry run wrote %s", got)
	}
	if got := w.replay(Replay{Causes: []string{cause}, Limit: 1}); got.Replayed != 1 {
		t.Errorf("%+v", got)
	}
	if got := w.replay(Replay{Causes: []string{cause}}); got != (Result{Replayed: 1, Before: 1, Other: 2}) {
		t.Errorf("%+v", got)
	}
	if got := w.replay(Replay{Causes: []string{cause}}); got != (Result{Before: 2, Other: 2}) {
		t.Errorf("%+v", got)
	}
	got := w.values("orders")
	for _, want := range []string{"k1={bad[{own [107 101 112 116]}]", `k2={"a":1}[{own [107 101 112 116]}]`} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%s, want %s once", got, want)
		}
	}
	if s := w.summary(); s.Replayed != 2 || s.Causes[0].Replayed != 2 {
		t.Errorf("%+v", s)
	}
	_, err := w.queue.Replay(t.Context(), Replay{})
	if err == nil || !strings.Contains(err.Error(), "dlq-1-1 does not tell which topic") || !strings.Contains(err.Error(), "--to") {
		t.Error(err)
	}
	if got := w.replay(Replay{To: "elsewhere"}); got != (Result{Replayed: 2, Before: 2}) {
		t.Errorf("%+v", got)
	}
}

// What was written in a transaction that did not end is not there, and is written again.
func TestReplayIsAtomic(t *testing.T) {
	w := newWorld(t)
	w.letters()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := w.queue.Replay(ctx, Replay{To: "elsewhere", Limit: 2, Passes: func(_ context.Context, l []Letter) ([]bool, error) {
		n++
		cancel() // before the transaction is committed
		return []bool{true, true}[:len(l)], nil
	}})
	if err == nil || n == 0 {
		t.Fatal("a replay that was cut short ended well")
	}
	if got := w.replay(Replay{To: "elsewhere"}); got.Replayed != 4 || got.Before != 0 {
		t.Errorf("%+v", got)
	}
	if got := strings.Count(w.values("elsewhere"), "="); got != 4 {
		t.Errorf("%d records, want 4: %s", got, w.values("elsewhere"))
	}
}

func TestReplayWithPreview(t *testing.T) {
	w := newWorld(t)
	w.letters()
	var failures bytes.Buffer
	config := map[string]string{
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		"transforms": "t", "transforms.t.type": "org.apache.kafka.connect.transforms.ExtractField$Value", "transforms.t.field": "a",
	}
	passes := Preview(preview.New(standard.Registry(), time.Now), config, &failures)
	if got := w.replay(Replay{To: "elsewhere", Passes: passes}); got != (Result{Replayed: 1, Fail: 3}) {
		t.Errorf("%+v\n%s", got, failures.String())
	}
	if got := w.values("elsewhere"); !strings.HasPrefix(got, `k2={"a":1}`) {
		t.Error(got)
	}
	if !strings.HasPrefix(failures.String(), "partition 0 offset 0 would fail again: org.apache.kafka.connect.errors.DataException: ") {
		t.Error(failures.String())
	}
	config["transforms.t.type"] = "Nope"
	if _, err := w.queue.Replay(t.Context(), Replay{To: "elsewhere", Passes: Preview(preview.New(standard.Registry(), time.Now), config, &failures)}); err == nil || !strings.Contains(err.Error(), "the configuration is wrong: ") {
		t.Error(err)
	}
}

func TestUnknownTopic(t *testing.T) {
	w := newWorld(t)
	err := Open(w.queue.props, kafka.Env{}, "nope").Each(t.Context(), func(Letter) error { return nil })
	if err == nil || !strings.HasPrefix(err.Error(), "there is no topic nope; ") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("__connect.errors.offset", []byte("12"), "m 12")
	f.Add("x", []byte(nil), "")
	f.Fuzz(func(t *testing.T, name string, value []byte, message string) {
		r := &kgo.Record{Value: value, Headers: []kgo.RecordHeader{{Key: name, Value: value}, {Key: prefix + "exception.message", Value: []byte(message)}}}
		l := Parse(r)
		if len(l.Cause()) != 8 || len(l.Headers) > 1 {
			t.Errorf("%+v", l)
		}
		s := NewSummary("t")
		s.Add(l, false, 1)
		var out bytes.Buffer
		if err := s.Print(&out); err != nil {
			t.Error(err)
		}
	})
}
