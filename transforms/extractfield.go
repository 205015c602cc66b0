package transforms

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// extractField puts a field in the place of the key or value it is in (ExtractField).
type extractField struct {
	part        Part
	text        string
	path        fieldPath
	withDefault bool
	fields      *schema.Cache[*schema.Schema, *schema.Field]
}

// NewExtractField makes an ExtractField.
func NewExtractField(part Part) connect.Transform { return &extractField{part: part} }

func (t *extractField) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("field", cd.String, cd.Medium, "Field name to extract."),
		replaceNullKey(),
		fieldSyntaxKey(),
	)
}

func (t *extractField) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.text = c.String("field")
	if t.path, err = newFieldPath(t.text, c.String("field.syntax.version")); err != nil {
		return err
	}
	t.withDefault = c.Bool("replace.null.with.default")
	t.fields = schema.NewCache[*schema.Schema, *schema.Field](cacheSize)
	return nil
}

func (t *extractField) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	const purpose = "field extraction"
	s, v := t.part.of(r)
	if s == nil {
		if v.IsNull() {
			return t.part.with(r, nil, v), nil
		}
		m, err := requireMap(v, purpose)
		if err != nil {
			return nil, err
		}
		field, err := t.path.inMap(m)
		if err != nil {
			return nil, err
		}
		return t.part.with(r, nil, field), nil
	}
	from, err := requireStructOrNull(v, purpose)
	if err != nil {
		return nil, err
	}
	f, ok := t.fields.Get(s)
	if !ok {
		if f, err = t.path.field(s); err != nil {
			return nil, err
		}
		if f == nil {
			return nil, errs.IllegalArgument("Unknown field: " + t.text)
		}
		t.fields.Put(s, f)
	}
	var field schema.Value
	if from != nil {
		if field, err = t.path.inStruct(from, t.withDefault); err != nil {
			return nil, err
		}
	}
	return t.part.with(r, f.Schema(), field), nil
}

func (t *extractField) Close() error { return nil }
