package protobuf

import "slices"

// Syntaxes of files.
const (
	proto2 = "proto2"
	proto3 = "proto3"
)

// Labels of fields.
const (
	labelOptional = "optional"
	labelRequired = "required"
	labelRepeated = "repeated"
)

// fileDef is a .proto file as it is written.
type fileDef struct {
	syntax   string // empty where the file does not say
	pkg      string
	imports  []string
	public   []string
	options  []optionDef
	messages []*messageDef
	enums    []*enumDef
	// extends and services are kept as text: nothing reads them.
	extends  []string
	services []string
}

type messageDef struct {
	name     string
	options  []optionDef
	fields   []*fieldDef // those of oneofs too
	oneofs   []oneofDef
	messages []*messageDef
	enums    []*enumDef
	mapEntry bool
	// reserved, groups, extensions and extends are kept as text.
	reserved, groups, extensions, extends []string
}

type oneofDef struct {
	name    string
	options []optionDef
	groups  []string
}

type fieldDef struct {
	name     string
	number   int32
	label    string // empty where there is none
	typ      string // a scalar's name or a reference; map fields have keyType too
	keyType  string // of map<keyType, typ>
	oneof    int    // index into the message's oneofs, or -1
	proto3   bool   // optional with a oneof of its own, as proto3 has it
	def      string
	hasDef   bool
	jsonName string
	options  []optionDef
}

type enumDef struct {
	name     string
	values   []enumValueDef
	options  []optionDef
	reserved []string
}

type enumValueDef struct {
	name    string
	number  int32
	options []optionDef
}

// optionDef is one option. Its value is a string, a word (numbers, names of enum values
// and booleans), a []pair or an []any of values.
type optionDef struct {
	name  string // without parentheses where paren is set
	paren bool
	value any
}

// word is a value without quotes.
type word string

// pair is a member of an option's message.
type pair struct {
	name  string
	value any
}

// find returns the last option of that name.
func find(options []optionDef, name string) (any, bool) {
	for i := len(options) - 1; i >= 0; i-- {
		if options[i].name == name {
			return options[i].value, true
		}
	}
	return nil, false
}

// isTrue says whether an option is set to true.
func isTrue(options []optionDef, name string) bool {
	v, ok := find(options, name)
	return ok && v == word("true")
}

// Names of the options that carry what Connect adds.
const (
	fieldMeta  = "confluent.field_meta"
	paramsName = "params"
	keyName    = "key"
	valueName  = "value"
)

// params are the entries of a field's (confluent.field_meta).params.
func (f *fieldDef) params() map[string]string {
	var out map[string]string
	entry := func(v any) {
		pairs, ok := v.([]pair)
		if !ok {
			return
		}
		var k, e string
		for _, p := range pairs {
			text, _ := p.value.(string)
			switch p.name {
			case keyName:
				k = text
			case valueName:
				e = text
			}
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = e
	}
	for _, o := range f.options {
		value := o.value
		switch o.name {
		case fieldMeta, "." + fieldMeta:
			pairs, _ := value.([]pair)
			i := slices.IndexFunc(pairs, func(p pair) bool { return p.name == paramsName })
			if i < 0 {
				continue
			}
			value = pairs[i].value
		default:
			continue
		}
		if list, ok := value.([]any); ok {
			for _, v := range list {
				entry(v)
			}
			continue
		}
		entry(value)
	}
	return out
}

// reformed is the file as protobuf-java's descriptors of its printed form are: fields of
// oneofs come first and have no label but optional, oneofs of proto3's optional fields
// come last, defaults of proto3 are gone, and map fields have got their messages.
// It is an index out of bounds where two oneofs share a name.
func (f *fileDef) reformed() *fileDef {
	out := *f
	out.messages = make([]*messageDef, len(f.messages))
	for i, m := range f.messages {
		out.messages[i] = m.reformed(f.syntax == proto3)
	}
	return &out
}

func (m *messageDef) reformed(isProto3 bool) *messageDef {
	out := *m
	out.fields, out.oneofs, out.messages = make([]*fieldDef, 0, len(m.fields)), nil, nil
	for _, n := range m.messages {
		out.messages = append(out.messages, n.reformed(isProto3))
	}
	for i, o := range m.oneofs {
		synthetic := false
		for _, f := range m.fields {
			synthetic = synthetic || f.oneof == i && f.proto3
		}
		if synthetic {
			continue
		}
		at := len(out.oneofs)
		out.oneofs = append(out.oneofs, o)
		for _, f := range m.fields {
			if f.oneof == i {
				c := *f
				c.oneof, c.label = at, labelOptional
				out.fields = append(out.fields, c.settled(isProto3))
			}
		}
	}
	for _, f := range m.fields {
		if f.oneof >= 0 && !f.proto3 {
			continue
		}
		c := *f
		c.oneof, c.proto3 = -1, isProto3 && (f.proto3 || f.label == labelOptional)
		if c.proto3 {
			c.oneof, c.label = len(out.oneofs), labelOptional
			out.oneofs = append(out.oneofs, oneofDef{name: "_" + f.name})
		}
		if c.keyType != "" {
			entry := mapEntry(f.name)
			out.messages = append(out.messages, &messageDef{name: entry, mapEntry: true, fields: []*fieldDef{
				{name: keyName, number: 1, typ: f.keyType, oneof: -1}, {name: valueName, number: 2, typ: f.typ, oneof: -1},
			}})
			c.label, c.typ, c.keyType = labelRepeated, entry, ""
		}
		out.fields = append(out.fields, c.settled(isProto3))
	}
	return &out
}

func (f *fieldDef) settled(isProto3 bool) *fieldDef {
	if isProto3 {
		f.hasDef, f.def = false, ""
	}
	return f
}
