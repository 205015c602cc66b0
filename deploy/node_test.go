package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
)

// worker is a node with a broker in memory, as 'moldau dev' has them.
type worker struct {
	url    string
	broker *kafka.Broker
}

func startWorker(t *testing.T) *worker {
	t.Helper()
	broker, err := kafka.StartBroker(kafka.BrokerConfig{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan node.Addresses, 1)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- node.Run(ctx, node.Options{
			Mode: settings.Distributed, Solo: true, Plugins: standard.Registry(), Levels: logging.New("error"), LogTo: slog.DiscardHandler,
			Dial: broker.Dial, Ready: func(a node.Addresses) { ready <- a },
			Props: map[string]string{
				"bootstrap.servers": broker.Addr(), "group.id": "deploy", "listeners": "http://127.0.0.1:0",
				"config.storage.topic": "configs", "offset.storage.topic": "offsets", "status.storage.topic": "statuses",
				"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
				"offset.storage.partitions": "1", "status.storage.partitions": "1", "offset.flush.interval.ms": "1000",
				"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, broker.Close()); err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-ready:
		return &worker{strings.TrimSuffix(a.REST, "/"), broker}
	case err := <-ended:
		ended <- err
		t.Fatalf("the worker ended: %v", err)
		return nil
	}
}

// send makes a request as curl does and returns the answer of the wanted status.
func (w *worker) send(t *testing.T, method, path string, body []byte, want int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, want, answer)
	}
	return answer
}

// running waits until a connector and a task of it run.
func (w *worker) running(t *testing.T, name string) {
	t.Helper()
	type state struct{ State, Trace string }
	eventually(t, func() error {
		var s struct {
			Connector state
			Tasks     []state
		}
		if err := w.get(t.Context(), "/connectors/"+name+"/status", &s); err != nil {
			return err
		}
		if s.Connector.State != "RUNNING" || len(s.Tasks) == 0 || s.Tasks[0].State != "RUNNING" {
			return fmt.Errorf("%s is %+v", name, s)
		}
		return nil
	})
}

func (w *worker) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %s", path, resp.StatusCode, body)
	}
	return json.Unmarshal(body, into)
}

// record returns the first record of a topic.
func (w *worker) record(t *testing.T, topic string) *kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Addr()), kgo.Dialer(w.broker.Dial), kgo.ConsumeTopics(topic), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		fetched := cl.PollRecords(ctx, 1)
		for _, r := range fetched.Records() {
			return r
		}
		if ctx.Err() != nil {
			t.Fatalf("no record in %s: %v", topic, fetched.Err())
		}
	}
}

// patience is how long anything that should happen may take.
const patience = 30 * time.Second

// eventually waits until check returns nil, and fails with its last error.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", patience, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}
