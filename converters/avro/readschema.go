package avro

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// reading is what is known while one Avro schema is mapped to Connect
// (AvroData.ToConnectContext).
type reading struct {
	*mapping
	// open are records that are being mapped, or contain themselves.
	open map[*Schema]*record
	// refs are the schemas that stand for records where these contain themselves.
	refs     map[*schema.Schema]*record
	made     int
	depth    int
	restarts int
}

// record is a record that is being mapped, or was.
type record struct {
	builder  *schema.Builder
	built    *schema.Schema
	optional bool // what it will be
	cyclic   bool
}

// version is what the top of a schema gets for a version, where there is one.
type version struct {
	number int32
	known  bool
}

func (m *mapping) newReading() *reading {
	return &reading{mapping: m, open: map[*Schema]*record{}, refs: map[*schema.Schema]*record{}}
}

// within maps a schema inside another, which may be one that is not finished yet.
func (r *reading) within(s *Schema, optional bool, def *defaultValue, doc *string) (*schema.Schema, error) {
	if known, ok := r.open[s]; ok {
		known.cyclic = true
		if known.built != nil {
			return known.built.WithOptional(optional), nil
		}
		ref := known.builder.Ref()
		if optional != known.optional {
			ref = known.builder.Twin(optional)
		}
		r.refs[ref] = known
		return ref, nil
	}
	return r.schema(s, optional, def, doc, version{})
}

// unfinished says whether a schema stands for a record that lacks fields as yet.
func (r *reading) unfinished(s *schema.Schema) bool {
	known := r.refs[s]
	return known != nil && known.built == nil
}

// fresh maps a schema without regard to what it is within.
func (r *reading) fresh(s *Schema) (*schema.Schema, error) {
	if r.restarts++; r.restarts > maxNesting {
		return nil, tooDeep()
	}
	defer func() { r.restarts-- }()
	inner := r.newReading()
	inner.made, inner.depth, inner.restarts = r.made, r.depth, r.restarts
	out, err := inner.schema(s, false, nil, nil, version{})
	r.made = inner.made
	return out, err
}

// schema maps a schema. def is the default of the field it is the type of, doc the
// field's documentation.
func (r *reading) schema(s *Schema, optional bool, def *defaultValue, doc *string, v version) (*schema.Schema, error) {
	if r.made++; r.made > maxSchemas {
		return nil, errs.New(classRuntime, "the schema comes to more than %d schemas when its types are put in place of their names", maxSchemas)
	}
	if r.depth++; r.depth > maxDepth {
		return nil, tooDeep()
	}
	defer func() { r.depth-- }()
	if s.kind == kUnion {
		if of := r.single(s); of != nil {
			return r.within(of, len(s.types) == 2, nil, doc)
		}
	}
	b, err := r.builder(s, optional)
	if err != nil {
		return nil, err
	}
	if err := r.annotate(b, s, def, doc, v); err != nil {
		return nil, err
	}
	if optional {
		b.Optional()
	}
	built, err := b.Build()
	if err != nil {
		return nil, err
	}
	if known := r.open[s]; known != nil {
		if known.built = built; !known.cyclic {
			delete(r.open, s)
		}
	}
	return built, nil
}

// single is the type that a union is read as, where it is but one, or one and null.
func (r *reading) single(s *Schema) *Schema {
	switch {
	case len(s.types) == 1 && r.FlattenSingletonUnions:
		return s.types[0]
	case len(s.types) != 2:
		return nil
	}
	isNull := func(t *Schema) bool { return t.kind == kNull && len(t.props) == 0 }
	switch {
	case isNull(s.types[0]) && !isNull(s.types[1]):
		return s.types[1]
	case isNull(s.types[1]) && !isNull(s.types[0]):
		return s.types[0]
	}
	return nil
}

// builder starts the Connect schema for a type.
func (r *reading) builder(s *Schema, optional bool) (*schema.Builder, error) {
	switch s.kind {
	case kBoolean:
		return schema.NewBuilder(schema.Boolean), nil
	case kFloat:
		return schema.NewBuilder(schema.Float32), nil
	case kDouble:
		return schema.NewBuilder(schema.Float64), nil
	case kString:
		return schema.NewBuilder(schema.String), nil
	case kBytes, kFixed:
		return bytesBuilder(s)
	case kInt:
		return intBuilder(s)
	case kLong:
		if s.isLogicalNamed("timestamp-millis") {
			return schema.TimestampBuilder(), nil
		}
		return schema.NewBuilder(schema.Int64), nil
	case kArray:
		return r.arrayBuilder(s)
	case kMap:
		values, err := r.within(s.items, false, nil, nil)
		if err != nil {
			return nil, err
		}
		return schema.NewMapOf(schema.Of(schema.String), values), nil
	case kRecord:
		return r.recordBuilder(s, optional)
	case kEnum:
		return r.enumBuilder(s), nil
	case kUnion:
		return r.unionBuilder(s)
	}
	return nil, errs.Data("Standalone null schemas are not supported by this converter")
}

// isLogicalNamed says whether the logical type has that name, valid or not, in any case.
func (s *Schema) isLogicalNamed(name string) bool {
	text, ok := s.textProp(logicalProp)
	return ok && strings.EqualFold(text, name)
}

func bytesBuilder(s *Schema) (*schema.Builder, error) {
	b := schema.NewBuilder(schema.Bytes)
	if s.isLogicalNamed("decimal") {
		scale := int32(0)
		if n := s.objectProp(scaleProp); n != nil && n.isNumber() {
			scale = n.asInt32()
		}
		b = schema.DecimalBuilder(int(scale))
		if n := s.objectProp(precisionProp); n != nil {
			if !n.isNumber() {
				return nil, errs.Data("precision property must be a JSON Integer. https://avro.apache.org/docs/1.9.1/spec.html#Decimal")
			}
			if p := n.asInt32(); p != precisionDefault {
				b.Param(precisionParam, strconv.Itoa(int(p)))
			}
		}
	}
	if s.kind == kFixed {
		b.Param(sizeParam, strconv.Itoa(s.size))
	}
	return b, nil
}

func intBuilder(s *Schema) (*schema.Builder, error) {
	typ, typed := s.textProp(typeProp)
	_, logical := s.textProp(logicalProp)
	switch {
	case s.isLogicalNamed("date"):
		return schema.DateBuilder(), nil
	case s.isLogicalNamed("time-millis"):
		return schema.TimeBuilder(), nil
	case logical, !typed:
		return schema.NewBuilder(schema.Int32), nil
	case typ == "int8":
		return schema.NewBuilder(schema.Int8), nil
	case typ == "int16":
		return schema.NewBuilder(schema.Int16), nil
	}
	return nil, errs.Data("Connect type annotation for Avro int field is null")
}

// isMapEntry says whether a record is an entry of a map that is an array.
func isMapEntry(s *Schema) bool {
	if s.kind != kRecord {
		return false
	}
	internal, _ := s.textProp(internalProp)
	return internal == mapEntry || s.name.space == namespace && s.name.simple == mapEntry
}

func (r *reading) arrayBuilder(s *Schema) (*schema.Builder, error) {
	if !isMapEntry(s.items) {
		of, err := r.within(s.items, false, nil, nil)
		if err != nil {
			return nil, err
		}
		return schema.NewArray(of), nil
	}
	k, v := s.items.field(keyField), s.items.field(valueField)
	if len(s.items.fields) != 2 || k == nil || v == nil {
		return nil, errs.Data("Found map encoded as array of key-value pairs, but array elements do not match the expected format.")
	}
	keys, err := r.fresh(k.schema)
	if err != nil {
		return nil, err
	}
	values, err := r.fresh(v.schema)
	if err != nil {
		return nil, err
	}
	return schema.NewMapOf(keys, values), nil
}

func (r *reading) recordBuilder(s *Schema, optional bool) (*schema.Builder, error) {
	b := schema.NewStruct()
	r.open[s] = &record{builder: b, optional: optional}
	keep := !r.DiscardTypeDocDefault && r.ConnectMetadata
	if keep && s.doc != nil {
		b.Param(avroRecordDoc, *s.doc)
	}
	for i := range s.fields {
		f := &s.fields[i]
		if keep && f.doc != nil {
			b.Param(avroFieldDoc+f.name, *f.doc)
		}
		of, err := r.schema(f.schema, false, fieldDefault(f), f.doc, version{})
		if err != nil {
			return nil, err
		}
		b.Field(f.name, of)
	}
	return b, b.Err()
}

func (r *reading) enumBuilder(s *Schema) *schema.Builder {
	b := schema.NewBuilder(schema.String)
	if r.ConnectMetadata {
		if s.doc != nil {
			param := avroEnumDoc + s.name.simple
			if r.DiscardTypeDocDefault {
				param = enumDocParam
			}
			b.Param(param, *s.doc)
		}
		if !r.DiscardTypeDocDefault && s.enumDefault != nil {
			b.Param(avroEnumDefault+s.name.simple, *s.enumDefault)
		}
	}
	param := enumParam
	if r.GeneralizedSumTypes {
		param = sumEnumParam
	}
	b.Param(param, s.name.full)
	for i, symbol := range s.symbols {
		value := symbol
		if r.GeneralizedSumTypes {
			value = strconv.Itoa(i)
		}
		b.Param(param+"."+symbol, value)
	}
	return b
}

func (r *reading) unionBuilder(s *Schema) (*schema.Builder, error) {
	n := unionName
	if r.GeneralizedSumTypes {
		n = sumPrefix + strconv.Itoa(r.unions)
		r.unions++
	}
	b := schema.NewStruct().Name(n)
	if r.GeneralizedSumTypes {
		b.Param(sumUnionParam, n)
	}
	for i, t := range s.types {
		if t.kind == kNull {
			b.Optional()
			continue
		}
		field := r.branchField(t, i)
		if b.HasField(field) {
			return nil, errs.Data("Multiple union schemas map to the Connect union field name")
		}
		of, err := r.within(t, true, nil, nil)
		if err != nil {
			return nil, err
		}
		b.Field(field, of)
	}
	return b, b.Err()
}

// branchField is the name of the field for a type of a union.
func (m *mapping) branchField(s *Schema, index int) string {
	switch {
	case m.GeneralizedSumTypes:
		return sumField + strconv.Itoa(index)
	case !s.kind.isNamed():
		return s.kind.String()
	case m.EnhancedSchemas:
		return s.name.full
	}
	_, simple, _ := splitName(s.name.simple, m.ScrubNames)
	return simple
}

// memberField is the name of the field of a union for a Connect schema, and whether
// there is one.
func (m *mapping) memberField(s *schema.Schema, index int) (string, bool) {
	switch {
	case m.GeneralizedSumTypes:
		return sumField + strconv.Itoa(index), true
	case s.Type() == schema.Struct || isEnum(s) || isFixed(s):
		if !s.HasName() {
			return "", false
		}
		if m.EnhancedSchemas {
			return scrubFull(s.Name(), m.ScrubNames), true
		}
		_, simple, _ := splitName(s.Name(), m.ScrubNames)
		return simple, true
	}
	k, ok := kindFor(s.Type())
	return k.String(), ok
}

// kindFor is the type of Avro for a type of Connect, where there is one of its own.
func kindFor(t schema.Type) (kind, bool) {
	switch t {
	case schema.Int32:
		return kInt, true
	case schema.Int64:
		return kLong, true
	case schema.Float32:
		return kFloat, true
	case schema.Float64:
		return kDouble, true
	case schema.Boolean:
		return kBoolean, true
	case schema.String:
		return kString, true
	case schema.Bytes:
		return kBytes, true
	case schema.Array:
		return kArray, true
	case schema.Map:
		return kMap, true
	}
	return kNull, false
}

// annotate reads the properties.
func (r *reading) annotate(b *schema.Builder, s *Schema, def *defaultValue, doc *string, v version) error {
	r.document(b, s, doc)
	if err := setVersion(b, s, v); err != nil {
		return err
	}
	if err := r.params(b, s); err != nil {
		return err
	}
	if err := r.setDefault(b, s, def); err != nil {
		return err
	}
	return setName(b, s)
}

func (r *reading) document(b *schema.Builder, s *Schema, doc *string) {
	var own *string
	if text, ok := s.textProp(docProp); ok {
		own = &text
	}
	if !r.DiscardTypeDocDefault {
		if own != nil && r.ConnectMetadata {
			b.Doc(*own)
		}
		return
	}
	switch {
	case doc != nil:
		b.Doc(*doc)
	case s.doc != nil:
		b.Doc(*s.doc)
	case own != nil:
		b.Doc(*own)
	}
	if r.ConnectMetadata && s.doc != nil {
		b.Param(recordDocParam, *s.doc)
	}
}

func setVersion(b *schema.Builder, s *Schema, v version) error {
	n := int32(-1)
	switch own := s.objectProp(versionProp); {
	case own != nil:
		if !own.isNumber() {
			return errs.Data("Invalid Connect version found: %s", javaText(own))
		}
		n = own.asInt32()
	case v.known:
		n = v.number
	}
	if n < 0 {
		return nil
	}
	has, ok := b.Ref().Version()
	if ok && has != n {
		return errs.Data("Mismatched versions: version already added to SchemaBuilder (%d) differs from version in source schema (%d)", has, n)
	}
	b.Version(n)
	return nil
}

func (r *reading) params(b *schema.Builder, s *Schema) error {
	if n := s.objectProp(paramsProp); n != nil && r.ConnectMetadata {
		if n.kind != jsonObject {
			return errs.Data("Expected JSON object for schema parameters but found: %s", javaText(n))
		}
		for _, m := range n.members {
			if m.value.kind != jsonText {
				return errs.Data("Expected schema parameter values to be strings but found: %s", javaText(m.value))
			}
			b.Param(m.name, m.value.text)
		}
	}
	for _, m := range s.props {
		if !strings.HasPrefix(m.name, avroPrefix) {
			continue
		}
		if m.value.kind == jsonBig {
			return errs.New(errs.ClassNullPointer, "the property %s has a number of more than 64 bits", m.name)
		}
		b.Param(m.name, javaText(m.value))
	}
	return nil
}

func setName(b *schema.Builder, s *Schema) error {
	name, ok := "", false
	switch n := s.objectProp(nameProp); {
	case n != nil:
		if n.kind != jsonText {
			return errs.Data("Invalid schema name: %s", javaText(n))
		}
		name, ok = n.text, true
	case s.kind == kRecord, s.kind == kEnum, s.kind == kFixed && !(b.Ref().HasName() && b.Ref().Name() == schema.DecimalName):
		name, ok = s.name.full, true
	}
	if !ok || strings.HasPrefix(name, defaultFullName) {
		return nil
	}
	if b.Ref().HasName() {
		if has := b.Ref().Name(); has != name {
			return errs.Data("Mismatched names: name already added to SchemaBuilder (%s) differs from name in source schema (%s)", has, name)
		}
		return nil
	}
	b.Name(name)
	return nil
}

// javaText is the text of the object that Java makes of JSON.
func javaText(n *node) string {
	switch n.kind {
	case jsonText:
		return n.text
	case jsonNull:
		return "org.apache.avro.JsonProperties$Null"
	case jsonBig:
		return "null"
	case jsonArray:
		parts := make([]string, len(n.list))
		for i, e := range n.list {
			parts[i] = javaText(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case jsonObject:
		parts := make([]string, len(n.members))
		for i, m := range n.members {
			parts[i] = fmt.Sprintf("%s=%s", m.name, javaText(m.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case jsonFloat, jsonDouble:
		if math.IsNaN(n.float) || math.IsInf(n.float, 0) {
			return n.asText()
		}
	}
	return n.asText()
}
