package configdef

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Config holds parsed settings (AbstractConfig). A getter of an unknown name or
// of another type panics: that is an error of the program, not of its user. A
// typed getter gives the zero value for null. It is safe for many goroutines.
type Config struct {
	def       *Def
	originals map[string]string
	values    map[string]any

	mu   sync.Mutex
	used map[string]bool
}

func newConfig(d *Def, originals map[string]string, values map[string]any) *Config {
	return &Config{def: d, originals: maps.Clone(originals), values: values, used: make(map[string]bool)}
}

// Def returns the definition the settings were parsed with.
func (c *Config) Def() *Def { return c.def }

// Has says whether a setting of this name is defined.
func (c *Config) Has(name string) bool {
	_, ok := c.values[name]
	return ok
}

// Get returns the parsed value, nil for null.
func (c *Config) Get(name string) any {
	value, ok := c.values[name]
	if !ok {
		panic(fmt.Sprintf("configdef: Unknown configuration '%s'", name))
	}
	c.use(name)
	return value
}

// IsNull says whether the value is null.
func (c *Config) IsNull(name string) bool { return c.Get(name) == nil }

func get[T any](c *Config, name string, want ...Type) T {
	var zero T
	value := c.Get(name)
	if k := c.def.keys[name]; !slices.Contains(want, k.Type) {
		panic(fmt.Sprintf("configdef: configuration '%s' is of type %s, not %v", name, k.Type, want[0]))
	}
	if value == nil {
		return zero
	}
	return value.(T)
}

// String returns a String setting, "" for null.
func (c *Config) String(name string) string { return get[string](c, name, String) }

// StringOK returns a String setting, and false for null.
func (c *Config) StringOK(name string) (string, bool) {
	return get[string](c, name, String), c.values[name] != nil
}

// Int returns an Int setting.
func (c *Config) Int(name string) int32 { return get[int32](c, name, Int) }

// Short returns a Short setting.
func (c *Config) Short(name string) int16 { return get[int16](c, name, Short) }

// Long returns a Long setting.
func (c *Config) Long(name string) int64 { return get[int64](c, name, Long) }

// Double returns a Double setting.
func (c *Config) Double(name string) float64 { return get[float64](c, name, Double) }

// Bool returns a Boolean setting.
func (c *Config) Bool(name string) bool { return get[bool](c, name, Boolean) }

// List returns a copy of a List setting, nil for null.
func (c *Config) List(name string) []string { return slices.Clone(get[[]string](c, name, List)) }

// Password returns a Password setting.
func (c *Config) Password(name string) Secret { return get[Secret](c, name, Password) }

// Class returns a Class setting: a class's name, "" for null.
func (c *Config) Class(name string) string { return get[string](c, name, Class) }

// Values returns all parsed values by name. Reading them marks nothing as used.
func (c *Config) Values() map[string]any { return maps.Clone(c.values) }

// Originals returns what was given, known settings or not.
func (c *Config) Originals() map[string]string { return maps.Clone(c.originals) }

// OriginalsWithPrefix returns what was given under a prefix, which is cut off,
// and marks it as used. A name that is the prefix itself is left out.
func (c *Config) OriginalsWithPrefix(prefix string) map[string]string {
	found := make(map[string]string)
	for name, value := range c.originals {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			found[rest] = value
			c.use(name)
		}
	}
	return found
}

// Unused returns the names of settings that were given and that nobody has asked
// for yet, sorted.
func (c *Config) Unused() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name := range c.originals {
		if !c.used[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *Config) use(name string) {
	c.mu.Lock()
	c.used[name] = true
	c.mu.Unlock()
}
