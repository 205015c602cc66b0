package settings

import (
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
)

// Plugins is what settings need of the catalogue of plugins.
type Plugins interface {
	// Find returns the plugin of one of the kinds by name or alias.
	Find(name string, kinds ...plugins.Kind) (Plugin, bool)
	// List returns the plugins of a kind, sorted by class.
	List(kind plugins.Kind) []Plugin
}

// Plugin is one entry of the catalogue.
type Plugin struct {
	Kind plugins.Kind
	// Class is the full name, Version what the plugin reports.
	Class, Version string
	// Def returns the definition of the plugin's settings.
	Def func() *configdef.Def
}

// Catalogue makes Plugins of a registry.
func Catalogue(r *plugins.Registry) Plugins { return catalogue{r} }

type catalogue struct{ r *plugins.Registry }

func (c catalogue) Find(name string, kinds ...plugins.Kind) (Plugin, bool) {
	p, ok := c.r.FindAny(name, kinds...)
	if !ok {
		return Plugin{}, false
	}
	return toPlugin(p), true
}

func (c catalogue) List(kind plugins.Kind) []Plugin {
	var list []Plugin
	for _, p := range c.r.List(kind) {
		list = append(list, toPlugin(p))
	}
	return list
}

func toPlugin(p plugins.Plugin) Plugin {
	return Plugin{Kind: p.Kind, Class: p.Class, Version: p.Version, Def: p.ConfigDef}
}

var allKinds = []plugins.Kind{
	plugins.Source, plugins.Sink, plugins.Converter, plugins.HeaderConverter, plugins.Transformation, plugins.Predicate,
}

// resolveClass returns the full name of a class that is a plugin of any kind, or
// the outer class of nested plugins (Cast of Cast$Key and Cast$Value).
func resolveClass(p Plugins, name string) (string, bool) {
	if found, ok := p.Find(name, allKinds...); ok {
		return found.Class, true
	}
	return name, len(nested(p, name)) > 0
}

// nested returns the plugins that are nested in a class, sorted.
func nested(p Plugins, class string) []string {
	if class == "" || !strings.Contains(class, ".") {
		return nil
	}
	var names []string
	for _, kind := range allKinds {
		for _, plugin := range p.List(kind) {
			if strings.HasPrefix(plugin.Class, class+"$") {
				names = append(names, plugin.Class)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
