package avro

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// parser reads schemas. Names are known to all that it reads one after the other, and
// may be used before they are defined.
type parser struct {
	known map[string]*Schema
	// open are names that were used and are yet to be defined.
	open map[string]*Schema
}

func newParser() *parser { return &parser{known: map[string]*Schema{}, open: map[string]*Schema{}} }

// Parse reads a schema that may use the types of other documents by their names. Names
// and defaults are not validated, as they are not by Java's client of a registry.
func Parse(text string, references ...string) (*Schema, error) {
	p := newParser()
	for _, ref := range references {
		if _, err := p.parse(ref); err != nil {
			return nil, err
		}
	}
	return p.parse(text)
}

func (p *parser) parse(text string) (*Schema, error) {
	n, err := parseJSON(text)
	if err != nil {
		// A name without quotes, which is how some registries give a primitive type.
		k, ok := kindOf(strings.TrimSpace(text))
		if !ok {
			return nil, err
		}
		return primitive(k), nil
	}
	s, err := p.schema(n, "")
	if err != nil {
		return nil, err
	}
	if len(p.open) > 0 {
		names := make([]string, 0, len(p.open))
		for name := range p.open {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, errs.New(classType, "Undefined schema: %s", strings.Join(names, ", ")).
			WithHint("is a reference missing where the schema is registered?")
	}
	return p.closed(s), p.check(s, map[*Schema]bool{})
}

// closed follows what was made for a name before it was defined.
func (p *parser) closed(s *Schema) *Schema {
	if s.kind.isNamed() {
		if known, ok := p.known[s.name.full]; ok {
			return known
		}
	}
	return s
}

// check puts definitions in the place of names that came before them, and validates
// unions, whose types are known only then.
func (p *parser) check(s *Schema, seen map[*Schema]bool) error {
	if seen[s] {
		return nil
	}
	seen[s] = true
	switch s.kind {
	case kRecord:
		for i := range s.fields {
			s.fields[i].schema = p.closed(s.fields[i].schema)
			if err := p.check(s.fields[i].schema, seen); err != nil {
				return err
			}
		}
	case kArray, kMap:
		s.items = p.closed(s.items)
		return p.check(s.items, seen)
	case kUnion:
		for i := range s.types {
			s.types[i] = p.closed(s.types[i])
			if err := p.check(s.types[i], seen); err != nil {
				return err
			}
		}
		_, err := unionOf(s.types...)
		return err
	}
	return nil
}

// reference finds the type of a name that is used.
func (p *parser) reference(text, space string) *Schema {
	n := newName(text, space)
	if s, ok := p.known[n.full]; ok {
		return s
	}
	if s, ok := p.known[text]; ok && p.open[n.full] == nil {
		return s // a name without a namespace, used within one
	}
	if s, ok := p.open[n.full]; ok {
		return s
	}
	s := &Schema{kind: kRecord, name: n}
	p.open[n.full] = s
	return s
}

// define makes a type known, once it is read to its end: what is within refers to it by
// its full name alone. It may be defined again if it is the same.
func (p *parser) define(s *Schema) error {
	if old, ok := p.known[s.name.full]; ok {
		if old.equal(s) {
			return nil
		}
		return errs.New(classParse, "%s", "Can't redefine: "+s.name.full)
	}
	p.known[s.name.full] = s
	delete(p.open, s.name.full)
	return nil
}

func (p *parser) schema(n *node, space string) (*Schema, error) {
	switch n.kind {
	case jsonText:
		if k, ok := kindOf(n.text); ok {
			return primitive(k), nil
		}
		return p.reference(n.text, space), nil
	case jsonArray:
		u := &Schema{kind: kUnion}
		for _, e := range n.list {
			t, err := p.schema(e, space)
			if err != nil {
				return nil, err
			}
			u.types = append(u.types, t)
		}
		return u, nil
	case jsonObject:
		return p.object(n, space)
	}
	return nil, errs.New(classParse, "Schema not yet supported: %.200s", n)
}

func (p *parser) object(n *node, space string) (*Schema, error) {
	typ, err := required(n, "type", "No type")
	if err != nil {
		return nil, err
	}
	var s *Schema
	switch typ {
	case "record", "error", "enum", "fixed":
		if s, err = p.named(n, typ, space); err != nil {
			return nil, err
		}
	case "array", "map":
		s, err = p.container(n, typ, space)
	default:
		k, ok := kindOf(typ)
		if !ok {
			return p.reference(typ, space), nil
		}
		s = primitive(k)
	}
	if err != nil {
		return nil, err
	}
	for _, m := range n.members {
		if !isReserved(m.name) && (s.kind != kEnum || m.name != "default") {
			s.props = append(s.props, m)
		}
	}
	return s, nil
}

func (p *parser) container(n *node, typ, space string) (*Schema, error) {
	s, member, what := arrayOf(nil), "items", "Array has no items type: %.200s"
	if typ == "map" {
		s, member, what = mapOf(nil), "values", "Map has no values type: %.200s"
	}
	of := n.get(member)
	if of == nil {
		return nil, errs.New(classParse, what, n)
	}
	var err error
	s.items, err = p.schema(of, space)
	return s, err
}

func (p *parser) named(n *node, typ, space string) (*Schema, error) {
	text, err := required(n, "name", "No name in schema")
	if err != nil {
		return nil, err
	}
	if ns := n.get("namespace"); ns != nil && ns.kind == jsonText {
		space = ns.text
	}
	k := map[string]kind{"record": kRecord, "error": kRecord, "enum": kEnum, "fixed": kFixed}[typ]
	s, err := named(k, newName(text, space), false)
	if err != nil {
		return nil, err
	}
	s.isError, s.doc = typ == "error", optionalText(n, "doc")
	for _, a := range aliases(n) {
		if full := newName(a, s.name.space).full; !slices.Contains(s.aliases, full) {
			s.aliases = append(s.aliases, full)
		}
	}
	switch k {
	case kRecord:
		err = p.fields(s, n)
	case kEnum:
		err = p.symbols(s, n)
	case kFixed:
		size := n.get("size")
		if size == nil || !size.isInt32() || size.num < 0 {
			return nil, errs.New(classParse, "Invalid or no size: %.200s", n)
		}
		s.size = int(size.num)
	}
	if err != nil {
		return nil, err
	}
	return s, p.define(s)
}

func (p *parser) symbols(s *Schema, n *node) error {
	list := n.get("symbols")
	if list == nil || list.kind != jsonArray {
		return errs.New(classParse, "Enum has no symbols: %.200s", n)
	}
	symbols := make([]string, len(list.list))
	for i, e := range list.list {
		symbols[i] = e.asText()
	}
	return s.setSymbols(symbols, optionalText(n, "default"), false)
}

func (p *parser) fields(s *Schema, n *node) error {
	list := n.get("fields")
	if list == nil || list.kind != jsonArray {
		return errs.New(classParse, "Record has no fields: %.200s", n)
	}
	fields := make([]field, 0, len(list.list))
	for _, e := range list.list {
		name, err := required(e, "name", "No field name")
		if err != nil {
			return err
		}
		typ := e.get("type")
		if typ == nil {
			return errs.New(classParse, "No field type: %.200s", e)
		}
		f := field{name: name, doc: optionalText(e, "doc"), def: e.get("default"), aliases: aliases(e)}
		if f.schema, err = p.schema(typ, s.name.space); err != nil {
			return err
		}
		if o := optionalText(e, "order"); o != nil {
			f.order = strings.ToLower(*o)
			if f.order != "ascending" && f.order != "descending" && f.order != "ignore" {
				return errs.IllegalArgument("No enum constant org.apache.avro.Schema.Field.Order.%s", strings.ToUpper(f.order))
			}
		}
		if f.def != nil && f.def.kind == jsonText && (f.schema.kind == kFloat || f.schema.kind == kDouble) {
			f.def = numberText(f.def)
		}
		for _, m := range e.members {
			switch m.name {
			case "default", "doc", "name", "order", "type", "aliases":
			default:
				f.props = append(f.props, m)
			}
		}
		fields = append(fields, f)
	}
	return s.setFields(fields)
}

// numberText reads a float that is written as text.
func numberText(n *node) *node {
	f, err := strconv.ParseFloat(strings.TrimSpace(n.text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return n
	}
	return &node{kind: jsonDouble, float: f}
}

func required(n *node, member, what string) (string, error) {
	if v := n.get(member); v != nil && v.kind == jsonText {
		return v.text, nil
	}
	return "", errs.New(classParse, "%s: %.200s", what, n)
}

func optionalText(n *node, member string) *string {
	if v := n.get(member); v != nil && v.kind == jsonText {
		return &v.text
	}
	return nil
}

func aliases(n *node) (names []string) {
	if list := n.get("aliases"); list != nil {
		for _, e := range list.list {
			names = append(names, e.asText())
		}
	}
	return names
}
