package numbers

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

var (
	_ connect.Converter       = (*Converter)(nil)
	_ connect.Appender        = (*Converter)(nil)
	_ connect.HeaderConverter = (*HeaderConverter)(nil)
)

func TestNumbers(t *testing.T) {
	values := map[string]struct {
		value schema.Value
		bytes string
	}{
		"short": {schema.OfInt16(-2), "\xff\xfe"}, "integer": {schema.OfInt32(258), "\x00\x00\x01\x02"},
		"long": {schema.OfInt64(-1), "\xff\xff\xff\xff\xff\xff\xff\xff"}, "float": {schema.OfFloat32(1.5), "\x3f\xc0\x00\x00"},
		"double": {schema.OfFloat64(1.5), "\x3f\xf8\x00\x00\x00\x00\x00\x00"}, "boolean": {schema.OfBoolean(true), "\x01"},
	}
	ctx := context.Background()
	for _, typ := range Types() {
		c, h := typ.New(), typ.NewHeader()
		if err := c.Configure(nil, true); err != nil {
			t.Fatal(err)
		}
		if err := h.Configure(nil); err != nil {
			t.Fatal(err)
		}
		want := values[typ.name]
		b, err := c.FromConnectData(ctx, "t", nil, nil, want.value)
		if err != nil || string(b) != want.bytes {
			t.Errorf("%s: %q, %v", typ.name, b, err)
		}
		if a, ok, err := c.AppendConnectData(ctx, []byte("x"), "t", nil, nil, want.value); err != nil || !ok || string(a) != "x"+want.bytes {
			t.Errorf("%s: %q, %v, %v", typ.name, a, ok, err)
		}
		if hb, err := h.FromConnectHeader("t", "h", nil, want.value); err != nil || !bytes.Equal(hb, b) {
			t.Errorf("%s: %q, %v", typ.name, hb, err)
		}
		for _, in := range [][]byte{b, nil} {
			sv, err := c.ToConnectData(ctx, "t", nil, in)
			if err != nil || !sv.Schema.Optional() || in != nil && !sv.Value.Equal(want.value) || in == nil && !sv.Value.IsNull() {
				t.Errorf("%s: %q reads as %v, %v", typ.name, in, sv.Value.Text(), err)
			}
		}
		if _, err := h.ToConnectHeader("t", "h", append(b, 0)); errs.Class(err) != errs.ClassData {
			t.Errorf("%s: a byte too many: %v", typ.name, err)
		}
		if b, err := c.FromConnectData(ctx, "t", nil, nil, schema.Null()); b != nil || err != nil {
			t.Errorf("%s: null gives %q, %v", typ.name, b, err)
		}
		if _, err := c.FromConnectData(ctx, "t", nil, nil, schema.OfString("1")); errs.Class(err) != errs.ClassData {
			t.Errorf("%s: a string: %v", typ.name, err)
		}
	}
}

// Java writes every double that is no number alike, and floats as they are.
func TestNaN(t *testing.T) {
	for _, typ := range Types() {
		c := typ.New()
		switch typ.name {
		case "double":
			b, err := c.encode(nil, schema.OfFloat64(math.Float64frombits(0xfff0000000000001)))
			if err != nil || string(b) != "\x7f\xf8\x00\x00\x00\x00\x00\x00" {
				t.Errorf("%x, %v", b, err)
			}
		case "float":
			b, err := c.encode(nil, schema.OfFloat32(math.Float32frombits(0xff800001)))
			if err != nil || string(b) != "\xff\x80\x00\x01" {
				t.Errorf("%x, %v", b, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{1})
	f.Add([]byte{0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, typ := range Types() {
			sv, err := typ.decode(b)
			if (err == nil) != (len(b) == typ.size && (typ.name != "boolean" || b[0] <= 1)) {
				t.Errorf("%s: %q gives %v", typ.name, b, err)
			}
			if err != nil {
				continue
			}
			out, err := typ.encode(sv.Schema, sv.Value)
			if err != nil || !bytes.Equal(out, b) && sv.Value.Text() != "NaN" {
				t.Errorf("%s: %q reads as %s, written as %q, %v", typ.name, b, sv.Value.Text(), out, err)
			}
		}
	})
}

func BenchmarkConverters(b *testing.B) {
	ctx := context.Background()
	for _, typ := range Types() {
		c := typ.New()
		in := make([]byte, typ.size)
		sv, err := c.decode(in)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(typ.name+"/read", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.ToConnectData(ctx, "t", nil, in); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(typ.name+"/append", func(b *testing.B) {
			buf := make([]byte, 0, 8)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := c.AppendConnectData(ctx, buf, "t", nil, sv.Schema, sv.Value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
