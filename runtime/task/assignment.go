package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

const classNoOffset = "org.apache.kafka.clients.consumer.NoOffsetForPartitionException"

// listTimeout bounds the look-up of where partitions begin.
const listTimeout = 10 * time.Second

// onOwner has the owner do something, between two batches, and waits for it. It does
// nothing once the task ends.
func (s *Sink) onOwner(do func(context.Context) error) {
	e := &event{do: do, done: make(chan struct{})}
	select {
	case s.events <- e:
		<-e.done
	case <-s.closed:
	}
}

func topicPartitions(m map[string][]int32) []connect.TopicPartition {
	var out []connect.TopicPartition
	for topic, partitions := range m {
		for _, p := range partitions {
			out = append(out, connect.TopicPartition{Topic: topic, Partition: p})
		}
	}
	slices.SortFunc(out, compareTopicPartitions)
	return out
}

func compareTopicPartitions(a, b connect.TopicPartition) int {
	if c := strings.Compare(a.Topic, b.Topic); c != 0 {
		return c
	}
	return int(a.Partition) - int(b.Partition)
}

// onAssigned is called by the consumer before it fetches the group's offsets.
func (s *Sink) onAssigned(_ context.Context, _ *kgo.Client, added map[string][]int32) {
	tps := topicPartitions(added)
	if len(tps) == 0 {
		return
	}
	s.onOwner(func(ctx context.Context) error {
		s.log.Debug("Partitions assigned", "partitions", tps)
		for _, tp := range tps {
			p := &partition{TopicPartition: tp, delivered: -1, committed: -1}
			s.parts[tp] = p
			s.reader.assign(p)
		}
		s.meter.partitions.Store(int64(len(s.parts)))
		s.ctx.assign(s.parts)
		return s.guard("opening partitions", func() error { return s.cfg.Task.Open(ctx, tps) })
	})
}

// onPositions is called by the consumer with the offsets that the group has
// committed; it returns where to read from. Offsets that the task has asked for in
// Open win.
func (s *Sink) onPositions(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	starts := s.resolve(ctx, offsets)
	s.onOwner(func(context.Context) error {
		seeks := s.ctx.takeSeeks(func(tp connect.TopicPartition) bool { _, ok := offsets[tp.Topic][tp.Partition]; return ok })
		var undefined []string
		for topic, partitions := range offsets {
			for n, o := range partitions {
				tp := connect.TopicPartition{Topic: topic, Partition: n}
				p := s.parts[tp]
				if p == nil {
					continue
				}
				p.placed = true
				at := o.EpochOffset().Offset
				if want, ok := seeks[tp]; ok {
					partitions[n] = o.At(want).WithEpoch(-1)
					at = want
				} else if at < 0 && o.At(0) == kgo.NoResetOffset().At(0) {
					undefined = append(undefined, fmt.Sprintf("%s-%d", topic, n))
				} else if start, ok := starts[tp]; ok {
					partitions[n] = o.At(start)
					at = start
				}
				p.delivered, p.committed = at, at
				if at < 0 {
					p.delivered, p.committed = -1, -1
				}
			}
		}
		if len(undefined) > 0 {
			slices.Sort(undefined)
			return errs.New(classNoOffset, "Undefined offset with no reset policy for partitions: ["+strings.Join(undefined, ", ")+"]").
				WithHint("set consumer.override.auto.offset.reset to earliest or latest, or the group's offsets by PATCH /connectors/{name}/offsets")
		}
		s.measure()
		return nil
	})
	return offsets, ctx.Err()
}

// resolve looks up the first and last offsets of partitions without a committed one,
// so that the task can be told of its positions and move them. What cannot be found
// out is left to the consumer.
func (s *Sink) resolve(ctx context.Context, offsets map[string]map[int32]kgo.Offset) map[connect.TopicPartition]int64 {
	var first, last []string
	for topic, partitions := range offsets {
		for _, o := range partitions {
			switch o.EpochOffset().Offset {
			case -2:
				first = append(first, topic)
			case -1:
				if o.At(0) != kgo.NoResetOffset().At(0) {
					last = append(last, topic)
				}
			}
		}
	}
	starts := map[connect.TopicPartition]int64{}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	admin := kadm.NewClient(s.client)
	list := func(at int64, topics []string, fn func(context.Context, ...string) (kadm.ListedOffsets, error)) {
		if len(topics) == 0 {
			return
		}
		slices.Sort(topics)
		listed, err := fn(ctx, slices.Compact(topics)...)
		if err != nil {
			s.log.Warn("Could not look up where partitions begin and end", "error", err)
		}
		listed.Each(func(l kadm.ListedOffset) {
			if o, ok := offsets[l.Topic][l.Partition]; ok && l.Err == nil && l.Offset >= 0 && o.EpochOffset().Offset == at {
				starts[connect.TopicPartition{Topic: l.Topic, Partition: l.Partition}] = l.Offset
			}
		})
	}
	list(-2, first, admin.ListStartOffsets)
	end := admin.ListEndOffsets
	if committedOnly(s.client) {
		end = admin.ListCommittedOffsets
	}
	list(-1, last, end)
	return starts
}

// committedOnly says whether a consumer has isolation.level=read_committed.
func committedOnly(c *kgo.Client) bool {
	level, ok := c.OptValue(kgo.FetchIsolationLevel).(kgo.IsolationLevel)
	return ok && level == kgo.ReadCommitted()
}

// onRevoked is called by the consumer before it gives partitions away: what was
// delivered is committed, and the task closes them.
func (s *Sink) onRevoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	if tps := topicPartitions(revoked); len(tps) > 0 {
		s.onOwner(func(ctx context.Context) error { return s.remove(ctx, tps, false) })
	}
}

// onLost is called by the consumer when the partitions are another member's already:
// nothing may be committed for them.
func (s *Sink) onLost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	if tps := topicPartitions(lost); len(tps) > 0 {
		s.onOwner(func(ctx context.Context) error { return s.remove(ctx, tps, true) })
	}
}

func (s *Sink) remove(ctx context.Context, tps []connect.TopicPartition, lost bool) error {
	var parts []*partition
	for _, tp := range tps {
		if p := s.parts[tp]; p != nil {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	s.log.Debug("Partitions removed", "partitions", tps, "lost", lost)
	s.awaitCommit(ctx)
	err := s.closePartitions(ctx, parts, lost)
	paused := map[string][]int32{}
	for _, p := range parts {
		if p.paused {
			paused[p.Topic] = append(paused[p.Topic], p.Partition)
		}
		p.stale, p.held = true, nil
		delete(s.parts, p.TopicPartition)
	}
	// The client remembers a pause beyond the assignment; Java's forgets it.
	s.client.ResumeFetchPartitions(paused)
	s.reader.unassign(parts)
	s.ctx.assign(s.parts)
	s.dropStale()
	s.meter.partitions.Store(int64(len(s.parts)))
	s.measure()
	return err
}

// closePartitions commits what was delivered, unless the partitions are lost, and has
// the task close them.
func (s *Sink) closePartitions(ctx context.Context, parts []*partition, lost bool) error {
	tps := make([]connect.TopicPartition, len(parts))
	for i, p := range parts {
		tps[i] = p.TopicPartition
	}
	closeTask := func() error {
		return s.guard("closing partitions", func() error { return s.cfg.Task.Close(ctx, tps) })
	}
	if lost {
		return closeTask()
	}
	commit, pre := s.prepareCommit(ctx, parts, true)
	if err := closeTask(); err != nil {
		return errors.Join(err, pre)
	}
	if pre != nil {
		return pre
	}
	if commit != nil {
		s.commitSync(ctx, commit)
	}
	return nil
}

// closeAll is the end of a task: its partitions are committed and closed.
func (s *Sink) closeAll(ctx context.Context) error {
	s.awaitCommit(ctx)
	if len(s.parts) == 0 {
		return nil
	}
	var parts []*partition
	for _, p := range s.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *partition) int { return compareTopicPartitions(a.TopicPartition, b.TopicPartition) })
	return s.closePartitions(ctx, parts, false)
}
