// Package numbers is Connect's converters of single numbers and booleans, which
// write Kafka's fixed big-endian forms: Short, Integer, Long, Float, Double and
// Boolean.
package numbers

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/settings"
)

// Type is one of the converters.
type Type struct {
	// Class is the Java class that the converters stand for.
	Class string

	name   string
	kind   schema.Kind
	schema *schema.Schema
	size   int
	// reader is what Kafka's deserializer calls itself in its error.
	reader string
}

// The types. Float and Double share a mistake in the error of their deserializers'
// text, which does not name them.
func types() []*Type {
	one := func(class, name, reader string, t schema.Type, size int) *Type {
		return &Type{"org.apache.kafka.connect.converters." + class, name, schema.Kind(t), schema.OptionalOf(t), size, reader}
	}
	return []*Type{
		one("ShortConverter", "short", "ShortDeserializer", schema.Int16, 2),
		one("IntegerConverter", "integer", "IntegerDeserializer", schema.Int32, 4),
		one("LongConverter", "long", "LongDeserializer", schema.Int64, 8),
		one("FloatConverter", "float", "Deserializer", schema.Float32, 4),
		one("DoubleConverter", "double", "Deserializer", schema.Float64, 8),
		one("BooleanConverter", "boolean", "BooleanDeserializer", schema.Boolean, 1),
	}
}

// Types returns the converters there are.
func Types() []*Type { return types() }

func (t *Type) appendTo(dst []byte, s *schema.Schema, v schema.Value) ([]byte, error) {
	if t.kind == schema.KindBoolean && s != nil && s.Type() != schema.Boolean {
		return dst, errs.Data("Invalid schema type for BooleanConverter: " + s.Type().String())
	}
	if v.Kind() != t.kind {
		class := v.Kind().JavaClass()
		if t.kind == schema.KindBoolean {
			return dst, errs.Data("BooleanConverter is not compatible with objects of type class " + class)
		}
		cast := errs.New(errs.ClassClassCast, "class %s cannot be cast to class %s", class, t.kind.JavaClass())
		return dst, errs.Wrap(errs.ClassData, cast, "Failed to serialize to %s (was class %s): ", t.name, class)
	}
	switch t.kind {
	case schema.KindInt16:
		return binary.BigEndian.AppendUint16(dst, uint16(v.Int16())), nil
	case schema.KindInt32:
		return binary.BigEndian.AppendUint32(dst, uint32(v.Int32())), nil
	case schema.KindInt64:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int64())), nil
	case schema.KindFloat32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(v.Float32())), nil
	case schema.KindFloat64:
		f := v.Float64()
		if f != f {
			f = math.Float64frombits(0x7ff8000000000000) // Java writes one NaN only, for doubles
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f)), nil
	}
	if v.Boolean() {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (t *Type) encode(s *schema.Schema, v schema.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, t.checkNull(s)
	}
	b, err := t.appendTo(make([]byte, 0, t.size), s, v)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// checkNull refuses a null whose schema is no boolean's, as BooleanConverter does.
func (t *Type) checkNull(s *schema.Schema) error {
	if t.kind == schema.KindBoolean && s != nil && s.Type() != schema.Boolean {
		return errs.Data("Invalid schema type for BooleanConverter: " + s.Type().String())
	}
	return nil
}

func (t *Type) decode(b []byte) (connect.SchemaAndValue, error) {
	sv := connect.SchemaAndValue{Schema: t.schema}
	if b == nil {
		return sv, nil
	}
	if len(b) != t.size {
		return connect.SchemaAndValue{}, t.unreadable("Size of data received by %s is not %d", t.reader, t.size)
	}
	switch t.kind {
	case schema.KindInt16:
		sv.Value = schema.OfInt16(int16(binary.BigEndian.Uint16(b)))
	case schema.KindInt32:
		sv.Value = schema.OfInt32(int32(binary.BigEndian.Uint32(b)))
	case schema.KindInt64:
		sv.Value = schema.OfInt64(int64(binary.BigEndian.Uint64(b)))
	case schema.KindFloat32:
		sv.Value = schema.OfFloat32(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case schema.KindFloat64:
		sv.Value = schema.OfFloat64(math.Float64frombits(binary.BigEndian.Uint64(b)))
	default:
		if b[0] > 1 {
			return connect.SchemaAndValue{}, t.unreadable("Unexpected byte received by BooleanDeserializer: %d", int8(b[0]))
		}
		sv.Value = schema.OfBoolean(b[0] == 1)
	}
	return sv, nil
}

func (t *Type) unreadable(format string, args ...any) error {
	return errs.Wrap(errs.ClassData, errs.New(errs.ClassSerialization, format, args...), "Failed to deserialize %s: ", t.name)
}

// ConfigDef defines the settings.
func (*Type) ConfigDef() *configdef.Def { return settings.Def() }

// Close does nothing.
func (*Type) Close() error { return nil }

// Converter converts keys and values.
type Converter struct{ *Type }

// New returns a converter of a type.
func (t *Type) New() *Converter { return &Converter{t} }

// Configure implements connect.Converter.
func (c *Converter) Configure(props map[string]string, isKey bool) error {
	_, err := settings.Parse(c.ConfigDef(), props, settings.For(isKey))
	return err
}

// FromConnectData implements connect.Converter.
func (c *Converter) FromConnectData(_ context.Context, _ string, _ *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, error) {
	return c.encode(s, v)
}

// AppendConnectData implements connect.Appender.
func (c *Converter) AppendConnectData(_ context.Context, dst []byte, _ string, _ *connect.RawHeaders, s *schema.Schema, v schema.Value) ([]byte, bool, error) {
	if v.IsNull() {
		return dst, false, c.checkNull(s)
	}
	out, err := c.appendTo(dst, s, v)
	return out, err == nil, err
}

// ToConnectData implements connect.Converter.
func (c *Converter) ToConnectData(_ context.Context, _ string, _ *connect.RawHeaders, b []byte) (connect.SchemaAndValue, error) {
	return c.decode(b)
}

// HeaderConverter converts headers.
type HeaderConverter struct{ *Type }

// NewHeader returns a header converter of a type.
func (t *Type) NewHeader() *HeaderConverter { return &HeaderConverter{t} }

// Configure implements connect.HeaderConverter.
func (c *HeaderConverter) Configure(props map[string]string) error {
	_, err := settings.Parse(c.ConfigDef(), props, settings.Header)
	return err
}

// FromConnectHeader implements connect.HeaderConverter.
func (c *HeaderConverter) FromConnectHeader(_, _ string, s *schema.Schema, v schema.Value) ([]byte, error) {
	return c.encode(s, v)
}

// ToConnectHeader implements connect.HeaderConverter.
func (c *HeaderConverter) ToConnectHeader(_, _ string, b []byte) (connect.SchemaAndValue, error) {
	return c.decode(b)
}
