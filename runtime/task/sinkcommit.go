package task

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// sinkCommit is one commit of offsets.
type sinkCommit struct {
	seq     int64
	began   time.Time
	offsets map[*partition]int64
	cancel  context.CancelFunc
	done    chan struct{}
	err     error
}

// startCommit commits what the task says is durable, without waiting.
func (s *Sink) startCommit(ctx context.Context, now time.Time) error {
	if len(s.parts) == 0 {
		return nil
	}
	if pending, err := s.reportsPending(); err != nil {
		return err
	} else if pending {
		s.next = now.Add(reportsCheck)
		return nil
	}
	parts := make([]*partition, 0, len(s.parts))
	for _, p := range s.parts {
		parts = append(parts, p)
	}
	c, err := s.prepareCommit(ctx, parts, false)
	if c == nil || err != nil {
		return err
	}
	cctx, cancel := context.WithTimeout(ctx, s.cfg.CommitTimeout)
	c.cancel, c.done = cancel, make(chan struct{})
	s.commit = c
	go func() {
		defer cancel()
		s.client.CommitOffsets(cctx, c.request(), func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			c.err = commitError(resp, err)
			close(c.done)
		})
		<-c.done
		s.committed <- c
	}()
	return nil
}

// prepareCommit asks the task what may be committed, and checks its answer: nothing
// past what Put has accepted (invariant I4), and only what is assigned. It returns nil
// when there is nothing to commit. An error ends the task.
func (s *Sink) prepareCommit(ctx context.Context, parts []*partition, closing bool) (*sinkCommit, error) {
	now := time.Now()
	if closing {
		if err := s.awaitReports(ctx); err != nil {
			s.log.Warn("Offsets are not committed, since dead letters are not durable", "error", err)
			return nil, nil //nolint:nilerr // the records are read again
		}
	}
	offered := map[connect.TopicPartition]int64{}
	last := map[*partition]int64{}
	for _, p := range parts {
		if p.delivered >= 0 {
			offered[p.TopicPartition] = p.delivered
			last[p] = p.committed
		}
	}
	if len(offered) == 0 {
		return nil, nil
	}
	s.seq++
	s.meter.commitSeq.Store(s.seq)
	var provided map[connect.TopicPartition]int64
	err := s.guard("asking for offsets to commit", func() (err error) {
		provided, err = s.cfg.Task.PreCommit(ctx, maps.Clone(offered))
		return err
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		s.failures++
		s.meter.committed(now, false)
		if closing {
			s.log.Warn("Offset commit failed during close", "error", errs.Trace(err))
			return nil, nil
		}
		s.log.Error("Offset commit failed, rewinding to last committed offsets", "error", errs.Trace(err))
		for p, offset := range last {
			if offset >= 0 {
				s.seekPartition(p, offset)
			}
		}
		return nil, nil
	case len(provided) == 0:
		s.log.Debug("Skipping offset commit, task opted-out by returning no offsets from preCommit")
		s.commitDone(now)
		return nil, nil
	}
	c := &sinkCommit{seq: s.seq, began: now, offsets: s.clamp(offered, provided)}
	changed := false
	for p, offset := range c.offsets {
		changed = changed || offset != last[p]
	}
	if !changed {
		s.log.Debug("Skipping offset commit, no change since last commit")
		s.commitDone(now)
		return nil, nil
	}
	return c, nil
}

// clamp returns what of the task's answer can be committed.
func (s *Sink) clamp(offered, provided map[connect.TopicPartition]int64) map[*partition]int64 {
	out := map[*partition]int64{}
	for tp, offset := range provided {
		most, asked := offered[tp]
		p := s.parts[tp]
		switch {
		case p == nil:
			s.log.Warn("Ignoring invalid task provided offset -- partition not assigned", "partition", tp, "offset", offset)
		case !asked:
			s.log.Debug("Ignoring task provided offset -- partition not requested", "partition", tp, "offset", offset)
		case offset > most || offset < 0:
			s.log.Warn("Ignoring invalid task provided offset -- not yet consumed", "partition", tp, "taskOffset", offset, "currentOffset", most)
		default:
			out[p] = offset
		}
	}
	return out
}

func (c *sinkCommit) request() map[string]map[int32]kgo.EpochOffset {
	out := map[string]map[int32]kgo.EpochOffset{}
	for p, offset := range c.offsets {
		if out[p.Topic] == nil {
			out[p.Topic] = map[int32]kgo.EpochOffset{}
		}
		out[p.Topic][p.Partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	return out
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// commitSync commits and waits: when partitions are given away or the task ends.
func (s *Sink) commitSync(ctx context.Context, c *sinkCommit) {
	cctx, cancel := context.WithTimeout(ctx, s.cfg.CommitTimeout)
	defer cancel()
	s.client.CommitOffsetsSync(cctx, c.request(), func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		c.err = commitError(resp, err)
	})
	s.commit = c
	s.commitEnded(c)
}

// awaitCommit waits for the commit that is under way, so that it cannot overtake a
// later one.
func (s *Sink) awaitCommit(ctx context.Context) {
	for s.commit != nil {
		select {
		case c := <-s.committed:
			s.commitEnded(c)
		case <-ctx.Done():
			s.commit.cancel()
			s.commit = nil
		}
	}
}

// commitEnded takes note of the end of a commit.
func (s *Sink) commitEnded(c *sinkCommit) {
	if s.commit != c {
		s.log.Debug("Received out of order commit callback", "sequence", c.seq, "latest", s.seq)
		s.meter.commitSkip.Add(1)
		return
	}
	s.commit = nil
	if c.err != nil {
		s.failures++
		s.meter.committed(c.began, false)
		s.log.Error("Commit of offsets threw an unexpected exception", "sequence", c.seq, "error", errs.String(javaError(c.err)))
		return
	}
	for p, offset := range c.offsets {
		p.committed = offset
	}
	s.commitDone(c.began)
	s.measure()
}

func (s *Sink) commitDone(began time.Time) {
	s.failures = 0
	s.meter.committed(began, true)
}

// reportsPending says whether records that were skipped still have to be written to
// the dead-letter topic (invariant I3); an error says that one never will be.
func (s *Sink) reportsPending() (bool, error) {
	s.gatherReports()
	keep := s.doubtful[:0]
	for _, r := range s.doubtful {
		pending, err := r.state()
		if err != nil {
			return false, err
		}
		if pending {
			keep = append(keep, r)
		}
	}
	clear(s.doubtful[len(keep):])
	s.doubtful = keep
	return len(keep) > 0, nil
}

// gatherReports adds what the task itself has reported.
func (s *Sink) gatherReports() {
	if s.errant != nil {
		if r := s.errant.take(); r != nil {
			s.doubtful = append(s.doubtful, r)
		}
	}
}

// awaitReports waits for them, as long as a commit may take.
func (s *Sink) awaitReports(ctx context.Context) error {
	s.gatherReports()
	if len(s.doubtful) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.CommitTimeout, errors.New("dead letters were not acknowledged in time"))
	defer cancel()
	for _, r := range s.doubtful {
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	s.doubtful = nil
	return nil
}
