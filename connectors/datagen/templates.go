package datagen

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
	"unsafe"

	"github.com/moldau-io/moldau/connect/schema"
)

// body is the key and value of a record.
type body struct {
	keySchema, schema *schema.Schema
	key, value        schema.Value
}

// template makes record n, which bears the time at.
type template func(n int64, at time.Time) body

func newTemplate(s *settings) template {
	rnd := func(n int64) *rand.Rand { return rand.New(rand.NewPCG(uint64(s.seed), uint64(n))) }
	switch s.template {
	case templateOrders:
		return orders(rnd)
	case templateUsers:
		return users(rnd)
	case templateText:
		return text(s)
	}
	w := NewWikipedia(s.seed, s.timeOf)
	return func(n int64, _ time.Time) body {
		c := w.At(n)
		return body{
			keySchema: schema.Of(schema.String), key: schema.OfString(c.Key),
			schema: schema.Of(schema.String), value: schema.OfString(view(c.Data)),
		}
	}
}

// view returns bytes that nobody writes any more as a string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func text(s *settings) template {
	return func(n int64, _ time.Time) body {
		src := rand.NewPCG(uint64(s.seed), uint64(n))
		b := make([]byte, s.size)
		var word [8]byte
		for i := 0; i < len(b); i += len(word) {
			// Sixteen letters are random enough and cost one step for eight of them.
			binary.LittleEndian.PutUint64(word[:], src.Uint64()&0x0f0f0f0f0f0f0f0f+0x6161616161616161)
			copy(b[i:], word[:])
		}
		return body{schema: schema.Of(schema.String), value: schema.OfString(view(b))}
	}
}

func orders(rnd func(int64) *rand.Rand) template {
	item := schema.NewStruct().Name("io.moldau.datagen.Item").
		Field("product", schema.Of(schema.String)).
		Field("quantity", schema.Of(schema.Int32)).
		Field("price", schema.DecimalBuilder(2).MustBuild()).MustBuild()
	order := schema.NewStruct().Name("io.moldau.datagen.Order").
		Field("id", schema.Of(schema.Int64)).
		Field("customer", schema.Of(schema.String)).
		Field("placed", schema.TimestampBuilder().MustBuild()).
		Field("paid", schema.Of(schema.Boolean)).
		Field("weight", schema.Of(schema.Float64)).
		Field("note", schema.OptionalOf(schema.String)).
		Field("items", schema.NewArray(item).MustBuild()).MustBuild()
	products := latin()
	return func(n int64, at time.Time) body {
		r := rnd(n)
		items := make([]schema.Value, 1+r.IntN(4))
		for i := range items {
			items[i] = schema.OfStruct(schema.StructOf(item, []schema.Value{
				schema.OfString(products[r.IntN(len(products))]),
				schema.OfInt32(int32(1 + r.IntN(9))),
				schema.OfDecimal(schema.DecimalFromInt64(int64(100+r.IntN(100_000)), 2)),
			}))
		}
		note := schema.Null()
		if r.IntN(5) == 0 {
			note = schema.OfString("leave with the neighbour")
		}
		return body{
			keySchema: schema.Of(schema.Int64), key: schema.OfInt64(n), schema: order,
			value: schema.OfStruct(schema.StructOf(order, []schema.Value{
				schema.OfInt64(n), schema.OfString(fmt.Sprintf("customer-%d", r.IntN(1000))), schema.OfDate(at.UnixMilli()),
				schema.OfBoolean(r.IntN(3) > 0), schema.OfFloat64(float64(r.IntN(10_000)) / 100), note, schema.OfArray(items),
			})),
		}
	}
}

func users(rnd func(int64) *rand.Rand) template {
	user := schema.NewStruct().Name("io.moldau.datagen.User").
		Field("id", schema.Of(schema.String)).
		Field("name", schema.Of(schema.String)).
		Field("age", schema.Of(schema.Int16)).
		Field("email", schema.OptionalOf(schema.String)).
		Field("registered", schema.TimestampBuilder().MustBuild()).
		Field("tags", schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.String)).MustBuild()).MustBuild()
	names := latin()
	return func(n int64, at time.Time) body {
		r := rnd(n)
		// Users come back, so that a table keyed by id is updated.
		id, name := "user-"+strconv.Itoa(r.IntN(1000)), names[r.IntN(len(names))]
		email := schema.Null()
		if r.IntN(4) > 0 {
			email = schema.OfString(name + "@example.org")
		}
		tags := schema.NewMap(2)
		tags.PutString("plan", schema.OfString([]string{"free", "basic", "pro"}[r.IntN(3)]))
		tags.PutString("region", schema.OfString([]string{"north", "south", "east", "west"}[r.IntN(4)]))
		return body{
			keySchema: schema.Of(schema.String), key: schema.OfString(id), schema: user,
			value: schema.OfStruct(schema.StructOf(user, []schema.Value{
				schema.OfString(id), schema.OfString(name), schema.OfInt16(int16(16 + r.IntN(80))), email,
				schema.OfDate(at.UnixMilli()), schema.OfMap(tags),
			})),
		}
	}
}
