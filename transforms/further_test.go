package transforms

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func TestExtractTopic(t *testing.T) {
	check(t, of(NewExtractTopic, Value), []run{
		{"field=name", outerRecord(), `ann struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"field.name=a", record(nil, object("a", "x")), `x {a=string x}`},
		{"field=$.a.b;field.format=JSON_PATH", record(nil, object("a", object("b", "x"))), `x {a={b=string x}}`},
		{"", record(str, "x"), `x string x`},
		{"field=id", outerRecord(), `DataException: The topic in field id of the record's value must be a string, but is int32`},
		{"field=zip", record(nil, object()), `DataException: There is no topic in field zip of the record's value`},
		{"field=zip;skip.missing.or.null=true", record(nil, object()), `t {}`},
		{"field=zip", record(nil, 1), `DataException: The record's data must be a struct or a map to have a field zip, but is int64`},
		{"field=$[;field.format=JSON_PATH", nil, `config ConfigException: JSONPath $[ is wrong at character 3: expected a name in quotes, a number, * or a filter`},
	})
	check(t, NewExtractTopicHeader, []run{
		{"field=b", withHeaders(), `x null a:int64 1 b:string x a:null`},
		{"field=a", withHeaders(), `DataException: There is no topic in field a of the record's header`},
		{"", nil, `config ConfigException: ExtractTopic of a header needs the header's name in field`},
	})
}

func TestTimestampNow(t *testing.T) {
	now := func() time.Time { return time.UnixMilli(5) }
	check(t, func() connect.Transform { return &timestampNow{now} }, []run{{"", record(nil, 1), `t @5 int64 1`}})
	field := func() connect.Transform { return &timestampNowField{now: now} }
	check(t, field, []run{
		{"fields=a,b", record(nil, object("a", 1)), `t {a=int64 5, b=int64 5}`},
		{"fields=y,z", record(inner, strct(inner, int32(1), "q")), `t struct:Inner?{x=int32 1, y=int64:Timestamp/1 Thu Jan 01 00:00:00 UTC 1970, z=int64:Timestamp/1 Thu Jan 01 00:00:00 UTC 1970}`},
		{"fields=a", record(nil, nil), `t null`},
		{"fields=a", record(nil, 1), `DataException: Only Struct objects supported for [setting a timestamp], found: java.lang.Long`},
	})
}

func TestInsertUUID(t *testing.T) {
	fixed := func() connect.Transform {
		return &insertUUID{make: func() (string, error) { return "id-1", nil }}
	}
	check(t, fixed, []run{
		{"", record(nil, object("a", 1)), `t {a=int64 1, uuid=string id-1}`},
		{"uuid.field.name=y", record(inner, strct(inner, int32(1), nil)), `t struct:Inner?{x=int32 1, y=string id-1}`},
		{"", record(nil, nil), `t null`},
	})
	tr := NewInsertUUID(Value)
	if err := tr.Configure(nil); err != nil {
		t.Fatal(err)
	}
	out, err := tr.Apply(context.Background(), record(nil, object()))
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := out.Value.Map().GetString("uuid"); len(id.Str()) != 36 {
		t.Errorf("not a UUID: %s", id.Str())
	}
}

func TestFromJSON(t *testing.T) {
	holder := schema.NewStruct().Field("j", optStr).Field("k", i32).MustBuild()
	check(t, of(NewFromJSON, Value), []run{
		{"fields=j", record(nil, object("j", `{"a":[1,2.5],"b":null}`)), `t {j={a=array [1, 2.5], b=null}}`},
		{"fields=j", record(holder, strct(holder, `{"a":[1,2.5],"b":null,"c":{"d":true}}`, int32(1))),
			`t struct{j=struct?{a=array? [1.0, 2.5], b=string? null, c=struct?{d=boolean? true}}, k=int32 1}`},
		{"fields=j", record(holder, strct(holder, `[1,"x"]`, int32(1))), `t struct{j=string? [1,"x"], k=int32 1}`},
		{"fields=j", record(holder, strct(holder, nil, int32(1))), `t struct{j=string? null, k=int32 1}`},
		{"fields=j,k;on.error=keep", record(holder, strct(holder, "nope", int32(1))), `t struct{j=string? nope, k=int32 1}`},
		{"fields=j", record(holder, strct(holder, "nope", int32(1))), `DataException: Field j: Not JSON: invalid character 'o' in literal null (expecting 'u')`},
		{"fields=j", record(nil, object("j", 1)), `DataException: Field j: JSON is in strings or bytes, not in int64`},
		{"", record(str, `{"a":1}`), `t struct?{a=int64? 1}`},
		{"keep.schema=false", record(str, `{"a":1}`), `t {a=int64 1}`},
		{"", record(nil, []byte(`[true]`)), `t array [true]`},
		{"", record(nil, `1 2`), `DataException: Not JSON: there is more after the JSON`},
		{"", record(nil, nil), `t null`},
	})
}

func TestToJSON(t *testing.T) {
	check(t, of(NewToJSON, Value), []run{
		{"", outerRecord(), `t string? {"id":7,"name":"ann","level":9,"in":{"x":1,"y":null}}`},
		{"fields=in;output.schema.type=BYTES", outerRecord(), `t struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=bytes? ` +
			schema.OfBytes([]byte(`{"x":1,"y":null}`)).Text() + `}`},
		{"fields=a,zip", record(nil, object("a", []any{1, "q\"\n", 1.0, nil, []byte{1}, schema.OfDate(5)})), `t {a=string [1,"q\"\u000a",1.0,null,"AQ==",5]}`},
		{"", record(nil, nil), `t null`},
		{"schemas.enable=true", nil, `config ConfigException: Invalid value true for configuration schemas.enable: JSON with its schema is what JsonConverter writes`},
	})
}

func TestFlattenArrays(t *testing.T) {
	holder := schema.NewStruct().Field("l", listOfStr).Field("k", i32).MustBuild()
	check(t, of(NewFlattenArrays, Value), []run{
		{"", record(holder, strct(holder, []any{"a", "b,"}, int32(1))), `t struct{l=string? ["a","b,"], k=int32 1}`},
		{"format=delimited;delimiter=|", record(holder, strct(holder, []any{"a", "b,"}, int32(1))), `t struct{l=string? a|b,, k=int32 1}`},
		{"", record(holder, strct(holder, nil, int32(1))), `t struct{l=string? null, k=int32 1}`},
		{"fields=x", record(holder, strct(holder, nil, int32(1))), `t struct{l=array? null, k=int32 1}`},
		{"fields=l;format=delimited", record(nil, object("l", []any{1, nil, true}, "m", []any{})), `t {l=string 1,,true, m=array []}`},
		{"", record(nil, nil), `t null`},
	})
}

func TestDropNulls(t *testing.T) {
	check(t, of(NewDropNulls, Value), []run{
		{"", outerRecord(), `t struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}}`},
		{"", record(inner, strct(inner, int32(1), nil)), `t struct:Inner?{x=int32 1}`},
		{"", record(nil, object("a", nil, "b", object("c", nil, "d", 1))), `t {b={d=int64 1}}`},
		{"nested=false", record(nil, object("a", nil, "b", object("c", nil))), `t {b={c=null}}`},
		{"", record(nil, nil), `t null`},
	})
}

func TestKeyToValue(t *testing.T) {
	both := outerRecord()
	both.KeySchema, both.Key = inner, strct(inner, int32(5), "k")
	loose := outerRecord()
	loose.Key = object("x", 5, "l", []any{"a"})
	schemaless := record(nil, object("a", 1))
	schemaless.KeySchema, schemaless.Key = str, val("k")
	key := ` key struct:Inner?{x=int32 5, y=string? k} `
	check(t, NewKeyToValue, []run{
		{"key.fields=x,y;value.fields=id", both, `t` + key + `struct:Outer/3/d?{id=int32 5, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}, y=string? k}`},
		{"key.fields=*", both, `t` + key + `struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}, _key=struct:Inner?{x=int32 5, y=string? k}}`},
		{"key.fields=zip", both, `DataException: The key has no field zip`},
		{"key.fields=x,l;value.fields=kx", loose, `t key {x=int64 5, l=array [a]} struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}, kx=int64? 5, l=array? [a]}`},
		{"key.fields=*;value.fields=k", schemaless, `t key string k {a=int64 1, k=string k}`},
		{"key.fields=x", schemaless, `DataException: The key must be a struct or a map to have a field x, but is string`},
		{"key.fields=x;value.fields=a,b", nil, `config ConfigException: value.fields has more names than key.fields`},
		{"key.fields=x", record(nil, nil), `t null`},
	})
}

func TestTombstoneHandler(t *testing.T) {
	check(t, NewTombstoneHandler, []run{
		{"behavior=drop_silent", record(nil, nil), `dropped`},
		{"behavior=DROP_WARN", record(nil, nil), `dropped`},
		{"behavior=fail", record(nil, nil), `DataException: The record's value is null, which behavior=fail refuses`},
		{"behavior=fail", record(nil, 1), `t int64 1`},
	})
}

func TestMessageTimestampRouter(t *testing.T) {
	check(t, NewMessageTimestampRouter, []run{
		{"message.timestamp.keys=b,a", record(nil, object("a", "2024-02-03", "b", nil)), `t-20240203 {a=string 2024-02-03, b=null}`},
		{"message.timestamp.keys=a;topic.timestamp.format=yyyy", record(nil, object("a", 0)), `t-1970 {a=int64 0}`},
		{"message.timestamp.keys=a", record(nil, object("a", "x")), `DataException: Field a holds "x", which does not match the pattern yyyy-MM-dd`},
		{"message.timestamp.keys=a", record(nil, object("a", true)), `DataException: Field a cannot be a timestamp: it is boolean`},
		{"message.timestamp.keys=a,b", record(nil, object()), `DataException: The record's value has no timestamp in a, b`},
		{"message.timestamp.keys=a", record(nil, 1), `DataException: The record's value must be a struct or a map to have a timestamp, but is int64`},
		{"message.timestamp.keys=a;topic.timestamp.format=b", nil, `config ConfigException: Invalid value b for configuration topic.timestamp.format: Illegal pattern character 'b'`},
	})
}

func TestContentFilter(t *testing.T) {
	check(t, of(NewContentFilter, Value), []run{
		{"filter.type=include;filter.condition=$[?(@.a > 3)]", record(nil, object("a", 4)), `t {a=int64 4}`},
		{"filter.type=include;filter.condition=$[?(@.a > 3)]", record(nil, object("a", 3)), `dropped`},
		{"filter.type=exclude;filter.condition=$[?(@.a > 3)]", record(nil, object("a", 4)), `dropped`},
		{"filter.type=include;filter.condition=$[?(@.a > 3)]", record(nil, object()), `DataException: The record lacks a field of the condition $[?(@.a > 3)], or it is null`},
		{"filter.type=include;missing.or.null.behavior=include;filter.condition=$[?(@.a > 3)]", record(nil, object("a", nil)), `t {a=null}`},
		{"filter.type=include;missing.or.null.behavior=exclude;filter.condition=$[?(@.a > 3)]", record(nil, nil), `dropped`},
		{"filter.type=include;filter.condition=$[?(@.name =~ /a.*/)]", outerRecord(), `t struct:Outer/3/d?{id=int32 7, name=string? ann, level=int32?(9) null, in=struct:Inner?{x=int32 1, y=string? null}}`},
	})
}

func TestCELFilter(t *testing.T) {
	check(t, NewCELFilter, []run{
		{`condition=value.a > 3 && topic != "x"`, record(nil, object("a", 4)), `t {a=int64 4}`},
		{`condition=value.a > 3;filter.type=exclude`, record(nil, object("a", 4)), `dropped`},
		{`condition=has(value.a)`, record(nil, object()), `dropped`},
		{`condition=value.a`, record(nil, object("a", 1)), `DataException: The condition value.a gives a value of type int, not a boolean`},
	})
	err := NewCELFilter().Configure(settings("condition=nope(1)"))
	if errs.Class(err) != errs.ClassConfig || !strings.Contains(err.Error(), "undeclared reference to 'nope'") {
		t.Errorf("got %v", err)
	}
}
