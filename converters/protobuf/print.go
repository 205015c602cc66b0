package protobuf

import (
	"strconv"
	"strings"
)

// String is the file's text in the form of Confluent's registry
// (ProtobufSchemaUtils.toString).
func (f *fileDef) String() string {
	var p printer
	if f.syntax != "" {
		p.line(`syntax = "` + f.syntax + `";`)
	}
	if f.pkg != "" {
		p.line("package " + f.pkg + ";")
	}
	if len(f.imports)+len(f.public) > 0 {
		p.line("")
		for _, name := range f.imports {
			p.line(`import "` + name + `";`)
		}
		for _, name := range f.public {
			p.line(`import public "` + name + `";`)
		}
	}
	if len(f.options) > 0 {
		p.line("")
		p.options(f.options)
	}
	if len(f.messages)+len(f.enums) > 0 {
		p.line("")
		p.types(f.messages, f.enums)
	}
	p.section(f.extends)
	p.section(f.services)
	return p.b.String()
}

type printer struct {
	b      strings.Builder
	indent string
}

// line prints a line at the current place. An empty one ends the line that opens a
// block, or stands with the indent of that line.
func (p *printer) line(s string) {
	switch {
	case s != "":
		p.b.WriteString(p.indent + s)
	case p.indent != "" && !strings.HasSuffix(p.b.String(), "{"):
		p.b.WriteString(p.indent[2:])
	}
	p.b.WriteByte('\n')
}

// text prints lines that belong at the current place.
func (p *printer) text(s string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		p.line(line)
	}
}

// section prints texts after an empty line.
func (p *printer) section(texts []string) {
	if len(texts) == 0 {
		return
	}
	p.line("")
	for _, t := range texts {
		p.text(t)
	}
}

func (p *printer) in(f func()) {
	p.indent += "  "
	f()
	p.indent = p.indent[2:]
}

func (p *printer) options(options []optionDef) {
	for _, o := range options {
		p.text("option " + o.String() + ";")
	}
}

func (p *printer) types(messages []*messageDef, enums []*enumDef) {
	for _, m := range messages {
		p.message(m)
	}
	for _, e := range enums {
		p.enum(e)
	}
}

func (p *printer) message(m *messageDef) {
	p.b.WriteString(p.indent + "message " + m.name + " {")
	p.in(func() {
		p.section(m.reserved)
		options := m.options
		if m.mapEntry && !isTrue(options, "map_entry") {
			options = append([]optionDef{{name: "map_entry", value: word("true")}}, options...)
		}
		if len(options) > 0 {
			p.line("")
			p.options(options)
		}
		var plain []*fieldDef
		members := make([][]*fieldDef, len(m.oneofs))
		for _, f := range m.fields {
			if f.oneof >= 0 && !f.proto3 {
				members[f.oneof] = append(members[f.oneof], f)
			} else {
				plain = append(plain, f)
			}
		}
		if len(plain) > 0 {
			p.line("")
			for _, f := range plain {
				p.text(f.text(f.label))
			}
		}
		first := true
		for i, o := range m.oneofs {
			if len(members[i])+len(o.groups) == 0 {
				continue
			}
			if first {
				p.line("")
				first = false
			}
			p.oneof(o, members[i])
		}
		p.section(m.groups)
		p.section(m.extensions)
		p.section(m.extends)
		if len(m.messages)+len(m.enums) > 0 {
			p.line("")
			p.types(m.messages, m.enums)
		}
	})
	p.close()
}

// close ends a block; one without content stays on its line.
func (p *printer) close() {
	if s := p.b.String(); strings.HasSuffix(s, "{") {
		p.b.WriteString("}\n")
		return
	}
	p.line("}")
}

func (p *printer) oneof(o oneofDef, fields []*fieldDef) {
	p.b.WriteString(p.indent + "oneof " + o.name + " {")
	p.in(func() {
		if len(o.options) > 0 {
			p.line("")
			p.options(o.options)
		}
		if len(fields) > 0 {
			p.line("")
			for _, f := range fields {
				p.text(f.text(""))
			}
		}
		p.section(o.groups)
	})
	p.close()
}

func (p *printer) enum(e *enumDef) {
	p.b.WriteString(p.indent + "enum " + e.name + " {")
	p.in(func() {
		p.section(e.reserved)
		if len(e.reserved) == 0 && len(e.options)+len(e.values) > 0 {
			p.line("")
		}
		p.options(e.options)
		for _, v := range e.values {
			text := v.name + " = " + strconv.Itoa(int(v.number))
			if len(v.options) > 0 {
				text += " " + bracketed(v.options)
			}
			p.text(text + ";")
		}
	})
	p.close()
}

// text is the field's line.
func (f *fieldDef) text(label string) string {
	var b strings.Builder
	if label != "" {
		b.WriteString(label + " ")
	}
	if f.keyType != "" {
		b.WriteString("map<" + f.keyType + ", " + f.typ + ">")
	} else {
		b.WriteString(f.typ)
	}
	b.WriteString(" " + f.name + " = " + strconv.Itoa(int(f.number)))
	options := f.options[:len(f.options):len(f.options)]
	if f.hasDef {
		var value any = word(f.def)
		if f.typ == "string" {
			value = f.def
		}
		options = append(options, optionDef{name: "default", value: value})
	}
	if f.jsonName != "" {
		options = append(options, optionDef{name: "json_name", value: f.jsonName})
	}
	if len(options) > 0 {
		b.WriteString(" " + bracketed(options))
	}
	return b.String() + ";"
}

func bracketed(options []optionDef) string {
	if len(options) == 1 {
		return "[" + options[0].String() + "]"
	}
	lines := make([]string, len(options))
	for i, o := range options {
		lines[i] = o.String()
	}
	return list(lines)
}

// list is a list over lines.
func list(elements []string) string { return "[\n" + block(elements) + "]" }

func block(elements []string) string {
	var b strings.Builder
	for i, e := range elements {
		if i < len(elements)-1 {
			e += ","
		}
		for line := range strings.SplitSeq(e, "\n") {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

// String is the option as it is written, without the word option.
func (o optionDef) String() string {
	name := o.name
	if o.paren {
		name = "(" + name + ")"
	}
	return name + " = " + valueText(o.value)
}

func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return `"` + escape(v) + `"`
	case word:
		return string(v)
	case []pair:
		members := make([]string, len(v))
		for i, p := range v {
			members[i] = p.name + ": " + valueText(p.value)
		}
		return "{\n" + block(members) + "}"
	case []any:
		elements := make([]string, len(v))
		for i, e := range v {
			elements[i] = valueText(e)
		}
		return list(elements)
	}
	return ""
}

// escape writes what .proto texts cannot hold as it is.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\a', '\b', '\f', '\n', '\r', '\t', '\v':
			b.WriteByte('\\')
			b.WriteByte("abtnvfr"[c-'\a'])
		case '\\', '\'', '"':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
