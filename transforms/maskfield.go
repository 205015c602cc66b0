package transforms

import (
	"context"
	"math/big"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// maskField puts a replacement, or nothing of the field's type, in the place of
// fields (MaskField).
type maskField struct {
	part        Part
	fields      map[string]bool
	order       []string // the fields as Java's HashSet has them
	replacement *string
	withDefault bool
	arena       schema.Arena
}

// NewMaskField makes a MaskField.
func NewMaskField(part Part) connect.Transform { return &maskField{part: part} }

func (t *maskField) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("fields", cd.List, cd.High, "Names of fields to mask.").WithValidator(cd.NonEmptyList()),
		cd.Optional("replacement", cd.String, nil, cd.Low,
			"Custom value replacement, that will be applied to all 'fields' values (numeric or non-empty string values only).").WithValidator(cd.NonEmptyString()),
		replaceNullKey(),
	)
}

func (t *maskField) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	names := c.List("fields")
	t.fields, t.order = setOf(names), hashSetOrder(names)
	t.replacement = nil
	if text, ok := c.StringOK("replacement"); ok {
		t.replacement = &text
	}
	t.withDefault = c.Bool("replace.null.with.default")
	return nil
}

func (t *maskField) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	const purpose = "mask fields"
	s, v := t.part.of(r)
	if s == nil {
		from, err := requireMap(v, purpose)
		if err != nil {
			return nil, err
		}
		to := from.Clone()
		for _, name := range t.order {
			value, _ := from.GetString(name)
			if value, err = t.masked(value); err != nil {
				return nil, err
			}
			to.PutString(name, value)
		}
		return t.part.with(r, nil, schema.OfMap(to)), nil
	}
	from, err := requireStruct(v, purpose)
	if err != nil {
		return nil, err
	}
	fields := from.Schema().Fields()
	to := t.arena.Struct(from.Schema(), t.arena.Values(len(fields)))
	for i := range fields {
		value := fieldValue(from, i, t.withDefault)
		if t.fields[fields[i].Name()] {
			if value, err = t.masked(value); err == nil {
				err = to.PutAt(i, value)
			}
		} else {
			err = keep(to, i, &fields[i], value)
		}
		if err != nil {
			return nil, err
		}
	}
	return t.part.with(r, s, schema.OfStruct(to)), nil
}

func (t *maskField) masked(v schema.Value) (schema.Value, error) {
	switch {
	case v.IsNull():
		return v, nil
	case t.replacement == nil:
		return nothing(v.Kind())
	}
	return replaced(v.Kind(), *t.replacement)
}

// nothing returns the value that stands for nothing of a kind.
func nothing(k schema.Kind) (schema.Value, error) {
	switch k {
	case schema.KindBoolean:
		return schema.OfBoolean(false), nil
	case schema.KindInt8:
		return schema.OfInt8(0), nil
	case schema.KindInt16:
		return schema.OfInt16(0), nil
	case schema.KindInt32:
		return schema.OfInt32(0), nil
	case schema.KindInt64:
		return schema.OfInt64(0), nil
	case schema.KindFloat32:
		return schema.OfFloat32(0), nil
	case schema.KindFloat64:
		return schema.OfFloat64(0), nil
	case schema.KindDecimal:
		return schema.OfDecimal(schema.NewDecimal(new(big.Int), 0)), nil
	case schema.KindDate:
		return schema.OfDate(0), nil
	case schema.KindString:
		return schema.OfString(""), nil
	case schema.KindArray:
		return schema.OfArray(nil), nil
	case schema.KindMap:
		return schema.OfMap(schema.NewMap(0)), nil
	}
	return schema.Value{}, errs.Data("Cannot mask value of type: class " + k.JavaClass())
}

// replaced returns the replacement as a value of a kind.
func replaced(k schema.Kind, text string) (v schema.Value, err error) {
	in := schema.OfString(text)
	switch k {
	case schema.KindInt8:
		v, err = schema.ConvertToInt8(nil, in)
	case schema.KindInt16:
		v, err = schema.ConvertToInt16(nil, in)
	case schema.KindInt32:
		v, err = schema.ConvertToInt32(nil, in)
	case schema.KindInt64:
		v, err = schema.ConvertToInt64(nil, in)
	case schema.KindFloat32:
		v, err = schema.ConvertToFloat32(nil, in)
	case schema.KindFloat64:
		v, err = schema.ConvertToFloat64(nil, in)
	case schema.KindString:
		return in, nil
	case schema.KindDecimal:
		d, ok := schema.ParseDecimal(text)
		if !ok {
			err = errs.New(errs.ClassNumberFormat, "not a number: "+text)
		}
		v = schema.OfDecimal(d)
	default:
		return v, errs.Data("Cannot mask value of type class " + k.JavaClass() + " with custom replacement.")
	}
	if err != nil && errs.Class(err) == errs.ClassNumberFormat {
		err = errs.Wrap(errs.ClassData, err, "Unable to convert "+text+" (class java.lang.String) to number")
	}
	return v, err
}

func (t *maskField) Close() error { return nil }
