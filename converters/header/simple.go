// Package header is Connect's SimpleHeaderConverter, the default for headers: it
// writes values in Connect's text form, and on reading guesses the type of a text.
package header

import (
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
)

// Class is the Java class that the converter stands for.
const Class = "org.apache.kafka.connect.storage.SimpleHeaderConverter"

// Simple is the converter. It can be used by many goroutines.
type Simple struct{}

// NewSimple returns a converter.
func NewSimple() *Simple { return &Simple{} }

// ConfigDef defines no settings.
func (*Simple) ConfigDef() *configdef.Def { return configdef.New() }

// Configure takes any settings and uses none.
func (*Simple) Configure(map[string]string) error { return nil }

// Close does nothing.
func (*Simple) Close() error { return nil }

// FromConnectHeader implements connect.HeaderConverter.
func (*Simple) FromConnectHeader(_, _ string, _ *schema.Schema, v schema.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	text := schema.AppendConverted([]byte{}, v)
	if !utf8.Valid(text) {
		text = []byte(schema.EncodeUTF8(string(text)))
	}
	return text, nil
}

// ToConnectHeader implements connect.HeaderConverter. A text that cannot be
// followed stays bytes.
func (*Simple) ToConnectHeader(_, _ string, b []byte) (connect.SchemaAndValue, error) {
	if b == nil {
		return connect.SchemaAndValue{}, nil
	}
	s, v, _, err := schema.ParseString(schema.DecodeUTF8(b))
	if err != nil {
		return connect.SchemaAndValue{Schema: schema.Of(schema.Bytes), Value: schema.OfBytes(b)}, nil
	}
	return connect.SchemaAndValue{Schema: s, Value: v}, nil
}

// ReturnsNull says whether Connect returns null for a text instead of a null value,
// which is told apart only by those who show what the converter did.
func (*Simple) ReturnsNull(b []byte) bool {
	if b == nil {
		return false
	}
	_, _, found, err := schema.ParseString(schema.DecodeUTF8(b))
	return err == nil && !found
}
