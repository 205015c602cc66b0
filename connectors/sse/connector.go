package sse

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Class names of the connector: ours, and that of the known connector whose
// configurations it runs.
const (
	Class     = "io.moldau.connect.sse.ServerSentEventsSourceConnector"
	Alias     = "com.github.cjmatta.kafka.connect.sse.ServerSentEventsSourceConnector"
	taskClass = "com.github.cjmatta.kafka.connect.sse.ServerSentEventsSourceTask"
)

// Version is the version of the connector.
const Version = connect.Version

// Connector reads one stream with one task, whatever tasks.max is.
type Connector struct{ props map[string]string }

// New returns a connector.
func New() *Connector { return &Connector{} }

// ConfigDef describes the settings.
func (*Connector) ConfigDef() *configdef.Def { return def() }

// ValidateConfig checks settings that depend on each other.
func (*Connector) ValidateConfig(ctx context.Context, props map[string]string) map[string][]string {
	return validate(ctx, props)
}

// Start takes the settings.
func (c *Connector) Start(_ context.Context, cc connect.ConnectorContext, props map[string]string) error {
	set, err := parse(props)
	if err != nil {
		return err
	}
	cc.Logger().Info("starting event stream connector", "uri", set.shown)
	c.props = props
	return nil
}

// TaskConfigs returns the settings of the one task.
func (c *Connector) TaskConfigs(int) ([]map[string]string, error) {
	return []map[string]string{c.props}, nil
}

// TaskClass returns the Java class of the task.
func (*Connector) TaskClass() string { return taskClass }

// NewTask returns a task.
func (*Connector) NewTask() connect.SourceTask { return &task{} }

// Stop has nothing to end.
func (*Connector) Stop(context.Context) error { return nil }

// ExactlyOnceSupport is not given: it depends on how the server takes Last-Event-ID.
func (*Connector) ExactlyOnceSupport(map[string]string) (bool, error) { return false, nil }

// AlterOffsets checks new offsets: {"uri": …} with {"id": …}.
func (*Connector) AlterOffsets(_ context.Context, _ map[string]string, offsets []connect.PartitionOffset) (bool, error) {
	for _, po := range offsets {
		if po.Offset == nil {
			continue
		}
		if po.Partition == nil {
			return false, errs.Connect("Partition objects cannot be null")
		}
		if v, ok := po.Partition.GetString(uriField); !ok || v.Kind() != schema.KindString {
			return false, errs.Connect("Partition objects should contain the key '" + uriField + "' with the URL of the stream")
		}
		if err := checkOffset(po.Offset); err != nil {
			return false, err
		}
	}
	return true, nil
}

var _ interface {
	connect.SourceConnector
	connect.ConfigValidator
	connect.ExactlyOnceSupporter
	connect.OffsetAlterer
} = (*Connector)(nil)
