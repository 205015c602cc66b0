package jsonschema

import (
	"net/url"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/connect/schema"
)

const classSchema = "org.everit.json.schema.SchemaException"

// maxSchemaDepth bounds how deep schemas may be nested in one another.
const maxSchemaDepth = 500

// draftOf tells the dialect of a document by its "$schema".
type dialect uint8

const (
	draft4 dialect = iota
	draft6
	draft7
	modern // 2019-09 and 2020-12
)

func dialectOf(n *node) dialect {
	s := n.get("$schema")
	if s == nil {
		return draft7
	}
	_, rest, _ := strings.Cut(strings.TrimSuffix(s.String(), "#"), "://json-schema.org/")
	switch rest {
	case "draft-04/schema":
		return draft4
	case "draft-06/schema":
		return draft6
	case "draft/2019-09/schema", "draft/2020-12/schema":
		return modern
	}
	return draft7
}

// loader builds models of a document and of what it refers to.
type loader struct {
	dialect dialect
	docs    map[string]*node  // the other documents, by address
	ids     map[string]*node  // schemas by their id
	refs    map[string]*model // what references point at
	depth   int
}

// scope is where a schema stands: its document and the base of its references.
type scope struct {
	root *node
	base string
}

// load builds the model of a document. references are the texts of other documents
// by the names they are referred to.
func (c *Codec) load(n *node, references map[string]string) (*model, error) {
	l := &loader{dialect: dialectOf(n), docs: map[string]*node{}, ids: map[string]*node{}, refs: map[string]*model{}}
	if l.dialect == modern && c.opts.IgnoreModernDialects {
		l.dialect = draft7
	}
	sc := scope{root: n}
	if id := n.get(l.idKeyword()); n.kind == object && id != nil && id.kind == text {
		sc.base = id.text
	}
	for name, text := range references {
		doc, err := parse([]byte(text))
		if err != nil {
			return nil, invalid(err)
		}
		l.docs[resolve(sc.base, name)] = doc
		l.collectIDs(doc, resolve(sc.base, name), 0)
	}
	l.collectIDs(n, "", 0)
	m, err := l.schema(n, sc)
	if err != nil {
		return nil, invalid(err)
	}
	return m, nil
}

func invalid(err error) error { return errs.Wrap(errs.ClassIllegalArgument, err, "Invalid JSON") }

func (l *loader) idKeyword() string {
	if l.dialect == draft4 {
		return "id"
	}
	return "$id"
}

// collectIDs remembers every schema with an id, and with an anchor in modern drafts.
func (l *loader) collectIDs(n *node, base string, depth int) {
	if depth > maxSchemaDepth {
		return
	}
	switch n.kind {
	case array:
		for _, e := range n.list {
			l.collectIDs(e, base, depth+1)
		}
	case object:
		if id := n.get(l.idKeyword()); id != nil && id.kind == text {
			base = resolve(base, id.text)
			l.ids[base] = n
		}
		if a := n.get("$anchor"); l.dialect == modern && a != nil && a.kind == text {
			l.ids[strings.TrimSuffix(base, "#")+"#"+a.text] = n
		}
		for _, m := range n.members {
			if m.name != "enum" && m.name != "const" && m.name != "default" {
				l.collectIDs(m.value, base, depth+1)
			}
		}
	}
}

// resolve resolves a reference against a base; either may be relative.
func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil || base == "" {
		return ref
	}
	r, err := url.Parse(ref)
	if err != nil {
		return ref
	}
	if strings.HasPrefix(ref, "#") {
		b.Fragment = r.Fragment
		return b.String()
	}
	if b.Opaque != "" || (b.Scheme == "" && !strings.HasPrefix(base, "/")) {
		// A relative base: only its folder counts.
		if r.IsAbs() || strings.HasPrefix(ref, "/") {
			return ref
		}
		return base[:strings.LastIndexByte(base, '/')+1] + ref
	}
	return b.ResolveReference(r).String()
}

func malformed(format string, args ...any) error { return errs.New(classSchema, format, args...) }

func expected(where, want string, got *node) error {
	return malformed("#/%s: expected type: %s, found: %s", where, want, orgType(got))
}

// keywords are those of a schema that no loader has taken yet.
type keywords struct {
	from *node
	left map[string]bool
}

func (k *keywords) take(name string) *node {
	if !k.left[name] {
		return nil
	}
	v := k.from.get(name)
	return v
}

func (k *keywords) has(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return k.left[n] })
}

func (k *keywords) drop(names ...string) {
	for _, n := range names {
		delete(k.left, n)
	}
}

var (
	numberNames      = []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
	stringNames      = []string{"minLength", "maxLength", "pattern", "format"}
	arrayNames       = []string{"items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"}
	objectNames      = []string{"properties", "required", "minProperties", "maxProperties", "dependencies", "patternProperties", "additionalProperties", "propertyNames"}
	conditionalNames = []string{"if", "then", "else"}
	combinedNames    = []string{"oneOf", "anyOf", "allOf"}
)

func (l *loader) schema(n *node, sc scope) (*model, error) {
	if l.depth++; l.depth > maxSchemaDepth {
		return nil, malformed("#: schemas are nested more than %d deep", maxSchemaDepth)
	}
	defer func() { l.depth-- }()
	switch {
	case n.kind == boolean && n.yes:
		return &model{sort: ofTrue}, nil
	case n.kind == boolean:
		return &model{sort: ofFalse}, nil
	case n.kind != object:
		return nil, malformed("#: expected type is one of JsonObject or Boolean, found: %s", orgType(n))
	}
	k := &keywords{from: n, left: make(map[string]bool, len(n.members))}
	for _, m := range n.members {
		k.left[m.name] = true
	}
	if id := n.get(l.idKeyword()); id != nil && id.kind == text && n != sc.root {
		sc.base = resolve(sc.base, id.text)
	}
	parts, err := l.parts(k, sc)
	if err != nil {
		return nil, err
	}
	var m *model
	switch len(parts) {
	case 0:
		m = &model{sort: ofEmpty}
	case 1:
		m = parts[0]
	default:
		slices.SortStableFunc(parts, func(a, b *model) int {
			switch {
			case a.sort == ofCombined && b.sort != ofCombined:
				return -1
			case b.sort == ofCombined && a.sort != ofCombined:
				return 1
			}
			return 0
		})
		m = &model{sort: ofCombined, criterion: "allOf", subs: parts}
	}
	return m, l.common(m, k)
}

// common takes what schemas of any sort have.
func (l *loader) common(m *model, k *keywords) error {
	for _, c := range []struct {
		name string
		to   **string
	}{{"title", &m.title}, {"description", &m.doc}, {l.idKeyword(), nil}} {
		v := k.take(c.name)
		if v == nil {
			continue
		}
		if v.kind != text {
			return expected(c.name, "String", v)
		}
		if c.to != nil {
			*c.to = &v.text
		}
		k.drop(c.name)
	}
	if v := k.take("default"); v != nil {
		if v.kind != null {
			m.def = v
		}
		k.drop("default")
	}
	m.extra = &node{kind: object}
	for _, e := range k.from.members {
		if k.left[e.name] {
			m.extra.put(e.name, e.value)
		}
	}
	return nil
}

// parts builds a model for each group of keywords.
func (l *loader) parts(k *keywords, sc scope) ([]*model, error) {
	var parts []*model
	if ref := k.take("$ref"); ref != nil {
		if ref.kind != text {
			return nil, expected("$ref", "String", ref)
		}
		target, err := l.reference(ref.text, sc)
		if err != nil {
			return nil, err
		}
		k.drop("$ref")
		parts = append(parts, &model{sort: ofReference, target: target})
		if l.dialect != modern {
			return parts, nil
		}
	}
	if v := k.take("enum"); v != nil {
		if v.kind != array {
			return nil, expected("enum", "JsonArray", v)
		}
		parts = append(parts, &model{sort: ofEnum, values: v.list})
		k.drop("enum")
	}
	for _, name := range combinedNames {
		v := k.take(name)
		if v == nil {
			continue
		}
		if v.kind != array {
			return nil, expected(name, "JsonArray", v)
		}
		m := &model{sort: ofCombined, criterion: name}
		for _, e := range v.list {
			sub, err := l.schema(e, sc)
			if err != nil {
				return nil, err
			}
			m.subs = append(m.subs, sub)
		}
		parts = append(parts, m)
		k.drop(name)
	}
	if v := k.take("not"); v != nil {
		target, err := l.schema(v, sc)
		if err != nil {
			return nil, err
		}
		parts = append(parts, &model{sort: ofNot, target: target})
		k.drop("not")
	}
	if v := k.take("const"); v != nil && l.dialect != draft4 {
		parts = append(parts, &model{sort: ofConst, values: []*node{v}})
		k.drop("const")
	}
	typed, err := l.types(k, sc)
	if err != nil {
		return nil, err
	}
	if typed != nil {
		parts = append(parts, typed)
	}
	return l.sniffed(parts, k, sc)
}

// types builds the model that "type" asks for, nil without it.
func (l *loader) types(k *keywords, sc scope) (*model, error) {
	v := k.take("type")
	if v == nil {
		return nil, nil
	}
	defer k.drop("type")
	switch v.kind {
	case text:
		m, used, err := l.typed(v.text, k, sc)
		k.drop(used...)
		return m, err
	case array:
		m := &model{sort: ofCombined, criterion: "anyOf"}
		for _, e := range v.list {
			if e.kind != text {
				return nil, expected("type", "String", e)
			}
			sub, used, err := l.typed(e.text, k, sc)
			if err != nil {
				return nil, err
			}
			defer k.drop(used...)
			m.subs = append(m.subs, sub)
		}
		return m, nil
	}
	return nil, malformed("#/type: expected type is one of JsonArray or String, found: %s", orgType(v))
}

func (l *loader) typed(name string, k *keywords, sc scope) (m *model, used []string, err error) {
	switch name {
	case "boolean":
		return &model{sort: ofBoolean}, nil, nil
	case "null":
		return &model{sort: ofNull}, nil, nil
	case "string":
		m, err = l.stringModel(k)
		used = stringNames
	case "integer", "number":
		m, err = l.numberModel(k)
		used = numberNames
		if err == nil {
			m.integer = name == "integer"
		}
	case "array":
		m, err = l.arrayModel(k, sc)
		used = append(slices.Clone(arrayNames), "prefixItems")
	case "object":
		m, err = l.objectModel(k, sc)
		used = objectNames
	default:
		err = malformed("#/type: unknown type: [%s]", name)
	}
	if err != nil {
		return nil, nil, err
	}
	m.typed = true
	return m, used, nil
}

// sniffed adds models for keywords that stand without their type.
func (l *loader) sniffed(parts []*model, k *keywords, sc scope) ([]*model, error) {
	add := func(m *model, err error, used []string) error {
		if err == nil {
			parts = append(parts, m)
			k.drop(used...)
		}
		return err
	}
	if k.has(arrayNames) || l.dialect == modern && k.left["prefixItems"] {
		m, err := l.arrayModel(k, sc)
		if err := add(m, err, append(slices.Clone(arrayNames), "prefixItems")); err != nil {
			return nil, err
		}
	}
	if k.has(objectNames) {
		m, err := l.objectModel(k, sc)
		if err := add(m, err, objectNames); err != nil {
			return nil, err
		}
	}
	if k.has(numberNames) {
		m, err := l.numberModel(k)
		if err := add(m, err, numberNames); err != nil {
			return nil, err
		}
	}
	if k.has(stringNames) && (l.dialect != modern || k.has(stringNames[:3])) {
		m, err := l.stringModel(k)
		if err := add(m, err, stringNames); err != nil {
			return nil, err
		}
	}
	if l.dialect >= draft7 && k.has(conditionalNames) {
		m := &model{sort: ofConditional}
		for i, to := range []**model{&m.when, &m.then, &m.otherwise} {
			v := k.take(conditionalNames[i])
			if v == nil {
				continue
			}
			sub, err := l.schema(v, sc)
			if err != nil {
				return nil, err
			}
			*to = sub
		}
		if err := add(m, nil, conditionalNames); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// size reads a keyword that is a count.
func (k *keywords) size(name string, to **int) error {
	v := k.take(name)
	if v == nil {
		return nil
	}
	if !v.isInt() {
		return expected(name, "Integer", v)
	}
	n := int(int32(v.num.Int64()))
	*to = &n
	return nil
}

func (l *loader) stringModel(k *keywords) (*model, error) {
	s := &stringKeywords{}
	if err := k.size("minLength", &s.minLength); err != nil {
		return nil, err
	}
	if err := k.size("maxLength", &s.maxLength); err != nil {
		return nil, err
	}
	if v := k.take("pattern"); v != nil {
		var err error
		if s.pattern, err = compile(v); err != nil {
			return nil, err
		}
	}
	if v := k.take("format"); v != nil && l.dialect != modern {
		if v.kind != text {
			return nil, expected("format", "String", v)
		}
		s.format = v.text
	}
	return &model{sort: ofString, stringKeywords: s}, nil
}

func compile(v *node) (*javaregex.Pattern, error) {
	if v.kind != text {
		return nil, expected("pattern", "String", v)
	}
	r, err := javaregex.Compile(v.text)
	if err != nil {
		return nil, errs.Wrap(classSchema, err, "#/pattern: %s is not a regular expression", v.text)
	}
	return r, nil
}

func (l *loader) numberModel(k *keywords) (*model, error) {
	num := &numberKeywords{}
	for _, e := range []struct {
		name string
		to   **schema.DecimalValue
	}{{"minimum", &num.minimum}, {"maximum", &num.maximum}, {"multipleOf", &num.multiple}, {"exclusiveMinimum", &num.above}, {"exclusiveMaximum", &num.below}} {
		v := k.take(e.name)
		if v == nil || l.dialect == draft4 && strings.HasPrefix(e.name, "exclusive") {
			continue
		}
		if v.kind != integer && v.kind != decimal {
			return nil, expected(e.name, "Number", v)
		}
		*e.to = v.num
	}
	if l.dialect == draft4 {
		// Here the exclusive keywords say how the limits are meant.
		for _, e := range []struct {
			name     string
			from, to **schema.DecimalValue
		}{{"exclusiveMinimum", &num.minimum, &num.above}, {"exclusiveMaximum", &num.maximum, &num.below}} {
			v := k.take(e.name)
			switch {
			case v == nil:
			case v.kind != boolean:
				return nil, expected(e.name, "Boolean", v)
			case v.yes:
				*e.to, *e.from = *e.from, nil
			}
		}
	}
	return &model{sort: ofNumber, numberKeywords: num}, nil
}

func (l *loader) list(v *node, sc scope) ([]*model, error) {
	var out []*model
	for _, e := range v.list {
		m, err := l.schema(e, sc)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (l *loader) arrayModel(k *keywords, sc scope) (*model, error) {
	a := &arrayKeywords{}
	for _, e := range []struct {
		name string
		to   **int
	}{{"minItems", &a.minItems}, {"maxItems", &a.maxItems}} {
		if err := k.size(e.name, e.to); err != nil {
			return nil, err
		}
	}
	if v := k.take("uniqueItems"); v != nil {
		if v.kind != boolean {
			return nil, expected("uniqueItems", "Boolean", v)
		}
		a.unique = v.yes
	}
	var err error
	tuple, all, rest := k.take("items"), k.take("items"), k.take("additionalItems")
	if l.dialect == modern && k.left["prefixItems"] {
		tuple, all, rest = k.take("prefixItems"), nil, k.take("items")
	}
	if tuple != nil && tuple.kind == array {
		all = nil
		if a.tuple, err = l.list(tuple, sc); err != nil {
			return nil, err
		}
	}
	if all != nil {
		if a.items, err = l.schema(all, sc); err != nil {
			return nil, err
		}
		if l.dialect == modern && (a.items.sort == ofTrue || a.items.sort == ofFalse) {
			a.closedItems, a.items = a.items.sort == ofFalse, nil
		}
	}
	switch {
	case rest == nil:
	case rest.kind == boolean:
		a.closedItems = !rest.yes
	default:
		if a.furtherItems, err = l.schema(rest, sc); err != nil {
			return nil, err
		}
	}
	if v := k.take("contains"); v != nil && l.dialect != draft4 {
		if a.contains, err = l.schema(v, sc); err != nil {
			return nil, err
		}
	}
	return &model{sort: ofArray, arrayKeywords: a}, nil
}
