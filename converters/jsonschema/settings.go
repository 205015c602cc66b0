package jsonschema

import (
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
)

// Class is the Java class that the converter stands for.
const Class = "io.confluent.connect.json.JsonSchemaConverter"

// Names of the settings.
const (
	sumTypesKey      = "generalized.sum.type.support"
	ignoreDefaultKey = "ignore.default.for.nullables"
	cacheSizeKey     = "schemas.cache.config"
	additionalKey    = "object.additional.properties"
	nonRequiredKey   = "use.optional.for.nonrequired"
	modernKey        = "ignore.modern.dialects"
	decimalFormatKey = "decimal.format"
	flattenKey       = "flatten.singleton.unions"
	validateKey      = "json.fail.invalid.schema"
	indentKey        = "json.indent.output"
	typePropertyKey  = "type.property"
)

// keys returns the definitions of the converter's own settings, those of the registry
// and the wire format left out.
func keys() []configdef.Key {
	yes := func(name string, value bool, i configdef.Importance, doc string) configdef.Key {
		return configdef.Optional(name, configdef.Boolean, value, i, doc)
	}
	return []configdef.Key{
		yes(sumTypesKey, false, configdef.Medium, "Name unions and enums alike for all formats, so that data can go from one format to another."),
		yes(ignoreDefaultKey, false, configdef.Medium, "Write a null as null where the schema has a default, rather than as the default."),
		configdef.Optional(cacheSizeKey, configdef.Int, 1000, configdef.Low, "The number of schemas that are kept in memory."),
		yes(additionalKey, true, configdef.Medium, "Allow properties in written object schemas beyond those that are named."),
		yes(nonRequiredKey, false, configdef.Medium, "Make fields optional whose property a schema does not require."),
		yes(modernKey, false, configdef.Low, "Read schemas of drafts later than draft 7 as draft 7."),
		configdef.Optional(decimalFormatKey, configdef.String, "BASE64", configdef.Low, "How decimals are written: BASE64 of their bytes, or NUMERIC.").
			WithValidator(configdef.CaseInsensitiveValidString("BASE64", "NUMERIC")),
		yes(flattenKey, true, configdef.Low, "Read a union of one schema as that schema."),
		yes(validateKey, false, configdef.Medium, "Check each value against the JSON Schema, and fail where it does not match."),
		yes(indentKey, false, configdef.Medium, "Spread the written JSON over lines."),
		configdef.Optional(typePropertyKey, configdef.String, "javaType", configdef.Medium,
			"The property of a schema that names a Java class to read into. Values of such schemas cannot be read."),
	}
}

// parseOptions reads the converter's own settings.
func parseOptions(props map[string]string) (o Options, own settings, err error) {
	c, err := configdef.New(keys()...).Parse(props)
	if err != nil {
		return o, own, err
	}
	return Options{
			AdditionalProperties:      c.Bool(additionalKey),
			OptionalForNonRequired:    c.Bool(nonRequiredKey),
			IgnoreModernDialects:      c.Bool(modernKey),
			Numeric:                   strings.EqualFold(c.String(decimalFormatKey), "NUMERIC"),
			FlattenSingletonUnions:    c.Bool(flattenKey),
			GeneralizedSumTypes:       c.Bool(sumTypesKey),
			IgnoreDefaultForNullables: c.Bool(ignoreDefaultKey),
			Indent:                    c.Bool(indentKey),
		}, settings{
			validate:     c.Bool(validateKey),
			typeProperty: c.String(typePropertyKey),
			cacheSize:    max(1, int(c.Int(cacheSizeKey))),
		}, nil
}

// settings are those of the converter rather than of the mapping.
type settings struct {
	validate     bool
	typeProperty string
	cacheSize    int
}
