package connect

import (
	"math"

	"github.com/moldau-io/moldau/connect/schema"
)

const (
	// NoPartition is the partition of a record that has none (null in Java).
	NoPartition int32 = -1
	// NoTimestamp is the timestamp of a record that has none (null in Java).
	NoTimestamp int64 = math.MinInt64
)

// TimestampType says where a sink record's timestamp comes from.
type TimestampType int8

// The timestamp types of Kafka.
const (
	NoTimestampType TimestampType = iota - 1
	CreateTime
	LogAppendTime
)

// String returns Java's enum name.
func (t TimestampType) String() string {
	switch t {
	case CreateTime:
		return "CREATE_TIME"
	case LogAppendTime:
		return "LOG_APPEND_TIME"
	}
	return "NO_TIMESTAMP_TYPE"
}

// Record is one record on its way from a source to a topic or from a topic to a
// sink (ConnectRecord, SourceRecord and SinkRecord in one). It is not changed once
// handed on: a transform that changes something works on a Copy.
type Record struct {
	// Topic is where the record goes to or comes from; transforms may change it.
	Topic string
	// Partition is NoPartition where the producer is to choose.
	Partition int32
	// Timestamp is in milliseconds since the epoch, or NoTimestamp.
	Timestamp int64

	KeySchema   *schema.Schema
	Key         schema.Value
	ValueSchema *schema.Schema
	Value       schema.Value
	Headers     Headers

	// Sink says that the record was read from a topic; it decides which of the
	// fields below mean something.
	Sink bool

	// TimestampType, of a sink record.
	TimestampType TimestampType
	// Offset, of a sink record; transforms see it, and cannot change where it is committed.
	Offset int64
	// Original is where a sink record was read, whatever transforms made of it.
	Original TopicPartitionOffset

	// Origin is the runtime's own, and plugins leave it alone: it leads from a record
	// that a sink reports as bad back to what was read. Copies keep it.
	Origin any

	// SourcePartition and SourceOffset say where a source record comes from. Records
	// of one source partition should share one map. nil is an empty map.
	SourcePartition, SourceOffset *schema.MapValue
}

// TopicPartition names a partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// TopicPartitionOffset names a place in a topic.
type TopicPartitionOffset struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Copy returns a shallow copy that a transform may change. Headers are copied on write.
func (r *Record) Copy() *Record {
	c := *r
	return &c
}

// SchemaAndValue is a value with its schema; a nil schema is schemaless data.
type SchemaAndValue struct {
	Schema *schema.Schema
	Value  schema.Value
}
