// Package predicates holds the conditions that decide which records a transform
// applies to.
package predicates

import (
	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/transforms"
)

// hasHeaderKey holds for records with a header of a name (HasHeaderKey).
type hasHeaderKey struct{ name string }

// NewHasHeaderKey makes a HasHeaderKey.
func NewHasHeaderKey() connect.Predicate { return &hasHeaderKey{} }

func (p *hasHeaderKey) ConfigDef() *cd.Def {
	return cd.New(cd.Required("name", cd.String, cd.Medium, "The header name.").WithValidator(cd.NonEmptyString()))
}

func (p *hasHeaderKey) Configure(props map[string]string) error {
	c, err := p.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	p.name = c.String("name")
	return nil
}

func (p *hasHeaderKey) Test(r *connect.Record) (bool, error) {
	_, ok := r.Headers.Last(p.name)
	return ok, nil
}

func (p *hasHeaderKey) Close() error { return nil }

// recordIsTombstone holds for records whose value is null (RecordIsTombstone).
type recordIsTombstone struct{}

// NewRecordIsTombstone makes a RecordIsTombstone.
func NewRecordIsTombstone() connect.Predicate { return recordIsTombstone{} }

func (recordIsTombstone) ConfigDef() *cd.Def                { return cd.New() }
func (recordIsTombstone) Configure(map[string]string) error { return nil }
func (recordIsTombstone) Close() error                      { return nil }

func (recordIsTombstone) Test(r *connect.Record) (bool, error) { return r.Value.IsNull(), nil }

// topicNameMatches holds for records of topics that a regular expression matches as a
// whole (TopicNameMatches).
type topicNameMatches struct {
	pattern *javaregex.Pattern
	topics  *schema.Cache[string, bool]
}

// NewTopicNameMatches makes a TopicNameMatches.
func NewTopicNameMatches() connect.Predicate { return &topicNameMatches{} }

func (p *topicNameMatches) ConfigDef() *cd.Def {
	return cd.New(cd.Required("pattern", cd.String, cd.Medium, "A Java regular expression for matching against the name of a record's topic.").
		WithValidator(cd.CompositeValidator(cd.NonEmptyString(), transforms.RegexValidator())))
}

func (p *topicNameMatches) Configure(props map[string]string) error {
	c, err := p.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	p.topics = schema.NewCache[string, bool](256)
	p.pattern, err = javaregex.Compile(c.String("pattern"))
	return err
}

func (p *topicNameMatches) Test(r *connect.Record) (bool, error) {
	matches, ok := p.topics.Get(r.Topic)
	if !ok {
		var err error
		if matches, err = p.pattern.Matches(r.Topic); err != nil {
			return false, err
		}
		p.topics.Put(r.Topic, matches)
	}
	return matches, nil
}

func (p *topicNameMatches) Close() error { return nil }
