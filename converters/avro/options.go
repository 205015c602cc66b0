package avro

// Options are the settings of the mapping between Connect data and Avro
// (AvroDataConfig).
type Options struct {
	// EnhancedSchemas keeps enums, and the namespaces of types in unions.
	EnhancedSchemas bool
	// GeneralizedSumTypes names unions and enums as the other formats' converters do.
	GeneralizedSumTypes bool
	// IgnoreDefaultForNullables writes nulls as nulls where there is a default.
	IgnoreDefaultForNullables bool
	// ScrubNames makes valid names of others.
	ScrubNames bool
	// ConnectMetadata writes and reads the properties connect.*.
	ConnectMetadata bool
	// DiscardTypeDocDefault keeps documentation and defaults of fields alone.
	DiscardTypeDocDefault bool
	// OptionalMapKeys writes maps with optional string keys as maps.
	OptionalMapKeys bool
	// FlattenSingletonUnions reads unions of one type as that type.
	FlattenSingletonUnions bool
	// LogicalConverters makes Java's reader give objects for logical types, which the
	// converter then refuses.
	LogicalConverters bool
}

// Names in Connect schemas and in Avro's properties.
const (
	namespace       = "io.confluent.connect.avro"
	defaultName     = "ConnectDefault"
	defaultFullName = namespace + "." + defaultName
	mapEntry        = "MapEntry"
	keyField        = "key"
	valueField      = "value"

	nameProp         = "connect.name"
	docProp          = "connect.doc"
	recordDocParam   = "connect.record.doc"
	enumDocParam     = "connect.enum.doc"
	versionProp      = "connect.version"
	defaultProp      = "connect.default"
	paramsProp       = "connect.parameters"
	internalProp     = "connect.internal.type"
	typeProp         = "connect.type"
	sizeParam        = "connect.fixed.size"
	precisionParam   = "connect.decimal.precision"
	avroRecordDoc    = namespace + ".record.doc"
	avroEnumDoc      = namespace + ".enum.doc."
	avroFieldDoc     = namespace + ".field.doc."
	avroFieldDefault = namespace + ".field.default"
	avroEnumDefault  = namespace + ".enum.default."
	avroPrefix       = "avro"

	unionName    = namespace + ".Union"
	enumParam    = namespace + ".Enum"
	anythingName = namespace + ".Anything"

	sumUnionParam = "org.apache.kafka.connect.data.Union"
	sumEnumParam  = "org.apache.kafka.connect.data.Enum"
	sumPrefix     = "connect_union_"
	sumField      = sumPrefix + "field_"

	precisionDefault = 64
)

// anythingText is the record that data without a schema is written as.
const anythingText = `{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[` +
	`{"name":"boolean","type":["null","boolean"],"default":null},{"name":"bytes","type":["null","bytes"],"default":null},` +
	`{"name":"double","type":["null","double"],"default":null},{"name":"float","type":["null","float"],"default":null},` +
	`{"name":"int","type":["null","int"],"default":null},{"name":"long","type":["null","long"],"default":null},` +
	`{"name":"string","type":["null","string"],"default":null},` +
	`{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},` +
	`{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[` +
	`{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}`
