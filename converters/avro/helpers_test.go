package avro

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

// configured is a converter over the registry.
func configured(t testing.TB, r registry.Client, props map[string]string) *Converter {
	t.Helper()
	c := New()
	c.UseRegistry(r)
	all := map[string]string{"schema.registry.url": "http://in-memory"}
	maps.Copy(all, props)
	if err := c.Configure(all, false); err != nil {
		t.Fatal(err)
	}
	return c
}

// holding is a registry that has schemas under the subject t-value.
func holding(schemas ...string) *registry.Memory {
	m := registry.NewMemory(New().Canonical)
	for i, text := range schemas {
		n := int32(i + 1) // #nosec G115 -- few
		m.Add(registry.Registered{Document: registry.Document{Format: registry.Avro, Text: text}, ID: n, Subject: "t-value", Version: n})
	}
	return m
}

func framed(id byte, payload ...byte) []byte { return append([]byte{0, 0, 0, 0, id}, payload...) }

func mustParse(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func defaults(t testing.TB) *mapping {
	t.Helper()
	o, _, err := parseOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMapping(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// order is a schema of the common types, and a value of it.
func order(t testing.TB) (*schema.Schema, schema.Value) {
	t.Helper()
	item := schema.NewStruct().Name("shop.Item").
		Field("sku", schema.Of(schema.String)).
		Field("count", schema.Of(schema.Int32)).
		Field("price", schema.Of(schema.Float64)).MustBuild()
	s := schema.NewStruct().Name("shop.Order").
		Field("id", schema.Of(schema.Int64)).
		Field("customer", schema.Of(schema.String)).
		Field("note", schema.OptionalOf(schema.String)).
		Field("paid", schema.Of(schema.Boolean)).
		Field("weight", schema.OptionalOf(schema.Float32)).
		Field("at", schema.TimestampBuilder().MustBuild()).
		Field("photo", schema.OptionalOf(schema.Bytes)).
		Field("items", schema.NewArray(item).MustBuild()).
		Field("labels", schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.String)).MustBuild()).MustBuild()
	labels := schema.NewMap(1)
	labels.PutString("colour", schema.OfString("red"))
	return s, schema.OfStruct(schema.StructOf(s, []schema.Value{
		schema.OfInt64(1234567890), schema.OfString("Božena Němcová"), schema.OfString("leave it at the door"), schema.OfBoolean(true),
		schema.OfFloat32(1.5), schema.OfDate(1_700_000_000_123), schema.Null(),
		schema.OfArray([]schema.Value{
			schema.OfStruct(schema.StructOf(item, []schema.Value{schema.OfString("A-1"), schema.OfInt32(2), schema.OfFloat64(9.99)})),
			schema.OfStruct(schema.StructOf(item, []schema.Value{schema.OfString("B-22"), schema.OfInt32(-1), schema.OfFloat64(0)})),
		}),
		schema.OfMap(labels),
	}))
}

func write(t testing.TB, c *Converter, s *schema.Schema, v schema.Value) []byte {
	t.Helper()
	b, err := c.FromConnectData(context.Background(), "t", nil, s, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// appendTo is what code that is generated for one schema does: the limit for encoders.
func (p *purchase) appendTo(dst []byte) []byte {
	text := func(s string) { dst = append(binary.AppendVarint(dst, int64(len(s))), s...) }
	dst = binary.AppendVarint(dst, p.ID)
	text(p.Customer)
	if p.Note == nil {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 2)
		text(*p.Note)
	}
	dst = append(dst, 1)
	dst = binary.LittleEndian.AppendUint32(append(dst, 2), math.Float32bits(*p.Weight))
	dst = binary.AppendVarint(dst, p.At)
	dst = append(dst, 0)
	dst = binary.AppendVarint(dst, int64(len(p.Items)))
	for i := range p.Items {
		text(p.Items[i].SKU)
		dst = binary.AppendVarint(dst, int64(p.Items[i].Count))
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(p.Items[i].Price))
	}
	dst = binary.AppendVarint(append(dst, 0), int64(len(p.Labels)))
	for k, v := range p.Labels {
		text(k)
		text(v)
	}
	return append(dst, 0)
}
