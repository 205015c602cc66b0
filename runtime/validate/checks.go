package validate

import (
	"maps"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// checkGroup refuses a sink whose consumer group is the workers' own
// (DistributedHerder.validateSinkConnectorGroupId).
func (v *Validator) checkGroup(props map[string]string, values map[string]*configdef.Value) {
	workers := v.o.Settings.Cluster.GroupID
	if group, ok := props[keyGroup]; ok {
		if group != workers {
			if values[keyGroup] == nil {
				values[keyGroup] = &configdef.Value{Name: keyGroup, Value: group, Visible: true}
			}
			return
		}
		values[keyGroup] = &configdef.Value{Name: keyGroup, Value: group, Visible: true,
			Errors: []string{"Consumer group " + group + " conflicts with Connect worker group " + workers}}
		return
	}
	if name, _ := values[keyName].Value.(string); "connect-"+name == workers {
		values[keyName].Errors = append(values[keyName].Errors, "Consumer group for sink connector named "+name+" conflicts with Connect worker group "+workers)
	}
}

// checkExactlyOnce checks exactly.once.support=required before anything starts
// (validateSourceConnectorExactlyOnceSupport).
func (v *Validator) checkExactlyOnce(instance connect.Connector, props map[string]string, value *configdef.Value) {
	if text, _ := value.Value.(string); len(value.Errors) > 0 || !strings.EqualFold(text, "required") {
		return
	}
	fail := func(message string) { value.Errors = append(value.Errors, message) }
	if !v.o.Settings.ExactlyOnceSource() {
		fail("This worker does not have exactly-once source support enabled.")
	}
	s, ok := instance.(connect.ExactlyOnceSupporter)
	if !ok {
		fail("The connector does not implement the API required for preflight validation of exactly-once source support. " +
			"Please consult the documentation for the connector to determine whether it supports exactly-once semantics, and then " +
			"consider reconfiguring the connector to use the value \"REQUESTED\" for this property (which will disable this preflight " +
			"check and allow the connector to be created).")
		return
	}
	switch supported, err := s.ExactlyOnceSupport(props); {
	case err != nil:
		fail("An unexpected error occurred during validation: " + err.Error())
	case !supported:
		fail("The connector does not support exactly-once semantics with the provided configuration.")
	}
}

// checkBoundary checks transaction.boundary=connector
// (validateSourceConnectorTransactionBoundary).
func (v *Validator) checkBoundary(instance connect.Connector, props map[string]string, value *configdef.Value) {
	if text, _ := value.Value.(string); len(value.Errors) > 0 || !strings.EqualFold(text, "connector") {
		return
	}
	supported := false
	if s, ok := instance.(connect.TransactionBoundaryDefiner); ok {
		var err error
		if supported, err = s.CanDefineTransactionBoundaries(props); err != nil {
			value.Errors = append(value.Errors, "An unexpected error occurred during validation: "+err.Error())
			return
		}
	}
	if !supported {
		value.Errors = append(value.Errors, "The connector does not support connector-defined transaction boundaries with the given configuration. "+
			"Please reconfigure it to use a different transaction boundary definition.")
	}
}

// converters checks the settings of the converters a connector names
// (validateAllConverterConfigs).
func (v *Validator) converters(props map[string]string, values map[string]*configdef.Value) []*Infos {
	var out []*Infos
	for _, c := range []struct {
		key, typ string
		kind     plugins.Kind
	}{
		{"header.converter", "header", plugins.HeaderConverter},
		{"key.converter", "key", plugins.Converter},
		{"value.converter", "value", plugins.Converter},
	} {
		class, ok := props[c.key]
		value, version := values[c.key], values[c.key+".plugin.version"]
		if !ok || value == nil || len(value.Errors) > 0 || version == nil || len(version.Errors) > 0 {
			continue
		}
		p, ok := v.o.Plugins.Find(c.kind, class)
		if !ok {
			value.Errors = append(value.Errors, "Failed to load class "+class)
			continue
		}
		text, has := props[c.key+".plugin.version"]
		required, err := settings.ParseVersionRequirement(text, has)
		if err != nil {
			message, _ := errs.Message(err)
			version.Errors = append(version.Errors, message)
			continue
		}
		if err := settings.CheckPluginVersion(v.catalogue, class, required, c.kind); err != nil {
			message, _ := errs.Message(err)
			value.Errors = append(value.Errors, message)
			version.Errors = append(version.Errors, message)
			continue
		}
		def := p.ConfigDef()
		if def == nil {
			continue
		}
		prefix := c.key + "."
		own := map[string]string{}
		for k, value := range props {
			if rest, ok := strings.CutPrefix(k, prefix); ok && rest != "" {
				own[rest] = value
			}
		}
		if _, ok := own["converter.type"]; !ok {
			own["converter.type"] = c.typ
		}
		out = append(out, prefixed(def, def.Validate(own), prefix))
	}
	return out
}

// overrides checks a connector's settings for its Kafka clients against the worker's
// policy (validateClientOverrides). A value of the wrong type is an error of the
// whole configuration, as it is with Connect.
func (v *Validator) overrides(source bool, props map[string]string, given map[string]*string) ([]*Infos, error) {
	dead := !source && settings.UsesDeadLetters(props)
	ownOffsets := source && (v.o.Settings.ExactlyOnceSource() || strings.TrimSpace(props["offsets.storage.topic"]) != "")
	createsTopics := source && props["topic.creation.default.replication.factor"] != "" || source && hasPrefix(props, "topic.creation.")
	var producer, consumer, admin *Infos
	// The order decides which of several bad values is reported.
	for _, c := range []struct {
		client, prefix string
		used           bool
		into           **Infos
	}{
		{"producer", settings.ProducerOverrides, source || dead, &producer},
		{"admin", settings.AdminOverrides, createsTopics || dead || ownOffsets, &admin},
		{"consumer", settings.ConsumerOverrides, !source || ownOffsets, &consumer},
	} {
		if !c.used {
			continue
		}
		var err error
		if *c.into, err = v.clientOverrides(c.client, c.prefix, given); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc([]*Infos{producer, consumer, admin}, func(i *Infos) bool { return i == nil }), nil
}

func hasPrefix(props map[string]string, prefix string) bool {
	for k := range props {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}

func (v *Validator) clientOverrides(client, prefix string, given map[string]*string) (*Infos, error) {
	tables, err := loadClientKeys()
	if err != nil {
		return nil, err
	}
	table := tables[client]
	out := &Infos{Groups: []string{}, Configs: []Info{}}
	var names []string
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if name, ok := strings.CutPrefix(key, prefix); ok && name != "" {
			names = append(names, name)
		}
	}
	for _, name := range configdef.HashOrder(names) {
		key := prefix + name
		value := &configdef.Value{Name: name, Visible: true}
		if given[key] != nil {
			value.Value = *given[key]
		}
		info := Info{}
		t := configdef.String
		if k, ok := table[name]; ok {
			t = typeNamed(k.Type)
			if given[key] != nil {
				if value.Value, err = configdef.ParseType(name, *given[key], t); err != nil {
					return nil, err
				}
			}
			k.Name = key
			info.Definition = &k
			if k.Group != nil {
				out.addGroup(*k.Group)
			}
		}
		if text := v.o.Settings.Overrides.Check(name); text != "" {
			value.Errors = append(value.Errors, text)
			out.ErrorCount++
		}
		info.Value = valueInfo(value, key, &configdef.Key{Type: t})
		out.Configs = append(out.Configs, info)
	}
	return out, nil
}

// classUnknown is answered for a plugin that there is none of.
func classUnknown(name string) error {
	// Connect finds any class of the Java libraries, and only then sees that it is no plugin.
	for _, prefix := range []string{"java.", "org.apache.kafka."} {
		if strings.HasPrefix(name, prefix) {
			return errs.Connect("%s is not a plugin. Valid types are sink, source, converter, header_converter, transformation, predicate.", name)
		}
	}
	return errs.New(errs.ClassNotFound, "Unknown plugin %s.", name)
}
