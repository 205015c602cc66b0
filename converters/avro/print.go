package avro

import (
	"slices"
	"strconv"
	"strings"
)

// printer writes schemas in the order of Java's Schema.toString. A named type is
// written once, and by name after that.
type printer struct {
	known map[string]bool
	// sorted puts properties in the order of their names, so that the texts of equal
	// schemas are equal.
	sorted bool
	// bare leaves out what Java's Schema.equals does not look at: documentation, aliases,
	// defaults of enums, and whether a record is an error.
	bare bool
}

func appendMember(dst []byte, name, value string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(appendText(dst, name), ':')
	return appendText(dst, value)
}

func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(appendText(dst, name), ':')
}

func appendTexts(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, t := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, t)
	}
	return append(dst, ']')
}

func (p *printer) appendProps(dst []byte, props []member) []byte {
	if p.sorted {
		props = slices.Clone(props)
		slices.SortFunc(props, func(a, b member) int { return strings.Compare(a.name, b.name) })
	}
	for _, m := range props {
		dst = m.value.append(appendName(dst, m.name))
	}
	return dst
}

// append writes the schema within a namespace.
func (s *Schema) append(dst []byte, p *printer, space string) []byte {
	switch {
	case s.kind.isNamed():
		return s.appendNamed(dst, p, space)
	case s.kind == kUnion:
		dst = append(dst, '[')
		for i, t := range s.types {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = t.append(dst, p, space)
		}
		return append(dst, ']')
	case s.kind < kRecord && len(s.props) == 0:
		return appendText(dst, s.kind.String())
	}
	dst = appendMember(append(dst, '{'), "type", s.kind.String())
	switch s.kind {
	case kArray:
		dst = s.items.append(appendName(dst, "items"), p, space)
	case kMap:
		dst = s.items.append(appendName(dst, "values"), p, space)
	}
	return append(p.appendProps(dst, s.props), '}')
}

// qualified is how a name is written within a namespace.
func (n name) qualified(space string) string {
	if n.space == "" || n.space != space {
		return n.full
	}
	for _, k := range kindNames { // a name that would be taken for a type
		if k == n.simple {
			return n.full
		}
	}
	return n.simple
}

func (s *Schema) appendNamed(dst []byte, p *printer, space string) []byte {
	if p.known[s.name.full] {
		return appendText(dst, s.name.qualified(space))
	}
	p.known[s.name.full] = true
	typ := s.kind.String()
	if s.isError && !p.bare {
		typ = "error"
	}
	dst = appendMember(append(dst, '{'), "type", typ)
	dst = appendMember(dst, "name", s.name.simple)
	if s.name.space != space {
		dst = appendMember(dst, "namespace", s.name.space)
	}
	if s.doc != nil && !p.bare {
		dst = appendMember(dst, "doc", *s.doc)
	}
	switch s.kind {
	case kRecord:
		dst = append(appendName(dst, "fields"), '[')
		for i := range s.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = s.fields[i].append(dst, p, s.name.space)
		}
		dst = append(dst, ']')
	case kEnum:
		dst = appendTexts(appendName(dst, "symbols"), s.symbols)
		if s.enumDefault != nil && !p.bare {
			dst = appendMember(dst, "default", *s.enumDefault)
		}
	case kFixed:
		dst = strconv.AppendInt(appendName(dst, "size"), int64(s.size), 10)
	}
	dst = p.appendProps(dst, s.props)
	if len(s.aliases) > 0 && !p.bare {
		names := make([]string, len(s.aliases))
		for i, a := range s.aliases {
			names[i] = newName(a, "").qualified(s.name.space)
		}
		dst = appendTexts(appendName(dst, "aliases"), names)
	}
	return append(dst, '}')
}

func (f *field) append(dst []byte, p *printer, space string) []byte {
	dst = appendMember(append(dst, '{'), "name", f.name)
	dst = f.schema.append(appendName(dst, "type"), p, space)
	if f.doc != nil && !p.bare {
		dst = appendMember(dst, "doc", *f.doc)
	}
	if f.def != nil {
		dst = f.def.append(appendName(dst, "default"))
	}
	if f.order != "" && f.order != "ascending" {
		dst = appendMember(dst, "order", f.order)
	}
	if len(f.aliases) > 0 && !p.bare {
		dst = appendTexts(appendName(dst, "aliases"), f.aliases)
	}
	return append(p.appendProps(dst, f.props), '}')
}

// equal compares as Java's Schema.equals does.
func (s *Schema) equal(o *Schema) bool {
	text := func(s *Schema) string {
		return string(s.append(nil, &printer{known: map[string]bool{}, sorted: true, bare: true}, ""))
	}
	return s == o || s.kind == o.kind && s.fullName() == o.fullName() && text(s) == text(o)
}
