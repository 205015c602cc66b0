package schemas

import (
	"fmt"
	"maps"
	"strings"

	"github.com/moldau-io/moldau/converters/registry"
)

const urlKey = "schema.registry.url"

// Settings say which registry to ask, and how, by the names that converters have for it.
type Settings struct {
	// URL are the registry's URLs, separated by commas, in place of those of File.
	URL string
	// File are the settings of a worker, a connector or a converter.
	File map[string]string
	// Sets are single settings of a converter, over those of File.
	Sets map[string]string
}

// defaults keep who waits at a terminal from waiting long.
var defaults = [][2]string{{"max.retries", "0"}, {"http.connect.timeout.ms", "10000"}, {"http.read.timeout.ms", "30000"}}

// prefixes of the settings in a file, in the order in which they are looked for.
var prefixes = []string{"value.converter.", "key.converter.", ""}

// Open returns the client of the registry that the settings name.
func (s Settings) Open() (*registry.HTTP, error) { return s.open(prefixes) }

// open is Open, with the settings of the first of the prefixes that have a URL.
func (s Settings) open(prefixes []string) (*registry.HTTP, error) {
	props := map[string]string{}
	for _, d := range defaults {
		props[d[0]] = d[1]
	}
	for _, prefix := range prefixes {
		if _, ok := s.File[prefix+urlKey]; !ok {
			continue
		}
		for name, value := range s.File {
			if name, ok := strings.CutPrefix(name, prefix); ok {
				props[name] = value
			}
		}
		break
	}
	maps.Copy(props, s.Sets)
	if s.URL != "" {
		props[urlKey] = s.URL
	}
	if props[urlKey] == "" {
		return nil, fmt.Errorf("no registry is named: give --url http://registry:8081, or --config with a file that has %s%s", prefixes[0], urlKey)
	}
	c, err := registry.NewHTTP(props)
	if err != nil {
		return nil, fmt.Errorf("the settings of the registry are wrong: %w", err)
	}
	return c, nil
}
