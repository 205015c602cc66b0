package json

import (
	"testing"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/schema"
)

var seeds = []string{
	"", "null", "1", "-0.0", "1e400", `"x"`, "[1,[2],{}]", `{"a":1,"b":[true,null],"a":2}`, `{"a":{"b":{"c":[1.5,"é\ud83d"]}}}`,
	"{\"a\":1}garbage", "[1,]", "\xef\xbb\xbf{}", "[\x00", "\"\xed\xa0\xbd\"", "12345678901234567890", flat,
}

// The quick way of reading gives what the thorough way gives, and what was read
// can be written and read again.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	quick := NewDecoder(Options{})
	f.Fuzz(func(t *testing.T, b []byte) {
		thorough := NewDecoder(Options{})
		want, wantErr := schema.Value{}, thorough.scan.scan(b)
		if wantErr == nil {
			want, wantErr = thorough.value(0)
		}
		if v, ok := quick.parse.read(b); ok && (wantErr != nil || !v.Equal(want)) {
			t.Fatalf("%q: %s, expected %s, %v", b, v.Text(), want.Text(), wantErr)
		}
		sv, err := quick.Decode(b)
		if err != nil || sv.Value.IsNull() {
			return
		}
		text, _, err := NewEncoder(Options{}).Append(nil, nil, sv.Value)
		if err != nil {
			t.Fatalf("%q: cannot be written again: %v", b, err)
		}
		if !utf8.Valid(text) {
			t.Fatalf("%q: written as %q", b, text)
		}
		again, err := NewDecoder(Options{}).Decode(text)
		if err != nil || !same(again.Value, sv.Value) {
			t.Fatalf("%q: %s, and again %s, %v", b, sv.Value.Text(), again.Value.Text(), err)
		}
	})
}

// same is Equal, but that infinities are written as strings and -0.0 as what reads as 0.0.
func same(a, b schema.Value) bool { return a.Equal(b) || a.Text() == b.Text() || hasOddFloat(b) }

func hasOddFloat(v schema.Value) bool {
	switch v.Kind() {
	case schema.KindFloat64:
		f := v.Float64()
		return f == 0 || f-f != 0
	case schema.KindArray:
		for _, e := range v.Array() {
			if hasOddFloat(e) {
				return true
			}
		}
	case schema.KindMap:
		for _, e := range v.Map().All() {
			if hasOddFloat(e) {
				return true
			}
		}
	}
	return false
}

// Whatever an envelope holds, it is read or refused; what was read is written and
// read again, with and without the cache alike.
func FuzzDecodeEnvelope(f *testing.F) {
	for _, s := range []string{
		enveloped, `{"schema":null,"payload":[1]}`, `{"schema":{"type":"int8","default":1,"optional":true},"payload":null}`,
		`{"payload":[[1,"a"]],"schema":{"type":"map","keys":{"type":"int32"},"values":{"type":"string","optional":true}}}`,
		`{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},"payload":"AQ=="}`,
		`{"schema":{"type":"struct","fields":[{"field":"a","type":"array","items":{"type":"string"}}]},"payload":{"a":[1]}}`,
	} {
		f.Add([]byte(s))
	}
	kept := NewDecoder(Options{SchemasEnable: true, CacheSize: 4, ReplaceNull: true})
	f.Fuzz(func(t *testing.T, b []byte) {
		fresh := NewDecoder(Options{SchemasEnable: true, ReplaceNull: true})
		want, wantErr := fresh.Decode(b)
		for range 2 {
			got, err := kept.Decode(b)
			if (err == nil) != (wantErr == nil) || err == nil && (!got.Schema.Equal(want.Schema) || !got.Value.Equal(want.Value)) {
				t.Fatalf("%q: %s, %v with the cache; %s, %v without", b, got.Value.Text(), err, want.Value.Text(), wantErr)
			}
		}
		if wantErr != nil {
			return
		}
		text, ok, err := NewEncoder(Options{SchemasEnable: true}).Append(nil, want.Schema, want.Value)
		if err != nil || !ok {
			return // a null or a decimal that its own schema does not allow
		}
		again, err := NewDecoder(Options{SchemasEnable: true}).Decode(text)
		if err != nil || !again.Schema.Equal(want.Schema) {
			t.Fatalf("%q: written as %q, and read as %v, %v", b, text, again.Schema, err)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\xed\xa0\xbd😀\xff")
	f.Fuzz(func(t *testing.T, s string) {
		text := AppendString(nil, s)
		sv, err := NewDecoder(Options{}).Decode(text)
		if err != nil || utf8.ValidString(s) && sv.Value.Str() != s {
			t.Errorf("%q is written %s, which reads as %v, %v", s, text, sv.Value.Text(), err)
		}
	})
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "AQ==", "AQL/", " AQ== AQ==", "AQ", "A Q==", "=", "AQ==\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := decodeBase64(s); err == nil && len(b) > len(s) {
			t.Errorf("%q gives %d bytes", s, len(b))
		}
	})
}
