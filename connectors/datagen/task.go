package datagen

import (
	"context"
	"strconv"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Names in source partitions and offsets.
const (
	seedField  = "seed"
	taskField  = "task"
	tasksField = "tasks"
	nextField  = "next"
)

// maxWait is how long Poll waits before it returns without records.
const maxWait = 500 * time.Millisecond

type task struct {
	set       *settings
	make      template
	step      int64 // the number of tasks
	next      int64
	partition *schema.MapValue
	due       time.Time // of the next record
	out       []*connect.Record
}

func (t *task) Start(ctx context.Context, tc connect.SourceContext, props map[string]string) error {
	set, err := parse(props)
	if err != nil {
		return err
	}
	number := func(name string, otherwise int64) (int64, error) {
		text, ok := props[name]
		if !ok {
			return otherwise, nil
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return 0, errs.InvalidValue(name, text, "the connector sets it; remove it")
		}
		return n, nil
	}
	if t.next, err = number(keyTask, 0); err != nil {
		return err
	}
	if t.step, err = number(keyTasks, 1); err != nil {
		return err
	}
	t.step = max(t.step, 1)
	t.set, t.make = set, newTemplate(set)
	t.partition = schema.NewMap(3)
	t.partition.PutString(seedField, schema.OfInt64(set.seed))
	t.partition.PutString(taskField, schema.OfInt64(t.next))
	t.partition.PutString(tasksField, schema.OfInt64(t.step))
	stored, err := tc.OffsetReader().Offsets(ctx, []*schema.MapValue{t.partition})
	if err != nil {
		return err
	}
	if len(stored) > 0 && stored[0] != nil {
		if v, _ := stored[0].GetString(nextField); v.Kind() == schema.KindInt64 {
			t.next = v.Int64()
		}
	}
	t.due = time.Now()
	return nil
}

func (t *task) Poll(ctx context.Context) ([]*connect.Record, error) {
	n := t.ready()
	if n == 0 {
		wait := maxWait
		if t.left() > 0 {
			wait = min(wait, time.Until(t.due))
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil, nil
		case <-timer.C:
		}
		if n = t.ready(); n == 0 {
			return nil, nil
		}
	}
	t.out = t.out[:0]
	records := make([]connect.Record, n)
	for i := range records {
		t.record(&records[i])
		t.out = append(t.out, &records[i])
	}
	return t.out, nil
}

// left returns how many records the task has still to make.
func (t *task) left() int64 {
	if t.set.count < 0 {
		return 1 << 62
	}
	if t.next >= t.set.count {
		return 0
	}
	return (t.set.count-t.next-1)/t.step + 1
}

// ready returns how many records are due, and moves the time of the next.
func (t *task) ready() int {
	n := min(t.left(), int64(t.set.batch))
	if t.set.rate <= 0 || n == 0 {
		return int(n)
	}
	gap := t.set.gap() * time.Duration(t.step)
	late := time.Since(t.due)
	if late < 0 {
		return 0
	}
	if late > time.Second {
		// What could not be made in time is left out, so that a pause does not end in a burst.
		t.due, late = t.due.Add(late-time.Second), time.Second
	}
	n = min(n, int64(late/max(gap, 1))+1)
	t.due = t.due.Add(time.Duration(n) * gap)
	return int(n)
}

func (t *task) record(r *connect.Record) {
	n := t.next
	t.next += t.step
	at := t.set.timeOf(n)
	b := t.make(n, at)
	*r = connect.Record{
		Topic: t.set.topic, Partition: connect.NoPartition, Timestamp: at.UnixMilli(),
		KeySchema: b.keySchema, Key: b.key, ValueSchema: b.schema, Value: b.value,
		SourcePartition: t.partition, SourceOffset: schema.NewMap(1),
	}
	r.SourceOffset.PutString(nextField, schema.OfInt64(t.next))
	switch {
	case t.set.keys == 0:
		r.KeySchema, r.Key = nil, schema.Null()
	case t.set.keys > 0:
		r.KeySchema = schema.Of(schema.String)
		r.Key = schema.OfString("key-" + strconv.FormatInt(n%t.set.keys, 10))
	}
}

func (*task) Commit(context.Context) error { return nil }

func (*task) Stop(context.Context) error { return nil }
