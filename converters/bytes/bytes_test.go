package bytes

import (
	"context"
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

func TestBytesPassThrough(t *testing.T) {
	ctx := context.Background()
	c, h := New(), NewHeader()
	for _, in := range [][]byte{nil, {}, {0, 1, 255}} {
		sv, err := c.ToConnectData(ctx, "t", nil, in)
		if err != nil || sv.Schema != schema.OptionalOf(schema.Bytes) || sv.Value.IsNull() != (in == nil) {
			t.Errorf("%q: %v, %v", in, sv, err)
		}
		out, err := c.FromConnectData(ctx, "t", nil, sv.Schema, sv.Value)
		if err != nil || string(out) != string(in) || (out == nil) != (in == nil) {
			t.Errorf("%q comes out as %q, %v", in, out, err)
		}
		if out, err := h.FromConnectHeader("t", "h", nil, sv.Value); err != nil || (out == nil) != (in == nil) {
			t.Errorf("%q comes out of a header as %q, %v", in, out, err)
		}
		dst, ok, err := c.AppendConnectData(ctx, []byte("x"), "t", nil, nil, sv.Value)
		if err != nil || ok != (in != nil) || string(dst) != "x"+string(in) {
			t.Errorf("%q is appended as %q, %v, %v", in, dst, ok, err)
		}
	}
	if _, err := c.FromConnectData(ctx, "t", nil, schema.Of(schema.Int8), schema.OfInt8(1)); errs.Class(err) != errs.ClassData {
		t.Error(err)
	}
	if _, err := h.FromConnectHeader("t", "h", nil, schema.OfString("x")); errs.Class(err) != errs.ClassData {
		t.Error(err)
	}
}

func BenchmarkConverter(b *testing.B) {
	ctx := context.Background()
	c, in := New(), make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		sv, err := c.ToConnectData(ctx, "t", nil, in)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.FromConnectData(ctx, "t", nil, sv.Schema, sv.Value); err != nil {
			b.Fatal(err)
		}
	}
}
