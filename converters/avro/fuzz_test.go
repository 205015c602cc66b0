package avro

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// FuzzSchema reads hostile schemas. What can be read is written as text that reads as
// the same, and bytes by it neither panic nor take much memory.
func FuzzSchema(f *testing.F) {
	for _, seed := range []string{
		`"int"`, `["null","int"]`, orderText, anythingText,
		`{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}`,
		`{"type":"record","name":"ns.N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"],"default":null}]}`,
		`{"type":"record","name":"A","fields":[{"name":"b","type":"B"},{"name":"c","type":{"type":"record","name":"B","fields":[]}}]}`,
		`{"type":"array","items":{"type":"record","name":"io.confluent.connect.avro.MapEntry","fields":[{"name":"key","type":"int"},{"name":"value","type":"io.confluent.connect.avro.MapEntry"}]}}`,
		`{"type":"fixed","name":"F","size":2147483647,"logicalType":"decimal","precision":1e9}`,
		`{"type":"enum","name":"E","symbols":["A","B"],"default":"B","aliases":["x.Y"],"doc":"d"}`,
		`{"type":"record","name":"D","fields":[{"name":"a","type":"float","default":"NaN"},{"name":"b","type":"bytes","default":"\u00ff"},{"name":"m","type":{"type":"map","values":"D"},"default":{"k":{}}}]}`,
		`{"type":"int","connect.type":"int8","connect.default":300,"connect.parameters":{"a":"b"},"avro.x":[1]}`,
		`{"type":"array","items":{"type":"array","items":"null"}}`,
		`["int",{"type":"fixed","name":"F","size":4},{"type":"record","name":"x.R","fields":[{"name":"u","type":["string","bytes"]}]}]`,
		"/* a comment */ {\"type\":\"long\"} // and another",
		`{"type":"record","name":"D","fields":[{"name":"0","type":{"type":"map","values":"D"},"default":{"":{}}}]}`,
		strings.Repeat("[", 2000), strings.Repeat(`{"type":"array","items":`, 300) + `"int"` + strings.Repeat("}", 300),
	} {
		f.Add([]byte(seed), []byte{2, 4, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1, 2})
	}
	f.Fuzz(func(t *testing.T, text, data []byte) {
		s, err := Parse(string(text))
		if err != nil {
			return
		}
		printed := s.String()
		again, err := Parse(printed)
		if err != nil || !again.equal(s) {
			if strings.Contains(string(text), "namespace") || strings.Contains(string(text), ".") {
				return // names that are none may be written as other names
			}
			t.Fatalf("%s is written %s, which is another: %v", text, printed, err)
		}
		Incompatible(s, again)
		m := defaults(t)
		r := m.newReading()
		to, err := r.schema(s, false, nil, nil, version{})
		d := source{b: data, arena: &schema.Arena{}, weightless: 1000}
		if err != nil {
			d.skip(s)
			return
		}
		v := r.decoder(s, s, to).read(&d)
		if d.failed != nil || d.refused != nil {
			return
		}
		own, err := m.avroSchema(to)
		if err != nil {
			return
		}
		if _, err := m.encoder(to, own, own).append(nil, v, 0); err != nil && errs.Class(err) == errs.ClassClassCast {
			t.Fatalf("%x by %s cannot be written: %v", data, text, err)
		}
	})
}

// FuzzBytes reads hostile records of many schemas, each also as another version.
func FuzzBytes(f *testing.F) {
	schemas := []string{
		orderText, anythingText, `"bytes"`, `["null","string","long"]`,
		`{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"]},{"name":"kids","type":{"type":"array","items":"N"}}]}`,
		`{"type":"array","items":{"type":"record","name":"E","fields":[]}}`,
		`{"type":"array","items":{"type":"record","name":"io.confluent.connect.avro.MapEntry","fields":[{"name":"key","type":["null","string"]},{"name":"value","type":"double"}]}}`,
		`{"type":"record","name":"R","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}},{"name":"t","type":{"type":"int","logicalType":"time-millis"}}]}`,
		`{"type":"record","name":"R","fields":[{"name":"d","type":["null",{"type":"fixed","name":"F","size":3},"bytes",{"type":"enum","name":"S","symbols":["A"]}]},{"name":"r","type":"R2"},{"name":"x","type":{"type":"record","name":"R2","fields":[]}}]}`,
	}
	later := map[int]string{
		0: `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"double"},{"name":"customer","type":"bytes"},{"name":"extra","type":{"type":"map","values":"int"},"default":{"a":1}}]}`,
		3: `["double","bytes"]`,
	}
	for i := range schemas {
		f.Add(byte(i), []byte{0, 2, 4, 'a', 'b', 0xfe, 0xff, 0xff, 0xff, 0x0f, 1})
		f.Add(byte(i), binary.AppendVarint(nil, 1<<40))
	}
	f.Fuzz(func(t *testing.T, which byte, payload []byte) {
		n := int(which) % len(schemas)
		r, props := holding(schemas[n]), map[string]string{}
		if text, ok := later[n]; ok && which >= 128 {
			r, props = holding(schemas[n], text), map[string]string{"use.latest.version": "true"}
		}
		sv, err := configured(t, r, props).ToConnectData(context.Background(), "t", nil, framed(1, payload...))
		if err != nil || sv.Schema == nil {
			return
		}
		if err := schema.ValidateValue(sv.Schema, sv.Value); err != nil {
			t.Fatalf("%x reads as what is not of its schema: %v", payload, err)
		}
		b, err := configured(t, holding(), nil).FromConnectData(context.Background(), "t", nil, sv.Schema, sv.Value)
		if err != nil {
			if errs.Class(err) != errs.ClassData {
				t.Fatalf("%x cannot be written again: %v", payload, err)
			}
			return
		}
		if b == nil {
			return
		}
	})
}
