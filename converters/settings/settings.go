// Package settings is what Connect's own converters have in common: the setting
// converter.type, which the runtime fills in (org.apache.kafka.connect.storage.ConverterConfig).
package settings

import (
	"maps"

	"github.com/moldau-io/moldau/connect/configdef"
)

// Role says what a converter converts; its text is the value of converter.type.
type Role string

// The roles.
const (
	Key    Role = "key"
	Value  Role = "value"
	Header Role = "header"
)

// TypeKey is the setting that holds the role.
const TypeKey = "converter.type"

// Def returns the definition of converter.type followed by a converter's own settings.
func Def(own ...configdef.Key) *configdef.Def {
	return configdef.New(
		configdef.Required(TypeKey, configdef.String, configdef.Low, "How this converter will be used.").
			WithValidator(configdef.ValidString(string(Key), string(Value), string(Header))),
	).Define(own...)
}

// For returns the role of a converter of keys or of values.
func For(isKey bool) Role {
	if isKey {
		return Key
	}
	return Value
}

// Parse parses the settings of a converter in the given role.
func Parse(def *configdef.Def, props map[string]string, role Role) (*configdef.Config, error) {
	with := make(map[string]string, len(props)+1)
	maps.Copy(with, props)
	with[TypeKey] = string(role)
	return def.Parse(with)
}
