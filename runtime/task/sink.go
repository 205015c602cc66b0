package task

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

const (
	defaultPollRecords = 500
	defaultReadAhead   = 4 << 20
	defaultMetadataAge = 5 * time.Minute

	// redeliverMin and redeliverMax bound the wait before a batch is put again after a
	// retriable error, unless the task asked for a time. (Java waits until the next
	// commit of offsets is due.)
	redeliverMin = time.Second
	redeliverMax = 30 * time.Second
	// reportsCheck is how soon a commit is tried again that waits for dead letters.
	reportsCheck = 100 * time.Millisecond
	// leaveTimeout is how long leaving the group may take.
	leaveTimeout = 5 * time.Second
)

// Sink moves records from topics to a sink task: Java's WorkerSinkTask.
//
// The goroutine of Run owns all state and calls the plugin. A second goroutine, the
// reader, fetches and converts batches ahead of it. Rebalances happen between
// batches: the consumer's callbacks wait for the owner.
type Sink struct {
	lifecycle
	cfg    SinkConfig
	op     *operator
	dlq    *deadLetters // nil without a dead-letter topic
	errant *errantReporter
	client *kgo.Client
	reader *reader
	ctx    sinkContext

	events chan *event
	closed chan struct{} // the owner handles no more events

	parts map[connect.TopicPartition]*partition
	// batch is the one that is put again after a retriable error.
	batch     *sinkBatch
	again     time.Time
	attempts  int
	emptyAt   time.Time // when to call Put without records, if the task asked for it
	records   []*connect.Record
	holding   bool       // partitions may have records held back
	doubtful  []*reports // of delivered batches, not known to be durable
	reportErr atomic.Pointer[error]
	timer     *time.Timer
	armed     time.Time
	next      time.Time // commit
	commit    *sinkCommit
	committed chan *sinkCommit
	seq       int64
	failures  int
}

// partition is one assigned partition, from one assignment or seek to the next.
// Records of one that is stale are not delivered any more.
type partition struct {
	connect.TopicPartition
	stale  bool
	placed bool // the consumer knows where to read from
	paused bool // by the task
	// delivered is the offset after the last record that Put accepted or that was
	// dropped before it; committed is what the group has; both -1 if unknown.
	delivered, committed int64
	high                 int64 // the end of the partition, as of the last fetch
	held                 []segment
}

// event is something that the owner does for a callback of the consumer.
type event struct {
	do   func(context.Context) error
	done chan struct{}
}

// NewSink makes a sink task of cfg.
func NewSink(cfg SinkConfig) (*Sink, error) {
	if cfg.Task == nil || cfg.NewConsumer == nil || cfg.Listener == nil || cfg.Logger == nil {
		return nil, errs.New(errs.ClassIllegalArgument, "a sink needs a task, a consumer, a listener and a logger")
	}
	if len(cfg.Topics) == 0 && cfg.TopicsRegex == nil {
		return nil, errs.Config("Must configure one of topics or topics.regex")
	}
	if cfg.MaxPollRecords <= 0 {
		cfg.MaxPollRecords = defaultPollRecords
	}
	if cfg.ReadAhead <= 0 {
		cfg.ReadAhead = defaultReadAhead
	}
	if cfg.MetadataInterval <= 0 {
		cfg.MetadataInterval = defaultMetadataAge
	}
	cfg.setDefaults()
	s := &Sink{
		lifecycle: newLifecycle(cfg.Common), cfg: cfg, events: make(chan *event), closed: make(chan struct{}),
		parts: map[connect.TopicPartition]*partition{}, committed: make(chan *sinkCommit, 8),
	}
	s.op = newOperator(&s.lifecycle, cfg.Errors)
	s.ctx.s, s.ctx.wake = s, make(chan struct{}, 1)
	if cfg.DeadLetters != nil || cfg.Errors.Log {
		s.errant = &errantReporter{s: s}
	}
	s.reader = newReader(s)
	return s, nil
}

// Run runs the task.
func (s *Sink) Run(ctx context.Context) error {
	defer func() {
		closeQuietly(s.log, "header converter", s.cfg.Header.HeaderConverter)
		closeQuietly(s.log, "key converter", s.cfg.Key.Converter)
		closeQuietly(s.log, "value converter", s.cfg.Value.Converter)
		closeQuietly(s.log, "transformation chain", s.cfg.Chain)
	}()
	return s.run(ctx, s.work)
}

func (s *Sink) work(ctx context.Context) (err error) {
	if s.cfg.DeadLetters != nil {
		if s.dlq, err = newDeadLetters(ctx, &s.lifecycle, *s.cfg.DeadLetters); err != nil {
			return err
		}
		s.op.reporters = append(s.op.reporters, s.dlq)
		defer func() {
			flush, cancel := context.WithTimeout(ctx, s.cfg.CommitTimeout)
			defer cancel()
			s.dlq.close(flush)
		}()
	}
	if s.client, err = s.cfg.NewConsumer(s.consumerOptions()...); err != nil {
		return err
	}
	begun := false
	defer func() {
		close(s.closed)
		s.reader.end()
		if begun {
			s.stopTask(ctx)
		}
		s.leave(ctx)
		s.meter.partitions.Store(0)
	}()
	begun = true
	if err := s.guard("starting the task", func() error { return s.cfg.Task.Start(ctx, &s.ctx, s.cfg.Props) }); err != nil {
		return err
	}
	s.started()
	s.next = time.Now().Add(s.cfg.CommitInterval)
	s.timer = time.NewTimer(s.cfg.CommitInterval)
	s.armed = s.next
	defer s.timer.Stop()
	s.reader.start(ctx)
	err = s.guard("moving records", func() error { return s.loop(ctx) })
	if ctx.Err() != nil {
		s.awaitCommit(ctx)
		return context.Cause(ctx)
	}
	s.meter.setPhase(PhaseStopping)
	if end := s.guard("closing partitions", func() error { return s.closeAll(ctx) }); err == nil || errors.Is(err, errStopped) {
		err = end
	}
	return err
}

// consumerOptions make rebalances wait for the owner.
func (s *Sink) consumerOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(s.onAssigned),
		kgo.OnPartitionsRevoked(s.onRevoked),
		kgo.OnPartitionsLost(s.onLost),
		kgo.AdjustFetchOffsetsFn(s.onPositions),
	}
	if s.cfg.TopicsRegex == nil {
		opts = append(opts, kgo.ConsumeTopics(s.cfg.Topics...))
	}
	return opts
}

func (s *Sink) stopTask(ctx context.Context) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), abandonAfter)
		defer cancel()
	}
	if err := s.guard("stopping the task", func() error { return s.cfg.Task.Stop(ctx) }); err != nil {
		s.log.Warn("Could not stop task", "error", errs.Trace(err))
	}
}

// leave gives the partitions back at once, instead of when the session times out.
func (s *Sink) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := s.client.LeaveGroupContext(ctx); err != nil {
		s.log.Warn("Could not leave the consumer group in order", "error", err)
	}
	s.client.Close()
	// Close polls what is buffered, and a goroutine that leaves the group would wait for
	// the end of that poll for ever (franz-go 1.22.2).
	s.client.AllowRebalance()
}

// loop delivers batches until the task is to stop.
func (s *Sink) loop(ctx context.Context) error {
	isPaused := false
	for !s.isStopping() {
		if want := s.shouldPause(); want != isPaused {
			if isPaused = want; want {
				s.paused()
				s.next = time.Now()
			} else {
				s.resumed()
			}
		}
		if err := s.reportErr.Load(); err != nil {
			return *err
		}
		if err := s.tick(ctx, time.Now()); err != nil {
			return err
		}
		s.applyAsked()
		if s.batch == nil && !isPaused {
			b, err := s.nextBatch()
			if err != nil {
				return err
			}
			if b != nil {
				if err := s.deliver(ctx, b); err != nil {
					return err
				}
				// Whatever else is ready goes first, so that a full queue starves nobody.
				if err := s.wait(ctx, true); err != nil {
					return err
				}
				continue
			}
		}
		if err := s.wait(ctx, false); err != nil {
			return err
		}
	}
	return nil
}

// nextBatch returns what a resumed partition has waiting, or the next batch that was
// read.
func (s *Sink) nextBatch() (*sinkBatch, error) {
	if s.holding {
		s.holding = false
		for _, p := range s.parts {
			if len(p.held) == 0 {
				continue
			}
			s.holding = true
			if !p.paused {
				b := &sinkBatch{segments: p.held}
				p.held = nil
				return b, nil
			}
		}
	}
	b := s.reader.take()
	if b != nil && b.err != nil {
		return nil, b.err
	}
	return b, nil
}

// wait handles one event, or returns at once when there is none and it must not block.
func (s *Sink) wait(ctx context.Context, poll bool) error {
	due := s.next
	for _, t := range []time.Time{s.again, s.emptyAt} {
		if !t.IsZero() && t.Before(due) {
			due = t
		}
	}
	if c := s.commit; c != nil {
		if t := c.began.Add(s.cfg.CommitTimeout); t.Before(due) {
			due = t
		}
	}
	if poll {
		select {
		case e := <-s.events:
			return s.handle(ctx, e)
		case c := <-s.committed:
			s.commitEnded(c)
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		return nil
	}
	if !due.Equal(s.armed) {
		s.timer.Reset(time.Until(due))
		s.armed = due
	}
	ready := s.reader.ready
	if s.batch != nil || s.shouldPause() {
		ready = nil
	}
	select {
	case e := <-s.events:
		return s.handle(ctx, e)
	case c := <-s.committed:
		s.commitEnded(c)
	case <-ready:
	case <-s.ctx.wake:
	case <-s.wake:
	case <-s.stopped:
	case <-s.timer.C:
		s.armed = time.Time{}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// handle does what a callback of the consumer waits for.
func (s *Sink) handle(ctx context.Context, e *event) error {
	defer close(e.done)
	return e.do(ctx)
}

// tick does what is due: a commit, another try of a batch, a Put without records.
func (s *Sink) tick(ctx context.Context, now time.Time) error {
	if c := s.commit; c != nil && !now.Before(c.began.Add(s.cfg.CommitTimeout)) {
		s.log.Warn("Commit of offsets timed out")
		s.failures++
		s.commit = nil
		c.cancel()
		s.meter.committed(c.began, false)
	}
	idle := false
	if s.commit == nil && (s.ctx.takeCommitRequest() || !now.Before(s.next)) {
		idle = !now.Before(s.next)
		s.next = now.Add(s.cfg.CommitInterval)
		if err := s.startCommit(ctx, now); err != nil {
			return err
		}
	} else if !now.Before(s.next) {
		s.next = now.Add(s.cfg.CommitInterval)
	}
	if s.batch != nil {
		if now.Before(s.again) {
			return nil
		}
		b := s.batch
		s.batch, s.again = nil, time.Time{}
		return s.deliver(ctx, b)
	}
	if idle || !s.emptyAt.IsZero() && !now.Before(s.emptyAt) {
		// Tasks that flush by time expect to be called now and then.
		return s.deliver(ctx, &sinkBatch{})
	}
	return nil
}
