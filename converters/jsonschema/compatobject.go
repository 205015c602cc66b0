package jsonschema

import (
	"slices"
	"strconv"
)

// accepted returns the schema for a property that is not named, or nil, and whether
// anything goes.
func (k *objectKeywords) accepted(name string) (m *model, open bool) {
	if len(k.patterns) == 0 && k.further == nil && !k.closed {
		return nil, true
	}
	for _, p := range k.patterns {
		if ok, err := p.pattern.Find(name); err == nil && ok {
			return p.model, false
		}
	}
	return k.further, false
}

func (d *diff) object(original, update *model) {
	o, u := original.objectKeywords, update.objectKeywords
	if o == nil {
		o = &objectKeywords{}
	}
	if u == nil {
		u = &objectKeywords{}
	}
	for _, p := range o.properties {
		if now := u.property(p.name); now != nil && u.requires(p.name) && !o.requires(p.name) && now.def == nil {
			d.at("required/"+p.name, func() { d.add("the property became required, without a default") })
		}
	}
	for _, p := range o.properties {
		d.at("properties/"+p.name, func() { d.kept(p, u) })
	}
	for _, p := range u.properties {
		if o.property(p.name) == nil {
			d.at("properties/"+p.name, func() { d.added(p, o, u) })
		}
	}
	d.dependencies(o, u)
	d.at("additionalProperties", func() {
		switch {
		case o.closed != u.closed:
			if u.closed {
				d.add("further properties are not allowed any more")
			}
		case o.further == nil && u.further != nil:
			d.add("further properties were narrowed")
		case u.further != nil:
			d.schema(o.further, u.further)
		}
	})
	d.limit("maxProperties", o.maxSize, u.maxSize, 1)
	d.limit("minProperties", o.minSize, u.minSize, -1)
}

// kept compares a property with what has become of it.
func (d *diff) kept(p property, u *objectKeywords) {
	if now := u.property(p.name); now != nil {
		d.schema(p.model, now)
		return
	}
	now, open := u.accepted(p.name)
	switch {
	case open:
	case now != nil:
		if found := d.try(p.model, now); found != nil {
			d.found = append(d.found, found...)
			d.add("the property was removed and is not allowed as it was")
		}
	case p.model.sort != ofFalse:
		d.add("the property was removed and no others are allowed")
	}
}

// added compares a new property with what went for its name before.
func (d *diff) added(p property, o, u *objectKeywords) {
	was, open := o.accepted(p.name)
	if open {
		if !isAny(p.model) {
			d.add("the property was added where any value was allowed")
		}
		return
	}
	if was != nil {
		if found := d.try(was, p.model); found != nil {
			d.found = append(d.found, found...)
			d.add("the property was added and does not allow what was allowed")
		}
	}
	if u.requires(p.name) && p.model.def == nil {
		d.add("a required property was added, without a default")
	}
}

func (d *diff) dependencies(o, u *objectKeywords) {
	for name, now := range u.dependents {
		was, ok := o.dependents[name]
		d.at("dependencies/"+name, func() {
			if !ok {
				d.add("a dependency was added")
				return
			}
			for _, n := range now {
				if !slices.Contains(was, n) {
					d.add("the dependency was extended by %s", n)
				}
			}
		})
	}
	for name, now := range u.dependentSchemas {
		d.at("dependencies/"+name, func() {
			if was := o.dependentSchemas[name]; was != nil {
				d.schema(was, now)
			} else {
				d.add("a dependency was added")
			}
		})
	}
}

func (d *diff) array(original, update *model) {
	o, u := original.arrayKeywords, update.arrayKeywords
	if o == nil {
		o = &arrayKeywords{}
	}
	if u == nil {
		u = &arrayKeywords{}
	}
	d.at("items", func() { d.schema(o.items, u.items) })
	for i := range max(len(o.tuple), len(u.tuple)) {
		d.at("items/"+strconv.Itoa(i), func() { d.item(i, o, u) })
	}
	d.at("additionalItems", func() {
		switch {
		case o.closedItems != u.closedItems:
			if u.closedItems {
				d.add("further items are not allowed any more")
			}
		case o.furtherItems == nil && u.furtherItems != nil:
			d.add("further items were narrowed")
		case u.furtherItems != nil:
			d.schema(o.furtherItems, u.furtherItems)
		}
	})
	d.limit("maxItems", o.maxItems, u.maxItems, 1)
	d.limit("minItems", o.minItems, u.minItems, -1)
	if u.unique && !o.unique {
		d.add("items must be unique now")
	}
}

// item compares the items at a place of a tuple.
func (d *diff) item(i int, o, u *arrayKeywords) {
	open := func(k *arrayKeywords) bool { return k.furtherItems == nil && !k.closedItems }
	switch {
	case i < len(o.tuple) && i < len(u.tuple):
		d.schema(o.tuple[i], u.tuple[i])
	case i < len(o.tuple):
		switch {
		case open(u):
		case u.furtherItems != nil:
			d.found = append(d.found, d.try(o.tuple[i], u.furtherItems)...)
		case o.tuple[i].sort != ofFalse:
			d.add("the item was removed and no others are allowed")
		}
	case open(o):
		if !isAny(u.tuple[i]) {
			d.add("the item was added where any value was allowed")
		}
	case o.furtherItems != nil:
		d.found = append(d.found, d.try(o.furtherItems, u.tuple[i])...)
	}
}
