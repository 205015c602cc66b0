package settings

import (
	"slices"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
)

// The texts of this file are compared by clients of the REST API and are therefore
// Apache's, word for word.

// Groups of a connector's settings.
const (
	groupCommon     = "Common"
	groupTransforms = "Transforms"
	groupPredicates = "Predicates"
	groupErrors     = "Error Handling"
)

// Names of settings that every connector has.
const (
	keyName             = "name"
	keyConnectorClass   = "connector.class"
	keyConnectorVersion = "connector.plugin.version"
	keyTasksMax         = "tasks.max"
	keyTasksMaxEnforce  = "tasks.max.enforce"
	keyTransforms       = "transforms"
	keyPredicates       = "predicates"
	keyReloadAction     = "config.action.reload"
)

// defaults are what a connector's settings take from the worker and the plugins;
// nil is null.
type defaults struct {
	version            any
	key, value, header converterDefault
}

type converterDefault struct{ class, version any }

// ConnectorDef returns the settings of every connector (ConnectorConfig.configDef).
func ConnectorDef() *cd.Def { return cd.New(connectorKeys(defaults{}, nil)...) }

// connectorKeys lists them. Without plugins there are no recommended values.
func connectorKeys(d defaults, p Plugins) []cd.Key {
	r := recommenders{p}
	version := pluginVersionValidator()
	return []cd.Key{
		cd.Required(keyName, cd.String, cd.High, "Globally unique name to use for this connector.").
			WithValidator(cd.NonEmptyStringWithoutControlChars()).WithGroup(groupCommon, 1, cd.WidthMedium, "Connector name"),
		cd.Required(keyConnectorClass, cd.String, cd.High,
			"Name or alias of the class for this connector. Must be a subclass of "+
				"org.apache.kafka.connect.connector.Connector. If the connector is "+
				"org.apache.kafka.connect.file.FileStreamSinkConnector, you can either specify this full name,  or use "+
				"\"FileStreamSink\" or \"FileStreamSinkConnector\" to make the configuration a bit shorter").
			WithGroup(groupCommon, 2, cd.WidthLong, "Connector class"),
		cd.Optional(keyConnectorVersion, cd.String, d.version, cd.Medium, "Version of the connector.").
			WithValidator(version).WithGroup(groupCommon, 3, cd.WidthMedium, "Connector version").WithRecommender(r.connectorVersions()),
		cd.Optional(keyTasksMax, cd.Int, 1, cd.High, "Maximum number of tasks to use for this connector.").
			WithValidator(cd.AtLeast(1)).WithGroup(groupCommon, 4, cd.WidthShort, "Tasks max"),
		cd.Optional(keyTasksMaxEnforce, cd.Boolean, true, cd.Low,
			"(Deprecated) Whether to enforce that the tasks.max property is respected by the connector. By default, "+
				"connectors that generate too many tasks will fail, and existing sets of tasks that exceed the tasks.max "+
				"property will also be failed. If this property is set to false, then connectors will be allowed to "+
				"generate more than the maximum number of tasks, and existing sets of tasks that exceed the tasks.max "+
				"property will be allowed to run. This property is deprecated and will be removed in an upcoming major "+
				"release.").
			WithGroup(groupCommon, 5, cd.WidthShort, "Enforce tasks max"),
		cd.Optional("key.converter", cd.Class, d.key.class, cd.Low,
			"Converter class used to convert between Kafka Connect format and the serialized form that is written to "+
				"Kafka. This controls the format of the keys in messages written to or read from Kafka, and since this is "+
				"independent of connectors it allows any connector to work with any serialization format. Examples of "+
				"common formats include JSON and Avro.").
			WithValidator(r.pluginClass(plugins.Converter)).WithGroup(groupCommon, 6, cd.WidthShort, "Key converter class").WithRecommender(r.classes(plugins.Converter)),
		cd.Optional("key.converter.plugin.version", cd.String, d.key.version, cd.Low, "Version of the key converter.").
			WithValidator(version).WithGroup(groupCommon, 7, cd.WidthShort, "Key converter version").WithRecommender(r.versions("key.converter", plugins.Converter, true)),
		cd.Optional("value.converter", cd.Class, d.value.class, cd.Low,
			"Converter class used to convert between Kafka Connect format and the serialized form that is written to "+
				"Kafka. This controls the format of the values in messages written to or read from Kafka, and since this "+
				"is independent of connectors it allows any connector to work with any serialization format. Examples of "+
				"common formats include JSON and Avro.").
			WithValidator(r.pluginClass(plugins.Converter)).WithGroup(groupCommon, 8, cd.WidthShort, "Value converter class").WithRecommender(r.classes(plugins.Converter)),
		cd.Optional("value.converter.plugin.version", cd.String, d.value.version, cd.Low, "Version of the value converter.").
			WithValidator(version).WithGroup(groupCommon, 9, cd.WidthShort, "Value converter version").WithRecommender(r.versions("value.converter", plugins.Converter, true)),
		cd.Optional("header.converter", cd.Class, d.header.class, cd.Low,
			"HeaderConverter class used to convert between Kafka Connect format and the serialized form that is "+
				"written to Kafka. This controls the format of the header values in messages written to or read from "+
				"Kafka, and since this is independent of connectors it allows any connector to work with any serialization "+
				"format. Examples of common formats include JSON and Avro. By default, the SimpleHeaderConverter is used "+
				"to serialize header values to strings and deserialize them by inferring the schemas.").
			WithValidator(r.pluginClass(plugins.HeaderConverter)).WithGroup(groupCommon, 10, cd.WidthShort, "Header converter class").WithRecommender(r.classes(plugins.HeaderConverter)),
		cd.Optional("header.converter.plugin.version", cd.String, d.header.version, cd.Low, "Version of the header converter.").
			WithValidator(version).WithGroup(groupCommon, 11, cd.WidthShort, "Header converter version").WithRecommender(r.versions("header.converter", plugins.HeaderConverter, true)),
		cd.Optional(keyTransforms, cd.List, []string{}, cd.Low, "Aliases for the transformations to be applied to records.").
			WithValidator(uniqueAliases("unique transformation aliases")).WithGroup(groupTransforms, 12, cd.WidthLong, "Transforms"),
		cd.Optional(keyPredicates, cd.List, []string{}, cd.Low, "Aliases for the predicates used by transformations.").
			WithValidator(uniqueAliases("unique predicate aliases")).WithGroup(groupPredicates, 13, cd.WidthLong, "Predicates"),
		cd.Optional(keyReloadAction, cd.String, "restart", cd.Low,
			"The action that Connect should take on the connector when changes in external configuration providers "+
				"result in a change in the connector's configuration properties. A value of 'none' indicates that Connect "+
				"will do nothing. A value of 'restart' indicates that Connect should restart/reload the connector with the "+
				"updated configuration properties.The restart may actually be scheduled in the future if the external "+
				"configuration provider indicates that a configuration value will expire in the future.").
			WithValidator(cd.ValidString("none", "restart")).WithGroup(groupCommon, 14, cd.WidthMedium, "Reload Action"),
		cd.Optional("errors.retry.timeout", cd.Long, 0, cd.Medium,
			"The maximum duration in milliseconds that a failed operation will be reattempted. The default is 0, which "+
				"means no retries will be attempted. Use -1 for infinite retries.").
			WithGroup(groupErrors, 1, cd.WidthMedium, "Retry Timeout for Errors"),
		cd.Optional("errors.retry.delay.max.ms", cd.Long, 60000, cd.Medium,
			"The maximum duration in milliseconds between consecutive retry attempts. Jitter will be added to the "+
				"delay once this limit is reached to prevent thundering herd issues.").
			WithGroup(groupErrors, 2, cd.WidthMedium, "Maximum Delay Between Retries for Errors"),
		cd.Optional("errors.tolerance", cd.String, "none", cd.Medium,
			"Behavior for tolerating errors during connector operation. 'none' is the default value and signals that "+
				"any error will result in an immediate connector task failure; 'all' changes the behavior to skip over "+
				"problematic records.").
			WithValidator(cd.ValidString("none", "all")).WithGroup(groupErrors, 3, cd.WidthShort, "Error Tolerance"),
		cd.Optional("errors.log.enable", cd.Boolean, false, cd.Medium,
			"If true, write each error and the details of the failed operation and problematic record to the Connect "+
				"application log. This is 'false' by default, so that only errors that are not tolerated are reported.").
			WithGroup(groupErrors, 4, cd.WidthShort, "Log Errors"),
		cd.Optional("errors.log.include.messages", cd.Boolean, false, cd.Medium,
			"Whether to include in the log the Connect record that resulted in a failure. For sink records, the topic, "+
				"partition, offset, and timestamp will be logged. For source records, the key and value (and their "+
				"schemas), all headers, and the timestamp, Kafka topic, Kafka partition, source partition, and source "+
				"offset will be logged. This is 'false' by default, which will prevent record keys, values, and headers "+
				"from being written to log files.").
			WithGroup(groupErrors, 5, cd.WidthShort, "Log Error Details"),
	}
}

// uniqueAliases refuses null and aliases that are there twice.
func uniqueAliases(text string) cd.Validator {
	return cd.CompositeValidator(cd.NonNull(), cd.LambdaValidator(func(name string, value any) error {
		list, _ := value.([]string)
		sorted := slices.Sorted(slices.Values(list))
		if len(slices.Compact(sorted)) < len(list) {
			return cd.Invalid(name, value, "Duplicate alias provided.")
		}
		return nil
	}, text))
}

// pluginVersionValidator checks a *.plugin.version setting
// (ConnectorConfig.PluginVersionValidator).
func pluginVersionValidator() cd.Validator {
	return cd.LambdaValidator(func(_ string, value any) error {
		text, given := value.(string)
		_, err := ParseVersionRequirement(text, given)
		return err
	}, "a version or a range of versions")
}
