package transforms

import (
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
)

func TestFlatten(t *testing.T) {
	withMap := schema.NewStruct().Field("m", mapOfStr).MustBuild()
	clash := schema.NewStruct().Field("in_x", i32).Field("in", inner).MustBuild()
	byDefault := schema.NewStruct().Field("in", schema.NewStruct().Field("x", i32).Default(strct(schema.NewStruct().Field("x", i32).MustBuild(), int32(5))).MustBuild()).MustBuild()
	check(t, of(NewFlatten, Value), []run{
		{"", outerRecord(), `t struct:Outer/3/d{id=int32? 7, name=string? ann, level=int32?(9) 9, in.x=int32? 1, in.y=string? null}`},
		{"delimiter=_", record(outer, strct(outer, int32(7), nil, nil, nil)), `t struct:Outer/3/d{id=int32? 7, name=string? null, level=int32?(9) 9, in_x=int32? null, in_y=string? null}`},
		{"", record(byDefault, strct(byDefault, nil)), `t struct{in.x=int32(5) null}`},
		{"delimiter=_", record(clash, strct(clash, int32(1), nil)), `SchemaBuilderException: Cannot create field because of field name duplication in_x`},
		{"", record(withMap, strct(withMap, nil)), `DataException: Flatten transformation does not support MAP for record with schemas (for field m).`},
		{"", record(nil, object("a", object("b", object("c", 1), "d", []any{"x"}), "e", object())), `t {a.b.c=int64 1, a.d=array [x]}`},
		{"", record(nil, object("a.b", 1, "a", object("b", 2))), `t {a.b=int64 1}`},
		{"", record(nil, object("a", schema.OfDate(1))), `DataException: Flatten transformation was passed a value of type class java.util.Date which is not supported by Connect's data API`},
		{"", record(nil, nil), `t null`},
		{"", record(str, "x"), `DataException: Only Struct objects supported for [flattening], found: java.lang.String`},
	})
}
