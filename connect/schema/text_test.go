package schema

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTexts(t *testing.T) {
	m := NewMap(1)
	m.PutString("a", OfString(`q"b\`))
	for _, c := range []struct {
		value       Value
		java, lists string
	}{
		{Null(), "null", "null"},
		{OfFloat32(1.5), "1.5", "1.5"},
		{OfString(`a"b`), `a"b`, `a"b`},
		{OfArray([]Value{OfString(`a"b\`), Null(), OfInt8(1)}), `[a"b\, null, 1]`, `["a\"b\\",null,1]`},
		{OfMap(m), `{a=q"b\}`, `{"a":"q\"b\\"}`},
		{OfStruct(sampleStruct()), "Struct{a=1,b=x}", `{"a":1,"b":"x"}`},
		{OfArray([]Value{OfBytes([]byte("hi"))}), "", `["aGk="]`},
		{OfBytes([]byte("hi")), "", "aGk="},
		{OfArray([]Value{OfDate(86_400_000)}), "[Fri Jan 02 00:00:00 UTC 1970]", "[1970-01-02]"},
	} {
		if got := c.value.Text(); c.java != "" && got != c.java {
			t.Errorf("Text: %s, expected %s", got, c.java)
		}
		if got := ConvertToString(c.value); got != c.lists {
			t.Errorf("ConvertToString: %s, expected %s", got, c.lists)
		}
	}
	if got := OfBytes([]byte{1}).Text(); !strings.HasPrefix(got, "[B@") {
		t.Errorf("bytes print as %s", got)
	}
}

func TestUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "é中😀": "é中😀", "a\xffb": "a\ufffdb", "\xc3": "\ufffd", "\xe2\x82": "\ufffd", "\xed\xa0\x80x": "\ufffdx",
		"\xf0\x9f\x98": "\ufffd", "\xc0\x80": "\ufffd\ufffd", "\xf5\x80": "\ufffd\ufffd",
	} {
		if got := DecodeUTF8([]byte(in)); got != want {
			t.Errorf("DecodeUTF8(%q) = %q, expected %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"é😀": "é😀", "a\xed\xa0\xbdb": "a?b", "a\xffb": "a\ufffdb"} {
		if got := EncodeUTF8(in); got != want {
			t.Errorf("EncodeUTF8(%q) = %q, expected %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"\x00a\x00b": "ab", "\xd8\x3d\xde\x00": "😀", "\xd8\x3d\x00a\x00b": "\ufffdb", "\xde\x00\x00a": "\ufffda", "\x00a\x00": "a\ufffd", "\x00a\xd8\x3d": "a\ufffd",
	} {
		if got := string(DecodeUTF16([]byte(in), binary.BigEndian)); got != want {
			t.Errorf("DecodeUTF16(%q) = %q, expected %q", in, got, want)
		}
	}
}

func FuzzDecodeUTF8(f *testing.F) {
	f.Add([]byte("a\xed\xa0\x80\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s := DecodeUTF8(b); !utf8.ValidString(s) || utf8.Valid(b) && s != string(b) {
			t.Errorf("%q gives %q", b, s)
		}
		if !utf8.Valid(DecodeUTF16(b, binary.LittleEndian)) || !utf8.ValidString(EncodeUTF8(string(b))) {
			t.Errorf("%q gives no UTF-8", b)
		}
	})
}

func FuzzParseString(f *testing.F) {
	for _, s := range []string{
		"1", "1.5", "true", "null", "[1,2]", `{"a":[1,null]}`, `["2024-02-29","12:34:56.789Z"]`, "2024-02-29T12:34:56.789Z",
		"[[1],[2.5]]", `{1:"x"}`, `\"`, "[", "{", "1,5", "12\\:34\\:56.789Z", "1e400", "9999999999E5-1-1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, v, found, err := ParseString(s)
		if err != nil {
			return
		}
		if !found != (javaTrim(s) == "null") {
			t.Errorf("%q: found = %v", s, found)
		}
		if found && typ.ValueKind() != v.Kind() {
			t.Errorf("%q: a %s for %s", s, v.Kind(), typ)
		}
		for _, convert := range []func(*Schema, Value) (Value, error){ConvertToBoolean, ConvertToInt8, ConvertToInt64, ConvertToFloat64, ConvertToDate, ConvertToTime, ConvertToTimestamp} {
			if r, err := convert(typ, v); err == nil && r.IsNull() && !v.IsNull() {
				t.Errorf("%q: converted to null", s)
			}
		}
		ConvertToString(v)
	})
}

// A text nested more deeply than Java's stack takes is an error, and no more than that.
func TestDeepTexts(t *testing.T) {
	if _, _, _, err := ParseString(strings.Repeat("[", 1_000_000)); err == nil {
		t.Error("a million brackets are taken for a value")
	}
	if _, v, _, err := ParseString(strings.Repeat("[", 1000) + strings.Repeat("]", 1000)); err != nil || v.Kind() != KindArray {
		t.Errorf("%v, %v", v.Kind(), err)
	}
}

func BenchmarkParseString(b *testing.B) {
	for _, s := range []string{"some text", "42", "1.5", "2024-02-29T12:34:56.789Z", "[1,2,3]"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, err := ParseString(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
