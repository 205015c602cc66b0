package avro

import (
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Classes of what Avro for Java throws.
const (
	classParse      = "org.apache.avro.SchemaParseException"
	classRuntime    = "org.apache.avro.AvroRuntimeException"
	classType       = "org.apache.avro.AvroTypeException"
	classUnresolved = "org.apache.avro.UnresolvedUnionException"
	classEncoding   = "org.apache.avro.InvalidNumberEncodingException"
	classEOF        = "java.io.EOFException"
	classBounds     = "java.lang.ArrayIndexOutOfBoundsException"
	classOverflow   = "java.lang.StackOverflowError"
	classLimit      = "org.apache.avro.SystemLimitException"
)

// Classes of the objects that Java reads Avro into.
const (
	classUtf8       = "org.apache.avro.util.Utf8"
	classBuffer     = "java.nio.HeapByteBuffer"
	classAvroArray  = "org.apache.avro.generic.GenericData$Array"
	classAvroMap    = "java.util.HashMap"
	classAvroRecord = "org.apache.avro.generic.GenericData$Record"
	classAvroEnum   = "org.apache.avro.generic.GenericData$EnumSymbol"
	classAvroFixed  = "org.apache.avro.generic.GenericData$Fixed"
)

// Limits that keep hostile schemas and bytes from taking all memory. Java has none of
// these but fails all the same, for want of stack or heap.
const (
	maxDepth    = 5000    // of values and schemas within one another
	maxSchemas  = 200_000 // Connect schemas made of one Avro schema
	maxWeighted = 1 << 20 // values that take no bytes, in one record
)

func tooDeep() error {
	return errs.New(classOverflow, "records are nested more than %d deep", maxDepth)
}

// javaUTF8 is the text as Java encodes it.
func javaUTF8(s string) string { return schema.EncodeUTF8(s) }
