package task

import (
	"context"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/broken"
)

// segment is what a batch has of one partition, in order.
type segment struct {
	part    *partition
	records []*connect.Record
	// next is the offset after the last record that was read, be it in records or
	// dropped.
	next int64
	high int64 // the end of the partition when this was read
}

// sinkBatch is what one fetch gave, converted and transformed.
type sinkBatch struct {
	segments []segment
	bytes    int64
	reports  *reports // of records that failed and were tolerated; nil without
	err      error    // what ends the task in place of the batch
}

// deliver hands a batch to the task. A retriable error keeps it for another try.
func (s *Sink) deliver(ctx context.Context, b *sinkBatch) error {
	records := s.records[:0]
	keep := b.segments[:0]
	for _, g := range b.segments {
		switch {
		case g.part.stale:
			continue // it is somebody else's, or is read again from elsewhere
		case (g.part.paused || len(g.part.held) > 0) && s.attempts == 0:
			g.part.held = append(g.part.held, g)
			s.holding = true
			continue
		}
		keep = append(keep, g)
		records = append(records, g.records...)
	}
	clear(b.segments[len(keep):])
	b.segments = keep
	s.records = records
	s.emptyAt = time.Time{}
	if broken.Invariant(4) {
		s.accepted(&sinkBatch{segments: b.segments}, 0)
	}
	began := time.Now()
	s.meter.workBegins(began)
	err := s.guard("putting records", func() error { return s.cfg.Task.Put(ctx, records) })
	now := time.Now()
	s.meter.workEnds(began, now, err == nil)
	if err == nil && s.errant != nil {
		err = s.errant.failure()
	}
	timeout := s.ctx.takeTimeout()
	switch {
	case err == nil:
		s.accepted(b, len(records))
		if timeout > 0 {
			s.emptyAt = now.Add(timeout)
		}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errs.IsRetriable(err):
		s.log.Error("RetriableException from SinkTask:", "error", errs.Trace(err), "records", len(records))
		s.meter.retries.Add(1)
		if timeout <= 0 {
			timeout = min(redeliverMin<<min(s.attempts, 10), redeliverMax)
		}
		s.attempts++
		s.batch, s.again = b, now.Add(timeout)
	default:
		text, ok := errs.Message(err)
		if !ok {
			text = "null"
		}
		s.log.Error("Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until manually restarted. Error: "+text, "error", errs.Trace(err, s.frames(err)...))
		return errs.Wrap(errs.ClassConnect, err, "Exiting WorkerSinkTask due to unrecoverable exception.")
	}
	clear(s.records)
	return nil
}

// accepted moves the offsets past a batch that Put has accepted (invariant I4).
func (s *Sink) accepted(b *sinkBatch, n int) {
	s.attempts = 0
	for _, g := range b.segments {
		g.part.delivered, g.part.high = g.next, g.high
	}
	if b.reports != nil {
		s.doubtful = append(s.doubtful, b.reports)
	}
	if n > 0 {
		s.meter.batch(n)
		s.meter.written.Add(int64(n))
	}
	s.measure()
}

// measure works out how many records are not committed and not read yet.
func (s *Sink) measure() {
	var active, lag int64
	for _, p := range s.parts {
		if p.delivered >= 0 {
			if p.committed >= 0 {
				active += max(0, p.delivered-p.committed)
			}
			if p.high > 0 {
				lag += max(0, p.high-p.delivered)
			}
		}
	}
	s.meter.lag.Store(lag)
	s.meter.active.Store(active)
	s.meter.addActive(0)
}

// dropStale takes records of partitions that are gone out of the batch that is to be
// put again.
func (s *Sink) dropStale() {
	if s.batch == nil {
		return
	}
	for _, g := range s.batch.segments {
		if !g.part.stale {
			return
		}
	}
	// Nothing is left of it.
	s.batch, s.again, s.attempts = nil, time.Time{}, 0
}
