package transforms

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

// random makes schemas and values of all kinds.
type random struct{ *rand.Rand }

var fieldNames = []string{"a", "b", "c", "a.b", "id", "name", "ts"}

func (r random) text() string {
	return []string{"", "x", "5", "-3.5", "true", "2024-02-29", "ümläut", "2023-11-14T22:13:20.123Z", "null", "[1,2]", `{"a":1}`, "1e400"}[r.IntN(12)]
}

func (r random) schema(depth int) *schema.Schema {
	var b *schema.Builder
	switch n := r.IntN(16); {
	case n < 4 && depth < 3:
		b = schema.NewStruct()
		for i := range r.IntN(5) {
			b.Field(fieldNames[(i*2+r.IntN(2))%len(fieldNames)], r.schema(depth+1))
		}
	case n == 4 && depth < 3:
		b = schema.NewArray(r.schema(depth + 1))
	case n == 5 && depth < 3:
		b = schema.NewMapOf(schema.Of(schema.String), r.schema(depth+1))
	case n == 6:
		b = schema.DecimalBuilder(r.IntN(3))
	case n == 7:
		b = schema.TimestampBuilder()
	case n == 8:
		b = schema.DateBuilder()
	case n == 9:
		b = schema.TimeBuilder()
	default:
		b = schema.NewBuilder(schema.Type(1 + r.IntN(int(schema.Bytes))))
		if r.IntN(5) == 0 {
			b.Name("N").Version(int32(r.IntN(3))).Doc("d").Param("p", "q")
		}
	}
	if r.IntN(2) == 0 {
		b.Optional()
	}
	s, err := b.Build()
	if err != nil {
		return schema.OptionalOf(schema.String) // a name came twice
	}
	if r.IntN(5) == 0 && s.Type() != schema.Struct {
		if d, err := b.Default(r.of(s, depth)).Build(); err == nil {
			return d
		}
	}
	return s
}

// of makes a value that fits a schema.
func (r random) of(s *schema.Schema, depth int) schema.Value {
	if (s.Optional() || s.HasDefault()) && r.IntN(4) == 0 {
		return schema.Null()
	}
	switch s.ValueKind() {
	case schema.KindDecimal:
		return schema.OfDecimal(schema.DecimalFromInt64(r.Int64(), 2))
	case schema.KindDate:
		return schema.OfDate(r.Int64N(1<<42) / schema.MillisPerDay * schema.MillisPerDay)
	case schema.KindArray:
		list := make([]schema.Value, r.IntN(3))
		for i := range list {
			list[i] = r.of(s.Value(), depth+1)
		}
		return schema.OfArray(list)
	case schema.KindMap:
		m := schema.NewMap(2)
		for range r.IntN(3) {
			m.PutString(r.text(), r.of(s.Value(), depth+1))
		}
		return schema.OfMap(m)
	case schema.KindStruct:
		values := make([]schema.Value, len(s.Fields()))
		for i := range values {
			values[i] = r.of(s.Fields()[i].Schema(), depth+1)
		}
		return schema.OfStruct(schema.StructOf(s, values))
	}
	return r.scalar(s.ValueKind())
}

func (r random) scalar(k schema.Kind) schema.Value {
	n := []int64{0, 1, -1, 300, r.Int64(), math.MinInt64}[r.IntN(6)]
	switch k {
	case schema.KindInt8:
		return schema.OfInt8(int8(n))
	case schema.KindInt16:
		return schema.OfInt16(int16(n))
	case schema.KindInt32:
		return schema.OfInt32(int32(n))
	case schema.KindInt64:
		return schema.OfInt64(n)
	case schema.KindFloat32:
		return schema.OfFloat32(float32(n) / 7)
	case schema.KindFloat64:
		return schema.OfFloat64([]float64{float64(n) / 7, math.NaN(), math.Inf(1), 1e300}[r.IntN(4)])
	case schema.KindBoolean:
		return schema.OfBoolean(n > 0)
	case schema.KindBytes:
		return schema.OfBytes([]byte(r.text()))
	}
	return schema.OfString(r.text())
}

// schemaless makes data as JSON gives it.
func (r random) schemaless(depth int) schema.Value {
	switch n := r.IntN(10); {
	case n < 4 && depth < 3:
		m := schema.NewMap(4)
		for range r.IntN(6) {
			m.PutString(fieldNames[r.IntN(len(fieldNames))], r.schemaless(depth+1))
		}
		return schema.OfMap(m)
	case n == 4 && depth < 3:
		list := make([]schema.Value, r.IntN(4))
		for i := range list {
			list[i] = r.schemaless(depth + 1)
		}
		return schema.OfArray(list)
	case n == 5:
		return schema.Null()
	}
	return r.scalar([]schema.Kind{schema.KindInt64, schema.KindFloat64, schema.KindString, schema.KindBoolean, schema.KindDate}[r.IntN(5)])
}

func (r random) record() *connect.Record {
	rec := &connect.Record{Topic: "topic-1", Partition: int32(r.IntN(3)) - 1, Timestamp: r.Int64N(1 << 42), Sink: r.IntN(2) == 0, Offset: 5}
	if r.IntN(8) == 0 {
		rec.Timestamp = connect.NoTimestamp
	}
	part := func() (*schema.Schema, schema.Value) {
		if r.IntN(2) == 0 {
			return nil, r.schemaless(0)
		}
		s := r.schema(0)
		return s, r.of(s, 0)
	}
	rec.KeySchema, rec.Key = part()
	rec.ValueSchema, rec.Value = part()
	for range r.IntN(3) {
		s, v := part()
		rec.Headers = append(rec.Headers, connect.Header{Key: r.text(), Schema: s, Value: v})
	}
	return rec
}

// fuzz puts random records through a transform: it must not panic nor change the
// record, and say the same of a schema that it knows as of one it meets for the first time.
func fuzz(f *testing.F, make func() connect.Transform, configs ...string) {
	for i := range uint64(40) {
		f.Add(i, uint8(i))
	}
	f.Fuzz(func(t *testing.T, seed uint64, config uint8) {
		r := random{rand.New(rand.NewPCG(seed, 1))}
		props := settings(configs[int(config)%len(configs)])
		fresh := func() connect.Transform {
			tr := make()
			if err := tr.Configure(props); err != nil {
				t.Fatal(err)
			}
			return tr
		}
		used := fresh()
		for range 4 {
			rec := r.record()
			before := show(rec)
			want := outcome(fresh(), rec)
			for _, tr := range []connect.Transform{used, used, fresh()} {
				if got := outcome(tr, rec); got != want {
					t.Fatalf("%v of %s\n first %s\n then  %s", props, before, want, got)
				}
			}
			if after := show(rec); after != before {
				t.Fatalf("%v: the record was\n %s\nand became\n %s", props, before, after)
			}
		}
	})
}

func outcome(tr connect.Transform, r *connect.Record) string {
	out, err := tr.Apply(context.Background(), r)
	if err != nil {
		return fmt.Sprint("error ", showError(err))
	}
	return show(out)
}

func FuzzCast(f *testing.F) {
	fuzz(f, of(NewCast, Value), "spec=a:int8,b:string,id:float32,ts:int64,name:boolean", "spec=string", "spec=int16", "spec=float64", "spec=boolean")
}

func FuzzDropHeaders(f *testing.F) { fuzz(f, NewDropHeaders, "headers=x,5") }

func FuzzExtractField(f *testing.F) {
	fuzz(f, of(NewExtractField, Value), "field=a", "field=a.b;field.syntax.version=V2", "field=`a.b`.c;field.syntax.version=V2", "field=id;replace.null.with.default=false")
}

func FuzzFlatten(f *testing.F) { fuzz(f, of(NewFlatten, Value), "", "delimiter=_") }

func FuzzHeaderFrom(f *testing.F) {
	fuzz(f, of(NewHeaderFrom, Key), "fields=a,b;headers=x,y;operation=move", "fields=id;headers=x;operation=copy")
}

func FuzzHoistField(f *testing.F) { fuzz(f, of(NewHoistField, Value), "field=f") }

func FuzzInsertField(f *testing.F) {
	fuzz(f, of(NewInsertField, Value), "topic.field=t!;partition.field=p;timestamp.field=x", "offset.field=o", "static.field=a;static.value=v;replace.null.with.default=false")
}

func FuzzInsertHeader(f *testing.F) { fuzz(f, NewInsertHeader, "header=h;value.literal=5") }

func FuzzMaskField(f *testing.F) {
	fuzz(f, of(NewMaskField, Value), "fields=a,b,id,ts", "fields=a,b,c,id;replacement=7", "fields=name;replacement=x")
}

func FuzzRegexRouter(f *testing.F) {
	fuzz(f, NewRegexRouter, `regex=(\w+)-(\d+);replacement=$2_$1`, "regex=.*?;replacement=Z")
}

func FuzzReplaceField(f *testing.F) {
	fuzz(f, of(NewReplaceField, Value), "exclude=a,b", "include=a,id", "renames=a:b,b:c", "renames=id:name,x:a;replace.null.with.default=false")
}

func FuzzSetSchemaMetadata(f *testing.F) {
	fuzz(f, of(NewSetSchemaMetadata, Value), "schema.name=x;schema.version=4", "schema.version=2;replace.null.with.default=false")
}

func FuzzTimestampConverter(f *testing.F) {
	fuzz(f, of(NewTimestampConverter, Value), "target.type=string;format=yyyy-MM-dd;field=a", "target.type=unix;format=yyyy-MM-dd;unix.precision=nanoseconds",
		"target.type=Timestamp;field=ts", "target.type=Date", "target.type=Time;field=id;replace.null.with.default=false")
}

func FuzzTimestampRouter(f *testing.F) {
	fuzz(f, NewTimestampRouter, "", "timestamp.format=YYYY-ww'x'")
}

func FuzzValueToKey(f *testing.F) { fuzz(f, NewValueToKey, "fields=a,id", "fields=b,b") }

func FuzzExtractTopic(f *testing.F) {
	fuzz(f, of(NewExtractTopic, Value), "field=a", "field=$..b;field.format=JSON_PATH", "skip.missing.or.null=true")
}

func FuzzContentFilter(f *testing.F) {
	fuzz(f, of(NewContentFilter, Value), "filter.type=include;filter.condition=$[?(@.a > 3 || @.b == 'x')]", "filter.type=exclude;filter.condition=$..id;missing.or.null.behavior=include")
}

func FuzzCELFilter(f *testing.F) {
	fuzz(f, NewCELFilter, "condition=has(value.a) && value.a > 3", `condition=topic == "topic-1" && key != null`)
}

func FuzzFromJSON(f *testing.F) {
	fuzz(f, of(NewFromJSON, Value), "fields=a,b,name", "on.error=keep", "on.error=keep;fields=id,c")
}

func FuzzToJSON(f *testing.F) {
	fuzz(f, of(NewToJSON, Value), "", "fields=a,b;output.schema.type=BYTES")
}

func FuzzFlattenArrays(f *testing.F) { fuzz(f, of(NewFlattenArrays, Value), "", "format=delimited") }

func FuzzDropNulls(f *testing.F) { fuzz(f, of(NewDropNulls, Value), "", "nested=false") }

func FuzzKeyToValue(f *testing.F) { fuzz(f, NewKeyToValue, "key.fields=a,id", "key.fields=*") }

func FuzzMessageTimestampRouter(f *testing.F) {
	fuzz(f, NewMessageTimestampRouter, "message.timestamp.keys=ts,a")
}
