package transforms

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// cast changes the types of fields, or of the whole key or value (Cast).
type cast struct {
	part        Part
	spec        castSpec
	withDefault bool
	plans       *schema.Cache[*schema.Schema, *castPlan]
	arena       schema.Arena
}

// castSpec says what is cast to which type.
type castSpec struct {
	whole  schema.Type // 0 for none
	fields map[string]schema.Type
	order  []string // the fields as Java's HashMap has them
}

// castPlan is a derived schema, and the types that fields are cast to, 0 for none.
type castPlan struct {
	schema *schema.Schema
	types  []schema.Type
}

// NewCast makes a Cast.
func NewCast(part Part) connect.Transform { return &cast{part: part} }

func (t *cast) ConfigDef() *cd.Def {
	return cd.New(
		cd.Required("spec", cd.List, cd.High,
			"List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of Maps or Structs. A single type to cast the entire value. Valid types are int8, int16, int32, int64, float32, float64, boolean, and string. Note that binary fields can only be cast to string.").
			WithValidator(cd.LambdaValidator(func(_ string, value any) error {
				list, ok := value.([]string)
				if !ok || len(list) == 0 {
					return errs.Config("Must specify at least one field to cast.")
				}
				_, err := parseCastSpec(list)
				return err
			}, "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>")),
		replaceNullKey(),
	)
}

func parseCastSpec(list []string) (spec castSpec, err error) {
	spec.fields = map[string]schema.Type{}
	var names []string
	for _, entry := range list {
		parts := javaSplit(entry, ':')
		switch len(parts) {
		case 0:
			return spec, errs.New("java.lang.ArrayIndexOutOfBoundsException", "Index 1 out of bounds for length 0")
		case 1:
			if spec.whole, err = castTarget(parts[0]); err != nil {
				return spec, err
			}
		case 2:
			name := cd.Trim(parts[0])
			if spec.fields[name], err = castTarget(parts[1]); err != nil {
				return spec, err
			}
			names = append(names, name)
		default:
			return spec, cd.Invalid("renames", list, "Invalid rename mapping: "+entry)
		}
	}
	if spec.whole != 0 && len(list) > 1 {
		return spec, errs.Config("Cast transformations that specify a type to cast the entire value to " +
			"may only specify a single cast in their spec")
	}
	spec.order = hashMapOrder(names)
	return spec, nil
}

// castTarget returns the type that a name in a spec stands for.
func castTarget(name string) (schema.Type, error) {
	name = cd.Trim(name)
	upper := strings.ToUpper(name)
	typ, ok := schema.TypeOf(upper)
	if !ok {
		return 0, cd.Invalid("Invalid type found in casting spec: "+name,
			"java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type."+upper, "")
	}
	if typ >= schema.Bytes {
		return 0, errs.Config("Cast transformation does not support casting to " + typ.String() +
			"; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]")
	}
	return typ, nil
}

func (t *cast) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	if t.spec, err = parseCastSpec(c.List("spec")); err != nil {
		return err
	}
	t.withDefault = c.Bool("replace.null.with.default")
	t.plans = schema.NewCache[*schema.Schema, *castPlan](cacheSize)
	return nil
}

func (t *cast) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	const purpose = "cast types"
	s, v := t.part.of(r)
	switch {
	case v.IsNull():
		return r, nil
	case s == nil:
		return t.applyMap(r, v, purpose)
	}
	plan, ok := t.plans.Get(s)
	if !ok {
		var err error
		if plan, err = t.plan(s); err != nil {
			return nil, err
		}
		t.plans.Put(s, plan)
	}
	if t.spec.whole != 0 {
		to, err := castValue(s, v, t.spec.whole)
		if err != nil {
			return nil, err
		}
		return t.part.with(r, plan.schema, to), nil
	}
	from, err := requireStruct(v, purpose)
	if err != nil {
		return nil, err
	}
	fields, updated := s.Fields(), plan.schema.Fields()
	to := t.arena.Struct(plan.schema, t.arena.Values(len(fields)))
	for i := range fields {
		value := fieldValue(from, i, t.withDefault)
		if typ := plan.types[i]; typ != 0 {
			if value, err = castValue(fields[i].Schema(), value, typ); err != nil {
				return nil, err
			}
		}
		if err := keep(to, i, &updated[i], value); err != nil {
			return nil, err
		}
	}
	return t.part.with(r, plan.schema, schema.OfStruct(to)), nil
}

func (t *cast) applyMap(r *connect.Record, v schema.Value, purpose string) (*connect.Record, error) {
	if t.spec.whole != 0 {
		to, err := castValue(nil, v, t.spec.whole)
		if err != nil {
			return nil, err
		}
		return t.part.with(r, nil, to), nil
	}
	from, err := requireMap(v, purpose)
	if err != nil {
		return nil, err
	}
	to := from.Clone()
	for _, name := range t.spec.order {
		value, _ := from.GetString(name)
		if value, err = castValue(nil, value, t.spec.fields[name]); err != nil {
			return nil, err
		}
		to.PutString(name, value)
	}
	return t.part.with(r, nil, schema.OfMap(to)), nil
}

// plan derives the schema. A field that is cast keeps optionality and default alone;
// a whole value also its name and the like, even where they no longer fit.
func (t *cast) plan(s *schema.Schema) (*castPlan, error) {
	p := &castPlan{}
	var b *schema.Builder
	if t.spec.whole != 0 {
		b = schema.NewBuilder(t.spec.whole).Meta(s)
	} else {
		fields, err := s.FieldsOrError()
		if err != nil {
			return nil, err
		}
		b = basics(s)
		p.types = make([]schema.Type, len(fields))
		for i := range fields {
			fs := fields[i].Schema()
			if typ := t.spec.fields[fields[i].Name()]; typ != 0 {
				p.types[i] = typ
				if fs, err = castSchema(fs, schema.NewBuilder(typ), typ); err != nil {
					return nil, err
				}
			}
			b.Field(fields[i].Name(), fs)
		}
	}
	target := t.spec.whole
	if target == 0 {
		target = schema.Struct
	}
	var err error
	p.schema, err = castSchema(s, b, target)
	return p, err
}

// castSchema gives a schema the optionality of another, and its default, cast.
func castSchema(s *schema.Schema, b *schema.Builder, typ schema.Type) (*schema.Schema, error) {
	b.SetOptional(s.Optional())
	if s.HasDefault() {
		def, err := castValue(s, s.Default(), typ)
		if err != nil {
			return nil, err
		}
		b.Default(def)
	}
	return b.Build()
}

// castValue casts one value; s is its schema or nil.
func castValue(s *schema.Schema, v schema.Value, target schema.Type) (schema.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	typ, ok := v.Kind().SchemaType()
	if s != nil {
		typ = s.Type()
	} else if !ok {
		return v, errs.Data("Cast transformation was passed a value of type class " + v.Kind().JavaClass() +
			" which is not supported by Connect's data API")
	}
	if typ > schema.Bytes {
		return v, errs.Data("Cast transformation does not support casting from " + typ.String() +
			"; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]")
	}
	if target == schema.String {
		return castToString(v), nil
	}
	if s != nil && s.HasName() {
		var err error
		if v, err = encodeDate(s, v); err != nil {
			return v, err
		}
	}
	switch {
	case v.Kind() == schema.KindString:
		return castText(v.Str(), target)
	case v.Kind() == schema.KindBoolean:
		if target == schema.Boolean {
			return v, nil
		}
		if v.Boolean() {
			return castNumber(schema.OfInt8(1), target)
		}
		return castNumber(schema.OfInt8(0), target)
	case v.IsNumber() || v.Kind() == schema.KindDecimal:
		return castNumber(v, target)
	}
	return v, errs.Data("Unexpected type in Cast transformation: class " + v.Kind().JavaClass())
}

// encodeDate turns a logical date into the number it is kept as. A schema may be
// called a date and its value be none, after a cast of the whole value.
func encodeDate(s *schema.Schema, v schema.Value) (schema.Value, error) {
	switch s.Name() {
	case schema.DateName, schema.TimeName, schema.TimestampName:
	default:
		return v, nil
	}
	if v.Kind() != schema.KindDate {
		return v, errs.New(errs.ClassClassCast, "class %s cannot be cast to class java.util.Date", v.Kind().JavaClass())
	}
	switch s.Name() {
	case schema.DateName:
		n, err := schema.DateFromLogical(s, v.Date())
		return schema.OfInt32(n), err
	case schema.TimeName:
		n, err := schema.TimeFromLogical(s, v.Date())
		return schema.OfInt32(n), err
	}
	n, err := schema.TimestampFromLogical(s, v.Date())
	return schema.OfInt64(n), err
}

func castNumber(v schema.Value, target schema.Type) (schema.Value, error) {
	switch target {
	case schema.Int8:
		return schema.OfInt8(int8(toInt32(v))), nil
	case schema.Int16:
		return schema.OfInt16(int16(toInt32(v))), nil
	case schema.Int32:
		return schema.OfInt32(toInt32(v)), nil
	case schema.Int64:
		return schema.OfInt64(toInt64(v)), nil
	case schema.Float32:
		return schema.OfFloat32(toFloat32(v)), nil
	case schema.Float64:
		return schema.OfFloat64(toFloat64(v)), nil
	}
	return schema.OfBoolean(toInt64(v) != 0), nil
}

func castText(s string, target schema.Type) (v schema.Value, err error) {
	var n int64
	var f float64
	ok := true
	switch target {
	case schema.Int8:
		n, ok = parseInteger(s, 8)
		v = schema.OfInt8(int8(n))
	case schema.Int16:
		n, ok = parseInteger(s, 16)
		v = schema.OfInt16(int16(n))
	case schema.Int32:
		n, ok = parseInteger(s, 32)
		v = schema.OfInt32(int32(n))
	case schema.Int64:
		n, ok = parseInteger(s, 64)
		v = schema.OfInt64(n)
	case schema.Float32:
		f, ok = parseFloat(s, 32)
		v = schema.OfFloat32(float32(f))
	case schema.Float64:
		f, ok = parseFloat(s, 64)
		v = schema.OfFloat64(f)
	case schema.Boolean:
		v = schema.OfBoolean(strings.EqualFold(s, "true"))
	}
	if !ok {
		cause := errs.New(errs.ClassNumberFormat, "For input string: \""+s+"\"")
		return v, errs.Wrap(errs.ClassData, cause, "Value ("+s+") was out of range for requested data type")
	}
	return v, nil
}

func castToString(v schema.Value) schema.Value {
	switch v.Kind() {
	case schema.KindString:
		return v
	case schema.KindDate:
		return schema.OfString(string(schema.AppendDate(nil, v.Date())))
	case schema.KindBytes:
		return schema.OfString(base64.StdEncoding.EncodeToString(v.Bytes()))
	}
	return schema.OfString(v.Text())
}

func (t *cast) Close() error { return nil }
