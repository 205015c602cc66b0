//go:build integration

package integration

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/moldau-io/moldau/test/refstack"
)

// A worker of Apache's and one of ours are one cluster: connectors made through either
// run on both, requests reach the leader from either, and each takes over all work and
// offsets when the other stops.
func TestMixedGroup(t *testing.T) {
	ctx := context.Background()
	c := &cluster{t: t, group: unique(t, "g"), settings: map[string]string{
		"session.timeout.ms": "10000", "scheduled.rebalance.max.delay.ms": "3000", "offset.flush.interval.ms": "500",
	}}
	settings := []string{"group.id=" + c.group}
	for _, topic := range []string{"config", "offset", "status"} {
		settings = append(settings, fmt.Sprintf("%s.storage.topic=%s-%s", topic, c.group, map[string]string{"config": "configs", "offset": "offsets", "status": "status"}[topic]))
	}
	for key, value := range c.settings {
		settings = append(settings, key+"="+value)
	}
	servers.connect(t, settings...)
	apache := servers.url(refstack.Connect)
	// shared waits until all tasks run, on as many workers, as either worker says.
	shared := func(workers int, urls ...string) {
		t.Helper()
		eventually(t, 60*time.Second, func() error {
			for _, url := range urls {
				owners, err := c.owners(url)
				if err != nil {
					return err
				}
				tasks := 0
				for _, list := range owners {
					tasks += len(list)
				}
				if len(owners) != workers || tasks != 3*len(c.pipelines) {
					return fmt.Errorf("%s says %v", url, owners)
				}
			}
			return nil
		})
	}
	c.pipeline(apache)
	shared(1, apache)
	c.feed(50)
	c.arrived()

	ours := c.add()
	c.pipeline(ours.url) // Apache's worker leads
	c.pipeline(apache)
	shared(2, apache, ours.url)
	// One sink's tasks are members of one consumer group, one in Java and one in Go.
	if assignor := splitSink(t, c, apache); assignor != "range" {
		t.Errorf("Java and Go agreed on the assignor %q, where Java's default is range", assignor)
	}
	c.feed(50)
	c.arrived()
	for _, url := range []string{apache, ours.url} {
		for _, p := range c.pipelines {
			if status, answer, err := request(http.MethodPost, url+"/connectors/"+p.name+"-sink/restart?includeTasks=true", nil); err != nil || status != http.StatusAccepted {
				t.Errorf("restarting %s through %s: status %d, %v: %s", p.name, url, status, err, answer)
			}
		}
		shared(2, apache, ours.url)
	}

	if err := servers.Down(ctx, refstack.Connect); err != nil {
		t.Fatal(err)
	}
	shared(1, ours.url)
	c.feed(50)
	c.arrived()
	c.pipeline(ours.url)

	servers.up(t, refstack.Connect)
	shared(2, apache, ours.url)
	c.pipeline(apache) // ours leads
	shared(2, apache, ours.url)
	c.feed(50)
	c.arrived()
	if err := ours.stop(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	shared(1, apache)
	c.feed(50)
	c.arrived()
	// What ours wrote of offsets, Apache's worker reads.
	for _, p := range c.pipelines {
		var offsets struct {
			Offsets []struct {
				Offset struct{ Position int64 }
			}
		}
		eventually(t, 30*time.Second, func() error {
			if err := get(apache+"/connectors/"+p.name+"-source/offsets", &offsets); err != nil {
				return err
			}
			if len(offsets.Offsets) != 1 || offsets.Offsets[0].Offset.Position == 0 {
				return fmt.Errorf("offsets of %s: %+v", p.name, offsets)
			}
			return nil
		})
	}
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
