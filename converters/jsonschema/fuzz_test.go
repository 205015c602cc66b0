package jsonschema

import (
	"bytes"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// FuzzDocument reads hostile documents, and hostile values by them.
func FuzzDocument(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"$ref":"#"}}}`, `{"a":1,"b":{"a":2}}`},
		{`{"oneOf":[{"$ref":"#"},{"$ref":"#"}]}`, `1`},
		{`{"allOf":[{"$ref":"#"},{"type":"string","enum":["x",null]}]}`, `"x"`},
		{`{"definitions":{"a":{"anyOf":[{"$ref":"#/definitions/b"},{"$ref":"#/definitions/b"}]},"b":{"not":{"$ref":"#/definitions/a"}}},"$ref":"#/definitions/a"}`, `[]`},
		{`{"type":"number","connect.type":"bytes","title":"org.apache.kafka.connect.data.Decimal","default":1e99999999,"connect.parameters":{"scale":"2"}}`, `1E-99999999`},
		{`{"type":"array","connect.type":"map","items":{"type":"object","properties":{"key":{"type":"integer"},"value":{}}}}`, `[{"key":1,"value":2}]`},
		{`{"type":"number","minimum":1e9999999,"multipleOf":1e-9999999}`, `1e9999999`},
		{`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":["string","null"],"$ref":"#/$defs/x","$defs":{"x":{"prefixItems":[true]}}}`, `null`},
		{`{"type":"string","pattern":"(a+)+$"}`, `"aaaaaaaaaaaaaaaaaaaaab"`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, document, value []byte) {
		n, err := parse(document)
		if err != nil {
			return
		}
		c := NewCodec(Options{FlattenSingletonUnions: true, AdditionalProperties: true})
		m, err := c.load(n, nil)
		if err != nil {
			return
		}
		v, err := parse(value)
		if err != nil {
			return
		}
		valid := m.check(v, "#") == nil
		s, err := c.connectSchema(m, version{1, true})
		if err != nil {
			return
		}
		data, err := c.value(s, v)
		if err != nil || !valid {
			return
		}
		if _, _, err := c.Append(nil, s, data); err != nil && data.Kind() != schema.KindStruct && s.Type() < schema.Array && !s.IsLogical() {
			t.Fatalf("%s read by %s cannot be written: %v", value, document, err)
		}
	})
}

// FuzzParse checks that what is read is written as JSON that reads as the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,-0,1e5,"\ud83d\ude00\ud800",null,true]}`, `NaN`, `[`, `"\u00`, "\xff\xfe[\x00]\x00", `-Infinity`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parse(b)
		if err != nil || n.kind == missing || bytes.ContainsAny(b, "NI") {
			return
		}
		out := n.append(nil, json.AppendString)
		again, err := parse(out)
		if err != nil || !n.equal(again) {
			t.Fatalf("%q is written %q, which is another: %v", b, out, err)
		}
	})
}
