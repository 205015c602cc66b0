package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

func TestAdminTopics(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t, BrokerConfig{InMemory: true})
	a := newAdmin(t, b)
	if id, err := a.ClusterID(ctx); err != nil || id != brokerClusterID {
		t.Errorf("cluster id %q, %v", id, err)
	}
	if n, ok, err := a.DescribeTopic(ctx, "t"); ok || err != nil {
		t.Errorf("a topic that is not there: %d, %v, %v", n, ok, err)
	}
	topic := NewTopic{Name: "t", Partitions: 3, ReplicationFactor: 1, Configs: map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "1000"}}
	if r, err := a.CreateTopic(ctx, topic); r != TopicCreated || err != nil {
		t.Fatalf("%v, %v", r, err)
	}
	if r, err := a.CreateTopic(ctx, topic); r != TopicExists || err != nil {
		t.Errorf("again: %v, %v", r, err)
	}
	if n, ok, err := a.DescribeTopic(ctx, "t"); n != 3 || !ok || err != nil {
		t.Errorf("%d, %v, %v", n, ok, err)
	}
	if p, err := a.CleanupPolicy(ctx, "t"); !slices.Equal(p, []string{"compact", "delete"}) || err != nil {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := a.CleanupPolicy(ctx, "none"); len(p) != 0 || err != nil {
		t.Errorf("%v, %v", p, err)
	}
	if r, err := a.CreateTopic(ctx, NewTopic{Name: "d", Partitions: -1, ReplicationFactor: -1}); r != TopicCreated || err != nil {
		t.Errorf("with the broker's defaults: %v, %v", r, err)
	}
	if got := topic.String(); got != "(name=t, numPartitions=3, replicationFactor=1, replicasAssignments=null, configs={cleanup.policy=compact,delete, retention.ms=1000})" {
		t.Errorf("%s", got)
	}
	if got := (NewTopic{Name: "d", Partitions: -1, ReplicationFactor: -1}).String(); got != "(name=d, numPartitions=default, replicationFactor=default, replicasAssignments=null, configs={})" {
		t.Errorf("%s", got)
	}
	if err := newClient(t, b).ProduceSync(ctx, &kgo.Record{Topic: "d"}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if ends, err := a.EndOffsets(ctx, "d"); err != nil || !maps.Equal(ends, map[int32]int64{0: 1}) {
		t.Errorf("%v, %v", ends, err)
	}
	// An internal topic that is compacted already, and one that is made.
	for range 2 {
		if err := a.EnsureInternalTopic(ctx, InternalTopic{Name: "i", Partitions: 2, ReplicationFactor: 1, Settings: map[string]string{"cleanup.policy": "delete", "min.insync.replicas": "1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := a.CleanupPolicy(ctx, "i"); !slices.Equal(p, []string{"compact"}) || err != nil {
		t.Errorf("%v, %v", p, err)
	}
}

func TestAdminErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t, BrokerConfig{InMemory: true})
		a := newAdmin(t, b)
		answer := func(code *kerr.Error, message string) func() {
			on := true
			b.Cluster().ControlKey(kmsg.CreateTopics.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				if !on {
					return nil, nil, false
				}
				b.Cluster().KeepControl()
				req := r.(*kmsg.CreateTopicsRequest)
				resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
				rt := kmsg.NewCreateTopicsResponseTopic()
				rt.Topic, rt.ErrorCode = req.Topics[0].Topic, code.Code
				rt.ErrorMessage = kmsg.StringPtr(message)
				resp.Topics = append(resp.Topics, rt)
				return resp, nil, true
			})
			return func() { on = false }
		}
		for _, c := range []struct {
			code    *kerr.Error
			message string
			result  TopicResult
			want    string
		}{
			{kerr.TopicAuthorizationFailed, "no", TopicUnknown, ""},
			{kerr.ClusterAuthorizationFailed, "no", TopicUnknown, ""},
			{kerr.InvalidConfig, "Unknown topic config name: x", 0, "Unable to create topic(s) 't': Unknown topic config name: x"},
			{kerr.PolicyViolation, "not here", 0, "Error while attempting to create/find topic(s) 't': not here"},
			{kerr.InvalidReplicationFactor, "Replication factor: 3 larger than available brokers: 1.", 0, "Unable to create topic(s) 't': Replication factor: 3 larger than available brokers: 1."},
			{kerr.RequestTimedOut, "", 0, "Timed out while checking for or creating topic(s) 't'. This could indicate a connectivity issue"},
		} {
			off := answer(c.code, c.message)
			r, err := a.CreateTopic(ctx, NewTopic{Name: "t", Partitions: 1, ReplicationFactor: 3})
			if c.want == "" && (err != nil || r != c.result) || c.want != "" && (err == nil || errs.Class(err) != errs.ClassConnect || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("%s: %v, %v", c.code.Message, r, err)
			}
			off()
		}
		off := answer(kerr.InvalidReplicationFactor, "Replication factor: 3 larger than available brokers: 1.")
		begin := time.Now()
		if err := a.EnsureInternalTopic(ctx, InternalTopic{Name: "t", Partitions: 1, ReplicationFactor: 3}); err == nil || time.Since(begin) < DefaultAPITimeout {
			t.Errorf("a replication factor that brokers may yet be able to give was tried for %s: %v", time.Since(begin), err)
		}
		off()
		b.Cluster().ControlKey(kmsg.Metadata.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			b.Cluster().KeepControl()
			return nil, errors.New("broken"), true
		})
		_, err := a.ClusterID(ctx)
		if err == nil || !strings.HasPrefix(err.Error(), "Failed to connect to and describe Kafka cluster. Check worker's broker connection and security properties.") || !strings.Contains(err.Error(), "bootstrap.servers=memory:9092") {
			t.Errorf("%v", err)
		}
	})
	a, err := NewAdmin(AdminOptions{Brokers: "no.such.host.invalid:1", Client: []kgo.Opt{kgo.SeedBrokers("no.such.host.invalid:1")}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.ClusterID(context.Background()); err == nil || !strings.Contains(err.Error(), "no.such.host.invalid") {
		t.Errorf("%v", err)
	}
}

func TestGroupOffsets(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t, BrokerConfig{InMemory: true})
	a := newAdmin(t, b)
	mustCreate(t, b, "t", 2)
	tp := func(p int32) connect.TopicPartition { return connect.TopicPartition{Topic: "t", Partition: p} }
	if got, err := a.GroupOffsets(ctx, "g"); err != nil || len(got) != 0 {
		t.Errorf("a group that is not there: %v, %v", got, err)
	}
	if err := a.DeleteGroup(ctx, "g"); !GroupNotFound(err) {
		t.Errorf("deleting a group that is not there: %v", err)
	}
	if err := a.AlterGroupOffsets(ctx, "g", map[connect.TopicPartition]int64{tp(0): 5, tp(1): 6}); err != nil {
		t.Fatal(err)
	}
	if got, err := a.GroupOffsets(ctx, "g"); err != nil || !maps.Equal(got, map[connect.TopicPartition]int64{tp(0): 5, tp(1): 6}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := a.DeleteGroupOffsets(ctx, "g", []connect.TopicPartition{tp(0)}); err != nil {
		t.Fatal(err)
	}
	if got, err := a.GroupOffsets(ctx, "g"); err != nil || !maps.Equal(got, map[connect.TopicPartition]int64{tp(1): 6}) {
		t.Errorf("%v, %v", got, err)
	}
	joined := make(chan struct{})
	member := newClient(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { close(joined) }))
	<-joined
	for what, err := range map[string]error{
		"altering": a.AlterGroupOffsets(ctx, "g", map[connect.TopicPartition]int64{tp(0): 1}),
		"deleting": a.DeleteGroupOffsets(ctx, "g", []connect.TopicPartition{tp(0)}),
		"the end":  a.DeleteGroup(ctx, "g"),
	} {
		if !GroupInUse(err) || !strings.HasPrefix(errs.Class(err), commonErrors) {
			t.Errorf("%s of a group with members: %s: %v", what, errs.Class(err), err)
		}
	}
	member.Close()
	if err := a.DeleteGroup(ctx, "g"); err != nil {
		t.Error(err)
	}
}
