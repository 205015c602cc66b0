package notation

import (
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// typeNames are the types' names in an envelope's schema.
var typeNames = map[schema.Type]string{schema.Float32: "float", schema.Float64: "double"}

const classStackOverflow = "java.lang.StackOverflowError"

// appendTypedSchema appends the members of a value whose schema JsonConverter cannot
// write: one that contains itself, or whose defaults cannot be written.
func appendTypedSchema(dst []byte, s *schema.Schema, v schema.Value, cause error) []byte {
	dst = appendSchema(append(dst, `{"typedSchema":`...), s, "", nil)
	dst = AppendTyped(append(dst, `,"typed":`...), v)
	if errs.Class(cause) != classStackOverflow {
		dst = AppendError(append(dst, `,"encodeError":`...), cause)
	}
	return append(dst, '}')
}

// appendSchema writes a schema as JsonConverter does, but for defaults, which are
// TYPED, and for structs that are being written, which are given by name. open are
// those around it.
func appendSchema(dst []byte, s *schema.Schema, field string, open []*schema.Schema) []byte {
	member := func(name, value string) {
		dst = append(json.AppendString(append(dst, ','), name), ':')
		dst = json.AppendString(dst, value)
	}
	finish := func() []byte {
		if field != "" {
			member("field", field)
		}
		return append(dst, '}')
	}
	for _, o := range open {
		if sameFields(o, s) {
			dst = json.AppendString(append(dst, `{"ref":`...), s.Name())
			dst = strconv.AppendBool(append(dst, `,"optional":`...), s.Optional())
			return finish()
		}
	}
	name := typeNames[s.Type()]
	if name == "" {
		name = s.Type().Name()
	}
	dst = json.AppendString(append(dst, `{"type":`...), name)
	switch s.Type() {
	case schema.Struct:
		open = append(open, s)
		dst = append(dst, `,"fields":[`...)
		for i := range s.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			f := &s.Fields()[i]
			dst = appendSchema(dst, f.Schema(), f.Name(), open)
		}
		dst = append(dst, ']')
	case schema.Map:
		dst = appendSchema(append(dst, `,"keys":`...), s.Key(), "", open)
		dst = appendSchema(append(dst, `,"values":`...), s.Value(), "", open)
	case schema.Array:
		dst = appendSchema(append(dst, `,"items":`...), s.Value(), "", open)
	}
	dst = strconv.AppendBool(append(dst, `,"optional":`...), s.Optional())
	if s.HasName() {
		member("name", s.Name())
	}
	if n, ok := s.Version(); ok {
		dst = strconv.AppendInt(append(dst, `,"version":`...), int64(n), 10)
	}
	if s.HasDoc() {
		member("doc", s.Doc())
	}
	if len(s.Params()) > 0 {
		dst = append(dst, `,"parameters":{`...)
		for i, p := range s.Params() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(json.AppendString(dst, p.Name), ':')
			dst = json.AppendString(dst, p.Value)
		}
		dst = append(dst, '}')
	}
	if s.HasDefault() {
		dst = AppendTyped(append(dst, `,"default":`...), s.Default())
	}
	return finish()
}

// sameFields says whether two struct schemas are one, but for optionality and
// parameters: whether they have the very same fields.
func sameFields(a, b *schema.Schema) bool {
	if a == b {
		return a.Type() == schema.Struct
	}
	if a.Type() != b.Type() || len(a.Fields()) == 0 || len(a.Fields()) != len(b.Fields()) || a.Name() != b.Name() {
		return false
	}
	for i := range a.Fields() {
		x, y := &a.Fields()[i], &b.Fields()[i]
		if x.Schema() != y.Schema() || x.Name() != y.Name() {
			return false
		}
	}
	return true
}
