package transforms

import (
	"strconv"

	"github.com/moldau-io/moldau/connect/schema"
)

// inference gives schemaless data a schema: maps become structs of optional fields.
// Data of one shape gets one schema. Lists whose elements have no common type, and
// maps that no struct can stand for, become texts of JSON.
type inference struct {
	known *schema.Cache[string, *schema.Schema]
}

func newInference() *inference {
	return &inference{schema.NewCache[string, *schema.Schema](4 * cacheSize)}
}

// of returns the schema of a value, which is optional, and the value under it.
func (n *inference) of(v schema.Value) (*schema.Schema, schema.Value) {
	v = regular(v, 0)
	shape := appendShape(nil, v)
	s, known := n.known.Get(string(shape))
	if !known {
		s = inferSchema(v)
		n.known.Put(string(shape), s)
	}
	return s, under(s, v)
}

// regular puts texts of JSON in the place of what no schema describes, and floats in
// the place of whole numbers that stand beside floats in a list.
func regular(v schema.Value, depth int) schema.Value {
	switch v.Kind() {
	case schema.KindArray:
		if depth < maxDepth {
			if list, ok := regularList(v.Array(), depth); ok {
				return schema.OfArray(list)
			}
		}
	case schema.KindMap:
		m := schema.NewMap(v.Map().Len())
		for _, e := range v.Map().Entries() {
			if e.Key.Kind() != schema.KindString || e.Key.Str() == "" || depth >= maxDepth {
				return jsonText(v)
			}
			m.Put(e.Key, regular(e.Value, depth+1))
		}
		return schema.OfMap(m)
	case schema.KindStruct, schema.KindDecimal, schema.KindDate:
	default:
		return v
	}
	return jsonText(v)
}

func jsonText(v schema.Value) schema.Value { return schema.OfString(string(appendJSON(nil, v))) }

// regularList reports false for elements that have no common type. Null goes with any.
func regularList(list []schema.Value, depth int) ([]schema.Value, bool) {
	out := make([]schema.Value, len(list))
	floats := false
	for i, e := range list {
		out[i] = regular(e, depth+1)
		floats = floats || e.Kind() == schema.KindFloat64
	}
	var shape []byte
	for i, e := range out {
		if floats && e.IsInteger() {
			out[i] = schema.OfFloat64(toFloat64(e))
		}
		if e.IsNull() {
			continue
		}
		mine := appendShape(nil, out[i])
		if shape != nil && string(mine) != string(shape) {
			return nil, false
		}
		shape = mine
	}
	return out, true
}

// firstOf returns the first element that is not null, or null.
func firstOf(list []schema.Value) schema.Value {
	for _, e := range list {
		if !e.IsNull() {
			return e
		}
	}
	return schema.Null()
}

// appendShape writes what decides about the schema of regular data.
func appendShape(dst []byte, v schema.Value) []byte {
	switch v.Kind() {
	case schema.KindNull:
		return append(dst, '0'+byte(schema.KindString))
	case schema.KindArray:
		return append(appendShape(append(dst, '['), firstOf(v.Array())), ']')
	case schema.KindMap:
		dst = append(dst, '{')
		for _, e := range v.Map().Entries() {
			dst = appendShape(strconv.AppendQuote(dst, e.Key.Str()), e.Value)
		}
		return append(dst, '}')
	}
	return append(dst, '0'+byte(v.Kind()))
}

// inferSchema makes the schema of regular data.
func inferSchema(v schema.Value) *schema.Schema {
	switch v.Kind() {
	case schema.KindNull:
		return schema.OptionalOf(schema.String)
	case schema.KindArray:
		return schema.NewArray(inferSchema(firstOf(v.Array()))).Optional().MustBuild()
	case schema.KindMap:
		b := schema.NewStruct().Optional()
		for _, e := range v.Map().Entries() {
			b.Field(e.Key.Str(), inferSchema(e.Value))
		}
		return b.MustBuild()
	}
	t, _ := v.Kind().SchemaType()
	return schema.OptionalOf(t)
}

// under turns a value's maps into the structs of its schema.
func under(s *schema.Schema, v schema.Value) schema.Value {
	switch v.Kind() {
	case schema.KindArray:
		list := make([]schema.Value, len(v.Array()))
		for i, e := range v.Array() {
			list[i] = under(s.Value(), e)
		}
		return schema.OfArray(list)
	case schema.KindMap:
		values := make([]schema.Value, v.Map().Len())
		for i, e := range v.Map().Entries() {
			values[i] = under(s.Fields()[i].Schema(), e.Value)
		}
		return schema.OfStruct(schema.StructOf(s, values))
	}
	return v
}
