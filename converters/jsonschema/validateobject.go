package jsonschema

import "strconv"

func (m *model) checkArray(n *node, at string, run *checking) error {
	if n.kind != array {
		if m.typed {
			return wrongType(at, "JSONArray", n)
		}
		return nil
	}
	k := m.arrayKeywords
	if k.minItems != nil && len(n.list) < *k.minItems {
		return broken(at, "expected minimum item count: %d, found: %d", *k.minItems, len(n.list))
	}
	if k.maxItems != nil && len(n.list) > *k.maxItems {
		return broken(at, "expected maximum item count: %d, found: %d", *k.maxItems, len(n.list))
	}
	if k.unique && !distinct(n.list) {
		return broken(at, "array items are not unique")
	}
	found := k.contains == nil
	for i, e := range n.list {
		place := at + "/" + strconv.Itoa(i)
		of := k.items
		if k.tuple != nil {
			switch {
			case i < len(k.tuple):
				of = k.tuple[i]
			case k.closedItems:
				return broken(at, "expected: [%d] array items, found: [%d]", len(k.tuple), len(n.list))
			default:
				of = k.furtherItems
			}
		}
		if of != nil {
			if err := of.checkAt(e, place, run); err != nil {
				return err
			}
		}
		found = found || k.contains.checkAt(e, place, run) == nil
	}
	if !found {
		return broken(at, "expected at least one array item to match 'contains' schema")
	}
	return nil
}

// distinct says whether no two values are equal.
func distinct(list []*node) bool {
	seen := make(map[string][]*node, len(list))
	for _, e := range list {
		key := e.kind.nodeType()
		if e.kind == text {
			key += e.text
		}
		for _, o := range seen[key] {
			if e.equal(o) {
				return false
			}
		}
		seen[key] = append(seen[key], e)
	}
	return true
}

func (m *model) checkObject(n *node, at string, run *checking) error {
	if n.kind != object {
		if m.typed {
			return wrongType(at, "JSONObject", n)
		}
		return nil
	}
	k := m.objectKeywords
	for _, name := range k.required {
		if n.get(name) == nil {
			return broken(at, "required key [%s] not found", name)
		}
	}
	if k.minSize != nil && len(n.members) < *k.minSize {
		return broken(at, "minimum size: [%d], found: [%d]", *k.minSize, len(n.members))
	}
	if k.maxSize != nil && len(n.members) > *k.maxSize {
		return broken(at, "maximum size: [%d], found: [%d]", *k.maxSize, len(n.members))
	}
	for name, others := range k.dependents {
		if n.get(name) == nil {
			continue
		}
		for _, other := range others {
			if n.get(other) == nil {
				return broken(at, "property [%s] is required", other)
			}
		}
	}
	for name, of := range k.dependentSchemas {
		if n.get(name) != nil {
			if err := of.checkAt(n, at, run); err != nil {
				return err
			}
		}
	}
	for _, e := range n.members {
		if err := k.checkMember(e, at, run); err != nil {
			return err
		}
	}
	return nil
}

func (k *objectKeywords) checkMember(e member, at string, run *checking) error {
	place := at + "/" + e.name
	if k.names != nil {
		if err := k.names.checkAt(textNode(e.name), at, run); err != nil {
			return err
		}
	}
	of := k.property(e.name)
	known := of != nil
	if known {
		if err := of.checkAt(e.value, place, run); err != nil {
			return err
		}
	}
	for _, p := range k.patterns {
		found, err := p.pattern.Find(e.name)
		if found {
			known = true
			err = p.model.checkAt(e.value, place, run)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case known:
	case k.closed:
		return broken(at, "extraneous key [%s] is not permitted", e.name)
	case k.further != nil:
		return k.further.checkAt(e.value, place, run)
	}
	return nil
}
