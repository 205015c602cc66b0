package elasticsearch

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// documents writes values as JSON, as Connect's JsonConverter does without
// schemas. With the schemas taken into account decimals become numbers, and maps
// that are no objects become lists of objects with key and value.
type documents struct {
	schemas bool // schema.ignore=false
	compact bool // compact.map.entries
}

// maxDepth is how deep a value may be nested.
const maxDepth = 1000

// append writes a value.
func (d documents) append(dst []byte, s *schema.Schema, v schema.Value) ([]byte, error) {
	return d.value(dst, s, v, 0)
}

func (d documents) value(dst []byte, s *schema.Schema, v schema.Value, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errs.Data("The value is nested more than %d levels deep", maxDepth)
	}
	if s == nil {
		return d.schemaless(dst, v, depth)
	}
	if v.IsNull() {
		if !s.HasDefault() {
			if s.Optional() {
				return append(dst, "null"...), nil
			}
			return dst, errs.Data("null value for field that is required and has no default value")
		}
		v = s.Default()
	}
	if v.Kind() != s.ValueKind() {
		return dst, errs.Data("A value of %s does not fit its schema, which is %s", v.Kind().JavaClass(), s)
	}
	switch v.Kind() {
	case schema.KindDecimal:
		if d.schemas {
			// Beyond the range of a double the result is infinite, and the error says no more.
			f, _ := strconv.ParseFloat(v.Decimal().String(), 64)
			return appendFloat(dst, f), nil
		}
		b, err := schema.DecimalFromLogical(s, v.Decimal())
		if err != nil {
			return dst, err
		}
		return appendBytes(dst, b), nil
	case schema.KindDate:
		return appendDate(dst, s, v.Date())
	case schema.KindArray:
		return d.array(dst, s.Value(), v.Array(), depth)
	case schema.KindMap:
		return d.mapping(dst, s, v.Map(), depth)
	case schema.KindStruct:
		return d.structure(dst, v.Struct(), depth)
	}
	return appendScalar(dst, v), nil
}

func (d documents) schemaless(dst []byte, v schema.Value, depth int) ([]byte, error) {
	switch v.Kind() {
	case schema.KindArray:
		return d.array(dst, nil, v.Array(), depth)
	case schema.KindMap:
		return d.mapping(dst, nil, v.Map(), depth)
	case schema.KindStruct:
		return d.structure(dst, v.Struct(), depth)
	case schema.KindDecimal, schema.KindDate:
		return dst, errs.Data("Java class class " + v.Kind().JavaClass() + " does not have corresponding schema type.")
	}
	return appendScalar(dst, v), nil
}

func (d documents) array(dst []byte, element *schema.Schema, values []schema.Value, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = d.value(dst, element, v, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (d documents) structure(dst []byte, s *schema.StructValue, depth int) (_ []byte, err error) {
	fields := s.Schema().Fields()
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, fields[i].Name()), ':')
		if dst, err = d.value(dst, fields[i].Schema(), s.RawAt(i), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// mapping writes a map: an object if its keys are strings, else a list.
func (d documents) mapping(dst []byte, s *schema.Schema, m *schema.MapValue, depth int) (_ []byte, err error) {
	var keys, values *schema.Schema
	object := true
	switch {
	case s != nil:
		keys, values = s.Key(), s.Value()
		object = keys.Type() == schema.String && (d.compact || !d.schemas)
	default:
		for _, e := range m.Entries() {
			object = object && e.Key.Kind() == schema.KindString
		}
	}
	open, between, shut := "[", ",", "]"
	if s != nil && d.schemas {
		open, between, shut = `{"key":`, `,"value":`, "}"
	}
	if object {
		dst = append(dst, '{')
	} else {
		dst = append(dst, '[')
	}
	for i, e := range m.Entries() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if object {
			if e.Key.Kind() != schema.KindString {
				return dst, errs.Data("A map has a key of %s where strings are expected", e.Key.Kind().JavaClass())
			}
			dst = append(appendString(dst, e.Key.Str()), ':')
		} else {
			dst = append(dst, open...)
			if dst, err = d.value(dst, keys, e.Key, depth+1); err != nil {
				return dst, err
			}
			dst = append(dst, between...)
		}
		if dst, err = d.value(dst, values, e.Value, depth+1); err != nil {
			return dst, err
		}
		if !object {
			dst = append(dst, shut...)
		}
	}
	if object {
		return append(dst, '}'), nil
	}
	return append(dst, ']'), nil
}

func appendDate(dst []byte, s *schema.Schema, millis int64) ([]byte, error) {
	switch s.Name() {
	case schema.DateName:
		days, err := schema.DateFromLogical(s, millis)
		return strconv.AppendInt(dst, int64(days), 10), err
	case schema.TimeName:
		ms, err := schema.TimeFromLogical(s, millis)
		return strconv.AppendInt(dst, int64(ms), 10), err
	}
	return strconv.AppendInt(dst, millis, 10), nil
}

func appendScalar(dst []byte, v schema.Value) []byte {
	switch v.Kind() {
	case schema.KindNull:
		return append(dst, "null"...)
	case schema.KindBoolean:
		return strconv.AppendBool(dst, v.Boolean())
	case schema.KindFloat32:
		f := v.Float32()
		if f64 := float64(f); math.IsNaN(f64) || math.IsInf(f64, 0) {
			return appendFloat(dst, f64)
		}
		return schema.AppendFloat32(dst, f)
	case schema.KindFloat64:
		return appendFloat(dst, v.Float64())
	case schema.KindString:
		return appendString(dst, v.Str())
	case schema.KindBytes:
		return appendBytes(dst, v.Bytes())
	}
	n, _ := v.Integer()
	return strconv.AppendInt(dst, n, 10)
}

// appendFloat writes a number; those that JSON has no form for are quoted, as
// Jackson does.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(schema.AppendFloat64(append(dst, '"'), f), '"')
	}
	return schema.AppendFloat64(dst, f)
}

func appendBytes(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

const hexDigits = "0123456789ABCDEF"

// appendString writes a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(dst, '"')
	from, high := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			if c < utf8.RuneSelf {
				continue
			}
			if !high {
				if high = true; !utf8.ValidString(s[i:]) {
					// Rare enough to begin again.
					return appendString(dst[:start], strings.ToValidUTF8(s, "\ufffd"))
				}
			}
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		from = i + 1
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
