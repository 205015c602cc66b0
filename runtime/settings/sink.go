package settings

import (
	"slices"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javaregex"
)

// Sink are the settings of a sink connector (SinkConnectorConfig).
type Sink struct {
	Connector
	// Topics are the topics to read, each once; without, TopicsRegex says which.
	Topics []string
	// TopicsRegex matches the names of the topics to read; nil if Topics are given.
	TopicsRegex *javaregex.Pattern
	DLQ         DeadLetters
}

// DeadLetters are the errors.deadletterqueue.* settings.
type DeadLetters struct {
	// Topic takes the records that failed, "" for none.
	Topic string
	// Replicas are for the topic's creation.
	Replicas int16
	// ContextHeaders says whether such records get headers that say what happened.
	ContextHeaders bool
}

// ParseSink reads a sink connector's settings. It does not check topics,
// topics.regex and the dead letter topic against each other, see CheckSink.
func ParseSink(p Plugins, props map[string]string) (*Sink, error) {
	c, err := parseConnector(p, cd.New(append(connectorKeys(defaults{}, p), sinkKeys()...)...), props)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		Connector: *c,
		Topics:    topicsList(props),
		DLQ: DeadLetters{
			Topic:          c.Config.String(keyDLQTopic),
			Replicas:       c.Config.Short("errors.deadletterqueue.topic.replication.factor"),
			ContextHeaders: c.Config.Bool("errors.deadletterqueue.context.headers.enable"),
		},
	}
	if pattern := c.Config.String(keyTopicsRegex); pattern != "" {
		if s.TopicsRegex, err = javaregex.Compile(pattern); err != nil {
			return nil, cd.Invalid(keyTopicsRegex, pattern, "Invalid regex: "+messageOf(err))
		}
	}
	return s, nil
}

// CheckSink checks topics, topics.regex and the dead letter topic against each other
// and returns the first error (SinkConnectorConfig.validate of the settings alone).
func CheckSink(props map[string]string) error {
	values := make(map[string]*cd.Value)
	ValidateSink(props, values)
	for _, name := range []string{keyTopics, keyTopicsRegex} {
		if v := values[name]; v != nil {
			return errs.InvalidValue(name, v.Value, v.Errors[0])
		}
	}
	return nil
}

// ValidateSink adds the errors of topics, topics.regex and the dead letter topic
// taken together to values, the outcome of a validation
// (SinkConnectorConfig.validate).
func ValidateSink(props map[string]string, values map[string]*cd.Value) {
	fail := func(name, text string) {
		v := values[name]
		if v == nil {
			v = &cd.Value{Name: name, RecommendedValues: []any{}, Visible: true}
			if given, ok := props[name]; ok {
				v.Value = given
			}
			values[name] = v
		}
		v.Errors = append(v.Errors, text)
	}
	pattern, dlq := props[keyTopicsRegex], cd.Trim(props[keyDLQTopic])
	hasTopics, hasPattern := !isBlankText(props[keyTopics]), !isBlankText(pattern)

	if hasTopics && hasPattern {
		const text = keyTopics + " and " + keyTopicsRegex + " are mutually exclusive options, but both are set."
		fail(keyTopics, text)
		fail(keyTopicsRegex, text)
	}
	if !hasTopics && !hasPattern {
		const text = "Must configure one of " + keyTopics + " or " + keyTopicsRegex
		fail(keyTopics, text)
		fail(keyTopicsRegex, text)
	}
	if dlq == "" {
		return
	}
	if topics := topicsList(props); hasTopics && slices.Contains(topics, dlq) {
		fail(keyTopics, "The DLQ topic '"+dlq+"' may not be included in the list of topics ('"+keyTopics+"=["+
			strings.Join(topics, ", ")+"]') consumed by the connector")
	}
	// A pattern that does not compile has an error already.
	p, err := javaregex.Compile(pattern)
	if !hasPattern || err != nil {
		return
	}
	if matches, err := p.Matches(dlq); err != nil {
		fail(keyTopicsRegex, "The regex cannot be matched with the DLQ topic '"+dlq+"': "+messageOf(err))
	} else if matches {
		fail(keyTopicsRegex, "The DLQ topic '"+dlq+"' may not be matched by the regex for the topics ('"+keyTopicsRegex+"="+
			pattern+"') consumed by the connector")
	}
}

// UsesDeadLetters says whether a sink has a dead letter topic, for which it needs a
// producer and an admin client.
func UsesDeadLetters(props map[string]string) bool { return !isBlankText(props[keyDLQTopic]) }

// topicsList returns the topics a sink names, each once (parseTopicsList).
func topicsList(props map[string]string) []string {
	parsed, err := cd.ParseType(keyTopics, props[keyTopics], cd.List)
	if err != nil {
		return nil
	}
	var topics []string
	seen := map[string]bool{"": true}
	for _, topic := range parsed.([]string) {
		if !seen[topic] {
			seen[topic] = true
			topics = append(topics, topic)
		}
	}
	return topics
}
