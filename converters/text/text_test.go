package text

import (
	"context"
	"testing"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

var (
	_ connect.Converter       = (*Converter)(nil)
	_ connect.Appender        = (*Converter)(nil)
	_ connect.HeaderConverter = (*HeaderConverter)(nil)
)

func configured(t testing.TB, charset string) *Converter {
	t.Helper()
	c := New()
	props := map[string]string{}
	if charset != "" {
		props[encodingKey] = charset
	}
	if err := c.Configure(props, false); err != nil {
		t.Fatal(err)
	}
	return c
}

// The bytes are those of Java's getBytes.
func TestCharsets(t *testing.T) {
	for charset, want := range map[string]string{
		"": "aé中😀", "utf8": "aé中😀", "US-ASCII": "a???", "latin1": "a\xe9??", "windows-1252": "a\xe9??", "KOI8-R": "a???",
		"UTF-16": "\xfe\xff\x00a\x00\xe9\x4e\x2d\xd8\x3d\xde\x00", "UTF-16LE": "a\x00\xe9\x00\x2d\x4e\x3d\xd8\x00\xde",
		"x-UTF-16LE-BOM": "\xff\xfea\x00\xe9\x00\x2d\x4e\x3d\xd8\x00\xde", "UTF-32": "\x00\x00\x00a\x00\x00\x00\xe9\x00\x00\x4e\x2d\x00\x01\xf6\x00",
		"Shift_JIS": "a?\x92\x86?", "GBK": "a\xa8\xa6\xd6\xd0?",
	} {
		c := configured(t, charset)
		got, err := c.FromConnectData(context.Background(), "t", nil, nil, schema.OfString("aé中😀"))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; expected %q", charset, got, err, want)
		}
	}
	if got := configured(t, "UTF-16").encode(schema.OfString("")); len(got) != 0 {
		t.Errorf("no text has %q", got)
	}
}

func TestReading(t *testing.T) {
	for _, c := range []struct{ charset, bytes, want string }{
		{"", "aé\xff", "aé\ufffd"}, {"US-ASCII", "a\xc3\xa9", "a\ufffd\ufffd"}, {"ISO-8859-1", "a\xe9", "aé"},
		{"UTF-16", "\x00a", "a"}, {"UTF-16", "\xff\xfea\x00", "a"}, {"UTF-16LE", "\xff\xfea\x00", "\ufeffa"}, {"UTF-16BE", "\x00a\x00", "a\ufffd"},
		{"UTF-32LE", "a\x00\x00\x00", "a"}, {"UTF-32", "\x00\x11\x00\x00", "\ufffd"}, {"windows-1252", "\x80", "€"}, {"KOI8-R", "\xc1", "а"},
	} {
		sv, err := configured(t, c.charset).ToConnectData(context.Background(), "t", nil, []byte(c.bytes))
		if err != nil || sv.Value.Str() != c.want || sv.Schema != schema.OptionalOf(schema.String) {
			t.Errorf("%s: %q reads as %q, %v; expected %q", c.charset, c.bytes, sv.Value.Text(), err, c.want)
		}
	}
}

func TestUnknownCharsets(t *testing.T) {
	for name, cause := range map[string]string{
		"nope": "java.nio.charset.UnsupportedCharsetException", "-x": "java.nio.charset.IllegalCharsetNameException", "a b": "java.nio.charset.IllegalCharsetNameException",
	} {
		err := New().Configure(map[string]string{encodingKey: name}, true)
		e, ok := err.(*errs.Error)
		if !ok || e.Class != errs.ClassSerialization || e.Message != "Unsupported encoding "+name || errs.Class(e.Cause) != cause {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Kafka's serializers see the converter's settings, and their own come first.
func TestSerializerSettings(t *testing.T) {
	c := New()
	if err := c.Configure(map[string]string{"key.serializer.encoding": "UTF-16BE", "value.deserializer.encoding": "nope"}, true); err != nil {
		t.Fatal(err)
	}
	if got := c.encode(schema.OfString("a")); string(got) != "\x00a" {
		t.Errorf("%q", got)
	}
}

func TestNulls(t *testing.T) {
	c := configured(t, "")
	if b, err := c.FromConnectData(context.Background(), "t", nil, schema.OptionalOf(schema.String), schema.Null()); b != nil || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if b, ok, err := c.AppendConnectData(context.Background(), nil, "t", nil, nil, schema.Null()); b != nil || ok || err != nil {
		t.Errorf("%q, %v, %v", b, ok, err)
	}
	if sv, err := c.ToConnectData(context.Background(), "t", nil, nil); err != nil || !sv.Value.IsNull() || sv.Schema == nil {
		t.Errorf("%v, %v", sv, err)
	}
	if b := c.encode(schema.OfString("")); b == nil || len(b) != 0 {
		t.Error("an empty string is null")
	}
}

func FuzzCharsets(f *testing.F) {
	f.Add([]byte("aé\xff\xfe\x00"), "UTF-16")
	f.Add([]byte("\x82\xa0"), "Shift_JIS")
	f.Add([]byte("\x00\x11\x00\x00"), "UTF-32")
	f.Fuzz(func(t *testing.T, b []byte, charset string) {
		cs, err := find(charset)
		if err != nil {
			return
		}
		s := cs.decode(b)
		if !utf8.ValidString(s) || len(s) > 16*len(b)+16 {
			t.Fatalf("%s: %q reads as %q", charset, b, s)
		}
		cs.appendTo(nil, s)
	})
}

func BenchmarkConverter(b *testing.B) {
	c := configured(b, "")
	ctx := context.Background()
	line := []byte("127.0.0.1 - - [29/Feb/2024:12:34:56 +0000] \"GET /index.html HTTP/1.1\" 200 4711 \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"")
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			if _, err := c.ToConnectData(ctx, "t", nil, line); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		v, buf := schema.OfString(string(line)), []byte(nil)
		b.ReportAllocs()
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			var err error
			if buf, _, err = c.AppendConnectData(ctx, buf[:0], "t", nil, nil, v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
