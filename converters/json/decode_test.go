package json

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// What Jackson 2.19 says of texts that are no JSON, as Connect passes it on.
func TestErrorsOfBadTextsAreJacksons(t *testing.T) {
	const at = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "
	const token = "': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	for text, want := range map[string]string{
		"\"a\nb\"":   "core.JsonParseException: Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string value" + at + "1, column: 3]",
		"1.":         "core.JsonParseException: Unexpected character ('.' (code 46)) in numeric value: Decimal point not followed by a digit" + at + "1, column: 2]",
		"0x10":       "core.JsonParseException: Unexpected character ('x' (code 120)): Expected space separating root-level values" + at + "1, column: 2]",
		"1e":         "core.io.JsonEOFException: Unexpected end-of-input in null" + at + "1, column: 3]",
		"--1":        "core.JsonParseException: Unexpected character ('-' (code 45)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value" + at + "1, column: 2]",
		"NaN":        "core.JsonParseException: Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow" + at + "1, column: 4]",
		"-Infinity":  "core.JsonParseException: Non-standard token '-Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow" + at + "1, column: 10]",
		"nul":        "core.JsonParseException: Unrecognized token 'nul" + token + at + "1, column: 4]",
		"'a'":        "core.JsonParseException: Unexpected character (''' (code 39)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" + at + "1, column: 1]",
		"{a:1}":      "core.JsonParseException: Unexpected character ('a' (code 97)): was expecting double-quote to start field name" + at + "1, column: 2]",
		"[1,]":       "core.JsonParseException: Unexpected character (']' (code 93)): expected a value" + at + "1, column: 4]",
		"[1 2]":      "core.JsonParseException: Unexpected character ('2' (code 50)): was expecting comma to separate Array entries" + at + "1, column: 4]",
		`{"a" 1}`:    "core.JsonParseException: Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value" + at + "1, column: 6]",
		"{":          "core.io.JsonEOFException: Unexpected end-of-input: expected close marker for Object (start marker at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1])" + at + "1, column: 2]",
		"}":          "core.JsonParseException: Unexpected close marker '}': no open Object to close" + at + "1, column: 1]",
		`"abc`:       "core.io.JsonEOFException: Unexpected end-of-input in VALUE_STRING" + at + "1, column: 5]",
		"/* c */1":   "core.JsonParseException: Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)" + at + "1, column: 1]",
		"\xc2\xa01":  "core.JsonParseException: Invalid UTF-8 start byte 0xa0" + at + "1, column: 3]",
		"[1}":        "core.JsonParseException: Unexpected close marker '}': expected ']' (for Array starting at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1])" + at + "1, column: 3]",
		`"back\s"`:   "core.JsonParseException: Unrecognized character escape 's' (code 115)" + at + "1, column: 7]",
		"[\n\r\n x]": "core.JsonParseException: Unrecognized token 'x" + token + at + "3, column: 4]",
	} {
		d := NewDecoder(Options{})
		_, err := d.Decode([]byte(text))
		m, _ := errs.Message(err)
		if m != "Converting byte[] to Kafka Connect data failed due to serialization error: " || errs.Class(err) != errs.ClassData {
			t.Errorf("%q: %v", text, err)
			continue
		}
		cause := errors.Unwrap(err)
		if got, _ := errs.Message(cause); errs.Class(cause) != errs.ClassSerialization || got != "com.fasterxml.jackson."+want {
			t.Errorf("%q:\n got %s\nwant com.fasterxml.jackson.%s", text, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	digits := func(n int) string { return strings.Repeat("7", n) }
	for text, ok := range map[string]bool{
		nested(1000): true, nested(1001): false,
		strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000): true,
		strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001): false,
		digits(1000): true, digits(1001): false, "0000" + digits(1000): true, "-" + digits(1000): true,
		"1." + digits(999): true, "1." + digits(1000): false, "[" + digits(1001) + "]": false,
		`{"` + strings.Repeat("n", 50_000) + `":1}`: true, `{"` + strings.Repeat("n", 50_001) + `":1}`: false,
	} {
		if _, err := NewDecoder(Options{}).Decode([]byte(text)); (err == nil) != ok {
			t.Errorf("%.20s… of %d bytes: %v", text, len(text), err)
		}
	}
}

func TestLongStrings(t *testing.T) {
	for n, ok := range map[int]bool{maxStringLength: true, maxStringLength + 1: false} {
		text := `["` + strings.Repeat("x", n) + `"]`
		if _, err := NewDecoder(Options{}).Decode([]byte(text)); (err == nil) != ok {
			t.Errorf("a string of %d: %v", n, err)
		}
	}
	// Chars count, not bytes.
	if _, err := NewDecoder(Options{}).Decode([]byte(`"` + strings.Repeat("é", maxStringLength) + `"`)); err != nil {
		t.Error(err)
	}
}

func decode(t testing.TB, opts Options, text string) connect.SchemaAndValue {
	t.Helper()
	sv, err := NewDecoder(opts).Decode([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return sv
}

func TestStrings(t *testing.T) {
	for text, want := range map[string]string{
		`"plain"`: "plain", `"\u0041\n\/\"\\"`: "A\n/\"\\", `"é中😀"`: "é中😀", `"\ud83d\ude00"`: "😀",
		`"\ud83d"`: "\xed\xa0\xbd", `"\ude00x"`: "\xed\xb8\x80x",
		"\"\xc0\x80\"": "\x00", "\"\xed\xa0\xbd\xed\xb8\x80\"": "😀", "\"\xe0\x81\x81\"": "A",
	} {
		// Within an object, a string takes another way.
		for _, sv := range []schema.Value{decode(t, Options{}, text).Value, first(decode(t, Options{}, `{"k":`+text+`}`).Value)} {
			if sv.Str() != want {
				t.Errorf("%s = %q, expected %q", text, sv.Str(), want)
			}
		}
	}
}

func first(v schema.Value) schema.Value { return v.Map().Entries()[0].Value }

func TestEncodings(t *testing.T) {
	for name, text := range map[string]string{
		"UTF-8 with mark": "\xef\xbb\xbf[1]", "UTF-16BE": "\x00[\x001\x00]", "UTF-16LE": "[\x001\x00]\x00", "UTF-16 with mark": "\xff\xfe[\x001\x00]\x00",
		"UTF-32BE": "\x00\x00\x00[\x00\x00\x001\x00\x00\x00]", "UTF-32LE": "[\x00\x00\x001\x00\x00\x00]\x00\x00\x00",
	} {
		if got := decode(t, Options{}, text).Value.Text(); got != "[1]" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Objects of one shape after another, of another shape, and with repeated names,
// all read as if each were the first.
func TestShapesDoNotLeakFromRecordToRecord(t *testing.T) {
	d := NewDecoder(Options{})
	for round := range 300 {
		for _, c := range []struct{ text, want string }{
			{`{"id":1,"name":"a","sub":{"x":1,"y":2},"list":[{"k":1},{"k":2}]}`, "{id=1, name=a, sub={x=1, y=2}, list=[{k=1}, {k=2}]}"},
			{`{"id":2,"sub":{"y":2,"x":1},"name":"b"}`, "{id=2, sub={y=2, x=1}, name=b}"},
			{`{ "id" : 3 , "extra" : true , "id":4 }`, "{id=4, extra=true}"},
			{`{"name":"c","name":"d","id":1}`, "{name=d, id=1}"},
			{fmt.Sprintf(`{"k%d":{"v%d":1},"id":5}`, round, round), fmt.Sprintf("{k%d={v%d=1}, id=5}", round, round)},
			{`{}`, "{}"},
			{`[{"id":1},[],{"id":2.5,"z":null}]`, "[{id=1}, [], {id=2.5, z=null}]"},
			{`{"n":-0,"f":-0.0,"e":1e3,"big":12345678901234567890,"long":123456789012345678}`, "{n=0, f=0.0, e=1000.0, big=-6101065172474983726, long=123456789012345678}"},
		} {
			sv, err := d.Decode([]byte(c.text))
			if err != nil || sv.Value.Text() != c.want {
				t.Fatalf("round %d: %s = %s, %v; expected %s", round, c.text, sv.Value.Text(), err, c.want)
			}
		}
	}
	if d.parse.shapes > maxShapes {
		t.Errorf("%d shapes", d.parse.shapes)
	}
}

func TestEnvelopeSchemasAreKept(t *testing.T) {
	d := NewDecoder(Options{SchemasEnable: true, CacheSize: 10})
	texts := []string{
		`{"schema":{"type":"int32"},"payload":%d}`, `{"payload":%d,"schema":{"type":"int64"}}`,
		`{"schema":{"type":"int32","optional":true},"payload":%d}`, `{"schema":{"type":"int32"} ,"payload":%d}`,
	}
	seen := map[string]*schema.Schema{}
	for round := range 50 {
		for _, text := range texts {
			sv, err := d.Decode(fmt.Appendf(nil, text, round))
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := sv.Value.Integer(); n != int64(round) {
				t.Errorf("%s: read %d in round %d", text, n, round)
			}
			if s := seen[text]; s != nil && s != sv.Schema {
				t.Errorf("%s: the schema was read again", text)
			}
			seen[text] = sv.Schema
		}
	}
	if seen[texts[0]] != seen[texts[3]] || seen[texts[0]].Optional() || !seen[texts[2]].Optional() {
		t.Error("schemas were mixed up")
	}
}

func TestSchemaCacheIsBounded(t *testing.T) {
	d := NewDecoder(Options{SchemasEnable: true, CacheSize: 3})
	for i := range 100 {
		if _, err := d.Decode(fmt.Appendf(nil, `{"schema":{"type":"int32","doc":"%d"},"payload":1}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for i := range 100 {
		if _, ok := d.known.Get(fmt.Sprintf(`{"type":"int32","doc":"%d"}`, i)); ok {
			n++
		}
	}
	if n > 3 {
		t.Errorf("%d schemas are kept", n)
	}
}

// The value of a view must stay good when the next record is read.
func TestDefaultsAreNotViews(t *testing.T) {
	text := []byte(`{"schema":{"type":"string","optional":true,"default":"kept"},"payload":null}`)
	d := NewDecoder(Options{SchemasEnable: true, CacheSize: 10, ReplaceNull: true})
	sv, err := d.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if sv.Value.Str() != "kept" || sv.Schema.Default().Str() != "kept" {
		t.Errorf("%q, %q", sv.Value.Str(), sv.Schema.Default().Str())
	}
}

// What a record costs must not depend on the size of those before it by much.
func TestSmallObjectsAfterLargeOnes(t *testing.T) {
	var large strings.Builder
	for i := range 100 {
		fmt.Fprintf(&large, `"name%d":%d,`, i, i)
	}
	text := []byte(`[{` + large.String() + `"z":1}` + strings.Repeat(`,{"z":1}`, 10_000) + `]`)
	d := NewDecoder(Options{})
	for range 3 {
		if _, err := d.Decode(text); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := d.Decode(text); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if perObject := (after.TotalAlloc - before.TotalAlloc) / 10_000; perObject > 300 {
		t.Errorf("%d bytes for each small object", perObject)
	}
}
