package avro

import (
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// defaultNode writes a default as JSON.
func (w *writing) defaultNode(s *schema.Schema, v schema.Value) (*node, error) {
	if v.IsNull() {
		return &node{}, nil
	}
	if w.depth++; w.depth > maxDepth {
		return nil, tooDeep()
	}
	defer func() { w.depth-- }()
	raw, err := fromLogical(s, v)
	if err != nil {
		return nil, err
	}
	if raw.Kind() != schema.Kind(s.Type()) {
		return nil, errs.Data("Invalid type used for default value of %s field: class %s", s.Type(), s.Default().Kind().JavaClass())
	}
	switch raw.Kind() {
	case schema.KindInt8, schema.KindInt16, schema.KindInt32, schema.KindInt64:
		n, _ := raw.Integer()
		return intNode(n), nil
	case schema.KindFloat32:
		return &node{kind: jsonFloat, float: float64(raw.Float32())}, nil
	case schema.KindFloat64:
		return &node{kind: jsonDouble, float: raw.Float64()}, nil
	case schema.KindBoolean:
		return &node{kind: jsonBool, yes: raw.Boolean()}, nil
	case schema.KindString:
		return textNode(raw.Str()), nil
	case schema.KindBytes:
		return textNode(latin1(raw.Bytes())), nil
	case schema.KindArray:
		list := &node{kind: jsonArray}
		for _, e := range raw.Array() {
			n, err := w.defaultNode(s.Value(), e)
			if err != nil {
				return nil, err
			}
			list.list = append(list.list, n)
		}
		return list, nil
	case schema.KindMap:
		return w.defaultMap(s, raw.Map())
	}
	return w.defaultStruct(s, raw.Struct())
}

func (w *writing) defaultMap(s *schema.Schema, m *schema.MapValue) (*node, error) {
	named := w.stringKeys(s)
	out := &node{kind: jsonArray}
	if named {
		out.kind = jsonObject
	}
	for _, e := range m.Entries() {
		value, err := w.defaultNode(s.Value(), e.Value)
		if err != nil {
			return nil, err
		}
		if named {
			if e.Key.Kind() != schema.KindString {
				return nil, errs.Data("Invalid type used for default value of %s field: class %s", s.Type(), schema.KindMap.JavaClass())
			}
			out.put(e.Key.Str(), value)
			continue
		}
		key, err := w.defaultNode(s.Key(), e.Key)
		if err != nil {
			return nil, err
		}
		out.list = append(out.list, &node{kind: jsonArray, list: []*node{key, value}})
	}
	return out, nil
}

func (w *writing) defaultStruct(s *schema.Schema, st *schema.StructValue) (*node, error) {
	out := &node{kind: jsonObject}
	for i := range s.Fields() {
		f := &s.Fields()[i]
		v, err := st.Get(f.Name())
		if err != nil {
			return nil, err
		}
		n, err := w.defaultNode(f.Schema(), v)
		if err != nil || isUnion(s) {
			return n, err
		}
		name := f.Name()
		if w.ScrubNames {
			name = scrub(name)
		}
		out.put(name, n)
	}
	return out, nil
}

// latin1 is bytes as text, a character each.
func latin1(b []byte) string {
	var t strings.Builder
	for _, c := range b {
		t.WriteRune(rune(c))
	}
	return t.String()
}

// accepts says whether a default is valid for the schema, in any type of a union.
func (s *Schema) accepts(n *node, depth int) bool {
	if n == nil || depth > maxNesting {
		return false
	}
	switch s.kind {
	case kNull:
		return n.kind == jsonNull
	case kBoolean:
		return n.kind == jsonBool
	case kInt:
		return n.isInt32()
	case kLong:
		return n.kind == jsonInt
	case kFloat, kDouble:
		return n.isNumber()
	case kArray:
		for _, e := range n.list {
			if !s.items.accepts(e, depth+1) {
				return false
			}
		}
		return n.kind == jsonArray
	case kMap:
		for i := range n.members {
			if !s.items.accepts(n.members[i].value, depth+1) {
				return false
			}
		}
		return n.kind == jsonObject
	case kUnion:
		return slices.ContainsFunc(s.types, func(t *Schema) bool { return t.accepts(n, depth+1) })
	case kRecord:
		return s.acceptsRecord(n, depth)
	}
	return n.kind == jsonText
}

func (s *Schema) acceptsRecord(n *node, depth int) bool {
	if n.kind != jsonObject {
		return false
	}
	for i := range s.fields {
		v := n.get(s.fields[i].name)
		if v == nil {
			v = s.fields[i].def
		}
		if !s.fields[i].schema.accepts(v, depth+1) {
			return false
		}
	}
	return true
}
