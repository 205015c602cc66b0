package registry

import (
	"encoding/csv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/kafkassl"
)

// namespace is the prefix that settings of the client may have.
const namespace = "schema.registry."

// Names of the settings (AbstractKafkaSchemaSerDeConfig).
// #nosec G101 -- names, not credentials
const (
	urlKey            = "schema.registry.url"
	randomizeKey      = "schema.registry.url.randomize"
	maxSchemasKey     = "max.schemas.per.subject"
	normalizeKey      = "normalize.schemas"
	autoRegisterKey   = "auto.register.schemas"
	useIDKey          = "use.schema.id"
	useGUIDKey        = "use.schema.guid"
	idStrictKey       = "id.compatibility.strict"
	useLatestKey      = "use.latest.version"
	latestStrictKey   = "latest.compatibility.strict"
	latestCacheKey    = "latest.cache.size"
	latestTTLKey      = "latest.cache.ttl.sec"
	metadataKey       = "use.latest.with.metadata"
	basicSourceKey    = "basic.auth.credentials.source"
	basicUserKey      = "basic.auth.user.info"
	bearerSourceKey   = "bearer.auth.credentials.source"
	bearerTokenKey    = "bearer.auth.token"
	bearerURLKey      = "bearer.auth.issuer.endpoint.url"
	bearerIDKey       = "bearer.auth.client.id"
	bearerSecretKey   = "bearer.auth.client.secret"
	bearerScopeKey    = "bearer.auth.scope"
	bearerClusterKey  = "bearer.auth.logical.cluster"
	bearerPoolKey     = "bearer.auth.identity.pool.id"
	contextKey        = "context.name.strategy"
	strategySuffix    = ".subject.name.strategy"
	serializerSuffix  = ".schema.id.serializer"
	deserialSuffix    = ".schema.id.deserializer"
	proxyHostKey      = "proxy.host"
	proxyPortKey      = "proxy.port"
	connectTimeoutKey = "http.connect.timeout.ms"
	readTimeoutKey    = "http.read.timeout.ms"
	retriesKey        = "max.retries"
	retryWaitKey      = "retries.wait.ms"
	retryMaxWaitKey   = "retries.max.wait.ms"
	headerPrefix      = "request.header."
)

// Classes that settings name.
const (
	subjectPackage = "io.confluent.kafka.serializers.subject."
	contextPackage = "io.confluent.kafka.serializers.context."
	idPackage      = "io.confluent.kafka.serializers.schema.id."
)

// classes are those that may be named, by the end of the setting's name.
func classes() map[string][]string {
	return map[string][]string{
		strategySuffix:   {subjectPackage + "TopicNameStrategy", subjectPackage + "RecordNameStrategy", subjectPackage + "TopicRecordNameStrategy"},
		serializerSuffix: {idPackage + "PrefixSchemaIdSerializer", idPackage + "HeaderSchemaIdSerializer"},
		deserialSuffix:   {idPackage + "DualSchemaIdDeserializer", idPackage + "PrefixSchemaIdDeserializer", idPackage + "ConfigSchemaIdDeserializer"},
		contextKey:       {contextPackage + "NullContextNameStrategy"},
	}
}

// resolve finds the class that a setting names.
func resolve(name, class string) (string, bool) {
	for suffix, known := range classes() {
		if !strings.HasSuffix(name, suffix) {
			continue
		}
		for _, k := range known {
			if k == class {
				return k, true
			}
		}
		return "", false
	}
	return class, true
}

// Def defines the settings of a converter: those of registry and wire format, and its
// own. The Java classes define none to Connect, so that a mistake shows only when a task
// starts.
func Def(own ...configdef.Key) *configdef.Def {
	return configdef.New(append(own, keys()...)...).WithResolver(resolve)
}

// keys defines the settings of registry and wire format that each of the converters has.
func keys() []configdef.Key {
	key := configdef.Optional
	classKey := func(name, doc string) configdef.Key {
		for suffix, known := range classes() {
			if strings.HasSuffix(name, suffix) {
				return key(name, configdef.Class, known[0], configdef.Medium, doc)
			}
		}
		return configdef.Key{}
	}
	return append([]configdef.Key{
		configdef.Required(urlKey, configdef.List, configdef.High, "The registry's URLs, separated by commas. Where one cannot be reached the next is asked."),
		key(randomizeKey, configdef.Boolean, false, configdef.Low, "Start with any of the URLs rather than with the first."),
		key(maxSchemasKey, configdef.Int, 1000, configdef.Low, "The number of schemas that are kept in memory."),
		key(normalizeKey, configdef.Boolean, false, configdef.Medium, "Ask the registry to normalize schemas, so that order does not tell them apart where it means nothing."),
		key(autoRegisterKey, configdef.Boolean, true, configdef.Medium, "Register the schemas of records that are written. Otherwise they must be there."),
		key(useIDKey, configdef.Int, -1, configdef.Low, "The id of the schema to write with where schemas are not registered."),
		key(idStrictKey, configdef.Boolean, true, configdef.Low, "Refuse the schema of use.schema.id where it could not read what the record's own would write."),
		key(useLatestKey, configdef.Boolean, false, configdef.Medium, "Write and read with the latest version under the subject where schemas are not registered."),
		key(latestStrictKey, configdef.Boolean, true, configdef.Low, "Refuse the latest version where it could not read what the record's own schema would write."),
		key(latestCacheKey, configdef.Int, 1000, configdef.Low, "The number of latest versions that are kept in memory."),
		key(latestTTLKey, configdef.Int, -1, configdef.Low, "For how many seconds a latest version is kept; -1 for as long as the task runs."),
		key(metadataKey, configdef.String, nil, configdef.Low, "Write and read with the latest version whose metadata has these properties, as in application.version=v1."),
		key(basicSourceKey, configdef.String, "URL", configdef.Medium, "Where user and password for basic authentication come from: URL or USER_INFO."),
		key(bearerSourceKey, configdef.String, "STATIC_TOKEN", configdef.Medium, "Where the token for bearer authentication comes from: STATIC_TOKEN or OAUTHBEARER."),
		key(namespace+basicUserKey, configdef.Password, "", configdef.Medium, "user:password for basic authentication."),
		key(basicUserKey, configdef.Password, "", configdef.Medium, "user:password for basic authentication."),
		key(bearerTokenKey, configdef.Password, "", configdef.Medium, "The token for bearer authentication."),
		key(bearerURLKey, configdef.String, nil, configdef.Medium, "The URL of the identity provider's tokens, for OAUTHBEARER."),
		key(bearerIDKey, configdef.String, nil, configdef.Medium, "The client's id at the identity provider."),
		key(bearerSecretKey, configdef.Password, nil, configdef.Medium, "The client's secret at the identity provider."),
		key(bearerScopeKey, configdef.String, nil, configdef.Medium, "The scope to ask the identity provider for."),
		key(bearerPoolKey, configdef.String, nil, configdef.Medium, "The identity pool to name to the registry."),
		key(bearerClusterKey, configdef.String, nil, configdef.Medium, "The logical cluster to name to the registry."),
		classKey(contextKey, "How a registry's context is found. There is one way: none."),
		classKey("key"+strategySuffix, "How the subject of a key's schema is called."),
		classKey("key"+serializerSuffix, "Where the id of a key's schema is written: before the bytes, or into a header."),
		classKey("key"+deserialSuffix, "Where the id of a key's schema is read: in a header or else before the bytes, before the bytes alone, or in use.schema.id."),
		classKey("value"+strategySuffix, "How the subject of a value's schema is called."),
		classKey("value"+serializerSuffix, "Where the id of a value's schema is written: before the bytes, or into a header."),
		classKey("value"+deserialSuffix, "Where the id of a value's schema is read: in a header or else before the bytes, before the bytes alone, or in use.schema.id."),
		key(proxyHostKey, configdef.String, "", configdef.Low, "The host of a proxy before the registry."),
		key(proxyPortKey, configdef.Int, -1, configdef.Low, "The port of the proxy."),
		key(connectTimeoutKey, configdef.Int, 60000, configdef.Low, "For how many milliseconds to wait for a connection."),
		key(readTimeoutKey, configdef.Int, 60000, configdef.Low, "For how many milliseconds to wait for an answer."),
		key(retriesKey, configdef.Int, 3, configdef.Low, "How many times a request is sent again when the registry cannot be reached or is too busy."),
		key(retryWaitKey, configdef.Int, 1000, configdef.Low, "The longest wait before the first retry in milliseconds; it doubles from one to the next."),
		key(retryMaxWaitKey, configdef.Int, 20000, configdef.Low, "The longest wait before any retry in milliseconds."),
	}, prefixed(kafkassl.ClientDef().Keys())...)
}

// prefixed are settings whose names begin with schema.registry.
func prefixed(keys []configdef.Key) []configdef.Key {
	for i := range keys {
		keys[i].Name = namespace + keys[i].Name
	}
	return keys
}

// settings are those of a Serde.
type settings struct {
	isKey        bool
	subjects     string // simple names of classes
	serializer   string
	deserializer string

	register     bool
	normalize    bool
	useID        int32
	useGUID      string
	idStrict     bool
	useLatest    bool
	latestStrict bool
	metadata     map[string]string
	metadataText string
	cacheSize    int
	latestSize   int
	latestTTL    time.Duration // negative: for ever
}

func parse(props map[string]string, isKey bool) (s settings, c *configdef.Config, err error) {
	if c, err = Def().Parse(props); err != nil {
		return s, nil, err
	}
	side := "value"
	if isKey {
		side = "key"
	}
	simple := func(suffix string) string {
		class := c.Class(side + suffix)
		return class[strings.LastIndexByte(class, '.')+1:]
	}
	s = settings{
		isKey: isKey, subjects: simple(strategySuffix), serializer: simple(serializerSuffix), deserializer: simple(deserialSuffix),
		register: c.Bool(autoRegisterKey), normalize: c.Bool(normalizeKey), useID: c.Int(useIDKey), useGUID: props[useGUIDKey],
		idStrict: c.Bool(idStrictKey), useLatest: c.Bool(useLatestKey), latestStrict: c.Bool(latestStrictKey),
		cacheSize: max(1, int(c.Int(maxSchemasKey))), latestSize: max(1, int(c.Int(latestCacheKey))), latestTTL: time.Duration(c.Int(latestTTLKey)) * time.Second,
	}
	if text, ok := c.StringOK(metadataKey); ok {
		s.metadata, err = properties(text)
		s.metadataText = javaMap(s.metadata)
	}
	return s, c, err
}

// properties reads name=value,…, in which a value with a comma stands in apostrophes.
func properties(text string) (map[string]string, error) {
	r := csv.NewReader(strings.NewReader(strings.NewReplacer(`"`, `'`, `'`, `"`).Replace(text)))
	fields, err := r.Read()
	if err != nil {
		return nil, errs.IllegalArgument("Could not parse string %s", text)
	}
	m := map[string]string{}
	for _, f := range fields {
		name, value, ok := strings.Cut(strings.NewReplacer(`"`, `'`, `'`, `"`).Replace(f), "=")
		if !ok {
			return nil, errs.InvalidValue(metadataKey, text, "expected name=value, separated by commas")
		}
		m[name] = value
	}
	return m, nil
}

func javaMap(m map[string]string) string {
	var entries []string
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	for _, n := range configdef.HashOrder(names) {
		entries = append(entries, n+"="+m[n])
	}
	return "{" + strings.Join(entries, ", ") + "}"
}
