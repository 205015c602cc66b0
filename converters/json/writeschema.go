package json

import (
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// schemaText is a schema as JSON.
type schemaText struct {
	text []byte
	deep bool
}

// maxSchemaDepth bounds the nesting of a schema that is written: one that contains
// itself has no end.
const maxSchemaDepth = 3000

var typeNames = map[schema.Type]string{
	schema.Boolean: "boolean", schema.Int8: "int8", schema.Int16: "int16", schema.Int32: "int32", schema.Int64: "int64",
	schema.Float32: "float", schema.Float64: "double", schema.Bytes: "bytes", schema.String: "string",
	schema.Array: "array", schema.Map: "map", schema.Struct: "struct",
}

// AppendSchema appends the JSON of a schema as envelopes have it; nil gives null.
func (e *Encoder) AppendSchema(dst []byte, s *schema.Schema) ([]byte, error) {
	e.deep = false
	return e.appendCachedSchema(dst, s)
}

func (e *Encoder) appendCachedSchema(dst []byte, s *schema.Schema) ([]byte, error) {
	if s == nil {
		return append(dst, "null"...), nil
	}
	if t, ok := e.texts.Get(s); ok {
		e.deep = e.deep || t.deep
		return append(dst, t.text...), nil
	}
	start, deep := len(dst), e.deep
	e.deep = false
	dst, err := e.appendSchema(dst, s, nil, 2)
	if err == nil {
		e.texts.Put(s, schemaText{append([]byte(nil), dst[start:]...), e.deep})
	}
	e.deep = e.deep || deep
	return dst, err
}

// appendSchema writes a schema; field is the struct field it belongs to, if any.
// depth is how deep the schema's own object lies.
func (e *Encoder) appendSchema(dst []byte, s *schema.Schema, field *schema.Field, depth int) ([]byte, error) {
	if s == nil {
		return append(dst, "null"...), nil
	}
	if depth > maxSchemaDepth {
		return dst, errs.Null("java.lang.StackOverflowError")
	}
	e.deep = e.deep || depth > maxWriteDepth
	dst = append(dst, `{"type":"`...)
	dst = append(append(dst, typeNames[s.Type()]...), '"')
	dst, err := e.appendParts(dst, s, depth)
	if err != nil {
		return dst, err
	}
	dst = strconv.AppendBool(append(dst, `,"optional":`...), s.Optional())
	if s.HasName() {
		dst = AppendString(append(dst, `,"name":`...), s.Name())
	}
	if version, ok := s.Version(); ok {
		dst = strconv.AppendInt(append(dst, `,"version":`...), int64(version), 10)
	}
	if s.HasDoc() {
		dst = AppendString(append(dst, `,"doc":`...), s.Doc())
	}
	if s.Params() != nil {
		e.deep = e.deep || depth+1 > maxWriteDepth
		dst = append(dst, `,"parameters":{`...)
		for i, p := range s.Params() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(append(AppendString(dst, p.Name), ':'), p.Value)
		}
		dst = append(dst, '}')
	}
	if s.HasDefault() {
		dst = append(dst, `,"default":`...)
		if dst, err = e.append(dst, e.plan(s), s.Default(), depth+1); err != nil {
			return dst, err
		}
	}
	if field != nil {
		dst = AppendString(append(dst, `,"field":`...), field.Name())
	}
	return append(dst, '}'), nil
}

// appendParts writes the schemas that an array, a map or a struct is made of.
func (e *Encoder) appendParts(dst []byte, s *schema.Schema, depth int) ([]byte, error) {
	var err error
	switch s.Type() {
	case schema.Array:
		return e.appendSchema(append(dst, `,"items":`...), s.Value(), nil, depth+1)
	case schema.Map:
		if dst, err = e.appendSchema(append(dst, `,"keys":`...), s.Key(), nil, depth+1); err != nil {
			return dst, err
		}
		return e.appendSchema(append(dst, `,"values":`...), s.Value(), nil, depth+1)
	case schema.Struct:
		e.deep = e.deep || depth+1 > maxWriteDepth
		dst = append(dst, `,"fields":[`...)
		for i := range s.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			f := &s.Fields()[i]
			if dst, err = e.appendSchema(dst, f.Schema(), f, depth+2); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
	return dst, nil
}
