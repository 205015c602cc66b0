package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/connect/schema"
)

// regexRouter renames the topics that a regular expression matches as a whole (RegexRouter).
type regexRouter struct {
	regex       *javaregex.Pattern
	replacement string
	// topics remembers what topics became; there are few of them.
	topics *schema.Cache[string, string]
}

// NewRegexRouter makes a RegexRouter.
func NewRegexRouter() connect.Transform { return &regexRouter{} }

func (t *regexRouter) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("regex", cd.String, cd.High, "Regular expression to use for matching.").
			WithValidator(RegexValidator()),
		cd.Required("replacement", cd.String, cd.High, "Replacement string."),
	)
}

// RegexValidator accepts Java's regular expressions (RegexValidator).
func RegexValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, ok := value.(string)
		if !ok {
			return cd.Invalid(name, value, `Invalid regex: Cannot invoke "String.isEmpty()" because "this.pattern" is null`)
		}
		if _, err := javaregex.Compile(text); err != nil {
			message, _ := errs.Message(err)
			return cd.Invalid(name, value, "Invalid regex: "+message)
		}
		return nil
	}, "valid regex")
}

func (t *regexRouter) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.replacement = c.String("replacement")
	t.topics = schema.NewCache[string, string](256)
	t.regex, err = javaregex.Compile(c.String("regex"))
	return err
}

func (t *regexRouter) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	topic, ok := t.topics.Get(r.Topic)
	if !ok {
		var err error
		if topic, err = t.route(r.Topic); err != nil {
			return nil, err
		}
		t.topics.Put(r.Topic, topic)
	}
	if topic == r.Topic {
		return r, nil
	}
	c := r.Copy()
	c.Topic = topic
	return c, nil
}

// route returns the new name of a topic. The match is sought anew for the
// replacement, as Matcher.replaceFirst does.
func (t *regexRouter) route(topic string) (string, error) {
	matches, err := t.regex.Matches(topic)
	if err != nil || !matches {
		return topic, err
	}
	return t.regex.ReplaceFirst(topic, t.replacement)
}

func (t *regexRouter) Close() error { return nil }
