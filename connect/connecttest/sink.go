package connecttest

import (
	"context"
	"testing"

	"github.com/moldau-io/moldau/connect"
)

// Sink is the suite of a sink connector.
type Sink struct {
	New    func() connect.SinkConnector
	Config map[string]string
	// Records are put, in order and in batches; SinkRecord makes some.
	Records []*connect.Record
	// Check looks at what has arrived once all records are committed; it may be nil.
	// It is called again after all records were put a second time if Idempotent.
	Check      func(t *testing.T)
	Idempotent bool
}

// Run runs the suite.
func (s Sink) Run(t *testing.T) {
	t.Helper()
	t.Run("definition", func(t *testing.T) {
		checkDefinition(t, func() connect.Configured { return s.New() })
	})
	t.Run("connector", func(t *testing.T) { checkConnector(t, s.New(), s.New(), s.Config) })
	t.Run("records", s.records)
	t.Run("idle", s.idle)
}

func (s Sink) start(t *testing.T, partitions []connect.TopicPartition) (connect.SinkTask, *SinkContext, *Log) {
	t.Helper()
	c := s.New()
	log := NewLog(t)
	ctx := t.Context()
	if err := c.Start(ctx, &ConnectorContext{Log: log.Logger()}, s.Config); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	configs, err := c.TaskConfigs(1)
	if err != nil || len(configs) == 0 {
		t.Fatalf("TaskConfigs(1): %v, %v", configs, err)
	}
	sc := &SinkContext{Log: log.Logger(), assignment: partitions}
	task := c.NewTask()
	if err := task.Start(ctx, sc, configs[0]); err != nil {
		t.Fatalf("starting the task: %v", err)
	}
	if err := task.Open(ctx, partitions); err != nil {
		t.Fatalf("Open: %v", err)
	}
	return task, sc, log
}

// ends returns the offsets behind the records, by partition.
func ends(records []*connect.Record) map[connect.TopicPartition]int64 {
	out := map[connect.TopicPartition]int64{}
	for _, r := range records {
		tp := connect.TopicPartition{Topic: r.Original.Topic, Partition: r.Original.Partition}
		out[tp] = max(out[tp], r.Original.Offset+1)
	}
	return out
}

func partitionsOf(offsets map[connect.TopicPartition]int64) []connect.TopicPartition {
	out := make([]connect.TopicPartition, 0, len(offsets))
	for tp := range offsets {
		out = append(out, tp)
	}
	return out
}

// Committed calls PreCommit until it returns all that was put, and fails the test
// when it returns more or, in the end, less.
func Committed(t testing.TB, task connect.SinkTask, records []*connect.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	want := ends(records)
	reached := map[connect.TopicPartition]int64{}
	for len(reached) < len(want) {
		if ctx.Err() != nil {
			t.Fatalf("PreCommit has returned %v, want %v", reached, want)
		}
		got, err := task.PreCommit(ctx, want)
		if err != nil {
			t.Fatalf("PreCommit: %v", err)
		}
		for tp, o := range got {
			switch {
			case o > want[tp]:
				t.Fatalf("PreCommit returns %d for %v, but only what is before %d was put", o, tp, want[tp])
			case o == want[tp]:
				reached[tp] = o
			}
		}
		// Tasks that write in the background need to be fed to notice.
		if err := task.Put(ctx, nil); err != nil {
			t.Fatalf("Put: %v", err)
		}
	}
}

func (s Sink) records(t *testing.T) {
	offsets := ends(s.Records)
	partitions := partitionsOf(offsets)
	task, _, log := s.start(t, partitions)
	ctx := t.Context()
	rounds := 1
	if s.Idempotent {
		rounds = 2
	}
	for range rounds {
		for from := 0; from < len(s.Records); from += 100 {
			batch := append([]*connect.Record(nil), s.Records[from:min(from+100, len(s.Records))]...)
			if err := task.Put(ctx, batch); err != nil {
				t.Fatalf("Put: %v", err)
			}
			clear(batch) // the slice is the runtime's again
			if _, err := task.PreCommit(ctx, ends(s.Records[:min(from+100, len(s.Records))])); err != nil {
				t.Fatalf("PreCommit: %v", err)
			}
		}
		Committed(t, task, s.Records)
		if s.Check != nil {
			s.Check(t)
		}
	}
	if err := task.Close(ctx, partitions); err != nil {
		t.Errorf("Close: %v", err)
	}
	got, err := task.PreCommit(ctx, map[connect.TopicPartition]int64{})
	if err != nil {
		t.Errorf("PreCommit: %v", err)
	}
	if len(got) > 0 {
		t.Errorf("PreCommit returns %v for partitions that were taken away", got)
	}
	stop(t, task)
	checkSecrets(t, s.New().ConfigDef(), s.Config, "the log", log.String())
}

// idle checks a task that gets nothing.
func (s Sink) idle(t *testing.T) {
	task, _, _ := s.start(t, nil)
	ctx := t.Context()
	if err := task.Put(ctx, nil); err != nil {
		t.Errorf("Put without records: %v", err)
	}
	if got, err := task.PreCommit(ctx, nil); err != nil || len(got) > 0 {
		t.Errorf("PreCommit without records: %v, %v", got, err)
	}
	stop(t, task)
}

// SinkRecord makes a record as a task gets it.
func SinkRecord(topic string, partition int32, offset int64, key, value connect.SchemaAndValue) *connect.Record {
	return &connect.Record{
		Topic: topic, Partition: partition, Offset: offset, Timestamp: 1_700_000_000_000 + offset, TimestampType: connect.CreateTime,
		KeySchema: key.Schema, Key: key.Value, ValueSchema: value.Schema, Value: value.Value, Sink: true,
		Original: connect.TopicPartitionOffset{Topic: topic, Partition: partition, Offset: offset},
	}
}
