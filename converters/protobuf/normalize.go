package protobuf

import (
	"cmp"
	"slices"
)

// normalized is a file in the form that makes texts of equal meaning equal: in order of
// numbers, and with whole names (ProtobufSchema.normalize). The set is of the same file.
func (s *set) normalized(def *fileDef) *fileDef {
	out := *def
	if out.syntax != proto3 {
		out.syntax = ""
	}
	sorted := func(names []string) []string {
		names = slices.Clone(names)
		slices.Sort(names)
		return slices.Compact(names)
	}
	out.imports, out.public = sorted(def.imports), sorted(def.public)
	out.options = normalizedOptions(def.options)
	out.messages, out.enums = normalizedTypes(def.messages, s.root.messages, def.enums)
	return &out
}

func normalizedTypes(messages []*messageDef, linked []*message, enums []*enumDef) (outMessages []*messageDef, outEnums []*enumDef) {
	for i, m := range messages {
		if !m.mapEntry {
			outMessages = append(outMessages, m.normalized(linked[i]))
		}
	}
	for _, e := range enums {
		c := *e
		c.options, c.values = normalizedOptions(e.options), slices.Clone(e.values)
		for i := range c.values {
			c.values[i].options = normalizedOptions(c.values[i].options)
		}
		slices.SortStableFunc(c.values, func(a, b enumValueDef) int {
			return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
		})
		outEnums = append(outEnums, &c)
	}
	return outMessages, outEnums
}

func (m *messageDef) normalized(linked *message) *messageDef {
	out := *m
	out.options = normalizedOptions(m.options)
	out.messages, out.enums = normalizedTypes(m.messages, linked.messages, m.enums)
	out.fields = make([]*fieldDef, len(m.fields))
	for i, f := range m.fields {
		c := *f
		c.options = normalizedOptions(f.options)
		switch l := linked.byName[f.name]; {
		case isEntry(l):
			k, v := l.message.byName[keyName], l.message.byName[valueName]
			if k != nil && v != nil {
				c.keyType, c.typ, c.label = k.def.typ, wholeType(v), ""
			}
		default:
			c.typ = wholeType(l)
		}
		out.fields[i] = &c
	}
	slices.SortStableFunc(out.fields, func(a, b *fieldDef) int { return cmp.Compare(a.number, b.number) })
	// A oneof stands where its first member does.
	var oneofs []oneofDef
	places := map[int]int{}
	for _, f := range out.fields {
		if f.oneof < 0 {
			continue
		}
		if _, ok := places[f.oneof]; !ok {
			places[f.oneof] = len(oneofs)
			oneofs = append(oneofs, m.oneofs[f.oneof])
		}
		f.oneof = places[f.oneof]
	}
	out.oneofs = oneofs
	return &out
}

// wholeType is a field's type with its whole name.
func wholeType(f *field) string {
	switch {
	case f.message != nil:
		return "." + f.message.full
	case f.enum != nil:
		return "." + f.enum.full
	}
	return f.def.typ
}

func normalizedOptions(options []optionDef) []optionDef {
	out := slices.Clone(options)
	for i := range out {
		out[i].value = normalizedValue(out[i].value)
	}
	slices.SortStableFunc(out, func(a, b optionDef) int { return cmp.Compare(a.name, b.name) })
	return out
}

func normalizedValue(v any) any {
	switch v := v.(type) {
	case []pair:
		out := make([]pair, len(v))
		for i, p := range v {
			out[i] = pair{p.name, normalizedValue(p.value)}
		}
		slices.SortStableFunc(out, func(a, b pair) int { return cmp.Compare(a.name, b.name) })
		return out
	case []any:
		if len(v) == 1 {
			return normalizedValue(v[0])
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normalizedValue(e)
		}
		return out
	}
	return v
}
