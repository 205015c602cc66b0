package avro

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// source is the bytes of one record, and what goes wrong while they are read. Bytes are
// read to their end before a conversion fails, as Java does.
type source struct {
	b     []byte
	arena *schema.Arena
	// failed is why the bytes cannot be read, refused why their value cannot be
	// converted.
	failed  error
	refused error
	// place is where that happened; open says that the fields around are yet to be added.
	place string
	open  bool
	depth int
	// weightless is how many more values may come that take no bytes.
	weightless int
}

func (d *source) fail(class, format string, args ...any) {
	if d.failed == nil {
		d.failWith(errs.New(class, format, args...))
	}
}

func (d *source) end() {
	if d.failed == nil {
		d.failWith(errs.Null(classEOF))
	}
}

func (d *source) failWith(err error) {
	if d.failed == nil {
		d.failed, d.b, d.place, d.open = err, nil, "", true
	}
}

func (d *source) refuse(err error) {
	if d.refused == nil && d.failed == nil {
		d.refused, d.place, d.open = err, "", true
	}
}

// weigh counts a value that may take no bytes.
func (d *source) weigh() bool {
	if d.weightless--; d.weightless < 0 {
		d.fail(classLimit, "the record holds more than %d values that take no bytes", maxWeighted)
		return false
	}
	return true
}

// long reads a number in zigzag form of at most ten bytes.
func (d *source) long() int64 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		c := d.b[0]
		d.b = d.b[1:]
		return int64(c>>1) ^ -int64(c&1)
	}
	var u uint64
	for i, c := range d.b {
		if i == binary.MaxVarintLen64 {
			break
		}
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.b = d.b[i+1:]
			return int64(u>>1) ^ -int64(u&1) // #nosec G115 -- the zigzag form
		}
	}
	if len(d.b) >= binary.MaxVarintLen64 {
		d.fail(classEncoding, "Invalid long encoding")
	}
	d.end()
	return 0
}

// int reads a number in zigzag form of at most five bytes.
func (d *source) int() int32 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		c := d.b[0]
		d.b = d.b[1:]
		return int32(c>>1) ^ -int32(c&1)
	}
	var u uint32 // of five bytes 32 bits are kept
	for i, c := range d.b {
		if i == binary.MaxVarintLen32 {
			break
		}
		u |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.b = d.b[i+1:]
			return int32(u>>1) ^ -int32(u&1) // #nosec G115 -- the zigzag form
		}
	}
	if len(d.b) >= binary.MaxVarintLen32 {
		d.fail(classEncoding, "Invalid int encoding")
	}
	d.end()
	return 0
}

func (d *source) take(n int) []byte {
	if n > len(d.b) {
		d.end()
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// maxLength is the largest length that Java allows.
const maxLength = math.MaxInt32 - 8

// length reads the length of a string or of bytes.
func (d *source) length(what string) int {
	n := d.long()
	switch {
	case n < 0:
		d.fail(classRuntime, "Malformed data. Length is negative: %d", n)
		return 0
	case n > maxLength:
		d.fail(errs.ClassUnsupportedOperation, "Cannot read %s longer than %d bytes", what, int64(maxLength))
		return 0
	}
	return int(n)
}

// roomAhead is the most items that room is made for before they are read: what bytes say
// of their number may be a lie.
const roomAhead = 256

// items reads the number of items in a block of an array or a map.
func (d *source) items() int {
	n := d.long()
	if n < 0 {
		d.long() // the size of the block in bytes
		n = -n
	}
	switch {
	case n < 0:
		d.fail(classRuntime, "Malformed data. Length is negative: %d", n)
		return 0
	case n > maxLength:
		d.fail(errs.ClassUnsupportedOperation, "Cannot read collections larger than %d items in Java library", int64(maxLength))
		return 0
	}
	return int(n)
}

func (d *source) enter() bool {
	if d.depth++; d.depth > maxDepth {
		d.failWith(tooDeep())
		return false
	}
	return d.failed == nil
}

// skip reads a value that is not wanted.
func (d *source) skip(s *Schema) {
	defer func() { d.depth-- }()
	if !d.enter() {
		return
	}
	switch s.kind {
	case kBoolean:
		d.take(1)
	case kInt, kEnum:
		n := d.int()
		if s.kind == kEnum && d.failed == nil && (n < 0 || int(n) >= len(s.symbols)) {
			d.fail(errs.ClassIndexOutOfBounds, "Index %d out of bounds for length %d", n, len(s.symbols))
		}
	case kLong:
		d.long()
	case kFloat:
		d.take(4)
	case kDouble:
		d.take(8)
	case kString:
		d.take(d.length("strings"))
	case kBytes:
		d.take(d.length("bytes"))
	case kFixed:
		d.take(s.size)
	case kArray, kMap:
		d.skipItems(s)
	case kRecord:
		if d.weigh() {
			open := d.open
			for i := range s.fields {
				if d.skip(s.fields[i].schema); d.open && !open {
					open = true
					d.place = joined(s.fields[i].name, d.place)
				}
			}
		}
	case kUnion:
		if i, ok := d.branch(len(s.types)); ok {
			d.skip(s.types[i])
		}
	}
}

func (d *source) skipItems(s *Schema) {
	for n := d.items(); n > 0; n = d.items() {
		for range n {
			before := len(d.b)
			if s.kind == kMap {
				d.take(d.length("strings"))
			}
			d.skip(s.items)
			if d.failed != nil || before == len(d.b) && !d.weigh() {
				return
			}
		}
	}
}

// branch reads the place of a type in a union.
func (d *source) branch(types int) (int, bool) {
	i := d.int()
	if d.failed != nil {
		return 0, false
	}
	if i < 0 || int(i) >= types {
		d.fail(classBounds, "Index %d out of bounds for length %d", i, types)
		return 0, false
	}
	return int(i), true
}

// decodeOp is what a decoder reads.
type decodeOp uint8

const (
	decodeNull decodeOp = iota
	decodeBoolean
	decodeInt
	decodeIntToInt8
	decodeIntToInt16
	decodeIntToLong
	decodeIntToFloat
	decodeIntToDouble
	decodeLong
	decodeLongToFloat
	decodeLongToDouble
	decodeFloat
	decodeFloatToDouble
	decodeDouble
	decodeString
	decodeBytes
	decodeRest // all bytes that are left
	decodeFixed
	decodeEnum
	decodeArray
	decodeMap
	decodeEntries
	decodeStruct
	decodeBranch   // the type of a union that the bytes name
	decodeForward  // what another decoder reads
	decodeMember   // a struct that stands for a union
	decodeSized    // the same, for bytes that may be one of several fields
	decodeRefused  // what can be read but not converted
	decodeFailed   // what cannot be read as the wanted schema
	decodeAnything // data without a schema
)

// decoder reads values of one Avro schema as those of one Connect schema. It is made
// once for both, and for the schema to read as in between.
type decoder struct {
	op      decodeOp
	logical bool
	schema  *schema.Schema
	err     error // of decodeRefused and decodeFailed
	writer  *Schema

	items    *decoder
	size     int
	symbols  []symbol
	branches []*decoder
	fields   []decodeField
	defaults []decodeDefault
	missing  error // a field that cannot be found
	members  []decodeMemberOf
}

type symbol struct {
	value schema.Value
	err   error
}

// decodeField reads a field of a record. One that is not wanted has no decoder.
type decodeField struct {
	name    string
	index   int // in the struct
	decoder *decoder
	writer  *Schema
}

// decodeDefault makes a field that was not written of its default in bytes.
type decodeDefault struct {
	index   int
	decoder *decoder
	bytes   []byte
}

// decodeMemberOf is a field of a struct that stands for a union.
type decodeMemberOf struct {
	index   int // -1 where the value goes under another field's name
	name    string
	size    int // of bytes, or -1
	schema  *schema.Schema
	decoder *decoder
}

func (n *decoder) read(d *source) schema.Value {
	var v schema.Value
	switch n.op {
	case decodeInt:
		v = schema.OfInt32(d.int())
	case decodeLong:
		v = schema.OfInt64(d.long())
	case decodeString:
		v = schema.OfString(schema.DecodeUTF8(d.take(d.length("strings"))))
	case decodeBranch:
		if i, ok := d.branch(len(n.branches)); ok {
			return n.branches[i].read(d)
		}
		return v
	case decodeForward:
		return n.branches[0].read(d)
	case decodeNull:
		if !n.schema.Optional() {
			d.refuse(errs.Data("Found null value for non-optional schema"))
		}
		return v
	case decodeDouble:
		if b := d.take(8); b != nil {
			v = schema.OfFloat64(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case decodeFloat, decodeFloatToDouble:
		if b := d.take(4); b != nil {
			v = schema.OfFloat32(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			if n.op == decodeFloatToDouble {
				v = schema.OfFloat64(float64(v.Float32()))
			}
		}
	case decodeBoolean:
		if b := d.take(1); b != nil {
			v = schema.OfBoolean(b[0] == 1)
		}
	case decodeBytes:
		v = schema.OfBytes(d.take(d.length("bytes")))
	case decodeRest:
		v = schema.OfBytes(d.take(len(d.b)))
	case decodeFixed:
		v = schema.OfBytes(d.take(n.size))
	case decodeEnum:
		v = n.readEnum(d)
	case decodeIntToInt8:
		v = schema.OfInt8(int8(d.int())) // #nosec G115 -- Java cuts it as well
	case decodeIntToInt16:
		v = schema.OfInt16(int16(d.int())) // #nosec G115 -- as above
	case decodeIntToLong:
		v = schema.OfInt64(int64(d.int()))
	case decodeIntToFloat:
		v = schema.OfFloat32(float32(d.int()))
	case decodeIntToDouble:
		v = schema.OfFloat64(float64(d.int()))
	case decodeLongToFloat:
		v = schema.OfFloat32(float32(d.long()))
	case decodeLongToDouble:
		v = schema.OfFloat64(float64(d.long()))
	default:
		v = n.readNested(d)
	}
	if n.logical && d.failed == nil {
		var err error
		if v, err = toLogical(n.schema, v); err != nil {
			d.refuse(err)
		}
	}
	return v
}

func (n *decoder) readEnum(d *source) (v schema.Value) {
	i := d.int()
	switch {
	case d.failed != nil:
	case i < 0 || int(i) >= len(n.symbols):
		d.fail(errs.ClassIndexOutOfBounds, "Index %d out of bounds for length %d", i, len(n.symbols))
	case n.symbols[i].err != nil:
		d.failWith(n.symbols[i].err)
	default:
		return n.symbols[i].value
	}
	return v
}

func (n *decoder) readNested(d *source) (v schema.Value) {
	if !d.enter() {
		d.depth--
		return v
	}
	switch n.op {
	case decodeArray:
		v = n.readArray(d)
	case decodeMap, decodeEntries:
		v = n.readMap(d)
	case decodeStruct:
		v = n.readStruct(d)
	case decodeMember:
		v = n.readMember(d)
	case decodeSized:
		v = n.readSized(d)
	case decodeRefused:
		d.skip(n.writer)
		d.refuse(n.err)
	case decodeFailed:
		d.failWith(n.err)
	case decodeAnything:
		v = d.readAnything()
	}
	d.depth--
	return v
}

func (n *decoder) readArray(d *source) schema.Value {
	var elements []schema.Value
	for count := d.items(); count > 0; count = d.items() {
		if elements == nil {
			elements = d.arena.Values(min(count, roomAhead))[:0]
		}
		for range count {
			before := len(d.b)
			open := d.open
			elements = append(elements, n.items.read(d))
			if d.open && !open {
				d.place = joined(element(len(elements)-1), d.place)
			}
			if d.failed != nil || before == len(d.b) && !d.weigh() {
				return schema.Value{}
			}
		}
	}
	return schema.OfArray(elements)
}

func (n *decoder) readMap(d *source) schema.Value {
	var entries []schema.Entry
	for count := d.items(); count > 0; count = d.items() {
		if entries == nil {
			entries = d.arena.Entries(min(count, roomAhead))[:0]
		}
		for range count {
			before := len(d.b)
			var e schema.Entry
			if n.op == decodeMap {
				e.Key = schema.OfString(schema.DecodeUTF8(d.take(d.length("strings"))))
				e.Value = n.items.read(d)
			} else {
				e = n.readEntry(d)
			}
			if d.failed != nil || before == len(d.b) && !d.weigh() {
				return schema.Value{}
			}
			entries = append(entries, e)
		}
	}
	return schema.OfMap(d.arena.Map(entries))
}

// readEntry reads the record of a key and a value.
func (n *decoder) readEntry(d *source) schema.Entry {
	var pair [2]schema.Value
	n.readFields(d, pair[:])
	return schema.Entry{Key: pair[0], Value: pair[1]}
}

func (n *decoder) readStruct(d *source) schema.Value {
	if !d.weigh() {
		return schema.Value{}
	}
	values := d.arena.Values(len(n.schema.Fields()))
	n.readFields(d, values)
	return schema.OfStruct(d.arena.Struct(n.schema, values))
}

func (n *decoder) readFields(d *source, values []schema.Value) {
	open := d.open
	for i := range n.fields {
		f := &n.fields[i]
		if f.decoder == nil {
			d.skip(f.writer)
		} else {
			values[f.index] = f.decoder.read(d)
		}
		if d.open && !open {
			open = true
			d.place = joined(f.name, d.place)
		}
	}
	for i := range n.defaults {
		f := &n.defaults[i]
		rest := d.b
		d.b = f.bytes
		values[f.index] = f.decoder.read(d)
		if d.failed == nil {
			d.b = rest
		}
	}
	if n.missing != nil {
		d.refuse(n.missing)
	}
}

func (n *decoder) readMember(d *source) schema.Value {
	m := &n.members[0]
	return n.member(d, m, m.decoder.read(d))
}

// member puts a value into the struct that stands for a union.
func (n *decoder) member(d *source, m *decodeMemberOf, v schema.Value) schema.Value {
	if d.failed != nil || d.refused != nil {
		return schema.Value{}
	}
	values := d.arena.Values(len(n.schema.Fields()))
	st := d.arena.Struct(n.schema, values)
	if m.index >= 0 {
		values[m.index] = v
	} else if err := putMember(st, m.name, v); err != nil {
		d.refuse(err)
	}
	return schema.OfStruct(st)
}

// putMember puts a value into a field that need not be the one it is for.
func putMember(st *schema.StructValue, name string, v schema.Value) error {
	f := st.Schema().Field(name)
	if f == nil || v.Kind() != schema.KindBytes || f.Schema().ValueKind() == schema.KindBytes {
		return st.Put(name, v)
	}
	of := ""
	if f.Schema().HasName() {
		of = fmt.Sprintf(" %q", f.Schema().Name())
	}
	return errs.Data("Invalid Java object for schema%s with type %s: class %s for field: \"%s\"", of, f.Schema().Type(), readClass(v), name)
}

func (n *decoder) readSized(d *source) schema.Value {
	v := n.items.read(d)
	if d.failed != nil {
		return v
	}
	for i := range n.members {
		m := &n.members[i]
		if m.size >= 0 && m.size != len(v.Bytes()) {
			continue
		}
		v, err := toLogical(m.schema, v)
		if err != nil {
			d.refuse(err)
		}
		return n.member(d, m, v)
	}
	d.refuse(errs.Data("Did not find matching union field for data"))
	return schema.Value{}
}

// readAnything reads the record of data without a schema. Of its fields the first that
// is set counts.
func (d *source) readAnything() (v schema.Value) {
	if !d.enter() {
		d.depth--
		return v
	}
	for place := range anyFields {
		i, ok := d.branch(2)
		if !ok {
			break
		}
		if i == 0 {
			continue
		}
		if of := d.readSet(place); v.IsNull() {
			v = of
		}
	}
	d.depth--
	return v
}

func (d *source) readSet(place int) (v schema.Value) {
	switch place {
	case anyBoolean:
		return (&decoder{op: decodeBoolean}).read(d)
	case anyBytes:
		return (&decoder{op: decodeBytes}).read(d)
	case anyDouble:
		return (&decoder{op: decodeDouble}).read(d)
	case anyFloat:
		return (&decoder{op: decodeFloat}).read(d)
	case anyInt:
		return schema.OfInt32(d.int())
	case anyLong:
		return schema.OfInt64(d.long())
	case anyString:
		return (&decoder{op: decodeString}).read(d)
	case anyArray:
		elements := []schema.Value{}
		for n := d.items(); n > 0; n = d.items() {
			for range n {
				if elements = append(elements, d.readAnything()); d.failed != nil {
					return v
				}
			}
		}
		return schema.OfArray(elements)
	}
	m := schema.NewMap(0)
	for n := d.items(); n > 0; n = d.items() {
		for range n {
			key := d.readAnything()
			if m.Put(key, d.readAnything()); d.failed != nil {
				return v
			}
		}
	}
	return schema.OfMap(m)
}
