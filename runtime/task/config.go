package task

import (
	"context"
	"log/slog"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/state"
)

// Common is what the configs of sources and sinks share. Fields without a default
// must be set.
type Common struct {
	ID state.TaskID
	// Props are the task's settings with all references resolved; they go to the
	// plugin's Start.
	Props map[string]string
	// Target is the first target state, TargetStarted by default.
	Target state.TargetState
	// Listener hears of changes of state.
	Listener Listener
	// Logger is the task's logger.
	Logger *slog.Logger

	// Chain are the transforms; nil is none. The task closes it.
	Chain Chain
	// Key, Value and Header are the converters, configured. The task closes them.
	Key, Value Converter
	Header     HeaderConverter

	// Errors says what becomes of operations that fail.
	Errors ErrorPolicy

	// CommitInterval is offset.flush.interval.ms, 1 minute by default: the time between
	// commits of offsets.
	CommitInterval time.Duration
	// CommitTimeout is offset.flush.timeout.ms, 5 seconds by default: how long one commit may take, and how
	// long an ending source waits for its last records to be acknowledged.
	CommitTimeout time.Duration
	// StopTimeout is task.shutdown.graceful.timeout.ms: how long after Stop the task
	// gives up on a graceful end and does as if its ctx had ended. 0: never.
	StopTimeout time.Duration
	// PollLimit is how long a source's Poll may block before its context ends, so that a
	// Poll without data is told from one that hangs; it is called again. 0: for ever.
	PollLimit time.Duration

	// TopicUsed is called with the name of each topic that the task has used, for
	// each batch again (KIP-558). It must be cheap and safe for concurrent use. nil
	// when topics are not tracked.
	TopicUsed func(topic string)
}

// Java's defaults of offset.flush.interval.ms and offset.flush.timeout.ms.
const (
	defaultCommitInterval = time.Minute
	defaultCommitTimeout  = 5 * time.Second
)

func (c *Common) setDefaults() {
	if c.CommitInterval <= 0 {
		c.CommitInterval = defaultCommitInterval
	}
	if c.CommitTimeout <= 0 {
		c.CommitTimeout = defaultCommitTimeout
	}
}

// Converter is a configured converter and the class that errors name.
type Converter struct {
	connect.Converter
	Class string
}

// HeaderConverter is a configured header converter and the class that errors name.
type HeaderConverter struct {
	connect.HeaderConverter
	Class string
}

// ErrorPolicy is the errors.* part of a connector's settings (KIP-298).
type ErrorPolicy struct {
	// RetryTimeout is errors.retry.timeout: how long a retriable failure is tried
	// again; 0 not at all, negative without end.
	RetryTimeout time.Duration
	// RetryDelayMax is errors.retry.delay.max.ms: the longest wait between two tries.
	RetryDelayMax time.Duration
	// TolerateAll is errors.tolerance=all: records that fail are skipped.
	TolerateAll bool
	// Log is errors.log.enable, LogMessages errors.log.include.messages.
	Log, LogMessages bool
}

// SourceConfig is what a Source is made of.
type SourceConfig struct {
	Common
	// Task is the plugin's task, not yet started.
	Task connect.SourceTask
	// NewProducer makes the producer. Its settings must leave the partitioner and the
	// limits on buffered records to the task; for exactly once they must have the
	// transactional id.
	NewProducer NewClient
	// Offsets keep the connector's offsets.
	Offsets Offsets

	// Admin and TopicRules create topics before their first use (KIP-158). Without
	// rules the broker creates them, if it does.
	Admin      TopicAdmin
	TopicRules []TopicRule

	// MaxRequestSize is the producer's max.request.size in bytes, 1 MiB by default; a
	// record that is larger fails.
	MaxRequestSize int
	// BufferMemory is the producer's buffer.memory in bytes, 32 MiB by default: how much
	// may be in flight before Poll has to wait.
	BufferMemory int64

	// ExactlyOnce writes records and offsets in transactions; nil is at least once.
	ExactlyOnce *ExactlyOnceConfig
}

// TopicRule is one group of topic.creation.*. The first rule that matches a topic
// says how it is created; the last one is the group "default", which matches all.
type TopicRule struct {
	// Group is the name, for the log.
	Group string
	// Include and Exclude hold whole-name patterns. A topic matches that one of
	// Include matches and none of Exclude; without Include all match.
	Include, Exclude []Matcher
	// Topic are the partitions, the replication factor and the settings; its Name is
	// not used.
	Topic kafka.NewTopic
}

// Boundary is transaction.boundary: where transactions end.
type Boundary string

// The boundaries of KIP-618.
const (
	BoundaryPoll      Boundary = "poll"
	BoundaryInterval  Boundary = "interval"
	BoundaryConnector Boundary = "connector"
)

// ExactlyOnceConfig is what exactly once delivery needs beyond SourceConfig.
type ExactlyOnceConfig struct {
	// Boundary is transaction.boundary, BoundaryPoll by default.
	Boundary Boundary
	// Interval is transaction.boundary.interval.ms; 0 takes CommitInterval.
	Interval time.Duration
	// BeforeProducer is called before the producer takes over the transactional id,
	// which fences older tasks, and AfterProducer right after. Both check that this
	// task is still the one that should run, and their errors fail it
	// (preProducerCheck and postProducerCheck of ExactlyOnceWorkerSourceTask).
	// nil checks nothing.
	BeforeProducer, AfterProducer func(context.Context) error
}

// SinkConfig is what a Sink is made of.
type SinkConfig struct {
	Common
	// Task is the plugin's task, not yet started.
	Task connect.SinkTask
	// NewConsumer makes the consumer, a member of the connector's group. Its settings
	// must have the group id and leave topics, commits and rebalance callbacks to the
	// task.
	NewConsumer NewClient

	// Topics are the topics to read; TopicsRegex and TopicsPattern (the text, for the
	// log) take their place for topics.regex.
	Topics        []string
	TopicsRegex   Matcher
	TopicsPattern string
	// MetadataInterval is the consumer's metadata.max.age.ms, 5 minutes by default: how
	// often topics are matched against TopicsRegex.
	MetadataInterval time.Duration

	// MaxPollRecords is the consumer's max.poll.records, 500 by default: the most
	// records of one Put.
	MaxPollRecords int
	// ReadAhead is how many bytes of records may be fetched and decoded ahead of
	// Put, 4 MiB by default. One batch may exceed it.
	ReadAhead int64

	// DeadLetters takes records that failed and were tolerated; nil when
	// errors.deadletterqueue.topic.name is empty.
	DeadLetters *DeadLetterConfig
}

// DeadLetterConfig is the errors.deadletterqueue.* part of a sink's settings.
type DeadLetterConfig struct {
	// Topic is the trimmed topic name.
	Topic string
	// ReplicationFactor is the topic's, should it have to be created, with one partition.
	ReplicationFactor int16
	// ContextHeaders adds headers that tell where and why a record failed.
	ContextHeaders bool
	// NewProducer makes the producer.
	NewProducer NewClient
	// Admin creates the topic.
	Admin TopicAdmin
	// MaxRequestSize is the producer's max.request.size in bytes, 1 MiB by default.
	MaxRequestSize int
}
