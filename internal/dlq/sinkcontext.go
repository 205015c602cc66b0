package dlq

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/moldau-io/moldau/connect"
)

// sinkContext is what a Sink offers its connector and task. There are no topics behind
// it: seeking and pausing mean nothing, since records come in batches that are waited for.
type sinkContext struct {
	log *slog.Logger

	mu       sync.Mutex
	assigned []connect.TopicPartition
	timeout  time.Duration
	errant   map[connect.TopicPartitionOffset]error
}

var (
	_ connect.SinkContext          = (*sinkContext)(nil)
	_ connect.ConnectorContext     = (*sinkContext)(nil)
	_ connect.ErrantRecordReporter = (*sinkContext)(nil)
)

func (c *sinkContext) assign(tps []connect.TopicPartition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.assigned = tps
}

// Assignment implements connect.SinkContext.
func (c *sinkContext) Assignment() []connect.TopicPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.assigned)
}

// Seek implements connect.SinkContext.
func (*sinkContext) Seek(map[connect.TopicPartition]int64) {}

// Timeout implements connect.SinkContext.
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

// Pause implements connect.SinkContext.
func (*sinkContext) Pause(...connect.TopicPartition) {}

// Resume implements connect.SinkContext.
func (*sinkContext) Resume(...connect.TopicPartition) {}

// RequestCommit implements connect.SinkContext.
func (*sinkContext) RequestCommit() {}

// ErrantRecords implements connect.SinkContext.
func (c *sinkContext) ErrantRecords() connect.ErrantRecordReporter { return c }

// Report implements connect.ErrantRecordReporter: the letter stays where it is.
func (c *sinkContext) Report(r *connect.Record, err error) <-chan error {
	at, ok := r.Origin.(connect.TopicPartitionOffset)
	if !ok {
		at = r.Original
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.errant == nil {
		c.errant = map[connect.TopicPartitionOffset]error{}
	}
	c.errant[at] = err
	done := make(chan error, 1)
	done <- nil
	return done
}

// takeErrant returns what was reported since it was last called.
func (c *sinkContext) takeErrant() map[connect.TopicPartitionOffset]error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.errant
	c.errant = nil
	return out
}

// RequestTaskReconfiguration implements connect.ConnectorContext.
func (*sinkContext) RequestTaskReconfiguration() {}

// RaiseError implements connect.ConnectorContext.
func (c *sinkContext) RaiseError(err error) { c.log.Error("the connector fails", "error", err) }

// OffsetReader implements connect.ConnectorContext.
func (*sinkContext) OffsetReader() connect.OffsetReader { return nil }

// Logger implements both.
func (c *sinkContext) Logger() *slog.Logger { return c.log }
