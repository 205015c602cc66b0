package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// validatePatience bounds the check of the connection.
const validatePatience = 10 * time.Second

// ValidateConfig checks settings together and, where nothing is wrong with them, the
// connection: that there is a server, that it is not too old, and that the resources
// exist that must exist.
func (*Connector) ValidateConfig(ctx context.Context, props map[string]string) map[string][]string {
	cfg, err := def().Parse(props)
	if err != nil {
		return nil // the definition's own validation says so, key by key
	}
	out := map[string][]string{}
	add := func(message string, keys ...string) {
		for _, key := range keys {
			out[key] = append(out[key], message)
		}
	}
	for _, f := range check(cfg, props) {
		add(f.message, f.keys...)
	}
	if len(out) > 0 {
		return out
	}
	set, err := parse(props)
	if err != nil {
		text, _ := errs.Message(err)
		key := keyURL
		for _, name := range cfg.Def().Names() {
			if strings.Contains(text, "configuration "+name+":") {
				key = name
			}
		}
		add(text, key)
		return out
	}
	c, err := newClient(set, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		add("Malformed Elasticsearch connection URL: "+err.Error(), keyURL)
		return out
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, validatePatience)
	defer cancel()
	if !checkConnection(ctx, c, cfg, add) {
		return out
	}
	checkVersion(ctx, c, add)
	checkResources(ctx, c, add)
	return out
}

func checkConnection(ctx context.Context, c *client, cfg *configdef.Config, add func(string, ...string)) bool {
	_, _, err := c.send(ctx, request{method: http.MethodHead, path: "/"})
	var status *statusError
	if err == nil || errors.As(err, &status) && status.status == http.StatusForbidden {
		return true // a user that may not look at the root may still write
	}
	message := fmt.Sprintf("Error message: %s (%s=%s)", javaText(err), keyURL, c.set.shown)
	add("Could not connect to Elasticsearch. "+message, keyURL)
	if !cfg.IsNull(keyUsername) {
		add(fmt.Sprintf("Could not authenticate the user. Check the '%s' and '%s'. %s", keyUsername, keyPassword, message), keyUsername, keyPassword)
	}
	if c.set.tls != nil {
		add("Could not connect to Elasticsearch. Check your SSL settings."+message, keySecurity)
	}
	if c.set.proxy != nil {
		keys := []string{keyProxyHost, keyProxyPort}
		if c.set.proxy.User != nil {
			keys = append(keys, keyProxyUser, keyProxyPassword)
		}
		add("Could not connect to Elasticsearch. Check your proxy settings. "+message, keys...)
	}
	return false
}

// Oldest versions of Elasticsearch that are written to; OpenSearch counts its own.
func oldest() (any, streams [2]int) { return [2]int{7, 0}, [2]int{7, 9} }

func checkVersion(ctx context.Context, c *client, add func(string, ...string)) {
	found, err := c.info(ctx)
	if err != nil || found.Version.Distribution == "opensearch" {
		return // not every user may see the version
	}
	have, ok := parseVersion(found.Version.Number)
	if !ok {
		return
	}
	plain, streams := oldest()
	if c.set.stream && slices.Compare(have[:], streams[:]) < 0 {
		add(fmt.Sprintf("Elasticsearch version %s is not compatible with data streams. Elasticsearch version must be at least %d.%d.0.",
			found.Version.Number, streams[0], streams[1]), keyURL, keyStreamType, keyStreamDataset)
	}
	if slices.Compare(have[:], plain[:]) < 0 {
		add(fmt.Sprintf("Connector version %s is not compatible with Elasticsearch version %s. Elasticsearch version must be at least %d.%d.0.",
			Version, found.Version.Number, plain[0], plain[1]), keyURL)
	}
}

func parseVersion(text string) (v [2]int, ok bool) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 {
		return v, false
	}
	for i := range v {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

func checkResources(ctx context.Context, c *client, add func(string, ...string)) {
	exists := c.exists
	switch c.set.usage {
	case usageDisabled:
		return
	case usageAliasIndex, usageAliasDataStream:
		exists = c.aliasExists
	}
	for _, topic := range slices.Sorted(maps.Keys(c.set.resources)) {
		resource, kind := c.set.resources[topic], strings.ToLower(c.set.usage)
		found, err := exists(ctx, resource)
		switch {
		case err != nil:
			add(fmt.Sprintf("Failed to check if %s '%s' exists: %s", kind, resource, err), keyMapping)
			return
		case !found:
			add(fmt.Sprintf("%s '%s' does not exist in Elasticsearch", kind, resource), keyMapping)
			return
		}
	}
}
