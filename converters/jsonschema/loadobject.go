package jsonschema

import (
	"strconv"
	"strings"
)

// objectModel reads the keywords of objects.
func (l *loader) objectModel(k *keywords, sc scope) (*model, error) {
	o := &objectKeywords{}
	for _, e := range []struct {
		name string
		to   **int
	}{{"minProperties", &o.minSize}, {"maxProperties", &o.maxSize}} {
		if err := k.size(e.name, e.to); err != nil {
			return nil, err
		}
	}
	if v := k.take("properties"); v != nil {
		if v.kind != object {
			return nil, expected("properties", "JsonObject", v)
		}
		names := make([]string, len(v.members))
		for i := range v.members {
			names[i] = v.members[i].name
		}
		hashOrder(names, grownCapacity(len(names)))
		for _, name := range names {
			m, err := l.schema(v.get(name), sc)
			if err != nil {
				return nil, err
			}
			o.properties = append(o.properties, property{name, m})
		}
	}
	if v := k.take("required"); v != nil {
		if v.kind != array {
			return nil, expected("required", "JsonArray", v)
		}
		for _, e := range v.list {
			if e.kind != text {
				return nil, expected("required", "String", e)
			}
			o.required = append(o.required, e.text)
		}
	}
	if v := k.take("additionalProperties"); v != nil {
		if v.kind == boolean {
			o.closed = !v.yes
		} else {
			m, err := l.schema(v, sc)
			if err != nil {
				return nil, err
			}
			o.further = m
		}
	}
	return &model{sort: ofObject, objectKeywords: o}, l.objectRules(o, k, sc)
}

// objectRules reads the keywords that matter to the check of values alone.
func (l *loader) objectRules(o *objectKeywords, k *keywords, sc scope) error {
	if v := k.take("patternProperties"); v != nil {
		if v.kind != object {
			return expected("patternProperties", "JsonObject", v)
		}
		for _, e := range v.members {
			r, err := compile(textNode(e.name))
			if err != nil {
				return err
			}
			m, err := l.schema(e.value, sc)
			if err != nil {
				return err
			}
			o.patterns = append(o.patterns, patternProperty{r, m})
		}
	}
	if v := k.take("propertyNames"); v != nil && l.dialect != draft4 {
		m, err := l.schema(v, sc)
		if err != nil {
			return err
		}
		o.names = m
	}
	v := k.take("dependencies")
	if v == nil {
		return nil
	}
	if v.kind != object {
		return expected("dependencies", "JsonObject", v)
	}
	o.dependents, o.dependentSchemas = map[string][]string{}, map[string]*model{}
	for _, e := range v.members {
		if e.value.kind == array {
			for _, name := range e.value.list {
				if name.kind != text {
					return expected("dependencies", "String", name)
				}
				o.dependents[e.name] = append(o.dependents[e.name], name.text)
			}
			continue
		}
		m, err := l.schema(e.value, sc)
		if err != nil {
			return err
		}
		o.dependentSchemas[e.name] = m
	}
	return nil
}

// reference returns the model that a "$ref" points at. Each place is loaded once, so
// that a model may contain itself.
func (l *loader) reference(ref string, sc scope) (*model, error) {
	at := resolve(sc.base, ref)
	if m := l.refs[at]; m != nil {
		return m, nil
	}
	n, inside, err := l.locate(ref, at, sc)
	if err != nil {
		return nil, err
	}
	m := &model{}
	l.refs[at] = m
	loaded, err := l.schema(n, inside)
	if err != nil {
		return nil, err
	}
	*m = *loaded
	return m, nil
}

// locate finds the schema that a reference means, and its scope.
func (l *loader) locate(ref, at string, sc scope) (*node, scope, error) {
	if n := l.ids[at]; n != nil {
		if strings.Contains(at, "#") {
			return n, sc, nil
		}
		return n, scope{n, at}, nil
	}
	address, fragment, _ := strings.Cut(at, "#")
	if !strings.HasPrefix(ref, "#") {
		root := l.docs[address]
		if root == nil {
			root = l.ids[address]
		}
		if root == nil {
			return nil, sc, malformed("#: there is no document for the reference %q; the schema must be registered with a reference of that name", ref)
		}
		sc = scope{root, address}
	}
	// What stands before the first slash is ignored: "#x" means the whole document.
	steps := strings.Split(fragment, "/")[1:]
	n := sc.root
	for _, step := range steps {
		step = strings.NewReplacer("~1", "/", "~0", "~", "%25", "%", "%20", " ").Replace(step)
		var next *node
		switch n.kind {
		case object:
			next = n.get(step)
		case array:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.list) {
				next = n.list[i]
			}
		}
		if next == nil {
			return nil, sc, malformed("#: failed to resolve the reference %q: there is no %q", ref, step)
		}
		n = next
	}
	return n, sc, nil
}
