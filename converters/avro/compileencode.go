package avro

import (
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// encoderKey tells encoders apart: the Connect schema, its own Avro schema and the one
// that is written, which are the same but where another version is wanted.
type encoderKey struct {
	schema   *schema.Schema
	own, out *Schema
}

// encoders makes encoders. Those of records that contain themselves do so as well.
type encoders struct {
	*mapping
	made map[encoderKey]*encoder
}

// encoder makes what writes values of a Connect schema as out. own is the Avro schema
// that the Connect schema maps to: it decides which type in a union a value is.
func (m *mapping) encoder(s *schema.Schema, own, out *Schema) *encoder {
	c := &encoders{mapping: m, made: map[encoderKey]*encoder{}}
	n := c.value(s, own, out)
	if out.kind == kBytes {
		n = n.bare()
	}
	return n
}

// bare is the encoder of bytes at the top, which have no length before them.
func (n *encoder) bare() *encoder {
	c := *n
	switch n.op {
	case encodeBytes:
		c.op = encodeBare
	case encodeUnion:
		c.fields = append([]encodeField(nil), n.fields...)
		for i := range c.fields {
			c.fields[i].encoder = c.fields[i].encoder.bare()
		}
	default:
		c.op, c.refused = encodeRefusal, encodeFailure(errs.ClassSerialization, "Unrecognized bytes object of type: %s", n.kind.JavaClass())
	}
	return &c
}

func (c *encoders) value(s *schema.Schema, own, out *Schema) *encoder {
	key := encoderKey{s, own, out}
	if n, ok := c.made[key]; ok {
		return n
	}
	n := &encoder{schema: s, null: noUnion, branch: noUnion}
	c.made[key] = n
	if out.kind == kUnion {
		n.name = out.String()
		if n.null = out.branch("null"); n.null < 0 {
			n.null = noPlace
		}
	}
	if s == nil {
		c.schemaless(n, out)
		return n
	}
	n.optional, n.logical, n.kind = s.Optional(), s.IsLogical(), schema.Kind(s.Type())
	if out.kind == kNull || out.kind == kRecord && len(out.fields) == 0 && (s.Type() != schema.Struct || isUnion(s)) {
		n.op = encodeNothing // Java looks at no value for these
		return n
	}
	switch s.Type() {
	case schema.String:
		c.text(n, own, out)
	case schema.Bytes:
		c.bytes(n, own, out)
	case schema.Array:
		c.array(n, own, out)
	case schema.Map:
		c.mapOf(n, own, out)
	case schema.Struct:
		if isUnion(s) {
			n.op = encodeUnion
			for i := range s.Fields() {
				f := c.field(s, i)
				f.encoder = c.value(s.Fields()[i].Schema(), own, out)
				n.fields = append(n.fields, f)
			}
			return n
		}
		c.structOf(n, own, out)
	default:
		c.scalar(n, out)
	}
	return n
}

func (c *encoders) field(s *schema.Schema, i int) encodeField {
	return encodeField{index: i, raw: c.IgnoreDefaultForNullables, def: s.Fields()[i].Schema().Default()}
}

// refuse makes the encoder fail for values that are not null.
func (n *encoder) refuse(err error) {
	n.op, n.refused = encodeRefusal, err
}

// target is what a value of the named type is written as: in a union the type of that
// name, else the schema itself if it is of the kind.
func (n *encoder) target(out *Schema, full string, kinds ...kind) *Schema {
	if out.kind == kUnion {
		if n.branch = out.branch(full); n.branch < 0 {
			n.refuse(encodeFailure(classUnresolved, "Not in union %s: a value of type %s", out, full))
			return nil
		}
		out = out.types[n.branch]
	}
	for _, k := range kinds {
		if out.kind == k {
			return out
		}
	}
	n.branch = noUnion
	class := errs.ClassClassCast
	if out.kind == kEnum {
		class = classType
	}
	n.refuse(encodeFailure(class, "a value of type %s cannot be written as %s", full, out))
	return nil
}

func (c *encoders) schemaless(n *encoder, out *Schema) {
	n.op = encodeAnything
	if t := n.target(out, anythingName, kRecord); t != nil && !t.equal(c.anything) {
		n.refuse(encodeFailure(classType, "data without a schema cannot be written as %s", t))
	}
	if n.op == encodeRefusal {
		n.op = encodeFailing
	}
}

func (c *encoders) scalar(n *encoder, out *Schema) {
	switch n.schema.Type() {
	case schema.Boolean:
		if n.target(out, "boolean", kBoolean) != nil {
			n.op = encodeBoolean
		}
		return
	case schema.Float32:
		n.number(n.target(out, "float", kFloat, kDouble, kInt, kLong))
	case schema.Float64:
		n.number(n.target(out, "double", kDouble, kFloat, kInt, kLong))
	case schema.Int64:
		n.number(n.target(out, "long", kLong, kDouble, kFloat, kInt))
	default:
		n.number(n.target(out, "int", kInt, kLong, kFloat, kDouble))
	}
}

// number makes the encoder write any number as any other: Java's writer casts.
func (n *encoder) number(to *Schema) {
	float := n.kind == schema.KindFloat32 || n.kind == schema.KindFloat64
	switch {
	case to == nil:
	case to.kind == kDouble:
		n.op = encodeToDouble
	case to.kind == kFloat && n.kind == schema.KindFloat32:
		n.op = encodeFromFloat
	case to.kind == kFloat:
		n.op = encodeToFloat
	case to.kind == kInt && (float || n.kind == schema.KindInt64):
		n.op, n.size = encodeCast, 32
	case float:
		n.op, n.size = encodeCast, 64
	default:
		n.op = encodeInteger
	}
}

// writesEnum says whether strings of the schema are written as an enum, and under which
// name.
func (m *mapping) writesEnum(s *schema.Schema) (string, bool) {
	if m.GeneralizedSumTypes {
		if n, ok := s.Param(sumEnumParam); ok {
			return n, true
		}
	}
	if m.EnhancedSchemas {
		return s.Param(enumParam)
	}
	return "", false
}

func (c *encoders) text(n *encoder, own, out *Schema) {
	enum, ok := c.writesEnum(n.schema)
	if !ok {
		if n.target(out, "string", kString) != nil {
			n.op = encodeString
		}
		return
	}
	if own.kind == kUnion {
		i := own.branch(enum)
		if i < 0 {
			n.refuse(errs.New(errs.ClassNullPointer, "no enum %s in %s", enum, own))
			return
		}
		own = own.types[i]
	}
	to := n.target(out, own.fullName(), kEnum)
	if to == nil {
		return
	}
	n.op, n.name = encodeEnum, to.name.full
	n.symbols = make(map[string]int, len(to.symbols))
	for i, symbol := range to.symbols {
		n.symbols[symbol] = i
	}
}

func (c *encoders) bytes(n *encoder, own, out *Schema) {
	if !isFixed(n.schema) {
		if n.target(out, "bytes", kBytes) != nil {
			n.op = encodeBytes
		}
		return
	}
	if own.kind == kUnion {
		size, err := parseInt(n.schema, sizeParam)
		if err != nil {
			n.refuse(err)
			return
		}
		var found *Schema
		for i, t := range own.types {
			field, ok := c.memberField(n.schema, i)
			if t.kind == kFixed && t.size == size && ok && c.branchField(t, i) == field {
				found = t
			}
		}
		if found == nil {
			n.refuse(errs.Data("Fixed size %d not in union %s", size, own))
			return
		}
		own = found
	}
	if to := n.target(out, own.fullName(), kFixed); to != nil {
		n.op, n.size = encodeFixed, to.size
	}
}

// underlying is the type in a union that an optional schema maps to.
func (c *encoders) underlying(s *schema.Schema, own *Schema) (*Schema, error) {
	if !s.Optional() {
		return own, nil
	}
	if own.kind != kUnion {
		return nil, errs.Data("An optional schema should have an Avro Union type, not %s", s.Type())
	}
	full := scrubFull(s.Name(), c.ScrubNames)
	for _, t := range own.types {
		if t.kind == kNull {
			continue
		}
		if s.HasName() && t.fullName() == full || t.kind.String() == s.Type().Name() || !s.HasName() && strings.HasPrefix(t.fullName(), defaultFullName) {
			return t, nil
		}
	}
	return own, nil
}

func (c *encoders) array(n *encoder, own, out *Schema) {
	own, err := c.underlying(n.schema, own)
	if err == nil && own.kind != kArray {
		err = errs.New(classRuntime, "Not an array: %s", own)
	}
	if err != nil {
		n.refuse(err)
		return
	}
	if to := n.target(out, "array", kArray); to != nil {
		n.op, n.items = encodeArray, c.value(n.schema.Value(), own.items, to.items)
		return
	}
}

func (c *encoders) mapOf(n *encoder, own, out *Schema) {
	if !c.stringKeys(n.schema) {
		c.entries(n, own, out)
		return
	}
	own, err := c.underlying(n.schema, own)
	if err == nil && own.kind != kMap {
		err = errs.New(classRuntime, "Not a map: %s", own)
	}
	if err != nil {
		n.refuse(err)
		return
	}
	if to := n.target(out, "map", kMap); to != nil {
		n.op, n.items = encodeMap, c.value(n.schema.Value(), own.items, to.items)
	}
}

func (c *encoders) entries(n *encoder, own, out *Schema) {
	if n.schema.Optional() {
		if own.kind != kUnion {
			n.refuse(errs.Data("An optional schema should have an Avro Union type, not %s", n.schema.Type()))
			return
		}
		if i := own.branch("array"); i >= 0 {
			own = own.types[i]
		}
	}
	if own.kind != kArray || own.items.kind != kRecord {
		n.refuse(errs.New(classRuntime, "Not an array: %s", own))
		return
	}
	entry := own.items
	if entry.field(keyField) == nil || entry.field(valueField) == nil {
		n.refuse(errs.New(errs.ClassNullPointer, "no key and value in %s", entry))
		return
	}
	to := n.target(out, "array", kArray)
	if to == nil {
		return
	}
	record := to.items
	if record.kind == kUnion || record.kind != kRecord {
		n.branch = noUnion
		n.refuse(encodeFailure(classType, "entries of a map cannot be written as %s", record))
		return
	}
	n.op = encodeEntries
	sources := map[string]encodeField{keyField: {index: 0}, valueField: {index: 1}}
	schemas := []*schema.Schema{n.schema.Key(), n.schema.Value()}
	for i := range record.fields {
		from := sourceOf(entry, &record.fields[i], i)
		if from == nil {
			n.fields = append(n.fields, outOfBounds(i, len(entry.fields)))
			continue
		}
		f := sources[from.name]
		f.encoder = c.value(schemas[f.index], from.schema, record.fields[i].schema)
		n.fields = append(n.fields, f)
	}
}

// sourceOf is the field of a record that is written as another record's: the one of the
// same name, else the one in the same place.
func sourceOf(own *Schema, out *field, place int) *field {
	if f := own.field(out.name); f != nil {
		return f
	}
	if place < len(own.fields) {
		return &own.fields[place]
	}
	return nil
}

func outOfBounds(index, length int) encodeField {
	err := encodeFailure(classBounds, "Index %d out of bounds for length %d", index, length)
	return encodeField{index: -1, encoder: &encoder{op: encodeFailing, refused: err, null: noUnion, branch: noUnion}}
}

func (c *encoders) structOf(n *encoder, own, out *Schema) {
	own, err := c.underlying(n.schema, own)
	if err == nil && own.kind != kRecord {
		err = errs.New(classRuntime, "Not a record: %s", own)
	}
	if err != nil {
		n.refuse(err)
		return
	}
	index := make(map[string]int, len(n.schema.Fields()))
	for i := range n.schema.Fields() {
		name := n.schema.Fields()[i].Name()
		if c.ScrubNames {
			name = scrub(name)
		}
		if own.field(name) == nil {
			n.refuse(errs.New(errs.ClassNullPointer, "no field %s in %s, which has the same name as another struct", name, own.fullName()))
			return
		}
		index[name] = i
	}
	to := n.target(out, own.fullName(), kRecord)
	if to == nil {
		return
	}
	n.op = encodeStruct
	written := make([]bool, len(n.schema.Fields()))
	for i := range to.fields {
		from := sourceOf(own, &to.fields[i], i)
		if from == nil {
			n.fields = append(n.fields, outOfBounds(i, len(own.fields)))
			continue
		}
		at, ok := index[from.name]
		if !ok {
			n.refuse(errs.New(classRuntime, "Field %s not set and has no default value", from.name))
			return
		}
		written[at] = true
		f := c.field(n.schema, at)
		f.encoder = c.value(n.schema.Fields()[at].Schema(), from.schema, to.fields[i].schema)
		n.fields = append(n.fields, f)
	}
	for name, i := range index {
		if !written[i] {
			f := c.field(n.schema, i)
			f.encoder = c.value(n.schema.Fields()[i].Schema(), own.field(name).schema, own.field(name).schema)
			n.checks = append(n.checks, f)
		}
	}
}
