package validate

import (
	"slices"

	"github.com/moldau-io/moldau/connect/configdef"
)

// Keys renders a definition as the REST API lists a plugin's settings.
func Keys(def *configdef.Def) []KeyInfo {
	out := []KeyInfo{}
	for _, k := range def.Keys() {
		out = append(out, keyInfo(k, ""))
	}
	return out
}

// keyInfo renders a key (AbstractHerder.convertConfigKey).
func keyInfo(k configdef.Key, prefix string) KeyInfo {
	info := KeyInfo{
		Name: prefix + k.Name, Type: k.Type.String(), Required: !k.HasDefault, Importance: k.Importance.String(),
		Documentation: k.Doc, Width: k.Width.String(), DisplayName: k.DisplayName, Order: k.OrderInGroup,
		Dependents: slices.Clone(k.Dependents),
	}
	if info.Dependents == nil {
		info.Dependents = []string{}
	}
	if k.HasDefault {
		info.DefaultValue = text(k.Default, k.Type)
	}
	if k.Group != "" {
		info.Group = &k.Group
	}
	return info
}

func text(v any, t configdef.Type) *string {
	s, ok := configdef.ConvertToString(v, t)
	if !ok {
		return nil
	}
	return &s
}

// valueInfo renders a value (AbstractHerder.convertConfigValue). Without a key the
// value is shown as text.
func valueInfo(v *configdef.Value, name string, key *configdef.Key) *ValueInfo {
	t, each := configdef.String, configdef.String
	if key != nil {
		t, each = key.Type, key.Type
		if t == configdef.List {
			each = configdef.String
		}
	}
	info := &ValueInfo{Name: name, Value: text(v.Value, t), RecommendedValues: []*string{}, Errors: slices.Clone(v.Errors), Visible: v.Visible}
	if info.Errors == nil {
		info.Errors = []string{}
	}
	for _, r := range v.RecommendedValues {
		info.RecommendedValues = append(info.RecommendedValues, text(r, each))
	}
	return info
}

// prefixed renders the values of a part of the configuration whose keys stand under
// a prefix; a key with any error counts once (AbstractHerder.prefixedConfigInfos).
func prefixed(def *configdef.Def, values []configdef.Value, prefix string) *Infos {
	out := &Infos{Groups: []string{}, Configs: []Info{}}
	byName := map[string]*configdef.Value{}
	var names []string
	for i := range values {
		byName[values[i].Name] = &values[i]
		names = append(names, values[i].Name)
	}
	// The order is that of Java's map, which shows in groups and lists of errors.
	for _, name := range configdef.HashOrder(names) {
		v := byName[name]
		info := Info{}
		var known *configdef.Key
		if k, ok := def.Key(v.Name); ok {
			known = &k
			if k.Group != "" {
				out.addGroup(k.Group)
			}
			key := keyInfo(k, prefix)
			info.Definition = &key
		}
		info.Value = valueInfo(v, prefix+v.Name, known)
		if len(v.Errors) > 0 {
			out.ErrorCount++
		}
		out.Configs = append(out.Configs, info)
	}
	return out
}

func (i *Infos) addGroup(g string) {
	if !slices.Contains(i.Groups, g) {
		i.Groups = append(i.Groups, g)
	}
}

// whole renders all keys of a definition in order, after the values that have no
// key; every error counts (AbstractHerder.generateResult).
func whole(class string, keys []configdef.Key, groups []string, values []*configdef.Value) *Infos {
	out := &Infos{Name: class, Groups: groups, Configs: []Info{}}
	known := map[string]bool{}
	for _, k := range keys {
		known[k.Name] = true
	}
	byName := map[string]*configdef.Value{}
	for _, v := range values {
		byName[v.Name] = v
		if !known[v.Name] {
			out.Configs = append(out.Configs, Info{Value: valueInfo(v, v.Name, nil)})
			out.ErrorCount += len(v.Errors)
		}
	}
	for i := range keys {
		k := &keys[i]
		info := keyInfo(*k, "")
		entry := Info{Definition: &info}
		if v := byName[k.Name]; v != nil {
			entry.Value = valueInfo(v, v.Name, k)
			out.ErrorCount += len(v.Errors)
		}
		out.Configs = append(out.Configs, entry)
	}
	return out
}

// merge puts parts together (AbstractHerder.mergeConfigInfos).
func merge(class string, parts ...*Infos) *Infos {
	out := &Infos{Name: class, Groups: []string{}, Configs: []Info{}}
	for _, p := range parts {
		if p == nil {
			continue
		}
		out.ErrorCount += p.ErrorCount
		out.Configs = append(out.Configs, p.Configs...)
		for _, g := range p.Groups {
			out.addGroup(g)
		}
	}
	return out
}
