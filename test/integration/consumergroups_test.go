//go:build integration

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupTypes are the consumer groups of a protocol, classic or consumer, as the broker
// lists them.
func groupTypes(t testing.TB, protocol string) []string {
	t.Helper()
	req := kmsg.NewPtrListGroupsRequest()
	req.TypesFilter = []string{protocol}
	var names []string
	for _, shard := range client(t).RequestSharded(context.Background(), req) {
		if shard.Err != nil {
			t.Fatal(shard.Err)
		}
		for _, g := range shard.Resp.(*kmsg.ListGroupsResponse).Groups {
			names = append(names, g.Group)
		}
	}
	return names
}

// A sink whose tasks use the protocol of KIP-848 reads everything, commits, and goes on
// when a worker is killed.
func TestSinkOfTheConsumerProtocol(t *testing.T) {
	c := &cluster{t: t, group: unique(t, "g"), settings: map[string]string{
		"session.timeout.ms": "6000", "heartbeat.interval.ms": "1500", "scheduled.rebalance.max.delay.ms": "2000", "offset.flush.interval.ms": "500",
	}}
	a, b := c.add(), c.add()
	topic, name, out := newTopic(t, 6), unique(t, "sink"), filepath.Join(t.TempDir(), "out")
	text := "org.apache.kafka.connect.storage.StringConverter"
	create(t, a.url, name, map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "3", "topics": topic, "file": out, "key.converter": text, "value.converter": text,
		"consumer.override.group.protocol": "consumer",
	})
	running(t, a.url, name, 3)
	sent := 0
	send := func(n int) {
		var records []*kgo.Record
		for range n {
			records = append(records, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "%d", sent), Value: fmt.Appendf(nil, "record %d", sent)})
			sent++
		}
		produce(t, records...)
	}
	arrived := func() {
		t.Helper()
		eventually(t, 60*time.Second, func() error {
			text, err := os.ReadFile(out)
			if err != nil {
				return err
			}
			there := map[string]bool{}
			for line := range strings.Lines(string(text)) {
				there[strings.TrimSuffix(line, "\n")] = true
			}
			for i := range sent {
				if !there[fmt.Sprintf("record %d", i)] {
					return fmt.Errorf("record %d of %d has not arrived", i, sent)
				}
			}
			return nil
		})
	}
	send(600)
	arrived()
	if groups := groupTypes(t, "consumer"); !slices.Contains(groups, "connect-"+name) {
		t.Errorf("the groups of that protocol are %v", groups)
	}
	b.kill()
	send(600)
	arrived()
	running(t, a.url, name, 3)
	eventually(t, 30*time.Second, func() error {
		total := int64(0)
		for _, offset := range committed(t, "connect-"+name, topic) {
			total += offset
		}
		if total != int64(sent) {
			return fmt.Errorf("offsets of %d records are committed, %d were sent", total, sent)
		}
		return nil
	})
}

// splitSink waits until the tasks of a sink run on two workers and each member of their
// consumer group has a partition. It returns the assignor that they agreed on.
func splitSink(t testing.TB, c *cluster, url string) (assignor string) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		owners, err := c.owners(url)
		if err != nil {
			return err
		}
		for _, p := range c.pipelines {
			workers := 0
			for _, tasks := range owners {
				if slices.ContainsFunc(tasks, func(task string) bool { return strings.HasPrefix(task, p.name+"-sink-") }) {
					workers++
				}
			}
			if workers != 2 {
				continue
			}
			groups, err := kadm.NewClient(client(t)).DescribeGroups(context.Background(), "connect-"+p.name+"-sink")
			if err != nil {
				return err
			}
			g := groups["connect-"+p.name+"-sink"]
			if g.State != "Stable" || len(g.Members) != 2 {
				return fmt.Errorf("the group of %s is %s with %d members", p.name, g.State, len(g.Members))
			}
			for _, m := range g.Members {
				if a, ok := m.Assigned.AsConsumer(); !ok || len(a.Topics) != 1 || len(a.Topics[0].Partitions) != 1 {
					return fmt.Errorf("a member of the group of %s has %+v", p.name, a)
				}
			}
			assignor = g.Protocol
			return nil
		}
		return fmt.Errorf("no sink is on two workers: %v", owners)
	})
	return assignor
}
