package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/internal/sseserver"
	"github.com/moldau-io/moldau/test/wikidata"
)

const (
	topic = "wikipedia"
	// partitions of the topic.
	partitions = 3
	// kills is how often a worker is killed in one test.
	kills = 20
	// flushInterval makes commits so frequent that many come just before a kill.
	flushInterval = "offset.flush.interval.ms=10"
	// seedEnv repeats a run with the seed that it printed.
	seedEnv = "MOLDAU_E2E_SEED"
)

// gated is a feed of which the server sees only the first events until the gate opens
// further.
type gated struct {
	*sseserver.Recording
	mu       sync.Mutex
	moved    *sync.Cond
	limit    int64
	furthest int64 // events handed out by any connection
}

func newGated(r *sseserver.Recording) *gated {
	g := &gated{Recording: r}
	g.moved = sync.NewCond(&g.mu)
	return g
}

// At implements sseserver.Feed; it waits at the gate.
func (g *gated) At(n int64) sseserver.Event {
	g.mu.Lock()
	for n >= g.limit {
		g.moved.Wait()
	}
	g.furthest = max(g.furthest, n+1)
	g.mu.Unlock()
	return g.Recording.At(n)
}

// open lets the first n events through.
func (g *gated) open(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit = n
	g.moved.Broadcast()
}

func (g *gated) sent() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.furthest)
}

// pipeline is a recording that is served as a stream, and a data directory for the
// workers that read it.
type pipeline struct {
	feed *gated
	url  string
	dir  string
	// ids are the events' meta.id in their order, index its inverse.
	ids   []string
	index map[string]int
}

func newPipeline(t testing.TB) *pipeline {
	t.Helper()
	p := &pipeline{feed: newGated(wikidata.Recording(t)), dir: t.TempDir(), index: map[string]int{}}
	for i := range p.feed.Len() {
		var body struct{ Meta struct{ ID string } }
		if err := json.Unmarshal(p.feed.Recording.At(i).Data, &body); err != nil || body.Meta.ID == "" {
			t.Fatalf("event %d has no meta.id: %v", i, err)
		}
		p.ids = append(p.ids, body.Meta.ID)
		p.index[body.Meta.ID] = int(i)
	}
	if len(p.index) != len(p.ids) {
		t.Fatalf("%d events have %d ids", len(p.ids), len(p.index))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.url = "http://" + l.Addr().String() + "/v2/stream/recentchange"
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	// A rate makes the server send each event by itself.
	go func() { served <- sseserver.New(p.feed, sseserver.Options{Rate: 2000, Gzip: true}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		p.feed.open(p.feed.Len())
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return p
}

// source is the configuration of the connector that reads the stream.
func (p *pipeline) source(mode, valueConverter string) map[string]string {
	return map[string]string{
		"connector.class": "io.moldau.connect.sse.ServerSentEventsSourceConnector", "tasks.max": "1",
		"sse.uri": p.url, "topic": topic, "value.mode": mode, "key.from": "meta.id", "timestamp.from": "meta.dt",
		// There are always records on their way to the topic when a kill comes.
		"producer.override.linger.ms": "40", "producer.override.batch.size": "200000",
		"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": valueConverter, "value.converter.schemas.enable": "false",
	}
}

// body is the data of an event.
func (p *pipeline) body(id string) []byte { return p.feed.Recording.At(int64(p.index[id])).Data }

// torment creates connectors and kills their worker at random points, some while it
// starts, some as its source has come to an event, some as an event has arrived behind
// its sink. Then it lets the rest of the stream through, waits until done returns nil,
// and stops the worker in order.
func (p *pipeline) torment(t *testing.T, connectors map[string]map[string]string, arrived func() int, done func(kafka string) error) {
	t.Helper()
	t.Cleanup(func() { checkLog(t, p.dir) })
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s=%s: write a number", seedEnv, text)
		}
	}
	t.Logf("repeat with %s=%d", seedEnv, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	points := make([]int, kills)
	for i := range points {
		points[i] = 1 + random.IntN(len(p.ids)*9/10)
	}
	slices.Sort(points)
	begin := time.Now()
	when := map[string]int{}
	for i, point := range points {
		// Beyond the gate there are always more events: each kill is in mid-stream.
		p.feed.open(min(int64(point)+50+random.Int64N(200), p.feed.Len()-1))
		kind := []string{"starting", "reading", "writing"}[random.IntN(3)]
		wait := time.Duration(random.IntN(60)) * time.Millisecond
		if i == 0 {
			kind = "writing"
		}
		when[kind]++
		w := start(t, p.dir, flushInterval)
		if i == 0 {
			a := w.address(t)
			createTopic(t, a.Kafka)
			for name, config := range connectors {
				create(t, a.REST, name, config)
			}
		}
		switch kind {
		case "starting":
			wait *= 10
		case "reading":
			p.reached(t, w, point, p.feed.sent)
		case "writing":
			p.reached(t, w, point, arrived)
		}
		select {
		case <-w.done:
			t.Fatalf("the worker ended before kill %d, %s at event %d: %v", i+1, kind, point, w.err)
		case <-time.After(wait):
		}
		w.kill()
	}
	t.Logf("%d kills in %.1f s: %v; %d of %d events had been sent, %d had arrived",
		kills, time.Since(begin).Seconds(), when, p.feed.sent(), len(p.ids), arrived())
	p.feed.open(p.feed.Len())
	w := start(t, p.dir, flushInterval)
	a := w.address(t)
	p.reached(t, w, len(p.ids), arrived)
	eventually(t, 30*time.Second, func() error { return done(a.Kafka) })
	w.stop(t)
	t.Logf("all had arrived and the worker had stopped after %.1f s", time.Since(begin).Seconds())
}

// createTopic makes the topic, before a sink that asks for it makes the broker do so.
func createTopic(t testing.TB, kafka string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(kafka))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

// reached waits until count has come to n.
func (p *pipeline) reached(t testing.TB, w *worker, n int, count func() int) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		select {
		case <-w.done:
			t.Fatalf("the worker has ended: %v", w.err)
		default:
		}
		if got := count(); got < n {
			return fmt.Errorf("%d events, want %d", got, n)
		}
		return nil
	})
}

// records are the topic's records by partition, in the order of their offsets.
func records(ctx context.Context, kafka string) (map[int32][]*kgo.Record, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(kafka), kgo.ConsumeTopics(topic))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	out := map[int32][]*kgo.Record{}
	for left > 0 {
		fetched := cl.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			return nil, err
		}
		fetched.EachRecord(func(r *kgo.Record) {
			out[r.Partition] = append(out[r.Partition], r)
			left--
		})
	}
	return out, nil
}

// checkTopic compares the topic with the stream: every event is there, in one
// partition, and first arrivals are in the stream's order within it. It returns the
// events' partitions.
func (p *pipeline) checkTopic(t testing.TB, stored map[int32][]*kgo.Record, same func(got, want []byte) bool) map[string]int32 {
	t.Helper()
	of := map[string]int32{}
	n := 0
	for partition, rs := range stored {
		last := -1
		for _, r := range rs {
			n++
			id := string(r.Key)
			at, known := p.index[id]
			if !known || !same(r.Value, p.body(id)) {
				t.Fatalf("record %d of partition %d, key %q, is no event of the stream: %.300s", r.Offset, partition, id, r.Value)
			}
			if other, again := of[id]; again {
				if other != partition {
					t.Fatalf("event %s is in the partitions %d and %d", id, other, partition)
				}
				continue
			}
			of[id] = partition
			if at < last {
				t.Errorf("partition %d, offset %d: event %d first comes behind event %d", partition, r.Offset, at, last)
			}
			last = at
		}
	}
	if len(stored) != partitions {
		t.Errorf("%d partitions have records, want %d", len(stored), partitions)
	}
	if len(of) != len(p.ids) {
		t.Errorf("%d of %d events are in the topic", len(of), len(p.ids))
	}
	t.Logf("%d records in the topic, %d of them more than once", n, n-len(of))
	return of
}
