package configdef

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Resolver looks the class up that a setting names in full or by a short alias. It
// returns the full name, and false where there is no such class.
type Resolver func(setting, class string) (string, bool)

// Def is a set of settings in the order they were defined. It must not be changed
// while it is in use; reading and parsing are safe from many goroutines.
type Def struct {
	order   []string
	keys    map[string]Key
	groups  []string
	groupAt map[string]int // place in groups
	resolve Resolver

	orphans func() []string // names that are no other key's dependent
}

// New makes a definition.
func New(keys ...Key) *Def {
	d := &Def{keys: make(map[string]Key, len(keys)), groupAt: make(map[string]int)}
	return d.Define(keys...)
}

// Define adds settings and returns d. It panics on a name that is there already
// and on a default that its own type or validator refuses: errors of the program.
func (d *Def) Define(keys ...Key) *Def {
	for _, k := range keys {
		if _, twice := d.keys[k.Name]; twice {
			panic("configdef: Configuration " + k.Name + " is defined twice.")
		}
		if k.HasDefault {
			parsed, err := ParseType(k.Name, k.Default, k.Type)
			if err != nil {
				panic("configdef: default: " + err.Error())
			}
			k.Default = parsed
			if k.Validator != nil {
				if err := k.Validator.Validate(k.Name, parsed); err != nil {
					panic("configdef: default: " + err.Error())
				}
			}
		}
		k.Dependents = slices.Clone(k.Dependents)
		if _, known := d.groupAt[k.Group]; k.Group != "" && !known {
			d.groupAt[k.Group] = len(d.groups)
			d.groups = append(d.groups, k.Group)
		}
		d.keys[k.Name] = k
		d.order = append(d.order, k.Name)
	}
	d.orphans = sync.OnceValue(d.findOrphans)
	return d
}

// Embed adds the settings of child under a prefix and a group, as
// ConfigDef.embed does: in child's document order, numbered from startingOrder.
func (d *Def) Embed(prefix, group string, startingOrder int, child *Def) {
	for i, k := range child.sorted() {
		if k.Group != "" {
			k.Group = group + ": " + k.Group
		} else {
			k.Group = group
		}
		k.Name = prefix + k.Name
		k.OrderInGroup = startingOrder + i
		if k.Validator != nil {
			k.Validator = embeddedValidator{prefix, k.Validator}
		}
		if k.Recommender != nil {
			k.Recommender = embeddedRecommender{prefix, k.Recommender}
		}
		dependents := make([]string, len(k.Dependents))
		for j, name := range k.Dependents {
			dependents[j] = prefix + name
		}
		k.Dependents = dependents
		d.Define(k)
	}
}

// WithResolver returns a copy of d whose settings of type Class are looked up:
// an unknown class is an error, an alias becomes the full name. Without a
// resolver any name is taken as it is. Java loads the class at this place.
func (d *Def) WithResolver(r Resolver) *Def {
	c := d.Clone()
	c.resolve = r
	return c
}

// Key returns the definition of a setting.
func (d *Def) Key(name string) (Key, bool) {
	k, ok := d.keys[name]
	return k, ok
}

// Names returns the names in the order of definition.
func (d *Def) Names() []string { return slices.Clone(d.order) }

// Keys returns the settings in the order of definition.
func (d *Def) Keys() []Key {
	keys := make([]Key, len(d.order))
	for i, name := range d.order {
		keys[i] = d.keys[name]
	}
	return keys
}

// SortedKeys returns the settings in the order documents show them: by group in
// order of definition (none first), then by place in the group, then required
// ones first, then by importance, then by name (ConfigDef.sortedConfigs).
func (d *Def) SortedKeys() []Key { return d.sorted() }

// Groups returns the groups in the order of definition.
func (d *Def) Groups() []string { return slices.Clone(d.groups) }

// DefaultValues returns the defaults of the settings that have one.
func (d *Def) DefaultValues() map[string]any {
	values := make(map[string]any)
	for name, k := range d.keys {
		if k.HasDefault {
			values[name] = k.Default
		}
	}
	return values
}

// Clone returns a copy that can be changed on its own.
func (d *Def) Clone() *Def {
	c := &Def{
		order:   slices.Clone(d.order),
		keys:    maps.Clone(d.keys),
		groups:  slices.Clone(d.groups),
		groupAt: maps.Clone(d.groupAt),
		resolve: d.resolve,
	}
	c.orphans = sync.OnceValue(c.findOrphans)
	return c
}

func (d *Def) findOrphans() []string {
	hasParent := make(map[string]bool)
	for _, k := range d.keys {
		for _, name := range k.Dependents {
			hasParent[name] = true
		}
	}
	names := make([]string, 0, len(d.order))
	for _, name := range d.order {
		if !hasParent[name] {
			names = append(names, name)
		}
	}
	return names
}

// undefinedDependents returns dependents that are not defined, each once.
func (d *Def) undefinedDependents() []string {
	var undefined []string
	for _, name := range d.order {
		for _, dependent := range d.keys[name].Dependents {
			if _, ok := d.keys[dependent]; !ok && !slices.Contains(undefined, dependent) {
				undefined = append(undefined, dependent)
			}
		}
	}
	return undefined
}

func (d *Def) sorted() []Key {
	keys := d.Keys()
	slices.SortStableFunc(keys, func(a, b Key) int {
		return cmp.Or(
			cmp.Compare(d.groupOrder(a.Group), d.groupOrder(b.Group)),
			cmp.Compare(a.OrderInGroup, b.OrderInGroup),
			compareBool(a.HasDefault, b.HasDefault),
			cmp.Compare(a.Importance, b.Importance),
			strings.Compare(a.Name, b.Name),
		)
	})
	return keys
}

// groupOrder is -1 for no group, so that such settings come first.
func (d *Def) groupOrder(group string) int {
	if group == "" {
		return -1
	}
	return d.groupAt[group]
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

type embeddedValidator struct {
	prefix string
	base   Validator
}

func (v embeddedValidator) Validate(name string, value any) error {
	return v.base.Validate(strings.TrimPrefix(name, v.prefix), value)
}

func (v embeddedValidator) String() string { return fmt.Sprint(v.base) }

type embeddedRecommender struct {
	prefix string
	base   Recommender
}

func (r embeddedRecommender) ValidValues(name string, parsed map[string]any) []any {
	return r.base.ValidValues(strings.TrimPrefix(name, r.prefix), r.strip(parsed))
}

func (r embeddedRecommender) Visible(name string, parsed map[string]any) bool {
	return r.base.Visible(strings.TrimPrefix(name, r.prefix), r.strip(parsed))
}

func (r embeddedRecommender) strip(parsed map[string]any) map[string]any {
	own := make(map[string]any)
	for name, value := range parsed {
		if rest, ok := strings.CutPrefix(name, r.prefix); ok {
			own[rest] = value
		}
	}
	return own
}
