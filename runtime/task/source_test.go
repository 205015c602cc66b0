package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

// hold makes the broker refuse writes to a topic for now; the producer tries again.
func (k *kit) hold(topic string) (letGo func()) {
	h := k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.NotLeaderForPartition, Count: -1})
	return h.Remove
}

func TestSourceWritesAndCommits(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets)
		wait := k.start(s)
		k.expect("running")
		src.polls <- sequence("t", "a", 0, 3)
		src.polls <- sequence("t", "b", 0, 2)
		if got, want := values(k.consume("t", 5)), []string{"a-1", "a-2", "a-3", "b-1", "b-2"}; !slices.Equal(got, want) {
			t.Errorf("topic has %v, want %v", got, want)
		}
		if got := offsets.log(); len(got) > 0 {
			t.Errorf("offsets were committed before the interval: %v", got)
		}
		sleep(time.Minute)
		if got, want := offsets.log(), []string{"a=3 b=2"}; !slices.Equal(got, want) {
			t.Errorf("committed %v, want %v", got, want)
		}
		src.polls <- sequence("t", "a", 3, 1)
		k.consume("t", 6)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
		if got, want := offsets.log(), []string{"a=3 b=2", "a=4"}; !slices.Equal(got, want) {
			t.Errorf("committed %v, want %v", got, want)
		}
		if got := src.order[len(src.order)-2:]; !slices.Equal(got, []string{"commit", "stop"}) {
			t.Errorf("the task ended with %v", src.order)
		}
		st := s.Stats()
		if st.RecordsRead != 6 || st.RecordsWritten != 6 || st.RecordsActive != 0 || st.BytesInFlight != 0 || st.Phase != PhaseStopped {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestSourcePause(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, func(c *SourceConfig) { c.Target = state.TargetPaused })
		wait := k.start(s)
		k.expect("paused")
		src.polls <- sequence("t", "a", 0, 2)
		s.SetTarget(state.TargetStarted)
		k.expect("running")
		k.consume("t", 2)
		s.SetTarget(state.TargetPaused)
		k.expect("paused")
		src.polls <- sequence("t", "a", 2, 2)
		sleep(2 * time.Minute)
		if got, want := offsets.log(), []string{"a=2"}; !slices.Equal(got, want) {
			t.Errorf("committed %v while paused, want %v", got, want)
		}
		s.SetTarget(state.TargetStarted)
		k.expect("resumed")
		if got := len(k.consume("t", 4)); got != 4 {
			t.Errorf("%d records after resume, want 4", got)
		}
		s.SetTarget(state.TargetStopped)
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
	})
}

func TestSourceStoppedWhilePausedBeforeStart(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src := newScripted()
		s := k.source(src, &memOffsets{}, func(c *SourceConfig) { c.Target = state.TargetPaused })
		wait := k.start(s)
		k.expect("paused")
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
		if len(src.order) > 0 {
			t.Errorf("a task that was not started was called: %v", src.order)
		}
	})
}

// Invariant I2: what is committed is the longest prefix that is acknowledged.
func TestSourceCommitsThePrefixOnly(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("free", 1)
		k.topic("held", 1)
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets)
		wait := k.start(s)
		k.expect("running")
		letGo := k.hold("held")
		src.polls <- []*connect.Record{
			record("free", "a", 1, "1"), record("held", "a", 2, "2"), record("free", "a", 3, "3"),
			record("free", "b", 1, "4"),
		}
		k.consume("free", 3)
		sleep(time.Minute)
		if got, want := offsets.log(), []string{"a=1 b=1"}; !slices.Equal(got, want) {
			t.Errorf("committed %v while a record is unacknowledged, want %v", got, want)
		}
		letGo()
		k.consume("held", 1)
		sleep(time.Minute)
		if got, want := offsets.log(), []string{"a=1 b=1", "a=3"}; !slices.Equal(got, want) {
			t.Errorf("committed %v, want %v", got, want)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// Invariant I1: the task hears of a commit only when it is durable.
func TestSourceTellsOfDurableOffsetsOnly(t *testing.T) {
	tests := map[string]func(*memOffsets) (heal func()){
		"failing": func(o *memOffsets) func() {
			o.fail = func() error { return errors.New("no") }
			return func() { o.fail = nil }
		},
		"too slow": func(o *memOffsets) func() {
			o.slow = 6 * time.Second
			return func() { o.slow = 0 }
		},
		"panicking": func(o *memOffsets) func() {
			o.fail = func() error { panic("no") }
			return func() { o.fail = nil }
		},
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				heal := breakIt(offsets)
				s := k.source(src, offsets)
				wait := k.start(s)
				k.expect("running")
				src.polls <- sequence("t", "a", 0, 2)
				src.polls <- sequence("t", "b", 0, 1)
				k.consume("t", 3)
				sleep(time.Minute + 10*time.Second)
				if n := src.committed(); n != 0 {
					t.Errorf("the task was told of a commit that failed, %d times", n)
				}
				if got := s.Stats().CommitFailures; got != 1 {
					t.Errorf("%d failures counted, want 1", got)
				}
				heal()
				src.polls <- sequence("t", "a", 2, 1)
				k.consume("t", 4)
				sleep(time.Minute)
				if got, want := offsets.log(), []string{"a=3 b=1"}; !slices.Equal(got, want) {
					t.Errorf("committed %v, want %v", got, want)
				}
				if n := src.committed(); n != 1 {
					t.Errorf("the task was told of %d commits, want 1", n)
				}
				s.Stop()
				if err := wait(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A Poll that blocks keeps neither offsets from being committed nor the task from
// hearing of it.
func TestSourceCommitsWhilePolling(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf=%v", deaf), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				src.block = deaf
				s := k.source(src, offsets)
				wait := k.start(s)
				k.expect("running")
				src.polls <- sequence("t", "a", 0, 1)
				k.consume("t", 1)
				sleep(time.Minute + commitGrace)
				if offsets.at("a") != 1 {
					t.Error("the offset was not committed")
				}
				want := 1
				if deaf {
					want = 0 // it cannot be told before Poll returns
				}
				if got := src.committed(); got != want {
					t.Errorf("told of %d commits, want %d", got, want)
				}
				s.Stop()
				src.polls <- []*connect.Record(nil)
				if err := wait(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestSourceToleranceNone(t *testing.T) {
	tests := []struct {
		name   string
		record *connect.Record
		change func(*SourceConfig)
		want   []string
	}{
		{
			"value converter", record("t", "a", 3, "bad"), nil,
			[]string{"org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.DataException: cannot convert bad"},
		},
		{
			"header converter", func() *connect.Record {
				r := record("t", "a", 3, "x")
				r.Headers = r.Headers.With("h", nil, schema.OfString("bad"))
				return r
			}(), nil,
			[]string{"org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.DataException: cannot convert header bad"},
		},
		{
			"transform", record("t", "a", 3, "x"),
			func(c *SourceConfig) {
				c.Chain = funcChain{"test.T", func(r *connect.Record) (*connect.Record, error) {
					if r.Value.Str() == "x" {
						return nil, errs.Wrap(errs.ClassData, errs.New(errs.ClassNumberFormat, `For input string: "x"`), "no number")
					}
					return r, nil
				}}
			},
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.DataException: no number",
				`Caused by: java.lang.NumberFormatException: For input string: "x"`,
			},
		},
		{
			"timestamp", func() *connect.Record { r := record("t", "a", 3, "x"); r.Timestamp = -5; return r }(), nil,
			[]string{"org.apache.kafka.common.InvalidRecordException: Invalid record timestamp -5"},
		},
		{
			"panic", record("t", "a", 3, "panic"), nil,
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler",
				"Caused by: java.lang.RuntimeException: panic while converting the value of a record with test.Text: no panic",
			},
		},
		{
			"too large", record("t", "a", 3, strings.Repeat("x", 2000)), func(c *SourceConfig) { c.MaxRequestSize = 500 },
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback",
				"Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 2086 bytes when serialized which is larger than 500, which is the value of the max.request.size configuration.",
			},
		},
		{
			"topic name", record("bad name/x", "a", 3, "x"), nil,
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback",
				"Caused by: org.apache.kafka.common.errors.InvalidTopicException: Invalid topics: [bad name/x]",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				s := k.source(src, offsets, func(c *SourceConfig) {
					if test.change != nil {
						test.change(c)
					}
				})
				wait := k.start(s)
				k.expect("running")
				src.polls <- append(sequence("t", "a", 0, 2), test.record, record("t", "a", 4, "y"))
				k.expectFailure(test.want...)
				if err := wait(); err == nil {
					t.Error("Run returned nil")
				}
				// What was sent before is committed, and the record that failed comes again.
				if got, want := offsets.log(), []string{"a=2"}; !slices.Equal(got, want) {
					t.Errorf("committed %v, want %v", got, want)
				}
				if st := s.Stats(); st.Phase != PhaseFailed {
					t.Errorf("phase %s", st.Phase)
				}
			})
		})
	}
}

func TestSourceToleranceAll(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		h := hearing{src}
		s := k.source(h, offsets, tolerant, func(c *SourceConfig) {
			c.Errors.Log, c.Errors.LogMessages, c.MaxRequestSize = true, true, 500
		})
		wait := k.start(s)
		k.expect("running")
		src.polls <- []*connect.Record{
			record("t", "a", 1, "1"), record("t", "a", 2, "bad"), record("t", "a", 3, strings.Repeat("x", 600)), record("t", "a", 4, "panic"),
			record("t", "a", 5, "2"), record("bad name", "a", 6, "3"),
		}
		if got, want := values(k.consume("t", 2)), []string{"1", "2"}; !slices.Equal(got, want) {
			t.Errorf("topic has %v, want %v", got, want)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := offsets.at("a"); got != 6 {
			t.Errorf("committed %d, want 6", got)
		}
		slices.Sort(src.told)
		want := []string{"1:t-0@0", "2:t-0@1", "3:dropped", "bad:dropped", "panic:dropped", strings.Repeat("x", 600) + ":dropped"}
		if !slices.Equal(src.told, want) {
			t.Errorf("the task heard of %v, want %v", src.told, want)
		}
		for _, line := range []string{
			"Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class 'test.Text', where source record is = SourceRecord{sourcePartition={p=a}, sourceOffset={o=2}} " +
				"ConnectRecord{topic='t', kafkaPartition=null, key=null, keySchema=null, value=bad, valueSchema=Schema{STRING}, timestamp=null, headers=ConnectHeaders(headers=)}.",
			"Error encountered in task c-0. Executing stage 'KAFKA_PRODUCE' with class 'org.apache.kafka.connect.runtime.WorkerSourceTask'",
		} {
			if !strings.Contains(k.log.String(), line) {
				t.Errorf("not logged: %s", line)
			}
		}
		if st := s.Stats(); st.RecordsSkipped != 4 || st.ErrorsLogged != 4 || st.RecordErrors != 4 || st.LastError.IsZero() {
			t.Errorf("stats %+v", st)
		}
	})
}

// Offsets of dropped records go along with those of sent ones, and do not wait
// without end when nothing is sent.
func TestSourceOffsetsOfDroppedRecords(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, func(c *SourceConfig) {
			c.CommitInterval = 2 * time.Second
			c.Chain = funcChain{"test.Filter", func(r *connect.Record) (*connect.Record, error) {
				if r.Value.Str() == "drop" {
					return nil, nil
				}
				return r, nil
			}}
		})
		wait := k.start(s)
		k.expect("running")
		src.polls <- []*connect.Record{record("t", "a", 1, "drop"), record("t", "a", 2, "drop")}
		sleep(10 * time.Second)
		if got := offsets.log(); len(got) > 0 {
			t.Errorf("committed %v for dropped records alone", got)
		}
		sleep(time.Minute)
		if got, want := offsets.log(), []string{"a=2"}; !slices.Equal(got, want) {
			t.Errorf("committed %v after a minute, want %v", got, want)
		}
		src.polls <- []*connect.Record{record("t", "a", 3, "x"), record("t", "a", 4, "drop")}
		k.consume("t", 1)
		sleep(4 * time.Second)
		if got := offsets.at("a"); got != 4 {
			t.Errorf("committed %d, want 4", got)
		}
		src.polls <- []*connect.Record{record("t", "a", 5, "drop")}
		sleep(time.Second)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := offsets.at("a"); got != 5 {
			t.Errorf("committed %d at the end, want 5", got)
		}
		if st := s.Stats(); st.RecordsActive != 0 {
			t.Errorf("%d records active", st.RecordsActive)
		}
	})
}

func TestSourceRetries(t *testing.T) {
	tests := []struct {
		name    string
		policy  ErrorPolicy
		flaky   int
		fails   bool
		least   time.Duration
		most    time.Duration
		retries int64
	}{
		{"in time", ErrorPolicy{RetryTimeout: time.Minute, RetryDelayMax: 10 * time.Second}, 3, false, 2100 * time.Millisecond, 2100 * time.Millisecond, 3},
		{"not at all", ErrorPolicy{RetryDelayMax: time.Minute}, 1, true, 0, 0, 0},
		{"too late", ErrorPolicy{RetryTimeout: 2 * time.Second, RetryDelayMax: time.Minute}, 100, true, 2 * time.Second, 2 * time.Second, 3},
		{"without end", ErrorPolicy{RetryTimeout: -1, RetryDelayMax: time.Second}, 50, false, 2 * time.Second, 50 * time.Second, 50},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				conv := &appendingConverter{textConverter{flaky: test.flaky}}
				s := k.source(src, offsets, func(c *SourceConfig) { c.Errors, c.Value = test.policy, Converter{conv, "test.Text"} })
				wait := k.start(s)
				k.expect("running")
				began := time.Now()
				src.polls <- []*connect.Record{record("t", "a", 1, "flaky")}
				if test.fails {
					k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.RetriableException: not yet flaky")
				} else {
					for s.Stats().RecordsWritten == 0 {
						sleep(time.Millisecond)
					}
				}
				if took := time.Since(began); took < test.least || took > test.most+time.Second {
					t.Errorf("took %s, want %s to %s", took, test.least, test.most)
				}
				if got := s.Stats().Retries; got != test.retries {
					t.Errorf("%d retries, want %d", got, test.retries)
				}
				s.Stop()
				if err := wait(); (err != nil) != test.fails {
					t.Error(err)
				}
			})
		})
	}
}

// A record that is being tried again when the task stops is left, and comes again.
func TestSourceStopsWhileRetrying(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		conv := &textConverter{flaky: -1}
		s := k.source(src, offsets, tolerant, func(c *SourceConfig) {
			c.Errors.RetryTimeout, c.Errors.RetryDelayMax, c.Value = -1, time.Hour, Converter{conv, "test.Text"}
		})
		wait := k.start(s)
		k.expect("running")
		src.polls <- []*connect.Record{record("t", "a", 1, "x"), record("t", "a", 2, "flaky"), record("t", "a", 3, "y")}
		sleep(10 * time.Second)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
		if got := offsets.at("a"); got != 1 {
			t.Errorf("committed %d, want 1", got)
		}
	})
}

func TestSourcePollErrors(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src := newScripted()
		s := k.source(src, &memOffsets{})
		wait := k.start(s)
		k.expect("running")
		for range 3 {
			src.polls <- error(errs.Retriable("later"))
		}
		src.polls <- sequence("t", "a", 0, 1)
		k.consume("t", 1)
		src.polls <- error(errs.Wrap(errs.ClassConnect, errs.New("java.io.IOException", "gone"), "cannot read"))
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: cannot read", "Caused by: java.io.IOException: gone")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
	})
}

func TestSourcePanics(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src := newScripted()
		s := k.source(src, &memOffsets{})
		wait := k.start(s)
		k.expect("running")
		src.polls <- "what" // panics
		var trace string
		select {
		case trace = <-k.events:
		case <-time.After(time.Minute):
		}
		for _, part := range []string{"failed\njava.lang.RuntimeException: panic while polling the task: unknown poll", "scripted).Poll(kit_test.go:"} {
			if !strings.Contains(trace, part) {
				t.Errorf("%q is not in the trace %s", part, trace)
			}
		}
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		if !slices.Contains(src.order, "stop") {
			t.Error("the task was not stopped")
		}
	})
}

func TestSourceStartFails(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src := newScripted()
		src.onStart = func() error { return errs.Connect("cannot start") }
		wait := k.start(k.source(src, &memOffsets{}))
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: cannot start")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		if !slices.Contains(src.order, "stop") {
			t.Error("the task was not stopped")
		}
	})
}

// A broker that takes nothing stops the source from polling, within a bounded number
// of bytes.
func TestSourceBackPressure(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		src, offsets := newScripted(), &memOffsets{}
		const limit = 100 << 10
		s := k.source(src, offsets, func(c *SourceConfig) { c.BufferMemory = limit })
		wait := k.start(s)
		k.expect("running")
		letGo := k.hold("t")
		const batches, each = 50, 100
		for i := range batches {
			rs := sequence("t", "a", i*each, each)
			for _, r := range rs {
				r.Value = schema.OfString(strings.Repeat("x", 200))
			}
			src.polls <- rs
		}
		sleep(10 * time.Second)
		st := s.Stats()
		if st.BytesInFlight > limit {
			t.Errorf("%d bytes in flight, the limit is %d", st.BytesInFlight, limit)
		}
		if left := len(src.polls); left < batches-6 {
			t.Errorf("only %d of %d batches were left in the source", left, batches)
		}
		if len(offsets.log()) != 0 {
			t.Error("offsets were committed")
		}
		letGo()
		if got := len(k.consume("t", batches*each)); got != batches*each {
			t.Errorf("%d records, want %d", got, batches*each)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := offsets.at("a"); got != batches*each {
			t.Errorf("committed %d", got)
		}
	})
}

// Stop waits for what was sent, but no longer than a commit may take.
func TestSourceStopWithRecordsInFlight(t *testing.T) {
	for _, heals := range []bool{true, false} {
		t.Run(fmt.Sprintf("heals=%v", heals), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				k.topic("t", 1)
				src, offsets := newScripted(), &memOffsets{}
				s := k.source(src, offsets)
				wait := k.start(s)
				k.expect("running")
				letGo := k.hold("t")
				src.polls <- sequence("t", "a", 0, 2)
				sleep(time.Second)
				s.Stop()
				sleep(2 * time.Second)
				if heals {
					letGo()
				}
				if err := wait(); err != nil {
					t.Error(err)
				}
				k.expect("stopped")
				want := int64(-1)
				if heals {
					want = 2
				}
				if got := offsets.at("a"); got != want {
					t.Errorf("committed %d, want %d", got, want)
				}
				letGo()
			})
		})
	}
}

// The end of ctx commits nothing and says nothing: another worker may run the task.
func TestSourceHardStop(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf=%v", deaf), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				src.block = deaf
				s := k.source(src, offsets)
				ctx, cancel := context.WithCancelCause(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Run(ctx) }()
				k.expect("running")
				src.polls <- sequence("t", "a", 0, 2)
				k.consume("t", 2)
				gone := errors.New("given up")
				cancel(gone)
				if err := <-done; !errors.Is(err, gone) {
					t.Errorf("Run returned %v", err)
				}
				if len(offsets.log()) > 0 || len(k.events) > 0 {
					t.Errorf("committed %v, told %d things", offsets.log(), len(k.events))
				}
				src.polls <- []*connect.Record(nil)
			})
		})
	}
}

func TestSourceStopTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		src.block = true
		s := k.source(src, offsets, func(c *SourceConfig) { c.StopTimeout = 3 * time.Second })
		wait := k.start(s)
		k.expect("running")
		began := time.Now()
		s.Stop()
		if err := wait(); !errors.Is(err, errStopTimeout) {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(began); took != 3*time.Second+abandonAfter {
			t.Errorf("took %s", took)
		}
		src.polls <- []*connect.Record(nil)
	})
}

func TestSourcePartitionsAndHeaders(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 7)
		src := newScripted()
		s := k.source(src, &memOffsets{}, func(c *SourceConfig) {
			c.Key, c.Value = Converter{&appendingConverter{}, "k"}, Converter{&appendingConverter{}, "v"}
		})
		wait := k.start(s)
		k.expect("running")
		var rs []*connect.Record
		for i := range 7 {
			r := record("t", "a", int64(i), fmt.Sprint("explicit", i))
			r.Partition = int32(i)
			rs = append(rs, r)
		}
		r := record("t", "a", 8, "")
		r.Key, r.Timestamp = schema.OfString("sample"), 1700000000123
		r.Headers = r.Headers.With("h", nil, schema.OfString("1")).With("n", nil, schema.Null()).With("h", nil, schema.OfString("2"))
		src.polls <- append(rs, r)
		got := k.consume("t", 8)
		for _, r := range got {
			if want := "explicit" + fmt.Sprint(r.Partition); r.Key == nil && string(r.Value) != want {
				t.Errorf("%s in partition %d", r.Value, r.Partition)
			}
			if r.Key != nil {
				// murmur2("sample") on 7 partitions, as Java's producer places it.
				if r.Partition != 2 || string(r.Key) != "sample" || r.Value == nil || r.Timestamp.UnixMilli() != 1700000000123 {
					t.Errorf("%+v", r)
				}
				if len(r.Headers) != 3 || string(r.Headers[0].Value) != "1" || r.Headers[1].Value != nil || string(r.Headers[2].Value) != "2" {
					t.Errorf("headers %v", r.Headers)
				}
			}
		}
		bad := record("t", "a", 9, "x")
		bad.Partition = 7
		src.polls <- []*connect.Record{bad}
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback",
			"Caused by: java.lang.IllegalArgumentException: Invalid partition given with record: the topic t does not have it (invalid record partitioning choice of 7 from 7 available)")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
	})
}

func TestSourceProducerErrors(t *testing.T) {
	tests := []struct {
		err  *kerr.Error
		want string
	}{
		{kerr.InvalidRecord, "Caused by: org.apache.kafka.common.InvalidRecordException: One or more records have been rejected due to 1 record errors in total, and only showing the first three errors at most: " +
			"[RecordError(batchIndex=0, message='Compacted topic cannot accept message without key in topic partition t-0')]"},
		{kerr.MessageTooLarge, "Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The request included a message larger than the max message size the server will accept."},
		{kerr.TopicAuthorizationFailed, "Caused by: org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [t]"},
	}
	for _, test := range tests {
		t.Run(test.err.Message, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				k.topic("t", 1)
				src, offsets := newScripted(), &memOffsets{}
				s := k.source(src, offsets)
				wait := k.start(s)
				k.expect("running")
				src.polls <- sequence("t", "a", 0, 1)
				k.consume("t", 1)
				k.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: test.err, Count: -1})
				src.polls <- sequence("t", "a", 1, 2)
				k.expectFailure("org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback", test.want)
				if err := wait(); err == nil {
					t.Error("Run returned nil")
				}
				if got := offsets.at("a"); got != 1 {
					t.Errorf("committed %d, want 1", got)
				}
			})
		})
	}
}

type exactly string

func (e exactly) Matches(topic string) (bool, error) { return topic == string(e), nil }

type prefixed string

func (p prefixed) Matches(topic string) (bool, error) {
	return strings.HasPrefix(topic, string(p)), nil
}

func TestSourceCreatesTopics(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("there", 2)
		src := newScripted()
		s := k.source(src, &memOffsets{}, func(c *SourceConfig) {
			c.Admin = k.adminClient()
			c.TopicRules = []TopicRule{
				{Group: "one", Include: []Matcher{prefixed("x")}, Exclude: []Matcher{exactly("xx")}, Topic: kafka.NewTopic{Partitions: 4, ReplicationFactor: 1}},
				{Group: "default", Topic: kafka.NewTopic{Partitions: 3, ReplicationFactor: 1, Configs: map[string]string{"cleanup.policy": "compact"}}},
			}
		})
		wait := k.start(s)
		k.expect("running")
		key := func(r *connect.Record) *connect.Record { r.Key = schema.OfString("k"); return r }
		src.polls <- []*connect.Record{key(record("x1", "a", 1, "1")), key(record("xx", "a", 2, "2")), key(record("there", "a", 3, "3")), key(record("x1", "a", 4, "4"))}
		for s.Stats().RecordsWritten < 4 {
			sleep(time.Millisecond)
		}
		sleep(time.Minute) // until the admin client asks again
		for topic, want := range map[string]int{"x1": 4, "xx": 3, "there": 2} {
			if got, _, err := k.adminClient().DescribeTopic(t.Context(), topic); err != nil || got != want {
				t.Errorf("topic %s has %d partitions, want %d (%v)", topic, got, want, err)
			}
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

type brokenAdmin struct {
	retries int
	result  kafka.TopicResult
	err     error
}

func (a *brokenAdmin) DescribeTopic(context.Context, string) (int, bool, error) {
	if a.retries > 0 {
		a.retries--
		return 0, false, errs.New("org.apache.kafka.common.errors.TimeoutException", "later")
	}
	return 0, false, nil
}

func (a *brokenAdmin) CreateTopic(context.Context, kafka.NewTopic) (kafka.TopicResult, error) {
	return a.result, a.err
}

func TestSourceTopicCreationErrors(t *testing.T) {
	tests := []struct {
		admin *brokenAdmin
		want  string
	}{
		{&brokenAdmin{err: errs.Connect("Unable to create topic(s) 't': no")}, "org.apache.kafka.connect.errors.ConnectException: Unable to create topic(s) 't': no"},
		{&brokenAdmin{err: errs.Wrap(errs.ClassConnect, errs.Wrap("x.InvalidX", kerr.InvalidConfig, "bad"), "no")}, "org.apache.kafka.connect.errors.ConnectException: no\nCaused by: x.InvalidX: bad"},
		{&brokenAdmin{retries: 3}, "org.apache.kafka.connect.errors.ConnectException: Task failed to create new topic (name=t, numPartitions=1, replicationFactor=1, replicasAssignments=null, configs={}). " +
			"Ensure that the task is authorized to create topics or that the topic exists and restart the task"},
	}
	for _, test := range tests {
		bubble(t, func(t *testing.T, k *kit) {
			src := newScripted()
			s := k.source(src, &memOffsets{}, func(c *SourceConfig) {
				c.Admin, c.TopicRules = test.admin, []TopicRule{{Group: "default", Topic: kafka.NewTopic{Partitions: 1, ReplicationFactor: 1}}}
			})
			wait := k.start(s)
			k.expect("running")
			src.polls <- sequence("t", "a", 0, 1)
			k.expectFailure(strings.Split(test.want, "\n")...)
			if err := wait(); err == nil {
				t.Error("Run returned nil")
			}
		})
	}
}

func TestSourceTopicsUsed(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src := newScripted()
		used := map[string]int{}
		s := k.source(src, &memOffsets{}, func(c *SourceConfig) { c.TopicUsed = func(topic string) { used[topic]++ } })
		wait := k.start(s)
		k.expect("running")
		src.polls <- append(sequence("t", "a", 0, 3), sequence("u", "a", 3, 3)...)
		k.consume("t", 3)
		k.consume("u", 3)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if used["t"] != 1 || used["u"] != 1 || len(used) != 2 {
			t.Errorf("topics used: %v", used)
		}
	})
}

// A batch of any size goes through in pieces.
func TestSourceHugeBatch(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, func(c *SourceConfig) {
			c.Value, c.BufferMemory = Converter{&appendingConverter{}, "v"}, 1<<20
		})
		wait := k.start(s)
		k.expect("running")
		const n = 10*arenaRecords + 7
		src.polls <- sequence("t", "a", 0, n)
		got := k.consume("t", n)
		if len(got) != n {
			t.Fatalf("%d records, want %d", len(got), n)
		}
		for i, r := range got {
			if want := fmt.Sprintf("a-%d", i+1); string(r.Value) != want {
				t.Fatalf("record %d is %s, want %s", i, r.Value, want)
			}
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := offsets.at("a"); got != n {
			t.Errorf("committed %d", got)
		}
	})
}
