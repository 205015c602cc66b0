package standard

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/test/vectors"
)

// Each setting of Connect's transforms, predicates and converters is defined as there.
func TestSettingsAreConnects(t *testing.T) {
	lines, err := vectors.Lines(vectors.ConfigDef)
	if err != nil {
		t.Fatal(err)
	}
	registry := Registry()
	classes := map[string]bool{}
	for _, line := range lines {
		var c struct {
			ID, Class, Kind, Version string
			Keys                     []string
			Index                    int
			Row                      map[string]any
			Validator                *string
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		p, ok := registry.Find(plugins.Kind(c.Kind), c.Class)
		if !ok || p.Class != c.Class {
			t.Errorf("%s: no %s %s", c.ID, c.Kind, c.Class)
			continue
		}
		keys := p.ConfigDef().Keys()
		if c.Row == nil {
			classes[c.Class] = true
			var names []string
			for _, k := range keys {
				names = append(names, k.Name)
			}
			if len(names)+len(c.Keys) > 0 && !reflect.DeepEqual(names, c.Keys) || p.Version != c.Version {
				t.Errorf("%s: version %s with keys %v, want %s with %v", c.ID, p.Version, names, c.Version, c.Keys)
			}
			continue
		}
		if c.Index >= len(keys) {
			t.Errorf("%s: there are %d keys", c.ID, len(keys))
			continue
		}
		k := keys[c.Index]
		if got := row(k); !reflect.DeepEqual(got, c.Row) {
			t.Errorf("%s:\n got %v\nwant %v", c.ID, got, c.Row)
		}
		switch {
		case (k.Validator == nil) != (c.Validator == nil):
			t.Errorf("%s: validator %v, want %v", c.ID, k.Validator, c.Validator)
		case c.Validator != nil && k.Validator.String() != *c.Validator:
			t.Errorf("%s: validator %s, want %s", c.ID, k.Validator, *c.Validator)
		}
	}
	if len(classes) < 20 {
		t.Errorf("only %d classes compared", len(classes))
	}
}

// row is a setting as the REST API describes it.
func row(k configdef.Key) map[string]any {
	r := map[string]any{
		"name": k.Name, "type": k.Type.String(), "required": !k.HasDefault, "default_value": nil, "importance": k.Importance.String(),
		"group": nil, "order_in_group": float64(k.OrderInGroup), "width": k.Width.String(), "display_name": k.DisplayName, "dependents": []any{},
	}
	if text, ok := configdef.ConvertToString(k.Default, k.Type); ok && k.HasDefault {
		r["default_value"] = text
	}
	if k.Group != "" {
		r["group"] = k.Group
	}
	for _, d := range k.Dependents {
		r["dependents"] = append(r["dependents"].([]any), d)
	}
	return r
}

func TestListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Registry().List() {
		id := string(p.Kind) + " " + p.Class
		if seen[id] {
			t.Errorf("%s is listed twice", id)
		}
		seen[id] = true
		if p.New() == nil || p.ConfigDef() == nil {
			t.Errorf("%s cannot be made", id)
		}
	}
}
