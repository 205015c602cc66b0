package elasticsearch

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// fault is a message about one or more settings.
type fault struct {
	keys    []string
	message string
}

func joinHostPort(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// check returns what is wrong with settings together, in the known connector's
// order and words.
func check(cfg *configdef.Config, props map[string]string) []fault {
	c := &checker{cfg: cfg}
	c.credentials()
	c.resources(props)
	c.dataStreams()
	c.ignores()
	c.kerberos()
	if linger, timeout := cfg.Long(keyLinger), cfg.Long(keyFlushTimeout); linger > timeout {
		c.add(fmt.Sprintf("'%s' (%d) can not be larger than '%s' (%d).", keyLinger, linger, keyFlushTimeout, timeout), keyLinger, keyFlushTimeout)
	}
	if buffered, batch, inFlight := cfg.Int(keyBuffered), cfg.Int(keyBatch), cfg.Int(keyInFlight); int64(buffered) < int64(batch)*int64(inFlight) {
		c.add(fmt.Sprintf("'%s' (%d) must be larger than or equal to '%s' (%d) x %s (%d).", keyBuffered, buffered, keyBatch, batch, keyInFlight, inFlight),
			keyBuffered, keyBatch, keyInFlight)
	}
	c.proxy()
	c.ssl()
	return c.faults
}

type checker struct {
	cfg    *configdef.Config
	faults []fault
}

func (c *checker) add(message string, keys ...string) {
	c.faults = append(c.faults, fault{keys, message})
}

func (c *checker) credentials() {
	user, password := c.cfg.IsNull(keyUsername), c.cfg.IsNull(keyPassword)
	if user != password {
		c.add(fmt.Sprintf("Both '%s' and '%s' must be set.", keyUsername, keyPassword), keyUsername, keyPassword)
	}
	var given []string
	for _, key := range []string{keyUsername, keyAPIKey, keyBearer} {
		if !c.cfg.IsNull(key) {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		c.add(fmt.Sprintf("Only one of '%s' must be set.", strings.Join(given, "', '")), given...)
	}
}

func (c *checker) resources(props map[string]string) {
	mapped := len(c.cfg.List(keyMapping)) > 0
	enabled := upper(c.cfg, keyExternal) != usageDisabled
	switch {
	case enabled != mapped:
		c.add(fmt.Sprintf("Invalid configuration: %s and %s must be configured together. Either both must be set, or both must be empty.",
			keyExternal, keyMapping), keyExternal, keyMapping)
		return
	case !mapped:
		return
	case upper(c.cfg, keyStreamType) != streamNone || c.cfg.String(keyStreamDataset) != "":
		c.add(fmt.Sprintf("Resource mapping mode and data stream configs are mutually exclusive. When using %s, data stream configs (%s, %s) must not be set.",
			keyMapping, keyStreamType, keyStreamDataset), keyMapping, keyStreamType, keyStreamDataset)
		return
	}
	mapping, err := resourceMapping(c.cfg)
	if err != nil {
		text, _ := errs.Message(err)
		c.add(text, keyMapping)
		return
	}
	if props[keyTopics] == "" {
		return // topics.regex: what there is shows only later
	}
	var topics []string
	for topic := range strings.SplitSeq(props[keyTopics], ",") {
		topics = append(topics, strings.TrimSpace(topic))
	}
	for _, topic := range topics {
		if _, ok := mapping[topic]; !ok {
			c.add(fmt.Sprintf("Topic '%s' is not mapped to any resource. All configured topics must be mapped to a resource.", topic), keyMapping)
			return
		}
	}
	for _, entry := range c.cfg.List(keyMapping) {
		topic, _, _ := strings.Cut(entry, ":")
		if topic = strings.TrimSpace(topic); !slices.Contains(topics, topic) {
			c.add(fmt.Sprintf("Topic '%s' is mapped but not configured. All mapped topics must be configured topics.", topic), keyMapping)
			return
		}
	}
}

func (c *checker) dataStreams() {
	if (upper(c.cfg, keyStreamType) == streamNone) != (c.cfg.String(keyStreamDataset) == "") {
		c.add(fmt.Sprintf("Either both or neither '%s' and '%s' must be set.", keyStreamDataset, keyStreamType), keyStreamType, keyStreamDataset)
	}
	if !isDataStream(c.cfg) {
		if len(c.cfg.List(keyStreamTime)) > 0 {
			c.add(fmt.Sprintf("Mapping a field to the '@timestamp' field is only necessary when working with data streams. '%s' must not be set when not using data streams.",
				keyStreamTime), keyStreamTime)
		}
		return
	}
	if upper(c.cfg, keyWriteMethod) == methodUpsert {
		c.add(fmt.Sprintf("Upserts are not supported with data streams. %s must not be %s when using data streams.", keyWriteMethod, methodUpsert), keyWriteMethod)
		return
	}
	if upper(c.cfg, keyNullValues) == nullsDelete {
		c.add(fmt.Sprintf("Deletes are not supported with data streams. %s must not be %s when using data streams.", keyNullValues, nullsDelete), keyNullValues)
	}
}

func (c *checker) ignores() {
	for _, pair := range [][2]string{{keyTopicsKey, keyKeyIgnore}, {keyTopicsSchema, keySchemaIgnore}} {
		if c.cfg.Bool(pair[1]) && len(c.cfg.List(pair[0])) > 0 {
			c.add(fmt.Sprintf("'%s' can not be set if '%s' is true.", pair[0], pair[1]), pair[1], pair[0])
		}
	}
}

func (c *checker) kerberos() {
	if c.cfg.IsNull(keyPrincipal) && c.cfg.IsNull(keyKeytab) {
		return
	}
	c.add(fmt.Sprintf("Kerberos ('%s', '%s') is not supported. Remove both and use '%s' and '%s', '%s' or '%s'.",
		keyPrincipal, keyKeytab, keyUsername, keyPassword, keyAPIKey, keyBearer), keyPrincipal, keyKeytab)
}

func (c *checker) proxy() {
	user, password := c.cfg.String(keyProxyUser) != "", !c.cfg.IsNull(keyProxyPassword)
	if c.cfg.String(keyProxyHost) == "" {
		if user {
			c.add(fmt.Sprintf("'%s' must be set to use '%s'.", keyProxyHost, keyProxyUser), keyProxyUser, keyProxyHost)
		}
		if password {
			c.add(fmt.Sprintf("'%s' must be set to use '%s'.", keyProxyHost, keyProxyPassword), keyProxyPassword, keyProxyHost)
		}
		return
	}
	if user != password {
		c.add(fmt.Sprintf("Either both or neither '%s' and '%s' can be set.", keyProxyUser, keyProxyPassword), keyProxyUser, keyProxyPassword)
	}
}

func (c *checker) ssl() {
	given := len(c.cfg.OriginalsWithPrefix(sslPrefix)) > 0
	switch enabled := upper(c.cfg, keySecurity) == protocolSSL; {
	case !enabled && given:
		c.add(fmt.Sprintf("'%s' must be set to '%s' to use SSL configs.", keySecurity, protocolSSL), keySecurity)
	case enabled && !given:
		c.add(fmt.Sprintf("At least these SSL configs ('%sssl.keystore.location', '%sssl.keystore.password', '%sssl.truststore.location', and '%sssl.truststore.password') "+
			"must be present for SSL support. Otherwise set '%s' to '%s'.", sslPrefix, sslPrefix, sslPrefix, sslPrefix, keySecurity, "PLAINTEXT"), keySecurity)
	case enabled && !c.cfg.IsNull(sslPrefix+"ssl.engine.factory.class"):
		c.add(fmt.Sprintf("'%sssl.engine.factory.class' names a class of the JVM, which cannot be used. Remove it.", sslPrefix), sslPrefix+"ssl.engine.factory.class")
	}
}
