package task

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"

	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

// benchBroker is an embedded broker on loopback. Its own work is in all numbers, so
// the ratios to the bare loops are what counts.
func benchBroker(b *testing.B) *kafka.Broker {
	broker, err := kafka.StartBroker(kafka.BrokerConfig{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := broker.Close(); err != nil {
			b.Error(err)
		}
	})
	return broker
}

// discard makes the broker acknowledge writes to topic t without keeping them: storing
// them costs more than all else together.
func discard(b *testing.B, broker *kafka.Broker) {
	if err := broker.Cluster().CreateTopic("t", 1, nil); err != nil {
		b.Fatal(err)
	}
	var next int64
	broker.Cluster().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster().KeepControl()
		produce, _ := req.(*kmsg.ProduceRequest)
		resp, _ := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range produce.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.BaseOffset = p.Partition, next
				next += int64(binary.BigEndian.Uint32(p.Records[57:61]))
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

func benchClient(broker *kafka.Broker, base ...kgo.Opt) NewClient {
	return func(opts ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(append([]kgo.Opt{kgo.SeedBrokers(broker.Addrs()...), kgo.AllowAutoTopicCreation()}, base...), opts...)...)
	}
}

var benchLine = strings.Repeat("x", 190)

type quiet struct {
	started, ended chan struct{}
}

func newQuiet() *quiet                   { return &quiet{started: make(chan struct{}), ended: make(chan struct{})} }
func (q *quiet) OnStartup(state.TaskID)  { close(q.started) }
func (q *quiet) OnPause(state.TaskID)    {}
func (q *quiet) OnResume(state.TaskID)   {}
func (q *quiet) OnShutdown(state.TaskID) {}
func (q *quiet) OnFailure(_ state.TaskID, _ error, trace string) {
	panic(trace)
}

// liner is a source task that reads lines, as FileStreamSource does: one source
// partition, an offset for each record.
type liner struct {
	n, at     int
	partition *schema.MapValue
	batch     []*connect.Record
}

func (l *liner) Start(context.Context, connect.SourceContext, map[string]string) error { return nil }
func (l *liner) Commit(context.Context) error                                          { return nil }
func (l *liner) Stop(context.Context) error                                            { return nil }

func (l *liner) Poll(ctx context.Context) ([]*connect.Record, error) {
	if l.at == l.n {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n := min(2000, l.n-l.at)
	recs, maps, entries := make([]connect.Record, n), make([]schema.MapValue, n), make([]schema.Entry, n)
	l.batch = l.batch[:0]
	now := time.Now().UnixMilli()
	for i := range recs {
		l.at++
		entries[i] = schema.Entry{Key: schema.OfString("position"), Value: schema.OfInt64(int64(l.at))}
		maps[i].Reset(entries[i : i+1 : i+1])
		recs[i] = connect.Record{
			Topic: "t", Partition: connect.NoPartition, Timestamp: now, ValueSchema: schema.Of(schema.String), Value: schema.OfString(benchLine),
			SourcePartition: l.partition, SourceOffset: &maps[i],
		}
		l.batch = append(l.batch, &recs[i])
	}
	return l.batch, nil
}

func benchProducer() []kgo.Opt {
	return []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerBatchCompression(kgo.NoCompression())}
}

func BenchmarkSource(b *testing.B) {
	b.Run("task", func(b *testing.B) {
		broker := benchBroker(b)
		discard(b, broker)
		q := newQuiet()
		log := slog.New(slog.DiscardHandler)
		s, err := NewSource(SourceConfig{
			Common: Common{
				ID: testID, Listener: q, Logger: log,
				Key: Converter{&appendingConverter{}, "k"}, Value: Converter{&plainAppender{}, "v"}, Header: HeaderConverter{&textHeaders{}, "h"},
			},
			Task: &liner{n: b.N, partition: partitionMap("file")}, NewProducer: benchClient(broker, benchProducer()...), Offsets: &memOffsets{},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(benchLine)))
		b.ReportAllocs()
		b.ResetTimer()
		done := make(chan error, 1)
		go func() { done <- s.Run(b.Context()) }()
		for s.Stats().RecordsWritten < int64(b.N) {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		s.Stop()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	})
	b.Run("bare", func(b *testing.B) {
		broker := benchBroker(b)
		discard(b, broker)
		cl, err := benchClient(broker, benchProducer()...)()
		if err != nil {
			b.Fatal(err)
		}
		defer cl.Close()
		b.SetBytes(int64(len(benchLine)))
		b.ReportAllocs()
		b.ResetTimer()
		value := []byte(benchLine)
		for range b.N {
			cl.Produce(b.Context(), &kgo.Record{Topic: "t", Value: append([]byte(nil), value...)}, func(_ *kgo.Record, err error) {
				if err != nil {
					panic(err)
				}
			})
		}
		if err := cl.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
}

// plainAppender appends strings.
type plainAppender struct{ textConverter }

func (*plainAppender) AppendConnectData(_ context.Context, dst []byte, _ string, _ *connect.RawHeaders, _ *schema.Schema, v schema.Value) ([]byte, bool, error) {
	return append(dst, v.Str()...), true, nil
}

func (*plainAppender) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	return connect.SchemaAndValue{Schema: schema.Of(schema.String), Value: schema.OfString(string(b))}, nil
}

// counter is a sink task that counts.
type counter struct {
	drain
	n    int
	want int
	done chan struct{}
}

func (c *counter) Put(_ context.Context, rs []*connect.Record) error {
	if c.n += len(rs); c.n >= c.want && c.done != nil {
		close(c.done)
		c.done = nil
	}
	return nil
}

func fill(b *testing.B, broker *kafka.Broker, n int) {
	cl, err := benchClient(broker, kgo.ProducerBatchCompression(kgo.NoCompression()))()
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	for range n {
		cl.Produce(b.Context(), &kgo.Record{Topic: "t", Value: []byte(benchLine)}, func(_ *kgo.Record, err error) {
			if err != nil {
				panic(err)
			}
		})
	}
	if err := cl.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSink(b *testing.B) {
	reset := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
	b.Run("task", func(b *testing.B) {
		broker := benchBroker(b)
		fill(b, broker, b.N)
		q, done := newQuiet(), make(chan struct{})
		c := &counter{want: b.N, done: done}
		s, err := NewSink(SinkConfig{
			Common: Common{
				ID: testID, Listener: q, Logger: slog.New(slog.DiscardHandler),
				Key: Converter{&textConverter{}, "k"}, Value: Converter{&plainAppender{}, "v"}, Header: HeaderConverter{&textHeaders{}, "h"},
			},
			Task: c, NewConsumer: benchClient(broker, kgo.ConsumerGroup(group), reset), Topics: []string{"t"},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(benchLine)))
		b.ReportAllocs()
		b.ResetTimer()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(b.Context()) }()
		<-done
		b.StopTimer()
		s.Stop()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	})
	b.Run("bare", func(b *testing.B) {
		broker := benchBroker(b)
		fill(b, broker, b.N)
		cl, err := benchClient(broker, kgo.ConsumerGroup(group), reset, kgo.ConsumeTopics("t"))()
		if err != nil {
			b.Fatal(err)
		}
		defer cl.Close()
		b.SetBytes(int64(len(benchLine)))
		b.ReportAllocs()
		b.ResetTimer()
		for n := 0; n < b.N; {
			f := cl.PollRecords(b.Context(), 500)
			if err := f.Err(); err != nil {
				b.Fatal(fmt.Errorf("polling: %w", err))
			}
			n += f.NumRecords()
		}
	})
}
