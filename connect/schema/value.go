package schema

import (
	"math"
	"unsafe"
)

// Kind says what a Value holds. It stands for the Java class of the object that
// Connect would hold in its place.
type Kind uint8

// The kinds of values.
const (
	KindNull    Kind = iota // null
	KindInt8                // java.lang.Byte
	KindInt16               // java.lang.Short
	KindInt32               // java.lang.Integer
	KindInt64               // java.lang.Long
	KindFloat32             // java.lang.Float
	KindFloat64             // java.lang.Double
	KindBoolean             // java.lang.Boolean
	KindString              // java.lang.String
	KindBytes               // byte[] or ByteBuffer
	KindArray               // java.util.List
	KindMap                 // java.util.Map
	KindStruct              // org.apache.kafka.connect.data.Struct
	KindDecimal             // java.math.BigDecimal
	KindDate                // java.util.Date: milliseconds since the epoch
)

// Value is one datum: a tagged union of 16 bytes in the manner of slog.Value.
// Scalars, strings and bytes are held without allocating. The zero Value is null.
// What a Value points to must not be changed once the Value is shared. Values are
// compared with Equal, not with ==.
type Value struct {
	// ptr points into kinds for what num holds in full, else to the data.
	ptr unsafe.Pointer
	// num is the bits of a scalar; else the kind in the highest byte, a flag, and the
	// length of strings, bytes and arrays.
	num uint64
}

// kinds has one byte for each kind, for scalars to point at. It is never read or written.
var kinds [KindDate + 1]byte

const (
	kindShift = 56
	plainFlag = 1 << 55
	lengthMax = plainFlag - 1
)

func scalar(k Kind, num uint64) Value {
	return Value{ptr: unsafe.Pointer(&kinds[k]), num: num}
}

func sized(k Kind, ptr unsafe.Pointer, n int) Value {
	return Value{ptr: ptr, num: uint64(k)<<kindShift | uint64(n)}
}

// Null is the null value.
func Null() Value { return Value{} }

// OfInt8 returns an int8 value; the others likewise.
func OfInt8(v int8) Value { return scalar(KindInt8, uint64(int64(v))) }

// OfInt16 returns an int16 value.
func OfInt16(v int16) Value { return scalar(KindInt16, uint64(int64(v))) }

// OfInt32 returns an int32 value.
func OfInt32(v int32) Value { return scalar(KindInt32, uint64(int64(v))) }

// OfInt64 returns an int64 value.
func OfInt64(v int64) Value { return scalar(KindInt64, uint64(v)) }

// OfFloat32 returns a float32 value.
func OfFloat32(v float32) Value { return scalar(KindFloat32, uint64(math.Float32bits(v))) }

// OfFloat64 returns a float64 value.
func OfFloat64(v float64) Value { return scalar(KindFloat64, math.Float64bits(v)) }

// OfBoolean returns a boolean value.
func OfBoolean(v bool) Value {
	if v {
		return scalar(KindBoolean, 1)
	}
	return scalar(KindBoolean, 0)
}

// OfString returns a string value. The string is not copied.
func OfString(v string) Value {
	return sized(KindString, unsafe.Pointer(unsafe.StringData(v)), len(v))
}

// OfPlainString returns a string value that is known to be valid UTF-8 without
// quotes, backslashes, control characters and characters beyond the basic plane, so
// that JSON can be written without looking for them. The string is not copied.
func OfPlainString(v string) Value {
	return sized(KindString, unsafe.Pointer(unsafe.StringData(v)), len(v)|plainFlag)
}

// IsPlain says whether v was made by OfPlainString.
func (v Value) IsPlain() bool { return v.num&plainFlag != 0 && v.Kind() == KindString }

// OfBytes returns a bytes value; nil gives empty bytes, not null. The bytes are not copied.
func OfBytes(v []byte) Value {
	return sized(KindBytes, unsafe.Pointer(unsafe.SliceData(v)), len(v))
}

// OfArray returns an array value. The slice is not copied; nil gives an empty array.
func OfArray(v []Value) Value {
	return sized(KindArray, unsafe.Pointer(unsafe.SliceData(v)), len(v))
}

// OfMap returns a map value, or null for nil.
func OfMap(v *MapValue) Value {
	if v == nil {
		return Value{}
	}
	return sized(KindMap, unsafe.Pointer(v), 0)
}

// OfStruct returns a struct value, or null for nil.
func OfStruct(v *StructValue) Value {
	if v == nil {
		return Value{}
	}
	return sized(KindStruct, unsafe.Pointer(v), 0)
}

// OfDecimal returns a decimal value (Java's BigDecimal).
func OfDecimal(v *DecimalValue) Value {
	if v == nil {
		return Value{}
	}
	return sized(KindDecimal, unsafe.Pointer(v), 0)
}

// OfDate returns a java.util.Date value: milliseconds since the epoch. The logical
// types Date, Time and Timestamp all hold it.
func OfDate(millis int64) Value { return scalar(KindDate, uint64(millis)) }

// Kind returns what v holds.
func (v Value) Kind() Kind {
	if i := uintptr(v.ptr) - uintptr(unsafe.Pointer(&kinds)); i <= uintptr(KindDate) {
		return Kind(i)
	}
	return Kind(v.num >> kindShift)
}

func (v Value) length() int { return int(v.num & lengthMax) }

// IsNull says whether v is null.
func (v Value) IsNull() bool { return v.ptr == nil && v.num == 0 }

// must is kept small, so that accessors cost next to nothing.
func (v Value) must(k Kind) {
	if v.Kind() != k {
		panic(wrongKind(k))
	}
}

// wrongKind is what accessors panic with: the kind that was expected.
type wrongKind Kind

func (k wrongKind) Error() string { return "schema: the value is not of kind " + Kind(k).String() }

// Int8 returns the value; like all accessors it panics when the kind is another.
func (v Value) Int8() int8 { v.must(KindInt8); return int8(v.num) }

// Int16 returns the value.
func (v Value) Int16() int16 { v.must(KindInt16); return int16(v.num) }

// Int32 returns the value.
func (v Value) Int32() int32 { v.must(KindInt32); return int32(v.num) }

// Int64 returns the value.
func (v Value) Int64() int64 { v.must(KindInt64); return int64(v.num) }

// Float32 returns the value.
func (v Value) Float32() float32 { v.must(KindFloat32); return math.Float32frombits(uint32(v.num)) }

// Float64 returns the value.
func (v Value) Float64() float64 { v.must(KindFloat64); return math.Float64frombits(v.num) }

// Boolean returns the value.
func (v Value) Boolean() bool { v.must(KindBoolean); return v.num != 0 }

// Str returns the string.
func (v Value) Str() string { v.must(KindString); return unsafe.String((*byte)(v.ptr), v.length()) }

// Bytes returns the bytes. They must not be changed.
func (v Value) Bytes() []byte {
	v.must(KindBytes)
	if v.length() == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(v.ptr), v.length())
}

// Array returns the elements. They must not be changed.
func (v Value) Array() []Value {
	v.must(KindArray)
	if v.length() == 0 {
		return []Value{}
	}
	return unsafe.Slice((*Value)(v.ptr), v.length())
}

// Map returns the map.
func (v Value) Map() *MapValue { v.must(KindMap); return (*MapValue)(v.ptr) }

// Struct returns the struct.
func (v Value) Struct() *StructValue { v.must(KindStruct); return (*StructValue)(v.ptr) }

// Decimal returns the decimal.
func (v Value) Decimal() *DecimalValue { v.must(KindDecimal); return (*DecimalValue)(v.ptr) }

// Date returns the milliseconds since the epoch of a java.util.Date value.
func (v Value) Date() int64 { v.must(KindDate); return int64(v.num) }

// IsInteger says whether v is an int8, int16, int32 or int64.
func (v Value) IsInteger() bool { return v.Kind() >= KindInt8 && v.Kind() <= KindInt64 }

// Integer returns the value of any integer kind, and false for other kinds.
func (v Value) Integer() (int64, bool) { return int64(v.num), v.IsInteger() }

var kindNames = [...]string{
	KindNull: "null", KindInt8: "int8", KindInt16: "int16", KindInt32: "int32", KindInt64: "int64",
	KindFloat32: "float32", KindFloat64: "float64", KindBoolean: "boolean", KindString: "string", KindBytes: "bytes",
	KindArray: "array", KindMap: "map", KindStruct: "struct", KindDecimal: "decimal", KindDate: "date",
}

// String returns the lower-case name of the kind.
func (k Kind) String() string { return kindNames[k] }

var javaClasses = [...]string{
	KindNull: "null", KindInt8: "java.lang.Byte", KindInt16: "java.lang.Short", KindInt32: "java.lang.Integer",
	KindInt64: "java.lang.Long", KindFloat32: "java.lang.Float", KindFloat64: "java.lang.Double",
	KindBoolean: "java.lang.Boolean", KindString: "java.lang.String", KindBytes: "[B",
	KindArray: "java.util.ArrayList", KindMap: "java.util.HashMap",
	KindStruct: "org.apache.kafka.connect.data.Struct", KindDecimal: "java.math.BigDecimal", KindDate: "java.util.Date",
}

// JavaClass returns the name of the Java class that Connect would hold, as
// Class.getName() prints it, such as "java.lang.Long" or "[B".
func (k Kind) JavaClass() string { return javaClasses[k] }

// SchemaType returns the Type that a schemaless value of this kind has
// (ConnectSchema.schemaType), and false for null, decimals and dates.
func (k Kind) SchemaType() (Type, bool) {
	if k >= KindInt8 && k <= KindStruct {
		return Type(k), true
	}
	return 0, false
}

// Equal says whether two values are of one kind and deeply equal. Floats are
// compared by their bits, as Java's boxed floats are; maps ignore order.
func (v Value) Equal(o Value) bool {
	if v.Kind() != o.Kind() {
		return false
	}
	switch v.Kind() {
	case KindString:
		return v.Str() == o.Str()
	case KindBytes:
		return string(v.Bytes()) == string(o.Bytes())
	case KindArray:
		a, b := v.Array(), o.Array()
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if !a[i].Equal(b[i]) {
				return false
			}
		}
		return true
	case KindMap:
		return v.Map().Equal(o.Map())
	case KindStruct:
		return v.Struct().Equal(o.Struct())
	case KindDecimal:
		return v.Decimal().Equal(o.Decimal())
	default:
		return v.num == o.num
	}
}
