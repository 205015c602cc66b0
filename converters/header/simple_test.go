package header

import (
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/schema"
)

var _ connect.HeaderConverter = (*Simple)(nil)

func TestSimple(t *testing.T) {
	c := NewSimple()
	for in, want := range map[string]string{"1": "1", "[1,2]": "[1, 2]", "true": "true", "a b": "a b", "": "", "null": "null", "1.5": "1.5", "\xff": "\ufffd"} {
		sv, err := c.ToConnectHeader("t", "h", []byte(in))
		if err != nil || sv.Value.Text() != want {
			t.Errorf("%q reads as %s, %v", in, sv.Value.Text(), err)
		}
		if c.ReturnsNull([]byte(in)) != (in == "null") {
			t.Errorf("%q: ReturnsNull = %v", in, in != "null")
		}
	}
	if sv, err := c.ToConnectHeader("t", "h", nil); err != nil || sv.Schema != nil || !sv.Value.IsNull() || c.ReturnsNull(nil) {
		t.Errorf("%v, %v", sv, err)
	}
	for want, v := range map[string]schema.Value{"": schema.OfString(""), `["a"]`: schema.OfArray([]schema.Value{schema.OfString("a")}), "a?": schema.OfString("a\xed\xa0\xbd")} {
		if b, err := c.FromConnectHeader("t", "h", nil, v); err != nil || b == nil || string(b) != want {
			t.Errorf("%s is written %q, %v", v.Text(), b, err)
		}
	}
	if b, err := c.FromConnectHeader("t", "h", schema.OptionalOf(schema.String), schema.Null()); b != nil || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

func FuzzSimple(f *testing.F) {
	for _, s := range []string{"1", "[1,{\"a\":2}]", "\xff", "2024-02-29", "[[[["} {
		f.Add([]byte(s))
	}
	c := NewSimple()
	f.Fuzz(func(t *testing.T, b []byte) {
		sv, err := c.ToConnectHeader("t", "h", b)
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.FromConnectHeader("t", "h", sv.Schema, sv.Value)
		if err != nil || (out == nil) != sv.Value.IsNull() {
			t.Errorf("%q reads as %s, written as %q, %v", b, sv.Value.Text(), out, err)
		}
	})
}

func BenchmarkSimple(b *testing.B) {
	c := NewSimple()
	for _, s := range []string{"a plain text", "42", `{"a":1}`} {
		b.Run(s, func(b *testing.B) {
			in := []byte(s)
			b.ReportAllocs()
			for b.Loop() {
				sv, err := c.ToConnectHeader("t", "h", in)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.FromConnectHeader("t", "h", sv.Schema, sv.Value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
