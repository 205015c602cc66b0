package protobuf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// difference is what is wrong with a schema that should read what another one wrote.
type difference struct{ kind, path string }

// explain says it in words. The first schema is the one that reads.
func (d difference) explain() string {
	text := map[string]string{
		"PACKAGE_CHANGED":                "the packages differ",
		"MESSAGE_REMOVED":                "the message %s is missing",
		"FIELD_KIND_CHANGED":             "the field %s is no longer of the same kind of type",
		"FIELD_SCALAR_KIND_CHANGED":      "the field %s has a type that is written in another way",
		"FIELD_NAMED_TYPE_CHANGED":       "the message in field %s is another one",
		"FIELD_NUMERIC_LABEL_CHANGED":    "the number in field %s has another label",
		"REQUIRED_FIELD_ADDED":           "the required field %s is new",
		"REQUIRED_FIELD_REMOVED":         "the required field %s is missing",
		"ONEOF_FIELD_REMOVED":            "the member %s of a oneof is missing",
		"MULTIPLE_FIELDS_MOVED_TO_ONEOF": "several fields have become members of %s",
		"FIELD_MOVED_TO_EXISTING_ONEOF":  "a field has become a member of %s, which was there",
	}[d.kind]
	if strings.Contains(text, "%s") {
		text = fmt.Sprintf(text, d.path)
	}
	return d.kind + ": " + text
}

// comparison compares schemas as Confluent's registry does (SchemaDiff). It keeps only
// the differences that matter.
type comparison struct {
	open        map[*message]bool
	path        []string
	differences []difference
}

// incompatible is the error of a schema that cannot read what another one wrote, or nil.
func incompatible(written, reader *set) error {
	c := &comparison{open: map[*message]bool{}}
	if written.root.def.pkg != reader.root.def.pkg {
		c.add("PACKAGE_CHANGED")
	}
	c.messages(written.root.messages, reader.root.messages)
	if len(c.differences) == 0 {
		return nil
	}
	reasons := make([]string, len(c.differences))
	for i, d := range c.differences {
		reasons[i] = d.explain()
	}
	return errs.New(errs.ClassIllegalArgument, "%s", strings.Join(reasons, "; "))
}

func (c *comparison) add(kind string) {
	c.differences = append(c.differences, difference{kind, strings.Join(c.path, "/")})
}

func (c *comparison) in(step string, f func()) {
	c.path = append(c.path, step)
	f()
	c.path = c.path[:len(c.path)-1]
}

func (c *comparison) messages(before, after []*message) {
	for _, m := range before {
		if m.def.mapEntry {
			continue
		}
		i := slices.IndexFunc(after, func(n *message) bool { return n.def.name == m.def.name })
		c.in(m.def.name, func() {
			if i < 0 {
				c.add("MESSAGE_REMOVED")
				return
			}
			c.message(m, after[i])
		})
	}
}

// plain are the fields outside of oneofs, by number.
func (m *message) plain() map[int32]*field {
	fields := map[int32]*field{}
	for _, f := range m.fields {
		if f.oneof == nil || f.oneof.synthetic {
			fields[f.def.number] = f
		}
	}
	return fields
}

func (c *comparison) message(before, after *message) {
	if !c.open[before] {
		c.open[before] = true
		c.fields(before, after)
		delete(c.open, before)
	}
	c.messages(before.messages, after.messages)
}

func (c *comparison) fields(before, after *message) {
	old, now := before.plain(), after.plain()
	members := map[int32]bool{}
	for _, o := range before.oneofs {
		for _, f := range o.fields {
			members[f.def.number] = members[f.def.number] || !o.synthetic
		}
	}
	for _, o := range after.oneofs {
		if o.synthetic {
			continue
		}
		moved, existing := 0, 0
		for _, f := range o.fields {
			if old[f.def.number] != nil {
				delete(old, f.def.number)
				moved++
			} else if members[f.def.number] {
				existing++
			}
		}
		c.in(o.name, func() {
			if moved > 1 {
				c.add("MULTIPLE_FIELDS_MOVED_TO_ONEOF")
			} else if moved == 1 && existing > 0 {
				c.add("FIELD_MOVED_TO_EXISTING_ONEOF")
			}
		})
	}
	for _, o := range before.oneofs {
		i := slices.IndexFunc(after.oneofs, func(n *oneof) bool { return n.name == o.name && !n.synthetic })
		if o.synthetic || i < 0 {
			continue
		}
		c.in(o.name, func() { c.oneof(o, after.oneofs[i]) })
	}
	for _, f := range before.fields {
		number := f.def.number
		if old[number] != f {
			continue
		}
		c.in(strconv.Itoa(int(number)), func() {
			switch other := now[number]; {
			case other != nil:
				c.field(f, other)
			case f.def.label == labelRequired:
				c.add("REQUIRED_FIELD_REMOVED")
			}
		})
	}
	for _, f := range after.fields {
		if number := f.def.number; now[number] == f && old[number] == nil && f.def.label == labelRequired {
			c.in(strconv.Itoa(int(number)), func() { c.add("REQUIRED_FIELD_ADDED") })
		}
	}
}

func (c *comparison) oneof(before, after *oneof) {
	for _, f := range before.fields {
		c.in(strconv.Itoa(int(f.def.number)), func() {
			i := slices.IndexFunc(after.fields, func(o *field) bool { return o.def.number == f.def.number })
			if i < 0 {
				c.add("ONEOF_FIELD_REMOVED")
				return
			}
			c.types(f, after.fields[i])
		})
	}
}

func (c *comparison) field(before, after *field) {
	at := len(c.differences)
	c.types(before, after)
	if len(c.differences) > at || class(before) == "" || class(before) == "text" {
		return
	}
	if a, b := before.def.label, after.def.label; a != "" && b != "" && a != b {
		c.add("FIELD_NUMERIC_LABEL_CHANGED")
	}
}

// class groups the scalars that are written alike. It is empty for messages.
func class(f *field) string {
	switch f.kind {
	case int32Kind, int64Kind, uint32Kind, uint64Kind, boolKind, enumKind:
		return "number"
	case sint32Kind, sint64Kind:
		return "signed number"
	case stringKind, bytesKind:
		return "text"
	case fixed32Kind, sfixed32Kind:
		return "fixed32"
	case fixed64Kind, sfixed64Kind:
		return "fixed64"
	case floatKind, doubleKind:
		return f.kind.String()
	}
	return ""
}

func isEntry(f *field) bool { return f.message != nil && f.message.def.mapEntry }

func (c *comparison) types(before, after *field) {
	a, b := class(before), class(after)
	switch {
	case (a == "") != (b == ""), isEntry(before) != isEntry(after):
		c.add("FIELD_KIND_CHANGED")
	case isEntry(before):
		for _, name := range []string{keyName, valueName} {
			if x, y := before.message.byName[name], after.message.byName[name]; x != nil && y != nil {
				c.types(x, y)
			}
		}
	case a != b:
		c.add("FIELD_SCALAR_KIND_CHANGED")
	case a == "":
		c.named(before.message, after.message)
	}
}

// named compares messages that fields refer to. Their packages may differ.
func (c *comparison) named(before, after *message) {
	local := func(m *message) string { return strings.TrimPrefix(m.full, m.file.def.pkg+".") }
	if local(before) != local(after) {
		c.add("FIELD_NAMED_TYPE_CHANGED")
		return
	}
	at := len(c.differences)
	if c.message(before, after); len(c.differences) > at {
		c.add("FIELD_NAMED_TYPE_CHANGED")
	}
}
