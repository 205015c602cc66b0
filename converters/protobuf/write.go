package protobuf

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Classes of what Java throws for schemas that cannot be written.
const (
	classStackOverflow  = "java.lang.StackOverflowError"
	classStringBounds   = "java.lang.StringIndexOutOfBoundsException"
	classArrayBounds    = "java.lang.ArrayIndexOutOfBoundsException"
	mapKeyTag           = 1
	mapValueTag         = 2
	messageSuffix       = "Message"
	syntheticOneofStart = "_"
)

// document is a Connect schema as Protobuf.
type document struct {
	def  *fileDef // as it is registered
	name string   // of the root message, with the package
	set  *set
	root *message // nil where the name leads nowhere
}

// split takes a name apart into namespace and name (ProtobufData.splitName).
func (o *Options) split(full string) (namespace string, hasNamespace bool, name string, err error) {
	parts := javaSplit(full)
	if len(parts) == 0 {
		return "", false, "", errs.New(classArrayBounds, "Index 0 out of bounds for length 0")
	}
	for i := range parts {
		parts[i] = o.scrub(parts[i])
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "."), last > 0, parts[last], nil
}

func (o *Options) scrub(name string) string {
	if o.ScrubInvalidNames {
		return scrub(name)
	}
	return name
}

// document makes the file that a Connect schema is registered as
// (ProtobufData.fromConnectSchema).
func (o *Options) document(s *schema.Schema, lib *library) (*document, error) {
	w := &writer{opts: o}
	full := s.Name()
	if full == "" {
		full = w.nextName()
	}
	pkg, _, name, err := o.split(full)
	if err != nil {
		return nil, err
	}
	if s.Type() != schema.Struct {
		wrapper, _ := wrapperOf(s.Type())
		if wrapper == "" {
			return nil, errs.IllegalArgument("Unsupported root schema of type %s", s.Type())
		}
		def := lib.known(wrappersFile)
		set, err := assemble(def, lib.known)
		if err != nil {
			return nil, err
		}
		return &document{def: def, name: wrapper, set: set}, nil
	}
	raw := &fileDef{syntax: proto3, pkg: pkg}
	w.file = raw
	m, err := w.message(name, s, 0)
	if err != nil {
		return nil, err
	}
	raw.messages = []*messageDef{m}
	first, err := assemble(raw, lib.known)
	if err != nil {
		return nil, illegal(err)
	}
	root := first.message(name)
	if root == nil {
		return nil, errs.Null(errs.ClassNullPointer).WithHint("%s", "the message "+name+" has the name of one in a file that it imports")
	}
	d := &document{name: root.full}
	if d.def, err = printed(raw); err != nil {
		return nil, err
	}
	if d.set, err = assemble(d.def.reformed(), lib.known); err != nil {
		return nil, illegal(err)
	}
	// The message is looked for again by its whole name, which Java makes anew.
	if s.HasName() {
		full = s.Name()
	} else {
		full = defaultName + "1"
	}
	pkg, namespaced, name, err := o.split(full)
	if err != nil {
		return nil, err
	}
	if namespaced {
		name = pkg + "." + name
	}
	d.root = d.set.message(name)
	return d, nil
}

// illegal wraps what Java throws while it links.
func illegal(err error) error {
	if errs.Class(err) != classValidation {
		return err
	}
	return errs.Wrap(errs.ClassIllegalState, err, "%s", errs.String(err))
}

// printed is a file as it is printed: without oneofs that have no members, and with one
// for those that share a name (ProtobufSchema.toMessage).
func printed(f *fileDef) (*fileDef, error) {
	out := *f
	out.messages = make([]*messageDef, len(f.messages))
	for i, m := range f.messages {
		var err error
		if out.messages[i], err = printedMessage(m); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

func printedMessage(m *messageDef) (*messageDef, error) {
	out := *m
	out.oneofs, out.fields, out.messages = nil, make([]*fieldDef, len(m.fields)), make([]*messageDef, len(m.messages))
	var names []string
	for _, o := range m.oneofs {
		if !slices.Contains(names, o.name) {
			names = append(names, o.name)
		}
	}
	used := map[string]bool{}
	for _, f := range m.fields {
		if f.oneof >= 0 && f.oneof < len(names) && !f.proto3 {
			used[names[f.oneof]] = true
		}
	}
	places := map[string]int{}
	for _, name := range names {
		if used[name] {
			places[name] = len(out.oneofs)
			out.oneofs = append(out.oneofs, oneofDef{name: name})
		}
	}
	for i, f := range m.fields {
		c := *f
		c.hasDef = false
		switch {
		case c.proto3:
			c.oneof = -1
		case c.oneof >= len(names):
			return nil, errs.New(errs.ClassIndexOutOfBounds, "Index %d out of bounds for length %d", f.oneof, len(names))
		case c.oneof >= 0:
			c.oneof, c.label = places[names[c.oneof]], ""
		case c.label == labelOptional:
			c.label = ""
		}
		out.fields[i] = &c
	}
	for i, n := range m.messages {
		var err error
		if out.messages[i], err = printedMessage(n); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// writer makes definitions of a Connect schema.
type writer struct {
	opts  *Options
	file  *fileDef
	names map[*messageDef]map[string]bool // of messages in messages
	count int                             // of names that were made up
}

func (w *writer) nextName() string {
	w.count++
	return defaultName + strconv.Itoa(w.count)
}

// unqualified is a name without its namespace (ProtobufData.getUnqualifiedName).
func (w *writer) unqualified(name string) string {
	if name == "" {
		name = w.nextName()
	}
	return w.opts.scrub(name[strings.LastIndexByte(name, '.')+1:])
}

func (w *writer) message(name string, s *schema.Schema, depth int) (*messageDef, error) {
	if depth > maxSchemaDepth {
		return nil, errs.Null(classStackOverflow)
	}
	m := &messageDef{name: name}
	next := int32(1)
	fields := s.Fields()
	for i := range fields {
		fs := fields[i].Schema()
		tag, ok, err := tagOf(fs)
		if err != nil {
			return nil, err
		}
		if !ok {
			tag = next
			next++
		}
		f, err := w.field(m, fs, w.opts.scrub(fields[i].Name()), tag, depth)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		if f.label == labelOptional {
			f.proto3, f.oneof = true, len(m.oneofs)
			m.oneofs = append(m.oneofs, oneofDef{name: syntheticOneofStart + f.name})
		}
		m.fields = append(m.fields, f)
	}
	return m, nil
}

// tagOf is the field number that a schema asks for.
func tagOf(s *schema.Schema) (tag int32, ok bool, err error) {
	text, ok := s.Param(tagParam)
	if !ok {
		return 0, false, nil
	}
	tag, err = parseInt(text)
	return tag, true, err
}

// parseInt is Integer.parseInt.
func parseInt(text string) (int32, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, errs.New(errs.ClassNumberFormat, "%s", `For input string: "`+text+`"`)
	}
	return int32(n), nil
}

// isUnion says whether a struct stands for a oneof.
func isUnion(s *schema.Schema) bool {
	_, sum := s.Param(sumUnionParam)
	return sum || strings.HasPrefix(s.Name(), unionName)
}

func hasEnum(s *schema.Schema) bool {
	_, sum := s.Param(sumEnumParam)
	_, own := s.Param(enumParam)
	return sum || own
}

// label is the label of a field (ProtobufData.getLabel).
func (w *writer) label(s *schema.Schema) string {
	switch {
	case s.Type() == schema.Array, s.Type() == schema.Map:
		return labelRepeated
	case w.opts.OptionalForNullables && s.Optional():
		return labelOptional
	}
	return ""
}

// field makes a field, and what it needs in its message. It is nil for a union, whose
// members become fields themselves.
func (w *writer) field(m *messageDef, s *schema.Schema, name string, tag int32, depth int) (*fieldDef, error) {
	f := &fieldDef{name: name, number: tag, label: w.label(s), oneof: -1}
	if s.Type() == schema.Array {
		s = s.Value()
	}
	params := map[string]string{}
	var err error
	if f.typ, err = w.dataType(s, name, params); err != nil {
		return nil, err
	}
	switch {
	case s.Type() == schema.Struct && isUnion(s):
		return nil, w.union(m, s, depth)
	case s.Type() == schema.Struct:
		if m.name != f.typ && !w.names[m][f.typ] {
			if w.names == nil {
				w.names = map[*messageDef]map[string]bool{}
			}
			if w.names[m] == nil {
				w.names[m] = map[string]bool{}
			}
			w.names[m][f.typ] = true
			nested, err := w.message(f.typ, s, depth+1)
			if err != nil {
				return nil, err
			}
			m.messages = append(m.messages, nested)
		}
	case s.Type() == schema.Map:
		entry, err := w.entry(f.typ, s, depth)
		if err != nil {
			return nil, err
		}
		m.messages = append(m.messages, entry)
	case hasEnum(s):
		if err := w.enum(m, s); err != nil {
			return nil, err
		}
	default:
		if file := knownFile(f.typ); file != "" {
			w.imports(file)
		} else if s.HasDefault() {
			f.def, f.hasDef = defaultText(s.Default()), true
		}
	}
	f.options = meta(params)
	return f, nil
}

func (w *writer) imports(file string) {
	for _, name := range w.file.imports {
		if name == file {
			return
		}
	}
	w.file.imports = append(w.file.imports, file)
}

// defaultText is Java's toString of a default. Bytes are a buffer to Java, which prints
// its bounds.
func defaultText(v schema.Value) string {
	if v.Kind() == schema.KindBytes {
		n := strconv.Itoa(len(v.Bytes()))
		return "java.nio.HeapByteBuffer[pos=0 lim=" + n + " cap=" + n + "]"
	}
	return v.Text()
}

// meta is the option that carries parameters.
func meta(params map[string]string) []optionDef {
	if len(params) == 0 {
		return nil
	}
	names := make([]string, 0, len(params))
	for n := range params {
		names = append(names, n)
	}
	var entries []any
	for _, n := range configdef.HashOrder(names) {
		entry := []pair{{keyName, n}, {valueName, params[n]}}
		if n == precisionKey || n == scaleKey {
			entry[0], entry[1] = entry[1], entry[0]
		}
		entries = append(entries, entry)
	}
	return []optionDef{{name: fieldMeta, paren: true, value: []pair{{paramsName, entries}}}}
}

func (w *writer) union(m *messageDef, s *schema.Schema, depth int) error {
	var name string
	if w.opts.GeneralizedSumTypes {
		param, ok := s.Param(sumUnionParam)
		if !ok {
			return errs.Null(errs.ClassNullPointer).WithHint("with %s=true a union needs the parameter %s", sumTypesKey, sumUnionParam)
		}
		name = param
	} else {
		full := s.Name()
		if !s.HasName() {
			return errs.Null(errs.ClassNullPointer)
		}
		length, begin := len(utf16.Encode([]rune(full))), len(unionPrefix)
		if length < begin {
			return errs.New(classStringBounds, "begin %d, end %d, length %d", begin, length, length)
		}
		name = w.unqualified(string(utf16.Decode(utf16.Encode([]rune(full))[begin:])))
	}
	index := len(m.oneofs)
	m.oneofs = append(m.oneofs, oneofDef{name: name})
	fields := s.Fields()
	for i := range fields {
		tag, _, err := tagOf(fields[i].Schema())
		if err != nil {
			return err
		}
		f, err := w.field(m, fields[i].Schema(), w.opts.scrub(fields[i].Name()), tag, depth+1)
		if err != nil {
			return err
		}
		if f != nil {
			f.oneof = index
			m.fields = append(m.fields, f)
		}
		if depth > maxSchemaDepth {
			return errs.Null(classStackOverflow)
		}
	}
	return nil
}

func (w *writer) entry(name string, s *schema.Schema, depth int) (*messageDef, error) {
	if depth > maxSchemaDepth {
		return nil, errs.Null(classStackOverflow)
	}
	m := &messageDef{name: name}
	for _, part := range []struct {
		name   string
		schema *schema.Schema
		tag    int32
	}{{keyName, s.Key(), mapKeyTag}, {valueName, s.Value(), mapValueTag}} {
		f, err := w.field(m, part.schema, part.name, part.tag, depth+1)
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, errs.Null(errs.ClassNullPointer)
		}
		m.fields = append(m.fields, f)
	}
	return m, nil
}

func (w *writer) enum(m *messageDef, s *schema.Schema) error {
	name := w.unqualified(s.Name())
	for _, e := range m.enums {
		if e.name == name {
			return nil
		}
	}
	e := &enumDef{name: w.unqualified(s.Name())}
	prefix := w.opts.enumParam() + "."
	for _, p := range s.Params() {
		symbol, ok := strings.CutPrefix(p.Name, prefix)
		if !ok {
			continue
		}
		number, err := parseInt(p.Value)
		if err != nil {
			return err
		}
		e.values = append(e.values, enumValueDef{name: symbol, number: number})
	}
	m.enums = append(m.enums, e)
	return nil
}

func (o *Options) enumParam() string {
	if o.GeneralizedSumTypes {
		return sumEnumParam
	}
	return enumParam
}

// wrapperOf returns the wrapper message and the plain type of a primitive.
func wrapperOf(t schema.Type) (wrapper, plain string) {
	switch t {
	case schema.Int8, schema.Int16, schema.Int32:
		return int32Wrapper, "int32"
	case schema.Int64:
		return int64Wrapper, "int64"
	case schema.Float32:
		return floatWrapper, "float"
	case schema.Float64:
		return doubleWrapper, "double"
	case schema.Boolean:
		return boolWrapper, "bool"
	case schema.String:
		return stringWrapper, "string"
	case schema.Bytes:
		return bytesWrapper, "bytes"
	}
	return "", ""
}

// dataType is the type of a field. What it cannot say goes into params
// (ProtobufData.dataTypeFromConnectSchema).
func (w *writer) dataType(s *schema.Schema, name string, params map[string]string) (string, error) {
	switch s.Name() {
	case schema.DecimalName:
		if p, ok := s.Param(precisionProp); ok {
			params[precisionKey] = p
		}
		if p, ok := s.Param(schema.ScaleParam); ok {
			params[scaleKey] = p
		}
		return decimalType, nil
	case schema.DateName:
		return dateType, nil
	case schema.TimeName:
		return timeType, nil
	case schema.TimestampName:
		return timestampType, nil
	}
	wrapper, plain := wrapperOf(s.Type())
	switch s.Type() {
	case schema.Int8, schema.Int16:
		params[typeProp] = lower(s.Type().String())
	case schema.Int32, schema.String:
		if p, ok := s.Param(sumEnumParam); ok && s.Type() == schema.String {
			return p, nil
		}
		if p, ok := s.Param(enumParam); ok {
			return p, nil
		}
		if p, ok := s.Param(typeParam); ok && s.Type() == schema.Int32 {
			plain = p
		}
	case schema.Int64:
		if p, ok := s.Param(typeParam); ok {
			plain = p
		}
		switch plain {
		case "uint32", "fixed32":
			wrapper = uint32Wrapper
		case "uint64", "fixed64":
			wrapper = uint64Wrapper
		}
	case schema.Array:
		return "", errs.IllegalArgument("Array cannot be nested")
	case schema.Map:
		return mapEntry(w.unqualified(s.Name())), nil
	case schema.Struct:
		typ := w.unqualified(s.Name())
		if typ == name {
			typ += messageSuffix
		}
		return typ, nil
	}
	if w.opts.WrapperForNullables && s.Optional() {
		return wrapper, nil
	}
	return plain, nil
}
