package metrics

import (
	"strconv"
	"time"

	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/task"
	"github.com/moldau-io/moldau/runtime/worker"
)

// taskReader reads the metrics of one task.
type taskReader struct {
	*reader
	connector, task string
	s               task.Stats
}

func (r *reader) task(t worker.TaskStats) {
	tr := &taskReader{r, t.ID.Connector, strconv.Itoa(t.ID.Task), t.Stats}
	tr.common(t.Class)
	stuck := 0.0
	if t.Stuck {
		stuck = 1
	}
	tr.put("connector_task", "stuck", "Whether one poll or put has taken longer than moldau.task.stuck.after.ms.", stuck)
	tr.errors()
	// The type is known from the connector's configuration, which may be gone.
	if info, err := r.status(t.ID.Connector); err == nil && info.Type == herder.TypeSink {
		tr.sink()
	} else if err == nil && info.Type == herder.TypeSource {
		tr.source()
	}
}

func (t *taskReader) put(group, attribute, help string, value float64) {
	t.reader.put(group, attribute, help, value, "connector", t.connector, "task", t.task)
}

// rate puts a count's growth in a second beside it.
func (t *taskReader) rate(group, attribute, help string, count int64) {
	t.put(group, attribute, help, t.c.rates.rate(rateKey{group + attribute, t.connector, t.task}, t.now, float64(count)))
}

func mean(total time.Duration, count int64) float64 {
	if count == 0 {
		return 0
	}
	return ms(total) / float64(count)
}

// fraction is the part of the time of a task's life that it spent in a phase.
func fraction(part, other time.Duration) float64 {
	if part+other <= 0 {
		return 0
	}
	return float64(part) / float64(part+other)
}

func (t *taskReader) common(class string) {
	const group = "connector_task"
	s := t.s
	t.reader.put(group, "connector-class", "The class of a task's connector, as a label.", 1, "connector", t.connector, "task", t.task, "connector_class", class)
	t.put(group, "batch-size-avg", "Records of a batch, on average.", ratio(s.BatchRecords, s.Batches))
	t.put(group, "batch-size-max", "Records of the largest batch.", float64(s.BatchMax))
	t.put(group, "offset-commit-avg-time-ms", "How long a commit of offsets took on average, in milliseconds.", mean(s.Commit.Total, s.Commit.Count))
	t.put(group, "offset-commit-max-time-ms", "How long a commit of offsets took at most, in milliseconds.", ms(s.Commit.Max))
	t.put(group, "offset-commit-failure-percentage", "The part of commits that failed, from 0 to 1.", ratio(s.CommitFailures, s.Commit.Count+s.CommitFailures))
	t.put(group, "offset-commit-success-percentage", "The part of commits that succeeded, from 0 to 1.", ratio(s.Commit.Count, s.Commit.Count+s.CommitFailures))
	t.put(group, "running-ratio", "The part of its time that the task was running, from 0 to 1.", fraction(s.RunningTime, s.PausedTime))
	t.put(group, "pause-ratio", "The part of its time that the task was paused, from 0 to 1.", fraction(s.PausedTime, s.RunningTime))
	t.put(group, "bytes-in-flight", "Bytes of records that the task holds.", float64(s.BytesInFlight))
	if !s.LastCommit.IsZero() {
		t.put(group, "last-commit-timestamp", "When offsets were last committed, in milliseconds since 1970.", float64(s.LastCommit.UnixMilli()))
	}
}

func (t *taskReader) errors() {
	const group = "task_error"
	s := t.s
	t.put(group, "total-record-failures", "Operations on records that failed, tries included.", float64(s.RecordFailures))
	t.put(group, "total-record-errors", "Operations on records that failed for good.", float64(s.RecordErrors))
	t.put(group, "total-records-skipped", "Records that were skipped for an error.", float64(s.RecordsSkipped))
	t.put(group, "total-retries", "Operations that were tried again.", float64(s.Retries))
	t.put(group, "total-errors-logged", "Errors of records that were logged.", float64(s.ErrorsLogged))
	t.put(group, "deadletterqueue-produce-requests", "Records for the dead letter topic.", float64(s.DeadLetters))
	t.put(group, "deadletterqueue-produce-failures", "Records that could not be written to the dead letter topic.", float64(s.DeadLetterFailures))
	at := int64(0)
	if !s.LastError.IsZero() {
		at = s.LastError.UnixMilli()
	}
	t.put(group, "last-error-timestamp", "When a record last failed, in milliseconds since 1970; 0 for never.", float64(at))
}

func (t *taskReader) source() {
	const group = "source_task"
	s := t.s
	t.put(group, "source-record-poll-total", "Records that the source has given.", float64(s.RecordsRead))
	t.rate(group, "source-record-poll-rate", "Records that the source gives in a second.", s.RecordsRead)
	t.put(group, "source-record-write-total", "Records that Kafka has acknowledged.", float64(s.RecordsWritten))
	t.rate(group, "source-record-write-rate", "Records that Kafka acknowledges in a second.", s.RecordsWritten)
	t.put(group, "source-record-active-count", "Records that were given and are not acknowledged yet.", float64(s.RecordsActive))
	t.put(group, "source-record-active-count-max", "The most records that were given and not acknowledged.", float64(s.RecordsActiveMax))
	t.put(group, "source-record-write-bytes-total", "Bytes of the keys and values that were written.", float64(s.BytesWritten))
	t.put(group, "poll-batch-avg-time-ms", "How long a poll that gave records took on average, in milliseconds.", mean(s.Work.Total, s.Work.Count))
	t.put(group, "poll-batch-max-time-ms", "How long a poll that gave records took at most, in milliseconds.", ms(s.Work.Max))
	t.put(group, "transaction-size-avg", "Records of a transaction, on average.", ratio(s.TransactionRecords, s.Transactions))
	t.put(group, "transaction-size-min", "Records of the smallest transaction.", float64(s.TransactionMin))
	t.put(group, "transaction-size-max", "Records of the largest transaction.", float64(s.TransactionMax))
}

func (t *taskReader) sink() {
	const group = "sink_task"
	s := t.s
	t.put(group, "sink-record-read-total", "Records that were read from Kafka.", float64(s.RecordsRead))
	t.rate(group, "sink-record-read-rate", "Records that are read from Kafka in a second.", s.RecordsRead)
	t.put(group, "sink-record-send-total", "Records that the sink has accepted.", float64(s.RecordsWritten))
	t.rate(group, "sink-record-send-rate", "Records that the sink accepts in a second.", s.RecordsWritten)
	t.put(group, "sink-record-read-bytes-total", "Bytes of the keys and values that were read.", float64(s.BytesRead))
	t.put(group, "sink-record-active-count", "Records that were read and whose offsets are not committed yet.", float64(s.RecordsActive))
	t.put(group, "sink-record-active-count-max", "The most records that were read and not committed.", float64(s.RecordsActiveMax))
	t.put(group, "sink-record-lag", "Records of its partitions that the task has not read yet.", float64(s.Lag))
	t.put(group, "partition-count", "Partitions that the task reads.", float64(s.Partitions))
	t.put(group, "offset-commit-seq-no", "The number of the last commit of offsets.", float64(s.CommitSeq))
	t.put(group, "offset-commit-completion-total", "Commits of offsets that succeeded.", float64(s.Commit.Count))
	t.rate(group, "offset-commit-completion-rate", "Commits of offsets that succeed in a second.", s.Commit.Count)
	t.put(group, "offset-commit-skip-total", "Commits of offsets that a later one overtook.", float64(s.CommitSkipped))
	t.rate(group, "offset-commit-skip-rate", "Commits of offsets that a later one overtakes, in a second.", s.CommitSkipped)
	t.put(group, "put-batch-avg-time-ms", "How long the sink took for a batch on average, in milliseconds.", mean(s.Work.Total, s.Work.Count))
	t.put(group, "put-batch-max-time-ms", "How long the sink took for a batch at most, in milliseconds.", ms(s.Work.Max))
}
