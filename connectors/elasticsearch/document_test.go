package elasticsearch

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/schema"
)

func mapOf(kv ...schema.Value) schema.Value {
	m := schema.NewMap(len(kv) / 2)
	for i := 0; i < len(kv); i += 2 {
		m.Put(kv[i], kv[i+1])
	}
	return schema.OfMap(m)
}

func str(s string) schema.Value { return schema.OfString(s) }

func TestDocuments(t *testing.T) {
	decimal := schema.DecimalBuilder(2).MustBuild()
	stringMap := schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.Int32)).MustBuild()
	intMap := schema.NewMapOf(schema.Of(schema.Int32), schema.Of(schema.String)).MustBuild()
	withDefault := schema.NewBuilder(schema.String).Optional().Default(str("dflt")).MustBuild()
	inner := schema.NewStruct().Field("x", schema.OptionalOf(schema.Int32)).Field("y", withDefault).MustBuild()
	outer := schema.NewStruct().Field("a", inner).Field("b\"q", schema.NewArray(decimal).MustBuild()).MustBuild()
	nested := schema.OfStruct(schema.StructOf(outer, []schema.Value{
		schema.OfStruct(schema.StructOf(inner, []schema.Value{schema.Null(), schema.Null()})),
		schema.OfArray([]schema.Value{schema.OfDecimal(schema.DecimalFromInt64(-1234, 2)), schema.OfDecimal(schema.DecimalFromInt64(5, 2))}),
	}))
	plain, withSchemas, lists := documents{compact: true}, documents{schemas: true, compact: true}, documents{schemas: true}
	for _, c := range []struct {
		name string
		docs documents
		s    *schema.Schema
		v    schema.Value
		want string // or an error, after "!"
	}{
		{"null", plain, nil, schema.Null(), `null`},
		{"integers", plain, nil, schema.OfArray([]schema.Value{schema.OfInt8(-1), schema.OfInt16(2), schema.OfInt32(3), schema.OfInt64(math.MinInt64)}), `[-1,2,3,-9223372036854775808]`},
		{"floats", plain, nil, schema.OfArray([]schema.Value{schema.OfFloat32(1.1), schema.OfFloat64(1e10), schema.OfFloat64(-0.5), schema.OfFloat64(100)}), `[1.1,1.0E10,-0.5,100.0]`},
		{"not numbers", plain, nil, schema.OfArray([]schema.Value{schema.OfFloat64(math.NaN()), schema.OfFloat32(float32(math.Inf(-1)))}), `["NaN","-Infinity"]`},
		{"booleans", plain, nil, schema.OfBoolean(true), `true`},
		{"bytes", plain, nil, schema.OfBytes([]byte{0, 255}), `"AP8="`},
		{"text", plain, nil, str("a\"\\\n\r\t\b\f\x01/é日😀<&>"), `"a\"\\\n\r\t\b\f\u0001/é日😀<&>"`},
		{"text that is not UTF-8", plain, nil, str("a\"é\xffb"), "\"a\\\"é\ufffdb\""},
		{"map", plain, nil, mapOf(str("a"), schema.OfInt64(1), str("b"), schema.Null()), `{"a":1,"b":null}`},
		{"map with other keys", plain, nil, mapOf(schema.OfInt32(1), str("x"), schema.OfInt32(2), str("y")), `[[1,"x"],[2,"y"]]`},
		{"schemaless decimal", plain, nil, schema.OfDecimal(schema.DecimalFromInt64(1, 0)), "!Java class class java.math.BigDecimal does not have corresponding schema type."},
		{"nested", withSchemas, outer, nested, `{"a":{"x":null,"y":"dflt"},"b\"q":[-12.34,0.05]}`},
		{"nested, schemas ignored", plain, outer, nested, `{"a":{"x":null,"y":"dflt"},"b\"q":["+y4=","BQ=="]}`},
		{"large decimal", withSchemas, schema.DecimalBuilder(0).MustBuild(), schema.OfDecimal(schema.NewDecimal(new(big.Int).Exp(big.NewInt(10), big.NewInt(400), nil), 0)), `"Infinity"`},
		{"date", withSchemas, schema.DateBuilder().MustBuild(), schema.OfDate(86_400_000 * 3), `3`},
		{"time", withSchemas, schema.TimeBuilder().MustBuild(), schema.OfDate(1500), `1500`},
		{"timestamp", plain, schema.TimestampBuilder().MustBuild(), schema.OfDate(1700000000123), `1700000000123`},
		{"compact map", withSchemas, stringMap, mapOf(str("k"), schema.OfInt32(1)), `{"k":1}`},
		{"map as a list", lists, stringMap, mapOf(str("k"), schema.OfInt32(1), str("l"), schema.OfInt32(2)), `[{"key":"k","value":1},{"key":"l","value":2}]`},
		{"map with other keys and schema", withSchemas, intMap, mapOf(schema.OfInt32(1), str("x")), `[{"key":1,"value":"x"}]`},
		{"map with other keys, schema ignored", plain, intMap, mapOf(schema.OfInt32(1), str("x")), `[[1,"x"]]`},
		{"map as an object though not compact, schema ignored", documents{}, stringMap, mapOf(str("k"), schema.OfInt32(1)), `{"k":1}`},
		{"required null", withSchemas, schema.Of(schema.Int32), schema.Null(), "!null value for field that is required and has no default value"},
		{"wrong kind", withSchemas, schema.Of(schema.Int32), str("x"), "!A value of java.lang.String does not fit its schema, which is Schema{INT32}"},
		{"empty", plain, nil, schema.OfArray([]schema.Value{mapOf(), schema.OfArray(nil), str("")}), `[{},[],""]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.docs.append([]byte("before"), c.s, c.v)
			if want, ok := strings.CutPrefix(c.want, "!"); ok {
				if err == nil || err.Error() != want {
					t.Errorf("error %v, want %q", err, want)
				}
				return
			}
			if err != nil || string(got) != "before"+c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
			if !json.Valid(got[len("before"):]) {
				t.Errorf("%s is not JSON", got)
			}
		})
	}
}

func TestDeepDocument(t *testing.T) {
	v := schema.Null()
	for range 2 * maxDepth {
		v = schema.OfArray([]schema.Value{v})
	}
	if _, err := (documents{}).append(nil, nil, v); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Errorf("a deep value gives %v", err)
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c\n", "é\xff", "\x00\x1f\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := appendString([]byte("x"), s)
		var back string
		if err := json.Unmarshal(got[1:], &back); err != nil {
			t.Fatalf("%q becomes %s: %v", s, got, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); back != want && utf8.ValidString(s) {
			t.Fatalf("%q becomes %q", s, back)
		}
	})
}

func TestMappings(t *testing.T) {
	withDefault := func(b *schema.Builder, v schema.Value) *schema.Schema { return b.Default(v).MustBuild() }
	all := schema.NewStruct().
		Field("boolean", schema.Of(schema.Boolean)).Field("int8", schema.Of(schema.Int8)).Field("int16", schema.Of(schema.Int16)).
		Field("int32", schema.Of(schema.Int32)).Field("int64", schema.Of(schema.Int64)).Field("float32", schema.Of(schema.Float32)).
		Field("float64", schema.OptionalOf(schema.Float64)).Field("string", schema.Of(schema.String)).Field("bytes", schema.Of(schema.Bytes)).
		Field("decimal", schema.DecimalBuilder(2).MustBuild()).Field("date", schema.DateBuilder().MustBuild()).
		Field("array", schema.NewArray(schema.Of(schema.Int32)).MustBuild()).
		Field("map", schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.Int32)).MustBuild()).
		Field("struct", schema.NewStruct().Field("a", schema.Of(schema.Int32)).MustBuild()).MustBuild()
	const text = `"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}`
	for _, c := range []struct {
		name string
		s    *schema.Schema
		want string
	}{
		{"all types", all, `{"properties":{"boolean":{"type":"boolean"},"int8":{"type":"byte"},"int16":{"type":"short"},"int32":{"type":"integer"},"int64":{"type":"long"},` +
			`"float32":{"type":"float"},"float64":{"type":"double"},"string":{` + text + `},"bytes":{"type":"binary"},"decimal":{"type":"double"},"date":{"type":"date"},` +
			`"array":{"type":"integer"},"map":{"properties":{"key":{` + text + `},"value":{"type":"integer"}}},"struct":{"properties":{"a":{"type":"integer"}}}}}`},
		{"defaults", schema.NewStruct().
			Field("i", withDefault(schema.NewBuilder(schema.Int16), schema.OfInt16(5))).
			Field("f", withDefault(schema.NewBuilder(schema.Float64), schema.OfFloat64(1.5))).
			Field("b", withDefault(schema.NewBuilder(schema.Boolean), schema.OfBoolean(true))).
			Field("s", withDefault(schema.NewBuilder(schema.String), str("x"))).
			Field("y", withDefault(schema.NewBuilder(schema.Bytes), schema.OfBytes([]byte{1}))).
			Field("t", withDefault(schema.TimestampBuilder(), schema.OfDate(7))).
			Field("d", withDefault(schema.DecimalBuilder(1), schema.OfDecimal(schema.DecimalFromInt64(15, 1)))).MustBuild(),
			`{"properties":{"i":{"type":"short","null_value":5},"f":{"type":"double","null_value":1.5},"b":{"type":"boolean","null_value":true},"s":{` + text + `},` +
				`"y":{"type":"binary"},"t":{"type":"date","null_value":7},"d":{"type":"double","null_value":1.5}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := mappingOf(c.s)
			if err != nil || string(got) != c.want || !json.Valid(got) {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
	if _, err := mappingOf(nil); err == nil || !strings.HasPrefix(err.Error(), "Cannot infer mapping without schema.") || !strings.Contains(err.Error(), keySchemaIgnore) {
		t.Errorf("no schema: %v", err)
	}
	b := schema.NewStruct().Name("loop")
	b.Field("next", schema.NewArray(b.Ref()).MustBuild()).Field("other", b.Ref())
	if _, err := mappingOf(b.MustBuild()); err == nil || !strings.Contains(err.Error(), "contains itself") {
		t.Errorf("a schema that contains itself: %v", err)
	}
}

func BenchmarkDocuments(b *testing.B) {
	var kv []schema.Value
	for i := range 20 {
		kv = append(kv, str("field"+string(rune('a'+i))), str(strings.Repeat("some text ", i%6)))
	}
	v, docs := mapOf(kv...), documents{compact: true}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = docs.append(buf[:0], nil, v); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}
