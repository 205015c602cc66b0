package settings

import (
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/javaregex"
)

// The texts of sourceKeys and sinkKeys are compared by clients of the REST API and
// are therefore Apache's, word for word.

// Groups of a source connector's settings.
const (
	groupTopicCreation = "Topic Creation"
	groupExactlyOnce   = "Exactly Once Support"
	groupOffsetsTopic  = "offsets.topic"
)

const (
	topicCreationPrefix  = "topic.creation."
	topicCreationDefault = "default"
	keyTopicGroups       = topicCreationPrefix + "groups"
	keyBoundary          = "transaction.boundary"
	keyOffsetsTopic      = "offsets.storage.topic"
)

// SourceDef returns the settings of every source connector
// (SourceConnectorConfig.configDef).
func SourceDef() *cd.Def { return ConnectorDef().Define(sourceKeys()...) }

func sourceKeys() []cd.Key {
	interval := cd.AtLeast(0)
	return []cd.Key{
		cd.Optional(keyTopicGroups, cd.List, []string{}, cd.Low, "Groups of configurations for topics created by source connectors").
			WithValidator(uniqueAliases("unique topic creation groups")).WithGroup(groupTopicCreation, 1, cd.WidthLong, "Topic Creation Groups"),
		cd.Optional("exactly.once.support", cd.String, "requested", cd.Medium,
			"Permitted values are requested, required. If set to \"required\", forces a preflight check for the "+
				"connector to ensure that it can provide exactly-once semantics with the given configuration. Some "+
				"connectors may be capable of providing exactly-once semantics but not signal to Connect that they support "+
				"this; in that case, documentation for the connector should be consulted carefully before creating it, and "+
				"the value for this property should be set to \"requested\". Additionally, if the value is set to \"required\" "+
				"but the worker that performs preflight validation does not have exactly-once support enabled for source "+
				"connectors, requests to create or validate the connector will fail.").
			WithValidator(cd.CaseInsensitiveValidString("requested", "required")).WithGroup(groupExactlyOnce, 2, cd.WidthShort, "Exactly once support"),
		cd.Optional(keyBoundary, cd.String, "poll", cd.Medium,
			"Permitted values are: poll, interval, connector. If set to 'poll', a new producer transaction will be "+
				"started and committed for every batch of records that each task from this connector provides to Connect. "+
				"If set to 'connector', relies on connector-defined transaction boundaries; note that not all connectors "+
				"are capable of defining their own transaction boundaries, and in that case, attempts to instantiate a "+
				"connector with this value will fail. Finally, if set to 'interval', commits transactions only after a "+
				"user-defined time interval has passed.").
			WithValidator(cd.CaseInsensitiveValidString("poll", "interval", "connector")).WithGroup(groupExactlyOnce, 3, cd.WidthShort, "Transaction Boundary"),
		cd.Optional("transaction.boundary.interval.ms", cd.Long, nil, cd.Low,
			"If 'transaction.boundary' is set to 'interval', determines the interval for producer transaction commits "+
				"by connector tasks. If unset, defaults to the value of the worker-level 'offset.flush.interval.ms' "+
				"property. It has no effect if a different transaction.boundary is specified.").
			WithValidator(cd.LambdaValidator(func(name string, value any) error {
				if value == nil {
					return nil
				}
				return interval.Validate(name, value)
			}, interval.String())).WithGroup(groupExactlyOnce, 4, cd.WidthShort, "Transaction boundary interval"),
		cd.Optional(keyOffsetsTopic, cd.String, nil, cd.Low,
			"The name of a separate offsets topic to use for this connector. If empty or not specified, the worker’s "+
				"global offsets topic name will be used. If specified, the offsets topic will be created if it does not "+
				"already exist on the Kafka cluster targeted by this connector (which may be different from the one used "+
				"for the worker's global offsets topic if the bootstrap.servers property of the connector's producer has "+
				"been overridden from the worker's). Only applicable in distributed mode; in standalone mode, setting this "+
				"property will have no effect.").
			WithValidator(cd.NonEmptyString()).WithGroup(groupOffsetsTopic, 1, cd.WidthLong, "Offsets topic"),
	}
}

// topicGroupDef returns the settings of a group of topics with the defaults it has
// from the default group (TopicCreationConfig.configDef).
func topicGroupDef(group string, replicas int16, partitions int32) *cd.Def {
	return cd.New(
		cd.Optional("include", cd.List, []string{}, cd.Low, includeText).
			WithValidator(patternsValidator()).WithGroup(group, 1, cd.WidthLong, "Inclusion Topic Pattern for "+group),
		cd.Optional("exclude", cd.List, []string{}, cd.Low, excludeText).
			WithValidator(patternsValidator()).WithGroup(group, 2, cd.WidthLong, "Exclusion Topic Pattern for "+group),
		cd.Optional("replication.factor", cd.Short, replicas, cd.Low, replicasText).
			WithValidator(replicationValidator()).WithGroup(group, 3, cd.WidthLong, "Replication Factor for Topics in "+group),
		cd.Optional("partitions", cd.Int, partitions, cd.Low, partitionsText).
			WithValidator(partitionsValidator()).WithGroup(group, 4, cd.WidthLong, "Partition Count for Topics in "+group),
	)
}

// defaultTopicGroupDef returns the settings of the default group
// (TopicCreationConfig.defaultGroupConfigDef).
func defaultTopicGroupDef() *cd.Def {
	const group = topicCreationDefault
	return cd.New(
		cd.Optional("include", cd.List, ".*", cd.Low, includeText).
			WithValidator(cd.NonNull()).WithGroup(group, 1, cd.WidthLong, "Inclusion Topic Pattern for "+group),
		cd.Optional("exclude", cd.List, []string{}, cd.Low, excludeText).
			WithValidator(cd.NonNull()).WithGroup(group, 2, cd.WidthLong, "Exclusion Topic Pattern for "+group),
		cd.Required("replication.factor", cd.Short, cd.Low, replicasText).
			WithValidator(replicationValidator()).WithGroup(group, 3, cd.WidthLong, "Replication Factor for Topics in "+group),
		cd.Required("partitions", cd.Int, cd.Low, partitionsText).
			WithValidator(partitionsValidator()).WithGroup(group, 4, cd.WidthLong, "Partition Count for Topics in "+group),
	)
}

const (
	includeText    = "Regular expressions of the topics this group is for."
	excludeText    = "Regular expressions of topics this group is not for, even if they are included."
	replicasText   = "The replicas of a new topic, or -1 for the broker's default. The default group must have it; others take it from there."
	partitionsText = "The partitions of a new topic, or -1 for the broker's default. The default group must have it; others take it from there."
)

// patternsValidator checks a list of regular expressions (REGEX_VALIDATOR, whose
// own text this is).
func patternsValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		list, _ := value.([]string)
		for _, text := range list {
			if _, err := javaregex.Compile(text); err != nil {
				return cd.Invalid(name, value, "Syntax error in regular expression: "+messageOf(err))
			}
		}
		return nil
	}, "Positive number, or -1 to use the broker's default")
}

// usesTopicCreation says whether there is any topic.creation.* setting.
func usesTopicCreation(props map[string]string) bool {
	for name := range props {
		if strings.HasPrefix(name, topicCreationPrefix) {
			return true
		}
	}
	return false
}
