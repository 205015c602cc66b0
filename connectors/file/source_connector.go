package file

import (
	"context"
	"os"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Class names of the source.
const (
	SourceClass     = "org.apache.kafka.connect.file.FileStreamSourceConnector"
	sourceTaskClass = "org.apache.kafka.connect.file.FileStreamSourceTask"
)

// SourceConnector reads the lines of one file, or of standard input
// (org.apache.kafka.connect.file.FileStreamSourceConnector). It always has one task.
type SourceConnector struct {
	stdin *os.File
	props map[string]string
}

// NewSource returns a source that reads standard input where no file is set.
func NewSource() *SourceConnector { return &SourceConnector{stdin: os.Stdin} }

// ConfigDef describes the settings.
func (*SourceConnector) ConfigDef() *configdef.Def { return sourceDef() }

// Start takes the settings.
func (c *SourceConnector) Start(_ context.Context, cc connect.ConnectorContext, props map[string]string) error {
	cfg, err := sourceDef().Parse(props)
	if err != nil {
		return err
	}
	name := cfg.String(keyFile)
	if name == "" {
		name = "standard input"
	}
	cc.Logger().Info("starting file source connector", "file", name)
	c.props = props
	return nil
}

// TaskConfigs returns the settings of the one task.
func (c *SourceConnector) TaskConfigs(int) ([]map[string]string, error) {
	return []map[string]string{c.props}, nil
}

// TaskClass returns the Java class of the task.
func (*SourceConnector) TaskClass() string { return sourceTaskClass }

// NewTask returns a task.
func (c *SourceConnector) NewTask() connect.SourceTask { return &sourceTask{stdin: c.stdin} }

// Stop has nothing to end.
func (*SourceConnector) Stop(context.Context) error { return nil }

// ExactlyOnceSupport is given for files, but not for standard input, whose offsets
// are not tracked (KIP-618).
func (*SourceConnector) ExactlyOnceSupport(props map[string]string) (bool, error) {
	cfg, err := sourceDef().Parse(props)
	if err != nil {
		return false, err
	}
	return cfg.String(keyFile) != "", nil
}

// AlterOffsets checks new offsets (KIP-875). Any partition may be removed; whether
// a position lies within the file is left to the task.
func (*SourceConnector) AlterOffsets(_ context.Context, props map[string]string, offsets []connect.PartitionOffset) (bool, error) {
	cfg, err := sourceDef().Parse(props)
	if err != nil {
		return false, err
	}
	if cfg.String(keyFile) == "" {
		return false, errs.Connect("Offsets cannot be modified if the '" + keyFile + "' configuration is unspecified. " +
			"This is because stdin is used for input and offsets are not tracked.")
	}
	for _, po := range offsets {
		if po.Offset == nil {
			continue
		}
		position, ok := po.Offset.GetString(positionField)
		switch {
		case !ok:
			return false, errs.Connect("Offset objects should either be null or contain the key '" + positionField + "'")
		case position.Kind() != schema.KindInt64:
			return false, errs.Connect("The value for the '" + positionField + "' key in the offset is expected to be a Long value")
		case position.Int64() < 0:
			return false, errs.Connect("The value for the '" + positionField + "' key in the offset should be a non-negative value")
		case po.Partition == nil:
			return false, errs.Connect("Partition objects cannot be null")
		}
		if _, ok := po.Partition.GetString(filenameField); !ok {
			return false, errs.Connect("Partition objects should contain the key '" + filenameField + "'")
		}
	}
	return true, nil
}

var _ interface {
	connect.SourceConnector
	connect.OffsetAlterer
	connect.ExactlyOnceSupporter
} = (*SourceConnector)(nil)
