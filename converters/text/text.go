// Package text is Connect's StringConverter: any value as the text that Java's
// toString gives, in a character set of choice; on reading, always a string.
package text

import (
	"context"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/settings"
)

// Class is the Java class that the converters stand for.
const Class = "org.apache.kafka.connect.storage.StringConverter"

const encodingKey = "converter.encoding"

func definition() *configdef.Def {
	return settings.Def(
		configdef.Optional(encodingKey, configdef.String, "UTF-8", configdef.High,
			"The name of the Java character set to use for encoding strings as byte arrays.").
			WithGroup("", -1, configdef.WidthMedium, "Encoding"),
	)
}

// codec is what both faces share.
type codec struct{ writes, reads charset }

func (c *codec) configure(props map[string]string, role settings.Role) error {
	config, err := settings.Parse(definition(), props, role)
	if err != nil {
		return err
	}
	// The serializers inside Connect's converter see its whole configuration, so
	// that their own keys count before the converter's.
	side := "value."
	if role == settings.Key {
		side = "key."
	}
	pick := func(key string) string {
		if name, ok := props[side+key]; ok {
			return name
		}
		return config.String(encodingKey)
	}
	if c.writes, err = find(pick("serializer.encoding")); err != nil {
		return err
	}
	c.reads, err = find(pick("deserializer.encoding"))
	return err
}

func (c *codec) appendTo(dst []byte, v schema.Value) []byte {
	if v.Kind() == schema.KindString {
		return c.writes.appendTo(dst, v.Str())
	}
	if _, ok := c.writes.(utf8Set); ok && !holdsText(v) {
		return v.AppendText(dst)
	}
	return c.writes.appendTo(dst, v.Text())
}

// holdsText says whether a value's text may hold anything but ASCII.
func holdsText(v schema.Value) bool {
	switch v.Kind() {
	case schema.KindString, schema.KindArray, schema.KindMap, schema.KindStruct:
		return true
	}
	return false
}

func (c *codec) encode(v schema.Value) []byte {
	if v.IsNull() {
		return nil
	}
	if v.Kind() == schema.KindString {
		return c.appendTo(make([]byte, 0, len(v.Str())), v)
	}
	return c.appendTo([]byte{}, v)
}

func (c *codec) decode(b []byte) (connect.SchemaAndValue, error) {
	sv := connect.SchemaAndValue{Schema: schema.OptionalOf(schema.String)}
	if b != nil {
		sv.Value = schema.OfString(c.reads.decode(b))
	}
	return sv, nil
}

// ConfigDef defines the settings.
func (*codec) ConfigDef() *configdef.Def { return definition() }

// Close does nothing.
func (*codec) Close() error { return nil }

// Converter converts keys and values.
type Converter struct{ codec }

// New returns a converter that is yet to be configured.
func New() *Converter { return &Converter{} }

// Configure implements connect.Converter.
func (c *Converter) Configure(props map[string]string, isKey bool) error {
	return c.configure(props, settings.For(isKey))
}

// FromConnectData implements connect.Converter.
func (c *Converter) FromConnectData(_ context.Context, _ string, _ *connect.RawHeaders, _ *schema.Schema, v schema.Value) ([]byte, error) {
	return c.encode(v), nil
}

// AppendConnectData implements connect.Appender.
func (c *Converter) AppendConnectData(_ context.Context, dst []byte, _ string, _ *connect.RawHeaders, _ *schema.Schema, v schema.Value) ([]byte, bool, error) {
	if v.IsNull() {
		return dst, false, nil
	}
	return c.appendTo(dst, v), true, nil
}

// ToConnectData implements connect.Converter.
func (c *Converter) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	return c.decode(b)
}

// HeaderConverter converts headers.
type HeaderConverter struct{ codec }

// NewHeader returns a header converter that is yet to be configured.
func NewHeader() *HeaderConverter { return &HeaderConverter{} }

// Configure implements connect.HeaderConverter.
func (c *HeaderConverter) Configure(props map[string]string) error {
	return c.configure(props, settings.Header)
}

// FromConnectHeader implements connect.HeaderConverter.
func (c *HeaderConverter) FromConnectHeader(_, _ string, _ *schema.Schema, v schema.Value) ([]byte, error) {
	return c.encode(v), nil
}

// ToConnectHeader implements connect.HeaderConverter.
func (c *HeaderConverter) ToConnectHeader(_, _ string, b []byte) (connect.SchemaAndValue, error) {
	return c.decode(b)
}
