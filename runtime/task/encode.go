package task

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// encoder is a converter as a source uses it.
type encoder struct {
	connect.Converter
	appender connect.Appender // nil if the converter cannot append
	class    string
	stage    stage
}

func newEncoder(c Converter, st stage) encoder {
	a, _ := c.Converter.(connect.Appender)
	return encoder{Converter: c.Converter, appender: a, class: c.Class, stage: st}
}

// transform applies the chain to the record of e. ok is false when the record was
// dropped or is to be skipped.
func (s *Source) transform(ctx context.Context, e *entry) (out *connect.Record, ok bool, err error) {
	if s.cfg.Chain == nil || s.cfg.Chain.Len() == 0 {
		return e.src, true, nil
	}
	out, at, err := s.apply(ctx, e.src)
	if err == nil {
		return out, out != nil, nil
	}
	f := &failure{stage: stageTransform, class: s.cfg.Chain.Class(at), err: err, source: e.src}
	recovered, err := s.op.handle(ctx, f, func() (err error) {
		out, at, err = s.apply(ctx, e.src)
		f.class = s.cfg.Chain.Class(at)
		return err
	}, ignoreReport)
	return out, recovered && out != nil, err
}

func (s *Source) apply(ctx context.Context, r *connect.Record) (out *connect.Record, at int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = s.panicked(v, "transforming a record")
		}
	}()
	return s.cfg.Chain.Apply(ctx, r)
}

// ignoreReport is for records of sources, which are only logged.
func ignoreReport(error) {}

// encode makes the Kafka record of e from a transformed record. ok is false when it is
// to be skipped.
func (s *Source) encode(ctx context.Context, e *entry, r *connect.Record, now time.Time) (ok bool, err error) {
	s.raw = s.raw[:0]
	if len(r.Headers) > 0 {
		if ok, err := s.encodeHeaders(ctx, e, r); !ok {
			return false, err
		}
	}
	key, ok, err := s.encodePart(ctx, e, &s.key, r.Topic, r.KeySchema, r.Key)
	if !ok {
		return false, err
	}
	value, ok, err := s.encodePart(ctx, e, &s.value, r.Topic, r.ValueSchema, r.Value)
	if !ok {
		return false, err
	}
	switch {
	case r.Timestamp >= 0:
		now = time.UnixMilli(r.Timestamp)
	case r.Timestamp != connect.NoTimestamp && r.Timestamp != -1:
		return false, errs.New(classInvalidRecord, "Invalid record timestamp %d", r.Timestamp)
	}
	e.rec = kgo.Record{Key: key, Value: value, Timestamp: now, Topic: r.Topic, Context: e}
	e.partition = r.Partition
	if len(s.raw) > 0 {
		e.rec.Headers = make([]kgo.RecordHeader, len(s.raw))
		for i, h := range s.raw {
			e.rec.Headers[i] = kgo.RecordHeader(h)
		}
	}
	return true, nil
}

func (s *Source) encodePart(ctx context.Context, e *entry, c *encoder, topic string, sc *schema.Schema, v schema.Value) (b []byte, ok bool, err error) {
	if b, err = s.callEncoder(ctx, e, c, topic, sc, v); err == nil {
		return b, true, nil
	}
	headers := len(s.raw)
	f := &failure{stage: c.stage, class: c.class, err: err, source: e.src}
	ok, err = s.op.handle(ctx, f, func() (err error) {
		s.raw = s.raw[:headers]
		b, err = s.callEncoder(ctx, e, c, topic, sc, v)
		return err
	}, ignoreReport)
	return b, ok, err
}

func (s *Source) callEncoder(ctx context.Context, e *entry, c *encoder, topic string, sc *schema.Schema, v schema.Value) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.panicked(r, "converting the "+what(c.stage)+" of a record with "+c.class)
		}
	}()
	if c.appender == nil {
		return c.FromConnectData(ctx, topic, &s.raw, sc, v)
	}
	out, ok, err := c.appender.AppendConnectData(ctx, s.arenas.space(e.arena), topic, &s.raw, sc, v)
	if err != nil || !ok {
		return nil, err
	}
	return s.arenas.keep(e.arena, out), nil
}

func what(st stage) string {
	switch st {
	case stageKey:
		return "key"
	case stageValue:
		return "value"
	}
	return "headers"
}

func (s *Source) encodeHeaders(ctx context.Context, e *entry, r *connect.Record) (ok bool, err error) {
	if err = s.callHeaderEncoder(r); err == nil {
		return true, nil
	}
	f := &failure{stage: stageHeader, class: s.cfg.Header.Class, err: err, source: e.src}
	return s.op.handle(ctx, f, func() error { return s.callHeaderEncoder(r) }, ignoreReport)
}

func (s *Source) callHeaderEncoder(r *connect.Record) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = s.panicked(v, "converting the headers of a record with "+s.cfg.Header.Class)
		}
	}()
	s.raw = s.raw[:0]
	for i := range r.Headers {
		h := &r.Headers[i]
		b, err := s.cfg.Header.FromConnectHeader(r.Topic, h.Key, h.Schema, h.Value)
		if err != nil {
			return err
		}
		s.raw = append(s.raw, connect.RawHeader{Key: h.Key, Value: b})
	}
	return nil
}
