package sse

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Names of the settings. Those up to retry.max.attempts are the known connector's.
const (
	keyURI           = "sse.uri"
	keyTopic         = "topic"
	keyBasic         = "http.basic.auth"
	keyUsername      = "http.basic.auth.username"
	keyPassword      = "http.basic.auth.password"
	keyHeaderPrefix  = "http.header."
	keyCompression   = "compression.enabled"
	keyRate          = "rate.limit.requests.per.second"
	keyConcurrent    = "rate.limit.max.concurrent"
	keyBackoff       = "retry.backoff.initial.ms"
	keyBackoffMax    = "retry.backoff.max.ms"
	keyMaxAttempts   = "retry.max.attempts"
	keyBearer        = "http.bearer.token"
	keyTypes         = "sse.event.types"
	keySince         = "sse.since"
	keyMaxEvent      = "sse.event.max.bytes"
	keySilence       = "sse.silence.timeout.ms"
	keyConnect       = "sse.connect.timeout.ms"
	keyBufferEvents  = "buffer.max.events"
	keyBufferBytes   = "buffer.max.bytes"
	keyValueMode     = "value.mode"
	keyKeyFrom       = "key.from"
	keyTimestampFrom = "timestamp.from"
	keyMalformed     = "behavior.on.malformed.events"
)

const (
	groupStream = "Stream"
	groupHTTP   = "HTTP"
	groupRetry  = "Retry"
	groupRecord = "Record"
)

const (
	modeEnvelope = "envelope"
	modeData     = "data"
	modeJSON     = "json"

	malformedFail   = "fail"
	malformedWarn   = "warn"
	malformedIgnore = "ignore"

	fromNone = "none"
	fromID   = "id"
)

// MaxEventBytes is the default of sse.event.max.bytes: what a topic takes by default.
const MaxEventBytes = 1 << 20

func def() *configdef.Def {
	orders := map[string]int{}
	key := func(k configdef.Key, group, display string) configdef.Key {
		orders[group]++
		return k.WithGroup(group, orders[group], configdef.WidthMedium, display)
	}
	opt, req := configdef.Optional, configdef.Required
	return configdef.New(
		key(req(keyURI, configdef.String, configdef.High,
			"URL of the event stream, http or https.").WithValidator(uriValidator{}), groupStream, "Stream URL"),
		key(req(keyTopic, configdef.String, configdef.High,
			"Topic that the events are written to.").WithValidator(configdef.NonEmptyString()), groupStream, "Topic"),
		key(opt(keyBasic, configdef.Boolean, false, configdef.Medium,
			"Whether to authenticate with a user name and a password (HTTP basic authentication)."), groupHTTP, "Basic authentication"),
		key(opt(keyUsername, configdef.String, nil, configdef.Medium,
			"User name for HTTP basic authentication."), groupHTTP, "User name"),
		key(opt(keyPassword, configdef.Password, nil, configdef.Medium,
			"Password for HTTP basic authentication."), groupHTTP, "Password"),
		key(opt(keyCompression, configdef.Boolean, true, configdef.Low,
			"Whether to accept a stream that the server compresses with gzip."), groupHTTP, "Compression"),
		key(opt(keyRate, configdef.Double, nil, configdef.Low,
			"Most connection attempts a second; null for no limit beyond the back-off."), groupRetry, "Connection attempts per second"),
		key(opt(keyConcurrent, configdef.Int, nil, configdef.Low,
			"Accepted for compatibility. A task never has more than one connection."), groupRetry, "Concurrent connections"),
		key(opt(keyBackoff, configdef.Long, int64(2000), configdef.Low,
			"Wait in milliseconds before the first attempt to connect again. It doubles with each attempt that fails, "+
				"with jitter. A reconnection time that the server sends (retry:) takes its place.").
			WithValidator(configdef.AtLeast(0)), groupRetry, "First back-off (ms)"),
		key(opt(keyBackoffMax, configdef.Long, int64(30000), configdef.Low,
			"Longest wait in milliseconds between two attempts to connect.").
			WithValidator(configdef.AtLeast(0)), groupRetry, "Longest back-off (ms)"),
		key(opt(keyMaxAttempts, configdef.Int, -1, configdef.Low,
			"Attempts to connect again that may fail one after the other before the task fails; -1 for no limit.").
			WithValidator(configdef.AtLeast(-1)), groupRetry, "Attempts"),
		key(opt(keyBearer, configdef.Password, nil, configdef.Medium,
			"Token for HTTP bearer authentication."), groupHTTP, "Bearer token"),
		key(opt(keyTypes, configdef.List, "", configdef.Low,
			"Event types to take; others are dropped. Empty takes all. Events without a type are of type message."), groupStream, "Event types"),
		key(opt(keySince, configdef.String, nil, configdef.Low,
			"Where to start when no offset is stored: the value of the query parameter since, as Wikimedia's streams "+
				"take it (a time such as 2026-01-31T12:00:00Z)."), groupStream, "Start at"),
		key(opt(keyMaxEvent, configdef.Int, MaxEventBytes, configdef.Medium,
			"Largest event in bytes. A larger one fails the task.").
			WithValidator(configdef.Between(1, 1<<30)), groupStream, "Largest event (bytes)"),
		key(opt(keySilence, configdef.Long, int64(60000), configdef.Medium,
			"Longest time in milliseconds in which the server may send nothing, not even a comment, before the "+
				"connection is taken for dead and made anew; 0 for no limit.").
			WithValidator(configdef.AtLeast(0)), groupStream, "Silence limit (ms)"),
		key(opt(keyConnect, configdef.Int, 10000, configdef.Low,
			"Longest time in milliseconds to connect and to receive the head of the answer.").
			WithValidator(configdef.AtLeast(1)), groupHTTP, "Connection timeout (ms)"),
		key(opt(keyBufferEvents, configdef.Int, 2000, configdef.Low,
			"Most events read ahead of the topic. While the buffer is full, nothing is read from the server.").
			WithValidator(configdef.AtLeast(1)), groupStream, "Buffered events"),
		key(opt(keyBufferBytes, configdef.Long, int64(8<<20), configdef.Low,
			"Most bytes of events read ahead of the topic.").
			WithValidator(configdef.AtLeast(1)), groupStream, "Buffered bytes"),
		key(opt(keyValueMode, configdef.String, modeEnvelope, configdef.Medium,
			"What the record's value is: envelope, a struct of event, id and data; data, the data as a string; json, "+
				"the data parsed as JSON, without schema.").
			WithValidator(configdef.ValidString(modeEnvelope, modeData, modeJSON)).
			WithRecommender(choice{modeEnvelope, modeData, modeJSON}), groupRecord, "Value"),
		key(opt(keyKeyFrom, configdef.String, fromNone, configdef.Medium,
			"What the record's key is: none; id, the event's id; else a field of the data as JSON, by a path such as "+
				"meta.id or a JSON pointer such as /meta/id. Where the field is absent the key is null.").
			WithValidator(configdef.NonEmptyString()), groupRecord, "Key"),
		key(opt(keyTimestampFrom, configdef.String, fromNone, configdef.Low,
			"Where the record's timestamp comes from: none, the time of writing; else a field of the data as JSON, "+
				"such as meta.dt, that holds an ISO 8601 time or seconds or milliseconds since 1970.").
			WithValidator(configdef.NonEmptyString()), groupRecord, "Timestamp"),
		key(opt(keyMalformed, configdef.String, malformedFail, configdef.Low,
			"What to do with an event whose data is not JSON where JSON is needed: fail the task, warn and drop the "+
				"event, or ignore it.").
			WithValidator(configdef.ValidString(malformedFail, malformedWarn, malformedIgnore)).
			WithRecommender(choice{malformedFail, malformedWarn, malformedIgnore}), groupRecord, "Malformed events"),
	)
}

// choice recommends fixed values.
type choice []string

func (c choice) ValidValues(string, map[string]any) []any {
	out := make([]any, len(c))
	for i := range c {
		out[i] = c[i]
	}
	return out
}

func (choice) Visible(string, map[string]any) bool { return true }

// uriValidator accepts URLs that can be a stream.
type uriValidator struct{}

func (uriValidator) Validate(name string, value any) error {
	if value == nil {
		return nil // that it is missing is said already
	}
	text, ok := value.(string)
	if !ok {
		return errs.InvalidValue(name, value, "must be the URL of an event stream")
	}
	_, err := parseURI(name, text)
	return err
}

func (uriValidator) String() string { return "an http or https URL" }

func parseURI(name, text string) (*url.URL, error) {
	const cure = "; give a URL such as https://stream.example.com/events"
	u, err := url.Parse(text)
	switch {
	case err != nil:
		if inner, ok := err.(*url.Error); ok {
			err = inner.Err
		}
		return nil, errs.InvalidValue(name, redact(text), "not a URL: "+strings.ReplaceAll(err.Error(), text, redact(text))+cure)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errs.InvalidValue(name, redact(text), "the scheme must be http or https"+cure)
	case u.Hostname() == "":
		return nil, errs.InvalidValue(name, redact(text), "there is no host"+cure)
	}
	return u, nil
}

// redact hides a password within a URL.
func redact(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		if scheme, rest, ok := strings.Cut(text, "://"); ok {
			if at := strings.LastIndexByte(rest, '@'); at >= 0 {
				return scheme + "://[hidden]" + rest[at:]
			}
		}
		return text
	}
	u.User = url.User("[hidden]")
	return strings.Replace(u.String(), url.User("[hidden]").String()+"@", "[hidden]@", 1)
}

// settings are the parsed configuration.
type settings struct {
	uri       *url.URL
	partition string // the URI as configured, without a password: the source partition
	shown     string // the URI for messages
	topic     string
	header    http.Header
	gzip      bool
	every     time.Duration // least time between two attempts
	backoff   time.Duration
	maxWait   time.Duration
	attempts  int
	types     []string
	since     string
	maxEvent  int
	silence   time.Duration
	connect   time.Duration
	events    int
	bytes     int64
	mode      string
	key       path
	keyID     bool
	timestamp path
	malformed string
}

// defaultUserAgent says who calls, as Wikimedia asks of its callers.
const defaultUserAgent = "Moldau/1.0 (+https://github.com/moldau-io/moldau) kafka-connect-sse"

func parse(props map[string]string) (*settings, error) {
	cfg, err := def().Parse(props)
	if err != nil {
		return nil, err
	}
	wrong := check(cfg, props)
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		return nil, errs.Config("%s", wrong[name][0])
	}
	uri, err := parseURI(keyURI, cfg.String(keyURI))
	if err != nil {
		return nil, err
	}
	s := &settings{
		uri: uri, shown: redact(cfg.String(keyURI)), topic: cfg.String(keyTopic), gzip: cfg.Bool(keyCompression),
		backoff: ms(cfg.Long(keyBackoff)), maxWait: ms(cfg.Long(keyBackoffMax)), attempts: int(cfg.Int(keyMaxAttempts)),
		types: cfg.List(keyTypes), since: cfg.String(keySince), maxEvent: int(cfg.Int(keyMaxEvent)),
		silence: ms(cfg.Long(keySilence)), connect: ms(int64(cfg.Int(keyConnect))),
		events: int(cfg.Int(keyBufferEvents)), bytes: cfg.Long(keyBufferBytes),
		mode: cfg.String(keyValueMode), malformed: cfg.String(keyMalformed),
	}
	s.partition = s.shown
	if !cfg.IsNull(keyRate) {
		s.every = time.Duration(float64(time.Second) / cfg.Double(keyRate))
	}
	switch from := cfg.String(keyKeyFrom); from {
	case fromNone:
	case fromID:
		s.keyID = true
	default:
		s.key = parsePath(from)
	}
	if from := cfg.String(keyTimestampFrom); from != fromNone {
		s.timestamp = parsePath(from)
	}
	s.header = http.Header{}
	s.header.Set("Accept", "text/event-stream")
	s.header.Set("Cache-Control", "no-cache")
	s.header.Set("User-Agent", defaultUserAgent)
	if s.gzip {
		s.header.Set("Accept-Encoding", "gzip")
	}
	for name, value := range cfg.OriginalsWithPrefix(keyHeaderPrefix) {
		s.header.Set(name, value)
	}
	switch {
	case cfg.Bool(keyBasic):
		r := http.Request{Header: s.header}
		r.SetBasicAuth(cfg.String(keyUsername), cfg.Password(keyPassword).Value())
	case !cfg.IsNull(keyBearer):
		s.header.Set("Authorization", "Bearer "+cfg.Password(keyBearer).Value())
	case uri.User != nil:
		r := http.Request{Header: s.header}
		password, _ := uri.User.Password()
		r.SetBasicAuth(uri.User.Username(), password)
	}
	plain := *uri
	plain.User = nil
	s.uri = &plain
	return s, nil
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// check returns what is wrong with settings together, by key.
func check(cfg *configdef.Config, props map[string]string) map[string][]string {
	out := map[string][]string{}
	add := func(key, format string, args ...any) {
		out[key] = append(out[key], fmt.Sprintf(format, args...))
	}
	if cfg.Bool(keyBasic) {
		if cfg.String(keyUsername) == "" {
			add(keyUsername, "%s must be set when %s=true", keyUsername, keyBasic)
		}
		if cfg.IsNull(keyPassword) {
			add(keyPassword, "%s must be set when %s=true", keyPassword, keyBasic)
		}
		if !cfg.IsNull(keyBearer) {
			add(keyBearer, "%s and %s=true exclude each other; remove one", keyBearer, keyBasic)
		}
	}
	if cfg.Long(keyBackoff) > cfg.Long(keyBackoffMax) {
		add(keyBackoff, "%s (%d) must not be larger than %s (%d)", keyBackoff, cfg.Long(keyBackoff), keyBackoffMax, cfg.Long(keyBackoffMax))
	}
	if !cfg.IsNull(keyRate) && cfg.Double(keyRate) <= 0 {
		add(keyRate, "Invalid value %v for configuration %s: must be larger than 0; remove it for no limit", cfg.Double(keyRate), keyRate)
	}
	for name, value := range props {
		header, ok := strings.CutPrefix(name, keyHeaderPrefix)
		switch {
		case !ok:
		case !httpguts.ValidHeaderFieldName(header):
			add(keyURI, "%s: %q is not a name that an HTTP header can have", name, header)
		case !httpguts.ValidHeaderFieldValue(value):
			add(keyURI, "%s: the value holds characters that an HTTP header cannot have", name)
		}
	}
	return out
}

// validate is ConfigValidator for the connector.
func validate(_ context.Context, props map[string]string) map[string][]string {
	cfg, err := def().Parse(props)
	if err != nil {
		return nil // the definition's own validation says so, key by key
	}
	return check(cfg, props)
}
