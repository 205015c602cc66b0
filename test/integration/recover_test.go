//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/test/refstack"
)

// numbers is a pipeline whose records are numbered: a generator with two tasks, a topic
// and a file, all of one worker.
type numbers struct {
	t                   *testing.T
	worker              *process
	path, url           string // of the worker
	topic, source, sink string
	file                string
	count               int
}

const numbersPartitions = 3

// newNumbers starts a pipeline that makes count records in seconds.
func newNumbers(t *testing.T, bootstrap string, count, seconds int, settings map[string]string) *numbers {
	t.Helper()
	n := &numbers{
		t: t, topic: newTopic(t, numbersPartitions), source: unique(t, "source"), sink: unique(t, "sink"),
		file: filepath.Join(t.TempDir(), "numbers"), count: count,
	}
	all := map[string]string{
		"bootstrap.servers": bootstrap, "offset.flush.interval.ms": "1000",
		// A worker that was killed is missed sooner.
		"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000",
		"consumer.session.timeout.ms": "6000", "consumer.heartbeat.interval.ms": "1000",
	}
	maps.Copy(all, settings)
	n.path, n.url = properties(t, unique(t, "g"), all)
	n.start()
	create(t, n.url, n.source, map[string]string{
		"connector.class": "io.moldau.connect.datagen.DatagenSourceConnector", "tasks.max": "2", "topic": n.topic,
		"template": "orders", "rate": strconv.Itoa(count / seconds), "count": strconv.Itoa(count),
		"key.converter":   "org.apache.kafka.connect.converters.LongConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		"transforms": "id", "transforms.id.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.id.include": "id",
	})
	create(t, n.url, n.sink, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1", "topics": n.topic, "file": n.file,
		"key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	})
	return n
}

// start starts the worker, again if it ended.
func (n *numbers) start() {
	n.t.Helper()
	n.worker = start(n.t, n.url, "worker", n.path).ready()
}

var number = regexp.MustCompile(`\{"id":(\d+)\}`)

// tally counts how often each number is in a text.
func tally(seen map[string]int, text []byte) {
	for _, found := range number.FindAllSubmatch(text, -1) {
		seen[string(found[1])]++
	}
}

// written is how often each number is in the sink's file.
func (n *numbers) written() (map[string]int, error) {
	text, err := os.ReadFile(n.file)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	seen := map[string]int{}
	tally(seen, text)
	return seen, err
}

// await waits until that many different numbers are in the sink's file.
func (n *numbers) await(want int) {
	n.t.Helper()
	eventually(n.t, 90*time.Second, func() error {
		seen, err := n.written()
		if err == nil && len(seen) < want {
			err = fmt.Errorf("%s has %d of %d numbers", n.sink, len(seen), want)
		}
		return err
	})
}

// stored is how often each number is in the topic, in records that are committed.
func (n *numbers) stored() map[string]int {
	n.t.Helper()
	// Marks at the ends say when all was read.
	cl := client(n.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	for p := range int32(numbersPartitions) {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: n.topic, Partition: p, Value: []byte("end")}).FirstErr(); err != nil {
			n.t.Fatal(err)
		}
	}
	reader := client(n.t, kgo.ConsumeTopics(n.topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	seen := map[string]int{}
	for ends := 0; ends < numbersPartitions; {
		fetched := reader.PollFetches(ctx)
		if err := errors.Join(fetched.Err(), ctx.Err()); err != nil {
			n.t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if string(r.Value) == "end" {
				ends++
			}
			tally(seen, r.Value)
		})
	}
	return seen
}

// report wants each number once or more, and returns how many are there too often.
func (n *numbers) report(where string, seen map[string]int) (duplicates int) {
	n.t.Helper()
	lost := 0
	for i := range n.count {
		times := seen[strconv.Itoa(i)]
		if times == 0 {
			lost++
		}
		duplicates += max(times-1, 0)
	}
	n.t.Logf("%s of %s: %d numbers, %d lost, %d duplicates", where, n.source, n.count, lost, duplicates)
	if lost > 0 || len(seen) != n.count {
		n.t.Errorf("%s: %d of %d numbers are lost", where, lost, n.count)
	}
	return duplicates
}

// pause waits for a time that is part of a fault.
func pause(d time.Duration) { <-time.After(d) }

// Faults of the broker, of the way to it and of the worker: each hits two workers, of
// which one writes exactly once, while numbers are moved. None may be lost, and no task
// may need help.
func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		name string
		// proxied puts the fault proxy between workers and broker.
		proxied bool
		// clean faults make no duplicates, exactly once or not.
		clean bool
		fault func(t *testing.T, workers []*numbers)
	}{
		{name: "broker killed", fault: func(t *testing.T, _ []*numbers) {
			servers.kill(t, refstack.Kafka)
			pause(3 * time.Second)
			servers.up(t, refstack.Kafka)
		}},
		{name: "broker frozen", fault: func(t *testing.T, _ []*numbers) {
			thaw := servers.freeze(t, refstack.Kafka)
			pause(15 * time.Second)
			thaw()
		}},
		{name: "connections cut", proxied: true, fault: func(t *testing.T, _ []*numbers) {
			for range 10 {
				if servers.proxy.Cut() == 0 {
					t.Error("no connection to cut")
				}
				pause(500 * time.Millisecond)
			}
		}},
		{name: "connections refused", proxied: true, fault: func(t *testing.T, _ []*numbers) {
			servers.proxy.Refuse()
			pause(8 * time.Second)
			servers.proxy.Heal()
		}},
		{name: "network stalled", proxied: true, fault: func(t *testing.T, _ []*numbers) {
			servers.proxy.Stall()
			pause(8 * time.Second)
			servers.proxy.Heal()
		}},
		{name: "worker killed", fault: func(t *testing.T, workers []*numbers) {
			for _, w := range workers {
				w.worker.kill()
			}
			for _, w := range workers {
				w.start()
			}
		}},
		{name: "worker stopped", clean: true, fault: func(t *testing.T, workers []*numbers) {
			for _, w := range workers {
				if err := w.worker.stop(30 * time.Second); err != nil {
					t.Error(err)
				}
				w.start()
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bootstrap := servers.addr(refstack.Kafka)
			if c.proxied {
				bootstrap = servers.faults(t).Addr()
			}
			const count, seconds = 4000, 12
			once := newNumbers(t, bootstrap, count, seconds, map[string]string{"exactly.once.source.support": "enabled"})
			least := newNumbers(t, bootstrap, count, seconds, nil)
			for _, w := range []*numbers{once, least} {
				w.await(count / 8)
			}
			for _, w := range []*numbers{once, least} {
				seen, err := w.written()
				t.Logf("%d of %d numbers are written", len(seen), count)
				if err != nil || len(seen) > count*3/4 {
					t.Errorf("the fault does not come in the middle (%v)", err)
				}
			}
			begin := time.Now()
			c.fault(t, []*numbers{once, least})
			for _, w := range []*numbers{once, least} {
				w.await(count)
				running(t, w.url, w.source, 2)
				running(t, w.url, w.sink, 1)
			}
			t.Logf("all is written %.1f s after the fault began", time.Since(begin).Seconds())
			for _, w := range []*numbers{once, least} {
				seen, err := w.written()
				if err != nil {
					t.Fatal(err)
				}
				if twice := w.report("the file", seen); twice > 0 && c.clean {
					t.Errorf("%d duplicates in the file", twice)
				}
				if twice := w.report("the topic", w.stored()); twice > 0 && (c.clean || w == once) {
					t.Errorf("%d duplicates in the topic", twice)
				}
			}
		})
	}
}
