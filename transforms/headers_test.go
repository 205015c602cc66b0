package transforms

import (
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

func withHeaders() *connect.Record {
	r := record(nil, nil)
	r.Headers = connect.Headers{{Key: "a", Value: val(1)}, {Key: "b", Schema: str, Value: val("x")}, {Key: "a", Value: schema.Null()}}
	return r
}

func TestDropHeaders(t *testing.T) {
	check(t, NewDropHeaders, []run{
		{"headers=a", withHeaders(), `t null b:string x`},
		{"headers=c", withHeaders(), `t null a:int64 1 b:string x a:null`},
		{"headers=", nil, `config ConfigException: Invalid value [] for configuration headers: Empty list`},
	})
}

func TestInsertHeader(t *testing.T) {
	check(t, NewInsertHeader, []run{
		{"header=h;value.literal=5", record(nil, nil), `t null h:int8 5`},
		{"header=a;value.literal=[1,2]", withHeaders(), `t null a:int64 1 b:string x a:null a:array [1, 2]`},
		{"header=h;value.literal=null", record(nil, nil), `t null h:null`},
		{"header=h", nil, `config ConfigException: Missing required configuration "value.literal" which has no default value.`},
	})
}

func TestHeaderFrom(t *testing.T) {
	check(t, of(NewHeaderFrom, Value), []run{
		{"fields=id,level;headers=i,l;operation=move", outerRecord(),
			`t struct:Outer/3/d{name=string? ann, in=struct:Inner?{x=int32 1, y=string? null}} i:int32 7 l:int32?(9) 9`},
		{"fields=name;headers=n;operation=copy;replace.null.with.default=false", record(nil, object("name", "x", "b", 1)), `t {name=string x, b=int64 1} n:string x`},
		{"fields=name;headers=n;operation=move", record(nil, object("name", "x", "b", 1)), `t {b=int64 1} n:string x`},
		{"fields=zip;headers=z;operation=copy", record(nil, object()), `t {} z:null`},
		{"fields=zip;headers=z;operation=copy", outerRecord(), `NullPointerException: field zip is not in the schema Schema{Outer:STRUCT}`},
		{"fields=a;headers=a;operation=move", record(nil, nil), `DataException: Only Map objects supported in absence of schema for [header move], found: null`},
		{"fields=a,b;headers=a;operation=move", nil, `config ConfigException: 'fields' config must have the same number of elements as 'headers' config.`},
	})
}
