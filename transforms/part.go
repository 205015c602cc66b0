package transforms

import (
	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Part is the half of a record that a transform works on.
type Part uint8

// The parts of a record.
const (
	Value Part = iota // Connect's $Value classes
	Key               // Connect's $Key classes
)

// of returns the part's schema and value.
func (p Part) of(r *connect.Record) (*schema.Schema, schema.Value) {
	if p == Key {
		return r.KeySchema, r.Key
	}
	return r.ValueSchema, r.Value
}

// with returns a copy of the record with another schema and value for the part.
func (p Part) with(r *connect.Record, s *schema.Schema, v schema.Value) *connect.Record {
	c := r.Copy()
	if p == Key {
		c.KeySchema, c.Key = s, v
	} else {
		c.ValueSchema, c.Value = s, v
	}
	return c
}

// cacheSize is the number of schemas that a transform remembers, as in Connect.
const cacheSize = 16

// requireMap returns the map that schemaless data must be (Requirements.requireMap).
func requireMap(v schema.Value, purpose string) (*schema.MapValue, error) {
	if v.Kind() != schema.KindMap {
		return nil, errs.Data("Only Map objects supported in absence of schema for [" + purpose + "], found: " + v.Kind().JavaClass())
	}
	return v.Map(), nil
}

// requireStruct returns the struct that data with a schema must be (Requirements.requireStruct).
func requireStruct(v schema.Value, purpose string) (*schema.StructValue, error) {
	if v.Kind() != schema.KindStruct {
		return nil, errs.Data("Only Struct objects supported for [" + purpose + "], found: " + v.Kind().JavaClass())
	}
	return v.Struct(), nil
}

// requireStructOrNull is requireStruct that lets null through as nil.
func requireStructOrNull(v schema.Value, purpose string) (*schema.StructValue, error) {
	if v.IsNull() {
		return nil, nil
	}
	return requireStruct(v, purpose)
}

// keyText returns the text of a map's key, which Connect takes for a string.
func keyText(k schema.Value) (string, error) {
	if k.Kind() != schema.KindString {
		return "", errs.New(errs.ClassClassCast, "class %s cannot be cast to class java.lang.String", k.Kind().JavaClass())
	}
	return k.Str(), nil
}

// fieldOf looks a field up; a schema that has none by its type is an error, a name
// that is not there gives nil.
func fieldOf(s *schema.Schema, name string) (*schema.Field, error) {
	if s.Type() != schema.Struct {
		return nil, errs.Data("Cannot look up fields on non-struct type")
	}
	return s.Field(name), nil
}

// basics starts a struct schema with the name, version, documentation and parameters
// of another, but not its optionality and default (SchemaUtil.copySchemaBasics).
func basics(from *schema.Schema) *schema.Builder { return schema.NewStruct().Meta(from) }

// fieldValue returns the value of a field, its default in place of null if wanted.
func fieldValue(s *schema.StructValue, i int, withDefault bool) schema.Value {
	if withDefault {
		return s.At(i)
	}
	return s.RawAt(i)
}

// keep sets a field to a value that came from a field of the same schema, so that
// only null needs checking: a struct may lack required fields until it is written.
func keep(s *schema.StructValue, i int, f *schema.Field, v schema.Value) error {
	if v.IsNull() && !f.Schema().Optional() {
		return schema.ValidateField(f.Name(), f.Schema(), v)
	}
	s.SetAt(i, v)
	return nil
}
