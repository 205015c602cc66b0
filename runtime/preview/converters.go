package preview

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// converters are those that a connector's configuration names, made when first needed.
type converters struct {
	registry   *plugins.Registry
	connector  *settings.Connector
	schemas    func(registry.User, bool) registry.Client
	key, value connect.Converter
}

// of returns the converter of keys or values.
func (c *converters) of(isKey bool) (connect.Converter, error) {
	made, wanted, setting := &c.value, c.connector.Value, "value.converter"
	if isKey {
		made, wanted, setting = &c.key, c.connector.Key, "key.converter"
	}
	if *made != nil {
		return *made, nil
	}
	if wanted == nil {
		return nil, errs.Config("Bytes need a converter, and " + setting + " is not set").
			WithHint("a worker would take its own; name it in the connector's configuration")
	}
	p, ok := c.registry.Find(plugins.Converter, wanted.Class)
	if !ok {
		return nil, errs.InvalidValue(setting, wanted.Class, "Class "+wanted.Class+" could not be found.")
	}
	converter, err := p.NewConverter()
	if err != nil {
		return nil, err
	}
	if u, ok := converter.(registry.User); ok && c.schemas != nil {
		u.UseRegistry(c.schemas(u, isKey))
	}
	if err := converter.Configure(wanted.Props, isKey); err != nil {
		return nil, err
	}
	*made = converter
	return converter, nil
}

func (c *converters) decode(ctx context.Context, topic string, isKey bool, b []byte) (connect.SchemaAndValue, error) {
	converter, err := c.of(isKey)
	if err != nil {
		return connect.SchemaAndValue{}, err
	}
	return converter.ToConnectData(ctx, topic, nil, b)
}

// append adds keyBytes and valueBytes to an object. at is the setting of the
// converter that failed.
func (c *converters) append(ctx context.Context, dst []byte, r *connect.Record) (out []byte, at string, err error) {
	var raw connect.RawHeaders
	add := func(isKey bool, name string, s *schema.Schema, v schema.Value) error {
		converter, err := c.of(isKey)
		if err != nil {
			return err
		}
		b, err := converter.FromConnectData(ctx, r.Topic, &raw, s, v)
		if err != nil {
			return err
		}
		dst = append(append(append(dst, `,"`...), name...), `":`...)
		if b == nil {
			dst = append(dst, "null"...)
			return nil
		}
		dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
		return nil
	}
	if err := add(true, "keyBytes", r.KeySchema, r.Key); err != nil {
		return dst, "key.converter", err
	}
	if err := add(false, "valueBytes", r.ValueSchema, r.Value); err != nil {
		return dst, "value.converter", err
	}
	return dst, "", nil
}

func (c *converters) close() error {
	var all []error
	for _, converter := range []connect.Converter{c.key, c.value} {
		if converter != nil {
			all = append(all, converter.Close())
		}
	}
	return errors.Join(all...)
}
