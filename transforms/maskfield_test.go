package transforms

import (
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
)

func TestMaskField(t *testing.T) {
	check(t, of(NewMaskField, Value), []run{
		{"fields=id,name,level", outerRecord(), `t struct:Outer/3/d?{id=int32 0, name=string? , level=int32?(9) 0, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"fields=id,name;replacement=12.9", outerRecord(), `t struct:Outer/3/d?{id=int32 12, name=string? 12.9, level=int32?(9) 9, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"fields=in", outerRecord(), `DataException: Cannot mask value of type: class org.apache.kafka.connect.data.Struct`},
		{"fields=id;replacement=x", outerRecord(), `DataException: Unable to convert x (class java.lang.String) to a number`},
		{"fields=a,b,c,d,zip", record(nil, object("a", true, "b", []any{1}, "c", object("x", 1), "d", schema.OfDate(5))),
			`t {a=boolean false, b=array [], c={}, d=date Thu Jan 01 00:00:00 UTC 1970, zip=null}`},
		{"fields=a;replacement=5", record(nil, object("a", true)), `DataException: Cannot mask value of type class java.lang.Boolean with custom replacement.`},
		{"fields=a", record(nil, object("a", []byte{1})), `DataException: Cannot mask value of type: class [B`},
		{"fields=a", record(nil, nil), `DataException: Only Map objects supported in absence of schema for [mask fields], found: null`},
		{"fields=a", record(outer, nil), `DataException: Only Struct objects supported for [mask fields], found: null`},
		{"fields=a;replacement=", nil, `config ConfigException: Invalid value  for configuration replacement: String must be non-empty`},
	})
}
