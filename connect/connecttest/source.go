package connecttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// patience is how long a suite waits for what has to come at last.
const patience = 30 * time.Second

// Source is the suite of a source connector.
type Source struct {
	New    func() connect.SourceConnector
	Config map[string]string
	// Want is how many records the connector's first task has to give; they must be
	// there when the suite runs. At least 2.
	Want int
	// AtLeastOnce says that a resumed task may give records again that it gave before.
	AtLeastOnce bool
}

// Run runs the suite.
func (s Source) Run(t *testing.T) {
	t.Helper()
	t.Run("definition", func(t *testing.T) {
		checkDefinition(t, func() connect.Configured { return s.New() })
	})
	t.Run("connector", func(t *testing.T) { checkConnector(t, s.New(), s.New(), s.Config) })
	t.Run("records", s.records)
	t.Run("resume", s.resume)
	t.Run("cancel", s.cancel)
}

// checkConnector checks what sources and sinks have in common.
func checkConnector(t *testing.T, c, unconfigured connect.Connector, props map[string]string) {
	t.Helper()
	log := &Log{}
	cc := &ConnectorContext{Store: &Offsets{}, Log: log.Logger()}
	ctx := t.Context()
	if err := c.Start(ctx, cc, props); err != nil {
		t.Fatalf("Start: %v", err)
	}
	if c.TaskClass() == "" {
		t.Error("TaskClass is empty")
	}
	for _, n := range []int{1, 3} {
		configs, err := c.TaskConfigs(n)
		if err != nil {
			t.Fatalf("TaskConfigs(%d): %v", n, err)
		}
		if len(configs) > n {
			t.Errorf("TaskConfigs(%d) returns %d", n, len(configs))
		}
	}
	if err := c.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	checkSecrets(t, c.ConfigDef(), props, "the log", log.String())
	if raised := cc.Raised(); len(raised) > 0 {
		t.Errorf("the connector raised %v", raised)
	}
	// Stop is called when Start has failed, too.
	err := unconfigured.Start(ctx, cc, map[string]string{})
	if err == nil {
		for _, k := range c.ConfigDef().Keys() {
			if !k.HasDefault {
				t.Errorf("Start without %s succeeds", k.Name)
			}
		}
	}
	if err := unconfigured.Stop(ctx); err != nil {
		t.Errorf("Stop without settings: %v", err)
	}
	checkGoroutines(t, c)
}

func (s Source) start(t *testing.T, store *Offsets) (connect.SourceTask, *Log) {
	t.Helper()
	c := s.New()
	log := NewLog(t)
	ctx := t.Context()
	if err := c.Start(ctx, &ConnectorContext{Store: store, Log: log.Logger()}, s.Config); err != nil {
		t.Fatalf("Start: %v", err)
	}
	configs, err := c.TaskConfigs(1)
	if err != nil || len(configs) == 0 {
		t.Fatalf("TaskConfigs(1): %v, %v", configs, err)
	}
	task := c.NewTask()
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	if err := task.Start(ctx, &SourceContext{Store: store, Log: log.Logger()}, configs[0]); err != nil {
		t.Fatalf("starting the task: %v", err)
	}
	return task, log
}

// PollN polls until the task has given n records, or more with the last batch. The
// records are copied from the task's slice.
func PollN(t testing.TB, task connect.SourceTask, n int) []*connect.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out []*connect.Record
	for len(out) < n {
		if ctx.Err() != nil {
			t.Fatalf("got %d records, want %d", len(out), n)
		}
		batch, err := task.Poll(ctx)
		if err != nil {
			t.Fatalf("Poll, after %d records of %d: %v", len(out), n, err)
		}
		out = append(out, batch...)
	}
	return out
}

func stop(t *testing.T, task interface{ Stop(context.Context) error }) {
	t.Helper()
	if err := task.Stop(t.Context()); err != nil {
		t.Errorf("stopping the task: %v", err)
	}
	checkGoroutines(t, task)
}

func (s Source) records(t *testing.T) {
	task, log := s.start(t, &Offsets{})
	for i, r := range PollN(t, task, s.Want) {
		switch {
		case r.Topic == "":
			t.Errorf("record %d has no topic", i)
		case r.Sink:
			t.Errorf("record %d is marked as a sink's", i)
		}
		if r.KeySchema != nil {
			if err := schema.ValidateValue(r.KeySchema, r.Key); err != nil {
				t.Errorf("the key of record %d: %v", i, err)
			}
		}
		if r.ValueSchema != nil {
			if err := schema.ValidateValue(r.ValueSchema, r.Value); err != nil {
				t.Errorf("the value of record %d: %v", i, err)
			}
		}
		for what, m := range map[string]*schema.MapValue{"partition": r.SourcePartition, "offset": r.SourceOffset} {
			if m != nil && !storable(schema.OfMap(m)) {
				t.Errorf("the source %s of record %d cannot be stored: %s", what, i, showMap(m))
			}
		}
	}
	if err := task.Commit(t.Context()); err != nil {
		t.Errorf("Commit: %v", err)
	}
	stop(t, task)
	checkSecrets(t, s.New().ConfigDef(), s.Config, "the log", log.String())
}

// storable says whether a source partition or offset comes back as it was: maps
// with string keys of strings, int64, float64, booleans and nulls
// (org.apache.kafka.connect.storage.OffsetUtils).
func storable(v schema.Value) bool {
	switch v.Kind() {
	case schema.KindMap:
		for k, e := range v.Map().All() {
			if k.Kind() != schema.KindString || e.Kind() == schema.KindMap || !storable(e) {
				return false
			}
		}
		return true
	case schema.KindString, schema.KindInt64, schema.KindFloat64, schema.KindBoolean, schema.KindNull:
		return true
	}
	return false
}

// resume starts a task at the offset of each record in turn, or of some of many.
func (s Source) resume(t *testing.T) {
	task, _ := s.start(t, &Offsets{})
	all := PollN(t, task, s.Want)
	stop(t, task)
	step := max(s.Want/5, 1)
	for i := 0; i < s.Want-1; i += step {
		store := &Offsets{}
		for _, r := range all[:i+1] {
			store.Commit(r)
		}
		task, _ := s.start(t, store)
		want := all[i+1 : s.Want]
		got := PollN(t, task, len(want))
		if s.AtLeastOnce {
			for len(got) > 0 && !same(got[0], want[0]) {
				got = got[1:]
			}
			if len(got) < len(want) {
				got = append(got, PollN(t, task, len(want)-len(got))...)
			}
		}
		for j := range want {
			if !same(got[j], want[j]) {
				t.Fatalf("resumed behind record %d: record %d is %s, want %s", i, i+1+j, Show(got[j].Value), Show(want[j].Value))
			}
		}
		stop(t, task)
	}
}

// same compares what does not depend on the clock.
func same(a, b *connect.Record) bool {
	return a.Topic == b.Topic && a.Key.Equal(b.Key) && a.Value.Equal(b.Value) && sameMap(a.SourceOffset, b.SourceOffset)
}

// cancel checks that Poll ends with its context, and Stop without a Poll.
func (s Source) cancel(t *testing.T) {
	task, _ := s.start(t, &Offsets{})
	ctx, cancel := context.WithCancel(t.Context())
	PollN(t, task, 1)
	cancel()
	done := make(chan error, 1)
	go func() {
		_, err := task.Poll(ctx)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Poll with an ended context: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Poll does not end with its context")
	}
	stop(t, task)
	again, _ := s.start(t, &Offsets{})
	stop(t, again)
}
