package jsonschema

import (
	"strings"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/converters/json"
)

// Document returns the JSON Schema document of a Connect schema, in the text that
// Confluent's converter registers for it. A nil schema has none.
func (c *Codec) Document(s *schema.Schema) ([]byte, error) {
	w := writer{opts: &c.opts, codec: c, ids: map[string]bool{}}
	n, err := w.schema(s, noIndex, false)
	if err != nil {
		return nil, err
	}
	return n.append(nil, appendRaw), nil
}

// appendRaw writes a string of a document: as in values, but for characters beyond the
// basic plane, which stand as they are.
func appendRaw(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return r > 0xffff })
		if end < 0 {
			end = len(s)
		}
		// The quotes around the part are not wanted.
		at := len(dst)
		dst = json.AppendString(dst, s[:end])
		dst = append(dst[:at], dst[at+1:len(dst)-1]...)
		s = s[end:]
		if s != "" {
			_, size := utf8.DecodeRuneInString(s)
			dst = append(dst, s[:size]...)
			s = s[size:]
		}
	}
	return append(dst, '"')
}

// noIndex stands for a schema that is no field of a struct or union.
const noIndex = -1

// writer makes one document.
type writer struct {
	opts  *Options
	codec *Codec
	ids   map[string]bool // of the schemas written so far
}

// draft is a schema of the document being put together. Its keywords come out in the
// order type, annotations, connect properties, and the keywords of the type.
type draft struct {
	typ      string
	enum     *node
	title    *string
	doc      *string
	def      *node
	id       *string
	props    map[string]*node
	specific []member
	late     bool // the type comes last
	closed   bool // no further properties
}

func (d *draft) node() *node {
	n := &node{kind: object}
	if d.typ != "" && !d.late {
		n.put("type", textNode(d.typ))
	}
	if d.enum != nil {
		n.put("enum", d.enum)
	}
	if d.closed {
		n.put("additionalProperties", &node{kind: boolean})
	}
	for _, m := range []struct {
		name string
		text *string
	}{{"title", d.title}, {"description", d.doc}} {
		if m.text != nil {
			n.put(m.name, textNode(*m.text))
		}
	}
	if d.def != nil {
		n.put("default", d.def)
	}
	if d.id != nil {
		n.put("id", textNode(*d.id))
	}
	names := make([]string, 0, len(d.props))
	for _, name := range []string{indexProp, versionProp, typeProp, paramsProp} {
		if d.props[name] != nil {
			names = append(names, name)
		}
	}
	copyOrder(names)
	for _, name := range names {
		n.put(name, d.props[name])
	}
	for _, m := range d.specific {
		n.put(m.name, m.value)
	}
	if d.late {
		n.put("type", textNode(d.typ))
	}
	return n
}

var nullSchema = &node{kind: object, members: []member{{"type", textNode("null")}}}

func oneOf(branches ...*node) member {
	return member{"oneOf", &node{kind: array, list: branches}}
}

var writtenTypes = [...]struct{ typ, connect string }{
	schema.Int8: {"integer", "int8"}, schema.Int16: {"integer", "int16"}, schema.Int32: {"integer", "int32"},
	schema.Int64: {"integer", "int64"}, schema.Float32: {"number", "float32"}, schema.Float64: {"number", "float64"},
	schema.Boolean: {"boolean", ""}, schema.String: {"string", ""}, schema.Bytes: {"string", "bytes"},
}

// schema writes one schema; required leaves out that null is allowed.
func (w *writer) schema(s *schema.Schema, index int, required bool) (*node, error) {
	id, hasID := s.Param(idParam)
	if hasID {
		w.ids[id] = true
	}
	d := &draft{props: map[string]*node{}}
	combined := false
	var err error
	switch t := s.Type(); t {
	case schema.Array:
		err = w.array(d, s)
	case schema.Map:
		err = w.mapping(d, s)
	case schema.Struct:
		combined, err = w.structure(d, s, required)
	default:
		d.typ, d.late = writtenTypes[t].typ, t == schema.Boolean
		if t == schema.Bytes && s.Name() == schema.DecimalName && w.opts.Numeric {
			d.typ = "number"
		}
		if name := writtenTypes[t].connect; name != "" {
			d.props[typeProp] = textNode(name)
		}
		if t == schema.String {
			w.enum(d, s)
		}
	}
	if err != nil {
		return nil, err
	}
	if !combined {
		if err := w.annotate(d, s); err != nil {
			return nil, err
		}
		if s.Optional() && !required {
			d = &draft{props: map[string]*node{}, specific: []member{oneOf(nullSchema, d.node())}}
		}
	}
	if hasID {
		d.id = &id
	}
	if index != noIndex {
		d.props[indexProp] = intNode(int64(index))
	}
	return d.node(), nil
}

func (w *writer) annotate(d *draft, s *schema.Schema) error {
	if s.HasName() {
		name := s.Name()
		d.title = &name
	}
	if v, ok := s.Version(); ok {
		d.props[versionProp] = intNode(int64(v))
	}
	if s.HasDoc() {
		doc := s.Doc()
		d.doc = &doc
	}
	var names []string
	for _, p := range s.Params() {
		if !strings.HasPrefix(p.Name, namespace) {
			names = append(names, p.Name)
		}
	}
	if len(names) > 0 {
		hashOrder(names, grownCapacity(len(names)))
		hashOrder(names, sizedCapacity(len(names)))
		params := &node{kind: object}
		for _, name := range names {
			value, _ := s.Param(name)
			params.put(name, textNode(value))
		}
		d.props[paramsProp] = params
	}
	if !s.HasDefault() {
		return nil
	}
	text, ok, err := w.codec.append(nil, s, s.Default())
	if err != nil || !ok {
		return err
	}
	if d.def, err = parse(text); err == nil {
		d.def.normalize()
	}
	return err
}

// normalize gives a default value the form that org.json writes: no zeros at the end
// of decimals, members in the order of a HashMap.
func (n *node) normalize() {
	switch n.kind {
	case decimal:
		if s := n.num.String(); strings.Contains(s, ".") && !strings.Contains(s, "E") {
			if d, ok := schema.ParseDecimal(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")); ok {
				n.num = d
			}
		}
	case array:
		for _, e := range n.list {
			e.normalize()
		}
	case object:
		names := make([]string, len(n.members))
		of := make(map[string]*node, len(n.members))
		for i, m := range n.members {
			names[i], of[m.name] = m.name, m.value
			m.value.normalize()
		}
		hashOrder(names, grownCapacity(len(names)))
		for i, name := range names {
			n.members[i] = member{name, of[name]}
		}
		n.index = nil
	}
}

// enum makes a schema of a string an enumeration where its parameters name symbols.
func (w *writer) enum(d *draft, s *schema.Schema) {
	_, general := s.Param(sumEnumParam)
	if _, own := s.Param(enumParam); !own && !general {
		return
	}
	prefix := enumParam + "."
	if w.opts.GeneralizedSumTypes {
		prefix = sumEnumParam + "."
	}
	var names []string
	hasNull := false
	for _, p := range s.Params() {
		switch symbol, ok := strings.CutPrefix(p.Name, prefix); {
		case !ok:
		case symbol == nullMarker:
			hasNull = true
		default:
			names = append(names, symbol)
		}
	}
	size := len(names)
	if hasNull {
		size++
	}
	hashOrder(names, grownCapacity(size))
	d.typ, d.enum = "", &node{kind: array}
	if hasNull { // null is the first entry of a HashSet
		d.enum.list = append(d.enum.list, nullNode)
	}
	for _, name := range names {
		d.enum.list = append(d.enum.list, textNode(name))
	}
}

// member writes the schema of an element or a field, by reference where it was
// written before.
func (w *writer) member(s *schema.Schema, index int) (*node, error) {
	if id, ok := s.Param(idParam); ok && w.ids[id] {
		return &node{kind: object, members: []member{{"$ref", textNode(id)}}}, nil
	}
	return w.schema(s, index, false)
}

func (w *writer) array(d *draft, s *schema.Schema) error {
	items, err := w.member(s.Value(), noIndex)
	if err != nil {
		return err
	}
	d.typ, d.specific = "array", []member{{"items", items}}
	return nil
}

// mapping writes a map: an object if the keys are required strings, else an array of
// objects with key and value.
func (w *writer) mapping(d *draft, s *schema.Schema) error {
	d.props[typeProp] = textNode("map")
	if plainKeys(s) {
		values, err := w.schema(s.Value(), noIndex, false)
		if err != nil {
			return err
		}
		d.typ, d.specific = "object", []member{{"additionalProperties", values}}
		return nil
	}
	key, err := w.schema(s.Key(), 0, false)
	if err != nil {
		return err
	}
	value, err := w.schema(s.Value(), 1, false)
	if err != nil {
		return err
	}
	entry := &draft{typ: "object", specific: []member{properties([]string{keyName, valueName}, map[string]*node{keyName: key, valueName: value})}}
	d.typ, d.specific = "array", []member{{"items", entry.node()}}
	return nil
}

// plainKeys says whether the keys of a map can be names of an object's members.
func plainKeys(s *schema.Schema) bool {
	return s.Key().Type() == schema.String && !s.Key().Optional()
}

func properties(names []string, of map[string]*node) member {
	hashOrder(names, grownCapacity(len(names)))
	n := &node{kind: object}
	for _, name := range names {
		n.put(name, of[name])
	}
	return member{"properties", n}
}

// structure writes a struct or a union; combined says that the result is a oneOf.
func (w *writer) structure(d *draft, s *schema.Schema, required bool) (combined bool, err error) {
	if isUnion(s) {
		var branches []*node
		if s.Optional() && !required {
			branches = append(branches, nullSchema)
		}
		for i := range s.Fields() {
			f := &s.Fields()[i]
			branch, err := w.schema(f.Schema(), f.Index(), true)
			if err != nil {
				return true, err
			}
			branches = append(branches, branch)
		}
		d.specific = []member{oneOf(branches...)}
		return true, nil
	}
	if s.Optional() && !required {
		plain, err := w.schema(s, noIndex, true)
		if err != nil {
			return true, err
		}
		d.specific = []member{oneOf(nullSchema, plain)}
		return true, nil
	}
	names := make([]string, len(s.Fields()))
	of := make(map[string]*node, len(names))
	for i := range s.Fields() {
		f := &s.Fields()[i]
		names[i] = f.Name()
		if of[f.Name()], err = w.member(f.Schema(), f.Index()); err != nil {
			return false, err
		}
	}
	d.typ = "object"
	d.closed = !w.opts.AdditionalProperties
	if len(names) > 0 {
		d.specific = append(d.specific, properties(names, of))
	}
	return false, nil
}

// isUnion says whether a struct stands for a union.
func isUnion(s *schema.Schema) bool {
	if s.Type() != schema.Struct {
		return false
	}
	if s.HasName() && s.Name() == oneOfName {
		return true
	}
	_, ok := s.Param(sumUnionParam)
	return ok
}
