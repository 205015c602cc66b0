package file

import (
	"context"
	"io"
	"os"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
)

// Class names of the sink.
const (
	SinkClass     = "org.apache.kafka.connect.file.FileStreamSinkConnector"
	sinkTaskClass = "org.apache.kafka.connect.file.FileStreamSinkTask"
)

// SinkConnector appends record values to a file, or writes them to standard output
// (org.apache.kafka.connect.file.FileStreamSinkConnector).
type SinkConnector struct {
	stdout io.Writer
	props  map[string]string
}

// NewSink returns a sink that writes standard output where no file is set.
func NewSink() *SinkConnector { return &SinkConnector{stdout: os.Stdout} }

// ConfigDef describes the settings.
func (*SinkConnector) ConfigDef() *configdef.Def { return sinkDef() }

// Start takes the settings.
func (c *SinkConnector) Start(_ context.Context, cc connect.ConnectorContext, props map[string]string) error {
	cfg, err := sinkDef().Parse(props)
	if err != nil {
		return err
	}
	name := cfg.String(keyFile)
	if name == "" {
		name = "standard output"
	}
	cc.Logger().Info("starting file sink connector", "file", name)
	c.props = props
	return nil
}

// TaskConfigs returns maxTasks times the same settings.
func (c *SinkConnector) TaskConfigs(maxTasks int) ([]map[string]string, error) {
	out := make([]map[string]string, maxTasks)
	for i := range out {
		out[i] = c.props
	}
	return out, nil
}

// TaskClass returns the Java class of the tasks.
func (*SinkConnector) TaskClass() string { return sinkTaskClass }

// NewTask returns a task.
func (c *SinkConnector) NewTask() connect.SinkTask { return &sinkTask{stdout: c.stdout} }

// Stop has nothing to end.
func (*SinkConnector) Stop(context.Context) error { return nil }

// AlterSinkOffsets accepts any offsets: the consumer group alone holds them.
func (*SinkConnector) AlterSinkOffsets(context.Context, map[string]string, map[connect.TopicPartition]int64) (bool, error) {
	return true, nil
}

var _ interface {
	connect.SinkConnector
	connect.SinkOffsetAlterer
} = (*SinkConnector)(nil)
