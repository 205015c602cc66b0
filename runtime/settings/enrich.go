package settings

import (
	"fmt"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
)

// Converters are the worker's converters, the defaults of connectors.
type Converters struct{ Key, Value, Header ConverterSettings }

// Converters returns the worker's converters.
func (w *Worker) Converters() Converters { return Converters{w.Key, w.Value, w.Header} }

// EnrichedSourceDef returns the definition to validate a source connector's
// configuration with: defaults from the worker and the plugins, recommended values,
// and the settings of the transforms and predicates that props names
// (SourceConnectorConfig.enrichedConfigDef, then ConnectorConfig.enrich).
func EnrichedSourceDef(p Plugins, props map[string]string, worker Converters) (*cd.Def, error) {
	return enrichedDef(p, props, worker, sourceKeys())
}

// EnrichedSinkDef is EnrichedSourceDef for a sink connector.
func EnrichedSinkDef(p Plugins, props map[string]string, worker Converters) (*cd.Def, error) {
	return enrichedDef(p, props, worker, sinkKeys())
}

// UnresolvedDef returns the definition to validate a configuration with whose
// connector cannot be loaded in the version it asks for
// (ConnectorConfig.enrichedConfigDef of the connector class alone).
func UnresolvedDef(p Plugins, connectorClass string) *cd.Def {
	return cd.New(connectorKeys(defaults{version: latest(p, connectorClass, plugins.Sink, plugins.Source)}, nil)...)
}

func enrichedDef(p Plugins, props map[string]string, worker Converters, own []cd.Key) (*cd.Def, error) {
	d := defaults{
		version: latest(p, props[keyConnectorClass], plugins.Sink, plugins.Source),
		key:     defaultConverter(p, props, "key.converter", plugins.Converter, worker.Key),
		value:   defaultConverter(p, props, "value.converter", plugins.Converter, worker.Value),
		header:  defaultConverter(p, props, "header.converter", plugins.HeaderConverter, worker.Header),
	}
	keys := append(connectorKeys(d, p), own...)
	// A default comes from outside and may be wrong.
	for _, k := range keys {
		if k.HasDefault && k.Default != nil && k.Validator != nil {
			if value, err := cd.ParseType(k.Name, k.Default, k.Type); err != nil {
				return nil, err
			} else if err := k.Validator.Validate(k.Name, value); err != nil {
				return nil, err
			}
		}
	}
	return Enrich(p, cd.New(keys...), props, false)
}

// latest is the version of a plugin, nil if there is none (Plugins.latestVersion).
func latest(p Plugins, class string, kinds ...plugins.Kind) any {
	if found, ok := p.Find(class, kinds...); ok {
		return found.Version
	}
	return nil
}

// defaultConverter is ConnectorConfig.converterDefaults.
func defaultConverter(p Plugins, props map[string]string, setting string, kind plugins.Kind, worker ConverterSettings) converterDefault {
	own, hasOwn := props[setting]
	if _, ok := props[keyConnectorClass]; !ok || !hasOwn && worker.Class == "" {
		return converterDefault{}
	}
	var d converterDefault
	if worker.Class != "" {
		d.class = worker.Class
	}
	switch {
	case hasOwn:
		d.version = pluginVersion(p, props, own, kind)
	case worker.Version != "":
		d.version = worker.Version
	default:
		d.version = latest(p, worker.Class, kind)
	}
	return d
}

// pluginVersion is the version a plugin of the connector has, nil if the connector
// or the plugin cannot be had (ConnectorConfig.fetchPluginVersion).
func pluginVersion(p Plugins, props map[string]string, class string, kind plugins.Kind) any {
	if _, err := checkConnectorVersion(p, props); err != nil {
		return nil
	}
	if _, ok := props[keyConnectorClass]; !ok || class != cd.Trim(class) {
		return nil
	}
	return latest(p, class, kind)
}

// checkConnectorVersion checks connector.plugin.version. badRange says that it is
// no version at all; otherwise an error is that the connector has another.
func checkConnectorVersion(p Plugins, props map[string]string) (badRange bool, err error) {
	text, given := props[keyConnectorVersion]
	required, err := ParseVersionRequirement(text, given)
	if err != nil {
		return true, err
	}
	return false, CheckPluginVersion(p, props[keyConnectorClass], required, plugins.Sink, plugins.Source)
}

// CheckPluginVersion checks that a plugin has a required version, nil being any. A
// class that is no plugin passes, it is refused elsewhere.
func CheckPluginVersion(p Plugins, class string, required *VersionRange, kinds ...plugins.Kind) error {
	found, ok := p.Find(class, kinds...)
	if !ok || required.Contains(found.Version) {
		return nil
	}
	return errs.New(classVersionedPlugin, "Plugin %s not found that matches the version range %s, available versions: [%s]",
		found.Class, required, found.Version)
}

// Enrich returns base with the settings of the transforms and predicates that props
// names (ConnectorConfig.enrich). With full, one that cannot be had is an error;
// without, it is left to validation, which finds the same error.
func Enrich(p Plugins, base *cd.Def, props map[string]string, full bool) (*cd.Def, error) {
	def := base.Clone().Define(restartKeysOf(props)...)
	e := enrichment{plugins: p, props: props, full: full, types: map[string]bool{}}
	transforms := aliasKind{
		kind: plugins.Transformation, name: "Transformation", setting: keyTransforms, group: groupTransforms,
		implicit: []cd.Key{
			cd.Optional("predicate", cd.String, nil, cd.Medium, "The alias of a predicate used to determine whether to apply this transformation."),
			cd.Optional("negate", cd.Boolean, false, cd.Medium, "Whether the configured predicate should be negated."),
		},
		check: func(prefix string) error {
			_, negate := props[prefix+"negate"]
			if _, predicate := props[prefix+"predicate"]; negate && !predicate {
				return errs.Config("Config '" + prefix + "negate' was provided but there is no config '" +
					prefix + "predicate' defining a predicate to be negated.")
			}
			return nil
		},
	}
	predicates := aliasKind{
		kind: plugins.Predicate, name: "Predicate", setting: keyPredicates, group: groupPredicates,
		check: func(string) error { return nil },
	}
	for _, a := range []aliasKind{transforms, predicates} {
		if err := e.add(def, a); err != nil {
			return nil, err
		}
	}
	return def.WithResolver(func(setting, class string) (string, bool) {
		switch {
		case setting == "key.converter", setting == "value.converter", setting == "header.converter", e.types[setting]:
			return resolveClass(p, class)
		}
		return class, true
	}), nil
}

// aliasKind is what transforms and predicates differ in
// (ConnectorConfig.EnrichablePlugin).
type aliasKind struct {
	kind           plugins.Kind
	name           string // of the Java interface
	setting, group string
	implicit       []cd.Key // settings that each has beside its plugin's
	check          func(prefix string) error
}

type enrichment struct {
	plugins Plugins
	props   map[string]string
	full    bool
	types   map[string]bool // settings that hold the classes of transforms and predicates
}

func (e *enrichment) add(def *cd.Def, a aliasKind) error {
	text, ok := e.props[a.setting]
	if !ok {
		return nil
	}
	parsed, err := cd.ParseType(a.setting, text, cd.List)
	if err != nil {
		return err
	}
	aliases, _ := parsed.([]string)
	seen := make(map[string]bool, len(aliases))
	for _, alias := range aliases {
		if seen[alias] {
			continue
		}
		seen[alias] = true
		if err := e.addAlias(def, a, alias); err != nil {
			return err
		}
	}
	return nil
}

func (e *enrichment) addAlias(def *cd.Def, a aliasKind, alias string) error {
	prefix := a.setting + "." + alias + "."
	group := a.group + ": " + alias
	typeKey, versionKey := prefix+"type", prefix+"plugin.version"
	lower := strings.ToLower(a.name)
	r := recommenders{e.plugins}

	var version any
	if class, ok := e.props[typeKey]; ok {
		version = pluginVersion(e.plugins, e.props, class, a.kind)
	}
	checkType := func(_ string, value any) error {
		if err := a.check(prefix); err != nil || value == nil {
			return err
		}
		required, given := e.props[versionKey]
		if !given {
			required, given = version.(string)
		}
		_, err := e.pluginDef(a, typeKey, required, given)
		return err
	}
	checkVersion := func(_ string, value any) error {
		required, given := value.(string)
		if !given {
			return nil
		}
		// Whatever else is wrong with the plugin is found with its class.
		if _, err := e.pluginDef(a, typeKey, required, true); errs.Class(err) == classVersionedPlugin && err != nil {
			return err
		}
		return nil
	}
	if err := checkVersion(versionKey, version); err != nil {
		return err
	}
	keys := []cd.Key{
		cd.Required(typeKey, cd.Class, cd.High, fmt.Sprintf("Class for the '%s' %s.", alias, lower)).
			WithValidator(cd.LambdaValidator(checkType, "valid configs for "+alias+" "+lower)).
			WithGroup(group, 0, cd.WidthLong, a.name+" type for "+alias).WithRecommender(r.classes(a.kind)),
		cd.Optional(versionKey, cd.String, version, cd.High, fmt.Sprintf("Version of the '%s' %s.", alias, lower)).
			WithValidator(cd.LambdaValidator(checkVersion, "a version or a range of versions")).
			WithGroup(group, 1, cd.WidthLong, a.name+" version for "+alias).WithRecommender(r.versions(typeKey, a.kind, false)),
	}
	own, err := e.ownDef(a, typeKey, versionKey)
	if err != nil && e.full {
		return err
	}
	if err := checkNames(def, prefix, keys, own); err != nil {
		return err
	}
	def.Define(keys...)
	e.types[typeKey] = true
	if err == nil {
		def.Embed(prefix, group, 2, own)
	}
	return nil
}

// checkNames refuses aliases whose settings would be those of another alias, such
// as "a" and "a.type".
func checkNames(def *cd.Def, prefix string, keys []cd.Key, own *cd.Def) error {
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	if own != nil {
		for _, name := range own.Names() {
			names = append(names, prefix+name)
		}
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if _, ok := def.Key(name); ok || seen[name] {
			return errs.Config("Configuration " + name + " is defined twice.")
		}
		seen[name] = true
	}
	return nil
}

// ownDef returns the settings of one transform or predicate without prefix.
func (e *enrichment) ownDef(a aliasKind, typeKey, versionKey string) (*cd.Def, error) {
	if _, ok := e.props[typeKey]; !ok {
		return nil, errs.InvalidValue(typeKey, nil, "Not a "+a.name)
	}
	required, given := e.props[versionKey]
	def, err := e.pluginDef(a, typeKey, required, given)
	if err != nil {
		return nil, err
	}
	if text := e.props[typeKey]; text != cd.Trim(text) {
		// Connect finds the class without the blanks, but then makes no instance of it.
		return nil, errs.InvalidValue(typeKey, text, "Error getting config definition from "+a.name+": "+text)
	}
	own := cd.New(a.implicit...)
	for _, k := range def.Keys() {
		// A setting that each transform has hides the plugin's of the same name.
		if _, hidden := own.Key(k.Name); !hidden {
			own.Define(k)
		}
	}
	return own, nil
}

// pluginDef returns the definition of the plugin that a setting names
// (EnrichablePlugin.getConfigDefFromPlugin).
func (e *enrichment) pluginDef(a aliasKind, typeKey, version string, hasVersion bool) (*cd.Def, error) {
	text, ok := e.props[typeKey]
	if _, connector := e.props[keyConnectorClass]; !ok || !connector {
		return cd.New(), nil
	}
	badRange, connectorErr := checkConnectorVersion(e.plugins, e.props)
	if badRange {
		return cd.New(), nil
	}
	required, err := ParseVersionRequirement(version, hasVersion)
	if err != nil {
		return nil, err
	}
	class, ok := resolveClass(e.plugins, cd.Trim(text))
	if !ok {
		return nil, errs.InvalidValue(typeKey, text, "Class "+text+" could not be found.")
	}
	if err := checkKind(e.plugins, class, a.kind, a.name); err != nil {
		return nil, err
	}
	if connectorErr != nil {
		return nil, connectorErr
	}
	if err := CheckPluginVersion(e.plugins, class, required, a.kind); err != nil {
		return nil, err
	}
	found, _ := e.plugins.Find(class, a.kind)
	return found.Def(), nil
}
