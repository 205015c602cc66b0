package avro

import (
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// decoderKey tells decoders apart.
type decoderKey struct {
	writer, reader *Schema
	schema         *schema.Schema
}

// decoders makes decoders. Those of records that contain themselves do so as well.
type decoders struct {
	*mapping
	*resolver
	reading *reading
	made    map[decoderKey]*decoder
	// err is a default that does not fit. Java looks at all before it reads anything.
	err error
}

// decoder makes what reads the values of writer as reader, and converts them to the
// Connect schema. A nil schema stands for data without one.
func (r *reading) decoder(writer, reader *Schema, s *schema.Schema) *decoder {
	c := &decoders{mapping: r.mapping, resolver: newResolver(reader), reading: r, made: map[decoderKey]*decoder{}}
	switch {
	case s == nil && writer.equal(r.anything):
		return &decoder{op: decodeAnything}
	case s == nil:
		return &decoder{op: decodeRefused, writer: writer, err: errs.Data("Invalid Avro data for schemaless Connect data")}
	case writer.kind == kBytes:
		return &decoder{op: decodeRest, schema: s, writer: writer, logical: s.IsLogical()}
	}
	n := c.value(writer, reader, s)
	if c.err != nil {
		return &decoder{op: decodeFailed, err: c.err}
	}
	return n
}

func (c *decoders) value(w, r *Schema, s *schema.Schema) *decoder {
	key := decoderKey{w, r, s}
	if n, ok := c.made[key]; ok {
		return n
	}
	n := &decoder{schema: s, writer: w}
	c.made[key] = n
	switch {
	case w.kind == kUnion:
		n.op = decodeBranch
		same := c.same(w, r, map[[2]*Schema]bool{})
		for i, t := range w.types {
			to := r
			if same {
				to = r.types[i]
			}
			n.branches = append(n.branches, c.value(t, to, s))
		}
	case r.kind == kUnion:
		i := c.branch(w, r, map[[2]*Schema]bool{})
		if i < 0 {
			n.op, n.err = decodeFailed, mismatch(w, r, "")
			return n
		}
		n.op, n.branches = decodeForward, []*decoder{c.value(w, r.types[i], s)}
	default:
		if err := c.match(w, r); err != nil {
			n.op, n.err = decodeFailed, err
			return n
		}
		c.plain(n, w, r)
	}
	return n
}

// plain makes a decoder of types that are no unions.
func (c *decoders) plain(n *decoder, w, r *Schema) {
	s := n.schema
	switch {
	case r.kind == kNull:
		n.op = decodeNull
		return
	case s.Type() == schema.Struct && isUnion(s):
		c.member(n, w, r)
		return
	}
	n.logical = s.IsLogical()
	class := c.class(r)
	switch t := s.Type(); {
	case c.LogicalConverters && r.logical() != "":
		*n = *c.refused(w, s, class)
	case t == schema.String && r.kind == kEnum:
		c.enum(n, w, r)
	case t == schema.Array && r.kind == kArray:
		n.op, n.items = decodeArray, c.value(w.items, r.items, s.Value())
	case t == schema.Map && r.kind == kMap && plainKeys(s):
		n.op, n.items = decodeMap, c.value(w.items, r.items, s.Value())
	case t == schema.Map && r.kind == kArray && !plainKeys(s) && r.items.kind == kRecord && w.items.kind == kRecord:
		c.entries(n, w.items, r.items)
	case t == schema.Struct && r.kind == kRecord:
		n.op = decodeStruct
		c.record(n, w, r)
	default:
		if op, ok := scalarOp(w.kind, r.kind, t); ok {
			n.op, n.size = op, w.size
			return
		}
		*n = *c.refused(w, s, class)
	}
}

func plainKeys(s *schema.Schema) bool {
	return s.Key().Type() == schema.String && !s.Key().Optional()
}

// scalarOp is how a type is read as another for a Connect type.
func scalarOp(w, r kind, t schema.Type) (decodeOp, bool) {
	switch t {
	case schema.Int8:
		return decodeIntToInt8, r == kInt
	case schema.Int16:
		return decodeIntToInt16, r == kInt
	case schema.Int32:
		return decodeInt, r == kInt
	case schema.Int64:
		if w == kInt {
			return decodeIntToLong, r == kLong
		}
		return decodeLong, r == kLong
	case schema.Float32:
		op := map[kind]decodeOp{kInt: decodeIntToFloat, kLong: decodeLongToFloat, kFloat: decodeFloat}[w]
		return op, r == kFloat
	case schema.Float64:
		op := map[kind]decodeOp{kInt: decodeIntToDouble, kLong: decodeLongToDouble, kFloat: decodeFloatToDouble, kDouble: decodeDouble}[w]
		return op, r == kDouble
	case schema.Boolean:
		return decodeBoolean, r == kBoolean
	case schema.String:
		return decodeString, r == kString
	case schema.Bytes:
		if r == kFixed {
			return decodeFixed, true
		}
		return decodeBytes, r == kBytes
	}
	return 0, false
}

// class is the class of the objects that Java reads a type into.
func (c *decoders) class(s *Schema) string {
	if c.LogicalConverters {
		switch s.logical() {
		case "date":
			return "java.time.LocalDate"
		case "time-millis", "time-micros":
			return "java.time.LocalTime"
		case "timestamp-millis", "timestamp-micros", "timestamp-nanos":
			return "java.time.Instant"
		case "local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos":
			return "java.time.LocalDateTime"
		case "decimal", "big-decimal":
			return "java.math.BigDecimal"
		case "uuid":
			return "java.util.UUID"
		case "duration":
			return "org.apache.avro.util.TimePeriod"
		}
	}
	return [...]string{
		kNull: "null", kBoolean: "java.lang.Boolean", kInt: "java.lang.Integer", kLong: "java.lang.Long",
		kFloat: "java.lang.Float", kDouble: "java.lang.Double", kBytes: classBuffer, kString: classUtf8,
		kRecord: classAvroRecord, kEnum: classAvroEnum, kArray: classAvroArray, kMap: classAvroMap, kUnion: "", kFixed: classAvroFixed,
	}[s.kind]
}

// refused reads what the Connect schema is not for.
func (c *decoders) refused(w *Schema, s *schema.Schema, class string) *decoder {
	n := &decoder{op: decodeRefused, schema: s, writer: w}
	switch s.Type() {
	case schema.String:
		n.err = errs.Data("Invalid class for string type, expecting String or CharSequence but found class %s", class)
	case schema.Bytes:
		n.err = errs.Data("Invalid class for bytes type, expecting byte[] or ByteBuffer but found class %s", class)
	default:
		n.err = errs.Data("Invalid type for %s: class %s", s.Type(), class)
	}
	return n
}

func (c *decoders) enum(n *decoder, w, r *Schema) {
	n.op = decodeEnum
	known := make(map[string]bool, len(r.symbols))
	for _, s := range r.symbols {
		known[s] = true
	}
	for _, s := range w.symbols {
		switch {
		case known[s]:
			n.symbols = append(n.symbols, symbol{value: schema.OfString(s)})
		case r.enumDefault != nil:
			n.symbols = append(n.symbols, symbol{value: schema.OfString(*r.enumDefault)})
		default:
			n.symbols = append(n.symbols, symbol{err: errs.New(classType, "No match for %s", s)})
		}
	}
}

// entries reads an array of records as a map.
func (c *decoders) entries(n *decoder, w, r *Schema) {
	if err := c.match(w, r); err != nil {
		n.op, n.err = decodeFailed, err
		return
	}
	n.op = decodeEntries
	pair := map[string]target{keyField: {0, n.schema.Key()}, valueField: {1, n.schema.Value()}}
	c.fields(n, w, r, pair)
}

// target is where a field of a record goes.
type target struct {
	index  int
	schema *schema.Schema
}

func (c *decoders) record(n *decoder, w, r *Schema) {
	targets := make(map[string]target, len(r.fields))
	for i := range n.schema.Fields() {
		f := &n.schema.Fields()[i]
		name := f.Name()
		if c.ScrubNames {
			name = scrub(name)
		}
		if r.field(name) == nil {
			n.missing = errs.New(errs.ClassNullPointer, "no field %s in %s, where field %s is looked for", name, r.name.full, f.Name()).
				WithHint("set scrub.invalid.names=false to read schemas with such names")
			continue
		}
		targets[name] = target{i, f.Schema()}
	}
	c.fields(n, w, r, targets)
}

func (c *decoders) fields(n *decoder, w, r *Schema, targets map[string]target) {
	written := map[string]bool{}
	for i := range w.fields {
		f := &w.fields[i]
		name := c.field(w, f)
		of, to := r.field(name), targets[name]
		if of == nil || to.schema == nil {
			n.fields = append(n.fields, decodeField{name: f.name, writer: f.schema})
			continue
		}
		written[name] = true
		n.fields = append(n.fields, decodeField{name: f.name, index: to.index, decoder: c.value(f.schema, of.schema, to.schema)})
	}
	for i := range r.fields {
		f := &r.fields[i]
		to := targets[f.name]
		if written[f.name] || to.schema == nil {
			continue
		}
		b, err := appendDefault(nil, f.schema, f.def, 0)
		if err != nil {
			c.err = err
			return
		}
		own := &decoders{mapping: c.mapping, resolver: newResolver(f.schema), reading: c.reading, made: map[decoderKey]*decoder{}}
		n.defaults = append(n.defaults, decodeDefault{index: to.index, decoder: own.value(f.schema, f.schema, to.schema), bytes: b})
	}
}

// member makes the decoder of a struct that stands for a union: the first field that is
// for the type.
func (c *decoders) member(n *decoder, w, r *Schema) {
	s := n.schema
	var own *schema.Schema
	if r.kind == kRecord {
		var err error
		if own, err = c.reading.within(r, true, nil, nil); err != nil {
			n.op, n.err = decodeRefused, err
			return
		}
	}
	sized := r.kind == kBytes && !(c.LogicalConverters && r.logical() != "")
	for i := range s.Fields() {
		of := s.Fields()[i].Schema()
		size, ok := c.isInstance(of, r, i)
		if !ok && (own == nil || !own.Equal(of)) {
			continue
		}
		m := decodeMemberOf{index: -1, size: size, schema: of}
		m.name, ok = c.memberField(of, i)
		if !ok {
			m.name = "null"
		}
		if f := s.Field(m.name); f != nil && f.Index() == i {
			m.index = i
		}
		n.members = append(n.members, m)
		if !sized || size < 0 {
			break
		}
	}
	switch {
	case len(n.members) == 0:
		n.op, n.err = decodeRefused, errs.Data("Did not find matching union field for data")
	case sized:
		n.op = decodeSized
		n.items = &decoder{op: decodeBytes}
	default:
		n.op = decodeMember
		n.members = n.members[:1]
		n.members[0].decoder = c.value(w, r, n.members[0].schema)
	}
}

// isInstance says whether a field of a union is for a type that is no record; size is
// what bytes must measure, or -1.
func (c *decoders) isInstance(of *schema.Schema, r *Schema, index int) (size int, ok bool) {
	if isEnum(of) {
		param := enumParam
		if c.GeneralizedSumTypes {
			param = sumEnumParam
		}
		name, has := of.Param(param)
		return -1, r.kind == kEnum && has && name == r.name.full
	}
	if c.LogicalConverters && r.logical() != "" {
		return -1, false
	}
	switch r.kind {
	case kEnum, kRecord:
		return -1, false
	case kBytes:
		if of.Type() != schema.Bytes {
			return -1, false
		}
		if isFixed(of) {
			size, err := parseInt(of, sizeParam)
			return size, err == nil
		}
		return -1, true
	case kFixed:
		if of.Type() != schema.Bytes {
			return -1, false
		}
		if isFixed(of) {
			name, has := c.memberField(of, index)
			return -1, has && name == c.branchField(r, index)
		}
		return -1, true
	}
	k, has := kindFor(of.Type())
	return -1, has && k == r.kind
}
