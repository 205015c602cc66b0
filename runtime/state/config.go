package state

import (
	"maps"
	"slices"
	"sync"
)

// Config is the stored, unresolved configuration of a connector or task: string
// keys to strings or null. References to config providers stay as they were
// written. It is immutable; the zero value is an empty config.
type Config struct {
	values map[string]*string
}

// NewConfig returns a config with a copy of these values.
func NewConfig(values map[string]string) Config {
	c := Config{values: make(map[string]*string, len(values))}
	for k, v := range values {
		c.values[k] = &v
	}
	return c
}

// NewNullableConfig returns a config with a copy of these values, where nil
// stands for null.
func NewNullableConfig(values map[string]*string) Config {
	c := Config{values: make(map[string]*string, len(values))}
	for k, v := range values {
		if v != nil {
			s := *v
			v = &s
		}
		c.values[k] = v
	}
	return c
}

// Get returns the value of a key; false when the key is absent or null.
func (c Config) Get(key string) (string, bool) {
	if v := c.values[key]; v != nil {
		return *v, true
	}
	return "", false
}

// Has reports whether the key is present, be it with a null value.
func (c Config) Has(key string) bool {
	_, ok := c.values[key]
	return ok
}

// Len is the number of keys, those with a null value included.
func (c Config) Len() int { return len(c.values) }

// Keys returns all keys, sorted.
func (c Config) Keys() []string { return slices.Sorted(maps.Keys(c.values)) }

// Map returns a fresh map of the keys that have a value; null ones are left out.
func (c Config) Map() map[string]string {
	m := make(map[string]string, len(c.values))
	for k, v := range c.values {
		if v != nil {
			m[k] = *v
		}
	}
	return m
}

// Nullable returns a fresh map of all keys, where nil stands for null.
func (c Config) Nullable() map[string]*string {
	m := make(map[string]*string, len(c.values))
	for k, v := range c.values {
		if v != nil {
			s := *v
			v = &s
		}
		m[k] = v
	}
	return m
}

// Equal reports whether both hold the same keys and values. As in Java's
// Map.equals, an absent key differs from one with a null value.
func (c Config) Equal(o Config) bool {
	return maps.EqualFunc(c.values, o.values, func(a, b *string) bool {
		if a == nil || b == nil {
			return a == b
		}
		return *a == *b
	})
}

// AppliedConfig is the connector config from which the current task configs
// were generated (Java's AppliedConnectorConfig, KAFKA-17719). Its resolved form
// is computed once and kept, so that a secret that changes later does not make
// an unchanged connector look changed. One AppliedConfig is shared by all
// snapshots taken until the next commit of task configs.
type AppliedConfig struct {
	raw Config

	mu       sync.Mutex
	resolved *Config
}

// NewAppliedConfig returns an applied config that was not resolved yet.
func NewAppliedConfig(raw Config) *AppliedConfig { return &AppliedConfig{raw: raw} }

// Raw returns the config as it is stored.
func (a *AppliedConfig) Raw() Config { return a.raw }

// Resolved returns the config with the references to config providers replaced
// by resolve. The first result without error is kept and returned from then on.
// A nil resolve stands for one that changes nothing.
func (a *AppliedConfig) Resolved(resolve func(Config) (Config, error)) (Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resolved != nil {
		return *a.resolved, nil
	}
	c := a.raw
	if resolve != nil {
		var err error
		if c, err = resolve(c); err != nil {
			return Config{}, err
		}
	}
	a.resolved = &c
	return c, nil
}
