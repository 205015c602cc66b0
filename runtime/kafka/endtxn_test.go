package kafka

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A transaction must not end for an empty one because the client has not stored yet that
// a topic, of which it was told before that it does not exist, is there now.
func TestEndTransactionWaitsForANewTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := startBroker(t, BrokerConfig{InMemory: true})
		// The client stores a topic once it has placed the records that wait for it. Here
		// the second of them keeps it waiting, and is given up then.
		hold, placed := make(chan struct{}), 0
		slow := kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
			return func(*kgo.Record, int) int {
				if placed++; placed == 1 {
					return 0
				}
				<-hold
				return -1
			}
		})
		cl, err := kgo.NewClient(append(clientOpts(b), kgo.TransactionalID("x"), kgo.DefaultProduceTopic("new"), kgo.UnknownTopicRetries(-1), kgo.RecordPartitioner(slow))...)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		first, second := make(chan error, 1), make(chan error, 1)
		cl.Produce(ctx, kgo.StringRecord("1"), func(_ *kgo.Record, err error) { first <- err })
		cl.Produce(ctx, kgo.StringRecord("2"), func(_ *kgo.Record, err error) { second <- err })
		time.Sleep(time.Second) // virtual: the client hears that there is no such topic
		mustCreate(t, b, "new", 1)
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- EndTransaction(ctx, cl, kgo.TryCommit, "new") }()
		time.Sleep(staleFor / 2) // virtual
		close(hold)
		if err := <-second; err == nil {
			t.Error("the second record was placed")
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		read := newClient(t, b, kgo.ConsumeTopics("new"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if got := read.PollFetches(ctx).Records(); len(got) != 1 || string(got[0].Value) != "1" {
			t.Errorf("the transaction was committed, but read %d records", len(got))
		}
	})
}

// A topic that is not there does not hold up the end for ever.
func TestEndTransactionWithoutATopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBroker(t, BrokerConfig{InMemory: true})
		cl := newClient(t, b, kgo.TransactionalID("x"))
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cl.Produce(ctx, &kgo.Record{Topic: "gone/bad"}, func(_ *kgo.Record, err error) { done <- err })
		if err := <-done; err == nil {
			t.Fatal("wrote to a topic that cannot be")
		}
		if err := EndTransaction(ctx, cl, kgo.TryAbort, "gone/bad"); err != nil {
			t.Error(err)
		}
	})
}
