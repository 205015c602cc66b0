package protobuf

import (
	"bytes"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
)

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

func memory() *registry.Memory { return registry.NewMemory(New().Canonical) }

// holding is a registry with one schema of id 1 under t-value.
func holding(text string) *registry.Memory {
	m := memory()
	m.Add(registry.Registered{Document: registry.Document{Format: registry.Protobuf, Text: text}, ID: 1, Subject: "t-value", Version: 1})
	return m
}

// read reads bytes as the first message of a file.
func read(t testing.TB, text string, content []byte, props map[string]string) (connect.SchemaAndValue, error) {
	t.Helper()
	c := configured(t, holding(text), props)
	return c.ToConnectData(context.Background(), "t", nil, append([]byte{0, 0, 0, 0, 1, 0}, content...))
}

func varintField(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

func bytesField(number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
}

func TestPartsOfAMessageAreOne(t *testing.T) {
	const text = `syntax = "proto3"; import "google/type/date.proto";
message R { M m = 1; oneof o { M a = 2; int32 b = 3; } google.type.Date d = 4; message M { int32 x = 1; int32 y = 2; repeated int32 z = 3; } }`
	x, y := varintField(1, 1), varintField(2, 2)
	date := slices.Concat(bytesField(4, varintField(1, 2024)), bytesField(4, varintField(2, 2)), bytesField(4, varintField(3, 29)))
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"two parts", slices.Concat(bytesField(1, x), date, bytesField(1, y)), "Struct{m=Struct{x=1,y=2,z=[]},d=Thu Feb 29 00:00:00 UTC 2024}"},
		{"lists grow", slices.Concat(date, bytesField(1, varintField(3, 7)), bytesField(1, varintField(3, 8))), "Struct{m=Struct{x=0,y=0,z=[7, 8]},d=Thu Feb 29 00:00:00 UTC 2024}"},
		{"parts in a oneof", slices.Concat(bytesField(2, x), date, bytesField(2, y)), "Struct{o_0=Struct{a=Struct{x=1,y=2,z=[]}},d=Thu Feb 29 00:00:00 UTC 2024}"},
		{"another member between", slices.Concat(bytesField(2, x), varintField(3, 5), date, bytesField(2, y)), "Struct{o_0=Struct{a=Struct{x=0,y=2,z=[]}},d=Thu Feb 29 00:00:00 UTC 2024}"},
		{"the last member", slices.Concat(bytesField(2, x), date, varintField(3, 5)), "Struct{o_0=Struct{b=5},d=Thu Feb 29 00:00:00 UTC 2024}"},
	} {
		got, err := read(t, text, c.content, nil)
		if err != nil || got.Value.Text() != c.want {
			t.Errorf("%s: %s, %v; expected %s", c.name, got.Value.Text(), err, c.want)
		}
	}
	// A part that is no message by itself is an error, though both together are one.
	for _, content := range [][]byte{
		slices.Concat(bytesField(1, []byte{0x08}), bytesField(1, []byte{0x01})),
		slices.Concat(bytesField(2, []byte{0x08}), varintField(3, 1)),
	} {
		if got, err := read(t, text, content, nil); errs.Class(err) != errs.ClassData {
			t.Errorf("%x: %s, %v", content, got.Value.Text(), err)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	const text = `syntax = "proto3"; message N { N n = 1; repeated N l = 2; map<int32, N> m = 3; }`
	nested := func(depth int, number protowire.Number) []byte {
		var b []byte
		for range depth {
			b = bytesField(number, b)
		}
		return b
	}
	for _, number := range []protowire.Number{1, 2, 7} {
		for depth, want := range map[int]bool{100: true, 101: number == 7} {
			if _, err := read(t, text, nested(depth, number), nil); (err == nil) != want {
				t.Errorf("%d levels of field %d: %v", depth, number, err)
			}
		}
	}
	group := slices.Concat(bytes.Repeat(protowire.AppendTag(nil, 9, protowire.StartGroupType), 101), bytes.Repeat(protowire.AppendTag(nil, 9, protowire.EndGroupType), 101))
	if _, err := read(t, text, group, nil); err == nil {
		t.Error("101 groups were read")
	}
	if _, err := read(t, text, nil, map[string]string{"generate.struct.for.nulls": "true"}); errs.Class(err) != classStackOverflow {
		t.Errorf("a message that holds itself without end: %v", err)
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		year, month, day int32
		want             string
	}{
		{2024, 2, 29, ""}, {1582, 10, 4, ""}, {1582, 10, 15, ""}, {1, 1, 1, ""}, {9999, 12, 31, ""}, {1500, 2, 29, ""},
		{2023, 2, 29, "MONTH: 1 -> 2"}, {2024, 4, 31, "MONTH: 3 -> 4"}, {0, 1, 1, "YEAR"}, {-5, 1, 1, "YEAR"},
		{2024, 0, 1, "MONTH"}, {2024, 13, 1, "MONTH"}, {2024, 1, 0, "DAY_OF_MONTH"}, {2024, 1, 32, "DAY_OF_MONTH"},
		{1582, 10, 10, "the specified date doesn't exist"}, {1900, 2, 29, "MONTH: 1 -> 2"},
	} {
		millis, err := dateOf(c.year, c.month, c.day)
		if c.want != "" {
			if m, _ := errs.Message(err); err == nil || m != c.want {
				t.Errorf("%v: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		b, err := appendDate(nil, millis)
		want := slices.Concat(varintField(1, uint64(c.year)), varintField(2, uint64(c.month)), varintField(3, uint64(c.day)))
		if err != nil || !bytes.Equal(b, want) {
			t.Errorf("%v comes back as %x, %v", c, b, err)
		}
	}
}

func TestDecimalsAreRoundedToTheirPrecision(t *testing.T) {
	for _, c := range []struct {
		unscaled         int64
		precision, scale int32
		want             string
	}{
		{12345, 0, 2, "123.45"}, {12345, 5, 2, "123.45"}, {12345, 3, 2, "123"}, {12345, 4, 2, "123.5"},
		{-12345, 4, 2, "-123.5"}, {99999, 3, 2, "1.00E+3"}, {5, 1, 0, "5"}, {0, 1, 1, "0.0"},
	} {
		b := schema.DecimalFromInt64(c.unscaled, c.scale).UnscaledBytes()
		d, err := decimalOf(b, c.precision, c.scale)
		if err != nil || d.String() != c.want {
			t.Errorf("%v: %v, %v", c, d, err)
		}
	}
	if _, err := decimalOf(nil, 0, 0); errs.Class(err) != errs.ClassNumberFormat {
		t.Errorf("no bytes: %v", err)
	}
	if _, err := decimalOf([]byte{1}, -1, 0); errs.Class(err) != errs.ClassIllegalArgument {
		t.Errorf("negative precision: %v", err)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a_b": "a_b", "1st": "x1st", "_u": "x_u", "a b": "a_b", "a/b": "a_2Fb", "é": "_C3_A9", "a+b": "a_2Bb", "a-b.c*": "a_b_c_", "%": "_25",
	} {
		if got := scrub(in); got != want {
			t.Errorf("scrub(%q) = %q, expected %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"m": "mEntry", "my_map": "MyMapEntry", "ConnectDefault1": "ConnectDefault1Entry", "A_B": "ABEntry"} {
		if got := mapEntry(in); got != want {
			t.Errorf("mapEntry(%q) = %q, expected %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"MyMapEntry": "my_map", "ConnectDefault1Entry": "connect_default1", "a.b.MyMapEntry": "a.b.my_map", "Plain": "Plain"} {
		if got := mapField(in); got != want {
			t.Errorf("mapField(%q) = %q, expected %q", in, got, want)
		}
	}
}

func TestLongContentsHaveLongLengths(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, 2097152} {
		b, at := begin([]byte{1})
		b = end(append(b, bytes.Repeat([]byte{7}, n)...), at)
		content, size, err := chunk(b[1:])
		if err != nil || len(content) != n || size != len(b)-1 {
			t.Errorf("%d bytes: %d of %d, %v", n, len(content), size, err)
		}
	}
}

func TestVarints(t *testing.T) {
	for _, v := range []uint64{0, 1, 127, 128, math.MaxUint32, math.MaxUint64} {
		got, n, err := varint(protowire.AppendVarint(nil, v))
		if err != nil || got != v || n != protowire.SizeVarint(v) {
			t.Errorf("%d: %d, %d, %v", v, got, n, err)
		}
	}
	for _, b := range [][]byte{{}, {0x80}, bytes.Repeat([]byte{0xff}, 9)} {
		if _, _, err := varint(b); err != errTruncated {
			t.Errorf("%x: %v", b, err)
		}
	}
	if _, _, err := varint(bytes.Repeat([]byte{0xff}, 11)); err != errVarint {
		t.Errorf("eleven bytes: %v", err)
	}
}

func TestWhatARecordIsInWords(t *testing.T) {
	_, err := read(t, `syntax = "proto3"; message R { int32 a = 1; }`, []byte{0x0a}, nil)
	if trace := errs.Trace(err); !strings.Contains(trace, "Failed to deserialize data for topic t to Protobuf:") || !strings.Contains(trace, "id=1") || !strings.Contains(trace, "ended unexpectedly") {
		t.Error(trace)
	}
}

func TestAOneofMayHaveNoMembers(t *testing.T) {
	got, err := read(t, `syntax = "proto3"; message R { oneof none {} int32 a = 1; oneof some { int32 b = 2; } }`, varintField(1, 5), nil)
	if err != nil || got.Value.Text() != "Struct{a=5}" || len(got.Schema.Fields()) != 3 {
		t.Errorf("%s, %v", got.Value.Text(), err)
	}
}
