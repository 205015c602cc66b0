package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/chain"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Sink gives letters to a task of a sink connector that runs in this process. Records
// have the topic, partition and offset at which they were first read, so that a sink
// that makes ids or versions of these finds them as before.
type Sink struct {
	name     string
	task     connect.SinkTask
	ctx      *sinkContext
	chain    *chain.Chain
	key      connect.Converter
	value    connect.Converter
	header   connect.HeaderConverter
	failures io.Writer
	closers  []func() error
}

// OpenSink makes and starts the task. What fails again is written to failures, a line
// each. Settings that only a worker has are not known here: converters must be the
// connector's own, and values must not refer to config providers.
func OpenSink(ctx context.Context, registry *plugins.Registry, config map[string]string, failures io.Writer, log *slog.Logger) (_ *Sink, err error) {
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if strings.Contains(config[key], "${") && !strings.HasPrefix(key, "transforms.") {
			return nil, fmt.Errorf("the setting %s refers to something that a worker looks up; write the value itself into this copy of the configuration", key)
		}
	}
	s := &Sink{failures: failures}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeAll())
		}
	}()
	own, err := settings.ParseSink(settings.Catalogue(registry), config)
	if err != nil {
		return nil, err
	}
	s.name = own.Name
	if err := s.convert(registry, own); err != nil {
		return nil, err
	}
	if s.chain, err = chain.Build(config, registry); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.chain.Close)
	p, err := registry.FindConnector(config["connector.class"])
	if err != nil {
		return nil, err
	}
	instance, err := p.NewConnector()
	if err != nil {
		return nil, err
	}
	c, ok := instance.(connect.SinkConnector)
	if !ok {
		return nil, fmt.Errorf("connector.class=%s is no sink", config["connector.class"])
	}
	s.ctx = &sinkContext{log: log}
	// One task, whatever tasks.max says. The connector has ended when the task starts;
	// what it watches does not matter here.
	err = c.Start(ctx, s.ctx, config)
	var tasks []map[string]string
	if err == nil {
		tasks, err = c.TaskConfigs(1)
	}
	if err = errors.Join(err, c.Stop(ctx)); err != nil {
		return nil, fmt.Errorf("starting the connector: %w", err)
	}
	if len(tasks) != 1 {
		return nil, fmt.Errorf("the connector has %d tasks, want one", len(tasks))
	}
	task := c.NewTask()
	if err := task.Start(ctx, s.ctx, tasks[0]); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a task of the connector: %w", err), task.Stop(ctx))
	}
	s.task = task
	return s, nil
}

// convert makes the converters.
func (s *Sink) convert(registry *plugins.Registry, own *settings.Sink) error {
	for _, isKey := range []bool{true, false} {
		made, wanted, setting := &s.value, own.Value, "value.converter"
		if isKey {
			made, wanted, setting = &s.key, own.Key, "key.converter"
		}
		if wanted == nil {
			return fmt.Errorf("%s is not set; a worker would take its own, here the connector's configuration must name it", setting)
		}
		p, ok := registry.Find(plugins.Converter, wanted.Class)
		if !ok {
			return errs.InvalidValue(setting, wanted.Class, "Class "+wanted.Class+" could not be found.")
		}
		c, err := p.NewConverter()
		if err == nil {
			err = c.Configure(wanted.Props, isKey)
		}
		if err != nil {
			return err
		}
		*made = c
		s.closers = append(s.closers, c.Close)
	}
	wanted := own.Header
	if wanted == nil {
		wanted = &settings.ConverterSettings{Class: settings.SimpleHeaderConverter, Props: map[string]string{}}
	}
	p, ok := registry.Find(plugins.HeaderConverter, wanted.Class)
	if !ok {
		return errs.InvalidValue("header.converter", wanted.Class, "Class "+wanted.Class+" could not be found.")
	}
	c, err := p.NewHeaderConverter()
	if err == nil {
		err = c.Configure(wanted.Props)
	}
	if err != nil {
		return err
	}
	s.header = c
	s.closers = append(s.closers, c.Close)
	return nil
}

// Name is the connector's.
func (s *Sink) Name() string { return s.name }

// place is where a letter's record was first read.
func (l Letter) place() connect.TopicPartitionOffset {
	return connect.TopicPartitionOffset{Topic: l.Context.Topic, Partition: l.Context.Partition, Offset: l.Context.Offset}
}

// Deliver is for Replay.Deliver: it gives letters to the task, waits until all that
// it took is where it should be, and says which were taken. A record of which there are
// several letters is given once. Retriable errors are tried again until ctx ends; any
// other is returned.
func (s *Sink) Deliver(ctx context.Context, letters []Letter) ([]bool, error) {
	failed := map[connect.TopicPartitionOffset]bool{}
	var records []*connect.Record
	next := map[connect.TopicPartition]int64{}
	seen := map[connect.TopicPartitionOffset]bool{}
	for _, l := range letters {
		at := l.place()
		if seen[at] {
			continue
		}
		seen[at] = true
		r, err := s.record(ctx, l)
		if err != nil {
			failed[at] = true
			if err := s.fails(l, err); err != nil {
				return nil, err
			}
			continue
		}
		if r == nil {
			continue // a transform drops it, as it would have done then
		}
		records = append(records, r)
		tp := connect.TopicPartition{Topic: at.Topic, Partition: at.Partition}
		next[tp] = max(next[tp], at.Offset+1)
	}
	slices.SortStableFunc(records, func(a, b *connect.Record) int {
		return cmp.Or(strings.Compare(a.Original.Topic, b.Original.Topic), cmp.Compare(a.Original.Partition, b.Original.Partition), cmp.Compare(a.Original.Offset, b.Original.Offset))
	})
	if len(records) > 0 {
		if err := s.put(ctx, records, next); err != nil {
			return nil, err
		}
	}
	for at, err := range s.ctx.takeErrant() {
		failed[at] = true
		for _, l := range letters {
			if l.place() == at {
				if err := s.fails(l, err); err != nil {
					return nil, err
				}
				break
			}
		}
	}
	taken := make([]bool, len(letters))
	for i, l := range letters {
		taken[i] = !failed[l.place()]
	}
	return taken, nil
}

// fails tells of a letter that fails again.
func (s *Sink) fails(l Letter, err error) error {
	text, ok := errs.Message(err)
	if !ok {
		text = "null"
	}
	_, err = fmt.Fprintf(s.failures, "partition %d offset %d fails again: %s: %s\n", l.Partition, l.Offset, errs.Class(err), text)
	return err
}

// record makes of a letter what the task would have been given, nil where a transform
// drops it.
func (s *Sink) record(ctx context.Context, l Letter) (*connect.Record, error) {
	at := l.place()
	r := &connect.Record{
		Topic: at.Topic, Partition: at.Partition, Offset: at.Offset, Original: at, Sink: true,
		Timestamp: connect.NoTimestamp, TimestampType: connect.CreateTime, Origin: at,
	}
	if ms := l.Timestamp.UnixMilli(); ms >= 0 {
		r.Timestamp = ms
	}
	var raw connect.RawHeaders
	for _, h := range l.Headers {
		raw = append(raw, connect.RawHeader(h))
	}
	for _, isKey := range []bool{true, false} {
		converter, b := s.value, l.Value
		if isKey {
			converter, b = s.key, l.Key
		}
		sv, err := converter.ToConnectData(ctx, at.Topic, &raw, b)
		switch {
		case err != nil:
			return nil, err
		case isKey:
			r.KeySchema, r.Key = sv.Schema, sv.Value
		default:
			r.ValueSchema, r.Value = sv.Schema, sv.Value
		}
	}
	for _, h := range raw {
		sv, err := s.header.ToConnectHeader(at.Topic, h.Key, h.Value)
		if err != nil {
			return nil, err
		}
		r.Headers = append(r.Headers, connect.Header{Key: h.Key, Schema: sv.Schema, Value: sv.Value})
	}
	out, _, err := s.chain.Apply(ctx, r)
	if out != nil && (out.Original != at || out.Origin == nil) {
		out = out.Copy()
		out.Sink, out.Original, out.Offset, out.TimestampType, out.Origin = true, at, r.Offset, r.TimestampType, at
	}
	return out, err
}

const (
	// retryMin and retryMax bound the wait before records are put again.
	retryMin, retryMax = time.Second, 30 * time.Second
	// commitPoll is how often a task that writes on its own time is asked how far it is.
	commitPoll = 50 * time.Millisecond
)

// put gives records to the task and returns when it says that they are safe. The
// partitions are opened for them alone, for letters are not in the order of offsets.
func (s *Sink) put(ctx context.Context, records []*connect.Record, next map[connect.TopicPartition]int64) (err error) {
	s.ctx.assign(slices.Collect(maps.Keys(next)))
	if err := s.task.Open(ctx, s.ctx.Assignment()); err != nil {
		return fmt.Errorf("opening partitions: %w", err)
	}
	defer func() { err = errors.Join(err, s.task.Close(ctx, s.ctx.Assignment())) }()
	wait := retryMin
	for {
		err := s.task.Put(ctx, slices.Clone(records))
		if err == nil {
			break
		}
		if !errs.IsRetriable(err) || ctx.Err() != nil {
			return fmt.Errorf("putting records: %w", err)
		}
		s.ctx.log.Warn("the sink asks to be given the records again", "after", wait, "error", err)
		if err := pause(ctx, max(wait, s.ctx.takeTimeout())); err != nil {
			return err
		}
		wait = min(2*wait, retryMax)
	}
	for {
		safe, err := s.task.PreCommit(ctx, maps.Clone(next))
		if err != nil {
			return fmt.Errorf("committing: %w", err)
		}
		all := true
		for tp, offset := range next {
			all = all && safe[tp] >= offset
		}
		if all {
			return nil
		}
		if err := pause(ctx, commitPoll); err != nil {
			return err
		}
		// A task is called again and again, and says so if what it began has failed.
		if err := s.task.Put(ctx, nil); err != nil && !errs.IsRetriable(err) {
			return fmt.Errorf("putting records: %w", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close stops the task.
func (s *Sink) Close(ctx context.Context) error {
	return errors.Join(s.task.Stop(ctx), s.closeAll())
}

func (s *Sink) closeAll() error {
	var all []error
	for _, c := range s.closers {
		all = append(all, c())
	}
	s.closers = nil
	return errors.Join(all...)
}
