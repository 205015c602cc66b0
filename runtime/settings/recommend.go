package settings

import (
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
)

// recommenders make the recommended values and checks that come from the catalogue
// (PluginsRecommenders). Without plugins nothing is recommended and any class will do.
type recommenders struct{ plugins Plugins }

type recommender struct {
	values  func(parsed map[string]any) []any
	visible func(parsed map[string]any) bool
}

func (r recommender) ValidValues(_ string, parsed map[string]any) []any { return r.values(parsed) }
func (r recommender) Visible(_ string, parsed map[string]any) bool      { return r.visible(parsed) }

func always(map[string]any) bool { return true }

// given says whether a setting has a value.
func given(setting string) func(map[string]any) bool {
	return func(parsed map[string]any) bool { return parsed[setting] != nil }
}

// classes recommends the classes of a kind.
func (r recommenders) classes(kind plugins.Kind) cd.Recommender {
	return recommender{func(map[string]any) []any {
		var classes []any
		if r.plugins != nil {
			for _, p := range r.plugins.List(kind) {
				classes = append(classes, p.Class)
			}
		}
		return classes
	}, always}
}

// connectorVersions recommends the versions of connector.class.
func (r recommenders) connectorVersions() cd.Recommender {
	return recommender{func(parsed map[string]any) []any {
		return r.versionsOf(parsed[keyConnectorClass], plugins.Source, plugins.Sink)
	}, given(keyConnectorClass)}
}

// versions recommends the versions of the class that a setting names.
func (r recommenders) versions(setting string, kind plugins.Kind, hide bool) cd.Recommender {
	visible := always
	if hide {
		visible = given(setting)
	}
	return recommender{func(parsed map[string]any) []any { return r.versionsOf(parsed[setting], kind) }, visible}
}

func (r recommenders) versionsOf(class any, kinds ...plugins.Kind) []any {
	name, ok := class.(string)
	if !ok || r.plugins == nil {
		return nil
	}
	if p, ok := r.plugins.Find(name, kinds...); ok {
		return []any{p.Version}
	}
	return nil
}

// pluginClass checks that a class is a plugin of the kind (ConcreteSubClassValidator
// and InstantiableClassValidator).
func (r recommenders) pluginClass(kind plugins.Kind) cd.Validator {
	interfaceName := map[plugins.Kind]string{
		plugins.Converter: "Converter", plugins.HeaderConverter: "HeaderConverter",
	}[kind]
	return cd.LambdaValidator(func(_ string, value any) error {
		class, ok := value.(string)
		if !ok || r.plugins == nil {
			return nil
		}
		return checkKind(r.plugins, class, kind, interfaceName)
	}, "A concrete subclass of org.apache.kafka.connect.storage."+interfaceName+", A class with a public, no-argument constructor")
}

// checkKind is Utils.ensureConcreteSubclass: the class, which is known, must be a
// plugin of the kind and not the outer class of some.
func checkKind(p Plugins, class string, kind plugins.Kind, interfaceName string) error {
	if _, ok := p.Find(class, kind); ok {
		return nil
	}
	var inner []string
	for _, name := range nested(p, class) {
		if _, ok := p.Find(name, kind); ok {
			inner = append(inner, name)
		}
	}
	if len(inner) > 0 {
		return errs.Config("This class is abstract and cannot be created. Did you mean " + strings.Join(inner, ", ") + "?")
	}
	return errs.Config("Class class " + class + " does not implement the " + interfaceName + " interface")
}
