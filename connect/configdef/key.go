package configdef

import "slices"

// Key defines one setting.
type Key struct {
	Name string
	Type Type
	// Default is the value of a setting that is not given, if HasDefault is true;
	// nil is Java's null. Without HasDefault the setting is required. A string
	// default of another type is parsed, a Go int fits each number type.
	Default    any
	HasDefault bool
	// Validator checks the parsed value, or nil.
	Validator  Validator
	Importance Importance
	Doc        string
	// Group is the heading the setting stands under, or "" for none, and
	// OrderInGroup its place there, from 1 on, or -1.
	Group        string
	OrderInGroup int
	Width        Width
	DisplayName  string
	// Dependents are settings whose valid values or visibility depend on this one.
	Dependents []string
	// Recommender gives the valid values and visibility, or nil.
	Recommender Recommender
	// Internal hides the setting from generated documents.
	Internal bool
	// AlternativeName replaces the default's text in generated documents.
	AlternativeName string
}

// Required makes a setting without a default.
func Required(name string, t Type, importance Importance, doc string) Key {
	return Key{Name: name, Type: t, Importance: importance, Doc: doc, OrderInGroup: -1, DisplayName: name}
}

// Optional makes a setting with a default; a nil def is a default of null.
func Optional(name string, t Type, def any, importance Importance, doc string) Key {
	k := Required(name, t, importance, doc)
	k.Default, k.HasDefault = def, true
	return k
}

// WithValidator returns the key with a validator.
func (k Key) WithValidator(v Validator) Key {
	k.Validator = v
	return k
}

// WithGroup returns the key with its place in a form.
func (k Key) WithGroup(group string, order int, width Width, display string) Key {
	k.Group, k.OrderInGroup, k.Width, k.DisplayName = group, order, width, display
	return k
}

// WithDependents returns the key with the settings that depend on it.
func (k Key) WithDependents(names ...string) Key {
	k.Dependents = slices.Clone(names)
	return k
}

// WithRecommender returns the key with a recommender.
func (k Key) WithRecommender(r Recommender) Key {
	k.Recommender = r
	return k
}

// WithInternal returns the key marked as internal.
func (k Key) WithInternal() Key {
	k.Internal = true
	return k
}

// Recommender gives the valid values and the visibility of a setting, given the
// values of all of them (ConfigDef.Recommender).
type Recommender interface {
	// ValidValues returns the values the setting may have; none means any. They
	// have the Go type of the setting.
	ValidValues(name string, parsed map[string]any) []any
	// Visible says whether the setting applies at all.
	Visible(name string, parsed map[string]any) bool
}
