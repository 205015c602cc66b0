package task

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// sendBackoff is how long the task waits before it tries again to create a topic
// (AbstractWorkerSourceTask.SEND_FAILED_BACKOFF_MS).
const sendBackoff = 100 * time.Millisecond

// Source moves records from a source task to topics: Java's
// AbstractWorkerSourceTask with WorkerSourceTask and ExactlyOnceWorkerSourceTask.
//
// The goroutine of Run owns all state. The plugin has a goroutine of its own, which
// polls one batch ahead (not under exactly once, where a batch belongs to a
// transaction); the producer's promises only close entries of the tracker.
type Source struct {
	lifecycle
	cfg       SourceConfig
	op        *operator
	poller    *poller
	producer  *kgo.Client
	committer connect.RecordCommitter
	key       encoder
	value     encoder
	txn       *transactions // nil for at least once

	track  *tracker
	arenas arenas
	raw    connect.RawHeaders
	topics map[string]bool // that are there, as far as the task knows
	known  string          // the last one of them
	used   string          // the last topic that TopicUsed was told of

	// limit is how many bytes may be in flight; waiting says that the owner waits
	// for space.
	limit   int64
	settled int64 // of meter.settled, as last seen
	waiting atomic.Bool
	space   chan struct{}
	// sendErr is the error of the first record that could not be written.
	sendErr atomic.Pointer[errs.Error]
	failed  chan struct{}
	promise func(*kgo.Record, error)

	timer      *time.Timer
	armed      time.Time
	nextCommit time.Time
	nudge      time.Time // when to cancel a Poll that keeps Commit waiting
	flushing   []commitOffset
	flushed    chan error
	flushBegan time.Time
	committing bool
}

// NewSource makes a source task of cfg.
func NewSource(cfg SourceConfig) (*Source, error) {
	if cfg.Task == nil || cfg.NewProducer == nil || cfg.Offsets == nil || cfg.Listener == nil || cfg.Logger == nil {
		return nil, errs.New(errs.ClassIllegalArgument, "a source needs a task, a producer, offsets, a listener and a logger")
	}
	if cfg.MaxRequestSize <= 0 {
		cfg.MaxRequestSize = defaultMaxRequest
	}
	if cfg.BufferMemory <= 0 {
		cfg.BufferMemory = defaultBuffer
	}
	cfg.setDefaults()
	s := &Source{
		lifecycle: newLifecycle(cfg.Common), cfg: cfg, topics: map[string]bool{}, limit: cfg.BufferMemory,
		space: make(chan struct{}, 1), failed: make(chan struct{}, 1), flushed: make(chan error, 1),
		key: newEncoder(cfg.Key, stageKey), value: newEncoder(cfg.Value, stageValue),
	}
	s.op = newOperator(&s.lifecycle, cfg.Errors)
	s.committer, _ = cfg.Task.(connect.RecordCommitter)
	s.track = newTracker(s.collected)
	s.promise = s.produced
	if cfg.ExactlyOnce != nil {
		s.txn = newTransactions(s, *cfg.ExactlyOnce)
		s.promise = s.txn.produced
	}
	return s, nil
}

// Run runs the task.
func (s *Source) Run(ctx context.Context) error {
	defer s.closePlugins()
	return s.run(ctx, s.work)
}

func (s *Source) closePlugins() {
	closeQuietly(s.log, "header converter", s.cfg.Header.HeaderConverter)
	closeQuietly(s.log, "key converter", s.cfg.Key.Converter)
	closeQuietly(s.log, "value converter", s.cfg.Value.Converter)
	closeQuietly(s.log, "transformation chain", s.cfg.Chain)
}

func closeQuietly(log *slog.Logger, what string, c interface{ Close() error }) {
	if c == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			log.Warn("Failed to close "+what, "panic", v)
		}
	}()
	if err := c.Close(); err != nil {
		log.Warn("Failed to close "+what, "error", err)
	}
}

func (s *Source) work(ctx context.Context) (err error) {
	if err := s.makeProducer(ctx); err != nil {
		return err
	}
	defer s.producer.Close()
	s.poller = newPoller(&s.lifecycle, s.cfg.Task, s.cfg.PollLimit)
	go s.poller.run(ctx, s.context(), s.cfg.Props)
	defer func() {
		if end := s.poller.end(ctx); err == nil {
			err = end
		}
	}()
	if err := s.poller.awaitStart(ctx); err != nil {
		return err
	}
	s.started()
	now := time.Now()
	s.nextCommit = now.Add(s.cfg.CommitInterval)
	s.timer = time.NewTimer(s.cfg.CommitInterval)
	s.armed = s.nextCommit
	defer s.timer.Stop()
	if s.txn != nil {
		s.txn.restartInterval(now)
	}
	err = s.guard("moving records", func() error { return s.loop(ctx) })
	if hard := ctx.Err(); hard != nil {
		s.awaitFlush(ctx)
		return context.Cause(ctx)
	}
	s.meter.setPhase(PhaseStopping)
	if end := s.finish(ctx, err != nil && !errors.Is(err, errStopped)); err == nil {
		err = end
	}
	return err
}

func (s *Source) makeProducer(ctx context.Context) (err error) {
	if s.txn != nil {
		return s.txn.makeProducer(ctx)
	}
	s.producer, err = s.cfg.NewProducer(s.producerOptions()...)
	return err
}

// producerOptions bound the records in flight by the task's own count, and wait for
// topics that do not exist yet as Connect's endless max.block.ms does.
func (s *Source) producerOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.RecordPartitioner(newPartitioner()), kgo.MaxBufferedRecords(1 << 24), kgo.MaxBufferedBytes(0), kgo.UnknownTopicRetries(-1),
	}
}

// loop polls and sends until the task is to stop.
func (s *Source) loop(ctx context.Context) error {
	var batch []*connect.Record
	for {
		if s.isStopping() {
			return s.drain(ctx)
		}
		if s.shouldPause() {
			if err := s.pause(ctx); err != nil {
				return err
			}
			continue
		}
		s.poller.request(ctx)
		res, err := s.step(ctx, waitFor{results: s.poller.results, wake: s.wake, stop: s.stopped})
		if err != nil {
			return err
		}
		if res == nil {
			continue
		}
		if err := s.poller.check(res); err != nil {
			return err
		}
		// The task may use its slice again once the next Poll begins.
		batch = append(batch[:0], res.records...)
		if s.txn == nil && len(batch) > 0 && s.meter.inFlight() < s.limit && !s.isStopping() && !s.shouldPause() {
			s.poller.request(ctx)
		}
		if err := s.send(ctx, batch); err != nil {
			return err
		}
		clear(batch)
	}
}

// drain sends what was polled before the task was told to stop or pause.
func (s *Source) drain(ctx context.Context) error {
	for s.poller.polling {
		s.poller.interrupt()
		res, err := s.step(ctx, waitFor{results: s.poller.results})
		if err != nil {
			return err
		}
		if res == nil {
			continue
		}
		if err := s.poller.check(res); err != nil {
			return err
		}
		if err := s.send(ctx, res.records); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) pause(ctx context.Context) error {
	if err := s.drain(ctx); err != nil {
		return err
	}
	s.paused()
	if s.txn != nil {
		if err := s.txn.finalCommit(ctx, false); err != nil {
			return err
		}
	}
	for s.shouldPause() && !s.isStopping() {
		if _, err := s.step(ctx, waitFor{wake: s.wake, stop: s.stopped}); err != nil {
			return err
		}
	}
	if !s.isStopping() {
		s.resumed()
		if s.txn != nil {
			s.txn.restartInterval(time.Now())
		}
	}
	return nil
}

// waitFor says what step may return for, beside the passing of time.
type waitFor struct {
	results <-chan polled
	wake    <-chan struct{}
	stop    <-chan struct{}
	space   <-chan struct{}
}

// step waits for one event. What is due in the meantime, such as a commit, is done.
func (s *Source) step(ctx context.Context, w waitFor) (*polled, error) {
	if err := s.sendError(); err != nil {
		return nil, err
	}
	due := s.due()
	if !due.Equal(s.armed) {
		s.timer.Reset(time.Until(due))
		s.armed = due
	}
	select {
	case res := <-w.results:
		s.poller.received()
		return &res, s.tick(ctx, time.Now())
	case <-w.wake:
	case <-w.stop:
		s.poller.interrupt()
	case <-w.space:
	case <-s.failed:
		return nil, s.sendError()
	case err := <-s.flushed:
		s.flushEnded(err)
	case <-s.timer.C:
		s.armed = time.Time{}
		return nil, s.tick(ctx, time.Now())
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return nil, nil
}

// due is when tick must be called next.
func (s *Source) due() time.Time {
	due := s.nextCommit
	if s.txn != nil {
		due = s.txn.due()
	}
	if !s.nudge.IsZero() && s.nudge.Before(due) {
		due = s.nudge
	}
	if at := s.poller.notBefore; !at.IsZero() && !s.poller.polling && at.Before(due) {
		due = at
	}
	return due
}

// tick does what is due.
func (s *Source) tick(ctx context.Context, now time.Time) error {
	if !s.nudge.IsZero() && !now.Before(s.nudge) {
		s.nudge = time.Time{}
		if s.poller.commitWaits() {
			s.poller.interrupt()
		}
	}
	if s.txn != nil {
		return s.txn.tick(ctx, now)
	}
	if now.Before(s.nextCommit) {
		s.track.sweep(false)
		return nil
	}
	s.nextCommit = now.Add(s.cfg.CommitInterval)
	s.startCommit(ctx, now)
	return nil
}

// sendError is the error of a record that could not be written, as it fails the task.
func (s *Source) sendError() error {
	if e := s.sendErr.Load(); e != nil {
		return errs.Wrap(errs.ClassConnect, e, "Unrecoverable exception from producer send callback")
	}
	return nil
}

// finish ends the task in order: what was sent is waited for and committed.
func (s *Source) finish(ctx context.Context, failed bool) error {
	if s.txn != nil {
		if failed {
			s.txn.abort(ctx)
			return nil
		}
		return s.guard("ending the transaction", func() error { return s.txn.finalCommit(ctx, true) })
	}
	deadline := time.NewTimer(s.cfg.CommitTimeout)
	defer deadline.Stop()
	for waited := false; s.meter.inFlight() > 0 && !waited; {
		s.waiting.Store(true)
		if s.meter.inFlight() == 0 {
			break
		}
		select {
		case <-s.space:
		case <-deadline.C:
			waited = true
			s.log.Warn("Records are still unacknowledged, their offsets are not committed", "bytes", s.meter.inFlight())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	s.awaitFlush(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.finalCommit(ctx)
	return nil
}

// sourceContext is what the plugin sees of the task.
type sourceContext struct{ s *Source }

func (s *Source) context() connect.SourceContext { return sourceContext{s} }

// OffsetReader reads the connector's stored offsets.
func (c sourceContext) OffsetReader() connect.OffsetReader { return c.s.cfg.Offsets }

// Transaction is nil unless the task may define transactions.
func (c sourceContext) Transaction() connect.TransactionContext {
	if c.s.txn == nil || c.s.txn.asked == nil {
		return nil
	}
	return c.s.txn.asked
}

// Logger is the task's logger.
func (c sourceContext) Logger() *slog.Logger { return c.s.log }
