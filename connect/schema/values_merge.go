package schema

import "github.com/moldau-io/moldau/connect/errs"

// merger finds a schema that all elements of a parsed list or map can take.
type merger struct {
	schema *Schema
	failed bool
}

func (m *merger) merge(p parsed) {
	switch {
	case p.schema == nil || m.failed:
	case m.schema == nil:
		m.schema = p.schema
	default:
		m.schema = mergeSchemas(m.schema, p.schema)
		m.failed = m.schema == nil
	}
}

// mergeSchemas returns the wider of two numeric schemas, the later of two of one
// type, or nil.
func mergeSchemas(a, b *Schema) *Schema {
	switch {
	case a.typ == b.typ:
		if a.optional == b.optional {
			if a.optional {
				return a
			}
			return b
		}
		if !a.Equal(b) {
			return nil
		}
		return a
	case !a.typ.IsNumber() || !b.typ.IsNumber():
		return nil
	case a.typ < b.typ:
		return b
	}
	return a
}

// InferSchema finds the schema of a value that has none (Values.inferSchema): nil
// for null, decimals, dates, empty lists and maps, and those of mixed types. A
// list of nulls alone is a SchemaBuilderException, as in Java.
func InferSchema(v Value) (*Schema, error) {
	switch v.Kind() {
	case KindNull, KindDecimal, KindDate:
		return nil, nil
	case KindArray:
		if len(v.Array()) == 0 {
			return nil, nil
		}
		var d detector
		for _, e := range v.Array() {
			if ok, err := d.accepts(e); !ok {
				return nil, err
			}
		}
		element, err := d.schema()
		if err != nil {
			return nil, err
		}
		return NewArray(element).Build()
	case KindMap:
		if v.Map().Len() == 0 {
			return nil, nil
		}
		var keys, values detector
		for _, e := range v.Map().Entries() {
			if ok, err := keys.accepts(e.Key); !ok {
				return nil, err
			}
			if ok, err := values.accepts(e.Value); !ok {
				return nil, err
			}
		}
		key, err := keys.schema()
		if err != nil {
			return nil, err
		}
		value, err := values.schema()
		if err != nil {
			return nil, err
		}
		return NewMapOf(key, value).Build()
	case KindStruct:
		return v.Struct().Schema(), nil
	}
	return Of(Type(v.Kind())), nil
}

// detector finds the one type of the elements of a list; of nested lists and
// structs only the bare type is kept.
type detector struct {
	typ      Type
	optional bool
}

func (d *detector) accepts(v Value) (bool, error) {
	if v.IsNull() {
		d.optional = true
		return true, nil
	}
	s, err := InferSchema(v)
	if err != nil || s == nil {
		return false, err
	}
	if d.typ == 0 {
		d.typ = s.typ
	}
	return d.typ == s.typ, nil
}

func (d *detector) schema() (*Schema, error) {
	if d.typ == 0 {
		return nil, errs.New(errs.ClassSchemaBuilder, "type cannot be null")
	}
	return NewBuilder(d.typ).SetOptional(d.optional).Build()
}
