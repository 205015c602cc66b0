package schema

import "github.com/moldau-io/moldau/connect/errs"

// indexFrom is the number of fields from which a struct schema keeps an index by name.
const indexFrom = 6

// Builder makes a Schema (org.apache.kafka.connect.data.SchemaBuilder). The first
// error sticks and is returned by Build. A Builder is used once.
type Builder struct {
	s     *Schema
	err   error
	twins []twin
}

// twin is a schema that will be like the one under construction.
type twin struct {
	s        *Schema
	optional bool
}

// NewBuilder starts a schema of a primitive type or a struct.
func NewBuilder(t Type) *Builder { return &Builder{s: &Schema{typ: t}} }

// NewStruct starts a struct schema.
func NewStruct() *Builder { return NewBuilder(Struct) }

// NewArray starts an array schema.
func NewArray(element *Schema) *Builder {
	b := NewBuilder(Array)
	b.s.value = element
	if element == nil {
		b.fail(errs.New(errs.ClassSchemaBuilder, "valueSchema cannot be null."))
	}
	return b
}

// NewMapOf starts a map schema.
func NewMapOf(key, value *Schema) *Builder {
	b := NewBuilder(Map)
	b.s.key, b.s.value = key, value
	switch {
	case key == nil:
		b.fail(errs.New(errs.ClassSchemaBuilder, "keySchema cannot be null."))
	case value == nil:
		b.fail(errs.New(errs.ClassSchemaBuilder, "valueSchema cannot be null."))
	}
	return b
}

func (b *Builder) fail(err error) *Builder {
	if b.err == nil {
		b.err = err
	}
	return b
}

// Ref returns the schema under construction, so that it can be its own field
// (recursive schemas). It must not be used before Build.
func (b *Builder) Ref() *Schema { return b.s }

// Twin returns a schema that becomes a copy of the one under construction when that is
// built, but allows null or does not as given: so that a schema can be its own field and
// be optional there alone.
func (b *Builder) Twin(optional bool) *Schema {
	c := *b.s
	c.optional = optional
	b.twins = append(b.twins, twin{&c, optional})
	return &c
}

// Optional allows null.
func (b *Builder) Optional() *Builder { b.s.optional = true; return b }

// SetOptional sets whether null is allowed.
func (b *Builder) SetOptional(optional bool) *Builder { b.s.optional = optional; return b }

// Name sets the name.
func (b *Builder) Name(name string) *Builder { b.s.name, b.s.hasName = name, true; return b }

// Version sets the version.
func (b *Builder) Version(v int32) *Builder { b.s.version, b.s.hasVersion = v, true; return b }

// Doc sets the documentation.
func (b *Builder) Doc(doc string) *Builder { b.s.doc, b.s.hasDoc = doc, true; return b }

// Param sets one parameter.
func (b *Builder) Param(name, value string) *Builder {
	for i := range b.s.params {
		if b.s.params[i].Name == name {
			b.s.params[i].Value = value
			return b
		}
	}
	b.s.params = append(b.s.params, Param{name, value})
	return b
}

// Params adds parameters; a non-nil empty slice makes the parameters empty rather than absent.
func (b *Builder) Params(ps []Param) *Builder {
	if ps != nil && b.s.params == nil {
		b.s.params = make([]Param, 0, len(ps))
	}
	for _, p := range ps {
		b.Param(p.Name, p.Value)
	}
	return b
}

// Default sets the default value. It is checked against the schema as built so
// far, as Java does; a wrong one is a SchemaBuilderException "Invalid default value".
func (b *Builder) Default(v Value) *Builder {
	if b.err != nil {
		return b
	}
	if err := ValidateValue(b.s, v); err != nil {
		if errs.Class(err) != errs.ClassData {
			return b.fail(err)
		}
		return b.fail(errs.Wrap(errs.ClassSchemaBuilder, err, "Invalid default value"))
	}
	b.s.def = v
	return b
}

// Meta copies name, version, doc and parameters from another schema.
func (b *Builder) Meta(from *Schema) *Builder {
	if from.hasName {
		b.Name(from.name)
	}
	if from.hasVersion {
		b.Version(from.version)
	}
	if from.hasDoc {
		b.Doc(from.doc)
	}
	return b.Params(from.params)
}

// Field adds a field to a struct schema.
func (b *Builder) Field(name string, s *Schema) *Builder {
	switch {
	case b.s.typ != Struct:
		return b.fail(errs.New(errs.ClassSchemaBuilder, "Cannot create fields on type %s", b.s.typ))
	case name == "":
		return b.fail(errs.New(errs.ClassSchemaBuilder, "fieldName cannot be null."))
	case s == nil:
		return b.fail(errs.New(errs.ClassSchemaBuilder, "fieldSchema for field "+name+" cannot be null."))
	case b.s.Field(name) != nil:
		return b.fail(errs.New(errs.ClassSchemaBuilder, "Cannot create field because of field name duplication "+name))
	}
	i := len(b.s.fields)
	b.s.fields = append(b.s.fields, Field{name, i, s})
	switch {
	case b.s.byName != nil:
		b.s.byName[name] = i
	case len(b.s.fields) >= indexFrom:
		b.s.byName = make(map[string]int, 2*indexFrom)
		for j := range b.s.fields {
			b.s.byName[b.s.fields[j].name] = j
		}
	}
	return b
}

// FieldsOf gives the schema the fields of another struct schema, all of which must have
// been added.
func (b *Builder) FieldsOf(from *Schema) *Builder {
	b.s.fields, b.s.byName = from.fields, from.byName
	return b
}

// HasField says whether a field of that name was added.
func (b *Builder) HasField(name string) bool { return b.s.Field(name) != nil }

// Err returns the first error so far.
func (b *Builder) Err() error { return b.err }

// Build returns the schema, or the first error.
func (b *Builder) Build() (*Schema, error) {
	if b.err != nil {
		return nil, b.err
	}
	for _, t := range b.twins {
		*t.s = *b.s
		t.s.optional = t.optional
	}
	return b.s, nil
}

// MustBuild returns the schema and panics on an error: for schemas fixed in code.
func (b *Builder) MustBuild() *Schema {
	s, err := b.Build()
	if err != nil {
		panic(err)
	}
	return s
}

// Of returns a plain required schema of a primitive type. Each call with the same
// type returns the same schema.
func Of(t Type) *Schema { return &required[t] }

// OptionalOf returns a plain optional schema of a primitive type.
func OptionalOf(t Type) *Schema { return &optional[t] }

// Never written after package initialisation.
var required, optional = plain(false), plain(true)

func plain(opt bool) (s [Bytes + 1]Schema) {
	for t := Int8; t <= Bytes; t++ {
		s[t] = Schema{typ: t, optional: opt}
	}
	return s
}
