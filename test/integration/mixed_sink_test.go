//go:build integration

package integration

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/moldau-io/moldau/test/refstack"
)

// The tasks of one sink are spread over a worker of Apache's and one of ours, in one
// consumer group: with range, which Java's consumers like best by default, and with
// cooperative-sticky. Every record arrives, also while either leaves and comes back.
func TestMixedSink(t *testing.T) {
	const partitions, tasks = 6, 4
	group := unique(t, "g")
	settings := map[string]string{"scheduled.rebalance.max.delay.ms": "2000", "offset.flush.interval.ms": "500"}
	properties := []string{
		"group.id=" + group, "config.storage.topic=" + group + "-configs", "offset.storage.topic=" + group + "-offsets", "status.storage.topic=" + group + "-status",
	}
	for key, value := range settings {
		properties = append(properties, key+"="+value)
	}
	servers.connect(t, properties...)
	apache := servers.url(refstack.Connect)
	c := &cluster{t: t, group: group, settings: settings}
	ours := c.add()

	for _, protocol := range []string{"range", "cooperative-sticky"} {
		s := &numbered{t: t, topic: newTopic(t, partitions), partitions: partitions, path: filepath.Join(t.TempDir(), "out")}
		name := unique(t, protocol)
		config := map[string]string{
			"connector.class": "FileStreamSink", "tasks.max": fmt.Sprint(tasks), "topics": s.topic, "file": s.path,
			"key.converter": stringConverter, "value.converter": stringConverter,
		}
		if protocol != "range" {
			config["consumer.override.partition.assignment.strategy"] = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
		}
		create(t, apache, name, config)
		// settled waits until all tasks run, on as many workers, and are the members of a
		// group in which every partition has one owner; then all that was written arrives.
		settled := func(url string, workers int) {
			t.Helper()
			spread(t, url, name, tasks, workers)
			shared(t, "connect-"+name, protocol, s.topic, tasks, partitions)
			s.write(300)
			s.arrived()
			s.committed("connect-" + name)
		}
		settled(apache, 2)

		s.write(300)
		if err := ours.stop(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		s.write(300)
		settled(apache, 1)

		ours = c.add()
		s.write(300)
		settled(ours.url, 2)

		if protocol != "range" { // TestMixedGroup has the other
			s.write(300)
			if err := servers.Down(context.Background(), refstack.Connect); err != nil {
				t.Fatal(err)
			}
			s.write(300)
			settled(ours.url, 1)
		}
		remove(t, ours.url, name)
	}
}

// spread waits until that many tasks of a connector run, on that many workers.
func spread(t *testing.T, url, name string, tasks, workers int) {
	t.Helper()
	eventually(t, 90*time.Second, func() error {
		var s struct {
			Tasks []struct {
				State    string
				WorkerID string `json:"worker_id"`
			}
		}
		if err := get(url+"/connectors/"+name+"/status", &s); err != nil {
			return err
		}
		on := map[string]int{}
		for _, task := range s.Tasks {
			if task.State == "RUNNING" {
				on[task.WorkerID]++
			}
		}
		if len(s.Tasks) != tasks || len(on) != workers {
			return fmt.Errorf("%s is %+v", name, s)
		}
		return nil
	})
}

// shared waits until a group is stable by a protocol and its members share a topic's
// partitions, each of which has one owner.
func shared(t *testing.T, group, protocol, topic string, members, partitions int) {
	t.Helper()
	admin := kadm.NewClient(client(t))
	eventually(t, 60*time.Second, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		described, err := admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		g := described[group]
		owners := map[int32]int{}
		for _, m := range g.Members {
			assigned, ok := m.Assigned.AsConsumer()
			if !ok {
				return fmt.Errorf("member %s has no assignment", m.MemberID)
			}
			for _, a := range assigned.Topics {
				if a.Topic != topic {
					continue
				}
				for _, p := range a.Partitions {
					owners[p]++
				}
			}
		}
		if g.State != "Stable" || g.Protocol != protocol || len(g.Members) != members || len(owners) != partitions {
			return fmt.Errorf("group %s is %s by %q with %d members, who own %v", group, g.State, g.Protocol, len(g.Members), owners)
		}
		for p, n := range owners {
			if n != 1 {
				return fmt.Errorf("partition %d has %d owners", p, n)
			}
		}
		return nil
	})
}
