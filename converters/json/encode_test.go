package json

import (
	"errors"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func TestStringsAreWrittenAsJacksonWritesThem(t *testing.T) {
	for in, want := range map[string]string{
		"plain": `"plain"`, "": `""`, "q\"b\\s/": `"q\"b\\s/"`, "\b\t\n\f\r\x00\x1f\x7f": `"\b\t\n\f\r\u0000\u001F` + "\x7f\"",
		"é中": `"é中"`, "a😀b": `"a\uD83D\uDE00b"`, "\u2028": "\"\u2028\"", "lone \xed\xa0\xbd": `"lone \uD83D"`, "bad \xff": "\"bad \ufffd\"",
		"long enough for words 😀 and \"more\" to come": `"long enough for words \uD83D\uDE00 and \"more\" to come"`,
	} {
		if got := string(AppendString(nil, in)); got != want {
			t.Errorf("%q is written %s, expected %s", in, got, want)
		}
	}
}

func encode(t *testing.T, opts Options, s *schema.Schema, v schema.Value) (string, error) {
	t.Helper()
	out, ok, err := NewEncoder(opts).Append([]byte("<"), s, v)
	if err != nil && (ok || string(out) != "<") || err == nil && out[0] != '<' {
		t.Errorf("Append gives %q, %v, %v", out, ok, err)
	}
	return string(out[1:]), err
}

func TestSchemasThatContainThemselvesEnd(t *testing.T) {
	b := schema.NewStruct().Name("node").Optional()
	b.Field("next", b.Ref())
	s := b.MustBuild()
	v := schema.OfStruct(schema.NewStructValue(s))
	if _, err := encode(t, Options{SchemasEnable: true, CacheSize: 10}, s, v); errs.Class(err) != "java.lang.StackOverflowError" {
		t.Error(err)
	}
	// The value alone can be written.
	if got, err := encode(t, Options{CacheSize: 10}, s, v); err != nil || got != `{"next":null}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTooDeepToWrite(t *testing.T) {
	v := schema.OfInt8(1)
	for range 1000 {
		v = schema.OfArray([]schema.Value{v})
	}
	if got, err := encode(t, Options{}, nil, v); err != nil || !strings.HasPrefix(got, "[[[") {
		t.Errorf("1000 deep: %v", err)
	}
	for name, opts := range map[string]Options{"in an envelope": {SchemasEnable: true}, "one deeper": {}} {
		if name == "one deeper" {
			v = schema.OfArray([]schema.Value{v})
		}
		_, err := encode(t, opts, nil, v)
		if m, _ := errs.Message(err); m != "Converting Kafka Connect data to byte[] failed due to serialization error: " {
			t.Errorf("%s: %v", name, err)
		}
		if m, _ := errs.Message(errors.Unwrap(err)); m != "Error serializing JSON message" {
			t.Errorf("%s: caused by %v", name, errors.Unwrap(err))
		}
	}
}

func TestNullIsNoBytes(t *testing.T) {
	for _, opts := range []Options{{}, {SchemasEnable: true}} {
		if out, ok, err := NewEncoder(opts).Append(nil, nil, schema.Null()); out != nil || ok || err != nil {
			t.Errorf("%q, %v, %v", out, ok, err)
		}
	}
}

// Preparing a schema must not be done anew for each record.
func TestAppendDoesNotAllocate(t *testing.T) {
	for _, in := range benchInputs {
		opts := Options{SchemasEnable: in.schemas == "true", CacheSize: 10, ReplaceNull: true}
		sv := decode(t, opts, in.text)
		e := NewEncoder(opts)
		buf := make([]byte, 0, 4096)
		allocs := testing.AllocsPerRun(100, func() {
			if _, _, err := e.Append(buf, sv.Schema, sv.Value); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", in.name, allocs)
		}
	}
}
