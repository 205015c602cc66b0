package task

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

const group = "connect-c"

// drain is a sink task that keeps what it is given.
type drain struct {
	ctx  connect.SinkContext
	open func(*drain, []connect.TopicPartition) error
	put  func(*drain, []*connect.Record) error
	pre  func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error)

	mu     sync.Mutex
	values []string
	calls  []string
	puts   int
}

func (d *drain) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
}

func (d *drain) Start(_ context.Context, tc connect.SinkContext, _ map[string]string) error {
	d.ctx = tc
	return nil
}

func text(tps []connect.TopicPartition) string {
	var out []string
	for _, tp := range tps {
		out = append(out, fmt.Sprintf("%s-%d", tp.Topic, tp.Partition))
	}
	return strings.Join(out, ",")
}

func (d *drain) Open(_ context.Context, tps []connect.TopicPartition) error {
	d.note("open %s", text(tps))
	if d.open != nil {
		return d.open(d, tps)
	}
	return nil
}

func (d *drain) Put(_ context.Context, records []*connect.Record) error {
	d.mu.Lock()
	d.puts++
	d.mu.Unlock()
	if d.put != nil {
		if err := d.put(d, records); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range records {
		d.values = append(d.values, r.Value.Text())
	}
	return nil
}

func (d *drain) PreCommit(_ context.Context, offsets map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	if d.pre != nil {
		return d.pre(d, offsets)
	}
	return offsets, nil
}

func (d *drain) Close(_ context.Context, tps []connect.TopicPartition) error {
	d.note("close %s", text(tps))
	return nil
}

func (d *drain) Stop(context.Context) error {
	d.note("stop")
	return nil
}

func (d *drain) got() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.values)
}

func (d *drain) called() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// await lets time pass until n records were put.
func (d *drain) await(k *kit, n int) []string {
	k.t.Helper()
	for range 36000 {
		if got := d.got(); len(got) >= n {
			return got
		}
		sleep(20 * time.Millisecond)
	}
	k.t.Fatalf("only %d records were put, want %d", len(d.got()), n)
	return nil
}

func (k *kit) consumer(more ...kgo.Opt) NewClient {
	return k.newClient(append([]kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AllowAutoTopicCreation(),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.Balancers(kgo.CooperativeStickyBalancer()),
	}, more...)...)
}

func (k *kit) sink(task connect.SinkTask, change ...func(*SinkConfig)) *Sink {
	k.t.Helper()
	cfg := SinkConfig{Common: k.common(), Task: task, NewConsumer: k.consumer(), Topics: []string{"t"}}
	for _, c := range change {
		c(&cfg)
	}
	s, err := NewSink(cfg)
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

func (k *kit) deadLetters(topic string, headers bool) func(*SinkConfig) {
	return func(c *SinkConfig) {
		c.Errors.TolerateAll = true
		c.DeadLetters = &DeadLetterConfig{Topic: topic, ReplicationFactor: 1, ContextHeaders: headers, NewProducer: k.producer(), Admin: k.adminClient()}
	}
}

// groupOffsets returns the group's committed offsets.
func (k *kit) groupOffsets() string {
	k.t.Helper()
	if k.probe == nil {
		k.probe = k.client()
	}
	offsets, err := kadm.NewClient(k.probe).FetchOffsets(k.t.Context(), group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		k.t.Fatal(err)
	}
	var out []string
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.At >= 0 {
			out = append(out, fmt.Sprintf("%s-%d=%d", o.Topic, o.Partition, o.At))
		}
	})
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (k *kit) wantOffsets(want string) {
	k.t.Helper()
	if got := k.groupOffsets(); got != want {
		k.t.Errorf("committed %q, want %q", got, want)
	}
}

func TestSinkDeliversAndCommits(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 2)
		at := time.UnixMilli(1700000000000)
		k.produceRecords(
			&kgo.Record{Topic: "t", Partition: 1, Key: []byte("k"), Value: []byte("1"), Timestamp: at, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x")}}},
			&kgo.Record{Topic: "t", Partition: 1, Value: []byte("2")},
		)
		used := map[string]int{}
		var first *connect.Record
		d := &drain{put: func(_ *drain, rs []*connect.Record) error {
			if first == nil && len(rs) > 0 {
				first = rs[0]
			}
			return nil
		}}
		s := k.sink(d, func(c *SinkConfig) { c.TopicUsed = func(topic string) { used[topic]++ } })
		wait := k.start(s)
		k.expect("running")
		if got := d.await(k, 2); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("put %v", got)
		}
		if !first.Sink || first.Topic != "t" || first.Partition != 1 || first.Offset != 0 || first.Timestamp != 1700000000000 || first.TimestampType != connect.CreateTime ||
			first.Original != (connect.TopicPartitionOffset{Topic: "t", Partition: 1}) || first.Key.Str() != "k" || len(first.Headers) != 1 || first.Headers[0].Value.Str() != "x" ||
			first.ValueSchema != schema.Of(schema.String) {
			t.Errorf("record %+v", first)
		}
		k.wantOffsets("")
		sleep(time.Minute)
		k.wantOffsets("t-0=0 t-1=2")
		if got := s.Stats(); got.RecordsRead != 2 || got.RecordsWritten != 2 || got.Partitions != 2 || got.Lag != 0 || got.RecordsActive != 0 || got.CommitSeq != 1 {
			t.Errorf("stats %+v", got)
		}
		k.produceRecords(&kgo.Record{Topic: "t", Partition: 0, Value: []byte("3")})
		d.await(k, 3)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
		k.wantOffsets("t-0=1 t-1=2")
		if got, want := d.called(), []string{"open t-0,t-1", "close t-0,t-1", "stop"}; !slices.Equal(got, want) {
			t.Errorf("called %v, want %v", got, want)
		}
		if used["t"] == 0 || len(used) != 1 {
			t.Errorf("topics used: %v", used)
		}
		// The group is left, and nothing is delivered twice.
		d2 := &drain{}
		s2 := k.sink(d2)
		wait2 := k.start(s2)
		k.expect("running")
		k.produceRecords(&kgo.Record{Topic: "t", Partition: 0, Value: []byte("4")})
		if got := d2.await(k, 1); !slices.Equal(got, []string{"4"}) {
			t.Errorf("put %v", got)
		}
		s2.Stop()
		if err := wait2(); err != nil {
			t.Error(err)
		}
	})
}

// Retriable errors: the same batch is put again, in order, however long it takes, and
// the group is kept.
func TestSinkRedelivers(t *testing.T) {
	for _, asked := range []time.Duration{0, 90 * time.Second} {
		t.Run(asked.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				k.topic("t", 1)
				k.produce("t", "1", "2", "3")
				fails := 5
				d := &drain{put: func(d *drain, rs []*connect.Record) error {
					if len(rs) > 0 && fails > 0 {
						fails--
						if asked > 0 {
							d.ctx.Timeout(asked)
						}
						return errs.Retriable("full")
					}
					return nil
				}}
				s := k.sink(d)
				wait := k.start(s)
				k.expect("running")
				began := time.Now()
				sleep(time.Millisecond)
				k.produce("t", "4", "5")
				if got := d.await(k, 5); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
					t.Errorf("put %v", got)
				}
				want := 31 * time.Second // 1+2+4+8+16
				if asked > 0 {
					want = 5 * asked
				}
				if took := time.Since(began); took < want || took > want+5*time.Second {
					t.Errorf("took %s, want %s", took, want)
				}
				if got := s.Stats().Retries; got != 5 {
					t.Errorf("%d retries", got)
				}
				s.Stop()
				if err := wait(); err != nil {
					t.Error(err)
				}
				k.wantOffsets("t-0=5")
				if got, want := d.called(), []string{"open t-0", "close t-0", "stop"}; !slices.Equal(got, want) {
					t.Errorf("called %v, want %v", got, want)
				}
			})
		})
	}
}

// Invariant I4: nothing is committed past what Put has accepted.
func TestSinkDoesNotCommitWhatPutRefuses(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1", "2", "3")
		d := &drain{put: func(_ *drain, rs []*connect.Record) error {
			if len(rs) > 0 && rs[0].Value.Str() != "1" {
				return errs.Retriable("full")
			}
			return nil
		}}
		s := k.sink(d, func(c *SinkConfig) { c.MaxPollRecords = 1 })
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		sleep(5 * time.Minute)
		k.wantOffsets("t-0=1")
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=1")
	})
}

func TestSinkPutFails(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1", "2")
		d := &drain{put: func(_ *drain, rs []*connect.Record) error {
			if len(rs) > 0 && rs[0].Value.Str() == "2" {
				return errs.Wrap(errs.ClassData, errs.New("java.io.IOException", "disk"), "no")
			}
			return nil
		}}
		s := k.sink(d, func(c *SinkConfig) { c.MaxPollRecords = 1 })
		wait := k.start(s)
		k.expect("running")
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.",
			"Caused by: org.apache.kafka.connect.errors.DataException: no", "Caused by: java.io.IOException: disk")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		k.wantOffsets("t-0=1")
		if got, want := d.called(), []string{"open t-0", "close t-0", "stop"}; !slices.Equal(got, want) {
			t.Errorf("called %v, want %v", got, want)
		}
	})
}

func TestSinkPanics(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{put: func(_ *drain, rs []*connect.Record) error {
			if len(rs) > 0 {
				return fmt.Errorf("beyond the end: %v", rs[len(rs)])
			}
			return nil
		}}
		wait := k.start(k.sink(d))
		k.expect("running")
		trace := <-k.events
		for _, part := range []string{
			"failed\norg.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.",
			"Caused by: java.lang.RuntimeException: panic while putting records: runtime error: index out of range [1] with length 1", "sink_test.go:",
		} {
			if !strings.Contains(trace, part) {
				t.Errorf("%q is not in the trace %s", part, trace)
			}
		}
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
	})
}

// A record that cannot be converted fails the task: nothing of its fetch is delivered
// or committed.
func TestSinkToleranceNone(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1", "2", "bad", "3")
		d := &drain{}
		wait := k.start(k.sink(d))
		k.expect("running")
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler",
			"Caused by: org.apache.kafka.connect.errors.DataException: cannot convert bad")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		if got := d.got(); len(got) > 0 {
			t.Errorf("put %v", got)
		}
		k.wantOffsets("")
	})
}

func TestSinkDeadLetters(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		old := kgo.RecordHeader{Key: "__connect.errors.topic", Value: []byte("old")}
		k.produceRecords(
			&kgo.Record{Topic: "t", Key: []byte("k"), Value: []byte("bad 1"), Timestamp: time.UnixMilli(1700000000000), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, old, {Key: "n"}}},
			&kgo.Record{Topic: "t", Value: []byte("good")},
			&kgo.Record{Topic: "t", Value: []byte("x"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("bad")}}},
			&kgo.Record{Topic: "t", Value: []byte("drop")},
			&kgo.Record{Topic: "t", Value: []byte("transform"), Key: []byte("k2")},
			&kgo.Record{Topic: "t", Value: []byte("panic")},
		)
		d := &drain{}
		s := k.sink(d, k.deadLetters("dlq", true), func(c *SinkConfig) {
			c.Chain = funcChain{"test.Transform", func(r *connect.Record) (*connect.Record, error) {
				switch r.Value.Str() {
				case "drop":
					return nil, nil
				case "transform":
					return nil, errs.Null(errs.ClassNullPointer)
				}
				c := r.Copy()
				c.Topic, c.Partition = "routed", 77
				return c, nil
			}}
			c.Errors.Log, c.Errors.LogMessages = true, true
		})
		wait := k.start(s)
		k.expect("running")
		if got := d.await(k, 1); !slices.Equal(got, []string{"good"}) {
			t.Errorf("put %v", got)
		}
		got := k.consume("dlq", 4)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=6")
		if want := []string{"bad 1", "x", "transform", "panic"}; !slices.Equal(values(got), want) {
			t.Fatalf("dead letters %v, want %v", values(got), want)
		}
		describe := func(r *kgo.Record) (out []string) {
			for _, h := range r.Headers {
				line, _, _ := strings.Cut(string(h.Value), "\n")
				if h.Value == nil {
					line = "null"
				}
				out = append(out, strings.TrimPrefix(h.Key, "__connect.errors.")+"="+line)
			}
			return out
		}
		context := func(offset int, stage, class, exception, message, trace string) []string {
			return []string{
				"topic=t", "partition=0", fmt.Sprint("offset=", offset), "connector.name=c", "task.id=0", "stage=" + stage, "class.name=" + class,
				"exception.class.name=" + exception, "exception.message=" + message, "exception.stacktrace=" + trace,
			}
		}
		want := [][]string{
			append([]string{"h=1", "topic=old", "n=null"}, context(0, "VALUE_CONVERTER", "test.Text", errs.ClassData, "cannot convert bad 1", errs.ClassData+": cannot convert bad 1")...),
			append([]string{"h=bad"}, context(2, "HEADER_CONVERTER", "test.Headers", errs.ClassData, "cannot convert header bad", errs.ClassData+": cannot convert header bad")...),
			context(4, "TRANSFORMATION", "test.Transform", errs.ClassNullPointer, "null", errs.ClassNullPointer),
			context(5, "VALUE_CONVERTER", "test.Text", classRuntime, "panic while converting the value of a record with test.Text: no panic", classRuntime+": panic while converting the value of a record with test.Text: no panic"),
		}
		for i, r := range got {
			if !slices.Equal(describe(r), want[i]) {
				t.Errorf("headers of %s:\n%s\nwant\n%s", r.Value, strings.Join(describe(r), "\n"), strings.Join(want[i], "\n"))
			}
		}
		if r := got[0]; r.Timestamp.UnixMilli() != 1700000000000 || string(r.Key) != "k" || got[2].Partition != 0 {
			t.Errorf("dead letter %+v", r)
		}
		line := "Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class 'test.Text', where consumed record is {topic='t', partition=0, offset=0, timestamp=1700000000000, timestampType=CreateTime}."
		if !strings.Contains(k.log.String(), line) {
			t.Errorf("not logged: %s", line)
		}
		if st := s.Stats(); st.DeadLetters != 4 || st.DeadLetterFailures != 0 || st.RecordsSkipped != 4 {
			t.Errorf("stats %+v", st)
		}
	})
}

// With tolerance none, the failing record is reported before the task fails.
func TestSinkDeadLetterOfFailure(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "bad")
		wait := k.start(k.sink(&drain{}, k.deadLetters("dlq", false), func(c *SinkConfig) { c.Errors.TolerateAll = false }))
		k.expect("running")
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.DataException: cannot convert bad")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		if got := values(k.consume("dlq", 1)); !slices.Equal(got, []string{"bad"}) {
			t.Errorf("dead letters %v", got)
		}
		k.wantOffsets("")
	})
}

// Invariant I3: an offset does not move past a dead letter that is not durable.
func TestSinkOffsetsWaitForDeadLetters(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.topic("dlq", 1)
		k.produce("t", "1", "bad", "2")
		letGo := k.hold("dlq")
		d := &drain{}
		s := k.sink(d, k.deadLetters("dlq", false))
		wait := k.start(s)
		k.expect("running")
		d.await(k, 2)
		sleep(10 * time.Minute)
		k.wantOffsets("")
		letGo()
		sleep(2 * time.Minute)
		k.wantOffsets("t-0=3")
		letGo = k.hold("dlq")
		k.produce("t", "bad again")
		sleep(10 * time.Second)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=3")
		letGo()
	})
}

func TestSinkDeadLetterRefused(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.topic("dlq", 1)
		k.produce("t", "1", "bad")
		k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "dlq", Err: kerr.TopicAuthorizationFailed, Count: -1})
		d := &drain{}
		s := k.sink(d, k.deadLetters("dlq", false))
		wait := k.start(s)
		k.expect("running")
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Could not write the record {topic='t', partition=0, offset=1, timestamp=946684800000, timestampType=CreateTime} to the dead-letter topic dlq",
			"Caused by: org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [dlq]")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		k.wantOffsets("")
		if st := s.Stats(); st.DeadLetterFailures != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// A dead letter that is too large for its topic is logged and let go.
func TestSinkDeadLetterTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "bad "+strings.Repeat("x", 3000), "ok")
		d := &drain{}
		s := k.sink(d, k.deadLetters("dlq", true), func(c *SinkConfig) { c.DeadLetters.MaxRequestSize = 1000 })
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		sleep(time.Minute)
		k.wantOffsets("t-0=2")
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := k.consume("dlq", 0); len(got) > 0 {
			t.Errorf("%d dead letters", len(got))
		}
		for _, part := range []string{"Could not produce message to dead letter queue. topic=dlq", "offset=0", "ClaimCheck"} {
			if !strings.Contains(k.log.String(), part) {
				t.Errorf("%q was not logged", part)
			}
		}
	})
}

func TestSinkErrantRecords(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1", "odd", "2")
		d := &drain{put: func(d *drain, rs []*connect.Record) error {
			for _, r := range rs {
				if r.Value.Str() == "odd" {
					own := &connect.Record{Topic: "t", Offset: 9, Timestamp: connect.NoTimestamp, Value: schema.OfString("made up")}
					for _, r := range []*connect.Record{r, own} {
						if err := <-d.ctx.ErrantRecords().Report(r, errs.Data("odd")); err != nil {
							return err
						}
					}
				}
			}
			return nil
		}}
		s := k.sink(d, k.deadLetters("dlq", true), func(c *SinkConfig) {
			c.Chain = funcChain{"test.T", func(r *connect.Record) (*connect.Record, error) {
				// A transform that makes its records anew.
				return &connect.Record{Topic: "other", Timestamp: r.Timestamp, Value: r.Value, ValueSchema: r.ValueSchema}, nil
			}}
		})
		wait := k.start(s)
		k.expect("running")
		d.await(k, 3)
		got := k.consume("dlq", 2)
		if want := []string{"odd", "made up"}; !slices.Equal(values(got), want) {
			t.Fatalf("dead letters %v, want %v", values(got), want)
		}
		headers := map[string]string{}
		for _, h := range got[0].Headers {
			headers[h.Key] = string(h.Value)
		}
		if headers["__connect.errors.stage"] != "TASK_PUT" || headers["__connect.errors.class.name"] != "org.apache.kafka.connect.sink.SinkTask" ||
			headers["__connect.errors.topic"] != "t" || headers["__connect.errors.offset"] != "1" {
			t.Errorf("headers %v", headers)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=3")
	})
}

// A report that is not tolerated fails the task, even if the task does not care.
func TestSinkErrantRecordNotTolerated(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "odd")
		var answer error
		d := &drain{put: func(d *drain, rs []*connect.Record) error {
			for _, r := range rs {
				answer = <-d.ctx.ErrantRecords().Report(r, errs.Data("odd"))
			}
			return nil
		}}
		wait := k.start(k.sink(d, func(c *SinkConfig) { c.Errors.Log = true }))
		k.expect("running")
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.",
			"Caused by: org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.DataException: odd")
		if err := wait(); err == nil || answer == nil {
			t.Errorf("Run returned %v, Report %v", err, answer)
		}
		k.wantOffsets("")
	})
}

func TestSinkWithoutReporter(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		d := &drain{}
		s := k.sink(d, func(c *SinkConfig) { c.Errors.TolerateAll = true })
		wait := k.start(s)
		k.expect("running")
		if d.ctx.ErrantRecords() != nil {
			t.Error("there is a reporter that reports to nobody")
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// PreCommit decides; what it cannot know is ignored.
func TestSinkPreCommit(t *testing.T) {
	tp := connect.TopicPartition{Topic: "t", Partition: 0}
	tests := []struct {
		name string
		pre  func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error)
		want string
	}{
		{"less", func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			return map[connect.TopicPartition]int64{tp: 1}, nil
		}, "t-0=1"},
		{"more", func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			return map[connect.TopicPartition]int64{tp: 4}, nil
		}, ""},
		{"negative", func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			return map[connect.TopicPartition]int64{tp: -7}, nil
		}, ""},
		{"another's", func(_ *drain, o map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			o = maps.Clone(o)
			o[connect.TopicPartition{Topic: "u"}] = 1
			return o, nil
		}, "t-0=3"},
		{"nothing", func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			return nil, nil
		}, ""},
		{"error", func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			return nil, errs.Connect("cannot flush")
		}, ""},
		{"panic", func(*drain, map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) { panic("no") }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				k.topic("t", 1)
				k.topic("u", 1)
				k.produce("t", "1", "2", "3")
				d := &drain{pre: test.pre}
				s := k.sink(d)
				wait := k.start(s)
				k.expect("running")
				d.await(k, 3)
				sleep(time.Minute + time.Second)
				k.wantOffsets(test.want)
				s.Stop()
				if err := wait(); err != nil {
					t.Error(err)
				}
				k.wantOffsets(test.want)
			})
		})
	}
}

// A task that cannot flush gets its records again.
func TestSinkRewindsWhenPreCommitFails(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1", "2")
		fails := true
		d := &drain{pre: func(_ *drain, o map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
			if fails && o[connect.TopicPartition{Topic: "t"}] == 3 {
				fails = false
				return nil, errs.Connect("cannot flush")
			}
			return o, nil
		}}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		d.await(k, 2)
		sleep(time.Minute + time.Second)
		k.wantOffsets("t-0=2")
		k.produce("t", "3")
		d.await(k, 3)
		sleep(time.Minute)
		k.produce("t", "4")
		if got := d.await(k, 5); !slices.Equal(got, []string{"1", "2", "3", "3", "4"}) {
			t.Errorf("put %v", got)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=4")
	})
}

func TestSinkCommitFailures(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		f := k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.InvalidCommitOffsetSize, Count: -1})
		sleep(time.Minute + time.Second)
		if st := s.Stats(); st.CommitFailures != 1 || f.Hits() == 0 {
			t.Errorf("%d failures, %d faults", st.CommitFailures, f.Hits())
		}
		f.Remove()
		sleep(time.Minute)
		k.wantOffsets("t-0=1")
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestSinkRequestCommit(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{put: func(d *drain, rs []*connect.Record) error {
			if len(rs) > 0 {
				d.ctx.RequestCommit()
			}
			return nil
		}}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		sleep(time.Second)
		k.wantOffsets("t-0=1")
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestSinkSeek(t *testing.T) {
	tp := connect.TopicPartition{Topic: "t"}
	t.Run("in Open", func(t *testing.T) {
		bubble(t, func(t *testing.T, k *kit) {
			k.topic("t", 1)
			k.produce("t", "1", "2", "3", "4")
			d := &drain{open: func(d *drain, _ []connect.TopicPartition) error {
				d.ctx.Seek(map[connect.TopicPartition]int64{tp: 2})
				return nil
			}}
			s := k.sink(d)
			wait := k.start(s)
			k.expect("running")
			if got := d.await(k, 2); !slices.Equal(got, []string{"3", "4"}) {
				t.Errorf("put %v", got)
			}
			s.Stop()
			if err := wait(); err != nil {
				t.Error(err)
			}
			k.wantOffsets("t-0=4")
		})
	})
	t.Run("in Put", func(t *testing.T) {
		bubble(t, func(t *testing.T, k *kit) {
			k.topic("t", 1)
			k.produce("t", "1", "2", "3", "4")
			back := true
			d := &drain{put: func(d *drain, rs []*connect.Record) error {
				if back && len(rs) > 0 && rs[0].Value.Str() == "3" {
					back = false
					d.ctx.Seek(map[connect.TopicPartition]int64{tp: 1})
				}
				return nil
			}}
			s := k.sink(d, func(c *SinkConfig) { c.MaxPollRecords = 1 })
			wait := k.start(s)
			k.expect("running")
			if got := d.await(k, 6); !slices.Equal(got, []string{"1", "2", "3", "2", "3", "4"}) {
				t.Errorf("put %v", got)
			}
			s.Stop()
			if err := wait(); err != nil {
				t.Error(err)
			}
			k.wantOffsets("t-0=4")
		})
	})
	t.Run("before the first record", func(t *testing.T) {
		bubble(t, func(t *testing.T, k *kit) {
			k.topic("t", 1)
			d := &drain{}
			s := k.sink(d, func(c *SinkConfig) { c.NewConsumer = k.consumer(kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd())) })
			k.produce("t", "1", "2", "3")
			wait := k.start(s)
			k.expect("running")
			sleep(10 * time.Second)
			if got := d.got(); len(got) > 0 {
				t.Errorf("put %v", got)
			}
			d.ctx.Seek(map[connect.TopicPartition]int64{tp: 1, {Topic: "x"}: 1})
			if got := d.await(k, 2); !slices.Equal(got, []string{"2", "3"}) {
				t.Errorf("put %v", got)
			}
			s.Stop()
			if err := wait(); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestSinkPausesPartitions(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 2)
		both := func(from, n int) {
			for i := from; i < from+n; i++ {
				k.produceRecords(&kgo.Record{Topic: "t", Partition: 0, Value: fmt.Appendf(nil, "a%d", i)}, &kgo.Record{Topic: "t", Partition: 1, Value: fmt.Appendf(nil, "b%d", i)})
			}
		}
		both(0, 3)
		a := connect.TopicPartition{Topic: "t", Partition: 0}
		d := &drain{}
		d.put = func(d *drain, rs []*connect.Record) error {
			if len(rs) > 0 && d.puts == 1 {
				d.ctx.Pause(a)
			}
			return nil
		}
		s := k.sink(d, func(c *SinkConfig) { c.MaxPollRecords = 1 })
		wait := k.start(s)
		k.expect("running")
		sleep(10 * time.Second)
		both(3, 2)
		sleep(10 * time.Second)
		count := func(prefix string) (out []string) {
			for _, v := range d.got() {
				if strings.HasPrefix(v, prefix) {
					out = append(out, v)
				}
			}
			return out
		}
		if got := count("a"); len(got) > 1 {
			t.Errorf("a paused partition was delivered: %v", got)
		}
		if got := count("b"); !slices.Equal(got, []string{"b0", "b1", "b2", "b3", "b4"}) {
			t.Errorf("the other partition: %v", got)
		}
		d.ctx.Resume(a)
		d.await(k, 10)
		if got := count("a"); !slices.Equal(got, []string{"a0", "a1", "a2", "a3", "a4"}) {
			t.Errorf("after resume: %v", got)
		}
		d.ctx.Pause(connect.TopicPartition{Topic: "x"}) // not assigned
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=5 t-1=5")
	})
}

func TestSinkPause(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		s.SetTarget("PAUSED")
		k.expect("paused")
		sleep(time.Second)
		k.wantOffsets("t-0=1")
		k.produce("t", "2")
		sleep(20 * time.Minute)
		if got := d.got(); len(got) != 1 {
			t.Errorf("put %v while paused", got)
		}
		s.SetTarget("STARTED")
		k.expect("resumed")
		d.await(k, 2)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := d.called(); !slices.Equal(got, []string{"open t-0", "close t-0", "stop"}) {
			t.Errorf("called %v", got)
		}
	})
}

// Another member joins: what was delivered is committed before its partitions go, and
// nothing is lost or delivered out of order.
func TestSinkRebalance(t *testing.T) {
	for name, balancer := range map[string]kgo.GroupBalancer{"cooperative": kgo.CooperativeStickyBalancer(), "eager": kgo.RangeBalancer()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				const partitions, each = 4, 200
				k.topic("t", partitions)
				make := func(d *drain) *Sink {
					return k.sink(d, func(c *SinkConfig) {
						c.NewConsumer, c.MaxPollRecords = k.consumer(kgo.Balancers(balancer)), 7
					})
				}
				slow := func(d *drain, rs []*connect.Record) error {
					time.Sleep(20 * time.Millisecond)
					return nil
				}
				d1, d2 := &drain{put: slow}, &drain{put: slow}
				s1, s2 := make(d1), make(d2)
				wait1 := k.start(s1)
				k.expect("running")
				for i := range each {
					var rs []*kgo.Record
					for p := range int32(partitions) {
						rs = append(rs, &kgo.Record{Topic: "t", Partition: p, Value: fmt.Appendf(nil, "%d/%04d", p, i)})
					}
					k.produceRecords(rs...)
				}
				d1.await(k, 50)
				wait2 := k.start(s2)
				k.expect("running")
				for len(d1.got())+len(d2.got()) < partitions*each {
					sleep(100 * time.Millisecond)
				}
				if len(d2.got()) == 0 {
					t.Error("the second member got nothing")
				}
				s1.Stop()
				if err := wait1(); err != nil {
					t.Error(err)
				}
				s2.Stop()
				if err := wait2(); err != nil {
					t.Error(err)
				}
				k.wantOffsets("t-0=200 t-1=200 t-2=200 t-3=200")
				seen := map[string]int{}
				for _, d := range []*drain{d1, d2} {
					last := map[byte]string{}
					for _, v := range d.got() {
						seen[v]++
						if last[v[0]] >= v {
							t.Errorf("%s after %s", v, last[v[0]])
						}
						last[v[0]] = v
					}
				}
				if len(seen) != partitions*each {
					t.Errorf("%d different records, want %d", len(seen), partitions*each)
				}
				for v, n := range seen {
					if n > 1 {
						t.Errorf("%s was delivered %d times, though nothing failed", v, n)
					}
				}
				if calls := d1.called(); len(calls) < 3 {
					t.Errorf("called %v", calls)
				}
			})
		})
	}
}

// Partitions that are lost are closed without a commit.
func TestSinkLosesPartitions(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.UnknownMemberID, Count: 1})
		sleep(20 * time.Second)
		if got := d.called(); !slices.Equal(got, []string{"open t-0", "close t-0", "open t-0"}) {
			t.Errorf("called %v", got)
		}
		// What was not committed comes again.
		if got := d.await(k, 2); !slices.Equal(got, []string{"1", "1"}) {
			t.Errorf("put %v", got)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=1")
	})
}

// A partition that was paused and comes back after a rebalance is not paused, as it is
// not with Java's consumer.
func TestSinkForgetsPausesWithPartitions(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{}
		d.put = func(d *drain, rs []*connect.Record) error {
			if d.puts == 1 {
				d.ctx.Pause(d.ctx.Assignment()...)
			}
			return nil
		}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		sleep(10 * time.Second)
		k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.UnknownMemberID, Count: 1})
		sleep(20 * time.Second)
		k.produce("t", "2")
		// The first was not committed, and comes again.
		if got := d.await(k, 3); !slices.Equal(got, []string{"1", "1", "2"}) {
			t.Errorf("put %v", got)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=2")
	})
}

// A batch that waits to be put again while its partitions go to another member is
// dropped here and delivered there.
func TestSinkRebalanceWhileRedelivering(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1", "2")
		stuck := &drain{put: func(_ *drain, rs []*connect.Record) error {
			if len(rs) > 0 {
				return errs.Retriable("stuck")
			}
			return nil
		}}
		s := k.sink(stuck)
		wait := k.start(s)
		k.expect("running")
		sleep(5 * time.Second)
		k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.UnknownMemberID, Count: 1})
		free := &drain{}
		s2 := k.sink(free)
		wait2 := k.start(s2)
		k.expect("running")
		sleep(time.Minute)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
		if got := free.await(k, 2); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("put %v", got)
		}
		s2.Stop()
		if err := wait2(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("t-0=2")
	})
}

func TestSinkWithoutOffsetReset(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		wait := k.start(k.sink(&drain{}, func(c *SinkConfig) { c.NewConsumer = k.consumer(kgo.ConsumeResetOffset(kgo.NoResetOffset())) }))
		k.expect("running")
		k.expectFailure("org.apache.kafka.clients.consumer.NoOffsetForPartitionException: Undefined offset with no reset policy for partitions: [t-0]")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
	})
}

func TestSinkTopicsRegex(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.produce("x1", "1")
		k.produce("y1", "no")
		d := &drain{}
		s := k.sink(d, func(c *SinkConfig) {
			c.Topics, c.TopicsRegex, c.TopicsPattern, c.MetadataInterval = nil, prefixed("x"), "x.*", 10*time.Second
		})
		wait := k.start(s)
		k.expect("running")
		d.await(k, 1)
		k.produce("x2", "2")
		if got := d.await(k, 2); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("put %v", got)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// A destination that takes nothing: the task holds a bounded number of bytes and stays
// in its group.
func TestSinkReadsAheadWithinBounds(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		var vs []string
		for range 2000 {
			vs = append(vs, strings.Repeat("x", 1000))
		}
		k.produce("t", vs...)
		d := &drain{put: func(_ *drain, rs []*connect.Record) error {
			if len(rs) > 0 {
				return errs.Retriable("full")
			}
			return nil
		}}
		const ahead = 200 << 10
		s := k.sink(d, func(c *SinkConfig) { c.ReadAhead, c.MaxPollRecords = ahead, 50 })
		wait := k.start(s)
		k.expect("running")
		sleep(10 * time.Minute)
		if st := s.Stats(); st.BytesInFlight > ahead+60*1100 || st.RecordsRead > 400 {
			t.Errorf("%d bytes ahead, %d records read", st.BytesInFlight, st.RecordsRead)
		}
		if got := d.called(); !slices.Equal(got, []string{"open t-0"}) {
			t.Errorf("called %v", got)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.wantOffsets("")
	})
}

func TestSinkHardStop(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		k.produce("t", "1")
		d := &drain{}
		s := k.sink(d)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		k.expect("running")
		d.await(k, 1)
		cancel()
		if err := <-done; err == nil {
			t.Error("Run returned nil")
		}
		k.wantOffsets("")
		if len(k.events) > 0 {
			t.Error("the listener was told")
		}
	})
}

// Puts without records let tasks flush by time.
func TestSinkCallsPutWithoutRecords(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		d := &drain{}
		s := k.sink(d)
		wait := k.start(s)
		k.expect("running")
		sleep(3*time.Minute + time.Second)
		if d.puts != 3 {
			t.Errorf("%d calls in three commit intervals", d.puts)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}
