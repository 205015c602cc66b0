package settings

import (
	"maps"
	"slices"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
)

// openPrefixes begin settings that are not in a worker's definition because other
// components define them.
var openPrefixes = [...]string{
	"producer.", "consumer.", "admin.",
	"key.converter.", "value.converter.", "header.converter.",
	"config.providers.",
	"config.storage.", "offset.storage.", "status.storage.",
	"listeners.https.", "admin.listeners.https.",
	"metrics.context.", "metrics.jmx.",
	"rest.extension.", "internal.key.converter", "internal.value.converter",
}

// unknownKeys returns the given settings that nothing reads: neither a worker, nor a
// Kafka client, which gets a worker's settings too, nor what has a prefix of its own.
func unknownKeys(c *cd.Config) []string {
	known := map[string]bool{keyOverrideAllowlist: true}
	for _, def := range []*cd.Def{c.Def(), ProducerDef(), ConsumerDef(), AdminDef()} {
		for _, name := range def.Names() {
			known[name] = true
		}
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(c.Originals())) {
		if !known[name] && !slices.ContainsFunc(openPrefixes[:], func(p string) bool { return strings.HasPrefix(name, p) }) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}
