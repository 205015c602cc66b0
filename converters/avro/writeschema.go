package avro

import (
	"strconv"
	"strings"
	"unsafe"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// mapping maps between the schemas of Connect and of Avro (AvroData). It is for one
// goroutine.
type mapping struct {
	Options
	anything *Schema
	// unions counts those that were named, for the names of the next.
	unions int
}

func newMapping(opts Options) (*mapping, error) {
	anything, err := Parse(anythingText)
	return &mapping{Options: opts, anything: anything}, err
}

// writing is what is known while one Connect schema is mapped to Avro.
type writing struct {
	*mapping
	made  []made
	byPtr map[*schema.Schema]*Schema
	// structs are those with names, told apart by where the name is kept, as Java's
	// converter tells them by the identity of the string.
	structs map[nameID]*Schema
	unnamed int
	depth   int
}

type made struct {
	from *schema.Schema
	to   *Schema
}

type nameID struct {
	at     *byte
	length int
}

func idOf(s *schema.Schema) nameID {
	// #nosec G103 -- the address is compared and never followed
	return nameID{unsafe.StringData(s.Name()), len(s.Name())}
}

// avroSchema maps a Connect schema to Avro. A nil schema gives the one of data without
// a schema (AvroData.fromConnectSchema).
func (m *mapping) avroSchema(s *schema.Schema) (*Schema, error) {
	if s == nil {
		return m.anything, nil
	}
	w := &writing{mapping: m, byPtr: map[*schema.Schema]*Schema{}, structs: map[nameID]*Schema{}}
	return w.schema(s, false)
}

// isUnion says whether a struct stands for a union: of its fields one is set.
func isUnion(s *schema.Schema) bool {
	if s.HasName() && s.Name() == unionName {
		return true
	}
	_, ok := s.Param(sumUnionParam)
	return ok
}

func isEnum(s *schema.Schema) bool {
	if s.Type() != schema.String {
		return false
	}
	_, general := s.Param(sumEnumParam)
	_, own := s.Param(enumParam)
	return general || own
}

func isFixed(s *schema.Schema) bool {
	_, ok := s.Param(sizeParam)
	return s.Type() == schema.Bytes && s.HasName() && ok
}

// stringKeys says whether a map is written as Avro's map, rather than as an array of
// entries.
func (m *mapping) stringKeys(s *schema.Schema) bool {
	return s.Key().Type() == schema.String && (!s.Key().Optional() || m.OptionalMapKeys)
}

// within maps a schema inside another, which may be one that is not finished yet.
func (w *writing) within(s *schema.Schema, ignoreOptional bool) (*Schema, error) {
	if s.HasName() {
		if known, ok := w.structs[idOf(s)]; ok {
			if ignoreOptional {
				return known, nil
			}
			return maybeOptional(s, known)
		}
	}
	return w.schema(s, ignoreOptional)
}

// maybeOptional makes a union with null of the schema of something optional. The type of
// the default comes first.
func maybeOptional(s *schema.Schema, base *Schema) (*Schema, error) {
	switch {
	case !s.Optional():
		return base, nil
	case s.HasDefault():
		return unionOf(base, primitive(kNull))
	}
	return unionOf(primitive(kNull), base)
}

func (w *writing) known(s *schema.Schema) *Schema {
	if known, ok := w.byPtr[s]; ok {
		return known
	}
	for i := range w.made {
		if w.made[i].from.Equal(s) {
			return w.made[i].to
		}
	}
	return nil
}

func (w *writing) schema(s *schema.Schema, ignoreOptional bool) (*Schema, error) {
	if w.depth++; w.depth > maxDepth {
		return nil, tooDeep()
	}
	defer func() { w.depth-- }()
	union := isUnion(s)
	if !union && !s.Optional() {
		if known := w.known(s); known != nil {
			return known, nil
		}
	}
	base, err := w.base(s)
	if err != nil {
		return nil, err
	}
	final := base
	if base.kind != kUnion {
		if err := w.annotate(s, base); err != nil {
			return nil, err
		}
		if !ignoreOptional {
			if final, err = maybeOptional(s, base); err != nil {
				return nil, err
			}
		}
	}
	if !s.Optional() {
		w.byPtr[s] = final
		w.made = append(w.made, made{s, final})
	}
	return final, nil
}

// base is the schema without properties.
func (w *writing) base(s *schema.Schema) (*Schema, error) {
	switch s.Type() {
	case schema.Int8, schema.Int16, schema.Int32:
		return primitive(kInt), nil
	case schema.Int64:
		return primitive(kLong), nil
	case schema.Float32:
		return primitive(kFloat), nil
	case schema.Float64:
		return primitive(kDouble), nil
	case schema.Boolean:
		return primitive(kBoolean), nil
	case schema.String:
		if (w.GeneralizedSumTypes || w.EnhancedSchemas) && isEnum(s) {
			return w.enum(s)
		}
		return primitive(kString), nil
	case schema.Bytes:
		return w.bytes(s)
	case schema.Array:
		items, err := w.within(s.Value(), false)
		return arrayOf(items), err
	case schema.Map:
		if w.stringKeys(s) {
			values, err := w.within(s.Value(), false)
			return mapOf(values), err
		}
		return w.entries(s)
	}
	switch {
	case isUnion(s):
		return w.union(s)
	case s.Optional():
		of, err := w.within(madeRequired(s), false)
		if err != nil {
			return nil, err
		}
		return unionOf(primitive(kNull), of)
	}
	return w.record(s)
}

// madeRequired is the schema made required.
func madeRequired(s *schema.Schema) *schema.Schema { return s.WithOptional(false) }

// nameOf is the name for a Connect schema's name, or the next one for those without.
func (w *writing) nameOf(s *schema.Schema) (name, error) {
	if !s.HasName() {
		w.unnamed++
		n := defaultName
		if w.unnamed > 1 {
			n += strconv.Itoa(w.unnamed)
		}
		return newName(n, namespace), nil
	}
	if s.Name() != "" && strings.Trim(s.Name(), ".") == "" {
		return name{}, errs.New(classBounds, "Index 0 out of bounds for length 0")
	}
	space, simple, _ := splitName(s.Name(), w.ScrubNames)
	return newName(simple, space), nil
}

func (w *writing) enum(s *schema.Schema) (*Schema, error) {
	param := enumParam
	if w.GeneralizedSumTypes {
		param = sumEnumParam
	}
	symbols := []string{}
	for _, p := range s.Params() {
		if symbol, ok := strings.CutPrefix(p.Name, param+"."); ok {
			symbols = append(symbols, symbol)
		}
	}
	n, err := w.nameOf(s)
	if err != nil {
		return nil, err
	}
	text, ok := s.Param(param)
	if !ok {
		return nil, errs.New(errs.ClassNullPointer, "Type must have a name").
			WithHint("the schema has no parameter %s; enhanced.avro.schema.support and generalized.sum.type.support name enums differently", param)
	}
	e, err := named(kEnum, newName(text, ""), true)
	if err != nil {
		return nil, err
	}
	var def *string
	if w.DiscardTypeDocDefault {
		e.doc = optionalParam(s, enumDocParam)
	} else {
		e.doc, def = optionalParam(s, avroEnumDoc+n.simple), optionalParam(s, avroEnumDefault+n.simple)
	}
	return e, e.setSymbols(symbols, def, true)
}

// optionalParam is a parameter, or nil.
func optionalParam(s *schema.Schema, name string) *string {
	if v, ok := s.Param(name); ok {
		return &v
	}
	return nil
}

// parseInt reads a number as Java's Integer.parseInt does.
func parseInt(s *schema.Schema, param string) (int, error) {
	text, ok := s.Param(param)
	if !ok {
		if s.Params() == nil {
			return 0, errs.New(errs.ClassNullPointer, "the schema %s has no parameters, hence no %s", s, param)
		}
		return 0, errs.New(errs.ClassNumberFormat, "Cannot parse null string: null").WithHint("the schema %s has no parameter %s", s, param)
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, errs.New(errs.ClassNumberFormat, "For input string: %q", text).WithHint("parameter %s of schema %s", param, s)
	}
	return int(n), nil
}

func (w *writing) bytes(s *schema.Schema) (*Schema, error) {
	b := primitive(kBytes)
	if isFixed(s) {
		n, err := w.nameOf(s)
		if err != nil {
			return nil, err
		}
		size, err := parseInt(s, sizeParam)
		if err != nil {
			return nil, err
		}
		if b, err = named(kFixed, n, true); err != nil {
			return nil, err
		}
		if size < 0 {
			return nil, errs.New(classRuntime, "Malformed data. Length is negative: %d", size)
		}
		b.size = size
	}
	if !isNamed(s, schema.DecimalName) {
		return b, nil
	}
	scale, precision, err := decimalOf(s)
	if err != nil {
		return nil, err
	}
	if err := b.addProp(scaleProp, intNode(int64(scale))); err != nil {
		return nil, err
	}
	return b, b.addProp(precisionProp, intNode(int64(precision)))
}

// isNamed says whether the schema has that name in any case.
func isNamed(s *schema.Schema, name string) bool {
	return s.HasName() && strings.EqualFold(s.Name(), name)
}

// decimalOf reads scale and precision of a schema with the name of Decimal.
func decimalOf(s *schema.Schema) (scale, precision int, err error) {
	if scale, err = parseInt(s, schema.ScaleParam); err != nil {
		return 0, 0, err
	}
	if _, ok := s.Param(precisionParam); !ok {
		return scale, precisionDefault, nil
	}
	precision, err = parseInt(s, precisionParam)
	return scale, precision, err
}

// entries is the array of records that a map is written as whose keys are no strings.
func (w *writing) entries(s *schema.Schema) (*Schema, error) {
	n := newName(mapEntry, namespace)
	var err error
	if s.HasName() {
		if n, err = w.nameOf(s); err != nil {
			return nil, err
		}
	}
	entry, err := named(kRecord, n, true)
	if err != nil {
		return nil, err
	}
	if s.HasName() {
		if err := entry.addProp(internalProp, textNode(mapEntry)); err != nil {
			return nil, err
		}
	}
	key, err := w.field(keyField, s.Key(), nil)
	if err != nil {
		return nil, err
	}
	value, err := w.field(valueField, s.Value(), nil)
	if err != nil {
		return nil, err
	}
	return arrayOf(entry), entry.setFields([]field{key, value})
}

func (w *writing) union(s *schema.Schema) (*Schema, error) {
	var types []*Schema
	if s.Optional() {
		types = append(types, primitive(kNull))
	}
	for i := range s.Fields() {
		t, err := w.within(madeRequired(s.Fields()[i].Schema()), true)
		if err != nil {
			return nil, err
		}
		types = append(types, t)
	}
	return unionOf(types...)
}

func (w *writing) record(s *schema.Schema) (*Schema, error) {
	n, err := w.nameOf(s)
	if err != nil {
		return nil, err
	}
	r, err := named(kRecord, n, true)
	if err != nil {
		return nil, err
	}
	if w.DiscardTypeDocDefault {
		r.doc = optionalParam(s, recordDocParam)
	} else {
		r.doc = optionalParam(s, avroRecordDoc)
	}
	if s.HasName() {
		w.structs[idOf(s)] = r
	}
	fields := make([]field, 0, len(s.Fields()))
	for i := range s.Fields() {
		f := &s.Fields()[i]
		fieldName := f.Name()
		if w.ScrubNames {
			fieldName = scrub(fieldName)
		}
		var doc *string
		if !w.DiscardTypeDocDefault {
			doc = optionalParam(s, avroFieldDoc+f.Name())
		}
		made, err := w.field(fieldName, f.Schema(), doc)
		if err != nil {
			return nil, err
		}
		fields = append(fields, made)
	}
	return r, r.setFields(fields)
}

func (w *writing) field(name string, s *schema.Schema, doc *string) (field, error) {
	f := field{name: name, doc: doc}
	var err error
	switch {
	case s.HasDefault():
		if f.def, err = w.defaultNode(s, s.Default()); err != nil {
			return f, err
		}
	case s.Optional():
		f.def = &node{}
	}
	if f.schema, err = w.schema(s, false); err != nil {
		return f, err
	}
	if w.DiscardTypeDocDefault {
		f.doc = nil
		if s.HasDoc() {
			d := s.Doc()
			f.doc = &d
		}
	}
	if err := checkName(name); err != nil {
		return f, err
	}
	if f.def != nil && !f.schema.accepts(f.def, 0) {
		f.def = nil
	}
	return f, nil
}

// annotate adds the properties that keep what Avro has no place for.
func (w *writing) annotate(s *schema.Schema, base *Schema) error {
	var all []error
	add := func(name string, n *node) { all = append(all, base.addProp(name, n)) }
	if w.ConnectMetadata {
		if err := w.metadata(s, add); err != nil {
			return err
		}
	}
	if s.HasName() {
		logical, err := logicalOf(s, base)
		if err != nil {
			return err
		}
		if logical != "" {
			add(logicalProp, textNode(logical))
		}
	}
	for _, p := range s.Params() {
		if strings.HasPrefix(p.Name, avroPrefix) {
			add(p.Name, textNode(p.Value))
		}
	}
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) metadata(s *schema.Schema, add func(string, *node)) error {
	if s.HasDoc() {
		add(docProp, textNode(s.Doc()))
	}
	if v, ok := s.Version(); ok {
		add(versionProp, intNode(int64(v)))
	}
	params := &node{kind: jsonObject}
	for _, p := range s.Params() {
		if w.DiscardTypeDocDefault || p.Name != avroFieldDefault {
			params.put(p.Name, textNode(p.Value))
		}
	}
	if len(params.members) > 0 {
		add(paramsProp, params)
	}
	if _, flagged := s.Param(avroFieldDefault); s.HasDefault() && (w.DiscardTypeDocDefault || !flagged) {
		def, err := w.defaultNode(s, s.Default())
		if err != nil {
			return err
		}
		add(defaultProp, def)
	}
	if s.HasName() {
		add(nameProp, textNode(s.Name()))
	}
	switch s.Type() {
	case schema.Int8:
		add(typeProp, textNode("int8"))
	case schema.Int16:
		add(typeProp, textNode("int16"))
	}
	return nil
}

// logicalOf is the logical type for a Connect schema's name.
func logicalOf(s *schema.Schema, base *Schema) (string, error) {
	wants := func(k kind, logical string) (string, error) {
		if base.kind != k {
			return "", errs.IllegalArgument("Logical type %s only supports type %s", logical, k)
		}
		return logical, nil
	}
	switch {
	case isNamed(s, schema.DecimalName):
		scale, precision, err := decimalOf(s)
		if err != nil {
			return "", err
		}
		if scale < 0 || scale > precision {
			return "decimal", nil
		}
		if err := base.checkDecimal(int32(precision), int32(scale)); err != nil { // #nosec G115 -- read as 32 bits
			return "", err
		}
		return "decimal", nil
	case isNamed(s, schema.TimeName):
		return wants(kInt, "time-millis")
	case isNamed(s, schema.TimestampName):
		return wants(kLong, "timestamp-millis")
	case isNamed(s, schema.DateName):
		return wants(kInt, "date")
	}
	return "", nil
}
