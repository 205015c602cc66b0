package task

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect"
)

// sinkContext is what the plugin sees of the task (WorkerSinkTaskContext). What it
// asks for takes effect between two batches; it may ask from any goroutine.
type sinkContext struct {
	s    *Sink
	wake chan struct{}

	mu      sync.Mutex
	seeks   map[connect.TopicPartition]int64
	pauses  map[connect.TopicPartition]bool // true to pause, false to resume; not yet done
	timeout time.Duration
	commit  bool

	assigned []connect.TopicPartition
}

var _ connect.SinkContext = (*sinkContext)(nil)

// Assignment returns the partitions that the task has now.
func (c *sinkContext) Assignment() []connect.TopicPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.assigned)
}

func (c *sinkContext) assign(parts map[connect.TopicPartition]*partition) {
	tps := slices.SortedFunc(maps.Keys(parts), compareTopicPartitions)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.assigned = tps
}

// Seek sets the offsets to read from next.
func (c *sinkContext) Seek(offsets map[connect.TopicPartition]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seeks == nil {
		c.seeks = map[connect.TopicPartition]int64{}
	}
	maps.Copy(c.seeks, offsets)
	notify(c.wake)
}

// takeSeeks returns, and forgets, the seeks in the partitions that are wanted.
func (c *sinkContext) takeSeeks(want func(connect.TopicPartition) bool) map[connect.TopicPartition]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[connect.TopicPartition]int64{}
	for tp, offset := range c.seeks {
		if want(tp) {
			out[tp] = offset
			delete(c.seeks, tp)
		}
	}
	return out
}

// Timeout sets how long to wait before the next Put.
func (c *sinkContext) Timeout(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timeout = d
}

func (c *sinkContext) takeTimeout() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.timeout
	c.timeout = 0
	return d
}

// Pause stops the delivery of partitions.
func (c *sinkContext) Pause(partitions ...connect.TopicPartition) { c.setPaused(partitions, true) }

// Resume goes on with the delivery of partitions.
func (c *sinkContext) Resume(partitions ...connect.TopicPartition) { c.setPaused(partitions, false) }

func (c *sinkContext) setPaused(partitions []connect.TopicPartition, paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pauses == nil {
		c.pauses = map[connect.TopicPartition]bool{}
	}
	for _, tp := range partitions {
		c.pauses[tp] = paused
	}
	notify(c.wake)
}

func (c *sinkContext) takePauses() map[connect.TopicPartition]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.pauses
	c.pauses = nil
	return out
}

// RequestCommit asks for a commit soon.
func (c *sinkContext) RequestCommit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commit = true
	notify(c.wake)
}

func (c *sinkContext) takeCommitRequest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.commit
	c.commit = false
	return asked
}

// ErrantRecords reports single bad records; nil where nobody would hear of them.
func (c *sinkContext) ErrantRecords() connect.ErrantRecordReporter {
	if c.s.errant == nil {
		return nil
	}
	return c.s.errant
}

// Logger is the task's logger.
func (c *sinkContext) Logger() *slog.Logger { return c.s.log }

// applyAsked does what the plugin asked for since the last call.
func (s *Sink) applyAsked() {
	changed := map[bool]map[string][]int32{true: {}, false: {}}
	for tp, paused := range s.ctx.takePauses() {
		p := s.parts[tp]
		if p == nil {
			s.log.Warn("SinkTasks may not pause or resume partitions that are not currently assigned to them", "partition", tp)
			continue
		}
		if p.paused != paused {
			p.paused = paused
			changed[paused][tp.Topic] = append(changed[paused][tp.Topic], tp.Partition)
		}
	}
	if len(changed[true]) > 0 {
		s.client.PauseFetchPartitions(changed[true])
	}
	if len(changed[false]) > 0 {
		s.client.ResumeFetchPartitions(changed[false])
	}
	for tp, offset := range s.ctx.takeSeeks(func(tp connect.TopicPartition) bool { p := s.parts[tp]; return p == nil || p.placed }) {
		if p := s.parts[tp]; p != nil {
			s.seekPartition(p, offset)
		} else {
			s.log.Warn("Ignoring a seek in a partition that is not assigned", "partition", tp, "offset", offset)
		}
	}
}

// seekPartition has a partition read from another offset. All that was read of it and
// not delivered is dropped.
func (s *Sink) seekPartition(p *partition, offset int64) {
	s.log.Debug("Seeking", "partition", p.TopicPartition, "offset", offset)
	fresh := &partition{TopicPartition: p.TopicPartition, placed: true, paused: p.paused, delivered: offset, committed: offset, high: p.high}
	p.stale, p.held = true, nil
	s.parts[p.TopicPartition] = fresh
	s.reader.seek(p, fresh, offset)
	s.dropStale()
}
