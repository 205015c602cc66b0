package validate

import (
	"regexp"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// wholeReference is a value that is nothing but a reference to a config provider, such
// as ${file:/secrets:password}: it is no secret itself.
var wholeReference = regexp.MustCompile(`^\$\{[^}]+\}$`)

// Secrets returns the keys of a configuration that hold secrets: those that the
// connector, its transforms, predicates, converters or Kafka clients define as
// passwords, and those that look so by their names.
func (v *Validator) Secrets(config map[string]string) map[string]bool {
	typed := v.passwords(config)
	secrets := map[string]bool{}
	for key, value := range config {
		if (typed[key] || settings.LooksSecret(key)) && !wholeReference.MatchString(value) {
			secrets[key] = true
		}
	}
	return secrets
}

// passwords are the keys of type Password, as far as definitions can be found.
func (v *Validator) passwords(config map[string]string) map[string]bool {
	out := map[string]bool{}
	addPasswords(out, settings.ProducerOverrides, settings.ProducerDef())
	addPasswords(out, settings.ConsumerOverrides, settings.ConsumerDef())
	addPasswords(out, settings.AdminOverrides, settings.AdminDef())
	for _, c := range []struct {
		key  string
		kind plugins.Kind
		is   settings.ConverterSettings
	}{
		{"key.converter", plugins.Converter, v.o.Settings.Key}, {"value.converter", plugins.Converter, v.o.Settings.Value}, {"header.converter", plugins.HeaderConverter, v.o.Settings.Header},
	} {
		class := config[c.key]
		if class == "" {
			class = c.is.Class
		}
		if p, ok := v.o.Plugins.Find(c.kind, class); ok {
			addPasswords(out, c.key+".", p.ConfigDef())
		}
	}
	p, err := v.o.Plugins.FindConnector(config[keyClass])
	if err != nil {
		return out // of an unknown class only the names are known
	}
	addPasswords(out, "", p.ConfigDef())
	enrich := settings.EnrichedSinkDef
	if p.Kind == plugins.Source {
		enrich = settings.EnrichedSourceDef
	}
	def, err := enrich(v.catalogue, config, v.o.Settings.Converters())
	if err != nil {
		def = configdef.New()
	}
	addPasswords(out, "", def)
	// What no definition knows of a transform may be a secret of one that is not there.
	for key := range config {
		if _, known := def.Key(key); !known && (strings.HasPrefix(key, "transforms.") || strings.HasPrefix(key, "predicates.")) {
			out[key] = true
		}
	}
	return out
}

func addPasswords(out map[string]bool, prefix string, def *configdef.Def) {
	if def == nil {
		return
	}
	for _, k := range def.Keys() {
		if k.Type == configdef.Password {
			out[prefix+k.Name] = true
		}
	}
}
