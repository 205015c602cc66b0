package task

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/kafka"
)

// transactions are what makes a source exactly once: records and their offsets are
// written in one transaction (KIP-618, ExactlyOnceWorkerSourceTask). All belongs to
// the task's goroutine but for what produced touches.
//
// After any failure the task ends and never uses the producer again, since the client
// could otherwise take the transactional id back from a newer task.
type transactions struct {
	s        *Source
	cfg      ExactlyOnceConfig
	interval time.Duration
	mirror   OffsetMirror
	asked    *boundaries // of transaction.boundary=connector

	open       bool
	records    int64
	lastCommit time.Time
	toTell     []*told
	failure    atomic.Pointer[sendFailure]

	// acked are the topics of acknowledged records, and lastAcked the newest of them.
	// Promises alone write them, one after the other; commit reads after a flush.
	acked     []string
	lastAcked string
}

// told is a record that the task hears of when its transaction is committed.
type told struct {
	src  *connect.Record
	meta atomic.Pointer[connect.RecordMetadata]
}

// sendFailure is why a transaction can only be given up. local says that it was known
// before anything was sent, as what Java's producer refuses is.
type sendFailure struct {
	err   *errs.Error
	cause error
	local bool
}

const errorState = "Cannot execute transactional method because we are in an error state"

func newTransactions(s *Source, cfg ExactlyOnceConfig) *transactions {
	t := &transactions{s: s, cfg: cfg, interval: cfg.Interval}
	if t.interval <= 0 {
		t.interval = s.cfg.CommitInterval
	}
	t.mirror, _ = s.cfg.Offsets.(OffsetMirror)
	if cfg.Boundary == BoundaryConnector {
		t.asked = &boundaries{}
	}
	return t
}

// makeProducer takes over the transactional id, which fences older tasks with it.
func (t *transactions) makeProducer(ctx context.Context) (err error) {
	s := t.s
	if t.cfg.BeforeProducer != nil {
		if err := t.cfg.BeforeProducer(ctx); err != nil {
			return err
		}
	}
	if s.isStopping() {
		return errStopped // a later task may have the id already
	}
	if s.producer, err = s.cfg.NewProducer(s.producerOptions()...); err != nil {
		return err
	}
	if err = t.takeOver(ctx); err == nil && t.cfg.AfterProducer != nil {
		err = t.cfg.AfterProducer(ctx)
	}
	if err != nil {
		s.producer.Close()
	}
	return err
}

func (t *transactions) takeOver(ctx context.Context) error {
	for {
		_, _, err := t.s.producer.ProducerID(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		labelled := javaError(err)
		if isFenced(err) || !labelled.Retry {
			return labelled
		}
		t.s.log.Warn("Waiting for the transaction coordinator", "error", errs.String(labelled))
		if err := t.s.sleep(ctx, sendBackoff); err != nil {
			return err
		}
	}
}

// restartInterval begins a new interval when the task starts or is resumed.
func (t *transactions) restartInterval(now time.Time) { t.lastCommit = now }

// due is when tick has something to do: at the end of an interval, also when the
// source is idle, so that no finished interval's transaction stays open; and for
// Commit and offsets of dropped records as often as for other sources.
func (t *transactions) due() time.Time {
	due := t.s.nextCommit
	if end := t.lastCommit.Add(t.interval); t.cfg.Boundary == BoundaryInterval && end.Before(due) {
		due = end
	}
	return due
}

func (t *transactions) tick(ctx context.Context, now time.Time) error {
	if t.cfg.Boundary == BoundaryInterval && !now.Before(t.lastCommit.Add(t.interval)) {
		t.lastCommit = now
		t.s.nextCommit = now.Add(t.s.cfg.CommitInterval)
		return t.commit(ctx, false)
	}
	if now.Before(t.s.nextCommit) {
		return nil
	}
	t.s.nextCommit = now.Add(t.s.cfg.CommitInterval)
	if t.open {
		return nil
	}
	return t.commit(ctx, false)
}

// beforeSend begins a transaction unless one is open.
func (t *transactions) beforeSend(e *entry) error {
	s := t.s
	if topic := s.cfg.Offsets.Topic(); topic != "" && topic == e.rec.Topic {
		return errs.Connect("Source tasks may not produce to their own offsets topics when exactly-once support is enabled")
	}
	if f := t.failure.Load(); f != nil {
		return t.fail("Unrecoverable exception trying to send", f.cause, errs.Wrap(errs.ClassKafka, f.err, errorState))
	}
	return t.begin()
}

func (t *transactions) begin() error {
	if t.open {
		return nil
	}
	if err := t.s.producer.BeginTransaction(); err != nil {
		return errs.Wrap(errs.ClassConnect, javaError(err), "Failed to begin a transaction for task "+t.s.id.String())
	}
	t.open, t.records = true, 0
	return nil
}

// ack notes the topic of an acknowledged record.
func (t *transactions) ack(topic string) {
	if topic == t.lastAcked {
		return
	}
	t.lastAcked = topic
	if !slices.Contains(t.acked, topic) {
		t.acked = append(t.acked, topic)
	}
}

// produced is the promise of a record.
func (t *transactions) produced(rec *kgo.Record, err error) {
	e := rec.Context.(*entry)
	s := t.s
	size := e.size
	if err == nil {
		t.ack(rec.Topic)
		s.meter.written.Add(1)
		s.meter.bytesWritten.Add(int64(len(rec.Key) + len(rec.Value)))
		if e.told != nil {
			e.told.meta.Store(metadata(rec))
		}
	} else {
		t.unsent(rec, err)
	}
	s.meter.addActive(-1)
	s.release(size)
}

func (t *transactions) unsent(rec *kgo.Record, err error) {
	if errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrAborting) {
		return // the task ends, or has aborted the transaction
	}
	var local *errs.Error
	f := &sendFailure{err: t.s.logUnsent(rec, err), cause: err, local: errors.As(err, &local)}
	t.failure.CompareAndSwap(nil, f)
}

// sent notes a record that the producer has accepted; its offset goes into the same
// transaction.
func (t *transactions) sent(ctx context.Context, e *entry) error {
	t.records++
	t.s.track.note(e.src, true)
	if used := t.s.cfg.TopicUsed; used != nil && t.s.used != t.s.known {
		t.s.used = t.s.known
		used(t.s.used)
	}
	return t.afterRecord(ctx, e.src)
}

// dropped notes a record that was filtered or skipped.
func (t *transactions) dropped(ctx context.Context, e *entry) error {
	t.s.meter.addActive(-1)
	t.s.track.note(e.src, false)
	t.expect(e)
	return t.afterRecord(ctx, e.src)
}

// expect remembers to tell the task of a record once its transaction is committed.
func (t *transactions) expect(e *entry) {
	e.told = nil
	if t.s.committer != nil {
		e.told = &told{src: e.src}
		t.toTell = append(t.toTell, e.told)
	}
}

func (t *transactions) afterRecord(ctx context.Context, r *connect.Record) error {
	if t.asked == nil {
		return nil
	}
	commit, abort, err := t.asked.record(r)
	if err != nil {
		return err
	}
	return t.end(ctx, commit, abort)
}

// batchSent ends the transaction after a batch where that is its boundary.
func (t *transactions) batchSent(ctx context.Context) error {
	switch t.cfg.Boundary {
	case BoundaryInterval:
		if now := time.Now(); !now.Before(t.lastCommit.Add(t.interval)) {
			return t.tick(ctx, now)
		}
		return nil
	case BoundaryConnector:
		commit, abort, err := t.asked.batch()
		if err != nil {
			return err
		}
		return t.end(ctx, commit, abort)
	}
	if !t.open {
		return nil // tick writes the offsets of dropped records, in time
	}
	return t.commit(ctx, false)
}

// finalCommit ends the transaction when the task stops or pauses. Without a word
// from a connector that defines its boundaries, the transaction stays open over a
// pause and is given up at the end, so that its records are read again.
func (t *transactions) finalCommit(ctx context.Context, ending bool) error {
	if t.cfg.Boundary != BoundaryConnector {
		return t.commit(ctx, true)
	}
	commit, abort, err := t.asked.batch()
	if err != nil {
		return err
	}
	if commit || abort {
		return t.end(ctx, commit, abort)
	}
	if ending {
		t.abort(ctx)
	}
	return nil
}

func (t *transactions) end(ctx context.Context, commit, abort bool) error {
	if abort {
		if err := t.abortAsked(ctx); err != nil {
			return err
		}
		// The records are gone, but their offsets are committed, so that the task does
		// not see them all over again.
		commit = true
	}
	if !commit {
		return nil
	}
	return t.commit(ctx, false)
}

func (t *transactions) abortAsked(ctx context.Context) error {
	t.s.log.Info("Aborting transaction as requested by connector")
	if !t.open {
		t.s.log.Warn("Ignoring request by task to abort transaction as the current transaction is empty")
		return nil
	}
	t.open, t.records = false, 0
	err := t.s.producer.AbortBufferedRecords(ctx)
	if err == nil {
		err = kafka.EndTransaction(ctx, t.s.producer, kgo.TryAbort, t.acked...)
	}
	if err != nil {
		return t.fail("Failed to abort the transaction of task "+t.s.id.String(), err, nil)
	}
	return nil
}

// commit writes the offsets into the open transaction, or into one of their own, and
// commits it. Then the task hears of it (invariant I1).
func (t *transactions) commit(ctx context.Context, all bool) error {
	s, began := t.s, time.Now()
	offsets := s.track.take(began, all || t.open)
	if !t.open && len(offsets) == 0 {
		s.meter.committed(began, true)
		s.tellCommitted(began)
		return nil
	}
	const text = "Failed to flush offsets and/or records for task "
	if f := t.failure.Load(); f != nil && f.local {
		s.meter.committed(began, false)
		return errs.Wrap(errs.ClassKafka, f.err, errorState)
	}
	if err := t.begin(); err != nil {
		return err
	}
	records, err := s.cfg.Offsets.Records(partitionOffsets(offsets))
	if err != nil {
		s.meter.committed(began, false)
		return errs.Wrap(errs.ClassConnect, err, text+s.id.String())
	}
	for _, r := range records {
		rec := &kgo.Record{Topic: s.cfg.Offsets.Topic(), Key: r.Key, Value: r.Value}
		s.producer.Produce(ctx, rec, func(rec *kgo.Record, err error) {
			if err != nil {
				t.unsent(rec, err)
				return
			}
			t.ack(rec.Topic)
		})
	}
	if err := s.producer.Flush(ctx); err != nil {
		return context.Cause(ctx)
	}
	if f := t.failure.Load(); f != nil {
		s.meter.committed(began, false)
		return t.fail(text+s.id.String(), f.cause, f.err)
	}
	if err := kafka.EndTransaction(ctx, s.producer, kgo.TryCommit, t.acked...); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.log.Error("Failed to commit producer transaction", "error", err)
		s.meter.committed(began, false)
		t.failure.CompareAndSwap(nil, &sendFailure{err: javaError(err), cause: err})
		return t.fail(text+s.id.String(), err, nil)
	}
	t.open = false
	s.meter.transaction(t.records)
	s.meter.committed(began, true)
	if t.mirror != nil && len(offsets) > 0 {
		t.mirror.Committed(partitionOffsets(offsets))
	}
	for i, r := range t.toTell {
		s.tellRecord(r.src, r.meta.Load())
		t.toTell[i] = nil
	}
	t.toTell = t.toTell[:0]
	s.tellCommitted(time.Now())
	return nil
}

// fail is the error that ends the task. An expired transaction gets a text of its own.
func (t *transactions) fail(text string, cause error, below *errs.Error) error {
	if below == nil {
		below = javaError(cause)
	}
	if errors.Is(cause, kerr.InvalidProducerEpoch) {
		text = "The task " + t.s.id.String() + " was unable to finish writing records to Kafka before its producer transaction expired. " +
			"It may be necessary to reconfigure this connector in order for it to run healthily with exactly-once support. " +
			"Options for this include: tune the connector's producer configuration for higher throughput, " +
			"increase the transaction timeout for the connector's producers, " +
			"decrease the offset commit interval (if using interval-based transaction boundaries), " +
			"or use the 'poll' transaction boundary (if the connector is not already configured to use it)."
	}
	return errs.Wrap(errs.ClassConnect, below, text)
}

// abort gives up the open transaction of a task that ends, unless the producer was
// fenced: then it is another task's.
func (t *transactions) abort(ctx context.Context) {
	if !t.open {
		return
	}
	t.open = false
	if f := t.failure.Load(); f != nil && isFenced(f.cause) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.s.cfg.CommitTimeout)
	defer cancel()
	err := t.s.producer.AbortBufferedRecords(ctx)
	if err == nil {
		_, _, err = t.s.producer.ProducerID(ctx)
	}
	if err == nil {
		err = t.s.producer.EndTransaction(ctx, kgo.TryAbort)
	}
	if err != nil {
		t.s.log.Warn("Could not abort the transaction of the ending task; it ends when the task starts again or times out", "error", err)
	}
}
