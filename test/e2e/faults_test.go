package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/internal/estest"
	"github.com/moldau-io/moldau/internal/logging"
	"github.com/moldau-io/moldau/internal/node"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/test/chaos"
	"github.com/moldau-io/moldau/test/faultproxy"
)

// brokerErrors are what a broker may answer at any time, by request. Clients have to
// get over each of them.
var brokerErrors = []kfake.Fault{
	// Of these the second and the third hide that the records were written.
	{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition},
	{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut},
	{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicasAfterAppend},
	{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas},
	{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.KafkaStorageError},
	{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownTopicOrPartition},
	{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition},
	{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.KafkaStorageError},
	{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownLeaderEpoch},
	{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetNotAvailable},
	{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.FetchSessionIDNotFound, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.NotLeaderForPartition},
	{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.NotCoordinator},
	{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress},
	{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RequestTimedOut},
	{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress},
	{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable},
	{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorLoadInProgress, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.SyncGroup}, Err: kerr.RebalanceInProgress, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.NotCoordinator, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ConcurrentTransactions, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.NotCoordinator, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.AddPartitionsToTxn}, Err: kerr.ConcurrentTransactions},
	{Keys: []kmsg.Key{kmsg.AddPartitionsToTxn}, Err: kerr.CoordinatorLoadInProgress},
	{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ConcurrentTransactions, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.NotCoordinator, TopLevel: true},
	{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorNotAvailable, TopLevel: true},
}

// dropped are the requests whose connection may end instead of an answer.
var dropped = []kmsg.Key{
	kmsg.Produce, kmsg.Fetch, kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.Metadata, kmsg.FindCoordinator, kmsg.JoinGroup,
	kmsg.SyncGroup, kmsg.Heartbeat, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.EndTxn, kmsg.ListOffsets,
}

var errDropped = errors.New("dropped")

// fixedSeeds are those of every run; MOLDAU_SEED is another.
var fixedSeeds = []uint64{1, 2, 3}

// Two workers of a group move numbered records, exactly once, from a generator over a
// cluster of three brokers to a file and an index, while brokers answer with errors,
// drop connections, and hand on partitions and groups to each other, and the index
// fails, as a seed says. Some records cannot be written and become dead letters.
func TestBrokerFaults(t *testing.T) {
	seeds := fixedSeeds
	if os.Getenv("MOLDAU_SEED") != "" {
		seed, err := chaos.Seed()
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			t.Logf("MOLDAU_SEED=%d runs this alone", seed)
			newFaulty(t).run(seed)
		})
	}
}

const (
	faultyNumbers, faultyKeys, faultyRate = 1500, 6, 500
	faultySteps                           = 40
)

// faulty is a cluster whose brokers fail on demand, with the workers on it.
type faulty struct {
	t      *testing.T
	broker *kafka.Broker
	client *kgo.Client
	front  *faultproxy.HTTP
	index  *estest.Server
	file   string
	rest   string // of the first worker
	began  time.Time

	mu    sync.Mutex
	conns map[net.Conn]struct{} // of the workers
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{t: t, index: estest.New(), file: filepath.Join(t.TempDir(), "out"), conns: map[net.Conn]struct{}{}, began: time.Now()}
	closed := func(close func() error) {
		t.Cleanup(func() {
			if err := close(); err != nil {
				t.Error(err)
			}
		})
	}
	var err error
	if f.broker, err = kafka.StartBroker(kafka.BrokerConfig{Nodes: 3}); err != nil {
		t.Fatal(err)
	}
	closed(f.broker.Close)
	for name, n := range map[string]int32{"numbers": 3, "letters": 1} {
		if err := f.broker.Cluster().CreateTopic(name, n, nil); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(f.index)
	t.Cleanup(server.Close)
	f.index.CreateIndex("numbers", "")
	f.index.Strict = map[string]string{"id": "number"}
	if f.front, err = faultproxy.StartHTTP(strings.TrimPrefix(server.URL, "http://")); err != nil {
		t.Fatal(err)
	}
	closed(f.front.Close)
	if f.client, err = kgo.NewClient(kgo.SeedBrokers(f.broker.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.Close)
	for range 2 {
		rest := f.worker()
		if f.rest == "" {
			f.rest = rest
		}
	}
	return f
}

// worker runs a worker of the group until the end of the test.
func (f *faulty) worker() (rest string) {
	f.t.Helper()
	props, err := node.Dev{REST: "127.0.0.1:0", Set: []string{
		"offset.flush.interval.ms=50", "exactly.once.source.support=enabled", "consumer.isolation.level=read_committed",
		"heartbeat.interval.ms=200", "consumer.heartbeat.interval.ms=200", "scheduled.rebalance.max.delay.ms=0",
		"retry.backoff.ms=20", "producer.retry.backoff.ms=20", "consumer.retry.backoff.ms=20",
		"key.converter=org.apache.kafka.connect.storage.StringConverter", "value.converter.schemas.enable=false",
	}}.Props(strings.Join(f.broker.Addrs(), ","))
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan node.Addresses, 1), make(chan error, 1)
	log := &lines{}
	go func() {
		ended <- node.Run(ctx, node.Options{
			Props: props, Mode: settings.Distributed, Plugins: standard.Registry(), Levels: logging.New("INFO"), Dial: f.dial,
			LogTo: slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.Level(-100)}), Ready: func(a node.Addresses) { ready <- a },
		})
	}()
	f.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Error(err)
		}
		if f.t.Failed() {
			f.t.Logf("warnings and errors of a worker:\n%s%s", strings.Join(log.at("WARN", ""), ""), strings.Join(log.at("ERROR", ""), ""))
		}
	})
	select {
	case a := <-ready:
		return a.REST
	case err := <-ended:
		ended <- nil
		f.t.Fatal(err)
	}
	return ""
}

// faultyConn is a worker's connection, which can be cut.
type faultyConn struct {
	net.Conn
	f *faulty
}

func (c *faultyConn) Close() error {
	c.f.mu.Lock()
	delete(c.f.conns, c.Conn)
	c.f.mu.Unlock()
	return c.Conn.Close()
}

func (f *faulty) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := f.broker.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns[c] = struct{}{}
	return &faultyConn{c, f}, nil
}

// cut ends all connections of the workers.
func (f *faulty) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close() // the worker may have been first
	}
	clear(f.conns)
}

// run moves the numbers under the faults of a seed and checks what arrived.
func (f *faulty) run(seed uint64) {
	t := f.t
	values := map[string]string{"key.converter": "org.apache.kafka.connect.storage.StringConverter"}
	with := func(c map[string]string) map[string]string {
		maps.Copy(c, values)
		return c
	}
	create(t, f.rest, "index", with(map[string]string{
		"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "tasks.max": "2", "topics": "numbers",
		"connection.url": f.front.URL(), "schema.ignore": "true", "key.ignore": "true", "behavior.on.malformed.documents": "ignore",
		"max.retries": "50", "retry.backoff.ms": "10", "read.timeout.ms": "200", "batch.size": "20",
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "letters", "errors.deadletterqueue.topic.replication.factor": "1",
	}))
	create(t, f.rest, "file", with(map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "1", "topics": "numbers", "file": f.file,
		"value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}))
	create(t, f.rest, "source", with(map[string]string{
		"connector.class": "io.moldau.connect.datagen.DatagenSourceConnector", "tasks.max": "2", "topic": "numbers", "template": "orders",
		"rate": strconv.Itoa(faultyRate), "key.space": strconv.Itoa(faultyKeys), "count": strconv.Itoa(faultyNumbers), "batch.size": "20",
		"transforms": "id", "transforms.id.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.id.include": "id",
	}))
	f.t.Logf("begun after %.1f s", time.Since(f.began).Seconds())
	bad := f.inject(seed)
	f.check("topic, read committed", true, faultyNumbers, faultyKeys, func() []int { return f.numbers("numbers") })
	f.check("file", false, faultyNumbers, faultyKeys, func() []int {
		text, err := os.ReadFile(f.file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return found(string(text))
	})
	f.check("index", true, faultyNumbers, faultyNumbers, func() (out []int) {
		for _, doc := range f.index.Docs("numbers") {
			out = append(out, found(string(doc.Raw))...)
		}
		return out
	})
	f.check("dead letters", false, bad, bad, func() []int { return f.numbers("letters") })
	f.noneFailed()
}

// inject carries out the faults of a seed, heals all of them, and returns how many bad
// records it wrote in between.
func (f *faulty) inject(seed uint64) (bad int) {
	const ms = time.Millisecond
	plan := chaos.NewPlan(seed, "broker", 40*ms,
		chaos.Fault{Name: "error", Weight: 12},
		chaos.Fault{Name: "request dropped", Weight: 6},
		chaos.Fault{Name: "connections cut", Weight: 2},
		chaos.Fault{Name: "leaders moved", Weight: 3},
		chaos.Fault{Name: "coordinators moved", Weight: 2},
		chaos.Fault{Name: "index", Weight: 4, Shortest: 20 * ms, Longest: 200 * ms},
	)
	cluster := f.broker.Cluster()
	count := map[string]int{}
	var healed atomic.Bool
	var handles []*kfake.FaultHandle
	for range faultySteps {
		step := plan.Next()
		<-time.After(step.Quiet)
		count[step.Fault]++
		switch step.Fault {
		case "error":
			fault := brokerErrors[step.Pick%len(brokerErrors)]
			fault.Count = 1 + step.Pick%3
			handles = append(handles, cluster.Fault(fault))
		case "request dropped":
			cluster.ControlKey(int16(dropped[step.Pick%len(dropped)]), func(kmsg.Request) (kmsg.Response, error, bool) {
				if healed.Load() {
					cluster.DropControl()
					return nil, nil, false
				}
				return nil, errDropped, true
			})
		case "connections cut":
			f.cut()
		case "leaders moved":
			cluster.ShufflePartitionLeaders()
		case "coordinators moved":
			cluster.RehashCoordinators()
		case "index":
			f.front.Fail([]faultproxy.HTTPFault{{Refuse: 429}, {Items: 429}, {Lose: 503}, {Drop: true}, {Slow: 250 * ms}}[step.Pick%5])
			<-time.After(step.Lasts)
			f.front.Heal()
		}
		// What cannot be read, or cannot be indexed.
		value := []string{`not JSON {"bad":%d}`, `{"id":"no number","bad":%d}`}[bad%2]
		r := &kgo.Record{Topic: "numbers", Partition: int32(bad % 3), Value: fmt.Appendf(nil, value, bad)}
		bad++
		f.client.Produce(f.t.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				f.t.Errorf("writing a bad record: %v", err)
			}
		})
	}
	healed.Store(true)
	answers := 0
	for _, h := range handles {
		answers += h.Hits()
		h.Remove()
	}
	f.t.Logf("after %.1f s faults: %v; %d answers of a broker and %d of the index were faulty", time.Since(f.began).Seconds(), count, answers, f.front.Hit())
	if err := f.client.Flush(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return bad
}

// check waits until all numbers have arrived, or for as long as that may take.
func (f *faulty) check(where string, once bool, n, keys int, read func() []int) {
	f.t.Helper()
	var r chaos.Result
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(50 * time.Millisecond) {
		if r = chaos.Check(read(), n, keys); r.Lost == 0 || time.Now().After(deadline) {
			break
		}
	}
	f.t.Logf("%s after %.1f s: %v", where, time.Since(f.began).Seconds(), r)
	if r.Wrong() || once && r.Duplicates > 0 {
		f.t.Errorf("%s: %v", where, r)
	}
}

// noneFailed wants all tasks to run.
func (f *faulty) noneFailed() {
	f.t.Helper()
	eventually(f.t, 20*time.Second, func() error {
		_, answer := request(f.t, "GET", f.rest+"connectors?expand=status", "")
		var all map[string]struct {
			Status struct {
				Tasks []struct{ State, Trace string }
			}
		}
		if err := json.Unmarshal([]byte(answer), &all); err != nil {
			return fmt.Errorf("%w: %s", err, answer)
		}
		for name, tasks := range map[string]int{"index": 2, "file": 1, "source": 2} {
			if len(all[name].Status.Tasks) != tasks {
				return fmt.Errorf("%s has %d tasks", name, len(all[name].Status.Tasks))
			}
			for _, task := range all[name].Status.Tasks {
				if task.State == "FAILED" {
					f.t.Fatalf("a task of %s has failed: %s", name, task.Trace)
				}
				if task.State != "RUNNING" {
					return fmt.Errorf("a task of %s is %s", name, task.State)
				}
			}
		}
		return nil
	})
}

// numbers are those in a topic's committed records.
func (f *faulty) numbers(topic string) (out []int) {
	f.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.broker.Addrs()...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		f.t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	if err := errors.Join(err, ends.Error()); err != nil {
		f.t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetched := cl.PollFetches(ctx)
		if err := errors.Join(fetched.Err(), ctx.Err()); err != nil {
			f.t.Fatalf("reading %s, of which %v is left: %v", topic, left, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				if topic == "letters" {
					out = append(out, match(badNumber, string(r.Value))...)
				} else {
					out = append(out, found(string(r.Value))...)
				}
			}
			if end, ok := left[r.Partition]; ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
		})
	}
	return out
}

var goodNumber, badNumber = regexp.MustCompile(`\{"id":(\d+)\}`), regexp.MustCompile(`"bad":(\d+)\}`)

func found(text string) []int { return match(goodNumber, text) }

func match(pattern *regexp.Regexp, text string) (out []int) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = -1 // more digits than any number that was sent
		}
		out = append(out, n)
	}
	return out
}
