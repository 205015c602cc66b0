package avro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// kind is a type of Avro.
type kind uint8

const (
	kNull kind = iota
	kBoolean
	kInt
	kLong
	kFloat
	kDouble
	kBytes
	kString
	kRecord
	kEnum
	kArray
	kMap
	kUnion
	kFixed
)

var kindNames = [...]string{
	kNull: "null", kBoolean: "boolean", kInt: "int", kLong: "long", kFloat: "float", kDouble: "double", kBytes: "bytes",
	kString: "string", kRecord: "record", kEnum: "enum", kArray: "array", kMap: "map", kUnion: "union", kFixed: "fixed",
}

func (k kind) String() string { return kindNames[k] }

// isNamed says whether types of the kind have names of their own.
func (k kind) isNamed() bool { return k == kRecord || k == kEnum || k == kFixed }

// kindOf finds a type that needs nothing but its name.
func kindOf(name string) (kind, bool) {
	for k := kNull; k <= kString; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}

// Names of properties that mean something to Avro.
const (
	logicalProp   = "logicalType"
	precisionProp = "precision"
	scaleProp     = "scale"
)

// Schema is an Avro schema (org.apache.avro.Schema). It is not changed once made.
type Schema struct {
	kind    kind
	isError bool // a record that is declared as an error
	name    name
	doc     *string
	aliases []string // full names
	props   []member // in order

	fields  []field
	byName  map[string]int
	symbols []string
	// enumDefault is the symbol for those a reader does not know.
	enumDefault *string
	items       *Schema // of arrays and maps
	types       []*Schema
	size        int // of fixed
}

// field is a field of a record.
type field struct {
	name    string
	schema  *Schema
	doc     *string
	def     *node // the default, or nil
	order   string
	aliases []string
	props   []member
}

func primitive(k kind) *Schema { return &Schema{kind: k} }

func arrayOf(items *Schema) *Schema { return &Schema{kind: kArray, items: items} }

func mapOf(values *Schema) *Schema { return &Schema{kind: kMap, items: values} }

// unionOf makes a union, which may hold each type once and no union.
func unionOf(types ...*Schema) (*Schema, error) {
	seen := make(map[string]bool, len(types))
	for _, t := range types {
		if t.kind == kUnion {
			return nil, errs.New(classRuntime, "Nested union: %s", t)
		}
		n := t.fullName()
		if seen[n] {
			return nil, errs.New(classRuntime, "%s", "Duplicate in union:"+n)
		}
		seen[n] = true
	}
	return &Schema{kind: kUnion, types: types}, nil
}

// named makes a record, an enum or a fixed without what it holds. strict validates the
// name.
func named(k kind, n name, strict bool) (*Schema, error) {
	if strict {
		if err := checkName(n.simple); err != nil {
			return nil, err
		}
	}
	if _, ok := kindOf(n.full); ok {
		return nil, errs.New(classType, "%s", "Schemas may not be named after primitives: "+n.full)
	}
	return &Schema{kind: k, name: n}, nil
}

// setFields gives a record its fields.
func (s *Schema) setFields(fields []field) error {
	s.fields = fields
	s.byName = make(map[string]int, len(fields))
	for i := range fields {
		if _, ok := s.byName[fields[i].name]; ok {
			return errs.New(classRuntime, "Duplicate field %s in record %s", fields[i].name, s.name.full)
		}
		s.byName[fields[i].name] = i
	}
	return nil
}

// setSymbols gives an enum its symbols and its default.
func (s *Schema) setSymbols(symbols []string, def *string, strict bool) error {
	seen := make(map[string]bool, len(symbols))
	for _, symbol := range symbols {
		if strict {
			if err := checkName(symbol); err != nil {
				return err
			}
		}
		if seen[symbol] {
			return errs.New(classParse, "%s", "Duplicate enum symbol: "+symbol)
		}
		seen[symbol] = true
	}
	s.symbols, s.enumDefault = symbols, def
	if def != nil && !seen[*def] {
		return errs.New(classParse, "%s", "The Enum Default: "+*def+" is not in the enum symbol set: ["+strings.Join(symbols, ", ")+"]")
	}
	return nil
}

// fullName is the name of a named type with its namespace, else that of the kind.
func (s *Schema) fullName() string {
	if s.kind.isNamed() {
		return s.name.full
	}
	return s.kind.String()
}

// field finds a field by name.
func (s *Schema) field(name string) *field {
	if i, ok := s.byName[name]; ok {
		return &s.fields[i]
	}
	return nil
}

// branch is the index of a type in a union by its full name, or -1.
func (s *Schema) branch(full string) int {
	return slices.IndexFunc(s.types, func(t *Schema) bool { return t.fullName() == full })
}

func propOf(props []member, name string) *node {
	for i := range props {
		if props[i].name == name {
			return props[i].value
		}
	}
	return nil
}

// prop is the property of that name, or nil.
func (s *Schema) prop(name string) *node { return propOf(s.props, name) }

// textProp is a property that is text (JsonProperties.getProp).
func (s *Schema) textProp(name string) (string, bool) {
	if n := s.prop(name); n != nil && n.kind == jsonText {
		return n.text, true
	}
	return "", false
}

// objectProp is a property as Java makes an object of it: numbers of more than 64 bits
// are lost.
func (s *Schema) objectProp(name string) *node {
	if n := s.prop(name); n != nil && n.kind != jsonBig {
		return n
	}
	return nil
}

// addProp adds a property. One that is there must be equal.
func (s *Schema) addProp(name string, value *node) error {
	if isReserved(name) {
		return errs.New(classRuntime, "%s", "Can't set reserved property: "+name)
	}
	if old := s.prop(name); old != nil {
		if !old.equal(value) {
			return errs.New(classRuntime, "%s", "Can't overwrite property: "+name)
		}
		return nil
	}
	s.props = append(s.props, member{name, value})
	return nil
}

// isReserved says whether a property would be taken for a part of the schema.
func isReserved(name string) bool {
	switch name {
	case "doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases":
		return true
	}
	return false
}

// logical is the logical type, where there is one that is valid for the type
// (LogicalTypes.fromSchemaIgnoreInvalid).
func (s *Schema) logical() string {
	n, ok := s.textProp(logicalProp)
	if !ok {
		return ""
	}
	valid := false
	switch n {
	case "date", "time-millis":
		valid = s.kind == kInt
	case "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
		"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos":
		valid = s.kind == kLong
	case "uuid":
		valid = s.kind == kString || s.kind == kFixed && s.size == 16
	case "duration":
		valid = s.kind == kFixed && s.size == 12
	case "big-decimal":
		valid = s.kind == kBytes
	case "decimal":
		valid = checkDecimal(s) == nil
	}
	if !valid {
		return ""
	}
	return n
}

// checkDecimal validates precision and scale of a schema's properties.
func checkDecimal(s *Schema) error {
	precision, scale := s.prop(precisionProp), s.prop(scaleProp)
	if precision == nil || !precision.isInt32() {
		return errs.IllegalArgument("Invalid decimal: missing precision")
	}
	n := int32(0)
	if scale != nil {
		if !scale.isInt32() {
			return errs.IllegalArgument("Expected int scale: %s", scale)
		}
		n = scale.asInt32()
	}
	return s.checkDecimal(precision.asInt32(), n)
}

func (s *Schema) checkDecimal(precision, scale int32) error {
	switch {
	case s.kind != kBytes && s.kind != kFixed:
		return errs.IllegalArgument("Logical type decimal must be backed by fixed or bytes")
	case precision <= 0:
		return errs.IllegalArgument("Invalid decimal precision: %d (must be positive)", precision)
	case s.kind == kFixed && int64(precision) > digitsOf(s.size):
		return errs.IllegalArgument("fixed(%d) cannot store %d digits (max %d)", s.size, precision, digitsOf(s.size))
	case scale < 0:
		return errs.IllegalArgument("Invalid decimal scale: %d (must be positive)", scale)
	case scale > precision:
		return errs.IllegalArgument("Invalid decimal scale: %d (greater than precision: %d)", scale, precision)
	}
	return nil
}

// digitsOf is the number of decimal digits that signed bytes can hold.
func digitsOf(size int) int64 {
	const perBit = 0.30102999566398119521 // log10(2)
	if size == 0 {
		return 0
	}
	return int64(perBit * float64(8*size-1))
}

// String is the schema's text as Java prints it.
func (s *Schema) String() string {
	if s == nil {
		return "null"
	}
	return string(s.append(nil, &printer{known: map[string]bool{}}, ""))
}

var _ fmt.Stringer = (*Schema)(nil)
