package task

import "time"

// Stats are what a task has done since it was made, for metrics, the status page
// and a watchdog. Counts never fall; times are the zero Time before the first event.
type Stats struct {
	// State is what the task is doing.
	Phase Phase
	// Since is when Phase began.
	Since time.Time
	// RunningTime and PausedTime are how long the task was in those phases.
	RunningTime, PausedTime time.Duration

	// RecordsRead were polled from the source or the topics; RecordsWritten were
	// acknowledged by Kafka or accepted by Put.
	RecordsRead, RecordsWritten int64
	// BytesWritten are the bytes of keys and values of the records a source has
	// written; BytesRead those of the records a sink has read.
	BytesRead, BytesWritten int64
	// RecordsActive were read and are not yet acknowledged (source) or committed (sink).
	RecordsActive, RecordsActiveMax int64
	// BytesInFlight are held by the task: produced and not acknowledged, or read
	// ahead of Put.
	BytesInFlight int64

	// Batches that went through the task, the records in them, and the largest one.
	Batches, BatchRecords, BatchMax int64
	// Work is Poll of a source that gave records, or Put of a sink.
	Work Timing
	// Working says since when the present Poll or Put is under way; zero when none is.
	Working time.Time
	// LastWork is when the last Poll or Put returned.
	LastWork time.Time

	// Commit are the commits of offsets, with their failures beside.
	Commit         Timing
	CommitFailures int64
	// CommitSeq is the number of the last commit of a sink, CommitSkipped how many
	// were overtaken by a later one.
	CommitSeq, CommitSkipped int64
	// LastCommit is when offsets were last committed.
	LastCommit time.Time

	// Transaction sizes in records, of an exactly-once source.
	Transactions, TransactionRecords, TransactionMin, TransactionMax int64

	// Partitions are the number of partitions a sink has; Lag how many records of them
	// it has not read yet.
	Partitions int
	Lag        int64

	// RecordFailures are failed operations, tries included; RecordErrors operations
	// that failed for good; RecordsSkipped records skipped for it; Retries repeated
	// operations; ErrorsLogged those that were logged; DeadLetters and
	// DeadLetterFailures the attempts to write to the dead-letter topic and those
	// that failed.
	RecordFailures, RecordErrors, RecordsSkipped int64
	Retries, ErrorsLogged                        int64
	DeadLetters, DeadLetterFailures              int64
	// LastError is when a record last failed.
	LastError time.Time
}

// Phase is what a task is doing.
type Phase string

// The phases of a task.
const (
	PhaseNew      Phase = "new"      // Run was not called
	PhaseStarting Phase = "starting" // the plugin is being started
	PhaseRunning  Phase = "running"
	PhasePaused   Phase = "paused"
	PhaseStopping Phase = "stopping" // ending, by request or failure
	PhaseStopped  Phase = "stopped"  // ended by request
	PhaseFailed   Phase = "failed"   // ended with an error
)

// Timing sums up how long an operation took.
type Timing struct {
	Count int64
	Total time.Duration
	// Max is the longest of the last 30 to 60 seconds.
	Max time.Duration
}
