package store

import (
	"cmp"
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/kafka"
)

// kafkaOffsets is the offset store in a compacted topic (KafkaOffsetBackingStore).
type kafkaOffsets struct {
	*offsetTable
	opts TopicOptions
	log  *kafka.Log
}

// NewKafkaOffsets returns an offset store in a topic: the worker's or, with the
// connector's clients, that of a single connector (KIP-618). Topic.Key is
// "offset.storage.topic" if it is not set.
func NewKafkaOffsets(opts TopicOptions) OffsetStore {
	opts.Topic.Key = cmp.Or(opts.Topic.Key, "offset.storage.topic")
	opts.Topic.Purpose = "source connector offsets"
	s := &kafkaOffsets{offsetTable: newOffsetTable(opts.Logger, false), opts: opts}
	s.log = opts.log(func(r *kgo.Record) {
		s.read(r.Key, r.Value, r.Timestamp.UnixMilli(), "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	})
	return s
}

func (s *kafkaOffsets) Start(ctx context.Context) error {
	if err := s.opts.Admin.EnsureInternalTopic(ctx, s.opts.Topic); err != nil {
		return err
	}
	return s.log.Start(ctx)
}

func (s *kafkaOffsets) Stop(ctx context.Context) error { return s.log.Stop(ctx) }

func (s *kafkaOffsets) Topic() string { return s.opts.Topic.Name }

func (s *kafkaOffsets) refresh(ctx context.Context) error {
	if err := s.log.ReadToEnd(ctx); err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Failed to fetch offsets.")
	}
	return nil
}

func (s *kafkaOffsets) Offsets(ctx context.Context, connector string, partitions []*schema.MapValue) ([]*schema.MapValue, error) {
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	return s.offsets(connector, partitions), nil
}

func (s *kafkaOffsets) All(ctx context.Context, connector string) ([]connect.PartitionOffset, error) {
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	return s.all(connector), nil
}

func (s *kafkaOffsets) Records(connector string, offsets []connect.PartitionOffset) ([]OffsetRecord, error) {
	return s.records(connector, offsets)
}

func (s *kafkaOffsets) Set(ctx context.Context, connector string, offsets []connect.PartitionOffset) error {
	records, err := s.records(connector, offsets)
	if err != nil {
		return err
	}
	batch := make([]kgo.Record, len(records))
	for i, r := range records {
		batch[i] = kgo.Record{Key: r.Key, Value: r.Value}
	}
	return s.log.SendAll(ctx, batch...)
}
