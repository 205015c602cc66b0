package settings

import (
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javaregex"
)

const (
	keyTopics      = "topics"
	keyTopicsRegex = "topics.regex"
	keyDLQTopic    = "errors.deadletterqueue.topic.name"
)

// SinkDef returns the settings of every sink connector (SinkConnectorConfig.configDef).
func SinkDef() *cd.Def { return ConnectorDef().Define(sinkKeys()...) }

func sinkKeys() []cd.Key {
	return []cd.Key{
		cd.Optional(keyTopics, cd.List, "", cd.High, "List of topics to consume, separated by commas").
			WithGroup(groupCommon, 4, cd.WidthLong, "Topics"),
		cd.Optional(keyTopicsRegex, cd.String, "", cd.High,
			"Regular expression giving topics to consume. Under the hood, the regex is compiled to a "+
				"<code>java.util.regex.Pattern</code>. Only one of topics or topics.regex should be specified.").
			WithValidator(patternValidator()).WithGroup(groupCommon, 4, cd.WidthLong, "Topics regex"),
		cd.Optional(keyDLQTopic, cd.String, "", cd.Medium,
			"The name of the topic to be used as the dead letter queue (DLQ) for messages that result in an error when "+
				"processed by this sink connector, or its transformations or converters. The topic name is blank by "+
				"default, which means that no messages are to be recorded in the DLQ.").
			WithGroup(groupErrors, 6, cd.WidthMedium, "Dead Letter Queue Topic Name"),
		cd.Optional("errors.deadletterqueue.topic.replication.factor", cd.Short, 3, cd.Medium,
			"Replication factor used to create the dead letter queue topic when it doesn't already exist.").
			WithGroup(groupErrors, 7, cd.WidthMedium, "Dead Letter Queue Topic Replication Factor"),
		cd.Optional("errors.deadletterqueue.context.headers.enable", cd.Boolean, false, cd.Medium,
			"If true, add headers containing error context to the messages written to the dead letter queue. To avoid "+
				"clashing with headers from the original record, all error context header keys, all error context header "+
				"keys will start with <code>__connect.errors.</code>").
			WithGroup(groupErrors, 8, cd.WidthMedium, "Enable Error Context Headers"),
	}
}

// patternValidator checks a regular expression (the transforms' RegexValidator).
func patternValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, ok := value.(string)
		if !ok {
			return cd.Invalid(name, value, `Invalid regex: Cannot invoke "String.isEmpty()" because "this.pattern" is null`)
		}
		if _, err := javaregex.Compile(text); err != nil {
			return cd.Invalid(name, value, "Invalid regex: "+messageOf(err))
		}
		return nil
	}, "valid regex")
}

// messageOf is Java's getMessage().
func messageOf(err error) string {
	text, _ := errs.Message(err)
	return text
}
