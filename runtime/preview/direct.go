package preview

import (
	"maps"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
)

// direct returns the error that the first wrong transform or predicate gives when it
// is configured alone, with its own settings and nothing else. Only full class names
// count: an alias may be wrong in itself.
func (e *Engine) direct(props map[string]string) error {
	for _, group := range []struct {
		key  string
		kind plugins.Kind
	}{{"transforms", plugins.Transformation}, {"predicates", plugins.Predicate}} {
		list, err := configdef.ParseType(group.key, props[group.key], configdef.List)
		if err != nil {
			continue
		}
		aliases, _ := list.([]string)
		for _, alias := range aliases {
			if err := e.directOf(group.kind, group.key+"."+alias+".", props); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) directOf(kind plugins.Kind, prefix string, props map[string]string) error {
	class := configdef.Trim(props[prefix+"type"])
	p, ok := e.registry.Find(kind, class)
	if !ok || p.Class != class {
		return nil
	}
	own := maps.Collect(func(yield func(string, string) bool) {
		for k, v := range props {
			if name, ok := strings.CutPrefix(k, prefix); ok && !yield(name, v) {
				return
			}
		}
	})
	switch plugin := p.New().(type) {
	case connect.Transform:
		if err := plugin.Configure(own); err != nil {
			return err
		}
		return plugin.Close()
	case connect.Predicate:
		if err := plugin.Configure(own); err != nil {
			return err
		}
		return plugin.Close()
	}
	return nil
}
