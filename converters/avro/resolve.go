package avro

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/moldau-io/moldau/connect/errs"
)

// resolver finds what of a writer's schema is what of a reader's (org.apache.avro.Resolver
// and Schema.applyAliases).
type resolver struct {
	// records are the reader's names for those of the writer, by alias.
	records map[string]string
	// fields are the same for fields, by the record's name as the reader has it.
	fields map[string]map[string]string
}

func newResolver(reader *Schema) *resolver {
	r := &resolver{records: map[string]string{}, fields: map[string]map[string]string{}}
	r.collect(reader, map[*Schema]bool{})
	return r
}

func (r *resolver) collect(s *Schema, seen map[*Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	for _, a := range s.aliases {
		r.records[a] = s.name.full
	}
	for i := range s.fields {
		f := &s.fields[i]
		for _, a := range f.aliases {
			if r.fields[s.name.full] == nil {
				r.fields[s.name.full] = map[string]string{}
			}
			r.fields[s.name.full][a] = f.name
		}
		r.collect(f.schema, seen)
	}
	r.collect(s.items, seen)
	for _, t := range s.types {
		r.collect(t, seen)
	}
}

// name is the full name of a writer's type as the reader calls it.
func (r *resolver) name(w *Schema) string {
	if n, ok := r.records[w.fullName()]; ok && w.kind.isNamed() {
		return n
	}
	return w.fullName()
}

func (r *resolver) simpleName(w *Schema) string { return newName(r.name(w), "").simple }

// field is the name of a writer's field as the reader calls it.
func (r *resolver) field(w *Schema, f *field) string {
	if n, ok := r.fields[r.name(w)][f.name]; ok {
		return n
	}
	return f.name
}

// promotes says whether numbers of one type can be read as those of another, and strings
// as bytes and bytes as strings.
func promotes(w, r kind) bool {
	switch w {
	case kInt:
		return r == kLong || r == kFloat || r == kDouble
	case kLong:
		return r == kFloat || r == kDouble
	case kFloat:
		return r == kDouble
	case kString:
		return r == kBytes
	case kBytes:
		return r == kString
	}
	return false
}

// mismatch is the error of reading what was written as another schema.
func mismatch(w, r *Schema, why string) error {
	return errs.New(classType, "Found %s, expecting %s%s", w.fullName(), r.fullName(), why)
}

// match says why a writer's type, which is no union, cannot be read as the reader's,
// which is no union either. What is within is not looked at.
func (r *resolver) match(w, reader *Schema) error {
	switch {
	case w.kind != reader.kind:
		if !promotes(w.kind, reader.kind) {
			return mismatch(w, reader, "")
		}
	case (w.kind == kEnum || w.kind == kFixed) && r.simpleName(w) != reader.name.simple:
		return mismatch(w, reader, "")
	case w.kind == kFixed && w.size != reader.size:
		return errs.New(classType, "Size mismatch in fixed %s: found %d, expecting %d", w.fullName(), w.size, reader.size)
	case w.kind == kRecord:
		if f := r.missing(w, reader); f != nil {
			return mismatch(w, reader, ", missing required field "+f.name)
		}
	}
	return nil
}

// missing is a field without a default that the writer does not have.
func (r *resolver) missing(w, reader *Schema) *field {
	has := r.named(w)
	for i := range reader.fields {
		if f := &reader.fields[i]; has[f.name] == nil && f.def == nil {
			return f
		}
	}
	return nil
}

// named are the writer's fields by the reader's names.
func (r *resolver) named(w *Schema) map[string]*field {
	has := make(map[string]*field, len(w.fields))
	for i := range w.fields {
		has[r.field(w, &w.fields[i])] = &w.fields[i]
	}
	return has
}

// readable says whether a record can be read as another, as far as its fields' own types
// show. What is within those is not looked at.
func (r *resolver) readable(w, reader *Schema, seen map[[2]*Schema]bool) bool {
	pair := [2]*Schema{w, reader}
	if seen[pair] {
		return true
	}
	seen[pair] = true
	if r.missing(w, reader) != nil {
		return false
	}
	for name, f := range r.named(w) {
		of := reader.field(name)
		switch {
		case of == nil, f.schema.kind == kUnion:
		case of.schema.kind == kUnion:
			if r.branch(f.schema, of.schema, seen) < 0 {
				return false
			}
		case r.match(f.schema, of.schema) != nil:
			return false
		}
	}
	return true
}

// branch is the place in the reader's union that a writer's type is read as, or -1: the
// type of the same name, else a record of another name that has the fields, else one that
// numbers can be promoted to.
func (r *resolver) branch(w, union *Schema, seen map[[2]*Schema]bool) int {
	alike := -1
	for i, t := range union.types {
		if t.kind != w.kind {
			continue
		}
		if !w.kind.isNamed() || r.name(w) == t.fullName() {
			return i
		}
		if w.kind == kRecord && (alike < 0 || r.simpleName(w) == t.name.simple) && r.readable(w, t, seen) {
			alike = i
		}
	}
	if alike >= 0 {
		return alike
	}
	for i, t := range union.types {
		if promotes(w.kind, t.kind) {
			return i
		}
	}
	return -1
}

// same says whether two schemas have the same structure and the same names but for their
// namespaces, so that the types of two unions correspond by their places.
func (r *resolver) same(w, reader *Schema, seen map[[2]*Schema]bool) bool {
	if w.kind != reader.kind || w.kind.isNamed() && r.simpleName(w) != reader.name.simple {
		return false
	}
	switch w.kind {
	case kArray, kMap:
		return r.same(w.items, reader.items, seen)
	case kFixed:
		return w.size == reader.size
	case kEnum:
		return slices.Equal(w.symbols, reader.symbols)
	case kUnion:
		return slices.EqualFunc(w.types, reader.types, func(a, b *Schema) bool { return r.same(a, b, seen) })
	case kRecord:
		pair := [2]*Schema{w, reader}
		if ok, known := seen[pair]; known {
			return ok
		}
		seen[pair] = true
		ok := len(w.fields) == len(reader.fields)
		for i := range w.fields {
			ok = ok && r.field(w, &w.fields[i]) == reader.fields[i].name && r.same(w.fields[i].schema, reader.fields[i].schema, seen)
		}
		seen[pair] = ok
		return ok
	}
	return true
}

// appendDefault writes a default in binary.
func appendDefault(dst []byte, s *Schema, n *node, depth int) ([]byte, error) {
	wrong := errs.New(classType, "%s is no default for %s", n, s.fullName())
	if n == nil || depth > maxNesting {
		return dst, wrong
	}
	var err error
	switch s.kind {
	case kNull:
		if n.kind == jsonNull {
			return dst, nil
		}
	case kBoolean:
		if n.kind == jsonBool {
			if n.yes {
				return append(dst, 1), nil
			}
			return append(dst, 0), nil
		}
	case kInt, kLong:
		if n.isNumber() {
			return binary.AppendVarint(dst, n.asInt64()), nil
		}
	case kFloat:
		if n.isNumber() {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(n.asFloat()))), nil
		}
	case kDouble:
		if n.isNumber() {
			return binary.LittleEndian.AppendUint64(dst, math.Float64bits(n.asFloat())), nil
		}
	case kString:
		if n.kind == jsonText {
			return append(binary.AppendVarint(dst, int64(len(n.text))), n.text...), nil
		}
	case kBytes, kFixed:
		if n.kind == jsonText {
			b := fromLatin1(n.text)
			if s.kind == kFixed {
				return append(dst, append(b, make([]byte, max(0, s.size-len(b)))...)[:s.size]...), nil
			}
			return append(binary.AppendVarint(dst, int64(len(b))), b...), nil
		}
	case kEnum:
		for i, symbol := range s.symbols {
			if n.kind == jsonText && symbol == n.text {
				return binary.AppendVarint(dst, int64(i)), nil
			}
		}
	case kArray:
		if n.kind == jsonArray {
			if len(n.list) > 0 {
				dst = binary.AppendVarint(dst, int64(len(n.list)))
			}
			for _, e := range n.list {
				if dst, err = appendDefault(dst, s.items, e, depth+1); err != nil {
					return dst, err
				}
			}
			return append(dst, 0), nil
		}
	case kMap:
		if n.kind == jsonObject {
			if len(n.members) > 0 {
				dst = binary.AppendVarint(dst, int64(len(n.members)))
			}
			for _, m := range n.members {
				dst = append(binary.AppendVarint(dst, int64(len(m.name))), m.name...)
				if dst, err = appendDefault(dst, s.items, m.value, depth+1); err != nil {
					return dst, err
				}
			}
			return append(dst, 0), nil
		}
	case kUnion:
		for i, t := range s.types {
			if t.suits(n) {
				return appendDefault(binary.AppendVarint(dst, int64(i)), t, n, depth+1)
			}
		}
	case kRecord:
		if n.kind == jsonObject {
			for i := range s.fields {
				v := n.get(s.fields[i].name)
				if v == nil {
					v = s.fields[i].def
				}
				if dst, err = appendDefault(dst, s.fields[i].schema, v, depth+1); err != nil {
					return dst, err
				}
			}
			return dst, nil
		}
	}
	return dst, wrong
}

// suits says whether JSON is of the sort that a type's default is.
func (s *Schema) suits(n *node) bool {
	switch s.kind {
	case kNull:
		return n.kind == jsonNull
	case kBoolean:
		return n.kind == jsonBool
	case kInt, kLong:
		return n.isWhole()
	case kFloat, kDouble:
		return n.isNumber()
	case kArray:
		return n.kind == jsonArray
	case kMap, kRecord:
		return n.kind == jsonObject
	}
	return n.kind == jsonText
}
