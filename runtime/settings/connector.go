package settings

import (
	"strings"
	"time"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
)

// Classes that ship with Connect and that settings name by default.
const SimpleHeaderConverter = "org.apache.kafka.connect.storage.SimpleHeaderConverter"

// Prefixes of a connector's settings for its own Kafka clients (KIP-458).
const (
	ProducerOverrides = "producer.override."
	ConsumerOverrides = "consumer.override."
	AdminOverrides    = "admin.override."
)

// Connector are the settings every connector has (ConnectorConfig).
type Connector struct {
	// Config are all settings that are known: the connector's, its transforms' and
	// predicates'. The plugin's own are in Originals only.
	Config *cd.Config

	Name, Class string
	// Version is what connector.plugin.version requires, nil for any.
	Version *VersionRange
	// TasksMax is at least 1. With EnforceTasksMax, more tasks are an error.
	TasksMax        int
	EnforceTasksMax bool
	// ReloadRestart is config.action.reload=restart: when values of config providers
	// expire, the connector is restarted.
	ReloadRestart bool
	Errors        ErrorSettings
	// Key, Value and Header are the connector's own converters; nil is the worker's.
	Key, Value, Header *ConverterSettings
}

// ErrorSettings are the errors.* settings (KIP-298).
type ErrorSettings struct {
	// RetryTimeout is how long a failed operation is tried again; 0 not at all, negative
	// without end. RetryDelayMax is the longest wait between two tries.
	RetryTimeout, RetryDelayMax time.Duration
	// TolerateAll is errors.tolerance=all: records that fail are skipped.
	TolerateAll bool
	// Log is errors.log.enable, LogMessages errors.log.include.messages.
	Log, LogMessages bool
}

// ParseConnector reads what every connector has. Errors are Connect's: the first
// wrong setting, or a transform or predicate that cannot be had.
func ParseConnector(p Plugins, props map[string]string) (*Connector, error) {
	return parseConnector(p, cd.New(connectorKeys(defaults{}, p)...), props)
}

func parseConnector(p Plugins, def *cd.Def, props map[string]string) (*Connector, error) {
	if _, err := def.WithResolver(converterResolver(p)).Parse(props); err != nil {
		return nil, err
	}
	enriched, err := Enrich(p, def, props, true)
	if err != nil {
		return nil, err
	}
	cfg, err := enriched.Parse(props)
	if err != nil {
		return nil, err
	}
	c := &Connector{
		Config:          cfg,
		Name:            cfg.String(keyName),
		Class:           cfg.String(keyConnectorClass),
		TasksMax:        int(cfg.Int(keyTasksMax)),
		EnforceTasksMax: cfg.Bool(keyTasksMaxEnforce),
		ReloadRestart:   cfg.String(keyReloadAction) == "restart",
		Errors: ErrorSettings{
			RetryTimeout:  millis(cfg.Long("errors.retry.timeout")),
			RetryDelayMax: millis(cfg.Long("errors.retry.delay.max.ms")),
			TolerateAll:   cfg.String("errors.tolerance") == "all",
			Log:           cfg.Bool("errors.log.enable"),
			LogMessages:   cfg.Bool("errors.log.include.messages"),
		},
		Key:    ownConverter(cfg, "key.converter", "key"),
		Value:  ownConverter(cfg, "value.converter", "value"),
		Header: ownConverter(cfg, "header.converter", "header"),
	}
	version, given := cfg.StringOK(keyConnectorVersion)
	c.Version, err = ParseVersionRequirement(version, given)
	return c, err
}

func ownConverter(c *cd.Config, setting, converterType string) *ConverterSettings {
	if c.IsNull(setting) {
		return nil
	}
	own := newConverter(c, setting, converterType)
	return &own
}

// Overrides returns the settings under one of the Overrides prefixes, without it.
func (c *Connector) Overrides(prefix string) map[string]string {
	return c.Config.OriginalsWithPrefix(prefix)
}

// Stage is one transform of a connector and the predicate it depends on.
type Stage struct {
	Transform StagePlugin
	// Predicate decides which records are transformed, those it does not hold for
	// with Negate; nil means all are.
	Predicate *StagePlugin
	Negate    bool
}

// StagePlugin is a transform or a predicate.
type StagePlugin struct {
	// Alias is the name within the connector, Class the full name.
	Alias, Class string
	// Props are the plugin's settings, without prefix.
	Props map[string]string
}

// Stages returns the connector's transforms in order
// (ConnectorConfig.transformationStages). A predicate that is not listed in
// "predicates" is an error.
func (c *Connector) Stages() ([]Stage, error) {
	var stages []Stage
	for _, alias := range c.Config.List(keyTransforms) {
		transform, err := c.stagePlugin(keyTransforms, alias)
		if err != nil {
			return nil, err
		}
		predicate, conditional := transform.Props["predicate"]
		stage := Stage{Transform: transform, Negate: strings.EqualFold(transform.Props["negate"], "true")}
		delete(transform.Props, "predicate")
		delete(transform.Props, "negate")
		if conditional {
			p, err := c.stagePlugin(keyPredicates, predicate)
			if err != nil {
				return nil, err
			}
			stage.Predicate = &p
		}
		stages = append(stages, stage)
	}
	return stages, nil
}

func (c *Connector) stagePlugin(setting, alias string) (StagePlugin, error) {
	prefix := setting + "." + alias + "."
	if !c.Config.Has(prefix + "plugin.version") {
		inner := errs.Config("Unknown configuration '"+prefix+"plugin.version'").
			WithHint("add %s to %s", alias, setting)
		wrapped := errs.Wrap(errs.ClassConnect, inner, "%s", errs.String(inner))
		return StagePlugin{}, errs.Wrap(errs.ClassConnect, wrapped, "%s", errs.String(wrapped))
	}
	return StagePlugin{
		Alias: alias,
		Class: c.Config.Class(prefix + "type"),
		Props: c.Config.OriginalsWithPrefix(prefix),
	}, nil
}

// ConnectorKind returns whether the class of a configuration's connector is a source or a
// sink, and false if there is no such connector.
func ConnectorKind(p Plugins, props map[string]string) (plugins.Kind, bool) {
	found, ok := p.Find(props[keyConnectorClass], plugins.Source, plugins.Sink)
	return found.Kind, ok
}
