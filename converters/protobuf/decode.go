package protobuf

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// decoder reads values. It is for one goroutine.
type decoder struct {
	arena  schema.Arena
	frames []*frame
	// rejected is the error of a value that Connect cannot hold. It counts only where the
	// bytes are a message.
	rejected error
}

// frame is the work on the message at one depth.
type frame struct {
	lists    [][]schema.Value
	entries  [][]schema.Entry
	pending  [][]byte
	there    []bool // which of pending
	checked  []bool // which of pending came more than once
	last     []*fieldReader
	required []bool
	// bad are the errors of values in lists and maps, which count in the order of fields.
	bad map[*fieldReader]error
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// release lets go of what was read.
func (f *frame) release() {
	clear(f.lists)
	clear(f.entries)
	clear(f.pending)
	f.bad = nil
}

func (d *decoder) frame(depth int, s *structReader) *frame {
	for len(d.frames) <= depth {
		d.frames = append(d.frames, &frame{})
	}
	f := d.frames[depth]
	f.lists = resize(f.lists, s.lists)
	f.entries = resize(f.entries, s.entries)
	f.pending = resize(f.pending, s.pendings)
	f.there = resize(f.there, s.pendings)
	f.checked = resize(f.checked, s.pendings)
	f.last = resize(f.last, s.oneofs)
	f.required = resize(f.required, s.required)
	return f
}

// value reads the bytes of a record.
func (d *decoder) decode(r *readable, b []byte) (schema.Value, error) {
	d.rejected = nil
	v, err := d.message(r.value, b, 0, true)
	if err != nil {
		return schema.Value{}, err
	}
	return v, nil
}

// message reads a value that is a message on the wire. given is false for one that is
// absent, and read as an empty one.
func (d *decoder) message(v *valueReader, b []byte, depth int, given bool) (schema.Value, error) {
	if depth > maxNesting && given {
		return schema.Value{}, errTooDeep
	}
	switch v.op {
	case readStruct:
		values, err := d.places(v.fields, b, depth, given)
		if err != nil {
			return schema.Value{}, err
		}
		return schema.OfStruct(d.arena.Struct(v.schema, values)), nil
	case readWrapped:
		return d.wrapped(v, b, depth)
	}
	return d.logical(v, b, depth)
}

// reject keeps the first error of a value, in the order of places.
func (d *decoder) reject(err error) {
	if d.rejected == nil {
		d.rejected = err
	}
}

// places reads a message into the places of a struct.
func (d *decoder) places(s *structReader, b []byte, depth int, given bool) ([]schema.Value, error) {
	if !given && s.bottomless {
		d.reject(errs.Null(classStackOverflow))
		return d.arena.Values(s.width), nil
	}
	values := d.arena.Values(s.width)
	copy(values, s.template)
	fr := d.frame(depth, s)
	defer fr.release()
	for at := 0; at < len(b); {
		number, wire, n, err := tag(b[at:])
		if err != nil {
			return nil, err
		}
		at += n
		f := s.find(number)
		if f == nil {
			n, err = skip(b[at:], number, wire, depth)
		} else {
			n, err = d.field(fr, values, f, b[at:], wire, depth)
		}
		if err != nil {
			return nil, err
		}
		at += n
	}
	if given && s.required > 0 {
		if err := s.complete(fr); err != nil {
			return nil, err
		}
	}
	return values, d.settle(s, fr, values, depth)
}

func (s *structReader) complete(fr *frame) error {
	for i := range s.fields {
		if f := &s.fields[i]; f.bit >= 0 && !fr.required[f.bit] {
			return malformed("Message missing required fields: " + f.name)
		}
	}
	return nil
}

// field reads one occurrence of a field.
func (d *decoder) field(fr *frame, values []schema.Value, f *fieldReader, b []byte, wire protowire.Type, depth int) (int, error) {
	v := f.value
	expected := wireType(v.kind)
	switch {
	case wire == expected:
	case wire == protowire.BytesType && f.field.repeated && expected != protowire.BytesType:
		return d.packed(fr, f, b)
	default:
		return skip(b, f.field.def.number, wire, depth)
	}
	if v.kind == messageKind {
		content, n, err := chunk(b)
		if err != nil {
			return 0, err
		}
		return n, d.submessage(fr, values, f, content, depth)
	}
	value, n, ok, err := v.scalar(b)
	if err != nil || !ok {
		return n, err
	}
	if f.field.repeated {
		fr.lists[f.slot] = append(fr.lists[f.slot], value)
		return n, nil
	}
	if f.bit >= 0 {
		fr.required[f.bit] = true
	}
	if f.oneof >= 0 {
		if err := fr.choose(values, f, depth); err != nil {
			return 0, err
		}
		if f.union != nil {
			value = d.unionOf(f, value)
		}
	}
	values[f.place] = value
	return n, nil
}

// choose makes a field the one of its oneof that is set.
func (fr *frame) choose(values []schema.Value, f *fieldReader, depth int) error {
	old := fr.last[f.oneof]
	fr.last[f.oneof] = f
	if old == nil || old == f {
		return nil
	}
	values[old.place] = schema.Value{}
	if old.value.kind != messageKind || old.field.repeated || !fr.there[old.slot] {
		return nil
	}
	err := check(old.field.message, fr.pending[old.slot], depth+1)
	fr.pending[old.slot], fr.there[old.slot] = nil, false
	return err
}

func (d *decoder) unionOf(f *fieldReader, v schema.Value) schema.Value {
	members := d.arena.Values(len(f.union.Fields()))
	members[f.member] = v
	return schema.OfStruct(d.arena.Struct(f.union, members))
}

func (d *decoder) submessage(fr *frame, values []schema.Value, f *fieldReader, content []byte, depth int) error {
	switch {
	case f.field.repeated:
		outer := d.rejected
		d.rejected = nil
		if err := d.element(fr, f, content, depth+1); err != nil {
			return err
		}
		if d.rejected != nil && fr.bad[f] == nil {
			if fr.bad == nil {
				fr.bad = map[*fieldReader]error{}
			}
			fr.bad[f] = d.rejected
		}
		d.rejected = outer
	default:
		if f.oneof >= 0 {
			if err := fr.choose(values, f, depth); err != nil {
				return err
			}
		}
		if f.bit >= 0 {
			fr.required[f.bit] = true
		}
		// What comes twice is one message in parts, each of which must be whole. It is
		// read when all parts are there.
		if fr.there[f.slot] {
			old := fr.pending[f.slot]
			if !fr.checked[f.slot] {
				fr.checked[f.slot] = true
				if err := check(f.field.message, old, depth+1); err != nil {
					return err
				}
			}
			if err := check(f.field.message, content, depth+1); err != nil {
				return err
			}
			content = append(old, content...)
		}
		fr.pending[f.slot], fr.there[f.slot] = content, true
	}
	return nil
}

// element reads an element of a list, or an entry of a map.
func (d *decoder) element(fr *frame, f *fieldReader, content []byte, depth int) error {
	if f.value.op != readMap {
		v, err := d.message(f.value, content, depth, true)
		if err != nil {
			return err
		}
		fr.lists[f.slot] = append(fr.lists[f.slot], v)
		return nil
	}
	if depth > maxNesting {
		return errTooDeep
	}
	parts, err := d.places(f.value.fields, content, depth, true)
	if err != nil {
		return err
	}
	fr.entries[f.slot] = append(fr.entries[f.slot], schema.Entry{Key: parts[0], Value: parts[1]})
	return nil
}

// settle reads the single messages, and puts lists and maps into their places.
func (d *decoder) settle(s *structReader, fr *frame, values []schema.Value, depth int) error {
	for i := range s.fields {
		f := &s.fields[i]
		switch {
		case f.value.op == readMap && f.field.repeated:
			values[f.place] = schema.OfMap(d.arena.Map(fr.entries[f.slot]))
		case f.field.repeated:
			if fr.lists[f.slot] != nil {
				values[f.place] = schema.OfArray(fr.lists[f.slot])
			}
		case f.value.kind == messageKind && (fr.there[f.slot] || f.generate):
			// The entries of maps have all their fields in Java.
			given := fr.there[f.slot] || s.message.def.mapEntry
			v, err := d.message(f.value, fr.pending[f.slot], depth+1, given)
			if err != nil {
				return err
			}
			if f.union != nil {
				v = d.unionOf(f, v)
			}
			values[f.place] = v
		}
		if d.rejected == nil {
			d.validate(s, fr, f, values[f.place])
		}
	}
	return nil
}

// validate makes the checks that Java makes when it puts a value into a struct.
func (d *decoder) validate(s *structReader, fr *frame, f *fieldReader, v schema.Value) {
	if err := fr.bad[f]; err != nil {
		d.reject(err)
		return
	}
	name, sch := f.name, f.schema
	switch {
	case s.entry:
		return
	case f.union != nil:
		if fr.last[f.oneof] != f {
			return
		}
		name, sch = s.unionName(f.place), f.union
		if f.value.lacking() {
			if err := schema.ValidateField(f.name, f.schema, v.Struct().RawAt(f.member)); err != nil {
				d.reject(err)
				return
			}
		}
	case !f.value.lacking():
		return
	}
	if err := schema.ValidateField(name, sch, v); err != nil {
		d.reject(err)
	}
}

// packed reads the elements of a repeated field in one.
func (d *decoder) packed(fr *frame, f *fieldReader, b []byte) (int, error) {
	content, n, err := chunk(b)
	if err != nil {
		return 0, err
	}
	count := 0
	switch wireType(f.value.kind) {
	case protowire.Fixed32Type:
		count = len(content) / 4
	case protowire.Fixed64Type:
		count = len(content) / 8
	default:
		for _, c := range content {
			if c < 0x80 {
				count++
			}
		}
	}
	list := fr.lists[f.slot]
	if list == nil {
		list = make([]schema.Value, 0, count)
	}
	for at := 0; at < len(content); {
		v, n, ok, err := f.value.scalar(content[at:])
		if err != nil {
			return 0, err
		}
		if ok {
			list = append(list, v)
		}
		at += n
	}
	fr.lists[f.slot] = list
	return n, nil
}

// scalar reads one value that is no message. It says false for a number that the enum
// does not know, where that counts as an unknown field.
func (v *valueReader) scalar(b []byte) (value schema.Value, n int, ok bool, err error) {
	switch v.kind {
	case stringKind, bytesKind:
		content, n, err := chunk(b)
		if err != nil {
			return schema.Value{}, 0, false, err
		}
		if v.kind == bytesKind {
			return schema.OfBytes(content), n, true, nil
		}
		if v.utf8 && !utf8.Valid(content) {
			return schema.Value{}, 0, false, errUTF8
		}
		return schema.OfString(schema.DecodeUTF8(content)), n, true, nil
	case doubleKind, fixed64Kind, sfixed64Kind:
		if _, err := fixed(b, 8); err != nil {
			return schema.Value{}, 0, false, err
		}
		return v.number(binary.LittleEndian.Uint64(b)), 8, true, nil
	case floatKind, fixed32Kind, sfixed32Kind:
		if _, err := fixed(b, 4); err != nil {
			return schema.Value{}, 0, false, err
		}
		return v.number(uint64(binary.LittleEndian.Uint32(b))), 4, true, nil
	}
	u, n, err := varint(b)
	if err != nil {
		return schema.Value{}, 0, false, err
	}
	if v.kind == enumKind {
		value, ok := v.symbol(int32(uint32(u))) // #nosec G115 -- as Java narrows
		return value, n, ok, nil
	}
	if v.kind == sint32Kind {
		u = uint64(protowire.DecodeZigZag(uint64(uint32(u)))) // #nosec G115 -- as Java narrows
	} else if v.kind == sint64Kind {
		u = uint64(protowire.DecodeZigZag(u)) // #nosec G115 -- the bits
	}
	return v.number(u), n, true, nil
}

// number makes the value of a number's bits.
func (v *valueReader) number(u uint64) schema.Value {
	switch v.to {
	case schema.KindInt8:
		return schema.OfInt8(int8(u)) // #nosec G115 -- as Java narrows
	case schema.KindInt16:
		return schema.OfInt16(int16(u)) // #nosec G115 -- as Java narrows
	case schema.KindInt32:
		return schema.OfInt32(int32(u)) // #nosec G115 -- as Java narrows
	case schema.KindFloat32:
		return schema.OfFloat32(math.Float32frombits(uint32(u))) // #nosec G115 -- the bits
	case schema.KindFloat64:
		return schema.OfFloat64(math.Float64frombits(u))
	case schema.KindBoolean:
		return schema.OfBoolean(u != 0)
	}
	if v.kind == uint32Kind || v.kind == fixed32Kind {
		u = uint64(uint32(u)) // #nosec G115 -- the bits
	}
	return schema.OfInt64(int64(u)) // #nosec G115 -- the bits
}

// symbol makes the value of an enum's number.
func (v *valueReader) symbol(number int32) (schema.Value, bool) {
	name, known := v.enum.at(number)
	switch {
	case !known && v.closed:
		return schema.Value{}, false
	case v.to == schema.KindInt32:
		return schema.OfInt32(number), true
	case !known:
		name = "UNKNOWN_ENUM_VALUE_" + v.enum.def.name + "_" + strconv.Itoa(int(number))
	}
	return schema.OfString(name), true
}

// defaultOf is the value of a field that is absent.
func (v *valueReader) defaultOf(f *field) schema.Value {
	switch f.kind {
	case stringKind:
		return schema.OfString(f.text)
	case bytesKind:
		return schema.OfBytes([]byte(f.text))
	case enumKind:
		if v.to == schema.KindString {
			return schema.OfString(f.text)
		}
	}
	return v.number(f.number)
}

// parts reads a message of scalars: set is called for each field of the definition.
func parts(m *message, b []byte, depth int, set func(f *field, wire protowire.Type, b []byte) (n int, err error)) error {
	for at := 0; at < len(b); {
		number, wire, n, err := tag(b[at:])
		if err != nil {
			return err
		}
		at += n
		var f *field
		for _, candidate := range m.fields {
			if candidate.def.number == number && wireType(candidate.kind) == wire && !candidate.repeated {
				f = candidate
			}
		}
		if f == nil {
			n, err = skip(b[at:], number, wire, depth)
		} else {
			n, err = set(f, wire, b[at:])
		}
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// wrapped reads what is in a wrapper message.
func (d *decoder) wrapped(v *valueReader, b []byte, depth int) (schema.Value, error) {
	inner := *v.inner
	var value schema.Value
	if f := v.message.byName[valueName]; f != nil {
		inner.kind, inner.utf8 = f.kind, f.utf8
		value = inner.defaultOf(f)
	}
	err := parts(v.message, b, depth, func(f *field, wire protowire.Type, b []byte) (int, error) {
		if f.def.name != valueName || f.kind == messageKind || f.kind == enumKind {
			return skip(b, f.def.number, wire, depth)
		}
		got, n, _, err := inner.scalar(b)
		value = got
		return n, err
	})
	return value, err
}

// logical reads a date, a time, a timestamp or a decimal.
func (d *decoder) logical(v *valueReader, b []byte, depth int) (schema.Value, error) {
	var numbers struct{ year, month, day, hours, minutes, seconds, nanos, precision, scale int64 }
	var content []byte
	err := parts(v.message, b, depth, func(f *field, wire protowire.Type, b []byte) (int, error) {
		var to *int64
		switch f.def.name {
		case "year":
			to = &numbers.year
		case "month":
			to = &numbers.month
		case "day":
			to = &numbers.day
		case "hours":
			to = &numbers.hours
		case "minutes":
			to = &numbers.minutes
		case "seconds":
			to = &numbers.seconds
		case "nanos":
			to = &numbers.nanos
		case precisionKey:
			to = &numbers.precision
		case scaleKey:
			to = &numbers.scale
		case valueName:
			if f.kind == bytesKind {
				var n int
				var err error
				content, n, err = chunk(b)
				return n, err
			}
		}
		if to == nil || wire != protowire.VarintType {
			return skip(b, f.def.number, wire, depth)
		}
		u, n, err := varint(b)
		*to = int64(u) // #nosec G115 -- the bits
		return n, err
	})
	if err != nil {
		return schema.Value{}, err
	}
	narrow := func(n int64) int32 { return int32(n) } // #nosec G115 -- as Java narrows
	var millis int64
	switch v.op {
	case readDate:
		millis, err = dateOf(narrow(numbers.year), narrow(numbers.month), narrow(numbers.day))
	case readTime:
		millis, err = timeOf(narrow(numbers.hours), narrow(numbers.minutes), narrow(numbers.seconds), narrow(numbers.nanos))
	case readTimestamp:
		millis, err = timestampOf(numbers.seconds, narrow(numbers.nanos))
	default:
		dec, err := decimalOf(content, narrow(numbers.precision), narrow(numbers.scale))
		if err != nil {
			d.reject(err)
		}
		return schema.OfDecimal(dec), nil
	}
	if err != nil {
		d.reject(err)
		return schema.Value{}, nil
	}
	return schema.OfDate(millis), nil
}

// decimalOf is a confluent.type.Decimal, rounded to its precision where it has one.
func decimalOf(b []byte, precision, scale int32) (*schema.DecimalValue, error) {
	switch {
	case precision < 0:
		return nil, errs.IllegalArgument("Digits < 0")
	case len(b) == 0:
		return nil, errs.New(errs.ClassNumberFormat, "Zero length BigInteger")
	}
	d := schema.DecimalFromBytes(b, scale)
	// A bit is less than a third of a digit.
	for precision > 0 && d.Unscaled().BitLen()/3 >= int(precision) {
		digits := len(new(big.Int).Abs(d.Unscaled()).String())
		drop := digits - int(precision)
		if drop <= 0 {
			break
		}
		divisor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(drop)), nil)
		half := new(big.Int).Rsh(divisor, 1)
		abs := new(big.Int).Abs(d.Unscaled())
		abs.Add(abs, half).Div(abs, divisor)
		if d.Sign() < 0 {
			abs.Neg(abs)
		}
		d = schema.NewDecimal(abs, d.Scale()-int32(drop)) // #nosec G115 -- the length of a text in memory
	}
	return d, nil
}
