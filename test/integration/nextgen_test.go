//go:build integration

package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A sink whose consumers use the group protocol of KIP-848, where the broker shares the
// partitions out, consumes all and commits; its tasks are spread over two workers, and
// what one leaves behind the other goes on with.
func TestSinkOfBrokersGroupProtocol(t *testing.T) {
	for _, assignor := range []string{"", "range"} {
		t.Run(cmp.Or(assignor, "default"), func(t *testing.T) {
			t.Parallel()
			const partitions, tasks = 6, 3
			settings := map[string]string{"offset.flush.interval.ms": "500"}
			group := unique(t, "g")
			path, url := properties(t, group, settings)
			first := start(t, url, "worker", path).ready()
			path, url = properties(t, group, settings)
			second := start(t, url, "worker", path).ready()

			s := &numbered{t: t, topic: newTopic(t, partitions), partitions: partitions, path: filepath.Join(t.TempDir(), "out")}
			name := unique(t, "sink")
			config := map[string]string{
				"connector.class": "FileStreamSink", "tasks.max": fmt.Sprint(tasks), "topics": s.topic, "file": s.path,
				"key.converter": stringConverter, "value.converter": stringConverter,
				"consumer.override.group.protocol": "consumer",
			}
			if assignor != "" {
				config["consumer.override.group.remote.assignor"] = assignor
			}
			create(t, first.url, name, config)
			running(t, second.url, name, tasks)
			s.write(600)
			s.arrived()
			s.committed("connect-" + name)
			groupIs(t, "connect-"+name, "consumer", tasks)

			if err := second.stop(30 * time.Second); err != nil {
				t.Fatal(err)
			}
			s.write(600)
			running(t, first.url, name, tasks)
			s.arrived()
			groupIs(t, "connect-"+name, "consumer", tasks)

			s.committed("connect-" + name)
			remove(t, first.url, name)
		})
	}
}

// numbered is a topic of numbers, and the file that a sink writes them to.
type numbered struct {
	t          *testing.T
	topic      string
	partitions int32
	path       string
	n          int
}

// write adds numbers to the topic, evenly over its partitions.
func (s *numbered) write(n int) {
	s.t.Helper()
	var rs []*kgo.Record
	for range n {
		rs = append(rs, &kgo.Record{Topic: s.topic, Partition: int32(s.n) % s.partitions, Value: fmt.Appendf(nil, `{"id":%d}`, s.n)})
		s.n++
	}
	cl := client(s.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// arrived waits until every number is in the file.
func (s *numbered) arrived() {
	s.t.Helper()
	eventually(s.t, 90*time.Second, func() error {
		text, err := os.ReadFile(s.path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		there := map[int]int{}
		for _, n := range numbersOf(text) {
			there[n]++
		}
		if len(there) != s.n {
			return fmt.Errorf("%d of %d numbers are in the file", len(there), s.n)
		}
		return nil
	})
}

// committed waits until the group's offsets are the ends of the partitions.
func (s *numbered) committed(group string) {
	s.t.Helper()
	eventually(s.t, 30*time.Second, func() error {
		sum := int64(0)
		for _, o := range committed(s.t, group, s.topic) {
			sum += o
		}
		if sum != int64(s.n) {
			return fmt.Errorf("offsets of %s add up to %d, not %d", group, sum, s.n)
		}
		return nil
	})
}

// groupIs waits until a group is stable, of a type, and has that many members.
func groupIs(t *testing.T, group, kind string, members int) {
	t.Helper()
	admin := kadm.NewClient(client(t))
	eventually(t, 60*time.Second, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		listed, err := admin.ListGroupsByType(ctx, []string{kind})
		if err != nil {
			return err
		}
		g, ok := listed[group]
		if !ok || g.State != "Stable" {
			return fmt.Errorf("group %s of type %s is %+v", group, kind, g)
		}
		if kind == "consumer" {
			described, err := admin.DescribeConsumerGroups(ctx, group)
			if err != nil {
				return err
			}
			if n := len(described[group].Members); n != members {
				return fmt.Errorf("group %s has %d members", group, n)
			}
		}
		return nil
	})
}
