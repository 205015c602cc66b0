package avro

import (
	"github.com/moldau-io/moldau/connect/configdef"
)

// Class is the Java class that the converter stands for.
const Class = "io.confluent.connect.avro.AvroConverter"

// Names of the settings (AvroDataConfig, KafkaAvroSerializerConfig and
// KafkaAvroDeserializerConfig).
const (
	sumTypesKey      = "generalized.sum.type.support"
	ignoreDefaultKey = "ignore.default.for.nullables"
	cacheSizeKey     = "schemas.cache.config"
	enhancedKey      = "enhanced.avro.schema.support"
	scrubKey         = "scrub.invalid.names"
	metadataKey      = "connect.meta.data"
	discardKey       = "discard.type.doc.default"
	optionalKeysKey  = "allow.optional.map.keys"
	flattenKey       = "flatten.singleton.unions"
	logicalKey       = "avro.use.logical.type.converters"
	reflectionKey    = "avro.reflection.allow.null"
	javaPropsKey     = "avro.remove.java.properties"
	specificKey      = "specific.avro.reader"
	specificKeyKey   = "specific.avro.key.type"
	specificValueKey = "specific.avro.value.type"
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
		yes(enhancedKey, false, configdef.Medium, "Write enums as enums, and tell types in unions apart by their namespaces."),
		yes(scrubKey, false, configdef.Medium, "Make valid names of those that Avro does not allow. Names are not changed back when data is read."),
		yes(metadataKey, true, configdef.Low, "Keep what Avro has no place for in properties of the schema: names, versions, documentation, parameters, defaults."),
		yes(discardKey, false, configdef.Low, "Keep documentation and defaults of fields alone, not those of types."),
		yes(optionalKeysKey, false, configdef.Low, "Write maps with optional string keys as maps of Avro rather than as arrays of entries."),
		yes(flattenKey, true, configdef.Low, "Read a union of one type as that type."),
		yes(logicalKey, false, configdef.Medium, "Read values of logical types as Java's library does by itself. The converter then cannot use them."),
		yes(reflectionKey, false, configdef.Medium, "Has no effect: there are no Java classes to write."),
		yes(javaPropsKey, false, configdef.Medium, "Has no effect: there are no Java classes to write."),
		yes(specificKey, false, configdef.Low, "Read records into generated Java classes. There are none, so that records cannot be read."),
		configdef.Optional(specificKeyKey, configdef.Class, nil, configdef.Medium, "Has no effect: there are no Java classes to read keys into."),
		configdef.Optional(specificValueKey, configdef.Class, nil, configdef.Medium, "Has no effect: there are no Java classes to read values into."),
	}
}

// settings are those of the converter rather than of the mapping.
type settings struct {
	cacheSize int
	specific  bool
}

// parseOptions reads the converter's own settings.
func parseOptions(props map[string]string) (o Options, own settings, err error) {
	c, err := configdef.New(keys()...).Parse(props)
	if err != nil {
		return o, own, err
	}
	return Options{
			EnhancedSchemas:           c.Bool(enhancedKey),
			GeneralizedSumTypes:       c.Bool(sumTypesKey),
			IgnoreDefaultForNullables: c.Bool(ignoreDefaultKey),
			ScrubNames:                c.Bool(scrubKey),
			ConnectMetadata:           c.Bool(metadataKey),
			DiscardTypeDocDefault:     c.Bool(discardKey),
			OptionalMapKeys:           c.Bool(optionalKeysKey),
			FlattenSingletonUnions:    c.Bool(flattenKey),
			LogicalConverters:         c.Bool(logicalKey),
		}, settings{
			cacheSize: max(1, int(c.Int(cacheSizeKey))),
			specific:  c.Bool(specificKey),
		}, nil
}
