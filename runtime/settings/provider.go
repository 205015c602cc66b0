package settings

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Provider looks values up that settings refer to (KIP-297, ConfigProvider). It is
// safe for concurrent use.
type Provider interface {
	// Get returns those of the keys that there are under path, which may be "".
	Get(ctx context.Context, path string, keys []string) (ProviderData, error)
	// Close releases what the provider holds.
	Close() error
}

// ProviderData is what a provider found.
type ProviderData struct {
	Values map[string]string
	// TTL is how long the values are good for, if HasTTL is true.
	TTL    time.Duration
	HasTTL bool
}

// Providers are the configured providers by name.
type Providers struct {
	byName map[string]Provider
}

// ProviderOptions are what providers work with.
type ProviderOptions struct {
	// Logger takes warnings, such as a path that is not allowed. It must be set.
	Logger *slog.Logger
	// Environ is the environment for EnvVarConfigProvider, os.Environ by default.
	Environ []string
}

// makeProvider makes a provider from its param.* settings.
type makeProvider func(params map[string]string, o ProviderOptions) (Provider, error)

// providerClass returns the provider of a class name, full or short.
func providerClass(name string) (makeProvider, bool) {
	const pkg = "org.apache.kafka.common.config.provider."
	switch strings.TrimPrefix(configdef.Trim(name), pkg) {
	case "FileConfigProvider", "File":
		return newFileProvider, true
	case "DirectoryConfigProvider", "Directory":
		return newDirectoryProvider, true
	case "EnvVarConfigProvider", "EnvVar", "EnvConfigProvider", "Env":
		return newEnvProvider, true
	}
	return nil, false
}

// NewProviders makes the providers that config.providers names, from
// config.providers.<name>.class and config.providers.<name>.param.*. A name
// without a class is passed over, as Connect does.
func NewProviders(props map[string]string, o ProviderOptions) (*Providers, error) {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	p := &Providers{byName: make(map[string]Provider)}
	for _, name := range strings.Split(props[keyConfigProviders], ",") {
		name = configdef.Trim(name)
		classKey := keyConfigProviders + "." + name + ".class"
		class, ok := props[classKey]
		if name == "" || !ok {
			continue
		}
		construct, ok := providerClass(class)
		if !ok {
			return nil, errs.InvalidValue(classKey, class, "Could not load config provider class or one of its dependencies").
				WithHint("known are FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider of org.apache.kafka.common.config.provider")
		}
		provider, err := construct(withPrefix(props, keyConfigProviders+"."+name+".param."), o)
		if err != nil {
			return nil, err
		}
		if p.byName[name], err = withTTL(provider, ttlKey(name), props); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// ttlKey is a provider's setting that Connect does not have: for how long what it gives
// is good, in milliseconds.
func ttlKey(name string) string { return keyConfigProviders + "." + name + ".param.moldau.ttl.ms" }

// leased is a provider whose values are good for a while.
type leased struct {
	Provider
	ttl time.Duration
}

func (l leased) Get(ctx context.Context, path string, keys []string) (ProviderData, error) {
	data, err := l.Provider.Get(ctx, path, keys)
	data.TTL, data.HasTTL = l.ttl, true
	return data, err
}

func withTTL(p Provider, key string, props map[string]string) (Provider, error) {
	text, ok := props[key]
	if !ok {
		return p, nil
	}
	ms, err := strconv.ParseInt(configdef.Trim(text), 10, 64)
	if err != nil || ms < 1 {
		return nil, errs.InvalidValue(key, text, "expected a number of milliseconds, 1 or more")
	}
	return leased{p, millis(ms)}, nil
}

// Close closes all providers.
func (p *Providers) Close() error {
	var first error
	for _, name := range slices.Sorted(maps.Keys(p.byName)) {
		if err := p.byName[name].Close(); err != nil && first == nil {
			first = fmt.Errorf("cannot close config provider %s: %w", name, err)
		}
	}
	return first
}

// Resolved is a configuration without references.
type Resolved struct {
	Props map[string]string
	// TTLs says of each path how long the values found there are good for; paths
	// without a limit are not in it.
	TTLs map[string]time.Duration
}

// TTL is the shortest of the TTLs, and false if there is none.
func (r Resolved) TTL() (time.Duration, bool) {
	var shortest time.Duration
	found := false
	for _, ttl := range r.TTLs {
		if !found || ttl < shortest {
			shortest, found = ttl, true
		}
	}
	return shortest, found
}

// variable matches ${provider:key} and ${provider:path:key}
// (ConfigTransformer.DEFAULT_PATTERN).
var variable = regexp.MustCompile(`\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}`)

// Resolve replaces the references in all values (ConfigTransformer.transform).
// What a provider does not know, and references to a provider that is not
// configured, stay as they are. Each path is asked for once.
func (p *Providers) Resolve(ctx context.Context, props map[string]string) (Resolved, error) {
	result := Resolved{Props: maps.Clone(props), TTLs: make(map[string]time.Duration)}
	if len(p.byName) == 0 {
		return result, nil
	}
	type place struct{ provider, path string }
	wanted := make(map[place]map[string]bool)
	var places []place
	for _, name := range slices.Sorted(maps.Keys(props)) {
		for _, v := range variable.FindAllStringSubmatch(props[name], -1) {
			at := place{v[1], v[2]}
			if p.byName[at.provider] == nil {
				continue
			}
			if wanted[at] == nil {
				places = append(places, at)
				wanted[at] = make(map[string]bool)
			}
			wanted[at][v[3]] = true
		}
	}
	found := make(map[place]map[string]string, len(places))
	for _, at := range places {
		data, err := p.byName[at.provider].Get(ctx, at.path, slices.Sorted(maps.Keys(wanted[at])))
		if err != nil {
			return Resolved{}, err
		}
		found[at] = data.Values
		if data.HasTTL && data.TTL >= 0 {
			result.TTLs[at.path] = data.TTL
		}
	}
	for name, value := range result.Props {
		result.Props[name] = variable.ReplaceAllStringFunc(value, func(whole string) string {
			v := variable.FindStringSubmatch(whole)
			if replacement, ok := found[place{v[1], v[2]}][v[3]]; ok {
				return replacement
			}
			return whole
		})
	}
	return result, nil
}

// withPrefix returns the settings under a prefix, which is cut off. A name that is
// the prefix itself is left out.
func withPrefix(props map[string]string, prefix string) map[string]string {
	found := make(map[string]string)
	for name, value := range props {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			found[rest] = value
		}
	}
	return found
}
