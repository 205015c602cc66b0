// Package standard is the one table of what ships with Moldau.
//
//go:generate go run ../../internal/cmd/reference ../../docs/reference
package standard

import (
	"slices"

	"github.com/moldau-io/moldau/plugins"
)

// Plugins returns every plugin that ships.
func Plugins() []plugins.Plugin { return slices.Concat(connectors(), converters(), transforms()) }

// Registry returns the catalogue of every plugin that ships.
func Registry() *plugins.Registry { return plugins.New(Plugins()...) }
