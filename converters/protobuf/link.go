package protobuf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// classValidation is what Java throws where definitions do not fit together.
const classValidation = "com.google.protobuf.Descriptors$DescriptorValidationException"

// kind is the type of a field on the wire.
type kind uint8

const (
	noKind kind = iota
	doubleKind
	floatKind
	int32Kind
	int64Kind
	uint32Kind
	uint64Kind
	sint32Kind
	sint64Kind
	fixed32Kind
	fixed64Kind
	sfixed32Kind
	sfixed64Kind
	boolKind
	stringKind
	bytesKind
	enumKind
	messageKind
)

var kindNames = [...]string{"", "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes", "enum", "message"}

func (k kind) String() string { return kindNames[k] }

// scalar returns the kind of that name.
func scalar(name string) kind {
	i := slices.Index(kindNames[:enumKind], name)
	if i < 1 {
		return noKind
	}
	return kind(i) // #nosec G115 -- below enumKind
}

// java is the type that Java holds such values in.
func (k kind) java() string {
	switch k {
	case int32Kind, uint32Kind, sint32Kind, fixed32Kind, sfixed32Kind:
		return "INT"
	case int64Kind, uint64Kind, sint64Kind, fixed64Kind, sfixed64Kind:
		return "LONG"
	case floatKind:
		return "FLOAT"
	case doubleKind:
		return "DOUBLE"
	case boolKind:
		return "BOOLEAN"
	case stringKind:
		return "STRING"
	case bytesKind:
		return "BYTE_STRING"
	case enumKind:
		return "ENUM"
	}
	return "MESSAGE"
}

// message, field, oneof and enum are definitions after references were found.
type message struct {
	def      *messageDef
	file     *linked
	full     string
	fields   []*field // as declared
	sorted   []*field // by number
	byName   map[string]*field
	oneofs   []*oneof
	messages []*message
	enums    []*enum
}

type field struct {
	def      *fieldDef
	full     string
	kind     kind
	repeated bool
	message  *message
	enum     *enum
	oneof    *oneof // also that of proto3's optional fields
	presence bool
	optional bool // written so, outside of oneofs
	utf8     bool // checked
	closed   bool // an enum's unknown numbers are unknown fields
	params   map[string]string
	// number and text are the default.
	number uint64
	text   string
}

type oneof struct {
	name      string
	full      string
	index     int
	fields    []*field
	synthetic bool
}

type enum struct {
	def    *enumDef
	full   string
	closed bool
}

// at returns the value with that number, of several the first.
func (e *enum) at(number int32) (name string, ok bool) {
	for i := range e.def.values {
		if e.def.values[i].number == number {
			return e.def.values[i].name, true
		}
	}
	return "", false
}

// symbol is what a name stands for.
type symbol struct {
	message *message
	enum    *enum
	pkg     bool // otherwise a field or an enum's value
}

func (s symbol) isType() bool { return s.message != nil || s.enum != nil }

// linked is a file after references were found.
type linked struct {
	def      *fileDef
	name     string
	symbols  map[string]symbol
	deps     []*linked
	messages []*message
	enums    []*enum
	utf8     bool
}

// invalid is the error of definitions that do not fit.
func invalid(full, format string, args ...any) error {
	return errs.New(classValidation, "%s", full+": "+fmt.Sprintf(format, args...))
}

func join(scope, name string) string {
	if scope == "" {
		return name
	}
	return scope + "." + name
}

// link finds what a file's references stand for, and makes the checks of
// protobuf-java's Descriptors.FileDescriptor.buildFrom, in its order.
func link(name string, def *fileDef, deps []*linked) (*linked, error) {
	l := &linked{def: def, name: name, symbols: map[string]symbol{}, deps: deps, utf8: def.syntax == proto3 || isTrue(def.options, "java_string_check_utf8")}
	if err := l.packages(def.pkg); err != nil {
		return nil, err
	}
	for _, d := range deps {
		// Java's tables have the packages of imports as well.
		if err := l.packages(d.def.pkg); err != nil {
			return nil, err
		}
	}
	for _, m := range def.messages {
		linked, err := l.message(m, def.pkg, 0)
		if err != nil {
			return nil, err
		}
		l.messages = append(l.messages, linked)
	}
	for _, e := range def.enums {
		linked, err := l.enum(e, def.pkg)
		if err != nil {
			return nil, err
		}
		l.enums = append(l.enums, linked)
	}
	for _, m := range l.messages {
		if err := l.cross(m); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *linked) packages(pkg string) error {
	for i := 0; i <= len(pkg); i++ {
		if i < len(pkg) && pkg[i] != '.' {
			continue
		}
		if s, ok := l.symbols[pkg[:i]]; ok && !s.pkg {
			return invalid(l.name, `"%s" is already defined (as something other than a package) in file "%s".`, pkg[strings.LastIndexByte(pkg[:i], '.')+1:i], l.name)
		}
		l.symbols[pkg[:i]] = symbol{pkg: true}
	}
	return nil
}

// add enters a name (Descriptors.FileDescriptorTables.addSymbol).
func (l *linked) add(name, full string, s symbol) error {
	if name == "" {
		return invalid(full, "Missing name.")
	}
	for i := 0; i < len(name); i++ {
		if !isPlain(name[i]) || i == 0 && name[i] >= '0' && name[i] <= '9' {
			return invalid(full, `"%s" is not a valid identifier.`, name)
		}
	}
	if _, ok := l.symbols[full]; ok {
		dot := strings.LastIndexByte(full, '.')
		if dot < 0 {
			return invalid(full, `"%s" is already defined.`, full)
		}
		return invalid(full, `"%s" is already defined in "%s".`, full[dot+1:], full[:dot])
	}
	l.symbols[full] = s
	return nil
}

func (l *linked) message(def *messageDef, scope string, depth int) (*message, error) {
	m := &message{def: def, file: l, full: join(scope, def.name), byName: make(map[string]*field, len(def.fields))}
	if depth > maxSchemaDepth {
		return nil, errDeep
	}
	for i, o := range def.oneofs {
		m.oneofs = append(m.oneofs, &oneof{name: o.name, full: join(m.full, o.name), index: i})
	}
	for _, n := range def.messages {
		linked, err := l.message(n, m.full, depth+1)
		if err != nil {
			return nil, err
		}
		m.messages = append(m.messages, linked)
	}
	for _, e := range def.enums {
		linked, err := l.enum(e, m.full)
		if err != nil {
			return nil, err
		}
		m.enums = append(m.enums, linked)
	}
	for _, fd := range def.fields {
		f := &field{def: fd, full: join(m.full, fd.name), kind: scalar(fd.typ), repeated: fd.label == labelRepeated, params: fd.params(), utf8: l.utf8 || def.mapEntry}
		if fd.number <= 0 {
			return nil, invalid(f.full, "Field numbers must be positive integers.")
		}
		if fd.oneof >= 0 {
			f.oneof = m.oneofs[fd.oneof]
			f.oneof.fields = append(f.oneof.fields, f)
			f.oneof.synthetic = fd.proto3
		}
		if err := l.add(fd.name, f.full, symbol{}); err != nil {
			return nil, err
		}
		m.fields = append(m.fields, f)
		m.byName[fd.name] = f
	}
	synthetic := false
	for _, o := range m.oneofs {
		o.synthetic = o.synthetic && len(o.fields) == 1
		if synthetic && !o.synthetic {
			return nil, invalid(m.full, "Synthetic oneofs must come last.")
		}
		synthetic = synthetic || o.synthetic
	}
	return m, l.add(def.name, m.full, symbol{message: m})
}

func (l *linked) enum(def *enumDef, scope string) (*enum, error) {
	e := &enum{def: def, full: join(scope, def.name), closed: l.def.syntax != proto3}
	if len(def.values) == 0 {
		return nil, invalid(e.full, "Enums must contain at least one value.")
	}
	for _, v := range def.values {
		if err := l.add(v.name, join(e.full, v.name), symbol{}); err != nil {
			return nil, err
		}
	}
	return e, l.add(def.name, e.full, symbol{enum: e})
}

// cross finds what the fields of a message refer to (crossLink of Java's descriptors).
func (l *linked) cross(m *message) error {
	for _, n := range m.messages {
		if err := l.cross(n); err != nil {
			return err
		}
	}
	for _, f := range m.fields {
		if err := l.crossField(f); err != nil {
			return err
		}
	}
	m.sorted = slices.Clone(m.fields)
	slices.SortStableFunc(m.sorted, func(a, b *field) int { return int(a.def.number) - int(b.def.number) })
	for i := range m.sorted[:max(0, len(m.sorted)-1)] {
		if a, b := m.sorted[i].def, m.sorted[i+1]; a.number == b.def.number {
			return invalid(b.full, `Field number %d has already been used in "%s" by field "%s".`, a.number, m.full, a.name)
		}
	}
	return nil
}

func (l *linked) crossField(f *field) error {
	if f.kind == noKind {
		s, ok := l.lookup(f.def.typ, f.full)
		if !ok {
			return invalid(f.full, `"%s" is not defined.`, f.def.typ)
		}
		f.message, f.enum, f.kind = s.message, s.enum, messageKind
		if s.enum != nil {
			f.kind = enumKind
		}
		if s.message != nil && f.def.hasDef {
			return invalid(f.full, "Messages can't have default values.")
		}
	}
	isProto3 := l.def.syntax == proto3
	f.closed = f.enum != nil && (f.enum.closed || !isProto3)
	f.presence = !f.repeated && (!isProto3 || f.oneof != nil || f.kind == messageKind)
	f.optional = f.def.proto3 || !isProto3 && f.oneof == nil && f.def.label != labelRequired && !f.repeated
	if f.def.hasDef && f.repeated {
		return invalid(f.full, "Repeated fields cannot have default values.")
	}
	return f.setDefault()
}

// lookup finds a type from the place of a field
// (Descriptors.FileDescriptorTables.lookupSymbol).
func (l *linked) lookup(name, from string) (symbol, bool) {
	if full, ok := strings.CutPrefix(name, "."); ok {
		return l.find(full, symbol.isType)
	}
	first, _, compound := strings.Cut(name, ".")
	for scope := from; ; {
		dot := strings.LastIndexByte(scope, '.')
		if dot < 0 {
			return l.find(name, symbol.isType)
		}
		scope = scope[:dot]
		s, ok := l.find(scope+"."+first, func(s symbol) bool { return s.pkg || s.isType() })
		if !ok {
			continue
		}
		if compound {
			return l.find(scope+"."+name, symbol.isType)
		}
		return s, s.isType()
	}
}

// find looks in the file, in those that it imports, and in those that they import
// publicly.
func (l *linked) find(full string, wanted func(symbol) bool) (symbol, bool) {
	if s, ok := l.symbols[full]; ok && wanted(s) {
		return s, true
	}
	seen := map[*linked]bool{}
	var in func(files []*linked) (symbol, bool)
	in = func(files []*linked) (symbol, bool) {
		for _, d := range files {
			if seen[d] {
				continue
			}
			seen[d] = true
			if s, ok := d.symbols[full]; ok && wanted(s) {
				return s, true
			}
			if s, ok := in(d.public()); ok {
				return s, true
			}
		}
		return symbol{}, false
	}
	return in(l.deps)
}

func (l *linked) public() (files []*linked) {
	for _, d := range l.deps {
		if slices.Contains(l.def.public, d.name) {
			files = append(files, d)
		}
	}
	return files
}

// setDefault reads the default that the definition names.
func (f *field) setDefault() error {
	if f.kind == enumKind {
		first := f.enum.def.values[0]
		f.number, f.text = uint64(uint32(first.number)), first.name // #nosec G115 -- the bits
	}
	if !f.def.hasDef {
		return nil
	}
	text := f.def.def
	unparsable := invalid(f.full, `Could not parse default value: "%s"`, text)
	switch f.kind {
	case boolKind:
		if strings.EqualFold(text, "true") {
			f.number = 1
		}
	case stringKind:
		f.text = text
	case bytesKind:
		f.text = text
	case enumKind:
		i := slices.IndexFunc(f.enum.def.values, func(v enumValueDef) bool { return v.name == text })
		if i < 0 {
			return invalid(f.full, `Unknown enum default value: "%s"`, text)
		}
		f.number, f.text = uint64(uint32(f.enum.def.values[i].number)), text // #nosec G115 -- the bits
	case floatKind, doubleKind:
		v, ok := parseFloat(text)
		if !ok {
			return unparsable
		}
		f.number = floatBits(f.kind, v)
	default:
		bits, unsigned := 32, false
		switch f.kind {
		case int64Kind, sint64Kind, sfixed64Kind:
			bits = 64
		case uint64Kind, fixed64Kind:
			bits, unsigned = 64, true
		case uint32Kind, fixed32Kind:
			unsigned = true
		}
		if unsigned {
			v, err := strconv.ParseUint(text, 0, bits)
			if err != nil {
				return unparsable
			}
			f.number = v
			return nil
		}
		v, err := strconv.ParseInt(text, 0, bits)
		if err != nil {
			return unparsable
		}
		f.number = uint64(v) // #nosec G115 -- the bits
	}
	return nil
}
