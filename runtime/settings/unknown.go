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
func unknownKeys(c *cd.Config) []string { return unknownOf(knownNames(c.Def()), c.Originals()) }

// UnknownKeys returns the settings that nothing of a worker reads, sorted. They need
// not be right otherwise.
func UnknownKeys(mode Mode, props map[string]string) []string {
	return unknownOf(knownNames(workerDef(mode)), props)
}

// KnownKeys returns the names of what a worker and its Kafka clients read, the
// worker's own first.
func KnownKeys(mode Mode) []string { return knownNames(workerDef(mode)) }

func workerDef(mode Mode) *cd.Def {
	if mode == Standalone {
		return StandaloneDef()
	}
	return DistributedDef()
}

func knownNames(worker *cd.Def) []string {
	names := append(worker.Names(), keyOverrideAllowlist)
	for _, def := range []*cd.Def{ProducerDef(), ConsumerDef(), AdminDef()} {
		names = append(names, def.Names()...)
	}
	return names
}

func unknownOf(names []string, props map[string]string) []string {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if !known[name] && !slices.ContainsFunc(openPrefixes[:], func(p string) bool { return strings.HasPrefix(name, p) }) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}
