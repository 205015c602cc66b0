package elasticsearch

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/kafkassl"
)

// settings are the parsed configuration.
type settings struct {
	urls          []*url.URL
	shown         string // the URLs for messages
	authorization string // the header, "" for none
	tls           *tls.Config
	proxy         *url.URL
	compression   bool
	connect, read time.Duration
	idle          time.Duration // 0 for no limit

	batch        int
	bulkBytes    int // 0 for no limit
	inFlight     int
	buffered     int
	linger       time.Duration
	flushTimeout time.Duration
	flushSync    bool
	retries      int
	backoff      time.Duration

	keyIgnore, schemaIgnore       bool
	keyTopics, schemaTopics       []string
	compactMaps                   bool
	dropInvalid                   bool
	nullValues, malformed, method string
	versionHeader                 string
	autoIDs                       bool

	usage       string            // upper case
	resources   map[string]string // topic to resource, with external resources
	stream      bool              // data streams are written
	streamType  string
	dataset     string
	namespace   string
	streamTimes []string
}

func upper(cfg *configdef.Config, key string) string { return strings.ToUpper(cfg.String(key)) }

// ms returns a duration; 0 and less is none.
func ms(n int64) time.Duration { return time.Duration(max(n, 0)) * time.Millisecond }

// parse reads and checks the settings, without a connection.
func parse(props map[string]string) (*settings, error) {
	cfg, err := def().Parse(props)
	if err != nil {
		return nil, err
	}
	if wrong := check(cfg, props); len(wrong) > 0 {
		return nil, errs.Config("%s", wrong[0].message)
	}
	s := &settings{
		compression: cfg.Bool(keyCompression), connect: ms(int64(cfg.Int(keyConnect))), read: ms(int64(cfg.Int(keyRead))), idle: ms(int64(cfg.Int(keyIdle))),
		batch: int(cfg.Int(keyBatch)), bulkBytes: int(max(cfg.Long(keyBulkBytes), 0)), inFlight: int(cfg.Int(keyInFlight)), buffered: int(cfg.Int(keyBuffered)),
		linger: ms(cfg.Long(keyLinger)), flushTimeout: ms(cfg.Long(keyFlushTimeout)), flushSync: cfg.Bool(keyFlushSync),
		retries: int(cfg.Int(keyRetries)), backoff: ms(cfg.Long(keyBackoff)),
		keyIgnore: cfg.Bool(keyKeyIgnore), schemaIgnore: cfg.Bool(keySchemaIgnore), keyTopics: cfg.List(keyTopicsKey), schemaTopics: cfg.List(keyTopicsSchema),
		compactMaps: cfg.Bool(keyCompactMaps), dropInvalid: cfg.Bool(keyDropInvalid),
		nullValues: upper(cfg, keyNullValues), malformed: upper(cfg, keyMalformed), method: upper(cfg, keyWriteMethod),
		versionHeader: cfg.String(keyVersionHeader), autoIDs: cfg.Bool(keyAutoIDs),
		usage: upper(cfg, keyExternal), stream: isDataStream(cfg), streamType: strings.ToLower(cfg.String(keyStreamType)),
		dataset: cfg.String(keyStreamDataset), namespace: cfg.String(keyStreamSpace), streamTimes: cfg.List(keyStreamTime),
	}
	if cfg.Long(keyBulkBytes) < 0 {
		s.bulkBytes = 0
	}
	if s.usage != usageDisabled {
		if s.resources, err = resourceMapping(cfg); err != nil {
			return nil, err
		}
	}
	if err := s.network(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// network reads what a connection needs.
func (s *settings) network(cfg *configdef.Config) error {
	list := cfg.List(keyURL)
	s.shown = redactAll(list)
	secure := false
	for _, text := range list {
		u, err := parseURL(text)
		if err != nil {
			return errs.InvalidValue(keyURL, s.shown, err.Error())
		}
		if u.User != nil && s.authorization == "" {
			password, _ := u.User.Password()
			s.authorization = basic(u.User.Username(), password)
		}
		u.User = nil
		secure = secure || u.Scheme == "https"
		s.urls = append(s.urls, u)
	}
	if secure {
		for _, u := range s.urls {
			u.Scheme = "https"
		}
	}
	switch {
	case !cfg.IsNull(keyAPIKey):
		s.authorization = "ApiKey " + cfg.Password(keyAPIKey).Value()
	case !cfg.IsNull(keyBearer):
		s.authorization = "Bearer " + cfg.Password(keyBearer).Value()
	case !cfg.IsNull(keyUsername) && !cfg.IsNull(keyPassword):
		s.authorization = basic(cfg.String(keyUsername), cfg.Password(keyPassword).Value())
	}
	if host := cfg.String(keyProxyHost); host != "" {
		s.proxy = &url.URL{Scheme: "http", Host: joinHostPort(host, cfg.Int(keyProxyPort))}
		if user := cfg.String(keyProxyUser); user != "" && !cfg.IsNull(keyProxyPassword) {
			s.proxy.User = url.UserPassword(user, cfg.Password(keyProxyPassword).Value())
		}
	}
	if upper(cfg, keySecurity) == protocolSSL {
		ssl := kafkassl.From(cfg, sslPrefix)
		var err error
		if s.tls, err = ssl.Client(); err != nil {
			return err
		}
	}
	return nil
}

// basic returns the header of basic authentication.
func basic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// isDataStream says whether data streams are written.
func isDataStream(cfg *configdef.Config) bool {
	switch upper(cfg, keyExternal) {
	case usageDataStream, usageAliasDataStream:
		return true
	case usageDisabled:
		return upper(cfg, keyStreamType) != streamNone && cfg.String(keyStreamDataset) != ""
	}
	return false
}

// resourceMapping reads topic:resource pairs; topics and resources must be unique.
func resourceMapping(cfg *configdef.Config) (map[string]string, error) {
	list := cfg.List(keyMapping)
	out, taken := map[string]string{}, map[string]bool{}
	for _, entry := range list {
		parts := strings.Split(entry, ":")
		if len(parts) != 2 {
			return nil, errs.InvalidValue(keyMapping, entry, "Invalid topic-to-resource mapping format. The expected format: topic:resource")
		}
		topic, resource := strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1])
		if _, ok := out[topic]; ok {
			return nil, errs.InvalidValue(keyMapping, entry,
				"Topic '"+topic+"' is mapped to multiple resources. Each topic must be mapped to exactly one resource.")
		}
		if taken[resource] {
			return nil, errs.InvalidValue(keyMapping, entry,
				"Resource '"+resource+"' is mapped from multiple topics. Each resource must be mapped to exactly one topic.")
		}
		out[topic], taken[resource] = resource, true
	}
	if most := int(cfg.Int(keyMaxMappings)); len(out) > most {
		return nil, errs.InvalidValue(keyMapping, "["+strings.Join(list, ", ")+"]",
			errs.Config("Too many topic-to-external-resource mappings are configured (%d). Maximum allowed limit is %d.", len(out), most).Message)
	}
	return out, nil
}

func (s *settings) ignoresKey(topic string) bool {
	return s.keyIgnore || s.method == methodInsert && s.autoIDs || slices.Contains(s.keyTopics, topic)
}

func (s *settings) ignoresSchema(topic string) bool {
	return s.schemaIgnore || slices.Contains(s.schemaTopics, topic)
}

// resource returns the index, data stream or alias that a topic is written to.
func (s *settings) resource(topic string) (string, error) {
	if s.usage != usageDisabled {
		if r, ok := s.resources[topic]; ok {
			return r, nil
		}
		return "", errs.Connect("Topic '%s' is not mapped to any resource. All topics must be mapped when using "+
			"topic-to-resource mapping configuration. Please check the '%s' configuration to ensure all topics are properly mapped.", topic, keyMapping)
	}
	if s.stream {
		return s.streamName(topic), nil
	}
	return indexName(topic), nil
}

// indexName makes a topic's name one that an index can have.
func indexName(topic string) string {
	index := strings.ToLower(topic)
	if len(index) > 255 {
		index = index[:255]
	}
	if strings.HasPrefix(index, "-") || strings.HasPrefix(index, "_") {
		index = index[1:]
	}
	if index == "." || index == ".." {
		index = strings.ReplaceAll(index, ".", "dot")
	}
	return index
}

// streamName returns {type}-{dataset}-{namespace}.
func (s *settings) streamName(topic string) string {
	namespace := strings.ReplaceAll(s.namespace, "${topic}", strings.ToLower(topic))
	if len(namespace) > 100 {
		namespace = namespace[:100]
	}
	return s.streamType + "-" + s.dataset + "-" + namespace
}

// place names where a record was read.
func place(r *connect.Record) string {
	return errs.Data("record from topic=%s partition=%d offset=%d", r.Topic, r.Partition, r.Offset).Message
}
