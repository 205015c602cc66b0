package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func clientOpts(b *Broker) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(b.Addr()), kgo.Dialer(b.Dial), kgo.DisableClientMetrics()}
}

func newAdmin(t testing.TB, b *Broker, opts ...kgo.Opt) *Admin {
	t.Helper()
	a, err := NewAdmin(AdminOptions{Brokers: b.Addr(), Client: append(clientOpts(b), opts...), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func mustCreate(t testing.TB, b *Broker, topic string, partitions int32) {
	t.Helper()
	if r, err := newAdmin(t, b).CreateTopic(context.Background(), NewTopic{Name: topic, Partitions: partitions, ReplicationFactor: 1}); err != nil || r != TopicCreated {
		t.Fatal(r, err)
	}
}

// sink gathers what a log delivers.
type sink struct {
	mu   sync.Mutex
	seen []string
}

func (s *sink) deliver(r *kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, fmt.Sprintf("%s=%s", r.Key, r.Value))
}

func (s *sink) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	slices.Sort(seen)
	return seen
}

func startLog(t testing.TB, b *Broker, topic string, change func(*LogConfig)) (*Log, *sink) {
	t.Helper()
	s := &sink{}
	cfg := LogConfig{Topic: topic, Brokers: b.Addr(), Reader: clientOpts(b), Writer: clientOpts(b), Deliver: s.deliver, Logger: quiet()}
	if change != nil {
		change(&cfg)
	}
	l := NewLog(cfg)
	t.Cleanup(func() {
		if err := l.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := l.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return l, s
}

func expect(t testing.TB, s *sink, want ...string) {
	t.Helper()
	if got := s.take(); !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func send(t testing.TB, l *Log, keyValues ...string) {
	t.Helper()
	for _, kv := range keyValues {
		k, v, _ := strings.Cut(kv, "=")
		if err := l.Send(context.Background(), []byte(k), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogReadsToTheEndAndFollows(t *testing.T) {
	ctx := context.Background()
	for _, partitions := range []int32{1, 5} {
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", partitions)
		l, s := startLog(t, b, "log", nil)
		expect(t, s)
		if l.Partitions() != int(partitions) {
			t.Errorf("%d partitions", l.Partitions())
		}
		send(t, l, "a=1", "b=2", "c=3")
		if err := l.ReadToEnd(ctx); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "a=1", "b=2", "c=3")
		_, other := startLog(t, b, "log", nil)
		expect(t, other, "a=1", "b=2", "c=3")
		if err := l.SendAll(ctx, kgo.Record{Key: []byte("d"), Value: []byte("4")}, kgo.Record{Key: []byte("e")}); err != nil {
			t.Fatal(err)
		}
		if err := l.ReadToEnd(ctx); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "d=4", "e=")
	}
}

// A write that is given up must not take others with it that are in its batch.
func TestLogWritesDoNotFailForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "topic", 1)
		l, s := startLog(t, b, "topic", func(c *LogConfig) { c.Writer = append(c.Writer, kgo.ProducerLinger(time.Second)) })
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var given, kept error
		var wg sync.WaitGroup
		wg.Go(func() { given = l.Send(impatient, []byte("given up"), []byte("1")) })
		synctest.Wait()
		wg.Go(func() { kept = l.Send(t.Context(), []byte("kept"), []byte("1")) })
		wg.Wait()
		if !errors.Is(given, context.DeadlineExceeded) || kept != nil {
			t.Errorf("given up: %v; kept: %v", given, kept)
		}
		if err := l.ReadToEnd(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen := s.take(); !slices.Contains(seen, "kept=1") {
			t.Errorf("read %q", seen)
		}
	})
}

func TestLogKeepsOrderAndJavaPlacement(t *testing.T) {
	b := startBroker(t, BrokerConfig{InMemory: true})
	mustCreate(t, b, "log", 7)
	var mu sync.Mutex
	var order []string
	partition := map[string]int32{}
	l, _ := startLog(t, b, "log", func(c *LogConfig) {
		c.Deliver = func(r *kgo.Record) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, string(r.Value))
			partition[string(r.Key)] = r.Partition
		}
	})
	var want []string
	for i := range 100 {
		send(t, l, fmt.Sprintf("sample=%d", i))
		want = append(want, fmt.Sprint(i))
	}
	if err := l.ReadToEnd(context.Background()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(order, want) {
		t.Errorf("order %v", order)
	}
	if partition["sample"] != 2 {
		t.Errorf("sample is in partition %d of 7, Java's producer puts it into 2", partition["sample"])
	}
}

// TestLogTransactions has markers and aborted transactions at the end of the topic.
func TestLogTransactions(t *testing.T) {
	ctx := context.Background()
	for _, committed := range []bool{false, true} {
		t.Run(fmt.Sprint("committed=", committed), func(t *testing.T) {
			b := startBroker(t, BrokerConfig{InMemory: true})
			mustCreate(t, b, "log", 1)
			p := newClient(t, b, kgo.TransactionalID("x"), kgo.DefaultProduceTopic("log"))
			txn := func(value string, end kgo.TransactionEndTry) {
				if err := p.BeginTransaction(); err != nil {
					t.Fatal(err)
				}
				if err := p.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
					t.Fatal(err)
				}
				if err := p.EndTransaction(ctx, end); err != nil {
					t.Fatal(err)
				}
			}
			txn("1", kgo.TryCommit)
			txn("2", kgo.TryAbort)
			l, s := startLog(t, b, "log", func(c *LogConfig) { c.ReadCommitted = committed })
			if committed {
				expect(t, s, "=1")
			} else {
				expect(t, s, "=1", "=2")
			}
			txn("3", kgo.TryAbort)
			if err := l.ReadToEnd(ctx); err != nil {
				t.Fatal(err)
			}
			if committed {
				expect(t, s)
			} else {
				expect(t, s, "=3")
			}
			txn("4", kgo.TryCommit)
			if err := l.ReadToEnd(ctx); err != nil {
				t.Fatal(err)
			}
			expect(t, s, "=4")
		})
	}
}

func TestLogWaitsForOpenTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", 1)
		var logged bytes.Buffer
		l, s := startLog(t, b, "log", func(c *LogConfig) {
			c.ReadCommitted, c.Logger = true, slog.New(slog.NewTextHandler(&logged, nil))
		})
		p := newClient(t, b, kgo.TransactionalID("x"), kgo.DefaultProduceTopic("log"))
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := p.ProduceSync(ctx, kgo.StringRecord("1")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- l.ReadToEnd(ctx) }()
		time.Sleep(20 * time.Second) // virtual
		select {
		case err := <-done:
			t.Fatalf("did not wait for the open transaction: %v", err)
		default:
		}
		if err := p.EndTransaction(ctx, kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		expect(t, s, "=1")
		if got := logged.String(); strings.Count(got, "takes long") != 1 || !strings.Contains(got, "partition 0 from 0 to 1") {
			t.Errorf("the log does not say once what is waited for:\n%s", got)
		}
	})
}

// While a read to the end asks the broker about one partition, the reader may pass the
// end of another: that one's position must not go back to the end, for then the next
// read to the end would wait for records that were delivered already.
func TestLogProbesBehindTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", 1)
		l, s := startLog(t, b, "log", func(c *LogConfig) { c.ReadCommitted = true })
		p := newClient(t, b, kgo.TransactionalID("x"), kgo.DefaultProduceTopic("log"))
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := p.ProduceSync(ctx, kgo.StringRecord("1")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		stale, err := l.ends(ctx, l.admin.ListEndOffsets)
		if err != nil || stale[0] != 1 {
			t.Fatal(stale, err)
		}
		if err := p.EndTransaction(ctx, kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		if err := l.ReadToEnd(ctx); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "=1")
		l.probe(ctx, stale)
		if err := l.ReadToEnd(ctx); err != nil {
			t.Error(err)
		}
		if left := l.missing(map[int32]int64{0: 2}); left != "" {
			t.Errorf("%s is left, though the mark of the commit was read", left)
		}
	})
}

// A writer that was killed must not hold up those who start until its transaction ends.
func TestLogStartsBesideAnOpenTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", 1)
		first, _ := startLog(t, b, "log", nil)
		send(t, first, "a=1")
		p := newClient(t, b, kgo.TransactionalID("x"), kgo.DefaultProduceTopic("log"))
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := p.ProduceSync(ctx, kgo.StringRecord("2")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		send(t, first, "c=3")
		begin := time.Now()
		l, s := startLog(t, b, "log", func(c *LogConfig) { c.ReadCommitted = true })
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("started after %v", took)
		}
		expect(t, s, "a=1")
		if err := p.EndTransaction(ctx, kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		if err := l.ReadToEnd(ctx); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "c=3")
	})
}

// TestLogEndsInAGap has a topic whose last records were deleted: no record says that
// the end is reached.
func TestLogEndsInAGap(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t, BrokerConfig{InMemory: true})
	mustCreate(t, b, "log", 1)
	l, s := startLog(t, b, "log", nil)
	send(t, l, "a=1", "a=2")
	adm := kadm.NewClient(newClient(t, b))
	var os kadm.Offsets
	os.AddOffset("log", 0, 2, -1)
	if _, err := adm.DeleteRecords(ctx, os); err != nil {
		t.Fatal(err)
	}
	_, other := startLog(t, b, "log", nil)
	expect(t, other)
	send(t, l, "a=3")
	if err := l.ReadToEnd(ctx); err != nil {
		t.Fatal(err)
	}
	if got := s.take(); len(got) == 0 || got[len(got)-1] != "a=3" {
		t.Errorf("delivered %q", got)
	}

	if l.nothingLeft(ctx, 0, 2, 3) {
		t.Error("the record at 2 was overlooked")
	}
	if !l.nothingLeft(ctx, 0, 3, 3) {
		t.Error("nothing is left at 3")
	}
	if l.nothingLeft(ctx, 0, 3, 4) {
		t.Error("the broker does not have 4 yet")
	}
}

func TestLogFindsNewPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", 1)
		l, s := startLog(t, b, "log", nil)
		if _, err := kadm.NewClient(newClient(t, b)).UpdatePartitions(ctx, 3, "log"); err != nil {
			t.Fatal(err)
		}
		p := newClient(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for i := range int32(3) {
			if err := p.ProduceSync(ctx, &kgo.Record{Topic: "log", Partition: i, Value: []byte(fmt.Sprint(i))}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute) // virtual; the client caches its metadata for some seconds
		if err := l.ReadToEnd(ctx); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "=0", "=1", "=2")
		if l.Partitions() != 3 {
			t.Errorf("%d partitions", l.Partitions())
		}
	})
}

func TestLogMissingTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBroker(t, BrokerConfig{InMemory: true})
		l := NewLog(LogConfig{Topic: "none", Brokers: "b", Reader: clientOpts(b), Deliver: func(*kgo.Record) {}, Logger: quiet()})
		start := time.Now()
		err := l.Start(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "Could not look up partition metadata for topic 'none' in the allotted period.") {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d < topicTimeout || d > 2*topicTimeout {
			t.Errorf("took %s", d)
		}
		if err := l.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestLogSurvivesTheBroker has a broker that goes away for an hour.
func TestLogSurvivesTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", 2)
		var logged bytes.Buffer
		l, s := startLog(t, b, "log", func(c *LogConfig) { c.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
		send(t, l, "a=1")
		var down atomic.Bool
		down.Store(true)
		b.Cluster().Control(func(kmsg.Request) (kmsg.Response, error, bool) {
			b.Cluster().KeepControl()
			if down.Load() {
				return nil, errors.New("broken"), true
			}
			return nil, nil, false
		})
		sent, read := make(chan error, 1), make(chan error, 1)
		go func() { sent <- l.Send(ctx, []byte("b"), []byte("2")) }()
		go func() { read <- l.ReadToEnd(ctx) }()
		time.Sleep(time.Hour) // virtual
		select {
		case err := <-sent:
			t.Fatalf("Send gave up: %v", err)
		case err := <-read:
			t.Fatalf("ReadToEnd gave up: %v", err)
		default:
		}
		down.Store(false)
		if err := errors.Join(<-sent, <-read, l.ReadToEnd(ctx)); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "a=1", "b=2")
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		down.Store(true)
		if err := l.ReadToEnd(short); err == nil || !strings.Contains(err.Error(), "Timed out while waiting to get end offsets for topic 'log'") {
			t.Errorf("got %v", err)
		}
		if err := l.Send(short, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		down.Store(false)
		if n := strings.Count(logged.String(), "Error polling the topic"); n > 20 {
			t.Errorf("an hour of the same trouble gave %d log lines", n)
		}
	})
}

func TestLogStopEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBroker(t, BrokerConfig{InMemory: true})
		mustCreate(t, b, "log", 1)
		l, _ := startLog(t, b, "log", func(c *LogConfig) { c.ReadCommitted = true })
		p := newClient(t, b, kgo.TransactionalID("x"), kgo.DefaultProduceTopic("log"))
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := p.ProduceSync(t.Context(), kgo.StringRecord("open")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() { read <- l.ReadToEnd(context.Background()) }()
		synctest.Wait()
		if err := l.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
		if err := l.Send(context.Background(), nil, nil); !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
	})
}

func TestLogAuthorization(t *testing.T) {
	b := startBroker(t, BrokerConfig{InMemory: true})
	mustCreate(t, b, "log", 1)
	deny := func(key int16, code *kerr.Error) {
		b.Cluster().ControlKey(key, func(r kmsg.Request) (kmsg.Response, error, bool) {
			b.Cluster().KeepControl()
			switch req := r.(type) {
			case *kmsg.ListOffsetsRequest:
				resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
				rt := kmsg.NewListOffsetsResponseTopic()
				rt.Topic = req.Topics[0].Topic
				rp := kmsg.NewListOffsetsResponseTopicPartition()
				rp.ErrorCode = code.Code
				rt.Partitions = append(rt.Partitions, rp)
				resp.Topics = append(resp.Topics, rt)
				return resp, nil, true
			case *kmsg.ProduceRequest:
				resp := req.ResponseKind().(*kmsg.ProduceResponse)
				rt := kmsg.NewProduceResponseTopic()
				rt.Topic, rt.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.ErrorCode = code.Code
				rt.Partitions = append(rt.Partitions, rp)
				resp.Topics = append(resp.Topics, rt)
				return resp, nil, true
			}
			return nil, nil, false
		})
	}
	l, _ := startLog(t, b, "log", nil)
	deny(kmsg.ListOffsets.Int16(), kerr.TopicAuthorizationFailed)
	deny(kmsg.Produce.Int16(), kerr.TopicAuthorizationFailed)
	if err := l.ReadToEnd(context.Background()); err == nil || !strings.HasPrefix(err.Error(), "Not authorized to get the end offsets for topic 'log' on brokers at memory:9092") {
		t.Errorf("got %v", err)
	}
	if err := l.Send(context.Background(), nil, nil); err == nil || !strings.HasPrefix(err.Error(), "Not authorized to access topics: [log]") {
		t.Errorf("got %v", err)
	}
}

func TestReadOnlyLog(t *testing.T) {
	b := startBroker(t, BrokerConfig{InMemory: true})
	mustCreate(t, b, "log", 1)
	l, _ := startLog(t, b, "log", func(c *LogConfig) { c.Writer = nil })
	if err := l.Send(context.Background(), nil, nil); err == nil || !strings.Contains(err.Error(), "read-only mode") {
		t.Errorf("got %v", err)
	}
	if err := l.Flush(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestTxnWriterFences(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t, BrokerConfig{InMemory: true})
	mustCreate(t, b, "log", 1)
	l, s := startLog(t, b, "log", func(c *LogConfig) { c.ReadCommitted = true })
	open := func() *TxnWriter {
		w, err := OpenTxnWriter(ctx, "log", append(clientOpts(b), kgo.TransactionalID("leader")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		return w
	}
	rec := func(v string) kgo.Record { return kgo.Record{Key: []byte("k"), Value: []byte(v)} }
	old := open()
	if err := old.Write(ctx, rec("1"), rec("2")); err != nil {
		t.Fatal(err)
	}
	next := open()
	var fenced *FencedError
	if err := old.Write(ctx, rec("3")); !errors.As(err, &fenced) {
		t.Errorf("the old writer got %v", err)
	}
	if err := next.Write(ctx, rec("4")); err != nil {
		t.Fatal(err)
	}
	if err := l.ReadToEnd(ctx); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "k=1", "k=2", "k=4")

	// Fenced between the last record and the commit.
	b.Cluster().ControlKey(kmsg.EndTxn.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		resp := r.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.ProducerFenced.Code
		return resp, nil, true
	})
	if err := next.Write(ctx, rec("uncommitted")); !errors.As(err, &fenced) {
		t.Errorf("a commit that was fenced: %v", err)
	}
	next = open()
	a := newAdmin(t, b)
	if err := a.FenceProducers(ctx, []string{"leader", "unused"}); err != nil {
		t.Fatal(err)
	}
	if err := next.Write(ctx, rec("5")); !errors.As(err, &fenced) {
		t.Errorf("after FenceProducers the writer got %v", err)
	}
}
