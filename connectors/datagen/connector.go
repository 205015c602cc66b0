package datagen

import (
	"context"
	"maps"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Class names of the connector.
const (
	Class     = "io.moldau.connect.datagen.DatagenSourceConnector"
	taskClass = "io.moldau.connect.datagen.DatagenSourceTask"
)

// Connector generates records. Task t of k makes the records whose number leaves
// the remainder t when divided by k.
type Connector struct{ props map[string]string }

// New returns a connector.
func New() *Connector { return &Connector{} }

// ConfigDef describes the settings.
func (*Connector) ConfigDef() *configdef.Def { return def() }

// ValidateConfig checks what the definition cannot.
func (*Connector) ValidateConfig(_ context.Context, props map[string]string) map[string][]string {
	cfg, err := def().Parse(props)
	if err != nil || cfg.Double(keyRate) >= 0 {
		return nil
	}
	return map[string][]string{keyRate: {errs.InvalidValue(keyRate, cfg.Double(keyRate), "Value must be at least 0; 0 is no limit").Message}}
}

// Start takes the settings.
func (c *Connector) Start(_ context.Context, _ connect.ConnectorContext, props map[string]string) error {
	if _, err := parse(props); err != nil {
		return err
	}
	c.props = props
	return nil
}

// TaskConfigs returns the settings of maxTasks tasks.
func (c *Connector) TaskConfigs(maxTasks int) ([]map[string]string, error) {
	out := make([]map[string]string, maxTasks)
	for i := range out {
		out[i] = maps.Clone(c.props)
		out[i][keyTask], out[i][keyTasks] = strconv.Itoa(i), strconv.Itoa(maxTasks)
	}
	return out, nil
}

// TaskClass returns the name of the task's class.
func (*Connector) TaskClass() string { return taskClass }

// NewTask returns a task.
func (*Connector) NewTask() connect.SourceTask { return &task{} }

// Stop has nothing to end.
func (*Connector) Stop(context.Context) error { return nil }

// ExactlyOnceSupport is given: a record is made from its number.
func (*Connector) ExactlyOnceSupport(map[string]string) (bool, error) { return true, nil }

// AlterOffsets checks new offsets: {"next": n}, the number of the next record.
func (*Connector) AlterOffsets(_ context.Context, _ map[string]string, offsets []connect.PartitionOffset) (bool, error) {
	for _, po := range offsets {
		if po.Offset == nil {
			continue
		}
		if v, ok := po.Offset.GetString(nextField); !ok || v.Kind() != schema.KindInt64 || v.Int64() < 0 {
			return false, errs.Connect("Offset objects should contain the key '" + nextField + "' with the number of the next record, from 0")
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
