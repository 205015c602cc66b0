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
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// exactlyOnce makes a source's config exactly once.
func (k *kit) exactlyOnce(x ExactlyOnceConfig) func(*SourceConfig) {
	k.topic("offsets", 1)
	return func(c *SourceConfig) {
		c.ExactlyOnce = &x
		c.NewProducer = k.newClient(kgo.TransactionalID("g-c-0"), kgo.AllowAutoTopicCreation(), kgo.TransactionTimeout(time.Minute))
		o, _ := c.Offsets.(*memOffsets)
		o.topic = "offsets"
	}
}

func (k *kit) offsets(n int) []string {
	var out []string
	for _, r := range k.consume("offsets", n) {
		out = append(out, fmt.Sprintf("%s=%s", r.Key, r.Value))
	}
	return out
}

func TestExactlyOncePerPoll(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		h := hearing{src}
		var calls []string
		call := func(name string) func(context.Context) error {
			return func(context.Context) error { calls = append(calls, name); return nil }
		}
		s := k.source(h, offsets, k.exactlyOnce(ExactlyOnceConfig{BeforeProducer: call("before"), AfterProducer: call("after")}))
		wait := k.start(s)
		k.expect("running")
		if !slices.Equal(calls, []string{"before", "after"}) {
			t.Errorf("checks %v", calls)
		}
		src.polls <- sequence("t", "a", 0, 2)
		src.polls <- sequence("t", "a", 2, 2)
		got := k.consume("t", 4)
		// A commit marker follows each batch.
		var at []int64
		for _, r := range got {
			at = append(at, r.Offset)
		}
		if !slices.Equal(at, []int64{0, 1, 3, 4}) {
			t.Errorf("record offsets %v", at)
		}
		if got, want := k.offsets(2), []string{"a=2", "a=4"}; !slices.Equal(got, want) {
			t.Errorf("offsets topic %v, want %v", got, want)
		}
		if got, want := offsets.log(), []string{"a=2", "a=4"}; !slices.Equal(got, want) {
			t.Errorf("mirrored %v, want %v", got, want)
		}
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if want := []string{"a-1:t-0@0", "a-2:t-0@1", "a-3:t-0@3", "a-4:t-0@4"}; !slices.Equal(src.told, want) {
			t.Errorf("told %v, want %v", src.told, want)
		}
		if st := s.Stats(); st.Transactions != 2 || st.TransactionRecords != 4 || st.TransactionMin != 2 || st.TransactionMax != 2 || st.RecordsActive != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// An idle source does not leave a finished interval's transaction open.
func TestExactlyOnceInterval(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryInterval, Interval: 10 * time.Second}))
		wait := k.start(s)
		k.expect("running")
		src.polls <- sequence("t", "a", 0, 1)
		sleep(5 * time.Second)
		src.polls <- sequence("t", "a", 1, 1)
		sleep(4 * time.Second)
		if n := s.Stats().Transactions; n != 0 {
			t.Errorf("%d transactions within the interval", n)
		}
		sleep(2 * time.Second)
		if n := s.Stats().Transactions; n != 1 {
			t.Errorf("%d transactions after the interval, with an idle source", n)
		}
		if got := len(k.consume("t", 2)); got != 2 {
			t.Errorf("%d records", got)
		}
		src.polls <- sequence("t", "a", 2, 1)
		sleep(time.Second)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got, want := k.offsets(2), []string{"a=2", "a=3"}; !slices.Equal(got, want) {
			t.Errorf("offsets topic %v, want %v", got, want)
		}
		if got := len(k.consume("t", 3)); got != 3 {
			t.Errorf("%d records; stopping does not commit", got)
		}
	})
}

func TestExactlyOnceConnectorBoundaries(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryConnector}))
		wait := k.start(s)
		k.expect("running")
		tx := src.context.Transaction()
		send := func(rs []*connect.Record, ask func()) {
			src.polls <- func() []*connect.Record { ask(); return rs }
			sleep(time.Second)
		}
		rs := sequence("t", "a", 0, 3)
		send(rs, func() { tx.CommitTransactionOn(rs[1]) })
		if got, want := values(k.consume("t", 2)), []string{"a-1", "a-2"}; !slices.Equal(got, want) {
			t.Errorf("after a commit on a record: %v", got)
		}
		send(sequence("t", "a", 3, 1), tx.CommitTransaction)
		if got, want := values(k.consume("t", 4)), []string{"a-1", "a-2", "a-3", "a-4"}; !slices.Equal(got, want) {
			t.Errorf("after a commit of a batch: %v", got)
		}
		// What is aborted is gone, and not read again.
		rs = sequence("t", "a", 4, 3)
		send(rs, func() { tx.AbortTransactionOn(rs[1]); tx.CommitTransactionOn(rs[2]) })
		if got, want := values(k.consume("t", 5)), []string{"a-1", "a-2", "a-3", "a-4", "a-7"}; !slices.Equal(got, want) {
			t.Errorf("after an abort on a record: %v", got)
		}
		send(sequence("t", "a", 7, 1), tx.AbortTransaction)
		send(nil, tx.AbortTransaction) // of nothing
		if got := offsets.at("a"); got != 8 {
			t.Errorf("committed %d after an abort, want 8", got)
		}
		// What nobody asked to commit is given up at the end, and comes again.
		send(sequence("t", "a", 8, 1), func() {})
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := len(k.consume("t", 5)); got != 5 {
			t.Errorf("%d records at the end", got)
		}
		if got := offsets.at("a"); got != 8 {
			t.Errorf("committed %d at the end, want 8", got)
		}
	})
}

func TestExactlyOnceContradiction(t *testing.T) {
	for name, ask := range map[string]struct {
		ask  func(connect.TransactionContext, *connect.Record)
		want string
	}{
		"batch": {func(tx connect.TransactionContext, _ *connect.Record) { tx.CommitTransaction(); tx.AbortTransaction() },
			"java.lang.IllegalStateException: Connector requested both commit and abort of same transaction"},
		"record": {func(tx connect.TransactionContext, r *connect.Record) {
			tx.CommitTransactionOn(r)
			tx.AbortTransactionOn(r)
		},
			"java.lang.IllegalStateException: Connector requested both commit and abort of same record against topic/partition t/null"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				wait := k.start(k.source(src, offsets, k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryConnector})))
				k.expect("running")
				rs := sequence("t", "a", 0, 1)
				src.polls <- func() []*connect.Record { ask.ask(src.context.Transaction(), rs[0]); return rs }
				k.expectFailure(ask.want)
				if err := wait(); err == nil {
					t.Error("Run returned nil")
				}
				if len(offsets.log()) > 0 {
					t.Error("offsets were committed")
				}
			})
		})
	}
}

// Pausing commits, so that no transaction hangs; one with boundaries of its own goes on
// after the pause.
func TestExactlyOncePause(t *testing.T) {
	for _, boundary := range []Boundary{BoundaryInterval, BoundaryConnector} {
		t.Run(string(boundary), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				src, offsets := newScripted(), &memOffsets{}
				s := k.source(src, offsets, k.exactlyOnce(ExactlyOnceConfig{Boundary: boundary, Interval: time.Hour}))
				wait := k.start(s)
				k.expect("running")
				src.polls <- sequence("t", "a", 0, 1)
				sleep(time.Second)
				s.SetTarget("PAUSED")
				k.expect("paused")
				sleep(time.Second)
				if boundary == BoundaryInterval && offsets.at("a") != 1 {
					t.Error("pausing did not commit")
				}
				s.SetTarget("STARTED")
				k.expect("resumed")
				src.polls <- func() []*connect.Record {
					if tx := src.context.Transaction(); tx != nil {
						tx.CommitTransaction()
					}
					return sequence("t", "a", 1, 1)
				}
				sleep(time.Second)
				s.Stop()
				if err := wait(); err != nil {
					t.Error(err)
				}
				if got := len(k.consume("t", 2)); got != 2 || offsets.at("a") != 2 {
					t.Errorf("%d records, offset %d", got, offsets.at("a"))
				}
			})
		})
	}
}

// A batch of dropped records alone writes no offset for a while.
func TestExactlyOnceDroppedRecords(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, tolerant, k.exactlyOnce(ExactlyOnceConfig{}))
		wait := k.start(s)
		k.expect("running")
		src.polls <- []*connect.Record{record("t", "a", 1, "bad")}
		sleep(10 * time.Second)
		if n := s.Stats().Transactions; n != 0 {
			t.Errorf("%d transactions for a dropped record", n)
		}
		sleep(2 * time.Minute)
		if got := offsets.at("a"); got != 1 {
			t.Errorf("committed %d after a while, want 1", got)
		}
		src.polls <- []*connect.Record{record("t", "a", 2, "x"), record("t", "a", 3, "bad")}
		k.consume("t", 1)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := offsets.at("a"); got != 3 {
			t.Errorf("committed %d, want 3", got)
		}
	})
}

func TestExactlyOnceFailures(t *testing.T) {
	const state = "org.apache.kafka.common.KafkaException: Cannot execute transactional method because we are in an error state"
	const tooLarge = "Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 2086 bytes when serialized which is larger than 500, which is the value of the max.request.size configuration."
	large := record("t", "a", 1, strings.Repeat("x", 2000))
	tests := []struct {
		name   string
		polls  []*connect.Record
		change func(*SourceConfig)
		fault  *kfake.Fault
		want   []string
	}{
		{
			"too large, another follows", []*connect.Record{large, record("t", "a", 2, "small")}, func(c *SourceConfig) { c.MaxRequestSize = 500 }, nil,
			[]string{"org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception trying to send", "Caused by: " + state, tooLarge},
		},
		{
			"too large, alone", []*connect.Record{large}, func(c *SourceConfig) { c.MaxRequestSize = 500 }, nil,
			[]string{state, tooLarge},
		},
		{
			"topic name", []*connect.Record{record("bad name/x", "a", 1, "x")}, nil, nil,
			[]string{state, "Caused by: org.apache.kafka.common.errors.InvalidTopicException: Invalid topics: [bad name/x]"},
		},
		{
			"refused by the broker", sequence("t", "a", 0, 1), nil,
			&kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.InvalidRecord, Count: -1},
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Failed to flush offsets and/or records for task c-0",
				"Caused by: org.apache.kafka.common.InvalidRecordException: One or more records have been rejected due to 1 record errors in total, and only showing the first three errors at most: " +
					"[RecordError(batchIndex=0, message='Compacted topic cannot accept message without key in topic partition t-0')]",
			},
		},
		{
			"offsets refused", sequence("t", "a", 0, 1), nil,
			&kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "offsets", Err: kerr.MessageTooLarge, Count: -1},
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Failed to flush offsets and/or records for task c-0",
				"Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The request included a message larger than the max message size the server will accept.",
			},
		},
		{
			"fenced", sequence("t", "a", 0, 1), nil,
			&kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.ProducerFenced, Count: -1},
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: Failed to flush offsets and/or records for task c-0",
				"Caused by: org.apache.kafka.common.errors.ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.",
			},
		},
		{
			"expired", sequence("t", "a", 0, 1), nil,
			&kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.InvalidProducerEpoch, Count: -1},
			[]string{
				"org.apache.kafka.connect.errors.ConnectException: The task c-0 was unable to finish writing records to Kafka before its producer transaction expired. " +
					"It may be necessary to reconfigure this connector in order for it to run healthily with exactly-once support. " +
					"Options for this include: tune the connector's producer configuration for higher throughput, " +
					"increase the transaction timeout for the connector's producers, " +
					"decrease the offset commit interval (if using interval-based transaction boundaries), " +
					"or use the 'poll' transaction boundary (if the connector is not already configured to use it).",
				"Caused by: org.apache.kafka.common.errors.InvalidProducerEpochException: Producer attempted to produce with an old epoch.",
			},
		},
		{
			"own offsets topic", []*connect.Record{record("offsets", "a", 1, "x")}, nil, nil,
			[]string{"org.apache.kafka.connect.errors.ConnectException: Source tasks may not produce to their own offsets topics when exactly-once support is enabled"},
		},
		{
			"not tolerated", []*connect.Record{record("t", "a", 1, "1"), record("t", "a", 2, "bad")}, func(c *SourceConfig) { c.Errors.TolerateAll = false }, nil,
			[]string{"org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "Caused by: org.apache.kafka.connect.errors.DataException: cannot convert bad"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				k.topic("t", 1)
				src, offsets := newScripted(), &memOffsets{}
				// Failures of the producer are not tolerated, whatever the policy.
				change := []func(*SourceConfig){tolerant, k.exactlyOnce(ExactlyOnceConfig{})}
				if test.change != nil {
					change = append(change, test.change)
				}
				wait := k.start(k.source(src, offsets, change...))
				k.expect("running")
				if test.fault != nil {
					defer k.broker.Cluster().Fault(*test.fault).Remove()
				}
				src.polls <- test.polls
				k.expectFailure(test.want...)
				if err := wait(); err == nil {
					t.Error("Run returned nil")
				}
				if got := len(k.consume("t", 0)); got != 0 || len(offsets.log()) > 0 {
					t.Errorf("%d records, offsets %v", got, offsets.log())
				}
			})
		})
	}
}

func TestExactlyOnceChecks(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kit) {
				no := func(context.Context) error { return errs.Connect("no longer mine") }
				x := ExactlyOnceConfig{BeforeProducer: no}
				if when == "after" {
					x = ExactlyOnceConfig{AfterProducer: no}
				}
				src := newScripted()
				wait := k.start(k.source(src, &memOffsets{}, k.exactlyOnce(x)))
				k.expectFailure("org.apache.kafka.connect.errors.ConnectException: no longer mine")
				if err := wait(); err == nil {
					t.Error("Run returned nil")
				}
				if len(src.order) > 0 {
					t.Errorf("the task was called: %v", src.order)
				}
			})
		})
	}
}

// A task that was replaced can commit nothing more, and does not disturb the one that
// replaced it.
func TestExactlyOnceZombie(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		k.topic("t", 1)
		eos := k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryInterval, Interval: 10 * time.Second})
		old, oldOffsets := newScripted(), &memOffsets{}
		zombie := k.source(old, oldOffsets, eos)
		waitOld := k.start(zombie)
		k.expect("running")
		old.polls <- sequence("t", "a", 0, 2)
		sleep(time.Second)

		src, offsets := newScripted(), &memOffsets{}
		s := k.source(src, offsets, eos)
		wait := k.start(s)
		k.expect("running")
		src.polls <- sequence("t", "a", 0, 3)
		sleep(10 * time.Second)
		old.polls <- sequence("t", "a", 2, 1)
		sleep(20 * time.Second)
		select {
		case e := <-k.events:
			if !strings.HasPrefix(e, "failed\n") {
				t.Errorf("got %q", e)
			}
		default:
			t.Error("the old task did not notice")
		}
		if err := waitOld(); err == nil {
			t.Error("the old task ended without an error")
		}
		src.polls <- sequence("t", "a", 3, 1)
		sleep(20 * time.Second)
		s.Stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
		k.expect("stopped")
		if got, want := values(k.consume("t", 4)), []string{"a-1", "a-2", "a-3", "a-4"}; !slices.Equal(got, want) {
			t.Errorf("topic has %v, want %v", got, want)
		}
		if len(oldOffsets.log()) > 0 {
			t.Errorf("the old task committed %v", oldOffsets.log())
		}
	})
}

// A task that fails gives its transaction up, so that readers need not wait for it to
// time out.
func TestExactlyOnceAbortsOnFailure(t *testing.T) {
	bubble(t, func(t *testing.T, k *kit) {
		src, offsets := newScripted(), &memOffsets{}
		wait := k.start(k.source(src, offsets, k.exactlyOnce(ExactlyOnceConfig{Boundary: BoundaryInterval, Interval: time.Hour})))
		k.expect("running")
		src.polls <- sequence("t", "a", 0, 2)
		sleep(time.Second)
		src.polls <- errors.New("gone")
		k.expectFailure("org.apache.kafka.connect.errors.ConnectException: gone")
		if err := wait(); err == nil {
			t.Error("Run returned nil")
		}
		began := time.Now()
		k.produce("t", "after")
		if got, want := values(k.consume("t", 1)), []string{"after"}; !slices.Equal(got, want) {
			t.Errorf("topic has %v, want %v", got, want)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("readers waited %s", took)
		}
	})
}
