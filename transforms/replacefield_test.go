package transforms

import "testing"

func TestReplaceField(t *testing.T) {
	check(t, of(NewReplaceField, Value), []run{
		{"exclude=in,id", outerRecord(), `t struct:Outer/3/d{name=string? ann, level=int32?(9) 9}`},
		{"include=level,id;replace.null.with.default=false", outerRecord(), `t struct:Outer/3/d{id=int32 7, level=int32?(9) null}`},
		{"include=id,name;exclude=id;renames=name:id", outerRecord(), `t struct:Outer/3/d{id=string? ann}`},
		{"renames=id:name", outerRecord(), `SchemaBuilderException: Cannot create field because of field name duplication name`},
		{"renames=id:name,name:id;include=id,name", outerRecord(), `t struct:Outer/3/d{name=int32 7, id=string? ann}`},
		{"exclude=zip;renames=zip:name;include=name", outerRecord(), `DataException: zip is not a valid field name`},
		{"exclude=a", record(nil, object("a", 1, "b", nil)), `t {b=null}`},
		{"renames=a:b", record(nil, object("a", 1, "b", 2)), `t {b=int64 2}`},
		{"exclude=a", record(nil, nil), `t null`},
		{"exclude=a", record(nil, "x"), `DataException: Only Map objects supported in absence of schema for [field replacement], found: java.lang.String`},
		{"exclude=a", record(str, "x"), `DataException: Only Struct objects supported for [field replacement], found: java.lang.String`},
		{"renames=a", nil, `config ConfigException: Invalid value [a] for configuration renames: Invalid rename mapping: a`},
	})
	check(t, of(NewReplaceField, Key), []run{{"exclude=in,name,level", keyed(outerRecord()), `t key struct:Outer/3/d{id=int32 7} null`}})
}
