package schema

import "github.com/moldau-io/moldau/connect/errs"

// StructValue is a record of named fields: a schema and values by field index
// (org.apache.kafka.connect.data.Struct).
type StructValue struct {
	schema *Schema
	values []Value
}

// NewStructValue returns a struct with all fields null. The schema must be a
// struct schema; NewStructValue panics otherwise.
func NewStructValue(s *Schema) *StructValue {
	if s.typ != Struct {
		panic("Not a struct schema: " + s.String())
	}
	return &StructValue{schema: s, values: make([]Value, len(s.fields))}
}

// StructOf returns a struct with the given values by index, unchecked. The slice is kept.
func StructOf(s *Schema, values []Value) *StructValue { return &StructValue{schema: s, values: values} }

// Schema returns the struct's schema.
func (s *StructValue) Schema() *Schema { return s.schema }

// At returns the value of the field with that index, the schema's default where it is null.
func (s *StructValue) At(i int) Value {
	if v := s.values[i]; v.Kind() != KindNull {
		return v
	}
	return s.schema.fields[i].schema.def
}

// RawAt returns the value of the field with that index without defaults (getWithoutDefault).
func (s *StructValue) RawAt(i int) Value { return s.values[i] }

// Get returns a field's value, the default where it is null. An unknown name is a DataException.
func (s *StructValue) Get(name string) (Value, error) {
	f := s.schema.Field(name)
	if f == nil {
		return Value{}, errs.Data(name + " is not a valid field name")
	}
	return s.At(f.index), nil
}

// GetRaw returns a field's value without defaults.
func (s *StructValue) GetRaw(name string) (Value, error) {
	f := s.schema.Field(name)
	if f == nil {
		return Value{}, errs.Data(name + " is not a valid field name")
	}
	return s.values[f.index], nil
}

// Put sets a field after checking the value against the field's schema.
func (s *StructValue) Put(name string, v Value) error {
	f := s.schema.Field(name)
	if f == nil {
		return errs.Data(name + " is not a valid field name")
	}
	return s.PutAt(f.index, v)
}

// PutAt sets the field with that index after checking the value.
func (s *StructValue) PutAt(i int, v Value) error {
	f := &s.schema.fields[i]
	if err := ValidateField(f.name, f.schema, v); err != nil {
		return err
	}
	s.values[i] = v
	return nil
}

// SetAt sets the field with that index unchecked: for values known to fit.
func (s *StructValue) SetAt(i int, v Value) { s.values[i] = v }

// Validate checks every field; null is accepted where the field is optional or has a default.
func (s *StructValue) Validate() error {
	for i := range s.schema.fields {
		f := &s.schema.fields[i]
		if s.values[i].Kind() == KindNull && (f.schema.optional || f.schema.HasDefault()) {
			continue
		}
		if err := ValidateField(f.name, f.schema, s.values[i]); err != nil {
			return err
		}
	}
	return nil
}

// Equal says whether schemas and values are equal.
func (s *StructValue) Equal(o *StructValue) bool {
	if s == o {
		return true
	}
	if !s.schema.Equal(o.schema) {
		return false
	}
	for i := range s.values {
		if !s.values[i].Equal(o.values[i]) {
			return false
		}
	}
	return true
}
