package task

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// recordChunk is how many records are allocated together. A task that keeps one of
// them keeps all.
const recordChunk = 128

// decoder makes records for the task of what was fetched. It belongs to the reader.
type decoder struct {
	s      *Sink
	origin bool // records lead back to what was read
	chunk  []connect.Record
	raw    connect.RawHeaders
	// mu guards the converters, which the errant record reporter uses, too.
	mu *sync.Mutex
}

func newDecoder(s *Sink) decoder { return decoder{s: s, origin: s.errant != nil, mu: &sync.Mutex{}} }

// decode converts and transforms what was fetched. An error ends the task; nothing of
// this fetch is delivered then, as in Connect.
func (d *decoder) decode(ctx context.Context, raw []rawPart) (*sinkBatch, error) {
	b := &sinkBatch{segments: make([]segment, 0, len(raw))}
	n, topic := 0, ""
	for _, part := range raw {
		n += len(part.records)
	}
	all := make([]*connect.Record, 0, n)
	d.s.meter.read.Add(int64(n))
	d.mu.Lock()
	defer d.mu.Unlock()
	var bytes int64
	for _, part := range raw {
		from := len(all)
		for _, msg := range part.records {
			bytes += int64(len(msg.Key) + len(msg.Value))
			out, err := d.record(ctx, b, msg)
			if err != nil {
				return nil, err
			}
			if out != nil {
				all = append(all, out)
			}
		}
		if part.part.Topic != topic {
			topic = part.part.Topic
			d.s.touch(topic)
		}
		last := part.records[len(part.records)-1]
		b.segments = append(b.segments, segment{part: part.part, records: all[from:len(all):len(all)], next: last.Offset + 1, high: part.high})
	}
	d.s.meter.bytesRead.Add(bytes)
	b.bytes = bytes + int64(n)*64
	return b, nil
}

// record returns the record to deliver, or nil when it was dropped or is skipped.
func (d *decoder) record(ctx context.Context, b *sinkBatch, msg *kgo.Record) (*connect.Record, error) {
	if len(d.chunk) == 0 {
		d.chunk = make([]connect.Record, recordChunk)
	}
	d.raw = d.raw[:0]
	for _, h := range msg.Headers {
		d.raw = append(d.raw, connect.RawHeader(h))
	}
	r := &d.chunk[0]
	*r = connect.Record{
		Topic: msg.Topic, Partition: msg.Partition, Timestamp: connect.NoTimestamp,
		Sink: true, TimestampType: connect.TimestampType(msg.Attrs.TimestampType()), Offset: msg.Offset,
		Original: connect.TopicPartitionOffset{Topic: msg.Topic, Partition: msg.Partition, Offset: msg.Offset},
	}
	if d.origin {
		r.Origin = msg
	}
	if ok, err := d.step(ctx, b, msg, stageKey, d.s.cfg.Key.Class, r, d.key); !ok {
		return nil, err
	}
	if ok, err := d.step(ctx, b, msg, stageValue, d.s.cfg.Value.Class, r, d.value); !ok {
		return nil, err
	}
	if len(msg.Headers) > 0 {
		if ok, err := d.step(ctx, b, msg, stageHeader, d.s.cfg.Header.Class, r, d.headers); !ok {
			return nil, err
		}
	}
	switch ms := msg.Timestamp.UnixMilli(); {
	case ms >= 0:
		r.Timestamp = ms
	case ms != -1:
		return nil, errs.New(classInvalidRecord, "Invalid record timestamp %d", ms)
	}
	d.chunk = d.chunk[1:]
	return d.transform(ctx, b, msg, r)
}

// step does one conversion under the error policy. ok is false when the record is
// skipped.
func (d *decoder) step(ctx context.Context, b *sinkBatch, msg *kgo.Record, st stage, class string, r *connect.Record,
	do func(context.Context, *kgo.Record, *connect.Record) error,
) (ok bool, err error) {
	if err = do(ctx, msg, r); err == nil {
		return true, nil
	}
	f := &failure{stage: st, class: class, err: err, consumed: msg}
	return d.s.op.handle(ctx, f, func() error { return do(ctx, msg, r) }, d.s.reported(b))
}

// reported returns what is to be called when the report of a skipped record of b is
// durable.
func (s *Sink) reported(b *sinkBatch) func(error) {
	if b.reports == nil {
		b.reports = &reports{}
	}
	ended := b.reports.add()
	return func(err error) {
		s.reportEnded(err)
		ended(err)
	}
}

// reportEnded fails the task when a report failed for good.
func (s *Sink) reportEnded(err error) {
	if err != nil {
		s.reportErr.CompareAndSwap(nil, &err)
		notify(s.ctx.wake)
	}
}

func (d *decoder) key(ctx context.Context, msg *kgo.Record, r *connect.Record) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = d.s.panicked(v, "converting the key of a record with "+d.s.cfg.Key.Class)
		}
	}()
	sv, err := d.s.cfg.Key.ToConnectData(ctx, msg.Topic, &d.raw, msg.Key)
	r.KeySchema, r.Key = sv.Schema, sv.Value
	return err
}

func (d *decoder) value(ctx context.Context, msg *kgo.Record, r *connect.Record) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = d.s.panicked(v, "converting the value of a record with "+d.s.cfg.Value.Class)
		}
	}()
	sv, err := d.s.cfg.Value.ToConnectData(ctx, msg.Topic, &d.raw, msg.Value)
	r.ValueSchema, r.Value = sv.Schema, sv.Value
	return err
}

func (d *decoder) headers(_ context.Context, msg *kgo.Record, r *connect.Record) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = d.s.panicked(v, "converting the headers of a record with "+d.s.cfg.Header.Class)
		}
	}()
	headers := make(connect.Headers, len(d.raw))
	for i, h := range d.raw {
		sv, err := d.s.cfg.Header.ToConnectHeader(msg.Topic, h.Key, h.Value)
		if err != nil {
			return err
		}
		headers[i] = connect.Header{Key: h.Key, Schema: sv.Schema, Value: sv.Value}
	}
	r.Headers = headers
	return nil
}

func (d *decoder) transform(ctx context.Context, b *sinkBatch, msg *kgo.Record, r *connect.Record) (*connect.Record, error) {
	chain := d.s.cfg.Chain
	if chain == nil || chain.Len() == 0 {
		return r, nil
	}
	out, at, err := d.apply(ctx, r)
	if err != nil {
		f := &failure{stage: stageTransform, class: chain.Class(at), err: err, consumed: msg}
		ok, err := d.s.op.handle(ctx, f, func() (err error) {
			out, at, err = d.apply(ctx, r)
			f.class = chain.Class(at)
			return err
		}, d.s.reported(b))
		if !ok {
			return nil, err
		}
	}
	if out != nil && out.Original != r.Original {
		// A transform that made a record anew has left out what is the runtime's.
		out = out.Copy()
		out.Sink, out.Original, out.Offset, out.TimestampType = true, r.Original, r.Offset, r.TimestampType
	}
	if out != nil && d.origin && out.Origin == nil {
		out = out.Copy()
		out.Origin = msg
	}
	return out, nil
}

func (d *decoder) apply(ctx context.Context, r *connect.Record) (out *connect.Record, at int, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, d.s.panicked(v, "transforming a record")
		}
	}()
	return d.s.cfg.Chain.Apply(ctx, r)
}
