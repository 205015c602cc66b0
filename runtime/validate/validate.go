package validate

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Keys this package looks at by name.
const (
	keyName     = "name"
	keyClass    = "connector.class"
	keyVersion  = "connector.plugin.version"
	keySupport  = "exactly.once.support"
	keyBoundary = "transaction.boundary"
	keyGroup    = "consumer.override.group.id"
)

// Options are what a Validator works with.
type Options struct {
	Plugins *plugins.Registry
	// Settings are the worker's: defaults, override policy, config providers.
	Settings *settings.Worker
}

// Validator checks connector configurations. It is safe for concurrent use.
type Validator struct {
	o         Options
	catalogue settings.Plugins
}

// New returns a validator.
func New(o Options) *Validator { return &Validator{o, settings.Catalogue(o.Plugins)} }

// Check returns nil for a configuration without errors, else a BadRequestException
// with all of them.
func (v *Validator) Check(ctx context.Context, config map[string]string) error {
	nullable := make(map[string]*string, len(config))
	for k, value := range config {
		nullable[k] = &value
	}
	return v.CheckNullable(ctx, nullable)
}

// CheckNullable is Check of a configuration in which nil stands for null.
func (v *Validator) CheckNullable(ctx context.Context, config map[string]*string) error {
	infos, err := v.Validate(ctx, config)
	if err != nil || infos.ErrorCount == 0 {
		return err
	}
	var b strings.Builder
	b.WriteString("Connector configuration is invalid and contains the following " + strconv.Itoa(infos.ErrorCount) + " error(s):")
	for _, c := range infos.Configs {
		if c.Value == nil {
			continue
		}
		for _, e := range c.Value.Errors {
			b.WriteString("\n" + e)
		}
	}
	b.WriteString("\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`")
	return errs.New(errs.ClassBadRequest, "%s", b.String())
}

// Validate checks a configuration; nil values are nulls that were given. An error is
// one of the configuration as a whole, such as an unknown class.
func (v *Validator) Validate(ctx context.Context, given map[string]*string) (*Infos, error) {
	props := make(map[string]string, len(given))
	for k, value := range given {
		if value != nil {
			props[k] = *value
		}
	}
	resolved, err := v.o.Settings.Providers().Resolve(ctx, props)
	if err != nil {
		return nil, err
	}
	props = resolved.Props
	nullable := make(map[string]*string, len(given))
	for k, value := range given {
		if value != nil {
			text := props[k]
			value = &text
		}
		nullable[k] = value
	}
	class, ok := props[keyClass]
	if !ok {
		return nil, errs.New(errs.ClassBadRequest, "%s", "Connector config "+javaMap(nullable)+" contains no connector type")
	}
	p, err := v.o.Plugins.FindConnector(class)
	if err != nil {
		return nil, errs.New(errs.ClassBadRequest, "%s", err.Error())
	}
	version, has := props[keyVersion]
	required, err := settings.ParseVersionRequirement(version, has)
	if err != nil {
		message, _ := errs.Message(err)
		return nil, errs.New(errs.ClassBadRequest, "%s", message)
	}
	if err := settings.CheckPluginVersion(v.catalogue, class, required, plugins.Sink, plugins.Source); err != nil {
		return v.otherVersion(class, p, nullable, err), nil
	}
	return v.validate(ctx, class, p, props, nullable)
}

// otherVersion answers for a connector that is not there in the version asked for.
func (v *Validator) otherVersion(class string, p plugins.Plugin, given map[string]*string, err error) *Infos {
	def := settings.UnresolvedDef(v.catalogue, class)
	values := def.ValidateNullable(given)
	message, _ := errs.Message(err)
	values[keyClass].Errors = append(values[keyClass].Errors, message)
	values[keyVersion].Errors = append(values[keyVersion].Errors, message)
	values[keyVersion].RecommendedValues = []any{p.Version}
	addNulls(given, values)
	return whole(class, def.Keys(), def.Groups(), sorted(values))
}

func (v *Validator) validate(ctx context.Context, class string, p plugins.Plugin, props map[string]string, given map[string]*string) (*Infos, error) {
	instance, err := p.NewConnector()
	if err != nil {
		return nil, err
	}
	source := p.Kind == plugins.Source
	enrich := settings.EnrichedSinkDef
	if source {
		enrich = settings.EnrichedSourceDef
	}
	def, err := enrich(v.catalogue, props, v.o.Settings.Converters())
	if err != nil {
		return nil, err
	}
	values := def.ValidateNullable(given)
	if source {
		if v.o.Settings.Mode == settings.Distributed {
			v.checkExactlyOnce(instance, props, values[keySupport])
			v.checkBoundary(instance, props, values[keyBoundary])
		}
	} else {
		settings.ValidateSink(props, values)
		if v.o.Settings.Mode == settings.Distributed {
			v.checkGroup(props, values)
		}
	}
	addNulls(given, values)
	converters := v.converters(props, values)
	overrides, err := v.overrides(source, props, given)
	if err != nil {
		return nil, err
	}
	own, err := v.own(ctx, class, instance, def, values, props, given)
	if err != nil {
		return nil, err
	}
	return merge(class, append([]*Infos{own}, append(overrides, converters...)...)...), nil
}

// own checks the connector's own keys, and several together where the connector
// does (validateConnectorPluginSpecifiedConfigs).
func (v *Validator) own(ctx context.Context, class string, instance connect.Connector, base *configdef.Def, values map[string]*configdef.Value, props map[string]string, given map[string]*string) (*Infos, error) {
	def := instance.ConfigDef()
	mine := def.ValidateNullable(given)
	if c, ok := instance.(connect.ConfigValidator); ok {
		found, err := call(ctx, "performing multi-property validation for the connector", func() map[string][]string { return c.ValidateConfig(ctx, props) })
		if err != nil {
			return nil, err
		}
		for key, messages := range found {
			if mine[key] == nil {
				mine[key] = &configdef.Value{Name: key, Visible: true}
			}
			mine[key].Errors = append(mine[key].Errors, messages...)
		}
	}
	keys, groups := base.Keys(), base.Groups()
	for _, k := range def.Keys() {
		if i := slices.IndexFunc(keys, func(o configdef.Key) bool { return o.Name == k.Name }); i >= 0 {
			keys[i] = k
		} else {
			keys = append(keys, k)
		}
	}
	for _, g := range def.Groups() {
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	all := maps.Clone(values)
	maps.Copy(all, mine)
	return whole(class, keys, groups, sorted(all)), nil
}

// sorted puts values in the order in which Java's map has them, which shows in the
// list of errors.
func sorted(values map[string]*configdef.Value) []*configdef.Value {
	out := make([]*configdef.Value, 0, len(values))
	for _, name := range configdef.HashOrder(slices.Sorted(maps.Keys(values))) {
		out = append(out, values[name])
	}
	return out
}

// addNulls refuses values that were given as null (addNullValuedErrors).
func addNulls(given map[string]*string, values map[string]*configdef.Value) {
	for key, value := range given {
		if value != nil {
			continue
		}
		if values[key] == nil {
			values[key] = &configdef.Value{Name: key, Visible: true}
		}
		values[key].Errors = append(values[key].Errors, "Null value can not be supplied as the configuration value.")
	}
}

// javaMap prints a map as Java does; Java's order is that of hashes, ours is sorted.
func javaMap(m map[string]*string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k + "=")
		switch {
		case m[k] == nil:
			b.WriteString("null")
		case settings.LooksSecret(k):
			b.WriteString(configdef.Hidden)
		default:
			b.WriteString(*m[k])
		}
	}
	b.WriteByte('}')
	return b.String()
}
