package settings

import (
	"maps"
	"slices"
	"strings"
	"time"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/javaregex"
)

// Source are the settings of a source connector (SourceConnectorConfig).
type Source struct {
	Connector
	// ExactlyOnceRequired is exactly.once.support=required (KIP-618).
	ExactlyOnceRequired bool
	// Boundary is transaction.boundary: poll, interval or connector.
	Boundary string
	// BoundaryInterval is transaction.boundary.interval.ms, if HasBoundaryInterval is
	// true; otherwise the worker's offset.flush.interval.ms is meant.
	BoundaryInterval    time.Duration
	HasBoundaryInterval bool
	// OffsetsTopic is the connector's own topic for offsets, "" for the worker's.
	OffsetsTopic string
	// TopicGroups say how topics are created (KIP-158): the first that matches counts,
	// and the last, "default", counts for all others. nil leaves it to the broker.
	TopicGroups []TopicGroup
}

// TopicGroup is one group of topic.creation.*.
type TopicGroup struct {
	Name string
	// Include and Exclude match whole names. The default group is not asked.
	Include, Exclude *javaregex.Pattern
	// Partitions and Replicas of a new topic; -1 is the broker's default.
	Partitions int32
	Replicas   int16
	// Configs are further settings of a new topic.
	Configs map[string]string
}

// Matches says whether the group is for a topic.
func (g TopicGroup) Matches(topic string) (bool, error) {
	excluded, err := g.Exclude.Matches(topic)
	if err != nil || excluded {
		return false, err
	}
	return g.Include.Matches(topic)
}

// ParseSource reads a source connector's settings. topicCreation is the worker's
// topic.creation.enable; without it the topic.creation.* settings are not read.
func ParseSource(p Plugins, props map[string]string, topicCreation bool) (*Source, error) {
	keys := append(connectorKeys(defaults{}, p), sourceKeys()...)
	c, err := parseConnector(p, cd.New(keys...), props)
	if err != nil {
		return nil, err
	}
	s := &Source{Connector: *c}
	if topicCreation && usesTopicCreation(props) {
		if err := s.readTopicGroups(p, cd.New(keys...), props); err != nil {
			return nil, err
		}
	}
	cfg := s.Config
	s.ExactlyOnceRequired = strings.EqualFold(cfg.String("exactly.once.support"), "required")
	s.Boundary = strings.ToLower(cfg.String(keyBoundary))
	s.BoundaryInterval = millis(cfg.Long("transaction.boundary.interval.ms"))
	s.HasBoundaryInterval = !cfg.IsNull("transaction.boundary.interval.ms")
	s.OffsetsTopic = cfg.String(keyOffsetsTopic)
	return s, nil
}

// readTopicGroups parses again with the groups' settings, whose defaults are the
// default group's (SourceConnectorConfig.enrich). That group is for all topics, so
// its own patterns are not looked at.
func (s *Source) readTopicGroups(p Plugins, def *cd.Def, props map[string]string) error {
	const prefix = topicCreationPrefix + topicCreationDefault + "."
	def.Embed(prefix, topicCreationDefault, 0, defaultTopicGroupDef())
	first, err := def.WithResolver(converterResolver(p)).Parse(props)
	if err != nil {
		return err
	}
	names := slices.DeleteFunc(first.List(keyTopicGroups), func(name string) bool { return name == topicCreationDefault })
	for _, name := range names {
		group := groupTopicCreation + ": " + name
		child := topicGroupDef(group, first.Short(prefix+"replication.factor"), first.Int(prefix+"partitions"))
		own := topicCreationPrefix + name + "."
		if err := checkNames(def, own, nil, child); err != nil {
			return err
		}
		def.Embed(own, group, 0, child)
	}
	props = maps.Clone(props)
	delete(props, prefix+"include")
	delete(props, prefix+"exclude")
	c, err := parseConnector(p, def, props)
	if err != nil {
		return err
	}
	s.Connector = *c
	for _, name := range append(names, topicCreationDefault) {
		group, err := newTopicGroup(c.Config, name)
		if err != nil {
			return err
		}
		s.TopicGroups = append(s.TopicGroups, group)
	}
	return nil
}

func newTopicGroup(c *cd.Config, name string) (TopicGroup, error) {
	prefix := topicCreationPrefix + name + "."
	g := TopicGroup{
		Name:       name,
		Partitions: c.Int(prefix + "partitions"),
		Replicas:   c.Short(prefix + "replication.factor"),
		Configs:    c.OriginalsWithPrefix(prefix),
	}
	for _, own := range []string{"include", "exclude", "replication.factor", "partitions"} {
		delete(g.Configs, own)
	}
	var err error
	if g.Include, err = joinPatterns(c, prefix+"include"); err != nil {
		return g, err
	}
	g.Exclude, err = joinPatterns(c, prefix+"exclude")
	return g, err
}

// joinPatterns makes one pattern of a list; an empty one matches no topic.
func joinPatterns(c *cd.Config, setting string) (*javaregex.Pattern, error) {
	p, err := javaregex.Compile(strings.Join(c.List(setting), "|"))
	if err != nil {
		return nil, cd.Invalid(setting, c.List(setting), "Syntax error in regular expression: "+messageOf(err))
	}
	return p, nil
}
