// Package bytes is Connect's ByteArrayConverter: it passes bytes through.
package bytes

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/settings"
)

// Class is the Java class that the converters stand for.
const Class = "org.apache.kafka.connect.converters.ByteArrayConverter"

// codec is what both faces share.
type codec struct{}

func encode(s *schema.Schema, v schema.Value) ([]byte, error) {
	if s != nil && s.Type() != schema.Bytes {
		return nil, errs.Data("Invalid schema type for ByteArrayConverter: " + s.Type().String())
	}
	switch v.Kind() {
	case schema.KindNull:
		return nil, nil
	case schema.KindBytes:
		return v.Bytes(), nil
	}
	return nil, errs.Data("ByteArrayConverter is not compatible with objects of type class " + v.Kind().JavaClass())
}

func decode(b []byte) (connect.SchemaAndValue, error) {
	sv := connect.SchemaAndValue{Schema: schema.OptionalOf(schema.Bytes)}
	if b != nil {
		sv.Value = schema.OfBytes(b)
	}
	return sv, nil
}

// ConfigDef defines the settings, of which the converter uses none.
func (codec) ConfigDef() *configdef.Def { return settings.Def() }

// Close does nothing.
func (codec) Close() error { return nil }

// Converter converts keys and values.
type Converter struct{ codec }

// New returns a converter.
func New() *Converter { return &Converter{} }

// Configure takes any settings and uses none, not even to check them, as in Connect.
func (*Converter) Configure(map[string]string, bool) error { return nil }

// FromConnectData implements connect.Converter.
func (*Converter) FromConnectData(_ context.Context, _ string, _ *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	return encode(s, v)
}

// AppendConnectData implements connect.Appender.
func (*Converter) AppendConnectData(_ context.Context, dst []byte, _ string, _ *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	b, err := encode(s, v)
	if err != nil || b == nil {
		return dst, false, err
	}
	return append(dst, b...), true, nil
}

// ToConnectData implements connect.Converter.
func (*Converter) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	return decode(b)
}

// HeaderConverter converts headers.
type HeaderConverter struct{ codec }

// NewHeader returns a header converter.
func NewHeader() *HeaderConverter { return &HeaderConverter{} }

// Configure takes any settings and uses none.
func (*HeaderConverter) Configure(map[string]string) error { return nil }

// FromConnectHeader implements connect.HeaderConverter.
func (*HeaderConverter) FromConnectHeader(_, _ string, s *schema.Schema, v schema.Value) ([]byte, error) {
	return encode(s, v)
}

// ToConnectHeader implements connect.HeaderConverter.
func (*HeaderConverter) ToConnectHeader(_, _ string, b []byte) (connect.SchemaAndValue, error) {
	return decode(b)
}
