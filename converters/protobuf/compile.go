package protobuf

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// encoder writes the values of one schema into one field.
type encoder struct {
	schema *schema.Schema
	op     op
	kind   kind // of the field
	tag    uint64
	wrap   bool // in a wrapper message
	keep   bool // also what is the type's zero: the field can tell it from nothing
	packed bool
	// rawDefault keeps the nulls of a union where there is a default.
	rawDefault bool
	bad        error // what Java says of the result in this field
	badAlt     error // the same of a string that is no symbol of the enum

	enum   *enum
	prefix string // of the enum's parameters
	first  int32  // the enum's default
	elem   *encoder
	key    *encoder
	value  *encoder
	fields *structEncoder
	// members are those of a union where one cannot be.
	members []*encoder
	// lost says that a union's members are looked for where there are no fields.
	lost bool
	// listed says that a list goes into a repeated field.
	listed bool
}

// op is what Connect values become.
type op uint8

const (
	failOp op = iota // bad, whatever the value
	intOp
	longOp
	intOfLongOp // int64 that stands for an unsigned number of 32 bits
	floatOp
	doubleOp
	boolOp
	stringOp
	bytesOp
	intEnumOp
	stringEnumOp
	decimalOp
	dateOp
	timeOp
	timestampOp
	listOp
	mapOp
	structOp
	unionOp // one in a place where none can be
)

// structEncoder writes structs of one schema as one message.
type structEncoder struct {
	schema     *schema.Schema
	entries    []entry // by field number
	ordered    bool    // entries are in the order of the schema's fields too
	unions     []int   // fields that stand for a oneof
	rawDefault bool    // nulls stay nulls where there is a default
}

// entry is a field, or one member of a field that stands for a oneof.
type entry struct {
	index  int
	member int // -1 where the field is none
	enc    *encoder
}

// compiler makes encoders.
type compiler struct {
	opts    *Options
	doc     *document
	structs map[structKey]*structEncoder
	depth   int // of unions in unions
}

type structKey struct {
	schema *schema.Schema
	in     *message
}

// place is where Java looks for fields: a message, or something else, which it
// cannot look into.
type place struct {
	message *message
	other   bool
}

func placeOf(f *field) place { return place{f.message, f.message == nil} }

// within is the context of a field's value. A field that is not there has that of the
// message around it.
func (c place) within(name string) place {
	if c.message == nil {
		return c
	}
	if f := c.message.byName[name]; f != nil {
		return placeOf(f)
	}
	return c
}

// logicalOp is the operation for schemas of that name.
func logicalOp(name string) op {
	switch name {
	case schema.DecimalName:
		return decimalOp
	case schema.DateName:
		return dateOp
	case schema.TimeName:
		return timeOp
	case schema.TimestampName:
		return timestampOp
	}
	return failOp
}

// classes are the Java classes that the operations give.
var classes = [...]string{
	intOp: "java.lang.Integer", longOp: "java.lang.Long", intOfLongOp: "java.lang.Integer", floatOp: "java.lang.Float",
	doubleOp: "java.lang.Double", boolOp: "java.lang.Boolean", stringOp: "java.lang.String",
	bytesOp: "com.google.protobuf.ByteString$LiteralByteString", intEnumOp: classEnumValue, stringEnumOp: classEnumValue,
	decimalOp: "io.confluent.protobuf.type.Decimal", dateOp: "com.google.type.Date", timeOp: "com.google.type.TimeOfDay",
	timestampOp: "com.google.protobuf.Timestamp", listOp: "java.util.ArrayList", mapOp: "java.util.ArrayList",
	structOp: "com.google.protobuf.DynamicMessage", unionOp: namespace + ".ProtobufData$Pair",
}

const classEnumValue = "com.google.protobuf.Descriptors$EnumValueDescriptor"

// javaTypes are the types of fields that take what the operations give.
var javaTypes = [...]string{
	intOp: "INT", longOp: "LONG", intOfLongOp: "INT", floatOp: "FLOAT", doubleOp: "DOUBLE", boolOp: "BOOLEAN", stringOp: "STRING",
	bytesOp: "BYTE_STRING", intEnumOp: "ENUM", stringEnumOp: "ENUM", decimalOp: "MESSAGE", dateOp: "MESSAGE", timeOp: "MESSAGE",
	timestampOp: "MESSAGE", structOp: "MESSAGE", unionOp: "",
}

// put says what Java does with a result in a field (DynamicMessage.Builder.setField).
func put(o op, wrapped bool, f *field) error {
	javaType, class := javaTypes[min(int(o), len(javaTypes)-1)], classes[o]
	if wrapped {
		javaType, class = "MESSAGE", wrapperClass(o)
	}
	switch {
	case f.kind == enumKind && javaType != "ENUM":
		return errs.IllegalArgument("DynamicMessage should use EnumValueDescriptor to set Enum Value.")
	case f.kind.java() != javaType || o == listOp || o == mapOp:
		return errs.IllegalArgument("Wrong object type used with protocol message reflection.\nField number: %d, field java type: %s, value type: %s\n", f.def.number, f.kind.java(), class)
	}
	return nil
}

// wrapperClass is the Java class of the wrapper messages that an operation gives.
func wrapperClass(o op) string {
	return "com.google.protobuf." + map[op]string{
		intOp: "Int32Value", longOp: "Int64Value", intOfLongOp: "Int32Value", floatOp: "FloatValue", doubleOp: "DoubleValue",
		boolOp: "BoolValue", stringOp: "StringValue", bytesOp: "BytesValue",
	}[o]
}

// into makes an encoder of values that go into a field, which is nil where there is none
// of that name.
func (c *compiler) into(f *field, name string, s *schema.Schema, ctx place, scope, in string) *encoder {
	e := c.compile(s, ctx, scope)
	if f == nil {
		e.bad = errs.Data("Cannot find field with name " + name)
		e.badAlt = e.bad
		if e.elem != nil {
			e.elem.bad, e.elem.badAlt = nil, nil
		}
		return e
	}
	e.kind, e.keep = f.kind, f.presence
	if f.enum != nil {
		e.first = f.enum.def.values[0].number
	}
	target, single := e, e.op != listOp && e.op != mapOp
	switch {
	case f.repeated && single:
		e.bad = errs.Data("Invalid type for " + in + ": class " + javaClass(in))
		e.badAlt = e.bad
		return e
	case !f.repeated && !single:
		e.bad = put(e.op, false, f)
		return e
	case e.op == listOp:
		target = e.elem
		target.kind, target.keep, target.first, e.listed = f.kind, true, e.first, true
	case e.op == mapOp && f.kind != messageKind:
		e.bad = put(structOp, false, f)
		return e
	}
	if e.op != mapOp && e.op != failOp {
		isEnum := target.op == intEnumOp || target.op == stringEnumOp
		bad := put(target.op, target.wrap && !isEnum, f)
		alt := put(stringOp, target.wrap, f)
		e.bad, e.badAlt = bad, alt
		if target != e {
			// Java converts all elements before it looks at one.
			target.bad, target.badAlt = nil, nil
		}
	}
	wire := wireType(f.kind)
	if e.packed = e.op == listOp && wire != protowire.BytesType; e.packed {
		wire = protowire.BytesType
	}
	e.tag = protowire.EncodeTag(protowire.Number(f.def.number), wire)
	target.tag = e.tag
	return e
}

func javaClass(in string) string {
	if in == "MAP" {
		return "java.util.HashMap"
	}
	return "org.apache.kafka.connect.data.Struct"
}

func wireType(k kind) protowire.Type {
	switch k {
	case doubleKind, fixed64Kind, sfixed64Kind:
		return protowire.Fixed64Type
	case floatKind, fixed32Kind, sfixed32Kind:
		return protowire.Fixed32Type
	case stringKind, bytesKind, messageKind:
		return protowire.BytesType
	}
	return protowire.VarintType
}

// compile makes an encoder of values (ProtobufData.fromConnectData).
func (c *compiler) compile(s *schema.Schema, ctx place, scope string) *encoder {
	e := &encoder{schema: s, wrap: isWrapper(c.doc.name) || c.opts.WrapperForNullables && s.Optional()}
	if e.op = logicalOp(s.Name()); e.op != failOp {
		e.wrap = false
		return e
	}
	own, hasOwn := s.Param(enumParam)
	_, hasSum := s.Param(sumEnumParam)
	switch s.Type() {
	case schema.Int8, schema.Int16, schema.Int32:
		if e.op = intOp; hasOwn {
			e.op, e.wrap, e.enum = intEnumOp, false, c.doc.set.enum(scope+own)
		}
	case schema.Int64:
		e.op = longOp
		if t, _ := s.Param(typeParam); t == "uint32" || t == "fixed32" {
			e.op = intOfLongOp
		}
	case schema.Float32:
		e.op = floatOp
	case schema.Float64:
		e.op = doubleOp
	case schema.Boolean:
		e.op = boolOp
	case schema.String:
		if e.op = stringOp; hasOwn || hasSum {
			param := c.opts.enumParam()
			typ, ok := s.Param(param)
			if !ok {
				typ = "null"
			}
			e.op, e.enum, e.prefix = stringEnumOp, c.doc.set.enum(scope+typ), param+"."
		}
	case schema.Bytes:
		e.op = bytesOp
	case schema.Array:
		e.op, e.wrap = listOp, false
		e.elem = c.compile(s.Value(), ctx, scope)
	case schema.Map:
		e.op, e.wrap = mapOp, false
		c.entry(e, s, ctx)
	case schema.Struct:
		e.wrap = false
		if isUnion(s) {
			e.op, e.rawDefault = unionOp, c.opts.IgnoreDefaultForNullables
			c.union(e, s, ctx, scope)
			return e
		}
		e.op = structOp
		c.structure(e, s, ctx)
	}
	return e
}

// union makes encoders of the members of a union that does not stand in a message.
func (c *compiler) union(e *encoder, s *schema.Schema, ctx place, scope string) {
	if c.depth > maxSchemaDepth {
		return
	}
	e.lost = ctx.other
	c.depth++
	defer func() { c.depth-- }()
	members := s.Fields()
	for i := range members {
		e.members = append(e.members, c.compile(members[i].Schema(), ctx.within(c.opts.scrub(members[i].Name())), scope))
	}
}

// check says what Java says of a union's member, before it says that there can be none.
func (e *encoder) check(v schema.Value) error {
	if v.Kind() != schema.KindStruct {
		return e.miscast(v)
	}
	se := structEncoder{rawDefault: e.rawDefault}
	u := v.Struct()
	i := se.member(u)
	if i < 0 {
		return errs.Data("Cannot find non-null field")
	}
	if e.lost {
		return errs.Data("Invalid type for STRUCT: class " + javaClass("STRUCT"))
	}
	if i >= len(e.members) {
		return nil
	}
	_, _, err := e.members[i].append(nil, se.get(u, i))
	return err
}

// fail makes an encoder of values that Java cannot write.
func (e *encoder) fail(err error) { e.op, e.bad = failOp, err }

// content is the message that values with fields go into.
func (c *compiler) content(e *encoder, ctx place) *message {
	switch {
	case ctx.other:
		e.fail(errs.Data("Invalid type for " + e.schema.Type().String() + ": class " + javaClass(e.schema.Type().String())))
	case ctx.message == nil:
		e.fail(errs.Null(errs.ClassNullPointer))
	default:
		m := c.doc.set.message(ctx.message.full)
		if m == nil {
			e.fail(errs.Data("Invalid message name: " + ctx.message.full))
		}
		return m
	}
	return nil
}

func (c *compiler) entry(e *encoder, s *schema.Schema, ctx place) {
	m := c.content(e, ctx)
	if m == nil {
		return
	}
	k, v := m.byName[keyName], m.byName[valueName]
	if k == nil || v == nil {
		e.op = mapOp
		e.key = nil // what is found missing at the first entry
		return
	}
	e.key = c.into(k, keyName, s.Key(), placeOf(k), m.full+".", "MAP")
	e.value = c.into(v, valueName, s.Value(), placeOf(v), m.full+".", "MAP")
}

func (c *compiler) structure(e *encoder, s *schema.Schema, ctx place) {
	m := c.content(e, ctx)
	if m == nil {
		return
	}
	key := structKey{s, m}
	if known := c.structs[key]; known != nil {
		e.fields = known
		return
	}
	se := &structEncoder{schema: s, rawDefault: c.opts.IgnoreDefaultForNullables}
	if c.structs == nil {
		c.structs = map[structKey]*structEncoder{}
	}
	c.structs[key], e.fields = se, se
	numbers := map[*encoder]int32{}
	fields := s.Fields()
	for i := range fields {
		fs, name := fields[i].Schema(), c.opts.scrub(fields[i].Name())
		inner := ctx.within(name)
		if fs.Type() != schema.Struct || !isUnion(fs) || logicalOp(fs.Name()) != failOp {
			f := m.byName[name]
			enc := c.into(f, name, fs, inner, m.full+".", "STRUCT")
			if f != nil {
				numbers[enc] = f.def.number
			}
			se.entries = append(se.entries, entry{i, -1, enc})
			continue
		}
		se.unions = append(se.unions, i)
		members := fs.Fields()
		for j := range members {
			member := c.opts.scrub(members[j].Name())
			f := m.byName[member]
			enc := c.into(f, name, members[j].Schema(), inner.within(member), m.full+".", "STRUCT")
			if inner.other {
				// A member of the oneof has the name of the field that stands for it.
				enc.fail(errs.Data("Invalid type for STRUCT: class " + javaClass("STRUCT")))
			}
			if f != nil {
				numbers[enc] = f.def.number
			}
			se.entries = append(se.entries, entry{i, j, enc})
		}
	}
	order := func(a, b entry) int { return int(numbers[a.enc]) - int(numbers[b.enc]) }
	se.ordered = slices.IsSortedFunc(se.entries, order)
	slices.SortStableFunc(se.entries, order)
}
