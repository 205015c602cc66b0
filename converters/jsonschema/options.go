package jsonschema

// Options are the settings of the mapping between Connect data and JSON
// (JsonSchemaDataConfig).
type Options struct {
	// AdditionalProperties says that written object schemas allow further properties.
	AdditionalProperties bool
	// OptionalForNonRequired makes fields optional that a document does not require.
	OptionalForNonRequired bool
	// IgnoreModernDialects reads drafts behind draft 7 as draft 7.
	IgnoreModernDialects bool
	// Numeric writes decimals as numbers rather than as base64 of their bytes.
	Numeric bool
	// FlattenSingletonUnions reads unions of one branch as that branch.
	FlattenSingletonUnions bool
	// GeneralizedSumTypes names unions and enums as the other formats' converters do.
	GeneralizedSumTypes bool
	// IgnoreDefaultForNullables writes nulls as nulls where there is a default.
	IgnoreDefaultForNullables bool
	// Indent spreads the JSON over lines.
	Indent bool
}

// Names in Connect schemas and in documents.
const (
	namespace     = "io.confluent.connect.json"
	idParam       = namespace + ".Id"
	enumParam     = namespace + ".Enum"
	oneOfName     = namespace + ".OneOf"
	sumEnumParam  = "org.apache.kafka.connect.data.Enum"
	sumUnionParam = "org.apache.kafka.connect.data.Union"
	sumPrefix     = "connect_union_"
	sumField      = sumPrefix + "field_"
	nullMarker    = "<NULL>"

	typeProp    = "connect.type"
	versionProp = "connect.version"
	paramsProp  = "connect.parameters"
	indexProp   = "connect.index"

	keyName   = "key"
	valueName = "value"
)
