package store

import (
	"context"
	"log/slog"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// memoryOffsets is the offset store that lives as long as the process does
// (MemoryOffsetBackingStore).
type memoryOffsets struct{ *offsetTable }

// NewMemoryOffsets returns an offset store in memory.
func NewMemoryOffsets(logger *slog.Logger) OffsetStore {
	return memoryOffsets{newOffsetTable(logger, false)}
}

func (s memoryOffsets) Start(context.Context) error { return nil }
func (s memoryOffsets) Stop(context.Context) error  { return nil }
func (s memoryOffsets) Topic() string               { return "" }

func (s memoryOffsets) Offsets(_ context.Context, connector string, partitions []*schema.MapValue) ([]*schema.MapValue, error) {
	return s.offsets(connector, partitions), nil
}

func (s memoryOffsets) All(_ context.Context, connector string) ([]connect.PartitionOffset, error) {
	return s.all(connector), nil
}

func (s memoryOffsets) Records(connector string, offsets []connect.PartitionOffset) ([]OffsetRecord, error) {
	return s.records(connector, offsets)
}

func (s memoryOffsets) Set(_ context.Context, connector string, offsets []connect.PartitionOffset) error {
	records, err := s.records(connector, offsets)
	if err != nil {
		return err
	}
	for _, r := range records {
		s.read(r.Key, r.Value, 0)
	}
	return nil
}
