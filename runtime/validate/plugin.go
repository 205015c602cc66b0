package validate

import (
	"context"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// PluginConfig lists the settings of a plugin: for a connector its own and then
// those that all connectors have (AbstractHerder.connectorPluginConfig). version is
// "" or "latest" for any.
func (v *Validator) PluginConfig(_ context.Context, name, version string) ([]KeyInfo, error) {
	kinds := []plugins.Kind{plugins.Sink, plugins.Source, plugins.Converter, plugins.HeaderConverter, plugins.Transformation, plugins.Predicate}
	if strings.EqualFold(version, "latest") {
		version = ""
	}
	required, err := settings.ParseVersionRequirement(version, version != "")
	if err != nil {
		return nil, errs.New(errs.ClassBadRequest, "Invalid version specification: %s", version)
	}
	p, ok := v.o.Plugins.FindAny(name, kinds...)
	if !ok {
		return nil, classUnknown(name)
	}
	if err := settings.CheckPluginVersion(v.catalogue, name, required, kinds...); err != nil {
		message, _ := errs.Message(err)
		return nil, errs.New(errs.ClassBadRequest, "%s", message)
	}
	keys := p.ConfigDef().Keys()
	var base *configdef.Def
	switch p.Kind {
	case plugins.Sink:
		base = settings.SinkDef()
	case plugins.Source:
		base = settings.SourceDef()
	}
	if base != nil {
		known := map[string]bool{}
		for _, k := range keys {
			known[k.Name] = true
		}
		// The default of the version is that of this plugin.
		versioned := settings.UnresolvedDef(v.catalogue, name)
		for _, k := range base.Keys() {
			if known[k.Name] {
				continue
			}
			if own, ok := versioned.Key(k.Name); ok {
				k = own
			}
			keys = append(keys, k)
		}
	}
	out := make([]KeyInfo, 0, len(keys))
	for _, k := range keys {
		out = append(out, keyInfo(k, ""))
	}
	return out, nil
}
