package store

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// logText is a logger and what it has logged.
type logText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logText) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func startBroker(t testing.TB) *kafka.Broker {
	t.Helper()
	b, err := kafka.StartBroker(kafka.BrokerConfig{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func clientOpts(b *kafka.Broker) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(b.Addr()), kgo.Dialer(b.Dial), kgo.DisableClientMetrics()}
}

func topicOptions(t testing.TB, b *kafka.Broker, topic string, partitions int32, logger *slog.Logger) TopicOptions {
	t.Helper()
	a, err := kafka.NewAdmin(kafka.AdminOptions{Brokers: b.Addr(), Client: clientOpts(b), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return TopicOptions{
		Topic: kafka.InternalTopic{Name: topic, Partitions: partitions, ReplicationFactor: 1}, Admin: a, Brokers: b.Addr(),
		Reader: clientOpts(b), Writer: clientOpts(b), Logger: logger,
	}
}

type startStopper interface {
	Start(context.Context) error
	Stop(context.Context) error
}

func start(t testing.TB, s startStopper) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// produce writes records as another worker would.
func produce(t testing.TB, b *kafka.Broker, topic string, samples ...sample) {
	t.Helper()
	c, err := kgo.NewClient(clientOpts(b)...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range samples {
		if err := c.ProduceSync(context.Background(), &kgo.Record{Topic: topic, Key: []byte(s.key), Value: s.bytes()}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// dump reads all records of a topic, partition by partition, as "key=value".
func dump(t testing.TB, b *kafka.Broker, topic string) []string {
	t.Helper()
	ctx := context.Background()
	c, err := kgo.NewClient(append(clientOpts(b), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	for p, o := range ends[topic] {
		if o.Offset > 0 {
			left[p] = o.Offset
		}
	}
	all := map[int32][]string{}
	for len(left) > 0 {
		for _, r := range c.PollFetches(ctx).Records() {
			all[r.Partition] = append(all[r.Partition], string(r.Key)+"="+string(r.Value))
			if r.Offset >= left[r.Partition]-2 { // the last may be a transaction's marker
				delete(left, r.Partition)
			}
		}
	}
	var flat []string
	for p := range int32(len(ends[topic])) {
		flat = append(flat, all[p]...)
	}
	return flat
}

// events notes what a listener hears.
type events struct {
	mu   sync.Mutex
	seen []string
}

func (e *events) add(parts ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, strings.Join(parts, " "))
}

func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := e.seen
	e.seen = nil
	return seen
}

func (e *events) OnConnectorUpdate(c string) { e.add("update", c) }
func (e *events) OnConnectorRemove(c string) { e.add("remove", c) }
func (e *events) OnTasksUpdate(c string, tasks []state.TaskID) {
	var ids []string
	for _, id := range tasks {
		ids = append(ids, id.String())
	}
	e.add("tasks", c, strings.Join(ids, ","))
}
func (e *events) OnTargetStateChange(c string)       { e.add("target", c) }
func (e *events) OnSessionKey(k state.SessionKey)    { e.add("key", k.Algorithm) }
func (e *events) OnRestart(r state.RestartRequest)   { e.add("restart", r.Connector) }
func (e *events) OnLoggerLevel(logger, level string) { e.add("level", logger, level) }

func (e *events) expect(t testing.TB, want ...string) {
	t.Helper()
	if got := e.take(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}
