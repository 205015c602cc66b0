package elasticsearch

import (
	"context"
	"maps"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Class names of the connector: ours, and that of the known connector whose
// configurations it runs.
const (
	Class     = "io.moldau.connect.elasticsearch.ElasticsearchSinkConnector"
	Alias     = "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector"
	taskClass = "io.confluent.connect.elasticsearch.ElasticsearchSinkTask"
)

// Version is the version of the connector.
const Version = connect.Version

// Connector writes records to Elasticsearch.
type Connector struct{ props map[string]string }

// New returns a connector.
func New() *Connector { return &Connector{} }

// ConfigDef describes the settings.
func (*Connector) ConfigDef() *configdef.Def { return def() }

// Start takes the settings.
func (c *Connector) Start(_ context.Context, cc connect.ConnectorContext, props map[string]string) error {
	set, err := parse(props)
	if err != nil {
		return errs.Wrap(errs.ClassConnect, err, "Couldn't start ElasticsearchSinkConnector due to configuration error")
	}
	cc.Logger().Info("starting Elasticsearch sink connector", "url", set.shown)
	c.props = props
	return nil
}

// TaskConfigs returns the settings of maxTasks tasks.
func (c *Connector) TaskConfigs(maxTasks int) ([]map[string]string, error) {
	out := make([]map[string]string, maxTasks)
	for i := range out {
		out[i] = maps.Clone(c.props)
		out[i][keyTaskID] = strconv.Itoa(i)
	}
	return out, nil
}

// TaskClass returns the Java class of the tasks.
func (*Connector) TaskClass() string { return taskClass }

// NewTask returns a task.
func (*Connector) NewTask() connect.SinkTask { return &task{} }

// Stop has nothing to end.
func (*Connector) Stop(context.Context) error { return nil }

var _ interface {
	connect.SinkConnector
	connect.ConfigValidator
} = (*Connector)(nil)
