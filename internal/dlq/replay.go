package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/kafka"
)

// Replay says which letters to write again, and where.
type Replay struct {
	// Causes are those to replay, all without any.
	Causes []string
	// To is the topic to write to; "" is the one each record came from.
	To string
	// Limit is how many letters to replay at the most, 0 for all.
	Limit int
	// DryRun writes nothing.
	DryRun bool
	// Passes says whether a letter would succeed now; it is asked for batches, and nil
	// lets all pass.
	Passes func(context.Context, []Letter) ([]bool, error)
	// Deliver, if set, takes letters where they belong itself, and says which it took;
	// only marks are written then, with the name of the connector (Sink).
	Deliver func(context.Context, []Letter) ([]bool, error)
	// Connector is the name for those marks.
	Connector string
	// Report, if set, is told of each batch that was written, or would be.
	Report func(Result)
}

// Result counts what became of letters.
type Result struct {
	// Replayed were written, Before had been before, Fail would fail again, Other are
	// of other causes.
	Replayed, Before, Fail, Other int
}

// batch is how many letters are written in one transaction.
const batch = 500

// Replay writes letters again, without the headers that tell of their failure. Each
// batch is one transaction that marks the letters as replayed too, so that no letter
// is replayed twice, whatever fails.
func (q *Queue) Replay(ctx context.Context, o Replay) (sum Result, err error) {
	cl, err := q.producer()
	if err != nil {
		return sum, err
	}
	defer cl.Close()
	if !o.DryRun {
		if err := q.createMarkTopic(ctx, kadm.NewClient(cl)); err != nil {
			return sum, err
		}
		// From here on another replay of this topic is fenced, so the marks are whole.
		if _, _, err := cl.ProducerID(ctx); err != nil {
			return sum, fmt.Errorf("starting a transactional producer: %w", err)
		}
	}
	marks, err := q.Replayed(ctx)
	if err != nil {
		return sum, err
	}
	var pending []Letter
	flush := func() error {
		if len(pending) == 0 {
			return nil
		}
		letters, err := q.write(ctx, cl, o, pending, &sum)
		pending = pending[:0]
		if err == nil && o.Report != nil && letters > 0 {
			o.Report(sum)
		}
		return err
	}
	errFull := errors.New("limit reached")
	err = q.Each(ctx, func(l Letter) error {
		switch {
		case marks[l.Mark()]:
			sum.Before++
			return nil
		case len(o.Causes) > 0 && !slices.Contains(o.Causes, l.Cause()):
			sum.Other++
			return nil
		}
		if pending = append(pending, l); o.Limit > 0 && sum.Replayed+len(pending) >= o.Limit {
			if err := flush(); err != nil {
				return err
			}
			if sum.Replayed >= o.Limit {
				return errFull
			}
		}
		if len(pending) >= batch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if errors.Is(err, errFull) {
		err = nil
	}
	return sum, err
}

// write writes those of a batch that pass, and returns how many.
func (q *Queue) write(ctx context.Context, cl *kgo.Client, o Replay, letters []Letter, sum *Result) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	passes := make([]bool, len(letters))
	for i := range passes {
		passes[i] = true
	}
	if o.Passes != nil {
		if passes, err = o.Passes(ctx, letters); err != nil {
			return 0, err
		}
	}
	var chosen []Letter
	for i, l := range letters {
		if passes[i] {
			chosen = append(chosen, l)
		}
	}
	sum.Fail += len(letters) - len(chosen)
	records, topics, err := q.records(o, chosen)
	if err != nil {
		return 0, err
	}
	n = len(chosen)
	if o.Deliver != nil && !o.DryRun {
		if records, err = q.deliver(ctx, o, chosen); err != nil {
			return 0, err
		}
		sum.Fail += n - len(records)
		n, topics = len(records), topics[:1] // only marks are written
	} else if err := ctx.Err(); err != nil {
		return 0, err
	}
	sum.Replayed += n
	if o.DryRun || n == 0 {
		return n, nil
	}
	// Who interrupts this gets a whole transaction: what a sink has taken is marked.
	ctx, cancel := q.graceful(ctx)
	defer cancel()
	if err := cl.BeginTransaction(); err != nil {
		return 0, fmt.Errorf("beginning a transaction: %w", err)
	}
	if err = produce(ctx, cl, records); err != nil {
		err = fmt.Errorf("writing letters again: %w", err)
	}
	if err != nil {
		topics = nil // not all of them may have been reached
	}
	if endErr := kafka.EndTransaction(ctx, cl, kgo.TransactionEndTry(err == nil), topics...); endErr != nil {
		err = errors.Join(err, fmt.Errorf("ending the transaction: %w", endErr))
	}
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
		err = fmt.Errorf("another replay of %s runs: %w", q.topic, err)
	}
	if err != nil {
		sum.Replayed -= n
		return 0, err
	}
	return n, nil
}

// graceful is a context that ends some time after another.
func (q *Queue) graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if pause(later, q.grace) == nil {
			cancel()
		}
	})
	return later, func() {
		stop()
		cancel()
	}
}

// produce writes records. It does not wait for those that are on their way when ctx ends.
func produce(ctx context.Context, cl *kgo.Client, records []*kgo.Record) (err error) {
	done := make(chan error, len(records))
	for _, r := range records {
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) { done <- err })
	}
	for range records {
		select {
		case one := <-done:
			err = cmp.Or(err, one)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// records are the letters as they are to be written again, with their marks, and the
// topics that these go to.
func (q *Queue) records(o Replay, letters []Letter) (records []*kgo.Record, topics []string, err error) {
	topics = []string{q.MarkTopic()}
	for _, l := range letters {
		to := o.To
		if to == "" {
			to = l.Context.Topic
		}
		if to == "" {
			hint := "give the topic to write to (--to)"
			if o.Deliver != nil {
				hint = "the sink needs that"
			}
			return nil, nil, fmt.Errorf("the letter %s does not tell which topic it came from; %s, and set errors.deadletterqueue.context.headers.enable=true on the sink for letters to come", where(q.topic, l.Partition, l.Offset), hint)
		}
		if !slices.Contains(topics, to) {
			topics = append(topics, to)
		}
		records = append(records,
			&kgo.Record{Topic: to, Key: l.Key, Value: l.Value, Headers: l.Headers, Timestamp: l.Timestamp},
			&kgo.Record{Topic: q.MarkTopic(), Partition: 0, Key: []byte(l.Mark()), Value: []byte(to)})
	}
	return records, topics, nil
}

// deliver gives letters to the sink and returns the marks of those that it took.
func (q *Queue) deliver(ctx context.Context, o Replay, letters []Letter) (marks []*kgo.Record, err error) {
	taken, err := o.Deliver(ctx, letters)
	if err != nil {
		return nil, err
	}
	for i, l := range letters {
		if taken[i] {
			marks = append(marks, &kgo.Record{Topic: q.MarkTopic(), Partition: 0, Key: []byte(l.Mark()), Value: []byte("connector " + o.Connector)})
		}
	}
	return marks, nil
}
