package json

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

func TestSettings(t *testing.T) {
	for key, value := range map[string]string{"schemas.enable": "maybe", "schemas.cache.size": "x", "decimal.format": "hex", "replace.null.with.default": ""} {
		if err := New().Configure(map[string]string{key: value}, false); errs.Class(err) != errs.ClassConfig {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	if err := NewHeader().Configure(map[string]string{"schemas.enable": "false"}); err != nil {
		t.Error(err)
	}
}

// The faces of the converter write and read the same.
func TestFaces(t *testing.T) {
	ctx := context.Background()
	props := map[string]string{"schemas.enable": "false", "decimal.format": "numeric"}
	c, h := New(), NewHeader()
	if err := c.Configure(props, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Configure(props); err != nil {
		t.Fatal(err)
	}
	s, v := schema.DecimalBuilder(2).MustBuild(), schema.OfDecimal(schema.DecimalFromInt64(150, 2))
	a, err := c.FromConnectData(ctx, "t", nil, s, v)
	if err != nil || string(a) != "1.50" {
		t.Errorf("%s, %v", a, err)
	}
	b, ok, err := c.AppendConnectData(ctx, []byte("x"), "t", nil, s, v)
	if err != nil || !ok || string(b) != "x1.50" {
		t.Errorf("%s, %v, %v", b, ok, err)
	}
	if d, err := h.FromConnectHeader("t", "h", s, v); err != nil || string(d) != "1.50" {
		t.Errorf("%s, %v", d, err)
	}
	for _, in := range [][]byte{nil, []byte(`{"a":1}`)} {
		x, err := c.ToConnectData(ctx, "t", nil, in)
		y, errH := h.ToConnectHeader("t", "h", in)
		if err != nil || errH != nil || !x.Value.Equal(y.Value) || x.Value.IsNull() != (in == nil) {
			t.Errorf("%s: %v, %v; %v, %v", in, x.Value.Text(), err, y.Value.Text(), errH)
		}
	}
	// Two results must not share memory.
	one, _ := c.FromConnectData(ctx, "t", nil, nil, schema.OfString("one"))
	two, _ := c.FromConnectData(ctx, "t", nil, nil, schema.OfString("two"))
	if string(one) != `"one"` || string(two) != `"two"` {
		t.Errorf("%s %s", one, two)
	}
	if c.Close() != nil || h.Close() != nil {
		t.Error("Close failed")
	}
}
