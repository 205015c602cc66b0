package schema

import (
	"github.com/moldau-io/moldau/connect/errs"
)

// Param is one entry of a schema's parameters.
type Param struct{ Name, Value string }

// Field is a named member of a struct schema.
type Field struct {
	name   string
	index  int
	schema *Schema
}

// Name returns the field's name.
func (f *Field) Name() string { return f.name }

// Index returns the field's place in the struct, from 0.
func (f *Field) Index() int { return f.index }

// Schema returns the field's schema.
func (f *Field) Schema() *Schema { return f.schema }

// Schema describes values (org.apache.kafka.connect.data.ConnectSchema). It is
// immutable once built; nil stands for Java's null schema (schemaless data).
type Schema struct {
	typ        Type
	optional   bool
	hasName    bool
	hasDoc     bool
	hasVersion bool
	version    int32
	name       string
	doc        string
	params     []Param
	def        Value
	fields     []Field
	byName     map[string]int
	key        *Schema
	value      *Schema
}

// Type returns the schema's type.
func (s *Schema) Type() Type { return s.typ }

// Optional says whether null is allowed.
func (s *Schema) Optional() bool { return s.optional }

// Name returns the schema's name, or "" when it has none.
func (s *Schema) Name() string { return s.name }

// HasName says whether the schema has a name, be it empty.
func (s *Schema) HasName() bool { return s.hasName }

// Doc returns the documentation, or "".
func (s *Schema) Doc() string { return s.doc }

// HasDoc says whether the schema has documentation, be it empty.
func (s *Schema) HasDoc() bool { return s.hasDoc }

// Version returns the version and whether there is one.
func (s *Schema) Version() (int32, bool) { return s.version, s.hasVersion }

// Default returns the default value; null when there is none.
func (s *Schema) Default() Value { return s.def }

// HasDefault says whether there is a default that is not null.
func (s *Schema) HasDefault() bool { return !s.def.IsNull() }

// Params returns the parameters in order, nil when there are none (null in Java).
// They must not be changed.
func (s *Schema) Params() []Param { return s.params }

// Param returns one parameter and whether it is there.
func (s *Schema) Param(name string) (string, bool) {
	for i := range s.params {
		if s.params[i].Name == name {
			return s.params[i].Value, true
		}
	}
	return "", false
}

// Fields returns the fields of a struct schema, nil for other types.
// They must not be changed.
func (s *Schema) Fields() []Field { return s.fields }

// Field returns the field of that name, or nil.
func (s *Schema) Field(name string) *Field {
	if s.byName == nil {
		for i := range s.fields {
			if s.fields[i].name == name {
				return &s.fields[i]
			}
		}
		return nil
	}
	if i, ok := s.byName[name]; ok {
		return &s.fields[i]
	}
	return nil
}

// FieldsOrError returns the fields, or the DataException that Java's fields() throws.
func (s *Schema) FieldsOrError() ([]Field, error) {
	if s.typ != Struct {
		return nil, errs.Data("Cannot list fields on non-struct type")
	}
	return s.fields, nil
}

// Key returns a map's key schema, nil for other types.
func (s *Schema) Key() *Schema { return s.key }

// Value returns a map's value schema or an array's element schema, nil for other types.
func (s *Schema) Value() *Schema { return s.value }

// String returns Java's toString: "Schema{name:TYPE}" or "Schema{TYPE}".
func (s *Schema) String() string {
	if s == nil {
		return "null"
	}
	if s.hasName {
		return "Schema{" + s.name + ":" + s.typ.String() + "}"
	}
	return "Schema{" + s.typ.String() + "}"
}

type schemaPair struct{ a, b *Schema }

// Equal says whether two schemas are equal as ConnectSchema.equals has it:
// everything counts, documentation and defaults too. Both may be nil.
// Recursive schemas are compared without end-less recursion.
func (s *Schema) Equal(o *Schema) bool { return equalSchemas(s, o, nil, 0) }

// seenFrom is the depth from which pairs are remembered, so that ordinary schemas need no map.
const seenFrom = 32

func equalSchemas(s, o *Schema, seen map[schemaPair]bool, depth int) bool {
	if s == o {
		return true
	}
	if s == nil || o == nil {
		return false
	}
	if s.typ != o.typ || s.optional != o.optional || s.hasName != o.hasName || s.hasDoc != o.hasDoc ||
		s.hasVersion != o.hasVersion || s.version != o.version || s.name != o.name || s.doc != o.doc ||
		len(s.fields) != len(o.fields) || !equalParams(s.params, o.params) || !s.def.Equal(o.def) {
		return false
	}
	if depth >= seenFrom {
		if seen == nil {
			seen = map[schemaPair]bool{}
		}
		if seen[schemaPair{s, o}] {
			return true
		}
		seen[schemaPair{s, o}] = true
	}
	for i := range s.fields {
		if s.fields[i].name != o.fields[i].name || !equalSchemas(s.fields[i].schema, o.fields[i].schema, seen, depth+1) {
			return false
		}
	}
	return equalSchemas(s.key, o.key, seen, depth+1) && equalSchemas(s.value, o.value, seen, depth+1)
}

func equalParams(a, b []Param) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
next:
	for _, p := range a {
		for _, q := range b {
			if p.Name == q.Name {
				if p.Value != q.Value {
					return false
				}
				continue next
			}
		}
		return false
	}
	return true
}
