package json

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Encoder writes Connect data as JSON. It is for one goroutine at a time.
type Encoder struct {
	opts Options
	// plans holds what can be prepared of a schema, by pointer.
	plans *schema.Cache[*schema.Schema, *plan]
	// texts holds schemas as JSON, by pointer.
	texts *schema.Cache[*schema.Schema, schemaText]
	// deep says that the text being written is nested too deeply for Jackson.
	deep bool
}

// NewEncoder returns an encoder.
func NewEncoder(opts Options) *Encoder {
	return &Encoder{
		opts:  opts,
		plans: schema.NewCache[*schema.Schema, *plan](max(1, opts.CacheSize)),
		texts: schema.NewCache[*schema.Schema, schemaText](opts.CacheSize),
	}
}

// plan is a schema made ready for writing values.
type plan struct {
	schema  *schema.Schema
	typ     schema.Type
	logical bool
	// fields are a struct's.
	fields []fieldPlan
	// key and value are a map's, value also an array's; nil where the schema has none.
	key, value *plan
}

type fieldPlan struct {
	// label is the name in quotes and a colon, with a comma before all but the first.
	label []byte
	plan  *plan
}

func (e *Encoder) plan(s *schema.Schema) *plan {
	if s == nil {
		return nil
	}
	if p, ok := e.plans.Get(s); ok {
		return p
	}
	p := makePlan(s, map[*schema.Schema]*plan{})
	e.plans.Put(s, p)
	return p
}

func makePlan(s *schema.Schema, made map[*schema.Schema]*plan) *plan {
	if s == nil {
		return nil
	}
	if p, ok := made[s]; ok {
		return p
	}
	p := &plan{schema: s, typ: s.Type(), logical: s.IsLogical()}
	made[s] = p
	p.key, p.value = makePlan(s.Key(), made), makePlan(s.Value(), made)
	for i := range s.Fields() {
		f := &s.Fields()[i]
		var label []byte
		if i > 0 {
			label = append(label, ',')
		}
		label = append(AppendString(label, f.Name()), ':')
		p.fields = append(p.fields, fieldPlan{label, makePlan(f.Schema(), made)})
	}
	return p
}

// Append appends the JSON of a value, in an envelope if so configured, and says
// false where Connect has null instead of bytes: for null without a schema. Errors
// are DataExceptions with Connect's texts; dst is returned as it was.
func (e *Encoder) Append(dst []byte, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	if s == nil && v.IsNull() {
		return dst, false, nil
	}
	e.deep = false
	out, err := dst, error(nil)
	if e.opts.SchemasEnable {
		out, err = e.appendEnvelope(dst, s, v)
	} else {
		out, err = e.append(dst, e.plan(s), v, 1)
	}
	if err == nil && e.deep {
		err = tooDeepToWrite()
	}
	if err != nil {
		return dst, false, err
	}
	return out, true, nil
}

func (e *Encoder) appendEnvelope(dst []byte, s *schema.Schema, v schema.Value) ([]byte, error) {
	dst = append(dst, `{"schema":`...)
	dst, err := e.appendCachedSchema(dst, s)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `,"payload":`...)
	if dst, err = e.append(dst, e.plan(s), v, 2); err != nil {
		return dst, err
	}
	return append(dst, '}'), nil
}

// AppendPayload appends the JSON of a value alone, without an envelope.
func (e *Encoder) AppendPayload(dst []byte, s *schema.Schema, v schema.Value) ([]byte, error) {
	e.deep = false
	out, err := e.append(dst, e.plan(s), v, 1)
	if err == nil && e.deep {
		err = tooDeepToWrite()
	}
	if err != nil {
		return dst, err
	}
	return out, nil
}

// maxWriteDepth is that of Jackson's StreamWriteConstraints.
const maxWriteDepth = 1000

func tooDeepToWrite() error {
	jackson := errs.New(classConstraints, "Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamWriteConstraints.getMaxNestingDepth()`)", maxWriteDepth+1, maxWriteDepth)
	return errs.Wrap(errs.ClassData, errs.Wrap(errs.ClassSerialization, jackson, "Error serializing JSON message"),
		"Converting Kafka Connect data to byte[] failed due to serialization error: ")
}

// append writes one value; depth is how deep an array or object here would lie.
func (e *Encoder) append(dst []byte, p *plan, v schema.Value, depth int) ([]byte, error) {
	if p == nil {
		return e.appendBare(dst, v, depth)
	}
	k := v.Kind()
	if k == schema.KindNull {
		switch {
		case p.schema.HasDefault() && e.opts.ReplaceNull:
			return e.append(dst, p, p.schema.Default(), depth)
		case p.schema.Optional():
			return append(dst, "null"...), nil
		}
		return dst, errs.Data("Conversion error: null value for field that is required and has no default value")
	}
	if p.logical {
		return e.appendLogical(dst, p, v)
	}
	if schema.Kind(p.typ) != k {
		if p.typ == schema.Bytes {
			return dst, errs.Data("Invalid type for bytes type: class " + k.JavaClass())
		}
		return dst, errs.Data("Invalid type for " + p.typ.String() + ": class " + k.JavaClass())
	}
	switch k {
	case schema.KindArray:
		return e.appendArray(dst, p.value, v.Array(), depth)
	case schema.KindMap:
		if p.key == nil {
			return dst, errs.New(errs.ClassNullPointer, "the map's schema has no key schema")
		}
		if p.key.typ == schema.String {
			return e.appendObject(dst, p, v.Map(), depth)
		}
		return e.appendPairs(dst, p, v.Map(), depth)
	case schema.KindStruct:
		return e.appendStruct(dst, p, v.Struct(), depth)
	}
	return appendScalar(dst, v), nil
}

// appendScalar writes a value that has no parts.
func appendScalar(dst []byte, v schema.Value) []byte {
	switch v.Kind() {
	case schema.KindBoolean:
		return strconv.AppendBool(dst, v.Boolean())
	case schema.KindFloat32:
		f := v.Float32()
		if f != f || math.IsInf(float64(f), 0) {
			return append(schema.AppendFloat32(append(dst, '"'), f), '"')
		}
		return schema.AppendFloat32(dst, f)
	case schema.KindFloat64:
		f := v.Float64()
		if f != f || math.IsInf(f, 0) {
			return append(schema.AppendFloat64(append(dst, '"'), f), '"')
		}
		return schema.AppendFloat64(dst, f)
	case schema.KindString:
		return appendValue(dst, v)
	case schema.KindBytes:
		return appendBytes(dst, v.Bytes())
	}
	n, _ := v.Integer() // the integers are what is left
	return strconv.AppendInt(dst, n, 10)
}

func appendBytes(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}

// appendBare writes a value that has no schema.
func (e *Encoder) appendBare(dst []byte, v schema.Value, depth int) ([]byte, error) {
	switch k := v.Kind(); k {
	case schema.KindNull:
		return append(dst, "null"...), nil
	case schema.KindArray:
		return e.appendArray(dst, nil, v.Array(), depth)
	case schema.KindMap:
		return e.appendBareMap(dst, v.Map(), depth)
	case schema.KindStruct:
		// Connect compares a struct's schema with the one given, which is null here.
		return dst, errs.Data("Mismatching schema.")
	case schema.KindDecimal, schema.KindDate:
		return dst, errs.Data("Java class class " + k.JavaClass() + " does not have corresponding schema type.")
	}
	return appendScalar(dst, v), nil
}

// appendBareMap writes an object where all keys are strings, else an array of pairs.
func (e *Encoder) appendBareMap(dst []byte, m *schema.MapValue, depth int) ([]byte, error) {
	e.deep = e.deep || depth > maxWriteDepth
	start := len(dst)
	dst = append(dst, '{')
	entries := m.Entries()
	for i := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		entry := &entries[i]
		if entry.Key.Kind() != schema.KindString {
			return e.appendPairs(dst[:start], nil, m, depth)
		}
		dst = append(appendValue(dst, entry.Key), ':')
		switch entry.Value.Kind() {
		case schema.KindString:
			dst = appendValue(dst, entry.Value)
		case schema.KindInt64:
			dst = strconv.AppendInt(dst, entry.Value.Int64(), 10)
		default:
			var err error
			if dst, err = e.appendBare(dst, entry.Value, depth+1); err != nil {
				// A key further on that is no string would have changed what is written, not that it fails.
				return dst, err
			}
		}
	}
	return append(dst, '}'), nil
}

func (e *Encoder) appendArray(dst []byte, p *plan, elements []schema.Value, depth int) ([]byte, error) {
	e.deep = e.deep || depth > maxWriteDepth
	dst = append(dst, '[')
	for i := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.append(dst, p, elements[i], depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (e *Encoder) appendObject(dst []byte, p *plan, m *schema.MapValue, depth int) ([]byte, error) {
	e.deep = e.deep || depth > maxWriteDepth
	dst = append(dst, '{')
	for i, entry := range m.Entries() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.appendName(dst, p.key, entry.Key, depth); err != nil {
			return dst, err
		}
		if dst, err = e.append(append(dst, ':'), p.value, entry.Value, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendName writes a key as a name: what is not text by itself gets quotes.
func (e *Encoder) appendName(dst []byte, p *plan, key schema.Value, depth int) ([]byte, error) {
	if key.Kind() == schema.KindString && !p.logical {
		return appendValue(dst, key), nil
	}
	start := len(dst)
	dst, err := e.append(append(dst, '"'), p, key, depth)
	if err != nil {
		return dst, err
	}
	if dst[start+1] == '"' {
		copy(dst[start:], dst[start+1:])
		return dst[:len(dst)-1], nil
	}
	return append(dst, '"'), nil
}

func (e *Encoder) appendPairs(dst []byte, p *plan, m *schema.MapValue, depth int) ([]byte, error) {
	e.deep = e.deep || depth > maxWriteDepth || m.Len() > 0 && depth+1 > maxWriteDepth
	var key, value *plan
	if p != nil {
		key, value = p.key, p.value
	}
	dst = append(dst, '[')
	for i, entry := range m.Entries() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.append(append(dst, '['), key, entry.Key, depth+2); err != nil {
			return dst, err
		}
		if dst, err = e.append(append(dst, ','), value, entry.Value, depth+2); err != nil {
			return dst, err
		}
		dst = append(dst, ']')
	}
	return append(dst, ']'), nil
}

func (e *Encoder) appendStruct(dst []byte, p *plan, s *schema.StructValue, depth int) ([]byte, error) {
	e.deep = e.deep || depth > maxWriteDepth
	if s.Schema() != p.schema && !s.Schema().Equal(p.schema) {
		return dst, errs.Data("Mismatching schema.")
	}
	dst = append(dst, '{')
	for i := range p.fields {
		dst = append(dst, p.fields[i].label...)
		var err error
		if dst, err = e.append(dst, p.fields[i].plan, s.RawAt(i), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (e *Encoder) appendLogical(dst []byte, p *plan, v schema.Value) ([]byte, error) {
	s := p.schema
	if s.Name() == schema.DecimalName {
		if v.Kind() != schema.KindDecimal {
			return dst, errs.Data("Invalid type for Decimal, expected BigDecimal but was class " + v.Kind().JavaClass())
		}
		if e.opts.Numeric {
			return append(dst, v.Decimal().String()...), nil
		}
		b, err := schema.DecimalFromLogical(s, v.Decimal())
		if err != nil {
			return dst, err
		}
		return appendBytes(dst, b), nil
	}
	if v.Kind() != schema.KindDate {
		name := s.Name()[len("org.apache.kafka.connect.data."):]
		return dst, errs.Data("Invalid type for " + name + ", expected Date but was class " + v.Kind().JavaClass())
	}
	var n int64
	switch s.Name() {
	case schema.DateName:
		days, err := schema.DateFromLogical(s, v.Date())
		if err != nil {
			return dst, err
		}
		n = int64(days)
	case schema.TimeName:
		millis, err := schema.TimeFromLogical(s, v.Date())
		if err != nil {
			return dst, err
		}
		n = int64(millis)
	default:
		n = v.Date()
	}
	return strconv.AppendInt(dst, n, 10), nil
}
