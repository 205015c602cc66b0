package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
)

// TxnWriter writes batches of records to one topic, each batch in a transaction, under
// a transactional id that only the newest writer can use: the fencible producer of
// KafkaConfigBackingStore. Not safe for concurrent use.
type TxnWriter struct {
	client *kgo.Client
	topic  string
}

// OpenTxnWriter makes a writer and fences all others that use the transactional id,
// which opts must hold. Open transactions of theirs are aborted.
func OpenTxnWriter(ctx context.Context, topic string, opts []kgo.Opt) (*TxnWriter, error) {
	all := append([]kgo.Opt{}, opts...)
	client, err := kgo.NewClient(append(all, kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return nil, errs.Wrap(errs.ClassKafka, err, "Failed to construct kafka producer")
	}
	for pause := retryMin; ; pause = nextPause(pause) {
		_, _, err := client.ProducerID(ctx)
		if err == nil {
			return &TxnWriter{client, topic}, nil
		}
		if !Retriable(err) || !sleep(ctx, pause) {
			client.Close()
			return nil, JavaError(errors.Join(maybeFenced(err), ctx.Err()))
		}
	}
}

// Write writes all records in one transaction. After an error the writer must be
// closed, and it is not known whether the records were written; a *FencedError says
// that another writer took over.
func (w *TxnWriter) Write(ctx context.Context, records ...kgo.Record) error {
	if err := w.client.BeginTransaction(); err != nil {
		return errs.Wrap(errs.ClassKafka, err, "Cannot begin a transaction")
	}
	done := make(chan error, len(records))
	for i := range records {
		r := &kgo.Record{Topic: w.topic, Key: records[i].Key, Value: records[i].Value}
		w.client.Produce(ctx, r, func(_ *kgo.Record, err error) { done <- err })
	}
	for range records {
		select {
		case err := <-done:
			if err != nil {
				return maybeFenced(err)
			}
		case <-ctx.Done():
			return JavaError(ctx.Err())
		}
	}
	return maybeFenced(EndTransaction(ctx, w.client, kgo.TryCommit, w.topic))
}

// Close gives the writer up; a transaction that is still open is aborted by the next
// writer or when it times out.
func (w *TxnWriter) Close() { w.client.Close() }
