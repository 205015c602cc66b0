package avro

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// encodeOp is what an encoder does with a value that is not null.
type encodeOp uint8

const (
	encodeInteger  encodeOp = iota
	encodeCast              // a number as an integer that it may not fit
	encodeNothing           // anything as null, which takes no bytes
	encodeToFloat           // an integer or a float
	encodeToDouble          // the same
	encodeFromFloat
	encodeBoolean
	encodeString
	encodeBytes
	encodeBare // bytes without their length
	encodeFixed
	encodeEnum
	encodeArray
	encodeMap
	encodeEntries
	encodeStruct
	encodeUnion
	encodeRefusal  // an error for values
	encodeAnything // data without a schema
	encodeFailing  // an error for null, too
)

// Places of null and of the value in a union.
const (
	noUnion = -1
	noPlace = -2
)

// encoder writes the values of one Connect schema as those of one Avro schema. It is
// made once for both.
type encoder struct {
	op       encodeOp
	schema   *schema.Schema
	kind     schema.Kind // of the value, a logical type's apart
	logical  bool
	optional bool
	null     int // the place of null in a union
	branch   int // the place of the value in a union
	// refused is the error of encodeRefusal and encodeFailing.
	refused error

	items   *encoder
	size    int
	symbols map[string]int
	name    string // of an enum or a union, for errors
	fields  []encodeField
	checks  []encodeField // fields that are not written, but must be right
	alias   *schema.Schema
}

// encodeField writes a field of a struct.
type encodeField struct {
	index   int // in the struct
	raw     bool
	def     schema.Value
	encoder *encoder
}

// encodeError is an error of Avro's writer rather than of the conversion. The converter
// wraps it.
type encodeError struct{ error }

func (e *encodeError) Unwrap() error { return e.error }

func encodeFailure(class, format string, args ...any) error {
	return &encodeError{errs.New(class, format, args...)}
}

// isEncodeError says whether an error came from Avro's writer.
func isEncodeError(err error) bool {
	var e *encodeError
	return errors.As(err, &e)
}

// append writes a value.
func (n *encoder) append(dst []byte, v schema.Value, depth int) ([]byte, error) {
	if v.IsNull() {
		return n.appendNull(dst)
	}
	if n.logical {
		var err error
		if v, err = fromLogical(n.schema, v); err != nil {
			return dst, err
		}
	}
	if v.Kind() != n.kind && n.op < encodeAnything {
		return dst, errs.Data("Invalid type for %s: class %s", n.schema.Type(), v.Kind().JavaClass())
	}
	if n.branch >= 0 {
		dst = binary.AppendVarint(dst, int64(n.branch))
	}
	switch n.op {
	case encodeInteger:
		i, _ := v.Integer()
		return binary.AppendVarint(dst, i), nil
	case encodeString:
		s := javaUTF8(v.Str())
		return append(binary.AppendVarint(dst, int64(len(s))), s...), nil
	case encodeFromFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v.Float32())), nil
	case encodeToFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(asFloat(v)))), nil
	case encodeToDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(asFloat(v))), nil
	case encodeBoolean:
		if v.Boolean() {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case encodeBytes:
		return append(binary.AppendVarint(dst, int64(len(v.Bytes()))), v.Bytes()...), nil
	case encodeBare:
		return append(dst, v.Bytes()...), nil
	case encodeCast:
		return binary.AppendVarint(dst, cast(v, n.size)), nil
	case encodeNothing:
		return dst, nil
	}
	if depth > maxDepth {
		return dst, tooDeep()
	}
	switch n.op {
	case encodeFixed:
		if b := v.Bytes(); len(b) >= n.size {
			return append(dst, b[:n.size]...), nil
		}
		return dst, encodeFailure(errs.ClassIndexOutOfBounds, "Range [0, 0 + %d) out of bounds for length %d", n.size, len(v.Bytes()))
	case encodeEnum:
		i, ok := n.symbols[v.Str()]
		if !ok {
			return dst, encodeFailure(classType, "value '%s' is not in the enum symbol set of %s", v.Str(), n.name)
		}
		return binary.AppendVarint(dst, int64(i)), nil
	case encodeArray:
		return n.appendArray(dst, v.Array(), depth)
	case encodeMap:
		return n.appendMap(dst, v.Map(), depth)
	case encodeEntries:
		return n.appendEntries(dst, v.Map(), depth)
	case encodeStruct:
		return n.appendStruct(dst, v.Struct(), depth)
	case encodeUnion:
		return n.appendUnion(dst, v.Struct(), depth)
	case encodeAnything:
		return appendAnything(dst, v, depth)
	}
	return dst, n.refused
}

// cast makes a whole number of the given bits of any number, as Java's casts do.
func cast(v schema.Value, bits int) int64 {
	i, whole := v.Integer()
	switch {
	case !whole && bits == 32:
		i = truncate(asFloat(v), math.MinInt32, math.MaxInt32)
	case !whole:
		i = truncate(asFloat(v), math.MinInt64, math.MaxInt64)
	case bits == 32:
		i = int64(int32(i)) // #nosec G115 -- Java cuts it as well
	}
	return i
}

func asFloat(v schema.Value) float64 {
	switch v.Kind() {
	case schema.KindFloat32:
		return float64(v.Float32())
	case schema.KindFloat64:
		return v.Float64()
	}
	i, _ := v.Integer()
	return float64(i)
}

func (n *encoder) appendNull(dst []byte) ([]byte, error) {
	switch {
	case n.op == encodeFailing:
		return dst, n.refused
	case n.op == encodeAnything:
		if n.branch >= 0 {
			dst = binary.AppendVarint(dst, int64(n.branch))
		}
		return appendAnything(dst, schema.Value{}, 0)
	case !n.optional:
		return dst, errs.Data("Found null value for non-optional schema")
	case n.op == encodeNothing:
		return dst, nil
	case n.null >= 0:
		return binary.AppendVarint(dst, int64(n.null)), nil
	case n.null == noPlace:
		return dst, encodeFailure(classUnresolved, "Not in union %s: null", n.name)
	}
	return dst, encodeFailure(errs.ClassNullPointer, "null value for (non-nullable) %s", n.schema)
}

func (n *encoder) appendArray(dst []byte, elements []schema.Value, depth int) ([]byte, error) {
	if len(elements) > 0 {
		dst = binary.AppendVarint(dst, int64(len(elements)))
	}
	var err error
	for i := range elements {
		if dst, err = n.items.append(dst, elements[i], depth+1); err != nil {
			return dst, in(element(i), err)
		}
	}
	return append(dst, 0), nil
}

func (n *encoder) appendMap(dst []byte, m *schema.MapValue, depth int) ([]byte, error) {
	if m.Len() > 0 {
		dst = binary.AppendVarint(dst, int64(m.Len()))
	}
	var err, nullKey error
	for _, e := range m.Entries() {
		switch e.Key.Kind() {
		case schema.KindString:
			k := javaUTF8(e.Key.Str())
			dst = append(binary.AppendVarint(dst, int64(len(k))), k...)
		case schema.KindNull: // is seen after all values were converted
			nullKey = encodeFailure(errs.ClassNullPointer, "null key in a map")
		default:
			return dst, errs.Data("Invalid type for %s: class %s", schema.Map, schema.KindMap.JavaClass())
		}
		if dst, err = n.items.append(dst, e.Value, depth+1); err != nil {
			return dst, in("["+e.Key.Text()+"]", err)
		}
	}
	return append(dst, 0), nullKey
}

func (n *encoder) appendEntries(dst []byte, m *schema.MapValue, depth int) ([]byte, error) {
	if m.Len() > 0 {
		dst = binary.AppendVarint(dst, int64(m.Len()))
	}
	for _, e := range m.Entries() {
		for i := range n.fields {
			v := e.Key
			if n.fields[i].index == 1 {
				v = e.Value
			}
			var err error
			if dst, err = n.fields[i].encoder.append(dst, v, depth+1); err != nil {
				return dst, in("["+e.Key.Text()+"]", err)
			}
		}
	}
	return append(dst, 0), nil
}

func (n *encoder) appendStruct(dst []byte, st *schema.StructValue, depth int) ([]byte, error) {
	if err := n.matches(st); err != nil {
		return dst, err
	}
	var err error
	for i := range n.fields {
		f := &n.fields[i]
		if dst, err = f.encoder.append(dst, f.value(st), depth+1); err != nil {
			return dst, n.inField(f, err)
		}
	}
	for i := range n.checks {
		f := &n.checks[i]
		if _, err := f.encoder.append(nil, f.value(st), depth+1); err != nil {
			return dst, n.inField(f, err)
		}
	}
	return dst, nil
}

func (n *encoder) inField(f *encodeField, err error) error {
	if f.index < 0 {
		return err
	}
	return in(n.schema.Fields()[f.index].Name(), err)
}

func (f *encodeField) value(st *schema.StructValue) schema.Value {
	if f.index < 0 {
		return schema.Value{}
	}
	v := st.RawAt(f.index)
	if v.IsNull() && !f.raw {
		return f.def
	}
	return v
}

// matches says whether a struct is of the schema, be it in another copy.
func (n *encoder) matches(st *schema.StructValue) error {
	s := st.Schema()
	if s == n.schema || s == n.alias {
		return nil
	}
	if !s.Equal(n.schema) {
		return errs.Data("Mismatching struct schema")
	}
	n.alias = s
	return nil
}

func (n *encoder) appendUnion(dst []byte, st *schema.StructValue, depth int) ([]byte, error) {
	if err := n.matches(st); err != nil {
		return dst, err
	}
	for i := range n.fields {
		if v := n.fields[i].value(st); !v.IsNull() {
			return n.fields[i].encoder.append(dst, v, depth+1)
		}
	}
	return n.appendNull(dst)
}

// Places of the fields of the record for data without a schema.
const (
	anyBoolean = iota
	anyBytes
	anyDouble
	anyFloat
	anyInt
	anyLong
	anyString
	anyArray
	anyMap
	anyFields
)

// appendAnything writes data without a schema.
func appendAnything(dst []byte, v schema.Value, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, tooDeep()
	}
	place := map[schema.Kind]int{
		schema.KindNull: anyFields, schema.KindBoolean: anyBoolean, schema.KindFloat64: anyDouble, schema.KindFloat32: anyFloat,
		schema.KindInt8: anyInt, schema.KindInt16: anyInt, schema.KindInt32: anyInt, schema.KindInt64: anyLong,
		schema.KindString: anyString, schema.KindArray: anyArray, schema.KindMap: anyMap,
	}
	at, ok := place[v.Kind()]
	if !ok {
		return dst, errs.Data("Unknown Java type for schemaless data: class %s", v.Kind().JavaClass())
	}
	var err error
	for i := range anyFields {
		if i != at {
			dst = append(dst, 0) // null
			continue
		}
		if dst, err = appendSet(append(dst, 2), v, depth); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendSet(dst []byte, v schema.Value, depth int) ([]byte, error) {
	var err error
	switch v.Kind() {
	case schema.KindBoolean:
		if v.Boolean() {
			return append(dst, 1), nil
		}
	case schema.KindFloat64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float64())), nil
	case schema.KindFloat32:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v.Float32())), nil
	case schema.KindString:
		s := javaUTF8(v.Str())
		return append(binary.AppendVarint(dst, int64(len(s))), s...), nil
	case schema.KindArray:
		if n := len(v.Array()); n > 0 {
			dst = binary.AppendVarint(dst, int64(n))
		}
		for _, e := range v.Array() {
			if dst, err = appendAnything(dst, e, depth+1); err != nil {
				return dst, err
			}
		}
	case schema.KindMap:
		if n := v.Map().Len(); n > 0 {
			dst = binary.AppendVarint(dst, int64(n))
		}
		for _, e := range v.Map().Entries() {
			if dst, err = appendAnything(dst, e.Key, depth+1); err != nil {
				return dst, err
			}
			if dst, err = appendAnything(dst, e.Value, depth+1); err != nil {
				return dst, err
			}
		}
	default:
		i, _ := v.Integer()
		return binary.AppendVarint(dst, i), nil
	}
	return append(dst, 0), nil
}
