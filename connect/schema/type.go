package schema

// Type is the type of a Schema, in the order of Connect's Schema.Type.
type Type uint8

// The types of org.apache.kafka.connect.data.Schema.Type.
const (
	Int8 Type = iota + 1
	Int16
	Int32
	Int64
	Float32
	Float64
	Boolean
	String
	Bytes
	Array
	Map
	Struct
)

var typeNames = [...]string{
	Int8: "INT8", Int16: "INT16", Int32: "INT32", Int64: "INT64", Float32: "FLOAT32", Float64: "FLOAT64",
	Boolean: "BOOLEAN", String: "STRING", Bytes: "BYTES", Array: "ARRAY", Map: "MAP", Struct: "STRUCT",
}

var typeLowerNames = [...]string{
	Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64", Float32: "float32", Float64: "float64",
	Boolean: "boolean", String: "string", Bytes: "bytes", Array: "array", Map: "map", Struct: "struct",
}

// String returns Java's enum name, such as "INT8".
func (t Type) String() string {
	if t >= Int8 && t <= Struct {
		return typeNames[t]
	}
	return "UNKNOWN"
}

// Name returns the lower-case name, such as "int8" (Schema.Type.getName).
func (t Type) Name() string {
	if t >= Int8 && t <= Struct {
		return typeLowerNames[t]
	}
	return "unknown"
}

// TypeOf returns the Type with the given Java enum name in any case, or false.
func TypeOf(name string) (Type, bool) {
	for t := Int8; t <= Struct; t++ {
		if equalFold(name, typeNames[t]) {
			return t, true
		}
	}
	return 0, false
}

func equalFold(a, upper string) bool {
	if len(a) != len(upper) {
		return false
	}
	for i := range len(a) {
		c := a[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// IsPrimitive says whether t is neither an array, a map nor a struct.
func (t Type) IsPrimitive() bool { return t >= Int8 && t <= Bytes }

// IsNumber says whether t is an integer or a float.
func (t Type) IsNumber() bool { return t >= Int8 && t <= Float64 }
