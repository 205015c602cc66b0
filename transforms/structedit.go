package transforms

import (
	"slices"

	"github.com/moldau-io/moldau/connect/schema"
)

// edited is a struct schema with some fields set anew: those that were there keep
// their places, the others come after.
type edited struct {
	schema *schema.Schema
	at     []int // the places of the fields that are set
}

// editSchema derives a schema; it keeps everything else, optionality included.
func editSchema(s *schema.Schema, names []string, schemas []*schema.Schema) (*edited, error) {
	if _, err := s.FieldsOrError(); err != nil {
		return nil, err
	}
	b := basics(s).SetOptional(s.Optional())
	for i := range s.Fields() {
		f := &s.Fields()[i]
		fs := f.Schema()
		if at := slices.Index(names, f.Name()); at >= 0 {
			fs = schemas[at]
		}
		b.Field(f.Name(), fs)
	}
	e := &edited{at: make([]int, len(names))}
	next := len(s.Fields())
	for i, name := range names {
		if f := s.Field(name); f != nil {
			e.at[i] = f.Index()
			continue
		}
		b.Field(name, schemas[i])
		e.at[i] = next
		next++
	}
	var err error
	e.schema, err = b.Build()
	return e, err
}

// apply copies a struct and sets the fields, unchecked.
func (e *edited) apply(arena *schema.Arena, from *schema.StructValue, values []schema.Value) schema.Value {
	to := arena.Values(len(e.schema.Fields()))
	for i := range from.Schema().Fields() {
		to[i] = from.RawAt(i)
	}
	for i, at := range e.at {
		to[at] = values[i]
	}
	return schema.OfStruct(arena.Struct(e.schema, to))
}
