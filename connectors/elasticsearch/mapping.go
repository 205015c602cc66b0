package elasticsearch

import (
	"slices"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// mappingOf returns the mapping of a schema as JSON.
func mappingOf(s *schema.Schema) ([]byte, error) {
	b, err := appendMapping([]byte{'{'}, s, nil)
	if err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// appendMapping writes the inside of the object that describes a schema.
// within are the schemas that it is part of.
func appendMapping(dst []byte, s *schema.Schema, within []*schema.Schema) (_ []byte, err error) {
	if s == nil {
		return dst, errs.Data("Cannot infer mapping without schema.").
			WithHint("set %s=true, or use a converter that gives records a schema", keySchemaIgnore)
	}
	if slices.Contains(within, s) {
		return dst, errs.Data("The schema "+s.String()+" contains itself, which no mapping can").WithHint("set %s=true", keySchemaIgnore)
	}
	switch s.Name() {
	case schema.DateName, schema.TimeName, schema.TimestampName:
		return appendType(dst, "date", s.Default()), nil
	case schema.DecimalName:
		return appendType(dst, "double", s.Default()), nil
	}
	if !s.Type().IsPrimitive() {
		within = append(within, s)
	}
	switch s.Type() {
	case schema.Array:
		return appendMapping(dst, s.Value(), within)
	case schema.Map:
		dst = append(dst, `"properties":{"key":{`...)
		if dst, err = appendMapping(dst, s.Key(), within); err != nil {
			return dst, err
		}
		dst = append(dst, `},"value":{`...)
		if dst, err = appendMapping(dst, s.Value(), within); err != nil {
			return dst, err
		}
		return append(dst, "}}"...), nil
	case schema.Struct:
		dst = append(dst, `"properties":{`...)
		for i := range s.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			f := &s.Fields()[i]
			dst = append(appendString(dst, f.Name()), ":{"...)
			if dst, err = appendMapping(dst, f.Schema(), within); err != nil {
				return dst, err
			}
			dst = append(dst, '}')
		}
		return append(dst, '}'), nil
	}
	return appendType(dst, typeNames()[s.Type()], s.Default()), nil
}

func typeNames() map[schema.Type]string {
	return map[schema.Type]string{
		schema.Boolean: "boolean", schema.Int8: "byte", schema.Int16: "short", schema.Int32: "integer", schema.Int64: "long",
		schema.Float32: "float", schema.Float64: "double", schema.String: "text", schema.Bytes: "binary",
	}
}

// appendType writes a type, and a schema's default as what null stands for. Text
// and binary fields cannot have that; text gets a keyword beside it.
func appendType(dst []byte, name string, def schema.Value) []byte {
	dst = append(append(append(dst, `"type":"`...), name...), '"')
	switch {
	case name == "text":
		return append(dst, `,"fields":{"keyword":{"type":"keyword","ignore_above":256}}`...)
	case name == "binary" || def.IsNull():
		return dst
	}
	dst = append(dst, `,"null_value":`...)
	switch def.Kind() {
	case schema.KindDate:
		return strconv.AppendInt(dst, def.Date(), 10)
	case schema.KindDecimal:
		// Beyond the range of a double the result is infinite, and the error says no more.
		f, _ := strconv.ParseFloat(def.Decimal().String(), 64)
		return appendFloat(dst, f)
	}
	return appendScalar(dst, def)
}
