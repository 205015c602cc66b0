package task

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

// Task is what a worker runs: a *Source or a *Sink.
type Task interface {
	// ID names the task.
	ID() state.TaskID
	// Run starts the task and moves records until Stop is called, the task fails or
	// ctx ends. It is called once; when it returns, nothing of the task is left: the
	// plugins are stopped and closed, and so are the clients the task has made.
	//
	// A failure is reported to the Listener and returned. After Stop, Run returns
	// nil. The end of ctx is a hard stop: nothing more is committed, the Listener
	// hears nothing more, and Run returns ctx's cause (Java's WorkerTask.cancel).
	Run(ctx context.Context) error
	// SetTarget pauses the task (state.TargetPaused) or lets it go on
	// (state.TargetStarted). state.TargetStopped is Stop. It returns at once; the
	// Listener hears when it has taken effect.
	SetTarget(state.TargetState)
	// Stop begins a graceful end: what was read is written and committed, and Run
	// returns. It returns at once, may be called more than once and before Run.
	Stop()
	// Stats returns what the task has done so far. It may be called at any time, also
	// after Run has returned.
	Stats() Stats
}

// Listener hears of a task's changes of state (TaskStatus.Listener). The methods
// are called by the goroutine of Run, one at a time, and must return soon.
type Listener interface {
	// OnStartup: the plugin was started and records flow.
	OnStartup(id state.TaskID)
	// OnPause: the task does no more work. It may come before OnStartup: a task
	// whose first target is PAUSED does not start its plugin before it is resumed.
	OnPause(id state.TaskID)
	// OnResume: the task works again after OnPause.
	OnResume(id state.TaskID)
	// OnFailure: the task has ended with an error. trace is the text for the status
	// (errs.Trace). Nothing follows.
	OnFailure(id state.TaskID, err error, trace string)
	// OnShutdown: the task has ended because it was asked to. Nothing follows.
	OnShutdown(id state.TaskID)
}

// Chain applies the transforms of a connector in turn (TransformationChain).
type Chain interface {
	// Len is the number of transforms.
	Len() int
	// Apply returns the record that takes r's place, or nil where a transform dropped
	// it. stage is the transform that failed, from 0.
	Apply(ctx context.Context, r *connect.Record) (out *connect.Record, stage int, err error)
	// Class returns the Java class name of a transform, for errors.
	Class(stage int) string
	// Close closes all transforms and predicates.
	Close() error
}

// Offsets keep the source offsets of one connector: a connector's view of a store
// (ConnectorOffsetBackingStore with OffsetStorageReaderImpl and OffsetStorageWriter).
type Offsets interface {
	connect.OffsetReader
	// Set writes offsets and returns when they are durable (invariant I1).
	Set(ctx context.Context, offsets []connect.PartitionOffset) error
	// Records returns what Set would write, for a task that writes it to Topic in its
	// own transaction (KIP-618).
	Records(offsets []connect.PartitionOffset) ([]OffsetRecord, error)
	// Topic is the topic that Records belong to, "" when the store is not a topic.
	Topic() string
}

// OffsetMirror is what Offsets may be, too: a store with a second copy, such as the
// worker's own offsets topic for a connector that has one of its own. Committed is
// told of offsets that the task has made durable itself, by writing Records in a
// transaction. It must return soon and cannot fail the task.
type OffsetMirror interface {
	Committed(offsets []connect.PartitionOffset)
}

// OffsetRecord is the key and value of one record of an offsets topic. A nil Value
// is a tombstone.
type OffsetRecord struct {
	Key, Value []byte
}

// TopicAdmin looks up and creates topics; *kafka.Admin is one.
type TopicAdmin interface {
	// DescribeTopic returns the number of partitions of a topic; false if it does not
	// exist.
	DescribeTopic(ctx context.Context, topic string) (partitions int, exists bool, err error)
	// CreateTopic creates a topic unless it exists.
	CreateTopic(ctx context.Context, t kafka.NewTopic) (kafka.TopicResult, error)
}

// Matcher matches whole topic names against a regular expression of Java's syntax
// (java.util.regex.Matcher.matches); *javaregex.Pattern is one. An error says that
// matching took too long.
type Matcher interface {
	Matches(topic string) (bool, error)
}

// NewClient makes a Kafka client from a connector's settings and the options that
// the task needs, which come last. The task closes the client.
type NewClient func(opts ...kgo.Opt) (*kgo.Client, error)
