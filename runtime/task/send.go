package task

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/kafka"
)

const (
	producerOverride = "producer.override."
	// touchTimeout bounds the look-up of a topic that nothing is written to.
	touchTimeout = 5 * time.Second
)

// send transforms, converts and produces what one Poll returned, also when that was
// nothing: an exactly-once task may end its transaction then.
func (s *Source) send(ctx context.Context, records []*connect.Record) error {
	if len(records) > 0 {
		s.meter.read.Add(int64(len(records)))
		s.meter.addActive(int64(len(records)))
		s.meter.batch(len(records))
		s.used = ""
	}
	for len(records) > 0 {
		n := min(len(records), arenaRecords)
		if err := s.sendSome(ctx, records[:n]); err != nil {
			return err
		}
		records = records[n:]
		if len(records) > 0 {
			if err := s.tick(ctx, time.Now()); err != nil {
				return err
			}
		}
	}
	if s.txn != nil {
		return s.txn.batchSent(ctx)
	}
	s.track.sweep(false)
	return nil
}

func (s *Source) sendSome(ctx context.Context, records []*connect.Record) error {
	a := s.arenas.get(len(records))
	now := time.Now()
	for i, r := range records {
		if s.sendErr.Load() != nil {
			return s.sendError()
		}
		e := &a.entries[i]
		e.arena = a
		if s.txn == nil {
			s.track.open(e, r)
		} else {
			e.src = r
		}
		out, ok, err := s.transform(ctx, e)
		if ok {
			ok, err = s.encode(ctx, e, out, now)
		}
		if err != nil {
			return err
		}
		if !ok {
			if err := s.drop(ctx, e); err != nil {
				return err
			}
			continue
		}
		if err := s.produce(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// drop closes a record that was filtered, or skipped because it failed.
func (s *Source) drop(ctx context.Context, e *entry) error {
	if s.txn != nil {
		return s.txn.dropped(ctx, e)
	}
	s.tellRecord(e.src, nil)
	s.track.close(e, entryDropped)
	return nil
}

// produce hands a record to the producer, when there is room for it.
func (s *Source) produce(ctx context.Context, e *entry) error {
	if s.txn != nil {
		if err := s.txn.beforeSend(e); err != nil {
			return err
		}
		s.txn.expect(e)
	}
	refused, err := s.ensureTopic(ctx, e.rec.Topic)
	if err != nil {
		return err
	}
	n := recordSize(&e.rec)
	e.size = int64(n)
	if refused == nil {
		if refused = checkSize(&e.rec, n, s.cfg.MaxRequestSize, s.cfg.BufferMemory, producerOverride); refused != nil {
			s.touchTopic(ctx, e.rec.Topic)
		}
	}
	if refused == nil {
		if err := s.awaitSpace(ctx, e.size); err != nil {
			return err
		}
	}
	s.meter.sent.Store(s.meter.sent.Load() + e.size)
	if refused != nil {
		s.promise(&e.rec, refused)
	} else {
		s.producer.Produce(ctx, &e.rec, s.promise)
	}
	if s.txn != nil {
		return s.txn.sent(ctx, e)
	}
	return nil
}

// awaitSpace waits until n more bytes may be in flight.
func (s *Source) awaitSpace(ctx context.Context, n int64) error {
	if s.meter.sent.Load()-s.settled+n <= s.limit {
		return nil
	}
	for {
		s.settled = s.meter.settled.Load()
		if used := s.meter.inFlight(); used == 0 || used+n <= s.limit {
			return nil
		}
		s.waiting.Store(true)
		if used := s.meter.inFlight(); used == 0 || used+n <= s.limit {
			return nil
		}
		if _, err := s.step(ctx, waitFor{space: s.space}); err != nil {
			return err
		}
		s.track.sweep(false)
	}
}

// release gives back the space of a record.
func (s *Source) release(n int64) {
	settled := s.meter.settled.Add(n)
	if s.waiting.Load() && s.meter.sent.Load()-settled <= s.limit/2 && s.waiting.Swap(false) {
		notify(s.space)
	}
}

// produced is the promise of a record: it closes the tracker's entry, and nothing of
// the record may be touched after that.
func (s *Source) produced(rec *kgo.Record, err error) {
	e := rec.Context.(*entry)
	size := e.size
	switch {
	case err == nil:
		s.meter.written.Add(1)
		s.meter.bytesWritten.Add(int64(len(rec.Key) + len(rec.Value)))
		if s.committer != nil {
			s.tellRecord(e.src, metadata(rec))
		}
		s.track.close(e, entryAcked)
	case errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, context.Canceled):
		// The task has ended; the record stays unacknowledged.
	default:
		s.unsent(e, rec, err)
	}
	s.release(size)
}

func metadata(rec *kgo.Record) *connect.RecordMetadata {
	return &connect.RecordMetadata{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp.UnixMilli()}
}

// unsent decides about a record that the producer gave up: skipped when failures are
// tolerated, else its entry stays open, so that its offset is never committed, and
// the task fails (WorkerSourceTask.producerSendFailed).
func (s *Source) unsent(e *entry, rec *kgo.Record, err error) {
	cause := s.logUnsent(rec, err)
	if !s.cfg.Errors.TolerateAll {
		s.sendErr.CompareAndSwap(nil, cause)
		notify(s.failed)
		return
	}
	f := &failure{stage: stageProduce, class: classSourceTask, err: cause, source: e.src}
	if err := s.op.fail(f, ignoreReport); err != nil {
		s.sendErr.CompareAndSwap(nil, cause)
		notify(s.failed)
		return
	}
	s.tellRecord(e.src, nil)
	e.arena.taint()
	s.track.close(e, entryAcked)
}

func (s *Source) logUnsent(rec *kgo.Record, err error) *errs.Error {
	var cause *errs.Error
	if !errors.As(err, &cause) {
		cause = produceError(err, rec)
	}
	s.log.Error("failed to send record to "+rec.Topic, "error", errs.Trace(cause))
	return cause
}

// tellRecord tells the task of one record, if it wants to hear.
func (s *Source) tellRecord(r *connect.Record, meta *connect.RecordMetadata) {
	if s.committer == nil {
		return
	}
	if err := s.guard("committing a record", func() error { return s.committer.CommitRecord(r, meta) }); err != nil {
		s.log.Error("Exception thrown while calling task.commitRecord()", "error", errs.Trace(err))
	}
}

// collected is called by the tracker for each record that is done with.
func (s *Source) collected(e *entry) {
	s.meter.addActive(-1)
	if s.cfg.TopicUsed != nil && e.rec.Topic != s.used && e.state.Load() == entryAcked {
		s.used = e.rec.Topic
		s.cfg.TopicUsed(s.used)
	}
	s.arenas.collected(e.arena)
}

// ensureTopic creates the topic by topic.creation.* rules before its first use. A
// topic whose name cannot be is refused like a record that cannot be sent.
func (s *Source) ensureTopic(ctx context.Context, topic string) (refused, err error) {
	if topic == s.known {
		return nil, nil
	}
	if !s.topics[topic] {
		if refused := checkTopic(topic); refused != nil {
			return refused, nil
		}
		if len(s.cfg.TopicRules) > 0 && s.cfg.Admin != nil {
			if err := s.createTopic(ctx, topic); err != nil {
				return nil, err
			}
		}
		s.topics[topic] = true
	}
	s.known = topic
	return nil, nil
}

// touchTopic asks the broker for a topic, which may create it, as Java's producer has
// done by the time that it refuses a record for its size.
func (s *Source) touchTopic(ctx context.Context, topic string) {
	if len(s.cfg.TopicRules) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = true
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	if _, err := req.RequestWith(ctx, s.producer); err != nil {
		s.log.Debug("Asking for a topic", "topic", topic, "error", err)
	}
}

func (s *Source) createTopic(ctx context.Context, topic string) error {
	s.log.Info("The task will send records to topic '" + topic + "' for the first time. Checking whether topic exists")
	for {
		err := s.tryCreateTopic(ctx, topic)
		if err == nil || !errs.IsRetriable(err) {
			return err
		}
		s.log.Warn("Failed to send record to topic '"+topic+"'. Backing off before retrying", "error", errs.Trace(err))
		if err := s.sleep(ctx, sendBackoff); err != nil {
			return err
		}
	}
}

func (s *Source) tryCreateTopic(ctx context.Context, topic string) error {
	_, exists, err := s.cfg.Admin.DescribeTopic(ctx, topic)
	if err != nil {
		return javaError(err)
	}
	if exists {
		s.log.Info("Topic '" + topic + "' already exists.")
		return nil
	}
	rule, err := s.ruleFor(topic)
	if err != nil || rule == nil {
		return err
	}
	t := rule.Topic
	t.Name = topic
	result, err := s.cfg.Admin.CreateTopic(ctx, t)
	switch {
	case err != nil:
		return err
	case result == kafka.TopicUnknown:
		return errs.Connect("Task failed to create new topic " + t.String() + ". Ensure that the task is authorized to create topics or that the topic exists and restart the task")
	case result == kafka.TopicCreated:
		s.log.Info("Created topic '" + t.String() + "' using creation group " + rule.Group)
	default:
		s.log.Info("Found existing topic '" + t.String() + "'")
	}
	return nil
}

func (s *Source) ruleFor(topic string) (*TopicRule, error) {
	for i := range s.cfg.TopicRules {
		r := &s.cfg.TopicRules[i]
		if ok, err := r.matches(topic); err != nil {
			return nil, errs.Wrap(errs.ClassConnect, err, "Could not match topic '"+topic+"' with topic creation group "+r.Group)
		} else if ok {
			return r, nil
		}
	}
	return nil, nil
}

// matches follows TopicCreationGroup.matches.
func (r *TopicRule) matches(topic string) (bool, error) {
	for _, m := range r.Exclude {
		if ok, err := m.Matches(topic); ok || err != nil {
			return false, err
		}
	}
	for _, m := range r.Include {
		if ok, err := m.Matches(topic); ok || err != nil {
			return ok, err
		}
	}
	return len(r.Include) == 0, nil
}
