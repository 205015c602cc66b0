package protobuf

import (
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
)

// Class is the Java class that the converter stands for.
const Class = "io.confluent.connect.protobuf.ProtobufConverter"

// Options are the settings of the mapping between Connect data and Protobuf
// (ProtobufDataConfig).
type Options struct {
	// EnhancedSchemas keeps packages in the names of what is read.
	EnhancedSchemas bool
	// GeneralizedSumTypes names unions and enums as the other formats' converters do.
	GeneralizedSumTypes bool
	// IgnoreDefaultForNullables writes nulls as nulls where there is a default.
	IgnoreDefaultForNullables bool
	// ScrubInvalidNames changes names that Protobuf does not take.
	ScrubInvalidNames bool
	// IntForEnums reads enums as numbers.
	IntForEnums bool
	// OptionalForNullables writes optional fields with the label optional, and reads
	// fields without it as required.
	OptionalForNullables bool
	// OptionalForProto2 reads an absent optional field of proto2 as null.
	OptionalForProto2 bool
	// WrapperForNullables writes optional fields as wrapper messages, and reads others
	// as required.
	WrapperForNullables bool
	// WrapperForRawPrimitives reads a wrapper message at the top as its value.
	WrapperForRawPrimitives bool
	// GenerateStructForNulls reads absent messages as empty ones.
	GenerateStructForNulls bool
	// GenerateIndexForUnions adds their place to the names of oneofs.
	GenerateIndexForUnions bool
	// FlattenUnions reads the members of oneofs as fields.
	FlattenUnions bool
}

// Names in Connect schemas.
const (
	namespace     = "io.confluent.connect.protobuf"
	enumParam     = namespace + ".Enum"
	unionName     = namespace + ".Union"
	unionPrefix   = unionName + "."
	tagParam      = namespace + ".Tag"
	typeParam     = namespace + ".Type"
	sumUnionParam = "org.apache.kafka.connect.data.Union"
	sumEnumParam  = "org.apache.kafka.connect.data.Enum"
	precisionProp = "connect.decimal.precision"
	typeProp      = "connect.type"
	precisionKey  = "precision"
	scaleKey      = "scale"
	defaultName   = "ConnectDefault"
)

// Names of the settings.
const (
	enhancedKey          = "enhanced.protobuf.schema.support"
	sumTypesKey          = "generalized.sum.type.support"
	ignoreDefaultKey     = "ignore.default.for.nullables"
	cacheSizeKey         = "schemas.cache.config"
	scrubKey             = "scrub.invalid.names"
	intEnumsKey          = "int.for.enums"
	optionalKey          = "optional.for.nullables"
	proto2Key            = "optional.for.proto2"
	wrapperKey           = "wrapper.for.nullables"
	wrapperRawKey        = "wrapper.for.raw.primitives"
	generateStructKey    = "generate.struct.for.nulls"
	generateIndexKey     = "generate.index.for.unions"
	flattenKey           = "flatten.unions"
	lookupOnlyKey        = "reference.lookup.only"
	skipKnownKey         = "skip.known.types"
	referenceStrategyKey = "reference.subject.name.strategy"
	deriveKey            = "derive.type"
)

// defaultStrategy names the subject of a reference as the reference.
const defaultStrategy = "io.confluent.kafka.serializers.subject.DefaultReferenceSubjectNameStrategy"

// qualifiedStrategy names it with dots in place of slashes.
const qualifiedStrategy = "io.confluent.kafka.serializers.subject.QualifiedReferenceSubjectNameStrategy"

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
		yes(enhancedKey, false, configdef.Medium, "Keep packages in the names of the schemas that are read."),
		yes(scrubKey, false, configdef.Medium, "Change names that Protobuf does not take to ones that it does."),
		yes(intEnumsKey, false, configdef.Medium, "Read enums as numbers rather than as strings."),
		yes(optionalKey, false, configdef.Medium, "Write optional fields with the label optional; read fields without it as required."),
		yes(proto2Key, true, configdef.Medium, "Read an absent optional field of proto2 as null rather than as its default."),
		yes(wrapperKey, false, configdef.Medium, "Write optional fields as wrapper messages such as google.protobuf.Int32Value; read others as required."),
		yes(wrapperRawKey, true, configdef.Medium, "Read a record that is a wrapper message as the value in it."),
		yes(generateStructKey, false, configdef.Medium, "Read an absent message as an empty one rather than as null."),
		yes(generateIndexKey, true, configdef.Low, "Add an underscore and its place to the name of each oneof that is read."),
		yes(flattenKey, false, configdef.Low, "Read the members of a oneof as fields of the message."),
		yes(lookupOnlyKey, false, configdef.Medium, "Look up the schemas that a written one imports, rather than register them."),
		yes(skipKnownKey, true, configdef.Low, "Do not register the files that every registry knows, such as google/type/date.proto."),
		yes(deriveKey, false, configdef.Medium, "Read into the Java class that a schema names. There are none here: such records are refused."),
		configdef.Optional(referenceStrategyKey, configdef.Class, defaultStrategy, configdef.Low, "How the subjects of imported schemas are called."),
	}
}

// settings are those of the converter rather than of the mapping.
type settings struct {
	cacheSize  int
	lookupOnly bool
	skipKnown  bool
	qualified  bool // the strategy for references
	normalize  bool // the registry's own setting
	derive     bool
}

func resolveStrategy(_, class string) (string, bool) {
	return class, class == defaultStrategy || class == qualifiedStrategy
}

// parseOptions reads the converter's own settings.
func parseOptions(props map[string]string) (o Options, own settings, err error) {
	c, err := configdef.New(keys()...).WithResolver(resolveStrategy).Parse(props)
	if err != nil {
		return o, own, err
	}
	return Options{
			EnhancedSchemas:           c.Bool(enhancedKey),
			GeneralizedSumTypes:       c.Bool(sumTypesKey),
			IgnoreDefaultForNullables: c.Bool(ignoreDefaultKey),
			ScrubInvalidNames:         c.Bool(scrubKey),
			IntForEnums:               c.Bool(intEnumsKey),
			OptionalForNullables:      c.Bool(optionalKey),
			OptionalForProto2:         c.Bool(proto2Key),
			WrapperForNullables:       c.Bool(wrapperKey),
			WrapperForRawPrimitives:   c.Bool(wrapperRawKey),
			GenerateStructForNulls:    c.Bool(generateStructKey),
			GenerateIndexForUnions:    c.Bool(generateIndexKey),
			FlattenUnions:             c.Bool(flattenKey),
		}, settings{
			cacheSize:  max(1, int(c.Int(cacheSizeKey))),
			lookupOnly: c.Bool(lookupOnlyKey),
			skipKnown:  c.Bool(skipKnownKey),
			qualified:  c.Class(referenceStrategyKey) == qualifiedStrategy,
			derive:     c.Bool(deriveKey),
			normalize:  strings.EqualFold(strings.TrimSpace(props["normalize.schemas"]), "true"),
		}, nil
}
