package connect

import (
	"context"
	"log/slog"

	"github.com/moldau-io/moldau/connect/schema"
)

// Connector plans the tasks of one connector; it moves no records
// (org.apache.kafka.connect.connector.Connector). A connector is a SourceConnector
// or a SinkConnector.
type Connector interface {
	Configured
	// Start takes the connector's whole configuration. It may start goroutines,
	// which Stop must wait for.
	Start(ctx context.Context, cc ConnectorContext, props map[string]string) error
	// TaskConfigs returns the settings of at most maxTasks tasks.
	TaskConfigs(maxTasks int) ([]map[string]string, error)
	// TaskClass returns the Java class name that Connect writes into task
	// configurations as task.class.
	TaskClass() string
	// Stop ends what Start began. It is called once, also when Start failed.
	Stop(ctx context.Context) error
}

// ConfigValidator is a Connector that checks more than its ConfigDef can: several
// keys together, or a connection. It returns further errors by key.
type ConfigValidator interface {
	ValidateConfig(ctx context.Context, props map[string]string) map[string][]string
}

// ConnectorContext is what the runtime offers a running connector.
type ConnectorContext interface {
	// RequestTaskReconfiguration asks for TaskConfigs to be called again.
	RequestTaskReconfiguration()
	// RaiseError fails the connector.
	RaiseError(err error)
	// OffsetReader reads a source connector's stored offsets; nil for sinks.
	OffsetReader() OffsetReader
	Logger() *slog.Logger
}

// SourceConnector is a connector whose tasks read from elsewhere into topics.
type SourceConnector interface {
	Connector
	NewTask() SourceTask
}

// SinkConnector is a connector whose tasks write records of topics elsewhere.
type SinkConnector interface {
	Connector
	NewTask() SinkTask
}

// OffsetAlterer is a SourceConnector that has a say in changes of its offsets
// (KIP-875). A nil offset removes a source partition's offset. It returns true
// when it knows the offsets to be good, false when it has no opinion.
type OffsetAlterer interface {
	AlterOffsets(ctx context.Context, props map[string]string, offsets []PartitionOffset) (bool, error)
}

// SinkOffsetAlterer is the like for sinks; an offset of -1 stands for null.
type SinkOffsetAlterer interface {
	AlterSinkOffsets(ctx context.Context, props map[string]string, offsets map[TopicPartition]int64) (bool, error)
}

// PartitionOffset is a source partition and its offset, either of which may be nil.
type PartitionOffset struct {
	Partition, Offset *schema.MapValue
}

// ExactlyOnceSupporter is a SourceConnector that says whether it can give
// exactly-once delivery with a configuration (KIP-618).
type ExactlyOnceSupporter interface {
	ExactlyOnceSupport(props map[string]string) (supported bool, err error)
}

// TransactionBoundaryDefiner is a SourceConnector whose tasks can define
// transactions themselves (transaction.boundary=connector).
type TransactionBoundaryDefiner interface {
	CanDefineTransactionBoundaries(props map[string]string) (bool, error)
}

// OffsetReader reads stored source offsets. The result has an entry for each
// partition, nil where there is none.
type OffsetReader interface {
	Offsets(ctx context.Context, partitions []*schema.MapValue) ([]*schema.MapValue, error)
}
