package node

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// logs collects what a node logs, at every level.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a node on a broker of its own, both in this process.
type running struct {
	bound []string
	url   string
	logs  *logs
	// stop stops the node and returns what Run returned.
	stop func() error
}

// run starts a node and waits until it is ready. It stops with the test.
func run(t *testing.T, props map[string]string, change func(*Options)) *running {
	t.Helper()
	r, err := tryRun(t, props, change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryRun(t *testing.T, props map[string]string, change func(*Options)) (*running, error) {
	t.Helper()
	return runOn(t, newBroker(t), props, change)
}

func newBroker(t *testing.T) *kafka.Broker {
	t.Helper()
	broker, err := kafka.StartBroker(kafka.BrokerConfig{InMemory: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

// runOn starts a node on a broker, which others may use, too.
func runOn(t *testing.T, broker *kafka.Broker, props map[string]string, change func(*Options)) (*running, error) {
	t.Helper()
	all := map[string]string{
		"bootstrap.servers": broker.Addr(), "group.id": "test", "listeners": "http://127.0.0.1:0",
		"config.storage.topic": "configs", "offset.storage.topic": "offsets", "status.storage.topic": "statuses",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "1", "status.storage.partitions": "1",
		"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
	}
	maps.Copy(all, props)
	r := &running{logs: &logs{}}
	ready := make(chan Addresses, 1)
	o := Options{
		Props: all, Mode: settings.Distributed, Solo: true, Plugins: standard.Registry(), Levels: logging.New("TRACE"), Commit: "c0ffee", Dial: broker.Dial,
		LogTo: slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.Level(-100)}), Ready: func(a Addresses) { ready <- a },
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	select {
	case a := <-ready:
		r.bound, r.url, r.stop = a.Bound, strings.TrimSuffix(a.REST, "/"), stop
	case err := <-ended:
		cancel()
		return nil, err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return r, nil
}

// send sends JSON, or nothing if body is "", and returns the answer.
func send(t *testing.T, client *http.Client, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}
