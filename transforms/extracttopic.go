package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/transforms/condition"
)

// header is the part of a record that only ExtractTopic takes.
const header Part = 2

// extractTopic takes the topic from a field, a header, or the whole key or value.
type extractTopic struct {
	part Part
	name string
	path *condition.Path // nil unless field.format is JSON_PATH
	skip bool
}

// NewExtractTopic makes an ExtractTopic of a field of the key or value.
func NewExtractTopic(part Part) connect.Transform { return &extractTopic{part: part} }

// NewExtractTopicHeader makes an ExtractTopic of a header.
func NewExtractTopicHeader() connect.Transform { return &extractTopic{part: header} }

func (t *extractTopic) ConfigDef() *cd.Def {
	return cd.New(
		cd.Optional("field", cd.String, "", cd.Medium, "The field, or for $Header the header, that holds the topic; empty for the whole key or value."),
		cd.Optional("field.name", cd.String, "", cd.Medium, "Another name of the setting field."),
		cd.Optional("field.format", cd.String, "PLAIN", cd.Medium, "PLAIN takes the field for a name, JSON_PATH for a JSONPath to nested data.").
			WithValidator(cd.CaseInsensitiveValidString("PLAIN", "JSON_PATH")),
		cd.Optional("skip.missing.or.null", cd.Boolean, false, cd.Low, "Whether records without a topic in that place keep theirs, rather than fail."),
	)
}

func (t *extractTopic) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	if t.name = c.String("field"); t.name == "" {
		t.name = c.String("field.name")
	}
	t.skip, t.path = c.Bool("skip.missing.or.null"), nil
	if t.part == header && t.name == "" {
		return errs.Config("ExtractTopic of a header needs the header's name in field")
	}
	if format := c.String("field.format"); format[0]|0x20 == 'j' {
		t.path, err = condition.CompilePath(t.name)
	}
	return err
}

func (t *extractTopic) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	v, err := t.find(r)
	if err != nil {
		return nil, err
	}
	if v.IsNull() || v.Kind() == schema.KindString && v.Str() == "" {
		if t.skip {
			return r, nil
		}
		return nil, errs.Data("There is no topic in %s", t.place()).WithHint("set skip.missing.or.null to keep the topic of such records")
	}
	if v.Kind() != schema.KindString {
		return nil, errs.Data("The topic in %s must be a string, but is %s", t.place(), v.Kind())
	}
	if v.Str() == r.Topic {
		return r, nil
	}
	c := r.Copy()
	c.Topic = v.Str()
	return c, nil
}

func (t *extractTopic) place() string {
	what := [...]string{Value: "value", Key: "key", header: "header"}[t.part]
	if t.name == "" {
		return "the record's " + what
	}
	return "field " + t.name + " of the record's " + what
}

// find returns what should be the topic, null where there is nothing.
func (t *extractTopic) find(r *connect.Record) (schema.Value, error) {
	if t.part == header {
		h, _ := r.Headers.Last(t.name)
		return h.Value, nil
	}
	_, v := t.part.of(r)
	switch {
	case t.path != nil:
		found, _ := t.path.Find(v)
		if len(found) == 0 {
			return schema.Null(), nil
		}
		return found[0], nil
	case t.name == "" || v.IsNull():
		return v, nil
	case v.Kind() == schema.KindStruct:
		if f := v.Struct().Schema().Field(t.name); f != nil {
			return v.Struct().At(f.Index()), nil
		}
		return schema.Null(), nil
	case v.Kind() == schema.KindMap:
		field, _ := v.Map().GetString(t.name)
		return field, nil
	}
	return v, errs.Data("The record's data must be a struct or a map to have a field %s, but is %s", t.name, v.Kind())
}

func (t *extractTopic) Close() error { return nil }
