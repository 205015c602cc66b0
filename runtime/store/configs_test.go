package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

func kafkaConfigStore(t testing.TB, b *kafka.Broker, fenced bool) ConfigStore {
	t.Helper()
	o := KafkaConfigOptions{TopicOptions: topicOptions(t, b, "configs", 99, discard())}
	if fenced {
		o.ReadCommitted = true
		o.Leader = append(clientOpts(b), kgo.TransactionalID("connect-cluster-group"))
	}
	return NewKafkaConfigs(o)
}

// stores runs a test with each kind of config store.
func stores(t *testing.T, test func(t *testing.T, s ConfigStore)) {
	for _, kind := range []string{"kafka", "fenced", "memory"} {
		t.Run(kind, func(t *testing.T) {
			if kind == "memory" {
				test(t, NewMemoryConfigs(discard()))
				return
			}
			test(t, kafkaConfigStore(t, startBroker(t), kind == "fenced"))
		})
	}
}

func config(keyValues ...string) state.Config {
	m := map[string]string{}
	for i := 0; i < len(keyValues); i += 2 {
		m[keyValues[i]] = keyValues[i+1]
	}
	return state.NewConfig(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigStores(t *testing.T) {
	ctx := context.Background()
	stores(t, func(t *testing.T, s ConfigStore) {
		heard := &events{}
		s.SetListener(heard)
		start(t, s)
		if s.Snapshot().Offset() != state.NoOffset || len(s.Snapshot().Connectors()) != 0 {
			t.Errorf("at first: %v", s.Snapshot())
		}
		must(t, s.ClaimWritePrivileges(ctx))
		must(t, s.ClaimWritePrivileges(ctx))

		must(t, s.PutConnector(ctx, "a", config("name", "a", "tasks.max", "2"), ""))
		must(t, s.PutConnector(ctx, "b-1", config("name", "b-1"), state.TargetStopped))
		heard.expect(t, "update a", "update b-1") // an initial target state is no change
		first := s.Snapshot()
		if got := first.Connectors(); !slices.Equal(got, []string{"a", "b-1"}) || !s.Contains("a") || s.Contains("b") {
			t.Errorf("connectors %v", got)
		}
		if ts, _ := first.TargetState("a"); ts != state.TargetStarted {
			t.Errorf("a is to be %s", ts)
		}
		if ts, _ := first.TargetState("b-1"); ts != state.TargetStopped {
			t.Errorf("b-1 is to be %s", ts)
		}

		must(t, s.PutTaskConfigs(ctx, "a", []state.Config{config("n", "0"), config("n", "1")}))
		heard.expect(t, "tasks a a-0,a-1")
		snap := s.Snapshot()
		if snap.TaskCount("a") != 2 || !snap.PendingFencing("a") || snap.Inconsistent("a") || snap.Offset() <= first.Offset() {
			t.Errorf("after two tasks: %v", snap)
		}
		if c, ok := snap.RawTaskConfig(state.TaskID{Connector: "a", Task: 1}); !ok || !c.Equal(config("n", "1")) {
			t.Errorf("a-1 has %v", c.Map())
		}
		if g, ok := snap.TaskConfigGeneration("a"); !ok || g != 0 {
			t.Errorf("generation %d, %v", g, ok)
		}
		if applied, ok := snap.AppliedConnectorConfig("a"); !ok || !applied.Raw().Equal(config("name", "a", "tasks.max", "2")) {
			t.Error("the applied config is not the connector's")
		}
		if first.TaskCount("a") != 0 {
			t.Error("an older snapshot has changed")
		}

		must(t, s.PutTaskCountRecord(ctx, "a", 2))
		if n, ok := s.Snapshot().TaskCountRecord("a"); !ok || n != 2 || s.Snapshot().PendingFencing("a") {
			t.Errorf("task count record %d, %v", n, ok)
		}
		must(t, s.PutTaskConfigs(ctx, "a", []state.Config{config("n", "only")}))
		heard.expect(t, "tasks a a-0")
		if g, _ := s.Snapshot().TaskConfigGeneration("a"); g != 1 || len(s.Snapshot().Tasks("a")) != 1 {
			t.Errorf("generation %d, tasks %v", g, s.Snapshot().Tasks("a"))
		}
		must(t, s.RemoveTaskConfigs(ctx, "a"))
		heard.expect(t, "tasks a ")
		if s.Snapshot().TaskCount("a") != 0 {
			t.Error("tasks are left")
		}

		must(t, s.PutTargetState(ctx, "a", state.TargetPaused))
		must(t, s.PutTargetState(ctx, "a", state.TargetPaused))
		must(t, s.PutLoggerLevel(ctx, "org.apache", "DEBUG"))
		must(t, s.PutSessionKey(ctx, state.SessionKey{Key: []byte{1, 2}, Algorithm: "HmacSHA256", CreationTimestamp: 7}))
		must(t, s.PutRestartRequest(ctx, state.RestartRequest{Connector: "a", IncludeTasks: true}))
		heard.expect(t, "target a", "level org.apache DEBUG", "key HmacSHA256", "restart a")
		if k, ok := s.Snapshot().SessionKey(); !ok || string(k.Key) != "\x01\x02" || k.CreationTimestamp != 7 {
			t.Errorf("session key %v", k)
		}

		must(t, s.RemoveConnector(ctx, "a"))
		heard.expect(t, "remove a")
		if _, ok := s.Snapshot().TargetState("a"); ok || s.Contains("a") {
			t.Error("a is left")
		}
		must(t, s.Refresh(ctx))
	})
}

// TestConfigTopicBytes compares what is written with what Apache Kafka Connect writes on
// the same occasions.
func TestConfigTopicBytes(t *testing.T) {
	ctx := context.Background()
	for _, fenced := range []bool{false, true} {
		b := startBroker(t)
		s := kafkaConfigStore(t, b, fenced)
		start(t, s)
		must(t, s.ClaimWritePrivileges(ctx))
		must(t, s.PutSessionKey(ctx, state.SessionKey{Key: make([]byte, 32), Algorithm: "HmacSHA256", CreationTimestamp: 1795393358539}))
		must(t, s.PutConnector(ctx, "isrc", config("file", "/data/in.txt", "name", "isrc"), ""))
		must(t, s.PutTaskConfigs(ctx, "isrc", []state.Config{config("task.class", "T"), state.NewNullableConfig(map[string]*string{"null": nil})}))
		must(t, s.PutTaskCountRecord(ctx, "isrc", 1))
		must(t, s.PutTargetState(ctx, "isrc", state.TargetPaused))
		must(t, s.PutTargetState(ctx, "isrc", state.TargetStarted))
		must(t, s.PutRestartRequest(ctx, state.RestartRequest{Connector: "isrc", IncludeTasks: true}))
		must(t, s.PutTaskConfigs(ctx, "isrc", nil))
		must(t, s.PutTargetState(ctx, "isrc", state.TargetStopped))
		must(t, s.PutConnector(ctx, "istop", config("name", "istop"), state.TargetStopped))
		must(t, s.PutLoggerLevel(ctx, "demo.logger", "DEBUG"))
		must(t, s.RemoveConnector(ctx, "isrc"))
		want := []string{
			`session-key={"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","algorithm":"HmacSHA256","creation-timestamp":1795393358539}`,
			`connector-isrc={"properties":{"file":"/data/in.txt","name":"isrc"}}`,
			`task-isrc-0={"properties":{"task.class":"T"}}`,
			`task-isrc-1={"properties":{"null":null}}`,
			`commit-isrc={"tasks":2}`,
			`tasks-fencing-isrc={"task-count":1}`,
			`target-state-isrc={"state":"PAUSED","state.v2":"PAUSED"}`,
			`target-state-isrc={"state":"STARTED","state.v2":"STARTED"}`,
			`restart-connector-isrc={"include-tasks":true,"only-failed":false}`,
			`commit-isrc={"tasks":0}`,
			`target-state-isrc={"state":"PAUSED","state.v2":"STOPPED"}`,
			`target-state-istop={"state":"PAUSED","state.v2":"STOPPED"}`,
			`connector-istop={"properties":{"name":"istop"}}`,
			`logger-cluster-demo.logger={"level":"DEBUG"}`,
			`connector-isrc=`,
			`target-state-isrc=`,
		}
		if got := dump(t, b, "configs"); !slices.Equal(got, want) {
			t.Errorf("fenced=%v: wrote\n%s\nwant\n%s", fenced, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestConfigsOfApache reads all that Apache's worker wrote.
func TestConfigsOfApache(t *testing.T) {
	b := startBroker(t)
	all := samples(t, "configs")
	s := kafkaConfigStore(t, b, false)
	heard := &events{}
	s.SetListener(heard)
	start(t, s)
	produce(t, b, "configs", all[:len(all)-10]...)
	must(t, s.Refresh(context.Background()))
	snap := s.Snapshot()
	if got := snap.Connectors(); !slices.Equal(got, []string{"ifail", "ipause", "isnk", "isrc", "istop"}) {
		t.Errorf("connectors %v", got)
	}
	if snap.TaskCount("isnk") != 1 || snap.TaskCount("isrc") != 1 || len(snap.InconsistentConnectors()) != 0 {
		t.Errorf("%v", snap)
	}
	c, _ := snap.RawConnectorConfig("isrc")
	if v, _ := c.Get("batch.size"); v != "11" {
		t.Errorf("isrc has %v", c.Map())
	}
	if got := heard.take(); len(got) == 0 || got[0] != "key HmacSHA256" || got[1] != "update isrc" || got[2] != "tasks isrc isrc-0" {
		t.Errorf("heard %q", got)
	}
	// A worker that starts now sees the same, without hearing of it.
	other := kafkaConfigStore(t, b, false)
	quiet := &events{}
	other.SetListener(quiet)
	start(t, other)
	if other.Snapshot().String() != snap.String() {
		t.Errorf("%v, then %v", snap, other.Snapshot())
	}
	quiet.expect(t)
	produce(t, b, "configs", all[len(all)-10:]...)
	must(t, other.Refresh(context.Background()))
	if got := other.Snapshot().Connectors(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// TestTaskConfigsAreAtomic has sets that are cut short, compacted or left over.
func TestTaskConfigsAreAtomic(t *testing.T) {
	task := func(n int, v string) sample {
		return sample{key: fmt.Sprintf("task-c-%d", n), value: `{"properties":{"v":"` + v + `"}}`}
	}
	commit := func(n int) sample { return sample{key: "commit-c", value: fmt.Sprintf(`{"tasks":%d}`, n)} }
	connector := sample{key: "connector-c", value: `{"properties":{"name":"c"}}`}
	values := func(s *state.ConfigSnapshot) (v []string) {
		for _, id := range s.Tasks("c") {
			c, _ := s.RawTaskConfig(id)
			x, _ := c.Get("v")
			v = append(v, x)
		}
		return v
	}
	for name, c := range map[string]struct {
		records      []sample
		want         []string
		inconsistent bool
	}{
		"without a commit":          {[]sample{connector, task(0, "a")}, nil, false},
		"whole":                     {[]sample{connector, task(0, "a"), task(1, "b"), commit(2)}, []string{"a", "b"}, false},
		"the next set is cut short": {[]sample{connector, task(0, "a"), task(1, "b"), commit(2), task(0, "x")}, []string{"a", "b"}, false},
		"cut short and compacted":   {[]sample{connector, task(1, "b"), commit(2), task(0, "x")}, nil, true},
		"compacted, then whole":     {[]sample{connector, task(1, "b"), commit(2), task(0, "x"), task(1, "y"), commit(2)}, []string{"x", "y"}, false},
		"parts do not mix":          {[]sample{connector, task(1, "b"), commit(2), task(0, "x"), commit(2)}, nil, true},
		"left over of a larger set": {[]sample{connector, task(1, "old"), task(0, "a"), commit(1)}, []string{"a"}, false},
		"deleted and compacted":     {[]sample{task(0, "a"), commit(1)}, nil, false},
		"deleted":                   {[]sample{connector, task(0, "a"), commit(1), {key: "connector-c"}}, nil, false},
		"deleted and made again":    {[]sample{connector, task(0, "a"), commit(1), {key: "connector-c"}, connector}, nil, false},
		"stopped":                   {[]sample{connector, task(0, "a"), commit(1), commit(0)}, nil, false},
		"a corrupt task in the set": {[]sample{connector, task(0, "a"), {key: "task-c-1", value: "{"}, commit(2)}, nil, true},
	} {
		s := newConfigState("configs", discard())
		for i, r := range c.records {
			s.read(&r.key, r.bytes(), 0, int64(i))
		}
		snap := s.Snapshot()
		if got := values(snap); !slices.Equal(got, c.want) || snap.Inconsistent("c") != c.inconsistent {
			t.Errorf("%s: tasks %v, inconsistent %v", name, got, snap.Inconsistent("c"))
		}
	}
}

func TestTargetStates(t *testing.T) {
	s := newConfigState("configs", discard())
	heard := &events{}
	s.listen(heard)
	n := int64(0)
	put := func(key, value string) {
		r := sample{key: key, value: value}
		s.read(&r.key, r.bytes(), 0, n)
		n++
	}
	target := func() state.TargetState { ts, _ := s.Snapshot().TargetState("c"); return ts }
	put("target-state-c", `{"state":"PAUSED"}`)
	heard.expect(t)
	put("connector-c", `{"properties":{}}`)
	if target() != state.TargetPaused {
		t.Errorf("a state from before the config is lost: %s", target())
	}
	put("target-state-c", `{"state":"PAUSED","state.v2":"PAUSED"}`)
	put("target-state-c", `{"state":"PAUSED","state.v2":"STOPPED"}`)
	heard.expect(t, "update c", "target c")
	put("target-state-c", "")
	if target() != state.TargetStarted {
		t.Errorf("without its record it is %s", target())
	}
	put("connector-c", "")
	put("target-state-c", "")
	heard.expect(t, "remove c")
	if target() != "" {
		t.Errorf("after the removal it is %s", target())
	}
}

func TestConfigOffsetsAndSkippedRecords(t *testing.T) {
	b := startBroker(t)
	var text logText
	o := KafkaConfigOptions{TopicOptions: topicOptions(t, b, "configs", 1, text.logger())}
	s := NewKafkaConfigs(o)
	start(t, s)
	produce(t, b, "configs", sample{key: "connector-a", value: `{"properties":{"x":1}}`}, sample{key: "foreign", value: `{}`}, sample{key: "connector-a", value: "\xff"})
	must(t, s.Refresh(context.Background()))
	// As Java counts: records that are not JSON do not move the offset.
	if got := s.Snapshot().Offset(); got != 2 {
		t.Errorf("offset %d", got)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.Contains(l, "Skipping") })
	for i, want := range []string{"property 'x' is not a string but int64", `unknown key \"foreign\"`, "not JSON: invalid UTF-8"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) || !strings.Contains(lines[i], fmt.Sprintf("topic=configs partition=0 offset=%d", i)) {
			t.Errorf("line %d of %q has no %s", i, lines, want)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestConfigTopicIsChecked(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	o := topicOptions(t, b, "wide", 1, discard())
	for _, topic := range []kafka.NewTopic{
		{Name: "wide", Partitions: 3, ReplicationFactor: 1, Configs: map[string]string{"cleanup.policy": "compact"}},
		{Name: "deleting", Partitions: 1, ReplicationFactor: 1},
		{Name: "both", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"cleanup.policy": "delete,compact"}},
	} {
		if _, err := o.Admin.CreateTopic(ctx, topic); err != nil {
			t.Fatal(err)
		}
	}
	for topic, want := range map[string]string{
		"wide": "Topic 'wide' supplied via the 'config.storage.topic' property is required to have a single partition in order to guarantee consistency of connector configurations, but found 3 partitions.",
		"deleting": "Topic 'deleting' supplied via the 'config.storage.topic' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of " +
			"connector configurations, but found the topic currently has 'cleanup.policy=delete'. Continuing would likely result in eventually losing connector configurations and problems " +
			"restarting this Connect cluster in the future. Change the 'config.storage.topic' property in the Connect worker configurations to use a topic with 'cleanup.policy=compact'.",
		"both": "found the topic currently has 'cleanup.policy=compact,delete'",
	} {
		s := NewKafkaConfigs(KafkaConfigOptions{TopicOptions: topicOptions(t, b, topic, 1, discard())})
		err := s.Start(ctx)
		if err == nil || errs.Class(err) != errs.ClassConfig || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", topic, err)
		}
		must(t, s.Stop(ctx))
	}
}

// TestFencing has two leaders, one of which does not know that its time is over (I5).
func TestFencing(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	old, next := kafkaConfigStore(t, b, true), kafkaConfigStore(t, b, true)
	start(t, old)
	start(t, next)
	err := old.PutSessionKey(ctx, state.SessionKey{Key: []byte{1}, Algorithm: "a"})
	if errs.Class(err) != errs.ClassIllegalState || err.Error() != "Cannot produce to config topic without claiming write privileges first" {
		t.Errorf("without a claim: %v", err)
	}
	must(t, old.ClaimWritePrivileges(ctx))
	must(t, old.PutConnector(ctx, "a", config(), ""))
	must(t, next.ClaimWritePrivileges(ctx))
	err = old.PutConnector(ctx, "b", config(), "")
	var fenced *kafka.FencedError
	if !IsPrivilegedWrite(err) || !errors.As(err, &fenced) || errs.Class(err) != ClassPrivilegedWrite {
		t.Errorf("the old leader: %v", err)
	}
	must(t, next.PutConnector(ctx, "c", config(), ""))
	must(t, old.Refresh(ctx))
	if got := old.Snapshot().Connectors(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("connectors %v", got)
	}
	// What any worker may write still goes through, and so does a new claim.
	must(t, old.PutTargetState(ctx, "a", state.TargetPaused))
	must(t, old.ClaimWritePrivileges(ctx))
	must(t, old.PutConnector(ctx, "d", config(), ""))
	if err := next.PutTaskConfigs(ctx, "a", nil); !IsPrivilegedWrite(err) {
		t.Errorf("the leader that lost: %v", err)
	}
}

func TestWritesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t)
		s := kafkaConfigStore(t, b, false)
		start(t, s)
		down := make(chan struct{})
		b.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			select {
			case <-down:
				return nil, nil, false
			default:
			}
			b.Cluster().KeepControl()
			return nil, errors.New("broken"), true
		})
		begin := time.Now()
		err := s.PutConnector(ctx, "a", config(), "")
		if err == nil || !strings.HasPrefix(err.Error(), "Error writing connector configuration to Kafka") || errs.Class(err) != errs.ClassConnect {
			t.Errorf("got %v", err)
		}
		if d := time.Since(begin); d < writeTimeout || d > writeTimeout+10*time.Second {
			t.Errorf("took %s", d)
		}
		for what, put := range map[string]func() error{
			"removing connector configuration from": func() error { return s.RemoveConnector(ctx, "a") },
			"writing task configurations to":        func() error { return s.PutTaskConfigs(ctx, "a", []state.Config{config()}) },
			"writing root configuration to":         func() error { return s.PutTaskConfigs(ctx, "a", nil) },
			"writing task count record to":          func() error { return s.PutTaskCountRecord(ctx, "a", 1) },
			"writing session key to":                func() error { return s.PutSessionKey(ctx, state.SessionKey{}) },
			"writing target state to":               func() error { return s.PutTargetState(ctx, "a", state.TargetPaused) },
			"writing logger level to":               func() error { return s.PutLoggerLevel(ctx, "a", "INFO") },
			"writing restart request for {connectorName='a', onlyFailed=false, includeTasks=false} to": func() error { return s.PutRestartRequest(ctx, state.RestartRequest{Connector: "a"}) },
		} {
			if err := put(); err == nil || !strings.HasPrefix(err.Error(), "Error "+what+" Kafka") {
				t.Errorf("%s: %v", what, err)
			}
		}
		close(down)
	})
}
