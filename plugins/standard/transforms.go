package standard

import "github.com/moldau-io/moldau/plugins"

// transforms are the transforms and predicates that ship.
func transforms() []plugins.Plugin { return nil }
