package transforms

import "testing"

func TestValueToKey(t *testing.T) {
	all := `struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}}`
	check(t, NewValueToKey, []run{
		{"fields=level,id", outerRecord(), `t key struct{level=int32?(9) 9, id=int32 7} ` + all},
		{"fields=level;replace.null.with.default=false", outerRecord(), `t key struct{level=int32?(9) null} ` + all},
		{"fields=nope", outerRecord(), `DataException: Field does not exist: nope`},
		{"fields=id,id", outerRecord(), `SchemaBuilderException: Cannot create field because of field name duplication id`},
		{"fields=a,b", record(nil, object("a", 1)), `t key {a=int64 1, b=null} {a=int64 1}`},
		{"fields=a", record(nil, nil), `DataException: Only Map objects supported in absence of schema for [copying fields from value to key], found: null`},
		{"fields=", nil, `config ConfigException: Invalid value [] for configuration fields: Empty list`},
	})
}
