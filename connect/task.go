package connect

import (
	"context"
	"log/slog"
	"time"
)

// SourceTask reads records from elsewhere (org.apache.kafka.connect.source.SourceTask).
// All methods but Stop are called by one goroutine.
type SourceTask interface {
	// Start takes the task's settings.
	Start(ctx context.Context, tc SourceContext, props map[string]string) error
	// Poll returns the next records, or nil when there are none for now. It may
	// block, and returns soon after ctx ends (then with nil or ctx's error). The
	// slice may be reused by the task at the next Poll; the records may not.
	// A retriable error (errs.IsRetriable) makes the runtime poll again later.
	Poll(ctx context.Context) ([]*Record, error)
	// Commit says that all offsets of the records polled so far, up to those last
	// committed, are durable (invariant I1).
	Commit(ctx context.Context) error
	// Stop ends the task; it is called once after the last Poll has returned.
	Stop(ctx context.Context) error
}

// RecordCommitter is a SourceTask that wants to hear of each record
// (SourceTask.commitRecord). meta is nil for records that a transform dropped or
// that failed under errors.tolerance=all. It is called by the producer's
// goroutine, in the order of acknowledgement.
type RecordCommitter interface {
	CommitRecord(r *Record, meta *RecordMetadata) error
}

// RecordMetadata says where a record was written.
type RecordMetadata struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp int64
}

// SourceContext is what the runtime offers a source task.
type SourceContext interface {
	OffsetReader() OffsetReader
	// Transaction lets a task end transactions itself; nil unless
	// transaction.boundary=connector and exactly-once is on.
	Transaction() TransactionContext
	Logger() *slog.Logger
}

// TransactionContext lets a source task define transaction boundaries (KIP-618).
type TransactionContext interface {
	CommitTransaction()
	CommitTransactionOn(r *Record)
	AbortTransaction()
	AbortTransactionOn(r *Record)
}

// SinkTask writes records elsewhere (org.apache.kafka.connect.sink.SinkTask). All
// methods are called by one goroutine.
type SinkTask interface {
	// Start takes the task's settings.
	Start(ctx context.Context, tc SinkContext, props map[string]string) error
	// Open tells of newly assigned partitions.
	Open(ctx context.Context, partitions []TopicPartition) error
	// Put takes records; it may buffer them. A retriable error makes the runtime
	// pause and hand over the same records again. The slice is the runtime's
	// again after Put returns; the records may be kept.
	Put(ctx context.Context, records []*Record) error
	// PreCommit is given the offsets that would be committed (the next to read, by
	// original topic and partition) and returns those that are safe: all that lies
	// before is durable. Returning nil commits nothing.
	PreCommit(ctx context.Context, offsets map[TopicPartition]int64) (map[TopicPartition]int64, error)
	// Close tells of partitions taken away, after the last PreCommit for them.
	Close(ctx context.Context, partitions []TopicPartition) error
	// Stop ends the task.
	Stop(ctx context.Context) error
}

// SinkContext is what the runtime offers a sink task.
type SinkContext interface {
	// Assignment returns the partitions the task has now.
	Assignment() []TopicPartition
	// Seek sets the offsets to read from next.
	Seek(offsets map[TopicPartition]int64)
	// Timeout sets how long to wait before the next Put after a retriable error.
	Timeout(d time.Duration)
	// Pause stops the delivery of partitions, Resume goes on with it.
	Pause(partitions ...TopicPartition)
	Resume(partitions ...TopicPartition)
	// RequestCommit asks for a commit soon.
	RequestCommit()
	// ErrantRecords reports single bad records (KIP-610); nil where the connector
	// has neither a dead-letter topic nor error logging and tolerates nothing.
	ErrantRecords() ErrantRecordReporter
	Logger() *slog.Logger
}

// ErrantRecordReporter reports records that a sink could not use.
type ErrantRecordReporter interface {
	// Report returns a channel that yields once: nil when the report is durable,
	// else an error that the task should return. It is safe for concurrent use.
	Report(r *Record, err error) <-chan error
}
