package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

func connectorStatus(s state.State, worker string, generation int) state.ConnectorStatus {
	return state.ConnectorStatus{Connector: "c", State: s, WorkerID: worker, Generation: generation, Version: "4.1.1", HasVersion: true}
}

func taskStatus(n int, s state.State, worker string, generation int) state.TaskStatus {
	return state.TaskStatus{ID: state.TaskID{Connector: "c", Task: n}, State: s, WorkerID: worker, Generation: generation}
}

// settle waits until writes can be read.
func settle(t testing.TB, s StatusStore) {
	t.Helper()
	ctx := context.Background()
	must(t, s.Flush(ctx))
	if k, ok := s.(*kafkaStatuses); ok {
		must(t, k.log.ReadToEnd(ctx))
	}
}

func kafkaStatusStore(t testing.TB, b *kafka.Broker) *kafkaStatuses {
	t.Helper()
	return NewKafkaStatuses(topicOptions(t, b, "status", 5, discard())).(*kafkaStatuses)
}

func TestStatusStores(t *testing.T) {
	for _, kind := range []string{"kafka", "memory"} {
		t.Run(kind, func(t *testing.T) {
			s := NewMemoryStatuses()
			if kind == "kafka" {
				s = kafkaStatusStore(t, startBroker(t))
			}
			start(t, s)
			if _, ok := s.Connector("c"); ok {
				t.Error("there is a status at first")
			}
			failed := connectorStatus(state.Failed, "w:1", 3)
			failed.Trace, failed.HasTrace = "boom\n\tat x", true
			s.PutConnector(failed)
			s.PutTask(taskStatus(11, state.Running, "w:1", 3))
			s.PutTask(taskStatus(2, state.Paused, "w:1", 3))
			topic := state.TopicStatus{Topic: "t", Connector: "c", Task: 2, DiscoverTimestamp: 5}
			s.PutTopic(topic)
			s.PutTopic(state.TopicStatus{Topic: "a", Connector: "c"})
			settle(t, s)
			if got, ok := s.Connector("c"); !ok || got != failed {
				t.Errorf("connector %+v", got)
			}
			if got := s.Tasks("c"); len(got) != 2 || got[0] != taskStatus(2, state.Paused, "w:1", 3) || got[1].ID.Task != 11 {
				t.Errorf("tasks %+v", got)
			}
			if got, ok := s.Task(state.TaskID{Connector: "c", Task: 11}); !ok || got.State != state.Running {
				t.Errorf("task %+v", got)
			}
			if got, ok := s.Topic("c", "t"); !ok || got != topic {
				t.Errorf("topic %+v", got)
			}
			if got := s.Topics("c"); len(got) != 2 || got[0].Topic != "a" {
				t.Errorf("topics %+v", got)
			}
			if got := s.Connectors(); !slices.Equal(got, []string{"c"}) {
				t.Errorf("connectors %v", got)
			}
			s.DeleteTopic("c", "t")
			s.DeleteTopic("c", "never there")
			s.PutTask(taskStatus(2, state.Destroyed, "w:1", 3))
			settle(t, s)
			if _, ok := s.Topic("c", "t"); ok || len(s.Topics("c")) != 1 || len(s.Tasks("c")) != 1 {
				t.Error("what was removed is there")
			}
			s.PutTask(taskStatus(11, state.Destroyed, "w:1", 3))
			s.PutConnector(connectorStatus(state.Destroyed, "w:1", 3))
			settle(t, s)
			if _, ok := s.Connector("c"); ok || len(s.Tasks("c")) != 0 || len(s.Connectors()) != 0 {
				t.Error("what was removed is there")
			}
		})
	}
}

// TestStatusesOfApache reads what Apache's worker wrote.
func TestStatusesOfApache(t *testing.T) {
	b := startBroker(t)
	s := kafkaStatusStore(t, b)
	start(t, s)
	all := samples(t, "status")
	cut := slices.IndexFunc(all, func(x sample) bool { return strings.Contains(x.value, "Tolerance exceeded") }) + 1
	produce(t, b, "status", all[:cut]...)
	settle(t, s)
	if got, ok := s.Task(state.TaskID{Connector: "ifail", Task: 0}); !ok || got.State != state.Failed || !strings.HasPrefix(got.Trace, "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded") {
		t.Errorf("ifail-0 is %+v", got)
	}
	if got, ok := s.Connector("istop"); !ok || got.State != state.Stopped || got.Version != "4.1.1" {
		t.Errorf("istop is %+v", got)
	}
	if got := s.Topics("isnk"); len(got) != 1 || got[0].Topic != "demo-data" {
		t.Errorf("isnk uses %+v", got)
	}
	produce(t, b, "status", all[cut:]...)
	settle(t, s)
	if got := s.Connectors(); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestStatusTopicBytes(t *testing.T) {
	b := startBroker(t)
	s := kafkaStatusStore(t, b)
	start(t, s)
	s.PutConnector(connectorStatus(state.Running, "127.0.0.1:18085", 4))
	unassigned := connectorStatus(state.Unassigned, "127.0.0.1:18085", 5)
	unassigned.HasVersion = false
	s.PutConnector(unassigned)
	s.PutConnector(connectorStatus(state.Destroyed, "127.0.0.1:18085", 5))
	settle(t, s)
	want := []string{
		`status-connector-c={"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:18085","generation":4,"version":"4.1.1"}`,
		`status-connector-c={"state":"UNASSIGNED","trace":null,"worker_id":"127.0.0.1:18085","generation":5,"version":null}`,
		`status-connector-c=`,
	}
	if got := dump(t, b, "status"); !slices.Equal(got, want) {
		t.Errorf("wrote %q", got)
	}
}

// TestZombieStatuses has workers that report after they have lost what they report about.
func TestZombieStatuses(t *testing.T) {
	b := startBroker(t)
	s := kafkaStatusStore(t, b)
	start(t, s)
	s.PutConnector(connectorStatus(state.Running, "new:1", 5))
	s.PutTask(taskStatus(0, state.Running, "new:1", 5))
	settle(t, s)

	s.PutConnectorSafe(connectorStatus(state.Unassigned, "old:1", 4))
	s.PutTaskSafe(taskStatus(0, state.Failed, "old:1", 4))
	settle(t, s)
	if got, _ := s.Connector("c"); got.WorkerID != "new:1" {
		t.Errorf("an older generation won: %+v", got)
	}
	if got, _ := s.Task(state.TaskID{Connector: "c"}); got.WorkerID != "new:1" {
		t.Errorf("an older generation won: %+v", got)
	}
	s.PutConnectorSafe(connectorStatus(state.Failed, "new:1", 4)) // the same worker
	s.PutTaskSafe(taskStatus(0, state.Failed, "other:1", 5))      // the same generation
	settle(t, s)
	if got, _ := s.Connector("c"); got.State != state.Failed {
		t.Errorf("a worker cannot correct itself: %+v", got)
	}
	if got, _ := s.Task(state.TaskID{Connector: "c"}); got.WorkerID != "other:1" {
		t.Errorf("the same generation lost: %+v", got)
	}
	// UNASSIGNED of a worker that has lost a task, read after RUNNING of the new owner.
	s.PutTask(taskStatus(1, state.Running, "new:1", 6))
	s.PutTask(taskStatus(1, state.Unassigned, "old:1", 6))
	settle(t, s)
	if got, _ := s.Task(state.TaskID{Connector: "c", Task: 1}); got.State != state.Running {
		t.Errorf("a stale report won: %+v", got)
	}
	s.PutTask(taskStatus(1, state.Unassigned, "old:1", 7))
	settle(t, s)
	if got, _ := s.Task(state.TaskID{Connector: "c", Task: 1}); got.State != state.Unassigned {
		t.Errorf("a newer report lost: %+v", got)
	}
}

// TestStatusesAfterAnOutage has a broker that takes no records for an hour.
func TestStatusesAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBroker(t)
		s := kafkaStatusStore(t, b)
		start(t, s)
		var down atomic.Bool
		b.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			b.Cluster().KeepControl()
			if down.Load() {
				return nil, errors.New("broken"), true
			}
			return nil, nil, false
		})
		s.PutTask(taskStatus(0, state.Running, "w:1", 1))
		settle(t, s)
		down.Store(true)
		s.PutConnector(connectorStatus(state.Running, "w:1", 1)) // of a generation that ends meanwhile
		s.PutTask(taskStatus(2, state.Unassigned, "w:1", 2))     // replaced by the next
		s.PutTask(taskStatus(2, state.Running, "w:1", 2))
		s.PutTopic(state.TopicStatus{Topic: "t", Connector: "c"})
		s.DeleteTopic("c", "t")
		s.PutTopic(state.TopicStatus{Topic: "u", Connector: "c"})
		time.Sleep(time.Hour) // virtual
		down.Store(false)
		settle(t, s)
		want := []string{
			`status-task-c-0={"state":"RUNNING","trace":null,"worker_id":"w:1","generation":1,"version":null}`,
			`status-task-c-2={"state":"RUNNING","trace":null,"worker_id":"w:1","generation":2,"version":null}`,
			`status-topic-t:connector-c=`,
			`status-topic-u:connector-c={"topic":{"name":"u","connector":"c","task":0,"discoverTimestamp":0}}`,
		}
		got := dump(t, b, "status")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("wrote\n%s", strings.Join(got, "\n"))
		}
		// A store that is stopped while nothing can be written does not wait for ever.
		down.Store(true)
		s.PutTask(taskStatus(0, state.Failed, "w:1", 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := s.Flush(ctx); err == nil {
			t.Error("flushed")
		}
		if d := time.Since(begin); d > 2*time.Minute {
			t.Errorf("took %s", d)
		}
		down.Store(false)
	})
}

func TestSkippedStatuses(t *testing.T) {
	var text logText
	b := startBroker(t)
	s := NewKafkaStatuses(topicOptions(t, b, "status", 1, text.logger())).(*kafkaStatuses)
	start(t, s)
	for i, c := range []struct{ key, value, reason string }{
		{"other", `{}`, `invalid key \"other\"`},
		{"status-task-c", `{}`, `invalid key \"status-task-c\"`},
		{"status-connector-c", `[]`, "the value is not an object but array"},
		{"status-connector-c", `{"state":"FLYING"}`, `unknown state \"FLYING\"`},
		{"status-connector-c", `{"state":"RUNNING","generation":"1"}`, "field 'generation' is not an integer but string"},
		{"status-task-c-1", `{"state":"RUNNING","generation":1,"trace":5}`, "field 'trace' is not a string but int64"},
		{"status-task-c-1", `null`, "the value is not an object but null"},
		{"status-topic-t:connector-c", `{"topic":[]}`, "field 'topic' is not an object but array"},
		{"status-topic-t:connector-c", `{"topic":{"name":"t","connector":"c","task":0}}`, "field 'discoverTimestamp' is not an integer but null"},
	} {
		produce(t, b, "status", sample{key: c.key, value: c.value})
		settle(t, s)
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		last := lines[len(lines)-1]
		if !strings.Contains(last, c.reason) || !strings.Contains(last, "topic=status partition=0 offset=") {
			t.Errorf("%d: logged %s, want %s", i, last, c.reason)
		}
	}
	if len(s.Connectors()) != 0 || len(s.Tasks("c")) != 0 || len(s.Topics("c")) != 0 {
		t.Error("a corrupt record counted")
	}
}

// A topic has several partitions, which are read in any order: the tombstone of a
// connector that was made again may come after what its new tasks say.
func TestOldTombstoneLeavesNewTasks(t *testing.T) {
	table := newStatusTable()
	task := statusKey{kind: taskKind, connector: "a"}
	table.set(task, status{state: state.Running, worker: "w", generation: 2})
	table.remove(statusKey{kind: connectorKind, connector: "a"})
	if _, ok := table.Task(state.TaskID{Connector: "a"}); !ok {
		t.Error("the task has no status")
	}
	table.remove(task)
	if got := table.Tasks("a"); len(got) != 0 {
		t.Errorf("after its own tombstone: %v", got)
	}
}
