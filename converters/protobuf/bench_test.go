package protobuf

import (
	"context"
	"fmt"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/moldau-io/moldau/connect/schema"
)

// order is a schema like those of business data, and a value of it.
func order(t testing.TB) (*schema.Schema, schema.Value) {
	t.Helper()
	item, err := schema.NewStruct().Name("Item").Field("sku", schema.Of(schema.String)).Field("count", schema.Of(schema.Int32)).Field("price", schema.Of(schema.Float64)).Build()
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.NewStruct().Name("shop.Order").
		Field("id", schema.Of(schema.Int64)).Field("customer", schema.Of(schema.String)).Field("note", schema.OptionalOf(schema.String)).
		Field("paid", schema.Of(schema.Boolean)).Field("total", schema.Of(schema.Float64)).
		Field("at", schema.TimestampBuilder().MustBuild()).
		Field("items", schema.NewArray(item).MustBuild()).
		Field("labels", schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.String)).MustBuild()).
		Field("points", schema.NewArray(schema.Of(schema.Int32)).MustBuild()).
		Build()
	if err != nil {
		t.Fatal(err)
	}
	var items []schema.Value
	for i := range 3 {
		items = append(items, schema.OfStruct(schema.StructOf(item, []schema.Value{schema.OfString(fmt.Sprintf("sku-%d", i)), schema.OfInt32(int32(i + 1)), schema.OfFloat64(9.5)})))
	}
	labels := schema.NewMap(2)
	labels.PutString("channel", schema.OfString("web"))
	labels.PutString("country", schema.OfString("CZ"))
	return s, schema.OfStruct(schema.StructOf(s, []schema.Value{
		schema.OfInt64(1234567890), schema.OfString("Božena Němcová"), {}, schema.OfBoolean(true), schema.OfFloat64(28.5), schema.OfDate(1700000000123),
		schema.OfArray(items), schema.OfMap(labels), schema.OfArray([]schema.Value{schema.OfInt32(1), schema.OfInt32(200), schema.OfInt32(70000)}),
	}))
}

func BenchmarkEncode(b *testing.B) {
	ctx := context.Background()
	s, v := order(b)
	c := configured(b, memory(), nil)
	record, err := c.FromConnectData(ctx, "t", nil, s, v)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.FromConnectData(ctx, "t", nil, s, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	ctx := context.Background()
	s, v := order(b)
	c := configured(b, memory(), nil)
	record, err := c.FromConnectData(ctx, "t", nil, s, v)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ToConnectData(ctx, "t", nil, record); err != nil {
			b.Fatal(err)
		}
	}
}

// The library's own dynamic messages, without anything around them.
func dynamic(b *testing.B) (proto.Message, []byte) {
	b.Helper()
	ctx := context.Background()
	s, v := order(b)
	m := memory()
	record, err := configured(b, m, nil).FromConnectData(ctx, "t", nil, s, v)
	if err != nil {
		b.Fatal(err)
	}
	text := m.Added()[0].Text
	files, err := (&protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"x.proto": text}),
	})}).Compile(ctx, "x.proto")
	if err != nil {
		b.Fatal(err)
	}
	msg := dynamicpb.NewMessage(files[0].Messages().ByName(protoreflect.Name("Order")))
	content := record[6:]
	if err := proto.Unmarshal(content, msg); err != nil {
		b.Fatal(err)
	}
	return msg, content
}

func BenchmarkDynamicMarshal(b *testing.B) {
	msg, content := dynamic(b)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := proto.Marshal(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDynamicUnmarshal(b *testing.B) {
	msg, content := dynamic(b)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if err := proto.Unmarshal(content, msg); err != nil {
			b.Fatal(err)
		}
	}
}
