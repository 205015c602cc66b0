// Package plugins is the catalogue of what a worker can run: connectors,
// converters, transforms and predicates by class name, alias and version.
//
// A Registry is a value that is filled once, at start, and then only read. What
// ships is listed in plugins/standard; nothing registers itself.
package plugins

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Kind is the kind of a plugin, in the words of the REST API.
type Kind string

// The kinds of plugins.
const (
	Source          Kind = "source"
	Sink            Kind = "sink"
	Converter       Kind = "converter"
	HeaderConverter Kind = "header_converter"
	Transformation  Kind = "transformation"
	Predicate       Kind = "predicate"
)

// javaName is the simple name of the kind's Java interface; class names are known
// without it too (SimpleHeaderConverter as "SimpleHeader").
func (k Kind) javaName() string {
	switch k {
	case Source, Sink:
		return "Connector"
	case Converter:
		return "Converter"
	case HeaderConverter:
		return "HeaderConverter"
	case Transformation:
		return "Transformation"
	default:
		return "Predicate"
	}
}

// Plugin is one entry of the catalogue.
type Plugin struct {
	// Kind is what the plugin is. A class may be listed once for each kind.
	Kind Kind
	// Class is the name under which the plugin is listed.
	Class string
	// Aliases are further full names, beyond the short ones that follow from Class.
	Aliases []string
	// Version as the REST API shows it; "" for none.
	Version string
	// New makes an instance: a connect.SourceConnector, connect.SinkConnector,
	// connect.Converter, connect.HeaderConverter, connect.Transform or connect.Predicate.
	New func() connect.Configured
}

// Registry is the catalogue.
type Registry struct {
	plugins []Plugin
	names   map[Kind]map[string]int
}

// New returns a registry of the given plugins. Two that claim one full name are a
// programming error and panic; a short name claimed twice belongs to neither.
func New(plugins ...Plugin) *Registry {
	r := &Registry{plugins: slices.Clone(plugins), names: map[Kind]map[string]int{}}
	const ambiguous = -1
	short := map[Kind]map[string]int{}
	for i, p := range r.plugins {
		if r.names[p.Kind] == nil {
			r.names[p.Kind], short[p.Kind] = map[string]int{}, map[string]int{}
		}
		for _, name := range append([]string{p.Class}, p.Aliases...) {
			if _, ok := r.names[p.Kind][name]; ok {
				panic("plugins: " + name + " is registered twice as " + string(p.Kind))
			}
			r.names[p.Kind][name] = i
		}
		for _, full := range append([]string{p.Class}, p.Aliases...) {
			for _, name := range shortNames(p.Kind, full) {
				if j, ok := short[p.Kind][name]; ok && j != i {
					short[p.Kind][name] = ambiguous
				} else if !ok {
					short[p.Kind][name] = i
				}
			}
		}
	}
	for kind, names := range short {
		for name, i := range names {
			if _, ok := r.names[kind][name]; !ok && i != ambiguous {
				r.names[kind][name] = i
			}
		}
	}
	return r
}

// shortNames returns a class's name without its package, and that without the
// name of the interface (PluginUtils.simpleName and prunedName).
func shortNames(k Kind, class string) []string {
	simple := class[strings.LastIndexByte(class, '.')+1:]
	if strings.Contains(simple, "$") {
		// Java's simple name of a nested class is the nested part alone, which is "Key" or
		// "Value" for every transform and so leads to none.
		return nil
	}
	if pruned := strings.TrimSuffix(simple, k.javaName()); pruned != simple && pruned != "" {
		return []string{simple, pruned}
	}
	return []string{simple}
}

// Names returns every name that leads to the plugin, full and short, sorted.
func (r *Registry) Names(p Plugin) []string {
	var out []string
	for name, i := range r.names[p.Kind] {
		if r.plugins[i].Class == p.Class {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Find returns the plugin of that kind and name or alias.
func (r *Registry) Find(k Kind, name string) (Plugin, bool) {
	i, ok := r.names[k][strings.TrimSpace(name)]
	if !ok {
		return Plugin{}, false
	}
	return r.plugins[i], true
}

// FindAny returns the first plugin of that name of any of the kinds.
func (r *Registry) FindAny(name string, kinds ...Kind) (Plugin, bool) {
	for _, k := range kinds {
		if p, ok := r.Find(k, name); ok {
			return p, true
		}
	}
	return Plugin{}, false
}

// List returns the plugins of the given kinds, all without any, by kind as given
// and then by class.
func (r *Registry) List(kinds ...Kind) []Plugin {
	if len(kinds) == 0 {
		kinds = []Kind{Sink, Source, Converter, HeaderConverter, Transformation, Predicate}
	}
	var out []Plugin
	for _, k := range kinds {
		from := len(out)
		for _, p := range r.plugins {
			if p.Kind == k {
				out = append(out, p)
			}
		}
		slices.SortFunc(out[from:], func(a, b Plugin) int { return strings.Compare(a.Class, b.Class) })
	}
	return out
}

// FindConnector returns the source or sink connector of that name. An unknown one
// gives Connect's ConnectException with the list of those there are.
func (r *Registry) FindConnector(name string) (Plugin, error) {
	if p, ok := r.FindAny(name, Source, Sink); ok {
		return p, nil
	}
	var known []string
	for _, p := range r.List(Sink, Source) {
		known = append(known, fmt.Sprintf("PluginDesc{klass=class %s, name='%s', version='%s', encodedVersion=%s, type=%s, typeName='%s', location='classpath'}",
			p.Class, p.Class, p.Version, p.Version, p.Kind, p.Kind))
	}
	return Plugin{}, errs.Connect("Failed to find any class that implements Connector and which name matches " + name +
		", available connectors are: " + strings.Join(known, ", "))
}

// NewSource makes a source connector of the plugin.
func (p Plugin) NewSource() (connect.SourceConnector, error) {
	return instance[connect.SourceConnector](p)
}

// NewSink makes a sink connector of the plugin.
func (p Plugin) NewSink() (connect.SinkConnector, error) { return instance[connect.SinkConnector](p) }

// NewConnector makes a connector of the plugin, be it a source or a sink.
func (p Plugin) NewConnector() (connect.Connector, error) { return instance[connect.Connector](p) }

// NewConverter makes a converter of the plugin.
func (p Plugin) NewConverter() (connect.Converter, error) { return instance[connect.Converter](p) }

// NewHeaderConverter makes a header converter of the plugin.
func (p Plugin) NewHeaderConverter() (connect.HeaderConverter, error) {
	return instance[connect.HeaderConverter](p)
}

// NewTransform makes a transform of the plugin.
func (p Plugin) NewTransform() (connect.Transform, error) { return instance[connect.Transform](p) }

// NewPredicate makes a predicate of the plugin.
func (p Plugin) NewPredicate() (connect.Predicate, error) { return instance[connect.Predicate](p) }

// ConfigDef returns the definition of the plugin's settings.
func (p Plugin) ConfigDef() *configdef.Def { return p.New().ConfigDef() }

func instance[T any](p Plugin) (T, error) {
	made, ok := p.New().(T)
	if !ok {
		var zero T
		return zero, errs.Connect("%s is a %s and cannot be used as %T", p.Class, p.Kind, &zero)
	}
	return made, nil
}
