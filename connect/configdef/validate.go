package configdef

import (
	"reflect"
	"slices"

	"github.com/moldau-io/moldau/connect/errs"
)

// Value is what validation found out about one setting (ConfigValue).
type Value struct {
	Name string
	// Value is the parsed value, or the default; nil where there is none.
	Value any
	// RecommendedValues are the values it may have; none means any.
	RecommendedValues []any
	// Errors are the texts of what is wrong, in the order Java finds them.
	Errors []string
	// Visible says whether the setting applies, given the others.
	Visible bool
}

// Validate checks all settings and returns one Value a key in the order of
// definition, then one for each dependent that is not defined
// (ConfigDef.validate).
func (d *Def) Validate(props map[string]string) []Value {
	all := d.ValidateAll(props)
	values := make([]Value, 0, len(all))
	for _, name := range d.order {
		values = append(values, *all[name])
	}
	for _, name := range d.undefinedDependents() {
		values = append(values, *all[name])
	}
	return values
}

// ValidateAll is Validate by name; the caller may change the result
// (ConfigDef.validateAll).
func (d *Def) ValidateAll(props map[string]string) map[string]*Value {
	return d.validateAll(func(name string) (string, state) {
		if text, ok := props[name]; ok {
			return text, given
		}
		return "", absent
	})
}

// ValidateNullable is ValidateAll for settings that may be given as null, as JSON
// can: such a setting is null whatever its default.
func (d *Def) ValidateNullable(props map[string]*string) map[string]*Value {
	return d.validateAll(func(name string) (string, state) {
		switch text, ok := props[name]; {
		case !ok:
			return "", absent
		case text == nil:
			return "", null
		default:
			return *text, given
		}
	})
}

func (d *Def) validateAll(lookup func(name string) (string, state)) map[string]*Value {
	v := validation{
		def:    d,
		lookup: lookup,
		values: make(map[string]*Value, len(d.order)),
		parsed: make(map[string]any, len(d.order)),
	}
	for _, name := range d.order {
		v.values[name] = &Value{Name: name, RecommendedValues: []any{}, Errors: []string{}, Visible: true}
	}
	for _, name := range d.undefinedDependents() {
		v.values[name] = &Value{
			Name: name, RecommendedValues: []any{},
			Errors: []string{name + " is referred in the dependents, but not defined."},
		}
	}
	for _, name := range d.orphans() {
		v.parse(name)
	}
	for _, name := range d.orphans() {
		v.recommend(name)
	}
	return v.values
}

// validation is one run. A setting with two parents is visited twice, and its
// errors are then there twice, as in Java.
type validation struct {
	def    *Def
	lookup func(name string) (string, state)
	values map[string]*Value
	parsed map[string]any
	path   []string // the settings being visited, so that a cycle ends
}

func (v *validation) parse(name string) {
	k, ok := v.def.keys[name]
	if !ok || slices.Contains(v.path, name) {
		return
	}
	result := v.values[name]
	text, how := v.lookup(name)
	value, err := v.def.parseKey(k, text, how)
	if err != nil {
		result.fail(err)
	}
	if k.Validator != nil {
		if err := k.Validator.Validate(name, value); err != nil {
			result.fail(err)
		}
	}
	result.Value = value
	v.parsed[name] = value
	v.path = append(v.path, name)
	for _, dependent := range k.Dependents {
		v.parse(dependent)
	}
	v.path = v.path[:len(v.path)-1]
}

func (v *validation) recommend(name string) {
	k, ok := v.def.keys[name]
	if !ok || slices.Contains(v.path, name) {
		return
	}
	if k.Recommender != nil {
		result := v.values[name]
		recommended := append([]any{}, k.Recommender.ValidValues(name, v.parsed)...)
		if before := result.RecommendedValues; len(before) > 0 {
			recommended = slices.DeleteFunc(recommended, func(value any) bool {
				return !slices.ContainsFunc(before, func(b any) bool { return reflect.DeepEqual(b, value) })
			})
		}
		result.RecommendedValues = recommended
		result.Visible = k.Recommender.Visible(name, v.parsed)
	}
	v.path = append(v.path, name)
	for _, dependent := range k.Dependents {
		v.recommend(dependent)
	}
	v.path = v.path[:len(v.path)-1]
}

func (v *Value) fail(err error) {
	text, ok := errs.Message(err)
	if !ok {
		text = errs.Class(err)
	}
	v.Errors = append(v.Errors, text)
}
