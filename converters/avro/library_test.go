package avro

import (
	"testing"

	"github.com/hamba/avro/v2"

	"github.com/moldau-io/moldau/connect/schema"
)

// item and purchase are what hamba/avro reads the schema of order into.
type item struct {
	SKU   string  `avro:"sku"`
	Count int32   `avro:"count"`
	Price float64 `avro:"price"`
}

type purchase struct {
	ID       int64             `avro:"id"`
	Customer string            `avro:"customer"`
	Note     *string           `avro:"note"`
	Paid     bool              `avro:"paid"`
	Weight   *float32          `avro:"weight"`
	At       int64             `avro:"at"`
	Photo    *[]byte           `avro:"photo"`
	Items    []item            `avro:"items"`
	Labels   map[string]string `avro:"labels"`
}

// orderText is the schema of order without its logical type, which hamba/avro has
// another Go type for.
const orderText = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"customer","type":"string"},` +
	`{"name":"note","type":["null","string"],"default":null},{"name":"paid","type":"boolean"},{"name":"weight","type":["null","float"],"default":null},` +
	`{"name":"at","type":"long"},{"name":"photo","type":["null","bytes"],"default":null},{"name":"items","type":{"type":"array","items":` +
	`{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"},{"name":"count","type":"int"},{"name":"price","type":"double"}]}}},` +
	`{"name":"labels","type":{"type":"map","values":"string"}}]}`

func purchased() purchase {
	note, weight := "leave it at the door", float32(1.5)
	return purchase{
		ID: 1234567890, Customer: "Božena Němcová", Note: &note, Paid: true, Weight: &weight, At: 1_700_000_000_123,
		Items: []item{{"A-1", 2, 9.99}, {"B-22", -1, 0}}, Labels: map[string]string{"colour": "red"},
	}
}

// Bytes of another library read as the same value, and ours read there.
func TestAnotherLibraryAgrees(t *testing.T) {
	s, v := order(t)
	m := defaults(t)
	own, err := m.avroSchema(s)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := m.encoder(s, own, own).append(nil, v, 0)
	if err != nil {
		t.Fatal(err)
	}
	lib := avro.MustParse(orderText)
	theirs, err := avro.Marshal(lib, purchased())
	if err != nil {
		t.Fatal(err)
	}
	r := m.newReading()
	got, err := r.schema(own, false, nil, nil, version{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{ours, theirs} {
		d := source{b: b, arena: &schema.Arena{}, weightless: maxWeighted}
		read := r.decoder(own, own, got).read(&d)
		if d.failed != nil || d.refused != nil {
			t.Fatalf("%x: %v, %v", b, d.failed, d.refused)
		}
		if !read.Struct().Schema().Equal(got) || read.Text() != v.Text() {
			t.Errorf("%x reads as %s, expected %s", b, read.Text(), v.Text())
		}
		var p purchase
		if err := avro.Unmarshal(lib, b, &p); err != nil {
			t.Fatal(err)
		}
		if p.Customer != "Božena Němcová" || len(p.Items) != 2 || p.Items[1].SKU != "B-22" || p.Labels["colour"] != "red" || *p.Weight != 1.5 || p.At != 1_700_000_000_123 {
			t.Errorf("%x reads as %+v there", b, p)
		}
	}
}

// The reasons for a schema model and codecs of our own. When one of these no longer
// holds, docs/decisions/0002-own-avro.md is due for another look.
func TestLibraryFallsShort(t *testing.T) {
	// Java's client of a registry does not validate names, and Connect writes any for a
	// namespace.
	if _, err := avro.Parse(`{"type":"record","name":"X","namespace":"my.name space","fields":[]}`); err == nil {
		t.Error("the library reads schemas with any names")
	}
	// Defaults that do not fit are left out of consideration by Java's.
	if _, err := avro.Parse(`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}`); err == nil {
		t.Error("the library reads schemas with defaults that do not fit")
	}
	// The order of properties is part of the text that a registry compares.
	const text = `{"type":"int","connect.version":4,"connect.name":"x","connect.doc":"y"}`
	same := 0
	for range 20 {
		s, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.(*avro.PrimitiveSchema).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(b) == text {
			same++
		}
	}
	if same == 20 {
		t.Error("the library keeps the order of properties")
	}
}

func BenchmarkEncode(b *testing.B) {
	b.Run("converter", func(b *testing.B) {
		s, v := order(b)
		c := configured(b, holding(), nil)
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if out, _, err = c.AppendConnectData(b.Context(), out[:0], "t", nil, s, v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hamba", func(b *testing.B) {
		lib, p := avro.MustParse(orderText), purchased()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := avro.Marshal(lib, &p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("generated", func(b *testing.B) {
		p := purchased()
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			out = p.appendTo(out[:0])
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	s, v := order(b)
	r := holding()
	in := write(b, configured(b, r, nil), s, v)
	b.Run("converter", func(b *testing.B) {
		c := configured(b, r, nil)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.ToConnectData(b.Context(), "t", nil, in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hamba", func(b *testing.B) {
		lib := avro.MustParse(orderText)
		b.ReportAllocs()
		for b.Loop() {
			var p purchase
			if err := avro.Unmarshal(lib, in[5:], &p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hamba-generic", func(b *testing.B) {
		lib := avro.MustParse(orderText)
		b.ReportAllocs()
		for b.Loop() {
			var p any
			if err := avro.Unmarshal(lib, in[5:], &p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
