package avro

import (
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// defaultValue is a default as it was found: the JSON of connect.default, or what Java
// makes of a field's own default, which is one of null's own object, bool, int32, int64,
// float32, float64, string, []byte, []any and *object.
type defaultValue struct {
	json   *node
	object any
}

// javaNull is the object for null in defaults (JsonProperties.NULL_VALUE).
type javaNull struct{}

// object is a JSON object in a default.
type object struct {
	names  []string
	values map[string]any
}

// fieldDefault is the default of a field, or nil where there is none, or none that makes
// sense for the type (Field.defaultVal).
func fieldDefault(f *field) *defaultValue {
	if f.def == nil {
		return nil
	}
	v, ok := toObject(f.def, f.schema)
	if !ok || v == nil {
		return nil
	}
	return &defaultValue{object: v}
}

// toObject makes an object of JSON for a schema, nil where the types differ. It says
// false where Java fails (JacksonUtils.toObject).
func toObject(n *node, s *Schema) (any, bool) {
	if s.kind == kUnion {
		if len(s.types) == 0 {
			return nil, false
		}
		s = s.types[0]
	}
	switch n.kind {
	case jsonNull:
		return javaNull{}, true
	case jsonBool:
		return n.yes, true
	case jsonInt, jsonFloat, jsonDouble:
		return numberObject(n, s.kind), true
	case jsonText:
		switch s.kind {
		case kString, kEnum:
			return n.text, true
		case kBytes, kFixed:
			return fromLatin1(n.text), true
		}
	case jsonArray:
		return listObject(n, s)
	case jsonObject:
		return mapObject(n, s)
	}
	return nil, true
}

func numberObject(n *node, k kind) any {
	whole := n.kind == jsonInt
	switch k {
	case kInt:
		if n.isInt32() {
			return n.asInt32()
		}
		if whole {
			return n.num
		}
	case kLong:
		if whole {
			return n.num
		}
	case kFloat:
		return float32(n.asFloat())
	case kDouble:
		return n.asFloat()
	}
	return nil
}

func listObject(n *node, s *Schema) (any, bool) {
	list := make([]any, len(n.list))
	if s.kind != kArray && len(list) > 0 {
		return nil, false
	}
	for i, e := range n.list {
		v, ok := toObject(e, s.items)
		if !ok {
			return nil, false
		}
		list[i] = v
	}
	return list, true
}

func mapObject(n *node, s *Schema) (any, bool) {
	o := &object{values: map[string]any{}}
	for _, m := range n.members {
		var of *Schema
		switch s.kind {
		case kMap:
			of = s.items
		case kRecord:
			f := s.field(m.name)
			if f == nil {
				return nil, false
			}
			of = f.schema
		default:
			of = &Schema{kind: kNull} // such a default is refused later
		}
		v, ok := toObject(m.value, of)
		if !ok {
			return nil, false
		}
		o.names = append(o.names, m.name)
		o.values[m.name] = v
	}
	return o, true
}

// fromLatin1 is text as bytes, one for each character.
func fromLatin1(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		b = append(b, byte(r)) // #nosec G115 -- at most 255
	}
	return b
}

// setDefault gives a schema its default. One that does not fit is left out.
func (r *reading) setDefault(b *schema.Builder, s *Schema, def *defaultValue) error {
	own := s.objectProp(defaultProp)
	switch {
	case def == nil && own == nil:
		return nil
	case def == nil:
		def = &defaultValue{json: own}
	case own == nil && !r.DiscardTypeDocDefault && r.ConnectMetadata:
		b.Param(avroFieldDefault, "true")
	}
	to := b.Ref()
	if to.Type() == schema.Struct {
		// A struct as default is of the schema as it is now, and no longer matches it
		// once that has more, such as the default: Java's has the builder for a schema.
		to = to.Renamed(nil, nil)
	}
	v, err := r.defaultFrom(to, s, def)
	if err == nil {
		err = schema.ValidateValue(b.Ref(), v)
	}
	if err == nil {
		b.Default(v)
		return b.Err()
	}
	if errs.Class(err) == errs.ClassData {
		return nil
	}
	return err
}

func (r *reading) defaultFrom(to *schema.Schema, s *Schema, def *defaultValue) (schema.Value, error) {
	var v schema.Value
	var err error
	if def.json == nil {
		v, err = r.fromObject(to, def.object, false)
	} else {
		v, err = r.fromJSON(to, s, def.json)
	}
	if err != nil {
		return v, err
	}
	return toLogical(to, v)
}

// errDefault is what a default is refused with; it is not seen outside.
func errDefault() error { return errs.Data("Invalid default value") }

// fromJSON reads the JSON of connect.default.
func (r *reading) fromJSON(to *schema.Schema, s *Schema, n *node) (v schema.Value, err error) {
	switch s.kind {
	case kInt:
		switch to.Type() {
		case schema.Int8:
			return schema.OfInt8(int8(n.asInt32())), nil // #nosec G115 -- Java cuts it as well
		case schema.Int16:
			return schema.OfInt16(int16(n.asInt32())), nil // #nosec G115 -- as above
		case schema.Int32:
			return schema.OfInt32(n.asInt32()), nil
		}
	case kLong:
		return schema.OfInt64(n.asInt64()), nil
	case kFloat:
		return schema.OfFloat32(float32(n.asFloat())), nil
	case kDouble:
		return schema.OfFloat64(n.asFloat()), nil
	case kBoolean:
		return schema.OfBoolean(n.asBool()), nil
	case kString, kEnum:
		return schema.OfString(n.asText()), nil
	case kBytes, kFixed:
		if n.kind == jsonText {
			return schema.OfBytes(fromLatin1(n.text)), nil
		}
	case kArray:
		return r.arrayFromJSON(to, s, n)
	case kMap:
		return r.mapFromJSON(to, s, n)
	case kRecord:
		return r.recordFromJSON(to, s, n)
	case kUnion:
		return r.unionFromJSON(to, s, n)
	}
	return v, nil
}

func (r *reading) nested(to *schema.Schema, s *Schema, n *node) (schema.Value, error) {
	if n == nil {
		return schema.Value{}, nil
	}
	return r.defaultFrom(to, s, &defaultValue{json: n})
}

func (r *reading) arrayFromJSON(to *schema.Schema, s *Schema, n *node) (v schema.Value, err error) {
	if n.kind != jsonArray {
		return v, errDefault()
	}
	elements := make([]schema.Value, len(n.list))
	for i, e := range n.list {
		if elements[i], err = r.nested(to.Value(), s.items, e); err != nil {
			return v, err
		}
	}
	return schema.OfArray(elements), nil
}

func (r *reading) mapFromJSON(to *schema.Schema, s *Schema, n *node) (v schema.Value, err error) {
	if n.kind != jsonObject {
		return v, errDefault()
	}
	m := schema.NewMap(len(n.members))
	for _, e := range n.members {
		value, err := r.nested(to.Value(), s.items, e.value)
		if err != nil {
			return v, err
		}
		m.PutString(e.name, value)
	}
	return schema.OfMap(m), nil
}

func (r *reading) recordFromJSON(to *schema.Schema, s *Schema, n *node) (v schema.Value, err error) {
	if n.kind != jsonObject || to.Type() != schema.Struct || r.unfinished(to) {
		return v, errDefault()
	}
	st := schema.NewStructValue(to)
	for i := range s.fields {
		f := to.Field(s.fields[i].name)
		if f == nil {
			return v, errs.New(errs.ClassNullPointer, "the schema %s has no field %s", to, s.fields[i].name)
		}
		value, err := r.nested(f.Schema(), s.fields[i].schema, n.get(f.Name()))
		if err == nil {
			err = st.Put(f.Name(), value)
		}
		if err != nil {
			return v, err
		}
	}
	return schema.OfStruct(st), nil
}

func (r *reading) unionFromJSON(to *schema.Schema, s *Schema, n *node) (v schema.Value, err error) {
	if len(s.types) == 0 || to.Type() != schema.Struct && s.types[0].kind != kNull {
		return v, errDefault()
	}
	if s.types[0].kind == kNull {
		return v, nil
	}
	f := to.Field(r.branchField(s.types[0], 0))
	if f == nil {
		return v, errs.New(errs.ClassNullPointer, "the schema %s has no field for %s", to, s.types[0].fullName())
	}
	return r.nested(f.Schema(), s.types[0], n)
}

// fromObject makes a Connect value of a field's default.
func (r *reading) fromObject(to *schema.Schema, o any, logical bool) (v schema.Value, err error) {
	if _, ok := o.(javaNull); ok || o == nil {
		if o == nil && !to.Optional() {
			return v, errDefault()
		}
		return v, nil
	}
	if to.Type() == schema.Struct && isUnion(to) {
		v, err = r.unionFromObject(to, o)
	} else {
		v, err = r.plainFromObject(to, o)
	}
	if err != nil || !logical {
		return v, err
	}
	return toLogical(to, v)
}

func (r *reading) plainFromObject(to *schema.Schema, o any) (v schema.Value, err error) {
	t := to.Type()
	switch o := o.(type) {
	case bool:
		v = schema.OfBoolean(o)
	case int32:
		switch t {
		case schema.Int8:
			v = schema.OfInt8(int8(o)) // #nosec G115 -- Java cuts it as well
		case schema.Int16:
			v = schema.OfInt16(int16(o)) // #nosec G115 -- as above
		default:
			v = schema.OfInt32(o)
		}
	case int64:
		v = schema.OfInt64(o)
	case float32:
		v = schema.OfFloat32(o)
	case float64:
		v = schema.OfFloat64(o)
	case string:
		v = schema.OfString(o)
	case []byte:
		v = schema.OfBytes(o)
	case []any:
		if t != schema.Array {
			return v, errDefault()
		}
		elements := make([]schema.Value, len(o))
		for i := range o {
			if elements[i], err = r.fromObject(to.Value(), o[i], true); err != nil {
				return v, err
			}
		}
		v = schema.OfArray(elements)
	case *object:
		if t == schema.Struct && !r.unfinished(to) {
			return r.structFromObject(to, o)
		}
		if t != schema.Map || to.Key().Type() != schema.String || to.Key().Optional() {
			return v, errDefault()
		}
		m := schema.NewMap(len(o.names))
		for _, name := range o.names {
			value, err := r.fromObject(to.Value(), o.values[name], true)
			if err != nil {
				return v, err
			}
			m.PutString(name, value)
		}
		v = schema.OfMap(m)
	}
	if v.Kind() != schema.Kind(t) {
		return v, errDefault()
	}
	return v, nil
}

func (r *reading) structFromObject(to *schema.Schema, o *object) (v schema.Value, err error) {
	st := schema.NewStructValue(to)
	for i := range to.Fields() {
		f := &to.Fields()[i]
		name := f.Name()
		if r.ScrubNames {
			name = scrub(name)
		}
		value := f.Schema().Default()
		if of, ok := o.values[name]; ok {
			value, err = r.fromObject(f.Schema(), of, true)
		} else if value.IsNull() && !f.Schema().Optional() || f.Schema().IsLogical() && !value.IsNull() {
			err = errDefault()
		}
		if err == nil {
			err = st.PutAt(i, value)
		}
		if err != nil {
			return v, err
		}
	}
	return schema.OfStruct(st), nil
}

func (r *reading) unionFromObject(to *schema.Schema, o any) (v schema.Value, err error) {
	for i := range to.Fields() {
		f := &to.Fields()[i]
		if !isInstance(f.Schema(), o) {
			continue
		}
		name, ok := r.memberField(f.Schema(), i)
		if !ok {
			return v, errDefault()
		}
		value, err := r.fromObject(f.Schema(), o, true)
		if err != nil {
			return v, err
		}
		st := schema.NewStructValue(to)
		return schema.OfStruct(st), st.Put(name, value)
	}
	return v, errDefault()
}

// isInstance says whether a default is of the type that a field of a union is for.
func isInstance(s *schema.Schema, o any) bool {
	if isEnum(s) {
		return false
	}
	var t schema.Type
	switch o := o.(type) {
	case bool:
		t = schema.Boolean
	case int32:
		t = schema.Int32
	case int64:
		t = schema.Int64
	case float32:
		t = schema.Float32
	case float64:
		t = schema.Float64
	case string:
		t = schema.String
	case []any:
		t = schema.Array
	case *object:
		t = schema.Map
	case []byte:
		if isFixed(s) {
			size, err := parseInt(s, sizeParam)
			return err == nil && size == len(o)
		}
		t = schema.Bytes
	}
	return s.Type() == t
}
