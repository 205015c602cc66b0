package task

import (
	"context"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/broken"
)

// commitGrace is how long a Poll may keep Commit waiting before it is asked to
// return.
const commitGrace = time.Second

// startCommit begins to write the offsets that may be committed. It does not wait:
// records go on to flow.
func (s *Source) startCommit(ctx context.Context, now time.Time) {
	if s.committing {
		s.log.Warn("The last commit of offsets is still under way")
		return
	}
	s.track.sweep(true)
	s.flushing = s.track.take(now, false)
	if len(s.flushing) == 0 {
		s.meter.committed(now, true)
		s.tellCommitted(now)
		return
	}
	s.committing, s.flushBegan = true, now
	if broken.Invariant(1) {
		s.tellCommitted(now)
	}
	offsets := partitionOffsets(s.flushing)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.CommitTimeout)
		defer cancel()
		s.flushed <- s.guard("writing offsets", func() error { return s.cfg.Offsets.Set(ctx, offsets) })
	}()
}

// flushEnded takes note of the end of a commit. The task hears of it only when the
// offsets are durable (invariant I1); else they are written next time, unless there
// are newer ones by then.
func (s *Source) flushEnded(err error) {
	s.committing = false
	if err != nil {
		s.log.Error("Failed to flush offsets to storage", "error", errs.Trace(err))
		s.track.restore(s.flushing)
		s.flushing = nil
		s.meter.committed(s.flushBegan, false)
		return
	}
	s.flushing = nil
	s.meter.committed(s.flushBegan, true)
	s.tellCommitted(time.Now())
}

func (s *Source) tellCommitted(now time.Time) {
	s.poller.committed()
	s.nudge = now.Add(commitGrace)
}

// awaitFlush waits for a commit that is under way; its own timeout bounds it.
func (s *Source) awaitFlush(ctx context.Context) {
	if !s.committing {
		return
	}
	err := <-s.flushed
	if ctx.Err() == nil {
		s.flushEnded(err)
	}
}

// finalCommit writes what was acknowledged when the task ends. A failure is logged:
// the records come again.
func (s *Source) finalCommit(ctx context.Context) {
	s.track.sweep(true)
	s.flushing = s.track.take(time.Now(), true)
	s.flushBegan = time.Now()
	var err error
	if len(s.flushing) > 0 {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.CommitTimeout)
		defer cancel()
		offsets := partitionOffsets(s.flushing)
		err = s.guard("writing offsets", func() error { return s.cfg.Offsets.Set(ctx, offsets) })
	}
	s.flushEnded(err)
}
