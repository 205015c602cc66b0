package jsonschema

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// Codec maps between Connect data and JSON with one set of options. It holds no state.
type Codec struct{ opts Options }

// NewCodec returns a codec.
func NewCodec(opts Options) *Codec { return &Codec{opts: opts} }

// Append writes a value as JSON. It says false, and writes nothing, where the
// converter has no JSON for it: for null that the schema does not allow.
func (c *Codec) Append(dst []byte, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	start := len(dst)
	dst, ok, err := c.append(dst, s, v)
	if err == nil && ok && c.opts.Indent {
		dst = append(dst[:start], indent(dst[start:])...)
	}
	return dst, ok, err
}

func (c *Codec) append(dst []byte, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	if v.IsNull() {
		switch {
		case s == nil:
			return dst, false, nil
		case s.HasDefault() && !c.opts.IgnoreDefaultForNullables:
			return c.append(dst, s, s.Default())
		case s.Optional():
			return append(dst, "null"...), true, nil
		}
		return dst, false, nil
	}
	if s.IsLogical() {
		return c.appendLogical(dst, s, v)
	}
	var t schema.Type
	if s != nil {
		t = s.Type()
	} else {
		var ok bool
		if t, ok = v.Kind().SchemaType(); !ok {
			return dst, false, errs.Data("Java class class %s does not have corresponding schema type.", v.Kind().JavaClass())
		}
	}
	if t == schema.Bytes && v.Kind() == schema.KindDecimal {
		return append(dst, v.Decimal().String()...), true, nil
	}
	if v.Kind() != schema.Kind(t) {
		if t == schema.Bytes {
			return dst, false, errs.Data("Invalid type for bytes type: class %s", v.Kind().JavaClass())
		}
		return dst, false, errs.Data("Invalid type for %s: class %s", t, v.Kind().JavaClass())
	}
	switch t {
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64:
		n, _ := v.Integer()
		return strconv.AppendInt(dst, n, 10), true, nil
	case schema.Float32:
		if f := float64(v.Float32()); math.IsNaN(f) || math.IsInf(f, 0) {
			return appendFloat(dst, f), true, nil
		}
		return schema.AppendFloat32(dst, v.Float32()), true, nil
	case schema.Float64:
		return appendFloat(dst, v.Float64()), true, nil
	case schema.Boolean:
		return strconv.AppendBool(dst, v.Boolean()), true, nil
	case schema.String:
		return json.AppendString(dst, v.Str()), true, nil
	case schema.Bytes:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes()), '"'), true, nil
	case schema.Array:
		return c.appendArray(dst, s, v.Array())
	case schema.Map:
		return c.appendMap(dst, s, v.Map())
	}
	return c.appendStruct(dst, s, v.Struct())
}

// appendFloat writes NaN and the infinities as strings, as Jackson does.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(schema.AppendFloat64(append(dst, '"'), f), '"')
	}
	return schema.AppendFloat64(dst, f)
}

func (c *Codec) appendLogical(dst []byte, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	if s.Name() == schema.DecimalName {
		if v.Kind() != schema.KindDecimal {
			return dst, false, errs.Data("Invalid type for Decimal, expected BigDecimal but was class %s", v.Kind().JavaClass())
		}
		if c.opts.Numeric {
			return append(dst, v.Decimal().String()...), true, nil
		}
		b, err := schema.DecimalFromLogical(s, v.Decimal())
		if err != nil {
			return dst, false, err
		}
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"'), true, nil
	}
	short := map[string]string{schema.DateName: "Date", schema.TimeName: "Time", schema.TimestampName: "Timestamp"}[s.Name()]
	if v.Kind() != schema.KindDate {
		return dst, false, errs.Data("Invalid type for %s, expected Date but was class %s", short, v.Kind().JavaClass())
	}
	var n int64
	var err error
	switch s.Name() {
	case schema.DateName:
		var days int32
		days, err = schema.DateFromLogical(s, v.Date())
		n = int64(days)
	case schema.TimeName:
		var millis int32
		millis, err = schema.TimeFromLogical(s, v.Date())
		n = int64(millis)
	default:
		n, err = schema.TimestampFromLogical(s, v.Date())
	}
	if err != nil {
		return dst, false, err
	}
	return strconv.AppendInt(dst, n, 10), true, nil
}

// appendElement writes what has no JSON as null.
func (c *Codec) appendElement(dst []byte, s *schema.Schema, v schema.Value) ([]byte, error) {
	dst, ok, err := c.append(dst, s, v)
	if err == nil && !ok {
		dst = append(dst, "null"...)
	}
	return dst, err
}

func (c *Codec) appendArray(dst []byte, s *schema.Schema, elements []schema.Value) ([]byte, bool, error) {
	var of *schema.Schema
	if s != nil {
		of = s.Value()
	}
	dst = append(dst, '[')
	var err error
	for i := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = c.appendElement(dst, of, elements[i]); err != nil {
			return dst, false, err
		}
	}
	return append(dst, ']'), true, nil
}

func (c *Codec) appendMap(dst []byte, s *schema.Schema, m *schema.MapValue) ([]byte, bool, error) {
	var keys, values *schema.Schema
	named := true
	if s != nil {
		keys, values, named = s.Key(), s.Value(), plainKeys(s)
	} else {
		for _, e := range m.Entries() {
			named = named && e.Key.Kind() == schema.KindString
		}
	}
	var err error
	if !named {
		dst = append(dst, '[')
		for i, e := range m.Entries() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = c.appendElement(append(dst, `{"key":`...), keys, e.Key); err != nil {
				return dst, false, err
			}
			if dst, err = c.appendElement(append(dst, `,"value":`...), values, e.Value); err != nil {
				return dst, false, err
			}
			dst = append(dst, '}')
		}
		return append(dst, ']'), true, nil
	}
	dst = append(dst, '{')
	for i, e := range m.Entries() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if e.Key.Kind() != schema.KindString {
			return dst, false, errs.Data("Invalid type for %s: class %s", schema.String, e.Key.Kind().JavaClass())
		}
		dst = append(json.AppendString(dst, e.Key.Str()), ':')
		if dst, err = c.appendElement(dst, values, e.Value); err != nil {
			return dst, false, err
		}
	}
	return append(dst, '}'), true, nil
}

func (c *Codec) fieldValue(st *schema.StructValue, i int) schema.Value {
	if c.opts.IgnoreDefaultForNullables {
		return st.RawAt(i)
	}
	return st.At(i)
}

func (c *Codec) appendStruct(dst []byte, s *schema.Schema, st *schema.StructValue) ([]byte, bool, error) {
	if s == nil {
		return dst, false, errs.Data("Mismatching schema.")
	}
	if !st.Schema().Equal(s) {
		return dst, false, errs.Data("Mismatching schema.")
	}
	fields := s.Fields()
	if isUnion(s) {
		for i := range fields {
			if v := c.fieldValue(st, i); !v.IsNull() {
				return c.append(dst, fields[i].Schema(), v)
			}
		}
		return c.append(dst, s, schema.Null())
	}
	dst = append(dst, '{')
	for i := range fields {
		back := len(dst)
		if dst[back-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(json.AppendString(dst, fields[i].Name()), ':')
		var ok bool
		var err error
		if dst, ok, err = c.append(dst, fields[i].Schema(), c.fieldValue(st, i)); err != nil {
			return dst, false, err
		} else if !ok {
			dst = dst[:back]
		}
	}
	return append(dst, '}'), true, nil
}

// indent spreads compact JSON over lines as Jackson's default printer does: members
// on lines of their own, indented by two, arrays on one line.
func indent(src []byte) []byte {
	out := make([]byte, 0, 2*len(src))
	var open []byte
	depth := 0
	line := func() {
		out = append(out, '\n')
		for range depth {
			out = append(out, ' ', ' ')
		}
	}
	for i := 0; i < len(src); i++ {
		ch := src[i]
		switch ch {
		case '"':
			from := i
			for i++; src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			out = append(out, src[from:i+1]...)
		case '{', '[':
			out = append(out, ch)
			if closing := ch + 2; src[i+1] == closing {
				out = append(out, ' ', closing)
				i++
				continue
			}
			open = append(open, ch)
			if ch == '{' {
				depth++
				line()
			} else {
				out = append(out, ' ')
			}
		case '}', ']':
			open = open[:len(open)-1]
			if ch == '}' {
				depth--
				line()
			} else {
				out = append(out, ' ')
			}
			out = append(out, ch)
		case ',':
			out = append(out, ch)
			if open[len(open)-1] == '{' {
				line()
			} else {
				out = append(out, ' ')
			}
		case ':':
			out = append(out, " : "...)
		default:
			out = append(out, ch)
		}
	}
	return out
}
