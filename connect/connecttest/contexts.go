package connecttest

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// Offsets stores source offsets in memory. It is safe for concurrent use.
type Offsets struct {
	mu      sync.Mutex
	entries []connect.PartitionOffset
}

// Put stores the offset of a partition; nil removes it.
func (o *Offsets) Put(partition, offset *schema.MapValue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.entries {
		if o.entries[i].Partition.Equal(partition) {
			o.entries[i].Offset = offset
			return
		}
	}
	o.entries = append(o.entries, connect.PartitionOffset{Partition: partition, Offset: offset})
}

// Commit stores the offset of a record.
func (o *Offsets) Commit(r *connect.Record) {
	if r.SourcePartition != nil {
		o.Put(r.SourcePartition, r.SourceOffset)
	}
}

// All returns what is stored.
func (o *Offsets) All() []connect.PartitionOffset {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]connect.PartitionOffset(nil), o.entries...)
}

// Offsets implements connect.OffsetReader.
func (o *Offsets) Offsets(ctx context.Context, partitions []*schema.MapValue) ([]*schema.MapValue, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]*schema.MapValue, len(partitions))
	for i, p := range partitions {
		for _, e := range o.entries {
			if e.Partition.Equal(p) {
				out[i] = e.Offset
			}
		}
	}
	return out, nil
}

// Log gathers what is logged, for tests that look for it. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// String returns all that was logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Logger returns a logger that writes to l, debug messages included.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// NewLog returns a log whose contents are shown if the test fails.
func NewLog(t testing.TB) *Log {
	t.Helper()
	l := &Log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", l.String())
		}
	})
	return l
}

// ConnectorContext stands in for the runtime beside a connector.
type ConnectorContext struct {
	Store *Offsets // nil for a sink
	Log   *slog.Logger

	mu           sync.Mutex
	reconfigured int
	raised       []error
}

// RequestTaskReconfiguration counts the requests.
func (c *ConnectorContext) RequestTaskReconfiguration() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reconfigured++
}

// RaiseError keeps the error.
func (c *ConnectorContext) RaiseError(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raised = append(c.raised, err)
}

// Reconfigurations returns how often the connector asked for new tasks.
func (c *ConnectorContext) Reconfigurations() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reconfigured
}

// Raised returns the errors that the connector raised.
func (c *ConnectorContext) Raised() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]error(nil), c.raised...)
}

// OffsetReader reads the store.
func (c *ConnectorContext) OffsetReader() connect.OffsetReader {
	if c.Store == nil {
		return nil
	}
	return c.Store
}

// Logger returns the logger.
func (c *ConnectorContext) Logger() *slog.Logger { return logger(c.Log) }

// SourceContext stands in for the runtime beside a source task.
type SourceContext struct {
	Store *Offsets
	Log   *slog.Logger
	Tx    connect.TransactionContext
}

// NewSourceContext returns a context with an empty store.
func NewSourceContext(t testing.TB) *SourceContext {
	t.Helper()
	return &SourceContext{Store: &Offsets{}, Log: NewLog(t).Logger()}
}

// OffsetReader reads the store.
func (c *SourceContext) OffsetReader() connect.OffsetReader { return c.Store }

// Transaction returns Tx.
func (c *SourceContext) Transaction() connect.TransactionContext { return c.Tx }

// Logger returns the logger.
func (c *SourceContext) Logger() *slog.Logger { return logger(c.Log) }

// SinkContext stands in for the runtime beside a sink task. Set its fields before
// the task starts.
type SinkContext struct {
	Log    *slog.Logger
	Errant *Errant // nil for none

	mu         sync.Mutex
	assignment []connect.TopicPartition
	paused     map[connect.TopicPartition]bool
	sought     map[connect.TopicPartition]int64
	timeout    time.Duration
	commits    int
}

// NewSinkContext returns a context with the given partitions.
func NewSinkContext(t testing.TB, partitions ...connect.TopicPartition) *SinkContext {
	t.Helper()
	return &SinkContext{Log: NewLog(t).Logger(), assignment: partitions}
}

// Assign sets the assignment.
func (c *SinkContext) Assign(partitions ...connect.TopicPartition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.assignment = partitions
}

// Assignment returns the assignment.
func (c *SinkContext) Assignment() []connect.TopicPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]connect.TopicPartition(nil), c.assignment...)
}

// Seek keeps the offsets.
func (c *SinkContext) Seek(offsets map[connect.TopicPartition]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sought == nil {
		c.sought = map[connect.TopicPartition]int64{}
	}
	for tp, o := range offsets {
		c.sought[tp] = o
	}
}

// Timeout keeps the duration.
func (c *SinkContext) Timeout(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timeout = d
}

// Pause marks partitions as paused.
func (c *SinkContext) Pause(partitions ...connect.TopicPartition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		c.paused = map[connect.TopicPartition]bool{}
	}
	for _, tp := range partitions {
		c.paused[tp] = true
	}
}

// Resume ends the pause of partitions.
func (c *SinkContext) Resume(partitions ...connect.TopicPartition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, tp := range partitions {
		delete(c.paused, tp)
	}
}

// Paused returns how many partitions are paused.
func (c *SinkContext) Paused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.paused)
}

// Sought returns the offset that Seek was last given for a partition.
func (c *SinkContext) Sought(tp connect.TopicPartition) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.sought[tp]
	return o, ok
}

// RequestCommit counts the requests.
func (c *SinkContext) RequestCommit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits++
}

// CommitRequests returns how often the task asked for a commit.
func (c *SinkContext) CommitRequests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commits
}

// ErrantRecords returns Errant.
func (c *SinkContext) ErrantRecords() connect.ErrantRecordReporter {
	if c.Errant == nil {
		return nil
	}
	return c.Errant
}

// Logger returns the logger.
func (c *SinkContext) Logger() *slog.Logger { return logger(c.Log) }

// Report is one record that was reported.
type Report struct {
	Record *connect.Record
	Err    error
}

// Errant keeps reports of bad records.
type Errant struct {
	// Fail is what Report yields; nil is success.
	Fail error

	mu      sync.Mutex
	reports []Report
}

// Report implements connect.ErrantRecordReporter.
func (e *Errant) Report(r *connect.Record, err error) <-chan error {
	e.mu.Lock()
	e.reports = append(e.reports, Report{r, err})
	e.mu.Unlock()
	done := make(chan error, 1)
	done <- e.Fail
	return done
}

// Reports returns what was reported.
func (e *Errant) Reports() []Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Report(nil), e.reports...)
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

var (
	_ connect.ConnectorContext = (*ConnectorContext)(nil)
	_ connect.SourceContext    = (*SourceContext)(nil)
	_ connect.SinkContext      = (*SinkContext)(nil)
)
