package store

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// OffsetStore keeps the offsets of source partitions: Java's OffsetBackingStore
// with the reader and writer on top. All methods may be called by several
// goroutines at once.
//
// Source partitions are the same when their JSON values are, whatever the order of
// their keys and the width of their integers. Partitions and offsets must hold only
// strings as keys and only primitives as values; nil is null.
type OffsetStore interface {
	// Start reads all there is. A store is started once.
	Start(ctx context.Context) error
	// Stop ends all goroutines of the store and waits for them.
	Stop(ctx context.Context) error
	// Offsets returns the offsets of a connector's source partitions, in their
	// order, nil where there is none. It sees all that was written before the call,
	// by whichever worker.
	Offsets(ctx context.Context, connector string, partitions []*schema.MapValue) ([]*schema.MapValue, error)
	// All returns all source partitions of a connector that have an offset, in a
	// fixed order. It sees all that was written before the call.
	All(ctx context.Context, connector string) ([]connect.PartitionOffset, error)
	// Set writes offsets and returns once they are durable. A nil offset removes.
	Set(ctx context.Context, connector string, offsets []connect.PartitionOffset) error
	// Records returns what Set would write, for a task that writes it to Topic in a
	// transaction of its own (KIP-618).
	Records(connector string, offsets []connect.PartitionOffset) ([]OffsetRecord, error)
	// Topic is the name of the topic, "" when the store is not a topic.
	Topic() string
}

// Mirror is an OffsetStore that must hear of transactions with its Records;
// *ConnectorOffsetStore is one.
type Mirror interface {
	// Prepare must succeed before the transaction begins that writes these offsets.
	Prepare(ctx context.Context, connector string, offsets []connect.PartitionOffset) error
	// Committed tells that the transaction was committed. It returns at once.
	Committed(connector string, offsets []connect.PartitionOffset)
}

// OffsetRecord is the key and value of one record of an offsets topic. A nil Value
// is a tombstone.
type OffsetRecord struct {
	Key, Value []byte
}
