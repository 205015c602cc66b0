package transforms

import (
	"context"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javatime"
	"github.com/moldau-io/moldau/connect/schema"
)

// messageTimestampRouter makes the topic of the topic and a timestamp in the value.
type messageTimestampRouter struct {
	keys        []string
	topicFormat string
	read        *javatime.Format
	write       *javatime.Format
}

// NewMessageTimestampRouter makes a MessageTimestampRouter.
func NewMessageTimestampRouter() connect.Transform { return &messageTimestampRouter{} }

func (t *messageTimestampRouter) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("topic.format", cd.String, "${topic}-${timestamp}", cd.High,
			"The new topic, in which ${topic} and ${timestamp} stand for the topic and the timestamp."),
		cd.Required("message.timestamp.keys", cd.List, cd.High, "Fields of the value that hold the timestamp; the first that is not null counts.").
			WithValidator(cd.NonEmptyList()),
		cd.Optional("message.timestamp.format", cd.String, "yyyy-MM-dd", cd.High,
			"How a timestamp that is a text is read, as a pattern of Java's SimpleDateFormat, in UTC. Numbers are milliseconds since the epoch.").
			WithValidator(datePattern()),
		cd.Optional("topic.timestamp.format", cd.String, "yyyyMMdd", cd.High,
			"How the timestamp is written into the topic, as a pattern of Java's SimpleDateFormat, in UTC.").WithValidator(datePattern()),
	)
}

// datePattern accepts patterns of SimpleDateFormat.
func datePattern() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, ok := value.(string)
		if !ok {
			return cd.Invalid(name, value, "not a pattern of SimpleDateFormat")
		}
		if _, err := javatime.Compile(text, time.Now()); err != nil {
			message, _ := errs.Message(err)
			return cd.Invalid(name, value, message)
		}
		return nil
	}, "a pattern of SimpleDateFormat")
}

func (t *messageTimestampRouter) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.keys, t.topicFormat = c.List("message.timestamp.keys"), c.String("topic.format")
	if t.read, err = javatime.Compile(c.String("message.timestamp.format"), time.Now()); err != nil {
		return err
	}
	t.write, err = javatime.Compile(c.String("topic.timestamp.format"), time.Now())
	return err
}

func (t *messageTimestampRouter) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	name, v, err := t.find(r)
	if err != nil {
		return nil, err
	}
	var millis int64
	switch v.Kind() {
	case schema.KindDate:
		millis = v.Date()
	case schema.KindInt64, schema.KindInt32:
		millis, _ = v.Integer()
	case schema.KindString:
		var ok bool
		if millis, ok = t.read.Parse(v.Str()); !ok {
			return nil, errs.Data("Field %s holds %q, which does not match the pattern %s", name, v.Str(), t.read.Pattern())
		}
	default:
		return nil, errs.Data("Field %s cannot be a timestamp: it is %s", name, v.Kind())
	}
	c := r.Copy()
	c.Topic = strings.ReplaceAll(strings.ReplaceAll(t.topicFormat, "${topic}", r.Topic), "${timestamp}", t.write.Format(millis))
	return c, nil
}

func (t *messageTimestampRouter) find(r *connect.Record) (name string, v schema.Value, err error) {
	for _, name := range t.keys {
		switch r.Value.Kind() {
		case schema.KindMap:
			v, _ = r.Value.Map().GetString(name)
		case schema.KindStruct:
			if f := r.Value.Struct().Schema().Field(name); f != nil {
				v = r.Value.Struct().At(f.Index())
			}
		default:
			return "", v, errs.Data("The record's value must be a struct or a map to have a timestamp, but is %s", r.Value.Kind())
		}
		if !v.IsNull() {
			return name, v, nil
		}
	}
	return "", v, errs.Data("The record's value has no timestamp in %s", strings.Join(t.keys, ", "))
}

func (t *messageTimestampRouter) Close() error { return nil }
