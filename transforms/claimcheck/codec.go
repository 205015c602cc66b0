package claimcheck

import (
	"encoding/binary"
	"math/big"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// magic begins what is stored, and says which form it has.
const magic = "MCC1"

// deepest bounds the nesting of schemas and values.
const deepest = 200

// Flags of a schema.
const (
	flagOptional = 1 << iota
	flagName
	flagVersion
	flagDoc
	flagParams
	flagDefault
)

// encode writes a value and its schema.
func encode(s *schema.Schema, v schema.Value) ([]byte, error) {
	w := writer{out: make([]byte, 0, sizeOf(v, 0)+sizeOf(v, 0)/4+256)}
	w.out = append(w.out, magic...)
	if s == nil {
		w.out = append(w.out, 0)
	} else {
		w.out = append(w.out, 1)
		w.schema(s, 0)
	}
	w.value(s, v, 0)
	if w.failed {
		return nil, errs.Data("The value cannot be put into a store: it is nested deeper than %d levels, or its parts do not fit its schema", deepest)
	}
	return w.out, nil
}

type writer struct {
	out    []byte
	failed bool
}

func (w *writer) count(n int) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

func (w *writer) text(s string) {
	w.count(len(s))
	w.out = append(w.out, s...)
}

func (w *writer) schema(s *schema.Schema, depth int) {
	if depth > deepest || s == nil {
		w.failed = true
		return
	}
	version, hasVersion := s.Version()
	flags := byte(0)
	for flag, set := range map[byte]bool{flagOptional: s.Optional(), flagName: s.HasName(), flagVersion: hasVersion, flagDoc: s.HasDoc(),
		flagParams: s.Params() != nil, flagDefault: s.HasDefault()} {
		if set {
			flags |= flag
		}
	}
	w.out = append(w.out, byte(s.Type()), flags)
	if s.HasName() {
		w.text(s.Name())
	}
	if hasVersion {
		w.out = binary.AppendVarint(w.out, int64(version))
	}
	if s.HasDoc() {
		w.text(s.Doc())
	}
	if s.Params() != nil {
		w.count(len(s.Params()))
		for _, p := range s.Params() {
			w.text(p.Name)
			w.text(p.Value)
		}
	}
	switch s.Type() {
	case schema.Array:
		w.schema(s.Value(), depth+1)
	case schema.Map:
		w.schema(s.Key(), depth+1)
		w.schema(s.Value(), depth+1)
	case schema.Struct:
		w.count(len(s.Fields()))
		for i := range s.Fields() {
			w.text(s.Fields()[i].Name())
			w.schema(s.Fields()[i].Schema(), depth+1)
		}
	}
	if s.HasDefault() {
		w.value(s, s.Default(), depth+1)
	}
}

func (w *writer) value(s *schema.Schema, v schema.Value, depth int) {
	if depth > deepest || w.failed {
		w.failed = true
		return
	}
	w.out = append(w.out, byte(v.Kind()))
	var element, key *schema.Schema
	if s != nil {
		element, key = s.Value(), s.Key()
	}
	switch v.Kind() {
	case schema.KindNull:
	case schema.KindBoolean:
		b := byte(0)
		if v.Boolean() {
			b = 1
		}
		w.out = append(w.out, b)
	case schema.KindFloat32:
		w.out = binary.BigEndian.AppendUint32(w.out, float32Bits(v))
	case schema.KindFloat64:
		w.out = binary.BigEndian.AppendUint64(w.out, float64Bits(v))
	case schema.KindString:
		w.text(v.Str())
	case schema.KindBytes:
		w.text(string(v.Bytes()))
	case schema.KindDecimal:
		w.out = binary.AppendVarint(w.out, int64(v.Decimal().Scale()))
		w.text(string(v.Decimal().UnscaledBytes()))
	case schema.KindDate:
		w.out = binary.AppendVarint(w.out, v.Date())
	case schema.KindArray:
		w.count(len(v.Array()))
		for _, e := range v.Array() {
			w.value(element, e, depth+1)
		}
	case schema.KindMap:
		w.count(v.Map().Len())
		for _, e := range v.Map().Entries() {
			w.value(key, e.Key, depth+1)
			w.value(element, e.Value, depth+1)
		}
	case schema.KindStruct:
		fields := v.Struct().Schema().Fields()
		if s == nil || len(s.Fields()) != len(fields) {
			w.failed = true
			return
		}
		for i := range fields {
			w.value(fields[i].Schema(), v.Struct().RawAt(i), depth+1)
		}
	default:
		n, _ := v.Integer()
		w.out = binary.AppendVarint(w.out, n)
	}
}

// decode reads what encode wrote.
func decode(b []byte) (s *schema.Schema, v schema.Value, err error) {
	r := reader{in: b}
	if string(r.take(len(magic))) != magic {
		return nil, v, errs.Data("What is stored was not written by ClaimCheck")
	}
	if r.byte() == 1 {
		s = r.schema(0)
	}
	if !r.failed {
		v = r.value(s, 0)
	}
	if r.failed || len(r.in) > 0 {
		return nil, schema.Value{}, errs.Data("What is stored is cut off or damaged")
	}
	return s, v, nil
}

type reader struct {
	in     []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.in) || r.failed {
		r.failed, r.in = true, nil
		return nil
	}
	b := r.in[:n:n]
	r.in = r.in[n:]
	return b
}

func (r *reader) byte() byte {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

// count reads a number of things that take at least one byte each.
func (r *reader) count() int {
	n, size := binary.Uvarint(r.in)
	if size <= 0 || n > uint64(len(r.in)) {
		r.failed, r.in = true, nil
		return 0
	}
	r.in = r.in[size:]
	return int(n)
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.in)
	if size <= 0 {
		r.failed, r.in = true, nil
		return 0
	}
	r.in = r.in[size:]
	return n
}

func (r *reader) text() string { return string(r.take(r.count())) }

func (r *reader) schema(depth int) *schema.Schema {
	typ, flags := schema.Type(r.byte()), r.byte()
	if depth > deepest || r.failed || typ < schema.Int8 || typ > schema.Struct {
		r.failed = true
		return nil
	}
	var name, doc string
	var version int64
	var params []schema.Param
	if flags&flagName != 0 {
		name = r.text()
	}
	if flags&flagVersion != 0 {
		version = r.varint()
	}
	if flags&flagDoc != 0 {
		doc = r.text()
	}
	if flags&flagParams != 0 {
		n := r.count()
		params = make([]schema.Param, 0, min(n, 64))
		for range n {
			params = append(params, schema.Param{Name: r.text(), Value: r.text()})
		}
	}
	b := r.body(typ, depth)
	if r.failed {
		return nil
	}
	b.SetOptional(flags&flagOptional != 0).Params(params)
	if flags&flagName != 0 {
		b.Name(name)
	}
	if flags&flagVersion != 0 {
		b.Version(int32(version))
	}
	if flags&flagDoc != 0 {
		b.Doc(doc)
	}
	if flags&flagDefault != 0 {
		b.Default(r.value(b.Ref(), depth+1))
	}
	s, err := b.Build()
	r.failed = r.failed || err != nil
	return s
}

// body starts a schema with what it is made of.
func (r *reader) body(typ schema.Type, depth int) *schema.Builder {
	switch typ {
	case schema.Array:
		return schema.NewArray(r.schema(depth + 1))
	case schema.Map:
		key := r.schema(depth + 1)
		return schema.NewMapOf(key, r.schema(depth+1))
	case schema.Struct:
		b := schema.NewStruct()
		for range r.count() {
			if r.failed {
				break
			}
			name := r.text()
			b.Field(name, r.schema(depth+1))
		}
		return b
	}
	return schema.NewBuilder(typ)
}

func (r *reader) value(s *schema.Schema, depth int) schema.Value {
	kind := schema.Kind(r.byte())
	if depth > deepest || r.failed || s != nil && kind != schema.KindNull && kind != s.ValueKind() {
		r.failed = true
		return schema.Value{}
	}
	var element, key *schema.Schema
	if s != nil {
		element, key = s.Value(), s.Key()
	}
	switch kind {
	case schema.KindNull:
		return schema.Value{}
	case schema.KindInt8:
		return schema.OfInt8(int8(r.varint()))
	case schema.KindInt16:
		return schema.OfInt16(int16(r.varint()))
	case schema.KindInt32:
		return schema.OfInt32(int32(r.varint()))
	case schema.KindInt64:
		return schema.OfInt64(r.varint())
	case schema.KindFloat32:
		if b := r.take(4); b != nil {
			return ofFloat32Bits(binary.BigEndian.Uint32(b))
		}
	case schema.KindFloat64:
		if b := r.take(8); b != nil {
			return ofFloat64Bits(binary.BigEndian.Uint64(b))
		}
	case schema.KindBoolean:
		return schema.OfBoolean(r.byte() == 1)
	case schema.KindString:
		return schema.OfString(r.text())
	case schema.KindBytes:
		return schema.OfBytes(r.take(r.count()))
	case schema.KindDecimal:
		scale := int32(r.varint())
		if b := r.take(r.count()); len(b) > 0 {
			return schema.OfDecimal(schema.DecimalFromBytes(b, scale))
		}
		return schema.OfDecimal(schema.NewDecimal(new(big.Int), scale))
	case schema.KindDate:
		return schema.OfDate(r.varint())
	case schema.KindArray:
		n := r.count()
		list := make([]schema.Value, 0, min(n, 4096))
		for range n {
			if r.failed {
				break
			}
			list = append(list, r.value(element, depth+1))
		}
		return schema.OfArray(list)
	case schema.KindMap:
		n := r.count()
		m := schema.NewMap(min(n, 4096))
		for range n {
			if r.failed {
				break
			}
			k := r.value(key, depth+1)
			m.Put(k, r.value(element, depth+1))
		}
		return schema.OfMap(m)
	case schema.KindStruct:
		if s != nil {
			values := make([]schema.Value, len(s.Fields()))
			for i := range values {
				if r.failed {
					break
				}
				values[i] = r.value(s.Fields()[i].Schema(), depth+1)
			}
			return schema.OfStruct(schema.StructOf(s, values))
		}
		r.failed = true
	default:
		r.failed = true
	}
	return schema.Value{}
}
