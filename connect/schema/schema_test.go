package schema

import (
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
)

func message(err error) string {
	if err == nil {
		return ""
	}
	m, _ := errs.Message(err)
	return m
}

func TestBuilderErrors(t *testing.T) {
	for want, b := range map[string]*Builder{
		"valueSchema cannot be null.":                             NewArray(nil),
		"keySchema cannot be null.":                               NewMapOf(nil, Of(String)),
		"fieldName cannot be null.":                               NewStruct().Field("", Of(String)),
		"fieldSchema for field a cannot be null.":                 NewStruct().Field("a", nil),
		"Cannot create fields on type INT8":                       NewBuilder(Int8).Field("a", Of(String)),
		"Cannot create field because of field name duplication a": NewStruct().Field("a", Of(String)).Field("a", Of(String)),
		"Invalid default value":                                   NewBuilder(Int8).Default(OfInt16(1)),
	} {
		_, err := b.Build()
		if message(err) != want || errs.Class(err) != errs.ClassSchemaBuilder {
			t.Errorf("%v (%s), expected %s", err, errs.Class(err), want)
		}
	}
}

func TestSchemaEquality(t *testing.T) {
	make := func(change func(*Builder)) *Schema {
		b := NewStruct().Name("S").Version(1).Doc("d").Param("p", "q").Field("a", Of(Int32))
		change(b)
		return b.MustBuild()
	}
	base := make(func(*Builder) {})
	if !base.Equal(make(func(*Builder) {})) || base.Equal(nil) || !(*Schema)(nil).Equal(nil) {
		t.Error("equal schemas differ")
	}
	for name, change := range map[string]func(*Builder){
		"optional": func(b *Builder) { b.Optional() }, "name": func(b *Builder) { b.Name("T") }, "version": func(b *Builder) { b.Version(2) },
		"doc": func(b *Builder) { b.Doc("") }, "parameter": func(b *Builder) { b.Param("p", "r") }, "field": func(b *Builder) { b.Field("b", Of(Int8)) },
	} {
		if base.Equal(make(change)) {
			t.Errorf("schemas that differ in %s are equal", name)
		}
	}
}

func recursive(name string) *Schema {
	b := NewStruct().Name(name)
	list := NewBuilder(Array).Optional()
	list.s.value = b.Ref()
	return b.Field("children", list.MustBuild()).MustBuild()
}

func TestRecursiveSchemasCanBeCompared(t *testing.T) {
	if !recursive("node").Equal(recursive("node")) || recursive("node").Equal(recursive("other")) {
		t.Error("recursive schemas are compared wrongly")
	}
}

func TestManyFields(t *testing.T) {
	b := NewStruct()
	names := []string{}
	for i := range 100 {
		names = append(names, string(rune('a'+i%26))+string(rune('a'+i/26)))
		b.Field(names[i], Of(Int8))
	}
	s := b.MustBuild()
	for i, name := range names {
		if f := s.Field(name); f == nil || f.Index() != i {
			t.Errorf("field %s: %v", name, f)
		}
	}
	if s.Field("none") != nil {
		t.Error("found what is not there")
	}
}

func TestValidation(t *testing.T) {
	date := DateBuilder().MustBuild()
	nested := NewStruct().Field("a", Of(Int32)).MustBuild()
	other := NewStruct().Field("a", Of(Int64)).MustBuild()
	for _, c := range []struct {
		schema *Schema
		value  Value
		want   string
	}{
		{Of(Int8), OfInt8(1), ""},
		{OptionalOf(Int8), Null(), ""},
		{Of(Int8), Null(), "Invalid value: null used for required value, schema type: INT8"},
		{Of(Int8), OfInt16(1), "Invalid Java object for schema with type INT8: class java.lang.Short for value"},
		{date, OfDate(0), ""},
		{date, OfInt32(0), `Invalid Java object for schema "org.apache.kafka.connect.data.Date" with type INT32: class java.lang.Integer for value`},
		{NewArray(Of(String)).MustBuild(), OfArray([]Value{Null()}), "Invalid value: null used for required element of array value, schema type: STRING"},
		{NewMapOf(Of(String), Of(Int8)).MustBuild(), OfMap(sampleMap()), "Invalid Java object for schema with type INT8: class java.lang.Long for value of map value"},
		{NewBuilder(Array).MustBuild(), OfArray(nil), "No schema defined for element of array value"},
		{nested, OfStruct(NewStructValue(other)), "Struct schemas do not match."},
		{nested, OfStruct(NewStructValue(nested)), `Invalid value: null used for required field: "a", schema type: INT32`},
	} {
		if got := message(ValidateValue(c.schema, c.value)); got != c.want {
			t.Errorf("%s of %s: %q, expected %q", c.value.Text(), c.schema, got, c.want)
		}
	}
}

func TestStructs(t *testing.T) {
	s := NewStruct().Field("a", NewBuilder(Int32).Default(OfInt32(7)).MustBuild()).Field("b", OptionalOf(String)).MustBuild()
	v := NewStructValue(s)
	if a, err := v.Get("a"); err != nil || a.Int32() != 7 {
		t.Errorf("default: %v, %v", a.Text(), err)
	}
	if raw, err := v.GetRaw("a"); err != nil || !raw.IsNull() {
		t.Errorf("raw: %v, %v", raw.Text(), err)
	}
	if _, err := v.Get("c"); message(err) != "c is not a valid field name" {
		t.Error(err)
	}
	if err := v.Put("b", OfInt8(1)); message(err) != `Invalid Java object for schema with type STRING: class java.lang.Byte for field: "b"` {
		t.Error(err)
	}
	if err := v.Put("b", OfString("x")); err != nil || v.Validate() != nil || OfStruct(v).Text() != "Struct{b=x}" {
		t.Errorf("%v %v %s", err, v.Validate(), OfStruct(v).Text())
	}
}

func TestProject(t *testing.T) {
	source := NewStruct().Field("a", Of(Int8)).Field("gone", Of(String)).MustBuild()
	target := NewStruct().Field("a", Of(Float64)).Field("b", OptionalOf(String)).
		Field("c", NewBuilder(Int32).Default(OfInt32(5)).MustBuild()).MustBuild()
	from := StructOf(source, []Value{OfInt8(3), OfString("x")})
	got, err := Project(source, OfStruct(from), target)
	if err != nil || got.Text() != "Struct{a=3.0,c=5}" {
		t.Errorf("%v, %v", got.Text(), err)
	}
	for _, c := range []struct {
		from, to *Schema
		want     string
	}{
		{Of(Int32), Of(Int8), "Schema type mismatch. source type: INT32 and target type: INT8"},
		{OptionalOf(Int8), Of(Int8), "Writer schema is optional, however, target schema does not provide a default value."},
		{NewBuilder(Int8).Name("n").MustBuild(), Of(Int8), "Schema name mismatch. source name: n and target name: null"},
		{NewBuilder(Int8).Param("a", "b").MustBuild(), Of(Int8), "Schema parameters not equal. source parameters: {a=b} and target parameters: null"},
	} {
		if _, err := Project(c.from, Null(), c.to); message(err) != c.want || errs.Class(err) != errs.ClassSchemaProjector {
			t.Errorf("%v, expected %s", err, c.want)
		}
	}
	missing := NewStruct().Field("z", Of(Int8)).MustBuild()
	if _, err := Project(source, OfStruct(from), missing); message(err) != "Required field `z` is missing from source schema: Schema{STRUCT}" {
		t.Error(err)
	}
}

// Times of dates, and dates of times, are refused as Connect refuses them.
func TestLogicalTypes(t *testing.T) {
	date, time, decimal := DateBuilder().MustBuild(), TimeBuilder().MustBuild(), DecimalBuilder(2).MustBuild()
	if _, err := DateFromLogical(date, 1); message(err) != "Kafka Connect Date type should not have any time fields set to non-zero values." {
		t.Error(err)
	}
	if _, err := TimeFromLogical(time, MillisPerDay+1); message(err) != "Kafka Connect Time type should not have any date fields set to non-zero values." {
		t.Error(err)
	}
	if _, err := DecimalFromLogical(decimal, DecimalFromInt64(1, 0)); message(err) != "Decimal value has mismatching scale for given Decimal schema. Schema has scale 2, value has scale 0." {
		t.Error(err)
	}
	if _, err := DecimalToLogical(NewBuilder(Bytes).Name(DecimalName).MustBuild(), []byte{1}); errs.Class(err) != errs.ClassNullPointer {
		t.Error(err)
	}
	if d, err := DecimalToLogical(decimal, []byte{0xff}); err != nil || d.String() != "-0.01" {
		t.Errorf("%v, %v", d, err)
	}
}

func TestTwin(t *testing.T) {
	b := NewStruct().Name("Node")
	next := b.Twin(true)
	s := b.Field("v", Of(Int32)).Field("next", next).Doc("a list").MustBuild()
	if got := s.Field("next").Schema(); got != next || !got.Optional() || got.Doc() != "a list" || got.Field("next").Schema() != next {
		t.Errorf("the twin is %v, optional %t, doc %q", got, got.Optional(), got.Doc())
	}
	if s.Optional() {
		t.Error("the schema took its twin's optionality")
	}
	if o := s.WithOptional(true); !o.Optional() || o.Field("next") == nil || s.WithOptional(false) != s {
		t.Error("WithOptional does not copy")
	}
}
