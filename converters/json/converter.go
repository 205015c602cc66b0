package json

import (
	"context"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/settings"
)

// Class is the Java class that the converter and the header converter stand for.
const Class = "org.apache.kafka.connect.json.JsonConverter"

// Names of the settings.
const (
	schemasEnableKey = "schemas.enable"
	cacheSizeKey     = "schemas.cache.size"
	decimalFormatKey = "decimal.format"
	replaceNullKey   = "replace.null.with.default"
)

func definition() *configdef.Def {
	return settings.Def(
		configdef.Optional(schemasEnableKey, configdef.Boolean, true, configdef.High,
			"Include schemas within each of the serialized values and keys.").
			WithGroup("Schemas", 0, configdef.WidthMedium, "Enable Schemas"),
		configdef.Optional(cacheSizeKey, configdef.Int, 1000, configdef.High,
			"The maximum number of schemas that can be cached in this converter instance.").
			WithGroup("Schemas", 1, configdef.WidthMedium, "Schema Cache Size"),
		configdef.Optional(decimalFormatKey, configdef.String, "BASE64", configdef.Low,
			"Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'").
			WithValidator(configdef.CaseInsensitiveValidString("BASE64", "NUMERIC")).
			WithGroup("Serialization", 0, configdef.WidthMedium, "Decimal Format"),
		configdef.Optional(replaceNullKey, configdef.Boolean, true, configdef.Low,
			"Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.").
			WithGroup("Serialization", 1, configdef.WidthMedium, "Replace null with default"),
	)
}

func parseOptions(props map[string]string, role settings.Role) (Options, error) {
	c, err := settings.Parse(definition(), props, role)
	if err != nil {
		return Options{}, err
	}
	return Options{
		SchemasEnable: c.Bool(schemasEnableKey),
		CacheSize:     int(c.Int(cacheSizeKey)),
		Numeric:       strings.EqualFold(c.String(decimalFormatKey), "NUMERIC"),
		ReplaceNull:   c.Bool(replaceNullKey),
	}, nil
}

// codec is what both faces share.
type codec struct {
	enc *Encoder
	dec *Decoder
	// scratch is where records are written before their size is known.
	scratch []byte
}

func (c *codec) configure(props map[string]string, role settings.Role) error {
	opts, err := parseOptions(props, role)
	if err != nil {
		return err
	}
	c.enc, c.dec = NewEncoder(opts), NewDecoder(opts)
	return nil
}

func (c *codec) encode(s *schema.Schema, v schema.Value) ([]byte, error) {
	out, ok, err := c.enc.Append(c.scratch[:0], s, v)
	if err != nil || !ok {
		return nil, err
	}
	if cap(out) <= maxScratch {
		c.scratch = out
	}
	return append(make([]byte, 0, len(out)), out...), nil
}

// maxScratch is the size in bytes from which the scratch space is not kept.
const maxScratch = 1 << 20

// ConfigDef defines the settings.
func (*codec) ConfigDef() *configdef.Def { return definition() }

// Close does nothing; the converter holds memory alone.
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
func (c *Converter) FromConnectData(_ context.Context, _ string, _ *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	return c.encode(s, v)
}

// AppendConnectData implements connect.Appender.
func (c *Converter) AppendConnectData(_ context.Context, dst []byte, _ string, _ *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	return c.enc.Append(dst, s, v)
}

// ToConnectData implements connect.Converter.
func (c *Converter) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	return c.dec.Decode(b)
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
func (c *HeaderConverter) FromConnectHeader(_, _ string, s *schema.Schema, v schema.Value) ([]byte, error) {
	return c.encode(s, v)
}

// ToConnectHeader implements connect.HeaderConverter.
func (c *HeaderConverter) ToConnectHeader(_, _ string, b []byte) (connect.SchemaAndValue, error) {
	return c.dec.Decode(b)
}
