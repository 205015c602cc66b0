package protobuf

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// begin makes room for the length of what follows; end sets it.
func begin(b []byte) ([]byte, int) { return append(b, 0), len(b) }

func end(b []byte, at int) []byte {
	n := len(b) - at - 1
	if n < 0x80 {
		b[at] = byte(n)
		return b
	}
	var room [10]byte
	length := protowire.AppendVarint(room[:0], uint64(n)) // #nosec G115 -- a length
	return slices.Replace(b, at, at+1, length...)
}

func (s *structEncoder) get(v *schema.StructValue, i int) schema.Value {
	if s.rawDefault {
		return v.RawAt(i)
	}
	return v.At(i)
}

// appendStruct appends the content of the message.
func (s *structEncoder) appendStruct(b []byte, v *schema.StructValue) ([]byte, error) {
	if v.Schema() != s.schema && !v.Schema().Equal(s.schema) {
		return b, errs.Data("Mismatching struct schema")
	}
	from := len(b)
	for i := range s.entries {
		var err error
		if b, err = s.appendEntry(b, &s.entries[i], v); err != nil {
			if s.ordered && len(s.unions) == 0 {
				return b, err
			}
			return b, s.first(b[:from], v)
		}
	}
	if len(s.unions) > 0 {
		if err := s.checkUnions(v); err != nil {
			return b, s.first(b[:from], v)
		}
	}
	return b, nil
}

// first finds the error of the first field that has one, in the order of the schema.
func (s *structEncoder) first(b []byte, v *schema.StructValue) error {
	for i := range s.schema.Fields() {
		if slices.Contains(s.unions, i) {
			if err := s.checkUnion(v, i); err != nil {
				return err
			}
		}
		for j := range s.entries {
			if s.entries[j].index != i {
				continue
			}
			if _, err := s.appendEntry(b, &s.entries[j], v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *structEncoder) checkUnions(v *schema.StructValue) error {
	for _, i := range s.unions {
		if err := s.checkUnion(v, i); err != nil {
			return err
		}
	}
	return nil
}

func (s *structEncoder) checkUnion(v *schema.StructValue, i int) error {
	u := s.get(v, i)
	if u.IsNull() {
		return nil
	}
	fs := s.schema.Fields()[i].Schema()
	if u.Struct().Schema() != fs && !u.Struct().Schema().Equal(fs) {
		return errs.Data("Mismatching struct schema")
	}
	if s.member(u.Struct()) < 0 {
		return errs.Data("Cannot find non-null field")
	}
	return nil
}

// member is the first field of a union that is set, or -1.
func (s *structEncoder) member(u *schema.StructValue) int {
	for i := range u.Schema().Fields() {
		if !s.get(u, i).IsNull() {
			return i
		}
	}
	return -1
}

func (s *structEncoder) appendEntry(b []byte, e *entry, v *schema.StructValue) ([]byte, error) {
	value := s.get(v, e.index)
	if value.IsNull() {
		return b, nil
	}
	if e.member >= 0 {
		u := value.Struct()
		if s.member(u) != e.member {
			return b, nil
		}
		value = s.get(u, e.member)
		if e.enc.kind == noKind && e.enc.bad != nil {
			// Java misses the field even where the value comes to nothing.
			if _, _, err := e.enc.append(b, value); err != nil {
				return b, err
			}
			return b, e.enc.bad
		}
	}
	b, _, err := e.enc.append(b, value)
	return b, err
}

// append appends the field with a value that is not null. It says false where there is
// nothing to write in Java's eyes.
func (e *encoder) append(b []byte, v schema.Value) ([]byte, bool, error) {
	switch e.op {
	case failOp:
		return b, false, e.bad
	case listOp:
		return e.appendList(b, v)
	case mapOp:
		return e.appendMap(b, v)
	case intEnumOp, stringEnumOp:
		number, found, text, err := e.symbol(v)
		switch {
		case err != nil || !found && !text:
			return b, false, err
		case text && e.badAlt != nil:
			return b, true, e.badAlt
		case text:
			return e.appendScalar(b, v)
		case e.bad != nil:
			return b, true, e.bad
		case number == e.first && !e.keep:
			return b, true, nil
		}
		return protowire.AppendVarint(protowire.AppendVarint(b, e.tag), uint64(int64(number))), true, nil // #nosec G115 -- the bits
	case decimalOp, dateOp, timeOp, timestampOp, structOp:
		start := len(b)
		b, at := begin(protowire.AppendVarint(b, e.tag))
		b, err := e.appendContent(b, v)
		if err == nil {
			err = e.bad
		}
		if err != nil {
			return b[:start], true, err
		}
		return end(b, at), true, nil
	case unionOp:
		if err := e.check(v); err != nil {
			return b, true, err
		}
		return b, true, e.bad
	}
	return e.appendScalar(b, v)
}

// appendContent appends what is in the message that a value becomes.
func (e *encoder) appendContent(b []byte, v schema.Value) ([]byte, error) {
	switch e.op {
	case decimalOp:
		if v.Kind() != schema.KindDecimal {
			return b, unlike(v, "Decimal", "BigDecimal")
		}
		return appendDecimal(b, v.Decimal()), nil
	case dateOp:
		if v.Kind() != schema.KindDate {
			return b, unlike(v, "Date", "Date")
		}
		return appendDate(b, v.Date())
	case timeOp:
		if v.Kind() != schema.KindDate {
			return b, unlike(v, "Time", "Date")
		}
		return appendTime(b, v.Date())
	case timestampOp:
		if v.Kind() != schema.KindDate {
			return b, unlike(v, "Timestamp", "Date")
		}
		return appendTimestamp(b, v.Date())
	case structOp:
		if v.Kind() != schema.KindStruct {
			return b, e.miscast(v)
		}
		return e.fields.appendStruct(b, v.Struct())
	}
	return b, e.bad
}

func unlike(v schema.Value, name, want string) error {
	return errs.Data("Invalid type for " + name + ", expected " + want + " but was class " + v.Kind().JavaClass())
}

// miscast is the error of a value of another type than the schema's.
func (e *encoder) miscast(v schema.Value) error {
	return errs.Data("Invalid type for " + e.schema.Type().String() + ": class " + v.Kind().JavaClass())
}

// symbol finds the number of an enum's value. Neither found nor text means that Java
// writes nothing; text that it writes the string as it is.
func (e *encoder) symbol(v schema.Value) (number int32, found, text bool, err error) {
	if e.op == intEnumOp {
		n, ok := whole(v)
		if !ok {
			return 0, false, false, e.miscast(v)
		}
		number = int32(n) // #nosec G115 -- as Java narrows
	} else {
		if v.Kind() != schema.KindString {
			return 0, false, false, e.miscast(v)
		}
		tag, ok := e.schema.Param(e.prefix + v.Str())
		if !ok {
			return 0, false, true, nil
		}
		if number, err = parseInt(tag); err != nil {
			return 0, false, false, err
		}
	}
	if e.enum == nil {
		return 0, false, false, nil
	}
	_, found = e.enum.at(number)
	return number, found, false, nil
}

// whole is Number.longValue.
func whole(v schema.Value) (int64, bool) {
	if n, ok := v.Integer(); ok {
		return n, true
	}
	switch v.Kind() {
	case schema.KindFloat32:
		return schema.SaturateInt64(float64(v.Float32())), true
	case schema.KindFloat64:
		return schema.SaturateInt64(v.Float64()), true
	case schema.KindDecimal:
		return v.Decimal().Int64(), true
	}
	return 0, false
}

// floating is Number.doubleValue.
func floating(v schema.Value) (float64, bool) {
	switch v.Kind() {
	case schema.KindFloat32:
		return float64(v.Float32()), true
	case schema.KindFloat64:
		return v.Float64(), true
	case schema.KindDecimal:
		return v.Decimal().Float64(), true
	}
	n, ok := v.Integer()
	return float64(n), ok
}

// bits returns the number that stands for a scalar in the operation's type.
func (e *encoder) bits(v schema.Value) (n uint64, ok bool) {
	switch e.op {
	case intOp:
		if k := v.Kind(); k == schema.KindFloat32 || k == schema.KindFloat64 {
			f, _ := floating(v)
			return uint64(int64(max(math.MinInt32, min(math.MaxInt32, schema.SaturateInt64(f))))), true // #nosec G115 -- the bits
		}
		i, ok := whole(v)
		return uint64(int64(int32(i))), ok // #nosec G115 -- as Java narrows
	case intOfLongOp:
		i, ok := whole(v)
		return uint64(int64(int32(i))), ok // #nosec G115 -- as Java narrows
	case longOp:
		i, ok := whole(v)
		return uint64(i), ok // #nosec G115 -- the bits
	case floatOp:
		if v.Kind() == schema.KindFloat32 {
			return uint64(math.Float32bits(v.Float32())), true
		}
		f, ok := floating(v)
		return uint64(math.Float32bits(float32(f))), ok
	case doubleOp:
		f, ok := floating(v)
		return math.Float64bits(f), ok
	case boolOp:
		if v.Kind() != schema.KindBoolean {
			return 0, false
		}
		if v.Boolean() {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func (e *encoder) appendScalar(b []byte, v schema.Value) ([]byte, bool, error) {
	if e.op == stringOp || e.op == bytesOp || e.op == stringEnumOp {
		return e.appendText(b, v)
	}
	n, ok := e.bits(v)
	if !ok {
		return b, false, e.miscast(v)
	}
	if e.bad != nil {
		return b, true, e.bad
	}
	switch {
	case e.wrap:
		b, at := begin(protowire.AppendVarint(b, e.tag))
		return end(e.appendWrapped(b, n), at), true, nil
	case n == 0 && !e.keep:
		return b, true, nil
	}
	return appendNumber(protowire.AppendVarint(b, e.tag), e.kind, n), true, nil
}

// appendWrapped appends the content of a wrapper message.
func (e *encoder) appendWrapped(b []byte, n uint64) []byte {
	if n == 0 {
		return b
	}
	k := int64Kind
	switch e.op {
	case floatOp:
		k = floatKind
	case doubleOp:
		k = doubleKind
	}
	return appendNumber(protowire.AppendTag(b, 1, wireType(k)), k, n)
}

// appendNumber appends a number without its tag. n has the bits of the value, signed
// ones in 64.
func appendNumber(b []byte, k kind, n uint64) []byte {
	switch k {
	case uint32Kind:
		return protowire.AppendVarint(b, uint64(uint32(n))) // #nosec G115 -- the bits
	case sint32Kind, sint64Kind:
		return protowire.AppendVarint(b, protowire.EncodeZigZag(int64(n))) // #nosec G115 -- the bits
	case fixed32Kind, sfixed32Kind, floatKind:
		return protowire.AppendFixed32(b, uint32(n)) // #nosec G115 -- the bits
	case fixed64Kind, sfixed64Kind, doubleKind:
		return protowire.AppendFixed64(b, n)
	}
	return protowire.AppendVarint(b, n)
}

func (e *encoder) appendText(b []byte, v schema.Value) ([]byte, bool, error) {
	var text string
	var raw []byte
	length := 0
	switch {
	case e.op == bytesOp && v.Kind() == schema.KindBytes:
		raw = v.Bytes()
		length = len(raw)
	case e.op != bytesOp && v.Kind() == schema.KindString:
		text = schema.EncodeUTF8(v.Str())
		length = len(text)
	default:
		return b, false, e.miscast(v)
	}
	bad := e.bad
	if e.op == stringEnumOp {
		bad = e.badAlt
	}
	if bad != nil {
		return b, true, bad
	}
	if length == 0 && !e.keep && !e.wrap {
		return b, true, nil
	}
	b = protowire.AppendVarint(b, e.tag)
	at := -1
	if e.wrap {
		b, at = begin(b)
		if length == 0 {
			return end(b, at), true, nil
		}
		b = append(b, 1<<3|byte(protowire.BytesType))
	}
	b = protowire.AppendVarint(b, uint64(length)) // #nosec G115 -- a length
	b = append(append(b, raw...), text...)
	if e.wrap {
		b = end(b, at)
	}
	return b, true, nil
}

func (e *encoder) appendList(b []byte, v schema.Value) ([]byte, bool, error) {
	if v.Kind() != schema.KindArray {
		return b, false, e.miscast(v)
	}
	elements := v.Array()
	if len(elements) == 0 {
		return b, false, nil
	}
	start, at := len(b), -1
	if e.packed && e.bad == nil {
		b, at = begin(protowire.AppendVarint(b, e.tag))
	}
	var bad error // of the first element that does not fit
	for _, el := range elements {
		if el.IsNull() {
			bad = cmp.Or(bad, e.null())
			continue
		}
		var set bool
		var err error
		switch {
		case e.packed && e.bad == nil:
			b, set, err = e.elem.appendPacked(b, el)
		default:
			b, set, err = e.elem.append(b, el)
		}
		switch {
		case errors.Is(err, errSymbol):
			bad = cmp.Or(bad, err)
		case err != nil:
			return b[:start], true, err
		case !set:
			bad = cmp.Or(bad, e.null())
		case e.elem.op == stringEnumOp:
			fits := e.bad
			if _, _, text, _ := e.elem.symbol(el); text { // its error came above
				fits = e.badAlt
			}
			bad = cmp.Or(bad, fits)
		}
	}
	if bad == nil && e.elem.op != stringEnumOp {
		bad = e.bad
	}
	if bad != nil {
		return b[:start], true, bad
	}
	if at >= 0 {
		b = end(b, at)
	}
	return b, true, nil
}

// errSymbol is the error of a string in a list of enums that is no symbol.
var errSymbol error = errs.IllegalArgument("DynamicMessage should use EnumValueDescriptor to set Enum Value.")

// null is the error of a null in a repeated field, or nil elsewhere.
func (e *encoder) null() error {
	if e.listed {
		return errs.Null(errs.ClassNullPointer).WithHint("a list holds a null, or a number that its enum does not have; Protobuf has no place for either")
	}
	return nil
}

// appendPacked appends an element without a tag.
func (e *encoder) appendPacked(b []byte, v schema.Value) ([]byte, bool, error) {
	if e.op == intEnumOp || e.op == stringEnumOp {
		number, found, text, err := e.symbol(v)
		if text {
			return b, true, errSymbol
		}
		if err != nil || !found {
			return b, false, err
		}
		return protowire.AppendVarint(b, uint64(int64(number))), true, nil // #nosec G115 -- the bits
	}
	n, ok := e.bits(v)
	if !ok {
		return b, false, e.miscast(v)
	}
	return appendNumber(b, e.kind, n), true, nil
}

func (e *encoder) appendMap(b []byte, v schema.Value) ([]byte, bool, error) {
	if v.Kind() != schema.KindMap {
		return b, false, e.miscast(v)
	}
	start := len(b)
	for _, m := range v.Map().Entries() {
		if e.key == nil {
			return b, false, errs.Null(errs.ClassNullPointer)
		}
		var at int
		b, at = begin(protowire.AppendVarint(b, e.tag))
		for i, part := range [2]schema.Value{m.Key, m.Value} {
			if part.IsNull() {
				continue
			}
			enc := e.key
			if i == 1 {
				enc = e.value
			}
			var err error
			if b, _, err = enc.append(b, part); err != nil {
				return b[:start], true, err
			}
		}
		b = end(b, at)
	}
	if e.bad != nil {
		return b[:start], true, e.bad
	}
	return b, true, nil
}
