package elasticsearch

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/kafkassl"
)

// def describes the settings, in the known connector's order, types, defaults and
// groups. connection.api.key and connection.bearer.token are our own.
func def() *configdef.Def {
	d := configdef.New()
	connectorKeys(d)
	conversionKeys(d)
	proxyKeys(d)
	sslDef(d)
	kerberosKeys(d)
	ownKeys(d)
	return d
}

// inGroup numbers the keys of a group.
func inGroup(d *configdef.Def, group string, first int) func(k configdef.Key, w configdef.Width, display string) {
	order := first
	return func(k configdef.Key, w configdef.Width, display string) {
		d.Define(k.WithGroup(group, order, w, display))
		order++
	}
}

const (
	minute = 60_000
	hour   = 60 * minute
	day    = 24 * hour
)

func connectorKeys(d *configdef.Def) {
	const short, medium, long = configdef.WidthShort, configdef.WidthMedium, configdef.WidthLong
	key := inGroup(d, groupConnector, 1)
	opt := configdef.Optional
	key(configdef.Required(keyURL, configdef.List, configdef.High,
		"URLs of Elasticsearch nodes, separated by commas, such as http://host1:9200,http://host2:9200. If one of them "+
			"is https, all are; one without a scheme is http.").WithValidator(urls{}), long, "Connection URLs")
	key(opt(keyUsername, configdef.String, nil, configdef.Medium,
		"User name for basic authentication, which takes place if both user name and password are set."), short, "Connection Username")
	key(opt(keyPassword, configdef.Password, nil, configdef.Medium,
		"Password for basic authentication."), short, "Connection Password")
	key(enum(opt(keyExternal, configdef.String, usageDisabled, configdef.High,
		"Kind of the existing resources that are written to: INDEX, DATASTREAM, ALIAS_INDEX or ALIAS_DATASTREAM. DISABLED "+
			"creates an index or a data stream for each topic."),
		usageIndex, usageDataStream, usageAliasIndex, usageAliasDataStream, usageDisabled), short, "External Resource Usage")
	key(opt(keyMapping, configdef.List, "", configdef.High,
		"Which existing resource each topic is written to, as topic:resource,topic:resource. Each topic needs one, and "+
			"no two the same."), long, "Topic to External Resource Mapping")
	key(opt(keyMaxMappings, configdef.Int, 15, configdef.Medium,
		"Most entries that "+keyMapping+" may have.").WithValidator(configdef.AtLeast(1)), short, "Maximum External Resource Mappings")
	streamTypes := choice{"logs", "metrics", "none"}
	key(opt(keyStreamType, configdef.String, streamNone, configdef.Low,
		"Type of the data stream to write to, the first part of its name; with NONE, indices are written. Types of "+
			"index templates of your own can be given, too.").WithRecommender(streamTypes), short, "Data Stream Type")
	key(opt(keyStreamDataset, configdef.String, "", configdef.Low,
		"Dataset of the data stream, the second part of its name: lower case, at most 100 characters, no spaces and none "+
			"of \\/*?\"<>|,#-:").WithValidator(streamPart("dataset")), medium, "Data Stream Dataset")
	key(opt(keyStreamSpace, configdef.String, "${topic}", configdef.Low,
		"Namespace of the data stream, the last part of its name; ${topic} stands for the topic. It has the same limits as "+
			keyStreamDataset+".").WithValidator(streamPart("namespace")), medium, "Data Stream Namespace")
	key(opt(keyStreamTime, configdef.List, "", configdef.Low,
		"Fields of which the first that a document has becomes its @timestamp. With none, the record's timestamp does. "+
			"Only for data streams."), long, "Data Stream Timestamp Field")
	key(opt(keyBatch, configdef.Int, 2000, configdef.Medium,
		"Most records in one bulk request.").WithValidator(configdef.Between(1, 1_000_000)), short, "Batch Size")
	key(opt(keyBulkBytes, configdef.Long, 5<<20, configdef.Low,
		"Size in bytes from which a bulk request is sent, if "+keyBatch+" is not reached before; -1 for no limit.").
		WithValidator(configdef.Between(-1, 1<<31-1)), short, "Bulk Size (bytes)")
	key(opt(keyInFlight, configdef.Int, 5, configdef.Medium,
		"Most bulk requests of a task that are under way at a time.").WithValidator(configdef.Between(1, 1000)), short, "Max In-flight Requests")
	key(opt(keyBuffered, configdef.Int, 20000, configdef.Low,
		"Most records that a task holds before it waits for requests to end.").WithValidator(configdef.Between(1, 1<<31-1)), short, "Max Buffered Records")
	key(opt(keyLinger, configdef.Long, 1, configdef.Low,
		"How long in milliseconds a batch that is not full waits for more records.").WithValidator(configdef.Between(0, 7*day)), short, "Linger (ms)")
	key(opt(keyFlushTimeout, configdef.Long, 3*minute, configdef.Low,
		"How long in milliseconds to wait for space in the buffer, or for the last requests when the task stops, before "+
			"the task fails.").WithValidator(configdef.Between(1000, 7*day)), short, "Flush Timeout (ms)")
	key(opt(keyFlushSync, configdef.Boolean, false, configdef.Low,
		"Whether each commit waits until all that was received is written. Transforms that change the topic do not need "+
			"it here."), short, "Flush synchronously")
	key(opt(keyRetries, configdef.Int, 5, configdef.Low,
		"How often a request that fails is tried again, or what Elasticsearch rejected for the time being in one. After "+
			"that the task fails.").WithValidator(configdef.Between(0, 1<<31-1)), short, "Max Retries")
	key(opt(keyBackoff, configdef.Long, 100, configdef.Low,
		"Wait in milliseconds before the first retry. It doubles with each; a random part of it is waited.").
		WithValidator(configdef.Between(0, day)), short, "Retry Backoff (ms)")
	key(opt(keyCompression, configdef.Boolean, false, configdef.Low,
		"Whether requests are compressed with gzip and answers may be. Elasticsearch accepts it unless http.compression "+
			"is off."), short, "Compression")
	key(opt(keyIdle, configdef.Int, minute, configdef.Low,
		"How long in milliseconds a connection may be idle before it is closed; -1 for no limit.").
		WithValidator(configdef.Between(-1, day)), short, "Max Connection Idle Time")
	key(opt(keyConnect, configdef.Int, 1000, configdef.Low,
		"How long in milliseconds to wait for a connection; 0 for no limit.").WithValidator(configdef.Between(0, 12*hour)), short, "Connection Timeout")
	key(opt(keyRead, configdef.Int, 3000, configdef.Low,
		"How long in milliseconds to wait for an answer, or for its next part; 0 for no limit.").
		WithValidator(configdef.Between(0, 7*day)), short, "Read Timeout")
}

func conversionKeys(d *configdef.Def) {
	const short, long = configdef.WidthShort, configdef.WidthLong
	key := inGroup(d, groupConversion, 1)
	opt := configdef.Optional
	key(opt(keyKeyIgnore, configdef.Boolean, false, configdef.High,
		"Whether document ids are made of topic+partition+offset instead of the record's key. "+keyTopicsKey+" sets it for "+
			"some topics."), short, "Ignore Key mode")
	key(opt(keySchemaIgnore, configdef.Boolean, false, configdef.Low,
		"Whether the records' schemas are left out of account. If not, an index that has no mapping gets one made of the "+
			"schema; if so, Elasticsearch makes one of the documents. "+keyTopicsSchema+" sets it for some topics."), short, "Ignore Schema mode")
	key(opt(keyCompactMaps, configdef.Boolean, true, configdef.Low,
		"Whether a map with string keys becomes an object. If not, it becomes a list of objects with key and value, as "+
			"other maps always do."), short, "Compact Map Entries")
	key(opt(keyTopicsKey, configdef.List, "", configdef.Low,
		"Topics for which "+keyKeyIgnore+" is true."), long, "Topics for 'Ignore Key' mode")
	key(opt(keyTopicsSchema, configdef.List, "", configdef.Low,
		"Topics for which "+keySchemaIgnore+" is true."), long, "Topics for 'Ignore Schema' mode")
	key(opt(keyDropInvalid, configdef.Boolean, false, configdef.Low,
		"Whether records that cannot be made into a document are dropped instead of failing the task."), long, "Drop invalid messages")
	key(enum(opt(keyNullValues, configdef.String, nullsFail, configdef.Low,
		"What to do with a record whose value is null: ignore it, delete the document of its key, or fail."),
		nullsIgnore, nullsDelete, nullsFail), short, "Behavior for null-valued records")
	key(enum(opt(keyMalformed, configdef.String, malformedFail, configdef.Low,
		"What to do with a document that Elasticsearch rejects for what is in it, such as a field that does not fit the "+
			"mapping: ignore it, warn, or fail. It is reported to the dead letter queue, if there is one."),
		malformedIgnore, malformedWarn, malformedFail), short, "Behavior on malformed documents")
	key(opt(keyVersionHeader, configdef.String, "", configdef.Low,
		"Header whose number is the document's version. With none, the record's offset is."), short, "External Version Header Name")
	key(enum(opt(keyWriteMethod, configdef.String, methodInsert, configdef.Low,
		"INSERT replaces a document as a whole; UPSERT adds or replaces the fields that the record has. UPSERT is more work "+
			"for Elasticsearch: consider a larger "+keyRead+" and a smaller "+keyBatch+"."),
		methodInsert, methodUpsert), short, "Write Method")
	d.Define(opt(keyAutoIDs, configdef.Boolean, false, configdef.Medium,
		"Whether Elasticsearch makes the document ids. Records that are delivered again then make further documents. Only "+
			"with "+keyWriteMethod+"=INSERT; "+keyKeyIgnore+" has no effect then.").WithGroup(groupConnector, 11, short, "Elasticsearch Generated IDs"))
}

// ownKeys are those that the known connector does not have.
func ownKeys(d *configdef.Def) {
	const short = configdef.WidthShort
	opt := configdef.Optional
	d.Define(opt(keyAPIKey, configdef.Password, nil, configdef.Medium,
		"API key in its encoded form, in place of user name and password.").WithGroup(groupConnector, 24, short, "API Key"))
	d.Define(opt(keyBearer, configdef.Password, nil, configdef.Medium,
		"Token for bearer authentication, such as a service account's, in place of user name and password.").WithGroup(groupConnector, 25, short, "Bearer Token"))
}

func proxyKeys(d *configdef.Def) {
	key := inGroup(d, groupProxy, 0)
	opt := configdef.Optional
	key(opt(keyProxyHost, configdef.String, "", configdef.Low,
		"Host of an HTTP proxy to connect through."), configdef.WidthLong, "Proxy Host")
	key(opt(keyProxyPort, configdef.Int, 8080, configdef.Low,
		"Port of the proxy.").WithValidator(configdef.Between(1, 65535)), configdef.WidthLong, "Proxy Port")
	key(opt(keyProxyUser, configdef.String, "", configdef.Low,
		"User name for the proxy, which takes basic authentication."), configdef.WidthLong, "Proxy Username")
	key(opt(keyProxyPassword, configdef.Password, nil, configdef.Low,
		"Password for the proxy."), configdef.WidthLong, "Proxy Password")
}

func sslDef(d *configdef.Def) {
	d.Define(enum(configdef.Optional(keySecurity, configdef.String, "PLAINTEXT", configdef.Medium,
		"SSL to connect with the settings that begin with "+sslPrefix+"; PLAINTEXT not to use them."), "PLAINTEXT", protocolSSL).
		WithGroup(groupSSL, 1, configdef.WidthShort, "Security protocol"))
	d.Embed(sslPrefix, groupSSL, len(d.Names())+2, kafkassl.ClientDef())
}

func kerberosKeys(d *configdef.Def) {
	key := inGroup(d, groupKerberos, 0)
	key(configdef.Optional(keyPrincipal, configdef.String, nil, configdef.Low,
		"Kerberos principal. Kerberos is not supported; leave it out."), configdef.WidthLong, "Kerberos User Principal")
	key(configdef.Optional(keyKeytab, configdef.String, nil, configdef.Low,
		"Keytab file of the principal. Kerberos is not supported; leave it out.").WithValidator(keytab{}), configdef.WidthLong, "Kerberos Keytab File Path")
}

// enum limits a key to some values, whatever their case, and recommends them.
func enum(k configdef.Key, values ...string) configdef.Key {
	c := make(choice, len(values))
	for i, v := range values {
		c[i] = strings.ToLower(v)
	}
	return k.WithValidator(c).WithRecommender(c)
}

// choice is one of some values in lower case.
type choice []string

func (c choice) Validate(name string, value any) error {
	if value == nil {
		return nil
	}
	text := fmt.Sprint(value)
	for _, v := range c {
		if strings.ToLower(text) == v {
			return nil
		}
	}
	return configdef.Invalid(name, value, "Value must be one of: "+c.String())
}

func (c choice) String() string { return "[" + strings.Join(c, ", ") + "]" }

func (c choice) ValidValues(string, map[string]any) []any {
	out := make([]any, len(c))
	for i := range c {
		out[i] = c[i]
	}
	return out
}

func (choice) Visible(string, map[string]any) bool { return true }

// urls accepts a list of URLs.
type urls struct{}

func (urls) Validate(name string, value any) error {
	list, ok := value.([]string)
	if !ok {
		return configdef.Invalid(name, value, "The config must be provided and non-null.")
	}
	if len(list) == 0 {
		return errs.InvalidValue(name, "", "must name one URL or more, such as http://localhost:9200")
	}
	for _, text := range list {
		if _, err := parseURL(text); err != nil {
			return errs.InvalidValue(name, "["+redactAll(list)+"]",
				"The provided url '"+redact(text)+"' is not a valid url: "+err.Error()+"; give one such as http://localhost:9200")
		}
	}
	return nil
}

func (urls) String() string { return "List of valid URIs." }

// parseURL reads a node's URL; one without a scheme is http.
func parseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	switch {
	case err != nil:
		if inner, ok := err.(*url.Error); ok {
			err = inner.Err
		}
		return nil, err
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the scheme must be http or https, not %s", u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("there is no host")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("there must be nothing behind the path")
	}
	return u, nil
}

// redact hides user name and password within a URL.
func redact(text string) string {
	start := 0
	if i := strings.Index(text, "://"); i >= 0 {
		start = i + 3
	}
	end := len(text)
	if i := strings.IndexAny(text[start:], "/?#"); i >= 0 {
		end = start + i
	}
	// A password may hold an @, a host may not.
	if at := strings.LastIndexByte(text[start:end], '@'); at >= 0 {
		return text[:start] + text[start+at+1:]
	}
	return text
}

func redactAll(list []string) string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = redact(list[i])
	}
	return strings.Join(out, ", ")
}

// streamPart accepts a part of a data stream's name.
type streamPart string

func (p streamPart) Validate(name string, value any) error {
	text, ok := value.(string)
	if !ok {
		return nil
	}
	switch {
	case len(utf16.Encode([]rune(text))) > 100:
		return configdef.Invalid(name, text, fmt.Sprintf("The specified %s must be no longer than 100 characters.", string(p)))
	case text != strings.ToLower(text):
		return configdef.Invalid(name, text, fmt.Sprintf("The specified %s must be in all lowercase.", string(p)))
	case strings.ContainsAny(text, "\\/*?\"<>| ,#-:"):
		return configdef.Invalid(name, text, fmt.Sprintf("The specified %s must not contain any spaces or invalid characters \\/*?\"<>|,#-:", string(p)))
	}
	return nil
}

func (p streamPart) String() string {
	return fmt.Sprintf("A valid %s name that is all lowercase, less than 100 characters, and does not contain any spaces or invalid characters \\/*?\"<>|,#-:", string(p))
}

// keytab accepts an existing file.
type keytab struct{}

func (keytab) Validate(name string, value any) error {
	path, ok := value.(string)
	if !ok {
		return nil
	}
	if !strings.HasSuffix(path, "keytab") {
		return configdef.Invalid(name, path, "The specified file must end with .keytab")
	}
	if _, err := os.Stat(path); err != nil {
		return configdef.Invalid(name, path, "The specified file does not exist.")
	}
	return nil
}

func (keytab) String() string { return "Existing file with keytab extension." }
