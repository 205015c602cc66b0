//go:build integration

package integration

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/chaos"
	"github.com/moldau-io/moldau/test/faultproxy"
	"github.com/moldau-io/moldau/test/refstack"
)

// What a worker may take in bytes: whose sinks cannot write, and which writes large
// records as fast as it can, where the garbage collector lags behind.
const (
	deadBound  = 768 << 20
	writeBound = 2 << 30
)

// memory is a process's resident memory at its highest, in bytes.
func (p *process) memory() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kib << 10
		}
	}
	p.t.Fatal("no VmHWM in the status of the process")
	return 0
}

// The destination of two sinks is dead while their topics are full: of records as
// large as they may be, and of small ones. The worker stays under a fixed bound of
// memory, stays in its groups, and writes everything once the destination is back.
// MOLDAU_MEMORY is how long it is dead (30s).
func TestMemoryOfDeadDestination(t *testing.T) {
	length, err := chaos.Length("MOLDAU_MEMORY", 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	servers.up(t, refstack.Elasticsearch)
	proxy, err := faultproxy.Start(servers.addr(refstack.Elasticsearch))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	const partitions, large, small = 3, 200, 200_000
	full := map[string]int{newTopic(t, partitions): large, newTopic(t, partitions): small}
	for topic, n := range full {
		index(t, http.MethodPut, "/"+topic, `{"settings":{"number_of_replicas":0},"mappings":{"dynamic":false}}`)
		size := 950_000
		if n == small {
			size = 500
		}
		value := fmt.Appendf(nil, `{"text":"%s"}`, bytes.Repeat([]byte("x"), size))
		cl := client(t, kgo.DefaultProduceTopic(topic), kgo.MaxBufferedBytes(64<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
		for range n {
			cl.Produce(t.Context(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("filling %s: %v", topic, err)
				}
			})
		}
		if err := cl.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	path, address := properties(t, unique(t, "g"), nil)
	p := start(t, address, "worker", path).ready()
	idle := p.memory()
	sinks := map[string]string{}
	for topic := range full {
		name := unique(t, "sink")
		sinks[name] = topic
		create(t, address, name, with(chaosValues, map[string]string{
			"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "tasks.max": "2", "topics": topic,
			"connection.url": "http://" + proxy.Addr(), "schema.ignore": "true", "key.ignore": "true",
			"max.retries": "1000", "retry.backoff.ms": "100",
		}))
	}
	for name := range sinks {
		running(t, address, name, 2)
	}
	members := map[string]string{}
	for name := range sinks {
		members[name] = groupMembers(t, "connect-"+name)
	}
	// In the middle, with requests under way.
	eventually(t, time.Minute, func() error {
		for topic := range full {
			if count(t, topic) == 0 {
				return fmt.Errorf("no document of %s", topic)
			}
		}
		return nil
	})
	proxy.Refuse()
	for topic, n := range full {
		written := count(t, topic)
		t.Logf("%d of %d records are written when the destination dies", written, n)
		if written == n {
			t.Errorf("%s is not full", topic)
		}
	}
	pause(length)
	for name := range sinks {
		running(t, address, name, 2)
		if now := groupMembers(t, "connect-"+name); now != members[name] {
			t.Errorf("the group of %s has members %s, and had %s", name, now, members[name])
		}
	}
	dead := p.memory()
	proxy.Heal()
	for name := range sinks {
		// Waits between retries have grown; a restart begins at once.
		if status, answer, err := request(http.MethodPost, address+"/connectors/"+url.PathEscape(name)+"/restart?includeTasks=true", nil); err != nil || status >= 300 {
			t.Fatalf("restarting %s: status %d, %v: %s", name, status, err, answer)
		}
	}
	for topic, n := range full {
		eventually(t, 3*time.Minute, func() error {
			// Elasticsearch may be too busy to answer.
			if status, answer, err := request(http.MethodPost, servers.url(refstack.Elasticsearch)+"/"+topic+"/_refresh", nil); err != nil || status != http.StatusOK {
				return fmt.Errorf("refreshing: status %d, %v: %s", status, err, answer)
			}
			var got struct{ Count int }
			if err := get(servers.url(refstack.Elasticsearch)+"/"+topic+"/_count", &got); err != nil {
				return err
			}
			if got.Count != n {
				return fmt.Errorf("%d of %d documents", got.Count, n)
			}
			return nil
		})
	}
	after := p.memory()
	t.Logf("resident memory at its highest: %d MiB without work, %d MiB after %v with a dead destination (bound %d), %d MiB when all was written (bound %d)",
		idle>>20, dead>>20, length, deadBound>>20, after>>20, writeBound>>20)
	if dead > deadBound || after > writeBound {
		t.Error("that is too much")
	}
}

// groupMembers are the ids of a consumer group's members, when it is stable and has
// two.
func groupMembers(t testing.TB, group string) (ids string) {
	t.Helper()
	admin := kadm.NewClient(client(t))
	eventually(t, time.Minute, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		groups, err := admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		g := groups[group]
		if g.State != "Stable" || len(g.Members) != 2 {
			return fmt.Errorf("group %s is %s with %d members", group, g.State, len(g.Members))
		}
		set := map[string]bool{}
		for _, m := range g.Members {
			set[m.MemberID] = true
		}
		ids = fmt.Sprint(set)
		return nil
	})
	return ids
}
